// Every file of tests/broken/policy.tsv: exactly the faults of its rows, at exactly their places.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "unit/broken.h"

enum { ROWS_MAX = 512, FAULTS_MAX = 4 };

struct row {
	char file[96];
	size_t n;
	struct fault {
		unsigned code, line, column, column_end;
	} faults[FAULTS_MAX];
};

static struct row rows[ROWS_MAX];
static size_t n_rows;

static void check_row(void **state)
{
	const struct row *row = *state;
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	char path[160];
	size_t size;
	char *bytes;
	int r;

	snprintf(path, sizeof(path), BROKEN "%s", row->file);
	bytes = broken_read_file(path, &size);
	r = policy_read_text(row->file, bytes, size, diag, &policy, NULL);
	free(bytes);
	diag_sort(diag);
	if (diag_count(diag) != row->n)
		diag_print(diag, stderr);
	assert_int_not_equal(r, 0);
	assert_null(policy);
	assert_int_equal(diag_count(diag), row->n);
	for (size_t i = 0; i < row->n; i++) {
		const struct diag_item *item = diag_at(diag, i);

		assert_string_equal(item->at.file, row->file);
		assert_int_equal(item->code, row->faults[i].code);
		assert_int_equal(item->at.line, row->faults[i].line);
		assert_int_equal(item->at.column, row->faults[i].column);
		assert_int_equal(item->at.column_end, row->faults[i].column_end);
	}
	diag_free(diag);
}

static void read_rows(void)
{
	char line[256], name[96];
	FILE *file = fopen(BROKEN "policy.tsv", "r");

	if (!file) {
		perror(BROKEN "policy.tsv");
		exit(1);
	}
	while (fgets(line, sizeof(line), file) && n_rows < ROWS_MAX) {
		struct fault fault;

		if (line[0] == '#')
			continue;
		if (sscanf(line, "%95s SK%u %u:%u-%u", name, &fault.code, &fault.line,
			   &fault.column, &fault.column_end) != 5) {
			fprintf(stderr, "bad row: %s", line);
			exit(1);
		}
		if (!n_rows || strcmp(rows[n_rows - 1].file, name))
			snprintf(rows[n_rows++].file, sizeof(name), "%s", name);
		rows[n_rows - 1].faults[rows[n_rows - 1].n++] = fault;
	}
	fclose(file);
}

int main(void)
{
	static struct CMUnitTest tests[ROWS_MAX];

	read_rows();
	for (size_t i = 0; i < n_rows; i++)
		tests[i] = (struct CMUnitTest){ rows[i].file, check_row, NULL, NULL, &rows[i] };
	return _cmocka_run_group_tests("policy_broken", tests, n_rows, NULL, NULL);
}
