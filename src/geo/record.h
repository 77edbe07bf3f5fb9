// A record of a database's data section, looked through before the library is let near it: every
// value lies within the section, nothing nests deeply, no pointer leads to a pointer, and all of it
// is few values.  Form: the MaxMind DB file format, version 2.0.
#ifndef SEKISHO_GEO_RECORD_H
#define SEKISHO_GEO_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum {
	RECORD_DEPTH_MAX = 32,
	RECORD_VALUES_MAX = 10000, // of one record, those behind pointers included
};

// *steps is counted up by the values that were looked at.  0, or -EBADMSG.
int record_check(const uint8_t *section, size_t size, size_t offset, uint64_t *steps);

#endif
