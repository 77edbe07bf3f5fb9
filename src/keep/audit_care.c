// Looking after the files: what others did to them, and what is to be removed.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/boot.h"
#include "event/json.h"
#include "keep/audit_private.h"

enum { COPY_BYTES = 64 * 1024, FOREIGN_MAX = 100 };

// --- a file that was swapped, removed, cut or added to

// A stranger in our file's place is kept beside it, as evidence.
static int put_aside(struct audit *audit, const char *name)
{
	char aside[SEGMENT_NAME_MAX + 16];
	for (int i = 1; i < FOREIGN_MAX; i++) {
		snprintf(aside, sizeof(aside), "%s" SEGMENT_FOREIGN "%d", name, i);
		if (renameat2(audit->dir_fd, name, audit->dir_fd, aside, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static int copy_all(int from, int to, uint64_t bytes)
{
	char *buffer = malloc(COPY_BYTES);
	int r = buffer ? 0 : -ENOMEM;
	for (uint64_t at = 0; r == 0 && at < bytes;) {
		uint64_t left = bytes - at;
		ssize_t n = pread(from, buffer, left < COPY_BYTES ? left : COPY_BYTES, (off_t)at);
		if (n <= 0 || write(to, buffer, (size_t)n) != n)
			r = n < 0 ? -errno : -EIO;
		else
			at += (uint64_t)n;
	}
	free(buffer);
	return r == 0 && fsync(to) < 0 ? -errno : r;
}

// The removed file lives as long as it is open: its records are written back under its name.
static int write_back(struct audit *audit, const char *name)
{
	int to = openat(audit->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			0640);
	if (to < 0)
		return -errno;
	int r = copy_all(audit->fd, to, audit->file_bytes);
	if (r == 0 && (fchmod(to, 0440) < 0 || fsync(audit->dir_fd) < 0))
		r = -errno;
	close(to);
	if (r < 0)
		unlinkat(audit->dir_fd, name, 0);
	return r;
}

static void on_replaced(struct audit *audit, const char *name, bool removed)
{
	int r = removed ? 0 : put_aside(audit, name);
	if (r == 0)
		r = write_back(audit, name);
	audit_note(audit, EVENT_RECORD_DAMAGED, "%s was %s under the writer; its records are %s",
		   name, removed ? "removed" : "swapped for another file",
		   r == 0 ? "written back" : "lost");
}

static void on_resized(struct audit *audit, const char *name, uint64_t bytes)
{
	struct chain none = { 0 };
	struct segment_state state;
	bool cut = bytes < audit->file_bytes;
	struct audit_note *note =
		audit_note(audit, EVENT_RECORD_DAMAGED, "%s was %s under the writer", name,
			   cut ? "cut" : "added to");
	if (!cut || segment_scan(audit->fd, &none, &state) < 0)
		return;
	note->first = state.end.seq + 1;
	note->last = audit->durable.seq;
}

void audit_look_after(struct audit *audit)
{
	char name[SEGMENT_NAME_MAX];
	struct stat mine, there;
	segment_name(audit->number, name);
	if (fstat(audit->fd, &mine) < 0)
		return;
	bool removed = fstatat(audit->dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) < 0;
	if (!removed && there.st_ino == mine.st_ino && there.st_dev == mine.st_dev &&
	    (uint64_t)mine.st_size == audit->file_bytes)
		return;
	if (removed || there.st_ino != mine.st_ino || there.st_dev != mine.st_dev)
		on_replaced(audit, name, removed);
	else
		on_resized(audit, name, (uint64_t)mine.st_size);
	close(audit->fd);
	audit->fd = -1;
}

// --- what is kept no longer

static bool is_held(const struct audit_limits *limits, const struct segment_ends *ends)
{
	for (size_t i = 0; i < limits->n_holds && i < AUDIT_HOLDS_MAX; i++)
		if (strncmp(ends->first_time, limits->holds[i].until, 10) <= 0 &&
		    strncmp(ends->last_time, limits->holds[i].from, 10) >= 0)
			return true;
	return false;
}

static bool is_over(const struct audit *audit, const struct segment_ends *ends, uint64_t wall_usec)
{
	uint64_t last;
	uint64_t keep = (uint64_t)audit->limits.keep_days * 86400 * 1000000;
	return event_parse_time(ends->last_time, strlen(ends->last_time), &last) == 0 &&
	       last + keep < wall_usec;
}

// The oldest segment that is no longer kept; 0: none.
static uint64_t find_over(struct audit *audit, uint64_t wall_usec, struct segment_ends *ret)
{
	struct segment_list list;
	uint64_t found = 0;
	bool go_on = true;
	if (segment_list(audit->dir_fd, &list) < 0)
		return 0;
	for (size_t i = 0; i < list.n && go_on && !found && list.v[i] < audit->number; i++) {
		char name[SEGMENT_NAME_MAX];
		segment_name(list.v[i], name);
		int fd =
			openat(audit->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0)
			continue;
		if (segment_ends(fd, ret) == 0 && !is_held(&audit->limits, ret)) {
			go_on = is_over(audit, ret, wall_usec);
			found = go_on ? list.v[i] : 0;
		}
		close(fd);
	}
	segment_list_done(&list);
	return found;
}

static int record_disposal(struct audit *audit, uint64_t number, const struct segment_ends *ends)
{
	struct event event;
	char reason[128];
	int r = audit_begin(audit);
	if (r < 0)
		return r;
	snprintf(reason, sizeof(reason), "kept %u days, from %.10s to %.10s",
		 audit->limits.keep_days, ends->first_time, ends->last_time);
	audit_event(&event, EVENT_RECORD_DISPOSED);
	event_text(&event, EVENT_REASON, reason);
	event_number(&event, EVENT_SEGMENT, number);
	event_number(&event, EVENT_FIRST, ends->first);
	event_number(&event, EVENT_LAST, ends->last);
	event_text(&event, EVENT_PREVIOUS, ends->previous.text);
	event_text(&event, EVENT_HEAD, ends->hash.text);
	r = audit_add_event(audit, &event, false);
	return r < 0 ? r : audit_flush(audit);
}

int audit_dispose(struct audit *audit, uint64_t wall_usec)
{
	struct segment_ends ends;
	char name[SEGMENT_NAME_MAX];
	uint64_t now = boot_now_usec();
	uint64_t number = audit->limits.keep_days ? find_over(audit, wall_usec, &ends) : 0;
	bool was_set = stamp_look(&audit->clock, wall_usec, now) != 0;
	if (!audit->expired_number || was_set)
		audit->expired_usec = now;
	audit->expired_number = number;
	if (!number || now - audit->expired_usec < audit->limits.grace_usec)
		return 0;
	int r = record_disposal(audit, number, &ends);
	if (r < 0)
		return r;
	segment_name(number, name);
	if (unlinkat(audit->dir_fd, name, 0) < 0 || fsync(audit->dir_fd) < 0)
		return -errno;
	return 1;
}
