// Both ends of TLS in memory: what they agree to, however the wire is cut; names that have to be
// proved; keys that are elsewhere.
#include <errno.h>
#include <malloc.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "unit/tls_bed.h"

static void they_agree(void **state)
{
	static const struct {
		enum made_kind kind;
		enum tls_version most;
		const char *cipher;
	} rows[] = {
		{ MADE_RSA, TLS_1_3, "TLS_AES_128_GCM_SHA256" },
		{ MADE_P256, TLS_1_3, "TLS_AES_128_GCM_SHA256" },
		{ MADE_P384, TLS_1_3, "TLS_AES_128_GCM_SHA256" },
		{ MADE_RSA, TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
		{ MADE_P256, TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
		{ MADE_P384, TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
	};
	static uint8_t much[1000000];
	(void)state;
	for (size_t i = 0; i < sizeof(much); i++)
		much[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const size_t pieces[] = { 1, 7, 100000 };
		for (size_t k = 0; k < 3; k++) {
			struct tls_about about;
			struct bed bed;
			asked = 0;
			open_bed(&bed, rows[i].kind, TLS_1_2, NULL, -1);
			tls_end_free(bed.ends[0]);
			SSL_CTX_set_max_proto_version(bed.client->ssl, (int)rows[i].most);
			assert_int_equal(tls_end_new(bed.client, NULL, time(NULL), &bed.ends[0]),
					 0);
			shake(&bed, pieces[k]);
			for (int side = 1; side >= 0; side--) {
				assert_string_equal(tls_end_fault(bed.ends[side]), "");
				assert_int_equal(tls_end_state(bed.ends[side]), TLS_OPEN);
				tls_end_about(bed.ends[side], &about);
				assert_int_equal(about.version, rows[i].most);
				assert_string_equal(about.cipher, rows[i].cipher);
				assert_false(about.verified);
			}
			assert_int_equal(asked, 1);
			carry(bed.ends[0], bed.ends[1], much, k ? sizeof(much) : 3000, pieces[k]);
			carry(bed.ends[1], bed.ends[0], much, k ? sizeof(much) : 3000, pieces[k]);
			close_bed(&bed);
		}
	}
}

static void an_end_is_said(void **state)
{
	uint8_t got[16];
	struct bed bed;
	(void)state;
	open_bed(&bed, MADE_P256, TLS_1_2, NULL, -1);
	shake(&bed, 1000);
	assert_int_equal(tls_end_write(bed.ends[0], (const uint8_t *)"QUIT\r\n", 6), 6);
	tls_end_close(bed.ends[0]);
	assert_int_equal(tls_end_write(bed.ends[0], (const uint8_t *)"NOOP\r\n", 6), 0);
	assert_int_equal(move(bed.ends[0], bed.ends[1], 1000, got, sizeof(got)), 6);
	assert_int_equal(tls_end_state(bed.ends[1]), TLS_ENDED);
	assert_string_equal(tls_end_fault(bed.ends[1]), "");
	close_bed(&bed);
}

static void plaintext_that_has_no_room_waits(void **state)
{
	static uint8_t bytes[50000], got[50000];
	struct bed bed;
	size_t n, read = 0;
	(void)state;
	open_bed(&bed, MADE_P256, TLS_1_2, NULL, -1);
	shake(&bed, 1000);
	memset(bytes, 'm', sizeof(bytes));
	size_t taken = tls_end_write(bed.ends[0], bytes, sizeof(bytes));
	assert_true(taken >= TLS_OUT_SOFT && taken < sizeof(bytes));
	const uint8_t *out = tls_end_out(bed.ends[0], &n), *at = out;
	assert_true(n < TLS_OUT_SOFT + TLS_RECORD_MAX + 1024);
	while (read < taken) {
		size_t more = tls_end_read(bed.ends[1], &at, &n, got + read, 10);
		assert_true(more > 0 && more <= 10);
		read += more;
	}
	assert_int_equal(n, 0);
	assert_memory_equal(got, bytes, taken);
	close_bed(&bed);
}

// What tls_end_memory() says is about what it takes; a session that waits takes little.
static void memory_is_counted(void **state)
{
	enum { PAIRS = 100 };
	struct tls_end *ends[PAIRS][2];
	struct bed bed;
	(void)state;
	open_bed(&bed, MADE_P256, TLS_1_2, NULL, -1);
	shake(&bed, 100000);
	const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	size_t said = 0;
	for (int i = 0; i < PAIRS; i++) {
		tls_end_new(bed.client, NULL, 0, &ends[i][0]);
		tls_end_new(bed.server, NULL, 0, &ends[i][1]);
	}
	const size_t begun = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	for (int i = 0; i < PAIRS; i++) {
		struct bed pair = bed;
		memcpy(pair.ends, ends[i], sizeof(pair.ends));
		shake(&pair, 100000);
		carry(pair.ends[0], pair.ends[1], (const uint8_t *)made[MADE_RSA].chain, 900,
		      100000);
		said += tls_end_memory(ends[i][0]) + tls_end_memory(ends[i][1]);
	}
	const size_t taken = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	print_message("an end takes %zu bytes, %zu before it is agreed; it says %zu\n",
		      taken / PAIRS / 2, begun / PAIRS / 2, said / PAIRS / 2);
	if (taken) { // nothing is counted where a sanitizer allocates
		assert_true(taken / PAIRS / 2 < 32 * 1024);
		assert_true(said > taken / 2 && said < taken * 2);
	}
	for (int i = 0; i < PAIRS; i++) {
		tls_end_free(ends[i][0]);
		tls_end_free(ends[i][1]);
	}
	close_bed(&bed);
}

// --- names

static void names_are_proved(void **state)
{
	static const struct {
		const char *name;
		int roots;
		int later; // seconds
		enum tls_state state;
		const char *fault;
	} rows[] = {
		{ "mail.example.jp", MADE_P256, 0, TLS_OPEN, "" },
		{ "MAIL.example.jp", MADE_P256, 0, TLS_OPEN, "" },
		{ "other.example.jp", MADE_P256, 0, TLS_FAILED, "certificate: hostname mismatch" },
		{ "example.jp", MADE_P256, 0, TLS_FAILED, "certificate: hostname mismatch" },
		{ "mail.example.jp", MADE_RSA, 0, TLS_FAILED,
		  "certificate: self-signed certificate" },
		{ "mail.example.jp", MADE_P256, 40 * 24 * 3600, TLS_FAILED,
		  "certificate: certificate has expired" },
		{ NULL, -1, 40 * 24 * 3600, TLS_OPEN, "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_about about;
		struct bed bed;
		open_bed(&bed, MADE_P256, TLS_1_2, NULL, rows[i].roots);
		tls_end_free(bed.ends[0]);
		assert_int_equal(tls_end_new(bed.client, rows[i].name, time(NULL) + rows[i].later,
					     &bed.ends[0]),
				 0);
		shake(&bed, 500);
		assert_string_equal(tls_end_fault(bed.ends[0]), rows[i].fault);
		assert_int_equal(tls_end_state(bed.ends[0]), rows[i].state);
		tls_end_about(bed.ends[0], &about);
		assert_int_equal(about.verified, rows[i].name && rows[i].state == TLS_OPEN);
		if (rows[i].state == TLS_FAILED)
			assert_int_equal(tls_end_state(bed.ends[1]), TLS_FAILED);
		close_bed(&bed);
	}
}

static void a_name_needs_roots(void **state)
{
	struct tls_end *end;
	struct bed bed;
	(void)state;
	open_bed(&bed, MADE_P256, TLS_1_2, NULL, -1);
	assert_int_equal(tls_end_new(bed.client, "mail.example.jp", 0, &end), -EINVAL);
	assert_int_equal(tls_end_new(bed.server, "mail.example.jp", 0, &end), -EINVAL);
	close_bed(&bed);
}

// --- the key

static int refuse(void *arg, const struct tls_sign_request *request, uint8_t *signature,
		  size_t *ret_n)
{
	(void)arg;
	(void)request;
	(void)signature;
	(void)ret_n;
	return -1;
}

static void without_a_signature_it_fails(void **state)
{
	struct bed bed;
	(void)state;
	open_bed(&bed, MADE_P256, TLS_1_2, NULL, -1);
	bed.signer.sign = refuse;
	shake(&bed, 500);
	assert_int_equal(tls_end_state(bed.ends[1]), TLS_FAILED);
	assert_int_equal(tls_end_state(bed.ends[0]), TLS_FAILED);
	close_bed(&bed);
}

static void the_private_half_is_not_there(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		struct bed bed;
		BIGNUM *number = NULL;
		OSSL_PARAM *params = NULL;
		open_bed(&bed, (enum made_kind)kind, TLS_1_2, NULL, -1);
		EVP_PKEY *pkey = SSL_CTX_get0_privatekey(bed.server->ssl);
		assert_non_null(pkey);
		assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_D, &number), 0);
		assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number), 0);
		assert_int_equal(EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &params), 0);
		BIO *bio = BIO_new(BIO_s_mem());
		assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 0);
		BIO_free(bio);
		close_bed(&bed);
	}
	ERR_clear_error();
}

