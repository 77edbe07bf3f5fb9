// incident: what is kept of what happened: list, show, open, note, close, export.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/incident.h"
#include "cli/load.h"
#include "cli/table.h"
#include "cli/verb.h"

enum { WIDE = 40 };

// --- list

static void print_list(const struct control_reply *reply)
{
	static const char *const heads[] = { ">no.",  "when",  "kind",	"subject",
					     "state", "actor", "reason" };
	struct table *table = table_new(heads, 7);
	char when[40];

	table_limit(table, 3, WIDE);
	table_limit(table, 6, WIDE);
	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);

		table_add_number(table, control_u64(row, CTL_INCIDENT));
		table_add(table, cli_time_text(control_u64(row, CTL_WHEN), when));
		table_add(table, control_text(row, CTL_KIND));
		table_add(table, control_text(row, CTL_SUBJECT));
		table_add(table, control_text(row, CTL_STATE));
		table_add(table, control_text(row, CTL_ACTOR));
		table_add(table, control_text(row, CTL_REASON));
	}
	table_print(table);
	table_free(table);
}

static int list(const struct cli *cli)
{
	return cli_show(cli, CTL_INCIDENT_LIST, NULL, "incidents", print_list);
}

// --- show

static void print_line(const char *name, const char *value)
{
	if (value && *value)
		printf("%-11s %s\n", name, value);
}

static void print_head(const struct control_row *fields)
{
	char text[512], when[40];

	snprintf(text, sizeof(text), "%llu  %s  (%s)",
		 (unsigned long long)control_u64(fields, CTL_INCIDENT),
		 control_text(fields, CTL_KIND), control_text(fields, CTL_STATE));
	print_line("incident", text);
	print_line("when", cli_time_text(control_u64(fields, CTL_WHEN), when));
	snprintf(text, sizeof(text), "%s %s", control_text(fields, CTL_SCOPE),
		 control_text(fields, CTL_SUBJECT));
	print_line("subject",
		   *control_text(fields, CTL_SCOPE) ? text : control_text(fields, CTL_SUBJECT));
	print_line("zones", cli_join(fields, CTL_ABOUT_ZONE, text, sizeof(text)));
	print_line("actor", control_text(fields, CTL_ACTOR));
	print_line("reason", control_text(fields, CTL_REASON));
	if (control_bool(fields, CTL_OWN_JUDGMENT))
		print_line("ordered by", "own judgment");
	else
		print_line("ordered by", control_text(fields, CTL_ORDERED_BY));
	print_line("source", control_text(fields, CTL_REPORTED_BY));
	print_line("detail", control_text(fields, CTL_DETAIL));
	if (control_u64(fields, CTL_GENERATION)) {
		snprintf(text, sizeof(text), "%llu  %s",
			 (unsigned long long)control_u64(fields, CTL_GENERATION),
			 control_text(fields, CTL_DIGEST));
		print_line("generation", text);
	}
	print_line("host", control_text(fields, CTL_HOST));
	print_line("problem", control_text(fields, CTL_PROBLEM));
}

static void print_step(const struct control_row *row)
{
	char when[40];

	printf("  %s  %-11s %s%s%s\n", cli_time_text(control_u64(row, CTL_WHEN), when),
	       control_text(row, CTL_STEP), control_text(row, CTL_ACTOR),
	       *control_text(row, CTL_ACTOR) ? ": " : "", control_text(row, CTL_WORDS));
	if (*control_text(row, CTL_PREVENTION))
		printf("  %-38s prevention: %s\n", "", control_text(row, CTL_PREVENTION));
}

static void print_evidence(const struct control_row *row)
{
	if (*control_text(row, CTL_PROBLEM))
		printf("    %-16s missing: %s\n", control_text(row, CTL_NAME),
		       control_text(row, CTL_PROBLEM));
	else
		printf("    %-16s %10llu bytes  %s\n", control_text(row, CTL_FILE),
		       (unsigned long long)control_u64(row, CTL_SIZE),
		       control_text(row, CTL_MESSAGE));
}

static void print_contact(const struct control_row *row)
{
	printf("  %-8s %s  %s  %s\n", control_text(row, CTL_ROLE), control_text(row, CTL_TITLE),
	       control_text(row, CTL_CONTACT), control_text(row, CTL_HOURS));
}

static void print_rows(const struct control_reply *reply)
{
	static const struct {
		const char *what;
		void (*print)(const struct control_row *row);
	} kinds[] = {
		{ "step", print_step },
		{ "evidence", print_evidence },
		{ "contact", print_contact },
	};
	const char *before = "";

	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);
		const char *what = control_text(row, CTL_WHAT);

		if (strcmp(what, "contact") == 0 && strcmp(before, what) != 0)
			puts("contacts");
		else if (i == 0)
			puts("timeline");
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (strcmp(kinds[k].what, what) == 0)
				kinds[k].print(row);
		before = what;
	}
}

