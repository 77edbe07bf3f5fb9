// Base64 and quoted-printable beside a slow twin that reads one byte at a time and nothing else.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mime/mime_decode.h"
#include "mime/mime_text.h"

enum { INPUT_MAX = 700, MADE_MAX = 2 * INPUT_MAX + 100, ROUNDS = 40000 };

static uint32_t seed = 1;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

// One reading of base64, by the words of mime_decode.h: second ends at a digit after padding,
// and padding before two digits of a group is nothing to it.
static size_t twin_base64(const uint8_t *in, size_t n, bool second, uint8_t *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	uint32_t bits = 0, n_bits = 0;
	size_t made = 0;
	bool padded = false;
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = in[i];
		const char *at = byte ? strchr(alphabet, byte) : NULL;
		int value = at ? (int)(at - alphabet) : -1;
		if (second && byte == '-')
			value = 62;
		if (second && byte == '_')
			value = 63;
		if (second && byte == '=' && !padded && n_bits < 12)
			continue;
		if (byte == '=') {
			padded = true;
			n_bits = 0;
		}
		if (value < 0)
			continue;
		if (padded && second)
			break;
		padded = false;
		bits = bits << 6 | (uint32_t)value;
		n_bits = (n_bits + 6) % 24;
		if (n_bits == 6)
			bits = (uint32_t)value;
		if (n_bits == 12)
			out[made++] = (uint8_t)(bits >> 4);
		if (n_bits == 18)
			out[made++] = (uint8_t)(bits >> 2);
		if (n_bits == 0)
			out[made++] = (uint8_t)bits;
	}
	return made;
}

static int hex(uint8_t byte)
{
	const char *digits = "0123456789abcdef", *at;
	byte = mime_lower(byte);
	at = byte ? strchr(digits, byte) : NULL;
	return at ? (int)(at - digits) : -1;
}

static size_t twin_qp(const uint8_t *in, size_t n, bool second, uint8_t *out)
{
	size_t made = 0;
	for (size_t i = 0; i < n; i++) {
		size_t end = i + 1;
		if (in[i] != '=') {
			out[made++] = in[i];
			continue;
		}
		if (i + 2 < n && hex(in[i + 1]) >= 0 && hex(in[i + 2]) >= 0) {
			out[made++] = (uint8_t)(hex(in[i + 1]) << 4 | hex(in[i + 2]));
			i += 2;
			continue;
		}
		while (end < n && end - i < MIME_DECODE_HELD - 1 &&
		       (in[end] == ' ' || in[end] == '\t'))
			end++;
		bool spaces = end > i + 1;
		if (end < n && in[end] == '\r' && end - i < MIME_DECODE_HELD - 1)
			end++;
		bool half = n - i == 2 && hex(in[i + 1]) >= 0;
		if (end == n && !half)
			break; // "=" and less than a line end: nothing
		if (end < n && in[end] == '\n') {
			for (size_t k = i; second && spaces && k <= end; k++)
				out[made++] = in[k];
			i = end;
		} else if (!second || half) {
			out[made++] = '=';
		}
	}
	return made;
}

struct read {
	uint8_t v[2][MADE_MAX];
	size_t n[2];
	bool parted;
	uint32_t doubts;
};

static void run(struct mime_decoder *decoder, struct read *read, int which, const uint8_t *in,
		size_t n, size_t room, size_t *ret_used, enum mime_decoded *ret)
{
	size_t at = 0, used, made;
	*ret = MIME_DECODED_MORE;
	while (at < n && *ret == MIME_DECODED_MORE) {
		uint32_t doubts = read->doubts;
		assert_true(read->n[which] + room <= MADE_MAX);
		*ret = mime_decode(decoder, in + at, n - at, &used, read->v[which] + read->n[which],
				   room, &made, &doubts);
		assert_true(used <= n - at && made <= room);
		assert_true(used || made || *ret == MIME_DECODED_PART || doubts != read->doubts);
		read->doubts |= doubts;
		read->n[which] += made;
		at += used;
	}
	*ret_used = at;
}

