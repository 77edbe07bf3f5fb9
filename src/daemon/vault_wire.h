// What the gate and the vault say to one another, over a socket pair of whole messages, and what
// the vault says to an inspector.  The gate believes no more of what the vault says than has to be:
// the vault reads what strangers sent.
//
// An inspector's stream: frames of a length (4 bytes, network order) and that many bytes; a length
// of 0 ends the message, and after it the envelope (event/held_wire.h).  The answer is one text
// with its NUL: "kept N", "delivered N", "rejected N", "full" or "failed".
#ifndef SEKISHO_DAEMON_VAULT_WIRE_H
#define SEKISHO_DAEMON_VAULT_WIRE_H

#include <stdint.h>

#include "base/addr.h"
#include "keep/held_meta.h"

enum {
	VAULT_CONTROL = 3, // the vault's descriptors
	VAULT_FOLDER,
	VAULT_FLOW_MAX = MAIL_ID_MAX,
	VAULT_TEXT_MAX = 512,
	VAULT_ENDING_SECONDS = 86400, // or a quarter of the time that it is kept, if that is less
};

enum vault_order_word {
	VAULT_HELLO,   // whom to become, and the key
	VAULT_CONNECT, // an inspector's stream
	VAULT_LIST,    // into a file (control/field.h); number 0: those that wait or are released
	VAULT_RELEASE,
	VAULT_REJECT,
	VAULT_OPEN,  // a message that is due into one file, and whom it goes to into another
	VAULT_TRIED, // its delivery was tried: text says why not at all, else a file of vault_fates
	VAULT_END,
};

struct vault_order {
	uint32_t word, uid, gid, all;
	uint64_t token, number;
	uint32_t suite, zero; // of TRIED: the server's side (event/mail_suite.h)
	struct held_key key;
	struct held_person person;
	char text[HELD_REPLY_MAX];
};

enum vault_word_kind {
	VAULT_READY,  // sealed, with its folder read; or error
	VAULT_ANSWER, // to the order of that token; or error, and text
	VAULT_NEWS,   // something became of a message
	VAULT_DUE,    // a released message is to be delivered now
	VAULT_ALIVE,
};

enum vault_outcome {
	VAULT_NOTHING,
	VAULT_CAME,  // a message is held
	VAULT_ASKED, // the first of two persons wants it released
	VAULT_WAS_RELEASED,
	VAULT_WAS_REJECTED,
	VAULT_WAS_DELIVERED, // to all that took it
	VAULT_WAS_TRIED,     // and waits for the next time
	VAULT_WAS_EXPIRED,
};

struct vault_word { // a mail record for the book (event/mail_wire.h) may follow
	uint32_t word;
	int32_t error;
	uint64_t token, number;
	uint32_t outcome, record_size;
	uint64_t held, bytes, damaged; // as they are
	// Of those that wait for a decision: how many, since when the oldest, until when the first.
	uint64_t waiting, oldest_us, first_until_us;
	uint64_t ending; // how many of these are removed soon: VAULT_ENDING_SECONDS
	struct addr server, client;
	uint32_t server_port, recipients;
	char flow[VAULT_FLOW_MAX], guard[MAIL_ID_MAX], clause[MAIL_ID_MAX];
	char text[VAULT_TEXT_MAX];    // why it is held; what is wrong
	char asked_by[HELD_NAME_MAX]; // of two persons the first
};

// What an order to deliver is made of: a head, then MAIL's line and those of the recipients that
// are left, each with its NUL.
struct vault_job {
	uint32_t n_recipients, lines_size;
	uint64_t size; // of the message
	uint32_t tls;  // enum held_tls
	uint32_t tls_least;
	char tls_name[HELD_TLS_NAME_MAX];
};

struct vault_fate {    // of each of these recipients, in that order
	uint32_t done; // the server has it, or has refused it for good
	uint32_t code;
	char reply[HELD_REPLY_MAX];
};

#endif
