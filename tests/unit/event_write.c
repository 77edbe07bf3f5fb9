// Events: three ways of writing one, the bound on their rate, and the prefixes of packet records.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "event/event.h"
#include "event/json.h"
#include "event/limit.h"
#include "event/prefix.h"
#include "event/stamp.h"

static struct event example(void)
{
	struct event event;
	event_init(&event, EVENT_PACKET_DENIED, 1700000000123456);
	event_number(&event, EVENT_GENERATION, 12);
	event_text(&event, EVENT_FROM, "public-wifi");
	event_text(&event, EVENT_TO, "office");
	event_text(&event, EVENT_PROTOCOL, "tcp");
	event_text(&event, EVENT_SOURCE, "172.16.0.9");
	event_number(&event, EVENT_SOURCE_PORT, 40000);
	event_text(&event, EVENT_DESTINATION, "10.20.0.5");
	event_number(&event, EVENT_DESTINATION_PORT, 445);
	event_text(&event, EVENT_FLOW, NULL); // absent
	return event;
}

static void text(void **state)
{
	(void)state;
	const struct event event = example();
	char line[EVENT_LINE_MAX];
	event_write_text(&event, line, sizeof(line));
	assert_string_equal(line,
			    "denied generation=12 from=public-wifi to=office protocol=tcp "
			    "source=172.16.0.9 source_port=40000 destination=10.20.0.5 port=445");
	event_write_text(&event, line, 10);
	assert_string_equal(line, "denied ge");
}

static void json(void **state)
{
	(void)state;
	const struct event event = example();
	char line[EVENT_LINE_MAX];
	event_write_json(&event, line, sizeof(line));
	assert_string_equal(
		line,
		"{\"time\":\"2023-11-14T22:13:20.123456Z\",\"event\":\"packet-denied\","
		"\"generation\":12,\"from\":\"public-wifi\",\"to\":\"office\",\"protocol\":\"tcp\","
		"\"source\":\"172.16.0.9\",\"source_port\":40000,\"destination\":\"10.20.0.5\","
		"\"port\":445}");
	event_write_json(&event, line, 40);
	assert_string_equal(line, "");
}

// Text of others stays inside its quotes.
static const struct {
	const char *text, *json;
} texts[] = {
	{ "plain", "plain" },
	{ "a\"b\\c", "a\\\"b\\\\c" },
	{ "line\nnext\r\t\x1b[2J\x7f", "line\\u000anext\\u000d\\u0009\\u001b[2J\\u007f" },
	{ "総務課", "総務課" },
	{ "\xff\xc0\x80", "???" },
	{ "a\xe7\xb7", "a??" },
	{ "\xed\xa0\x80", "???" },
	{ "\xf0\x9f\x8f\xaf", "\xf0\x9f\x8f\xaf" },
	{ "\xf4\x90\x80\x80", "????" },
};

static void json_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct event event;
		char line[EVENT_LINE_MAX], expected[EVENT_LINE_MAX];
		event_init(&event, EVENT_FAILED, 0);
		event_text(&event, EVENT_MESSAGE, texts[i].text);
		size_t n = event_write_json(&event, line, sizeof(line));
		snprintf(expected, sizeof(expected),
			 "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"event\":\"failed\","
			 "\"message\":\"%s\"}",
			 texts[i].json);
		assert_string_equal(line, expected);
		assert_int_equal(n, strlen(expected));
		assert_int_equal(event_write_json(&event, line, n), 0); // one byte short
		assert_int_equal(event_write_json(&event, line, n + 1), n);
	}
}

static void record(void **state)
{
	const struct event event = example();
	const struct event_stamp stamp = { "0c5e2f11", 12000345, EVENT_CLOCK_SYNCED };
	char line[EVENT_LINE_MAX], time[40];
	uint64_t back = 0;
	(void)state;
	setenv("TZ", "JST-9", 1);
	tzset();
	event_write_record(&event, &stamp, line, sizeof(line));
	assert_string_equal(
		line,
		"\"time\":\"2023-11-15T07:13:20.123456+09:00\",\"boot\":\"0c5e2f11\","
		"\"since\":12.000345,\"clock\":\"synced\",\"event\":\"packet-denied\","
		"\"generation\":12,\"from\":\"public-wifi\",\"to\":\"office\",\"protocol\":\"tcp\","
		"\"source\":\"172.16.0.9\",\"source_port\":40000,\"destination\":\"10.20.0.5\","
		"\"port\":445}");
	event_local_time(1700000000123456, time);
	assert_int_equal(event_parse_time(time, strlen(time), &back), 0);
	assert_true(back == 1700000000123456);
	assert_int_equal(event_parse_time("2023-13-15T07:13:20.123456+09:00", 32, &back), -EINVAL);
	assert_int_equal(event_parse_time("2023-11-15T07:13:20.123456Z", 27, &back), -EINVAL);
	assert_int_equal(event_parse_time("2023-11-15T07:13:20,123456+09:00", 32, &back), -EINVAL);
}

