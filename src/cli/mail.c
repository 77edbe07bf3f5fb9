// mail: records of mail, listed by filters or shown whole.  Reading them is recorded by the daemon.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/load.h"
#include "cli/log.h"
#include "cli/mail_counts.h"
#include "cli/mail_held.h"
#include "cli/mail_stops.h"
#include "cli/table.h"
#include "cli/verb.h"

enum { ADDRESS_COLUMNS = 34, REASON_COLUMNS = 44 };

static const struct {
	const char *word, *means;
} verdicts[] = {
	{ "passed", "passed" },
	{ "refused", "refused by the gate" },
	{ "rejected", "rejected by the server" },
	{ "broken-off", "broken off before its end" },
	{ "ended", "ended by the gate: out of step" },
	{ "unread", "passed unread, as the policy says" },
	{ "held", "held inside until somebody has decided" },
};

static const char *verdict_text(const char *word)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (strcmp(verdicts[i].word, word) == 0)
			return verdicts[i].means;
	return word;
}

// --- list

static const char *recipients_text(const struct control_row *row, char *out, size_t size)
{
	const struct control_field *first = control_find(row, CTL_RECIPIENT);
	uint64_t n = control_u64(row, CTL_RECIPIENTS);

	out[0] = '\0';
	if (first && n > 1)
		snprintf(out, size, "+%llu %s", (unsigned long long)n - 1, first->text);
	else if (first)
		snprintf(out, size, "%s", first->text);
	return out;
}

static const char *reason_text(const struct control_row *row, char *out, size_t size)
{
	unsigned long long code = control_u64(row, CTL_REPLY_CODE);

	if (code)
		snprintf(out, size, "%llu %s", code, control_text(row, CTL_REASON));
	else
		snprintf(out, size, "%s", control_text(row, CTL_REASON));
	return out;
}

static void print_list(const struct control_reply *reply)
{
	static const char *const heads[] = { ">id", "written", "client",  "flow",  "from",
					     "to",  ">size",   "verdict", "reason" };
	struct table *table;
	char text[1200];

	if (!control_reply_rows(reply)) {
		puts("no records");
		return;
	}
	table = table_new(heads, 9);
	table_limit(table, 4, ADDRESS_COLUMNS);
	table_limit(table, 5, ADDRESS_COLUMNS);
	table_limit(table, 8, REASON_COLUMNS);
	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);

		table_add_number(table, control_u64(row, CTL_MAIL));
		table_add(table, cli_time_text(control_u64(row, CTL_WHEN), text));
		table_add(table, control_text(row, CTL_CLIENT));
		table_add(table, control_text(row, CTL_FLOW));
		table_add(table, control_text(row, CTL_SENDER));
		table_add(table, recipients_text(row, text, sizeof(text)));
		table_add_number(table, control_u64(row, CTL_SIZE));
		table_add(table, control_text(row, CTL_VERDICT));
		table_add(table, reason_text(row, text, sizeof(text)));
	}
	table_print(table);
	table_free(table);
}

// False: told on stderr.
static bool put_moment(const struct cli *cli, cli_options option, const char *name,
		       struct control_writer *request, enum control_tag tag)
{
	const char *text = cli_value(cli, option);
	uint64_t usec;

	if (!text)
		return true;
	if (log_moment(text, (uint64_t)time(NULL) * 1000000, &usec) == 0) {
		control_put_time(request, tag, usec);
		return true;
	}
	fprintf(stderr,
		"sekisho mail: %s \"%s\" is no time; write 2026-11-26, \"2026-11-26 14:00\", "
		"14:00, or 2h for two hours ago\n",
		name, text);
	return false;
}

// A whole number above 0.  False: told on stderr.
static bool read_number(const char *text, const char *name, uint64_t *ret)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	*ret = number;
	if (text[0] >= '0' && text[0] <= '9' && !*end && number > 0 && number < UINT32_MAX)
		return true;
	fprintf(stderr, "sekisho mail: %s \"%s\" is no number above 0\n", name, text);
	return false;
}

static bool put_limit(const struct cli *cli, struct control_writer *request)
{
	const char *text = cli_value(cli, OPT_LIMIT);
	uint64_t limit;

	if (!text)
		return true;
	if (!read_number(text, "--limit", &limit))
		return false;
	control_put_u64(request, CTL_LIMIT, limit);
	return true;
}

