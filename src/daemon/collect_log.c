// Segments from the newest back, until one begins before the moment; then forward from there.
#include "daemon/collect_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keep/segment.h"

enum { TIME_MAX = 40 };

uint64_t collect_log_seconds(const char *text, size_t length)
{
	char copy[TIME_MAX], sign = 'Z';
	struct tm tm = { 0 };
	int hours = 0, minutes = 0;
	if (length >= sizeof(copy))
		return 0;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (sscanf(copy, "%4d-%2d-%2dT%2d:%2d:%2d%*[.0-9]%c%2d:%2d", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &sign, &hours, &minutes) < 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int64_t seconds = (int64_t)timegm(&tm), offset = (hours * 60 + minutes) * 60;
	seconds -= sign == '-' ? -offset : sign == '+' ? offset : 0;
	return seconds > 0 ? (uint64_t)seconds : 0;
}

static int open_segment(int folder_fd, uint64_t number)
{
	char name[SEGMENT_NAME_MAX];
	segment_name(number, name);
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static bool begins_after(int folder_fd, uint64_t number, uint64_t from_seconds)
{
	struct segment_ends ends;
	int fd = open_segment(folder_fd, number);
	if (fd < 0)
		return true;
	int r = segment_ends(fd, &ends);
	close(fd);
	return r < 0 ||
	       collect_log_seconds(ends.first_time, strlen(ends.first_time)) > from_seconds;
}

struct taking {
	uint64_t from_seconds;
	FILE *out;
	bool begun;
	size_t lines;
};

static int take_line(struct taking *taking, const struct segment_line *line)
{
	struct chain_record record;
	if (!taking->begun && chain_parse(line->text, line->length, &record) == 0)
		taking->begun = collect_log_seconds(record.time, record.time_length) >=
				taking->from_seconds;
	if (!taking->begun || !line->whole)
		return 0;
	taking->lines++;
	if (fwrite(line->text, 1, line->length, taking->out) != line->length ||
	    fputc('\n', taking->out) == EOF)
		return errno ? -errno : -EIO;
	return 0;
}

static int take_segment(int folder_fd, uint64_t number, struct taking *taking)
{
	struct segment_lines lines;
	struct segment_line line;
	int fd = open_segment(folder_fd, number);
	int r = fd < 0 ? fd : segment_lines_init(&lines, fd);
	if (r == 0) {
		while ((r = segment_lines_next(&lines, &line)) > 0)
			if ((r = take_line(taking, &line)) < 0)
				break;
		segment_lines_done(&lines);
	}
	if (fd >= 0)
		close(fd);
	return r;
}

int collect_log(int folder_fd, uint64_t from_usec, FILE *out, size_t *ret_lines)
{
	struct taking taking = { .from_seconds = from_usec / 1000000, .out = out };
	struct segment_list list;
	int r = segment_list(folder_fd, &list);
	if (r < 0)
		return r;
	size_t first = list.n;
	while (first > 0 &&
	       (first == list.n || begins_after(folder_fd, list.v[first], taking.from_seconds)))
		first--;
	for (size_t i = first; r == 0 && i < list.n; i++)
		r = take_segment(folder_fd, list.v[i], &taking);
	segment_list_done(&list);
	*ret_lines = taking.lines;
	return r;
}
