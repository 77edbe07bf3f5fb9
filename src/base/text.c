// UTF-8, terminal columns and edit distance.
#include "base/text.h"

#include <string.h>

enum { DISTANCE_MAX_BYTES = 64 };

// Length of the sequence that a lead byte opens, and the least code point it may give.
static unsigned sequence(unsigned char lead, uint32_t *ret_least, uint32_t *ret_bits)
{
	if (lead >= 0xc2 && lead <= 0xdf)
		return *ret_least = 0x80, *ret_bits = lead & 0x1f, 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return *ret_least = 0x800, *ret_bits = lead & 0x0f, 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return *ret_least = 0x10000, *ret_bits = lead & 0x07, 4;
	return 0;
}

// Decodes one code point of at least one byte; returns its length, 0 if invalid.
static unsigned decode(const unsigned char *bytes, size_t size, uint32_t *ret)
{
	uint32_t least = 0;
	uint32_t bits = 0;

	if (bytes[0] < 0x80) {
		*ret = bytes[0];
		return 1;
	}

	unsigned length = sequence(bytes[0], &least, &bits);

	if (length == 0 || length > size)
		return 0;
	for (unsigned i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		bits = bits << 6 | (bytes[i] & 0x3f);
	}
	if (bits < least || bits > 0x10ffff || (bits >= 0xd800 && bits <= 0xdfff))
		return 0;
	*ret = bits;
	return length;
}

uint32_t text_next(const char **text)
{
	const unsigned char *bytes = (const unsigned char *)*text;
	uint32_t code = 0;

	if (bytes[0] == 0)
		return 0;

	unsigned length = decode(bytes, strnlen(*text, 4), &code);

	*text += length ? length : 1;
	return length ? code : 0xfffd;
}

bool text_is_utf8(const void *bytes, size_t size, size_t *ret_bad_offset)
{
	const unsigned char *at = bytes;
	size_t left = size;

	while (left > 0) {
		uint32_t code;
		unsigned length = decode(at, left, &code);

		if (length == 0) {
			if (ret_bad_offset)
				*ret_bad_offset = size - left;
			return false;
		}
		at += length;
		left -= length;
	}
	return true;
}

// Ranges that a terminal shows two columns wide (EastAsianWidth W and F).
static const struct {
	uint32_t lo, hi;
} wide[] = {
	{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },   { 0x23e9, 0x23ec },
	{ 0x25fd, 0x25fe },   { 0x2614, 0x2615 },   { 0x2648, 0x2653 },   { 0x26a1, 0x26a1 },
	{ 0x2705, 0x2705 },   { 0x274c, 0x274c },   { 0x2753, 0x2755 },   { 0x2e80, 0x303e },
	{ 0x3041, 0x33ff },   { 0x3400, 0x4dbf },   { 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },
	{ 0xa960, 0xa97c },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe10, 0xfe19 },
	{ 0xfe30, 0xfe6f },   { 0xff01, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1b000, 0x1b2ff },
	{ 0x1f1e6, 0x1f1ff }, { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
	{ 0x20000, 0x2fffd }, { 0x30000, 0x3fffd },
}, combining[] = {
	{ 0x0300, 0x036f }, { 0x200b, 0x200f }, { 0x202a, 0x202e }, { 0x2060, 0x2064 },
	{ 0x20d0, 0x20ff }, { 0x3099, 0x309a }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
	{ 0xfeff, 0xfeff }, { 0xe0100, 0xe01ef },
};

size_t text_char_width(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return 0;
	for (size_t i = 0; i < sizeof(combining) / sizeof(combining[0]); i++)
		if (code >= combining[i].lo && code <= combining[i].hi)
			return 0;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (code >= wide[i].lo && code <= wide[i].hi)
			return 2;
	return 1;
}

size_t text_width(const char *text)
{
	size_t width = 0;
	uint32_t code;

	while ((code = text_next(&text)))
		width += text_char_width(code);
	return width;
}

void text_pad(FILE *out, const char *text, size_t width)
{
	size_t used = text_width(text);

	fputs(text, out);
	for (; used < width; used++)
		fputc(' ', out);
}

