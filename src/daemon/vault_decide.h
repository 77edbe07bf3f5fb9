// What becomes of held messages: who may release them, what servers said, whose time is over.  Each
// call changes one message on the disk, and fills in a word for the gate with a mail record of it.
#ifndef SEKISHO_DAEMON_VAULT_DECIDE_H
#define SEKISHO_DAEMON_VAULT_DECIDE_H

#include "daemon/vault_wire.h"
#include "keep/held_store.h"

enum {
	VAULT_ASKED_SECONDS = 3600, // that the first of two persons counts
	VAULT_PAUSE_FIRST = 60,	    // seconds until a delivery is tried again; doubled each time
	VAULT_PAUSE_MAX = 3600,
};

struct vault_told {
	struct vault_word word;
	uint8_t record[MAIL_WIRE_MAX]; // word.record_size bytes
};

// 0 or a negative errno with text: nothing has changed then.  In word.outcome what has become of
// it.
int vault_release(struct held_store *store, uint64_t number, const struct held_person *person,
		  struct vault_told *ret);
int vault_reject(struct held_store *store, uint64_t number, const struct held_person *person,
		 struct vault_told *ret);
// A delivery that was tried: of those recipients that were left, in order; n 0: it came to nothing,
// for that reason.
struct vault_try {
	uint64_t number;
	const struct vault_fate *fates;
	size_t n;
	const char *trouble;
	uint8_t suite; // of TLS with the server (event/mail_suite.h)
};
int vault_tried(struct held_store *store, const struct vault_try *try, uint64_t now_us,
		struct vault_told *ret);
int vault_expire(struct held_store *store, uint64_t number, uint64_t now_us,
		 struct vault_told *ret);
// Of the reason of a held message's record what it is held for: "attachment-words: ...".
const char *vault_why(const char *reason);
// What is held now, and why.
int vault_describe(struct held_store *store, uint64_t number, struct vault_told *ret);

#endif
