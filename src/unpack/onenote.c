// OneNote (MS-ONESTORE 2.6.13): files in a section are each behind the same mark, with their size.
// What is between them holds the pages' texts, in UTF-16 or bytes, each in one piece wherever it
// stands.
#include <string.h>

#include "unpack/format.h"

enum { HEAD = 36, SIZE_AT = 16 };

static const uint8_t mark[16] = { 0xe7, 0x16, 0xe3, 0xbd, 0x65, 0x26, 0x11, 0x45,
				  0xa4, 0xc4, 0x8d, 0x4d, 0x0b, 0x7a, 0x9e, 0xac };

static uint64_t le64(const uint8_t *bytes)
{
	uint64_t value = 0;
	for (int i = 7; i >= 0; i--)
		value = value << 8 | bytes[i];
	return value;
}

static void say(struct item *item, const uint8_t *bytes, size_t n)
{
	for (size_t odd = 0; item_reads_text(item) && odd < 2 && odd < n; odd++) {
		item_say_wide(item, LOOK_BESIDE, bytes + odd, n - odd, false);
		item_said(item, LOOK_BESIDE);
	}
	item_say(item, LOOK_BESIDE, (const char *)bytes, n);
	item_said(item, LOOK_BESIDE);
}

void onenote_look(struct item *item)
{
	const uint8_t *at = item->bytes, *end = item->bytes + item->n, *from = at;
	while (!item->look->stopped &&
	       (at = memmem(at, (size_t)(end - at), mark, sizeof(mark))) != NULL) {
		struct item file;
		size_t left = (size_t)(end - at);
		say(item, from, (size_t)(at - from));
		if (left < HEAD || !item_begin(&file, item))
			return;
		uint64_t size = le64(at + SIZE_AT);
		if (size > left - HEAD) {
			size = left - HEAD;
			item_limit(&file, UNPACK_DAMAGED);
		}
		item_name(&file, "FileDataStoreObject");
		file.part = true;
		item_set(&file, at + HEAD, (size_t)size);
		item_end(&file);
		if (file.kinds & ~(uint32_t)(UNPACK_IMAGE | UNPACK_TEXT))
			item->kinds |= UNPACK_ACTIVE;
		at += HEAD + size;
		from = at;
	}
	say(item, from, (size_t)(end - from));
}
