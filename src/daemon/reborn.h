// Between fork and exec: a child that becomes this program again, by a private argument, with
// descriptors of its own.
#ifndef SEKISHO_DAEMON_REBORN_H
#define SEKISHO_DAEMON_REBORN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { REBORN_FD_FIRST = 3, REBORN_FDS_MAX = 5 };

// These descriptors become REBORN_FD_FIRST and on; input and output become /dev/null, the gate's
// standard error stays, all others are closed.  No signal is blocked.  Ends the child if it cannot.
void reborn_take(const int *fds, size_t n);

// A child that is this program again, at the other end of a socket pair of whole messages.
struct reborn_command {
	const char *argument;
	const int
		*fds; // after its end of the pair, which is REBORN_FD_FIRST; they stay the caller's
	size_t n_fds;
	int socket_bytes; // of both ends, where that may be forced; 0: what is usual
	bool with_gate;	  // it is killed when the gate ends
};
// 0, or a negative errno.
int reborn_start(const struct reborn_command *command, pid_t *ret_pid, int *ret_socket);

#endif
