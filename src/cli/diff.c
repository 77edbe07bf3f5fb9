// diff: what opens, closes and changes between two policies.
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "cli/diff_lines.h"
#include "cli/load.h"
#include "cli/verb.h"

// 0 fine, 4 not as expected.
static int expectation(const struct cli *cli, const struct diff_lines *lines)
{
	const char *expect = cli_value(cli, OPT_EXPECT);
	bool differ = diff_lines_differ(lines);

	if (!expect || (strcmp(expect, "different") == 0) == differ)
		return EXIT_FINE;
	fprintf(stderr, "sekisho diff: expected %s, but the policies %s\n", expect,
		differ ? "differ" : "are the same");
	return EXIT_ASSERTION;
}

static int show(const struct cli *cli, const struct diff_lines *lines)
{
	if (cli->json)
		cli_json_print(diff_lines_json(lines));
	else
		diff_lines_print(lines);
	return expectation(cli, lines);
}

static int diff_folders(const struct cli *cli, const char *before, const char *after)
{
	__attribute__((cleanup(cli_policy_cleanup))) struct cli_policy was = { 0 };
	__attribute__((cleanup(cli_policy_cleanup))) struct cli_policy is = { 0 };
	struct plan_diff diff;
	struct diff_lines lines;
	int status;

	if (!cli_policy_load_or_tell(before, &was))
		return was.status;
	if (!cli_policy_load_or_tell(after, &is))
		return is.status;
	plan_diff(was.plan, is.plan, &diff);
	diff_lines_of_plans(&diff, &lines);
	status = show(cli, &lines);
	diff_lines_done(&lines);
	plan_diff_done(&diff);
	return status;
}

int verb_diff(const struct cli *cli)
{
	const char *expect = cli_value(cli, OPT_EXPECT);

	if (expect && strcmp(expect, "same") != 0 && strcmp(expect, "different") != 0) {
		fprintf(stderr, "sekisho diff: --expect takes same or different, not \"%s\"\n",
			expect);
		return EXIT_USAGE;
	}
	return diff_folders(cli, cli->argv[0], cli->argv[1]);
}
