// Pairs of real sockets in an inspector: what each end gets, and how its connection ends.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pipes_bed.h"

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
	eventually(bed.n_done == 1);
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
		eventually(pipes_count(bed.pipes) == 0);
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
	eventually(pipes_count(bed.pipes) == 1);
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
	eventually(pipes_count(bed.pipes) == 1);
	say(ends.client, "x");
	later(2);
	eventually(pipes_count(bed.pipes) == 0);
	close_ends(&ends);
	ends = open_pair();
	say(ends.client, "t\n.\n");
	for (unsigned i = 0; i < 100 && pipes_count(bed.pipes); i++) {
		send(ends.client, bulk, sizeof(bulk), MSG_NOSIGNAL);
		settle();
	}
	eventually(pipes_count(bed.pipes) == 0);
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
	eventually(pipes_count(bed.pipes) == 0);
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
	eventually(pipes_count(bed.pipes) == 1);
	later(2);
	gets(ends.client, "421 4.4.2 Server gave no reply, try again later\r\n");
	gets_end(ends.client);
	gets_reset(ends.server);
	assert_string_equal(bed.reason, "server-late");
	close_ends(&ends);
	ends = open_pair();
	say(ends.server, "220 mx\r\n");
	later(329);
	eventually(pipes_count(bed.pipes) == 1);
	later(2);
	gets(ends.client, "220 mx\r\n421 4.4.2 Timed out waiting for you\r\n");
	gets_end(ends.client);
	assert_string_equal(bed.reason, "client-late");
	close_ends(&ends);
}

int main(void)
{
#define ONE(test)  cmocka_unit_test_setup_teardown(test, begin, end)
#define SMTP(test) cmocka_unit_test_setup_teardown(test, begin_smtp, end)
	const struct CMUnitTest tests[] = { ONE(bytes_pass),	 ONE(half_a_line_waits),
					    ONE(let_go),	 ONE(half_closed),
					    ONE(answered),	 ONE(the_answer_arrives),
					    ONE(ended),		 ONE(the_rest_is_bounded),
					    ONE(client_resets),	 ONE(server_resets),
					    ONE(inspector_ends), SMTP(server_refuses),
					    SMTP(too_large),	 SMTP(who_is_late) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
