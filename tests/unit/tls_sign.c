// What a key signs: each form with each scheme, and everything that is near to one of them and is
// none.  A signature that is given is one that a handshake takes.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tls/key.h"
#include "unit/tls_make.h"

static const char label[] = "TLS 1.3, server CertificateVerify";

static struct tls_sign_request verify_of(uint16_t scheme, uint16_t hash)
{
	struct tls_sign_request request = { .scheme = scheme, .n = (uint16_t)(98 + hash) };
	memset(request.words, ' ', 64);
	memcpy(request.words + 64, label, sizeof(label));
	memset(request.words + 98, 0xd1, hash);
	return request;
}

static struct tls_sign_request exchange_of(uint16_t scheme, uint16_t group, uint8_t share)
{
	struct tls_sign_request request = { .scheme = scheme, .n = (uint16_t)(68 + share) };
	memset(request.words, 0xaa, 64);
	request.words[64] = 3;
	request.words[65] = (uint8_t)(group >> 8);
	request.words[66] = (uint8_t)group;
	request.words[67] = share;
	request.words[68] = 4;
	memset(request.words + 69, 0xbb, share - 1u);
	return request;
}

static void forms_and_schemes(void **state)
{
	(void)state;
	for (size_t i = 0; i < TLS_SCHEMES; i++) {
		uint16_t scheme = (uint16_t)tls_schemes[i].scheme;
		const int as_1_3 = tls_schemes[i].kind == TLS_RSA_PKCS1 ? -EBADMSG : 0;
		struct tls_sign_request requests[] = {
			verify_of(scheme, 32),	       verify_of(scheme, 48),
			exchange_of(scheme, 0x1d, 32), exchange_of(scheme, 0x17, 65),
			exchange_of(scheme, 0x18, 97),
		};
		for (size_t k = 0; k < 5; k++)
			assert_int_equal(tls_sign_check(&requests[k]), k < 2 ? as_1_3 : 0);
	}
}

// Each byte that the form fixes, changed; each length but the right ones.
static void what_is_near_is_none(void **state)
{
	(void)state;
	for (size_t at = 0; at < 98; at++) {
		struct tls_sign_request request = verify_of(TLS_RSA_PSS_SHA256, 32);
		request.words[at] ^= 1;
		assert_int_equal(tls_sign_check(&request), -EBADMSG);
	}
	for (size_t at = 64; at < 69; at++) {
		struct tls_sign_request request = exchange_of(TLS_ECDSA_SHA256, 0x17, 65);
		request.words[at] ^= 0x40;
		assert_int_equal(tls_sign_check(&request), -EBADMSG);
	}
	for (uint16_t n = 0; n < 256; n++) {
		struct tls_sign_request one = verify_of(TLS_RSA_PSS_SHA256, 48);
		struct tls_sign_request two = exchange_of(TLS_RSA_PKCS1_SHA256, 0x18, 97);
		one.n = two.n = n;
		if (n < TLS_WORDS_MAX) {
			memset(one.words + n, 0, TLS_WORDS_MAX - n);
			memset(two.words + n, 0, TLS_WORDS_MAX - n);
		}
		assert_int_equal(tls_sign_check(&one), n == 130 || n == 146 ? 0 : -EBADMSG);
		assert_int_equal(tls_sign_check(&two), n == 165 ? 0 : -EBADMSG);
	}
}

static void what_else_is_none(void **state)
{
	struct tls_sign_request request = verify_of(TLS_RSA_PSS_SHA256, 32);
	(void)state;
	request.words[TLS_WORDS_MAX - 1] = 1; // behind the words
	assert_int_equal(tls_sign_check(&request), -EBADMSG);
	request = verify_of(TLS_RSA_PSS_SHA256, 32);
	request.key = TLS_KEYS_MAX;
	assert_int_equal(tls_sign_check(&request), -EBADMSG);
	// A client's words, and the label without its spaces.
	request = verify_of(TLS_RSA_PSS_SHA256, 32);
	memcpy(request.words + 73, "client", 6);
	assert_int_equal(tls_sign_check(&request), -EBADMSG);
	static const struct {
		uint16_t group;
		uint8_t share;
	} groups[] = { { 0x1e, 56 }, { 0x100, 97 }, { 0x17, 32 }, { 0x1d, 65 }, { 0x18, 65 } };
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		request = exchange_of(TLS_RSA_PSS_SHA256, groups[i].group, groups[i].share);
		assert_int_equal(tls_sign_check(&request), -EBADMSG);
	}
	unsigned known = 0;
	for (uint32_t scheme = 0; scheme < 0x10000; scheme++) {
		request = exchange_of((uint16_t)scheme, 0x1d, 32);
		known += tls_sign_check(&request) == 0;
	}
	assert_int_equal(known, TLS_SCHEMES);
}

static bool verifies(const struct made *made, const struct tls_scheme_row *row,
		     const struct tls_sign_request *request, const uint8_t *signature, size_t n)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how;
	EVP_DigestVerifyInit_ex(digest, &how, row->digest, tls_library(), NULL, made->pkey, NULL);
	if (row->kind == TLS_RSA_PSS) {
		EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST);
	}
	bool fine = EVP_DigestVerify(digest, signature, n, request->words, request->n) == 1;
	EVP_MD_CTX_free(digest);
	return fine;
}

static void a_key_signs_what_it_can(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		char why[TLS_FAULT_MAX];
		struct tls_key *key;
		struct made made;
		make((enum made_kind)kind, NULL, "mail.example.jp", &made);
		assert_int_equal(tls_key_read(made.key, made.n_key, &key, why), 0);
		for (size_t i = 0; i < TLS_SCHEMES; i++) {
			const struct tls_scheme_row *row = &tls_schemes[i];
			const bool fits = (kind == MADE_RSA) == (row->kind != TLS_ECDSA);
			struct tls_sign_request request =
				exchange_of((uint16_t)row->scheme, 0x1d, 32);
			uint8_t signature[TLS_SIGNATURE_MAX];
			size_t n;
			int r = tls_key_sign(key, &request, signature, &n);
			assert_int_equal(r, fits ? 0 : -EBADMSG);
			if (r == 0)
				assert_true(verifies(&made, row, &request, signature, n));
			request.words[64] = 2;
			assert_int_equal(tls_key_sign(key, &request, signature, &n), -EBADMSG);
		}
		tls_key_free(key);
		unmake(&made);
	}
}

static void names_of_digests(void **state)
{
	static const struct {
		const char *name;
		int scheme;
	} rows[] = {
		{ "SHA256", TLS_ECDSA_SHA256 },
		{ "SHA2-256", TLS_ECDSA_SHA256 },
		{ "sha-256", TLS_ECDSA_SHA256 },
		{ "SHA384", TLS_ECDSA_SHA384 },
		{ "SHA2-384", TLS_ECDSA_SHA384 },
		{ "SHA512", 0 },
		{ "SHA1", 0 },
		{ "SHA3-256", 0 },
		{ "MD5-SHA1", 0 },
		{ "", 0 },
		{ "SHA512-256", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tls_scheme_row *row = tls_scheme_of(TLS_ECDSA, rows[i].name);
		assert_int_equal(row ? (int)row->scheme : 0, rows[i].scheme);
	}
}

static int set_up(void **state)
{
	(void)state;
	return tls_load();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_and_schemes), cmocka_unit_test(what_is_near_is_none),
		cmocka_unit_test(what_else_is_none), cmocka_unit_test(a_key_signs_what_it_can),
		cmocka_unit_test(names_of_digests),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