// A wall clock that goes on with the time since boot, and ones that were set.
static void clock_that_jumps(void **state)
{
	static const struct {
		int64_t wall, since, shift;
	} looks[] = {
		{ 1700000000000000, 5000000, 0 },	    // the first look says nothing
		{ 1700000005000000, 10000000, 0 },	    // on time
		{ 1700000010000400, 15000000, 0 },	    // slewed
		{ 1700003615000400, 20000000, 3600000000 }, // an hour on
		{ 1700003620000400, 25000000, 0 },
		{ 1699913620000400, 25000000, -90000000000 }, // a day and an hour back
		{ 1699913620999400, 25000000, 0 },	      // just short of a jump
	};
	struct stamp_clock clock = { 0 };
	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		assert_true(stamp_look(&clock, (uint64_t)looks[i].wall, (uint64_t)looks[i].since) ==
			    looks[i].shift);
}

static void stamped(void **state)
{
	struct stamp_clock clock;
	struct event_stamp first, second;
	(void)state;
	stamp_clock_init(&clock);
	stamp_now(&clock, &first);
	stamp_now(&clock, &second);
	assert_int_equal(strlen(first.boot), 8);
	assert_string_equal(first.boot, second.boot);
	assert_true(second.since_usec >= first.since_usec);
}

static void collect(void *arg, const char *assignment)
{
	char *all = arg;
	strcat(all, assignment);
	strcat(all, "\n");
}

static void journal(void **state)
{
	(void)state;
	struct event event;
	char all[1024] = "";
	event_init(&event, EVENT_PACKET_ALLOWED, 0);
	event_text(&event, EVENT_FLOW, "office-mail-out");
	event_number(&event, EVENT_GENERATION, 3);
	// Text of others makes no lines and no fields of its own.
	event_text(&event, EVENT_FROM, "a\nPRIORITY=0\x1b[2J");
	event_journal(&event, collect, all);
	assert_string_equal(all, "SEKISHO_EVENT=packet-allowed\n"
				 "MESSAGE_ID=c1d6e5e232c18e1f95b705ed35536b34\n"
				 "SEKISHO_FLOW=office-mail-out\n"
				 "SEKISHO_GENERATION=3\nSEKISHO_ZONE_FROM=a PRIORITY=0 [2J\n");
}

static void every_kind(void **state)
{
	(void)state;
	char line[256];
	for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		struct event event;
		event_init(&event, kind, 0);
		event_write_json(&event, line, sizeof(line));
		assert_true(strlen(line) > 20);
		assert_in_range(event_kind_info(kind)->level, 3, 6);
	}
}

static void bounded_rate(void **state)
{
	(void)state;
	struct event_limit limit;
	uint64_t now = 1000000, written = 0;
	event_limit_init(&limit, 10, 5, now);
	for (int i = 0; i < 1000; i++) { // a thousand at once: the burst
		written += event_limit_take(&limit, now);
	}
	assert_int_equal(written, 5);
	assert_int_equal(event_limit_suppressed(&limit), 995);
	assert_int_equal(event_limit_suppressed(&limit), 0);
	for (int i = 0; i < 10000; i++) // ten seconds of a thousand a second: the rate
		written += event_limit_take(&limit, now += 1000);
	assert_in_range(written, 5 + 99, 5 + 101);
	written = 0;
	now += 365ULL * 86400 *
	       1000000; // a clock that leaps gives a burst, one that goes back nothing
	for (int i = 0; i < 100; i++)
		written += event_limit_take(&limit, now);
	assert_int_equal(written, 5);
	assert_false(event_limit_take(&limit, 0));
}

static const struct {
	const char *text;
	int kind; // -1: not one of ours
	const char *id;
} prefixes[] = {
	{ "sk allow office-mail-out", EVENT_PACKET_ALLOWED, "office-mail-out" },
	{ "sk deny", EVENT_PACKET_DENIED, "" },
	{ "sk deny ", EVENT_PACKET_DENIED, "" },
	{ "sk spoof office", EVENT_PACKET_SPOOFED, "office" },
	{ "sk invalid", EVENT_PACKET_INVALID, "" },
	{ "", -1, NULL },
	{ "sk", -1, NULL },
	{ "sk ", -1, NULL },
	{ "skdeny", -1, NULL },
	{ "sk allow", -1, NULL },
	{ "sk allow ", -1, NULL },
	{ "sk denied", -1, NULL },
	{ "sk G1 deny", -1, NULL },
	{ "IN=eth0 OUT=", -1, NULL },
};

static void prefix(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		struct event_prefix got;
		int r = event_prefix_parse(prefixes[i].text, &got);
		if ((r == 0) != (prefixes[i].kind >= 0))
			fail_msg("\"%s\": %d", prefixes[i].text, r);
		if (r < 0)
			continue;
		assert_int_equal(got.kind, prefixes[i].kind);
		assert_string_equal(got.id, prefixes[i].id);
	}
	char text[EVENT_PREFIX_ID_MAX + 32] = "sk allow ";
	struct event_prefix got;
	memset(text + 9, 'a', EVENT_PREFIX_ID_MAX - 1);
	assert_int_equal(event_prefix_parse(text, &got), 0);
	text[9 + EVENT_PREFIX_ID_MAX - 1] = 'a';
	assert_true(event_prefix_parse(text, &got) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_texts),
		cmocka_unit_test(record),
		cmocka_unit_test(clock_that_jumps),
		cmocka_unit_test(stamped),
		cmocka_unit_test(text),
		cmocka_unit_test(json),
		cmocka_unit_test(journal),
		cmocka_unit_test(every_kind),
		cmocka_unit_test(bounded_rate),
		cmocka_unit_test(prefix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
