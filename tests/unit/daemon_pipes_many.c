// Pairs of real sockets in an inspector: a great deal of bytes, little memory, and what the porter
// does.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pipes_bed.h"

enum { BULK = 24 << 20 };

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
	eventually(pipes_count(bed.pipes) == 0);
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
	eventually(pipes_count(bed.pipes) == 2);
	gets_nothing(lively.server);
	later(3);
	eventually(pipes_count(bed.pipes) == 1);
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
	eventually(bed.n_done == 1);
	assert_int_equal(bed.done[0], second.serial);
	close(second.client);
	close(second.server);
	close_ends(&first);
	eventually(bed.n_done == 2);
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
	eventually(bed.n_done == 1);
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
	eventually(bed.n_done == 0); // not the new one's
	eventually(pipes_count(bed.pipes) == 1);
	close_ends(&new);
	eventually(bed.n_done == 1);
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
	eventually(pipes_count(bed.pipes) == 1);
	close_ends(&ends);
}

int main(void)
{
#define ONE(test)  cmocka_unit_test_setup_teardown(test, begin, end)
#define SMTP(test) cmocka_unit_test_setup_teardown(test, begin_smtp, end)
	const struct CMUnitTest tests[] = { ONE(back_pressure),	 ONE(memory_is_short),
					    ONE(who_makes_room), ONE(too_many),
					    ONE(no_flow),	 ONE(another_porter),
					    ONE(nonsense),	 SMTP(pipelined) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
