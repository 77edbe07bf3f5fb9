// Sums: no count is lost, whatever does not fit.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "event/sums.h"

static void by_kind_and_name(void **state)
{
	struct event_sums sums = { 0 };
	(void)state;
	for (int i = 0; i < 7; i++)
		event_sums_add(&sums, EVENT_PACKET_ALLOWED, "web", 0, "");
	event_sums_add(&sums, EVENT_PACKET_ALLOWED, "web-2", 0, "");
	event_sums_add(&sums, EVENT_PACKET_ALLOWED, "we", 0, "");
	for (int i = 0; i < 3; i++)
		event_sums_add(&sums, EVENT_PACKET_DENIED, "", 4, "");
	event_sums_add(&sums, EVENT_PACKET_SPOOFED, "", 4, "");
	assert_int_equal(sums.n, 5);
	assert_int_equal(sums.rows[0].count, 7);
	assert_string_equal(sums.rows[0].id, "web");
	assert_int_equal(sums.rows[3].count, 3);
	assert_int_equal(event_sums_total(&sums), 13);
}

static void bounded(void **state)
{
	struct event_sums sums = { 0 };
	char id[300];
	(void)state;
	for (uint64_t i = 0; i < 3 * EVENT_SUMS_MAX; i++) {
		snprintf(id, sizeof(id), "flow-%llu", (unsigned long long)i);
		event_sums_add(&sums, EVENT_PACKET_ALLOWED, id, 0, "");
	}
	assert_int_equal(sums.n, EVENT_SUMS_MAX);
	assert_int_equal(sums.others, 2 * EVENT_SUMS_MAX);
	assert_int_equal(event_sums_total(&sums), 3 * EVENT_SUMS_MAX);
	memset(&sums, 0, sizeof(sums));
	memset(id, 'a', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	event_sums_add(&sums, EVENT_PACKET_ALLOWED, id, 0, "");
	event_sums_add(&sums, EVENT_PACKET_ALLOWED, id, 0, "");
	assert_int_equal(sums.n, 1);
	assert_int_equal(sums.rows[0].count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_kind_and_name),
		cmocka_unit_test(bounded),
	};
	return cmocka_run_group_tests_name("event_sums", tests, NULL, NULL);
}
