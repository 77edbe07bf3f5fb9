// Counts of mail by month: they agree with what was written, stay when records go, and are bounded
// whatever a record says.
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

#include <sqlite3.h>

#include "keep/mail_months.h"

// 2026-11-30 23:59:59 in Tokyo, and a second later.
#define LAST_US	 UINT64_C(1796050799000000)
#define FIRST_US UINT64_C(1796050800000000)
#define DAY_US	 UINT64_C(86400000000)

static char folder[64], path[96];
static const struct mail_key key = { { 7 } };

static int setup(void **state)
{
	(void)state;
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	strcpy(folder, "/tmp/keep_months.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/mail.db", folder);
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct mail_store *open_it(void)
{
	struct mail_store *store;
	assert_int_equal(mail_store_open(path, &key, &store), 0);
	return store;
}

static struct mail_recipient recipients[3];
static struct mail_file files[2];

static struct mail_record make(enum mail_verdict verdict, const char *reason, uint64_t size)
{
	struct mail_record record = {
		.began_us = LAST_US,
		.ended_us = LAST_US,
		.client = { ADDR_V4, 1 },
		.server = { ADDR_V4, 2 },
		.flow = "mail-in",
		.guard = "mail",
		.clause = "60-1",
		.control = "MAIL-01",
		.from_zone = "outside",
		.to_zone = "dmz",
		.recipients = recipients,
		.n_recipients = 2,
		.size = size,
		.verdict = verdict,
	};
	snprintf(record.reason, sizeof(record.reason), "%s", reason);
	return record;
}

static void add(struct mail_store *store, const struct mail_record *record, uint64_t when)
{
	assert_int_equal(mail_store_begin(store), 0);
	assert_int_equal(mail_store_add(store, record, true, when), 0);
	assert_int_equal(mail_store_commit(store), 0);
}

struct told {
	char text[4096];
	size_t rows;
	uint64_t n;
};

static int on_month(void *arg, const struct mail_month *month)
{
	struct told *told = arg;
	size_t used = strlen(told->text);
	snprintf(told->text + used, sizeof(told->text) - used,
		 "%u %s %s %s %s %s: %llu, %llu bytes, %llu recipients\n", month->month,
		 mail_verdict_word(month->verdict), month->reason, month->control, month->guard,
		 month->flow, (unsigned long long)month->n, (unsigned long long)month->bytes,
		 (unsigned long long)month->recipients);
	told->rows++;
	told->n += month->n;
	return 0;
}

static int on_finding(void *arg, const struct mail_month_finding *finding)
{
	struct told *told = arg;
	size_t used = strlen(told->text);
	snprintf(told->text + used, sizeof(told->text) - used, "%u found %s, %s by %s: %llu\n",
		 finding->month, finding->word, mail_file_action_word(finding->action),
		 finding->guard, (unsigned long long)finding->n);
	return 0;
}

static struct told read_all(struct mail_store *store, uint32_t first, uint32_t last)
{
	struct told told = { .rows = 0 };
	const struct mail_months each = { on_month, on_finding, &told };
	assert_int_equal(mail_months_read(store, first, last, &each), 0);
	return told;
}

static void months_are_local(void **state)
{
	(void)state;
	assert_int_equal(mail_month_of(LAST_US), 202611);
	assert_int_equal(mail_month_of(FIRST_US), 202612);
	assert_true(mail_month_valid(202601));
	assert_false(mail_month_valid(202600));
	assert_false(mail_month_valid(202613));
	assert_false(mail_month_valid(196912));
}

static void counts_agree(void **state)
{
	struct mail_store *store = open_it();
	struct mail_record passed = make(MAIL_PASSED, "passed: the server took it", 100);
	struct mail_record refused = make(MAIL_REFUSED, "relay: not allowed", 0);
	(void)state;
	add(store, &passed, LAST_US);
	add(store, &passed, LAST_US);
	add(store, &passed, FIRST_US);
	snprintf(files[0].found, sizeof(files[0].found), "macro office");
	snprintf(files[1].found, sizeof(files[1].found), "macro");
	files[0].action = files[1].action = MAIL_FILE_REFUSED;
	refused.files = files;
	refused.n_files = 2;
	add(store, &refused, LAST_US);
	assert_string_equal(
		read_all(store, 202611, 202611).text,
		"202611 passed passed MAIL-01 mail mail-in: 2, 200 bytes, 4 recipients\n"
		"202611 refused relay MAIL-01 mail mail-in: 1, 0 bytes, 2 recipients\n"
		"202611 found macro, refused by mail: 2\n"
		"202611 found office, refused by mail: 1\n");
	assert_string_equal(
		read_all(store, 202612, 202701).text,
		"202612 passed passed MAIL-01 mail mail-in: 1, 100 bytes, 2 recipients\n");
	assert_int_equal(read_all(store, 202611, 202612).n, 4);
	assert_int_equal(read_all(store, 202510, 202610).rows, 0);
	mail_store_close(store);
}

// What is taken back is not counted; what expires stays counted.
static void they_stay(void **state)
{
	struct mail_store *store = open_it();
	struct mail_record record = make(MAIL_PASSED, "passed", 1);
	struct mail_store_numbers numbers;
	const struct mail_limits limits = { .keep_days = 30 };
	(void)state;
	assert_int_equal(mail_store_begin(store), 0);
	assert_int_equal(mail_store_add(store, &record, false, LAST_US), 0);
	mail_store_rollback(store);
	add(store, &record, LAST_US);
	assert_int_equal(read_all(store, 202611, 202611).n, 1);
	assert_int_equal(mail_store_prune(store, &limits, LAST_US + 40 * DAY_US), 1);
	assert_int_equal(mail_store_numbers(store, &numbers), 0);
	assert_int_equal(numbers.records, 0);
	assert_int_equal(read_all(store, 202611, 202611).n, 1);
	mail_store_close(store);
}

static void old_months_go(void **state)
{
	struct mail_store *store = open_it();
	struct mail_record record = make(MAIL_PASSED, "passed", 1);
	(void)state;
	snprintf(files[0].found, sizeof(files[0].found), "macro");
	record.files = files;
	record.n_files = 1;
	for (int i = 0; i < MAIL_MONTHS_KEPT + 3; i++)
		add(store, &record, LAST_US + (uint64_t)i * 31 * DAY_US);
	struct told told = read_all(store, 202601, 209912);
	assert_in_range(told.rows, MAIL_MONTHS_KEPT - 1, MAIL_MONTHS_KEPT);
	assert_int_equal(read_all(store, 202611, 202611).rows, 0);
	assert_null(strstr(read_all(store, 202611, 202612).text, "found"));
	mail_store_close(store);
}

// An inspector that makes up a flow for each record.
static void made_up_words(void **state)
{
	struct mail_store *store = open_it();
	char flow[MAIL_ID_MAX], reason[MAIL_REASON_MAX];
	(void)state;
	assert_int_equal(mail_store_begin(store), 0);
	for (int i = 0; i < MAIL_MONTH_ROWS_MAX + 50; i++) {
		struct mail_record record = make(MAIL_REFUSED, "relay", 1);
		snprintf(flow, sizeof(flow), "flow-%d", i);
		record.flow = flow;
		assert_int_equal(mail_store_add(store, &record, false, LAST_US), 0);
	}
	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	struct mail_record record = make(MAIL_PASSED, reason, 1);
	assert_int_equal(mail_store_add(store, &record, false, FIRST_US), 0);
	assert_int_equal(mail_store_commit(store), 0);
	struct told told = read_all(store, 202611, 202611);
	assert_int_equal(told.rows, MAIL_MONTH_ROWS_MAX + 1);
	assert_int_equal(told.n, MAIL_MONTH_ROWS_MAX + 50);
	told = read_all(store, 202612, 202612);
	assert_int_equal(told.n, 1);
	mail_store_close(store);
}

// What stands in the file is not believed.
static void damaged(void **state)
{
	static const char *const changes[] = {
		"UPDATE month SET verdict = 77",
		"UPDATE month SET n = -1",
		"UPDATE month SET flow = hex(zeroblob(500))",
		"UPDATE month_finding SET action = 9",
		"UPDATE month_finding SET word = hex(zeroblob(500))",
	};
	struct told told = { .rows = 0 };
	const struct mail_months each = { on_month, on_finding, &told };
	struct mail_record record = make(MAIL_PASSED, "passed", 1);
	(void)state;
	snprintf(files[0].found, sizeof(files[0].found), "macro");
	record.files = files;
	record.n_files = 1;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct mail_store *store = open_it();
		sqlite3 *db;
		add(store, &record, LAST_US);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(db);
		assert_int_equal(mail_months_read(store, 202611, 202611, &each), -EUCLEAN);
		mail_store_close(store);
		remove(path);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(months_are_local), TEST(counts_agree),  TEST(they_stay),
		TEST(old_months_go),	TEST(made_up_words), TEST(damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
