// Appending to the log.
#include "keep/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "event/json.h"
#include "keep/audit_private.h"

static void today(char out[11])
{
	char time[40];
	event_local_time(wall_us(), time);
	memcpy(out, time, 10);
	out[10] = '\0';
}

void audit_event(struct event *event, enum event_kind kind)
{
	event_init(event, kind, wall_us());
}

static bool is_same(const struct audit_note *a, const struct audit_note *b)
{
	return a->kind == b->kind && a->segment == b->segment && !strcmp(a->text, b->text);
}

// One that waits already, because nothing could be written since, is not noted twice.
struct audit_note *audit_note(struct audit *audit, enum event_kind kind, const char *format, ...)
{
	struct audit_note note = { .kind = kind, .segment = audit->number };
	size_t at = 0;
	va_list args;
	va_start(args, format);
	vsnprintf(note.text, sizeof(note.text), format, args);
	va_end(args);
	while (at < audit->n_notes && !is_same(&audit->notes[at], &note))
		at++;
	if (at < audit->n_notes)
		return &audit->notes[at];
	if (at == AUDIT_NOTES_MAX)
		at--;
	audit->notes[at] = note;
	audit->n_notes = at + 1;
	if (kind == EVENT_RECORD_DAMAGED)
		memcpy(audit->trouble, note.text, sizeof(audit->trouble));
	return &audit->notes[at];
}

bool audit_trouble(struct audit *audit, char out[AUDIT_TROUBLE_MAX])
{
	memcpy(out, audit->trouble, AUDIT_TROUBLE_MAX);
	audit->trouble[0] = '\0';
	return out[0];
}

// --- adding

static int append(struct audit *audit, const char *body, size_t size, const struct key *key)
{
	size_t room = AUDIT_BUFFER_BYTES - audit->used;
	if (size > CHAIN_BODY_MAX)
		return -EMSGSIZE;
	if (room < CHAIN_LINE_MAX)
		return -ENOBUFS;
	size_t n = chain_append(&audit->chain, body, size, key, audit->buffer + audit->used, room);
	if (!n)
		return -EMSGSIZE;
	audit->used += n;
	audit->n_unsigned = key ? 0 : audit->n_unsigned + 1;
	if (key)
		audit->checkpoint = audit->chain;
	return 0;
}

int audit_add_event(struct audit *audit, const struct event *event, bool sign)
{
	char body[EVENT_LINE_MAX];
	struct event_stamp stamp;
	stamp_now(&audit->clock, &stamp);
	size_t n = event_write_record(event, &stamp, body, sizeof(body));
	return append(audit, body, n, sign ? audit->key : NULL);
}

int audit_add_checkpoint(struct audit *audit)
{
	struct event event;
	char id[KEY_ID_MAX];
	audit_event(&event, EVENT_CHECKPOINT);
	key_public_id(key_public(audit->key), id);
	event_text(&event, EVENT_KEY, id);
	return audit_add_event(audit, &event, true);
}

int audit_add(struct audit *audit, const char *body, size_t size)
{
	int r = 0;
	if (audit->n_unsigned >= AUDIT_CHECKPOINT_RECORDS)
		r = audit_add_checkpoint(audit);
	return r < 0 ? r : append(audit, body, size, NULL);
}

static int add_note(struct audit *audit, const struct audit_note *note)
{
	struct event event;
	audit_event(&event, note->kind);
	if (event_kind_info(note->kind)->fields & (UINT64_C(1) << EVENT_MESSAGE))
		event_text(&event, EVENT_MESSAGE, note->text);
	event_number(&event, EVENT_SEGMENT, note->segment);
	if (note->first)
		event_number(&event, EVENT_FIRST, note->first);
	if (note->last)
		event_number(&event, EVENT_LAST, note->last);
	if (note->count)
		event_number(&event, EVENT_COUNT, note->count);
	return audit_add_event(audit, &event, false);
}

// --- making it durable

static int write_buffer(struct audit *audit)
{
	size_t done = 0;
	int r = fault_error("audit-write");
	while (r == 0 && done < audit->used) {
		ssize_t n = write(audit->fd, audit->buffer + done, audit->used - done);
		if (n < 0 && errno != EINTR)
			r = -errno;
		if (n > 0)
			done += (size_t)n;
	}
	fault_point("audit-written");
	if (r == 0)
		r = fault_error("audit-sync");
	if (r == 0 && fdatasync(audit->fd) < 0)
		r = -errno;
	fault_point("audit-synced");
	return r;
}

static void forget(struct audit *audit)
{
	audit->used = 0;
	audit->chain = audit->durable;
	audit->n_unsigned = audit->durable_unsigned;
	audit->checkpoint = audit->durable_checkpoint;
	audit->notes_added = 0;
	audit->broken = true;
}

