// The scanner's words: each reply whole, cut anywhere, broken off, with bytes behind it; random
// ones.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "inspect/clamd.h"

static struct scan_result verdict_of(const char *text, size_t n, size_t cut, bool complete)
{
	struct scan_reply reply = { 0 };
	struct scan_result result;
	size_t first = cut < n ? cut : n;

	clamd_reply_read(&reply, (const uint8_t *)text, first);
	clamd_reply_read(&reply, (const uint8_t *)text + first, n - first);
	clamd_words.verdict(&reply, complete, &result);
	return result;
}

static const struct {
	const char *text;
	enum scan_verdict verdict;
	const char *name;
} rows[] = {
	{ "stream: OK", SCAN_CLEAN, "" },
	{ "stream: Lab.Eicar-1.UNOFFICIAL FOUND", SCAN_INFECTED, "Lab.Eicar-1.UNOFFICIAL" },
	{ "stream: Win.Test.A(abc:12) FOUND", SCAN_INFECTED, "Win.Test.A_abc:12_" },
	{ "stream: a\r\n250 ok\x1b[1m\xe3\x81\x82 FOUND", SCAN_INFECTED, "a__250_ok__1m___" },
	{ "stream:  FOUND FOUND", SCAN_INFECTED, "_FOUND" },
	{ "stream: Heuristics.Encrypted.Zip FOUND", SCAN_ENCRYPTED, "Heuristics.Encrypted.Zip" },
	{ "stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND", SCAN_TOO_BIG,
	  "Heuristics.Limits.Exceeded.MaxFileSize" },
	{ "INSTREAM size limit exceeded. ERROR", SCAN_TOO_BIG, "" },
	{ "stream: Can't allocate memory ERROR", SCAN_DOWN, "" },
	{ "INSTREAM wait too long. ERROR", SCAN_DOWN, "" },
	{ "COMMAND READ TIMED OUT", SCAN_DOWN, "" },
	{ "UNKNOWN COMMAND", SCAN_DOWN, "" },
	{ "stream: FOUND", SCAN_DOWN, "" },
	{ "stream:  FOUND", SCAN_DOWN, "" },
	{ "stream: OK ", SCAN_DOWN, "" },
	{ "1: stream: OK", SCAN_DOWN, "" },
	{ "stream: OK\n", SCAN_DOWN, "" },
	{ "", SCAN_DOWN, "" },
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static void each_reply_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		size_t n = strlen(rows[i].text) + 1;
		for (size_t cut = 0; cut <= n; cut++) {
			struct scan_result got = verdict_of(rows[i].text, n, cut, true);
			assert_int_equal(got.verdict, rows[i].verdict);
			assert_string_equal(got.name, rows[i].name);
		}
	}
}

static void what_breaks_off_is_no_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++)
		for (size_t n = 0; n <= strlen(rows[i].text); n++)
			assert_int_equal(verdict_of(rows[i].text, n, n, true).verdict, SCAN_DOWN);
}

static void bytes_behind_the_end_spoil_it(void **state)
{
	(void)state;
	static const char text[] = "stream: OK\0stream: OK";
	for (size_t cut = 0; cut <= sizeof(text); cut++)
		assert_int_equal(verdict_of(text, sizeof(text), cut, true).verdict, SCAN_DOWN);
	assert_int_equal(verdict_of("stream: OK\0", 12, 11, true).verdict, SCAN_DOWN);
}

static void clean_before_all_was_sent_is_none(void **state)
{
	(void)state;
	assert_int_equal(verdict_of("stream: OK", 11, 0, false).verdict, SCAN_DOWN);
	assert_int_equal(verdict_of("stream: X FOUND", 16, 0, false).verdict, SCAN_INFECTED);
}

