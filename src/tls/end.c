// An end: OpenSSL between two bounded buffers.  Its reading side takes straight from the caller's
// bytes, its writing side fills one buffer.
#include "tls/end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tls/context.h"

enum {
	OUT_FIRST = 1024,
	SESSION_BYTES = 16 * 1024, // of OpenSSL, as measured (tests/unit/tls_end.c)
	SHAKE_BYTES = 40 * 1024,   // more, until it is agreed
};

struct tls_end {
	SSL *ssl;
	const uint8_t *wire; // while a call lasts
	size_t n_wire;
	uint8_t *out;
	size_t n_out, gone, cap; // of them have gone; of the buffer
	uint64_t shake_bytes;
	unsigned later;
	enum tls_state state;
	bool overrun, named, closing;
	char fault[TLS_FAULT_MAX];
};

// --- the wire as OpenSSL sees it

static int wire_read(BIO *bio, char *out, int room)
{
	struct tls_end *end = BIO_get_data(bio);
	size_t n = end->n_wire < (size_t)room ? end->n_wire : (size_t)room;
	BIO_clear_retry_flags(bio);
	if (!n) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(out, end->wire, n);
	end->wire += n;
	end->n_wire -= n;
	if (end->state == TLS_SHAKING)
		end->shake_bytes += n;
	return (int)n;
}

static bool make_room(struct tls_end *end, size_t n)
{
	if (end->gone) {
		memmove(end->out, end->out + end->gone, end->n_out - end->gone);
		end->n_out -= end->gone;
		end->gone = 0;
	}
	size_t want = end->n_out + n, cap = end->cap ? end->cap : OUT_FIRST;
	if (want > TLS_OUT_MAX)
		return false;
	while (cap < want)
		cap *= 2;
	if (cap == end->cap)
		return true;
	uint8_t *grown = realloc(end->out, cap);
	if (!grown)
		return false;
	end->out = grown;
	end->cap = cap;
	return true;
}

static int wire_write(BIO *bio, const char *bytes, int n)
{
	struct tls_end *end = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (n <= 0)
		return 0;
	if (end->overrun || !make_room(end, (size_t)n)) {
		end->overrun = true;
		return -1;
	}
	memcpy(end->out + end->n_out, bytes, (size_t)n);
	end->n_out += (size_t)n;
	return n;
}

static long wire_control(BIO *bio, int command, long number, void *arg)
{
	(void)bio;
	(void)number;
	(void)arg;
	return command == BIO_CTRL_FLUSH;
}

static BIO *wire_new(struct tls_end *end)
{
	static BIO_METHOD *method;
	if (!method) {
		BIO_METHOD *made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "wire");
		if (!made || !BIO_meth_set_read(made, wire_read) ||
		    !BIO_meth_set_write(made, wire_write) ||
		    !BIO_meth_set_ctrl(made, wire_control)) {
			BIO_meth_free(made);
			return NULL;
		}
		method = made;
	}
	BIO *bio = BIO_new(method);
	if (bio) {
		BIO_set_data(bio, end);
		BIO_set_init(bio, 1);
	}
	return bio;
}

// --- what OpenSSL says

static void fail(struct tls_end *end, const char *otherwise)
{
	const long verify = SSL_get_verify_result(end->ssl);
	end->state = TLS_FAILED;
	tls_complaint(otherwise, end->fault);
	if (end->named && verify != X509_V_OK)
		snprintf(end->fault, sizeof(end->fault), "certificate: %s",
			 X509_verify_cert_error_string(verify));
}

// Asked for keys over and over, or for another handshake, it would work for nothing.
static void on_message(int written, int version, int type, const void *bytes, size_t n, SSL *ssl,
		       void *arg)
{
	struct tls_end *end = arg;
	(void)version;
	(void)bytes;
	(void)n;
	(void)ssl;
	if (type == SSL3_RT_HANDSHAKE && !written && end->state == TLS_OPEN)
		end->later++;
}

static bool is_spent(const struct tls_end *end)
{
	const bool old = end->state == TLS_OPEN && SSL_version(end->ssl) == TLS1_2_VERSION;
	return end->overrun || end->later > (old ? 0 : TLS_LATER_MAX) ||
	       (end->state == TLS_SHAKING && end->shake_bytes > TLS_SHAKE_BYTES_MAX);
}

static void look(struct tls_end *end, int result)
{
	const int error = SSL_get_error(end->ssl, result);
	if (is_spent(end))
		fail(end, end->overrun ? "the other side takes nothing"
				       : "the other side says too much");
	else if (error == SSL_ERROR_ZERO_RETURN)
		end->state = TLS_ENDED;
	else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		fail(end, "it broke off");
}

static void shake(struct tls_end *end)
{
	size_t before;
	do {
		before = end->n_wire;
		ERR_clear_error();
		int r = SSL_do_handshake(end->ssl);
		if (r != 1 || is_spent(end))
			look(end, r);
		else
			end->state = TLS_OPEN;
	} while (end->state == TLS_SHAKING && end->n_wire && end->n_wire < before);
}

// --- the end

static bool set_name(struct tls_end *end, const char *name, int64_t now)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(end->ssl);
	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	if (!name)
		return true;
	end->named = true;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	SSL_set_verify(end->ssl, SSL_VERIFY_PEER, NULL);
	return SSL_set1_host(end->ssl, name) == 1 && SSL_set_tlsext_host_name(end->ssl, name) == 1;
}

