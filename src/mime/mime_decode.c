#include "mime/mime_decode.h"

#include <endian.h>
#include <string.h>

#include "mime/mime_word.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
	SPACE = 0x80, // of no meaning between digits
	PAD,
	OTHER_62, // "-" and "_" of RFC 4648 section 5
	OTHER_63,
	NONE,
};

// clang-format off
#define X NONE
#define S SPACE
static const uint8_t digits[256] = {
	X, X, X, X, X, X, X, X, X, S, S, X, X, S, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	S, X, X, X, X, X, X, X, X, X, X, 62, X, OTHER_62, X, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X, X, X, PAD, X, X,
	X, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X, X, X, X, OTHER_63,
	X, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X, X, X, X, X,
	[128 ... 255] = X,
};
#undef X
#undef S
// clang-format on

struct pass {
	const uint8_t *in;
	size_t n, at;
	uint8_t *out;
	size_t room, made;
	uint32_t doubts;
};

static void emit(struct pass *pass, const void *bytes, size_t n)
{
	memcpy(pass->out + pass->made, bytes, n);
	pass->made += n;
}

// Whole groups of four digits and line ends between them, up to the first byte that is neither.
// What moves is kept in registers: a byte stored could be any other byte.
struct groups {
	const uint8_t *in, *in_end;
	uint8_t *out, *out_end;
};

// Up to a line end, or what else is no digit; 12 bytes are left over at the end of an ordinary
// line.
static inline __attribute__((always_inline)) void groups_bytes(struct groups *g)
{
	while (g->in_end - g->in >= 4 && g->out_end - g->out >= 8) {
		uint32_t a = digits[g->in[0]], b = digits[g->in[1]];
		uint32_t c = digits[g->in[2]], d = digits[g->in[3]];
		uint32_t bits = htobe32(a << 26 | b << 20 | c << 14 | d << 8);
		if ((a | b | c | d) & 0x80)
			return;
		memcpy(g->out, &bits, 4);
		g->in += 4;
		g->out += 3;
	}
}

static inline __attribute__((always_inline)) bool skip_line_end(struct groups *g)
{
	if (g->in_end - g->in < 2 || g->in[0] != '\r' || g->in[1] != '\n')
		return false;
	g->in += 2;
	return true;
}

static struct groups lines_plain(struct groups g)
{
	do {
		groups_bytes(&g);
	} while (skip_line_end(&g));
	return g;
}

#if defined(__x86_64__)
// Which kinds a byte may be of by each half of it: it is no digit where both have one in common.
// What makes digits of a row into values; and the bytes of four groups, the highest first.
// clang-format off
#define LOW_KINDS  0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a
#define HIGH_KINDS 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10
#define ROLLS      0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0
#define ORDER      2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1
// clang-format on

enum { LINE = 76, LINE_END = 2, LINE_BYTES = LINE / 4 * 3 };

// 32 digits to 24 bytes (W. Mula, D. Lemire, "Faster Base64 Encoding and Decoding Using AVX2
// Instructions", 2018); *wrong: not 0 where one is none.
__attribute__((target("avx2"))) static inline __m256i of_32(const uint8_t *from, __m256i *wrong)
{
	const __m256i slash = _mm256_set1_epi8(0x2f);
	__m256i in = _mm256_loadu_si256((const __m256i *)from);
	__m256i high = _mm256_and_si256(_mm256_srli_epi32(in, 4), slash);
	__m256i low = _mm256_and_si256(in, slash);
	__m256i low_kind = _mm256_shuffle_epi8(_mm256_setr_epi8(LOW_KINDS, LOW_KINDS), low);
	__m256i high_kind = _mm256_shuffle_epi8(_mm256_setr_epi8(HIGH_KINDS, HIGH_KINDS), high);
	*wrong = _mm256_and_si256(low_kind, high_kind);
	__m256i row = _mm256_add_epi8(_mm256_cmpeq_epi8(in, slash), high);
	__m256i values =
		_mm256_add_epi8(in, _mm256_shuffle_epi8(_mm256_setr_epi8(ROLLS, ROLLS), row));
	__m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
	__m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
	__m256i bytes = _mm256_shuffle_epi8(fours, _mm256_setr_epi8(ORDER, ORDER));
	return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, -1, -1));
}

// 16 digits to 12 bytes.
__attribute__((target("avx2"))) static inline __m128i of_16(const uint8_t *from, __m128i *wrong)
{
	const __m128i slash = _mm_set1_epi8(0x2f);
	__m128i in = _mm_loadu_si128((const __m128i *)from);
	__m128i high = _mm_and_si128(_mm_srli_epi32(in, 4), slash);
	__m128i low = _mm_and_si128(in, slash);
	*wrong = _mm_and_si128(_mm_shuffle_epi8(_mm_setr_epi8(LOW_KINDS), low),
			       _mm_shuffle_epi8(_mm_setr_epi8(HIGH_KINDS), high));
	__m128i row = _mm_add_epi8(_mm_cmpeq_epi8(in, slash), high);
	__m128i values = _mm_add_epi8(in, _mm_shuffle_epi8(_mm_setr_epi8(ROLLS), row));
	__m128i pairs = _mm_maddubs_epi16(values, _mm_set1_epi32(0x01400140));
	__m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000));
	return _mm_shuffle_epi8(fours, _mm_setr_epi8(ORDER));
}

