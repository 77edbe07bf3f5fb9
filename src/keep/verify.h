// The verifier of an audit log: finds what was changed, removed, inserted, moved or cut off, and
// says where.  It is given lines, and opens nothing; keep/verify_folder.h reads a folder for it.
#ifndef SEKISHO_KEEP_VERIFY_H
#define SEKISHO_KEEP_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/chain.h"

enum {
	VERIFY_KEYS_MAX = 8,
	VERIFY_TEXT_MAX = 320,
	VERIFY_DISPOSALS_MAX = 65536,
	// Between two signatures stand at most so many records; more were not made by the writer.
	VERIFY_UNSIGNED_MAX = 2048,
};

enum verify_fault {
	VERIFY_CHANGED,	 // the record is not what its hash is of
	VERIFY_MISSING,	 // records between two are not there
	VERIFY_INSERTED, // a line stands where it does not belong
	VERIFY_NO_RECORD,
	VERIFY_CUT,	  // the end of the log, or of a line, is missing
	VERIFY_SIGNATURE, // not signed by a key of the box, or not signed at all
	VERIFY_FAULT_COUNT,
};
const char *verify_fault_word(enum verify_fault fault); // "changed"

struct verify_finding {
	enum verify_fault fault;
	const char *file;
	uint64_t line; // from 1; 0: the whole file
	uint64_t seq;  // of the record; 0: none
	char text[VERIFY_TEXT_MAX];
};
typedef void verify_each(void *arg, const struct verify_finding *finding);

// A record that is known from elsewhere: what sekisho log head printed, what was sent away, or what
// the daemon knows of the newest one.
struct verify_head {
	uint64_t seq;
	struct chain_hash hash;
	bool seen;
};

struct verify_disposal { // as a record of the log tells it
	uint64_t last;
	struct chain_hash head;
};

struct verify {
	const struct key_public *keys;
	size_t n_keys;
	struct verify_head *heads; // may be NULL
	size_t n_heads;
	verify_each *each;
	void *arg;
	// What was found
	uint64_t faults, records, segments, disposed, signatures;
	uint64_t first; // seq of the first record
	struct chain end;
	uint64_t n_unsigned; // since the last signature
	bool sealed;	     // the last record closes its segment
	char first_time[40], last_time[40];
	// The inside
	char file[64];
	uint64_t line;
	bool at_opening, broken;
	struct chain_hash made; // what the newest record's hash ought to be
	struct verify_disposal *disposals;
	size_t n_disposals, disposals_room;
	struct { // a gap that a disposal may explain
		char file[64];
		uint64_t line, from, to;
		struct chain_hash before;
	} * gaps;
	size_t n_gaps, gaps_room;
};

// Keys, heads, each and arg are set by the caller in a struct that is zero otherwise.
void verify_begin_file(struct verify *verify, const char *name);
// whole: its newline was there.
void verify_line(struct verify *verify, const char *line, size_t length, bool whole);
// After the last file: gaps that no disposal explains, heads that are not there.  Returns the
// number of faults, and frees the inside.
uint64_t verify_end(struct verify *verify);

#endif