static void a_reply_at_its_limit(void **state)
{
	(void)state;
	char text[CLAMD_REPLY_MAX + 2];
	for (size_t n = CLAMD_REPLY_MAX - 1; n <= CLAMD_REPLY_MAX; n++) {
		memset(text, 'a', sizeof(text));
		memcpy(text, "stream: ", 8);
		memcpy(text + n - 6, " FOUND", 7);
		struct scan_result got = verdict_of(text, n + 1, 100, true);
		assert_int_equal(got.verdict, n < CLAMD_REPLY_MAX ? SCAN_INFECTED : SCAN_DOWN);
		assert_true(strlen(got.name) < SCAN_NAME_MAX);
	}
}

// Whatever comes, a verdict that lets pass comes of those words alone.
static void random_replies(void **state)
{
	(void)state;
	static const char letters[] = "stream: OKFUND ERI.\0\n\xff";
	unsigned seed = 20261127;
	for (int i = 0; i < 200000; i++) {
		char text[40];
		size_t n = (size_t)rand_r(&seed) % sizeof(text), keep = (size_t)rand_r(&seed) % 12;
		memcpy(text, "stream: OK\0", 11);
		for (size_t k = keep; k < n; k++)
			text[k] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
		struct scan_result got = verdict_of(text, n, keep, true);
		if (got.verdict == SCAN_CLEAN)
			assert_true(n == 11 && memcmp(text, "stream: OK", 11) == 0);
		for (const char *c = got.name; *c; c++)
			assert_true(*c > ' ' && *c < 127);
	}
}

static const struct {
	const char *text;
	bool is, dated;
	const char *version;
	uint32_t definitions;
	int year, month, day, hour;
} versions[] = {
	{ "ClamAV 1.4.6/27400/Fri Nov 27 07:30:00 2026", true, true, "ClamAV 1.4.6", 27400, 2026,
	  11, 27, 7 },
	{ "ClamAV 1.4.6/27400/Sun Nov  1 23:30:00 2026", true, true, "ClamAV 1.4.6", 27400, 2026,
	  11, 1, 23 },
	{ "ClamAV 1.4.6", true, false, "ClamAV 1.4.6", 0, 0, 0, 0, 0 },
	{ "ClamAV 1.4.6/27400/yesterday", true, false, "ClamAV 1.4.6", 27400, 0, 0, 0, 0 },
	{ "ClamAV 1.4.6/x", true, false, "ClamAV 1.4.6", 0, 0, 0, 0, 0 },
	{ "UNKNOWN COMMAND ERROR", false, false, "", 0, 0, 0, 0, 0 },
	{ "ClamAV\x1b[1m", false, false, "", 0, 0, 0, 0, 0 },
	{ "/27400/", false, false, "", 0, 0, 0, 0, 0 },
	{ "0123456789012345678901234567890123456789012345678901234567890123", false, false, "", 0,
	  0, 0, 0, 0 },
};

static void versions_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct scan_reply reply = { 0 };
		struct clamd_version got;
		clamd_reply_read(&reply, (const uint8_t *)versions[i].text,
				 strlen(versions[i].text) + 1);
		assert_int_equal(clamd_version_read(&reply, &got), versions[i].is);
		assert_int_equal(got.dated, versions[i].dated);
		assert_string_equal(got.version, versions[i].version);
		assert_int_equal(got.definitions, versions[i].definitions);
		if (!got.dated)
			continue;
		assert_int_equal(got.year, versions[i].year);
		assert_int_equal(got.month, versions[i].month);
		assert_int_equal(got.day, versions[i].day);
		assert_int_equal(got.hour, versions[i].hour);
	}
}

static void heads(void **state)
{
	(void)state;
	uint8_t head[SCAN_HEAD_MAX];
	assert_int_equal(clamd_words.head(0x01020304, head), 4);
	assert_memory_equal(head, "\1\2\3\4", 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reply_however_it_is_cut),
		cmocka_unit_test(what_breaks_off_is_no_verdict),
		cmocka_unit_test(bytes_behind_the_end_spoil_it),
		cmocka_unit_test(clean_before_all_was_sent_is_none),
		cmocka_unit_test(a_reply_at_its_limit),
		cmocka_unit_test(random_replies),
		cmocka_unit_test(versions_are_read),
		cmocka_unit_test(heads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
