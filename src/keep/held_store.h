// The folder of the vault: two files for each held message, N.mail (held_body.h) and N.meta
// (held_meta.h), and an index of them in memory.
//
// A message is held once N.meta is there: bodies without it are what a crash left, and go at the
// next start.  Of a message that is decided N.mail goes, and N.meta stays for
// HELD_REMEMBERED_SECONDS, so that its client hears what became of it when it sends the same once
// more.
#ifndef SEKISHO_KEEP_HELD_STORE_H
#define SEKISHO_KEEP_HELD_STORE_H

#include "keep/held_meta.h"

enum {
	HELD_MESSAGES_MAX = 20000, // of all guards, those that are over included
	HELD_REMEMBERED_SECONDS = 7 * 86400,
};
#define HELD_FREE_BYTES (UINT64_C(256) << 20) // of the disk, which messages leave to others

struct held_entry {
	uint64_t number, size, held_us, expires_us, ended_us, next_us;
	uint64_t guard; // a hash of its id
	enum held_state state;
	uint8_t fingerprint[16];
};

struct held_store;

// dir_fd stays the caller's.  0 or a negative errno.
int held_store_open(int dir_fd, const struct held_key *key, struct held_store **ret_store);
void held_store_close(struct held_store *store); // NULL is fine
const struct held_entry *held_store_entries(const struct held_store *store, size_t *ret_n);
const struct held_entry *held_store_find(const struct held_store *store, uint64_t number);
uint64_t held_store_damaged(const struct held_store *store); // files that make no sense; they stay

// --- a message that comes

struct held_coming;

// -ENOSPC: the disk has no room left for it.
int held_coming_new(struct held_store *store, struct held_coming **ret_coming);
int held_coming_add(struct held_coming *coming, const uint8_t *bytes, size_t n);
void held_coming_free(struct held_coming *coming); // and forgets it; NULL is fine

enum held_answer { HELD_KEPT, HELD_CAME_DELIVERED, HELD_CAME_REJECTED };
// It is to be held: on the disk when this returns 0, or known from before.  -ENOSPC: no room, by
// the limits of its guard either; -EBADMSG: the envelope makes no sense.  *ret_new: it was not
// known.
int held_coming_keep(struct held_coming *coming, const uint8_t *envelope, size_t size,
		     uint64_t now_us, enum held_answer *ret_answer, uint64_t *ret_number,
		     bool *ret_new);

// --- those that are there

// held_meta_done() is the caller's.  -ENOENT, -EBADMSG.
int held_store_read(struct held_store *store, uint64_t number, struct held_meta *ret);
// What was changed of it is on the disk when this returns.
int held_store_write(struct held_store *store, const struct held_meta *meta);
// The message, without the dot at its end, to a descriptor.
int held_store_copy(struct held_store *store, const struct held_meta *meta, int to);
// The first one of a higher number whose time is over; 0: there is none.
uint64_t held_store_expired(const struct held_store *store, uint64_t after, uint64_t now_us);
// Forgets those that have been over for long.
void held_store_forget(struct held_store *store, uint64_t now_us);

#endif
