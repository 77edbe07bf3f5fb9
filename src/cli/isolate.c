// isolate, quarantine and reconnect: the emergency switch at the hand of whoever is on duty.
// On a terminal it shows what will be cut and asks for what it was not told; with --yes it cuts.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/isolate.h"
#include "cli/load.h"
#include "cli/verb.h"

enum { HOSTS_SHOWN = 20, LINE_BYTES = 256 };

static const struct {
	const char *word, *meaning;
} reasons[] = {
	{ "malware", "マルウェア感染の疑い  suspected malware" },
	{ "leak", "情報漏えいの疑い  suspected leak of information" },
	{ "attack", "外部からの攻撃  attack from outside" },
	{ "order", "指示による  ordered from above" },
	{ "maintenance", "保守作業  maintenance" },
	{ "drill", "訓練  drill" },
};

enum { N_REASONS = sizeof(reasons) / sizeof(reasons[0]) };

struct call {
	const struct cli *cli;
	enum control_method method, preview;
	const char *kind, *name;
	char reason[LINE_BYTES], ordered_by[LINE_BYTES];
	bool own_judgment, ask;
	uint64_t seconds;
};

// The switch listens beside the control socket (NULL: the usual one).
static const char *switch_path(const char *path, char out[PATH_MAX])
{
	const char *slash;

	if (!path)
		path = CONTROL_SOCKET_DEFAULT;
	slash = strrchr(path, '/');
	snprintf(out, PATH_MAX, "%.*sswitch.sock", slash ? (int)(slash - path + 1) : 0, path);
	return out;
}

void isolate_dial(int argc, char **argv)
{
	static const char socket_option[] = "--socket";
	const size_t length = sizeof(socket_option) - 1;
	const char *given = NULL;
	char path[PATH_MAX];
	bool at_once = false;

	for (int i = 0; i < argc; i++) {
		at_once |= strcmp(argv[i], "--yes") == 0;
		if (strncmp(argv[i], socket_option, length) != 0)
			continue;
		if (argv[i][length] == '=')
			given = argv[i] + length + 1;
		else if (!argv[i][length] && i + 1 < argc)
			given = argv[i + 1];
	}
	if (at_once)
		cli_dial(switch_path(given, path));
}

static int call_switch(const struct cli *cli, enum control_method method,
		       const struct control_writer *request, struct control_reply *ret_reply,
		       bool *ret_answered)
{
	char path[PATH_MAX];
	struct cli beside = *cli;

	beside.values[cli_option_place(OPT_SOCKET)] = switch_path(cli_value(cli, OPT_SOCKET), path);
	return cli_call(&beside, method, request, -1, ret_reply, ret_answered);
}

static void put_request(const struct call *call, struct control_writer *request)
{
	control_writer_init(request, CTL_REQUEST_MAX);
	control_put_text(request, CTL_KIND, call->kind);
	control_put_text(request, CTL_NAME, call->name);
	control_put_text(request, CTL_REASON, call->reason);
	control_put_text(request, CTL_ORDERED_BY, call->ordered_by);
	if (call->own_judgment)
		control_put_bool(request, CTL_OWN_JUDGMENT, true);
	if (cli_has(call->cli, OPT_TOTAL))
		control_put_bool(request, CTL_TOTALLY, true);
	if (cli_has(call->cli, OPT_LINK_DOWN))
		control_put_bool(request, CTL_LINK_DOWN, true);
	if (call->seconds)
		control_put_u64(request, CTL_SECONDS, call->seconds);
}

// --- showing

static void print_texts(const char *head, const struct control_row *row, enum control_tag tag)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->v[i].tag == tag)
			printf("  %-14s %s\n", head, row->v[i].text);
}

static void print_hosts(const struct control_reply *reply)
{
	size_t n = control_reply_rows(reply);

	printf("  %-14s %zu known at this moment\n", "hosts", n);
	for (size_t i = 0; i < n && i < HOSTS_SHOWN; i++) {
		const struct control_row *row = control_reply_row(reply, i);
		char links[64];

		printf("  %-14s %-24s %s  %s\n", "", control_text(row, CTL_ADDRESS),
		       control_text(row, CTL_MAC),
		       cli_join(row, CTL_INTERFACE, links, sizeof(links)));
	}
	if (n > HOSTS_SHOWN)
		printf("  %-14s and %zu more\n", "", n - HOSTS_SHOWN);
}

static int preview(const struct call *call)
{
	struct control_writer request;
	struct control_reply reply;
	bool answered;
	int status;

	put_request(call, &request);
	status = cli_call(call->cli, call->preview, &request, -1, &reply, &answered);
	control_writer_done(&request);
	if (answered && status == EXIT_FINE && call->cli->json) {
		cli_json_print(cli_reply_json(&reply, "hosts"));
	} else if (answered && status == EXIT_FINE) {
		const struct control_row *fields = control_reply_fields(&reply);

		printf("to be cut: %s %s\n", call->kind, call->name);
		print_texts("cut", fields, CTL_TARGET);
		print_hosts(&reply);
		if (control_find(fields, CTL_TOTAL))
			printf("  %-14s %s%llu live ones\n", "connections",
			       control_bool(fields, CTL_MORE_THAN) ? "more than " : "",
			       (unsigned long long)control_u64(fields, CTL_TOTAL));
		print_texts("stays up", fields, CTL_LIFELINE);
		print_texts("stays open", fields, CTL_STAYS);
	}
	if (answered)
		control_reply_done(&reply);
	return status;
}

