#include "unpack/pdf_cmap.h"

#include <stdlib.h>
#include <string.h>

enum { RANGES_MAX = 1 << 17, UNITS_MAX = 1 << 19, SPACES_MAX = 32, CODE_MAX = 4 };

struct range {
	uint32_t low, high;
	uint32_t at; // of its units; or a glyph's number
	uint16_t n;  // units; 0: it is a glyph
};

struct space { // codes of n bytes from low to high, byte by byte
	uint8_t n, low[CODE_MAX], high[CODE_MAX];
};

struct pdf_cmap {
	struct range *ranges;
	size_t n_ranges, cap_ranges;
	uint16_t *units;
	size_t n_units, cap_units;
	struct space spaces[SPACES_MAX];
	size_t n_spaces;
};

// Room for one more of size bytes each.
static bool grow(struct pdf_file *file, void **v, size_t *cap, size_t n, size_t size, size_t most)
{
	if (n < *cap)
		return true;
	size_t room = *cap ? *cap * 2 : 64;
	void *more = room <= most ? look_alloc(file->item, room * size) : NULL;
	if (!more) {
		item_illegible(file->item);
		return false;
	}
	if (*cap)
		memcpy(more, *v, *cap * size);
	look_free(file->item, *v, *cap * size);
	*v = more;
	*cap = room;
	return true;
}

static bool add_range(struct pdf_file *file, struct pdf_cmap *cmap, struct range range)
{
	if (!grow(file, (void **)&cmap->ranges, &cmap->cap_ranges, cmap->n_ranges, sizeof(range),
		  RANGES_MAX))
		return false;
	cmap->ranges[cmap->n_ranges++] = range;
	return true;
}

static bool add_units(struct pdf_file *file, struct pdf_cmap *cmap, struct range range,
		      struct pdf_token to)
{
	uint8_t bytes[2 * PDF_CMAP_UNITS_MAX];
	size_t n = pdf_string(to.what, &to.is, bytes, sizeof(bytes));
	range.at = (uint32_t)cmap->n_units;
	range.n = (uint16_t)((n + 1) / 2);
	for (size_t i = 0; i < n; i += 2) {
		if (!grow(file, (void **)&cmap->units, &cmap->cap_units, cmap->n_units,
			  sizeof(uint16_t), UNITS_MAX))
			return false;
		// One byte alone is a letter, too.
		cmap->units[cmap->n_units++] =
			(uint16_t)(i + 1 < n ? bytes[i] << 8 | bytes[i + 1] : bytes[i]);
	}
	return !n || add_range(file, cmap, range);
}

static bool read_code(struct pdf_token token, uint32_t *ret)
{
	uint8_t bytes[CODE_MAX];
	if (token.what != PDF_HEX && token.what != PDF_STRING)
		return false;
	size_t n = pdf_string(token.what, &token.is, bytes, sizeof(bytes));
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret << 8 | bytes[i];
	return n > 0;
}

enum list { LIST_NONE, LIST_SPACES, LIST_CHARS, LIST_RANGES };

static void add_space(struct pdf_cmap *cmap, struct pdf_token from, struct pdf_token to)
{
	struct space *space = &cmap->spaces[cmap->n_spaces];
	if (cmap->n_spaces == SPACES_MAX)
		return;
	size_t n = pdf_string(from.what, &from.is, space->low, CODE_MAX);
	if (n && pdf_string(to.what, &to.is, space->high, CODE_MAX) == n) {
		space->n = (uint8_t)n;
		cmap->n_spaces++;
	}
}

// <low> <high> and a text, a list of texts, or a glyph's number.
static bool read_range(struct pdf_file *file, struct pdf_cmap *cmap, struct pdf_lexer *lexer,
		       struct range range)
{
	struct pdf_token to;
	pdf_next(lexer, &to);
	if (to.what == PDF_NUMBER) {
		range.at = to.number >= 0 && to.number <= UINT16_MAX ? (uint32_t)to.number : 0;
		return add_range(file, cmap, range);
	}
	if (to.what == PDF_HEX || to.what == PDF_STRING)
		return add_units(file, cmap, range, to);
	for (uint32_t code = range.low; to.what == PDF_ARRAY; code++) {
		struct pdf_token each;
		pdf_next(lexer, &each);
		if (each.what != PDF_HEX && each.what != PDF_STRING)
			break;
		if (!add_units(file, cmap, (struct range){ .low = code, .high = code }, each))
			return false;
	}
	return true;
}

