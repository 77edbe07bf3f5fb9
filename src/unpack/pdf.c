// PDF (ISO 32000-1) without its structure: names are looked for wherever they stand, with their #xx
// resolved, and in the object streams that hold dictionaries.  So nothing depends on a table of
// places that may lie, and what a reader would repair is seen too.  The price: a name in a comment
// or a string counts.
//
//	/Open#41ction 5 0 R		 read as /OpenAction
//	<< /Type /ObjStm /Filter /FlateDecode >> stream ...	inflated, its names read
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unpack/format.h"
#include "unpack/inflate.h"
#include "unpack/pdf_predict.h"
#include "unpack/pdf_text.h"

enum {
	NAME_MAX_READ = 32,
	OPEN_MAX = 4,	   // opening actions that are followed
	STREAMS_AFTER = 4, // streams that a dictionary's words count for, in case some is none
	OBJECT_MAX = 512,  // bytes of an object that are looked at
	DICT_MAX = 4096,   // and of a stream's dictionary
	DICT_WORK = 1 << 18,
};
enum mark { MARK_NONE, MARK_OPEN, MARK_OBJECTS, MARK_FILE, MARK_ODD };

static const struct {
	const char *name;
	enum mark mark;
	uint32_t kinds;
} names[] = {
	{ "JavaScript", MARK_NONE, UNPACK_ACTIVE },
	{ "JS", MARK_NONE, UNPACK_ACTIVE },
	{ "Launch", MARK_NONE, UNPACK_ACTIVE },
	{ "EmbeddedFile", MARK_FILE, UNPACK_ACTIVE },
	{ "EmbeddedFiles", MARK_NONE, UNPACK_ACTIVE },
	{ "RichMedia", MARK_NONE, UNPACK_ACTIVE },
	{ "XFA", MARK_NONE, UNPACK_ACTIVE },
	{ "SubmitForm", MARK_NONE, UNPACK_ACTIVE },
	{ "ImportData", MARK_NONE, UNPACK_ACTIVE },
	{ "GoToE", MARK_NONE, UNPACK_ACTIVE },
	{ "GoToR", MARK_NONE, UNPACK_ACTIVE },
	{ "Encrypt", MARK_NONE, UNPACK_ENCRYPTED },
	{ "OpenAction", MARK_OPEN, 0 },
	{ "ObjStm", MARK_OBJECTS, 0 },
	// No writer packs dictionaries so; it is done to hide them.
	{ "ASCIIHexDecode", MARK_ODD, 0 },
	{ "ASCII85Decode", MARK_ODD, 0 },
	{ "LZWDecode", MARK_ODD, 0 },
	{ "RunLengthDecode", MARK_ODD, 0 },
};

struct pdf {
	struct item *item;
	const uint8_t *bytes;
	size_t n;
	unsigned objects, files; // streams that may be ones of objects, embedded files
	bool odd, broken;
	unsigned long open[OPEN_MAX]; // numbers of objects
	size_t n_open;
};

static bool is_space(uint8_t c)
{
	return c == ' ' || c == 0 || (c >= 9 && c <= 13);
}

static bool is_delimiter(uint8_t c)
{
	return is_space(c) || memchr("()<>[]{}/%", c, 10);
}

static int hex(uint8_t c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 32) - 'a' + 10 : -1;
}

// The name behind the slash at at; where it ends.
static size_t read_name(const uint8_t *bytes, size_t n, size_t at, char out[NAME_MAX_READ + 1])
{
	size_t length = 0;
	for (at++; at < n && !is_delimiter(bytes[at]); at++) {
		uint8_t c = bytes[at];
		if (c == '#' && at + 2 < n && hex(bytes[at + 1]) >= 0 && hex(bytes[at + 2]) >= 0) {
			c = (uint8_t)(hex(bytes[at + 1]) * 16 + hex(bytes[at + 2]));
			at += 2;
		}
		if (length < NAME_MAX_READ)
			out[length++] = (char)c;
	}
	out[length] = '\0';
	return at;
}

