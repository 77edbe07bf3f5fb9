// Reading segments.
#include "keep/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event/event.h"

enum { BUFFER_BYTES = 256 * 1024, NAME_DIGITS = 8 };
_Static_assert(BUFFER_BYTES > 2 * CHAIN_LINE_MAX, "a line that is too long is seen to be");

static const char suffix[] = ".jsonl";

void segment_name(uint64_t number, char out[SEGMENT_NAME_MAX])
{
	snprintf(out, SEGMENT_NAME_MAX, "%0*llu%s", NAME_DIGITS, (unsigned long long)number,
		 suffix);
}

// 0: not the name of a segment.
static uint64_t number_of(const char *name)
{
	char back[SEGMENT_NAME_MAX];
	char *end;
	uint64_t number = strtoull(name, &end, 10);
	segment_name(number, back);
	return strcmp(name, back) == 0 ? number : 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

int segment_list(int dir_fd, struct segment_list *ret)
{
	struct segment_list list = { 0 };
	size_t room = 0;
	int r = 0, fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		uint64_t number = number_of(entry->d_name);
		if (!number)
			continue;
		if (list.n == room) {
			uint64_t *more =
				realloc(list.v, (room = room ? 2 * room : 64) * sizeof(*more));
			if (!more)
				r = -ENOMEM;
			else
				list.v = more;
		}
		if (r == 0)
			list.v[list.n++] = number;
	}
	if (r == 0 && errno)
		r = -errno;
	closedir(dir);
	if (r < 0) {
		segment_list_done(&list);
		return r;
	}
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), by_number);
	*ret = list;
	return 0;
}

void segment_list_done(struct segment_list *list)
{
	free(list->v);
	*list = (struct segment_list){ 0 };
}

// --- lines

int segment_lines_init(struct segment_lines *lines, int fd)
{
	*lines = (struct segment_lines){ .fd = fd, .buffer = malloc(BUFFER_BYTES) };
	return lines->buffer ? 0 : -ENOMEM;
}

void segment_lines_done(struct segment_lines *lines)
{
	free(lines->buffer);
	lines->buffer = NULL;
}

static int fill(struct segment_lines *lines)
{
	memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	while (!lines->at_end && lines->end < BUFFER_BYTES) {
		ssize_t n = pread(lines->fd, lines->buffer + lines->end, BUFFER_BYTES - lines->end,
				  (off_t)(lines->offset + lines->end));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		lines->at_end = n == 0;
		lines->end += (size_t)n;
	}
	return 0;
}

int segment_lines_next(struct segment_lines *lines, struct segment_line *ret)
{
	const char *newline = memchr(lines->buffer + lines->start, '\n', lines->end - lines->start);
	if (!newline && !lines->at_end) {
		int r = fill(lines);
		if (r < 0)
			return r;
		newline = memchr(lines->buffer, '\n', lines->end);
	}
	const char *text = lines->buffer + lines->start;
	size_t length = newline ? (size_t)(newline - text) : lines->end - lines->start;
	if (!newline && !length)
		return 0;
	*ret = (struct segment_line){ text, length, lines->offset, newline != NULL };
	lines->start += length + (newline != NULL);
	lines->offset += length + (newline != NULL);
	return 1;
}

// --- what is in one

struct scan {
	const struct chain *since;
	struct segment_state *state;
	struct chain_hash at; // what the next record must follow
	bool bad;	      // a line was no record, or did not chain
};

static bool is_kind(const struct chain_record *record, enum event_kind kind)
{
	return event_kind_find(record->event, record->event_length) == (int)kind;
}

static void take_record(struct scan *scan, const struct chain_record *record)
{
	struct segment_state *state = scan->state;
	int kind = event_kind_find(record->event, record->event_length);
	state->end = (struct chain){ record->seq, record->hash };
	state->sealed = record->is_signed && kind == EVENT_SEGMENT_CLOSED;
	scan->at = record->hash;
	state->n_unsigned = record->is_signed ? 0 : state->n_unsigned + 1;
	if (record->is_signed)
		state->checkpoint = state->end;
	if (record->seq > scan->since->seq &&
	    (kind < 0 || !(event_kind_info(kind)->fields & EVENT_KEEPERS_OWN)))
		state->events_after++;
	if (record->seq == scan->since->seq) {
		state->has_since = true;
		state->is_since = strcmp(record->hash.text, scan->since->hash.text) == 0;
	}
}

