// Diagnostics: everything that is wrong with a policy, each with a stable code and a place.
// A diag list owns the texts it is given; it prints nothing by itself.
#ifndef SEKISHO_BASE_DIAG_H
#define SEKISHO_BASE_DIAG_H

#include <stdbool.h>
#include <stdio.h>
#include <stddef.h>

#include "base/place.h"

// Every code there is, from one table (base/codes.def): SK101 is enum value 101.
enum diag_code {
	SK_NONE = 0,
#define SK(number, name, severity, title, help_en, help_ja) SK_##name = (number),
#include "base/codes.def"
#undef SK
};

enum diag_severity { DIAG_NOTE, DIAG_WARNING, DIAG_ERROR };

enum { DIAG_MAX = 10000 }; // further ones are counted, not kept

struct diag_item {
	enum diag_code code;
	enum diag_severity severity;
	struct place at;
	const char *message; // what is wrong and what to do, one sentence or two, no newline
	struct place second; // .file NULL when there is none
	const char *second_message;
};

struct diag;

struct diag *diag_new(void);
void diag_free(struct diag *diag);

// Adds one; its severity is the code's.  Returns the item's index, for diag_second().
size_t diag_add(struct diag *diag, enum diag_code code, struct place at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
// Gives the item a second place ("first given here").
void diag_second(struct diag *diag, size_t index, struct place at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

size_t diag_count(const struct diag *diag);
size_t diag_errors(const struct diag *diag); // warnings do not count
// Takes over copies of all of from's items.
// Sorts by file, line, column, code; removes exact repeats.
void diag_sort(struct diag *diag);
const struct diag_item *diag_at(const struct diag *diag, size_t index);

// file:line:column-column: SK204 message, and a line "…: note: …" for the second place.
void diag_print(const struct diag *diag, FILE *out);

// The table's texts of a code, for "sekisho explain"; false if there is no such code.
struct diag_help {
	enum diag_code code;
	const char *name; // as in the enum, without SK_
	enum diag_severity severity;
	const char *title;
	const char *help_en;
	const char *help_ja;
};
bool diag_explain(int number, struct diag_help *ret_help);
size_t diag_help_count(void);
const struct diag_help *diag_help_at(size_t index); // in the order of codes.def

#endif
