// The corpus of faulty assertions: each row of tests/broken/assert.tsv names a file with one fault,
// its code and its place.
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

enum { ROWS_MAX = 200, FIELD_MAX = 96, ROWS_LEAST = 10 };

struct row {
	char file[FIELD_MAX];
	unsigned code, line, column, column_end;
};

static struct row rows[ROWS_MAX];
static size_t n_rows;

static void read_rows(void)
{
	FILE *in = fopen("tests/broken/assert.tsv", "r");
	char line[256];

	while (in && n_rows < ROWS_MAX && fgets(line, sizeof(line), in)) {
		struct row *row = &rows[n_rows];

		n_rows += sscanf(line, "%95s\tSK%u\t%u:%u-%u", row->file, &row->code, &row->line,
				 &row->column, &row->column_end) == 5;
	}
	if (in)
		fclose(in);
}

static char *read_file(const char *name, size_t *ret_size)
{
	char path[FIELD_MAX + 32];
	enum { SIZE = 64 * 1024 };
	char *text = malloc(SIZE);

	snprintf(path, sizeof(path), "tests/broken/%s", name);

	FILE *in = fopen(path, "r");

	assert_non_null(in);
	*ret_size = fread(text, 1, SIZE, in);
	fclose(in);
	return text;
}

static bool is_there(const struct diag *diag, const struct row *row)
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
	const struct row *row = *state;
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	struct diag_help help = { 0 };
	bool failed = false;
	size_t size;
	char *text = read_file(row->file, &size);
	int r = policy_read_text("policy.yaml", text, size, diag, &policy, NULL);

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
	assert_int_equal(failed, row->code >= 450 && row->code < 460);
	plan_free(plan);
	policy_free(policy);
	diag_free(diag);
	free(text);
}

int main(void)
{
	static struct CMUnitTest tests[ROWS_MAX];

	read_rows();
	if (n_rows < ROWS_LEAST) {
		print_error("tests/broken/assert.tsv has only %zu rows\n", n_rows);
		return 1;
	}
	for (size_t i = 0; i < n_rows; i++)
		tests[i] = (struct CMUnitTest){ rows[i].file, one_fault, NULL, NULL, &rows[i] };
	return _cmocka_run_group_tests("broken assertions", tests, n_rows, NULL, NULL);
}
