// Records are walked by their sizes, which may lie: each step is forward.
#include "unpack/office.h"

#include <ctype.h>
#include <string.h>

#include "unpack/format.h"
#include "unpack/inflate.h"
#include "unpack/office_text.h"

enum { // of MS-XLS
	BIFF_BOF = 0x0809,
	BIFF_SHEET = 0x0085,
	BIFF_PASS = 0x002f,
	BIFF_BOOK = 0x01ae,
	BIFF_DDE_MARK = 3, // between server and topic; a path to a workbook begins with 1 or 2
	BIFF_DT_MACRO = 0x40,
};
enum { WORD_ENCRYPTED = 0x0100, WORD_FIELD = 0x13, WORD_FIELD_BLANKS = 64 };
enum {			  // of MS-PPT
	PPT_VBA = 0x0400, // its atom: where, whether, which version
	PPT_VBA_HAS = 4,  // offset of whether
	PPT_OBJECT = 0x1011,
	PPT_TOKEN = 12, // offset, in Current User
	PPT_TOKEN_SIZE = 4,
	PPT_CONTAINER = 0xf,
};

static uint16_t le16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t le32(const uint8_t *bytes)
{
	return le16(bytes) | (uint32_t)le16(bytes + 2) << 16;
}

uint32_t office_workbook(const uint8_t *bytes, size_t n)
{
	uint32_t kinds = 0;
	for (size_t at = 0; at + 4 <= n;) {
		uint16_t type = le16(bytes + at), size = le16(bytes + at + 2);
		const uint8_t *body = bytes + at + 4;
		size_t there = n - at - 4 < size ? n - at - 4 : size;
		if (type == BIFF_PASS) // what follows is encrypted
			return kinds | UNPACK_ENCRYPTED;
		if (type == BIFF_SHEET && there >= 6 && (body[5] == 1 || body[5] == 6))
			kinds |= UNPACK_MACRO;
		if ((type & 0xff) == 0x09 && there >= 4 && le16(body + 2) == BIFF_DT_MACRO)
			kinds |= UNPACK_MACRO;
		if (type == BIFF_BOOK && there > 5 && body[5] > BIFF_DDE_MARK &&
		    memchr(body + 5, BIFF_DDE_MARK, there - 5))
			kinds |= UNPACK_MACRO;
		at += 4 + (size_t)size;
	}
	return kinds;
}

void biff_look(struct item *item)
{
	item->kinds |= office_workbook(item->bytes, item->n);
	office_workbook_say(item, item->bytes, item->n);
}

// "DDE" behind the mark of a field, in letters of one byte or of two.
static bool is_dde(const uint8_t *at, const uint8_t *end)
{
	size_t found = 0;
	for (size_t i = 0; at < end && i < WORD_FIELD_BLANKS; at++, i++) {
		if (!*at || (!found && (*at == ' ' || *at == '"')))
			continue;
		if (toupper(*at) != "DDE"[found])
			return false;
		if (++found == 3)
			return true;
	}
	return false;
}

uint32_t office_word(const uint8_t *bytes, size_t n)
{
	if (n < 12)
		return 0;
	if (le16(bytes + 10) & WORD_ENCRYPTED)
		return UNPACK_ENCRYPTED;
	for (const uint8_t *at = bytes, *end = bytes + n;
	     (at = memchr(at, WORD_FIELD, (size_t)(end - at))) != NULL; at++)
		if (is_dde(at + 1, end))
			return UNPACK_MACRO;
	return 0;
}

uint32_t office_user(const uint8_t *bytes, size_t n)
{
	static const uint8_t encrypted[PPT_TOKEN_SIZE] = { 0xdf, 0xc4, 0xd1, 0xf3 };
	bool is = n >= PPT_TOKEN + PPT_TOKEN_SIZE &&
		  !memcmp(bytes + PPT_TOKEN, encrypted, sizeof(encrypted));
	return is ? UNPACK_ENCRYPTED : 0;
}

// An object's storage, deflated or not.
static void look_object(struct item *item, bool deflated, const uint8_t *bytes, size_t n)
{
	struct item object;
	if (!item_begin(&object, item))
		return;
	object.part = true;
	item_name(&object, "ExOleObjStg");
	if (deflated && n > 4)
		inflate_item(&object, INFLATE_ZLIB, bytes + 4, n - 4);
	else if (!deflated)
		item_set(&object, bytes, n);
	item_end(&object);
	if (!(object.kinds & UNPACK_MACRO)) // else it is the project of macros
		item->kinds |= UNPACK_ACTIVE;
}

void office_slides(struct item *item, const struct item *part)
{
	for (size_t at = 0; at + 8 <= part->n && !item->look->stopped;) {
		const uint8_t *head = part->bytes + at;
		uint16_t version = le16(head), type = le16(head + 2);
		uint32_t size = le32(head + 4);
		size_t left = part->n - at - 8, there = left < size ? left : size;
		if (type == PPT_VBA && there > PPT_VBA_HAS && head[8 + PPT_VBA_HAS])
			item->kinds |= UNPACK_MACRO;
		if (type == PPT_OBJECT)
			look_object(item, version >> 4 == 1, head + 8, there);
		at += 8 + ((version & PPT_CONTAINER) == PPT_CONTAINER ? 0 : there);
	}
}
