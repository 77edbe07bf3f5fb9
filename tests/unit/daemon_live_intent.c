// The list of connections that are about to be cut: what another daemon makes of it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "daemon/live.h"
#include "daemon/live_intent.h"

enum { N = LIVE_EVENTS_MAX + 50 };

static const char *zones[] = { "office", "dmz" }, *flows[] = { "web" };
static const struct judge_answer answer = {
	.zones = zones, .flows = flows, .n_zones = 2, .n_flows = 1
};
static const struct judge_verdict verdict = {
	.outcome = JUDGE_CUT, .reason = JUDGE_NO_SERVICE, .from = 0, .to = 1, .flow = 0
};
static struct conntrack_entry entries[N];
static char folder[] = "/tmp/sekisho-intent-XXXXXX";
static struct gate gate;

static int setup(void **state)
{
	char log[64];
	(void)state;
	for (uint16_t i = 0; i < N; i++)
		entries[i] = (struct conntrack_entry){
			.family = 4,
			.protocol = 6,
			.original = { { 10, 20, 0, 9 }, { 192, 0, 2, 80 }, i + 1, 80 },
		};
	if (!mkdtemp(folder))
		return -1;
	snprintf(log, sizeof(log), "%s/events", folder);
	gate.state_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return gate.state_fd < 0 ? -1 : journal_open(log, &gate.journal);
}

static int teardown(void **state)
{
	(void)state;
	journal_close(gate.journal);
	unlinkat(gate.state_fd, "events", 0);
	close(gate.state_fd);
	return rmdir(folder);
}

static void leave(size_t n)
{
	const struct conntrack_entry *some[N];
	const struct judge_verdict *verdicts[N];
	struct live_intent *intent;
	for (size_t i = 0; i < n; i++) {
		some[i] = &entries[i];
		verdicts[i] = &verdict;
	}
	assert_int_equal(live_intent_new(gate.state_fd, &answer, 7, "apply", &intent), 0);
	assert_int_equal(live_intent_add(intent, some, verdicts, n), 0);
	live_intent_free(intent, false); // as a daemon that dies leaves it
}

// What is told, as text; the events before are forgotten.
static char *told(const struct conntrack_entry *living, size_t n)
{
	char *text;
	size_t size;
	int fd = openat(gate.state_fd, "events", O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	close(fd);
	live_intent_tell(&gate, living, n);
	assert_int_equal(file_read(gate.state_fd, "events", 16 << 20, &text, &size), 0);
	assert_int_equal(faccessat(gate.state_fd, "live-cut", F_OK, 0), -1);
	return text;
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;
	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

static void test_gone_and_living(void **state)
{
	(void)state;
	leave(3);
	char *text = told(&entries[1], 1);
	assert_int_equal(count(text, "\"event\":\"connection-cut\""), 2);
	assert_non_null(strstr(text, "\"source_port\":1,"));
	assert_null(strstr(text, "\"source_port\":2,"));
	assert_non_null(strstr(text, "\"source_port\":3,"));
	assert_int_equal(count(text, "\"flow\":\"web\""), 2);
	assert_int_equal(count(text, "\"reason\":\"no-service\""), 2);
	assert_int_equal(count(text, "\"generation\":7"), 2);
	free(text);
	text = told(NULL, 0); // and no more
	assert_string_equal(text, "");
	free(text);
}

static void test_many(void **state)
{
	(void)state;
	leave(N);
	char *text = told(NULL, 0);
	assert_int_equal(count(text, "\"event\":\"connection-cut\""), LIVE_EVENTS_MAX);
	assert_int_equal(count(text, "\"event\":\"connections-cut\""), 1);
	assert_non_null(strstr(text, "\"count\":50"));
	free(text);
}

// Cut off anywhere, as a kill within the write leaves it: whole lines count, nothing else does.
static void test_torn(void **state)
{
	char *whole;
	size_t size;
	(void)state;
	leave(3);
	assert_int_equal(file_read(gate.state_fd, "live-cut", 1 << 20, &whole, &size), 0);
	for (size_t cut = 0; cut <= size; cut++) {
		size_t lines = 0;
		for (size_t i = 0; i < cut; i++)
			lines += whole[i] == '\n';
		assert_int_equal(file_replace(gate.state_fd, "live-cut", whole, cut), 0);
		char *text = told(NULL, 0);
		assert_int_equal(count(text, "\"event\":\"connection-cut\""),
				 lines ? lines - 1 : 0);
		free(text);
	}
	free(whole);
}

static void test_nonsense(void **state)
{
	static const char *const rows[] = {
		"",
		"\n",
		"7\tapply\n\t\t\t\t\n+\n+ x\nnothing\n",
		"7\tapply\ntcp\t1\t2\t3\t4\t5\t6\t7\t8\t9\n",
		"\t\t\n\n\n",
		"x",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(file_replace(gate.state_fd, "live-cut", rows[i], strlen(rows[i])),
				 0);
		char *text = told(entries, N);
		assert_string_equal(text, "");
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gone_and_living),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_nonsense),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
