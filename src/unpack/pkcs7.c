// Signed mail whose content lies in the signature (RFC 8551 3.5.2, RFC 5652 5.1): a message in BER,
// in one octet string or in pieces.  What is only a signature has no content.
#include <string.h>

#include "unpack/format.h"

enum { SEQUENCE = 0x30, EXPLICIT = 0xa0, OCTETS = 0x04, OCTETS_PIECES = 0x24 };

struct ber {
	const uint8_t *at, *end;
	bool failed;
};

struct head { // n may be more than there is
	uint8_t tag;
	bool open; // its end is marked by two zeros
	size_t n;
};

static struct head read_head(struct ber *ber)
{
	struct head head = { 0 };
	ber->failed = ber->failed || ber->end - ber->at < 2;
	if (ber->failed)
		return head;
	head.tag = *ber->at++;
	uint8_t first = *ber->at++;
	head.open = first == 0x80;
	head.n = first & 0x80 ? 0 : first;
	size_t more = first & 0x80 ? first & 0x7f : 0;
	ber->failed = more > sizeof(uint32_t) || (size_t)(ber->end - ber->at) < more;
	for (; !ber->failed && more; more--)
		head.n = head.n << 8 | *ber->at++;
	return head;
}

static size_t left(const struct ber *ber)
{
	return (size_t)(ber->end - ber->at);
}

// Past one value, whatever lies in it.
static void skip(struct ber *ber)
{
	size_t open = 0;
	do {
		struct head head = read_head(ber);
		if (head.open)
			open++;
		else if (open && !head.tag && !head.n)
			open--;
		else if (head.n > left(ber))
			ber->failed = true;
		else if (!ber->failed)
			ber->at += head.n;
	} while (open && !ber->failed);
}

static bool enter(struct ber *ber, uint8_t tag)
{
	ber->failed = ber->failed || ber->at == ber->end || *ber->at != tag;
	if (!ber->failed)
		read_head(ber);
	return !ber->failed;
}

// True: at the content; false: there is none, or it failed.
static bool find_content(struct ber *ber)
{
	if (!enter(ber, SEQUENCE))
		return false;
	skip(ber); // signedData
	if (!enter(ber, EXPLICIT) || !enter(ber, SEQUENCE))
		return false;
	skip(ber); // version
	skip(ber); // digests
	struct ber inside = *ber;
	if (!enter(ber, SEQUENCE))
		return false;
	struct head whole = read_head(&inside);
	if (!whole.open && whole.n < left(&inside))
		ber->end = inside.at + whole.n;
	skip(ber); // its type
	return !ber->failed && ber->at < ber->end && *ber->at == EXPLICIT && enter(ber, EXPLICIT);
}

static void add_content(struct item *inner, struct ber *ber)
{
	if (ber->at < ber->end && *ber->at == OCTETS_PIECES)
		read_head(ber);
	while (!ber->failed && ber->at < ber->end && *ber->at == OCTETS) {
		struct head head = read_head(ber);
		ber->failed = ber->failed || head.n > left(ber);
		if (ber->failed || !item_add(inner, ber->at, head.n))
			return;
		ber->at += head.n;
	}
	// Pieces of pieces: nobody writes them.
	ber->failed = ber->failed || (ber->at < ber->end && *ber->at == OCTETS_PIECES);
}

bool pkcs7_has_content(const uint8_t *bytes, size_t n)
{
	struct ber ber = { bytes, bytes + n, false };
	return find_content(&ber) || ber.failed;
}

void pkcs7_look(struct item *item)
{
	struct ber ber = { item->bytes, item->bytes + item->n, false };
	struct item inner;
	if (find_content(&ber) && item_begin(&inner, item)) {
		add_content(&inner, &ber);
		inner.kinds |= UNPACK_MAIL;
		inner.read = true;
		if (inner.whole && inner.n)
			message_look(&inner);
		item_end(&inner);
	}
	if (ber.failed)
		item_limit(item, UNPACK_DAMAGED);
}
