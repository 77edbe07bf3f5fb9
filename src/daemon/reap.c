// SIGKILL is not the end of a process that waits for a disk: nobody waits for it for ever.
#include "daemon/reap.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t late[REAP_LATE_MAX]; // 0: free

static bool has_ended(pid_t pid)
{
	pid_t r;
	do
		r = waitpid(pid, NULL, WNOHANG);
	while (r < 0 && errno == EINTR);
	return r != 0;
}

static void wait_a_little(pid_t pid)
{
	struct pollfd ended = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	if (ended.fd < 0)
		return;
	poll(&ended, 1, REAP_WAIT_MS);
	close(ended.fd);
}

void reap(pid_t pid)
{
	for (size_t i = 0; i < REAP_LATE_MAX; i++)
		if (late[i] && has_ended(late[i]))
			late[i] = 0;
	// Without CAP_KILL another user's process cannot be ended; it ends by itself.
	if (kill(pid, SIGKILL) == 0)
		wait_a_little(pid);
	if (has_ended(pid))
		return;
	for (size_t i = 0; i < REAP_LATE_MAX; i++)
		if (!late[i]) {
			late[i] = pid;
			return;
		}
}
