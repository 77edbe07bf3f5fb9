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

static void print_place(const struct control_row *row, enum control_tag file, enum control_tag line,
			enum control_tag column, enum control_tag column_end)
{
	if (*control_text(row, file))
		fprintf(stderr, "%s:", control_text(row, file));
	if (control_u64(row, line))
		fprintf(stderr, "%llu:%llu", (unsigned long long)control_u64(row, line),
			(unsigned long long)control_u64(row, column));
	if (control_u64(row, column_end) > control_u64(row, column))
		fprintf(stderr, "-%llu", (unsigned long long)control_u64(row, column_end));
	if (*control_text(row, file))
		fputs(control_u64(row, line) ? ": " : " ", stderr);
}

static void print_diagnostic(const struct control_row *row)
{
	print_place(row, CTL_FILE, CTL_LINE, CTL_COLUMN, CTL_COLUMN_END);
	fprintf(stderr, "SK%03llu %s%s\n", (unsigned long long)control_u64(row, CTL_CODE),
		strcmp(control_text(row, CTL_SEVERITY), "warning") == 0 ? "warning: " : "",
		control_text(row, CTL_MESSAGE));
	if (!*control_text(row, CTL_SECOND_MESSAGE))
		return;
	print_place(row, CTL_SECOND_FILE, CTL_SECOND_LINE, CTL_SECOND_COLUMN,
		    CTL_SECOND_COLUMN_END);
	fprintf(stderr, "note: %s\n", control_text(row, CTL_SECOND_MESSAGE));
}

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
			print_diagnostic(control_reply_row(&reply, i));
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
