// The thread: one poll on its clients and on the word to stop.
#include "daemon/switch.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "control/server.h"
#include "daemon/isolation.h"
#include "daemon/order.h"

enum {
	KEPT_BYTES = 4 * 1024 * 1024,
	AWAKE_NS = 1000000, // for the order of who has just connected
};

struct daemon_switch {
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
	struct daemon_switch *daemon_switch = arg;
	struct control_writer reply;

	daemon_switch->awake_until_ns = 0;
	switch (request->method) {
	case CTL_ISOLATE:
	case CTL_QUARANTINE:
		order_carry_out(daemon_switch->book, daemon_switch->server, request);
		break;
	case CTL_ISOLATIONS:
		control_writer_init(&reply, CTL_REPLY_MAX);
		isolation_put_rows(daemon_switch->book, &reply);
		control_server_answer(daemon_switch->server, request->token, &reply);
		break;
	default:
		control_server_refuse(daemon_switch->server, request->token, 1,
				      "the switch only isolates; \"%s\" is for control.sock",
				      control_method_info(request->method)->name);
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// Whoever may cut off and connects is about to.  A processor that comes from its rest needs three
// times as long for an order, so it makes one that changes nothing, and does not rest until the
// real one is there.
static void arrived(void *arg, const struct control_peer *peer)
{
	struct daemon_switch *daemon_switch = arg;
	struct isolation_book *book = daemon_switch->book;

	if (!control_peer_may(peer, CTL_MAY_ISOLATE) || pthread_mutex_trylock(&book->lock) != 0)
		return;
	switch_rehearse(book->guard);
	pthread_mutex_unlock(&book->lock);
	daemon_switch->awake_until_ns = now_ns() + AWAKE_NS;
}

static bool is_awake(struct daemon_switch *daemon_switch)
{
	if (daemon_switch->awake_until_ns && now_ns() > daemon_switch->awake_until_ns)
		daemon_switch->awake_until_ns = 0;
	return daemon_switch->awake_until_ns;
}

static void refused(void *arg, const struct control_peer *peer, unsigned method)
{
	struct daemon_switch *daemon_switch = arg;

	book_tell_refusal(daemon_switch->book, peer, method);
}

static void *serve(void *arg)
{
	struct daemon_switch *daemon_switch = arg;
	struct pollfd fds[] = {
		{ .fd = control_server_fd(daemon_switch->server), .events = POLLIN },
		{ .fd = daemon_switch->stop_fd, .events = POLLIN },
	};

	pthread_mutex_lock(&daemon_switch->book->lock);
	switch_rehearse(daemon_switch->book->guard);
	pthread_mutex_unlock(&daemon_switch->book->lock);
	while (!fds[1].revents) {
		int n = poll(fds, 2, is_awake(daemon_switch) ? 0 : -1);

		if (n == 0)
			sched_yield(); // the client may need this very processor
		if (n > 0 && fds[0].revents)
			control_server_dispatch(daemon_switch->server);
	}
	return NULL;
}

int daemon_switch_start(struct isolation_book *book, const char *path,
			struct daemon_switch **ret_switch)
{
	struct daemon_switch *daemon_switch = calloc(1, sizeof(*daemon_switch));
	sigset_t all, before;
	int r;

	if (!daemon_switch)
		return -ENOMEM;
	daemon_switch->book = book;
	daemon_switch->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = daemon_switch->stop_fd < 0
		    ? -errno
		    : control_server_new(path, handle, daemon_switch, &daemon_switch->server);
	if (r == 0) {
		control_server_on_refused(daemon_switch->server, refused);
		control_server_on_arrived(daemon_switch->server, arrived);
		// Memory that an order has used stays for the next: pages cost more than rules.
		mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
		mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
		// Signals are the main loop's.
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		r = -pthread_create(&daemon_switch->thread, NULL, serve, daemon_switch);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		daemon_switch->running = r == 0;
	}
	if (r < 0)
		daemon_switch_stop(daemon_switch);
	else
		*ret_switch = daemon_switch;
	return r;
}

void daemon_switch_stop(struct daemon_switch *daemon_switch)
{
	if (!daemon_switch)
		return;
	if (daemon_switch->running) {
		eventfd_write(daemon_switch->stop_fd, 1);
		pthread_join(daemon_switch->thread, NULL);
	}
	control_server_free(daemon_switch->server);
	if (daemon_switch->stop_fd >= 0)
		close(daemon_switch->stop_fd);
	free(daemon_switch);
}
