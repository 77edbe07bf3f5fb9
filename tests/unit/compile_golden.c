// Golden pairs: tests/golden/NAME/policy.yaml compiles to exactly tests/golden/NAME/ruleset.nft.
// A file `management` beside them holds the management path: interface, prefix, port.
// SEKISHO_UPDATE_GOLDEN=1 writes the rulesets instead of comparing them.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compile/compile.h"
#include "countries_make.h"
#include "unit/compile_make.h"

#define FOLDER "tests/golden"

enum { GOLDEN_MAX = 200, GENERATION = 7 };

static char *read_file(const char *pair, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), FOLDER "/%s/%s", pair, name);
	return file_text(path);
}

static void read_options(const char *pair, struct compile_options *options, char interface[16])
{
	char *text = read_file(pair, "management"), prefix[64];
	unsigned port;

	*options = (struct compile_options){ .generation = GENERATION };
	if (!text)
		return;
	assert_int_equal(sscanf(text, "%15s %63s %u", interface, prefix, &port), 3);
	assert_int_equal(addr_range_parse(prefix, &options->management_prefix), 0);
	options->management_interface = interface;
	options->management_port = port;
	free(text);
}

static char *compile_text(const char *pair)
{
	char *yaml = read_file(pair, "policy.yaml"), *text = NULL, interface[16];
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	struct ruleset *ruleset = NULL;
	struct compile_options options;
	size_t size = 0;
	FILE *out;
	int r;

	assert_non_null(yaml);
	read_options(pair, &options, interface);
	r = policy_read_text("policy.yaml", yaml, strlen(yaml), diag, &policy, NULL);
	if (!r)
		r = plan_make_with(policy, test_countries(), diag, &plan, NULL);
	if (!r)
		r = compile(plan, &options, diag, &ruleset);
	diag_print(diag, stderr);
	assert_int_equal(r, 0);
	assert_int_equal(diag_errors(diag), 0);
	out = open_memstream(&text, &size);
	ruleset_print(ruleset, out);
	fclose(out);
	ruleset_free(ruleset);
	plan_free(plan);
	policy_free(policy);
	diag_free(diag);
	free(yaml);
	return text;
}

static void update(const char *pair, const char *text)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), FOLDER "/%s/ruleset.nft", pair);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void compare(const char *pair, const char *want, const char *got)
{
	unsigned line = 1;

	for (; *want && *got; want++, got++) {
		size_t same = strcspn(want, "\n");

		if (strcspn(got, "\n") != same || memcmp(want, got, same))
			break;
		want += same;
		got += same;
		if (!*want || !*got)
			break;
		line++;
	}
	if (!*want && !*got)
		return;
	fail_msg(
		"%s/ruleset.nft:%u: expected \"%.*s\", got \"%.*s\" (SEKISHO_UPDATE_GOLDEN=1 accepts)",
		pair, line, (int)strcspn(want, "\n"), want, (int)strcspn(got, "\n"), got);
}

static void golden(void **state)
{
	const char *pair = *state;
	char *got = compile_text(pair), *want;

	if (getenv("SEKISHO_UPDATE_GOLDEN"))
		update(pair, got);
	want = read_file(pair, "ruleset.nft");
	assert_non_null(want);
	compare(pair, want, got);
	free(want);
	free(got);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

int main(void)
{
	static struct CMUnitTest tests[GOLDEN_MAX];
	DIR *folder = opendir(FOLDER);
	struct dirent *entry;
	size_t n = 0;
	int failed;

	if (!folder) {
		fputs("run from the top of the tree: " FOLDER " is not here\n", stderr);
		return 1;
	}
	while ((entry = readdir(folder)) && n < GOLDEN_MAX) {
		char *yaml =
			entry->d_name[0] == '.' ? NULL : read_file(entry->d_name, "policy.yaml");

		if (yaml) {
			char *name = strdup(entry->d_name);

			tests[n++] = (struct CMUnitTest){ name, golden, NULL, NULL, name };
		}
		free(yaml);
	}
	closedir(folder);
	qsort(tests, n, sizeof(*tests), by_name);
	failed = _cmocka_run_group_tests("compile_golden", tests, n, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		free(tests[i].initial_state);
	return failed;
}
