// Both ends of TLS and bytes of a stranger: the first byte says which end, and how far the two get
// with one another before the rest is fed in the other's place, in pieces.  What came out was sent.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls/end.h"
#include "tls/key.h"
#include "unit/tls_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct tls_context *contexts[2]; // client's, server's

static int sign(void *arg, const struct tls_sign_request *request, uint8_t *signature,
		size_t *ret_n)
{
	return tls_key_sign(arg, request, signature, ret_n);
}

static void set_up(void)
{
	static struct tls_signer signer = { .sign = sign };
	static struct tls_chain *chain;
	static struct made made;
	struct tls_key *key;
	char why[TLS_FAULT_MAX];
	if (contexts[0])
		return;
	if (tls_load() < 0)
		abort();
	make(MADE_P256, NULL, "mail.example.jp", &made);
	if (tls_key_read(made.key, made.n_key, &key, why) < 0 ||
	    tls_chain_read(made.chain, made.n_chain, &chain, why) < 0)
		abort();
	signer.arg = key;
	if (tls_server_new(chain, &signer, 0, TLS_1_2, &contexts[1], why) < 0 ||
	    tls_client_new(made.chain, made.n_chain, TLS_1_2, &contexts[0], why) < 0)
		abort();
}

static void move(struct tls_end *from, struct tls_end *to)
{
	uint8_t plain[64];
	size_t n;
	const uint8_t *out = tls_end_out(from, &n), *at = out;
	const size_t all = n;
	if (tls_end_read(to, &at, &n, plain, sizeof(plain)))
		abort(); // nothing was written
	tls_end_sent(from, all);
}

static void feed(struct tls_end *end, const uint8_t *bytes, size_t size, size_t piece)
{
	uint8_t plain[256];
	while (size) {
		size_t n = piece && piece < size ? piece : size;
		const uint8_t *at = bytes;
		size_t left = n;
		size_t got = tls_end_read(end, &at, &left, plain, sizeof(plain));
		if (got) // nobody who does not know the keys says anything
			abort();
		if (left == n)
			return;
		bytes += n - left;
		size -= n - left;
		tls_end_out(end, &n);
		if (n > TLS_OUT_MAX)
			abort();
		tls_end_write(end, plain, 3);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct tls_end *ends[2];
	struct tls_about about;
	if (size < 2)
		return 0;
	set_up();
	const int who = bytes[0] & 1, steps = bytes[0] >> 1 & 7;
	const char *name = bytes[0] & 0x10 ? "mail.example.jp" : NULL;
	if (tls_end_new(contexts[0], name, 0, &ends[0]) < 0 ||
	    tls_end_new(contexts[1], NULL, 0, &ends[1]) < 0)
		abort();
	for (int i = 0; i < steps; i++)
		move(ends[i & 1], ends[!(i & 1)]);
	feed(ends[who], bytes + 2, size - 2, bytes[1]);
	tls_end_close(ends[who]);
	tls_end_about(ends[who], &about);
	if (tls_end_state(ends[who]) == TLS_FAILED && !*tls_end_fault(ends[who]))
		abort();
	tls_end_free(ends[0]);
	tls_end_free(ends[1]);
	return 0;
}
