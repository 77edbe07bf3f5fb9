// Runs of a paragraph are one text, however they are cut, and whatever comments stand between them:
//
//	<w:r><w:t>重要</w:t></w:r><w:r><w:t>性Ⅰ</w:t></w:r>	重要性Ⅰ
//	機<text:ruby-text>き</text:ruby-text>密			機密, beside it き
//
// Elements whose ends are missing change what counts as beside, and nothing else: all is looked
// through.
#include "unpack/xml_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/mime_charset.h"
#include "unpack/xml.h"

#define MOST_DIGITS 1e15 // what a double holds to the last one

enum { PIECE = 1024, REFERENCE_LONGEST = 12, DECLARATION = 256, NUMBER_LONGEST = 32 };

enum does {
	RUN = 1 << 0,	  // what is in it is of the flow
	DIVIDES = 1 << 1, // begins or ends a line or a cell
	BESIDE = 1 << 2,  // and all in it
	SPACE = 1 << 3,
	HYPHEN = 1 << 4,
	AGAIN = 1 << 5, // shown in place of what came before it, by old readers
	CHOICE = 1 << 6,
	CELL = 1 << 7, // a number as it is kept
};

static const struct {
	const char *name;
	unsigned does;
} elements[] = {
	{ "t", RUN },
	{ "v", RUN | DIVIDES | CELL },
	{ "f", RUN | DIVIDES },
	{ "p", DIVIDES },
	{ "h", DIVIDES },
	{ "c", DIVIDES },
	{ "si", DIVIDES },
	{ "is", DIVIDES },
	{ "row", DIVIDES },
	{ "tc", DIVIDES },
	{ "br", DIVIDES },
	{ "cr", DIVIDES },
	{ "tab", DIVIDES },
	{ "line-break", DIVIDES },
	{ "table-cell", DIVIDES },
	{ "list-item", DIVIDES },
	{ "s", SPACE },
	{ "noBreakHyphen", HYPHEN },
	{ "rt", BESIDE },
	{ "rPh", BESIDE },
	{ "ruby-text", BESIDE },
	{ "txbxContent", BESIDE },
	{ "text-box", BESIDE },
	{ "note", BESIDE },
	{ "annotation", BESIDE },
	{ "tracked-changes", BESIDE },
	{ "title", BESIDE },
	{ "desc", BESIDE },
	{ "Fallback", BESIDE | AGAIN },
	{ "AlternateContent", CHOICE },
};

// Attributes that somebody reads: names of sheets and labels, words across a page, what stands for
// a picture.
static const struct {
	const char *element, *attribute;
} attributes[] = {
	{ "sheet", "name" },
	{ "textpath", "string" },
	{ "docPr", "descr" },
	{ "docPr", "title" },
	{ "cNvPr", "descr" },
	{ "cNvPr", "title" },
	{ "property", "name" },
	{ "tableColumn", "name" },
	{ "s", "v" },
	{ "n", "v" },
	{ "alias", "val" },
	{ "listItem", "displayText" },
	{ "dataValidation", "prompt" },
	{ "dataValidation", "error" },
	{ "hyperlink", "tooltip" },
	{ "table", "name" },
	{ "user-defined", "name" },
	{ "table-cell", "string-value" },
	{ "label", "name" },
	{ "shape", "alt" },
	{ "cSld", "name" },
	{ "numFmt", "formatCode" },
	{ "definedName", "name" },
	{ "tag", "val" },
	{ "docPr", "name" },
	{ "cNvPr", "name" },
	{ "hidden-text", "string-value" },
	{ "text-input", "description" },
	{ "placeholder", "description" },
	{ "page", "name" },
};

struct teller {
	struct item *item;
	enum xml_text_form form;
	const char *at, *end;
	bool doctype; // one was read
	bool cell;
	bool index;		     // its number is a text's place among those that cells share
	bool run;		     // in an element of a run
	unsigned beside;	     // elements that are open
	char number[NUMBER_LONGEST]; // of a cell, until its text is known
	uint32_t before, first;	     // numbers of persons before a choice, and in the first of it
	char out[PIECE];
	size_t n;
};

