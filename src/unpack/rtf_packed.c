// A window of 4096 bytes, which begins with what most rich text begins with.  A byte of flags
// stands before each eight tokens, its lowest bit the first's: 0 for a byte as it is, 1 for what
// stood in the window already:
//
//	03 | 00 0a | 00 72 | 63 70 ...		twelve bytes from 0, four from 7, "cp"
//
// A reference to where the next byte goes is the end.
#include "unpack/rtf_packed.h"

#include <string.h>

#include "unpack/format.h"

enum {
	HEAD = 16, // size behind itself, size of the text, form, check sum
	WINDOW = 4096,
	LENGTH_LEAST = 2,
	PIECE = 4096,
	BODIES_MAX = 64, // of one file: each costs a table of fonts
	FORM_PACKED = 0x75465a4c,
	FORM_PLAIN = 0x414c454d,
};

static const char first[] =
	"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss "
	"\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New "
	"RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
	"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct packed {
	struct item *item;
	uint8_t window[WINDOW];
	size_t at; // where the next byte goes
	uint8_t piece[PIECE];
	size_t n;
	bool more; // is wanted
};

static uint32_t le32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static void put(struct packed *packed, uint8_t byte)
{
	packed->window[packed->at] = byte;
	packed->at = (packed->at + 1) % WINDOW;
	packed->piece[packed->n++] = byte;
	if (packed->n < PIECE)
		return;
	packed->more = item_add(packed->item, packed->piece, packed->n);
	packed->n = 0;
}

// False: it was the end.
static bool put_again(struct packed *packed, unsigned token)
{
	size_t from = token >> 4, n = (token & 15) + LENGTH_LEAST;
	if (from == packed->at)
		return false;
	for (; n; n--, from = (from + 1) % WINDOW)
		put(packed, packed->window[from]);
	return true;
}

static void unpack(struct item *item, const uint8_t *bytes, size_t n)
{
	struct packed packed = { .item = item, .at = sizeof(first) - 1, .more = true };
	bool open = true;
	memcpy(packed.window, first, sizeof(first) - 1);
	for (size_t at = 0; open && packed.more && at < n;) {
		unsigned flags = bytes[at++];
		for (unsigned bit = 0; open && packed.more && bit < 8 && at < n; bit++) {
			if (!(flags >> bit & 1)) {
				put(&packed, bytes[at++]);
				continue;
			}
			open = n - at >= 2 &&
			       put_again(&packed, (unsigned)bytes[at] << 8 | bytes[at + 1]);
			at += 2;
		}
	}
	if (packed.n && packed.more)
		item_add(item, packed.piece, packed.n);
}

void rtf_packed_look(struct item *item, const uint8_t *bytes, size_t n)
{
	uint32_t form = n > HEAD ? le32(bytes + 8) : 0;
	struct item text;
	if (n <= HEAD)
		return;
	if ((form != FORM_PACKED && form != FORM_PLAIN) || ++item->look->bodies > BODIES_MAX) {
		item_illegible(item);
		return;
	}
	if (!item_scratch(&text, item))
		return;
	text.part = true;
	if (form == FORM_PACKED)
		unpack(&text, bytes + HEAD, n - HEAD);
	else
		item_set(&text, bytes + HEAD, n - HEAD);
	if (!text.whole)
		item_limit(&text, UNPACK_MEMORY);
	else if (text.n)
		rtf_look(&text);
	item_drop(&text);
}
