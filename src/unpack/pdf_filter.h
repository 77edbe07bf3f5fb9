// Filters of PDF's streams (ISO 32000-1 7.4) that text may be packed with.
#ifndef SEKISHO_UNPACK_PDF_FILTER_H
#define SEKISHO_UNPACK_PDF_FILTER_H

#include "unpack/pdf_predict.h"

enum { PDF_FILTERS_MAX = 4 };

// Adds to item what n bytes become, with what parms say of this filter.  False: a filter or
// predictor that is not read here, or item is at its bound.
bool pdf_filter(const char *name, const struct pdf_parms *parms, const uint8_t *bytes, size_t n,
		struct item *item);

#endif
