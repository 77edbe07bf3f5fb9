// The compiler as a child of the daemon.
#include "daemon/compiler.h"

#include "daemon/report.h"

int compiler_start(sd_event *event, int snapshot_fd, const struct compiler_command *command,
		   child_done *done, void *arg, struct child **ret_compiler)
{
	struct child_command child = {
		.name = "the policy compiler",
		.argument = COMPILER_ARGUMENT,
		.bytes_max = REPORT_BYTES_MAX,
		.fds = { snapshot_fd },
		.n_fds = 1,
	};
	if (command) {
		child.path = command->path;
		child.argv = command->argv;
		child.timeout_ms = command->timeout_ms;
	}
	return child_start(event, &child, done, arg, ret_compiler);
}
