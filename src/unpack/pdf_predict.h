// Predictors (ISO 32000-1 7.4.4.4): what Flate and LZW packed is differences from the byte, or the
// row, before.
#ifndef SEKISHO_UNPACK_PDF_PREDICT_H
#define SEKISHO_UNPACK_PDF_PREDICT_H

#include "unpack/pdf_object.h"

enum { PDF_ROW_MAX = 1 << 16 }; // bytes; pictures have longer ones, text none

struct pdf_parms { // of one filter; all zero: none
	unsigned predictor, colors, bits, columns;
	bool late; // LZW grows its codes late
};

// Of the filter index of the stream that dict is of.
void pdf_parms_of(struct pdf_file *file, struct pdf_span dict, size_t index, struct pdf_parms *ret);

// Adds to item what n bytes become.  False: a predictor, or rows, that are not read here; or item
// is at its bound.
bool pdf_predict(const struct pdf_parms *parms, const uint8_t *bytes, size_t n, struct item *item);

#endif
