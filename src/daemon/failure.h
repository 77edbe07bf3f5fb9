// Why something could not be done, for the one who reports it: a code, words, and a place of the
// policy if one is to blame.
#ifndef SEKISHO_DAEMON_FAILURE_H
#define SEKISHO_DAEMON_FAILURE_H

#include <stdint.h>

#include "base/diag.h"

struct failure {
	enum diag_code code;
	char text[640];
	char file[512]; // "": no place
	uint32_t line, column, column_end;
};

// Fills failure and returns error (negative errno), so that a caller can return the call.
int failure_set(struct failure *failure, enum diag_code code, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
