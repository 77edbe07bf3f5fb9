// One table of texts for both ways; a sticky writer and a sticky reader.
#include "event/mail_wire.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

enum { WIRE_MAGIC = 0x324d4b53, N_IDS = 6, N_TEXTS = N_IDS + 3, N_FILE_TEXTS = 3 }; // "SKM2"

struct head {
	uint32_t magic, code;
	uint64_t began_us, ended_us, declared, size, n_recipients, n_files;
	uint8_t client[16], server[16];
	uint16_t client_port, server_port;
	uint8_t client_family, server_family, verdict, tls, own_sender;
	uint8_t suites; // the client's, and the server's times 16
	uint16_t n_kept;
	uint16_t lengths[N_TEXTS];
	uint16_t n_files_kept;
};
_Static_assert(sizeof(struct head) == 120, "no holes: every byte is checked");

struct recipient_head {
	uint16_t code, length;
};

struct file_head {
	uint64_t size;
	uint8_t sha256[MAIL_SHA256_BYTES];
	uint16_t part, rule;
	uint8_t depth, action, has_sha256, zero;
	uint16_t lengths[N_FILE_TEXTS];
	uint16_t zero2;
};
_Static_assert(sizeof(struct file_head) == 56, "no holes here either");

_Static_assert(sizeof(struct head) + N_IDS * MAIL_ID_MAX + MAIL_HELO_MAX + MAIL_ADDRESS_MAX +
			       MAIL_REASON_MAX +
			       MAIL_RECIPIENTS_KEPT *
				       (sizeof(struct recipient_head) + MAIL_ADDRESS_MAX) +
			       MAIL_FILES_KEPT * (sizeof(struct file_head) + MAIL_FILE_NAME_MAX +
						  MAIL_FILE_TYPE_MAX + MAIL_FILE_FOUND_MAX) <=
		       MAIL_WIRE_MAX,
	       "every record has room");

// Room of each text, its NUL included, in their order on the wire.
static const size_t rooms[N_TEXTS] = {
	MAIL_ID_MAX, MAIL_ID_MAX,   MAIL_ID_MAX,      MAIL_ID_MAX,     MAIL_ID_MAX,
	MAIL_ID_MAX, MAIL_HELO_MAX, MAIL_ADDRESS_MAX, MAIL_REASON_MAX,
};

static const size_t file_rooms[N_FILE_TEXTS] = { MAIL_FILE_NAME_MAX, MAIL_FILE_TYPE_MAX,
						 MAIL_FILE_FOUND_MAX };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

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

static uint8_t *put_recipients(uint8_t *at, const struct mail_record *record, size_t kept)
{
	for (size_t i = 0; i < kept; i++) {
		const struct mail_recipient *recipient = &record->recipients[i];
		struct recipient_head each = { .code = recipient->code };
		each.length =
			put_text(at + sizeof(each), recipient->address, sizeof(recipient->address));
		memcpy(at, &each, sizeof(each));
		at += sizeof(each) + each.length;
	}
	return at;
}

static uint8_t *put_files(uint8_t *at, const struct mail_record *record, size_t kept)
{
	for (size_t i = 0; i < kept; i++) {
		const struct mail_file *file = &record->files[i];
		const char *const texts[N_FILE_TEXTS] = { file->name, file->type, file->found };
		uint8_t *start = at;
		struct file_head each = {
			.size = least(file->size, INT64_MAX),
			.part = file->part,
			.rule = file->rule,
			.depth = file->depth,
			.action = (uint8_t)file->action,
			.has_sha256 = file->has_sha256,
		};
		if (file->has_sha256)
			memcpy(each.sha256, file->sha256, sizeof(each.sha256));
		at += sizeof(each);
		for (size_t k = 0; k < N_FILE_TEXTS; k++)
			at += each.lengths[k] = put_text(at, texts[k], file_rooms[k]);
		memcpy(start, &each, sizeof(each));
	}
	return at;
}