// Ordinary lines, each as one: no step waits for where the one before it ended.  The last digits
// are taken together with four that were taken already.
__attribute__((target("avx2"))) static inline void whole_lines(struct groups *g)
{
	while (g->in_end - g->in >= LINE + LINE_END && g->out_end - g->out >= LINE_BYTES + 4) {
		__m256i wrong[2];
		__m128i wrong_last;
		__m256i first = of_32(g->in, &wrong[0]), second = of_32(g->in + 32, &wrong[1]);
		__m128i last = of_16(g->in + LINE - 16, &wrong_last);
		__m256i any = _mm256_or_si256(_mm256_or_si256(wrong[0], wrong[1]),
					      _mm256_zextsi128_si256(wrong_last));
		if (!_mm256_testz_si256(any, any) || g->in[LINE] != '\r' || g->in[LINE + 1] != '\n')
			return;
		_mm256_storeu_si256((__m256i *)g->out, first);
		_mm256_storeu_si256((__m256i *)(g->out + 24), second);
		_mm_storeu_si128((__m128i *)(g->out + LINE_BYTES - 12), last);
		g->in += LINE + LINE_END;
		g->out += LINE_BYTES;
	}
}

// While all are digits.
__attribute__((target("avx2"))) static inline void groups_vectors(struct groups *g)
{
	while (g->in_end - g->in >= 32 && g->out_end - g->out >= 32) {
		__m256i wrong, bytes = of_32(g->in, &wrong);
		if (!_mm256_testz_si256(wrong, wrong))
			return;
		_mm256_storeu_si256((__m256i *)g->out, bytes);
		g->in += 32;
		g->out += 24;
	}
}

__attribute__((target("avx2"))) static struct groups lines_avx2(struct groups g)
{
	do {
		whole_lines(&g);
		groups_vectors(&g);
		groups_bytes(&g);
	} while (skip_line_end(&g));
	return g;
}

static struct groups lines(struct groups g)
{
	return __builtin_cpu_supports("avx2") ? lines_avx2(g) : lines_plain(g);
}
#else
static struct groups lines(struct groups g)
{
	return lines_plain(g);
}
#endif

static void groups(struct pass *pass)
{
	struct groups g = lines((struct groups){ pass->in + pass->at, pass->in + pass->n,
						 pass->out + pass->made, pass->out + pass->room });
	pass->at = (size_t)(g.in - pass->in);
	pass->made = (size_t)(g.out - pass->out);
}

