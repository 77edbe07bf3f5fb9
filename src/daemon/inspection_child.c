// Starting and ending the processes of inspection.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/inspection_private.h"
#include "daemon/reap.h"
#include "daemon/reborn.h"

enum { SOCKET_BYTES = 1024 * 1024, LONG_LIFE_MS = 5000 };

int inspection_spawn(const char *argument, const int *fds, size_t n_fds, pid_t *ret_pid,
		     int *ret_socket)
{
	const struct reborn_command command = { argument, fds, n_fds, SOCKET_BYTES, true };
	return reborn_start(&command, ret_pid, ret_socket);
}

const char *inspection_child_how(const struct inspection_child *child,
				 char out[INSPECTION_TEXT_MAX])
{
	siginfo_t info = { 0 };
	// Its socket is closed a little before it can be waited for.
	for (int i = 0; i < 20 && !info.si_pid; i++) {
		if (i)
			usleep(1000);
		if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
			break;
	}
	if (!info.si_pid)
		return "it closed its socket";
	if (info.si_code == CLD_EXITED)
		snprintf(out, INSPECTION_TEXT_MAX, "it ended with status %d", info.si_status);
	else
		snprintf(out, INSPECTION_TEXT_MAX, "it was ended by signal %d (%s)", info.si_status,
			 strsignal(info.si_status));
	return out;
}

void inspection_child_end(struct inspection_child *child)
{
	child->readable = sd_event_source_disable_unref(child->readable);
	if (child->pid > 0) {
		close(child->socket);
		reap(child->pid);
		child->ended_ms = monotonic_ms();
		if (child->ended_ms - child->started_ms > LONG_LIFE_MS)
			child->short_lives = 0;
		else if (child->short_lives < 8)
			child->short_lives++;
	}
	child->pid = 0;
	child->socket = -1;
	child->ready = false;
}
