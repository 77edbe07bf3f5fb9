// Bytes of text, written as themselves or as \'hh, are of the character set of their font or of the
// document; a letter of two bytes may be written half one way and half the other.  So they are
// gathered until something else comes:
//
//	{\f1\fcharset128 ...}  \f1 \'8b@\'96\'a7	bytes 8b 40 96 a7, CP932: 機密
//	\uc2\u27231\'8b\'40				U+6A5F; two bytes for old readers passed
// over
#include "unpack/rtf_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mime/mime_charset.h"

enum {
	GROUPS_MAX = 256, // deeper ones are as the last
	WORD_LONGEST = 32,
	BYTES_MAX = 1024,
	FONTS_MAX = 32768, // Word numbers those of themes from 31500 on
	PAGE_JAPAN = 932,
};

enum place { PLACE_TEXT, PLACE_BESIDE, PLACE_FONTS, PLACE_NONE };

struct group {
	uint8_t place;
	uint8_t skip; // characters for old readers behind \u
	uint16_t page;
};

struct teller {
	struct item *item;
	const uint8_t *at, *end;
	struct group groups[GROUPS_MAX];
	size_t depth;
	bool starred;  // the next word may be passed over with its group
	unsigned left; // characters to be passed over
	uint16_t page; // of the document
	uint16_t fonts[FONTS_MAX];
	size_t font; // that is being read or used
	uint32_t high;
	struct mime_store store;
	char bytes[BYTES_MAX];
	size_t n;
};

static struct group *group(struct teller *teller)
{
	return &teller->groups[teller->depth < GROUPS_MAX ? teller->depth : GROUPS_MAX - 1];
}

static enum look_flow flow(struct teller *teller)
{
	return group(teller)->place == PLACE_BESIDE ? LOOK_BESIDE : LOOK_MAIN;
}

static const struct mime_charset *charset_of(uint16_t page)
{
	static const struct {
		uint16_t page;
		const char *name;
	} pages[] = { { PAGE_JAPAN, "cp932" }, { 936, "gbk" },		{ 949, "uhc" },
		      { 950, "big5" },	       { 1250, "windows1250" }, { 1251, "windows1251" },
		      { 1253, "windows1253" }, { 1254, "windows1254" }, { 65001, "utf8" } };
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (pages[i].page == page)
			return mime_charset_find(
				(struct mime_span){ pages[i].name, strlen(pages[i].name) });
	return mime_charset_find(MIME_SPAN("windows1252"));
}

static void convert(struct teller *teller, const struct mime_charset *charset, enum look_flow to)
{
	struct mime_text out = { .store = &teller->store };
	if (!charset)
		return;
	mime_charset_read(charset, (struct mime_span){ teller->bytes, teller->n }, &out);
	item_say(teller->item, to, mime_text_string(&out), out.n);
	mime_text_done(&out);
}

static void flush(struct teller *teller)
{
	const uint16_t page = group(teller)->page ? group(teller)->page : teller->page;
	bool high = false;
	for (size_t i = 0; i < teller->n; i++)
		high |= teller->bytes[i] & 0x80;
	if (teller->n && group(teller)->place <= PLACE_BESIDE) {
		convert(teller, charset_of(page), flow(teller));
		if (high && page != PAGE_JAPAN) // whose writer forgot to say so
			convert(teller, charset_of(PAGE_JAPAN), LOOK_BESIDE);
	}
	teller->n = 0;
}

static void take_byte(struct teller *teller, uint8_t byte)
{
	if (teller->left) {
		teller->left--;
		return;
	}
	if (group(teller)->place > PLACE_BESIDE)
		return;
	if (teller->n == BYTES_MAX)
		flush(teller);
	teller->bytes[teller->n++] = (char)byte;
}

static void take_point(struct teller *teller, long number)
{
	uint32_t point = (uint32_t)number & 0xffff;
	char out[4];
	flush(teller);
	teller->left = group(teller)->skip;
	if (group(teller)->place > PLACE_BESIDE)
		return;
	if ((point & 0xfc00) == 0xd800) {
		teller->high = point;
		return;
	}
	if (teller->high && (point & 0xfc00) == 0xdc00)
		point = 0x10000 + ((teller->high & 0x3ff) << 10 | (point & 0x3ff));
	teller->high = 0;
	item_say(teller->item, flow(teller), out, charset_put(point, out, sizeof(out)));
}

