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
	MAIL_REASON_MAX = 256,
	MAIL_ID_MAX = 128 + 1,	    // of a flow, a guard, a clause, a control, a zone, with the NUL
	MAIL_RECIPIENTS_KEPT = 100, // of a record; n_recipients counts all
	MAIL_FILES_KEPT = 100,	    // likewise
	MAIL_FILE_NAME_MAX = 192 + 1,
	MAIL_FILE_TYPE_MAX = 80 + 1,
	MAIL_FILE_FOUND_MAX = 128 + 1,
	MAIL_SHA256_BYTES = 32,
};

enum mail_verdict {
	MAIL_PASSED,
	MAIL_REFUSED,	 // by the gate
	MAIL_REJECTED,	 // by the server
	MAIL_BROKEN_OFF, // a side went away, or the gate's own trouble
	MAIL_ENDED,	 // by the gate: out of step
	MAIL_UNREAD,	 // TLS that may pass, or after_greeting
	MAIL_HELD,	 // inside, until somebody has decided (event/held_wire.h)
	MAIL_VERDICT_COUNT,
};
const char *mail_verdict_word(enum mail_verdict verdict); // "passed", "broken-off" ...
int mail_verdict_find(const char *word);		  // -1: no such word

struct mail_recipient {
	char address[MAIL_ADDRESS_MAX];
	uint16_t code; // the reply that the client saw, or 0
};

enum mail_file_action {	  // of the first rule that fits it
	MAIL_FILE_PASSED, // no rule does
	MAIL_FILE_ALLOWED,
	MAIL_FILE_RECORDED,
	MAIL_FILE_REFUSED,
	MAIL_FILE_HELD, // the message was held for it
	MAIL_FILE_ACTION_COUNT,
};
const char *mail_file_action_word(enum mail_file_action action); // "passed", "allowed" ...

// An attachment, an entry of an archive in one, or another part in which something was found.
struct mail_file {
	uint16_t part; // its number in the message, from 0 (mime/mime.h); of an entry: that of its
		       // archive
	uint8_t depth; // 0: the part itself; 1: lies in it; 2: in an archive in it ...
	enum mail_file_action action;
	uint16_t rule; // of the guard's rules about attachments, from 1; 0: none
	bool has_sha256;
	uint8_t sha256[MAIL_SHA256_BYTES]; // of its decoded bytes
	uint64_t size;			   // decoded; of an entry: unpacked
	char name[MAIL_FILE_NAME_MAX];	   // as a client would show it, or ""
	char type[MAIL_FILE_TYPE_MAX];	   // as declared: "application/pdf"; "" of an entry;
					   // "habit": of none (inspect/habit.h)
	char found[MAIL_FILE_FOUND_MAX];   // words with a space between: "executable misleading"
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
	size_t n_recipients; // those named, the first MAIL_RECIPIENTS_KEPT of them in recipients
	const struct mail_file *files;
	size_t n_files;			    // those seen, MAIL_FILES_KEPT of them at most in files
	uint64_t declared;		    // SIZE=, 0: none
	uint64_t size;			    // bytes of DATA seen, dots as on the wire
	uint8_t client_suite, server_suite; // of inspected TLS (event/mail_suite.h)
	bool tls, own_sender;		    // started TLS; a sender of an own domain from outside
	enum mail_verdict verdict;
	uint16_t code;		      // last reply that the client saw
	char reason[MAIL_REASON_MAX]; // one word of the table of reasons, then plain words
	// For who counts mass mail; not kept, and not on the wire.
	bool counts;		  // a transaction of a guard that has it counted
	bool outward;		  // its client may send to any domain
	uint32_t n_own, n_others; // recipients that the server took: of own domains, of others
};

#endif
