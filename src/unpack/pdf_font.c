#include "unpack/pdf_font.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/mime_charset.h"
#include "unpack/pdf_cmap.h"

enum {
	CODES = 256,
	WIDTH_LETTER = 500, // of letters of Latin, where the font does not say
	WIDTH_WIDE = 1000,
	TRAILS = 188, // of a lead byte in Shift_JIS
	UNREAD_MIN = 4,
	UNREAD_PART = 4, // a font of which one in so many letters cannot be read makes it illegible
	FLAG_SYMBOLIC = 4,
};

enum codes { CODES_ONE, CODES_TWO, CODES_CMAP, CODES_CHARSET, CODES_UTF16 };

struct pdf_font {
	struct pdf_font *below;
	const uint8_t *dict; // where its dictionary stands
	enum codes codes;
	const struct mime_charset *charset;
	bool sjis;
	bool jis;   // two bytes of JIS X 0208, to be read as EUC-JP
	bool japan; // glyphs are of Adobe-Japan1
	bool signs; // bullets, mathematics
	struct pdf_cmap *letters, *encoding;
	uint16_t plain[CODES];	// letters of one byte; 0: not known
	uint16_t widths[CODES]; // 0: not known
	uint32_t shown, unread;
};

// --- names of letters

static const struct {
	const char *name;
	uint16_t letter;
} letter_names[] = {
	{ "space", ' ' },	  { "zero", '0' },	   { "one", '1' },
	{ "two", '2' },		  { "three", '3' },	   { "four", '4' },
	{ "five", '5' },	  { "six", '6' },	   { "seven", '7' },
	{ "eight", '8' },	  { "nine", '9' },	   { "hyphen", '-' },
	{ "minus", '-' },	  { "period", '.' },	   { "comma", ',' },
	{ "colon", ':' },	  { "semicolon", ';' },	   { "slash", '/' },
	{ "parenleft", '(' },	  { "parenright", ')' },   { "bracketleft", '[' },
	{ "bracketright", ']' },  { "quotesingle", '\'' }, { "quoteright", '\'' },
	{ "quoteleft", '\'' },	  { "quotedbl", '"' },	   { "exclam", '!' },
	{ "question", '?' },	  { "percent", '%' },	   { "ampersand", '&' },
	{ "asterisk", '*' },	  { "plus", '+' },	   { "equal", '=' },
	{ "less", '<' },	  { "greater", '>' },	   { "at", '@' },
	{ "underscore", '_' },	  { "numbersign", '#' },   { "dollar", '$' },
	{ "endash", 0x2013 },	  { "emdash", 0x2014 },	   { "bullet", 0x2022 },
	{ "fi", 0xfb01 },	  { "fl", 0xfb02 },	   { "ff", 0xfb00 },
	{ "ffi", 0xfb03 },	  { "ffl", 0xfb04 },	   { "quotedblleft", '"' },
	{ "quotedblright", '"' }, { "ellipsis", '.' },	   { "dotlessi", 'i' },
	{ "yen", 0xa5 },
};

static uint16_t letter_of(const char *name)
{
	char *end;
	if (name[0] && !name[1])
		return (uint8_t)name[0];
	for (size_t i = 0; i < sizeof(letter_names) / sizeof(letter_names[0]); i++)
		if (!strcmp(name, letter_names[i].name))
			return letter_names[i].letter;
	if (!strncmp(name, "uni", 3) && strlen(name) >= 7) {
		char digits[5] = "";
		memcpy(digits, name + 3, 4);
		unsigned long point = strtoul(digits, &end, 16);
		return *end ? 0 : (uint16_t)point;
	}
	if (name[0] == 'u' && strlen(name) >= 5 && strlen(name) <= 7) {
		unsigned long point = strtoul(name + 1, &end, 16);
		return *end || point > UINT16_MAX ? 0 : (uint16_t)point;
	}
	// Letters with a mark: what they are marked of.
	const char *const marks[] = { "acute",	 "grave", "circumflex", "dieresis", "tilde",
				      "cedilla", "ring",  "caron",	"macron" };
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (!strcmp(name + 1, marks[i]))
			return (uint8_t)name[0];
	return 0;
}

