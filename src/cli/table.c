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
	VEC(const char *) cells; // the heads first
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

void table_freep(struct table **table)
{
	table_free(*table);
}

void table_add(struct table *table, const char *text)
{
	vec_push(&table->cells, text && *text ? arena_strdup(table->arena, text) : "-");
}

void table_add_number(struct table *table, unsigned long long number)
{
	vec_push(&table->cells, arena_printf(table->arena, "%llu", number));
}

static void print_cell(const char *text, size_t width, bool right, bool last)
{
	size_t used = text_width(text);

	for (; right && used < width; used++)
		putchar(' ');
	if (last)
		fputs(text, stdout);
	else
		text_pad(stdout, text, right ? 0 : width);
	fputs(last ? "\n" : "  ", stdout);
}

void table_print(const struct table *table)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < table->cells.n; i++) {
		size_t width = text_width(table->cells.v[i]);

		if (width > widths[i % table->n_columns])
			widths[i % table->n_columns] = width;
	}
	for (size_t i = 0; i < table->cells.n; i++) {
		size_t column = i % table->n_columns;

		print_cell(table->cells.v[i], widths[column], table->right[column],
			   column == table->n_columns - 1);
	}
}
