// The gate's side of the keeper: start it, feed it, hear it, start it again.
#include "daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/file.h"
#include "daemon/keeper_queue.h"
#include "daemon/keeper_wire.h"
#include "daemon/reap.h"
#include "daemon/reborn.h"

enum {
	TICK_USEC = 250 * 1000,
	RESTART_USEC = 100 * 1000, // between two that end at once
	ERROR_USEC = 300 * 1000,   // that long a flush waits for a disk that is full to have room
	GONE_USEC = 2 * 1000000,   // that long without a keeper is a fault
	STOP_MS = 1000,
	SOCKET_BYTES = 2 * KEEPER_FLIGHT_MAX,
};

static const char head_name[] = "audit.head";

struct keeper {
	sd_event *event;
	struct keeper_options options;
	char folder[KEEPER_PATH_MAX];
	struct key *key;
	struct audit_limits limits;
	struct keeper_queue queue;
	// The process
	pid_t pid; // 0: none
	int socket;
	sd_event_source *readable, *timer;
	bool is_up;		// it has answered
	uint64_t durable_base;	// events that were durable when it came up
	uint64_t ended_usec;	// since boot: when the one before ended
	uint64_t down_usec;	// since when none answers; 0: one does
	uint64_t answered_usec; // or first waited for
	uint64_t token, token_answered;
	bool was_up; // any keeper of this daemon
	uint64_t restarts;
	// What is known
	int error;
	struct chain end, checkpoint;
	uint64_t head_seq; // of the newest record that the file tells
	uint64_t lost, lost_untold;
};

static void become_gone(struct keeper *keeper);

static void set_error(struct keeper *keeper, int error)
{
	if (keeper->error == error)
		return;
	keeper->error = error;
	if (keeper->options.changed)
		keeper->options.changed(keeper->options.arg);
}

// --- what is known of the newest record, from one daemon to the next

static void read_head(struct keeper *keeper)
{
	char *text = NULL;
	size_t size;
	unsigned long long seq;
	struct chain chain = { 0 };
	if (file_read(keeper->options.state_fd, head_name, 256, &text, &size) < 0)
		return;
	if (sscanf(text, "%llu %64[0-9a-f]", &seq, chain.hash.text) == 2 &&
	    strlen(chain.hash.text) == CHAIN_HASH_TEXT) {
		chain.seq = seq;
		keeper->end = chain;
	}
	free(text);
}

