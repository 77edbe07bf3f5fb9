// print and show: the policy and what is made from it, as text.
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "cli/guards.h"
#include "cli/load.h"
#include "cli/verb.h"
#include "compile/compile.h"
#include "policy/print.h"

int verb_print(const struct cli *cli)
{
	__attribute__((cleanup(cli_policy_cleanup))) struct cli_policy loaded;

	if (!cli_policy_load_or_tell(cli->argc ? cli->argv[0] : CLI_DIR, &loaded))
		return loaded.status;
	policy_print(loaded.policy, stdout);
	return EXIT_FINE;
}

static int show_ruleset(const struct cli *cli, const char *dir)
{
	(void)cli;
	__attribute__((cleanup(cli_policy_cleanup))) struct cli_policy loaded;
	__attribute__((cleanup(ruleset_freep))) struct ruleset *ruleset = NULL;
	struct compile_options offline = { 0 };

	if (!cli_policy_load_or_tell(dir, &loaded))
		return loaded.status;
	if (compile(loaded.plan, &offline, loaded.diag, &ruleset) < 0) {
		diag_print(loaded.diag, stderr);
		return EXIT_POLICY;
	}
	ruleset_print(ruleset, stdout);
	return EXIT_FINE;
}

static int show_schema(const struct cli *cli, const char *dir)
{
	(void)cli;
	(void)dir;
	policy_print_schema(stdout);
	return EXIT_FINE;
}

static int show_manual(const struct cli *cli, const char *dir)
{
	(void)cli;
	(void)dir;
	policy_print_manual(stdout);
	return EXIT_FINE;
}

static int show_guards(const struct cli *cli, const char *dir)
{
	__attribute__((cleanup(cli_policy_cleanup))) struct cli_policy loaded;

	if (!cli_policy_load_or_tell(dir, &loaded))
		return loaded.status;
	if (cli->json)
		cli_json_print(cli_guards_json(loaded.plan));
	else
		cli_guards_print(loaded.plan);
	return EXIT_FINE;
}

static const struct {
	const char *what;
	int (*show)(const struct cli *cli, const char *dir);
	bool json; // can be told as such
} shows[] = {
	{ "ruleset", show_ruleset, false },
	{ "guards", show_guards, true },
	{ "schema", show_schema, false },
	{ "manual", show_manual, false },
};

int verb_show(const struct cli *cli)
{
	for (size_t i = 0; i < sizeof(shows) / sizeof(shows[0]); i++) {
		if (strcmp(shows[i].what, cli->argv[0]) != 0)
			continue;
		if (cli->json && !shows[i].json) {
			fprintf(stderr, "sekisho show: %s cannot be told as JSON\n", cli->argv[0]);
			return EXIT_USAGE;
		}
		return shows[i].show(cli, cli->argc > 1 ? cli->argv[1] : CLI_DIR);
	}
	fprintf(stderr,
		"sekisho show: \"%s\" is not something to show; there are ruleset, guards, schema "
		"and manual\n",
		cli->argv[0]);
	return EXIT_USAGE;
}
