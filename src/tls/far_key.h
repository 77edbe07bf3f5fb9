// A private key that is elsewhere, as OpenSSL's objects see it: the public half is here, and what
// is to be signed is asked for (sign.h).
//
// It is a provider of OpenSSL 3, not a method of its old RSA and EC objects: those give only what
// is already padded, of which nobody can say any more what it is; a provider is given the words.
#ifndef SEKISHO_TLS_FAR_KEY_H
#define SEKISHO_TLS_FAR_KEY_H

#include <openssl/core.h>
#include <openssl/types.h>

#include "tls/sign.h"

#define FAR_KEY_PROVIDER "sekisho"

OSSL_provider_init_fn far_key_provider;

// of: the certificate's public key.  signer has to live as long as the key.  NULL: no memory.
EVP_PKEY *far_key_new(EVP_PKEY *of, const struct tls_signer *signer, uint32_t number);

#endif
