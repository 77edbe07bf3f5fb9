// A message at a malware scanner, as the engine sees it: it gives the message's bytes while they go
// by and gets one verdict.  How they come to the scanner is its host's (clamd.h has the words,
// daemon/scans.h the descriptors).
//
//	begin        a message begins; false: there is no scanner
//	bytes        of the message, dots taken out; false: the scanner is behind, so that what
// comes 	             is to wait, until engine_scan_room() 	end          that was all
// drop         the verdict is not needed any more; none comes
//
// The verdict comes by engine_scanned(), once, at any time after begin, and never from within one
// of these calls.
#ifndef SEKISHO_INSPECT_SCAN_H
#define SEKISHO_INSPECT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scan_verdict {
	SCAN_CLEAN,
	SCAN_INFECTED,
	SCAN_ENCRYPTED, // it could not look inside
	SCAN_TOO_BIG,	// for the scanner
	SCAN_DOWN,	// it said nothing, or what makes no sense
	SCAN_BUSY,	// there is no room for another message
};

enum { SCAN_NAME_MAX = 96 };

struct scan_result {
	enum scan_verdict verdict;
	char name[SCAN_NAME_MAX]; // what was found: letters, digits and . _ - / : alone; or ""
};

struct scan_host {
	bool (*begin)(void *arg, uint32_t seconds); // until there is no verdict
	bool (*bytes)(void *arg, const uint8_t *bytes, size_t n);
	void (*end)(void *arg);
	void (*drop)(void *arg);
};

#endif
