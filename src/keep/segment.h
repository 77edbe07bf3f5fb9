// Segments: the files of an audit log, 00000001.jsonl and on, and what is found in one.
#ifndef SEKISHO_KEEP_SEGMENT_H
#define SEKISHO_KEEP_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/chain.h"

// What follows a segment's name in that of a stranger found in its place: ".foreign-1".
#define SEGMENT_FOREIGN ".foreign-"

enum { SEGMENT_NAME_MAX = 32 };

void segment_name(uint64_t number, char out[SEGMENT_NAME_MAX]);

struct segment_list {
	uint64_t *v; // numbers, ascending; on the heap
	size_t n;
};
int segment_list(int dir_fd, struct segment_list *ret);
void segment_list_done(struct segment_list *list);

// The lines of a file, one after another, whatever stands in it.
struct segment_lines {
	int fd; // the caller's
	char *buffer;
	size_t start, end; // of what is in the buffer
	uint64_t offset;   // in the file, of buffer[start]
	bool at_end;
};
struct segment_line {
	const char *text; // without the newline; valid until the next call
	size_t length;	  // CHAIN_LINE_MAX + 1 or more: cut, and no record
	uint64_t offset;  // where it begins
	bool whole;	  // its newline was there
};
int segment_lines_init(struct segment_lines *lines, int fd);
// 1 with *ret, 0 at the end, or a negative errno.
int segment_lines_next(struct segment_lines *lines, struct segment_line *ret);
void segment_lines_done(struct segment_lines *lines);

// What the writer must know of a segment to go on after it.
struct segment_state {
	uint64_t bytes;		    // of the file
	uint64_t good_bytes;	    // up to the end of the last record that chains
	struct chain end;	    // the newest record; .seq 0: there is none
	struct chain checkpoint;    // the newest signed one
	uint64_t n_unsigned;	    // records after that
	struct chain_hash previous; // what its first record is chained to
	bool sealed;		    // its last record is signed and closes it
	bool damaged;		    // a line is no record, or does not chain, and records follow
	uint64_t events_after;	    // records after `since` that are not the keeper's own
	bool has_since;		    // the record of that number is here
	bool is_since;		    // and has that hash
};
// Reads all of it.  0 or a negative errno.
int segment_scan(int fd, const struct chain *since, struct segment_state *ret);

// The first and the last record of a segment, for its disposal.
struct segment_ends {
	uint64_t first, last; // seq
	struct chain_hash previous, hash;
	char first_time[40], last_time[40];
};
// -EBADMSG: one of the two is no record.
int segment_ends(int fd, struct segment_ends *ret);

#endif
