// Tables from codes to letters (Adobe Technical Note 5014, 5411): ToUnicode, and embedded encodings
// from codes to numbers of glyphs.
#ifndef SEKISHO_UNPACK_PDF_CMAP_H
#define SEKISHO_UNPACK_PDF_CMAP_H

#include "unpack/pdf_object.h"

struct pdf_cmap;

// NULL: no memory.
struct pdf_cmap *pdf_cmap_new(struct pdf_file *file, const uint8_t *bytes, size_t n);
void pdf_cmap_free(struct pdf_file *file, struct pdf_cmap *cmap); // NULL is fine

enum { PDF_CMAP_UNITS_MAX = 16 };
// Units of UTF-16 of a code; 0: it has none.
size_t pdf_cmap_units(const struct pdf_cmap *cmap, uint32_t code, uint16_t out[PDF_CMAP_UNITS_MAX]);
// The number of its glyph; false: none.
bool pdf_cmap_glyph(const struct pdf_cmap *cmap, uint32_t code, uint32_t *ret);
// How long the code at at is, by the ranges that it says codes have; 0: it says nothing.
size_t pdf_cmap_length(const struct pdf_cmap *cmap, const uint8_t *at, const uint8_t *end);

#endif
