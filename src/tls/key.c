#include "tls/key.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

struct tls_key {
	EVP_PKEY *pkey;
	bool rsa;
};

static int no_password(char *out, int size, int writes, void *arg)
{
	(void)out;
	(void)size;
	(void)writes;
	(void)arg;
	return -1;
}

int tls_key_read(const char *pem, size_t n, struct tls_key **ret_key, char why[TLS_FAULT_MAX])
{
	struct tls_key *key = calloc(1, sizeof(*key));
	BIO *bio = n <= TLS_KEY_BYTES_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
	if (!key) {
		BIO_free(bio);
		return -ENOMEM;
	}
	ERR_clear_error();
	if (bio)
		key->pkey = PEM_read_bio_PrivateKey_ex(bio, NULL, no_password, NULL, tls_library(),
						       NULL);
	BIO_free(bio);
	if (!key->pkey) {
		tls_complaint("it is no private key in PEM", why);
		tls_key_free(key);
		return -EBADMSG;
	}
	key->rsa = EVP_PKEY_is_a(key->pkey, "RSA");
	if (!chain_key_is_known(key->pkey)) {
		snprintf(why, TLS_FAULT_MAX, "%s", CHAIN_KEYS_KNOWN);
		tls_key_free(key);
		return -EBADMSG;
	}
	*ret_key = key;
	return 0;
}

bool tls_key_fits(const struct tls_key *key, const struct tls_chain *chain)
{
	return EVP_PKEY_eq(key->pkey, X509_get0_pubkey(chain->own)) == 1;
}

void tls_key_free(struct tls_key *key)
{
	if (key)
		EVP_PKEY_free(key->pkey); // which wipes it
	free(key);
}

static int sign(const struct tls_key *key, const struct tls_scheme_row *row, const uint8_t *words,
		size_t n, uint8_t *signature, size_t *ret_n)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how;
	size_t size = TLS_SIGNATURE_MAX;
	bool fine = digest && EVP_DigestSignInit_ex(digest, &how, row->digest, tls_library(), NULL,
						    key->pkey, NULL) == 1;
	if (fine && row->kind == TLS_RSA_PSS)
		fine = EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) > 0;
	fine = fine && EVP_DigestSign(digest, signature, &size, words, n) == 1;
	EVP_MD_CTX_free(digest);
	ERR_clear_error();
	*ret_n = size;
	return fine ? 0 : -EIO;
}

int tls_key_sign(const struct tls_key *key, const struct tls_sign_request *request,
		 uint8_t signature[TLS_SIGNATURE_MAX], size_t *ret_n)
{
	int r = tls_sign_check(request);
	const struct tls_scheme_row *row = tls_scheme_find(request->scheme);
	if (r < 0 || key->rsa != (row->kind != TLS_ECDSA))
		return -EBADMSG;
	return sign(key, row, request->words, request->n, signature, ret_n);
}
