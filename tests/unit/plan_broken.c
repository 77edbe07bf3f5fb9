// Every file of tests/broken/plan.tsv: read without a fault, and then exactly the row's fault, an
// error or a warning, at exactly its place.  And every broken file there is, whoever refuses it:
// what could be read of it goes through plan_make() too, so that one run shows the faults of both.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"

#define FOLDER "tests/broken/"

enum { ROWS_MAX = 512, ROWS_LEAST = 45, FILE_MAX = 64 * 1024 };

struct row {
	char file[96];
	unsigned code, line, column, column_end;
};

static struct row rows[ROWS_MAX];
static size_t n_rows;

static void read_rows(void)
{
	FILE *in = fopen(FOLDER "plan.tsv", "r");
	char line[256];

	while (in && n_rows < ROWS_MAX && fgets(line, sizeof(line), in)) {
		struct row *row = &rows[n_rows];

		n_rows += sscanf(line, "%95s\tSK%u\t%u:%u-%u", row->file, &row->code, &row->line,
				 &row->column, &row->column_end) == 5;
	}
	if (in)
		fclose(in);
}

static struct pol_policy *read_policy(const char *name, struct diag *diag)
{
	char path[160];
	char *bytes = malloc(FILE_MAX);
	struct pol_policy *policy = NULL;
	size_t size;
	FILE *in;

	snprintf(path, sizeof(path), FOLDER "%s", name);
	in = fopen(path, "r");
	assert_non_null(in);
	size = fread(bytes, 1, FILE_MAX, in);
	fclose(in);
	if (policy_read_text(name, bytes, size, diag, &policy, NULL) < 0)
		diag_print(diag, stderr);
	free(bytes);
	assert_non_null(policy);
	return policy;
}

static void check_row(void **state)
{
	const struct row *row = *state;
	struct diag *diag = diag_new();
	struct pol_policy *policy = read_policy(row->file, diag);
	struct plan *plan = NULL;
	int r = plan_make(policy, diag, &plan, NULL);
	const struct diag_item *item;

	policy_free(policy);
	if (diag_count(diag) != 1)
		diag_print(diag, stderr);
	assert_int_equal(diag_count(diag), 1);
	item = diag_at(diag, 0);
	assert_int_equal(item->code, row->code);
	assert_int_equal(r, item->severity == DIAG_ERROR ? -EBADMSG : 0);
	assert_int_equal(item->at.line, row->line);
	assert_int_equal(item->at.column, row->column);
	assert_int_equal(item->at.column_end, row->column_end);
	plan_free(plan);
	diag_free(diag);
}

static void make_partial(const char *path)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct pol_policy *partial = NULL;
	struct plan *plan = NULL;
	char *bytes = malloc(FILE_MAX);
	FILE *in = fopen(path, "r");
	size_t size;

	assert_non_null(in);
	size = fread(bytes, 1, FILE_MAX, in);
	fclose(in);
	policy_read_text(path, bytes, size, diag, &policy, &partial);
	free(bytes);
	if (policy || partial)
		plan_make(policy ? policy : partial, diag, &plan, NULL);
	plan_free(plan);
	policy_free(policy);
	policy_free(partial);
	diag_free(diag);
}

static void partial_policies(void **state)
{
	struct dirent **names;
	int n = scandir(FOLDER, &names, NULL, alphasort);
	char path[512];

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		const char *dot = strrchr(names[i]->d_name, '.');

		snprintf(path, sizeof(path), FOLDER "%s", names[i]->d_name);
		if (dot && strcmp(dot, ".yaml") == 0)
			make_partial(path);
		free(names[i]);
	}
	free(names);
}

int main(void)
{
	static struct CMUnitTest tests[ROWS_MAX + 1];

	read_rows();
	if (n_rows < ROWS_LEAST) {
		fprintf(stderr, FOLDER "plan.tsv has only %zu rows\n", n_rows);
		return 1;
	}
	for (size_t i = 0; i < n_rows; i++)
		tests[i] = (struct CMUnitTest){ rows[i].file, check_row, NULL, NULL, &rows[i] };
	tests[n_rows] = (struct CMUnitTest)cmocka_unit_test(partial_policies);
	return _cmocka_run_group_tests("broken plans", tests, n_rows + 1, NULL, NULL);
}
