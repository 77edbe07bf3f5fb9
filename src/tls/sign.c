#include "tls/sign.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

const struct tls_scheme_row tls_schemes[TLS_SCHEMES] = {
	{ TLS_RSA_PKCS1_SHA256, TLS_RSA_PKCS1, "SHA256" },
	{ TLS_RSA_PKCS1_SHA384, TLS_RSA_PKCS1, "SHA384" },
	{ TLS_RSA_PKCS1_SHA512, TLS_RSA_PKCS1, "SHA512" },
	{ TLS_RSA_PSS_SHA256, TLS_RSA_PSS, "SHA256" },
	{ TLS_RSA_PSS_SHA384, TLS_RSA_PSS, "SHA384" },
	{ TLS_RSA_PSS_SHA512, TLS_RSA_PSS, "SHA512" },
	{ TLS_ECDSA_SHA256, TLS_ECDSA, "SHA256" },
	{ TLS_ECDSA_SHA384, TLS_ECDSA, "SHA384" },
};

const struct tls_scheme_row *tls_scheme_find(uint16_t scheme)
{
	for (size_t i = 0; i < TLS_SCHEMES; i++)
		if (tls_schemes[i].scheme == scheme)
			return &tls_schemes[i];
	return NULL;
}

// "SHA2-256" and "SHA-256" are names of the same.
static bool is_digest(const char *name, const char *row)
{
	const char *digits = name + strlen(name) - (strlen(name) < 3 ? strlen(name) : 3);
	return strncasecmp(name, "SHA", 3) == 0 && strncasecmp(name, "SHA3-", 5) != 0 &&
	       strlen(name) <= 8 && strcmp(digits, row + 3) == 0;
}

const struct tls_scheme_row *tls_scheme_of(int kind, const char *digest)
{
	for (size_t i = 0; i < TLS_SCHEMES; i++)
		if ((int)tls_schemes[i].kind == kind && is_digest(digest, tls_schemes[i].digest))
			return &tls_schemes[i];
	return NULL;
}

enum { SPACES = 64, RANDOMS = 64, SHARE_HEAD = 4 };
static const char label[] = "TLS 1.3, server CertificateVerify"; // with its 0

static bool is_verify(const uint8_t *words, size_t n)
{
	if (n != SPACES + sizeof(label) + 32 && n != SPACES + sizeof(label) + 48)
		return false;
	for (size_t i = 0; i < SPACES; i++)
		if (words[i] != ' ')
			return false;
	return memcmp(words + SPACES, label, sizeof(label)) == 0;
}

// Groups that this room agrees to.
static const struct {
	uint16_t group;
	uint8_t size;
	int first; // byte of an uncompressed point; -1: any
} shares[] = {
	{ 0x001d, 32, -1 }, // X25519
	{ 0x0017, 65, 4 },  // P-256
	{ 0x0018, 97, 4 },  // P-384
};

static bool is_exchange(const uint8_t *words, size_t n)
{
	const uint8_t *share = words + RANDOMS;
	if (n < RANDOMS + SHARE_HEAD + 1 || share[0] != 3)
		return false;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		if (share[1] == shares[i].group >> 8 && share[2] == (shares[i].group & 0xff))
			return share[3] == shares[i].size &&
			       n == (size_t)RANDOMS + SHARE_HEAD + shares[i].size &&
			       (shares[i].first < 0 || share[4] == shares[i].first);
	return false;
}

int tls_sign_check(const struct tls_sign_request *request)
{
	const struct tls_scheme_row *row = tls_scheme_find(request->scheme);
	if (!row || request->key >= TLS_KEYS_MAX || request->n > TLS_WORDS_MAX)
		return -EBADMSG;
	for (size_t i = request->n; i < TLS_WORDS_MAX; i++)
		if (request->words[i])
			return -EBADMSG;
	if (is_verify(request->words, request->n))
		return row->kind == TLS_RSA_PKCS1 ? -EBADMSG : 0;
	return is_exchange(request->words, request->n) ? 0 : -EBADMSG;
}
