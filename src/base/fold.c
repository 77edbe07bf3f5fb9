// Ranges first, since most letters of most texts are in none of them.
#include "base/fold.h"

#include <string.h>

enum {
	NOTHING = UINT32_MAX,
	MATH = 0x1d400,
	MATH_END = 0x1d6a4,
	MATH_DIGITS = 0x1d7ce,
	ALIKE_END = 0x500
};

bool fold_is_ascii(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// What becomes a gap, and what is not seen: formats, marks on other letters, selectors.
static const struct {
	uint32_t from, to, becomes;
} ranges[] = {
	{ 0x00, 0x2f, FOLD_GAP },	{ 0x3a, 0x40, FOLD_GAP },
	{ 0x5b, 0x60, FOLD_GAP },	{ 0x7b, 0xa9, FOLD_GAP },
	{ 0xab, 0xac, FOLD_GAP },	{ 0xad, 0xad, NOTHING },
	{ 0xae, 0xb1, FOLD_GAP },	{ 0xb4, 0xb4, FOLD_GAP },
	{ 0xb6, 0xb8, FOLD_GAP },	{ 0x300, 0x36f, NOTHING },
	{ 0x61c, 0x61c, NOTHING },	{ 0x115f, 0x1160, NOTHING },
	{ 0x17b4, 0x17b5, NOTHING },	{ 0x180b, 0x180f, NOTHING },
	{ 0x1ab0, 0x1aff, NOTHING },	{ 0x1dc0, 0x1dff, NOTHING },
	{ 0x2000, 0x200a, FOLD_GAP },	{ 0x200b, 0x200f, NOTHING },
	{ 0x2010, 0x2029, FOLD_GAP },	{ 0x202a, 0x202e, NOTHING },
	{ 0x202f, 0x205f, FOLD_GAP },	{ 0x2060, 0x206f, NOTHING },
	{ 0x20d0, 0x20ff, NOTHING },	{ 0x2190, 0x245f, FOLD_GAP },
	{ 0x2500, 0x2775, FOLD_GAP },	{ 0x2794, 0x2bff, FOLD_GAP },
	{ 0x2e00, 0x2e7f, FOLD_GAP },	{ 0x2ff0, 0x3004, FOLD_GAP },
	{ 0x3008, 0x3020, FOLD_GAP },	{ 0x302a, 0x302f, NOTHING },
	{ 0x3030, 0x3030, FOLD_GAP },	{ 0x3036, 0x3037, FOLD_GAP },
	{ 0x303d, 0x303f, FOLD_GAP },	{ 0x30a0, 0x30a0, FOLD_GAP },
	{ 0x30fb, 0x30fb, FOLD_GAP },	{ 0x3164, 0x3164, NOTHING },
	{ 0xfe00, 0xfe0f, NOTHING },	{ 0xfe10, 0xfe1f, FOLD_GAP },
	{ 0xfe20, 0xfe2f, NOTHING },	{ 0xfe30, 0xfe6f, FOLD_GAP },
	{ 0xfeff, 0xfeff, NOTHING },	{ 0xff5f, 0xff65, FOLD_GAP },
	{ 0xffa0, 0xffa0, NOTHING },	{ 0xfff0, 0xfffb, NOTHING },
	{ 0xfffc, 0xffff, FOLD_GAP },	{ 0x1f000, 0x1f0ff, FOLD_GAP },
	{ 0x1f300, 0x1faff, FOLD_GAP }, { 0xe0000, 0xe0fff, NOTHING },
};

// Numbers and letters of ASCII in circles, in brackets, with a full stop, above and below the line.
static const struct {
	uint32_t from, to;
	uint32_t first; // a number, or a letter
} styled[] = {
	{ 0xb2, 0xb3, 2 },	   { 0xb9, 0xb9, 1 },	      { 0x2070, 0x2070, 0 },
	{ 0x2074, 0x2079, 4 },	   { 0x2080, 0x2089, 0 },     { 0x2460, 0x2473, 1 },
	{ 0x2474, 0x2487, 1 },	   { 0x2488, 0x249b, 1 },     { 0x249c, 0x24b5, 'a' },
	{ 0x24b6, 0x24cf, 'a' },   { 0x24d0, 0x24e9, 'a' },   { 0x24ea, 0x24ea, 0 },
	{ 0x24eb, 0x24f4, 11 },	   { 0x24f5, 0x24fe, 1 },     { 0x24ff, 0x24ff, 0 },
	{ 0x2776, 0x277f, 1 },	   { 0x2780, 0x2789, 1 },     { 0x278a, 0x2793, 1 },
	{ 0x1f110, 0x1f129, 'a' }, { 0x1f130, 0x1f149, 'a' }, { 0x1f150, 0x1f169, 'a' },
	{ 0x1f170, 0x1f189, 'a' },
};

static const char *const roman[] = { "i",   "ii",   "iii", "iv", "v",  "vi",
				     "vii", "viii", "ix",  "x",	 "xi", "xii" };

// Letters of Greek and Cyrillic that nobody tells from one of ASCII.
static const struct {
	uint16_t letter;
	char like;
} alike[] = {
	{ 0x391, 'a' }, { 0x392, 'b' }, { 0x395, 'e' }, { 0x396, 'z' }, { 0x397, 'h' },
	{ 0x399, 'i' }, { 0x39a, 'k' }, { 0x39c, 'm' }, { 0x39d, 'n' }, { 0x39f, 'o' },
	{ 0x3a1, 'p' }, { 0x3a4, 't' }, { 0x3a5, 'y' }, { 0x3a7, 'x' }, { 0x3b9, 'i' },
	{ 0x3bf, 'o' }, { 0x3bd, 'v' }, { 0x405, 's' }, { 0x406, 'i' }, { 0x408, 'j' },
	{ 0x410, 'a' }, { 0x412, 'b' }, { 0x415, 'e' }, { 0x41a, 'k' }, { 0x41c, 'm' },
	{ 0x41d, 'h' }, { 0x41e, 'o' }, { 0x420, 'p' }, { 0x421, 'c' }, { 0x422, 't' },
	{ 0x425, 'x' }, { 0x430, 'a' }, { 0x435, 'e' }, { 0x43e, 'o' }, { 0x440, 'p' },
	{ 0x441, 'c' }, { 0x443, 'y' }, { 0x445, 'x' }, { 0x455, 's' }, { 0x456, 'i' },
	{ 0x458, 'j' }, { 0x4ae, 'y' }, { 0x4c0, 'i' }, { 0x131, 'i' },
};

// Katakana of half a width, from U+FF66 on.
static const uint16_t half_kana[] = {
	0x30f2, 0x30a1, 0x30a3, 0x30a5, 0x30a7, 0x30a9, 0x30e3, 0x30e5, 0x30e7, 0x30c3,
	0x30fc, 0x30a2, 0x30a4, 0x30a6, 0x30a8, 0x30aa, 0x30ab, 0x30ad, 0x30af, 0x30b1,
	0x30b3, 0x30b5, 0x30b7, 0x30b9, 0x30bb, 0x30bd, 0x30bf, 0x30c1, 0x30c4, 0x30c6,
	0x30c8, 0x30ca, 0x30cb, 0x30cc, 0x30cd, 0x30ce, 0x30cf, 0x30d2, 0x30d5, 0x30d8,
	0x30db, 0x30de, 0x30df, 0x30e0, 0x30e1, 0x30e2, 0x30e4, 0x30e6, 0x30e8, 0x30e9,
	0x30ea, 0x30eb, 0x30ec, 0x30ed, 0x30ef, 0x30f3,
};
enum { VOICED = 0x3099, HALF_VOICED = 0x309a };

// Kana with a mark as letter and mark, since half-width text writes them so.  0: it has none.
static uint32_t mark_of(uint32_t c, uint32_t *ret_letter)
{
	uint32_t base = c >= 0x30a0 ? c - 0x60 : c; // as hiragana
	*ret_letter = c - 1;
	if (base >= 0x304b && base <= 0x3062) // か to ぢ: each before its voiced one
		return (base - 0x304b) % 2 ? VOICED : 0;
	if (base >= 0x3064 && base <= 0x3069) // つ to ど
		return (base - 0x3064) % 2 ? VOICED : 0;
	if (base >= 0x306f && base <= 0x307d) { // は to ぽ, in threes
		*ret_letter = c - (base - 0x306f) % 3;
		return (base - 0x306f) % 3 == 1 ? VOICED : (base - 0x306f) % 3 ? HALF_VOICED : 0;
	}
	*ret_letter = c - (0x3094 - 0x3046); // ゔ, ヴ
	return base == 0x3094 ? VOICED : 0;
}

// Most letters of most texts, none of which is in a table.
static bool stays(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c > 0x303f && c <= 0x309a) ||
	       (c > 0x30a0 && c < 0x30fb) || (c >= 0x3400 && c < 0xf900);
}

