// Text that readers of formats find, on its way to whoever looks for words.
#include <string.h>

#include "base/terms.h"
#include "unpack/look.h"

enum { PIECE = 1024 };

bool item_reads_text(const struct item *item)
{
	return item->look->sink->terms;
}

struct item *item_document(struct item *item)
{
	while (item->part && item->parent)
		item = item->parent;
	return item;
}

void item_illegible(struct item *item)
{
	if (item_reads_text(item))
		item_document(item)->kinds |= UNPACK_ILLEGIBLE;
}

static void say(struct item *item, struct terms_reader *reader, const char *text, size_t n)
{
	struct look *look = item->look;
	uint64_t room = LOOK_TEXT_MAX - look->said;
	if (n > room) {
		item_illegible(item);
		n = (size_t)room;
	}
	look->said += n;
	terms_read(look->sink->terms, reader, (const uint8_t *)text, n);
	if (n && look->sink->text)
		look->sink->text(look->sink->arg, text, n);
}

void item_say(struct item *item, enum look_flow flow, const char *text, size_t n)
{
	if (n && item_reads_text(item))
		say(item, &item_document(item)->text[flow], text, n);
}

// What was found stays; what was begun does not.
void item_said(struct item *item, enum look_flow flow)
{
	struct terms_reader *reader = &item_document(item)->text[flow];
	if (!item_reads_text(item))
		return;
	say(item, reader, "\n", 1);
	terms_end(item->look->sink->terms, reader);
	terms_begin_again(reader);
}

void item_aside(struct item *item, const char *text, size_t n)
{
	if (!n)
		return;
	item_say(item, LOOK_BESIDE, "\n", 1);
	item_say(item, LOOK_BESIDE, text, n);
	item_say(item, LOOK_BESIDE, "\n", 1);
}

void item_say_wide(struct item *item, enum look_flow flow, const uint8_t *bytes, size_t n, bool big)
{
	char out[PIECE];
	size_t used = 0;
	uint32_t high = 0;
	if (!item_reads_text(item))
		return;
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint32_t point = big ? (uint32_t)bytes[i] << 8 | bytes[i + 1]
				     : bytes[i] | (uint32_t)bytes[i + 1] << 8;
		bool low = (point & 0xfc00) == 0xdc00;
		if ((point & 0xfc00) == 0xd800) {
			high = point;
			continue;
		}
		if (high && low)
			point = 0x10000 + ((high & 0x3ff) << 10 | (point & 0x3ff));
		else if (low)
			point = 0xfffd;
		high = 0;
		if (used > PIECE - 4) {
			item_say(item, flow, out, used);
			used = 0;
		}
		used += charset_put(point < 0x20 ? '\n' : point, out + used, PIECE - used);
	}
	item_say(item, flow, out, used);
}