void text_cut(FILE *out, const char *text, size_t width)
{
	if (text_width(text) <= width) {
		fputs(text, out);
		return;
	}

	size_t left = width > 3 ? width - 3 : 0;

	for (const char *next = text;; text = next) {
		size_t columns = text_char_width(text_next(&next));

		if (columns > left)
			break;
		left -= columns;
		fwrite(text, 1, (size_t)(next - text), out);
	}
	fputs("...", out);
}

// Cc, Cf, Zl and Zp of Unicode 15, sorted.
static const struct {
	uint32_t lo, hi;
} hidden[] = {
	{ 0x0001, 0x001f },   { 0x007f, 0x009f },   { 0x00ad, 0x00ad },	  { 0x0600, 0x0605 },
	{ 0x061c, 0x061c },   { 0x06dd, 0x06dd },   { 0x070f, 0x070f },	  { 0x0890, 0x0891 },
	{ 0x08e2, 0x08e2 },   { 0x180e, 0x180e },   { 0x200b, 0x200f },	  { 0x2028, 0x202e },
	{ 0x2060, 0x2064 },   { 0x2066, 0x206f },   { 0xfeff, 0xfeff },	  { 0xfff9, 0xfffb },
	{ 0x110bd, 0x110bd }, { 0x110cd, 0x110cd }, { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a }, { 0xe0001, 0xe0001 }, { 0xe0020, 0xe007f },
};

bool text_is_hidden(uint32_t code)
{
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]) && code >= hidden[i].lo; i++)
		if (code <= hidden[i].hi)
			return true;
	return false;
}

static int write_out(uint32_t code, enum text_form form, char out[TEXT_SHOWN_MAX + 1])
{
	const char *pattern = form == TEXT_JSON ? "\\u%04x" : "<U+%04X>";

	if (form == TEXT_JSON && code > 0xffff) // RFC 8259 section 7
		return snprintf(out, TEXT_SHOWN_MAX + 1, "\\u%04x\\u%04x",
				0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
	return snprintf(out, TEXT_SHOWN_MAX + 1, pattern, code);
}

size_t text_show(const char *text, enum text_form form, char *out)
{
	size_t used = 0;

	for (const char *next = text; *text; text = next) {
		uint32_t code = text_next(&next);
		bool stays = form != TEXT_WORDS && (code == '\n' || code == '\t');
		char one[TEXT_SHOWN_MAX + 1];
		size_t n = (size_t)(next - text);

		if (!stays && text_is_hidden(code))
			n = (size_t)write_out(code, form, one);
		else if (code == 0xfffd && n == 1)
			one[0] = '?';
		else
			memcpy(one, text, n);
		if (out)
			memcpy(out + used, one, n);
		used += n;
	}
	if (out)
		out[used] = '\0';
	return used;
}

void text_put(FILE *stream, const char *text, enum text_form form)
{
	char shown[4 * TEXT_SHOWN_MAX + 1], piece[5];

	for (const char *next = text; *text; text = next) {
		for (next = text; *next >= ' ' && *next < 0x7f;)
			next++;
		if (next > text) {
			fwrite(text, 1, (size_t)(next - text), stream);
			continue;
		}
		text_next(&next);
		memcpy(piece, text, (size_t)(next - text));
		piece[next - text] = '\0';
		text_show(piece, form, shown);
		fputs(shown, stream);
	}
}

unsigned text_distance(const char *a, const char *b, unsigned limit)
{
	unsigned row[3][DISTANCE_MAX_BYTES + 1];
	size_t n = strlen(a);
	size_t m = strlen(b);

	if (n > DISTANCE_MAX_BYTES || m > DISTANCE_MAX_BYTES || (n > m ? n - m : m - n) > limit)
		return limit + 1;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = row[i % 3];
		const unsigned *above = row[(i + 2) % 3];
		const unsigned *above2 = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			best = above[j] + 1 < best ? above[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[n % 3][m] <= limit ? row[n % 3][m] : limit + 1;
}

void text_nearest_try(struct text_nearest *nearest, const char *name)
{
	size_t length = strlen(nearest->wanted);
	unsigned limit = length <= 3 ? 1 : length <= 7 ? 2 : 3;
	unsigned distance = text_distance(nearest->wanted, name, limit);

	if (distance <= limit && (!nearest->name || distance < nearest->distance)) {
		nearest->name = name;
		nearest->distance = distance;
	}
}
