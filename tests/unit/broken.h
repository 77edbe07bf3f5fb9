// The corpus of broken policies: its rows (file, code, line:column-column) and its files.
#ifndef SEKISHO_TESTS_BROKEN_H
#define SEKISHO_TESTS_BROKEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BROKEN "tests/broken/"

enum { BROKEN_ROWS_MAX = 512, BROKEN_FILE_MAX = 1024 * 1024 };

struct broken_row {
	char file[96];
	unsigned code, line, column, column_end;
};

// The rows of a table with one fault a file; returns how many, 0 without the table.
static inline size_t broken_read_rows(const char *table, struct broken_row rows[BROKEN_ROWS_MAX])
{
	FILE *in = fopen(table, "r");
	char line[256];
	size_t n = 0;

	while (in && n < BROKEN_ROWS_MAX && fgets(line, sizeof(line), in)) {
		struct broken_row *row = &rows[n];

		n += sscanf(line, "%95s\tSK%u\t%u:%u-%u", row->file, &row->code, &row->line,
			    &row->column, &row->column_end) == 5;
	}
	if (in)
		fclose(in);
	return n;
}

// A file's bytes and no byte more, so that one read past them is noticed.  The test fails without
// the file.
static inline char *broken_read_file(const char *path, size_t *ret_size)
{
	FILE *in = fopen(path, "rb");
	char *bytes = malloc(BROKEN_FILE_MAX);

	assert_non_null(in);
	assert_non_null(bytes);
	*ret_size = fread(bytes, 1, BROKEN_FILE_MAX, in);
	fclose(in);
	return realloc(bytes, *ret_size ? *ret_size : 1);
}

#endif
