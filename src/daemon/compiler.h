// The compiler: a process of its own for each policy, without rights, that turns a snapshot into a
// report (daemon/report.h, daemon/child.h).
#ifndef SEKISHO_DAEMON_COMPILER_H
#define SEKISHO_DAEMON_COMPILER_H

#include "daemon/child.h"
#include "daemon/gate.h"
#include "daemon/snapshot.h"

// The private argument with which sekishod runs itself; compiler_main() is then all of main().
#define COMPILER_ARGUMENT "--compile"

struct compiler_command { // a stand-in for the compiler, for tests
	const char *path; // NULL: this very program, with COMPILER_ARGUMENT
	char *const *argv;
	unsigned timeout_ms; // 0: COMPILER_TIMEOUT_MS
};

// As child_start(); it is ended with child_cancel().
// What to compile a policy for; directory: what places begin with.
struct snapshot_job compiler_job(const struct gate_options *options, uint64_t generation,
				 const char *directory);

// countries_fd: of countries_input_write().
int compiler_start(sd_event *event, int snapshot_fd, int countries_fd,
		   const struct compiler_command *command, child_done *done, void *arg,
		   struct child **ret_compiler);

// The child's main: snapshot on descriptor 3, countries on 4, report to 5.
int compiler_main(void);

#endif
