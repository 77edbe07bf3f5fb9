// apply, confirm, rollback: what runs.
#include "cli/apply.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "cli/load.h"
#include "cli/times.h"

// --- in common

// What runs now, and until when it has to be confirmed.
static void print_running(const struct control_row *fields)
{
	double total =
		(double)(control_u64(fields, CTL_COMPILE_US) + control_u64(fields, CTL_COMMIT_US) +
			 control_u64(fields, CTL_VERIFY_US) + control_u64(fields, CTL_STORE_US)) /
		1000;
	unsigned long long previous = control_u64(fields, CTL_PREVIOUS);

	if (!control_bool(fields, CTL_CHANGED)) {
		printf("generation %llu runs already; nothing was changed\n",
		       (unsigned long long)control_u64(fields, CTL_GENERATION));
		return;
	}
	printf("generation %llu runs: %llu flows in %llu zones, read back from the kernel (%.0f ms)\n",
	       (unsigned long long)control_u64(fields, CTL_GENERATION),
	       (unsigned long long)control_u64(fields, CTL_FLOWS),
	       (unsigned long long)control_u64(fields, CTL_ZONES), total);
	if (!control_find(fields, CTL_AWAITED))
		return;
	printf("within %llu seconds, open a second connection to this box and run \"sekisho confirm\"\n"
	       "there; otherwise ",
	       (unsigned long long)control_u64(fields, CTL_SECONDS_LEFT));
	if (previous)
		printf("generation %llu returns\n", previous);
	else
		puts("the gate closes again");
}

static const struct {
	cli_options option;
	enum control_tag tag;
} texts[] = {
	{ OPT_REASON, CTL_REASON },
	{ OPT_REQUEST, CTL_REQUEST },
	{ OPT_EMERGENCY, CTL_EMERGENCY_REASON },
};

int apply_put_options(const struct cli *cli, const char *verb, struct control_writer *request)
{
	const char *confirm = cli_value(cli, OPT_CONFIRM);
	uint64_t seconds;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		control_put_text(request, texts[i].tag, cli_value(cli, texts[i].option));
	if (!confirm)
		return EXIT_FINE;
	if (times_duration(confirm, &seconds) < 0) {
		fprintf(stderr, "sekisho %s: --confirm takes a time such as 120s or 5m\n", verb);
		return EXIT_USAGE;
	}
	control_put_u64(request, CTL_CONFIRM, seconds);
	return EXIT_FINE;
}

int apply_open_folder(const char *verb, const char *dir, struct control_writer *request)
{
	char path[PATH_MAX];
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		fprintf(stderr, "sekisho %s: %s: %s\n", verb, dir, strerror(errno));
	else
		control_put_text(request, CTL_DIRECTORY, realpath(dir, path) ? path : dir);
	return fd;
}

uint64_t apply_number(const char *word)
{
	if (strlen(word) == 0 || strlen(word) > 18 || strspn(word, "0123456789") != strlen(word))
		return 0;
	return strtoull(word, NULL, 10);
}

// Until the generation is confirmed (0) or has returned (9).
static int await_confirm(const struct cli *cli, uint64_t generation)
{
	for (;;) {
		struct control_reply reply;
		bool answered;
		uint64_t awaited, running;
		int status = cli_call(cli, CTL_STATUS, NULL, -1, &reply, &answered);

		if (!answered)
			return status;
		awaited = control_u64(control_reply_fields(&reply), CTL_AWAITED);
		running = control_u64(control_reply_fields(&reply), CTL_GENERATION);
		control_reply_done(&reply);
		if (awaited != generation) {
			bool confirmed = running == generation;

			printf("generation %llu %s\n", (unsigned long long)generation,
			       confirmed ? "is confirmed" : "was not confirmed and has returned");
			return confirmed ? EXIT_FINE : EXIT_RETURNED;
		}
		fflush(stdout);
		usleep(500 * 1000);
	}
}

// --- apply

