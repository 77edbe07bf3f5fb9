// The provider: keys that know their public half, and signatures that collect words and ask.
#include "tls/far_key.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "tls/library.h"

#define FAR_KEY_PARAM "sekisho-far-key"

struct far_key {
	EVP_PKEY *of;
	const struct tls_signer *signer;
	uint32_t number;
};

// --- keys

static void *key_new(void *provider)
{
	(void)provider;
	return calloc(1, sizeof(struct far_key));
}

static void key_free(void *arg)
{
	struct far_key *key = arg;
	if (key)
		EVP_PKEY_free(key->of);
	free(key);
}

static int key_import(void *arg, int selection, const OSSL_PARAM params[])
{
	struct far_key *key = arg;
	const OSSL_PARAM *given = OSSL_PARAM_locate_const(params, FAR_KEY_PARAM);
	(void)selection;
	if (!given || given->data_type != OSSL_PARAM_OCTET_STRING ||
	    given->data_size != sizeof(*key) || key->of)
		return 0;
	memcpy(key, given->data, sizeof(*key));
	EVP_PKEY_up_ref(key->of);
	return 1;
}

static const OSSL_PARAM *key_import_types(int selection)
{
	static const OSSL_PARAM types[] = { OSSL_PARAM_octet_string(FAR_KEY_PARAM, NULL, 0),
					    OSSL_PARAM_END };
	(void)selection;
	return types;
}

// It can do what a private key does, so it says that it has one.
static int key_has(const void *arg, int selection)
{
	const struct far_key *key = arg;
	(void)selection;
	return key && key->of;
}

static int key_match(const void *one, const void *other, int selection)
{
	const struct far_key *a = one, *b = other;
	(void)selection;
	return EVP_PKEY_eq(a->of, b->of) == 1;
}

// Its public half, for whoever compares it with a certificate.  Who also wants the private half
// gets nothing, else OpenSSL would sign with what it got.
static int key_export(void *arg, int selection, OSSL_CALLBACK *take, void *take_arg)
{
	struct far_key *key = arg;
	OSSL_PARAM *params = NULL;
	int r = 0;
	if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
		return 0;
	if (EVP_PKEY_todata(key->of, EVP_PKEY_PUBLIC_KEY, &params) == 1)
		r = take(params, take_arg);
	OSSL_PARAM_free(params);
	return r;
}

static const OSSL_PARAM *key_export_types(int selection)
{
	static const OSSL_PARAM none[] = { OSSL_PARAM_END };
	(void)selection;
	return none;
}

static int key_get(void *arg, OSSL_PARAM params[])
{
	struct far_key *key = arg;
	return EVP_PKEY_get_params(key->of, params);
}

static const OSSL_PARAM *key_gettable(void *provider)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END,
	};
	(void)provider;
	return params;
}

static const char *key_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

// --- signatures

struct signature {
	const struct far_key *key;
	int kind;
	char digest[16];
	struct tls_sign_request request;
	bool too_long;
};

static void *signature_new(void *provider, const char *properties)
{
	(void)provider;
	(void)properties;
	return calloc(1, sizeof(struct signature));
}

// Asked for the size first, OpenSSL signs with a copy.
static void *signature_copy(void *arg)
{
	struct signature *copy = malloc(sizeof(*copy));
	if (copy)
		memcpy(copy, arg, sizeof(*copy));
	return copy;
}

static void signature_free(void *arg)
{
	free(arg);
}

