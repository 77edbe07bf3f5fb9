// What unpack_look() tells, as lines: "number<parent name size kinds limit", and the file's own.
#ifndef SEKISHO_TESTS_UNPACK_PRINT_H
#define SEKISHO_TESTS_UNPACK_PRINT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unpack/unpack.h"

struct printed {
	char *text;
	size_t n;
	FILE *out;
	unsigned entries;
};

static inline void print_kinds(FILE *out, uint32_t kinds, enum unpack_limit limit)
{
	for (int i = 0; i < UNPACK_KINDS; i++)
		if (kinds & 1U << i)
			fprintf(out, " %s", unpack_kind_names[i]);
	if (limit != UNPACK_WHOLE)
		fprintf(out, " !%s", unpack_limit_names[limit]);
	fputc('\n', out);
}

static inline void print_entry(void *arg, const struct unpack_entry *entry)
{
	struct printed *printed = arg;
	printed->entries++;
	fprintf(printed->out, "%u<%u ", entry->number, entry->parent);
	for (const char *c = entry->name; *c; c++)
		if ((unsigned char)*c < 0x20)
			fprintf(printed->out, "\\%o", *c);
		else
			fputc(*c, printed->out);
	if (entry->also)
		fprintf(printed->out, " (%s)", entry->also);
	fprintf(printed->out, " %llu", (unsigned long long)entry->size);
	print_kinds(printed->out, entry->kinds, entry->limit);
}

// The caller frees the text.
static inline char *print_look(const char *name, const uint8_t *bytes, size_t n,
			       const struct unpack_bounds *bounds)
{
	struct unpack_file file = { .name = name, .bytes = bytes, .size = n, .fd = -1 };
	struct printed printed = { 0 };
	const struct unpack_sink sink = { .entry = print_entry, .arg = &printed };
	struct unpack_result result;
	printed.out = open_memstream(&printed.text, &printed.n);
	unpack_look(&file, bounds, &sink, &result);
	fprintf(printed.out, "=");
	print_kinds(printed.out, result.kinds, result.limit);
	fclose(printed.out);
	return printed.text;
}

#endif