static int tell_applied(const struct cli *cli, const struct control_reply *reply, int status)
{
	const struct control_row *fields = control_reply_fields(reply);

	if (cli->json) {
		cli_json_print(cli_reply_json(reply, "diagnostics"));
		return status;
	}
	for (size_t i = 0; i < control_reply_rows(reply); i++)
		cli_print_diagnostic(control_reply_row(reply, i));
	if (control_find(fields, CTL_AT)) {
		char when[40];

		printf("proposal %llu will be applied at %s\n",
		       (unsigned long long)control_u64(fields, CTL_PROPOSAL),
		       cli_time_text(control_u64(fields, CTL_AT), when));
	} else if (status == EXIT_FINE || status == EXIT_DEGRADED) {
		if (control_find(fields, CTL_GENERATION))
			print_running(fields);
		else
			puts("the gate is closed again; no policy runs");
	} else {
		fputs("nothing was changed\n", stderr);
	}
	return status;
}

static int call_and_tell(const struct cli *cli, enum control_method method,
			 const struct control_writer *request, int fd)
{
	struct control_reply reply;
	bool answered;
	int status = cli_call(cli, method, request, fd, &reply, &answered);
	uint64_t awaited;

	if (!answered)
		return status;
	awaited = control_u64(control_reply_fields(&reply), CTL_AWAITED);
	status = tell_applied(cli, &reply, status);
	control_reply_done(&reply);
	return awaited && cli_has(cli, OPT_WAIT) ? await_confirm(cli, awaited) : status;
}

static int put_at(const struct cli *cli, struct control_writer *request)
{
	const char *at = cli_value(cli, OPT_AT);
	uint64_t usec = 0;

	if (!at)
		return EXIT_FINE;
	if (strcmp(at, "never") != 0 && times_moment(at, &usec) < 0) {
		fputs("sekisho apply: --at takes a local time such as \"2026-12-01 02:00\" or 02:00\n",
		      stderr);
		return EXIT_USAGE;
	}
	control_put_time(request, CTL_AT, usec);
	return EXIT_FINE;
}

int verb_apply(const struct cli *cli)
{
	const char *what = cli->argc ? cli->argv[0] : CLI_DIR;
	uint64_t number = apply_number(what);
	struct control_writer request;
	int fd = -1;
	int status;

	control_writer_init(&request, CTL_REQUEST_MAX);
	status = apply_put_options(cli, "apply", &request);
	if (status == EXIT_FINE)
		status = put_at(cli, &request);
	if (status == EXIT_FINE && number)
		control_put_u64(&request, CTL_PROPOSAL, number);
	else if (status == EXIT_FINE && (fd = apply_open_folder("apply", what, &request)) < 0)
		status = EXIT_USAGE;
	if (status == EXIT_FINE)
		status = call_and_tell(cli, CTL_APPLY, &request, fd);
	control_writer_done(&request);
	if (fd >= 0)
		close(fd);
	return status;
}

// --- confirm and rollback

int verb_confirm(const struct cli *cli)
{
	struct control_reply reply;
	bool answered;
	int status = cli_call(cli, CTL_CONFIRM_APPLY, NULL, -1, &reply, &answered);

	if (answered && cli->json)
		cli_json_print(cli_reply_json(&reply, NULL));
	else if (answered && status == EXIT_FINE)
		printf("generation %llu is confirmed\n",
		       (unsigned long long)control_u64(control_reply_fields(&reply),
						       CTL_GENERATION));
	if (answered)
		control_reply_done(&reply);
	return status;
}

int verb_rollback(const struct cli *cli)
{
	struct control_writer request;
	uint64_t number = cli->argc ? apply_number(cli->argv[0]) : 0;
	int status;

	if (cli->argc && !number) {
		fprintf(stderr, "sekisho rollback: \"%s\" is no number of a generation\n",
			cli->argv[0]);
		return EXIT_USAGE;
	}
	control_writer_init(&request, CTL_REQUEST_MAX);
	if (number)
		control_put_u64(&request, CTL_GENERATION, number);
	status = apply_put_options(cli, "rollback", &request);
	if (status == EXIT_FINE)
		status = call_and_tell(cli, CTL_ROLLBACK, &request, -1);
	control_writer_done(&request);
	return status;
}
