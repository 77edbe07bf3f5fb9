// Character sets of names and fields, read to UTF-8.  mime_load_charsets() makes tables of them
// with iconv, once; after that reading needs neither iconv nor a file, and the tables never change.
#ifndef SEKISHO_MIME_MIME_CHARSET_H
#define SEKISHO_MIME_MIME_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "mime/mime_text.h"

struct mime_charset;

// By any of its names, whatever their case, hyphens and underscores.  NULL: not known, or its table
// was not loaded.
const struct mime_charset *mime_charset_find(struct mime_span name);
// Whether its letters are of two or four bytes, so that no byte is a line's end.
bool mime_charset_is_wide(const struct mime_charset *charset);
// Adds bytes to out as UTF-8, U+FFFD for what is none; whether all were of the set.
bool mime_charset_read(const struct mime_charset *charset, struct mime_span bytes,
		       struct mime_text *out);

enum { MIME_GUESSES = 2 };
// What bytes without a named character set may be, the likeliest first: ASCII or UTF-8; ISO-2022-JP
// by its escapes; EUC-JP and Shift_JIS, either or both; else Windows-1252, and *ret_sure is false.
size_t mime_charset_guess(struct mime_store *store, struct mime_span bytes,
			  const struct mime_charset *ret[MIME_GUESSES], bool *ret_sure);

#endif
