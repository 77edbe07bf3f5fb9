// The words of clamd(8), as bytes: a message for INSTREAM, its reply, and VERSION's.  One
// connection is for one command.  Pure: no socket, no clock.
#ifndef SEKISHO_INSPECT_CLAMD_H
#define SEKISHO_INSPECT_CLAMD_H

#include "inspect/scan.h"

// With their NUL.
#define CLAMD_INSTREAM "zINSTREAM"
#define CLAMD_VERSION  "zVERSION"

enum { CLAMD_REPLY_MAX = 512, CLAMD_HEAD = 4, CLAMD_VERSION_MAX = 64 };

// What comes before n bytes of a message; n 0: that was all.
void clamd_head(uint32_t n, uint8_t out[CLAMD_HEAD]);

struct clamd_reply {
	char text[CLAMD_REPLY_MAX];
	size_t n;
	bool whole, bad; // its NUL came; it has more bytes than a reply can have, or behind the NUL
};
// Bytes of the reply, in order.  Nothing counts once it is whole or bad.
void clamd_reply_read(struct clamd_reply *reply, const uint8_t *bytes, size_t n);
// complete: all of the message was sent.  What is not whole, or makes no sense, is SCAN_DOWN; so is
// a message that is said to be clean before it was sent.
void clamd_reply_verdict(const struct clamd_reply *reply, bool complete, struct scan_result *ret);

struct clamd_version {
	char version[CLAMD_VERSION_MAX];	    // "ClamAV 1.4.6", printable ASCII
	uint32_t definitions;			    // their number, 0: not known
	bool dated;				    // the following, in the scanner's own time
	int year, month, day, hour, minute, second; // month 1 to 12
};
bool clamd_version_read(const struct clamd_reply *reply, struct clamd_version *ret);

#endif
