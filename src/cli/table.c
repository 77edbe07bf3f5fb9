// Aligned columns.
#include "cli/table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/text.h"
#include "base/vec.h"

struct table {
	struct arena *arena;
	size_t n_columns;
	bool right[TABLE_COLUMNS_MAX];
	size_t limit[TABLE_COLUMNS_MAX]; // 0: none
	VEC(const char *) cells;	 // the heads first
};

struct table *table_new(const char *const *heads, size_t n_columns)
{
	struct arena *arena = arena_new();
	struct table *table = arena_new_of(arena, struct table);

	table->arena = arena;
	table->n_columns = n_columns;
	for (size_t i = 0; i < n_columns; i++) {
		table->right[i] = heads[i][0] == '>';
		vec_push(&table->cells, heads[i] + table->right[i]);
	}
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	free(table->cells.v);
	arena_free(table->arena);
}

void table_add(struct table *table, const char *text)
{
	vec_push(&table->cells, text && *text ? arena_strdup(table->arena, text) : "-");
}

void table_add_number(struct table *table, unsigned long long number)
{
	vec_push(&table->cells, arena_printf(table->arena, "%llu", number));
}

void table_limit(struct table *table, size_t column, size_t width)
{
	table->limit[column] = width;
}

// Columns that a cell takes: what it needs, or its column's limit.
static size_t cell_width(const struct table *table, size_t column, const char *text)
{
	size_t width = text_width(text);
	size_t limit = table->limit[column];

	return limit && width > limit ? limit : width;
}

static void print_cell(const struct table *table, size_t column, const char *text, size_t width)
{
	size_t used = cell_width(table, column, text);
	bool last = column == table->n_columns - 1;

	for (size_t i = used; table->right[column] && i < width; i++)
		putchar(' ');
	text_cut(stdout, text, used);
	for (size_t i = used; !table->right[column] && !last && i < width; i++)
		putchar(' ');
	fputs(last ? "\n" : "  ", stdout);
}

void table_print(const struct table *table)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < table->cells.n; i++) {
		size_t column = i % table->n_columns;
		size_t width = cell_width(table, column, table->cells.v[i]);

		if (width > widths[column])
			widths[column] = width;
	}
	for (size_t i = 0; i < table->cells.n; i++) {
		size_t column = i % table->n_columns;

		print_cell(table, column, table->cells.v[i], widths[column]);
	}
}
