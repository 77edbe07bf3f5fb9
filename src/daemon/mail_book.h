// The book of mail: the process that writes mail records, without rights, and the gate's side of
// it.
//
// Records go to it as inspectors made them (event/mail_wire.h), one message each, on a socket that
// outlives the book: what waits in it when a book dies is read by the next one.  A page that both
// map tells how many were heard and written, so that none is lost without being counted.
#ifndef SEKISHO_DAEMON_MAIL_BOOK_H
#define SEKISHO_DAEMON_MAIL_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/failure.h"
#include "keep/mail_store.h"

enum {
	MAIL_BOOK_SOCKET_BYTES = 8 * 1024 * 1024, // records that may wait for the book
	MAIL_BOOK_HANG_USEC = 10 * 1000000,	  // without a sign of life, it is ended
	MAIL_BOOK_STOP_MS = 2000,
	// Whatever the policy says, the disk has an end: past these the oldest go.
	MAIL_BOOK_RECORDS_MAX = 20 * 1000 * 1000,
};
#define MAIL_BOOK_BYTES_MAX (UINT64_C(8) << 30)
#define MAIL_BOOK_FILE	    "mail.db"

// The private argument with which sekishod runs itself.
#define MAIL_BOOK_ARGUMENT "--mail-book"
int mail_book_main(void);

struct mail_book;

struct mail_book_options {
	const char *log;   // the box's folder of logs; "mail" in it is made when missing
	uint32_t uid, gid; // what the book becomes; the folder's owner
	int state_fd;	   // where the key of the pseudonyms is
	// Called when mail_book_error() has changed, or a book was started again.
	void (*changed)(void *arg);
	// records: lost since the last call; why: "the book was ended", "made no sense" ...
	void (*lost)(void *arg, uint64_t records, const char *why);
	// A damaged file was put aside, and a new one begun.
	void (*damaged)(void *arg);
	void *arg;
};

// event may be NULL: then nothing happens but in mail_book_tend().
// -errno with failure: there is no book at all (no key, no folder).
int mail_book_start(sd_event *event, const struct mail_book_options *options,
		    struct failure *failure, struct mail_book **ret_book);
// Ends the book after it has written what waits, MAIL_BOOK_STOP_MS at most.  NULL is fine.
void mail_book_stop(struct mail_book *book);

// The end of the socket on which records are sent, with MSG_DONTWAIT; it stays the book's.  A
// record that has no room is lost, and to be told by mail_book_count_lost().  No process without
// trust may have it: a call like shutdown(2) would end it for all.
int mail_book_writer_fd(const struct mail_book *book);
void mail_book_count_lost(struct mail_book *book, uint64_t records);

void mail_book_set_limits(struct mail_book *book, const struct mail_limits *limits);
void mail_book_tend(struct mail_book *book); // four times a second by itself, with an event loop

// 0, or what the disk says, or -EPIPE (no book), -ETIMEDOUT (it gives no sign of life).
int mail_book_error(const struct mail_book *book);

struct mail_book_numbers {
	uint64_t heard, written, refused, lost; // since the daemon began
	uint64_t records, bytes;		// in the book
	uint64_t restarts, damaged;
	int pid; // 0: none
};
void mail_book_numbers(const struct mail_book *book, struct mail_book_numbers *ret);

const char *mail_book_folder(const struct mail_book *book);
const struct mail_key *mail_book_key(const struct mail_book *book);

#endif
