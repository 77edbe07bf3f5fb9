// The certificates that a server shows: its own first, then those that lead from it to a root.
#ifndef SEKISHO_TLS_CHAIN_H
#define SEKISHO_TLS_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/library.h"

enum { TLS_CHAIN_BYTES_MAX = 64 * 1024, TLS_CHAIN_MAX = 8, TLS_NAME_MAX = 128 };

struct tls_chain {
	X509 *own;
	X509 *more[TLS_CHAIN_MAX];
	size_t n_more;
	char name[TLS_NAME_MAX]; // its subject, for people
	int64_t from, until;	 // it counts, seconds since 1970
};

// From PEM.  0, or -EBADMSG with why, -ENOMEM.
int tls_chain_read(const char *pem, size_t n, struct tls_chain **ret_chain,
		   char why[TLS_FAULT_MAX]);
void tls_chain_free(struct tls_chain *chain); // NULL is fine

// For files of this room: whether it is of a kind that can be signed with.
bool chain_key_is_known(const EVP_PKEY *pkey);
#define CHAIN_KEYS_KNOWN "its key is neither RSA of 2048 to 4096 bits nor on P-256 or P-384"

#endif
