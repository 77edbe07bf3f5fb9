// A private key, for the one process that has it.
#ifndef SEKISHO_TLS_KEY_H
#define SEKISHO_TLS_KEY_H

#include "tls/chain.h"
#include "tls/sign.h"

enum { TLS_KEY_BYTES_MAX = 16 * 1024 }; // of its file

struct tls_key;

// From PEM: RSA of 2048 to 4096 bits, or ECDSA on P-256 or P-384; one with a password is refused.
// 0, or -EBADMSG with why, -ENOMEM.
int tls_key_read(const char *pem, size_t n, struct tls_key **ret_key, char why[TLS_FAULT_MAX]);
// Whether it is the key of that certificate.
bool tls_key_fits(const struct tls_key *key, const struct tls_chain *chain);
void tls_key_free(struct tls_key *key); // NULL is fine
// 0, -EBADMSG: not a thing to be signed, or not by a key of this kind; -EIO: the library failed.
int tls_key_sign(const struct tls_key *key, const struct tls_sign_request *request,
		 uint8_t signature[TLS_SIGNATURE_MAX], size_t *ret_n);

#endif