size_t mail_wire_pack(const struct mail_record *record, uint8_t out[MAIL_WIRE_MAX])
{
	const char *const texts[N_TEXTS] = {
		record->flow,	 record->guard, record->clause, record->control, record->from_zone,
		record->to_zone, record->helo,	record->sender, record->reason,
	};
	size_t kept = least(record->n_recipients, MAIL_RECIPIENTS_KEPT);
	size_t files = least(record->n_files, MAIL_FILES_KEPT);
	struct head head = {
		.magic = WIRE_MAGIC,
		.code = record->code,
		.began_us = record->began_us,
		.ended_us = record->ended_us,
		.declared = record->declared,
		.size = record->size,
		.n_recipients = record->n_recipients,
		.n_files = record->n_files,
		.client_port = record->client_port,
		.server_port = record->server_port,
		.verdict = (uint8_t)record->verdict,
		.tls = record->tls,
		.suites = (uint8_t)(record->client_suite | record->server_suite << 4),
		.own_sender = record->own_sender,
		.n_kept = (uint16_t)kept,
		.n_files_kept = (uint16_t)files,
	};
	uint8_t *at = out + sizeof(head);
	put_addr(&record->client, &head.client_family, head.client);
	put_addr(&record->server, &head.server_family, head.server);
	for (size_t i = 0; i < N_TEXTS; i++)
		at += head.lengths[i] = put_text(at, texts[i], rooms[i]);
	at = put_recipients(at, record, kept);
	at = put_files(at, record, files);
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
	       head->own_sender <= 1 && (head->tls || !(head->suites & 15)) &&
	       head->code <= UINT16_MAX && head->declared <= INT64_MAX && head->size <= INT64_MAX &&
	       head->n_recipients <= INT32_MAX && head->began_us <= INT64_MAX &&
	       head->ended_us <= INT64_MAX && head->n_files <= INT32_MAX &&
	       head->n_kept == least(head->n_recipients, MAIL_RECIPIENTS_KEPT) &&
	       head->n_files_kept == least(head->n_files, MAIL_FILES_KEPT);
}

static void take_numbers(const struct head *head, struct mail_record *record)
{
	record->began_us = head->began_us;
	record->ended_us = head->ended_us;
	record->client_port = head->client_port;
	record->server_port = head->server_port;
	record->n_recipients = (size_t)head->n_recipients;
	record->n_files = (size_t)head->n_files;
	record->declared = head->declared;
	record->size = head->size;
	record->tls = head->tls;
	record->client_suite = head->suites & 15;
	record->server_suite = head->suites >> 4;
	record->own_sender = head->own_sender;
	record->verdict = (enum mail_verdict)head->verdict;
	record->code = (uint16_t)head->code;
}

static void take_file(struct reader *reader, struct mail_file *ret)
{
	static const uint8_t none[MAIL_SHA256_BYTES];
	struct file_head each = { 0 };
	take(reader, &each, sizeof(each));
	reader->bad |= each.size > INT64_MAX || each.action >= MAIL_FILE_ACTION_COUNT ||
		       each.has_sha256 > 1 || each.zero || each.zero2 ||
		       (!each.has_sha256 && memcmp(each.sha256, none, sizeof(none)) != 0);
	ret->part = each.part;
	ret->depth = each.depth;
	ret->action = (enum mail_file_action)(reader->bad ? 0 : each.action);
	ret->rule = each.rule;
	ret->has_sha256 = each.has_sha256;
	ret->size = each.size;
	memcpy(ret->sha256, each.sha256, sizeof(ret->sha256));
	take_text(reader, ret->name, each.lengths[0], sizeof(ret->name));
	take_text(reader, ret->type, each.lengths[1], sizeof(ret->type));
	take_text(reader, ret->found, each.lengths[2], sizeof(ret->found));
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
	for (size_t i = 0; i < head.n_files_kept && !reader.bad; i++)
		take_file(&reader, &ret->files[i]);
	record->recipients = ret->recipients;
	record->files = ret->files;
	return reader.bad || reader.at != reader.end ? -EBADMSG : 0;
}
