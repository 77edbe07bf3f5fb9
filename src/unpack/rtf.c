// Rich text: objects, templates from elsewhere and DDE fields, by their control words.  Word reads
// nearly anything that begins like RTF, so nothing here asks for more than the words.
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "unpack/format.h"
#include "unpack/rtf_text.h"

enum { WORD_MAX = 32, FIELD_LOOKED = 512, PIECE = 4096, OLE1_EMBEDDED = 2, CLASS_MAX = 64 };

struct rtf {
	struct item *item;
	const uint8_t *at, *end;
};

// A control word behind its backslash, and the number and blank that end it.
static void read_word(struct rtf *rtf, char out[WORD_MAX + 1])
{
	size_t n = 0;
	for (; rtf->at < rtf->end && isalpha(*rtf->at); rtf->at++)
		if (n < WORD_MAX)
			out[n++] = (char)tolower(*rtf->at);
	out[n] = '\0';
	while (rtf->at < rtf->end && (isdigit(*rtf->at) || *rtf->at == '-'))
		rtf->at++;
	if (rtf->at < rtf->end && *rtf->at == ' ')
		rtf->at++;
}

static uint32_t le32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

// OLE 1 (MS-OLEDS 2.2.5): version, form, three texts with their lengths, size, bytes.
static void look_object(struct item *item, const uint8_t *bytes, size_t n)
{
	char class[CLASS_MAX + 1] = "";
	struct item object;
	if (n < 12 || le32(bytes + 4) != OLE1_EMBEDDED)
		return;
	const uint8_t *at = bytes + 8, *end = bytes + n;
	for (int i = 0; i < 3; i++) {
		if (end - at < 4 || le32(at) > (size_t)(end - at) - 4)
			return;
		if (i == 0)
			memcpy(class, at + 4, le32(at) < CLASS_MAX ? le32(at) : CLASS_MAX);
		at += 4 + le32(at);
	}
	if (end - at < 4)
		return;
	size_t size = le32(at), there = (size_t)(end - at) - 4;
	at += 4;
	if (size > there)
		size = there;
	if (!strcasecmp(class, "Package")) {
		package_look(item, at, size);
	} else if (item_begin(&object, item)) {
		item_name(&object, class);
		item_set(&object, at, size);
		item_end(&object);
	}
}

static int hex(uint8_t c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 32) - 'a' + 10 : -1;
}

// Pairs of hexadecimal digits up to the end of the group; what stands between them is passed over,
// as Word does.
static void read_object(struct rtf *rtf)
{
	struct item part;
	uint8_t piece[PIECE];
	size_t n = 0;
	int high = -1, depth = 0;
	char word[WORD_MAX + 1];
	bool more = true;
	if (!item_scratch(&part, rtf->item))
		return;
	while (more && rtf->at < rtf->end && depth >= 0) {
		uint8_t c = *rtf->at++;
		depth += c == '{' ? 1 : c == '}' ? -1 : 0;
		if (c == '\\' && rtf->at < rtf->end) {
			if (isalpha(*rtf->at))
				read_word(rtf, word);
			else
				rtf->at++;
		} else if (hex(c) >= 0 && high < 0) {
			high = hex(c);
		} else if (hex(c) >= 0) {
			piece[n++] = (uint8_t)(high * 16 + hex(c));
			high = -1;
		}
		if (n == PIECE) {
			more = item_add(&part, piece, n);
			n = 0;
		}
	}
	item_add(&part, piece, n);
	if (part.whole)
		look_object(rtf->item, part.bytes, part.n);
	else
		item_limit(&part, UNPACK_MEMORY);
	item_drop(&part);
}

// The text of a field's instruction, whatever groups and words stand in it.
static void read_field(struct rtf *rtf)
{
	static const char *const words[] = { "DDEAUTO", "DDE" };
	struct rtf ahead = *rtf;
	char text[16], word[WORD_MAX + 1];
	size_t n = 0;
	if ((size_t)(ahead.end - ahead.at) > FIELD_LOOKED)
		ahead.end = ahead.at + FIELD_LOOKED;
	while (ahead.at < ahead.end && n < sizeof(text) - 1) {
		uint8_t c = *ahead.at++;
		if (c == '\\' && ahead.at < ahead.end && isalpha(*ahead.at))
			read_word(&ahead, word);
		else if (c == '\\')
			ahead.at++;
		else if (!isspace(c) && c != '{' && c != '}' && c != '"')
			text[n++] = (char)toupper(c);
	}
	text[n] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(text, words[i], strlen(words[i])))
			rtf->item->kinds |= UNPACK_MACRO;
}

static void mark_active(struct rtf *rtf)
{
	rtf->item->kinds |= UNPACK_ACTIVE;
}

static void read_template(struct rtf *rtf)
{
	size_t n = 0, left = (size_t)(rtf->end - rtf->at);
	while (n < left && n < FIELD_LOOKED && rtf->at[n] != '}')
		n++;
	if (memmem(rtf->at, n, "://", 3) || memmem(rtf->at, n, "\\\\", 2) ||
	    memmem(rtf->at, n, "\\u", 2))
		rtf->item->kinds |= UNPACK_ACTIVE;
}

static const struct {
	const char *word;
	void (*take)(struct rtf *rtf);
} words[] = {
	{ "objdata", read_object },   { "object", mark_active },     { "objemb", mark_active },
	{ "objlink", mark_active },   { "objautlink", mark_active }, { "objocx", mark_active },
	{ "objupdate", mark_active }, { "objhtml", mark_active },    { "template", read_template },
	{ "fldinst", read_field },
};

void rtf_look(struct item *item)
{
	struct rtf rtf = { .item = item, .at = item->bytes, .end = item->bytes + item->n };
	char word[WORD_MAX + 1];
	rtf_text_say(item);
	while (rtf.at < rtf.end && !item->look->stopped) {
		const uint8_t *at = memchr(rtf.at, '\\', (size_t)(rtf.end - rtf.at));
		if (!at)
			return;
		rtf.at = at + 1;
		read_word(&rtf, word);
		if (!word[0] && rtf.at == at + 1 && rtf.at < rtf.end)
			rtf.at++; // a control symbol
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (!strcmp(word, words[i].word))
				words[i].take(&rtf);
		if (!strcmp(word, "objdata"))
			item->kinds |= UNPACK_ACTIVE;
	}
}
