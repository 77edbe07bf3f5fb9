// sekisho: the command line.  Owns the table of verbs and the options; verbs do the work.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "base/text.h"
#include "cli/countries.h"
#include "cli/verb.h"

#define ORDER_OPTIONS                                                                              \
	(OPT_JSON | OPT_SOCKET | OPT_REASON | OPT_ORDERED_BY | OPT_OWN_MIND | OPT_TOTAL |          \
	 OPT_LINK_DOWN | OPT_FOR | OPT_PREVIEW | OPT_YES)

static const struct cli_verb verbs[] = {
	{ "check", "[DIR ...]",
	  "every fault of a policy, whether its assertions hold and its tests pass", 0, 64,
	  OPT_JSON | OPT_COUNTRIES, verb_check },
	{ "print", "[DIR]", "the policy in canonical form", 0, 1, OPT_COUNTRIES, verb_print },
	{ "show", "ruleset|guards|schema|manual [DIR]",
	  "the compiled ruleset as nft syntax; the guards; the JSON Schema; the keys", 1, 2,
	  OPT_JSON | OPT_COUNTRIES, verb_show },
	{ "query", "FROM TO SERVICE [DIR]", "what happens to a packet, and why", 3, 4,
	  OPT_JSON | OPT_EXPECT | OPT_SOURCE_PORT | OPT_COUNTRIES, verb_query },
	{ "diff", "[[DIR] DIR]", "what opens, closes and changes between two policies", 0, 2,
	  OPT_JSON | OPT_SOCKET | OPT_EXPECT | OPT_GENERATION | OPT_COUNTRIES, verb_diff },
	{ "replay", "CAPTURE [DIR]", "what the policy would do to captured traffic", 1, 2,
	  OPT_JSON | OPT_INTERFACE | OPT_SELF | OPT_PACKETS | OPT_DIFF | OPT_PROPOSE |
		  OPT_CONNECTIONS | OPT_COUNTRIES,
	  verb_replay },
	{ "explain", "[CODE]", "what a diagnostic means and what to do; or all codes", 0, 1,
	  OPT_JSON, verb_explain },
	{ "apply", "[DIR|PROPOSAL]", "check, load and read back a policy", 0, 1,
	  OPT_JSON | OPT_SOCKET | OPT_CONFIRM | OPT_WAIT | OPT_AT | OPT_REASON | OPT_REQUEST |
		  OPT_EMERGENCY,
	  verb_apply },
	{ "confirm", "", "what was applied stays: one still gets in", 0, 0, OPT_JSON | OPT_SOCKET,
	  verb_confirm },
	{ "rollback", "[GENERATION]", "the generation before, or another one, runs again", 0, 1,
	  OPT_JSON | OPT_SOCKET | OPT_CONFIRM | OPT_WAIT | OPT_REASON | OPT_EMERGENCY,
	  verb_rollback },
	{ "history", "", "generations, who applied them and why", 0, 0, OPT_JSON | OPT_SOCKET,
	  verb_history },
	{ "propose", "[DIR]", "keep a policy for others to approve", 0, 1,
	  OPT_JSON | OPT_SOCKET | OPT_REASON | OPT_REQUEST, verb_propose },
	{ "proposals", "", "proposals and what they lack", 0, 0, OPT_JSON | OPT_SOCKET,
	  verb_proposals },
	{ "proposal", "NUMBER", "the page an approver reads, with its code", 1, 1,
	  OPT_JSON | OPT_SOCKET, verb_proposal },
	{ "approve", "NUMBER CODE", "approve what the page showed", 2, 2, OPT_JSON | OPT_SOCKET,
	  verb_approve },
	{ "reject", "NUMBER", "reject or withdraw a proposal", 1, 1,
	  OPT_JSON | OPT_SOCKET | OPT_REASON, verb_reject },
	{ "review", "GENERATION", "what one person applied in an emergency was looked at", 1, 1,
	  OPT_JSON | OPT_SOCKET | OPT_REASON, verb_review },
	{ "status", "", "what runs, since when, and how well", 0, 0, OPT_JSON | OPT_SOCKET,
	  verb_status },
	{ "flows", "[DIR]", "flows with their use; with DIR, of a policy that need not run", 0, 1,
	  OPT_JSON | OPT_SOCKET | OPT_COUNTRIES, verb_flows },
	{ "zones", "[DIR]", "zones with what they were denied; with DIR, of a policy", 0, 1,
	  OPT_JSON | OPT_SOCKET | OPT_COUNTRIES, verb_zones },
	{ "geo", "[ADDRESS]", "the country of an address; with --country, its size", 0, 1,
	  OPT_JSON | OPT_COUNTRIES | OPT_COUNTRY, verb_geo },
	{ "connections", "", "what lives, and the flow that permits each connection", 0, 0,
	  OPT_JSON | OPT_SOCKET | OPT_ZONE, verb_connections },
	{ "log", "[verify [DIR] | head [DIR] | export DIR|FILE.tar]",
	  "the audit log: read, verified, its newest checkpoint, exported", 0, 2,
	  OPT_JSON | OPT_SINCE | OPT_UNTIL | OPT_TYPE | OPT_ZONE | OPT_FLOW | OPT_ACTOR |
		  OPT_FOLLOW | OPT_LINES | OPT_LOG_DIR | OPT_HEADS | OPT_KEY,
	  verb_log },
	{ "mail",
	  "list | show N | counts [MONTH [MONTH]] | held [N|all] | release|reject N | status | stop|resume source|sender|zone|direction NAME | stop|resume all",
	  "records of mail, its counts by month; held mail; mail stopped and resumed", 1, 3,
	  OPT_JSON | OPT_SOCKET | OPT_SINCE | OPT_UNTIL | OPT_FROM | OPT_TO | OPT_CLIENT |
		  OPT_FLOW | OPT_VERDICT | OPT_ATTACHMENT | OPT_FOUND | OPT_LIMIT | OPT_REASON |
		  OPT_FOR,
	  verb_mail },
	{ "drift", "", "whether the kernel is as it should be, and what others changed", 0, 0,
	  OPT_JSON | OPT_SOCKET, verb_drift },
	{ "incident", "[list | show N | open [SUBJECT] | note N TEXT | close N | export N FILE]",
	  "what is kept of what happened, with its evidence", 0, 64,
	  OPT_JSON | OPT_SOCKET | OPT_REASON | OPT_PREVENTION | OPT_SOURCE | OPT_MASK,
	  verb_incident },
	{ "isolate", "zone|link|host NAME | all | list",
	  "cut a zone, a link, a host or everything off at once", 1, 2, ORDER_OPTIONS,
	  verb_isolate },
	{ "quarantine", "ADDRESS|MAC", "cut one host off", 1, 1, ORDER_OPTIONS, verb_quarantine },
	{ "reconnect", "[KIND] NAME|INCIDENT", "end an isolation", 1, 2,
	  OPT_JSON | OPT_SOCKET | OPT_REASON, verb_reconnect },
};

