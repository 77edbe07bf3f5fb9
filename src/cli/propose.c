// propose, proposals, proposal, approve, reject, review, history: what is to run, and who says so.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "cli/apply.h"
#include "cli/diff_lines.h"
#include "cli/load.h"
#include "cli/table.h"

// --- the page

static void print_line(const char *name, const char *text)
{
	if (*text)
		printf("%-11s %s\n", name, text);
}

static void print_approvals(const struct control_row *head)
{
	char names[1024];
	unsigned long long needed = control_u64(head, CTL_NEEDED);
	unsigned long long missing = control_u64(head, CTL_MISSING);

	print_line("approved by", cli_join(head, CTL_APPROVED_BY, names, sizeof(names)));
	if (strcmp(control_text(head, CTL_STATE), "open") != 0 &&
	    strcmp(control_text(head, CTL_STATE), "approved") != 0)
		return;
	if (!needed)
		puts("approval    none is needed");
	else if (!missing)
		printf("approval    complete (%llu)\n", needed);
	else
		printf("approval    %llu of %llu missing, by members of %s\n", missing, needed,
		       control_text(head, CTL_GROUPS));
}

static void print_head(const struct control_row *head)
{
	char when[40], line[CTL_NAME_MAX + 64];
	unsigned long long number = control_u64(head, CTL_PROPOSAL);
	const char *because = control_text(head, CTL_MESSAGE);

	snprintf(line, sizeof(line), "%llu, %s%s%s", number, control_text(head, CTL_STATE),
		 *because ? ": " : "", because);
	print_line("proposal", line);
	print_line("request", control_text(head, CTL_REQUEST));
	snprintf(line, sizeof(line), "%s, %s", control_text(head, CTL_ACTOR),
		 cli_time_text(control_u64(head, CTL_WHEN), when));
	print_line("by", line);
	print_line("reason", control_text(head, CTL_REASON));
	print_line("from", control_text(head, CTL_DIRECTORY));
	snprintf(line, sizeof(line), "generation %llu",
		 (unsigned long long)control_u64(head, CTL_BASED_ON));
	print_line("compared to",
		   control_u64(head, CTL_BASED_ON) ? line : "nothing: the first one");
	print_line("weight", control_text(head, CTL_WEIGHT));
	if (control_find(head, CTL_EXPIRES))
		print_line("until", cli_time_text(control_u64(head, CTL_EXPIRES), when));
	if (control_u64(head, CTL_AT))
		print_line("scheduled", cli_time_text(control_u64(head, CTL_AT), when));
}

static void print_changes(const struct control_reply *reply)
{
	struct diff_lines lines;

	if (!control_bool(control_reply_fields(reply), CTL_CHANGED)) {
		puts("changes     could not be found out: everything may change");
		return;
	}
	diff_lines_of_reply(reply, &lines);
	puts("");
	diff_lines_print(&lines);
	puts("");
	diff_lines_done(&lines);
}

static void print_cut(const struct control_reply *reply)
{
	const struct control_row *head = control_reply_fields(reply);

	if (!control_find(head, CTL_CUT))
		return;
	printf("live        %llu of %llu connections would be cut\n",
	       (unsigned long long)control_u64(head, CTL_CUT),
	       (unsigned long long)control_u64(head, CTL_TOTAL));
	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);

		if (strcmp(control_text(row, CTL_WHAT), "cut") == 0)
			printf("  %s %s -> %s port %llu  %s\n", control_text(row, CTL_TRANSPORT),
			       control_text(row, CTL_SOURCE), control_text(row, CTL_DESTINATION),
			       (unsigned long long)control_u64(row, CTL_PORT),
			       control_text(row, CTL_FLOW));
	}
}

static void print_page(const struct control_reply *reply)
{
	const struct control_row *head = control_reply_fields(reply);

	print_head(head);
	if (control_find(head, CTL_ERRORS)) {
		printf("policy      %llu flows in %llu zones; %llu assertions hold; %llu tests pass; "
		       "%llu warnings\n",
		       (unsigned long long)control_u64(head, CTL_FLOWS),
		       (unsigned long long)control_u64(head, CTL_ZONES),
		       (unsigned long long)control_u64(head, CTL_ASSERTIONS),
		       (unsigned long long)control_u64(head, CTL_TESTS),
		       (unsigned long long)control_u64(head, CTL_WARNINGS));
		fflush(stdout);
		for (size_t i = 0; i < control_reply_rows(reply); i++)
			if (control_find(control_reply_row(reply, i), CTL_SEVERITY))
				cli_print_diagnostic(control_reply_row(reply, i));
		print_changes(reply);
		print_cut(reply);
	}
	print_approvals(head);
	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);

		if (strcmp(control_text(row, CTL_WHAT), "approval") == 0 &&
		    *control_text(row, CTL_MESSAGE))
			printf("            what %s approved %s\n", control_text(row, CTL_ACTOR),
			       control_text(row, CTL_MESSAGE));
	}
	if (control_find(head, CTL_APPROVAL_CODE) && control_u64(head, CTL_MISSING))
		printf("to approve  sekisho approve %llu %s\n",
		       (unsigned long long)control_u64(head, CTL_PROPOSAL),
		       control_text(head, CTL_APPROVAL_CODE));
}

int verb_proposal(const struct cli *cli)
{
	struct control_writer request;

	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_u64(&request, CTL_PROPOSAL, apply_number(cli->argv[0]));
	return cli_show(cli, CTL_PROPOSAL_PAGE, &request, "rows", print_page);
}

