// Records are walked by their sizes, which may lie: each step is forward.
#include "unpack/office_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mime/mime_charset.h"

enum { // of MS-DOC
	WORD_FLAGS = 0x0a,
	WORD_TABLE_1 = 0x0200,
	WORD_CLX = 0x01a2, // offset and size of the pieces, in the table
	WORD_PIECES = 2,
	WORD_PROPERTIES = 1,
	WORD_COMPRESSED = 0x40000000,
	WORD_PIECE = 8,
	FIELD_BEGIN = 0x13,
	FIELD_SHOWS = 0x14,
	FIELD_END = 0x15,
	FIELD_LONGEST = 256, // letters of an instruction that are kept
};
enum { // of MS-XLS
	BIFF_FORMULA = 0x0006,
	BIFF_HEADER = 0x0014,
	BIFF_FOOTER = 0x0015,
	BIFF_PASS = 0x002f,
	BIFF_CONTINUE = 0x003c,
	BIFF_SHEET = 0x0085,
	BIFF_MULRK = 0x00bd,
	BIFF_SST = 0x00fc,
	BIFF_LABEL_BYTES = 0x0004, // before Excel 97
	BIFF_TEXT = 0x01b6,
	BIFF_NUMBER = 0x0203,
	BIFF_LABEL = 0x0204,
	BIFF_STRING = 0x0207,
	BIFF_RK = 0x027e,
	BIFF_BOF = 0x0809,
	BIFF_8 = 0x0600,
	STRING_WIDE = 1,
	STRING_EXTENDED = 4,
	STRING_RICH = 8,
	RUN_SIZE = 4,
	CELL = 6, // row, column, form
};
enum {
	PPT_CHARS = 0x0fa0,
	PPT_BYTES = 0x0fa8,
	PPT_STRING = 0x0fba,
	PPT_TAGS = 0x138b,
	PPT_CONTAINER = 0xf
};
enum { // of MS-XLSB
	XLSB_RK = 2,
	XLSB_REAL = 5,
	XLSB_TEXT = 6,
	XLSB_FORMULA_TEXT = 8,
	XLSB_FORMULA_REAL = 9,
	XLSB_SHARED = 19,
	XLSB_CELL = 8,
	XLSB_OTHER_MAX = 4096, // of what is searched for names
};
#define MOST_DIGITS 1e15 // what a double holds to the last one

static uint16_t le16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t le32(const uint8_t *bytes)
{
	return le16(bytes) | (uint32_t)le16(bytes + 2) << 16;
}