enum { N_VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static const struct {
	const char *name;
	cli_options option;
	const char *value; // as the usage line shows it; NULL: the option takes none
	const char *help;
} options[] = {
	{ "--json", OPT_JSON, NULL, "print JSON" },
	{ "--socket", OPT_SOCKET, "PATH", "control socket of the daemon" },
	{ "--expect", OPT_EXPECT, "ANSWER", "exit with 4 if the answer is otherwise" },
	{ "--source-port", OPT_SOURCE_PORT, "PORT", "source port of the packet" },
	{ "--generation", OPT_GENERATION, "N",
	  "compare with generation N, not with the running one" },
	{ "--zone", OPT_ZONE, "ZONE", "only what comes from or goes to it" },
	{ "--reason", OPT_REASON, "TEXT", "why; goes into the record" },
	{ "--prevention", OPT_PREVENTION, "TEXT", "what is done so that it does not happen again" },
	{ "--source", OPT_SOURCE, "TEXT", "who reported it" },
	{ "--mask", OPT_MASK, NULL, "pseudonyms in place of inner addresses; no capture" },
	{ "--request", OPT_REQUEST, "TEXT", "number of the request" },
	{ "--confirm", OPT_CONFIRM, "TIME", "wait so long for the confirm: 120s, 5m" },
	{ "--wait", OPT_WAIT, NULL, "until it is confirmed or has returned" },
	{ "--at", OPT_AT, "TIME", "apply the proposal at this local time" },
	{ "--emergency", OPT_EMERGENCY, "REASON", "alone, to be reviewed afterwards" },
	{ "--ordered-by", OPT_ORDERED_BY, "NAME", "on whose order" },
	{ "--own-judgment", OPT_OWN_MIND, NULL, "nobody ordered it" },
	{ "--total", OPT_TOTAL, NULL, "isolate all: lifelines too" },
	{ "--link-down", OPT_LINK_DOWN, NULL, "switch the interfaces off besides" },
	{ "--for", OPT_FOR, "TIME", "only so long (2h), where the policy allows it" },
	{ "--preview", OPT_PREVIEW, NULL, "show what would be cut, and cut nothing" },
	{ "--yes", OPT_YES, NULL, "do not ask" },
	{ "--since", OPT_SINCE, "TIME", "from then on: 2026-11-26, 14:00, 2h (ago)" },
	{ "--until", OPT_UNTIL, "TIME", "before then" },
	{ "--type", OPT_TYPE, "KIND", "kind of event: applied, packet-*" },
	{ "--flow", OPT_FLOW, "FLOW", "only what is about it" },
	{ "--from", OPT_FROM, "ADDRESS", "sender: an address, @domain, or <> for none" },
	{ "--to", OPT_TO, "ADDRESS", "recipient: an address or @domain" },
	{ "--client", OPT_CLIENT, "ADDRESS", "the sending host, or its network" },
	{ "--verdict", OPT_VERDICT, "WORD",
	  "passed, refused, rejected, broken-off, ended, unread, held" },
	{ "--attachment", OPT_ATTACHMENT, "NAME", "a file of that name (*, ?), or its SHA-256" },
	{ "--found", OPT_FOUND, "KIND", "a file of that kind: executable, macro, encrypted ..." },
	{ "--limit", OPT_LIMIT, "N", "the newest N (100; 10000 at most)" },
	{ "--actor", OPT_ACTOR, "WHO", "who did it: a name or a uid" },
	{ "--follow", OPT_FOLLOW, NULL, "go on with what comes" },
	{ "--lines", OPT_LINES, "N", "only the newest N" },
	{ "--log-dir", OPT_LOG_DIR, "DIR", "folder of the audit log" },
	{ "--heads", OPT_HEADS, "FILE", "checkpoints that were sent elsewhere, to compare" },
	{ "--countries", OPT_COUNTRIES, "FILE", "database of countries to use" },
	{ "--country", OPT_COUNTRY, "CODE", "sizes of countries: JP, \"JP,KR\", all" },
	{ "--interface", OPT_INTERFACE, "NAME=ZONE,...", "zones of the capture's interfaces" },
	{ "--self", OPT_SELF, "ADDRESS,...", "the gateway's own addresses" },
	{ "--packets", OPT_PACKETS, "N", "the packets of connection N" },
	{ "--diff", OPT_DIFF, "DIR2", "connections that fare otherwise under this policy" },
	{ "--propose", OPT_PROPOSE, NULL,
	  "flows that would permit what is denied, as policy text" },
	{ "--connections", OPT_CONNECTIONS, NULL, "each connection" },
	{ "--key", OPT_KEY, "FILE", "public key to verify with" },
};

enum { N_OPTIONS = sizeof(options) / sizeof(options[0]) };

static void print_options(FILE *out, cli_options which)
{
	for (int i = 0; i < N_OPTIONS; i++)
		if (which & options[i].option) {
			char head[40];

			snprintf(head, sizeof(head), "%s %s", options[i].name,
				 options[i].value ? options[i].value : "");
			fprintf(out, "  %-20s %s\n", head, options[i].help);
		}
}

static void print_verb(FILE *out, const struct cli_verb *verb)
{
	fprintf(out, "usage: sekisho %s", verb->name);
	for (int i = 0; i < N_OPTIONS; i++)
		if (verb->options & options[i].option)
			fprintf(out, " [%s%s%s]", options[i].name, options[i].value ? " " : "",
				options[i].value ? options[i].value : "");
	fprintf(out, "%s%s\n", *verb->arguments ? " " : "", verb->arguments);
}

static void usage(FILE *out)
{
	fputs("usage: sekisho VERB [OPTION ...] [ARGUMENT ...]\n\n", out);
	for (int i = 0; i < N_VERBS; i++) {
		char head[80];

		snprintf(head, sizeof(head), "  %s %s", verbs[i].name, verbs[i].arguments);
		text_pad(out, head, 40);
		fprintf(out, " %s\n", verbs[i].summary);
	}
	fputs("\n", out);
	print_options(out, ~(cli_options)0);
	fputs("\nDIR is " CLI_DIR " unless given.  See sekisho(8), sekisho-policy(5).\n", out);
}

static int verb_usage(const struct cli_verb *verb)
{
	print_verb(stderr, verb);
	return EXIT_USAGE;
}

static int verb_help(const struct cli_verb *verb)
{
	print_verb(stdout, verb);
	printf("\n  %s\n\n", verb->summary);
	print_options(stdout, verb->options);
	return EXIT_FINE;
}

static const struct cli_verb *find_verb(const char *name)
{
	struct text_nearest near = { .wanted = name };

	for (int i = 0; i < N_VERBS; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
		text_nearest_try(&near, verbs[i].name);
	}
	fprintf(stderr, "sekisho: there is no verb \"%s\"", name);
	if (near.name)
		fprintf(stderr, "; did you mean \"%s\"?", near.name);
	fputs("\nsekisho --help lists them.\n", stderr);
	return NULL;
}

// The option that a word names, "--name" or "--name=value"; -1: none.
static int find_option(const char *word, const char **ret_value)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);

	*ret_value = equals ? equals + 1 : NULL;
	for (int i = 0; i < N_OPTIONS; i++)
		if (strlen(options[i].name) == length &&
		    strncmp(options[i].name, word, length) == 0)
			return i;
	return -1;
}