static void print_incident(const struct control_reply *reply)
{
	print_head(control_reply_fields(reply));
	print_rows(reply);
}

static int show(const struct cli *cli, uint64_t number)
{
	struct control_writer request;

	cli_incident_request(&request, number);
	return cli_show(cli, CTL_INCIDENT_SHOW, &request, "rows", print_incident);
}

// --- open, note, close

// Calls, and says which incident it was.
static int change(const struct cli *cli, enum control_method method, struct control_writer *request,
		  const char *done)
{
	struct control_reply reply;
	bool answered;
	int status = cli_call(cli, method, request, -1, &reply, &answered);

	control_writer_done(request);
	if (!answered)
		return status;
	if (cli->json)
		cli_json_print(cli_reply_json(&reply, NULL));
	else if (status == EXIT_FINE)
		printf("incident %llu %s\n",
		       (unsigned long long)control_u64(control_reply_fields(&reply), CTL_INCIDENT),
		       done);
	control_reply_done(&reply);
	return status;
}

static int need(const char *verb, const char *option, const char *value)
{
	if (value && *value)
		return 0;
	fprintf(stderr, "sekisho incident %s needs %s\n", verb, option);
	return -1;
}

static int open_one(const struct cli *cli)
{
	struct control_writer request;

	if (need("open", "--reason TEXT", cli_value(cli, OPT_REASON)) < 0)
		return EXIT_USAGE;
	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_text(&request, CTL_REASON, cli_value(cli, OPT_REASON));
	control_put_text(&request, CTL_REPORTED_BY, cli_value(cli, OPT_SOURCE));
	control_put_text(&request, CTL_SUBJECT, cli->argc > 1 ? cli->argv[1] : NULL);
	return change(cli, CTL_INCIDENT_OPEN, &request, "opened; its evidence is being gathered");
}

static int note(const struct cli *cli, uint64_t number)
{
	struct control_writer request;
	char text[CTL_NAME_MAX] = "";

	for (int i = 2; i < cli->argc; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "", cli->argv[i]);
	}
	if (need("note", "the text of the note", text) < 0)
		return EXIT_USAGE;
	cli_incident_request(&request, number);
	control_put_text(&request, CTL_WORDS, text);
	return change(cli, CTL_INCIDENT_NOTE, &request, "noted");
}

static int close_one(const struct cli *cli, uint64_t number)
{
	struct control_writer request;

	if (need("close", "--reason TEXT", cli_value(cli, OPT_REASON)) < 0)
		return EXIT_USAGE;
	cli_incident_request(&request, number);
	control_put_text(&request, CTL_REASON, cli_value(cli, OPT_REASON));
	control_put_text(&request, CTL_PREVENTION, cli_value(cli, OPT_PREVENTION));
	return change(cli, CTL_INCIDENT_CLOSE, &request, "closed");
}

static int export(const struct cli *cli, uint64_t number)
{
	if (need("export", "the name of the file to write", cli->argv[2]) < 0)
		return EXIT_USAGE;
	return cli_incident_export(cli, number, cli->argv[2]);
}

// --- which of them

void cli_incident_request(struct control_writer *request, uint64_t number)
{
	control_writer_init(request, CTL_REQUEST_MAX);
	control_put_u64(request, CTL_INCIDENT, number);
}

static uint64_t number_of(const char *text)
{
	char *end = NULL;
	unsigned long long number = text ? strtoull(text, &end, 10) : 0;

	return text && *text >= '1' && *text <= '9' && !*end ? number : 0;
}

int verb_incident(const struct cli *cli)
{
	static const struct {
		const char *name;
		int args_max;
		int (*run)(const struct cli *cli);		      // without a number
		int (*about)(const struct cli *cli, uint64_t number); // with one
	} table[] = {
		{ "list", 1, list, NULL },	 { "open", 2, open_one, NULL },
		{ "show", 2, NULL, show },	 { "note", 64, NULL, note },
		{ "close", 2, NULL, close_one }, { "export", 3, NULL, export },
	};
	const char *name = cli->argc ? cli->argv[0] : "list";

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint64_t number = cli->argc > 1 ? number_of(cli->argv[1]) : 0;

		if (strcmp(table[i].name, name) != 0 || cli->argc > table[i].args_max)
			continue;
		if (table[i].run)
			return table[i].run(cli);
		if (number)
			return table[i].about(cli, number);
		fprintf(stderr, "sekisho incident %s needs the number of an incident\n", name);
		return EXIT_USAGE;
	}
	fprintf(stderr,
		"sekisho incident: list | show N | open [SUBJECT] --reason TEXT | note N TEXT | "
		"close N --reason TEXT | export N FILE\n");
	return EXIT_USAGE;
}
