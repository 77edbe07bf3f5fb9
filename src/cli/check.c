// check: every fault of one or more policies in one run.
#include <stdio.h>

#include "base/exit.h"
#include "cli/load.h"
#include "cli/verb.h"

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

// What was found to be right, in one line.
static void print_summary(const char *dir, const struct cli_policy *loaded)
{
	const struct pol_tree *tree = policy_tree(loaded->policy);
	size_t zones;
	size_t warnings = diag_count(loaded->diag) - diag_errors(loaded->diag);

	plan_zones(loaded->plan, &zones);
	zones--; // self
	printf("%s: valid: %zu zone%s, %zu network%s, %zu flow%s, %zu NAT rule%s; ", dir, zones,
	       plural(zones), tree->n_networks, plural(tree->n_networks), tree->n_flows,
	       plural(tree->n_flows), tree->n_nat, plural(tree->n_nat));
	if (tree->n_assertions == 0)
		printf("no assertions");
	else
		printf("%s %zu assertion%s hold%s", tree->n_assertions > 1 ? "all" : "the",
		       tree->n_assertions, tree->n_assertions > 1 ? "s" : "",
		       tree->n_assertions > 1 ? "" : "s");
	if (tree->n_tests)
		printf("; %s %zu test%s pass%s", tree->n_tests > 1 ? "all" : "the", tree->n_tests,
		       plural(tree->n_tests), tree->n_tests > 1 ? "" : "es");
	if (warnings)
		printf("; %zu warning%s", warnings, plural(warnings));
	puts("");
}

static void check_text(const char *dir, const struct cli_policy *loaded)
{
	diag_print(loaded->diag, stderr);
	if (loaded->plan)
		print_summary(dir, loaded);
	else
		fprintf(stderr,
			"%s: %zu fault%s; nothing was changed. \"sekisho explain CODE\" tells more.\n",
			dir, diag_errors(loaded->diag), plural(diag_errors(loaded->diag)));
}

static struct json_object *check_json(const char *dir, const struct cli_policy *loaded)
{
	struct json_object *object = json_object_new_object();

	cli_json_text(object, "dir", dir);
	json_object_object_add(object, "valid", json_object_new_boolean(loaded->plan != NULL));
	if (loaded->policy) {
		const struct pol_tree *tree = policy_tree(loaded->policy);

		cli_json_number(object, "zones", tree->n_zones);
		cli_json_number(object, "networks", tree->n_networks);
		cli_json_number(object, "flows", tree->n_flows);
		cli_json_number(object, "nat", tree->n_nat);
		cli_json_number(object, "assertions", tree->n_assertions);
		cli_json_number(object, "tests", tree->n_tests);
	}
	json_object_object_add(object, "diagnostics", cli_diag_json(loaded->diag));
	return object;
}

int verb_check(const struct cli *cli)
{
	int n_dirs = cli->argc ? cli->argc : 1;
	struct json_object *all = cli->json ? json_object_new_array() : NULL;
	int worst = EXIT_FINE;

	for (int i = 0; i < n_dirs; i++) {
		__attribute__((cleanup(cli_policy_cleanup))) struct cli_policy loaded;
		const char *dir = cli->argc ? cli->argv[i] : CLI_DIR;

		cli_policy_load(dir, &loaded);
		// An invalid policy (3) outweighs a failed assertion (4).
		if (loaded.status == EXIT_POLICY || worst == EXIT_FINE)
			worst = loaded.status;
		if (cli->json)
			json_object_array_add(all, check_json(dir, &loaded));
		else
			check_text(dir, &loaded);
	}
	if (cli->json)
		cli_json_print(all);
	return worst;
}