// Not synced: after a power cut an older one is as true.
static void write_head(struct keeper *keeper)
{
	static const char beside[] = ".audit.head.new";
	char text[128];
	int n = snprintf(text, sizeof(text), "%llu %s\n", (unsigned long long)keeper->end.seq,
			 keeper->end.hash.text);
	int dir_fd = keeper->options.state_fd;
	int fd =
		openat(dir_fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	if (write(fd, text, (size_t)n) == n && renameat(dir_fd, beside, dir_fd, head_name) == 0)
		keeper->head_seq = keeper->end.seq;
	close(fd);
}

// --- the process

static int say(struct keeper *keeper, const struct keeper_head *head, const void *bytes,
	       size_t size)
{
	struct iovec parts[] = { { (void *)(uintptr_t)head, sizeof(*head) },
				 { (void *)(uintptr_t)bytes, size } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = size ? 2 : 1 };
	ssize_t n;
	if (keeper->socket < 0)
		return -EPIPE;
	do
		n = sendmsg(keeper->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int say_hello(struct keeper *keeper)
{
	const struct keeper_head head = { .word = KEEPER_HELLO };
	struct keeper_hello hello = {
		.uid = keeper->options.uid,
		.gid = keeper->options.gid,
		.resumes = keeper->was_up,
		.since = keeper->end,
		.limits = keeper->limits,
	};
	memcpy(hello.folder, keeper->folder, sizeof(hello.folder));
	memcpy(hello.secret, key_secret(keeper->key), sizeof(hello.secret));
	int r = say(keeper, &head, &hello, sizeof(hello));
	explicit_bzero(hello.secret, sizeof(hello.secret));
	return r;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *arg);

static int spawn(struct keeper *keeper)
{
	static const struct reborn_command command = { .argument = KEEPER_ARGUMENT,
						       .socket_bytes = SOCKET_BYTES };
	int r = reborn_start(&command, &keeper->pid, &keeper->socket);
	if (r < 0)
		return r;
	keeper->is_up = false;
	keeper->answered_usec = boot_now_usec();
	r = say_hello(keeper);
	if (r == 0 && keeper->event)
		r = sd_event_add_io(keeper->event, &keeper->readable, keeper->socket, EPOLLIN,
				    on_readable, keeper);
	if (r < 0)
		become_gone(keeper);
	return r < 0 ? r : 0;
}

// What it had is sent again to the next one.
static void become_gone(struct keeper *keeper)
{
	keeper->readable = sd_event_source_disable_unref(keeper->readable);
	if (keeper->socket >= 0)
		close(keeper->socket);
	keeper->socket = -1;
	if (keeper->pid > 0)
		reap(keeper->pid);
	keeper->pid = 0;
	keeper->is_up = false;
	keeper->ended_usec = boot_now_usec();
	if (!keeper->down_usec)
		keeper->down_usec = keeper->ended_usec;
	keeper_queue_unsend_all(&keeper->queue);
}

// --- feeding

static void feed(struct keeper *keeper)
{
	struct keeper_queue *queue = &keeper->queue;
	while (keeper->is_up && keeper_queue_unsent(queue) &&
	       keeper_queue_in_flight(queue) < KEEPER_FLIGHT_MAX - KEEPER_MESSAGE_MAX) {
		struct keeper_head head = { .word = KEEPER_EVENTS };
		const char *bytes;
		size_t size = keeper_queue_next(queue, KEEPER_MESSAGE_MAX, &bytes, &head.events);
		int r = say(keeper, &head, bytes, size);
		if (r == 0)
			continue;
		keeper_queue_unsend(queue, size);
		if (r != -EAGAIN && r != -ENOBUFS)
			become_gone(keeper);
		return;
	}
}

bool keeper_put(struct keeper *keeper, enum event_kind kind, const char *body, size_t size)
{
	bool packet = kind <= EVENT_PACKET_INVALID;
	bool waits = keeper_queue_in_flight(&keeper->queue) > 0;
	if (!size ||
	    !keeper_queue_put(&keeper->queue, body, size, packet ? KEEPER_QUEUE_RESERVE : 0)) {
		keeper->lost++;
		keeper->lost_untold++;
		return false;
	}
	// While some are under way others gather: one sync serves them all.
	if (!waits)
		keeper->answered_usec = boot_now_usec();
	if (!waits || keeper_queue_unsent(&keeper->queue) >= KEEPER_MESSAGE_MAX)
		feed(keeper);
	return true;
}

// --- hearing

static void on_ready(struct keeper *keeper, const struct keeper_answer *answer)
{
	if (keeper->was_up) {
		keeper->restarts++;
		keeper_queue_acknowledge(&keeper->queue, keeper->queue.durable + answer->survivors);
	}
	keeper->is_up = keeper->was_up = true;
	keeper->down_usec = 0;
	keeper->durable_base = keeper->queue.durable;
}

static void take_answer(struct keeper *keeper, const struct keeper_answer *answer)
{
	bool is_new = answer->checkpoint.seq > keeper->checkpoint.seq;
	uint64_t restarts = keeper->restarts;
	keeper->answered_usec = boot_now_usec();
	if (answer->is_ready)
		on_ready(keeper, answer);
	keeper_queue_acknowledge(&keeper->queue, keeper->durable_base + answer->durable_events);
	keeper->token_answered = answer->token;
	if (answer->end.seq >= keeper->end.seq) // what was once durable stays known
		keeper->end = answer->end;
	if (is_new) {
		keeper->checkpoint = answer->checkpoint;
		write_head(keeper);
	}
	set_error(keeper, answer->error);
	feed(keeper);
	if (keeper->restarts != restarts && keeper->options.changed)
		keeper->options.changed(keeper->options.arg);
	if (is_new && keeper->options.signed_)
		keeper->options.signed_(keeper->options.arg, &keeper->checkpoint);
	if (answer->trouble[0] && keeper->options.trouble)
		keeper->options.trouble(keeper->options.arg, answer->trouble);
}

// One message; -EAGAIN: none is there; -EPIPE: the keeper is gone.
static int hear(struct keeper *keeper)
{
	struct keeper_answer answer;
	ssize_t n;
	if (keeper->socket < 0)
		return -EPIPE;
	do
		n = recv(keeper->socket, &answer, sizeof(answer), MSG_DONTWAIT | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (n != (ssize_t)sizeof(answer)) {
		become_gone(keeper);
		return -EPIPE;
	}
	answer.trouble[sizeof(answer.trouble) - 1] = '\0';
	take_answer(keeper, &answer);
	return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)fd;
	(void)events;
	while (hear(arg) == 0)
		;
	return 0;
}

// --- time

// A keeper that is gone is started again: at once, then four times a second.
static void look_after(struct keeper *keeper)
{
	uint64_t now = boot_now_usec();
	bool expects = !keeper->is_up || keeper_queue_in_flight(&keeper->queue) ||
		       keeper->token_answered != keeper->token;
	if (keeper->pid && expects && now - keeper->answered_usec > KEEPER_HANG_USEC) {
		set_error(keeper, -ETIMEDOUT);
		become_gone(keeper);
	}
	if (!keeper->pid && now - keeper->ended_usec >= RESTART_USEC && spawn(keeper) < 0)
		become_gone(keeper);
	if (keeper->down_usec && !keeper->error && now - keeper->down_usec > GONE_USEC)
		set_error(keeper, -EPIPE);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *arg)
{
	struct keeper *keeper = arg;
	(void)usec;
	look_after(keeper);
	feed(keeper);
	if (keeper->end.seq != keeper->head_seq)
		write_head(keeper);
	sd_event_source_set_time_relative(source, TICK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

// Hears what comes until then; false: it is past.
static bool wait_until(struct keeper *keeper, uint64_t until)
{
	uint64_t now = boot_now_usec();
	struct pollfd socket = { .fd = keeper->socket, .events = POLLIN };
	if (now >= until)
		return false;
	if (keeper->socket < 0) {
		look_after(keeper);
		if (keeper->socket < 0)
			usleep(10 * 1000);
		return true;
	}
	uint64_t ms = (until - now) / 1000 + 1;
	poll(&socket, 1, ms < TICK_USEC / 1000 ? (int)ms : TICK_USEC / 1000);
	while (hear(keeper) == 0)
		;
	return true;
}

int keeper_flush(struct keeper *keeper, int timeout_ms)
{
	uint64_t start = boot_now_usec(), all = keeper->queue.put;
	feed(keeper);
	while (keeper->queue.durable < all) {
		// What a keeper that is gone had said does not count for the next one.
		bool failed =
			keeper->is_up && keeper->error && boot_now_usec() - start > ERROR_USEC;
		if (failed || !wait_until(keeper, start + (uint64_t)timeout_ms * 1000))
			return keeper->error ? keeper->error : -ETIMEDOUT;
	}
	return 0;
}

int keeper_ask(struct keeper *keeper)
{
	// One that did not answer the last time, or that is gone, is not waited for again.
	bool in_vain = keeper->error == -ETIMEDOUT || (keeper->error && !keeper->is_up);
	unsigned ms = in_vain ? KEEPER_ASK_AGAIN_MS : KEEPER_ASK_MS;
	uint64_t until = boot_now_usec() + ms * 1000;
	struct keeper_head head = { .word = KEEPER_PROBE };
	bool asked = false;
	int before = keeper->error;
	feed(keeper);
	while (!asked || !keeper->is_up || keeper->token_answered != head.token) {
		if (keeper->is_up && !asked) {
			head.token = ++keeper->token;
			asked = say(keeper, &head, NULL, 0) == 0;
		}
		if (!wait_until(keeper, until)) {
			set_error(keeper, keeper->pid && keeper->is_up ? -ETIMEDOUT
					  : before		       ? before
								       : -EPIPE);
			break;
		}
		if (!keeper->is_up)
			asked = false;
	}
	return keeper->error;
}

int keeper_error(const struct keeper *keeper)
{
	return keeper->error;
}

// --- the whole

void keeper_set_limits(struct keeper *keeper, const struct audit_limits *limits)
{
	const struct keeper_head head = { .word = KEEPER_LIMITS };
	keeper->limits = *limits;
	if (keeper->is_up && say(keeper, &head, limits, sizeof(*limits)) < 0)
		become_gone(keeper); // the next one gets them with its hello
}

static int start(struct keeper *keeper)
{
	int r = spawn(keeper);
	if (r == 0 && keeper->event)
		r = sd_event_add_time_relative(keeper->event, &keeper->timer, CLOCK_MONOTONIC,
					       TICK_USEC, 0, on_tick, keeper);
	return r < 0 ? r : 0;
}

int keeper_start(sd_event *event, const struct keeper_options *options, struct failure *failure,
		 struct keeper **ret_keeper)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	if (!keeper)
		return failure_set(failure, SK_RECORD_BLOCKED, -ENOMEM, "no memory");
	*keeper = (struct keeper){
		.event = event,
		.options = *options,
		.socket = -1,
		.limits = { .segment_bytes = AUDIT_SEGMENT_BYTES },
		.down_usec = boot_now_usec(),
	};
	int r = keeper_queue_init(&keeper->queue, KEEPER_QUEUE_BYTES);
	if (r == 0)
		r = file_give_folder(options->folder, "audit", 0750, options->uid, options->gid,
				     keeper->folder, sizeof(keeper->folder)); // it has readers
	if (r < 0)
		failure_set(failure, SK_RECORD_BLOCKED, r, "%s: %s", options->folder, strerror(-r));
	if (r == 0 && (r = key_open(options->state_fd, &keeper->key)) < 0)
		failure_set(failure, SK_RECORD_KEY, r, "keys/audit.key: %s", strerror(-r));
	if (r == 0) {
		read_head(keeper);
		r = start(keeper);
		if (r < 0)
			failure_set(failure, SK_RECORD_BLOCKED, r, "the keeper: %s", strerror(-r));
	}
	if (r < 0) {
		keeper_stop(keeper);
		return r;
	}
	*ret_keeper = keeper;
	return 0;
}

// It signs what it has, and ends by itself.
static void end_orderly(struct keeper *keeper)
{
	const struct keeper_head head = { .word = KEEPER_END };
	uint64_t until = boot_now_usec() + STOP_MS * 1000;
	keeper_flush(keeper, STOP_MS);
	if (keeper->is_up && say(keeper, &head, NULL, 0) == 0)
		while (keeper->is_up && keeper->socket >= 0 && wait_until(keeper, until))
			;
	write_head(keeper);
}

void keeper_stop(struct keeper *keeper)
{
	if (!keeper)
		return;
	keeper->options.changed = NULL;
	keeper->options.trouble = NULL;
	sd_event_source_disable_unref(keeper->timer);
	if (keeper->pid)
		end_orderly(keeper);
	become_gone(keeper);
	key_free(keeper->key);
	keeper_queue_done(&keeper->queue);
	free(keeper);
}

uint64_t keeper_lost(const struct keeper *keeper)
{
	return keeper->lost_untold;
}

void keeper_lost_told(struct keeper *keeper, uint64_t events)
{
	keeper->lost_untold -= events;
}

void keeper_numbers(const struct keeper *keeper, struct keeper_numbers *ret)
{
	*ret = (struct keeper_numbers){
		.put = keeper->queue.put,
		.durable = keeper->queue.durable,
		.waiting = keeper->queue.put - keeper->queue.durable,
		.lost = keeper->lost,
		.restarts = keeper->restarts,
		.end = keeper->end,
		.checkpoint = keeper->checkpoint,
		.pid = keeper->pid,
	};
}
