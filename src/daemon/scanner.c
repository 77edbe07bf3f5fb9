#include "daemon/scanner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "inspect/clamd.h"
#include "inspect/icap.h"
#include "policy/box.h"

enum { SECOND = 1000000, DAY = 24 * 3600 };

enum state { SCANNER_UNKNOWN, SCANNER_UP, SCANNER_STALE, SCANNER_DOWN };

struct scanner {
	struct gate *gate;
	sd_event *event;
	sd_event_source *timer, *io;
	int fd;			  // of a question in hand, or -1
	bool asked, needed_known; // the question was sent; needed_ms counts
	struct scan_reply reply;
	enum state state;
	struct clamd_version version;
	time_t built; // the definitions; 0: not known
	uint64_t needed_ms, looked_ms;
	char why[160]; // it is down
};

static const char *const words[] = {
	[SCANNER_UNKNOWN] = "not asked yet",
	[SCANNER_UP] = "up",
	[SCANNER_STALE] = "stale",
	[SCANNER_DOWN] = "down",
};

static const char *name_of(const struct gate *gate) // or NULL: there is none
{
	const struct box_scanner *named = &gate->options->scanner;
	return named->icap ? named->icap : named->clamd;
}

static bool is_icap(const struct scanner *scanner)
{
	return scanner->gate->options->scanner.icap;
}

// --- its address