static bool read_line(struct pdf_file *file, struct pdf_cmap *cmap, struct pdf_lexer *lexer,
		      enum list list, struct pdf_token from)
{
	struct range range = { 0 };
	struct pdf_token to = from;
	if (!read_code(from, &range.low))
		return true;
	range.high = range.low;
	if (list != LIST_CHARS) {
		pdf_next(lexer, &to);
		if (!read_code(to, &range.high))
			return true;
	}
	if (list == LIST_SPACES)
		add_space(cmap, from, to);
	else if (range.high >= range.low)
		return read_range(file, cmap, lexer, range);
	return true;
}

static int by_code(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	return x->low < y->low ? -1 : x->low > y->low ? 1 : x->at < y->at ? -1 : x->at > y->at;
}

static bool is_word(const struct pdf_token *token, const char *word)
{
	size_t n = strlen(word);
	return token->what == PDF_WORD && (size_t)(token->is.end - token->is.v) == n &&
	       !memcmp(token->is.v, word, n);
}

static void read_all(struct pdf_file *file, struct pdf_cmap *cmap, struct pdf_lexer *lexer)
{
	static const struct {
		const char *word;
		enum list list;
	} lists[] = { { "begincodespacerange", LIST_SPACES },
		      { "beginbfchar", LIST_CHARS },
		      { "beginbfrange", LIST_RANGES },
		      { "begincidchar", LIST_CHARS },
		      { "begincidrange", LIST_RANGES },
		      { "endcodespacerange", LIST_NONE },
		      { "endbfchar", LIST_NONE },
		      { "endbfrange", LIST_NONE },
		      { "endcidchar", LIST_NONE },
		      { "endcidrange", LIST_NONE } };
	enum list list = LIST_NONE;
	struct pdf_token token;
	for (pdf_next(lexer, &token); token.what != PDF_END; pdf_next(lexer, &token)) {
		for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
			if (is_word(&token, lists[i].word))
				list = lists[i].list;
		if (list != LIST_NONE && !read_line(file, cmap, lexer, list, token))
			return;
	}
}

struct pdf_cmap *pdf_cmap_new(struct pdf_file *file, const uint8_t *bytes, size_t n)
{
	struct pdf_cmap *cmap = look_alloc(file->item, sizeof(*cmap));
	struct pdf_lexer lexer = { bytes, bytes + n, file };
	if (!cmap)
		return NULL;
	read_all(file, cmap, &lexer);
	if (cmap->n_ranges)
		qsort(cmap->ranges, cmap->n_ranges, sizeof(cmap->ranges[0]), by_code);
	return cmap;
}

void pdf_cmap_free(struct pdf_file *file, struct pdf_cmap *cmap)
{
	if (!cmap)
		return;
	look_free(file->item, cmap->ranges, cmap->cap_ranges * sizeof(cmap->ranges[0]));
	look_free(file->item, cmap->units, cmap->cap_units * sizeof(cmap->units[0]));
	look_free(file->item, cmap, sizeof(*cmap));
}

// The last range that begins at or before the code.
static const struct range *find(const struct pdf_cmap *cmap, uint32_t code)
{
	size_t low = 0, high = cmap->n_ranges;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (cmap->ranges[middle].low <= code)
			low = middle + 1;
		else
			high = middle;
	}
	return low && cmap->ranges[low - 1].high >= code ? &cmap->ranges[low - 1] : NULL;
}

size_t pdf_cmap_units(const struct pdf_cmap *cmap, uint32_t code, uint16_t out[PDF_CMAP_UNITS_MAX])
{
	const struct range *range = find(cmap, code);
	size_t n = range ? range->n : 0;
	if (!n)
		return 0;
	memcpy(out, cmap->units + range->at, n * sizeof(out[0]));
	out[n - 1] = (uint16_t)(out[n - 1] + (code - range->low));
	return n == 1 && !out[0] ? 0 : n;
}

bool pdf_cmap_glyph(const struct pdf_cmap *cmap, uint32_t code, uint32_t *ret)
{
	const struct range *range = find(cmap, code);
	if (!range || range->n)
		return false;
	*ret = range->at + (code - range->low);
	return true;
}

static bool holds(const struct space *space, const uint8_t *at, const uint8_t *end)
{
	if (end - at < space->n)
		return false;
	for (size_t i = 0; i < space->n; i++)
		if (at[i] < space->low[i] || at[i] > space->high[i])
			return false;
	return true;
}

size_t pdf_cmap_length(const struct pdf_cmap *cmap, const uint8_t *at, const uint8_t *end)
{
	for (size_t i = 0; i < cmap->n_spaces; i++)
		if (holds(&cmap->spaces[i], at, end))
			return cmap->spaces[i].n;
	return cmap->n_spaces ? cmap->spaces[0].n : 0;
}