static uint32_t in_ranges(uint32_t c)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]) && c >= ranges[i].from; i++)
		if (c <= ranges[i].to)
			return ranges[i].becomes;
	return c;
}

static uint32_t plain(uint32_t c)
{
	if (c >= 0xff66 && c < 0xff66 + sizeof(half_kana) / sizeof(half_kana[0]))
		return half_kana[c - 0xff66];
	if (c >= 0xff01 && c <= 0xff5e)
		c -= 0xff01 - '!';
	if (c >= 'A' && c <= 'Z')
		return c + 'a' - 'A';
	if (c >= MATH && c < MATH_END)
		return (c - MATH) % 26 + 'a';
	if (c >= MATH_DIGITS && c < MATH_DIGITS + 50)
		return (c - MATH_DIGITS) % 10 + '0';
	if (c == 0xff9e || c == 0x309b)
		return VOICED;
	if (c == 0xff9f || c == 0x309c)
		return HALF_VOICED;
	return fold_ideograph(in_ranges(c));
}

int fold_digit(uint32_t c)
{
	if (c >= 0xff10 && c <= 0xff19)
		return (int)(c - 0xff10);
	if (c >= MATH_DIGITS && c < MATH_DIGITS + 50)
		return (int)((c - MATH_DIGITS) % 10);
	return c >= '0' && c <= '9' ? (int)(c - '0') : -1;
}

