// Keys and certificates that a test makes for itself.
#ifndef SEKISHO_TESTS_TLS_MAKE_H
#define SEKISHO_TESTS_TLS_MAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tls/library.h"

enum made_kind {
	MADE_RSA,
	MADE_P256,
	MADE_P384,
	MADE_RSA_SMALL,
	MADE_P521,
	MADE_ED25519,
	MADE_KINDS
};

struct made {
	char *key, *chain; // PEM
	size_t n_key, n_chain;
	EVP_PKEY *pkey;
	X509 *certificate;
};

static inline EVP_PKEY *made_pkey(enum made_kind kind)
{
	switch (kind) {
	case MADE_RSA:
		return EVP_PKEY_Q_keygen(tls_library(), NULL, "RSA", (size_t)2048);
	case MADE_RSA_SMALL:
		return EVP_PKEY_Q_keygen(tls_library(), NULL, "RSA", (size_t)1024);
	case MADE_P256:
		return EVP_PKEY_Q_keygen(tls_library(), NULL, "EC", "P-256");
	case MADE_P384:
		return EVP_PKEY_Q_keygen(tls_library(), NULL, "EC", "P-384");
	case MADE_P521:
		return EVP_PKEY_Q_keygen(tls_library(), NULL, "EC", "P-521");
	default:
		return EVP_PKEY_Q_keygen(tls_library(), NULL, "ED25519");
	}
}

static inline char *made_text(BIO *bio, size_t *ret_n)
{
	char *data, *text;
	long n = BIO_get_mem_data(bio, &data);
	text = malloc((size_t)n + 1);
	memcpy(text, data, (size_t)n);
	text[n] = '\0';
	BIO_free(bio);
	*ret_n = (size_t)n;
	return text;
}

static inline void made_extension(X509 *certificate, int nid, const char *text)
{
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, text);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

// For mail.example.jp; by: who signs, or NULL: itself, as a root.
static inline void make(enum made_kind kind, const struct made *by, const char *name,
			struct made *ret)
{
	EVP_PKEY *pkey = made_pkey(kind);
	X509 *certificate = X509_new_ex(tls_library(), NULL);
	char names[160];
	BIO *bio;

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), by ? 2 : 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 30 * 24 * 3600);
	X509_set_pubkey(certificate, pkey);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(certificate,
			     X509_get_subject_name(by ? by->certificate : certificate));
	snprintf(names, sizeof(names), "DNS:%s", name);
	made_extension(certificate, NID_subject_alt_name, names);
	made_extension(certificate, NID_basic_constraints, by ? "CA:FALSE" : "critical,CA:TRUE");
	X509_sign(certificate, by ? by->pkey : pkey,
		  kind == MADE_ED25519 && !by ? NULL : EVP_sha256());
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
	ret->key = made_text(bio, &ret->n_key);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, certificate);
	ret->chain = made_text(bio, &ret->n_chain);
	ret->pkey = pkey;
	ret->certificate = certificate;
}

static inline void unmake(struct made *made)
{
	free(made->key);
	free(made->chain);
	EVP_PKEY_free(made->pkey);
	X509_free(made->certificate);
}

#endif
