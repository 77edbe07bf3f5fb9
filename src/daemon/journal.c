// Writing events out.
#include "daemon/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/boot.h"
#include "base/clock.h"
#include "daemon/keeper.h"
#include "event/json.h"
#include "event/stamp.h"

enum { EARLY_MAX = 32 };

struct journal {
	bool native;
	int fd; // of JSON lines
	struct keeper *keeper;
	struct stamp_clock clock;
	bool looking, asked;
	char *early[EARLY_MAX]; // records from before there was a keeper
	size_t n_early;
	enum event_clock state;
};

enum { FIELDS_MAX = EVENT_FIELD_COUNT + 5 };

struct assignments {
	struct iovec v[FIELDS_MAX];
	int n;
};

uint64_t journal_now_usec(void)
{
	return wall_us();
}

// systemd tells the device and inode of the stream it gave us (systemd.exec(5)).
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

int journal_open(const char *path, struct journal **ret_journal)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	if (!journal)
		return -ENOMEM;
	journal->fd = STDERR_FILENO;
	stamp_clock_init(&journal->clock);
	journal->native = !path && stderr_is_journal();
	if (path) {
		journal->fd =
			open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
		if (journal->fd < 0) {
			int r = -errno;
			free(journal);
			return r;
		}
	}
	*ret_journal = journal;
	return 0;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	if (journal->fd != STDERR_FILENO)
		close(journal->fd);
	journal_keep(journal, NULL);
	free(journal);
}

static void add(void *arg, const char *assignment)
{
	struct assignments *fields = arg;
	char *copy = fields->n < FIELDS_MAX ? strdup(assignment) : NULL;
	if (copy)
		fields->v[fields->n++] = (struct iovec){ copy, strlen(copy) };
}

static int send_native(const struct event *event, const char *text)
{
	struct assignments fields = { .n = 0 };
	char message[EVENT_LINE_MAX + 16], priority[16];
	snprintf(message, sizeof(message), "MESSAGE=%s", text);
	snprintf(priority, sizeof(priority), "PRIORITY=%d", event_kind_info(event->kind)->level);
	add(&fields, message);
	add(&fields, priority);
	event_journal(event, add, &fields);
	int r = sd_journal_sendv(fields.v, fields.n);
	for (int i = 0; i < fields.n; i++)
		free(fields.v[i].iov_base);
	return r;
}

static void write_line(int fd, const char *line, size_t length)
{
	ssize_t n;
	do // one call a line, so that lines of several writers do not mix
		n = write(fd, line, length);
	while (n < 0 && errno == EINTR);
}

// --- the audit log

void journal_keep(struct journal *journal, struct keeper *keeper)
{
	journal->keeper = keeper;
	for (size_t i = 0; i < journal->n_early; i++) {
		if (keeper) // the kind only says how much room is left to others
			keeper_put(keeper, EVENT_STARTED, journal->early[i],
				   strlen(journal->early[i]));
		free(journal->early[i]);
	}
	journal->n_early = 0;
}

int journal_flush(struct journal *journal, int timeout_ms)
{
	return journal->keeper ? keeper_flush(journal->keeper, timeout_ms) : 0;
}

static bool put_record(struct journal *journal, const struct event *event)
{
	char body[EVENT_LINE_MAX];
	struct event_stamp stamp;
	stamp_now(&journal->clock, &stamp);
	size_t n = event_write_record(event, &stamp, body, sizeof(body));
	if (journal->keeper)
		return keeper_put(journal->keeper, event->kind, body, n);
	char *copy = journal->n_early < EARLY_MAX ? strdup(body) : NULL;
	if (copy)
		journal->early[journal->n_early++] = copy;
	return copy;
}

// What had no room is told as soon as there is some, before anything later.
static void put_gap(struct journal *journal)
{
	uint64_t lost = keeper_lost(journal->keeper);
	struct event gap;
	if (!lost)
		return;
	event_init(&gap, EVENT_RECORD_GAP, journal_now_usec());
	event_number(&gap, EVENT_COUNT, lost);
	if (put_record(journal, &gap))
		keeper_lost_told(journal->keeper, lost);
	else // the gap's own event is no loss
		keeper_lost_told(journal->keeper, 1);
}

static void keep(struct journal *journal, const struct event *event)
{
	if (journal->keeper)
		put_gap(journal);
	put_record(journal, event);
}

// --- the clock

static void tell_jump(struct journal *journal, int64_t shift_usec)
{
	struct event event;
	char shift[32];
	uint64_t usec = (uint64_t)(shift_usec < 0 ? -shift_usec : shift_usec);
	snprintf(shift, sizeof(shift), "%c%llu.%03u", shift_usec < 0 ? '-' : '+',
		 (unsigned long long)(usec / 1000000), (unsigned)(usec / 1000 % 1000));
	event_init(&event, EVENT_CLOCK_JUMPED, journal_now_usec());
	event_text(&event, EVENT_SHIFT, shift);
	journal_write(journal, &event);
}

static void tell_state(struct journal *journal, enum event_clock state)
{
	struct event event;
	event_init(&event, EVENT_CLOCK_STATE, journal_now_usec());
	event_text(&event, EVENT_CLOCK, event_clock_word(state));
	journal_write(journal, &event);
}

void journal_look_at_clock(struct journal *journal)
{
	struct event_stamp stamp;
	if (journal->looking) // the event of the clock itself
		return;
	journal->looking = true;
	int64_t shift = stamp_look(&journal->clock, journal_now_usec(), boot_now_usec());
	if (shift)
		tell_jump(journal, shift);
	stamp_now(&journal->clock, &stamp);
	if (journal->asked && stamp.clock != journal->state)
		tell_state(journal, stamp.clock);
	journal->state = stamp.clock;
	journal->asked = true;
	journal->looking = false;
}

void journal_write(struct journal *journal, const struct event *event)
{
	char line[EVENT_LINE_MAX + 16];
	size_t used = 0;
	journal_look_at_clock(journal);
	keep(journal, event);
	if (journal->native) {
		event_write_text(event, line, EVENT_LINE_MAX);
		if (send_native(event, line) == 0)
			return;
		// No journal after all: its own protocol for lines on standard error.
		char plain[EVENT_LINE_MAX];
		memcpy(plain, line, sizeof(plain));
		used = (size_t)snprintf(line, sizeof(line), "<%d>%s",
					event_kind_info(event->kind)->level, plain);
	} else {
		event_write_json(event, line, EVENT_LINE_MAX);
		used = strlen(line);
	}
	line[used++] = '\n';
	write_line(journal->fd, line, used);
}

void journal_failed(struct journal *journal, const struct failure *failure)
{
	struct event event;
	char place[sizeof(failure->file) + 24] = "";
	char text[sizeof(failure->text) + sizeof(place) + 32];
	if (failure->file[0] && failure->line)
		snprintf(place, sizeof(place), "%s:%u: ", failure->file, failure->line);
	else if (failure->file[0])
		snprintf(place, sizeof(place), "%s: ", failure->file);
	snprintf(text, sizeof(text), "%sSK%03d %s", place, (int)failure->code, failure->text);
	event_init(&event, EVENT_FAILED, journal_now_usec());
	event_text(&event, EVENT_MESSAGE, text);
	journal_write(journal, &event);
}
