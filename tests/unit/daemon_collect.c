// Evidence out of the audit log: times of records, and those since a moment.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/collect_log.h"
#include "keep/chain.h"

static void times(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} rows[] = {
		{ "1970-01-01T00:00:01.000000Z", 1 },
		{ "1970-01-01T09:00:01.000000+09:00", 1 },
		{ "1969-12-31T20:30:01.000000-03:30", 1 },
		{ "2026-11-26T17:07:25.060574+00:00", 1795712845 },
		{ "2026-11-26", 0 },
		{ "", 0 },
		{ "1969-12-31T23:59:59.000000Z", 0 },
		{ "2026-11-26T17:07:25.0605740000000000000000000000+00:00", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(collect_log_seconds(rows[i].text, strlen(rows[i].text)),
				 rows[i].seconds);
}

// Three segments of four records, a minute apart.
static void since_a_moment(void **state)
{
	static const struct {
		uint64_t from_seconds;
		size_t lines;
	} rows[] = { { 0, 12 }, { 60, 12 }, { 61, 11 }, { 300, 8 }, { 720, 1 }, { 721, 0 } };
	char path[] = "/tmp/sekisho-collect.XXXXXX", command[64];
	struct chain chain = { 0 };
	(void)state;
	assert_non_null(mkdtemp(path));
	for (unsigned segment = 1, minute = 1; segment <= 3; segment++) {
		char name[64];
		snprintf(name, sizeof(name), "%s/%08u.jsonl", path, segment);
		FILE *out = fopen(name, "w");
		assert_non_null(out);
		for (int i = 0; i < 4; i++, minute++) {
			char body[256], line[1024];
			int size = snprintf(
				body, sizeof(body),
				"\"time\":\"1970-01-01T00:%02u:00.000000+00:00\",\"event\":\"started\"}",
				minute);
			size_t n =
				chain_append(&chain, body, (size_t)size, NULL, line, sizeof(line));
			assert_true(n > 0);
			fwrite(line, 1, n, out);
		}
		fclose(out);
	}
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FILE *out = tmpfile();
		size_t lines = 99;
		assert_int_equal(collect_log(fd, rows[i].from_seconds * 1000000, out, &lines), 0);
		assert_int_equal(lines, rows[i].lines);
		fclose(out);
	}
	close(fd);
	snprintf(command, sizeof(command), "rm -rf %s", path);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(since_a_moment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
