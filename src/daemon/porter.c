#include "daemon/porter.h"

#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "compile/compile.h"
#include "daemon/inspection_wire.h"
#include "daemon/porter_book.h"
#include "daemon/porter_wire.h"
#include "daemon/sandbox.h"

enum {
	TELL_MS = 250,
	LISTENERS = 2,
	ACCEPT_MAX = 64, // in a row
	EVENTS = 16,
	REST_MS = 50, // without descriptors or memory
};

enum { WATCH_GATE = 100, WATCH_LISTENERS }; // below: an inspector's socket

struct porter {
	int epoll, listeners[LISTENERS];	   // -1: no such family
	int inspectors[INSPECTION_INSPECTORS_MAX]; // -1: not there
	uint32_t n;
	struct porter_book *book;
	struct porter_numbers numbers;
	uint64_t serial, random, told_ms, rests_ms;
	bool resting, ends;
};

struct caller { // one that was accepted
	int fd;
	uint32_t mark;
	struct addr client, server;
	uint16_t client_port, server_port;
};

union name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

// --- names

static int take_name(const union name *name, struct addr *ret_addr, uint16_t *ret_port)
{
	if (name->any.sa_family == AF_INET) {
		*ret_addr = (struct addr){ ADDR_V4, ntohl(name->v4.sin_addr.s_addr) };
		*ret_port = ntohs(name->v4.sin_port);
		return 0;
	}
	if (name->any.sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	*ret_addr = (struct addr){ ADDR_V6, addr_from_bytes(ADDR_V6, name->v6.sin6_addr.s6_addr) };
	*ret_port = ntohs(name->v6.sin6_port);
	return 0;
}

static socklen_t put_name(union name *name, const struct addr *addr, uint16_t port)
{
	memset(name, 0, sizeof(*name));
	if (addr->family == ADDR_V4) {
		name->v4.sin_family = AF_INET;
		name->v4.sin_port = htons(port);
		name->v4.sin_addr.s_addr = htonl((uint32_t)addr->bits);
		return sizeof(name->v4);
	}
	name->v6.sin6_family = AF_INET6;
	name->v6.sin6_port = htons(port);
	addr_to_bytes(ADDR_V6, addr->bits, name->v6.sin6_addr.s6_addr);
	return sizeof(name->v6);
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

// A socket that may have an address of anybody's.
static int transparent_socket(enum addr_family family, int *ret_fd)
{
	const bool v4 = family == ADDR_V4;
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : 0;
	if (r == 0 && !v4)
		r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (r == 0)
		r = set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT,
			1);
	if (r == 0)
		r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r < 0 && fd >= 0)
		close(fd);
	*ret_fd = r < 0 ? -1 : fd;
	return r;
}

