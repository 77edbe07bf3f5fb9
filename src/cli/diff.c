// diff: what opens, closes and changes between two policies.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "cli/call.h"
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

static int show_reply(const struct cli *cli, const struct control_reply *reply, int status)
{
	struct diff_lines lines;

	for (size_t i = 0; status == EXIT_POLICY && i < control_reply_rows(reply); i++)
		cli_print_diagnostic(control_reply_row(reply, i));
	if (status != EXIT_FINE)
		return status;
	diff_lines_of_reply(reply, &lines);
	status = show(cli, &lines);
	diff_lines_done(&lines);
	return status;
}

static int ask_daemon(const struct cli *cli, const char *dir, int fd, uint64_t generation)
{
	struct control_writer request;
	struct control_reply reply;
	char path[PATH_MAX];
	bool answered;
	int status;

	control_writer_init(&request, CTL_REQUEST_MAX);
	if (dir)
		control_put_text(&request, CTL_DIRECTORY, realpath(dir, path) ? path : dir);
	if (generation)
		control_put_u64(&request, CTL_GENERATION, generation);
	status = cli_call(cli, CTL_DIFF, &request, fd, &reply, &answered);
	control_writer_done(&request);
	if (!answered)
		return status;
	status = show_reply(cli, &reply, status);
	control_reply_done(&reply);
	return status;
}

// From generation N, or the running one, to the folder, or what runs.
static int diff_running(const struct cli *cli, uint64_t generation)
{
	const char *dir = cli->argc ? cli->argv[0] : generation ? NULL : CLI_DIR;
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int status;

	if (dir && fd < 0) {
		fprintf(stderr, "sekisho diff: %s: %s\n", dir, strerror(errno));
		return EXIT_USAGE;
	}
	status = ask_daemon(cli, dir, fd, generation);
	if (fd >= 0)
		close(fd);
	return status;
}

// A generation's number; 0: not given; false: that is none.
static bool read_generation(const char *text, uint64_t *ret)
{
	char *end;

	*ret = 0;
	if (!text)
		return true;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return *text >= '1' && *text <= '9' && !*end && errno == 0;
}

int verb_diff(const struct cli *cli)
{
	const char *expect = cli_value(cli, OPT_EXPECT);
	const char *given = cli_value(cli, OPT_GENERATION);
	uint64_t generation;

	if (expect && strcmp(expect, "same") != 0 && strcmp(expect, "different") != 0) {
		fprintf(stderr, "sekisho diff: --expect takes same or different, not \"%s\"\n",
			expect);
		return EXIT_USAGE;
	}
	if (!read_generation(given, &generation) || (generation && cli->argc == 2)) {
		fprintf(stderr,
			"sekisho diff: --generation takes the number of a generation, and at most "
			"one folder besides\n");
		return EXIT_USAGE;
	}
	if (cli->argc == 2)
		return diff_folders(cli, cli->argv[0], cli->argv[1]);
	return diff_running(cli, generation);
}
