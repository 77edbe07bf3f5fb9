#include "daemon/scans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum state { WAITING, OPEN, OVER, STATES };

struct scan {
	struct scan *before, *after; // of its list
	struct scans *scans;
	void *owner;
	enum state state;
	int fd;		// -1: none yet
	uint8_t *queue; // framed; [from, to) is not sent
	size_t from, to, room;
	bool ended, behind;
	uint64_t moved_ms; // when something last happened that it waits for
	uint32_t seconds;
	struct scan_reply reply;
	struct scan_result result;
};

struct list {
	struct scan *first, *last;
	size_t n;
};

struct stored {
	int fd;
	uint64_t since_ms;
};

struct scans {
	struct scans_options options;
	struct list lists[STATES];
	struct stored store[SCANS_STORE];
	size_t n_store;
	unsigned asked; // descriptors that the gate has not answered about
	uint64_t asked_ms, ask_after_ms, lively_ms, now_ms;
	uint64_t bytes; // of all queues
};

static void leave(struct scan *scan)
{
	struct list *list = &scan->scans->lists[scan->state];
	*(scan->before ? &scan->before->after : &list->first) = scan->after;
	*(scan->after ? &scan->after->before : &list->last) = scan->before;
	list->n--;
}

static void enter(struct scan *scan, enum state state)
{
	struct list *list = &scan->scans->lists[state];
	scan->state = state;
	scan->before = list->last;
	scan->after = NULL;
	*(list->last ? &list->last->after : &list->first) = scan;
	list->last = scan;
	list->n++;
}

static void drop_queue(struct scan *scan)
{
	scan->scans->bytes -= scan->room;
	free(scan->queue);
	scan->queue = NULL;
	scan->from = scan->to = scan->room = 0;
}

static void hang_up(struct scan *scan)
{
	if (scan->fd >= 0)
		close(scan->fd);
	scan->fd = -1;
	drop_queue(scan);
}

static void over(struct scan *scan, const struct scan_result *result)
{
	if (scan->state == OVER)
		return;
	scan->result = *result;
	hang_up(scan);
	leave(scan);
	enter(scan, OVER);
}

static void over_with(struct scan *scan, enum scan_verdict verdict)
{
	over(scan, &(struct scan_result){ .verdict = verdict });
}

// --- the queue

static bool make_room(struct scan *scan, size_t more)
{
	struct scans *scans = scan->scans;
	size_t want = scan->to - scan->from + more, room = scan->room ? scan->room : 4096;
	uint8_t *grown;

	if (scan->from && scan->to + more > scan->room) {
		memmove(scan->queue, scan->queue + scan->from, scan->to - scan->from);
		scan->to -= scan->from;
		scan->from = 0;
	}
	if (want <= scan->room)
		return true;
	while (room < want)
		room *= 2;
	if (want > SCANS_QUEUE_HARD || scans->bytes - scan->room + room > SCANS_BYTES_HARD)
		return false;
	grown = realloc(scan->queue, room);
	if (!grown)
		return false;
	scans->bytes += room - scan->room;
	scan->queue = grown;
	scan->room = room;
	return true;
}

static void append(struct scan *scan, const void *bytes, size_t n)
{
	memcpy(scan->queue + scan->to, bytes, n);
	scan->to += n;
}

static void put(struct scan *scan, const void *bytes, size_t n)
{
	if (scan->state == OVER)
		return;
	if (!n)
		return;
	if (make_room(scan, n))
		append(scan, bytes, n);
	else
		over_with(scan, SCAN_BUSY);
}

static void put_bytes(struct scan *scan, const void *bytes, size_t n)
{
	const struct scan_words *words = scan->scans->options.words;
	uint8_t head[SCAN_HEAD_MAX];
	size_t n_head = words->head((uint32_t)n, head);
	if (scan->state == OVER)
		return;
	if (!make_room(scan, n_head + n + words->n_tail)) {
		over_with(scan, SCAN_BUSY);
		return;
	}
	append(scan, head, n_head);
	append(scan, bytes, n);
	append(scan, words->tail, words->n_tail);
}