// [65 /A /B 97 /a]
static void read_differences(struct pdf_file *file, struct pdf_font *font, struct pdf_span list)
{
	struct pdf_lexer lexer = { list.v, list.end, file };
	struct pdf_token token;
	double code = 0;
	char name[PDF_NAME_MAX + 1];
	if (!list.v)
		return;
	pdf_next(&lexer, &token);
	if (token.what != PDF_ARRAY)
		return;
	for (;;) {
		pdf_next(&lexer, &token);
		if (token.what == PDF_NUMBER) {
			code = token.number;
		} else if (token.what == PDF_NAME) {
			pdf_name(token.is, name);
			if (code >= 0 && code < CODES)
				font->plain[(size_t)code] = letter_of(name);
			code++;
		} else {
			return;
		}
	}
}

// --- Adobe-Japan1

// Runs of glyphs in the order of Shift_JIS, as 90ms-RKSJ-H has them: place (lead byte times 188 and
// trail byte, from 0x8140 on), how many, first glyph.
static const struct {
	uint16_t place, n, glyph;
} japan[] = {
	{ 0, 108, 633 },      { 119, 8, 741 },	  { 135, 7, 749 },    { 153, 15, 756 },
	{ 175, 8, 771 },      { 187, 1, 779 },	  { 203, 10, 780 },   { 220, 26, 790 },
	{ 252, 26, 816 },     { 282, 83, 842 },	  { 376, 86, 925 },   { 470, 24, 1011 },
	{ 502, 24, 1035 },    { 564, 33, 1059 },  { 612, 33, 1092 },  { 1410, 2965, 1125 },
	{ 4418, 3388, 4090 }, { 1128, 30, 7555 }, { 1159, 2, 7585 },  { 1162, 1, 7588 },
	{ 1164, 1, 7590 },    { 1166, 2, 7592 },  { 1169, 2, 7595 },  { 1172, 2, 7598 },
	{ 1175, 7, 7601 },    { 1191, 4, 7608 },  { 1196, 11, 7613 }, { 1210, 7, 7624 },
	{ 1218, 2, 7631 },    { 1161, 1, 8038 },  { 1163, 1, 8040 },  { 1165, 1, 8042 },
	{ 1171, 1, 8043 },    { 1168, 1, 8044 },  { 1174, 1, 8047 },  { 1195, 1, 8055 },
	{ 8634, 10, 8092 },   { 7806, 2, 8284 },  { 1190, 1, 8323 },  { 8272, 115, 8359 },
	{ 8388, 244, 8474 },
};

// Letters of one byte: proportional, of half a width, and katakana.
static uint32_t narrow(uint32_t glyph)
{
	if (glyph >= 1 && glyph <= 94)
		return glyph + 0x1f;
	if (glyph >= 231 && glyph <= 325)
		return glyph - 231 + 0x20;
	if (glyph >= 327 && glyph <= 389)
		return glyph - 327 + 0xff61;
	return 0;
}

static size_t read_japan(struct pdf_font *font, uint32_t glyph, char *out)
{
	struct mime_store store = { 0 };
	struct mime_text text = { .store = &store };
	uint32_t letter = narrow(glyph);
	size_t n = 0;
	(void)font;
	if (letter)
		return charset_put(letter, out, PDF_LETTERS_MAX);
	for (size_t i = 0; i < sizeof(japan) / sizeof(japan[0]); i++) {
		if (glyph < japan[i].glyph || glyph >= japan[i].glyph + (uint32_t)japan[i].n)
			continue;
		uint32_t place = japan[i].place + glyph - japan[i].glyph;
		uint32_t lead = place / TRAILS + 0x81, trail = place % TRAILS + 0x40;
		char bytes[2] = { (char)(lead < 0xa0 ? lead : lead + 0x40),
				  (char)(trail < 0x7f ? trail : trail + 1) };
		const struct mime_charset *sjis = mime_charset_find(MIME_SPAN("cp932"));
		if (sjis && mime_charset_read(sjis, (struct mime_span){ bytes, 2 }, &text))
			n = text.n <= 4 ? text.n : 0;
		if (n)
			memcpy(out, text.v, n);
		mime_text_done(&text);
		break;
	}
	return n;
}

