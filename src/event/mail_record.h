// What is kept of one mail transaction, or of a session that ended before one began.
// Strings are UTF-8 where the peers' were, else escaped; "" when absent.
#ifndef SEKISHO_EVENT_MAIL_RECORD_H
#define SEKISHO_EVENT_MAIL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum {
	MAIL_ADDRESS_MAX =
		320 + 1, // local part 64, "@", domain 255 (RFC 5321 4.5.3.1), and the NUL
	MAIL_HELO_MAX = 256,
	MAIL_REASON_MAX = 128,
	MAIL_ID_MAX = 128 + 1,	    // of a flow, a guard, a clause, a control, a zone, with the NUL
	MAIL_RECIPIENTS_KEPT = 100, // of a record; n_recipients counts all
};

enum mail_verdict {
	MAIL_PASSED,
	MAIL_REFUSED,	 // by the gate
	MAIL_REJECTED,	 // by the server
	MAIL_BROKEN_OFF, // a side went away, or the gate's own trouble
	MAIL_ENDED,	 // by the gate: out of step
	MAIL_UNREAD,	 // TLS that may pass, or after_greeting
	MAIL_VERDICT_COUNT,
};
const char *mail_verdict_word(enum mail_verdict verdict); // "passed", "broken-off" ...
int mail_verdict_find(const char *word);		  // -1: no such word

struct mail_recipient {
	char address[MAIL_ADDRESS_MAX];
	uint16_t code; // the reply that the client saw, or 0
};

struct mail_record {
	uint64_t began_us, ended_us; // since 1970
	struct addr client, server;
	uint16_t client_port, server_port;
	const char *flow, *guard, *clause; // ids; clause: of the body's own table
	const char *control;		   // MAIL-01 ..., or ""
	const char *from_zone, *to_zone;
	char helo[MAIL_HELO_MAX];
	char sender[MAIL_ADDRESS_MAX];
	const struct mail_recipient *recipients;
	size_t n_recipients;  // those named, the first MAIL_RECIPIENTS_KEPT of them in recipients
	uint64_t declared;    // SIZE=, 0: none
	uint64_t size;	      // bytes of DATA seen, dots as on the wire
	bool tls, own_sender; // started TLS; a sender of an own domain from outside
	enum mail_verdict verdict;
	uint16_t code;		      // last reply that the client saw
	char reason[MAIL_REASON_MAX]; // one word of the table of reasons, then plain words
};

#endif