static int print_done(const struct call *call, const struct control_reply *reply)
{
	const struct control_row *fields = control_reply_fields(reply);
	char when[40];

	if (call->cli->json) {
		cli_json_print(cli_reply_json(reply, NULL));
		return EXIT_FINE;
	}
	printf("isolated: %s %s\n", call->kind, control_text(fields, CTL_NAME));
	printf("  %-14s %s (%.0f µs from the order)\n", "confirmed",
	       cli_time_text(control_u64(fields, CTL_CONFIRMED), when),
	       (double)control_u64(fields, CTL_KERNEL_NS) / 1000);
	print_texts("cut", fields, CTL_TARGET);
	print_texts("switched off", fields, CTL_INTERFACE_DOWN);
	if (control_u64(fields, CTL_UNTIL))
		printf("  %-14s %s\n", "until",
		       cli_time_text(control_u64(fields, CTL_UNTIL), when));
	print_texts("stays open", fields, CTL_STAYS);
	print_texts("warning", fields, CTL_WARNING);
	return EXIT_FINE;
}

// --- asking

static bool read_line(const char *prompt, char out[LINE_BYTES])
{
	printf("%s", prompt);
	fflush(stdout);
	if (!fgets(out, LINE_BYTES, stdin))
		return false;
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static bool ask_reason(struct call *call)
{
	char line[LINE_BYTES];
	char *end;
	unsigned long n;

	puts("理由 / reason:");
	for (size_t i = 0; i < N_REASONS; i++)
		printf("  %zu  %-12s %s\n", i + 1, reasons[i].word, reasons[i].meaning);
	if (!read_line("番号か自由記述 / number or words: ", line))
		return false;
	n = strtoul(line, &end, 10);
	if (*line && !*end && n >= 1 && n <= N_REASONS)
		snprintf(call->reason, sizeof(call->reason), "%s", reasons[n - 1].word);
	else
		snprintf(call->reason, sizeof(call->reason), "%s", line);
	return *call->reason;
}

static bool ask_order(struct call *call)
{
	if (!read_line("誰の指示ですか (空欄: 自己の判断) / on whose order (empty: own judgment): ",
		       call->ordered_by))
		return false;
	call->own_judgment = !*call->ordered_by;
	return true;
}

static bool ask_all(struct call *call)
{
	char line[LINE_BYTES];

	if (!*call->reason && !ask_reason(call))
		return false;
	if (!*call->ordered_by && !call->own_judgment && !ask_order(call))
		return false;
	return read_line("遮断しますか / cut it off now? [y/N] ", line) &&
	       (strcmp(line, "y") == 0 || strcmp(line, "yes") == 0);
}

// --- the verbs

int isolate_seconds(const char *text, uint64_t *ret)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (n && n < 100000 && end[0] == units[i].unit && !end[1] && *text != '-') {
			*ret = n * units[i].seconds;
			return 0;
		}
	fprintf(stderr, "sekisho: --for %s: write a number and s, m, h or d, such as 2h\n", text);
	return -EINVAL;
}

static int take_options(struct call *call)
{
	const struct cli *cli = call->cli;
	const char *reason = cli_value(cli, OPT_REASON);
	const char *ordered_by = cli_value(cli, OPT_ORDERED_BY);
	const char *limit = cli_value(cli, OPT_FOR);

	snprintf(call->reason, sizeof(call->reason), "%s", reason ? reason : "");
	snprintf(call->ordered_by, sizeof(call->ordered_by), "%s", ordered_by ? ordered_by : "");
	call->own_judgment = cli_has(cli, OPT_OWN_MIND);
	call->ask = !cli_has(cli, OPT_YES) && !cli->json;
	if (limit && isolate_seconds(limit, &call->seconds) < 0)
		return EXIT_USAGE;
	if (call->ask && !cli_has(cli, OPT_PREVIEW) && !isatty(STDIN_FILENO)) {
		fputs("sekisho: without a terminal to ask on, say --yes (or --preview)\n", stderr);
		return EXIT_USAGE;
	}
	return EXIT_FINE;
}

