// A ruleset of 50,000 flows is loaded, read back, changed and read back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <time.h>

#include "kernel/kernel.h"
#include "unit/kernel_net.h"
#include "unit/ruleset_flows.h"

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void must_run(struct kernel *kernel, const struct ruleset *next,
		     const struct ruleset *previous, const char *what)
{
	struct kernel_error error = { 0 };
	char report[512];
	double begin = now(), middle;

	if (kernel_commit(kernel, next, previous, NULL, 0, &error) < 0)
		fail_msg("%s", error.text);
	middle = now();
	if (kernel_verify(kernel, next, report, sizeof(report)))
		fail_msg("%s", report);
	print_message("%s: %zu chains, %zu sets, %zu elements: commit %.3f s, read-back %.3f s\n",
		      what, next->n_chains, next->n_sets, next->n_elems, middle - begin,
		      now() - middle);
}

static void count_one(void *arg, const struct kernel_counter *counter)
{
	(void)counter;
	++*(unsigned *)arg;
}

static void load(const struct flows_shape *shape)
{
	struct make one = { 0 }, two = { 0 };
	struct kernel *kernel;
	unsigned counters = 0;
	double begin;

	make_flows(&one, shape, 1);
	make_flows(&two, shape, 2);
	// One flow less: its cells go, its counter stays unused.
	two.sets.v[0].n_elems -= 2;
	make_finish(&two, 2);
	assert_int_equal(kernel_open(-1, &kernel), 0);
	must_run(kernel, &one.ruleset, NULL, "first");
	must_run(kernel, &two.ruleset, &one.ruleset, "one flow changed");
	must_run(kernel, &one.ruleset, NULL, "all replaced");
	begin = now();
	assert_int_equal(kernel_counters(kernel, count_one, &counters), 0);
	print_message("%u counters read in %.3f s\n", counters, now() - begin);
	assert_int_equal(counters, flows_count(shape));
	assert_int_equal(kernel_remove(kernel), 0);
	kernel_close(kernel);
	make_done(&one);
	make_done(&two);
}

static void test_1k(void **state)
{
	(void)state;
	load(&(struct flows_shape){ .pairs = 20, .services = 5, .flows = 10 });
}

static void test_50k(void **state)
{
	(void)state;
	load(&(struct flows_shape){ .pairs = 100, .services = 10, .flows = 50 });
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_1k), cmocka_unit_test(test_50k) };

	net_enter();
	// pairs services flows: to try other shapes by hand.
	if (argc == 4) {
		load(&(struct flows_shape){ .pairs = (unsigned)atoi(argv[1]),
					    .services = (unsigned)atoi(argv[2]),
					    .flows = (unsigned)atoi(argv[3]) });
		return 0;
	}
	return cmocka_run_group_tests_name("kernel load", tests, NULL, NULL);
}