// Where text goes: a line beside, unless it is of a flow.
enum to { TO_MAIN = LOOK_MAIN, TO_BESIDE = LOOK_BESIDE, TO_LINE };

static void flush(struct teller *teller, enum to to)
{
	if (to == TO_LINE)
		item_aside(teller->item, teller->out, teller->n);
	else
		item_say(teller->item, (enum look_flow)to, teller->out, teller->n);
	teller->n = 0;
}

static const struct {
	const char *name;
	char means;
} entities[] = { { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' }, { "apos", '\'' } };

// What a reference stands for, and its length; 0: it is none.
static size_t read_reference(const char *at, const char *end, uint32_t *ret)
{
	size_t left = (size_t)(end - at);
	const char *stop = memchr(at, ';', left < REFERENCE_LONGEST ? left : REFERENCE_LONGEST);
	char word[REFERENCE_LONGEST + 1] = "";
	char *rest = word;
	if (!stop)
		return 0;
	memcpy(word, at + 1, (size_t)(stop - at) - 1);
	*ret = 0;
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (!strcmp(word, entities[i].name))
			*ret = (uint8_t)entities[i].means;
	if (word[0] == '#')
		*ret = (uint32_t)(word[1] == 'x' ? strtoul(word + 2, &rest, 16)
						 : strtoul(word + 1, &rest, 10));
	if (!*ret || *ret > 0x10ffff || *rest)
		*ret = *rest ? *ret : 0;
	return *ret && *ret <= 0x10ffff ? (size_t)(stop - at) + 1 : 0;
}

// From at to end, references resolved unless raw.
static void put(struct teller *teller, const char *at, const char *end, bool raw, enum to to)
{
	while (at < end) {
		uint32_t point;
		size_t length = *at == '&' && !raw ? read_reference(at, end, &point) : 0;
		if (teller->n > PIECE - 4)
			flush(teller, to);
		if (length) {
			teller->n += charset_put(point, teller->out + teller->n, PIECE - teller->n);
			at += length;
		} else {
			teller->out[teller->n++] = *at++;
		}
	}
}

static bool is_blank(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || (*at >= 9 && *at <= 13)))
		at++;
	return at == end;
}

// Numbers as spreadsheets keep them: 1.23456789018E11 too.  False: it is none.
static bool read_number(const char *at, size_t n, char out[NUMBER_LONGEST])
{
	char text[NUMBER_LONGEST], *end;
	if (!n || n >= sizeof(text) || at[0] < '0' || at[0] > '9')
		return false;
	memcpy(text, at, n);
	text[n] = '\0';
	if (!strpbrk(text, ".Ee&")) // digits as they are, with what stands between them
		return snprintf(out, NUMBER_LONGEST, "%s", text) > 0;
	double value = strtod(text, &end);
	if (*end || !(value < MOST_DIGITS))
		return false;
	snprintf(out, NUMBER_LONGEST, "%" PRIu64, (uint64_t)value);
	return true;
}

// A cell's number that its text did not show as it is.
static void drop_number(struct teller *teller, const char *at, const char *end)
{
	size_t n = strlen(teller->number);
	if (n && !((size_t)(end - at) == n && !memcmp(at, teller->number, n)))
		item_aside(teller->item, teller->number, n);
	teller->number[0] = '\0';
}

static void tell_text(struct teller *teller, const char *at, const char *end, bool raw)
{
	char number[NUMBER_LONGEST];
	bool flow =
		teller->form == XML_TEXT_MIXED || (teller->form == XML_TEXT_RUNS && teller->run);
	enum to to = !flow ? TO_LINE : teller->beside ? TO_BESIDE : TO_MAIN;
	if (at == end || (!flow && is_blank(at, end)))
		return;
	if (teller->number[0])
		drop_number(teller, at, end);
	if (teller->cell && teller->index)
		teller->out[teller->n++] = '\f';
	else if (teller->cell && read_number(at, (size_t)(end - at), number))
		put(teller, number, number + strlen(number), true, to);
	else
		put(teller, at, end, raw, to);
	flush(teller, to);
}

