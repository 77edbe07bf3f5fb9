// Verdicts of the first queue against a queue that is kept as the kernel keeps it: each packet gets
// the verdict that was meant for it, once, whatever the order they are decided in.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/turns.h"

enum { PACKETS = 4000, NONE = -1 };

struct kernel {
	int verdict[PACKETS + 1]; // by id
	uint32_t n;		  // ids that have come
	unsigned batches, singles;
};
static struct kernel kernel;
static struct turns turns;

static int answer(void *arg, const struct queue_answer *answer)
{
	(void)arg;
	assert_true(answer->id && answer->id <= kernel.n);
	assert_int_equal(kernel.verdict[answer->id], NONE);
	kernel.verdict[answer->id] = (int)answer->verdict;
	kernel.singles++;
	return 0;
}

static int accept_until(void *arg, uint32_t id)
{
	(void)arg;
	for (uint32_t i = 1; i <= id; i++)
		if (kernel.verdict[i] == NONE)
			kernel.verdict[i] = QUEUE_ACCEPT;
	kernel.batches++;
	return 0;
}

static void begin(void)
{
	const struct turns_queue queue = { answer, accept_until, NULL };
	turns_init(&turns, &queue);
	kernel = (struct kernel){ 0 };
	memset(kernel.verdict, 0xff, sizeof(kernel.verdict));
}

static uint32_t arrive(void)
{
	return turns_arrive(&turns, ++kernel.n);
}

static void as_the_header_says(void **state)
{
	uint32_t turn[7];
	(void)state;
	begin();
	for (int i = 1; i <= 6; i++)
		turn[i] = arrive();
	turns_accept(&turns, turn[1]);
	turns_accept(&turns, turn[2]);
	turns_accept(&turns, turn[3]);
	turns_accept(&turns, turn[5]);
	turns_accept(&turns, turn[6]);
	assert_int_equal(turns_flush(&turns), 0);
	assert_int_equal(kernel.batches, 1);
	assert_int_equal(kernel.singles, 2);
	assert_int_equal(kernel.verdict[4], NONE);
	assert_int_equal(turns_waiting(&turns), 3);
	turns_accept(&turns, turn[4]);
	assert_int_equal(turns_flush(&turns), 0);
	assert_int_equal(kernel.singles, 2);
	assert_int_equal(turns_waiting(&turns), 0);
}

static void a_run_is_one_verdict(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 64; i++)
		turns_accept(&turns, arrive());
	assert_int_equal(turns_flush(&turns), 0);
	assert_int_equal(kernel.batches, 1);
	assert_int_equal(kernel.singles, 0);
}

static void a_held_one_is_not_decided_by_others(void **state)
{
	struct queue_answer move = { .verdict = QUEUE_MOVE };
	uint32_t held, after;
	(void)state;
	begin();
	held = arrive();
	after = arrive();
	turns_accept(&turns, after);
	assert_int_equal(turns_flush(&turns), 0);
	assert_int_equal(kernel.verdict[1], NONE);
	assert_int_equal(turns_answer(&turns, held, &move), 0);
	for (int i = 0; i < 3; i++)
		turns_accept(&turns, arrive());
	assert_int_equal(turns_flush(&turns), 0);
	assert_int_equal(kernel.verdict[1], QUEUE_MOVE);
}

static void any_order(void **state)
{
	static uint32_t open[PACKETS], meant[PACKETS + 1];
	const char *given = getenv("SEED");
	unsigned seed = given ? (unsigned)atoi(given) : 1126;
	(void)state;
	print_message("SEED=%u\n", seed);
	srand(seed);
	for (int round = 0; round < 50; round++) {
		size_t n_open = 0;
		begin();
		while (kernel.n < PACKETS || n_open) {
			if (kernel.n < PACKETS && (n_open == 0 || rand() % 2)) {
				open[n_open++] = arrive();
				continue;
			}
			size_t i = rand() % 3 ? 0 : (size_t)rand() % n_open;
			uint32_t turn = open[i], id = turn + 1;
			memmove(open + i, open + i + 1, (--n_open - i) * sizeof(*open));
			meant[id] = (uint32_t)rand() % 8 ? QUEUE_ACCEPT
				    : rand() % 2	 ? QUEUE_DROP
							 : QUEUE_MOVE;
			if (meant[id] == QUEUE_ACCEPT && rand() % 8) {
				turns_accept(&turns, turn);
			} else {
				struct queue_answer other = { .verdict = meant[id] };
				assert_int_equal(turns_answer(&turns, turn, &other), 0);
			}
			if (rand() % 16 == 0)
				assert_int_equal(turns_flush(&turns), 0);
		}
		assert_int_equal(turns_flush(&turns), 0);
		assert_int_equal(turns_waiting(&turns), 0);
		for (uint32_t id = 1; id <= PACKETS; id++)
			assert_int_equal(kernel.verdict[id], meant[id]);
		assert_true(kernel.batches < kernel.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_header_says),
		cmocka_unit_test(a_run_is_one_verdict),
		cmocka_unit_test(a_held_one_is_not_decided_by_others),
		cmocka_unit_test(any_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
