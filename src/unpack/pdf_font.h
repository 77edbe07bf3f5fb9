// Fonts of a PDF (ISO 32000-1 9.5 to 9.10), as far as they say which letters their codes are.
//
//	/ToUnicode		its table
//	/Encoding 90ms-RKSJ-H	the codes are Shift_JIS, and so on
//	/Encoding Identity-H	of Adobe-Japan1: the order of JIS X 0208; of another: nobody knows
//	/Differences		names of letters
#ifndef SEKISHO_UNPACK_PDF_FONT_H
#define SEKISHO_UNPACK_PDF_FONT_H

#include "unpack/pdf_object.h"

enum { PDF_FONTS_MAX = 4096, PDF_LETTERS_MAX = 64 };

struct pdf_font;

// The font of a dictionary; NULL: no memory, or too many.
struct pdf_font *pdf_font_of(struct pdf_file *file, struct pdf_font **fonts, struct pdf_span dict);
// At the end: what was shown and nobody can read makes the document illegible.
void pdf_fonts_free(struct pdf_file *file, struct pdf_font *fonts);

// The letters of the code at *at (UTF-8), and how wide it is about, in thousandths of its size.
// Their length; 0 and *ret_width 0: the string is over.
size_t pdf_font_read(struct pdf_font *font, const uint8_t **at, const uint8_t *end,
		     char out[PDF_LETTERS_MAX], double *ret_width);

#endif