// Sorts the words into options and arguments (left in cli->argv).  0, or -1 on a usage error.
static int take_words(struct cli *cli, const struct cli_verb *verb, int argc, char **argv)
{
	bool only_arguments = false;

	for (int i = 0; i < argc; i++) {
		const char *value = NULL;
		int at;

		if (only_arguments || strncmp(argv[i], "--", 2) != 0) {
			cli->argv[cli->argc++] = argv[i];
			continue;
		}
		if (argv[i][2] == '\0') {
			only_arguments = true;
			continue;
		}
		at = find_option(argv[i], &value);
		if (at < 0 || !(verb->options & options[at].option)) {
			fprintf(stderr, "sekisho %s: no option \"%s\"\n", verb->name, argv[i]);
			return -1;
		}
		if (options[at].value && !value && i + 1 < argc)
			value = argv[++i];
		if ((options[at].value == NULL) != (value == NULL)) {
			fprintf(stderr, "sekisho %s: %s takes %s\n", verb->name, options[at].name,
				options[at].value ? options[at].value : "no value");
			return -1;
		}
		cli->values[cli_option_place(options[at].option)] = value ? value : "";
	}
	cli->json = cli_has(cli, OPT_JSON);
	cli_countries_choose(cli);
	return cli->argc < verb->args_min || cli->argc > verb->args_max ? -1 : 0;
}

static int run_verb(const struct cli_verb *verb, int argc, char **argv)
{
	struct cli cli = { .argv = calloc((size_t)argc + 1, sizeof(char *)) };
	int status;

	if (!cli.argv)
		return EXIT_FAILED;
	status = take_words(&cli, verb, argc, argv) < 0 ? verb_usage(verb) : verb->run(&cli);
	free(cli.argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("sekisho: cannot write the output");
		return status == EXIT_FINE ? EXIT_FAILED : status;
	}
	return status;
}

int main(int argc, char **argv)
{
	const struct cli_verb *verb;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return EXIT_FINE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("sekisho " SEKISHO_VERSION);
		return EXIT_FINE;
	}
	if (strcmp(argv[1], "isolate") == 0 || strcmp(argv[1], "quarantine") == 0)
		isolate_dial(argc - 2, argv + 2);
	verb = find_verb(argv[1]);
	if (verb && argc > 2 && strcmp(argv[2], "--help") == 0)
		return verb_help(verb);
	return verb ? run_verb(verb, argc - 2, argv + 2) : EXIT_USAGE;
}
