// Diagnostics: a growing list whose texts live in one arena.
#include "base/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/vec.h"

static const struct diag_help helps[] = {
#define ERROR	DIAG_ERROR
#define WARNING DIAG_WARNING
#define SK(number, name, severity, title, help_en, help_ja)                                        \
	{ (enum diag_code)(number), #name, severity, title, help_en, help_ja },
#include "base/codes.def"
#undef SK
#undef ERROR
#undef WARNING
};

struct diag {
	struct arena *arena;
	VEC(struct diag_item) items;
	size_t errors, dropped;
};

struct diag *diag_new(void)
{
	struct arena *arena = arena_new();
	struct diag *diag = arena_new_of(arena, struct diag);

	diag->arena = arena;
	return diag;
}

void diag_free(struct diag *diag)
{
	if (!diag)
		return;
	vec_done(&diag->items);
	arena_free(diag->arena);
}

size_t diag_help_count(void)
{
	return sizeof(helps) / sizeof(helps[0]);
}

const struct diag_help *diag_help_at(size_t index)
{
	return &helps[index];
}

bool diag_explain(int number, struct diag_help *ret_help)
{
	for (size_t i = 0; i < diag_help_count(); i++)
		if ((int)helps[i].code == number) {
			*ret_help = helps[i];
			return true;
		}
	return false;
}

static enum diag_severity severity_of(enum diag_code code)
{
	struct diag_help help;

	return diag_explain((int)code, &help) ? help.severity : DIAG_ERROR;
}

static char *format_text(struct diag *diag, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static char *format_text(struct diag *diag, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	return arena_strdup(diag->arena, text);
}

static struct place copy_place(struct diag *diag, struct place at)
{
	if (at.file)
		at.file = arena_strdup(diag->arena, at.file);
	return at;
}

size_t diag_add(struct diag *diag, enum diag_code code, struct place at, const char *format, ...)
{
	enum diag_severity severity = severity_of(code);
	va_list args;

	diag->errors += severity == DIAG_ERROR;
	if (diag->items.n >= DIAG_MAX) {
		diag->dropped++;
		return SIZE_MAX;
	}

	struct diag_item *item = vec_add(&diag->items);

	va_start(args, format);
	item->message = format_text(diag, format, args);
	va_end(args);
	item->code = code;
	item->severity = severity;
	item->at = copy_place(diag, at);
	return diag->items.n - 1;
}

void diag_second(struct diag *diag, size_t index, struct place at, const char *format, ...)
{
	va_list args;

	if (index >= diag->items.n)
		return;
	va_start(args, format);
	diag->items.v[index].second = copy_place(diag, at);
	diag->items.v[index].second_message = format_text(diag, format, args);
	va_end(args);
}

size_t diag_count(const struct diag *diag)
{
	return diag->items.n;
}

size_t diag_errors(const struct diag *diag)
{
	return diag->errors;
}

static int compare_items(const void *a, const void *b)
{
	const struct diag_item *x = a;
	const struct diag_item *y = b;
	int files = strcmp(x->at.file ? x->at.file : "", y->at.file ? y->at.file : "");

	if (files)
		return files;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return strcmp(x->message, y->message);
}

void diag_sort(struct diag *diag)
{
	size_t kept = 0;

	if (diag->items.n < 2)
		return;
	qsort(diag->items.v, diag->items.n, sizeof(diag->items.v[0]), compare_items);
	for (size_t i = 0; i < diag->items.n; i++) {
		if (kept && compare_items(&diag->items.v[kept - 1], &diag->items.v[i]) == 0) {
			diag->errors -= diag->items.v[i].severity == DIAG_ERROR;
			continue;
		}
		diag->items.v[kept++] = diag->items.v[i];
	}
	diag->items.n = kept;
}

const struct diag_item *diag_at(const struct diag *diag, size_t index)
{
	return &diag->items.v[index];
}

static void print_place(const struct place *at, FILE *out)
{
	if (!at->file)
		return;
	fputs(at->file, out);
	if (at->line)
		fprintf(out, ":%u:%u", at->line, at->column);
	if (at->line && at->column_end > at->column)
		fprintf(out, "-%u", at->column_end);
	fputs(": ", out);
}

void diag_print(const struct diag *diag, FILE *out)
{
	for (size_t i = 0; i < diag->items.n; i++) {
		const struct diag_item *item = &diag->items.v[i];

		print_place(&item->at, out);
		fprintf(out, "SK%03d %s%s\n", (int)item->code,
			item->severity == DIAG_WARNING ? "warning: " : "", item->message);
		if (!item->second_message)
			continue;
		print_place(&item->second, out);
		fprintf(out, "note: %s\n", item->second_message);
	}
	if (diag->dropped)
		fprintf(out, "(%zu more)\n", diag->dropped);
}