// A destination in this document is where reading begins, and no action.
static bool is_destination(const uint8_t *bytes, size_t n)
{
	const uint8_t *end = memmem(bytes, n, "endobj", 6);
	size_t at = 0;
	n = end ? (size_t)(end - bytes) : n;
	while (at < n && is_space(bytes[at]))
		at++;
	if (at < n && bytes[at] == '[')
		return true;
	const uint8_t *go = memmem(bytes, n, "/GoTo", 5);
	return go && go + 5 < bytes + n && is_delimiter(go[5]);
}

static void take_open(struct pdf *pdf, const uint8_t *bytes, size_t n, size_t at)
{
	size_t left = n - at < OBJECT_MAX ? n - at : OBJECT_MAX;
	while (left && is_space(bytes[at]))
		at++, left--;
	if (left && isdigit(bytes[at])) {
		char digits[12] = "";
		for (size_t i = 0; i < left && i < 11 && isdigit(bytes[at + i]); i++)
			digits[i] = (char)bytes[at + i];
		if (pdf->n_open < OPEN_MAX)
			pdf->open[pdf->n_open++] = strtoul(digits, NULL, 10);
		else
			pdf->item->kinds |= UNPACK_ACTIVE;
	} else if (!is_destination(bytes + at, left)) {
		pdf->item->kinds |= UNPACK_ACTIVE;
	}
}

static void take_name(struct pdf *pdf, const char *name, const uint8_t *bytes, size_t n, size_t at)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i].name) != 0)
			continue;
		pdf->item->kinds |= names[i].kinds;
		if (names[i].mark == MARK_OPEN)
			take_open(pdf, bytes, n, at);
		else if (names[i].mark == MARK_OBJECTS)
			pdf->objects = STREAMS_AFTER;
		else if (names[i].mark == MARK_FILE)
			pdf->files = STREAMS_AFTER;
		else if (names[i].mark == MARK_ODD)
			pdf->odd = true;
	}
}

static void read_names(struct pdf *pdf, const uint8_t *bytes, size_t n)
{
	char name[NAME_MAX_READ + 1];
	const uint8_t *slash;
	for (size_t at = 0; at < n && (slash = memchr(bytes + at, '/', n - at)) != NULL;) {
		at = read_name(bytes, n, (size_t)(slash - bytes), name);
		take_name(pdf, name, bytes, n, at);
	}
}

static bool is_zlib(const uint8_t *bytes, size_t n)
{
	return n > 2 && (bytes[0] & 0x0f) == 8 && (bytes[0] << 8 | bytes[1]) % 31 == 0;
}

// What a stream's dictionary, which ends where its data begin, says of how they were packed.
static void parms_before(const struct pdf *pdf, const uint8_t *data, struct pdf_parms *ret)
{
	struct pdf_file file = { .item = pdf->item, .work_max = DICT_WORK };
	const uint8_t *least =
		(size_t)(data - pdf->bytes) > DICT_MAX ? data - DICT_MAX : pdf->bytes;
	const uint8_t *at = data;
	while (at > least && !(data - at >= 3 && !memcmp(at, "obj", 3)))
		at--;
	*ret = (struct pdf_parms){ 0 };
	if (at > least)
		pdf_parms_of(&file, (struct pdf_span){ at + 3, data }, 0, ret);
}

// Names in rows of differences.
static void look_predicted(struct pdf *pdf, const struct pdf_parms *parms, const struct item *raw)
{
	struct item part;
	if (!item_scratch(&part, pdf->item))
		return;
	if (raw->n && pdf_predict(parms, raw->bytes, raw->n, &part))
		read_names(pdf, part.bytes, part.n);
	else if (raw->n) // nobody can say what
		pdf->item->kinds |= UNPACK_ACTIVE;
	item_drop(&part);
}

