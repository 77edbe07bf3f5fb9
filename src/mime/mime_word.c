#include "mime/mime_word.h"

#include <string.h>

#include "mime/mime_charset.h"

// A word: =?charset*language?encoding?data?=
struct word {
	struct mime_span charset, data;
	bool base64;
	size_t size; // from =? to ?=
};

struct joiner {
	struct mime_text *out, bytes; // bytes of one character set, not yet read
	struct mime_span charset;
	struct mime_words words;
};

int mime_hex(uint8_t byte)
{
	byte = mime_lower(byte);
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool charset_byte(uint8_t byte)
{
	return byte > ' ' && byte < 0x7f && !strchr("?=\"()<>@,;[]/", byte);
}

// A word at the beginning of text.  *ret_endless: neither here nor later does one end.
static bool read_word(struct mime_span text, struct word *ret, bool *ret_endless)
{
	size_t at = 2, star = 0;
	if (text.n < 8 || text.v[0] != '=' || text.v[1] != '?')
		return false;
	for (; at < text.n && charset_byte((uint8_t)text.v[at]); at++)
		if (text.v[at] == '*' && !star)
			star = at;
	if (at == 2 || at + 2 >= text.n || text.v[at] != '?' || text.v[at + 2] != '?')
		return false;
	uint8_t encoding = mime_lower((uint8_t)text.v[at + 1]);
	if (encoding != 'b' && encoding != 'q')
		return false;
	const char *data = text.v + at + 3;
	const char *end = memmem(data, text.n - at - 3, "?=", 2);
	*ret_endless = !end;
	if (!end)
		return false;
	*ret = (struct word){ { text.v + 2, (star ? star : at) - 2 },
			      { data, (size_t)(end - data) },
			      encoding == 'b',
			      (size_t)(end - text.v) + 2 };
	return true;
}

static void add_q(struct mime_span data, struct mime_text *out)
{
	for (size_t i = 0; i < data.n; i++) {
		uint8_t byte = (uint8_t)data.v[i];
		int high = byte == '=' && i + 2 < data.n ? mime_hex((uint8_t)data.v[i + 1]) : -1;
		int low = high >= 0 ? mime_hex((uint8_t)data.v[i + 2]) : -1;
		if (low >= 0)
			i += 2;
		mime_text_byte(out, low >= 0	  ? (uint8_t)(high << 4 | low)
				    : byte == '_' ? ' '
						  : byte);
	}
}

static int digit(uint8_t byte)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const char *at = byte ? strchr(digits, byte) : NULL;
	return at ? (int)(at - digits) : byte == '-' ? 62 : byte == '_' ? 63 : -1;
}

static void add_b(struct mime_span data, struct mime_text *out)
{
	uint32_t bits = 0, n_bits = 0;
	for (size_t i = 0; i < data.n; i++) {
		int value = digit((uint8_t)data.v[i]);
		if (data.v[i] == '=')
			n_bits = 0; // words put one after the other in one are read on
		if (value < 0)
			continue;
		bits = (bits << 6 | (uint32_t)value) & 0xffff;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		mime_text_byte(out, (uint8_t)(bits >> n_bits));
	}
}

// Adds bytes to out as UTF-8 by the likeliest guess; whether it is sure.
static bool add_plain(struct mime_span bytes, struct mime_text *out)
{
	const struct mime_charset *guess[MIME_GUESSES];
	bool sure;
	mime_charset_guess(out->store, bytes, guess, &sure);
	mime_charset_read(guess[0], bytes, out);
	return sure;
}

// UTF-16 without a mark: some read its halves the one way, some the other.
static bool has_two_ends(struct mime_span charset, struct mime_span bytes)
{
	const bool marked = bytes.n >= 2 && (memcmp(bytes.v, "\xff\xfe", 2) == 0 ||
					     memcmp(bytes.v, "\xfe\xff", 2) == 0);
	return mime_span_is(charset, "utf-16") && !marked;
}

static void flush(struct joiner *joiner)
{
	static const char *const none[] = { "us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit",
					    "x-unknown" };
	struct mime_span bytes = { mime_text_string(&joiner->bytes), joiner->bytes.n };
	const struct mime_charset *charset;
	bool guess = false;
	if (!bytes.n)
		return;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		guess = guess || mime_span_is(joiner->charset, none[i]);
	charset = guess ? NULL : mime_charset_find(joiner->charset);
	if (!charset && (!add_plain(bytes, joiner->out) || !guess))
		joiner->words.unknown = true;
	if (charset && (!mime_charset_read(charset, bytes, joiner->out) ||
			has_two_ends(joiner->charset, bytes)))
		joiner->words.unknown = true;
	joiner->bytes.n = 0;
}

static void join(struct joiner *joiner, const struct word *word)
{
	if (!mime_span_equal(joiner->charset, word->charset))
		flush(joiner);
	joiner->charset = word->charset;
	joiner->words.found = true;
	if (word->base64)
		add_b(word->data, &joiner->bytes);
	else
		add_q(word->data, &joiner->bytes);
}

static bool is_blank(struct mime_span span)
{
	return !mime_span_trim(span).n;
}

struct mime_words mime_word_read(struct mime_span text, struct mime_text *out)
{
	struct joiner joiner = { .out = out, .bytes = { .store = out->store } };
	size_t at = 0, from = 0; // from: where what was not taken begins
	bool after_word = false, endless = false;
	out->store->work += text.n;
	while (at + 1 < text.n && !endless) {
		const char *next = memmem(text.v + at, text.n - at, "=?", 2);
		struct word word;
		if (!next)
			break;
		at = (size_t)(next - text.v);
		if (!read_word((struct mime_span){ next, text.n - at }, &word, &endless)) {
			at += 2;
			continue;
		}
		struct mime_span between = { text.v + from, at - from };
		if (between.n && !(after_word && is_blank(between))) {
			flush(&joiner);
			if (!add_plain(between, out))
				joiner.words.unknown = true;
		}
		join(&joiner, &word);
		at += word.size;
		from = at;
		after_word = true;
	}
	flush(&joiner);
	if (from < text.n && !add_plain((struct mime_span){ text.v + from, text.n - from }, out))
		joiner.words.unknown = true;
	mime_text_done(&joiner.bytes);
	return joiner.words;
}