// What the scanner takes now.  A connection that broke is found by reading, where the scanner may
// have said why.
static void send_queue(struct scan *scan)
{
	while (scan->state == OPEN && scan->from < scan->to) {
		ssize_t n = send(scan->fd, scan->queue + scan->from, scan->to - scan->from,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		scan->from += (size_t)n;
		scan->moved_ms = scan->scans->now_ms;
	}
	if (scan->from == scan->to)
		drop_queue(scan);
}

static void read_reply(struct scan *scan)
{
	const struct scan_words *words = scan->scans->options.words;
	uint8_t bytes[512];
	struct scan_result result;
	ssize_t n = 1;

	while (n > 0 && !scan->reply.whole && !scan->reply.bad) {
		n = recv(scan->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
			return;
		if (n > 0)
			words->read(&scan->reply, bytes, (size_t)n);
	}
	words->verdict(&scan->reply, scan->ended && scan->from == scan->to, &result);
	over(scan, &result);
}

// --- descriptors

static bool is_dead(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	return poll(&poll_fd, 1, 0) != 0;
}

static void open_scan(struct scan *scan, int fd)
{
	leave(scan);
	enter(scan, OPEN);
	scan->fd = fd;
	scan->moved_ms = scan->scans->now_ms;
	send_queue(scan);
}

static int take_stored(struct scans *scans)
{
	while (scans->n_store) {
		struct stored stored = scans->store[--scans->n_store];
		if (!is_dead(stored.fd))
			return stored.fd;
		close(stored.fd);
	}
	return -1;
}

static bool may_open(const struct scans *scans)
{
	return scans->lists[WAITING].n && scans->lists[OPEN].n < SCANS_OPEN_MAX;
}

static void open_waiting(struct scans *scans)
{
	int fd;
	while (may_open(scans) && (fd = take_stored(scans)) >= 0)
		open_scan(scans->lists[WAITING].first, fd);
}

void scans_give(struct scans *scans, int fd)
{
	if (scans->asked)
		scans->asked--;
	if (may_open(scans))
		open_scan(scans->lists[WAITING].first, fd);
	else if (scans->n_store < SCANS_STORE)
		scans->store[scans->n_store++] = (struct stored){ fd, scans->now_ms };
	else
		close(fd);
}

void scans_refuse(struct scans *scans, int error)
{
	if (scans->asked)
		scans->asked--;
	scans->ask_after_ms = scans->now_ms + (error == -EAGAIN ? 100 : 1000);
	while (error != -EAGAIN && scans->lists[WAITING].first)
		over_with(scans->lists[WAITING].first, SCAN_DOWN);
}

static void ask(struct scans *scans)
{
	bool lively = scans->lively_ms && scans->now_ms - scans->lively_ms < SCANS_LIVELY_MS;
	size_t room = SCANS_OPEN_MAX - scans->lists[OPEN].n, waiting = scans->lists[WAITING].n;
	size_t want = waiting < room ? waiting : room, have = scans->n_store + scans->asked;

	if (scans->asked && scans->now_ms - scans->asked_ms > SCANS_ANSWER_MS) {
		scans->asked = 0;
		have = scans->n_store;
	}
	want += lively ? SCANS_STORE : 0;
	if (want <= have || scans->now_ms < scans->ask_after_ms)
		return;
	scans->asked += (unsigned)(want - have);
	scans->asked_ms = scans->now_ms;
	scans->options.ask(scans->options.arg, (unsigned)(want - have));
}

// --- what an inspector calls

struct scan *scans_begin(struct scans *scans, void *owner, uint32_t seconds, uint64_t now_ms)
{
	struct scan *scan = calloc(1, sizeof(*scan));
	uint8_t open[SCAN_OPEN_MAX];
	if (!scan)
		return NULL;
	// One that was refused a moment ago is asked for again: the scanner may be back.
	scans->now_ms = scans->lively_ms = now_ms;
	scan->scans = scans;
	scan->owner = owner;
	scan->fd = -1;
	scan->seconds = seconds;
	scan->moved_ms = now_ms;
	enter(scan, WAITING);
	put(scan, open, scans->options.words->open(scans->options.service, open));
	open_waiting(scans);
	return scan;
}

bool scans_bytes(struct scan *scan, const uint8_t *bytes, size_t n)
{
	const struct scans *scans = scan->scans;
	size_t queued;

	if (scan->state == OVER || !n)
		return true;
	put_bytes(scan, bytes, n);
	if (scan->state == OPEN)
		send_queue(scan);
	queued = scan->to - scan->from;
	// Once told, until scans_look() tells of room: whoever waits hears of it by that alone.
	if (scan->state != OVER &&
	    (queued > SCANS_QUEUE_SOFT || (queued && scans->bytes > SCANS_BYTES_SOFT)))
		scan->behind = true;
	return !scan->behind;
}

void scans_end(struct scan *scan)
{
	const struct scan_words *words = scan->scans->options.words;

	put(scan, words->end, words->n_end);
	scan->ended = true;
	scan->behind = false;
	scan->moved_ms = scan->scans->now_ms;
	if (scan->state == OPEN)
		send_queue(scan);
}

void scans_mark(struct scan *scan)
{
	const struct scan_words *words = scan->scans->options.words;

	put(scan, words->end, words->n_end);
}

void scans_drop(struct scan *scan)
{
	hang_up(scan);
	leave(scan);
	free(scan);
}

// --- looking after them

static void look_at_store(struct scans *scans)
{
	size_t n = 0;
	for (size_t i = 0; i < scans->n_store; i++) {
		if (scans->now_ms - scans->store[i].since_ms > SCANS_STORE_MS ||
		    is_dead(scans->store[i].fd))
			close(scans->store[i].fd);
		else
			scans->store[n++] = scans->store[i];
	}
	scans->n_store = n;
}

// Whoever waits for its client does not wait for the scanner.
static bool is_late(const struct scan *scan, uint64_t now_ms)
{
	return (scan->ended || scan->from < scan->to) &&
	       now_ms - scan->moved_ms > (uint64_t)scan->seconds * 1000;
}

static void look_at_scans(struct scans *scans, enum state state)
{
	struct scan *after;
	for (struct scan *scan = scans->lists[state].first; scan; scan = after) {
		after = scan->after;
		if (state == OPEN) {
			send_queue(scan);
			read_reply(scan);
		}
		if (scan->state != OVER && is_late(scan, scans->now_ms))
			over_with(scan, SCAN_DOWN);
	}
}

static void tell_over(struct scans *scans)
{
	struct scan *scan;
	while ((scan = scans->lists[OVER].first)) {
		const struct scan_result result = scan->result;
		void *owner = scan->owner;
		scans_drop(scan);
		scans->options.verdict(scans->options.arg, owner, &result);
	}
}

// Whoever is told may drop any scan: it begins anew after each.
static void tell_room(struct scans *scans)
{
	struct scan *scan = scans->lists[OPEN].first;
	while (scan) {
		if (!scan->behind || scan->to - scan->from > SCANS_QUEUE_SOFT / 2) {
			scan = scan->after;
			continue;
		}
		scan->behind = false;
		scans->options.room(scans->options.arg, scan->owner);
		scan = scans->lists[OPEN].first;
	}
}

void scans_look(struct scans *scans, uint64_t now_ms)
{
	scans->now_ms = now_ms;
	look_at_store(scans);
	open_waiting(scans);
	look_at_scans(scans, WAITING);
	look_at_scans(scans, OPEN);
	tell_over(scans);
	tell_room(scans);
	ask(scans);
}

size_t scans_poll(const struct scans *scans, struct pollfd fds[SCANS_POLL_MAX])
{
	size_t n = 0;
	for (const struct scan *scan = scans->lists[OPEN].first; scan; scan = scan->after)
		fds[n++] = (struct pollfd){
			.fd = scan->fd,
			.events = (short)(POLLIN | (scan->from < scan->to ? POLLOUT : 0))
		};
	for (size_t i = 0; i < scans->n_store; i++)
		fds[n++] = (struct pollfd){ .fd = scans->store[i].fd, .events = POLLIN };
	return n;
}

int scans_new(const struct scans_options *options, struct scans **ret_scans)
{
	struct scans *scans = calloc(1, sizeof(*scans));
	if (!scans)
		return -ENOMEM;
	scans->options = *options;
	*ret_scans = scans;
	return 0;
}

void scans_free(struct scans *scans)
{
	if (!scans)
		return;
	for (int state = 0; state < STATES; state++)
		while (scans->lists[state].first)
			scans_drop(scans->lists[state].first);
	for (size_t i = 0; i < scans->n_store; i++)
		close(scans->store[i].fd);
	free(scans);
}
