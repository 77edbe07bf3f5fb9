// A mail record as one message between processes of one machine.  Whoever reads it trusts nothing
// of it: the process that made it has read what strangers sent.
//
// A head of fixed size (numbers in native byte order, addresses in network order), the texts with
// the lengths that the head tells, then each recipient: code, length, address; then each file: a
// head of fixed size, name, type, what was found.  Nothing follows.
#ifndef SEKISHO_EVENT_MAIL_WIRE_H
#define SEKISHO_EVENT_MAIL_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "event/mail_record.h"

enum { MAIL_WIRE_MAX = 96 * 1024 };

// A record that owns what it points to.
struct mail_taken {
	struct mail_record record;
	struct mail_recipient recipients[MAIL_RECIPIENTS_KEPT];
	struct mail_file files[MAIL_FILES_KEPT];
	char ids[6][MAIL_ID_MAX];
};

// Every record has room: texts are cut at their limits between characters, recipients after
// MAIL_RECIPIENTS_KEPT, files after MAIL_FILES_KEPT; control characters and bytes that are no UTF-8
// become '?'.  NULL is "". Returns the size.
size_t mail_wire_pack(const struct mail_record *record, uint8_t out[MAIL_WIRE_MAX]);

// 0, or -EBADMSG: the bytes are not what mail_wire_pack() makes.
int mail_wire_unpack(const void *bytes, size_t size, struct mail_taken *ret);

#endif
