#include "unpack/pdf_filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "unpack/inflate.h"

enum { PIECE = 4096, LZW_CODES = 4096, LZW_CLEAR = 256, LZW_END = 257 };

struct output {
	struct item *item;
	uint8_t piece[PIECE];
	size_t n;
	bool full;
};

static void put(struct output *output, uint8_t byte)
{
	output->piece[output->n++] = byte;
	if (output->n < PIECE)
		return;
	output->full = !item_add(output->item, output->piece, output->n) || output->full;
	output->n = 0;
}

static bool done(struct output *output)
{
	return item_add(output->item, output->piece, output->n) && !output->full;
}

static bool inflate_stream(const uint8_t *bytes, size_t n, struct item *item)
{
	inflate_item(item, INFLATE_ZLIB, bytes, n);
	return item->limit == UNPACK_WHOLE || item->limit == UNPACK_DAMAGED;
}

static int hex(uint8_t c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 32) - 'a' + 10 : -1;
}

static bool read_hex(const uint8_t *bytes, size_t n, struct item *item)
{
	struct output output = { .item = item };
	int high = -1;
	for (size_t i = 0; i < n && bytes[i] != '>' && !output.full; i++) {
		int digit = hex(bytes[i]);
		if (digit < 0)
			continue;
		if (high >= 0)
			put(&output, (uint8_t)(high * 16 + digit));
		high = high >= 0 ? -1 : digit;
	}
	if (high >= 0)
		put(&output, (uint8_t)(high * 16));
	return done(&output);
}

static bool read_85(const uint8_t *bytes, size_t n, struct item *item)
{
	struct output output = { .item = item };
	uint32_t value = 0;
	unsigned digits = 0;
	for (size_t i = 0; i < n && bytes[i] != '~' && !output.full; i++) {
		if (bytes[i] == 'z' && !digits) {
			for (int k = 0; k < 4; k++)
				put(&output, 0);
			continue;
		}
		if (bytes[i] < '!' || bytes[i] > 'u')
			continue;
		value = value * 85 + (uint32_t)(bytes[i] - '!');
		if (++digits < 5)
			continue;
		for (int k = 3; k >= 0; k--)
			put(&output, (uint8_t)(value >> (8 * k)));
		value = digits = 0;
	}
	for (unsigned i = digits; digits > 1 && i < 5; i++)
		value = value * 85 + 84;
	for (unsigned k = 1; digits > 1 && k < digits; k++)
		put(&output, (uint8_t)(value >> (8 * (4 - k))));
	return done(&output);
}

static bool read_runs(const uint8_t *bytes, size_t n, struct item *item)
{
	struct output output = { .item = item };
	for (size_t i = 0; i < n && bytes[i] != 128 && !output.full;) {
		uint8_t length = bytes[i++];
		for (unsigned k = 0; length < 128 && k <= length && i < n; k++)
			put(&output, bytes[i++]);
		for (unsigned k = 0; length > 128 && k < 257U - length && i < n; k++)
			put(&output, bytes[i]);
		i += length > 128;
	}
	return done(&output);
}

// Codes of 9 to 12 bits, the width growing so many codes early (7.4.4.2, EarlyChange).
static bool read_codes(const uint8_t *bytes, size_t n, struct item *item, unsigned early)
{
	static _Thread_local struct {
		uint16_t before;
		uint8_t last;
	} table[LZW_CODES];
	struct output output = { .item = item };
	uint8_t stack[LZW_CODES];
	uint32_t bits = 0, next = LZW_END + 1, old = LZW_CLEAR;
	unsigned n_bits = 0, width = 9;
	uint8_t first = 0;
	for (size_t i = 0; !output.full;) {
		while (n_bits < width && i < n) {
			bits = bits << 8 | bytes[i++];
			n_bits += 8;
		}
		if (n_bits < width)
			break;
		uint32_t code = bits >> (n_bits - width) & ((1U << width) - 1);
		n_bits -= width;
		bits &= (1U << n_bits) - 1;
		if (code == LZW_END)
			break;
		if (code == LZW_CLEAR) {
			next = LZW_END + 1;
			width = 9;
			old = LZW_CLEAR;
			continue;
		}
		size_t depth = 0;
		uint32_t at = code;
		if (code > next || (code == next && old == LZW_CLEAR))
			break; // readers show what came before
		if (code == next) {
			stack[depth++] = first;
			at = old;
		}
		for (; at > LZW_END && depth < LZW_CODES; at = table[at].before)
			stack[depth++] = table[at].last;
		first = (uint8_t)at;
		put(&output, first);
		while (depth)
			put(&output, stack[--depth]);
		if (old != LZW_CLEAR && next < LZW_CODES) {
			table[next].before = (uint16_t)old;
			table[next++].last = first;
		}
		const uint32_t soon = next + early;
		width = soon >= 2048 ? 12 : soon >= 1024 ? 11 : soon >= 512 ? 10 : 9;
		old = code;
	}
	return done(&output);
}

static bool read_lzw(const uint8_t *bytes, size_t n, struct item *item)
{
	return read_codes(bytes, n, item, 1);
}

static bool read_late_lzw(const uint8_t *bytes, size_t n, struct item *item)
{
	return read_codes(bytes, n, item, 0);
}

static const struct {
	const char *name, *shortly;
	bool (*read)(const uint8_t *bytes, size_t n, struct item *item);
} filters[] = {
	{ "FlateDecode", "Fl", inflate_stream }, { "ASCIIHexDecode", "AHx", read_hex },
	{ "ASCII85Decode", "A85", read_85 },	 { "RunLengthDecode", "RL", read_runs },
	{ "LZWDecode", "LZW", read_lzw },
};

static bool predict(const struct pdf_parms *parms, struct item *item)
{
	struct item raw = *item;
	if (item->limit != UNPACK_WHOLE && item->limit != UNPACK_DAMAGED)
		return false;
	item_scratch(item, raw.parent);
	item->limit = raw.limit;
	bool fine = raw.whole && (!raw.n || pdf_predict(parms, raw.bytes, raw.n, item));
	item->look->held -= raw.cap;
	free(raw.heap);
	return fine;
}

bool pdf_filter(const char *name, const struct pdf_parms *parms, const uint8_t *bytes, size_t n,
		struct item *item)
{
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		if (strcmp(name, filters[i].name) != 0 && strcmp(name, filters[i].shortly) != 0)
			continue;
		bool late = filters[i].read == read_lzw && parms->late;
		if (!(late ? read_late_lzw : filters[i].read)(bytes, n, item))
			return false;
		return parms->predictor <= 1 || predict(parms, item);
	}
	return false;
}
