// The words of clamd(8), as bytes: a message for INSTREAM, its reply, and VERSION's.  One
// connection is for one command.  Pure: no socket, no clock.
#ifndef SEKISHO_INSPECT_CLAMD_H
#define SEKISHO_INSPECT_CLAMD_H

#include "inspect/scan.h"

// With their NUL.
#define CLAMD_INSTREAM "zINSTREAM"
#define CLAMD_VERSION  "zVERSION"

enum { CLAMD_REPLY_MAX = 512, CLAMD_VERSION_MAX = 64 };

// As scan_words.read: up to its NUL, CLAMD_REPLY_MAX bytes at most.
void clamd_reply_read(struct scan_reply *reply, const uint8_t *bytes, size_t n);

struct clamd_version {
	char version[CLAMD_VERSION_MAX];	    // "ClamAV 1.4.6", printable ASCII
	uint32_t definitions;			    // their number, 0: not known
	bool dated;				    // the following, in the scanner's own time
	int year, month, day, hour, minute, second; // month 1 to 12
};
bool clamd_version_read(const struct scan_reply *reply, struct clamd_version *ret);

#endif
