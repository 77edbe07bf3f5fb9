// apply: has the daemon check, load and read back a policy.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/load.h"
#include "cli/verb.h"

static void print_result(const struct control_row *fields)
{
	double total =
		(double)(control_u64(fields, CTL_COMPILE_US) + control_u64(fields, CTL_COMMIT_US) +
			 control_u64(fields, CTL_VERIFY_US) + control_u64(fields, CTL_STORE_US)) /
		1000;

	if (!control_bool(fields, CTL_CHANGED))
		printf("generation %llu runs already; nothing was changed\n",
		       (unsigned long long)control_u64(fields, CTL_GENERATION));
	else
		printf("generation %llu runs: %llu flows in %llu zones, read back from the kernel (%.0f ms)\n",
		       (unsigned long long)control_u64(fields, CTL_GENERATION),
		       (unsigned long long)control_u64(fields, CTL_FLOWS),
		       (unsigned long long)control_u64(fields, CTL_ZONES), total);
}

static int apply_directory(const struct cli *cli, const char *dir, int fd)
{
	struct control_writer request;
	struct control_reply reply;
	char path[PATH_MAX];
	bool answered;
	int status;

	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_text(&request, CTL_DIRECTORY, realpath(dir, path) ? path : dir);
	status = cli_call(cli, CTL_APPLY, &request, fd, &reply, &answered);
	control_writer_done(&request);
	if (!answered)
		return status;
	if (cli->json) {
		cli_json_print(cli_reply_json(&reply, "diagnostics"));
	} else {
		for (size_t i = 0; i < control_reply_rows(&reply); i++)
			cli_print_diagnostic(control_reply_row(&reply, i));
		if (status == EXIT_FINE || status == EXIT_DEGRADED)
			print_result(control_reply_fields(&reply));
		else
			fputs("nothing was changed\n", stderr);
	}
	control_reply_done(&reply);
	return status;
}

int verb_apply(const struct cli *cli)
{
	const char *dir = cli->argc ? cli->argv[0] : CLI_DIR;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status;

	if (fd < 0) {
		fprintf(stderr, "sekisho apply: %s: %s\n", dir, strerror(errno));
		return EXIT_USAGE;
	}
	status = apply_directory(cli, dir, fd);
	close(fd);
	return status;
}