// --- propose

static void tell_proposed(const struct control_row *head)
{
	unsigned long long number = control_u64(head, CTL_PROPOSAL);

	printf("proposal %llu is kept", number);
	if (control_u64(head, CTL_MISSING))
		printf("; %llu of %s must approve it:\n  sekisho proposal %llu\n",
		       (unsigned long long)control_u64(head, CTL_MISSING),
		       control_text(head, CTL_GROUPS), number);
	else
		printf(" and needs no approval:\n  sekisho apply %llu\n", number);
}

int verb_propose(const struct cli *cli)
{
	const char *dir = cli->argc ? cli->argv[0] : CLI_DIR;
	struct control_writer request;
	struct control_reply reply;
	bool answered = false;
	int fd;
	int status;

	control_writer_init(&request, CTL_REQUEST_MAX);
	fd = apply_open_folder("propose", dir, &request);
	status = fd < 0 ? EXIT_USAGE : apply_put_options(cli, "propose", &request);
	if (status == EXIT_FINE)
		status = cli_call(cli, CTL_PROPOSE, &request, fd, &reply, &answered);
	control_writer_done(&request);
	if (fd >= 0)
		close(fd);
	if (!answered)
		return status;
	if (cli->json)
		cli_json_print(cli_reply_json(&reply, "diagnostics"));
	for (size_t i = 0; !cli->json && i < control_reply_rows(&reply); i++)
		cli_print_diagnostic(control_reply_row(&reply, i));
	if (!cli->json && status == EXIT_FINE)
		tell_proposed(control_reply_fields(&reply));
	control_reply_done(&reply);
	return status;
}

// --- approve, reject, review

static void print_approved(const struct control_reply *reply)
{
	puts("approved");
	print_approvals(control_reply_fields(reply));
}

static void print_rejected(const struct control_reply *reply)
{
	(void)reply;
	puts("rejected");
}

static void print_reviewed(const struct control_reply *reply)
{
	(void)reply;
	puts("reviewed");
}

int verb_approve(const struct cli *cli)
{
	struct control_writer request;

	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_u64(&request, CTL_PROPOSAL, apply_number(cli->argv[0]));
	control_put_text(&request, CTL_APPROVAL_CODE, cli->argv[1]);
	return cli_show(cli, CTL_APPROVE, &request, NULL, print_approved);
}

int verb_reject(const struct cli *cli)
{
	struct control_writer request;

	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_u64(&request, CTL_PROPOSAL, apply_number(cli->argv[0]));
	control_put_text(&request, CTL_REASON, cli_value(cli, OPT_REASON));
	return cli_show(cli, CTL_REJECT, &request, NULL, print_rejected);
}

int verb_review(const struct cli *cli)
{
	struct control_writer request;

	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_u64(&request, CTL_GENERATION, apply_number(cli->argv[0]));
	control_put_text(&request, CTL_REASON, cli_value(cli, OPT_REASON));
	return cli_show(cli, CTL_REVIEW, &request, NULL, print_reviewed);
}

// --- lists

enum { REASON_WIDTH = 40, NAME_WIDTH = 24 };

static void print_proposals(const struct control_reply *reply)
{
	static const char *const heads[] = { ">NO",  "STATE",	">MISSING", "BY",
					     "WHEN", "REQUEST", "REASON" };
	struct table *table = table_new(heads, sizeof(heads) / sizeof(heads[0]));
	char when[40];

	table_limit(table, 3, NAME_WIDTH);
	table_limit(table, 6, REASON_WIDTH);
	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);

		table_add_number(table, control_u64(row, CTL_PROPOSAL));
		table_add(table, control_text(row, CTL_STATE));
		table_add_number(table, control_u64(row, CTL_MISSING));
		table_add(table, control_text(row, CTL_ACTOR));
		table_add(table, cli_time_text(control_u64(row, CTL_WHEN), when));
		table_add(table, control_text(row, CTL_REQUEST));
		table_add(table, control_text(row, CTL_REASON));
	}
	table_print(table);
	table_free(table);
}

static void print_history(const struct control_reply *reply)
{
	static const char *const heads[] = { ">NO",	    "STATE",   "APPLIED", "BY",
					     "APPROVED BY", "REQUEST", "REASON" };
	struct table *table = table_new(heads, sizeof(heads) / sizeof(heads[0]));
	char when[40], names[512], state[64];

	table_limit(table, 3, NAME_WIDTH);
	table_limit(table, 6, REASON_WIDTH);
	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);

		snprintf(state, sizeof(state), "%s%s", control_text(row, CTL_STATE),
			 control_u64(row, CTL_REVIEWS) ? ", to review" : "");
		table_add_number(table, control_u64(row, CTL_GENERATION));
		table_add(table, state);
		table_add(table, cli_time_text(control_u64(row, CTL_APPLIED), when));
		table_add(table, control_text(row, CTL_ACTOR));
		table_add(table, cli_join(row, CTL_APPROVED_BY, names, sizeof(names)));
		table_add(table, control_text(row, CTL_REQUEST));
		table_add(table, control_text(row, CTL_REASON));
	}
	table_print(table);
	table_free(table);
}

int verb_proposals(const struct cli *cli)
{
	return cli_show(cli, CTL_PROPOSALS_LIST, NULL, "proposals", print_proposals);
}

int verb_history(const struct cli *cli)
{
	return cli_show(cli, CTL_HISTORY, NULL, "generations", print_history);
}
