// TNEF (MS-OXTNEF, "winmail.dat"): attributes one after the other.  An attachment begins with its
// rendering data; its title, its bytes and its properties (with the long name) follow in any order.
// What stands before them is the mail itself: subject, body, in texts, rich text or a page.
#include <string.h>

#include "unpack/format.h"
#include "unpack/rtf_packed.h"

enum {
	HEAD = 6,      // signature and key
	ATTRIBUTE = 9, // level, name, size; a check sum of two bytes behind the data
	SUM = 2,
};
enum attribute {
	TNEF_BEGIN = 0x00069002,      // attAttachRendData
	TNEF_TITLE = 0x00018010,      // attAttachTitle
	TNEF_DATA = 0x0006800f,	      // attAttachData
	TNEF_PROPERTIES = 0x00069005, // attAttachment
	TNEF_SUBJECT = 0x00018004,
	TNEF_BODY = 0x0002800c,
	TNEF_MESSAGE = 0x00069003, // attMsgProps
};
enum property {
	BODY_PACKED = 0x1009, // rich text
	BODY_PAGE = 0x1013,
	DATA_OBJECT = 0x3701,
	LONG_NAME = 0x3707,
	NAMED_FROM = 0x8000,
	NAMED_TEXT = 1,
};
enum { TYPE_TEXT = 0x1e, TYPE_UTF16 = 0x1f, TYPE_BYTES = 0x102, TYPE_OBJECT = 0x0d, MANY = 0x1000 };
enum { INTERFACE = 16 }; // bytes before an object's own

struct span {
	const uint8_t *bytes;
	size_t n;
};

struct attachment {
	struct span title, name, data;
	bool begun, name_is_utf16;
};

struct property_value {
	uint32_t type, id;
	struct span is;
};

static uint32_t le32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

// The next n bytes; false: there are fewer.
static bool take(struct span *from, size_t n, struct span *ret)
{
	if (from->n < n)
		return false;
	*ret = (struct span){ from->bytes, n };
	from->bytes += n;
	from->n -= n;
	return true;
}

static bool take_number(struct span *from, uint32_t *ret)
{
	struct span number;
	if (!take(from, 4, &number))
		return false;
	*ret = le32(number.bytes);
	return true;
}

// Padded to four bytes, but for the last.
static bool take_padded(struct span *from, size_t n, struct span *ret)
{
	struct span padding;
	if (!take(from, n, ret))
		return false;
	take(from, -n % 4 < from->n ? -n % 4 : from->n, &padding);
	return true;
}

static size_t fixed_size(uint32_t type)
{
	switch (type) {
	case 5: // double, currency, times
	case 6:
	case 7:
	case 0x14:
	case 0x40:
		return 8;
	case 0x48: // a GUID
		return 16;
	default:
		return 4;
	}
}

static bool is_variable(uint32_t type)
{
	return type == TYPE_TEXT || type == TYPE_UTF16 || type == TYPE_BYTES || type == TYPE_OBJECT;
}

// A property that an application named: whose set, and its number or text.
static bool skip_property_name(struct span *from)
{
	struct span skipped;
	uint32_t kind, n;
	return take(from, 16, &skipped) && take_number(from, &kind) && take_number(from, &n) &&
	       (kind != NAMED_TEXT || take_padded(from, n, &skipped));
}

// One property's value, or the last of its values.
static bool take_value(struct span *from, uint32_t type, struct span *ret)
{
	uint32_t count = 1, n = 0;
	bool many = type & MANY;
	type &= ~(uint32_t)MANY;
	if ((many || is_variable(type)) && !take_number(from, &count))
		return false;
	for (; count; count--) {
		n = (uint32_t)fixed_size(type);
		if (is_variable(type) && !take_number(from, &n))
			return false;
		if (!take_padded(from, n, ret))
			return false;
	}
	return true;
}

// The next of count; false: there is none, or it is damaged.
static bool next_property(struct span *from, uint32_t *count, struct property_value *ret)
{
	uint32_t tag;
	*ret = (struct property_value){ .type = 0 };
	if (!*count || !take_number(from, &tag))
		return false;
	(*count)--;
	ret->type = tag & 0xffff;
	ret->id = tag >> 16;
	return (ret->id < NAMED_FROM || skip_property_name(from)) &&
	       take_value(from, ret->type, &ret->is);
}

