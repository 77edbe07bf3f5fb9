#include "unpack/prose_line.h"

#include <string.h>

enum { LINE_MAX_BYTES = 16 * 1024, ZEROS_MIN = 2 };

// --- ISO-2022-JP

static const struct {
	const char *bytes;
	uint8_t width; // bytes of a letter; 0: ASCII, which nothing need be done for
} escapes[] = {
	{ "(B", 0 },  { "(J", 0 },  { "(H", 0 },  { "(I", 1 },	{ "$@", 2 },  { "$B", 2 },
	{ "$(B", 2 }, { "$(@", 2 }, { "$(D", 2 }, { "$(O", 2 }, { "$(P", 2 }, { "$(Q", 2 },
};

// At an ESC: its index, or -1.
static int escape_at(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		size_t length = strlen(escapes[i].bytes);
		if (n > length && memcmp(bytes + 1, escapes[i].bytes, length) == 0)
			return (int)i;
	}
	return -1;
}

void prose_escape_read(struct prose_escape *escape, const uint8_t *bytes, size_t n)
{
	const uint8_t *at = bytes, *end = bytes + n;
	while (at < end && (at = memchr(at, 0x1b, (size_t)(end - at))) != NULL) {
		int i = escape_at(at, (size_t)(end - at));
		if (i >= 0) {
			escape->n = escapes[i].width ? (uint8_t)(strlen(escapes[i].bytes) + 1) : 0;
			memcpy(escape->bytes, at, escape->n);
		}
		at++;
	}
}

static size_t width_of(const struct prose_escape *escape)
{
	int i = escape->n ? escape_at(escape->bytes, escape->n) : -1;
	return i < 0 ? 1 : escapes[i].width;
}

// Behind whole letters of the last escape, and not within another.
static size_t cut_escaped(const uint8_t *bytes, size_t n, struct prose_escape escape)
{
	const uint8_t *last = memrchr(bytes, 0x1b, n);
	size_t from = 0;
	if (last && last > bytes && (size_t)(bytes + n - last) < sizeof(escape.bytes) &&
	    escape_at(last, (size_t)(bytes + n - last)) < 0) {
		n = (size_t)(last - bytes);
		last = memrchr(bytes, 0x1b, n);
	}
	prose_escape_read(&escape, bytes, n);
	int i = last ? escape_at(last, (size_t)(bytes + n - last)) : -1;
	if (i >= 0)
		from = (size_t)(last - bytes) + strlen(escapes[i].bytes) + 1;
	// Blanks and line ends between letters are of one byte.
	size_t at = from, width = width_of(&escape);
	while (at + width <= n)
		at += bytes[at] < 0x21 ? 1 : width;
	return at ? at : n;
}

// --- letters of several bytes

static size_t of_utf8(uint8_t first)
{
	return first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static size_t of_sjis(uint8_t first)
{
	return (first >= 0x81 && first <= 0x9f) || first >= 0xe0 ? 2 : 1;
}

static size_t of_euc(uint8_t first)
{
	return first == 0x8f ? 3 : first == 0x8e || first >= 0xa1 ? 2 : 1;
}

static size_t of_pairs(uint8_t first)
{
	return first >= 0x81 ? 2 : 1;
}

static size_t (*const lengths[])(uint8_t first) = { of_utf8, of_sjis, of_euc, of_pairs };
enum { SETS = sizeof(lengths) / sizeof(lengths[0]) };

static size_t cut_letters(const uint8_t *bytes, size_t n)
{
	uint8_t ends[LINE_MAX_BYTES + 1] = { 0 };
	n = n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES;
	for (size_t set = 0; set < SETS; set++)
		for (size_t at = 0; at < n;) {
			at += lengths[set](bytes[at]);
			if (at <= n)
				ends[at]++;
		}
	for (size_t at = n; at > n / 2; at--)
		if (ends[at] == SETS)
			return at;
	return n;
}

size_t prose_line_cut(const uint8_t *bytes, size_t n, const struct prose_escape *escape)
{
	if (escape->n || memchr(bytes, 0x1b, n))
		return cut_escaped(bytes, n, *escape);
	for (size_t i = n; i > n / 2; i--)
		if (bytes[i - 1] == '>' || bytes[i - 1] == ' ')
			return i;
	return cut_letters(bytes, n);
}

// --- letters of two and four bytes

// Of Latin and Japan, as nearly all texts here begin with.
static bool are_letters(const uint8_t *bytes, size_t n, bool big)
{
	static const struct {
		uint32_t from, to;
	} usual[] = { { 9, 0x17f },
		      { 0x2000, 0x26ff },
		      { 0x3000, 0x30ff },
		      { 0x4e00, 0x9fff },
		      { 0xff00, 0xffef } };
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint32_t c = (uint32_t)bytes[i + !big] << 8 | bytes[i + big];
		bool is = false;
		for (size_t k = 0; k < sizeof(usual) / sizeof(usual[0]); k++)
			is |= c >= usual[k].from && c <= usual[k].to;
		if (!is)
			return false;
	}
	return true;
}

const char *prose_line_wide(const uint8_t *bytes, size_t n)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *name;
	} marks[] = {
		{ "\xff\xfe\0\0", 4, "utf-32le" },
		{ "\0\0\xfe\xff", 4, "utf-32be" },
		{ "\xff\xfe", 2, "utf-16le" },
		{ "\xfe\xff", 2, "utf-16be" },
	};
	size_t zeros[4] = { 0 }, fours = n / 4;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (n >= marks[i].n && memcmp(bytes, marks[i].bytes, marks[i].n) == 0)
			return marks[i].name;
	for (size_t i = 0; i < fours * 4; i++)
		zeros[i % 4] += !bytes[i];
	if (fours >= ZEROS_MIN && zeros[0] == fours && zeros[1] == fours && zeros[3] < fours)
		return "utf-32be";
	if (fours >= ZEROS_MIN && zeros[3] == fours && zeros[2] == fours && zeros[0] < fours)
		return "utf-32le";
	if (zeros[0] + zeros[1] + zeros[2] + zeros[3] < ZEROS_MIN)
		return NULL;
	return are_letters(bytes, n, false)  ? "utf-16le"
	       : are_letters(bytes, n, true) ? "utf-16be"
					     : NULL;
}