static void reset(int fd)
{
	const struct linger now = { .l_onoff = 1 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

// --- the gate

static void tell(const struct porter *porter, struct porter_word *word)
{
	word->numbers = porter->numbers;
	if (porter->book)
		word->numbers.sessions = porter_book_count(porter->book);
	// If the gate has no room it hears the next one; if it is gone, so is this soon.
	inspection_send(INSPECTION_SOCKET, word, sizeof(*word), NULL, 0, NULL, 0);
}

static void forget_inspector(struct porter *porter, uint32_t index)
{
	uint32_t before = porter_book_count(porter->book);
	if (porter->inspectors[index] < 0)
		return;
	close(porter->inspectors[index]);
	porter->inspectors[index] = -1;
	porter_book_forget(porter->book, index);
	porter->numbers.ended += before - porter_book_count(porter->book);
}

static int watch(const struct porter *porter, int fd, uint64_t what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = what };
	return epoll_ctl(porter->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void take_order(struct porter *porter, const struct porter_order *order, const int *fds,
		       size_t n_fds)
{
	if (order->index < porter->n && order->word == PORTER_INSPECTOR && n_fds == 1) {
		forget_inspector(porter, order->index);
		if (watch(porter, fds[0], order->index) == 0)
			porter->inspectors[order->index] = fds[0];
		else
			close(fds[0]);
		return;
	}
	if (order->index < porter->n && order->word == PORTER_END_INSPECTOR)
		forget_inspector(porter, order->index);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
}

static void hear_gate(struct porter *porter)
{
	struct porter_order order;
	int fds[INSPECTION_FDS_MAX];
	size_t n_fds;
	int n;
	while ((n = inspection_receive(INSPECTION_SOCKET, &order, sizeof(order), fds, &n_fds)) ==
	       (int)sizeof(order))
		take_order(porter, &order, fds, n_fds);
	if (n != -EAGAIN) // gone, or it talks nonsense
		porter->ends = true;
}

// --- inspectors

static bool take_done(struct porter *porter, uint32_t index, const struct porter_done *done,
		      size_t size)
{
	if (size < offsetof(struct porter_done, serials) || done->word != PORTER_DONE ||
	    done->n > PORTER_DONE_MAX ||
	    size != offsetof(struct porter_done, serials) + done->n * sizeof(done->serials[0]))
		return false;
	for (uint32_t i = 0; i < done->n; i++)
		if (!porter_book_remove(porter->book, done->serials[i], index))
			return false;
	porter->numbers.ended += done->n;
	return true;
}

static void hear_inspector(struct porter *porter, uint32_t index)
{
	struct porter_done done;
	int fds[INSPECTION_FDS_MAX], n;
	size_t n_fds;
	while ((n = inspection_receive(porter->inspectors[index], &done, sizeof(done), fds,
				       &n_fds)) > 0) {
		for (size_t i = 0; i < n_fds; i++) // it has nothing to give
			close(fds[i]);
		if (take_done(porter, index, &done, (size_t)n))
			continue;
		forget_inspector(porter, index);
		tell(porter, &(struct porter_word){ .word = PORTER_FAULT, .index = index });
		return;
	}
	if (n == -EAGAIN)
		return;
	forget_inspector(porter, index);
	tell(porter, &(struct porter_word){ .word = PORTER_ALONE, .index = index });
}

// --- onward

// xorshift64*; of ports alone, which anybody sees.
static uint32_t random_of(struct porter *porter, uint32_t n)
{
	porter->random ^= porter->random >> 12;
	porter->random ^= porter->random << 25;
	porter->random ^= porter->random >> 27;
	return (uint32_t)((porter->random * 0x2545f4914f6cdd1d >> 33) % n);
}

// 0; -EADDRINUSE: that port is taken; or another negative errno.
static int try_port(const struct caller *caller, uint16_t port, int *ret_fd)
{
	const uint32_t mark = PACKET_ONWARD | caller->mark;
	union name own, server;
	socklen_t own_size = put_name(&own, &caller->client, port);
	socklen_t server_size = put_name(&server, &caller->server, caller->server_port);
	int fd, r = transparent_socket(caller->client.family, &fd);
	if (r < 0)
		return r;
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
	    bind(fd, &own.any, own_size) < 0 ||
	    (connect(fd, &server.any, server_size) < 0 && errno != EINPROGRESS))
		r = errno == EADDRNOTAVAIL ? -EADDRINUSE : -errno;
	if (r < 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

static int connect_onward(struct porter *porter, const struct caller *caller, int *ret_fd)
{
	int r = -EADDRINUSE;
	for (unsigned i = 0; r == -EADDRINUSE && i < PORTER_PORT_TRIES; i++) {
		const uint16_t port =
			(uint16_t)(PORTER_PORT_FIRST +
				   random_of(porter, PORTER_PORT_LAST - PORTER_PORT_FIRST + 1));
		if (!porter_book_has(porter->book, &caller->client, port, &caller->server,
				     caller->server_port))
			r = try_port(caller, port, ret_fd);
	}
	return r;
}

static int hand_over(struct porter *porter, uint32_t index, const struct caller *caller, int onward)
{
	const int fds[PORTER_PAIR_FDS] = { caller->fd, onward };
	const struct porter_pair pair = {
		.word = PORTER_PAIR,
		.mark = caller->mark,
		.client_port = caller->client_port,
		.server_port = caller->server_port,
		.serial = ++porter->serial,
		.client = caller->client,
		.server = caller->server,
	};
	const struct porter_session session = {
		.serial = pair.serial,
		.inspector = index,
		.client = caller->client,
		.server = caller->server,
		.client_port = caller->client_port,
		.server_port = caller->server_port,
	};
	int r = inspection_send(porter->inspectors[index], &pair, sizeof(pair), NULL, 0, fds,
				PORTER_PAIR_FDS);
	return r < 0 ? r : porter_book_add(porter->book, &session);
}

// --- callers

static int know(struct caller *caller)
{
	union name client = { 0 }, server = { 0 };
	socklen_t size = sizeof(client), mark_size = sizeof(caller->mark);
	int r;
	if (getpeername(caller->fd, &client.any, &size) < 0)
		return -errno;
	size = sizeof(server);
	if (getsockname(caller->fd, &server.any, &size) < 0 ||
	    getsockopt(caller->fd, SOL_SOCKET, SO_MARK, &caller->mark, &mark_size) < 0)
		return -errno;
	r = take_name(&client, &caller->client, &caller->client_port);
	return r < 0 ? r : take_name(&server, &caller->server, &caller->server_port);
}

static bool is_full(const struct porter *porter, const struct caller *caller)
{
	return porter_book_count(porter->book) >= PORTER_SESSIONS_MAX ||
	       porter_book_of_source(porter->book, &caller->client) >= PORTER_SOURCE_MAX;
}

// What is to be counted, NULL when an inspector has it.
static uint64_t *serve_caller(struct porter *porter, struct caller *caller)
{
	uint32_t index;
	int onward = -1, r;
	if (know(caller) < 0)
		return &porter->numbers.failed; // it is gone again
	if (!(caller->mark & PACKET_GUARD) || caller->mark & PACKET_PROXY)
		return &porter->numbers.strangers;
	if (is_full(porter, caller))
		return &porter->numbers.full;
	index = porter_book_choose(porter->book, &caller->client, porter->n);
	if (porter->inspectors[index] < 0)
		return &porter->numbers.no_inspector;
	set(caller->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	r = connect_onward(porter, caller, &onward);
	if (r < 0)
		return &porter->numbers.failed;
	set(onward, IPPROTO_TCP, TCP_NODELAY, 1);
	r = hand_over(porter, index, caller, onward);
	close(onward);
	return r < 0 ? &porter->numbers.no_inspector : NULL;
}

// A listener that cannot be accepted from must not wake.
static void mind_listeners(struct porter *porter, bool rest)
{
	if (porter->resting == rest)
		return;
	porter->resting = rest;
	porter->rests_ms = monotonic_ms();
	for (unsigned i = 0; i < LISTENERS; i++) {
		struct epoll_event event = { .events = rest ? 0 : EPOLLIN,
					     .data.u64 = WATCH_LISTENERS + i };
		if (porter->listeners[i] >= 0)
			epoll_ctl(porter->epoll, EPOLL_CTL_MOD, porter->listeners[i], &event);
	}
}

static void accept_callers(struct porter *porter, int listener)
{
	for (unsigned i = 0; i < ACCEPT_MAX; i++) {
		struct caller caller = { .fd = accept4(listener, NULL, NULL,
						       SOCK_NONBLOCK | SOCK_CLOEXEC) };
		uint64_t *count;
		if (caller.fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM)
				mind_listeners(porter, true);
			if (errno == ECONNABORTED || errno == EINTR)
				continue;
			return;
		}
		porter->numbers.accepted++;
		count = serve_caller(porter, &caller);
		if (count) {
			++*count;
			reset(caller.fd);
			continue;
		}
		porter->numbers.given++;
		close(caller.fd);
	}
}

// --- the loop

static void hear(struct porter *porter)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(porter->epoll, events, EVENTS, porter->resting ? REST_MS : TELL_MS);
	for (int i = 0; i < n; i++) {
		uint64_t what = events[i].data.u64;
		if (what == WATCH_GATE)
			hear_gate(porter);
		else if (what >= WATCH_LISTENERS && !porter->resting)
			accept_callers(porter, porter->listeners[what - WATCH_LISTENERS]);
		else if (what < porter->n && porter->inspectors[what] >= 0)
			hear_inspector(porter, (uint32_t)what);
	}
}

static void serve(struct porter *porter)
{
	while (!porter->ends) {
		uint64_t now;
		hear(porter);
		now = monotonic_ms();
		if (porter->resting && now - porter->rests_ms >= REST_MS)
			mind_listeners(porter, false);
		if (now - porter->told_ms < TELL_MS)
			continue;
		porter->told_ms = now;
		tell(porter, &(struct porter_word){ .word = PORTER_NUMBERS });
	}
}

// --- start

static int listen_for(struct porter *porter, unsigned which)
{
	const struct addr any = { which ? ADDR_V6 : ADDR_V4, 0 };
	union name name;
	socklen_t size = put_name(&name, &any, PORTER_PORT);
	int fd, r = transparent_socket(any.family, &fd);
	if (r == -EAFNOSUPPORT && which) // a kernel without IPv6
		return 0;
	if (r == 0 && (bind(fd, &name.any, size) < 0 || listen(fd, PORTER_BACKLOG) < 0))
		r = -errno;
	if (r == 0)
		r = watch(porter, fd, WATCH_LISTENERS + which);
	porter->listeners[which] = fd;
	return r;
}

static int start(struct porter *porter)
{
	struct porter_order hello;
	int fds[INSPECTION_FDS_MAX];
	size_t n_fds;
	uint64_t secret[2];
	int r = inspection_await(INSPECTION_SOCKET, &hello, sizeof(hello), fds, &n_fds);
	if (r != (int)sizeof(hello) || hello.word != PORTER_HELLO || n_fds || !hello.n ||
	    hello.n > INSPECTION_INSPECTORS_MAX)
		return -EBADMSG;
	porter->n = hello.n;
	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		return -EIO;
	porter->random = secret[1] | 1;
	r = porter_book_new(secret[0], &porter->book);
	if (r == 0 && (porter->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		r = -errno;
	if (r == 0)
		r = watch(porter, INSPECTION_SOCKET, WATCH_GATE);
	for (unsigned i = 0; r == 0 && i < LISTENERS; i++)
		r = listen_for(porter, i);
	return r < 0 ? r : sandbox_seal_porter(hello.uid, hello.gid);
}

int porter_main(void)
{
	static struct porter porter = { .listeners = { -1, -1 } };
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	for (unsigned i = 0; i < INSPECTION_INSPECTORS_MAX; i++)
		porter.inspectors[i] = -1;
	int r = start(&porter);
	tell(&porter, &(struct porter_word){ .word = PORTER_READY, .error = r });
	if (r < 0)
		return EXIT_FAILED;
	serve(&porter);
	return EXIT_FINE;
}
