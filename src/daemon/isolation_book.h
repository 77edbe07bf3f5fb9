// The book of what is isolated: who ordered it, why, and until when.  It is kept in the kernel
// (what is cut, by the rules' comments), in memory, and in the file state/isolation.
//
// Two threads use it, the main loop and the switch: every function takes the lock itself unless it
// says otherwise.  The disk is written outside the lock, so that no order waits for it.
#ifndef SEKISHO_DAEMON_ISOLATION_BOOK_H
#define SEKISHO_DAEMON_ISOLATION_BOOK_H

#include <pthread.h>

#include "base/boot.h"
#include "event/limit.h"
#include "control/peer.h"
#include "kernel/switch.h"

enum {
	ISOLATED_REASON_MAX = 256,
	ISOLATED_PERSON_MAX = 128,
	ISOLATED_DOWN_MAX = 16,		      // interfaces taken down
	ISOLATION_FILE_MAX = 4 * 1024 * 1024, // bytes
	ISOLATION_ASKED_SECONDS =
		15 * 60, // that a request to reconnect waits for the second person
};

struct isolated {
	struct isolation cut;
	// Who: "" with by_hand, when the daemon found it in the kernel.
	char actor[CONTROL_PEER_NAME_MAX];
	uint32_t uid, login_uid;
	int pid;
	bool by_hand;
	char reason[ISOLATED_REASON_MAX];
	char ordered_by[ISOLATED_PERSON_MAX]; // "": on own judgment
	uint64_t confirmed_usec;	      // since 1970: the kernel had it
	uint64_t incident;		      // 0: none yet
	struct boot_moment until;	      // boot "": without end
	uint64_t until_usec;		      // the same for people, since 1970
	char down[ISOLATED_DOWN_MAX][16];     // interfaces that were up and were taken down
	size_t n_down;
	// It is being reconnected: done when the kernel, the record and this file have it.
	bool leaving;
	char left_by[CONTROL_PEER_NAME_MAX]; // "": its time is over
	uint32_t left_uid, left_login_uid;
	char left_reason[ISOLATED_REASON_MAX];
	// One person who wants to reconnect, waiting for another; asked_usec 0: nobody.
	char asked_by[CONTROL_PEER_NAME_MAX];
	uint32_t asked_uid, asked_login_uid;
	char asked_reason[ISOLATED_REASON_MAX];
	uint64_t asked_usec;
};

struct isolation_news { // what the main loop has not yet heard of
	struct isolation_news *next;
	bool again;	 // it was in force already, and now reaches further
	bool found;	 // a daemon that died may have recorded it
	unsigned method; // 0: an order carried out; else one that was not the peer's to give
	struct control_peer peer;
	uint64_t suppressed; // such refusals before it that are not told of one by one
	struct isolated isolated;
};

struct isolation_book {
	pthread_mutex_t lock, file_lock;
	struct guard_switch *guard; // the kernel's side, under the lock
	int state_fd;		    // the caller's
	int news_fd;		    // eventfd: there is news
	struct isolation_news *news;
	struct event_limit refusals; // those that are told of
	uint64_t orders_untold;	     // no memory for their news
	struct switch_map map;
	enum kernel_guard state; // closed or open, as last made
	bool by_hand;		 // closed so, and to stay so over the end of this daemon
	size_t n;
	struct isolated *v;	     // ISOLATIONS_MAX
	struct isolations *in_force; // the same as the kernel's part knows them
	struct isolated *gone; // left over a daemon that died: to be told, and then out of the file
	size_t n_gone;
	int file_error;	  // of the last write
	int mirror_error; // of the last time the mirror was made
	bool mirror_due;  // it does not yet hold what is in force
};

// Reads the file and the kernel.  0 with *ret_damaged: the file made no sense (it is kept as
// isolation.damaged).
int book_open(int state_fd, struct isolation_book **ret_book, bool *ret_damaged);
void book_close(struct isolation_book *book); // NULL is fine

// With the lock held: the one of this kind and name; adding one (-ENOSPC); taking one away.
struct isolated *book_find(struct isolation_book *book, const struct isolation *like);
// One more order on what is isolated already widens it and never shortens it: the later end counts.
int book_put(struct isolation_book *book, const struct isolated *isolated);
void book_take(struct isolation_book *book, const struct isolation *like);
struct guard_want book_want(const struct isolation_book *book);
void book_tell(struct isolation_book *book, const struct isolated *isolated, bool again);
void book_tell_found(struct isolation_book *book, const struct isolated *isolated);
// Takes the lock.  More than the record can bear are counted, and the next one that is told says
// how many.
void book_tell_refusal(struct isolation_book *book, const struct control_peer *peer,
		       unsigned method);
// Orders of which nobody was told since it was last asked.
uint64_t book_untold(struct isolation_book *book);

// The kernel, beside the book.
struct book_seen {
	enum kernel_guard state;
	bool by_hand;			// as struct guard_found
	bool undone;			// what isolates is not there, or not all of it
	enum guard_match guard, mirror; // beside what they should be, in the state that was seen
};

// What the kernel holds and the book does not is put into the book as ordered by hand.  Changes
// nothing in the kernel: book_make() does, when something is undone or differs.
int book_look(struct isolation_book *book, struct book_seen *ret_seen);
// Guard and mirror, made anew with all that is in force.  A mirror that cannot be made is told by
// mirror_error only.
int book_make(struct isolation_book *book, enum kernel_guard state);
// The same; by_hand: closed so.  Else what was closed by hand, if so, is over.  anew: both tables
// are taken away in the batches that make them, with whatever else is in them.
int book_make_over(struct isolation_book *book, enum kernel_guard state, bool by_hand, bool anew);
int book_mirror(struct isolation_book *book); // the mirror alone
// Takes one that is leaving out of the kernel and the book, as it was in *ret_gone.  -ECANCELED: it
// was ordered anew meanwhile.
int book_end(struct isolation_book *book, const struct isolation *like, struct isolated *ret_gone);
int book_write(struct isolation_book *book);
// Is its time over?  With the lock held, or on a copy.  After a boot the deadline is made anew from
// the wall clock, once that is set.
bool isolated_is_over(struct isolated *isolated, uint64_t now_usec);
// As one line: control characters become blanks; what does not fit is cut off at a whole letter.
void isolated_text(char *out, size_t size, const char *text);
// The oldest news, to be freed, or NULL.
struct isolation_news *book_hear(struct isolation_book *book);

// The file's text (daemon/isolation_file.c).  read: 0, or -EBADMSG.
char *isolation_file_text(const struct isolated *v, size_t n); // on the heap
int isolation_file_read(const char *text, struct isolated *v, size_t *ret_n);

#endif
