#include "event/held_wire.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"

enum { WIRE_MAGIC = 0x32484b53 }; // "SKH2"

struct head {
	uint32_t magic, keep_seconds, persons, later, messages_max, n_lines;
	uint64_t bytes_max;
	uint32_t record_size, lines_size;
	uint32_t tls, tls_least;
	char tls_name[HELD_TLS_NAME_MAX]; // with NULs to its end
};
_Static_assert(sizeof(struct head) == 48 + HELD_TLS_NAME_MAX, "no holes: every byte is checked");
_Static_assert(sizeof(struct head) + MAIL_WIRE_MAX + HELD_LINES_MAX + HELD_HEADING_MAX <=
		       HELD_WIRE_MAX,
	       "every envelope has room");

// No control character: what is said to a server later is one line.
static bool lines_are_sound(const char *lines, size_t size, uint32_t n_lines)
{
	uint32_t n = 0;
	if (!size || lines[size - 1] != '\0' || lines[0] != '<')
		return false;
	for (size_t i = 0; i < size; i++) {
		const uint8_t byte = (uint8_t)lines[i];
		if (byte == '\0') {
			n++;
			if (i + 1 < size && lines[i + 1] != '<')
				return false;
		} else if (byte < ' ' || byte == 0x7f) {
			return false;
		}
	}
	return n == n_lines;
}

// A host's name, or none.
static bool name_is_sound(const char name[HELD_TLS_NAME_MAX])
{
	const size_t n = strnlen(name, HELD_TLS_NAME_MAX);
	for (size_t i = 0; i < HELD_TLS_NAME_MAX; i++)
		if (i < n ? name[i] <= ' ' || name[i] == 0x7f : name[i] != '\0')
			return false;
	return n < HELD_TLS_NAME_MAX;
}

static bool heading_is_sound(const char *heading, size_t size)
{
	size_t n = 0;
	if (size > HELD_HEADING_MAX || (size && heading[size - 1] != '\0'))
		return false;
	for (size_t at = 0; at < size; n++) {
		const size_t length = strlen(heading + at);
		if (!length || !text_is_utf8(heading + at, length, NULL))
			return false;
		for (size_t i = at; i < at + length; i++)
			if ((uint8_t)heading[i] < ' ' || heading[i] == 0x7f)
				return false;
		at += length + 1;
	}
	return n <= HELD_HEADING_LINES_MAX;
}

static bool is_sound(const struct head *head, size_t size)
{
	return head->magic == WIRE_MAGIC && head->later <= 1 && head->persons >= 1 &&
	       head->persons <= HELD_PERSONS_MAX && head->n_lines >= 2 &&
	       head->n_lines <= HELD_RECIPIENTS_MAX + 1 && head->record_size <= MAIL_WIRE_MAX &&
	       head->lines_size <= HELD_LINES_MAX && head->tls < HELD_TLS_COUNT &&
	       head->tls_least <= UINT16_MAX && name_is_sound(head->tls_name) &&
	       size - sizeof(*head) >= (size_t)head->record_size + head->lines_size;
}

size_t held_wire_pack(const struct held_envelope *envelope, uint8_t *out, size_t room)
{
	struct head head = {
		.magic = WIRE_MAGIC,
		.keep_seconds = envelope->keep_seconds,
		.persons = envelope->persons,
		.later = envelope->later,
		.messages_max = envelope->messages_max,
		.n_lines = envelope->n_lines,
		.bytes_max = envelope->bytes_max,
		.record_size = (uint32_t)envelope->record_size,
		.lines_size = (uint32_t)envelope->lines_size,
		.tls = envelope->tls,
		.tls_least = envelope->tls_least,
	};
	const char *name = envelope->tls_name ? envelope->tls_name : "";
	const size_t size = sizeof(head) + envelope->record_size + envelope->lines_size +
			    envelope->heading_size;
	if (strlen(name) >= sizeof(head.tls_name))
		return 0;
	memcpy(head.tls_name, name, strlen(name));
	if (size > room || envelope->record_size > MAIL_WIRE_MAX ||
	    envelope->lines_size > HELD_LINES_MAX || !is_sound(&head, size) ||
	    !heading_is_sound(envelope->heading, envelope->heading_size))
		return 0;
	memcpy(out, &head, sizeof(head));
	out += sizeof(head);
	memcpy(out, envelope->record, envelope->record_size);
	out += envelope->record_size;
	memcpy(out, envelope->lines, envelope->lines_size);
	if (envelope->heading_size)
		memcpy(out + envelope->lines_size, envelope->heading, envelope->heading_size);
	return size;
}

int held_wire_unpack(const uint8_t *bytes, size_t size, struct held_envelope *ret)
{
	struct head head;
	if (size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (!is_sound(&head, size))
		return -EBADMSG;
	*ret = (struct held_envelope){
		.keep_seconds = head.keep_seconds,
		.persons = head.persons,
		.later = head.later,
		.messages_max = head.messages_max,
		.bytes_max = head.bytes_max,
		.record = bytes + sizeof(head),
		.record_size = head.record_size,
		.lines = (const char *)bytes + sizeof(head) + head.record_size,
		.lines_size = head.lines_size,
		.n_lines = head.n_lines,
		.tls = head.tls,
		.tls_least = (uint16_t)head.tls_least,
		.tls_name = (const char *)bytes + offsetof(struct head, tls_name),
		.heading = (const char *)bytes + sizeof(head) + head.record_size + head.lines_size,
		.heading_size = size - sizeof(head) - head.record_size - head.lines_size,
	};
	return lines_are_sound(ret->lines, ret->lines_size, ret->n_lines) &&
			       heading_is_sound(ret->heading, ret->heading_size)
		       ? 0
		       : -EBADMSG;
}
