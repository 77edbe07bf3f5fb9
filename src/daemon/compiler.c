// The compiler as a child of the daemon.
#include "daemon/compiler.h"

#include <stdio.h>
#include <string.h>

#include "daemon/report.h"

struct snapshot_job compiler_job(const struct gate_options *options, uint64_t generation,
				 const char *directory)
{
	struct snapshot_job job = {
		.generation = generation,
		.uid = options->compiler_uid,
		.gid = options->compiler_gid,
		.management_prefix = options->management_prefix,
		.management_port = options->management_port,
		.nflog_group = options->nflog_group,
	};
	snprintf(job.directory, sizeof(job.directory), "%s", directory);
	memcpy(job.management_interface, options->management_interface,
	       sizeof(job.management_interface));
	return job;
}

int compiler_start(sd_event *event, int snapshot_fd, int countries_fd,
		   const struct compiler_command *command, child_done *done, void *arg,
		   struct child **ret_compiler)
{
	struct child_command child = {
		.name = "the policy compiler",
		.argument = COMPILER_ARGUMENT,
		.bytes_max = REPORT_BYTES_MAX,
		.fds = { snapshot_fd, countries_fd },
		.n_fds = 2,
	};
	if (command) {
		child.path = command->path;
		child.argv = command->argv;
		child.timeout_ms = command->timeout_ms;
	}
	return child_start(event, &child, done, arg, ret_compiler);
}
