// A one-shot child of the daemon without rights: descriptors in, bytes out, then its end.  The gate
// starts it, waits in its event loop, ends it when it takes too long or says too much, and believes
// nothing of what it said before it has checked it.
#ifndef SEKISHO_DAEMON_CHILD_H
#define SEKISHO_DAEMON_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/failure.h"

enum { CHILD_FD_FIRST = 3, CHILD_FDS_MAX = 4, CHILD_TIMEOUT_MS = 90 * 1000 };

struct child_command {
	const char *name;     // in failures: "the policy compiler"
	const char *argument; // with which this very program becomes that child
	const char *path;     // another program in its place, for tests; NULL: none
	char *const *argv;
	unsigned timeout_ms; // 0: CHILD_TIMEOUT_MS
	size_t bytes_max;    // of what it may say
	// Become CHILD_FD_FIRST and on; after them the pipe that takes its answer.  They stay the
	// caller's.
	int fds[CHILD_FDS_MAX];
	size_t n_fds;
};

struct child;

// Called once, from the event loop; the child is gone then.  bytes (on the heap, now the
// handler's) is what it said, or NULL with failure.
typedef void child_done(void *arg, uint8_t *bytes, size_t size, const struct failure *failure);

// name has to live as long as the child.  0 with *ret_child, or a negative errno.
int child_start(sd_event *event, const struct child_command *command, child_done *done, void *arg,
		struct child **ret_child);
void child_cancel(struct child *child); // the handler is not called; NULL is fine

#endif
