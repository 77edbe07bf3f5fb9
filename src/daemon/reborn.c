#include "daemon/reborn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ASIDE = 20, CANNOT_TAKE = 126, CANNOT_RUN = 127 };
_Static_assert((int)ASIDE >= REBORN_FD_FIRST + REBORN_FDS_MAX, "places do not overlap");

void reborn_take(const int *fds, size_t n)
{
	int aside[REBORN_FDS_MAX], null = open("/dev/null", O_RDWR);
	bool fine = n <= REBORN_FDS_MAX && null >= 0 && dup2(null, 0) >= 0 && dup2(null, 1) >= 0;
	sigset_t none;
	// First out of the way of one another, then onto their places.
	for (size_t i = 0; fine && i < n; i++)
		fine = (aside[i] = fcntl(fds[i], F_DUPFD, ASIDE)) >= 0;
	for (size_t i = 0; fine && i < n; i++)
		fine = dup2(aside[i], REBORN_FD_FIRST + (int)i) >= 0;
	if (!fine || syscall(SYS_close_range, REBORN_FD_FIRST + n, ~0U, 0) < 0)
		_exit(CANNOT_TAKE);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void reborn_run(const char *argument)
{
	char name[] = "sekishod", word[32], fault[256];
	char *const argv[] = { name, word, NULL };
	char *const environment[] = { fault, NULL };
	const char *faults = getenv("SEKISHO_FAULT");
	snprintf(word, sizeof(word), "%s", argument);
	snprintf(fault, sizeof(fault), "SEKISHO_FAULT=%s", faults ? faults : "");
	execve("/proc/self/exe", argv, environment);
	_exit(CANNOT_RUN);
}
