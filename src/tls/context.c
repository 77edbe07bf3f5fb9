#include "tls/context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tls/far_key.h"

static const char suites[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
			     "TLS_CHACHA20_POLY1305_SHA256";
static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
			      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
			      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char groups[] = "X25519:P-256:P-384";
static const char signatures[] = "ECDSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA256:RSA-PSS+SHA384:"
				 "RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";

enum {
	LEVEL = 2, // of OpenSSL: 112 bits, for RSA 2048
	CHAIN_DEPTH_MAX = 8,
	PEER_CHAIN_MAX = 64 * 1024,
};

static bool set_up(SSL_CTX *ssl, enum tls_version least)
{
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_clear_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_security_level(ssl, LEVEL);
	SSL_CTX_set_verify_depth(ssl, CHAIN_DEPTH_MAX);
	SSL_CTX_set_max_cert_list(ssl, PEER_CHAIN_MAX);
	return SSL_CTX_set_num_tickets(ssl, 0) && SSL_CTX_set_min_proto_version(ssl, (int)least) &&
	       SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) &&
	       SSL_CTX_set_ciphersuites(ssl, suites) && SSL_CTX_set_cipher_list(ssl, ciphers) &&
	       SSL_CTX_set1_groups_list(ssl, groups) && SSL_CTX_set1_sigalgs_list(ssl, signatures);
}

static int make(const SSL_METHOD *method, enum tls_version least, struct tls_context **ret_context,
		char why[TLS_FAULT_MAX])
{
	struct tls_context *context = calloc(1, sizeof(*context));
	ERR_clear_error();
	if (context)
		context->ssl = SSL_CTX_new_ex(tls_library(), NULL, method);
	if (!context || !context->ssl || !set_up(context->ssl, least)) {
		tls_complaint("no memory is left", why);
		tls_context_free(context);
		return -ENOMEM;
	}
	*ret_context = context;
	return 0;
}

static bool show(SSL_CTX *ssl, const struct tls_chain *chain, EVP_PKEY *key)
{
	bool fine = SSL_CTX_use_certificate(ssl, chain->own) == 1;
	for (size_t i = 0; fine && i < chain->n_more; i++)
		fine = SSL_CTX_add1_chain_cert(ssl, chain->more[i]) == 1;
	return fine && SSL_CTX_use_PrivateKey(ssl, key) == 1;
}

// A client that wants another protocol's server gets none (RFC 7301 3.2): a browser that somebody
// leads here must not take our certificate for that of a page (ALPACA, USENIX Security 2021).
static int choose_protocol(SSL *ssl, const uint8_t **ret, uint8_t *ret_n, const uint8_t *offered,
			   unsigned n, void *arg)
{
	static const uint8_t ours[] = "\4smtp";
	uint8_t *chosen;
	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, ret_n, ours, sizeof(ours) - 1, offered, n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

int tls_server_new(const struct tls_chain *chain, const struct tls_signer *signer, uint32_t key,
		   enum tls_version least, struct tls_context **ret_context,
		   char why[TLS_FAULT_MAX])
{
	struct tls_context *context;
	int r = make(TLS_server_method(), least, &context, why);
	if (r < 0)
		return r;
	context->server = true;
	SSL_CTX_set_alpn_select_cb(context->ssl, choose_protocol, NULL);
	EVP_PKEY *far = far_key_new(X509_get0_pubkey(chain->own), signer, key);
	bool fine = far && show(context->ssl, chain, far);
	EVP_PKEY_free(far);
	if (!fine) {
		tls_complaint("the certificate cannot be used", why);
		tls_context_free(context);
		return -EBADMSG;
	}
	*ret_context = context;
	return 0;
}

static int add_roots(SSL_CTX *ssl, const char *pem, size_t n)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ssl);
	BIO *bio = BIO_new_mem_buf(pem, (int)n);
	X509 *root;
	int roots = 0;
	while (bio && (root = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		roots += X509_STORE_add_cert(store, root) == 1;
		X509_free(root);
	}
	BIO_free(bio);
	ERR_clear_error();
	return roots;
}

int tls_client_new(const char *roots, size_t n, enum tls_version least,
		   struct tls_context **ret_context, char why[TLS_FAULT_MAX])
{
	enum { ROOTS_BYTES_MAX = 4 * 1024 * 1024 };
	struct tls_context *context;
	int r = make(TLS_client_method(), least, &context, why);
	if (r < 0)
		return r;
	if (n && (n > ROOTS_BYTES_MAX || !add_roots(context->ssl, roots, n))) {
		snprintf(why, TLS_FAULT_MAX, "there are no certificates in PEM");
		tls_context_free(context);
		return -EBADMSG;
	}
	context->has_roots = n > 0;
	*ret_context = context;
	return 0;
}

void tls_context_free(struct tls_context *context)
{
	if (context)
		SSL_CTX_free(context->ssl);
	free(context);
}
