// The end of a child, however it lives: at once, and without waiting for one that cannot end.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/reap.h"

enum { NO_PROCESS = 0x7f000000 };

static pid_t start(void (*run)(void))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		run();
		_exit(0);
	}
	return pid;
}

static void sleeps(void)
{
	pause();
}

static void stops(void)
{
	raise(SIGSTOP);
}

static void ends(void)
{
}

static bool is_gone(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static void each_is_gone_when_it_returns(void **state)
{
	static void (*const lives[])(void) = { sleeps, stops, ends };
	(void)state;
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		pid_t pid = start(lives[i]);
		reap(pid);
		assert_true(is_gone(pid));
	}
}

// A number that no process has (above the kernel's PID_MAX_LIMIT) does not hold us up.
static void what_is_not_there_is_left(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * REAP_LATE_MAX; i++)
		reap(NO_PROCESS + i);
	pid_t pid = start(sleeps);
	reap(pid);
	assert_true(is_gone(pid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_gone_when_it_returns),
		cmocka_unit_test(what_is_not_there_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
