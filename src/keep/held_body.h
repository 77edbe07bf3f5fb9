// The message itself as the vault keeps it: encrypted and authenticated from its first byte to its
// end, so that a copy of the disk tells nothing and no change goes unnoticed.
//
// A file: 8 bytes that tell the format, 24 random bytes, then chunks of 64 KiB, each 17 bytes
// longer (libsodium's secretstream: XChaCha20-Poly1305, a chunk counts on from the one before, the
// last one says that it is the last).  The 24 bytes are the body's id: whoever has the id knows
// that a body is this one.
#ifndef SEKISHO_KEEP_HELD_BODY_H
#define SEKISHO_KEEP_HELD_BODY_H

#include <stddef.h>
#include <stdint.h>

enum {
	HELD_KEY_BYTES = 32,
	HELD_ID_BYTES = 24,
	HELD_SHA256_BYTES = 32,
	HELD_CHUNK = 64 * 1024,
};

struct held_key {
	uint8_t bytes[HELD_KEY_BYTES];
};
// The key of the state folder, keys/vault.key; made when there is none.  0 or a negative errno:
// -EPERM (others may read it), -EBADMSG (it is no key).
int held_key_open(int state_fd, struct held_key *ret);

struct held_sum {
	uint64_t size;
	uint8_t id[HELD_ID_BYTES], sha256[HELD_SHA256_BYTES];
};

struct held_body; // one that is being written

// fd: of a new file; it stays the caller's.  Nothing is written before held_body_add().
// 0 or -ENOMEM.
int held_body_new(const struct held_key *key, int fd, struct held_body **ret_body);
void held_body_free(struct held_body *body);				   // NULL is fine
int held_body_add(struct held_body *body, const uint8_t *bytes, size_t n); // 0 or a negative errno
// That was all: it is on the disk when this returns.
int held_body_end(struct held_body *body, struct held_sum *ret);

// The message of a file, written to another descriptor.  0; -EBADMSG: damaged, cut off, not this
// one, or not of this key (part of it may have been written); or another negative errno.
int held_body_read(const struct held_key *key, int fd, const struct held_sum *sum, int to);

#endif
