// Filters of PDF's streams (ISO 32000-1 7.4) that text may be packed with.
#ifndef SEKISHO_UNPACK_PDF_FILTER_H
#define SEKISHO_UNPACK_PDF_FILTER_H

#include "unpack/look.h"

enum { PDF_FILTERS_MAX = 4 };

// Adds to item what n bytes become.  False: a filter that is not read here, or item is at its
// bound.
bool pdf_filter(const char *name, const uint8_t *bytes, size_t n, struct item *item);

#endif
