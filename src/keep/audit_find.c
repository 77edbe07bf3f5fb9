// Where a log ends: after a start, a crash, or a write that failed.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keep/audit_private.h"

enum { LOOK_BACK = 4 }; // segments that are searched for the record that is known

static int scan(struct audit *audit, uint64_t number, const struct chain *since,
		struct segment_state *ret)
{
	char name[SEGMENT_NAME_MAX];
	segment_name(number, name);
	int fd = openat(audit->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	int r = segment_scan(fd, since, ret);
	close(fd);
	return r;
}

// A file without a single record is what a crash leaves of one that was just made.
static int remove_empty(struct audit *audit, uint64_t number, uint64_t bytes)
{
	char name[SEGMENT_NAME_MAX];
	segment_name(number, name);
	if (unlinkat(audit->dir_fd, name, 0) < 0)
		return -errno;
	if (bytes)
		audit_note(audit, EVENT_RECORD_REPAIRED, "%s", name)->count = bytes;
	return fsync(audit->dir_fd) < 0 ? -errno : 0;
}

// Opens the segment again to write at its end, and cuts off what a crash left half written.
static int go_on_in(struct audit *audit, const struct segment_state *state)
{
	char name[SEGMENT_NAME_MAX];
	struct segment_ends ends;
	segment_name(audit->number, name);
	int fd = openat(audit->dir_fd, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? -errno : 0;
	if (r == 0 && state->good_bytes < state->bytes) {
		if (ftruncate(fd, (off_t)state->good_bytes) < 0 || fsync(fd) < 0)
			r = -errno;
		else
			audit_note(audit, EVENT_RECORD_REPAIRED, "%s", name)->count =
				state->bytes - state->good_bytes;
	}
	if (r == 0)
		r = segment_ends(fd, &ends);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	audit->fd = fd;
	audit->file_bytes = state->good_bytes;
	memcpy(audit->day, ends.first_time, sizeof(audit->day) - 1);
	audit->day[sizeof(audit->day) - 1] = '\0';
	return 0;
}

// The record that is known may stand some segments before the end.
static void look_back(struct audit *audit, const struct segment_list *list, size_t at,
		      const struct chain *since, struct segment_state *state)
{
	struct segment_state older;
	for (int i = 0; i < LOOK_BACK && at-- > 0 && !state->has_since; i++) {
		if (scan(audit, list->v[at], since, &older) < 0)
			return;
		state->events_after += older.events_after;
		state->has_since = older.has_since;
		state->is_since = older.is_since;
	}
}

// Compares what is there with what is known to have been there.  True: the segment is not to be
// gone on in.
static bool is_changed(struct audit *audit, const struct segment_state *state,
		       const struct chain *since)
{
	struct audit_note *note;
	if (since->seq > state->end.seq) {
		note = audit_note(audit, EVENT_RECORD_DAMAGED,
				  "records that were in the log are gone from its end");
		note->first = state->end.seq + 1;
		note->last = since->seq;
		audit->chain = *since; // the gap stays to be seen
		return true;
	}
	if (since->seq && state->has_since && !state->is_since) {
		note = audit_note(audit, EVENT_RECORD_DAMAGED,
				  "a record is not the one that was written");
		note->first = note->last = since->seq;
		return true;
	}
	if (state->damaged)
		audit_note(audit, EVENT_RECORD_DAMAGED,
			   "the segment holds a line that was changed, added or moved, or lacks "
			   "one; sekisho log verify says which");
	return state->damaged;
}

static int find_in(struct audit *audit, const struct segment_list *list, const struct chain *since)
{
	struct segment_state state = { 0 };
	size_t at = list->n;
	int r = 0;
	while (r == 0 && at > 0 && !state.end.seq) {
		audit->number = list->v[--at];
		r = scan(audit, audit->number, since, &state);
		if (r == 0 && !state.end.seq)
			r = remove_empty(audit, audit->number, state.bytes);
	}
	if (r < 0)
		return r;
	audit->chain = state.end;
	if (!state.end.seq) // nothing at all
		audit->number = list->n ? list->v[0] - 1 : 0;
	else if (!state.has_since)
		look_back(audit, list, at, since, &state);
	audit->survivors = state.events_after;
	audit->n_unsigned = state.n_unsigned;
	if (state.checkpoint.seq)
		audit->checkpoint = state.checkpoint;
	bool changed = is_changed(audit, &state, since);
	return changed || !state.end.seq || state.sealed ? 0 : go_on_in(audit, &state);
}

int audit_find_end(struct audit *audit, const struct chain *since)
{
	struct chain known = *since;
	struct segment_list list;
	if (audit->fd >= 0)
		close(audit->fd);
	audit->fd = -1;
	audit->survivors = 0;
	int r = segment_list(audit->dir_fd, &list);
	if (r < 0)
		return r;
	r = find_in(audit, &list, &known);
	segment_list_done(&list);
	if (r < 0)
		return r;
	audit->durable = audit->chain;
	audit->durable_unsigned = audit->n_unsigned;
	audit->durable_checkpoint = audit->checkpoint;
	return 0;
}
