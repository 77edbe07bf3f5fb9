// Pairs of real sockets in an inspector: what each end gets and how its connection ends, with an
// engine that does what the lines say (stream_script.h), and with that of SMTP.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/inspection_wire.h"
#include "daemon/pipes.h"
#include "daemon/porter_wire.h"
#include "inspect/pipe.h"
#include "event/mail_record.h"
#include "smtp_profile.h"
#include "stream_script.h"

enum { ROUNDS = 20000, BULK = 24 << 20, LISTED = 64 };

static struct {
	struct inspector *inspector;
	struct pipes *pipes;
	int porter; // its end
	uint64_t now_ms, serial;
	uint64_t done[LISTED];
	unsigned n_done, n_troubles, n_records;
	char trouble[32], reason[64];
	uint64_t most; // memory that was in use
} bed;

static void on_trouble(void *arg, const char *word, const struct engine_peer *peer)
{
	(void)arg;
	assert_non_null(peer);
	bed.n_troubles++;
	snprintf(bed.trouble, sizeof(bed.trouble), "%s", word);
}

static void on_record(void *arg, const struct mail_record *record)
{
	(void)arg;
	bed.n_records++;
	snprintf(bed.reason, sizeof(bed.reason), "%.*s", (int)strcspn(record->reason, ":"),
		 record->reason);
}

static void on_decided(void *arg, struct flight *flight)
{
	(void)arg;
	(void)flight;
}

static void give_porter(void)
{
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	pipes_give_porter(bed.pipes, pair[0]);
	bed.porter = pair[1];
}

static void begin_with(bool smtp, uint32_t pairs, uint64_t memory)
{
	static struct town town;
	static struct profiles profiles;
	const struct inspector_options options = { .connections_max = 10,
						   .memory_max = 1 << 20,
						   .held_max = 10,
						   .decided = on_decided,
						   .record = on_record };
	memset(&bed, 0, sizeof(bed));
	bed.now_ms = 1000000;
	town_init(&town);
	town.profile.sizes = town.sizes;
	town.profile.n_sizes = 3;
	profiles = (struct profiles){ &town.flow, 1 };
	assert_int_equal(smtp ? inspector_new(&options, &bed.inspector)
			      : inspector_new_with(&options, &script_kind, &bed.inspector),
			 0);
	assert_int_equal(inspector_set_profiles(bed.inspector, smtp ? &profiles : &script_profiles,
						NULL, NULL),
			 0);
	const struct pipes_options of_pipes = { .sessions = inspector_sessions(bed.inspector),
						.epoll = epoll_create1(EPOLL_CLOEXEC),
						.pairs_max = pairs,
						.memory_max = memory,
						.trouble = on_trouble };
	assert_true(of_pipes.epoll >= 0);
	assert_int_equal(pipes_new(&of_pipes, &bed.pipes), 0);
	give_porter();
}

static int begin(void **state)
{
	(void)state;
	begin_with(false, 100, 1 << 30);
	return 0;
}

static int begin_smtp(void **state)
{
	(void)state;
	begin_with(true, 100, 1 << 30);
	return 0;
}

static int end(void **state)
{
	(void)state;
	pipes_free(bed.pipes);
	inspector_free(bed.inspector);
	close(bed.porter);
	return 0;
}

// --- the ends

struct ends {
	int client, server;
	uint64_t serial;
};

static void not_blocking(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

static int narrow; // bytes that sockets hold, or 0: as they like

static int listen_at(struct sockaddr_in *at)
{
	socklen_t size = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (narrow)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &narrow, sizeof(narrow));
	assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(listen(fd, 10), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &size), 0);
	return fd;
}

// [0] connected to [1].
static void connect_two(int fds[2])
{
	struct sockaddr_in at;
	int listener = listen_at(&at);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (narrow)
		setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &narrow, sizeof(narrow));
	assert_int_equal(connect(fds[0], (struct sockaddr *)&at, sizeof(at)), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_true(fds[1] >= 0);
	close(listener);
	not_blocking(fds[0]);
	not_blocking(fds[1]);
}

