// Which logins began after an apply: a made-up /proc, and this very process.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/boot.h"
#include "daemon/schedule.h"
#include "daemon/session.h"

static char proc[] = "/tmp/sekisho-proc-XXXXXX";

static void put(int pid, const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%d", proc, pid);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%d/%s", proc, pid, name);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

// A process of a session that began so many ticks after the boot.
static void put_process(int pid, int session, unsigned ticks, const char *login)
{
	char text[256];
	snprintf(text, sizeof(text),
		 "%d (a) b) 1 2) S 1 %d %d 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 %u 1000 1\n", pid,
		 session, session, ticks);
	put(pid, "stat", text);
	put(pid, "sessionid", login);
}

static const struct {
	int pid, session;
	unsigned ticks; // of the process itself
	const char *login;
	bool newer;
} processes[] = {
	// Logins are numbered: only the number counts; the highest so far is 41.
	{ 200, 100, 90000, "42", true },
	{ 201, 100, 90000, "41", false },
	{ 202, 300, 90000, "7", false },
	// They are not: the leader's start counts; the apply was at tick 5000.
	{ 203, 100, 90000, "4294967295", false }, // leader at 1000
	{ 204, 300, 90000, "4294967295", true },  // leader at 6000
	{ 205, 301, 90000, "4294967295", true },  // in the very tick of the apply
	{ 206, 302, 90000, "4294967295", false }, // in the one before
	{ 207, 999, 90000, "4294967295", false }, // the leader is gone
	{ 208, 0, 90000, "4294967295", false },	  // of another namespace
};

static void newer(void **state)
{
	struct session_mark mark;
	char why[128];
	(void)state;
	put_process(100, 100, 1000, "41");
	put_process(300, 300, 6000, "3");
	put_process(301, 301, 5000, "3");
	put_process(302, 302, 4999, "3");
	session_mark_now(proc, &mark);
	assert_int_equal(mark.highest, 41);
	mark.usec = 5000 * (1000000 / (uint64_t)sysconf(_SC_CLK_TCK)) + 5;
	for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++) {
		put_process(processes[i].pid, processes[i].session, processes[i].ticks,
			    processes[i].login);
		if (session_is_newer(proc, processes[i].pid, &mark, why, sizeof(why)) !=
		    processes[i].newer)
			fail_msg("process %d", processes[i].pid);
	}
	put(209, "stat", "209 garbage");
	assert_false(session_is_newer(proc, 209, &mark, why, sizeof(why)));
	assert_false(session_is_newer(proc, 12345, &mark, why, sizeof(why)));
}

static void own(void **state)
{
	struct session_mark mark;
	char why[128];
	(void)state;
	session_mark_now("/proc", &mark);
	assert_true(mark.usec <= boot_now_usec());
	assert_false(session_is_newer("/proc", getpid(), &mark, why, sizeof(why)) &&
		     mark.highest); // this login was there before
}

// A clock that is put back, or jumps ahead.
static void schedules(void **state)
{
	const uint64_t at = 1000000000000000, minute = 60 * 1000000ULL;
	(void)state;
	assert_int_equal(schedule_answer(at, at - 1), SCHEDULE_WAITS);
	assert_int_equal(schedule_answer(at, 0), SCHEDULE_WAITS);
	assert_int_equal(schedule_answer(at, at), SCHEDULE_DUE);
	assert_int_equal(schedule_answer(at, at + 15 * minute), SCHEDULE_DUE);
	assert_int_equal(schedule_answer(at, at + 15 * minute + 1), SCHEDULE_MISSED);
	assert_int_equal(schedule_answer(at, UINT64_MAX), SCHEDULE_MISSED);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(proc) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", proc);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newer),
		cmocka_unit_test(own),
		cmocka_unit_test(schedules),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
