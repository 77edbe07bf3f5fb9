// The corpus of faulty assertions and failing tests: each row of tests/broken/assert.tsv names a
// file with one fault, its code and its place.
#include <setjmp.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"
#include "unit/broken.h"

enum { ROWS_LEAST = 10 };

static bool is_there(const struct diag *diag, const struct broken_row *row)
{
	for (size_t i = 0; i < diag_count(diag); i++) {
		const struct diag_item *item = diag_at(diag, i);

		if (item->code == row->code && item->at.line == row->line &&
		    item->at.column == row->column && item->at.column_end == row->column_end)
			return true;
	}
	return false;
}

static void one_fault(void **state)
{
	const struct broken_row *row = *state;
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	struct diag_help help = { 0 };
	bool failed = false;
	char path[160];
	size_t size;
	char *text;
	int r;

	snprintf(path, sizeof(path), BROKEN "%s", row->file);
	text = broken_read_file(path, &size);
	r = policy_read_text("policy.yaml", text, size, diag, &policy, NULL);
	if (r == 0)
		r = plan_make(policy, diag, &plan, &failed);
	assert_true(diag_explain((int)row->code, &help));

	bool error = help.severity == DIAG_ERROR;

	if (!is_there(diag, row) || diag_errors(diag) != (error ? 1 : 0)) {
		diag_print(diag, stderr);
		fail_msg("%s: expected SK%u at %u:%u-%u and no other error", row->file, row->code,
			 row->line, row->column, row->column_end);
	}
	assert_int_equal(r, error ? -EBADMSG : 0);
	assert_int_equal(failed, (row->code >= 450 && row->code < 460) || row->code == 470 ||
					 row->code == 471);
	plan_free(plan);
	policy_free(policy);
	diag_free(diag);
	free(text);
}

int main(void)
{
	static struct broken_row rows[BROKEN_ROWS_MAX];
	static struct CMUnitTest tests[BROKEN_ROWS_MAX];
	size_t n_rows = broken_read_rows(BROKEN "assert.tsv", rows);

	if (n_rows < ROWS_LEAST) {
		print_error("tests/broken/assert.tsv has only %zu rows\n", n_rows);
		return 1;
	}
	for (size_t i = 0; i < n_rows; i++)
		tests[i] = (struct CMUnitTest){ rows[i].file, one_fault, NULL, NULL, &rows[i] };
	return _cmocka_run_group_tests("broken assertions", tests, n_rows, NULL, NULL);
}
