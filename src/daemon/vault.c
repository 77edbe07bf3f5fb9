// Starting the vault, hearing it, and starting it again.
#include "daemon/vault_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "daemon/inspection_wire.h"
#include "daemon/reap.h"
#include "daemon/reborn.h"

enum { TICK_USEC = 200 * 1000, SOCKET_BYTES = 1024 * 1024 };
static const char folder[] = "vault";

static void set_problem(struct vault *vault)
{
	struct failure failure;
	if (!vault->why[0] && vault->damaged)
		failure_set(&failure, SK_VAULT_DAMAGED, 0,
			    "%llu held messages cannot be read: their files are damaged, or of "
			    "another key",
			    (unsigned long long)vault->damaged);
	else
		failure_set(&failure, SK_VAULT_BLOCKED, 0, "the vault of held mail: %s",
			    vault->why);
	gate_set_problem(vault->gate, GATE_VAULT,
			 vault->why[0] || vault->damaged ? &failure : NULL);
}

// Whoever is to decide has to know of it in time.
static void look_at_ending(struct vault *vault, const struct vault_word *word)
{
	char when[32] = "";
	struct failure failure;
	struct tm tm;
	const time_t until = (time_t)(word->first_until_us / 1000000);
	const bool same = vault->ending == word->ending &&
			  (!word->ending || vault->first_until_us == word->first_until_us);
	vault->ending = word->ending;
	vault->first_until_us = word->first_until_us;
	if (same)
		return;
	if (localtime_r(&until, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	failure_set(&failure, SK_HELD_ENDING, 0,
		    "%llu held messages wait for a decision and are removed soon, the first at %s; "
		    "see \"sekisho mail held\"",
		    (unsigned long long)word->ending, when);
	gate_set_problem(vault->gate, GATE_HELD, word->ending ? &failure : NULL);
}

static void fail(struct vault *vault, const char *why)
{
	snprintf(vault->why, sizeof(vault->why), "%s", why);
	set_problem(vault);
}

// --- the process

static void end(struct vault *vault)
{
	struct vault_waiting waiting[VAULT_WAITING_MAX];
	size_t n = vault->n_waiting;
	vault->readable = sd_event_source_disable_unref(vault->readable);
	if (vault->socket >= 0)
		close(vault->socket);
	vault->socket = -1;
	if (vault->pid > 0)
		reap(vault->pid);
	vault->pid = 0;
	vault->ready = false;
	vault->ended_ms = monotonic_ms();
	memcpy(waiting, vault->waiting, sizeof(waiting));
	vault->n_waiting = 0;
	for (size_t i = 0; i < n; i++)
		waiting[i].done(waiting[i].arg, NULL);
	delivery_cancel(vault);
}

static int open_folder(const struct gate_options *options)
{
	char path[512];
	int r = file_give_folder(options->log, folder, 0700, options->vault_uid, options->vault_gid,
				 path, sizeof(path));
	int fd = r < 0 ? r : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return r < 0 ? r : fd < 0 ? -errno : fd;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *arg);

static int start_with(struct vault *vault, int folder_fd)
{
	const struct gate_options *options = vault->gate->options;
	const struct reborn_command command = { VAULT_ARGUMENT, &folder_fd, 1, SOCKET_BYTES, true };
	struct vault_order hello = { .word = VAULT_HELLO,
				     .uid = options->vault_uid,
				     .gid = options->vault_gid };
	int r = held_key_open(vault->gate->state_fd, &hello.key);
	if (r == 0)
		r = reborn_start(&command, &vault->pid, &vault->socket);
	if (r == 0)
		r = inspection_send(vault->socket, &hello, sizeof(hello), NULL, 0, NULL, 0);
	explicit_bzero(&hello.key, sizeof(hello.key));
	if (r == 0)
		r = sd_event_add_io(vault->event, &vault->readable, vault->socket, EPOLLIN,
				    on_readable, vault);
	return r < 0 ? r : 0;
}

static void start(struct vault *vault)
{
	int folder_fd = open_folder(vault->gate->options);
	int r = folder_fd < 0 ? folder_fd : start_with(vault, folder_fd);
	if (folder_fd >= 0)
		close(folder_fd);
	vault->started_ms = vault->heard_ms = monotonic_ms();
	if (r < 0) {
		fail(vault, strerror(-r));
		end(vault);
	}
}

// --- what it says

static void answer(struct vault *vault, const struct vault_word *word)
{
	for (size_t i = 0; i < vault->n_waiting; i++) {
		const struct vault_waiting waiting = vault->waiting[i];
		if (waiting.token != word->token)
			continue;
		vault->waiting[i] = vault->waiting[--vault->n_waiting];
		waiting.done(waiting.arg, word);
		return;
	}
}

static void take_ready(struct vault *vault, const struct vault_word *word)
{
	if (word->error < 0) {
		fail(vault, strerror(-word->error));
		return; // it ends by itself
	}
	vault->ready = true;
	vault->why[0] = '\0';
}

// False: it makes no sense.
static bool take(struct vault *vault, struct vault_word *word, size_t size)
{
	if (size < sizeof(*word) || size - sizeof(*word) != word->record_size ||
	    word->outcome > VAULT_WAS_EXPIRED)
		return false;
	word->text[sizeof(word->text) - 1] = word->flow[sizeof(word->flow) - 1] = '\0';
	word->guard[sizeof(word->guard) - 1] = word->clause[sizeof(word->clause) - 1] = '\0';
	word->asked_by[sizeof(word->asked_by) - 1] = '\0';
	vault->held = word->held;
	vault->bytes = word->bytes;
	vault->undecided = word->waiting;
	vault->oldest_us = word->oldest_us;
	look_at_ending(vault, word);
	if (vault->damaged != word->damaged || word->word == VAULT_READY) {
		vault->damaged = word->damaged;
		if (word->error == 0)
			vault->why[0] = '\0';
		set_problem(vault);
	}
	if (word->record_size)
		vault_record(vault->gate, word);
	switch (word->word) {
	case VAULT_READY:
		take_ready(vault, word);
		return true;
	case VAULT_ANSWER:
		answer(vault, word);
		return true;
	case VAULT_NEWS:
		vault_tell(vault->gate, word, NULL, "");
		return true;
	case VAULT_DUE:
		delivery_due(vault, word);
		return true;
	case VAULT_ALIVE:
		return true;
	default:
		return false;
	}
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	static struct {
		struct vault_word word;
		uint8_t record[MAIL_WIRE_MAX];
	} heard;
	struct vault *vault = arg;
	int fds[INSPECTION_FDS_MAX], n = -EAGAIN;
	size_t n_fds;
	(void)source;
	(void)fd;
	(void)events;
	while (vault->pid &&
	       (n = inspection_receive(vault->socket, &heard, sizeof(heard), fds, &n_fds)) > 0) {
		for (size_t i = 0; i < n_fds; i++) // it has nothing to give
			close(fds[i]);
		vault->heard_ms = monotonic_ms();
		if (!take(vault, &heard.word, (size_t)n)) {
			fail(vault, "what it said made no sense");
			end(vault);
			return 0;
		}
	}
	if (vault->pid && n != -EAGAIN) {
		if (vault->ready)
			fail(vault, "its process ended");
		end(vault);
	}
	return 0;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *arg)
{
	struct vault *vault = arg;
	const uint64_t now_ms = monotonic_ms();
	(void)usec;
	if (vault->pid && now_ms - vault->heard_ms > VAULT_HANG_MS) {
		fail(vault, "its process hangs");
		end(vault);
	}
	if (vault->wanted && !vault->pid &&
	    (!vault->ended_ms || now_ms - vault->ended_ms >= VAULT_RESTART_MS)) {
		vault->restarts += vault->ended_ms != 0;
		start(vault);
	}
	delivery_tend(vault);
	sd_event_source_set_time_relative(source, TICK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

// What it says meanwhile is of no use any more.
static void await_end(const struct vault *vault)
{
	const uint64_t end_ms = monotonic_ms() + VAULT_STOP_MS;
	struct pollfd socket = { .fd = vault->socket, .events = POLLIN };
	uint8_t byte;
	while (monotonic_ms() < end_ms && poll(&socket, 1, VAULT_STOP_MS) > 0)
		if (recv(vault->socket, &byte, 1, MSG_DONTWAIT) <= 0)
			return;
}

// --- the whole

static bool has_folder(const struct gate *gate)
{
	char path[512];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", gate->options->log, folder);
	return stat(path, &st) == 0;
}

int vault_open(struct gate *gate, sd_event *event)
{
	struct vault *vault = calloc(1, sizeof(*vault));
	int r;
	if (!vault)
		return -ENOMEM;
	vault->gate = gate;
	vault->event = event;
	vault->socket = -1;
	r = delivery_open(vault);
	if (r == 0)
		r = sd_event_add_time_relative(event, &vault->timer, CLOCK_MONOTONIC, TICK_USEC, 0,
					       on_tick, vault);
	gate->vault = vault;
	if (r < 0) {
		vault_close(gate);
		return r;
	}
	vault->wanted = has_folder(gate);
	if (vault->wanted)
		start(vault);
	return 0;
}

void vault_close(struct gate *gate)
{
	struct vault *vault = gate->vault;
	const struct vault_order order = { .word = VAULT_END };
	if (!vault)
		return;
	vault->wanted = false;
	sd_event_source_disable_unref(vault->timer);
	if (vault->pid &&
	    inspection_send(vault->socket, &order, sizeof(order), NULL, 0, NULL, 0) == 0)
		await_end(vault);
	end(vault);
	delivery_close(vault);
	free(vault);
	gate->vault = NULL;
}

static bool is_there(struct vault *vault)
{
	if (!vault)
		return false;
	vault->wanted = true;
	return vault->ready;
}

int vault_connect(struct gate *gate, int *ret_fd)
{
	const struct vault_order order = { .word = VAULT_CONNECT };
	struct vault *vault = gate->vault;
	int pair[2];
	if (!is_there(vault))
		return vault && !vault->why[0] ? -EAGAIN : -ENOENT;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	int r = inspection_send(vault->socket, &order, sizeof(order), NULL, 0, &pair[1], 1);
	close(pair[1]);
	if (r < 0)
		close(pair[0]);
	else
		*ret_fd = pair[0];
	return r;
}

int vault_ask(struct gate *gate, struct vault_order *order, const int *fds, size_t n_fds,
	      vault_answered *done, void *arg)
{
	struct vault *vault = gate->vault;
	if (!is_there(vault))
		return -EAGAIN;
	if (vault->n_waiting == VAULT_WAITING_MAX)
		return -EBUSY;
	order->token = ++vault->tokens;
	int r = inspection_send(vault->socket, order, sizeof(*order), NULL, 0, fds, n_fds);
	if (r == 0)
		vault->waiting[vault->n_waiting++] =
			(struct vault_waiting){ order->token, done, arg };
	return r;
}

void vault_put_status(const struct gate *gate, struct control_writer *reply)
{
	const struct vault *vault = gate->vault;
	if (!vault || !vault->wanted)
		return;
	control_put_text(reply, CTL_VAULT, vault->ready ? "at work" : "blocked");
	control_put_u64(reply, CTL_HELD, vault->held);
	control_put_u64(reply, CTL_HELD_BYTES, vault->bytes);
	control_put_u64(reply, CTL_HELD_WAITING, vault->undecided);
	if (!vault->undecided)
		return;
	control_put_time(reply, CTL_HELD_SINCE, vault->oldest_us);
	control_put_time(reply, CTL_HELD_UNTIL, vault->first_until_us);
}
