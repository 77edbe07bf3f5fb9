// One table of texts for both ways; a sticky writer and a sticky reader.
#include "event/mail_wire.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

enum { WIRE_MAGIC = 0x314d4b53, N_IDS = 6, N_TEXTS = N_IDS + 3 }; // "SKM1"

struct head {
	uint32_t magic, code;
	uint64_t began_us, ended_us, declared, size, n_recipients;
	uint8_t client[16], server[16];
	uint16_t client_port, server_port;
	uint8_t client_family, server_family, verdict, tls, own_sender, zero;
	uint16_t n_kept;
	uint16_t lengths[N_TEXTS];
	uint16_t zero2;
};
_Static_assert(sizeof(struct head) == 112, "no holes: every byte is checked");

struct recipient_head {
	uint16_t code, length;
};

_Static_assert(sizeof(struct head) + N_IDS * MAIL_ID_MAX + MAIL_HELO_MAX + MAIL_ADDRESS_MAX +
			       MAIL_REASON_MAX +
			       MAIL_RECIPIENTS_KEPT *
				       (sizeof(struct recipient_head) + MAIL_ADDRESS_MAX) <=
		       MAIL_WIRE_MAX,
	       "every record has room");

// Room of each text, its NUL included, in their order on the wire.
static const size_t rooms[N_TEXTS] = {
	MAIL_ID_MAX, MAIL_ID_MAX,   MAIL_ID_MAX,      MAIL_ID_MAX,     MAIL_ID_MAX,
	MAIL_ID_MAX, MAIL_HELO_MAX, MAIL_ADDRESS_MAX, MAIL_REASON_MAX,
};

// --- out

// The length of what is put: cut between characters, made harmless.
static uint16_t put_text(uint8_t *at, const char *text, size_t room)
{
	size_t length = text ? strnlen(text, room) : 0, bad;
	if (length == room)
		for (length--; length && ((uint8_t)text[length] & 0xc0) == 0x80;)
			length--;
	if (length)
		memcpy(at, text, length);
	for (size_t i = 0; i < length; i++)
		if (at[i] < 0x20 || at[i] == 0x7f)
			at[i] = '?';
	while (!text_is_utf8(at, length, &bad))
		at[bad] = '?';
	return (uint16_t)length;
}

static void put_addr(const struct addr *addr, uint8_t *ret_family, uint8_t out[16])
{
	bool known = addr->family == ADDR_V4 || addr->family == ADDR_V6;
	*ret_family = known ? (uint8_t)addr->family : ADDR_V4; // 0.0.0.0: not known
	if (known)
		addr_to_bytes(addr->family, addr->bits, out);
}

size_t mail_wire_pack(const struct mail_record *record, uint8_t out[MAIL_WIRE_MAX])
{
	const char *const texts[N_TEXTS] = {
		record->flow,	 record->guard, record->clause, record->control, record->from_zone,
		record->to_zone, record->helo,	record->sender, record->reason,
	};
	size_t kept = record->n_recipients < MAIL_RECIPIENTS_KEPT ? record->n_recipients
								  : MAIL_RECIPIENTS_KEPT;
	struct head head = {
		.magic = WIRE_MAGIC,
		.code = record->code,
		.began_us = record->began_us,
		.ended_us = record->ended_us,
		.declared = record->declared,
		.size = record->size,
		.n_recipients = record->n_recipients,
		.client_port = record->client_port,
		.server_port = record->server_port,
		.verdict = (uint8_t)record->verdict,
		.tls = record->tls,
		.own_sender = record->own_sender,
		.n_kept = (uint16_t)kept,
	};
	uint8_t *at = out + sizeof(head);
	put_addr(&record->client, &head.client_family, head.client);
	put_addr(&record->server, &head.server_family, head.server);
	for (size_t i = 0; i < N_TEXTS; i++)
		at += head.lengths[i] = put_text(at, texts[i], rooms[i]);
	for (size_t i = 0; i < kept; i++) {
		const struct mail_recipient *recipient = &record->recipients[i];
		struct recipient_head each = { .code = recipient->code };
		each.length =
			put_text(at + sizeof(each), recipient->address, sizeof(recipient->address));
		memcpy(at, &each, sizeof(each));
		at += sizeof(each) + each.length;
	}
	memcpy(out, &head, sizeof(head));
	return (size_t)(at - out);
}