static int set_padding(struct signature *signature, const OSSL_PARAM *param)
{
	int padding = 0;
	const char *name = NULL;
	if (param->data_type == OSSL_PARAM_UTF8_STRING) {
		if (!OSSL_PARAM_get_utf8_string_ptr(param, &name))
			return 0;
		padding = strcasecmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0 ? RSA_PKCS1_PSS_PADDING
			  : strcasecmp(name, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0
				  ? RSA_PKCS1_PADDING
				  : 0;
	} else if (!OSSL_PARAM_get_int(param, &padding)) {
		return 0;
	}
	if (padding != RSA_PKCS1_PSS_PADDING && padding != RSA_PKCS1_PADDING)
		return 0;
	signature->kind = padding == RSA_PKCS1_PSS_PADDING ? TLS_RSA_PSS : TLS_RSA_PKCS1;
	return 1;
}

// The salt is as long as the digest, which is what whoever has the key does; TLS asks for no other.
static bool is_salt(const OSSL_PARAM *param)
{
	const char *name = NULL;
	int size = 0;
	if (param->data_type == OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_utf8_string_ptr(param, &name) &&
		       strcmp(name, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
	return OSSL_PARAM_get_int(param, &size) && size == RSA_PSS_SALTLEN_DIGEST;
}

static int signature_set(void *arg, const OSSL_PARAM params[])
{
	struct signature *signature = arg;
	const OSSL_PARAM *param;
	if (!params)
		return 1;
	param = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (param && (signature->kind == TLS_ECDSA || !set_padding(signature, param)))
		return 0;
	param = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	return !param || (signature->kind == TLS_RSA_PSS && is_salt(param));
}

static const OSSL_PARAM *signature_settable(void *arg, void *provider)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END,
	};
	(void)arg;
	(void)provider;
	return params;
}

static int signature_begin(void *arg, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signature *signature = arg;
	if (key)
		signature->key = key;
	if (!signature->key || !digest || strlen(digest) >= sizeof(signature->digest))
		return 0;
	strcpy(signature->digest, digest);
	signature->kind = EVP_PKEY_is_a(signature->key->of, "RSA") ? TLS_RSA_PKCS1 : TLS_ECDSA;
	signature->request = (struct tls_sign_request){ .key = signature->key->number };
	signature->too_long = false;
	return tls_scheme_of(signature->kind, digest) && signature_set(signature, params);
}

static int signature_add(void *arg, const unsigned char *words, size_t n)
{
	struct signature *signature = arg;
	struct tls_sign_request *request = &signature->request;
	signature->too_long |= n > (size_t)TLS_WORDS_MAX - request->n;
	if (signature->too_long)
		return 0;
	memcpy(request->words + request->n, words, n);
	request->n = (uint16_t)(request->n + n);
	return 1;
}

static int signature_end(void *arg, unsigned char *out, size_t *ret_n, size_t room)
{
	struct signature *signature = arg;
	const struct tls_signer *signer = signature->key->signer;
	const struct tls_scheme_row *row = tls_scheme_of(signature->kind, signature->digest);
	uint8_t bytes[TLS_SIGNATURE_MAX];
	size_t n;
	if (!out) {
		*ret_n = (size_t)EVP_PKEY_get_size(signature->key->of);
		return 1;
	}
	if (!row || signature->too_long)
		return 0;
	signature->request.scheme = (uint16_t)row->scheme;
	if (signer->sign(signer->arg, &signature->request, bytes, &n) < 0 || n > room || !n)
		return 0;
	memcpy(out, bytes, n);
	*ret_n = n;
	return 1;
}

// --- the provider

typedef void (*function)(void);

static const OSSL_DISPATCH signature_functions[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, (function)signature_new },
	{ OSSL_FUNC_SIGNATURE_DUPCTX, (function)signature_copy },
	{ OSSL_FUNC_SIGNATURE_FREECTX, (function)signature_free },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (function)signature_begin },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (function)signature_add },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (function)signature_end },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (function)signature_set },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (function)signature_settable },
	{ 0, NULL },
};

#define KEY_FUNCTIONS                                                                              \
	{ OSSL_FUNC_KEYMGMT_NEW, (function)key_new },                                              \
		{ OSSL_FUNC_KEYMGMT_FREE, (function)key_free },                                    \
		{ OSSL_FUNC_KEYMGMT_HAS, (function)key_has },                                      \
		{ OSSL_FUNC_KEYMGMT_MATCH, (function)key_match },                                  \
		{ OSSL_FUNC_KEYMGMT_IMPORT, (function)key_import },                                \
		{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (function)key_import_types },                    \
		{ OSSL_FUNC_KEYMGMT_EXPORT, (function)key_export },                                \
		{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (function)key_export_types },                    \
		{ OSSL_FUNC_KEYMGMT_GET_PARAMS, (function)key_get },                               \
	{                                                                                          \
		OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (function)key_gettable                          \
	}

static const OSSL_DISPATCH rsa_functions[] = { KEY_FUNCTIONS, { 0, NULL } };
static const OSSL_DISPATCH ec_functions[] = {
	KEY_FUNCTIONS,
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (function)key_operation },
	{ 0, NULL },
};

#define PROPERTIES "provider=" FAR_KEY_PROVIDER

static const OSSL_ALGORITHM keys[] = {
	{ "RSA:rsaEncryption", PROPERTIES, rsa_functions, NULL },
	{ "EC:id-ecPublicKey", PROPERTIES, ec_functions, NULL },
	{ NULL, NULL, NULL, NULL },
};
static const OSSL_ALGORITHM signatures[] = {
	{ "RSA:rsaEncryption", PROPERTIES, signature_functions, NULL },
	{ "ECDSA", PROPERTIES, signature_functions, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_KEYMGMT	? keys
	       : operation == OSSL_OP_SIGNATURE ? signatures
						: NULL;
}

int far_key_provider(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
		     const OSSL_DISPATCH **out, void **ret_provider)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (function)query },
		{ 0, NULL },
	};
	(void)in;
	*out = functions;
	*ret_provider = (void *)(uintptr_t)handle;
	return 1;
}

EVP_PKEY *far_key_new(EVP_PKEY *of, const struct tls_signer *signer, uint32_t number)
{
	struct far_key key = { of, signer, number };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(FAR_KEY_PARAM, &key, sizeof(key)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *made = EVP_PKEY_CTX_new_from_name(
		tls_library(), EVP_PKEY_is_a(of, "RSA") ? "RSA" : "EC", PROPERTIES);
	if (!made || EVP_PKEY_fromdata_init(made) != 1 ||
	    EVP_PKEY_fromdata(made, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(made);
	return pkey;
}
