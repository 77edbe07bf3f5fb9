// Encodings and characters that no policy can hold, told with what they probably are.
#include "policy/source.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

struct place source_place(const char *name, uint32_t line, const char *line_start, const char *from,
			  const char *to)
{
	uint32_t before = 0, within = 0;

	for (const char *c = line_start; c < from; c++)
		before += ((unsigned char)*c & 0xc0) != 0x80;
	for (const char *c = from; c < to; c++)
		within += ((unsigned char)*c & 0xc0) != 0x80;
	return (struct place){ name, line, before + 1, before + (within ? within : 1) };
}

// Lines end with LF, CR LF or CR, as in YAML.
static struct place place_of_offset(const char *name, const char *bytes, size_t offset,
				    size_t length)
{
	uint32_t line = 1;
	size_t start = 0;

	for (size_t i = 0; i < offset; i++)
		if (bytes[i] == '\n' || (bytes[i] == '\r' && bytes[i + 1] != '\n')) {
			line++;
			start = i + 1;
		}
	return source_place(name, line, bytes + start, bytes + offset, bytes + offset + length);
}

static bool is_ascii_word(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return !(word & 0x8080808080808080u);
}

static bool in(unsigned char c, unsigned char low, unsigned char high)
{
	return c >= low && c <= high;
}

enum { PAIRS_MIN = 2 }; // of bytes that make a character: fewer could be anything

// JIS X 0208 with Shift_JIS's lead and trail bytes, half-width katakana included.
static bool is_shift_jis(const unsigned char *c, size_t size)
{
	size_t pairs = 0;

	for (size_t i = 0; i < size; i++) {
		if (c[i] < 0x80 || in(c[i], 0xa1, 0xdf))
			continue;
		if (!in(c[i], 0x81, 0x9f) && !in(c[i], 0xe0, 0xfc))
			return false;
		if (++i == size || !in(c[i], 0x40, 0xfc) || c[i] == 0x7f)
			return false;
		pairs++;
	}
	return pairs >= PAIRS_MIN;
}

static bool is_euc_jp(const unsigned char *c, size_t size)
{
	size_t pairs = 0;

	for (size_t i = 0; i < size; i++) {
		if (c[i] < 0x80)
			continue;
		if (c[i] == 0x8f && ++i == size)
			return false;
		if (!in(c[i], 0xa1, 0xfe) && c[i] != 0x8e)
			return false;
		if (++i == size || !in(c[i], 0xa1, 0xfe))
			return false;
		pairs++;
	}
	return pairs >= PAIRS_MIN;
}

static bool is_utf16(const char *bytes, size_t size)
{
	size_t look = size < 4096 ? size : 4096, zeros = 0;

	if (size >= 2 && (!memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2)))
		return true;
	for (size_t i = 0; i < look; i++)
		zeros += bytes[i] == 0;
	return zeros > 1 && zeros >= look / 4;
}

// Runs of ASCII are skipped by words; only what is between them is looked at as UTF-8.
static bool is_utf8(const char *bytes, size_t size, size_t *ret_bad)
{
	size_t i = 0;

	while (i < size) {
		size_t from;

		while (size - i >= 8 && is_ascii_word(bytes + i))
			i += 8;
		while (i < size && (unsigned char)bytes[i] < 0x80)
			i++;
		for (from = i; i < size && (unsigned char)bytes[i] >= 0x80; i++)
			;
		if (i > from && !text_is_utf8(bytes + from, i - from, ret_bad)) {
			*ret_bad += from;
			return false;
		}
	}
	return true;
}

