// The writer of an audit log: a folder of segments (keep/segment.h) that make one chain
// (keep/chain.h).  It alone writes there; what happens to its files otherwise it notices, records,
// and goes on after in a new segment.
//
// Records are added to memory and become durable together: audit_begin(), audit_add() ...,
// audit_flush().  Only what a flush has returned 0 for counts.
#ifndef SEKISHO_KEEP_AUDIT_H
#define SEKISHO_KEEP_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/stamp.h"
#include "keep/chain.h"

enum {
	AUDIT_CHECKPOINT_RECORDS = 1000, // after so many records one is signed
	AUDIT_CHECKPOINT_USEC = 10 * 1000000,
	AUDIT_SEGMENT_BYTES = 64 * 1024 * 1024, // unless the policy says otherwise
	AUDIT_HOLDS_MAX = 16,
	AUDIT_TROUBLE_MAX = 256,
	AUDIT_BUFFER_BYTES = 2 * 1024 * 1024,
};

// Days (local, "2026-04-01") whose segments are not removed, both included.
struct audit_hold {
	char from[11], until[11];
};

struct audit_limits {
	uint64_t segment_bytes; // a segment is closed when it has grown past this, or at midnight
	uint32_t keep_days;	// 0: nothing is ever removed
	uint32_t n_holds;
	struct audit_hold holds[AUDIT_HOLDS_MAX];
	// How long a segment's time must seem over before it is removed: a clock that was set
	// wrong must not cost the record.
	uint64_t grace_usec;
};

struct audit;

// dir_fd and key stay the caller's, and must live as long; clock is copied.  since: a record known
// to be in the log
// (.seq 0: none is known).  If it is no longer there, that is noticed and recorded.
int audit_open(int dir_fd, const struct key *key, const struct audit_limits *limits,
	       const struct stamp_clock *clock, const struct chain *since,
	       struct audit **ret_audit);
void audit_close(struct audit *audit); // what was not flushed is gone; NULL is fine
void audit_set_limits(struct audit *audit, const struct audit_limits *limits);

// Records after `since` that audit_open(), or the last audit_begin() after a failure, found in the
// log and that are not the writer's own: they had been made durable without anybody hearing of it.
uint64_t audit_survivors(const struct audit *audit);

// Looks after the files, changes to the next segment when it is time, and after a failure finds the
// end of the log again.  0, or a negative errno: nothing can be written.
int audit_begin(struct audit *audit);
// -ENOBUFS: flush first.  -EMSGSIZE: that is too big to be a record.
int audit_add(struct audit *audit, const char *body, size_t size);
int audit_add_checkpoint(struct audit *audit);
// 0, or a negative errno: nothing that was added since the last one is in the log.
int audit_flush(struct audit *audit);

struct chain audit_end(const struct audit *audit);	  // newest durable record
struct chain audit_checkpoint(const struct audit *audit); // newest durable signed one
uint64_t audit_unsigned(const struct audit *audit);	  // records after that

// Removes what the policy keeps no longer, one segment at a call at most.  1: it did; 0: there is
// none; or a negative errno.
int audit_dispose(struct audit *audit, uint64_t wall_usec);

// What was noticed since it was last asked, for people; false: nothing.
bool audit_trouble(struct audit *audit, char out[AUDIT_TROUBLE_MAX]);

#endif
