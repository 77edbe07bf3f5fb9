// What the gate and the book of mail say to one another: a hello and limits over a socket pair of
// whole messages, and a page that both map.
#ifndef SEKISHO_DAEMON_MAIL_BOOK_WIRE_H
#define SEKISHO_DAEMON_MAIL_BOOK_WIRE_H

#include <stdint.h>

#include "keep/mail_store.h"

enum {
	MAIL_BOOK_CONTROL = 3, // the book's descriptors
	MAIL_BOOK_RECORDS,
	MAIL_BOOK_BOARD,
	MAIL_BOOK_PATH_MAX = 512,
	MAIL_BOOK_BOARD_BYTES = 4096,
};

enum mail_book_word {
	MAIL_BOOK_HELLO,
	MAIL_BOOK_LIMITS,
	MAIL_BOOK_END, // write what waits, and end
};

struct mail_book_message {
	uint32_t word;	   // enum mail_book_word
	uint32_t uid, gid; // of the hello, as what follows but the limits
	uint32_t zero;
	struct mail_limits limits; // of the limits too
	struct mail_key key;
	char folder[MAIL_BOOK_PATH_MAX];
};

// Written by the book alone while it lives, and by the gate between two of them.  The gate believes
// nothing of it but shows it.
struct mail_board {
	_Atomic uint64_t heard;	  // messages taken out of the socket
	_Atomic uint64_t written; // of them: durable
	_Atomic uint64_t refused; // made no sense
	_Atomic uint64_t lost;	  // were in the hands of a book that ended
	_Atomic uint64_t records, bytes, damaged;
	_Atomic uint64_t alive_usec; // CLOCK_BOOTTIME
	_Atomic int64_t error;	     // what keeps it from writing; 0: nothing
};
_Static_assert(sizeof(struct mail_board) <= MAIL_BOOK_BOARD_BYTES, "one page");

#endif