static int check_encoding(const char *name, const char *bytes, size_t size, struct diag *diag)
{
	const unsigned char *c = (const unsigned char *)bytes;
	struct place at;
	size_t bad = 0;

	if (is_utf16(bytes, size)) {
		diag_add(diag, SK_UTF16, (struct place){ name, 1, 1, 1 },
			 "the file is written in UTF-16; save it as UTF-8");
		return -EBADMSG;
	}
	if (is_utf8(bytes, size, &bad))
		return 0;
	at = place_of_offset(name, bytes, bad, 1);
	if (is_euc_jp(c, size))
		diag_add(diag, SK_EUC_JP, at, "the file is written in EUC-JP; save it as UTF-8");
	else if (is_shift_jis(c, size))
		diag_add(diag, SK_SHIFT_JIS, at,
			 "the file is written in Shift_JIS; save it as UTF-8");
	else
		diag_add(diag, SK_NOT_UTF8, at,
			 "the file is not UTF-8 text here; save it as UTF-8");
	return -EBADMSG;
}

bool source_is_hidden(uint32_t c)
{
	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c & 0xfffe) == 0xfffe || c == 0xad;
}

// Words without control characters let the scan go eight bytes at a time.
static bool is_quiet_word(const char *at)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return !((word | (word - 0x20 * ones) | (word + ones)) & 0x80 * ones);
}

static void report_control(const char *name, const char *bytes, const char *from, const char *to,
			   const char *end, uint32_t c, struct diag *diag)
{
	struct place at = place_of_offset(name, bytes, (size_t)(from - bytes), (size_t)(to - from));

	if (c == 0x1b && end - to >= 2 && (!memcmp(to, "$B", 2) || !memcmp(to, "$@", 2)))
		diag_add(diag, SK_ISO_2022_JP, at,
			 "the file is written in ISO-2022-JP (JIS); save it as UTF-8");
	else
		diag_add(diag, SK_CONTROL_CHARACTER, at,
			 "the invisible character U+%04X stands here; take it away", c);
}

// The next code point of text that is known to be UTF-8, and need not end with a NUL.
static uint32_t next_character(const char **at)
{
	const unsigned char *c = (const unsigned char *)*at;

	if (c[0] < 0x80)
		return (*at)++, c[0];
	if (c[0] < 0xe0)
		return *at += 2, (uint32_t)(c[0] & 0x1f) << 6 | (c[1] & 0x3f);
	if (c[0] < 0xf0)
		return *at += 3,
		       (uint32_t)(c[0] & 0x0f) << 12 | (uint32_t)(c[1] & 0x3f) << 6 | (c[2] & 0x3f);
	*at += 4;
	return (uint32_t)(c[0] & 0x07) << 18 | (uint32_t)(c[1] & 0x3f) << 12 |
	       (uint32_t)(c[2] & 0x3f) << 6 | (c[3] & 0x3f);
}

// Whether source_check_signs() might have something to say of it: most files hold no such thing.
static bool is_sign(uint32_t c)
{
	return c == '\t' || c == 0xa0 || c == 0x2212 || (c >= 0x3000 && c <= 0x3002) ||
	       (c >= 0xff00 && c <= 0xffef);
}

static int check_characters(const char *name, const char *bytes, size_t size, struct diag *diag,
			    bool *ret_signs)
{
	const char *end = bytes + size;
	size_t found = 0;

	for (const char *at = bytes; at < end;) {
		const char *from = at;

		if (end - at >= 8 && is_quiet_word(at)) {
			at += 8;
			continue;
		}

		uint32_t c = next_character(&at);

		*ret_signs |= is_sign(c);
		if (!source_is_hidden(c))
			continue;
		if (++found > SOURCE_CONTROLS_MAX)
			break;
		report_control(name, bytes, from, at, end, c, diag);
		if (c == 0x1b)
			break; // one change of character set is followed by many
	}
	return found ? -EBADMSG : 0;
}

int source_check(const char *name, const char *bytes, size_t size, struct arena *arena,
		 struct diag *diag, struct source_text *ret_text)
{
	bool signs = false;
	int r;

	if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) {
		bytes += 3;
		size -= 3;
	}
	r = check_encoding(name, bytes, size, diag);
	if (r == 0)
		r = check_characters(name, bytes, size, diag, &signs);
	if (r < 0)
		return r;
	*ret_text = (struct source_text){ .bytes = bytes, .size = size };
	return signs ? source_check_signs(name, arena, diag, ret_text) : 0;
}
