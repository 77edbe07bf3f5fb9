// The box's signing key: Ed25519 (RFC 8032), one pair a box, made when it is first wanted.  Secret
// in keys/audit.key (libsodium's 64 bytes, mode 0600), public in keys/audit.pub (PEM of RFC 8410),
// both in the state folder.  What it signs verifies with common tools:
//   openssl pkeyutl -verify -pubin -inkey audit.pub -rawin -in FILE -sigfile FILE.sig
#ifndef SEKISHO_KEEP_KEY_H
#define SEKISHO_KEEP_KEY_H

#include <stddef.h>
#include <stdint.h>

enum {
	KEY_SECRET_BYTES = 64,
	KEY_PUBLIC_BYTES = 32,
	KEY_SIGNATURE_BYTES = 64,
	KEY_PEM_MAX = 128, // of a public key, with its NUL
	KEY_ID_MAX = 17,   // of its id, with its NUL
};

struct key_public {
	uint8_t bytes[KEY_PUBLIC_BYTES];
};

struct key;

// Opens the key below the state folder, or makes it.  A public file that is missing or is not this
// key's is written again; the one of a lost key stays beside it as audit.pub.ID.  -EBADMSG: the
// secret is damaged; -EPERM: others than its owner may read it.
int key_open(int state_fd, struct key **ret_key);
// From the secret itself, for a process that was handed it.  -EBADMSG: it is none.
int key_from_secret(const uint8_t secret[KEY_SECRET_BYTES], struct key **ret_key);
void key_free(struct key *key); // and wipes it

const uint8_t *key_secret(const struct key *key); // to hand to another process of ours only
const struct key_public *key_public(const struct key *key);
int key_sign(const struct key *key, const void *bytes, size_t size,
	     uint8_t ret_signature[KEY_SIGNATURE_BYTES]);

// 0, or -EBADMSG: not signed by that key.
int key_verify(const struct key_public *key, const void *bytes, size_t size,
	       const uint8_t signature[KEY_SIGNATURE_BYTES]);
// 16 hexadecimal digits that name the key: BLAKE2b-256 of its 32 bytes, cut.
void key_public_id(const struct key_public *key, char out[KEY_ID_MAX]);
void key_public_pem(const struct key_public *key, char out[KEY_PEM_MAX]);
// -EBADMSG: no Ed25519 public key in PEM.
int key_parse_public_pem(const char *text, size_t size, struct key_public *ret_key);
int key_load_public_pem(const char *path, struct key_public *ret_key);

#endif