static void a_key_of_another_certificate_is_of_no_use(void **state)
{
	struct bed bed;
	(void)state;
	open_bed(&bed, MADE_P256, TLS_1_2, NULL, -1);
	bed.signer.arg = keys[MADE_P384];
	shake(&bed, 500);
	assert_int_equal(tls_end_state(bed.ends[0]), TLS_FAILED);
	bed.signer.arg = keys[MADE_RSA];
	close_bed(&bed);
}

static void keys_and_chains_that_are_refused(void **state)
{
	char why[TLS_FAULT_MAX];
	struct tls_chain *chain;
	struct tls_key *key;
	(void)state;
	for (int kind = MADE_RSA_SMALL; kind < MADE_KINDS; kind++) {
		why[0] = '\0';
		assert_int_equal(tls_key_read(made[kind].key, made[kind].n_key, &key, why),
				 -EBADMSG);
		assert_string_equal(why, CHAIN_KEYS_KNOWN);
		assert_int_equal(tls_chain_read(made[kind].chain, made[kind].n_chain, &chain, why),
				 -EBADMSG);
		assert_string_equal(why, CHAIN_KEYS_KNOWN);
	}
	assert_int_equal(tls_key_read("", 0, &key, why), -EBADMSG);
	assert_int_equal(tls_key_read(made[0].chain, made[0].n_chain, &key, why), -EBADMSG);
	assert_int_equal(tls_key_read(made[0].key, TLS_KEY_BYTES_MAX + 1, &key, why), -EBADMSG);
	assert_int_equal(tls_chain_read("", 0, &chain, why), -EBADMSG);
	assert_int_equal(tls_chain_read(made[0].key, made[0].n_key, &chain, why), -EBADMSG);

	BIO *bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, made[0].pkey, EVP_aes_128_cbc(), (const unsigned char *)"pw",
				 2, NULL, NULL);
	size_t n;
	char *locked = made_text(bio, &n);
	assert_int_equal(tls_key_read(locked, n, &key, why), -EBADMSG);
	free(locked);
}

