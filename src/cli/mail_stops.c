#include "cli/mail_stops.h"

#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/isolate.h"

static void line(const char *name, const char *value)
{
	if (*value)
		printf("  %-16s %s\n", name, value);
}

static void print_stop(const struct control_row *row)
{
	const char *way = control_text(row, CTL_CHANGE);
	bool one_way =
		strcmp(way, "both") != 0 && strcmp(control_text(row, CTL_KIND), "direction") != 0;
	char when[40];

	printf("stopped: %s %s%s%s\n", control_text(row, CTL_KIND), control_text(row, CTL_NAME),
	       one_way ? ", only " : "", one_way ? way : "");
	line("since", cli_time_text(control_u64(row, CTL_SINCE), when));
	line("until", control_u64(row, CTL_UNTIL) ? cli_time_text(control_u64(row, CTL_UNTIL), when)
						  : "it is resumed");
	line("by", *control_text(row, CTL_ACTOR) ? control_text(row, CTL_ACTOR) : "the gate");
	line("reason", control_text(row, CTL_REASON));
	line("asked to resume", control_text(row, CTL_ASKED_BY));
}

static bool is_stop(const struct control_row *row)
{
	return control_find(row, CTL_KIND);
}

static void print_status(const struct control_reply *reply)
{
	size_t n = control_reply_rows(reply), stops = 0;

	for (size_t i = 0; i < n; i++)
		if (is_stop(control_reply_row(reply, i))) {
			print_stop(control_reply_row(reply, i));
			stops++;
		}
	if (!stops)
		puts("no mail is stopped");
	for (size_t i = 0; i < n; i++) {
		const struct control_row *row = control_reply_row(reply, i);

		if (!is_stop(row))
			printf("limit of guard %s: %s\n", control_text(row, CTL_GUARDED_BY),
			       control_text(row, CTL_WORDS));
	}
}

static void print_done(const struct control_reply *reply, const char *what)
{
	const struct control_row *fields = control_reply_fields(reply);
	char when[40];

	printf("%s: %s\n", what, control_text(fields, CTL_NAME));
	if (control_u64(fields, CTL_UNTIL))
		line("until", cli_time_text(control_u64(fields, CTL_UNTIL), when));
	for (size_t i = 0; i < fields->n; i++)
		if (fields->v[i].tag == CTL_MAIL_STOPPED)
			line("in force", fields->v[i].text);
}

static void print_stopped(const struct control_reply *reply)
{
	print_done(reply, "stopped");
}

static void print_resumed(const struct control_reply *reply)
{
	print_done(reply, "resumed");
}

static int change(const struct cli *cli, bool stops)
{
	const char *limit = cli_value(cli, OPT_FOR);
	struct control_writer request;
	uint64_t seconds = 0;

	if (limit && (!stops || isolate_seconds(limit, &seconds) < 0)) {
		if (!stops)
			fputs("sekisho mail: --for is of stop\n", stderr);
		return EXIT_USAGE;
	}
	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_text(&request, CTL_KIND, cli->argv[1]);
	control_put_text(&request, CTL_NAME, cli->argc > 2 ? cli->argv[2] : "");
	control_put_text(&request, CTL_REASON, cli_value(cli, OPT_REASON));
	if (seconds)
		control_put_u64(&request, CTL_SECONDS, seconds);
	return cli_show(cli, stops ? CTL_MAIL_STOP : CTL_MAIL_RESUME, &request, NULL,
			stops ? print_stopped : print_resumed);
}

int mail_stops(const struct cli *cli)
{
	if (strcmp(cli->argv[0], "status") == 0 && cli->argc == 1)
		return cli_show(cli, CTL_MAIL_STATUS, NULL, "rows", print_status);
	if (strcmp(cli->argv[0], "stop") == 0 && cli->argc >= 2)
		return change(cli, true);
	if (strcmp(cli->argv[0], "resume") == 0 && cli->argc >= 2)
		return change(cli, false);
	return -1;
}