static int carry_out(struct call *call)
{
	struct control_writer request;
	struct control_reply reply;
	bool answered;
	int status = take_options(call);

	if (status == EXIT_FINE && (call->ask || cli_has(call->cli, OPT_PREVIEW))) {
		status = preview(call);
		if (status == EXIT_FINE && cli_has(call->cli, OPT_PREVIEW))
			return status;
		// A daemon that is busy shows nothing, and can still be told to cut.
		if (status != EXIT_FINE && status != EXIT_NO_DAEMON)
			return status;
		if (!ask_all(call)) {
			puts("nothing was cut");
			return EXIT_FAILED;
		}
	} else if (status != EXIT_FINE) {
		return status;
	}
	put_request(call, &request);
	status = call_switch(call->cli, call->method, &request, &reply, &answered);
	control_writer_done(&request);
	if (status == EXIT_NO_DAEMON)
		fprintf(stderr, "sekisho: cut off without the daemon: sekisho-isolate %s %s\n",
			call->kind, call->name);
	if (answered && status == EXIT_FINE)
		status = print_done(call, &reply);
	if (answered)
		control_reply_done(&reply);
	return status;
}

static void print_list(const struct control_reply *reply)
{
	size_t n = control_reply_rows(reply);
	char when[40], targets[1024];

	for (size_t i = 0; i < n; i++) {
		const struct control_row *row = control_reply_row(reply, i);

		printf("%s %s%s%s\n", control_text(row, CTL_KIND), control_text(row, CTL_NAME),
		       control_bool(row, CTL_QUARANTINED) ? " (quarantine)" : "",
		       control_bool(row, CTL_TOTALLY) ? " (total)" : "");
		printf("  %-14s %s by %s\n", "since",
		       cli_time_text(control_u64(row, CTL_SINCE), when),
		       control_text(row, CTL_ACTOR));
		print_texts("reason", row, CTL_REASON);
		printf("  %-14s %s\n", "ordered by",
		       *control_text(row, CTL_ORDERED_BY) ? control_text(row, CTL_ORDERED_BY)
							  : "own judgment");
		if (control_u64(row, CTL_INCIDENT))
			printf("  %-14s %llu\n", "incident",
			       (unsigned long long)control_u64(row, CTL_INCIDENT));
		if (control_u64(row, CTL_UNTIL))
			printf("  %-14s %s\n", "until",
			       cli_time_text(control_u64(row, CTL_UNTIL), when));
		print_texts("asked to reconnect", row, CTL_ASKED_BY);
		if (*cli_join(row, CTL_TARGET, targets, sizeof(targets)))
			printf("  %-14s %s\n", "cut", targets);
	}
	if (n == 0)
		puts("nothing is isolated");
}

static int list(const struct cli *cli)
{
	struct control_reply reply;
	bool answered;
	int status = call_switch(cli, CTL_ISOLATIONS, NULL, &reply, &answered);

	if (answered && status == EXIT_FINE) {
		if (cli->json)
			cli_json_print(cli_reply_json(&reply, "isolations"));
		else
			print_list(&reply);
		if (control_reply_rows(&reply))
			status = EXIT_ISOLATED;
	}
	if (answered)
		control_reply_done(&reply);
	return status;
}

int verb_isolate(const struct cli *cli)
{
	struct call call = { .cli = cli,
			     .method = CTL_ISOLATE,
			     .preview = CTL_ISOLATE_PREVIEW,
			     .kind = cli->argv[0],
			     .name = cli->argc > 1 ? cli->argv[1] : "" };
	bool all = strcmp(call.kind, "all") == 0;

	if (strcmp(call.kind, "list") == 0 && cli->argc == 1)
		return list(cli);
	if (all != (cli->argc == 1)) {
		fputs("usage: sekisho isolate zone|link|host NAME, or isolate all, or isolate "
		      "list\n",
		      stderr);
		return EXIT_USAGE;
	}
	return carry_out(&call);
}

int verb_quarantine(const struct cli *cli)
{
	struct call call = { .cli = cli,
			     .method = CTL_QUARANTINE,
			     .preview = CTL_QUARANTINE_PREVIEW,
			     .kind = "host",
			     .name = cli->argv[0] };

	return carry_out(&call);
}

int verb_reconnect(const struct cli *cli)
{
	struct control_writer request;
	struct control_reply reply;
	char name[LINE_BYTES], when[40];
	bool answered;
	int status;

	snprintf(name, sizeof(name), "%s%s%s", cli->argv[0], cli->argc > 1 ? " " : "",
		 cli->argc > 1 ? cli->argv[1] : "");
	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_text(&request, CTL_NAME, name);
	control_put_text(&request, CTL_REASON, cli_value(cli, OPT_REASON));
	status = cli_call(cli, CTL_RECONNECT, &request, -1, &reply, &answered);
	control_writer_done(&request);
	if (answered && status == EXIT_FINE) {
		const struct control_row *fields = control_reply_fields(&reply);

		if (cli->json) {
			cli_json_print(cli_reply_json(&reply, NULL));
		} else {
			printf("reconnected: %s (%s)\n", control_text(fields, CTL_NAME),
			       cli_time_text(control_u64(fields, CTL_CONFIRMED), when));
			print_texts("still isolated", fields, CTL_ISOLATED);
		}
	}
	if (answered)
		control_reply_done(&reply);
	return status;
}
