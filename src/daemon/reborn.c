#include "daemon/reborn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

// The environment is empty but for what a test has in SEKISHO_FAULT (base/fault.h).
_Noreturn static void run_again(const char *argument)
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

static _Noreturn void run(const struct reborn_command *command, int socket)
{
	int fds[REBORN_FDS_MAX] = { socket };
	for (size_t i = 0; i < command->n_fds; i++)
		fds[1 + i] = command->fds[i];
	reborn_take(fds, 1 + command->n_fds);
	if (command->with_gate)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	run_again(command->argument);
}

int reborn_start(const struct reborn_command *command, pid_t *ret_pid, int *ret_socket)
{
	const int bytes = command->socket_bytes;
	int pair[2];
	if (command->n_fds >= REBORN_FDS_MAX)
		return -E2BIG;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	for (int i = 0; bytes && i < 2; i++)
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
			setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	pid_t pid = fork();
	if (pid == 0)
		run(command, pair[1]);
	int r = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (r < 0) {
		close(pair[0]);
		return r;
	}
	*ret_pid = pid;
	*ret_socket = pair[0];
	return 0;
}