bool fold_is_unseen(uint32_t c)
{
	return !stays(c) && in_ranges(c) == NOTHING;
}

static size_t put_text(const char *text, uint32_t out[FOLD_MAX])
{
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)text[i];
	return n;
}

// Signs that are written in ASCII as well; 0: it is none.
static size_t fold_sign(uint32_t c, uint32_t out[FOLD_MAX])
{
	if ((c >= 0x2160 && c <= 0x216b) || (c >= 0x2170 && c <= 0x217b))
		return put_text(roman[(c - 0x2160) % 16], out);
	for (size_t i = 0; i < sizeof(styled) / sizeof(styled[0]) && c >= styled[i].from; i++) {
		if (c > styled[i].to)
			continue;
		uint32_t value = styled[i].first + (c - styled[i].from);
		if (styled[i].first < 'a' && value >= 10) {
			out[0] = '0' + value / 10;
			out[1] = '0' + value % 10;
			return 2;
		}
		out[0] = styled[i].first < 'a' ? '0' + value : value;
		return 1;
	}
	for (size_t i = 0; c < ALIKE_END && i < sizeof(alike) / sizeof(alike[0]); i++)
		if (alike[i].letter == c)
			return put_text((const char[]){ alike[i].like, 0 }, out);
	return 0;
}

// ASCII and the punctuation of Japan: what most texts have beside their letters.
static bool is_common_gap(uint32_t c)
{
	return (c < 0x80 && !fold_is_ascii(c) && !(c >= 'A' && c <= 'Z')) ||
	       (c >= 0x3000 && c <= 0x3002) || (c >= 0x3008 && c <= 0x3011) || c == 0x30fb ||
	       (c >= 0xff01 && c <= 0xff0f);
}

size_t fold_letter(uint32_t c, uint32_t out[FOLD_MAX])
{
	uint32_t mark, letter;
	if (is_common_gap(c)) {
		out[0] = FOLD_GAP;
		return 1;
	}
	if (!stays(c)) {
		bool usual = c < 0x80 || (c >= 0xff10 && c <= 0xff9f);
		size_t n = usual ? 0 : fold_sign(c, out);
		if (n)
			return n;
		if (c == 0x3299) { // ㊙
			out[0] = 0x30de, out[1] = 0x30eb, out[2] = 0x79d8;
			return 3;
		}
		c = plain(c);
	}
	if (c == NOTHING)
		return 0;
	mark = c >= 0x3041 && c <= 0x30ff ? mark_of(c, &letter) : 0;
	out[0] = mark ? letter : c;
	out[1] = mark;
	return mark ? 2 : 1;
}
