// The inside of the writer: audit.c appends, audit_find.c finds the end of a log, audit_care.c
// looks after its files.
#ifndef SEKISHO_KEEP_AUDIT_PRIVATE_H
#define SEKISHO_KEEP_AUDIT_PRIVATE_H

#include "event/event.h"
#include "event/stamp.h"
#include "keep/audit.h"
#include "keep/segment.h"

enum { AUDIT_NOTES_MAX = 8 };

// Something to be recorded as soon as anything can be.
struct audit_note {
	enum event_kind kind;
	uint64_t segment, first, last, count; // 0: not said
	char text[AUDIT_TROUBLE_MAX];
};

struct audit {
	int dir_fd;
	const struct key *key;
	struct audit_limits limits;
	struct stamp_clock clock;
	int fd;		     // of the current segment, -1: the next one is yet to be made
	uint64_t number;     // of the current segment, or of the one before the next
	char day[11];	     // local date of its first record
	uint64_t file_bytes; // of it, all durable
	struct chain chain, durable;
	struct chain checkpoint, durable_checkpoint;
	uint64_t n_unsigned, durable_unsigned;
	bool broken; // the last flush failed: where the log ends must be found again
	uint64_t survivors;
	struct audit_note notes[AUDIT_NOTES_MAX];
	size_t n_notes, notes_added;
	char trouble[AUDIT_TROUBLE_MAX];
	uint64_t expired_number, expired_usec; // a segment whose time is over, and since when
	char *buffer;
	size_t used;
};

// Adds a record of the writer's own.
int audit_add_event(struct audit *audit, const struct event *event, bool sign);
void audit_event(struct event *event, enum event_kind kind);
__attribute__((format(printf, 3, 4))) struct audit_note *
audit_note(struct audit *audit, enum event_kind kind, const char *format, ...);

// Finds the newest record and opens its segment to go on in it, or leaves fd -1.
int audit_find_end(struct audit *audit, const struct chain *since);

// Is the file still the one that was written?  If not: notes what happened, saves what can be
// saved, and leaves fd -1.
void audit_look_after(struct audit *audit);

#endif
