// The writer's own duties: retention with its record, holds, days, and a clock that is set.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "event/json.h"
#include "keep/audit.h"
#include "keep/segment.h"
#include "keep/verify_folder.h"

enum { DAY = 86400 };

static char folder[64];
static int dir_fd;
static struct key *key;
static struct stamp_clock stamps;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/keep_audit.XXXXXX");
	assert_non_null(mkdtemp(folder));
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stamp_clock_init(&stamps);
	return key_open(dir_fd, &key);
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	key_free(key);
	close(dir_fd);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static uint64_t now_usec(void)
{
	return (uint64_t)time(NULL) * 1000000;
}

static struct audit *open_it(const struct audit_limits *limits)
{
	struct chain none = { 0 };
	struct audit *audit;
	assert_int_equal(audit_open(dir_fd, key, limits, &stamps, &none, &audit), 0);
	return audit;
}

// Records of some days ago, in a segment of their own.
static void write_days_ago(struct audit *audit, int days)
{
	char time[40], body[256];
	event_local_time(now_usec() - (uint64_t)days * DAY * 1000000, time);
	int n = snprintf(body, sizeof(body), "\"time\":\"%s\",\"event\":\"applied\"}", time);
	assert_int_equal(audit_begin(audit), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(audit_add(audit, body, (size_t)n), 0);
	assert_int_equal(audit_flush(audit), 0);
}

static size_t segments(void)
{
	struct segment_list list;
	assert_int_equal(segment_list(dir_fd, &list), 0);
	size_t n = list.n;
	segment_list_done(&list);
	return n;
}

static uint64_t faults(uint64_t *ret_disposed)
{
	struct verify verify = { .keys = key_public(key), .n_keys = 1 };
	assert_int_equal(verify_folder(dir_fd, &verify), 0);
	*ret_disposed = verify.disposed;
	return verify_end(&verify);
}

// A segment's time is that of its last record, which closes it: today's, whatever it holds.  So
// the clock is put forward instead.
static void kept_no_longer(void **state)
{
	const struct audit_limits limits = { .segment_bytes = 1, .keep_days = 10 };
	struct audit *audit = open_it(&limits);
	uint64_t disposed;
	(void)state;
	for (int i = 0; i < 4; i++)
		write_days_ago(audit, 0);
	assert_int_equal(segments(), 4);
	assert_int_equal(audit_dispose(audit, now_usec() + 9ULL * DAY * 1000000), 0);
	assert_int_equal(audit_dispose(audit, now_usec() + 11ULL * DAY * 1000000), 1);
	assert_int_equal(faults(&disposed), 0);
	assert_int_equal(disposed, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(audit_dispose(audit, now_usec() + 11ULL * DAY * 1000000), 1);
	assert_int_equal(faults(&disposed), 0);
	audit_close(audit);
	// From the oldest that is kept on, and after a start, it verifies.
	audit = open_it(&limits);
	write_days_ago(audit, 0);
	assert_int_equal(faults(&disposed), 0);
	audit_close(audit);
}

static void removed_by_hand_is_no_disposal(void **state)
{
	const struct audit_limits limits = { .segment_bytes = 1, .keep_days = 10 };
	struct audit *audit = open_it(&limits);
	char name[SEGMENT_NAME_MAX];
	uint64_t disposed;
	(void)state;
	for (int i = 0; i < 4; i++)
		write_days_ago(audit, 0);
	assert_int_equal(audit_dispose(audit, now_usec() + 11ULL * DAY * 1000000), 1);
	segment_name(2, name);
	assert_int_equal(unlinkat(dir_fd, name, 0), 0);
	assert_int_equal(faults(&disposed), 1);
	audit_close(audit);
}

static void nothing_is_removed_unsaid(void **state)
{
	const struct audit_limits limits = { .segment_bytes = 1 };
	struct audit *audit = open_it(&limits);
	(void)state;
	write_days_ago(audit, 0);
	write_days_ago(audit, 0);
	assert_int_equal(audit_dispose(audit, now_usec() + 100000ULL * DAY * 1000000), 0);
	audit_close(audit);
}

static void held(void **state)
{
	struct audit_limits limits = { .segment_bytes = 1, .keep_days = 10, .n_holds = 1 };
	uint64_t disposed, later = now_usec() + 20ULL * DAY * 1000000;
	char time[40];
	(void)state;
	event_local_time(now_usec(), time);
	memcpy(limits.holds[0].from, time, 10);
	memcpy(limits.holds[0].until, time, 10);
	struct audit *audit = open_it(&limits);
	for (int i = 0; i < 3; i++)
		write_days_ago(audit, 0);
	assert_int_equal(audit_dispose(audit, later), 0);
	limits.n_holds = 0; // the case is closed
	audit_set_limits(audit, &limits);
	assert_int_equal(audit_dispose(audit, later), 1);
	assert_int_equal(faults(&disposed), 0);
	audit_close(audit);
}

// A clock that was set to next year costs nothing, when it is set right within the grace.
static void clock_set_wrong(void **state)
{
	const struct audit_limits limits = { .segment_bytes = 1,
					     .keep_days = 10,
					     .grace_usec = 50 * 1000 };
	struct audit *audit = open_it(&limits);
	uint64_t wrong = now_usec() + 365ULL * DAY * 1000000;
	(void)state;
	for (int i = 0; i < 3; i++)
		write_days_ago(audit, 0);
	assert_int_equal(audit_dispose(audit, now_usec()), 0);
	assert_int_equal(audit_dispose(audit, wrong), 0);
	usleep(60 * 1000);
	assert_int_equal(audit_dispose(audit, now_usec()), 0); // set right again
	usleep(60 * 1000);
	assert_int_equal(audit_dispose(audit, wrong), 0); // and wrong again: the grace begins anew
	assert_int_equal(segments(), 3);
	usleep(60 * 1000);
	assert_int_equal(audit_dispose(audit, wrong + 60 * 1000), 1);
	audit_close(audit);
}

// The closed file is not to be written to by its owner either, without changing its mode first.
static void closed_is_read_only(void **state)
{
	const struct audit_limits limits = { .segment_bytes = 1 };
	struct audit *audit = open_it(&limits);
	struct stat st;
	char name[SEGMENT_NAME_MAX];
	(void)state;
	write_days_ago(audit, 0);
	write_days_ago(audit, 0);
	segment_name(1, name);
	assert_int_equal(fstatat(dir_fd, name, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0440);
	audit_close(audit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kept_no_longer, setup, teardown),
		cmocka_unit_test_setup_teardown(removed_by_hand_is_no_disposal, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_removed_unsaid, setup, teardown),
		cmocka_unit_test_setup_teardown(held, setup, teardown),
		cmocka_unit_test_setup_teardown(clock_set_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(closed_is_read_only, setup, teardown),
	};
	return cmocka_run_group_tests_name("keep_audit", tests, NULL, NULL);
}