static uint64_t hand_over(uint32_t mark, int client, int server)
{
	struct porter_pair word = { .word = PORTER_PAIR,
				    .mark = mark,
				    .client_port = 40000,
				    .server_port = 25,
				    .serial = ++bed.serial,
				    .client = town_addr("203.0.113.9"),
				    .server = town_addr("10.1.1.25") };
	int fds[2] = { client, server };
	assert_int_equal(inspection_send(bed.porter, &word, sizeof(word), NULL, 0, fds, 2), 0);
	close(client);
	close(server);
	return word.serial;
}

static void hear_done(void)
{
	struct porter_done done;
	ssize_t n;
	while ((n = recv(bed.porter, &done, sizeof(done), MSG_DONTWAIT)) > 0) {
		assert_int_equal(done.word, PORTER_DONE);
		assert_int_equal(n, offsetof(struct porter_done, serials) + done.n * 8);
		for (uint32_t i = 0; i < done.n && bed.n_done < LISTED; i++)
			bed.done[bed.n_done++] = done.serials[i];
	}
}

static bool work(void)
{
	struct inspector_numbers numbers = { 0 };
	bool moved;
	inspector_clock(bed.inspector, bed.now_ms * 1000);
	moved = pipes_work(bed.pipes, bed.now_ms);
	pipes_numbers(bed.pipes, &numbers);
	bed.most = numbers.bytes > bed.most ? numbers.bytes : bed.most;
	hear_done();
	return moved;
}

// The kernel takes a moment to bring a packet over.
static void settle(void)
{
	for (unsigned quiet = 0, i = 0; quiet < 3 && i < ROUNDS; i++) {
		quiet = work() ? 0 : quiet + 1;
		if (quiet)
			usleep(500);
	}
}

static void later(uint64_t seconds)
{
	bed.now_ms += seconds * 1000;
	pipes_tick(bed.pipes, bed.now_ms);
	settle();
}

static struct ends open_pair(void)
{
	int to_gate[2], to_server[2];
	struct ends ends;
	connect_two(to_gate);
	connect_two(to_server);
	ends = (struct ends){ to_gate[0], to_server[1], hand_over(1, to_gate[1], to_server[0]) };
	settle();
	return ends;
}

static void close_ends(struct ends *ends)
{
	close(ends->client);
	close(ends->server);
	settle();
	assert_int_equal(pipes_count(bed.pipes), 0);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	settle();
}

static void gets(int fd, const char *text)
{
	char got[2048];
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
	got[n > 0 ? n : 0] = '\0';
	assert_string_equal(got, text);
}

