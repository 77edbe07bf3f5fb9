#include "tls/chain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

bool chain_key_is_known(const EVP_PKEY *pkey)
{
	char group[32];
	size_t n;
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return EVP_PKEY_get_bits(pkey) >= 2048 && EVP_PKEY_get_bits(pkey) <= 4096;
	return EVP_PKEY_is_a(pkey, "EC") &&
	       EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) == 1 &&
	       (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0);
}

static int no_password(char *out, int size, int writes, void *arg)
{
	(void)out;
	(void)size;
	(void)writes;
	(void)arg;
	return -1;
}

static X509 *next(BIO *bio)
{
	X509 *certificate = X509_new_ex(tls_library(), NULL);
	if (certificate && !PEM_read_bio_X509(bio, &certificate, no_password, NULL)) {
		X509_free(certificate);
		return NULL;
	}
	return certificate;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
	struct tm tm;
	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

// Its common name, or all of its subject.
static void name_of(X509 *certificate, char out[TLS_NAME_MAX])
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	if (X509_NAME_get_text_by_NID(subject, NID_commonName, out, TLS_NAME_MAX) <= 0)
		X509_NAME_oneline(subject, out, TLS_NAME_MAX);
	for (char *at = out; *at; at++)
		if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
			*at = '?';
}

static int take(struct tls_chain *chain, BIO *bio, char why[TLS_FAULT_MAX])
{
	X509 *certificate;
	chain->own = next(bio);
	if (!chain->own) {
		tls_complaint("there is no certificate in PEM", why);
		return -EBADMSG;
	}
	while ((certificate = next(bio))) {
		if (chain->n_more == TLS_CHAIN_MAX) {
			X509_free(certificate);
			snprintf(why, TLS_FAULT_MAX, "it has more than %d certificates",
				 TLS_CHAIN_MAX + 1);
			return -EBADMSG;
		}
		chain->more[chain->n_more++] = certificate;
	}
	ERR_clear_error(); // the end of the file is one
	const EVP_PKEY *pkey = X509_get0_pubkey(chain->own);
	if (!pkey || !chain_key_is_known(pkey)) {
		snprintf(why, TLS_FAULT_MAX, "%s", CHAIN_KEYS_KNOWN);
		return -EBADMSG;
	}
	return 0;
}

int tls_chain_read(const char *pem, size_t n, struct tls_chain **ret_chain, char why[TLS_FAULT_MAX])
{
	struct tls_chain *chain = calloc(1, sizeof(*chain));
	BIO *bio = BIO_new_mem_buf(pem, n <= TLS_CHAIN_BYTES_MAX ? (int)n : 0);
	int r = -ENOMEM;
	ERR_clear_error();
	if (chain && bio)
		r = take(chain, bio, why);
	BIO_free(bio);
	if (r < 0) {
		tls_chain_free(chain);
		return r;
	}
	name_of(chain->own, chain->name);
	chain->from = seconds_of(X509_get0_notBefore(chain->own));
	chain->until = seconds_of(X509_get0_notAfter(chain->own));
	*ret_chain = chain;
	return 0;
}

void tls_chain_free(struct tls_chain *chain)
{
	if (!chain)
		return;
	X509_free(chain->own);
	for (size_t i = 0; i < chain->n_more; i++)
		X509_free(chain->more[i]);
	free(chain);
}