static void tell_attributes(struct teller *teller, const struct xml *xml)
{
	const char *value;
	size_t n;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		if (!xml_is(xml, attributes[i].element) ||
		    !xml_attribute(xml, attributes[i].attribute, &value, &n))
			continue;
		put(teller, value, value + n, false, TO_LINE);
		flush(teller, TO_LINE);
	}
	if (xml_is(xml, "table-cell") && xml_attribute(xml, "value", &value, &n) &&
	    !read_number(value, n, teller->number))
		teller->number[0] = '\0';
}

static unsigned does_of(const struct xml *xml)
{
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (xml->n_name == strlen(elements[i].name) &&
		    !memcmp(xml->name, elements[i].name, xml->n_name))
			return elements[i].does;
	return 0;
}

// What a choice shows in one way or the other counts once: persons in the larger of the two.
static void take_choice(struct teller *teller, const struct xml *xml, unsigned does)
{
	struct terms_reader *aside = &item_document(teller->item)->text[LOOK_BESIDE];
	if ((does & CHOICE) && !xml->closing)
		teller->before = teller->first = aside->persons.sure;
	else if ((does & AGAIN) && !xml->closing)
		teller->first = aside->persons.sure;
	else if ((does & AGAIN) && aside->persons.sure >= teller->first &&
		 teller->first >= teller->before)
		aside->persons.sure -=
			aside->persons.sure - teller->first < teller->first - teller->before
				? aside->persons.sure - teller->first
				: teller->first - teller->before;
}

static void tell_tag(struct teller *teller, const struct xml *xml)
{
	const unsigned does = does_of(xml);
	const char *value;
	size_t n_value;
	bool empty = xml->n_attributes && xml->attributes[xml->n_attributes - 1] == '/';
	empty = empty && !xml->closing;
	if (teller->number[0] && xml_is(xml, "table-cell"))
		drop_number(teller, "", "");
	if (xml_is(xml, "c") && !xml->closing)
		teller->index =
			xml_attribute(xml, "t", &value, &n_value) && n_value == 1 && *value == 's';
	teller->cell = (does & CELL) && !xml->closing && !empty;
	teller->run = (does & RUN) && !xml->closing && !empty;
	if ((does & BESIDE) && !empty)
		item_say(teller->item, LOOK_BESIDE, "\n", 1);
	if (does & (CHOICE | AGAIN)) {
		item_say(teller->item, LOOK_BESIDE, "\f", 1); // a number ends
		take_choice(teller, xml, does);
	}
	if (does & BESIDE && !empty && !xml->closing)
		teller->beside++;
	else if (does & BESIDE && xml->closing && teller->beside)
		teller->beside--;
	const enum look_flow flow = teller->beside ? LOOK_BESIDE : LOOK_MAIN;
	if (does & DIVIDES)
		item_say(teller->item, flow, "\n", 1);
	if (!xml->closing && (does & SPACE) && teller->form == XML_TEXT_MIXED)
		item_say(teller->item, flow, " ", 1);
	if (!xml->closing && (does & HYPHEN))
		item_say(teller->item, flow, "-", 1);
	if (!xml->closing && xml->n_attributes > 1)
		tell_attributes(teller, xml);
}

// Where what begins here, and is closed so, ends; NULL: it begins otherwise.
static const char *skip(const struct teller *teller, const char *opening, const char *closing)
{
	size_t n = strlen(opening), left = (size_t)(teller->end - teller->at);
	if (left < n || memcmp(teller->at, opening, n) != 0)
		return NULL;
	const char *end = memmem(teller->at + n, left - n, closing, strlen(closing));
	return end ? end + strlen(closing) : teller->end;
}