static void gets_nothing(int fd)
{
	char byte;
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static void gets_end(int fd)
{
	char byte;
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void gets_reset(int fd)
{
	char bytes[4096];
	ssize_t n;
	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		;
	assert_int_equal(n, -1);
	assert_int_equal(errno, ECONNRESET);
}

static void reset_end(int *fd)
{
	const struct linger linger = { .l_onoff = 1 };
	setsockopt(*fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(*fd);
	*fd = socket(AF_INET, SOCK_STREAM, 0); // something to close
	settle();
}

// --- bytes

static void bytes_pass(void **state)
{
	struct ends ends = open_pair();
	(void)state;
	say(ends.client, "pab\n");
	gets(ends.server, "pab\n");
	say(ends.server, "pxy\n");
	gets(ends.client, "pxy\n");
	say(ends.client, "oab\n");
	gets(ends.server, "OAB\n");
	say(ends.server, "rxy\ne12\npz\n");
	gets(ends.client, "rxy\nrxy\npz\n");
	close_ends(&ends);
	assert_int_equal(bed.n_done, 1);
	assert_int_equal(bed.done[0], ends.serial);
	assert_int_equal(bed.n_troubles, 0);
}

static void half_a_line_waits(void **state)
{
	struct ends ends = open_pair();
	(void)state;
	say(ends.client, "pa");
	gets_nothing(ends.server);
	say(ends.client, "b\nhcd\n");
	gets(ends.server, "pab\n");
	say(ends.client, "pef\n");
	gets(ends.server, "hcd\npef\n");
	close_ends(&ends);
}

static void let_go(void **state)
{
	struct ends ends = open_pair();
	(void)state;
	say(ends.client, "q\nanything");
	gets(ends.server, "q\nanything");
	say(ends.server, "x\n");
	gets(ends.client, "x\n");
	shutdown(ends.client, SHUT_WR);
	settle();
	gets_end(ends.server);
	say(ends.server, "last");
	gets(ends.client, "last");
	close_ends(&ends);
}

// --- ends

static void half_closed(void **state)
{
	(void)state;
	for (int server = 0; server < 2; server++) {
		struct ends ends = open_pair();
		int from = server ? ends.server : ends.client;
		int to = server ? ends.client : ends.server;
		say(from, "pab\n");
		shutdown(from, SHUT_WR);
		settle();
		gets(to, "pab\n");
		gets_end(to);
		say(to, "pxy\n");
		gets(from, "pxy\n");
		gets_nothing(from);
		shutdown(to, SHUT_WR);
		settle();
		gets_end(from);
		assert_int_equal(pipes_count(bed.pipes), 0);
		close_ends(&ends);
	}
}

static void answered(void **state)
{
	struct ends ends = open_pair();
	(void)state;
	say(ends.client, "pab\nthalf\n");
	gets(ends.server, "pab\n");
	gets_reset(ends.server);
	say(ends.client, "more\n.\n");
	gets(ends.client, SCRIPT_REPLY);
	gets_end(ends.client);
	assert_int_equal(pipes_count(bed.pipes), 1);
	close_ends(&ends);
}

// What a client says behind the answer does not make its system throw the answer away.
static void the_answer_arrives(void **state)
{
	struct ends ends = open_pair();
	char bulk[4096];
	(void)state;
	memset(bulk, 'x', sizeof(bulk));
	say(ends.client, "t\n.\n");
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(send(ends.client, bulk, sizeof(bulk), MSG_NOSIGNAL), sizeof(bulk));
		settle();
	}
	gets(ends.client, SCRIPT_REPLY);
	gets_end(ends.client);
	close_ends(&ends);
}

// But not for ever, nor as much as it likes.
static void the_rest_is_bounded(void **state)
{
	struct ends ends = open_pair();
	static char bulk[256 * 1024];
	(void)state;
	say(ends.client, "t\n.\n");
	later(PIPE_DRAIN_SECONDS - 1);
	assert_int_equal(pipes_count(bed.pipes), 1);
	say(ends.client, "x");
	later(2);
	assert_int_equal(pipes_count(bed.pipes), 0);
	close_ends(&ends);
	ends = open_pair();
	say(ends.client, "t\n.\n");
	for (unsigned i = 0; i < 100 && pipes_count(bed.pipes); i++) {
		send(ends.client, bulk, sizeof(bulk), MSG_NOSIGNAL);
		settle();
	}
	assert_int_equal(pipes_count(bed.pipes), 0);
	close_ends(&ends);
}

static void ended(void **state)
{
	struct ends ends = open_pair();
	struct inspector_numbers numbers = { 0 };
	(void)state;
	say(ends.client, "pab\nx\n");
	gets_reset(ends.client);
	gets_reset(ends.server);
	pipes_numbers(bed.pipes, &numbers);
	assert_int_equal(numbers.by_trouble[TROUBLE_ENDED], 1);
	assert_int_equal(bed.n_troubles, 0);
	close_ends(&ends);
}

static void client_resets(void **state)
{
	struct ends ends = open_pair();
	(void)state;
	say(ends.client, "pab\n");
	reset_end(&ends.client);
	gets_reset(ends.server);
	close_ends(&ends);
}

// A client is told what a server that went said last.
static void server_resets(void **state)
{
	struct ends ends = open_pair();
	(void)state;
	assert_int_equal(send(ends.server, "plast\n", 6, 0), 6);
	reset_end(&ends.server);
	gets(ends.client, "plast\n");
	gets_end(ends.client);
	say(ends.client, "pab\n");
	assert_int_equal(send(ends.client, "pab\n", 4, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	close_ends(&ends);
}

static void inspector_ends(void **state)
{
	struct ends ends = open_pair();
	(void)state;
	say(ends.client, "pa");
	pipes_free(bed.pipes);
	bed.pipes = NULL;
	gets_reset(ends.client);
	gets_reset(ends.server);
	close(ends.client);
	close(ends.server);
}

// --- much

static uint8_t bulk_byte(size_t at)
{
	return at % 64 == 63 ? '\n' : at % 64 == 0 ? 'p' : (uint8_t)('a' + at / 64 % 26);
}

// One side sends a great deal to one that does not read: it has to wait, and nothing is lost.
static void back_pressure(void **state)
{
	static uint8_t chunk[65536], got[65536];
	(void)state;
	for (int server = 0; server < 2; server++) {
		struct ends ends = open_pair();
		int from = server ? ends.server : ends.client;
		int to = server ? ends.client : ends.server;
		size_t sent = 0, read_ = 0, stuck = 0;
		bed.most = 0;
		while (read_ < BULK) {
			for (size_t i = 0; i < sizeof(chunk); i++)
				chunk[i] = bulk_byte(sent + i);
			size_t want = BULK - sent < sizeof(chunk) ? BULK - sent : sizeof(chunk);
			ssize_t n = want ? send(from, chunk, want, MSG_NOSIGNAL) : -1;
			sent += n > 0 ? (size_t)n : 0;
			work();
			stuck = n > 0 ? 0 : stuck + 1;
			if (sent < BULK && stuck < 50)
				continue;
			n = recv(to, got, sizeof(got), 0);
			for (ssize_t i = 0; i < n; i++)
				assert_int_equal(got[i], bulk_byte(read_ + (size_t)i));
			read_ += n > 0 ? (size_t)n : 0;
		}
		print_message("%zu bytes kept\n", (size_t)bed.most);
		assert_true(bed.most < 600 * 1024);
		close_ends(&ends);
	}
}

// More of them than memory: each waits, and each goes on.
static void memory_is_short(void **state)
{
	enum { PAIRS = 20, SIZE = 256 * 1024 };
	struct ends ends[PAIRS];
	size_t sent[PAIRS] = { 0 }, read_[PAIRS] = { 0 };
	static uint8_t chunk[SIZE], got[65536];
	(void)state;
	end(NULL);
	begin_with(false, 100, 128 * 1024);
	memset(chunk, 'x', SIZE);
	for (size_t i = 0; i < SIZE; i += 64)
		chunk[i] = 'p', chunk[i + 63] = '\n';
	for (unsigned i = 0; i < PAIRS; i++) {
		narrow = 32 * 1024;
		ends[i] = open_pair();
		narrow = 0;
	}
	for (unsigned round = 0; round < 400; round++) {
		for (unsigned i = 0; i < PAIRS; i++) {
			ssize_t n =
				send(ends[i].client, chunk + sent[i], SIZE - sent[i], MSG_NOSIGNAL);
			sent[i] += n > 0 ? (size_t)n : 0;
			while (round > 20 && (n = recv(ends[i].server, got, sizeof(got), 0)) > 0)
				read_[i] += (size_t)n;
		}
		bed.now_ms += 20;
		settle();
	}
	for (unsigned i = 0; i < PAIRS; i++)
		assert_int_equal(read_[i], SIZE);
	print_message("%zu bytes kept\n", (size_t)bed.most);
	assert_true(bed.most < 256 * 1024);
	for (unsigned i = 0; i < PAIRS; i++) {
		close(ends[i].client);
		close(ends[i].server);
	}
	settle();
	assert_int_equal(pipes_count(bed.pipes), 0);
}

// Those who were silent for longest go when there is no memory, and no others.
static void who_makes_room(void **state)
{
	struct ends quiet = open_pair(), lively;
	uint64_t one = bed.most;
	(void)state;
	close_ends(&quiet);
	end(NULL);
	begin_with(false, 100, 2 * one - 64);
	quiet = open_pair();
	later(1);
	lively = open_pair();
	say(lively.client, "pab\n");
	later(PIPES_QUIET_MS / 1000 - 2);
	assert_int_equal(pipes_count(bed.pipes), 2);
	gets_nothing(lively.server);
	later(3);
	assert_int_equal(pipes_count(bed.pipes), 1);
	assert_string_equal(bed.trouble, "full");
	gets_reset(quiet.client);
	gets_reset(quiet.server);
	gets(lively.server, "pab\n");
	close(quiet.client);
	close(quiet.server);
	close_ends(&lively);
}

// --- the porter

static void too_many(void **state)
{
	struct ends first, second;
	(void)state;
	end(NULL);
	begin_with(false, 1, 1 << 30);
	first = open_pair();
	second = open_pair();
	gets_reset(second.client);
	gets_reset(second.server);
	assert_string_equal(bed.trouble, "full");
	assert_int_equal(bed.n_done, 1);
	assert_int_equal(bed.done[0], second.serial);
	close(second.client);
	close(second.server);
	close_ends(&first);
	assert_int_equal(bed.n_done, 2);
}

static void no_flow(void **state)
{
	int to_gate[2], to_server[2];
	(void)state;
	connect_two(to_gate);
	connect_two(to_server);
	hand_over(2, to_gate[1], to_server[0]);
	settle();
	gets_reset(to_gate[0]);
	gets_reset(to_server[1]);
	assert_string_equal(bed.trouble, "stray");
	assert_int_equal(bed.n_done, 1);
	close(to_gate[0]);
	close(to_server[1]);
}

static void another_porter(void **state)
{
	struct ends old = open_pair(), new;
	(void)state;
	close(bed.porter);
	settle();
	say(old.client, "pab\n");
	gets(old.server, "pab\n");
	give_porter();
	new = open_pair();
	close(old.client);
	close(old.server);
	settle();
	assert_int_equal(bed.n_done, 0); // not the new one's
	assert_int_equal(pipes_count(bed.pipes), 1);
	close_ends(&new);
	assert_int_equal(bed.n_done, 1);
}

static void nonsense(void **state)
{
	const struct porter_pair word = { .word = 77 };
	struct ends ends = open_pair();
	char byte;
	(void)state;
	assert_int_equal(send(bed.porter, &word, sizeof(word), 0), sizeof(word));
	settle();
	assert_int_equal(recv(bed.porter, &byte, 1, MSG_DONTWAIT), 0); // it is heard no more
	say(ends.client, "pab\n");
	gets(ends.server, "pab\n");
	close_ends(&ends);
}

// --- SMTP

static void server_refuses(void **state)
{
	struct sockaddr_in at;
	int to_gate[2], listener = listen_at(&at), fd;
	(void)state;
	close(listener); // nobody is there
	connect_two(to_gate);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), -1);
	hand_over(1, to_gate[1], fd);
	settle();
	gets(to_gate[0], "421 4.4.1 Server cannot be reached, try again later\r\n");
	gets_end(to_gate[0]);
	close(to_gate[0]);
	settle();
	assert_int_equal(pipes_count(bed.pipes), 0);
	assert_string_equal(bed.reason, "unreached");
}

static void too_large(void **state)
{
	struct ends ends = open_pair();
	(void)state;
	say(ends.server, "220 mx\r\n");
	say(ends.client, "EHLO c\r\n");
	say(ends.server, "250 mx\r\n");
	say(ends.client, "MAIL FROM:<a@b.example>\r\n");
	say(ends.server, "250 ok\r\n");
	say(ends.client, "RCPT TO:<b@city.example.jp>\r\n");
	say(ends.server, "250 ok\r\n");
	say(ends.client, "DATA\r\n");
	say(ends.server, "354 ok\r\n");
	gets(ends.client, "220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 ok\r\n");
	for (unsigned i = 0; i < 40; i++)
		say(ends.client, "0123456789012345678901234567890123456789\r\n");
	gets_reset(ends.server);
	gets_nothing(ends.client);
	say(ends.client, ".\r\nQUIT\r\n");
	gets(ends.client, "552 5.3.4 Message size exceeds the limit\r\n");
	gets_end(ends.client);
	close_ends(&ends);
	assert_string_equal(bed.reason, "size");
}

static void who_is_late(void **state)
{
	struct ends ends = open_pair();
	(void)state;
	later(329);
	assert_int_equal(pipes_count(bed.pipes), 1);
	later(2);
	gets(ends.client, "421 4.4.2 Server gave no reply, try again later\r\n");
	gets_end(ends.client);
	gets_reset(ends.server);
	assert_string_equal(bed.reason, "server-late");
	close_ends(&ends);
	ends = open_pair();
	say(ends.server, "220 mx\r\n");
	later(329);
	assert_int_equal(pipes_count(bed.pipes), 1);
	later(2);
	gets(ends.client, "220 mx\r\n421 4.4.2 Timed out waiting for you\r\n");
	gets_end(ends.client);
	assert_string_equal(bed.reason, "client-late");
	close_ends(&ends);
}

// A client that talks a great deal at once is not given up: it has to wait.
static void pipelined(void **state)
{
	struct ends ends = open_pair();
	unsigned lines = 0;
	(void)state;
	say(ends.server, "220 mx\r\n");
	say(ends.client, "HELO c\r\n");
	say(ends.server, "250 mx\r\n");
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(send(ends.client, "NOOP 0123456789012345678\r\n", 26, 0), 26);
	for (unsigned i = 0; i < ROUNDS && lines < 3001; i++) {
		char got[4096];
		ssize_t n;
		work();
		while ((n = recv(ends.server, got, sizeof(got), 0)) > 0) {
			for (ssize_t k = 0; k < n; k++) {
				if (got[k] != '\n')
					continue;
				lines++;
				assert_int_equal(send(ends.server, "250 ok\r\n", 8, 0), 8);
			}
		}
		if (n < 0)
			usleep(100);
	}
	assert_int_equal(lines, 3001);
	settle();
	assert_int_equal(pipes_count(bed.pipes), 1);
	close_ends(&ends);
}

int main(void)
{
#define ONE(test)  cmocka_unit_test_setup_teardown(test, begin, end)
#define SMTP(test) cmocka_unit_test_setup_teardown(test, begin_smtp, end)
	const struct CMUnitTest tests[] = {
		ONE(bytes_pass),      ONE(half_a_line_waits),
		ONE(let_go),	      ONE(half_closed),
		ONE(answered),	      ONE(the_answer_arrives),
		ONE(ended),	      ONE(the_rest_is_bounded),
		ONE(client_resets),   ONE(server_resets),
		ONE(inspector_ends),  ONE(back_pressure),
		ONE(memory_is_short), ONE(who_makes_room),
		ONE(too_many),	      ONE(no_flow),
		ONE(another_porter),  ONE(nonsense),
		SMTP(server_refuses), SMTP(too_large),
		SMTP(who_is_late),    SMTP(pipelined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
