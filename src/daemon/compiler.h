// The compiler: a process of its own for each policy, without rights, that turns a snapshot into a
// report (daemon/report.h, daemon/child.h).
#ifndef SEKISHO_DAEMON_COMPILER_H
#define SEKISHO_DAEMON_COMPILER_H

#include "daemon/child.h"

enum { COMPILER_TIMEOUT_MS = CHILD_TIMEOUT_MS };

// The private argument with which sekishod runs itself; compiler_main() is then all of main().
#define COMPILER_ARGUMENT "--compile"

struct compiler_command { // a stand-in for the compiler, for tests
	const char *path; // NULL: this very program, with COMPILER_ARGUMENT
	char *const *argv;
	unsigned timeout_ms; // 0: COMPILER_TIMEOUT_MS
};

// As child_start(); it is ended with child_cancel().
int compiler_start(sd_event *event, int snapshot_fd, const struct compiler_command *command,
		   child_done *done, void *arg, struct child **ret_compiler);

// The child's main: snapshot on descriptor 3, report to descriptor 4.
int compiler_main(void);

#endif