static void say(struct teller *teller, const char *text)
{
	flush(teller);
	if (group(teller)->place <= PLACE_BESIDE)
		item_say(teller->item, flow(teller), text, strlen(text));
}

// --- words

static void take_charset(struct teller *teller, long number)
{
	static const struct {
		uint8_t charset;
		uint16_t page;
	} charsets[] = { { 128, PAGE_JAPAN }, { 129, 949 },  { 134, 936 },
			 { 136, 950 },	      { 161, 1253 }, { 162, 1254 },
			 { 204, 1251 },	      { 238, 1250 }, { 0, 1252 } };
	if (group(teller)->place != PLACE_FONTS || teller->font >= FONTS_MAX)
		return;
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		if (charsets[i].charset == number)
			teller->fonts[teller->font] = charsets[i].page;
}

static void take_font(struct teller *teller, long number)
{
	flush(teller);
	teller->font = number >= 0 && number < FONTS_MAX ? (size_t)number : FONTS_MAX;
	if (group(teller)->place != PLACE_FONTS && teller->font < FONTS_MAX)
		group(teller)->page = teller->fonts[teller->font];
}

static void take_page(struct teller *teller, long number)
{
	teller->page = (uint16_t)number;
}

static void take_skip(struct teller *teller, long number)
{
	group(teller)->skip = (uint8_t)(number < 0 ? 0 : number > 255 ? 255 : number);
}

static void take_plain(struct teller *teller, long number)
{
	(void)number;
	flush(teller);
	group(teller)->page = 0;
}

static void take_bytes(struct teller *teller, long number)
{
	size_t left = (size_t)(teller->end - teller->at);
	if (number > 0)
		teller->at += (size_t)number < left ? (size_t)number : left;
}

static const struct {
	const char *word;
	void (*take)(struct teller *teller, long number);
} takers[] = {
	{ "u", take_point },	  { "f", take_font },  { "fcharset", take_charset },
	{ "ansicpg", take_page }, { "uc", take_skip }, { "plain", take_plain },
	{ "bin", take_bytes },
};

static const struct {
	const char *word, *says;
} signs[] = {
	{ "par", "\n" },    { "line", "\n" },	   { "cell", "\n" },	  { "row", "\n" },
	{ "tab", "\n" },    { "page", "\n" },	   { "sect", "\n" },	  { "nestcell", "\n" },
	{ "emdash", "-" },  { "endash", "-" },	   { "bullet", " " },	  { "lquote", "'" },
	{ "rquote", "'" },  { "ldblquote", "\"" }, { "rdblquote", "\"" }, { "emspace", " " },
	{ "enspace", " " }, { "qmspace", " " },
};

// Groups by the word they begin with.
static const struct {
	const char *word;
	enum place place;
} places[] = {
	{ "fonttbl", PLACE_FONTS },    { "colortbl", PLACE_NONE },
	{ "stylesheet", PLACE_NONE },  { "pict", PLACE_NONE },
	{ "objdata", PLACE_NONE },     { "objclass", PLACE_NONE },
	{ "themedata", PLACE_NONE },   { "colorschememapping", PLACE_NONE },
	{ "datastore", PLACE_NONE },   { "latentstyles", PLACE_NONE },
	{ "listtable", PLACE_NONE },   { "listoverridetable", PLACE_NONE },
	{ "rsidtbl", PLACE_NONE },     { "generator", PLACE_NONE },
	{ "filetbl", PLACE_NONE },     { "revtbl", PLACE_NONE },
	{ "sn", PLACE_NONE },	       { "info", PLACE_BESIDE },
	{ "header", PLACE_BESIDE },    { "headerl", PLACE_BESIDE },
	{ "headerr", PLACE_BESIDE },   { "headerf", PLACE_BESIDE },
	{ "footer", PLACE_BESIDE },    { "footerl", PLACE_BESIDE },
	{ "footerr", PLACE_BESIDE },   { "footerf", PLACE_BESIDE },
	{ "footnote", PLACE_BESIDE },  { "annotation", PLACE_BESIDE },
	{ "shptxt", PLACE_BESIDE },    { "sv", PLACE_BESIDE },
	{ "fldinst", PLACE_BESIDE },   { "bkmkstart", PLACE_BESIDE },
	{ "atnid", PLACE_BESIDE },     { "atnauthor", PLACE_BESIDE },
	{ "userprops", PLACE_BESIDE }, { "doccomm", PLACE_BESIDE },
};

