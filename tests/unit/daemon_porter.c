// The porter as a process, between a gate and inspectors of the test's own, in a network namespace:
// what rules bring to it, what comes by itself, and what a lying inspector gets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compile/compile.h"
#include "daemon/inspection_wire.h"
#include "daemon/porter.h"
#include "daemon/porter_wire.h"
#include "unit/kernel_net.h"

enum { FLOW = 0x5005, INSPECTORS = 4, PATIENCE_MS = 5000 };
#define SERVER "127.0.0.2"

static struct {
	pid_t pid;
	int gate, inspectors[INSPECTORS], listener;
} bed;

// --- the gate

static void order(uint32_t word, uint32_t index, const int *fd)
{
	const struct porter_order order = {
		.word = word, .index = index, .uid = 65534, .gid = 65534, .n = INSPECTORS
	};
	assert_int_equal(inspection_send(bed.gate, &order, sizeof(order), NULL, 0, fd, fd ? 1 : 0),
			 0);
}

static struct porter_word hear(void)
{
	struct porter_word word;
	int fds[INSPECTION_FDS_MAX];
	size_t n_fds;
	assert_int_equal(inspection_await(bed.gate, &word, sizeof(word), fds, &n_fds),
			 sizeof(word));
	return word;
}

static struct porter_numbers numbers(void) // that are told after this call
{
	struct porter_word word;
	for (int i = 0; i < 2; i++)
		while ((word = hear()).word != PORTER_NUMBERS)
			;
	return word.numbers;
}

static void give(uint32_t index)
{
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	order(PORTER_INSPECTOR, index, &pair[1]);
	close(pair[1]);
	bed.inspectors[index] = pair[0];
}

static int begin(void **state)
{
	int pair[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	bed.pid = fork();
	if (bed.pid == 0) {
		close(pair[0]);
		dup2(pair[1], INSPECTION_SOCKET);
		_exit(porter_main());
	}
	close(pair[1]);
	bed.gate = pair[0];
	for (uint32_t i = 0; i < INSPECTORS; i++)
		bed.inspectors[i] = -1;
	order(PORTER_HELLO, 0, NULL);
	struct porter_word ready = hear();
	assert_int_equal(ready.word, PORTER_READY);
	assert_int_equal(ready.error, 0);
	return 0;
}

static int end(void **state)
{
	int status;
	(void)state;
	close(bed.gate);
	for (uint32_t i = 0; i < INSPECTORS; i++)
		if (bed.inspectors[i] >= 0)
			close(bed.inspectors[i]);
	assert_int_equal(waitpid(bed.pid, &status, 0), bed.pid); // it ends with its gate
	assert_int_equal(status, 0);
	return 0;
}

// --- ends

static struct sockaddr_in name_of(const char *address, uint16_t port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
	assert_int_equal(inet_pton(AF_INET, address, &name.sin_addr), 1);
	return name;
}

static int from(const char *source, const char *address, uint16_t port)
{
	struct sockaddr_in own = name_of(source, 0), peer = name_of(address, port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof(peer)), 0);
	return fd;
}

static void is_reset(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char byte;
	assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

// The index of the inspector that gets it.
static uint32_t take_pair(struct porter_pair *pair, int fds[PORTER_PAIR_FDS])
{
	struct pollfd poll_fds[INSPECTORS];
	size_t n_fds;
	for (uint32_t i = 0; i < INSPECTORS; i++)
		poll_fds[i] = (struct pollfd){ .fd = bed.inspectors[i], .events = POLLIN };
	assert_int_equal(poll(poll_fds, INSPECTORS, PATIENCE_MS), 1);
	for (uint32_t i = 0; i < INSPECTORS; i++) {
		int got[INSPECTION_FDS_MAX];
		if (!poll_fds[i].revents)
			continue;
		assert_int_equal(inspection_receive(bed.inspectors[i], pair, sizeof(*pair), got,
						    &n_fds),
				 sizeof(*pair));
		assert_int_equal(n_fds, PORTER_PAIR_FDS);
		memcpy(fds, got, PORTER_PAIR_FDS * sizeof(int));
		assert_int_equal(pair->word, PORTER_PAIR);
		return i;
	}
	fail();
	return 0;
}

static void say_done(uint32_t index, uint64_t serial)
{
	const struct porter_done done = { PORTER_DONE, 1, { serial } };
	assert_int_equal(inspection_send(bed.inspectors[index], &done,
					 offsetof(struct porter_done, serials) + sizeof(serial),
					 NULL, 0, NULL, 0),
			 0);
}

static void passes(int to, int out, const char *bytes)
{
	char got[16] = "";
	struct pollfd poll_fd = { .fd = out, .events = POLLIN };
	assert_int_equal(send(to, bytes, strlen(bytes), 0), strlen(bytes));
	assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(out, got, sizeof(got) - 1, 0), strlen(bytes));
	assert_string_equal(got, bytes);
}

// --- tests

