#include "tls/library.h"

#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "tls/far_key.h"

static OSSL_LIB_CTX *library;

int tls_load(void)
{
	uint8_t byte;
	if (library)
		return 0;
	// Who could write its configuration could load anything here.
	if (!OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL))
		return -ENOMEM;
	OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();
	if (!made || !OSSL_PROVIDER_load(made, "default") ||
	    !OSSL_PROVIDER_add_builtin(made, FAR_KEY_PROVIDER, far_key_provider) ||
	    !OSSL_PROVIDER_load(made, FAR_KEY_PROVIDER) ||
	    RAND_bytes_ex(made, &byte, 1, 0) != 1) { // seeds it
		OSSL_LIB_CTX_free(made);
		return -ENOMEM;
	}
	library = made;
	return 0;
}

OSSL_LIB_CTX *tls_library(void)
{
	return library;
}

void tls_complaint(const char *otherwise, char out[TLS_FAULT_MAX])
{
	unsigned long error = ERR_get_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;
	snprintf(out, TLS_FAULT_MAX, "%s", reason ? reason : otherwise);
	ERR_clear_error();
}