// By mime_decode, cut at random.
static void decode(enum mime_encoding encoding, const uint8_t *in, size_t n, struct read *read)
{
	struct mime_decoder first = { .encoding = encoding }, second = { 0 };
	memset(read, 0, sizeof(*read));
	for (size_t at = 0; at < n;) {
		size_t piece = 1 + any(90), used;
		enum mime_decoded r;
		piece = piece < n - at ? piece : n - at;
		run(&first, read, 0, in + at, piece, 100, &used, &r);
		if (r == MIME_DECODED_PART) {
			assert_false(read->parted);
			read->parted = first.parted = true;
			second = first;
			second.second = true;
			memcpy(read->v[1], read->v[0], read->n[0]);
			read->n[1] = read->n[0];
			at += used;
			continue;
		}
		if (read->parted)
			run(&second, read, 1, in + at, piece, 100, &used, &r);
		at += piece;
	}
	read->n[0] += mime_decode_end(&first, read->v[0] + read->n[0], &read->doubts);
	if (read->parted)
		read->n[1] += mime_decode_end(&second, read->v[1] + read->n[1], &read->doubts);
}

static size_t make_input(enum mime_encoding encoding, uint8_t *in)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	size_t n = any(INPUT_MAX);
	uint32_t odd = any(3) ? 0 : any(40); // one in so many
	for (size_t i = 0; i < n; i++) {
		if (odd && !any(odd + 1))
			in[i] = (uint8_t)any(256);
		else if (encoding == MIME_BASE64)
			in[i] = i % 78 < 76 ? (uint8_t)digits[any(64)] : "\r\n"[i % 78 - 76];
		else
			in[i] = (uint8_t) "=4aF \t\r\nxyz"[any(11)];
		if (odd && !any(odd + 1))
			in[i] = (uint8_t) "=-_="[any(4)];
	}
	return n;
}

static void agree(enum mime_encoding encoding,
		  size_t (*twin)(const uint8_t *, size_t, bool, uint8_t *))
{
	static struct read read;
	static uint8_t in[INPUT_MAX], out[MADE_MAX];
	uint32_t parted = 0;
	seed = getenv("SEKISHO_SEED") ? (uint32_t)strtoul(getenv("SEKISHO_SEED"), NULL, 10) : 1;
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t with = seed;
		size_t n = make_input(encoding, in);
		decode(encoding, in, n, &read);
		parted += read.parted;
		for (int second = 0; second <= read.parted; second++) {
			size_t made = twin(in, n, second, out);
			if (made != read.n[second] || memcmp(out, read.v[second], made) != 0)
				fail_msg("reading %d of %.*s: %zu bytes, not %zu (SEKISHO_SEED=%u)",
					 second, (int)n, (const char *)in, read.n[second], made,
					 with);
		}
		if (!read.parted) // then the second reading is the first
			assert_int_equal(twin(in, n, true, out), read.n[0]);
		assert_true(!read.parted || read.doubts);
	}
	assert_true(parted > ROUNDS / 100 && parted < ROUNDS);
}

// Lines as mail programs make them, in one piece, with one byte of every value at every place of
// the second of three.
static void ordinary_lines(void **state)
{
	enum { LINES = 3, LINE = 78, ALL = LINES * LINE };
	static struct read read;
	uint8_t in[ALL], out[MADE_MAX];
	(void)state;
	seed = 1;
	for (uint32_t i = 0; i < ALL; i++)
		in[i] = i % LINE < 76 ? (uint8_t) "+/09AZaz"[any(8)] : "\r\n"[i % LINE - 76];
	for (uint32_t at = LINE; at < 2 * LINE; at++) {
		uint8_t before = in[at];
		for (uint32_t value = 0; value < 256; value++) {
			struct mime_decoder decoder = { .encoding = MIME_BASE64, .parted = true };
			size_t used, n;
			enum mime_decoded r;
			in[at] = (uint8_t)value;
			memset(&read, 0, sizeof(read));
			run(&decoder, &read, 0, in, ALL, ALL, &used, &r);
			read.n[0] += mime_decode_end(&decoder, read.v[0] + read.n[0], &read.doubts);
			n = twin_base64(in, ALL, false, out);
			if (n != read.n[0] || memcmp(out, read.v[0], n) != 0)
				fail_msg("byte %u at %u: %zu bytes, not %zu", value, at, read.n[0],
					 n);
		}
		in[at] = before;
	}
}

static void base64(void **state)
{
	(void)state;
	agree(MIME_BASE64, twin_base64);
}

static void quoted_printable(void **state)
{
	(void)state;
	agree(MIME_QUOTED_PRINTABLE, twin_qp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64),
		cmocka_unit_test(ordinary_lines),
		cmocka_unit_test(quoted_printable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