static int list(const struct cli *cli)
{
	struct control_writer request;

	control_writer_init(&request, CTL_REQUEST_MAX);
	if (!put_moment(cli, OPT_SINCE, "--since", &request, CTL_SINCE) ||
	    !put_moment(cli, OPT_UNTIL, "--until", &request, CTL_UNTIL) ||
	    !put_limit(cli, &request)) {
		control_writer_done(&request);
		return EXIT_USAGE;
	}
	control_put_text(&request, CTL_SENDER, cli_value(cli, OPT_FROM));
	control_put_text(&request, CTL_RECIPIENT, cli_value(cli, OPT_TO));
	control_put_text(&request, CTL_CLIENT, cli_value(cli, OPT_CLIENT));
	control_put_text(&request, CTL_FLOW, cli_value(cli, OPT_FLOW));
	control_put_text(&request, CTL_VERDICT, cli_value(cli, OPT_VERDICT));
	control_put_text(&request, CTL_ATTACHMENT, cli_value(cli, OPT_ATTACHMENT));
	control_put_text(&request, CTL_FOUND, cli_value(cli, OPT_FOUND));
	control_put_text(&request, CTL_REASON, cli_value(cli, OPT_REASON));
	return cli_show(cli, CTL_MAIL_LIST, &request, "records", print_list);
}

// --- show

static void line(const char *name, const char *value)
{
	if (*value)
		printf("%-11s %s\n", name, value);
}

static void print_ends(const struct control_row *fields)
{
	char text[256];

	snprintf(text, sizeof(text), "%s port %llu, zone %s", control_text(fields, CTL_CLIENT),
		 (unsigned long long)control_u64(fields, CTL_SOURCE_PORT),
		 *control_text(fields, CTL_FROM) ? control_text(fields, CTL_FROM) : "not known");
	line("client", text);
	snprintf(text, sizeof(text), "%s port %llu, zone %s", control_text(fields, CTL_SERVER),
		 (unsigned long long)control_u64(fields, CTL_PORT),
		 *control_text(fields, CTL_TO) ? control_text(fields, CTL_TO) : "not known");
	line("server", text);
}

static void print_times(const struct control_row *fields)
{
	char text[128], when[40];
	uint64_t began = control_u64(fields, CTL_BEGAN), ended = control_u64(fields, CTL_ENDED);

	line("written", cli_time_text(control_u64(fields, CTL_WHEN), when));
	if (!began)
		return;
	snprintf(text, sizeof(text), "%s, for %.3f seconds", cli_time_text(began, when),
		 ended > began ? (double)(ended - began) / 1e6 : 0.0);
	line("began", text);
}

static bool is_file(const struct control_row *row)
{
	return control_find(row, CTL_ACTION);
}

// A row that is about the message, not a file of it.
static bool print_habit(const struct control_row *row)
{
	char text[2400];

	if (strcmp(control_text(row, CTL_MEDIA_TYPE), "habit") != 0)
		return false;
	snprintf(text, sizeof(text), "%s: %s; %s by rule %llu", control_text(row, CTL_FOUND),
		 control_text(row, CTL_ATTACHMENT), control_text(row, CTL_ACTION),
		 (unsigned long long)control_u64(row, CTL_RULE));
	line("habit", text);
	return true;
}

static void print_file(const struct control_row *row, bool first)
{
	const char *name = control_text(row, CTL_ATTACHMENT);
	const char *type = control_text(row, CTL_MEDIA_TYPE);
	const char *found = control_text(row, CTL_FOUND);
	unsigned long long rule = control_u64(row, CTL_RULE);
	int indent = 2 * (int)control_u64(row, CTL_DEPTH);
	char text[2400];
	int n = snprintf(text, sizeof(text), "%*s%s, ", indent, "", *name ? name : "(no name)");

	if (*type)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s, ", type);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "%llu bytes",
		      (unsigned long long)control_u64(row, CTL_SIZE));
	if (*found)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ": %s", found);
	if (rule)
		snprintf(text + n, sizeof(text) - (size_t)n, "; %s by rule %llu",
			 control_text(row, CTL_ACTION), rule);
	line(first ? "files" : "", text);
	if (*control_text(row, CTL_SHA256)) {
		snprintf(text, sizeof(text), "%*sSHA-256 %s", indent + 2, "",
			 control_text(row, CTL_SHA256));
		line("", text);
	}
}

static void print_files(const struct control_reply *reply)
{
	uint64_t all = control_u64(control_reply_fields(reply), CTL_FILES);
	size_t n = 0, files = 0;
	char text[80];

	for (size_t i = 0; i < control_reply_rows(reply); i++)
		if (is_file(control_reply_row(reply, i))) {
			n++;
			if (!print_habit(control_reply_row(reply, i)))
				print_file(control_reply_row(reply, i), files++ == 0);
		}
	if (all > n) {
		snprintf(text, sizeof(text), "and %llu more that are not kept",
			 (unsigned long long)(all - n));
		line("", text);
	}
}