static void brings_both_sockets(void **state)
{
	struct porter_pair pair;
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	int fds[PORTER_PAIR_FDS], client, server;
	uint32_t index;

	(void)state;
	for (uint32_t i = 0; i < INSPECTORS; i++)
		give(i);
	client = from("127.0.0.9", SERVER, 25);
	index = take_pair(&pair, fds);
	assert_int_equal(pair.mark, FLOW);
	assert_true(pair.client.bits == 0x7f000009 && pair.server.bits == 0x7f000002);
	assert_int_equal(pair.server_port, 25);
	server = accept(bed.listener, (struct sockaddr *)&peer, &size);
	assert_true(server >= 0);
	assert_int_equal(ntohl(peer.sin_addr.s_addr), 0x7f000009);
	assert_in_range(ntohs(peer.sin_port), PORTER_PORT_FIRST, PORTER_PORT_LAST);
	passes(client, fds[0], "from client");
	passes(fds[0], client, "to client");
	passes(server, fds[1], "from server");
	passes(fds[1], server, "to server");
	assert_int_equal(numbers().sessions, 1);
	say_done(index, pair.serial);
	struct porter_numbers told = numbers();
	assert_int_equal(told.sessions, 0);
	assert_int_equal(told.accepted, 1);
	assert_int_equal(told.given, 1);
	assert_int_equal(told.ended, 1);
	close(fds[0]);
	close(fds[1]);
	close(client);
	close(server);
}

static void resets_who_comes_by_himself(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < INSPECTORS; i++)
		give(i);
	is_reset(from("127.0.0.9", "127.0.0.1", PORTER_PORT));
	assert_int_equal(numbers().strangers, 1);
}

static void resets_without_an_inspector(void **state)
{
	(void)state;
	is_reset(from("127.0.0.9", SERVER, 25));
	assert_int_equal(numbers().no_inspector, 1);
}

static void one_source_one_inspector(void **state)
{
	uint32_t first = 0, others = 0;

	(void)state;
	for (uint32_t i = 0; i < INSPECTORS; i++)
		give(i);
	for (unsigned i = 0; i < 24; i++) {
		char source[16];
		struct porter_pair pair;
		int fds[PORTER_PAIR_FDS];
		snprintf(source, sizeof(source), "127.0.1.%u", i < 8 ? 1 : i);
		int client = from(source, SERVER, 25);
		uint32_t index = take_pair(&pair, fds);
		first = i == 0 ? index : first;
		if (i < 8)
			assert_int_equal(index, first);
		others += index != first;
		close(fds[0]);
		close(fds[1]);
		close(client);
		close(accept(bed.listener, NULL, NULL));
	}
	assert_int_not_equal(others, 0);
}

static void tells_of_a_server_that_is_not_there(void **state)
{
	struct porter_pair pair;
	struct pollfd poll_fd = { .events = POLLOUT };
	int fds[PORTER_PAIR_FDS], client, error = 0;
	socklen_t size = sizeof(error);

	(void)state;
	for (uint32_t i = 0; i < INSPECTORS; i++)
		give(i);
	client = from("127.0.0.9", "127.0.0.3", 25);
	take_pair(&pair, fds);
	poll_fd.fd = fds[1];
	assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
	assert_int_equal(getsockopt(fds[1], SOL_SOCKET, SO_ERROR, &error, &size), 0);
	assert_int_equal(error, ECONNREFUSED);
	close(fds[0]);
	close(fds[1]);
	close(client);
}

static void does_not_believe_an_inspector(void **state)
{
	struct porter_word word;

	(void)state;
	for (uint32_t i = 0; i < INSPECTORS; i++)
		give(i);
	numbers(); // all are known
	say_done(2, 4711);
	while ((word = hear()).word == PORTER_NUMBERS)
		;
	assert_int_equal(word.word, PORTER_FAULT);
	assert_int_equal(word.index, 2);
	is_reset(from("127.0.0.9", "127.0.0.1", PORTER_PORT)); // and lives
}

static void forgets_an_inspector_that_is_gone(void **state)
{
	struct porter_pair pair;
	struct porter_word word;
	int fds[PORTER_PAIR_FDS], client;

	(void)state;
	for (uint32_t i = 0; i < INSPECTORS; i++)
		give(i);
	client = from("127.0.0.9", SERVER, 25);
	uint32_t index = take_pair(&pair, fds);
	assert_int_equal(numbers().sessions, 1);
	close(bed.inspectors[index]);
	bed.inspectors[index] = -1;
	while ((word = hear()).word == PORTER_NUMBERS)
		;
	assert_int_equal(word.word, PORTER_ALONE);
	assert_int_equal(word.index, index);
	assert_int_equal(numbers().sessions, 0);
	is_reset(from("127.0.0.9", SERVER, 25));
	close(fds[0]);
	close(fds[1]);
	close(client);
	close(accept(bed.listener, NULL, NULL));
}

static void listen_as_server(void)
{
	struct sockaddr_in name = name_of(SERVER, 25);
	bed.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bed.listener < 0 || bind(bed.listener, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    listen(bed.listener, 64) < 0)
		exit(1);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(brings_both_sockets),
		ROW(resets_who_comes_by_himself),
		ROW(resets_without_an_inspector),
		ROW(one_source_one_inspector),
		ROW(tells_of_a_server_that_is_not_there),
		ROW(does_not_believe_an_inspector),
		ROW(forgets_an_inspector_that_is_gone),
	};

	net_enter();
	signal(SIGPIPE, SIG_IGN);
	// What the porter connects onward carries its mark through the loopback, and passes.
	if (net_run("ip link set lo up && echo 1 > /proc/sys/net/ipv4/tcp_fwmark_accept && "
		    "nft 'add table ip t; add chain ip t c { type filter hook prerouting priority "
		    "-90; }; add rule ip t c meta mark 0 tcp dport 25 tproxy to :%d meta mark set "
		    "%d accept'",
		    PORTER_PORT, FLOW))
		return 1;
	listen_as_server();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
