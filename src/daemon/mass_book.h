// The book of what mail is stopped: whose, since when, why, until when, and who wants it resumed.
// Kept in memory and in a file of the state folder, which a restart reads.
#ifndef SEKISHO_DAEMON_MASS_BOOK_H
#define SEKISHO_DAEMON_MASS_BOOK_H

#include <stdbool.h>

#include "control/peer.h"
#include "inspect/mail_stops.h"

#define MASS_BOOK_FILE "mail-stops"

enum {
	MASS_NAME_MAX = 128, // "10.20.0.5", "office", an address of mail
	MASS_REASON_MAX = 512,
	MASS_STOP_WORDS_MAX = MASS_NAME_MAX + 32,
	MASS_ASKED_SECONDS = 15 * 60, // that a request to resume waits for the second person
};

struct mass_stop {
	struct mail_stop stop;
	char name[MASS_NAME_MAX];	   // "" of ALL
	char actor[CONTROL_PEER_NAME_MAX]; // "": the gate by itself
	char reason[MASS_REASON_MAX];
	uint64_t since_us;
	// One person who wants it resumed, waiting for another; asked_us 0: nobody.
	char asked_by[CONTROL_PEER_NAME_MAX];
	uint32_t asked_uid, asked_login_uid;
	uint64_t asked_us;
};

struct mass_book {
	size_t n;
	struct mass_stop v[MAIL_STOPS_MAX];
};

// "source", "sender", "zone"; of all mail "direction" with "in" or "out", or "all" with "".
const char *mass_stop_kind(const struct mass_stop *stop);
// Fills in kind, name and what they mean.  NULL, or why that cannot be.
const char *mass_stop_parse(const char *kind, const char *name, struct mass_stop *ret);
// "source 10.20.0.5", "zone office (out)", "direction in", "all"
const char *mass_stop_words(const struct mass_stop *stop, char out[MASS_STOP_WORDS_MAX]);

struct mass_stop *mass_book_find(struct mass_book *book, const struct mass_stop *like);
// Full: the one of a source that the gate stopped by itself and that ends first makes room.
// -ENOSPC: there is none.
int mass_book_put(struct mass_book *book, const struct mass_stop *stop);
void mass_book_take(struct mass_book *book, struct mass_stop *stop);
void mass_book_stops(const struct mass_book *book, struct mail_stops *ret);

char *mass_book_text(const struct mass_book *book);	     // on the heap, or NULL
int mass_book_read(const char *text, struct mass_book *ret); // 0, -EBADMSG

#endif