static void print_recipients(const struct control_reply *reply)
{
	uint64_t all = control_u64(control_reply_fields(reply), CTL_RECIPIENTS);
	size_t n = 0;
	char text[1200];

	for (; n < control_reply_rows(reply); n++) {
		const struct control_row *row = control_reply_row(reply, n);
		if (is_file(row))
			break;
		unsigned long long code = control_u64(row, CTL_REPLY_CODE);

		if (code)
			snprintf(text, sizeof(text), "%s  (%llu)", control_text(row, CTL_RECIPIENT),
				 code);
		else
			snprintf(text, sizeof(text), "%s  (no reply)",
				 control_text(row, CTL_RECIPIENT));
		line(n == 0 ? "to" : "", text);
	}
	if (all > n) {
		snprintf(text, sizeof(text), "and %llu more that are not kept by name",
			 (unsigned long long)(all - n));
		line("", text);
	}
}

static void print_record(const struct control_reply *reply)
{
	const struct control_row *fields = control_reply_fields(reply);
	char text[1200];
	uint64_t declared = control_u64(fields, CTL_DECLARED);

	snprintf(text, sizeof(text), "%llu", (unsigned long long)control_u64(fields, CTL_MAIL));
	line("record", text);
	print_times(fields);
	line("verdict", verdict_text(control_text(fields, CTL_VERDICT)));
	line("reason", reason_text(fields, text, sizeof(text)));
	print_ends(fields);
	line("flow", control_text(fields, CTL_FLOW));
	line("guard", control_text(fields, CTL_GUARDED_BY));
	line("clause", control_text(fields, CTL_CLAUSE));
	line("control", control_text(fields, CTL_CONTROL));
	line("helo", control_text(fields, CTL_HELO));
	snprintf(text, sizeof(text), "%s%s", control_text(fields, CTL_SENDER),
		 control_bool(fields, CTL_OWN_SENDER) ? "  (an own domain, from outside)" : "");
	line("from", text);
	print_recipients(reply);
	snprintf(text, sizeof(text), "%llu bytes",
		 (unsigned long long)control_u64(fields, CTL_SIZE));
	if (declared)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", declared as %llu",
			 (unsigned long long)declared);
	line("size", text);
	print_files(reply);
	line("tls", control_bool(fields, CTL_TLS) ? "started" : "none");
	if (control_find(fields, CTL_TLS_CLIENT))
		line("tls of client", control_text(fields, CTL_TLS_CLIENT));
	if (control_find(fields, CTL_TLS_SERVER))
		line("tls of server", control_text(fields, CTL_TLS_SERVER));
	if (control_bool(fields, CTL_HASHED))
		line("addresses", "kept as pseudonyms, names of files too");
}

// Recipients and files are rows of one reply; for programs they are two lists.
static void print_json(const struct control_reply *reply)
{
	struct json_object *object = cli_row_json(control_reply_fields(reply));
	struct json_object *lists[] = { json_object_new_array(), json_object_new_array() };

	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);
		json_object_array_add(lists[is_file(row)], cli_row_json(row));
	}
	json_object_object_add(object, "to", lists[0]);
	json_object_object_add(object, "attachments", lists[1]);
	cli_json_print(object);
}

static int show(const struct cli *cli)
{
	struct control_writer request;
	struct control_reply reply;
	bool answered;
	uint64_t number;

	if (!read_number(cli->argv[1], "record", &number))
		return EXIT_USAGE;
	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_u64(&request, CTL_MAIL, number);
	control_put_text(&request, CTL_SENDER, cli_value(cli, OPT_FROM));
	control_put_text(&request, CTL_RECIPIENT, cli_value(cli, OPT_TO));
	control_put_text(&request, CTL_REASON, cli_value(cli, OPT_REASON));
	int status = cli_call(cli, CTL_MAIL_SHOW, &request, -1, &reply, &answered);
	control_writer_done(&request);
	if (!answered)
		return status;
	if (cli->json)
		print_json(&reply);
	else if (status == EXIT_FINE)
		print_record(&reply);
	control_reply_done(&reply);
	return status;
}

int verb_mail(const struct cli *cli)
{
	int status = mail_stops(cli);

	if (status < 0)
		status = mail_held(cli);
	if (status >= 0)
		return status;
	if (strcmp(cli->argv[0], "list") == 0 && cli->argc == 1)
		return list(cli);
	if (strcmp(cli->argv[0], "show") == 0 && cli->argc == 2)
		return show(cli);
	if (strcmp(cli->argv[0], "counts") == 0)
		return mail_counts(cli);
	fputs("sekisho mail: write \"list\", \"status\", \"show\" and the number of a record, "
	      "\"counts\" and a month, \"held\", \"release\" or \"reject\" and the number of a held message, or \"stop\" or \"resume\" and what: source ADDRESS, sender ADDRESS, zone NAME, "
	      "direction in or out, or all\n",
	      stderr);
	return EXIT_USAGE;
}