static double real(const uint8_t *bytes)
{
	uint64_t bits = le32(bytes) | (uint64_t)le32(bytes + 4) << 32;
	double value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static double rk(const uint8_t *bytes)
{
	uint32_t raw = le32(bytes);
	uint64_t bits = (uint64_t)(raw & ~3U) << 32;
	double value;
	memcpy(&value, &bits, sizeof(value));
	if (raw & 2)
		value = (int32_t)raw >> 2;
	return raw & 1 ? value / 100 : value;
}

static void say_number(struct item *item, double value)
{
	char text[32];
	if (!(value >= 0 && value < MOST_DIGITS))
		return;
	snprintf(text, sizeof(text), "\n%" PRIu64 "\n", (uint64_t)value);
	item_say(item, LOOK_MAIN, text, strlen(text));
}

static void say_bytes(struct item *item, enum look_flow flow, const char *charset,
		      const uint8_t *bytes, size_t n)
{
	enum { PIECE = 4096 };
	struct mime_store store = { 0 };
	const struct mime_charset *set =
		mime_charset_find((struct mime_span){ charset, strlen(charset) });
	for (size_t at = 0; set && at < n; at += PIECE) {
		struct mime_text text = { .store = &store };
		size_t piece = n - at < PIECE ? n - at : PIECE;
		mime_charset_read(set, (struct mime_span){ (const char *)bytes + at, piece },
				  &text);
		item_say(item, flow, mime_text_string(&text), text.n);
		mime_text_done(&text);
	}
}

// --- Word

unsigned office_word_table(const uint8_t *bytes, size_t n)
{
	return n > WORD_FLAGS + 1 && (le16(bytes + WORD_FLAGS) & WORD_TABLE_1) ? 1 : 0;
}

// Word's fields: an instruction, what it shows, marks between.  The instruction stands beside; that
// of letters with readings shows the last that is in its brackets:
//
//	\x13 EQ \o(\s\up 9(き),機) \x15	機, beside it all of it
struct fields {
	unsigned depth;
	uint32_t open;			 // by depth: in the instruction
	uint8_t text[FIELD_LONGEST * 2]; // of the last one
	size_t n;
};

static bool is_unit(const struct fields *fields, size_t i, char c)
{
	return fields->text[2 * i] == (uint8_t)c && !fields->text[2 * i + 1];
}

static void say_base(struct item *item, const struct fields *fields)
{
	size_t end = fields->n / 2, from;
	if (end < 6 || !is_unit(fields, 1, 'E') || !is_unit(fields, 2, 'Q'))
		return;
	while (end && !is_unit(fields, end - 1, ')'))
		end--;
	for (from = end; from && !is_unit(fields, from - 1, ',');)
		from--;
	if (from && end)
		item_say_wide(item, LOOK_MAIN, fields->text + 2 * from, 2 * (end - 1 - from),
			      false);
}

static void take_mark(struct item *item, struct fields *fields, uint32_t mark)
{
	const uint32_t bit = UINT32_C(1) << (fields->depth < 31 ? fields->depth : 31);
	item_say(item, LOOK_BESIDE, "\n", 1);
	if (mark == FIELD_BEGIN) {
		fields->depth++;
		fields->open |= UINT32_C(1) << (fields->depth < 31 ? fields->depth : 31);
		fields->n = 0;
		return;
	}
	bool ended = fields->open & bit;
	fields->open &= ~bit;
	if (ended && !fields->open)
		say_base(item, fields);
	if (mark == FIELD_END && fields->depth)
		fields->depth--;
}

static void say_units(struct item *item, struct fields *fields, const uint8_t *bytes, size_t n,
		      size_t each)
{
	for (size_t at = 0, from = 0; at < n; from = at) {
		while (at < n && !((bytes[at] >= FIELD_BEGIN && bytes[at] <= FIELD_END) &&
				   (each == 1 || !bytes[at + 1])))
			at += each;
		enum look_flow flow = fields->open ? LOOK_BESIDE : LOOK_MAIN;
		if (each == 1)
			say_bytes(item, flow, "windows1252", bytes + from, at - from);
		else
			item_say_wide(item, flow, bytes + from, at - from, false);
		for (size_t i = from; fields->open && i < at && fields->n < FIELD_LONGEST * 2;
		     i += each) {
			fields->text[fields->n++] = bytes[i];
			fields->text[fields->n++] = each == 1 ? 0 : bytes[i + 1];
		}
		if (at < n)
			take_mark(item, fields, bytes[at]);
		at += at < n ? each : 0;
	}
}

static void say_piece(struct item *item, struct fields *fields, const struct item *word,
		      uint32_t place, uint32_t letters)
{
	bool compressed = place & WORD_COMPRESSED;
	uint64_t at = compressed ? (place & ~(uint32_t)WORD_COMPRESSED) / 2 : place;
	uint64_t n = (uint64_t)letters * (compressed ? 1 : 2);
	if (at >= word->n)
		return;
	n = n < word->n - at ? n : word->n - at;
	if (!compressed)
		n -= n % 2;
	say_units(item, fields, word->bytes + at, (size_t)n, compressed ? 1 : 2);
}

// Letters from where to where, and where they stand.
static bool say_pieces(struct item *item, const struct item *word, const uint8_t *bytes, size_t n)
{
	size_t pieces = n < 4 ? 0 : (n - 4) / (4 + WORD_PIECE);
	uint64_t left = word->n; // no letter is in two pieces
	struct fields fields = { 0 };
	for (size_t i = 0; i < pieces; i++) {
		const uint8_t *piece = bytes + 4 * (pieces + 1) + WORD_PIECE * i;
		uint32_t from = le32(bytes + 4 * i), to = le32(bytes + 4 * (i + 1));
		if (to < from || to - from > left)
			return false;
		left -= to - from;
		say_piece(item, &fields, word, le32(piece + 2), to - from);
	}
	return pieces > 0;
}

static bool find_pieces(struct item *item, const struct item *word, const struct item *table)
{
	uint32_t at = word->n >= WORD_CLX + 8 ? le32(word->bytes + WORD_CLX) : 0;
	uint32_t size = word->n >= WORD_CLX + 8 ? le32(word->bytes + WORD_CLX + 4) : 0;
	if (!size || at > table->n || size > table->n - at)
		return false;
	const uint8_t *clx = table->bytes + at, *end = clx + size;
	while (end - clx > 3 && *clx == WORD_PROPERTIES)
		clx += 3 + le16(clx + 1) < end - clx ? 3 + le16(clx + 1) : end - clx;
	if (end - clx < 5 || *clx != WORD_PIECES)
		return false;
	uint32_t n = le32(clx + 1), left = (uint32_t)(end - clx) - 5;
	return say_pieces(item, word, clx + 5, n < left ? n : left);
}

void office_word_say(struct item *item, const struct item *word, const struct item *table)
{
	if (!item_reads_text(item))
		return;
	if (!find_pieces(item, word, table)) {
		say_bytes(item, LOOK_MAIN, "cp932", word->bytes, word->n);
		item_illegible(item);
	}
	item_said(item, LOOK_MAIN);
	item_said(item, LOOK_BESIDE);
}

// --- Excel

struct records { // of which the next may go on with the last one's text
	struct item *item;
	const uint8_t *at, *end; // of the record
	const uint8_t *all;	 // where the file ends
};

static bool next_record(struct records *records, uint16_t *ret_type)
{
	const uint8_t *at = records->end;
	if (records->all - at < 4)
		return false;
	size_t left = (size_t)(records->all - at) - 4, n = le16(at + 2);
	*ret_type = le16(at);
	records->at = at + 4;
	records->end = records->at + (n < left ? n : left);
	return true;
}

static bool continues(struct records *records)
{
	uint16_t type;
	return records->all - records->end >= 4 && le16(records->end) == BIFF_CONTINUE &&
	       next_record(records, &type);
}

static void skip(struct records *records, uint64_t n)
{
	while (n) {
		size_t left = (size_t)(records->end - records->at);
		size_t step = n < left ? (size_t)n : left;
		records->at += step;
		n -= step;
		if (n && !continues(records))
			return;
	}
}

// Where a record ends within a text, the next begins with how wide its letters are.
static void say_letters(struct records *records, uint32_t letters, bool wide, enum look_flow flow)
{
	for (;;) {
		size_t each = wide ? 2 : 1, left = (size_t)(records->end - records->at);
		size_t n = letters < left / each ? letters : left / each;
		if (wide)
			item_say_wide(records->item, flow, records->at, n * 2, false);
		else
			say_bytes(records->item, flow, "windows1252", records->at, n);
		records->at += n * each;
		letters -= (uint32_t)n;
		if (!letters || !continues(records) || records->at == records->end)
			return;
		wide = *records->at++ & STRING_WIDE;
	}
}

static void say_line(struct records *records, uint32_t letters, bool wide, enum look_flow flow)
{
	item_say(records->item, flow, "\n", 1);
	say_letters(records, letters, wide, flow);
	item_say(records->item, flow, "\n", 1);
}

static void say_shared(struct records *records)
{
	skip(records, 8);
	for (;;) {
		if (records->at == records->end && !continues(records))
			return;
		if (records->end - records->at < 3)
			return;
		uint32_t letters = le16(records->at), runs = 0, more = 0;
		uint8_t form = records->at[2];
		records->at += 3;
		if ((form & STRING_RICH) && records->end - records->at >= 2) {
			runs = le16(records->at);
			records->at += 2;
		}
		if ((form & STRING_EXTENDED) && records->end - records->at >= 4) {
			more = le32(records->at);
			records->at += 4;
		}
		say_line(records, letters, form & STRING_WIDE, LOOK_MAIN);
		skip(records, (uint64_t)runs * RUN_SIZE + more);
	}
}

// A text behind so many bytes, with its length in one byte or in two.
static void say_text(struct records *records, size_t before, size_t length, enum look_flow flow)
{
	if ((size_t)(records->end - records->at) < before + length + 1)
		return;
	const uint8_t *at = records->at + before;
	uint32_t letters = length == 2 ? le16(at) : at[0];
	records->at = at + length + 1;
	say_line(records, letters, at[length] & STRING_WIDE, flow);
}

static void say_cells(struct records *records)
{
	for (const uint8_t *at = records->at + 4; records->end - at >= 8; at += 6)
		say_number(records->item, rk(at + 2));
}

// The text of a box stands in the record behind its own.
static void say_box(struct records *records)
{
	if (!continues(records) || records->at == records->end)
		return;
	uint8_t form = *records->at++;
	say_line(records, (uint32_t)(records->end - records->at) / (form & STRING_WIDE ? 2 : 1),
		 form & STRING_WIDE, LOOK_BESIDE);
}

static void say_record(struct records *records, uint16_t type)
{
	size_t n = (size_t)(records->end - records->at);
	if (type == BIFF_SST)
		say_shared(records);
	else if (type == BIFF_LABEL)
		say_text(records, CELL, 2, LOOK_MAIN);
	else if (type == BIFF_STRING)
		say_text(records, 0, 2, LOOK_MAIN);
	else if (type == BIFF_SHEET)
		say_text(records, 6, 1, LOOK_BESIDE);
	else if (type == BIFF_HEADER || type == BIFF_FOOTER)
		say_text(records, 0, 2, LOOK_BESIDE);
	else if (type == BIFF_TEXT)
		say_box(records);
	else if ((type == BIFF_NUMBER || type == BIFF_FORMULA) && n >= CELL + 8)
		say_number(records->item, real(records->at + CELL));
	else if (type == BIFF_RK && n >= CELL + 4)
		say_number(records->item, rk(records->at + CELL));
	else if (type == BIFF_MULRK)
		say_cells(records);
}

// Before Excel 97 letters are of one byte, or two of them, in the set of whoever wrote it.
static void say_old(struct records *records, uint16_t type)
{
	size_t n = (size_t)(records->end - records->at);
	if (type == BIFF_SST ||
	    (type != BIFF_LABEL && type != BIFF_LABEL_BYTES && type != BIFF_STRING &&
	     type != BIFF_SHEET && type != BIFF_HEADER && type != BIFF_FOOTER)) {
		say_record(records, type);
		return;
	}
	item_say(records->item, LOOK_MAIN, "\n", 1);
	say_bytes(records->item, LOOK_MAIN, "cp932", records->at, n);
	item_say(records->item, LOOK_MAIN, "\n", 1);
}

void office_workbook_say(struct item *item, const uint8_t *bytes, size_t n)
{
	bool old = false;
	uint16_t type;
	if (!n || !item_reads_text(item))
		return;
	struct records records = { item, bytes, bytes, bytes + n };
	while (next_record(&records, &type) && type != BIFF_PASS) {
		if ((type & 0xff) == (BIFF_BOF & 0xff) && records.end - records.at >= 2)
			old = type != BIFF_BOF || le16(records.at) < BIFF_8;
		if (old)
			say_old(&records, type);
		else
			say_record(&records, type);
	}
	item_said(item, LOOK_MAIN);
	item_said(item, LOOK_BESIDE);
}

// --- PowerPoint

void office_slides_say(struct item *item, const uint8_t *bytes, size_t n)
{
	if (!item_reads_text(item))
		return;
	for (size_t at = 0; at + 8 <= n;) {
		uint16_t version = le16(bytes + at), type = le16(bytes + at + 2);
		uint32_t size = le32(bytes + at + 4);
		size_t left = n - at - 8, there = left < size ? left : size;
		at += 8;
		if (type == PPT_CHARS || type == PPT_STRING)
			item_say_wide(item, LOOK_MAIN, bytes + at, there, false);
		else if (type == PPT_BYTES)
			say_bytes(item, LOOK_MAIN, "windows1252", bytes + at, there);
		if (type == PPT_CHARS || type == PPT_STRING || type == PPT_BYTES)
			item_said(item, LOOK_MAIN);
		// Comments lie in what later versions added.
		at += (version & PPT_CONTAINER) == PPT_CONTAINER || type == PPT_TAGS ? 0 : there;
	}
}

// --- binary workbooks

// Seven bits a byte, the lowest first; false: it does not end.
static bool read_size(const uint8_t **at, const uint8_t *end, unsigned most, uint32_t *ret)
{
	*ret = 0;
	for (unsigned i = 0; i < most && *at < end; i++) {
		uint8_t byte = *(*at)++;
		*ret |= (uint32_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

// As record ids stand: the second byte, if there is one, above the first with its mark.
static bool read_type(const uint8_t **at, const uint8_t *end, uint32_t *ret)
{
	return read_size(at, end, 2, ret);
}

static void say_wide_text(struct item *item, const uint8_t *at, size_t n)
{
	if (n < 4)
		return;
	uint32_t letters = le32(at);
	size_t left = (n - 4) / 2, there = letters < left ? letters : left;
	item_say(item, LOOK_MAIN, "\n", 1);
	item_say_wide(item, LOOK_MAIN, at + 4, there * 2, false);
	item_say(item, LOOK_MAIN, "\n", 1);
}

static void say_binary(struct item *item, uint32_t type, const uint8_t *at, size_t n)
{
	if (type == XLSB_SHARED && n > 1)
		say_wide_text(item, at + 1, n - 1);
	else if ((type == XLSB_TEXT || type == XLSB_FORMULA_TEXT) && n > XLSB_CELL)
		say_wide_text(item, at + XLSB_CELL, n - XLSB_CELL);
	else if ((type == XLSB_REAL || type == XLSB_FORMULA_REAL) && n >= XLSB_CELL + 8)
		say_number(item, real(at + XLSB_CELL));
	else if (type == XLSB_RK && n >= XLSB_CELL + 4)
		say_number(item, rk(at + XLSB_CELL));
	else if (n <= XLSB_OTHER_MAX) // names of sheets, comments
		for (size_t odd = 0; odd < 2 && odd < n; odd++) {
			item_say_wide(item, LOOK_BESIDE, at + odd, n - odd, false);
			item_say(item, LOOK_BESIDE, "\n", 1);
		}
}

void office_binary_say(struct item *item, const uint8_t *bytes, size_t n)
{
	uint32_t type, size;
	if (!n || !item_reads_text(item))
		return;
	const uint8_t *at = bytes, *end = bytes + n;
	while (at < end && read_type(&at, end, &type) && read_size(&at, end, 4, &size)) {
		size_t left = (size_t)(end - at), there = size < left ? size : left;
		say_binary(item, type, at, there);
		at += there;
	}
	item_said(item, LOOK_MAIN);
	item_said(item, LOOK_BESIDE);
}

// --- properties

void office_properties_say(struct item *item, const uint8_t *bytes, size_t n)
{
	if (!n || !item_reads_text(item))
		return;
	item_say_wide(item, LOOK_BESIDE, bytes, n, false);
	item_said(item, LOOK_BESIDE);
	say_bytes(item, LOOK_BESIDE, "cp932", bytes, n);
	item_said(item, LOOK_BESIDE);
	item_say(item, LOOK_BESIDE, (const char *)bytes, n);
	item_said(item, LOOK_BESIDE);
}