int audit_flush(struct audit *audit)
{
	if (!audit->used)
		return 0;
	int r = write_buffer(audit);
	if (r < 0) {
		// Cutting needs no room.  Where even that fails, finding the end again tells
		// what is there.
		if (ftruncate(audit->fd, (off_t)audit->file_bytes) < 0)
			audit->broken = true;
		forget(audit);
		return r;
	}
	audit->file_bytes += audit->used;
	audit->used = 0;
	audit->durable = audit->chain;
	audit->durable_unsigned = audit->n_unsigned;
	audit->durable_checkpoint = audit->checkpoint;
	audit->n_notes -= audit->notes_added;
	memmove(audit->notes, audit->notes + audit->notes_added,
		audit->n_notes * sizeof(*audit->notes));
	audit->notes_added = 0;
	return 0;
}

// --- segments

static int close_segment(struct audit *audit)
{
	struct event event;
	char id[KEY_ID_MAX];
	audit_event(&event, EVENT_SEGMENT_CLOSED);
	key_public_id(key_public(audit->key), id);
	event_number(&event, EVENT_SEGMENT, audit->number);
	event_text(&event, EVENT_KEY, id);
	int r = audit_add_event(audit, &event, true);
	if (r == 0)
		r = audit_flush(audit);
	if (r < 0)
		return r;
	fault_point("audit-closed");
	if (fchmod(audit->fd, 0440) < 0 || fsync(audit->fd) < 0)
		audit_note(audit, EVENT_RECORD_DAMAGED,
			   "the closed segment could not be made read-only: %s", strerror(errno));
	close(audit->fd);
	audit->fd = -1;
	return 0;
}

static int make_file(struct audit *audit)
{
	enum { TRIES = 100 };
	char name[SEGMENT_NAME_MAX];
	for (int i = 0; i < TRIES; i++) {
		segment_name(audit->number + 1, name);
		int fd =
			openat(audit->dir_fd, name,
			       O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
		if (fd < 0 && errno != EEXIST)
			return -errno;
		audit->number++;
		if (fd < 0)
			continue;
		audit->fd = fd;
		audit->file_bytes = 0;
		return fsync(audit->dir_fd) < 0 ? -errno : 0;
	}
	return -EEXIST;
}

static int open_segment(struct audit *audit)
{
	struct event event;
	char id[KEY_ID_MAX];
	int r = make_file(audit);
	if (r < 0)
		return r;
	fault_point("audit-opened");
	today(audit->day);
	audit_event(&event, EVENT_SEGMENT_OPENED);
	key_public_id(key_public(audit->key), id);
	event_number(&event, EVENT_SEGMENT, audit->number);
	event_text(&event, EVENT_PREVIOUS,
		   audit->chain.seq ? audit->chain.hash.text : chain_first.text);
	event_text(&event, EVENT_KEY, id);
	return audit_add_event(audit, &event, false);
}

static bool is_full(const struct audit *audit)
{
	char day[11];
	today(day);
	return audit->file_bytes >= audit->limits.segment_bytes || strcmp(day, audit->day) != 0;
}

int audit_begin(struct audit *audit)
{
	int r = audit->broken ? audit_find_end(audit, &audit->durable) : 0;
	if (r < 0)
		return r;
	audit->broken = false;
	if (audit->fd >= 0)
		audit_look_after(audit);
	if (audit->fd >= 0 && is_full(audit))
		r = close_segment(audit);
	if (r == 0 && audit->fd < 0)
		r = open_segment(audit);
	for (; r == 0 && audit->notes_added < audit->n_notes; audit->notes_added++)
		r = add_note(audit, &audit->notes[audit->notes_added]);
	if (r < 0)
		forget(audit);
	return r;
}

// --- the whole

int audit_open(int dir_fd, const struct key *key, const struct audit_limits *limits,
	       const struct stamp_clock *clock, const struct chain *since, struct audit **ret_audit)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	if (!audit)
		return -ENOMEM;
	*audit = (struct audit){
		.dir_fd = dir_fd,
		.key = key,
		.limits = *limits,
		.clock = *clock,
		.fd = -1,
		.buffer = malloc(AUDIT_BUFFER_BYTES),
	};
	int r = audit->buffer ? audit_find_end(audit, since) : -ENOMEM;
	if (r < 0) {
		audit_close(audit);
		return r;
	}
	*ret_audit = audit;
	return 0;
}

void audit_close(struct audit *audit)
{
	if (!audit)
		return;
	if (audit->fd >= 0)
		close(audit->fd);
	free(audit->buffer);
	free(audit);
}

void audit_set_limits(struct audit *audit, const struct audit_limits *limits)
{
	audit->limits = *limits;
}

uint64_t audit_survivors(const struct audit *audit)
{
	return audit->survivors;
}

struct chain audit_end(const struct audit *audit)
{
	return audit->durable;
}

struct chain audit_checkpoint(const struct audit *audit)
{
	return audit->durable_checkpoint;
}

uint64_t audit_unsigned(const struct audit *audit)
{
	return audit->durable_unsigned;
}