// --- reading a dictionary

// Encodings that are character sets.
static const struct {
	const char *part;
	enum codes codes;
	const char *charset;
	bool jis;
} encodings[] = {
	{ "UTF16", CODES_UTF16, NULL, false },	     { "UCS2", CODES_UTF16, NULL, false },
	{ "RKSJ", CODES_CHARSET, "cp932", false },   { "EUC-H", CODES_CHARSET, "euc-jp", false },
	{ "EUC-V", CODES_CHARSET, "euc-jp", false }, { "GBK", CODES_CHARSET, "gbk", false },
	{ "GB-EUC", CODES_CHARSET, "gbk", false },   { "B5", CODES_CHARSET, "big5", false },
	{ "KSCms", CODES_CHARSET, "uhc", false },    { "KSC-EUC", CODES_CHARSET, "uhc", false },
};

static void read_encoding_name(struct pdf_font *font, const char *name)
{
	const char *whole[] = { "H", "V", "Ext-H", "Ext-V", "Add-H", "Add-V", "78-H", "78-V" };
	font->codes = CODES_TWO;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
		if (strstr(name, encodings[i].part)) {
			const char *charset = encodings[i].charset;
			font->codes = encodings[i].codes;
			font->sjis = !strcmp(encodings[i].part, "RKSJ");
			if (charset)
				font->charset = mime_charset_find(
					(struct mime_span){ charset, strlen(charset) });
			return;
		}
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (!strcmp(name, whole[i])) {
			font->codes = CODES_CHARSET;
			font->charset = mime_charset_find(MIME_SPAN("euc-jp"));
			font->jis = true;
		}
}

// A stream, as it is referred to by a dictionary's value.
static struct pdf_cmap *read_cmap(struct pdf_file *file, struct pdf_span dict, const char *name)
{
	struct pdf_span value = pdf_get(file, dict, name);
	struct pdf_cmap *cmap = NULL;
	struct item item;
	if (!value.v)
		return NULL;
	for (size_t i = 0; i < file->n_objects; i++) {
		struct pdf_object *object = &file->objects[i];
		if (object->body.v != value.v || !object->stream.v)
			continue;
		item_scratch(&item, file->item);
		if (pdf_decode(file, object, &item) && item.n)
			cmap = pdf_cmap_new(file, item.bytes, item.n);
		item_drop(&item);
		break;
	}
	file->work += file->n_objects;
	return cmap;
}

static void read_name(struct pdf_file *file, struct pdf_span value, char out[PDF_NAME_MAX + 1])
{
	struct pdf_lexer lexer = { value.v, value.end, file };
	struct pdf_token token = { .what = PDF_END };
	out[0] = '\0';
	if (value.v)
		pdf_next(&lexer, &token);
	if (token.what == PDF_NAME)
		pdf_name(token.is, out);
}

static void read_composite(struct pdf_file *file, struct pdf_font *font, struct pdf_span dict)
{
	char name[PDF_NAME_MAX + 1];
	read_name(file, pdf_get(file, dict, "Encoding"), name);
	read_encoding_name(font, name);
	if (!name[0])
		font->encoding = read_cmap(file, dict, "Encoding");
	if (font->encoding)
		font->codes = CODES_CMAP;
	struct pdf_span list = pdf_get(file, dict, "DescendantFonts");
	struct pdf_lexer lexer = { list.v, list.end, file };
	struct pdf_token token = { .what = PDF_END };
	if (list.v)
		pdf_next(&lexer, &token);
	if (token.what != PDF_ARRAY)
		return;
	struct pdf_span below = pdf_value(file, (struct pdf_span){ lexer.at, lexer.end });
	struct pdf_span ordering = pdf_get(file, pdf_get(file, below, "CIDSystemInfo"), "Ordering");
	font->japan =
		ordering.v && memmem(ordering.v, (size_t)(ordering.end - ordering.v), "Japan1", 6);
}

