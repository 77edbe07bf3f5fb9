// The thread: one poll on its clients and on the word to stop.
#include "daemon/switch_thread.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/server.h"
#include "daemon/isolation.h"
#include "daemon/order.h"

enum {
	KEPT_BYTES = 4 * 1024 * 1024,
	AWAKE_NS = 1000000, // for the order of who has just connected
};

struct switch_thread {
	struct isolation_book *book;
	struct control_server *server;
	pthread_t thread;
	bool running;
	int stop_fd;
	uint64_t awake_until_ns; // CLOCK_MONOTONIC
};

// Whatever else is asked here has its place on the other socket.
static void handle(void *arg, struct control_request *request)
{
	struct switch_thread *switch_thread = arg;
	struct control_writer reply;

	switch_thread->awake_until_ns = 0;
	switch (request->method) {
	case CTL_ISOLATE:
	case CTL_QUARANTINE:
		order_carry_out(switch_thread->book, switch_thread->server, request);
		break;
	case CTL_ISOLATIONS:
		control_writer_init(&reply, CTL_REPLY_MAX);
		isolation_put_rows(switch_thread->book, &reply);
		control_server_answer(switch_thread->server, request->token, &reply);
		break;
	default:
		control_server_refuse(switch_thread->server, request->token, 1,
				      "the switch only isolates; \"%s\" is for control.sock",
				      control_method_info(request->method)->name);
	}
}

// Whoever may cut off and connects is about to.  A processor that comes from its rest needs three
// times as long for an order, so it makes one that changes nothing, and does not rest until the
// real one is there.
static void arrived(void *arg, const struct control_peer *peer)
{
	struct switch_thread *switch_thread = arg;
	struct isolation_book *book = switch_thread->book;

	if (!control_peer_may(peer, CTL_MAY_ISOLATE) || pthread_mutex_trylock(&book->lock) != 0)
		return;
	switch_rehearse(book->guard);
	pthread_mutex_unlock(&book->lock);
	switch_thread->awake_until_ns = monotonic_ns() + AWAKE_NS;
}

static bool is_awake(struct switch_thread *switch_thread)
{
	if (switch_thread->awake_until_ns && monotonic_ns() > switch_thread->awake_until_ns)
		switch_thread->awake_until_ns = 0;
	return switch_thread->awake_until_ns;
}

static void refused(void *arg, const struct control_peer *peer, unsigned method)
{
	struct switch_thread *switch_thread = arg;

	book_tell_refusal(switch_thread->book, peer, method);
}

static void *serve(void *arg)
{
	struct switch_thread *switch_thread = arg;
	struct pollfd fds[] = {
		{ .fd = control_server_fd(switch_thread->server), .events = POLLIN },
		{ .fd = switch_thread->stop_fd, .events = POLLIN },
	};

	pthread_mutex_lock(&switch_thread->book->lock);
	switch_rehearse(switch_thread->book->guard);
	pthread_mutex_unlock(&switch_thread->book->lock);
	while (!fds[1].revents) {
		int n = poll(fds, 2, is_awake(switch_thread) ? 0 : -1);

		if (n == 0)
			sched_yield(); // the client may need this very processor
		if (n > 0 && fds[0].revents)
			control_server_dispatch(switch_thread->server);
	}
	return NULL;
}

int switch_thread_start(struct isolation_book *book, const char *path,
			struct switch_thread **ret_switch)
{
	struct switch_thread *switch_thread = calloc(1, sizeof(*switch_thread));
	sigset_t all, before;
	int r;

	if (!switch_thread)
		return -ENOMEM;
	switch_thread->book = book;
	switch_thread->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = switch_thread->stop_fd < 0
		    ? -errno
		    : control_server_new(path, handle, switch_thread, &switch_thread->server);
	if (r == 0) {
		control_server_on_refused(switch_thread->server, refused);
		control_server_on_arrived(switch_thread->server, arrived);
		// Memory that an order has used stays for the next: pages cost more than rules.
		mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
		mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
		// Signals are the main loop's.
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		r = -pthread_create(&switch_thread->thread, NULL, serve, switch_thread);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		switch_thread->running = r == 0;
	}
	if (r < 0)
		switch_thread_stop(switch_thread);
	else
		*ret_switch = switch_thread;
	return r;
}

void switch_thread_stop(struct switch_thread *switch_thread)
{
	if (!switch_thread)
		return;
	if (switch_thread->running) {
		eventfd_write(switch_thread->stop_fd, 1);
		pthread_join(switch_thread->thread, NULL);
	}
	control_server_free(switch_thread->server);
	if (switch_thread->stop_fd >= 0)
		close(switch_thread->stop_fd);
	free(switch_thread);
}
