// What a private key is asked to sign in a handshake, and nothing else: the words of the two forms
// that TLS has, which whoever has the key checks before it signs.
//
//	TLS 1.3 (RFC 8446 4.4.3)  64 spaces, "TLS 1.3, server CertificateVerify", 0, a hash of 32 or
// 48 	TLS 1.2 (RFC 8422 5.4)    two randoms of 32, 3, a group, the length of a share, the share
//
// So an asker who is not to be believed gets no signature that counts as a certificate, a message
// or another protocol's.  What cannot be told from the words: whether the hash and the share are of
// a session that the asker really has; he can be this server for as long as he may ask.
#ifndef SEKISHO_TLS_SIGN_H
#define SEKISHO_TLS_SIGN_H

#include <stddef.h>
#include <stdint.h>

enum {
	TLS_WORDS_MAX = 168, // of the longest form: a share of P-384
	TLS_SIGNATURE_MAX = 512,
	TLS_KEYS_MAX = 8,
};

enum tls_scheme { // RFC 8446 4.2.3
	TLS_RSA_PKCS1_SHA256 = 0x0401,
	TLS_ECDSA_SHA256 = 0x0403,
	TLS_RSA_PKCS1_SHA384 = 0x0501,
	TLS_ECDSA_SHA384 = 0x0503,
	TLS_RSA_PKCS1_SHA512 = 0x0601,
	TLS_RSA_PSS_SHA256 = 0x0804,
	TLS_RSA_PSS_SHA384 = 0x0805,
	TLS_RSA_PSS_SHA512 = 0x0806,
};

struct tls_sign_request { // of one size, whatever it asks for
	uint32_t key;	  // which
	uint16_t scheme;
	uint16_t n; // of words; those after it are 0
	uint8_t words[TLS_WORDS_MAX];
};

struct tls_scheme_row {
	enum tls_scheme scheme;
	enum { TLS_RSA_PKCS1, TLS_RSA_PSS, TLS_ECDSA } kind;
	const char *digest;
};

// NULL: none that is known.
const struct tls_scheme_row *tls_scheme_find(uint16_t scheme);
const struct tls_scheme_row *tls_scheme_of(int kind, const char *digest);
#define TLS_SCHEMES 8
extern const struct tls_scheme_row tls_schemes[TLS_SCHEMES];

// Whether its words are of one of the forms, and its scheme one that this form may have.  0 or
// -EBADMSG.
int tls_sign_check(const struct tls_sign_request *request);

// Who has the key.  0 with the signature, or a negative errno; it may take a little while.
struct tls_signer {
	int (*sign)(void *arg, const struct tls_sign_request *request,
		    uint8_t signature[TLS_SIGNATURE_MAX], size_t *ret_n);
	void *arg;
};

#endif
