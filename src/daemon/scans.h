// Messages on their way to the scanner, in an inspector: each has a descriptor that the gate has
// connected, and a bounded queue of what the scanner has not taken yet.  Nothing blocks; verdicts
// and descriptors are told from scans_look() alone.
//
// A scanner ends a connection that says nothing for a while, so few are kept in store, for short,
// and only while messages come.
#ifndef SEKISHO_DAEMON_SCANS_H
#define SEKISHO_DAEMON_SCANS_H

#include <poll.h>

#include "inspect/inspector.h"

enum {
	SCANS_OPEN_MAX = 128, // at the scanner at a time; others wait
	SCANS_STORE = 4,      // descriptors kept for those to come
	SCANS_STORE_MS = 15 * 1000,
	SCANS_LIVELY_MS = 60 * 1000,	     // since the last message, while some are kept
	SCANS_ANSWER_MS = 3000,		     // the gate has to answer in
	SCANS_QUEUE_SOFT = 256 * 1024,	     // of a message: more of it waits with its sender
	SCANS_QUEUE_HARD = 8 * 1024 * 1024,  // and is given up
	SCANS_BYTES_SOFT = 64 * 1024 * 1024, // the same of all together
	SCANS_BYTES_HARD = 128 * 1024 * 1024,
	SCANS_POLL_MAX = SCANS_OPEN_MAX + SCANS_STORE,
};

struct scans;

struct scans_options {
	const struct scan_words *words;
	const char *service;		    // as the box file names it, for words; the caller's
	void (*ask)(void *arg, unsigned n); // the gate for n descriptors
	void (*verdict)(void *arg, void *owner, const struct scan_result *result);
	void (*room)(void *arg, void *owner);
	void *arg;
};

int scans_new(const struct scans_options *options, struct scans **ret_scans);
void scans_free(struct scans *scans);

// What an inspector calls, with scans_begin()'s arg being this one.
struct scan *scans_begin(struct scans *scans, void *owner, uint32_t seconds, uint64_t now_ms);
bool scans_bytes(struct scan *scan, const uint8_t *bytes, size_t n);
void scans_end(struct scan *scan);
void scans_drop(struct scan *scan);
void scans_mark(struct scan *scan); // bytes of another kind follow

// What the gate says: a descriptor, which becomes scans', or an error (-EAGAIN: the scanner is
// there and takes no more at the moment).
void scans_give(struct scans *scans, int fd);
void scans_refuse(struct scans *scans, int error);

// Descriptors to wait for, and what became of them; all of them are looked at, whatever is ready.
size_t scans_poll(const struct scans *scans, struct pollfd fds[SCANS_POLL_MAX]);
void scans_look(struct scans *scans, uint64_t now_ms);

#endif