static int connect_to(const struct gate *gate, int *ret_fd)
{
	struct box_scanner_address address;
	int fd;

	if (!box_scanner_address(&gate->options->scanner, &address))
		return -ENOENT;
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, &address.any, address.size) < 0 && errno != EINPROGRESS) {
		int r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static void wait_seconds(struct scanner *scanner, uint64_t seconds)
{
	sd_event_source_set_time_relative(scanner->timer, seconds * SECOND);
	sd_event_source_set_enabled(scanner->timer, SD_EVENT_ONESHOT);
}

// Where mail needs it, that it is gone is told soon: of a connection over a network nobody knows at
// once.
int scanner_connect(struct gate *gate, int *ret_fd)
{
	struct scanner *scanner = gate->scanner;
	uint64_t now_ms = monotonic_ms();
	int r = connect_to(gate, ret_fd);

	if (!scanner)
		return r;
	if (name_of(gate) && scanner->fd < 0 && scanner->state != SCANNER_DOWN &&
	    ((r < 0 && r != -EAGAIN) ||
	     now_ms - scanner->looked_ms > SCANNER_LOOK_SECONDS_DOWN * 1000))
		wait_seconds(scanner, 0);
	return r;
}

// --- what is known of it

static void day_of(time_t when, char out[16])
{
	struct tm tm;
	if (!localtime_r(&when, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
		out[0] = '\0';
}

static void describe(const struct scanner *scanner, char *out, size_t room)
{
	const struct clamd_version *version = &scanner->version;
	char day[16] = "";

	if (scanner->state == SCANNER_DOWN) {
		snprintf(out, room, "down: %s", scanner->why);
		return;
	}
	if (scanner->built)
		day_of(scanner->built, day);
	if (is_icap(scanner))
		snprintf(out, room, "%s: %s", words[scanner->state], version->version);
	else
		snprintf(out, room, "%s: %s, definitions %" PRIu32 "%s%s", words[scanner->state],
			 version->version, version->definitions, *day ? " of " : "", day);
}

static void tell(struct scanner *scanner)
{
	struct event event;
	char text[320];

	describe(scanner, text, sizeof(text));
	event_init(&event, EVENT_SCANNER_CHANGED, journal_now_usec());
	event_text(&event, EVENT_NAME, name_of(scanner->gate));
	event_text(&event, EVENT_MESSAGE, text);
	journal_write(scanner->gate->journal, &event);
}

// What is wrong was told as an event of its own.
static void set_problem(struct scanner *scanner)
{
	struct gate *gate = scanner->gate;
	char text[400] = "", day[16] = "";
	enum diag_code code = SK_SCANNER_DOWN;
	bool needed = scanner->needed_known &&
		      monotonic_ms() - scanner->needed_ms < SCANNER_NEEDED_SECONDS * 1000;

	if (!name_of(gate) && needed) {
		snprintf(text, sizeof(text),
			 "a guard has mail scanned, and sekisho.yaml names no scanner (scanner:)");
	} else if (scanner->state == SCANNER_DOWN) {
		snprintf(text, sizeof(text), "the malware scanner %s: %s", name_of(gate),
			 scanner->why);
	} else if (scanner->state == SCANNER_STALE && scanner->built) {
		code = SK_SCANNER_OLD;
		day_of(scanner->built, day);
		snprintf(text, sizeof(text),
			 "the definitions of the malware scanner are of %s; at most %u days are "
			 "allowed",
			 day, gate->options->scanner.max_age_days);
	} else if (scanner->state == SCANNER_STALE) {
		code = SK_SCANNER_OLD;
		snprintf(text, sizeof(text),
			 "the malware scanner does not say how old its definitions are");
	}
	gate_show_problem(gate, GATE_SCANNER, code, text);
}

void scanner_is_needed(struct gate *gate)
{
	struct scanner *scanner = gate->scanner;

	if (!scanner)
		return;
	scanner->needed_ms = monotonic_ms();
	scanner->needed_known = true;
	if (!name_of(gate)) // nothing is asked whose answer would tell
		set_problem(scanner);
}

static void become(struct scanner *scanner, enum state state, const struct clamd_version *version)
{
	bool same = scanner->state == state &&
		    scanner->version.definitions == version->definitions &&
		    strcmp(scanner->version.version, version->version) == 0;

	scanner->state = state;
	scanner->version = *version;
	if (!same)
		tell(scanner);
	set_problem(scanner);
}

static void is_down(struct scanner *scanner, const char *why)
{
	const struct clamd_version known = scanner->version;
	snprintf(scanner->why, sizeof(scanner->why), "%s", why);
	become(scanner, SCANNER_DOWN, &known);
}

static time_t built_of(const struct clamd_version *version)
{
	struct tm tm = {
		.tm_year = version->year - 1900,
		.tm_mon = version->month - 1,
		.tm_mday = version->day,
		.tm_hour = version->hour,
		.tm_min = version->minute,
		.tm_sec = version->second,
		.tm_isdst = -1,
	};
	time_t built = version->dated ? mktime(&tm) : 0;
	return built > 0 ? built : 0;
}

// Nothing is known of its definitions.
static void take_service(struct scanner *scanner)
{
	struct clamd_version version = { .definitions = 0 };
	char name[ICAP_NAME_MAX];
	const char *why = icap_options_read(&scanner->reply, name);
	if (why) {
		is_down(scanner, why);
		return;
	}
	snprintf(version.version, sizeof(version.version), "%.*s", CLAMD_VERSION_MAX - 1, name);
	become(scanner, SCANNER_UP, &version);
}

static void take_version(struct scanner *scanner)
{
	const unsigned days = scanner->gate->options->scanner.max_age_days;
	struct clamd_version version;
	bool old;

	if (!clamd_version_read(&scanner->reply, &version)) {
		is_down(scanner, "its answer to VERSION makes no sense");
		return;
	}
	scanner->built = built_of(&version);
	old = days && (!scanner->built || time(NULL) - scanner->built > (time_t)days * DAY);
	become(scanner, old ? SCANNER_STALE : SCANNER_UP, &version);
}

// --- asking it

static void hang_up(struct scanner *scanner)
{
	scanner->io = sd_event_source_disable_unref(scanner->io);
	if (scanner->fd >= 0)
		close(scanner->fd);
	scanner->fd = -1;
}

static void answered(struct scanner *scanner)
{
	hang_up(scanner);
	wait_seconds(scanner, scanner->state == SCANNER_DOWN ? SCANNER_LOOK_SECONDS_DOWN
							     : SCANNER_LOOK_SECONDS);
}

static void failed(struct scanner *scanner, int error)
{
	is_down(scanner, strerror(-error));
	answered(scanner);
}

static void send_question(struct scanner *scanner)
{
	uint8_t question[SCAN_OPEN_MAX] = CLAMD_VERSION;
	size_t n = is_icap(scanner) ? icap_options(name_of(scanner->gate), question)
				    : sizeof(CLAMD_VERSION);
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(scanner->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (!error && !n)
		error = EINVAL;
	if (!error && send(scanner->fd, question, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n)
		error = errno;
	if (error) {
		failed(scanner, -error);
		return;
	}
	scanner->asked = true;
	sd_event_source_set_io_events(scanner->io, EPOLLIN);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct scanner *scanner = arg;
	uint8_t bytes[CLAMD_REPLY_MAX];
	ssize_t n;
	(void)source;
	(void)events;
	if (!scanner->asked) {
		send_question(scanner);
		return 0;
	}
	n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		failed(scanner, -errno);
		return 0;
	}
	(is_icap(scanner) ? icap_reply_read : clamd_reply_read)(&scanner->reply, bytes, (size_t)n);
	if (n && !scanner->reply.whole && !scanner->reply.bad)
		return 0;
	(is_icap(scanner) ? take_service : take_version)(scanner);
	answered(scanner);
	return 0;
}

static void ask(struct scanner *scanner)
{
	int r = connect_to(scanner->gate, &scanner->fd);

	scanner->looked_ms = monotonic_ms();
	if (r < 0) {
		failed(scanner, r);
		return;
	}
	scanner->asked = false;
	scanner->reply = (struct scan_reply){ 0 };
	r = sd_event_add_io(scanner->event, &scanner->io, scanner->fd, EPOLLOUT, on_io, scanner);
	if (r < 0)
		failed(scanner, r);
	else
		wait_seconds(scanner, SCANNER_ANSWER_SECONDS);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct scanner *scanner = arg;
	(void)source;
	(void)usec;
	if (scanner->fd >= 0) {
		failed(scanner, -ETIMEDOUT);
	} else if (name_of(scanner->gate)) {
		ask(scanner);
	} else {
		set_problem(scanner);
		wait_seconds(scanner, SCANNER_LOOK_SECONDS_DOWN);
	}
	return 0;
}

int scanner_open(struct gate *gate, sd_event *event)
{
	struct scanner *scanner = calloc(1, sizeof(*scanner));
	if (!scanner)
		return -ENOMEM;
	scanner->gate = gate;
	scanner->event = event;
	scanner->fd = -1;
	int r = sd_event_add_time_relative(event, &scanner->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
					   scanner);
	if (r < 0) {
		free(scanner);
		return r;
	}
	gate->scanner = scanner;
	return 0;
}

void scanner_close(struct gate *gate)
{
	struct scanner *scanner = gate->scanner;
	if (!scanner)
		return;
	hang_up(scanner);
	sd_event_source_disable_unref(scanner->timer);
	free(scanner);
	gate->scanner = NULL;
}

bool scanner_is_old(const struct gate *gate)
{
	return gate->scanner && gate->scanner->state == SCANNER_STALE;
}

// --- the status

void scanner_put_status(const struct gate *gate, struct control_writer *reply)
{
	const struct scanner *scanner = gate->scanner;
	char day[16];

	if (!scanner || !name_of(gate))
		return;
	control_put_text(reply, CTL_SCANNER, words[scanner->state]);
	if (!scanner->version.version[0])
		return;
	control_put_text(reply, CTL_SCANNER_VERSION, scanner->version.version);
	if (!is_icap(scanner))
		control_put_u64(reply, CTL_SCANNER_DEFINITIONS, scanner->version.definitions);
	if (!scanner->built)
		return;
	day_of(scanner->built, day);
	control_put_text(reply, CTL_SCANNER_BUILT, day);
}
