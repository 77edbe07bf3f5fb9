#include "unpack/pdf_predict.h"

#include <stdlib.h>
#include <string.h>

enum { TIFF = 2, PNG = 10, PNG_LAST = 15, BITS_MAX = 16, COLORS_MAX = 32 };

static unsigned number_of(struct pdf_file *file, struct pdf_span dict, const char *name,
			  unsigned otherwise)
{
	double value = pdf_number(file, pdf_get(file, dict, name), otherwise);
	return value >= 0 && value <= PDF_ROW_MAX ? (unsigned)value : PDF_ROW_MAX + 1;
}

// A dictionary, or a list with one for each filter, or null.
static struct pdf_span dict_of(struct pdf_file *file, struct pdf_span parms, size_t index)
{
	const struct pdf_span none = { NULL, NULL };
	struct pdf_lexer lexer = { parms.v, parms.end, file };
	struct pdf_token token;
	if (!parms.v)
		return none;
	pdf_next(&lexer, &token);
	if (token.what == PDF_DICT)
		return index == 0 ? parms : none;
	for (size_t i = 0; token.what == PDF_ARRAY && i <= index; i++) {
		const struct pdf_lexer before = lexer;
		struct pdf_token value;
		pdf_next(&lexer, &value);
		if (value.what == PDF_END || value.what == PDF_ARRAY_END)
			return none;
		if (value.what == PDF_NUMBER) // a reference
			for (int k = 0; k < 2; k++)
				pdf_next(&lexer, &value);
		else
			pdf_pass(&lexer, &value);
		if (i == index)
			return pdf_value(file, (struct pdf_span){ before.at, lexer.at });
	}
	return none;
}

void pdf_parms_of(struct pdf_file *file, struct pdf_span dict, size_t index, struct pdf_parms *ret)
{
	struct pdf_span parms = pdf_get(file, dict, "DecodeParms");
	*ret = (struct pdf_parms){ 0 };
	if (!parms.v)
		parms = pdf_get(file, dict, "DP");
	parms = dict_of(file, parms, index);
	if (!parms.v)
		return;
	ret->predictor = number_of(file, parms, "Predictor", 1);
	ret->colors = number_of(file, parms, "Colors", 1);
	ret->bits = number_of(file, parms, "BitsPerComponent", 8);
	ret->columns = number_of(file, parms, "Columns", 1);
	ret->late = number_of(file, parms, "EarlyChange", 1) == 0;
}

// --- rows

static uint8_t paeth(int left, int above, int corner)
{
	int guess = left + above - corner;
	int by_left = abs(guess - left), by_above = abs(guess - above),
	    by_corner = abs(guess - corner);
	return (uint8_t)(by_left <= by_above && by_left <= by_corner ? left
			 : by_above <= by_corner		     ? above
								     : corner);
}

static void undo_png(unsigned form, uint8_t *row, const uint8_t *above, size_t n, size_t each)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t left = i >= each ? row[i - each] : 0;
		uint8_t corner = i >= each ? above[i - each] : 0;
		row[i] += (uint8_t)(form == 1	? left
				    : form == 2 ? above[i]
				    : form == 3 ? (left + above[i]) / 2
				    : form == 4 ? paeth(left, above[i], corner)
						: 0);
	}
}

static void undo_tiff(uint8_t *row, size_t n, size_t each, bool wide)
{
	for (size_t i = each; i < n; i += wide ? 2 : 1) {
		if (!wide) {
			row[i] += row[i - each];
		} else if (i + 1 < n) {
			unsigned sum = (unsigned)(row[i] << 8 | row[i + 1]) +
				       (unsigned)(row[i - each] << 8 | row[i - each + 1]);
			row[i] = (uint8_t)(sum >> 8);
			row[i + 1] = (uint8_t)sum;
		}
	}
}

bool pdf_predict(const struct pdf_parms *parms, const uint8_t *bytes, size_t n, struct item *item)
{
	uint8_t row[PDF_ROW_MAX], above[PDF_ROW_MAX];
	const bool png = parms->predictor >= PNG && parms->predictor <= PNG_LAST;
	const bool whole = parms->bits == 8 || parms->bits == 16;
	if (parms->predictor <= 1)
		return item_add(item, bytes, n);
	if (parms->bits < 1 || parms->bits > BITS_MAX || parms->colors < 1 ||
	    parms->colors > COLORS_MAX || parms->columns < 1 || parms->columns > PDF_ROW_MAX ||
	    (!png && (parms->predictor != TIFF || !whole)))
		return false;
	const size_t each = (parms->colors * parms->bits + 7) / 8;
	const size_t size = ((size_t)parms->colors * parms->bits * parms->columns + 7) / 8;
	if (size > PDF_ROW_MAX)
		return false;
	memset(above, 0, size < n ? size : n);
	for (size_t at = 0; at + png < n;) {
		const unsigned form = png ? bytes[at++] : 0;
		const size_t there = size < n - at ? size : n - at;
		memcpy(row, bytes + at, there);
		at += there;
		if (png)
			undo_png(form, row, above, there, each);
		else
			undo_tiff(row, there, each, parms->bits == 16);
		memcpy(above, row, there);
		if (!item_add(item, row, there))
			return false;
	}
	return true;
}