static void read_widths(struct pdf_file *file, struct pdf_font *font, struct pdf_span dict)
{
	struct pdf_span list = pdf_get(file, dict, "Widths");
	struct pdf_lexer lexer = { list.v, list.end, file };
	struct pdf_token token = { .what = PDF_END };
	double code = pdf_number(file, pdf_get(file, dict, "FirstChar"), 0);
	if (list.v)
		pdf_next(&lexer, &token);
	if (token.what != PDF_ARRAY || code < 0)
		return;
	for (; code < CODES; code++) {
		pdf_next(&lexer, &token);
		if (token.what != PDF_NUMBER)
			return;
		if (token.number > 0 && token.number < UINT16_MAX)
			font->widths[(size_t)code] = (uint16_t)token.number;
	}
}

// A font that is its own alphabet, and says of none of its codes what it is.
static bool is_unknown(struct pdf_file *file, struct pdf_span dict, struct pdf_span encoding)
{
	struct pdf_span descriptor = pdf_get(file, dict, "FontDescriptor");
	bool embedded = pdf_get(file, descriptor, "FontFile").v ||
			pdf_get(file, descriptor, "FontFile2").v ||
			pdf_get(file, descriptor, "FontFile3").v;
	unsigned flags = (unsigned)pdf_number(file, pdf_get(file, descriptor, "Flags"), 0);
	return !encoding.v && embedded && (flags & FLAG_SYMBOLIC);
}

static void read_simple(struct pdf_file *file, struct pdf_font *font, struct pdf_span dict)
{
	struct pdf_span encoding = pdf_get(file, dict, "Encoding");
	font->codes = CODES_ONE;
	for (unsigned code = 0x20; code < CODES && !is_unknown(file, dict, encoding); code++)
		font->plain[code] = (uint16_t)(code == 0x7f ? 0 : code);
	if (pdf_value_is(file, pdf_get(file, dict, "Subtype"), "Type3"))
		memset(font->plain, 0, sizeof(font->plain));
	read_differences(file, font, pdf_get(file, encoding, "Differences"));
	read_widths(file, font, dict);
}

struct pdf_font *pdf_font_of(struct pdf_file *file, struct pdf_font **fonts, struct pdf_span dict)
{
	static const char *const signs[] = {
		"Symbol", "Dingbats", "Wingdings", "Webdings", "CMMI",
		"CMSY",	  "CMEX",     "MSAM",	   "MSBM",     "Math"
	};
	struct pdf_font *font = *fonts;
	char name[PDF_NAME_MAX + 1];
	size_t n = 0;
	for (; font && font->dict != dict.v; font = font->below)
		n++;
	file->work += n;
	if (font || n >= PDF_FONTS_MAX)
		return font;
	font = look_alloc(file->item, sizeof(*font));
	if (!font)
		return NULL;
	font->dict = dict.v;
	font->below = *fonts;
	*fonts = font;
	read_name(file, pdf_get(file, dict, "BaseFont"), name);
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		font->signs = font->signs || strstr(name, signs[i]);
	if (pdf_value_is(file, pdf_get(file, dict, "Subtype"), "Type0"))
		read_composite(file, font, dict);
	else
		read_simple(file, font, dict);
	font->letters = read_cmap(file, dict, "ToUnicode");
	return font;
}

void pdf_fonts_free(struct pdf_file *file, struct pdf_font *fonts)
{
	for (struct pdf_font *font = fonts, *below; font; font = below) {
		below = font->below;
		if (font->unread >= UNREAD_MIN && font->unread * UNREAD_PART >= font->shown &&
		    !font->signs)
			item_illegible(file->item);
		pdf_cmap_free(file, font->letters);
		pdf_cmap_free(file, font->encoding);
		look_free(file->item, font, sizeof(*font));
	}
}

