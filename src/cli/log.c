// log: the records of the audit log, and what they mean; its other verbs are in log_*.c.
#include "cli/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "base/exit.h"
#include "base/text.h"
#include "event/event.h"
#include "keep/segment.h"

enum { LINES_DEFAULT = 100, LINES_MAX = 1000000, FOLLOW_USEC = 200 * 1000 };

const char *log_folder(const struct cli *cli, const char *argument)
{
	const char *given = cli_value(cli, OPT_LOG_DIR);

	return argument ? argument : given ? given : LOG_FOLDER;
}

int log_open(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int inner = fd < 0 ? -1 : openat(fd, "audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (inner < 0 && (fd < 0 || errno != ENOENT)) {
		fprintf(stderr, "sekisho: SK723 %s cannot be read: %s\n", folder, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (inner < 0)
		return fd;
	close(fd);
	return inner;
}

// --- one record

static bool is_frame(const char *key)
{
	static const char *const frame[] = { "seq",   "time", "boot",	   "since",  "clock",
					     "event", "hash", "signature", "message" };

	for (size_t i = 0; i < sizeof(frame) / sizeof(frame[0]); i++)
		if (strcmp(frame[i], key) == 0)
			return true;
	return false;
}

static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

// "2026-11-26 14:00:00 +09:00  applied  words: message  key=value ..."
static void print_object(struct json_object *object)
{
	const char *time = text_of(object, "time"), *event = text_of(object, "event");
	const char *message = text_of(object, "message"), *clock = text_of(object, "clock");
	int kind = event_kind_find(event, strlen(event));

	if (strlen(time) == 32)
		printf("%.10s %.8s%s  ", time, time + 11,
		       strcmp(clock, "unsynced") == 0 ? "?" : " ");
	else
		printf("%s  ", time);
	text_put(stdout, kind >= 0 ? event_kind_info((enum event_kind)kind)->words : event,
		 TEXT_WORDS);
	if (*message)
		printf(": ");
	text_put(stdout, message, TEXT_WORDS);
	json_object_object_foreach(object, key, value)
	{
		if (is_frame(key))
			continue;
		printf(" %s=", key);
		text_put(stdout, json_object_get_string(value), TEXT_WORDS);
	}
	putchar('\n');
}

static void print_record(const struct cli *cli, const char *line, size_t length)
{
	struct json_tokener *tokener;
	struct json_object *object;

	if (cli->json) {
		char *text = strndup(line, length);

		text_put(stdout, text ? text : "", TEXT_JSON);
		putchar('\n');
		free(text);
		return;
	}
	tokener = json_tokener_new();
	object = tokener ? json_tokener_parse_ex(tokener, line, (int)length) : NULL;
	if (json_object_is_type(object, json_type_object))
		print_object(object);
	json_object_put(object);
	json_tokener_free(tokener);
}

// --- many

// The newest ones, when only so many are wanted; else they are printed at once.
struct list {
	const struct cli *cli;
	const struct log_filter *filter;
	char **lines; // a ring; NULL: all are printed
	size_t room, n;
};

static void take(struct list *list, const char *line, size_t length)
{
	char **slot;

	if (!log_filter_takes(list->filter, line, length))
		return;
	if (!list->lines) {
		print_record(list->cli, line, length);
		return;
	}
	slot = &list->lines[list->n++ % list->room];
	free(*slot);
	*slot = strndup(line, length);
}

static void print_ring(struct list *list)
{
	size_t first = list->n > list->room ? list->n - list->room : 0;

	for (size_t i = first; list->lines && i < list->n; i++) {
		char *line = list->lines[i % list->room];

		if (line)
			print_record(list->cli, line, strlen(line));
	}
	for (size_t i = 0; list->lines && i < list->room; i++)
		free(list->lines[i]);
	free(list->lines);
	list->lines = NULL;
}

// Reads whole lines from *offset on, and moves it; *ret_closed: the segment ends.
static int read_segment(int dir_fd, uint64_t number, struct list *list, uint64_t *offset,
			bool *ret_closed)
{
	char name[SEGMENT_NAME_MAX];
	struct segment_lines lines;
	struct segment_line line;
	struct chain_record record;
	int fd, r;

	segment_name(number, name);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	r = fd < 0 ? -errno : segment_lines_init(&lines, fd);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	lines.offset = *offset;
	while ((r = segment_lines_next(&lines, &line)) > 0 && line.whole) {
		*offset = line.offset + line.length + 1;
		*ret_closed =
			chain_parse(line.text, line.length, &record) == 0 && record.is_signed &&
			event_kind_find(record.event, record.event_length) == EVENT_SEGMENT_CLOSED;
		take(list, line.text, line.length);
	}
	segment_lines_done(&lines);
	close(fd);
	return r < 0 ? r : 0;
}

static void follow(int dir_fd, struct list *list, uint64_t number, uint64_t offset, bool closed)
{
	while (fflush(stdout) == 0) {
		if (closed) {
			number++;
			offset = 0;
			closed = false;
		}
		if (read_segment(dir_fd, number, list, &offset, &closed) == -ENOENT)
			offset = 0;
		if (!closed)
			usleep(FOLLOW_USEC);
	}
}

static bool wants_lines(const struct cli *cli, size_t *ret_lines)
{
	const char *text = cli_value(cli, OPT_LINES);
	bool spans = cli_has(cli, OPT_SINCE) || cli_has(cli, OPT_UNTIL);
	char *end = NULL;
	unsigned long n = text ? strtoul(text, &end, 10) : 0;

	*ret_lines = text ? n : spans ? 0 : LINES_DEFAULT;
	if (!text || (n > 0 && n <= LINES_MAX && *end == '\0'))
		return true;
	fprintf(stderr, "sekisho log: --lines takes a number from 1 to %d\n", LINES_MAX);
	return false;
}

static int list_log(const struct cli *cli)
{
	struct log_filter filter;
	struct list list = { .cli = cli, .filter = &filter };
	struct segment_list segments = { 0 };
	uint64_t offset = 0, number = 1;
	bool closed = false;
	int dir_fd, r;

	if (!log_filter_read(cli, &filter) || !wants_lines(cli, &list.room))
		return EXIT_USAGE;
	dir_fd = log_open(log_folder(cli, NULL));
	if (dir_fd < 0)
		return EXIT_FAILED;
	if (list.room)
		list.lines = calloc(list.room, sizeof(*list.lines));
	r = segment_list(dir_fd, &segments);
	for (size_t i = 0; r == 0 && i < segments.n; i++) {
		number = segments.v[i];
		offset = 0;
		r = read_segment(dir_fd, number, &list, &offset, &closed);
		if (r == -ENOENT) // it was disposed of meanwhile
			r = 0;
	}
	print_ring(&list);
	segment_list_done(&segments);
	if (r < 0)
		fprintf(stderr, "sekisho: SK723 the audit log cannot be read: %s\n", strerror(-r));
	else if (cli_has(cli, OPT_FOLLOW))
		follow(dir_fd, &list, number, offset, closed);
	close(dir_fd);
	return r < 0 ? EXIT_FAILED : EXIT_FINE;
}

int verb_log(const struct cli *cli)
{
	static const struct {
		const char *name;
		int args_max;
		int (*run)(const struct cli *cli);
	} parts[] = { { "verify", 2, log_verify },
		      { "head", 2, log_head },
		      { "export", 2, log_export } };

	if (cli->argc == 0)
		return list_log(cli);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(cli->argv[0], parts[i].name) == 0 && cli->argc <= parts[i].args_max)
			return parts[i].run(cli);
	fprintf(stderr, "sekisho log: \"%s\" is not one of verify, head, export\n", cli->argv[0]);
	return EXIT_USAGE;
}
