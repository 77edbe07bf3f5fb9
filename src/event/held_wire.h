// What an inspector says of a message that is to be held, beside the message itself: as one message
// between processes of one machine, and as the vault keeps it.  Whoever reads it trusts nothing of
// it: the process that made it has read what strangers sent.
//
// A head of fixed size (native byte order), the mail record (mail_wire.h), then the arguments of
// MAIL and of each RCPT that the server had taken, as the client gave them, each with a NUL:
// "<a@city.example.jp> BODY=8BITMIME".  Then the heading, which may be missing: lines of the header
// that whoever decides is shown, decoded, each with a NUL: "Subject: 予算の件".  Nothing follows.
#ifndef SEKISHO_EVENT_HELD_WIRE_H
#define SEKISHO_EVENT_HELD_WIRE_H

#include <stdbool.h>

#include "event/mail_wire.h"

enum {
	HELD_LINES_MAX = 128 * 1024, // bytes of all lines
	HELD_RECIPIENTS_MAX = 2000,
	HELD_HEADING_MAX = 12 * 1024,
	HELD_HEADING_LINES_MAX = 32,
	HELD_WIRE_MAX = 384 + MAIL_WIRE_MAX + HELD_LINES_MAX + HELD_HEADING_MAX,
	HELD_PERSONS_MAX = 2,
	HELD_TLS_NAME_MAX = 256,
};

// How the server is to be spoken to once it is released: as its guard demanded when it came.
enum held_tls {
	HELD_TLS_OFFERED,  // by TLS if the server offers it, else in clear
	HELD_TLS_REQUIRED, // by STARTTLS or not at all
	HELD_TLS_AT_ONCE,  // by TLS from the first byte
	HELD_TLS_COUNT,
};

struct held_envelope {
	uint32_t keep_seconds; // from when it was held on
	uint32_t persons;      // who have to agree to its release
	bool later;	       // its client hears 451 until somebody has decided; else 250
	uint32_t messages_max; // that its guard may have held at a time
	uint64_t bytes_max;    // of them all
	enum held_tls tls;
	uint16_t tls_least;    // 0x0303: TLS 1.2, 0x0304: 1.3
	const char *tls_name;  // that the server has to prove; "" or NULL: whoever it is
	const uint8_t *record; // as mail_wire_pack() made it
	size_t record_size;
	const char *lines; // n_lines texts, each with its NUL: of MAIL, then of each RCPT
	size_t lines_size;
	uint32_t n_lines;    // two at least
	const char *heading; // UTF-8 without control characters, each with its NUL
	size_t heading_size;
};

// The size, or 0: it has no room.
size_t held_wire_pack(const struct held_envelope *envelope, uint8_t *out, size_t room);
// What is read points into bytes.  0, or -EBADMSG: nothing that held_wire_pack() makes, or lines
// that cannot be said to a server as they are.  The record is not looked into; characters of the
// heading that a terminal obeys are whoever's shows it.
int held_wire_unpack(const uint8_t *bytes, size_t size, struct held_envelope *ret);

#endif
