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
#include "unit/broken.h"
#include "unit/countries_make.h"

enum { ROWS_LEAST = 45 };

static struct pol_policy *read_policy(const char *name, struct diag *diag)
{
	char path[160];
	struct pol_policy *policy = NULL;
	size_t size;
	char *bytes;

	snprintf(path, sizeof(path), BROKEN "%s", name);
	bytes = broken_read_file(path, &size);
	if (policy_read_text(name, bytes, size, diag, &policy, NULL) < 0)
		diag_print(diag, stderr);
	free(bytes);
	assert_non_null(policy);
	return policy;
}

static void check_row(void **state)
{
	const struct broken_row *row = *state;
	struct diag *diag = diag_new();
	struct pol_policy *policy = read_policy(row->file, diag);
	struct plan *plan = NULL;
	int r = plan_make_with(policy, test_countries(), diag, &plan, NULL);
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
	size_t size;
	char *bytes = broken_read_file(path, &size);

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
	int n = scandir(BROKEN, &names, NULL, alphasort);
	char path[512];

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		const char *dot = strrchr(names[i]->d_name, '.');

		snprintf(path, sizeof(path), BROKEN "%s", names[i]->d_name);
		if (dot && strcmp(dot, ".yaml") == 0)
			make_partial(path);
		free(names[i]);
	}
	free(names);
}

int main(void)
{
	static struct broken_row rows[BROKEN_ROWS_MAX];
	static struct CMUnitTest tests[BROKEN_ROWS_MAX + 1];
	size_t n_rows = broken_read_rows(BROKEN "plan.tsv", rows);

	if (n_rows < ROWS_LEAST) {
		fprintf(stderr, BROKEN "plan.tsv has only %zu rows\n", n_rows);
		return 1;
	}
	for (size_t i = 0; i < n_rows; i++)
		tests[i] = (struct CMUnitTest){ rows[i].file, check_row, NULL, NULL, &rows[i] };
	tests[n_rows] = (struct CMUnitTest)cmocka_unit_test(partial_policies);
	return _cmocka_run_group_tests("broken plans", tests, n_rows + 1, NULL, NULL);
}
