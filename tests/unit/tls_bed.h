// A server and a client of ours in memory, for tests of ends.
#ifndef SEKISHO_TESTS_TLS_BED_H
#define SEKISHO_TESTS_TLS_BED_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "tls/context.h"
#include "tls/end.h"
#include "tls/key.h"
#include "unit/tls_make.h"

static struct made made[MADE_KINDS];
static struct tls_key *keys[3];
static unsigned asked; // how often something was signed

static inline int sign(void *arg, const struct tls_sign_request *request, uint8_t *signature,
		       size_t *ret_n)
{
	asked++;
	return tls_key_sign(arg, request, signature, ret_n);
}

static inline int set_up(void **state)
{
	char why[TLS_FAULT_MAX];
	(void)state;
	assert_int_equal(tls_load(), 0);
	for (int kind = 0; kind < MADE_KINDS; kind++)
		make((enum made_kind)kind, NULL, "mail.example.jp", &made[kind]);
	for (int kind = 0; kind < 3; kind++)
		assert_int_equal(tls_key_read(made[kind].key, made[kind].n_key, &keys[kind], why),
				 0);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++)
		tls_key_free(keys[kind]);
	for (int kind = 0; kind < MADE_KINDS; kind++)
		unmake(&made[kind]);
	return 0;
}

// --- a bed: a server of ours, a client of ours

struct bed {
	struct tls_signer signer;
	struct tls_chain *chain;
	struct tls_context *server, *client;
	struct tls_end *ends[2]; // client, server
};

static inline void open_bed(struct bed *bed, enum made_kind kind, enum tls_version least,
			    const char *name, int roots)
{
	char why[TLS_FAULT_MAX];
	*bed = (struct bed){ .signer = { sign, keys[kind] } };
	assert_int_equal(tls_chain_read(made[kind].chain, made[kind].n_chain, &bed->chain, why), 0);
	assert_int_equal(tls_server_new(bed->chain, &bed->signer, 0, least, &bed->server, why), 0);
	assert_int_equal(tls_client_new(roots < 0 ? NULL : made[roots].chain,
					roots < 0 ? 0 : made[roots].n_chain, TLS_1_2, &bed->client,
					why),
			 0);
	assert_int_equal(tls_end_new(bed->client, name, time(NULL), &bed->ends[0]), 0);
	assert_int_equal(tls_end_new(bed->server, NULL, time(NULL), &bed->ends[1]), 0);
}

static inline void close_bed(struct bed *bed)
{
	tls_end_free(bed->ends[0]);
	tls_end_free(bed->ends[1]);
	tls_context_free(bed->server);
	tls_context_free(bed->client);
	tls_chain_free(bed->chain);
}

// What one end has for the wire goes to the other in pieces; plaintext that comes out is appended.
static inline size_t move(struct tls_end *from, struct tls_end *to, size_t piece, uint8_t *plain,
			  size_t room)
{
	size_t n, got = 0;
	const uint8_t *out = tls_end_out(from, &n);
	uint8_t *wire = malloc(n + 1);
	if (n)
		memcpy(wire, out, n);
	tls_end_sent(from, n);
	for (size_t at = 0; at < n;) {
		const uint8_t *bytes = wire + at;
		size_t left = n - at < piece ? n - at : piece, before = left;
		got += tls_end_read(to, &bytes, &left, plain + got, room - got);
		if (before == left)
			break;
		at += before - left;
	}
	free(wire);
	return got;
}

static inline void shake(struct bed *bed, size_t piece)
{
	uint8_t none[1];
	for (int i = 0; i < 8; i++) {
		assert_int_equal(move(bed->ends[0], bed->ends[1], piece, none, 1), 0);
		assert_int_equal(move(bed->ends[1], bed->ends[0], piece, none, 1), 0);
	}
}

static inline void carry(struct tls_end *from, struct tls_end *to, const uint8_t *bytes, size_t n,
			 size_t piece)
{
	uint8_t *got = malloc(n + 1);
	size_t written = 0, read = 0;
	for (int i = 0; i < 10000 && read < n; i++) {
		written += tls_end_write(from, bytes + written, n - written);
		read += move(from, to, piece, got + read, n + 1 - read);
	}
	assert_int_equal(read, n);
	assert_memory_equal(got, bytes, n);
	free(got);
}

#endif