// --- in

struct reader {
	const uint8_t *at, *end;
	bool bad;
};

static void take(struct reader *reader, void *out, size_t size)
{
	if (reader->bad || size > (size_t)(reader->end - reader->at)) {
		reader->bad = true;
		return;
	}
	memcpy(out, reader->at, size);
	reader->at += size;
}

static void take_text(struct reader *reader, char *out, size_t length, size_t room)
{
	if (length >= room)
		reader->bad = true;
	else
		take(reader, out, length);
	if (reader->bad) {
		out[0] = '\0';
		return;
	}
	out[length] = '\0';
	for (size_t i = 0; i < length; i++)
		reader->bad |= (uint8_t)out[i] < 0x20 || out[i] == 0x7f;
	reader->bad |= !text_is_utf8(out, length, NULL);
}

static bool take_addr(uint8_t family, const uint8_t bytes[16], struct addr *ret)
{
	static const uint8_t zeros[12];
	if (family != ADDR_V4 && family != ADDR_V6)
		return false;
	if (family == ADDR_V4 && memcmp(bytes + 4, zeros, sizeof(zeros)) != 0)
		return false;
	ret->family = (enum addr_family)family;
	ret->bits = addr_from_bytes(ret->family, bytes);
	return true;
}

static bool head_is_fine(const struct head *head)
{
	return head->magic == WIRE_MAGIC && head->verdict < MAIL_VERDICT_COUNT && head->tls <= 1 &&
	       head->own_sender <= 1 && !head->zero && !head->zero2 && head->code <= UINT16_MAX &&
	       head->declared <= INT64_MAX && head->size <= INT64_MAX &&
	       head->n_recipients <= INT32_MAX && head->began_us <= INT64_MAX &&
	       head->ended_us <= INT64_MAX &&
	       head->n_kept == (head->n_recipients < MAIL_RECIPIENTS_KEPT ? head->n_recipients
									  : MAIL_RECIPIENTS_KEPT);
}

static void take_numbers(const struct head *head, struct mail_record *record)
{
	record->began_us = head->began_us;
	record->ended_us = head->ended_us;
	record->client_port = head->client_port;
	record->server_port = head->server_port;
	record->n_recipients = (size_t)head->n_recipients;
	record->declared = head->declared;
	record->size = head->size;
	record->tls = head->tls;
	record->own_sender = head->own_sender;
	record->verdict = (enum mail_verdict)head->verdict;
	record->code = (uint16_t)head->code;
}

int mail_wire_unpack(const void *bytes, size_t size, struct mail_taken *ret)
{
	struct reader reader = { bytes, (const uint8_t *)bytes + size, false };
	struct mail_record *record = &ret->record;
	const char **const ids[N_IDS] = { &record->flow,    &record->guard,	&record->clause,
					  &record->control, &record->from_zone, &record->to_zone };
	struct head head = { 0 };
	memset(record, 0, sizeof(*record));
	take(&reader, &head, sizeof(head));
	if (reader.bad || !head_is_fine(&head) ||
	    !take_addr(head.client_family, head.client, &record->client) ||
	    !take_addr(head.server_family, head.server, &record->server))
		return -EBADMSG;
	take_numbers(&head, record);
	for (size_t i = 0; i < N_IDS; i++) {
		take_text(&reader, ret->ids[i], head.lengths[i], rooms[i]);
		*ids[i] = ret->ids[i];
	}
	take_text(&reader, record->helo, head.lengths[N_IDS], sizeof(record->helo));
	take_text(&reader, record->sender, head.lengths[N_IDS + 1], sizeof(record->sender));
	take_text(&reader, record->reason, head.lengths[N_IDS + 2], sizeof(record->reason));
	for (size_t i = 0; i < head.n_kept && !reader.bad; i++) {
		struct recipient_head each = { 0 };
		take(&reader, &each, sizeof(each));
		ret->recipients[i].code = each.code;
		take_text(&reader, ret->recipients[i].address, each.length,
			  sizeof(ret->recipients[i].address));
	}
	record->recipients = ret->recipients;
	return reader.bad || reader.at != reader.end ? -EBADMSG : 0;
}
