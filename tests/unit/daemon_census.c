// Live connections are counted in a namespace of the test's own: whom they touch, and where the
// count stops.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/census.h"
#include "kernel_net.h"

enum { ENTRIES = 4, NO_HURRY = 60 * 1000000 };

struct row {
	const char *name, *touched; // "": all
	struct census_limits limits;
	struct census_result want;
};

static const struct row rows[] = {
	{ "all", "", { 100, NO_HURRY }, { true, false, ENTRIES } },
	{ "of a network", "10.0.0.0/24", { 100, NO_HURRY }, { true, false, 2 } },
	{ "by a translated address", "10.9.9.9", { 100, NO_HURRY }, { true, false, 1 } },
	{ "of IPv6", "fd00::/8", { 100, NO_HURRY }, { true, false, 1 } },
	{ "of nobody", "10.7.0.0/16", { 100, NO_HURRY }, { true, false, 0 } },
	{ "as many as are looked at", "", { ENTRIES, NO_HURRY }, { true, false, ENTRIES } },
	{ "one more", "", { ENTRIES - 1, NO_HURRY }, { true, true, ENTRIES - 1 } },
	{ "out of time", "", { 100, 0 }, { true, true, ENTRIES } },
};

struct heard {
	unsigned times;
	struct census_result result;
};

static void on_done(void *arg, const struct census_result *result)
{
	struct heard *heard = arg;
	heard->times++;
	heard->result = *result;
}

static void counts(void **state)
{
	const struct row *row = *state;
	struct addr_set touched = { 0 };
	struct addr_range range;
	struct heard heard = { 0 };
	struct census *census;
	sd_event *event;
	uint64_t start = monotonic_us();
	assert_true(sd_event_new(&event) >= 0);
	if (*row->touched) {
		assert_int_equal(addr_range_parse(row->touched, &range), 0);
		addr_set_add(&touched, range);
	}
	assert_int_equal(census_start(event, *row->touched ? &touched : NULL, &row->limits, on_done,
				      &heard, &census),
			 0);
	addr_set_done(&touched);
	assert_int_equal(heard.times, 0);
	while (!heard.times && monotonic_us() - start < 5 * 1000000)
		assert_true(sd_event_run(event, 1000000) >= 0);
	while (sd_event_run(event, 10000) > 0)
		;
	census_free(census);
	sd_event_unref(event);
	assert_int_equal(heard.times, 1);
	assert_int_equal(heard.result.known, row->want.known);
	assert_int_equal(heard.result.more, row->want.more);
	assert_int_equal(heard.result.count, row->want.count);
}

static void one_that_is_given_up_is_not_told(void **state)
{
	struct heard heard = { 0 };
	struct census *census;
	sd_event *event;
	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(census_start(event, NULL, &CENSUS_LIMITS, on_done, &heard, &census), 0);
	census_free(census);
	while (sd_event_run(event, 10000) > 0)
		;
	sd_event_unref(event);
	assert_int_equal(heard.times, 0);
}

static int insert(void **state)
{
	static const char *const entries[ENTRIES] = {
		"-p udp -s 10.0.0.1 -d 10.8.0.2 --sport 1 --dport 53",
		"-p udp -s 10.8.0.1 -d 10.0.0.2 --sport 1 --dport 53",
		"-p udp -s fd00::1 -d fd00::2 --sport 1 --dport 53",
		("-p udp -s 10.8.0.3 -d 10.8.0.2 -r 10.8.0.2 -q 10.9.9.9 --sport 1 --dport 53 "
		 "--reply-port-src 53 --reply-port-dst 1"),
	};
	int r = 0;
	(void)state;
	for (size_t i = 0; i < ENTRIES; i++)
		r |= net_run("conntrack -I -t 600 %s >/dev/null 2>&1", entries[i]);
	return r;
}

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	struct CMUnitTest tests[ROWS + 1];
	net_enter();
	for (size_t i = 0; i < ROWS; i++)
		tests[i] =
			(struct CMUnitTest){ rows[i].name, counts, NULL, NULL, (void *)&rows[i] };
	tests[ROWS] = (struct CMUnitTest)cmocka_unit_test(one_that_is_given_up_is_not_told);
	return _cmocka_run_group_tests("census", tests, ROWS + 1, insert, NULL);
}