static void tell_all(struct teller *teller)
{
	struct xml xml = { .end = teller->end };
	while (teller->at < teller->end) {
		const char *lt = memchr(teller->at, '<', (size_t)(teller->end - teller->at));
		tell_text(teller, teller->at, lt ? lt : teller->end, false);
		if (!lt)
			return;
		teller->at = lt;
		const char *after = skip(teller, "<!--", "-->");
		if (!after)
			after = skip(teller, "<?", "?>");
		if (after) {
			teller->at = after;
			continue;
		}
		after = skip(teller, "<![CDATA[", "]]>");
		if (after) {
			size_t tail = after < teller->end || !memcmp(after - 3, "]]>", 3) ? 3 : 0;
			tell_text(teller, lt + 9, after - tail > lt + 9 ? after - tail : lt + 9,
				  true);
			teller->at = after;
			continue;
		}
		xml.at = lt;
		if (!xml_next(&xml))
			return;
		if (!teller->doctype && xml_is(&xml, "!DOCTYPE")) {
			teller->doctype = true;
			if (memmem(lt, (size_t)(teller->end - lt), "<!ENTITY", 8))
				item_illegible(teller->item); // names of its own for texts
		}
		tell_tag(teller, &xml);
		teller->at = xml.at;
	}
}

// --- character sets

// What <?xml encoding="..."?> says; NULL: UTF-8, or nothing that is known.
static const struct mime_charset *declared(const uint8_t *bytes, size_t n)
{
	char head[DECLARATION + 1];
	size_t length = n < DECLARATION ? n : DECLARATION;
	memcpy(head, bytes, length);
	head[length] = '\0';
	char *end = strstr(head, "?>"), *at = strstr(head, "encoding");
	if (!end || !at || at > end)
		return NULL;
	at += strcspn(at, "\"'");
	char quote = *at ? *at++ : '"';
	char *stop = strchr(at, quote);
	size_t n_name = stop ? (size_t)(stop - at) : 0;
	const struct mime_span name = { at, n_name };
	return !n_name || mime_span_is(name, "utf-8") || mime_span_is(name, "utf8")
		       ? NULL
		       : mime_charset_find(name);
}

static const struct mime_charset *charset_of(const uint8_t *bytes, size_t n)
{
	static const struct {
		const char *begins, *name;
	} wide[] = { { "\xff\xfe", "utf-16" },
		     { "\xfe\xff", "utf-16" },
		     { "<\0", "utf-16le" },
		     { "\0<", "utf-16be" } };
	for (size_t i = 0; n >= 2 && i < sizeof(wide) / sizeof(wide[0]); i++)
		if (!memcmp(bytes, wide[i].begins, 2))
			return mime_charset_find(
				(struct mime_span){ wide[i].name, strlen(wide[i].name) });
	return declared(bytes, n);
}

void xml_text_say(struct item *item, const uint8_t *bytes, size_t n, enum xml_text_form form)
{
	if (!n || !item_reads_text(item))
		return;
	const struct unpack_bounds *bounds = item->look->bounds;
	const struct mime_charset *charset = charset_of(bytes, n);
	struct mime_store store = { .most = (size_t)(bounds->memory - item->look->held) };
	struct mime_text plain = { .store = &store };
	struct teller teller = { .item = item,
				 .form = form,
				 .at = (const char *)bytes,
				 .end = (const char *)bytes + n };
	if (charset) {
		mime_charset_read(charset, (struct mime_span){ (const char *)bytes, n }, &plain);
		teller.at = mime_text_string(&plain);
		teller.end = teller.at + plain.n;
	}
	if (store.failed)
		item_limit(item, UNPACK_MEMORY);
	tell_all(&teller);
	item_said(item, LOOK_MAIN);
	item_said(item, LOOK_BESIDE);
	mime_text_done(&plain);
}