// --- reading codes

static size_t put_units(const uint16_t *units, size_t n, char *out)
{
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t point = units[i];
		if ((point & 0xfc00) == 0xd800 && i + 1 < n && (units[i + 1] & 0xfc00) == 0xdc00)
			point = 0x10000 + ((point & 0x3ff) << 10 | (units[++i] & 0x3ff));
		else if ((point & 0xf800) == 0xd800)
			point = 0xfffd;
		used += charset_put(point, out + used, PDF_LETTERS_MAX - used);
	}
	return used;
}

static size_t code_length(const struct pdf_font *font, const uint8_t *at, const uint8_t *end)
{
	size_t length = 1;
	switch (font->codes) {
	case CODES_ONE:
		break;
	case CODES_CMAP:
		length = pdf_cmap_length(font->encoding, at, end);
		length = length ? length : 2;
		break;
	case CODES_UTF16:
		length = (*at & 0xfc) == 0xd8 ? 4 : 2;
		break;
	case CODES_TWO:
		length = 2;
		break;
	case CODES_CHARSET:
		length = font->jis || *at >= 0xe0 || (*at >= 0x81 && *at < 0xa0) ? 2 : 1;
		if (!font->sjis)
			length = font->jis || *at >= 0x80 ? 2 : 1;
		break;
	}
	return length < (size_t)(end - at) ? length : (size_t)(end - at);
}

static size_t read_charset(const struct pdf_font *font, const uint8_t *at, size_t n, char *out)
{
	struct mime_store store = { 0 };
	struct mime_text text = { .store = &store };
	char bytes[4];
	size_t length = 0;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(font->jis ? at[i] | 0x80 : at[i]);
	if (font->charset &&
	    mime_charset_read(font->charset, (struct mime_span){ bytes, n }, &text))
		length = text.n < PDF_LETTERS_MAX ? text.n : 0;
	if (length)
		memcpy(out, text.v, length);
	mime_text_done(&text);
	return length;
}

static size_t read_letters(struct pdf_font *font, const uint8_t *at, size_t n, uint32_t code,
			   char *out)
{
	uint16_t units[PDF_CMAP_UNITS_MAX];
	uint32_t glyph = code;
	size_t length = font->letters ? pdf_cmap_units(font->letters, code, units) : 0;
	if (length)
		return put_units(units, length, out);
	switch (font->codes) {
	case CODES_ONE:
		return font->plain[code] ? charset_put(font->plain[code], out, PDF_LETTERS_MAX) : 0;
	case CODES_CHARSET:
		return read_charset(font, at, n, out);
	case CODES_UTF16:
		units[0] = (uint16_t)(n >= 4 ? code >> 16 : code);
		units[1] = (uint16_t)code;
		return put_units(units, n >= 4 ? 2 : 1, out);
	case CODES_CMAP:
		if (!pdf_cmap_glyph(font->encoding, code, &glyph))
			return 0;
		break;
	case CODES_TWO:
		break;
	}
	return font->japan ? read_japan(font, glyph, out) : 0;
}

size_t pdf_font_read(struct pdf_font *font, const uint8_t **at, const uint8_t *end,
		     char out[PDF_LETTERS_MAX], double *ret_width)
{
	*ret_width = 0;
	if (*at >= end)
		return 0;
	size_t n = code_length(font, *at, end);
	uint32_t code = 0;
	for (size_t i = 0; i < n; i++)
		code = code << 8 | (*at)[i];
	size_t length = read_letters(font, *at, n, code, out);
	bool one = font->codes == CODES_ONE;
	*at += n;
	font->shown++;
	font->unread += !length && code; // glyph 0 is what a font has not
	*ret_width = one && font->widths[code]			 ? font->widths[code]
		     : one || (length && (uint8_t)out[0] < 0x80) ? WIDTH_LETTER
								 : WIDTH_WIDE;
	return length;
}
