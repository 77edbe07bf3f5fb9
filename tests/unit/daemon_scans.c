// Messages at a scanner of the test's own, over socket pairs: what it gets, what becomes of its
// answers however they come, and how much waits for it.
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/scans.h"

static struct {
	struct scans *scans;
	unsigned asked, verdicts, rooms;
	void *owner;
	struct scan_result result;
	uint64_t now_ms;
} bed;

static void on_ask(void *arg, unsigned n)
{
	(void)arg;
	bed.asked += n;
}

static void on_verdict(void *arg, void *owner, const struct scan_result *result)
{
	(void)arg;
	bed.verdicts++;
	bed.owner = owner;
	bed.result = *result;
}

static void on_room(void *arg, void *owner)
{
	(void)arg;
	(void)owner;
	bed.rooms++;
}

static int begin(void **state)
{
	const struct scans_options options = {
		.words = &clamd_words, .ask = on_ask, .verdict = on_verdict, .room = on_room
	};
	(void)state;
	memset(&bed, 0, sizeof(bed));
	bed.now_ms = 1000000;
	return scans_new(&options, &bed.scans);
}

static int end(void **state)
{
	(void)state;
	scans_free(bed.scans);
	return 0;
}

static void look(uint64_t later_ms)
{
	bed.now_ms += later_ms;
	scans_look(bed.scans, bed.now_ms);
}

// The scanner's end of a descriptor that is given.
static int give(void)
{
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	scans_give(bed.scans, pair[0]);
	return pair[1];
}

static size_t drain(int fd, uint8_t *out, size_t room)
{
	size_t n = 0;
	ssize_t got;
	while (n < room && (got = read(fd, out + n, room - n)) > 0)
		n += (size_t)got;
	return n;
}

static void one_message(void **state)
{
	(void)state;
	static const uint8_t wire[] = "zINSTREAM\0\0\0\0\5Hello\0\0\0\6 world\0\0\0";
	uint8_t got[100];
	int owner;
	struct scan *scan = scans_begin(bed.scans, &owner, 60, bed.now_ms);
	assert_true(scans_bytes(scan, (const uint8_t *)"Hello", 5)); // nobody is there yet
	look(1);
	assert_int_equal(bed.asked, 1 + SCANS_STORE);
	int fd = give();
	assert_true(scans_bytes(scan, (const uint8_t *)" world", 6));
	scans_end(scan);
	assert_int_equal(drain(fd, got, sizeof(got)), sizeof(wire));
	assert_memory_equal(got, wire, sizeof(wire));
	look(1);
	assert_int_equal(bed.verdicts, 0);
	assert_int_equal(write(fd, "stream: ", 8), 8);
	look(1);
	assert_int_equal(bed.verdicts, 0);
	assert_int_equal(write(fd, "OK", 3), 3);
	look(1);
	assert_int_equal(bed.verdicts, 1);
	assert_int_equal(bed.result.verdict, SCAN_CLEAN);
	assert_ptr_equal(bed.owner, &owner);
	assert_int_equal(read(fd, got, 1), 0); // it was closed
	close(fd);
}

static const struct {
	const char *answer;
	size_t n;
	bool ended; // the message
	enum scan_verdict verdict;
} answers[] = {
	{ "stream: X FOUND", 16, true, SCAN_INFECTED },
	{ "stream: X FOUND", 16, false, SCAN_INFECTED },
	{ "INSTREAM size limit exceeded. ERROR", 36, false, SCAN_TOO_BIG },
	{ "stream: OK", 11, false, SCAN_DOWN }, // too early
	{ "stream: OK", 10, true, SCAN_DOWN },	// broken off
	{ "", 0, true, SCAN_DOWN },
	{ "\xff\xfe", 3, true, SCAN_DOWN },
};

static void each_answer_and_then_it_closes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct scan *scan = scans_begin(bed.scans, NULL, 60, bed.now_ms);
		int fd = give();
		unsigned before = bed.verdicts;
		scans_bytes(scan, (const uint8_t *)"x", 1);
		if (answers[i].ended)
			scans_end(scan);
		assert_int_equal(write(fd, answers[i].answer, answers[i].n), answers[i].n);
		close(fd);
		look(1);
		assert_int_equal(bed.verdicts, before + 1);
		assert_int_equal(bed.result.verdict, answers[i].verdict);
	}
}

static void nobody_answers(void **state)
{
	(void)state;
	struct scan *scan = scans_begin(bed.scans, NULL, 10, bed.now_ms);
	int fd = give();
	scans_bytes(scan, (const uint8_t *)"x", 1);
	look(100000); // the client takes its time
	assert_int_equal(bed.verdicts, 0);
	scans_end(scan);
	look(9000);
	assert_int_equal(bed.verdicts, 0);
	look(2000);
	assert_int_equal(bed.verdicts, 1);
	assert_int_equal(bed.result.verdict, SCAN_DOWN);
	close(fd);
}

static void refused_or_told_to_wait(void **state)
{
	(void)state;
	scans_begin(bed.scans, NULL, 10, bed.now_ms);
	look(1);
	scans_refuse(bed.scans, -EAGAIN);
	look(1);
	assert_int_equal(bed.verdicts, 0);
	scans_refuse(bed.scans, -ECONNREFUSED);
	look(1);
	assert_int_equal(bed.verdicts, 1);
	assert_int_equal(bed.result.verdict, SCAN_DOWN);
}

