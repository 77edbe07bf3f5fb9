// Fault points: each form of SEKISHO_FAULT, in a child that may die of it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fault.h"

enum { PASSES = 3 };

static const struct {
	const char *wanted;
	int dies_at;	    // pass on which "here" kills, 0 never
	int errors[PASSES]; // of fault_error("there")
} rows[] = {
	{ "", 0, { 0, 0, 0 } },
	{ "here", 1, { 0, 0, 0 } },
	{ "here:2", 2, { 0, 0, 0 } },
	{ "here:9", 0, { 0, 0, 0 } },
	{ "elsewhere", 0, { 0, 0, 0 } },
	{ "there=ENOSPC", 0, { -ENOSPC, -ENOSPC, -ENOSPC } },
	{ "there:2=EIO", 0, { 0, -EIO, 0 } },
	{ "there", 0, { 0, 0, 0 } },	// dies only at points
	{ "here=EIO", 0, { 0, 0, 0 } }, // fails only where something can
	{ "elsewhere,there:1=EROFS,here:3", 3, { -EROFS, 0, 0 } },
};

// Run as the child: 10 + pass of an unexpected error, else 0.
static int child(size_t row)
{
	for (int pass = 1; pass <= PASSES; pass++) {
		if (fault_error("there") != rows[row].errors[pass - 1])
			return 10 + pass;
		fault_point("here");
		if (rows[row].dies_at == pass)
			return 20 + pass;
	}
	return 0;
}

static char *self;

static void forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char number[8];
		int status;
		snprintf(number, sizeof(number), "%zu", i);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) { // the environment is read when a program starts
			setenv("SEKISHO_FAULT", rows[i].wanted, 1);
			execl("/proc/self/exe", self, number, NULL);
			_exit(99);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (rows[i].dies_at)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		else
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(forms) };
	self = argv[0];
	if (argc == 2)
		return child((size_t)atoi(argv[1]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
