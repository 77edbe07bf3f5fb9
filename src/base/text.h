// Text for people: columns on a terminal (wide characters count two) and near-misses of names.
#ifndef SEKISHO_BASE_TEXT_H
#define SEKISHO_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// The next code point of UTF-8 text; *text moves on.  Invalid bytes give U+FFFD, one byte each.
// 0 at the end.
uint32_t text_next(const char **text);
bool text_is_utf8(const void *bytes, size_t size, size_t *ret_bad_offset);
// Columns on a terminal: East Asian wide and full-width 2, combining and control 0 (UAX #11).
size_t text_width(const char *text);
size_t text_char_width(uint32_t code_point);
// Prints text and pads it with spaces to width columns (never cuts).
void text_pad(FILE *out, const char *text, size_t width);
// Prints at most width columns, "..." in place of what does not fit.
void text_cut(FILE *out, const char *text, size_t width);

// Damerau-Levenshtein distance, at most limit + 1.  For names up to 64 bytes; longer: limit + 1.
unsigned text_distance(const char *a, const char *b, unsigned limit);

// The nearest of many names: text_nearest_try() each, then .name (NULL: none is near enough).
struct text_nearest {
	const char *wanted;
	const char *name;
	unsigned distance;
};
void text_nearest_try(struct text_nearest *nearest, const char *name);

#endif
