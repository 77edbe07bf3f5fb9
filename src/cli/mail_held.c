#include "cli/mail_held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "cli/call.h"

static void line(const char *name, const char *value)
{
	if (*value)
		printf("  %-16s %s\n", name, value);
}

static void line_time(const char *name, const struct control_row *row, enum control_tag tag)
{
	char when[40];

	if (control_u64(row, tag))
		line(name, cli_time_text(control_u64(row, tag), when));
}

static void print_decision(const struct control_row *row)
{
	const bool asked = *control_text(row, CTL_ASKED_BY);
	char text[64], when[40] = "";

	if (asked && control_u64(row, CTL_AT))
		cli_time_text(control_u64(row, CTL_AT), when);
	if (asked)
		printf("  %-16s %s%s%s, and waits for another person\n", "asked to release",
		       control_text(row, CTL_ASKED_BY), *when ? ", " : "", when);
	line("decided by", control_text(row, CTL_ACTOR));
	line("reason", control_text(row, CTL_REASON));
	if (control_u64(row, CTL_TRIES)) {
		snprintf(text, sizeof(text), "%llu",
			 (unsigned long long)control_u64(row, CTL_TRIES));
		line("tries", text);
	}
	if (!asked)
		line_time("next try", row, CTL_AT);
	line("trouble", control_text(row, CTL_DETAIL));
}

static void print_message(const struct control_row *row)
{
	const unsigned long long n = control_u64(row, CTL_RECIPIENTS);
	unsigned long long shown = 0;

	printf("%llu %s: from %s\n", (unsigned long long)control_u64(row, CTL_HELD),
	       control_text(row, CTL_STATE), control_text(row, CTL_SENDER));
	for (size_t i = 0; i < row->n; i++)
		if (row->v[i].tag == CTL_RECIPIENT) {
			line("to", row->v[i].text);
			shown++;
		}
	if (shown && n > shown)
		printf("  %-16s and %llu more\n", "", n - shown);
	line("client", control_text(row, CTL_CLIENT));
	line("why", control_text(row, CTL_WORDS));
	line("clause", control_text(row, CTL_CLAUSE));
	line_time("since", row, CTL_SINCE);
	line_time("until", row, CTL_EXPIRES);
	printf("  %-16s %llu bytes\n", "size", (unsigned long long)control_u64(row, CTL_SIZE));
	line("flow", control_text(row, CTL_FLOW));
	line("server", control_text(row, CTL_SERVER));
	print_decision(row);
}

static void print_list(const struct control_reply *reply)
{
	size_t n = control_reply_rows(reply);

	if (!n)
		puts("no mail is held");
	for (size_t i = 0; i < n; i++)
		print_message(control_reply_row(reply, i));
}

static void print_file(const struct control_row *row)
{
	const char *name = control_text(row, CTL_ATTACHMENT);

	printf("  %-16s %s (%s, %s, %llu bytes) %s\n", "file", *name ? name : "(no name)",
	       control_text(row, CTL_ACTION), control_text(row, CTL_MEDIA_TYPE),
	       (unsigned long long)control_u64(row, CTL_SIZE), control_text(row, CTL_FOUND));
	line("  sha256", control_text(row, CTL_SHA256));
}

static void print_one(const struct control_reply *reply)
{
	size_t n = control_reply_rows(reply);

	print_message(control_reply_fields(reply));
	for (size_t i = 0; i < n; i++) {
		const struct control_row *row = control_reply_row(reply, i);

		if (control_find(row, CTL_HEADING))
			line("header", control_text(row, CTL_HEADING));
		else if (control_find(row, CTL_RECIPIENT))
			printf("  %-16s %s%s%s\n", "recipient", control_text(row, CTL_RECIPIENT),
			       *control_text(row, CTL_DETAIL) ? ": " : "",
			       control_text(row, CTL_DETAIL));
		else
			print_file(row);
	}
}

static void print_done(const struct control_reply *reply)
{
	const struct control_row *fields = control_reply_fields(reply);

	printf("held message %llu is %s\n", (unsigned long long)control_u64(fields, CTL_HELD),
	       control_text(fields, CTL_STATE));
}

static bool read_number(const char *text, uint64_t *ret)
{
	char *end;

	*ret = strtoull(text, &end, 10);
	return *text >= '1' && *text <= '9' && !*end;
}

static int held(const struct cli *cli)
{
	const char *which = cli->argc > 1 ? cli->argv[1] : "";
	struct control_writer request;
	uint64_t number = 0;

	if (*which && strcmp(which, "all") != 0 && !read_number(which, &number)) {
		fputs("sekisho mail: held takes the number of a message, or all\n", stderr);
		return EXIT_USAGE;
	}
	control_writer_init(&request, CTL_REQUEST_MAX);
	if (number)
		control_put_u64(&request, CTL_HELD, number);
	else
		control_put_text(&request, CTL_STATE, which);
	control_put_text(&request, CTL_REASON, cli_value(cli, OPT_REASON));
	return cli_show(cli, CTL_MAIL_HELD, &request, "rows", number ? print_one : print_list);
}

static int decide(const struct cli *cli, enum control_method method)
{
	struct control_writer request;
	uint64_t number;

	if (!read_number(cli->argv[1], &number)) {
		fputs("sekisho mail: which held message? \"sekisho mail held\" has their numbers\n",
		      stderr);
		return EXIT_USAGE;
	}
	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_u64(&request, CTL_HELD, number);
	control_put_text(&request, CTL_REASON, cli_value(cli, OPT_REASON));
	return cli_show(cli, method, &request, NULL, print_done);
}

int mail_held(const struct cli *cli)
{
	if (strcmp(cli->argv[0], "held") == 0 && cli->argc <= 2)
		return held(cli);
	if (strcmp(cli->argv[0], "release") == 0 && cli->argc == 2)
		return decide(cli, CTL_MAIL_RELEASE);
	if (strcmp(cli->argv[0], "reject") == 0 && cli->argc == 2)
		return decide(cli, CTL_MAIL_REJECT);
	return -1;
}
