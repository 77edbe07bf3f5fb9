// The compiler: a process of its own for each policy, without rights, that turns a snapshot into a
// report.  The gate starts it, waits in its event loop, ends it when it takes too long or says too
// much, and believes nothing of the report before it is checked (daemon/report.h).
#ifndef SEKISHO_DAEMON_COMPILER_H
#define SEKISHO_DAEMON_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/failure.h"

enum { COMPILER_TIMEOUT_MS = 90 * 1000 };

// The private argument with which sekishod runs itself; compiler_main() is then all of main().
#define COMPILER_ARGUMENT "--compile"

struct compiler_command {
	const char *path; // NULL: this very program, with COMPILER_ARGUMENT
	char *const *argv;
	unsigned timeout_ms; // 0: COMPILER_TIMEOUT_MS
};

struct compiler;

// Called once, from the event loop; the compiler is gone then.  bytes (on the heap, now the
// handler's) is what it said, or NULL with failure.
typedef void compiler_done(void *arg, uint8_t *bytes, size_t size, const struct failure *failure);

int compiler_start(sd_event *event, int snapshot_fd, const struct compiler_command *command,
		   compiler_done *done, void *arg, struct compiler **ret_compiler);
void compiler_cancel(struct compiler *compiler); // the handler is not called; NULL is fine

// The child's main: snapshot on descriptor 3, report to descriptor 4.
int compiler_main(void);

#endif
