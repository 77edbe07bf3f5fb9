// A message at a malware scanner, as the engine sees it: it gives the message's bytes while they go
// by and gets one verdict.  How they come to the scanner is its host's (clamd.h and
// icap.h have the words, daemon/scans.h the descriptors).
//
//	begin   a message begins; false: there is no scanner
//	bytes   of the message, dots taken out; false: the scanner is behind, and what comes is
//	        to wait, until engine_scan_room()
//	end     that was all
//	drop    the verdict is not needed any more; none comes
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

enum { SCAN_NAME_MAX = 96, SCAN_OPEN_MAX = 1024, SCAN_HEAD_MAX = 12, SCAN_SERVICE_MAX = 256 };

struct scan_result {
	enum scan_verdict verdict;
	char name[SCAN_NAME_MAX]; // what was found: letters, digits and . _ - / : alone; or ""
	bool old;		  // its definitions are older than they may be
};

// Of a name that a scanner gave, of n bytes: what it means, and the name in plain ASCII, for it
// goes into replies and records and definitions are made by strangers.
void scan_found(const char *name, size_t n, struct scan_result *ret);

// What a scanner says, as it comes.
enum { SCAN_REPLY_MAX = 2048 };
struct scan_reply {
	char text[SCAN_REPLY_MAX]; // ends in a NUL
	size_t n;
	bool whole, bad; // its end came; it makes no sense: nothing counts any more
};

// The words of a scanner as bytes.  One connection is for one message.
struct scan_words {
	// What comes before all; service as the box file names it.  Its size.
	size_t (*open)(const char *service, uint8_t out[SCAN_OPEN_MAX]);
	// Before n bytes of a message; its size.
	size_t (*head)(uint32_t n, uint8_t out[SCAN_HEAD_MAX]);
	const char *tail; // behind them
	size_t n_tail;
	const char *end; // that was all
	size_t n_end;
	// Bytes of the reply, in order.
	void (*read)(struct scan_reply *reply, const uint8_t *bytes, size_t n);
	// complete: all of the message was sent.  What is not whole, or makes no sense, is
	// SCAN_DOWN; so is a message that is said to be clean before it was sent.
	void (*verdict)(const struct scan_reply *reply, bool complete, struct scan_result *ret);
};
extern const struct scan_words clamd_words, icap_words; // clamd.h, icap.h

struct scan_host {
	bool (*begin)(void *arg, uint32_t seconds); // until there is no verdict
	bool (*bytes)(void *arg, const uint8_t *bytes, size_t n);
	void (*end)(void *arg);
	void (*drop)(void *arg);
};

#endif