static void chains_have_a_bound(void **state)
{
	char why[TLS_FAULT_MAX], *many = malloc(12 * (made[MADE_P256].n_chain + 1));
	struct tls_chain *chain;
	size_t n = 0;
	(void)state;
	for (int i = 1; i <= TLS_CHAIN_MAX + 2; i++) {
		memcpy(many + n, made[MADE_P256].chain, made[MADE_P256].n_chain);
		n += made[MADE_P256].n_chain;
		int r = tls_chain_read(many, n, &chain, why);
		assert_int_equal(r, i <= TLS_CHAIN_MAX + 1 ? 0 : -EBADMSG);
		if (r < 0)
			continue;
		assert_int_equal(chain->n_more, i - 1);
		assert_string_equal(chain->name, "mail.example.jp");
		assert_true(chain->until - chain->from == 30 * 24 * 3600 + 3600);
		tls_chain_free(chain);
	}
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_agree),
		cmocka_unit_test(an_end_is_said),
		cmocka_unit_test(plaintext_that_has_no_room_waits),
		cmocka_unit_test(memory_is_counted),
		cmocka_unit_test(names_are_proved),
		cmocka_unit_test(a_name_needs_roots),
		cmocka_unit_test(without_a_signature_it_fails),
		cmocka_unit_test(the_private_half_is_not_there),
		cmocka_unit_test(a_key_of_another_certificate_is_of_no_use),
		cmocka_unit_test(keys_and_chains_that_are_refused),
		cmocka_unit_test(chains_have_a_bound),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