// Bytes of a group that is not complete, but for one digit, which makes none.
static void flush_group(struct mime_decoder *decoder, struct pass *pass)
{
	uint32_t bits = decoder->bits << (4 - decoder->n) * 6;
	uint8_t bytes[] = { (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits };
	if (decoder->n == 1)
		pass->doubts |= 1U << MIME_BASE64_SYNTAX;
	emit(pass, bytes, decoder->n ? decoder->n - 1U : 0);
	decoder->n = 0;
	decoder->bits = 0;
}

static void pad(struct mime_decoder *decoder, struct pass *pass)
{
	if (decoder->padded && decoder->padding) {
		decoder->padding--;
		return;
	}
	if (decoder->padded || decoder->n < 2)
		pass->doubts |= 1U << MIME_BASE64_SYNTAX;
	if (decoder->second && !decoder->padded && decoder->n < 2)
		return;
	decoder->padding = decoder->n == 2;
	decoder->padded = true;
	flush_group(decoder, pass);
}

static void digit(struct mime_decoder *decoder, struct pass *pass, uint8_t value)
{
	if (decoder->padded) {
		pass->doubts |= 1U << MIME_BASE64_SYNTAX;
		decoder->padded = false;
		decoder->padding = 0;
		decoder->over = decoder->second;
	}
	if (decoder->over)
		return;
	decoder->bits = decoder->bits << 6 | value;
	if (++decoder->n == 4)
		flush_group(decoder, pass);
}

static bool parts_here(const struct mime_decoder *decoder, uint8_t value)
{
	return !decoder->parted &&
	       ((decoder->padded && value < 64) || value == OTHER_62 || value == OTHER_63 ||
		(value == PAD && !decoder->padded && decoder->n < 2));
}

static enum mime_decoded base64(struct mime_decoder *decoder, struct pass *pass)
{
	uint32_t before = pass->doubts;
	if (decoder->over)
		pass->at = pass->n;
	while (pass->at < pass->n && pass->room - pass->made >= 8 && pass->doubts == before) {
		if (!decoder->n && !decoder->padded)
			groups(pass);
		if (pass->at == pass->n || pass->room - pass->made < 8)
			break;
		uint8_t value = digits[pass->in[pass->at]];
		if (parts_here(decoder, value))
			return MIME_DECODED_PART;
		pass->at++;
		if (value == PAD)
			pad(decoder, pass);
		else if (value < 64)
			digit(decoder, pass, value);
		else if (value != SPACE)
			pass->doubts |= 1U << MIME_BASE64_SYNTAX;
		if (decoder->second && (value == OTHER_62 || value == OTHER_63))
			digit(decoder, pass, value == OTHER_62 ? 62 : 63);
		if (decoder->over)
			pass->at = pass->n;
	}
	return MIME_DECODED_MORE;
}

enum place { PLAIN, EQUALS, HEX, SPACES, CR }; // after "=", "=4", "= ", "=\r"

static void hold(struct mime_decoder *decoder, uint8_t byte, enum place place)
{
	decoder->held[decoder->held_n++] = byte;
	decoder->place = place;
}

static void release(struct mime_decoder *decoder)
{
	decoder->held_n = 0;
	decoder->place = PLAIN;
}

// What was held means nothing: in the first reading it stands for itself.
static void literal(struct mime_decoder *decoder, struct pass *pass)
{
	uint32_t from = decoder->second;
	pass->doubts |= 1U << MIME_QP_SYNTAX;
	emit(pass, decoder->held + from, decoder->held_n - from);
	release(decoder);
}

static void plain(struct mime_decoder *decoder, struct pass *pass)
{
	const uint8_t *in = pass->in + pass->at;
	size_t n = pass->n - pass->at, most = pass->room - pass->made - MIME_DECODE_HELD;
	if (n > most)
		n = most;
	const uint8_t *equals = memchr(in, '=', n);
	size_t run = equals ? (size_t)(equals - in) : n;
	emit(pass, in, run);
	pass->at += run;
	if (equals) {
		hold(decoder, '=', EQUALS);
		pass->at++;
	}
}

// A line end after "=", with spaces between or not.  False: the readings part.
static bool soft(struct mime_decoder *decoder, struct pass *pass)
{
	bool spaces = decoder->held_n > 1 && decoder->held[1] != '\r';
	if (spaces && !decoder->parted)
		return false;
	if (spaces)
		pass->doubts |= 1U << MIME_QP_SYNTAX;
	if (spaces && decoder->second) {
		emit(pass, decoder->held, decoder->held_n);
		emit(pass, "\n", 1);
	}
	release(decoder);
	pass->at++;
	return true;
}

// One byte after "=".  False: the readings part.
static bool after_equals(struct mime_decoder *decoder, struct pass *pass)
{
	uint8_t byte = pass->in[pass->at];
	enum place place = decoder->place;
	bool full = decoder->held_n + 1 >= MIME_DECODE_HELD;
	if (place != HEX && byte == '\n')
		return soft(decoder, pass);
	if ((place == EQUALS || place == SPACES) && !full &&
	    (byte == ' ' || byte == '\t' || byte == '\r')) {
		hold(decoder, byte, byte == '\r' ? CR : SPACES);
		pass->at++;
		return true;
	}
	if (place == EQUALS && mime_hex(byte) >= 0) {
		hold(decoder, byte, HEX);
		pass->at++;
		return true;
	}
	if (place == HEX && mime_hex(byte) >= 0) {
		uint8_t made = (uint8_t)(mime_hex(decoder->held[1]) << 4 | mime_hex(byte));
		emit(pass, &made, 1);
		release(decoder);
		pass->at++;
		return true;
	}
	if (!decoder->parted)
		return false;
	literal(decoder, pass);
	return true;
}

static enum mime_decoded quoted_printable(struct mime_decoder *decoder, struct pass *pass)
{
	uint32_t before = pass->doubts;
	while (pass->at < pass->n && pass->room - pass->made > MIME_DECODE_HELD &&
	       pass->doubts == before) {
		if (decoder->place == PLAIN)
			plain(decoder, pass);
		else if (!after_equals(decoder, pass))
			return MIME_DECODED_PART;
	}
	return MIME_DECODED_MORE;
}

enum mime_decoded mime_decode(struct mime_decoder *decoder, const uint8_t *in, size_t n,
			      size_t *ret_used, uint8_t *out, size_t room, size_t *ret_made,
			      uint32_t *doubts)
{
	struct pass pass = { in, n, 0, out, room, 0, *doubts };
	enum mime_decoded r = decoder->encoding == MIME_BASE64 ? base64(decoder, &pass)
							       : quoted_printable(decoder, &pass);
	*ret_used = pass.at;
	*ret_made = pass.made;
	*doubts = pass.doubts;
	return r;
}

size_t mime_decode_end(struct mime_decoder *decoder, uint8_t *out, uint32_t *doubts)
{
	struct pass pass = { .out = out, .doubts = *doubts };
	decoder->second = false; // half of a code at the very end is literal to all
	if (decoder->encoding == MIME_BASE64 && decoder->padding)
		pass.doubts |= 1U << MIME_BASE64_SYNTAX;
	if (decoder->encoding == MIME_BASE64)
		flush_group(decoder, &pass);
	else if (decoder->place == HEX)
		literal(decoder, &pass);
	*doubts = pass.doubts;
	return pass.made;
}