static int set_up(struct tls_end *end, const struct tls_context *context, const char *name,
		  int64_t now)
{
	end->ssl = SSL_new(context->ssl);
	BIO *bio = end->ssl ? wire_new(end) : NULL;
	if (!bio)
		return -ENOMEM;
	SSL_set_bio(end->ssl, bio, bio);
	SSL_set_msg_callback(end->ssl, on_message);
	SSL_set_msg_callback_arg(end->ssl, end);
	// Whoever is not named may be anyone, with any key: it is better than none.
	if (!context->server && !name)
		SSL_set_security_level(end->ssl, 1);
	if (!set_name(end, name, now))
		return -EINVAL;
	if (context->server) {
		SSL_set_accept_state(end->ssl);
	} else {
		SSL_set_connect_state(end->ssl);
		shake(end); // the client speaks first
	}
	return 0;
}

int tls_end_new(const struct tls_context *context, const char *name, int64_t now,
		struct tls_end **ret_end)
{
	if (name &&
	    (context->server || !context->has_roots || !*name || strlen(name) >= TLS_HOST_MAX))
		return -EINVAL;
	struct tls_end *end = calloc(1, sizeof(*end));
	int r = end ? set_up(end, context, name, now) : -ENOMEM;
	if (r < 0) {
		tls_end_free(end);
		return r;
	}
	*ret_end = end;
	return 0;
}

void tls_end_free(struct tls_end *end)
{
	if (!end)
		return;
	SSL_free(end->ssl);
	ERR_clear_error();
	free(end->out);
	free(end);
}

// A call may come back without plaintext though more of the wire is there.
static size_t decrypt(struct tls_end *end, uint8_t *plain, size_t room)
{
	size_t got = 0, n, before;
	bool more = true;
	while (got < room && end->state == TLS_OPEN && more) {
		before = end->n_wire;
		ERR_clear_error();
		int r = SSL_read_ex(end->ssl, plain + got, room - got, &n);
		if (r == 1)
			got += n;
		if (r != 1 || is_spent(end))
			look(end, r);
		more = r == 1 || (end->n_wire && end->n_wire < before);
	}
	return got;
}

size_t tls_end_read(struct tls_end *end, const uint8_t **wire, size_t *n, uint8_t *plain,
		    size_t room)
{
	size_t got = 0;
	end->wire = *wire;
	end->n_wire = *n;
	if (end->state == TLS_SHAKING && end->n_wire)
		shake(end);
	if (end->state == TLS_OPEN)
		got = decrypt(end, plain, room);
	*wire = end->wire;
	*n = end->n_wire;
	end->wire = NULL;
	end->n_wire = 0;
	return got;
}

size_t tls_end_write(struct tls_end *end, const uint8_t *plain, size_t n)
{
	size_t taken = 0, done;
	while (taken < n && end->state == TLS_OPEN && !end->closing &&
	       end->n_out - end->gone < TLS_OUT_SOFT) {
		size_t piece = n - taken < TLS_RECORD_MAX ? n - taken : TLS_RECORD_MAX;
		ERR_clear_error();
		int r = SSL_write_ex(end->ssl, plain + taken, piece, &done);
		if (r != 1) {
			look(end, r);
			break;
		}
		taken += done;
	}
	return taken;
}

void tls_end_close(struct tls_end *end)
{
	if (end->state != TLS_OPEN && end->state != TLS_ENDED)
		return;
	end->closing = true;
	ERR_clear_error();
	SSL_shutdown(end->ssl);
	ERR_clear_error();
}

const uint8_t *tls_end_out(const struct tls_end *end, size_t *ret_n)
{
	*ret_n = end->n_out - end->gone;
	return *ret_n ? end->out + end->gone : NULL;
}

void tls_end_sent(struct tls_end *end, size_t n)
{
	end->gone += n;
	if (end->gone < end->n_out)
		return;
	end->gone = end->n_out = 0;
	if (end->state == TLS_SHAKING)
		return;
	free(end->out); // a session that waits takes none
	end->out = NULL;
	end->cap = 0;
}

enum tls_state tls_end_state(const struct tls_end *end)
{
	return end->state;
}

const char *tls_end_fault(const struct tls_end *end)
{
	return end->fault;
}

void tls_end_about(const struct tls_end *end, struct tls_about *ret)
{
	const bool agreed = end->state == TLS_OPEN || end->state == TLS_ENDED;
	const SSL_CIPHER *cipher = agreed ? SSL_get_current_cipher(end->ssl) : NULL;
	*ret = (struct tls_about){
		.version = agreed ? (enum tls_version)SSL_version(end->ssl) : 0,
		.suite = cipher ? SSL_CIPHER_get_protocol_id(cipher) : 0,
		.cipher = cipher ? SSL_CIPHER_standard_name(cipher) : "",
		.verified = agreed && end->named && SSL_get_verify_result(end->ssl) == X509_V_OK,
	};
}

size_t tls_end_memory(const struct tls_end *end)
{
	return sizeof(*end) + end->cap + SESSION_BYTES +
	       (end->state == TLS_SHAKING ? SHAKE_BYTES : 0);
}
