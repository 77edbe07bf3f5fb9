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

// What a terminal obeys or hides, or what turns letters around: Unicode's Cc and Cf, and its
// separators of lines and paragraphs.
bool text_is_hidden(uint32_t code_point);
enum text_form {
	TEXT_WORDS, // "<U+202E>"
	TEXT_LINES, // the same; ends of lines and tabs stay
	TEXT_JSON,  // "\u202e"; the same stay
};
// What strangers wrote, so that all of it is seen: what is hidden is written out, bytes that are no
// UTF-8 are '?'.  Bytes without the NUL; out may be NULL, else has room for them and it.
size_t text_show(const char *text, enum text_form form, char *out);
enum { TEXT_SHOWN_MAX = 12 }; // bytes that one becomes at most
void text_put(FILE *stream, const char *text, enum text_form form);

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
