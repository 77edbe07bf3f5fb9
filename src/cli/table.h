// Rows of text in aligned columns, by what a terminal shows (wide characters count two).
#ifndef SEKISHO_CLI_TABLE_H
#define SEKISHO_CLI_TABLE_H

#include <stddef.h>

enum { TABLE_COLUMNS_MAX = 12 };

struct table;

// heads: n_columns texts; one that begins with '>' is right-aligned.
struct table *table_new(const char *const *heads, size_t n_columns);
void table_free(struct table *table);
// The next cell, left to right; rows follow by themselves.  NULL is shown as "-".
void table_add(struct table *table, const char *text);
void table_add_number(struct table *table, unsigned long long number);
// Cells of a column are cut to width columns, "..." at their end.
void table_limit(struct table *table, size_t column, size_t width);
void table_print(const struct table *table); // to stdout

#endif