// Which do not change where text goes, starred or not.
static const char *const clear[] = { "shpinst", "ud", "shptxt", "do", "dptxbx" };

static void place_group(struct teller *teller, const char *word)
{
	bool starred = teller->starred;
	teller->starred = false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!strcmp(places[i].word, word)) {
			flush(teller);
			// What a picture shows to who cannot see it stands within it.
			if (group(teller)->place != PLACE_NONE || !strcmp(word, "sv"))
				group(teller)->place = (uint8_t)places[i].place;
			say(teller, "\n");
			return;
		}
	for (size_t i = 0; i < sizeof(clear) / sizeof(clear[0]); i++)
		starred = starred && strcmp(clear[i], word) != 0;
	if (starred)
		group(teller)->place = PLACE_NONE;
}

static void take_word(struct teller *teller)
{
	char word[WORD_LONGEST + 1] = "", digits[12] = "";
	size_t n = 0, n_digits = 0;
	for (; teller->at < teller->end && isalpha(*teller->at); teller->at++)
		if (n < WORD_LONGEST)
			word[n++] = (char)*teller->at;
	for (; teller->at < teller->end &&
	       (isdigit(*teller->at) || (*teller->at == '-' && !n_digits));
	     teller->at++)
		if (n_digits < sizeof(digits) - 1)
			digits[n_digits++] = (char)*teller->at;
	if (teller->at < teller->end && *teller->at == ' ')
		teller->at++;
	long number = n_digits ? strtol(digits, NULL, 10) : 1;
	place_group(teller, word);
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (!strcmp(signs[i].word, word))
			say(teller, signs[i].says);
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (!strcmp(takers[i].word, word))
			takers[i].take(teller, number);
}

static int hex(uint8_t c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 32) - 'a' + 10 : -1;
}

static void take_symbol(struct teller *teller)
{
	uint8_t c = *teller->at++;
	size_t left = (size_t)(teller->end - teller->at);
	if (c == '\'' && left >= 2 && hex(teller->at[0]) >= 0 && hex(teller->at[1]) >= 0) {
		take_byte(teller, (uint8_t)(hex(teller->at[0]) * 16 + hex(teller->at[1])));
		teller->at += 2;
	} else if (c == '*') {
		teller->starred = true;
	} else if (c == '\\' || c == '{' || c == '}') {
		take_byte(teller, c);
	} else if (c == '~') {
		say(teller, " ");
	} else if (c == '_') {
		say(teller, "-");
	} else if (c == '\r' || c == '\n') {
		say(teller, "\n");
	}
}

static void begin_group(struct teller *teller)
{
	const struct group *above = group(teller);
	flush(teller);
	teller->depth++;
	*group(teller) = *above;
	teller->starred = false;
	teller->left = 0;
}

static void end_group(struct teller *teller)
{
	flush(teller);
	if (teller->depth)
		teller->depth--;
	teller->left = 0;
}

void rtf_text_say(struct item *item)
{
	struct teller *teller = item_reads_text(item) ? look_alloc(item, sizeof(*teller)) : NULL;
	if (!teller)
		return;
	teller->item = item;
	teller->at = item->bytes;
	teller->end = item->bytes + item->n;
	teller->page = 1252;
	teller->groups[0].skip = 1;
	while (teller->at < teller->end) {
		uint8_t c = *teller->at++;
		if (c == '{')
			begin_group(teller);
		else if (c == '}')
			end_group(teller);
		else if (c == '\\' && teller->at < teller->end && isalpha(*teller->at))
			take_word(teller);
		else if (c == '\\' && teller->at < teller->end)
			take_symbol(teller);
		else if (c != '\r' && c != '\n' && c)
			take_byte(teller, c);
	}
	flush(teller);
	item_said(item, LOOK_MAIN);
	item_said(item, LOOK_BESIDE);
	look_free(item, teller, sizeof(*teller));
}