static void look_objects(struct pdf *pdf, const uint8_t *data, size_t n)
{
	struct pdf_parms parms;
	struct item part;
	if (!item_scratch(&part, pdf->item))
		return;
	inflate_item(&part, INFLATE_ZLIB, data, n);
	if (part.limit == UNPACK_DAMAGED) { // or encrypted, which is known at the end
		part.limit = UNPACK_WHOLE;
		pdf->broken = true;
	}
	read_names(pdf, part.bytes, part.n);
	parms_before(pdf, data, &parms);
	if (parms.predictor > 1 && part.whole)
		look_predicted(pdf, &parms, &part);
	if (!part.whole)
		item_limit(&part, UNPACK_MEMORY);
	item_drop(&part);
}

static void look_file(struct pdf *pdf, const uint8_t *data, size_t n)
{
	struct item part;
	if (!item_begin(&part, pdf->item))
		return;
	item_name(&part, "EmbeddedFile");
	if (is_zlib(data, n)) {
		inflate_item(&part, INFLATE_ZLIB, data, n);
	} else {
		const uint8_t *end = memmem(data, n, "endstream", 9);
		item_set(&part, data, end ? (size_t)(end - data) : n);
	}
	if (part.limit == UNPACK_DAMAGED && (pdf->item->kinds & UNPACK_ENCRYPTED))
		part.limit = UNPACK_WHOLE;
	item_end(&part);
}

// Behind the word "stream", if that is what it is.
static void take_stream(struct pdf *pdf, size_t at)
{
	if (at < pdf->n && pdf->bytes[at] == '\r')
		at++;
	if (at < pdf->n && pdf->bytes[at] == '\n')
		at++;
	bool zlib = is_zlib(pdf->bytes + at, pdf->n - at);
	if (pdf->objects && pdf->odd)
		pdf->item->kinds |= UNPACK_ACTIVE;
	if (pdf->files)
		look_file(pdf, pdf->bytes + at, pdf->n - at);
	else if (pdf->objects && zlib)
		look_objects(pdf, pdf->bytes + at, pdf->n - at);
	pdf->objects -= pdf->objects > 0;
	pdf->files -= pdf->files > 0;
	pdf->odd = false;
}

static bool is_stream(const struct pdf *pdf, size_t at)
{
	static const char word[] = "stream";
	if (pdf->n - at <= sizeof(word) || memcmp(pdf->bytes + at, word, 6) != 0)
		return false;
	uint8_t next = pdf->bytes[at + 6];
	return (next == '\r' || next == '\n') && (at < 3 || memcmp(pdf->bytes + at - 3, "end", 3));
}

static void scan(struct pdf *pdf)
{
	char name[NAME_MAX_READ + 1];
	for (size_t at = 0; at < pdf->n && !pdf->item->look->stopped;) {
		if (pdf->bytes[at] == '/') {
			at = read_name(pdf->bytes, pdf->n, at, name);
			take_name(pdf, name, pdf->bytes, pdf->n, at);
		} else if (pdf->bytes[at] == 's' && is_stream(pdf, at)) {
			at += 6;
			take_stream(pdf, at);
		} else {
			at++;
		}
	}
}

// An opening action that is an object of its own.  One that is in a stream of objects opens a link
// at worst: scripts and launches were found by their names.
static void follow(struct pdf *pdf, unsigned long number)
{
	char head[32];
	int n = snprintf(head, sizeof(head), "\n%lu 0 obj", number);
	const uint8_t *at = memmem(pdf->bytes, pdf->n, head, (size_t)n);
	if (!at) {
		head[0] = '\r';
		at = memmem(pdf->bytes, pdf->n, head, (size_t)n);
	}
	if (!at)
		return;
	at += n;
	size_t left = (size_t)(pdf->bytes + pdf->n - at);
	if (!is_destination(at, left < OBJECT_MAX ? left : OBJECT_MAX))
		pdf->item->kinds |= UNPACK_ACTIVE;
}

void pdf_look(struct item *item)
{
	struct pdf pdf = { .item = item, .bytes = item->bytes, .n = item->n };
	scan(&pdf);
	for (size_t i = 0; i < pdf.n_open; i++)
		follow(&pdf, pdf.open[i]);
	if (pdf.broken && !(item->kinds & UNPACK_ENCRYPTED))
		item_limit(item, UNPACK_DAMAGED);
	if (!item->look->stopped)
		pdf_text_say(item);
}