static void read_properties(struct span from, struct attachment *attachment)
{
	struct property_value next;
	uint32_t count;
	if (!take_number(&from, &count))
		return;
	while (next_property(&from, &count, &next)) {
		const struct span value = next.is;
		if (next.id == LONG_NAME && (next.type == TYPE_TEXT || next.type == TYPE_UTF16)) {
			attachment->name = value;
			attachment->name_is_utf16 = next.type == TYPE_UTF16;
		} else if (next.id == DATA_OBJECT && next.type == TYPE_BYTES) {
			attachment->data = value;
		} else if (next.id == DATA_OBJECT && next.type == TYPE_OBJECT &&
			   value.n > INTERFACE) {
			attachment->data =
				(struct span){ value.bytes + INTERFACE, value.n - INTERFACE };
		}
	}
}

// What there is of the mail itself, in bytes of whatever character set: lines, and pages.
struct mail {
	struct item texts, pages; // none of them an entry
};

static void mail_begin(struct mail *mail, struct item *item)
{
	item_scratch(&mail->texts, item);
	item_scratch(&mail->pages, item);
	mail->texts.part = mail->pages.part = true;
}

static void mail_add(struct mail *mail, struct span text, bool page)
{
	struct item *to = page ? &mail->pages : &mail->texts;
	if (text.n && item_reads_text(to) && item_add(to, text.bytes, text.n))
		item_add(to, (const uint8_t *)"\n", 1);
}

static void mail_end(struct mail *mail)
{
	look_prose(&mail->texts, false, NULL);
	look_prose(&mail->pages, true, NULL);
	item_drop(&mail->texts);
	item_drop(&mail->pages);
}

// Of the mail itself: every text somebody may read.
static void say_properties(struct item *item, struct mail *mail, struct span from)
{
	struct property_value next;
	uint32_t count;
	if (!take_number(&from, &count))
		return;
	while (next_property(&from, &count, &next) && !item->look->stopped) {
		const struct span value = next.is;
		const uint32_t type = next.type & ~(uint32_t)MANY;
		if (next.id == BODY_PACKED && type == TYPE_BYTES) {
			rtf_packed_look(item, value.bytes, value.n);
		} else if (type == TYPE_UTF16) {
			item_say_wide(item, LOOK_BESIDE, value.bytes, value.n, false);
			item_said(item, LOOK_BESIDE);
		} else if (type == TYPE_TEXT || (next.id == BODY_PAGE && type == TYPE_BYTES)) {
			mail_add(mail, value, next.id == BODY_PAGE);
		}
	}
}

static void read_text(struct item *file, struct span text)
{
	size_t n = text.n ? strnlen((const char *)text.bytes, text.n) : 0;
	charset_read(n ? text.bytes : (const uint8_t *)"", n, false, &file->name);
}

static void end_attachment(struct item *item, struct attachment *attachment)
{
	char name[UNPACK_NAME_MAX + 1];
	struct item file;
	bool told = attachment->begun || attachment->data.n;
	struct attachment ended = *attachment;
	*attachment = (struct attachment){ .begun = true };
	if (!told || !item_begin(&file, item))
		return;
	if (ended.name.n && ended.name_is_utf16) {
		charset_utf16(ended.name.bytes, ended.name.n, name, sizeof(name));
		item_name(&file, name);
	} else {
		read_text(&file, ended.name.n ? ended.name : ended.title);
	}
	if (ended.data.n)
		item_set(&file, ended.data.bytes, ended.data.n);
	item_end(&file);
}

void tnef_look(struct item *item)
{
	struct span from = { item->bytes, item->n }, head, data;
	struct attachment attachment = { .begun = false };
	struct mail mail;
	bool damaged = !take(&from, HEAD, &head);
	mail_begin(&mail, item);
	// Less than an attribute is a line's end that mail added.
	while (!damaged && from.n >= ATTRIBUTE && !item->look->stopped) {
		if (!take(&from, ATTRIBUTE, &head) || !take(&from, le32(head.bytes + 5), &data)) {
			damaged = true;
			break;
		}
		uint32_t name = le32(head.bytes + 1);
		if (name == TNEF_BEGIN)
			end_attachment(item, &attachment);
		else if (name == TNEF_TITLE)
			attachment.title = data;
		else if (name == TNEF_DATA)
			attachment.data = data;
		else if (name == TNEF_PROPERTIES)
			read_properties(data, &attachment);
		else if (name == TNEF_MESSAGE)
			say_properties(item, &mail, data);
		else if (name == TNEF_SUBJECT || name == TNEF_BODY)
			mail_add(&mail, data, false);
		take(&from, from.n < SUM ? from.n : SUM, &data);
	}
	end_attachment(item, &attachment);
	mail_end(&mail);
	if (damaged)
		item_limit(item, UNPACK_DAMAGED);
}