// A scanner that takes nothing: its message is told to wait, and goes on when it has taken some.
static void a_slow_one_makes_its_sender_wait(void **state)
{
	(void)state;
	static uint8_t block[32768], got[1 << 20];
	struct scan *scan = scans_begin(bed.scans, NULL, 10, bed.now_ms);
	int fd = give();
	size_t sent = 0;
	while (scans_bytes(scan, block, sizeof(block)))
		assert_true((sent += sizeof(block)) < sizeof(got));
	assert_true(sent >= SCANS_QUEUE_SOFT);
	look(1);
	assert_int_equal(bed.rooms, 0);
	for (int i = 0; i < 20 && !bed.rooms; i++) {
		drain(fd, got, sizeof(got));
		look(1);
	}
	assert_int_equal(bed.rooms, 1);
	assert_int_equal(bed.verdicts, 0);
	// What comes when there is room again, and before that was told, does not take it back.
	while (scans_bytes(scan, block, sizeof(block)))
		;
	for (int i = 0; i < 20; i++) {
		drain(fd, got, sizeof(got));
		assert_false(scans_bytes(scan, block, 1));
	}
	look(1);
	assert_int_equal(bed.rooms, 2);
	scans_drop(scan);
	close(fd);
}

static void more_than_it_may_is_given_up(void **state)
{
	(void)state;
	static uint8_t block[65536];
	struct scan *scan = scans_begin(bed.scans, NULL, 60, bed.now_ms);
	for (size_t n = 0; n < SCANS_QUEUE_HARD; n += sizeof(block))
		scans_bytes(scan, block, sizeof(block));
	look(1);
	assert_int_equal(bed.verdicts, 1);
	assert_int_equal(bed.result.verdict, SCAN_BUSY);
}

// Descriptors in store end with their scanner, and are never given to a message after that.
static void the_store(void **state)
{
	(void)state;
	struct pollfd fds[SCANS_POLL_MAX];
	int old = give(), fresh;
	assert_int_equal(scans_poll(bed.scans, fds), 1);
	close(old);
	fresh = give();
	struct scan *scan = scans_begin(bed.scans, NULL, 60, bed.now_ms);
	uint8_t got[32];
	assert_int_equal(drain(fresh, got, sizeof(got)), sizeof("zINSTREAM"));
	look(1);
	assert_int_equal(scans_poll(bed.scans, fds), 1);
	scans_drop(scan);
	close(fresh);
	fresh = give();
	look(SCANS_STORE_MS + 1);
	assert_int_equal(read(fresh, got, 1), 0);
	close(fresh);
	for (int i = 0; i < SCANS_STORE + 1; i++)
		close(give());
	assert_true(scans_poll(bed.scans, fds) <= SCANS_STORE);
}

static void no_more_than_so_many_at_a_time(void **state)
{
	(void)state;
	int fds[SCANS_OPEN_MAX + 1];
	struct pollfd polled[SCANS_POLL_MAX];
	struct scan *last = NULL;
	for (int i = 0; i <= SCANS_OPEN_MAX; i++)
		last = scans_begin(bed.scans, NULL, 60, bed.now_ms);
	look(1);
	assert_true(bed.asked <= SCANS_OPEN_MAX + SCANS_STORE);
	for (int i = 0; i <= SCANS_OPEN_MAX; i++)
		fds[i] = give();
	assert_int_equal(scans_poll(bed.scans, polled), SCANS_OPEN_MAX + 1); // one in store
	scans_drop(last);
	for (int i = 0; i <= SCANS_OPEN_MAX; i++)
		close(fds[i]);
	look(1);
	assert_int_equal(bed.verdicts, SCANS_OPEN_MAX);
}

static void random_answers_at_random_times(void **state)
{
	(void)state;
	static const char letters[] = "stream: OK\0FOUND ERROR\n";
	unsigned seed = 20261127;
	for (int round = 0; round < 3000; round++) {
		struct scan *scan = scans_begin(bed.scans, NULL, 60, bed.now_ms);
		int fd = give();
		unsigned before = bed.verdicts;
		bool ended = false;
		for (int step = 0; step < 8 && bed.verdicts == before; step++) {
			char text[16];
			size_t n = 1 + (size_t)rand_r(&seed) % sizeof(text);
			for (size_t i = 0; i < n; i++)
				text[i] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
			if (rand_r(&seed) % 2)
				assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
			if (!ended && rand_r(&seed) % 2)
				scans_bytes(scan, (const uint8_t *)text, n);
			if (!ended && rand_r(&seed) % 4 == 0) {
				scans_end(scan);
				ended = true;
			}
			look(1);
		}
		close(fd);
		look(1);
		assert_int_equal(bed.verdicts, before + 1);
		assert_int_not_equal(bed.result.verdict, SCAN_CLEAN);
	}
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_BED(one_message),
		WITH_BED(each_answer_and_then_it_closes),
		WITH_BED(nobody_answers),
		WITH_BED(refused_or_told_to_wait),
		WITH_BED(a_slow_one_makes_its_sender_wait),
		WITH_BED(more_than_it_may_is_given_up),
		WITH_BED(the_store),
		WITH_BED(no_more_than_so_many_at_a_time),
		WITH_BED(random_answers_at_random_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