static bool take_first(struct scan *scan, const struct segment_line *line,
		       const struct chain_record *record)
{
	const char *previous;
	size_t length;
	if (!is_kind(record, EVENT_SEGMENT_OPENED) ||
	    !chain_member(line->text, line->length, "previous", &previous, &length) ||
	    length != CHAIN_HASH_TEXT)
		return false;
	memcpy(scan->state->previous.text, previous, length);
	scan->at = scan->state->previous;
	return true;
}

static void take_line(struct scan *scan, const struct segment_line *line)
{
	struct segment_state *state = scan->state;
	struct chain_record record;
	bool is_record = line->whole && chain_parse(line->text, line->length, &record) == 0;
	bool chains = is_record && !scan->bad &&
		      (state->end.seq ? record.seq == state->end.seq + 1
				      : take_first(scan, line, &record)) &&
		      chain_follows(&scan->at, line->text, &record);
	if (chains) {
		take_record(scan, &record);
		state->good_bytes = line->offset + line->length + 1;
		return;
	}
	if (is_record) { // whatever it is, what comes next must not stand before it
		state->damaged = true;
		if (record.seq > state->end.seq)
			take_record(scan, &record);
	}
	scan->bad = true;
}

int segment_scan(int fd, const struct chain *since, struct segment_state *ret)
{
	struct segment_state state = { .previous = chain_first };
	struct scan scan = { .since = since, .state = &state, .at = chain_first };
	struct segment_lines lines;
	struct segment_line line;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	state.bytes = (uint64_t)st.st_size;
	int r = segment_lines_init(&lines, fd);
	while (r == 0 && (r = segment_lines_next(&lines, &line)) > 0) {
		take_line(&scan, &line);
		r = 0;
	}
	segment_lines_done(&lines);
	if (r < 0)
		return r;
	*ret = state;
	return 0;
}

// --- its ends

static int take_end(const char *line, size_t length, uint64_t *seq, char time[40],
		    struct chain_hash *hash)
{
	struct chain_record record;
	if (chain_parse(line, length, &record) < 0 || record.time_length >= 40)
		return -EBADMSG;
	*seq = record.seq;
	*hash = record.hash;
	memcpy(time, record.time, record.time_length);
	time[record.time_length] = '\0';
	return 0;
}

int segment_ends(int fd, struct segment_ends *ret)
{
	struct segment_ends ends = { 0 };
	struct chain_hash hash;
	struct stat st;
	char *bytes = malloc(2 * CHAIN_LINE_MAX);
	const char *previous;
	size_t length;
	int r = bytes ? 0 : -ENOMEM;
	ssize_t n = r == 0 ? pread(fd, bytes, CHAIN_LINE_MAX, 0) : 0;
	const char *stop = n > 0 ? memchr(bytes, '\n', (size_t)n) : NULL;
	if (r == 0 && (!stop || fstat(fd, &st) < 0))
		r = -EBADMSG;
	if (r == 0)
		r = take_end(bytes, (size_t)(stop - bytes), &ends.first, ends.first_time, &hash);
	if (r == 0 &&
	    (!chain_member(bytes, (size_t)(stop - bytes), "previous", &previous, &length) ||
	     length != CHAIN_HASH_TEXT))
		r = -EBADMSG;
	if (r == 0) {
		memcpy(ends.previous.text, previous, length);
		off_t from = st.st_size > CHAIN_LINE_MAX ? st.st_size - CHAIN_LINE_MAX : 0;
		n = pread(fd, bytes, CHAIN_LINE_MAX, from);
		if (n <= 0 || bytes[n - 1] != '\n')
			r = -EBADMSG;
	}
	if (r == 0) {
		const char *newline = memrchr(bytes, '\n', (size_t)n - 1);
		const char *last = newline ? newline + 1 : bytes;
		r = take_end(last, (size_t)(bytes + n - 1 - last), &ends.last, ends.last_time,
			     &ends.hash);
	}
	free(bytes);
	if (r == 0)
		*ret = ends;
	return r;
}
