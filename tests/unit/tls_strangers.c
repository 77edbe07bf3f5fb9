// What strangers do to an end of TLS: garbage, old versions, another handshake, keys over and over.
#include <openssl/ssl.h>

#include "unit/tls_bed.h"

static void garbage_fails(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{ "EHLO client.example\r\n", 21 },
		{ "\x16\x03\x01\xff\xff", 5 },			    // longer than a record may be
		{ "\x16\x03\x01\x00\x05\x01\xff\xff\xff\x00", 10 }, // longer than a greeting may be
		{ "\x17\x03\x03\x00\x01x", 6 },			    // data before it is agreed
		{ "\x15\x03\x01\x00\x02\x02\x28", 7 },		    // an alert
		{ "\x80\x09\x01\x00\x02\x00\x00\x00\x00\x00\x00", 11 }, // SSL 2
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t none[1];
		struct bed bed;
		open_bed(&bed, MADE_P256, TLS_1_2, NULL, -1);
		for (size_t at = 0; at < rows[i].n; at++) {
			const uint8_t *wire = (const uint8_t *)rows[i].bytes + at;
			size_t n = 1;
			assert_int_equal(tls_end_read(bed.ends[1], &wire, &n, none, 1), 0);
		}
		assert_int_equal(tls_end_state(bed.ends[1]), TLS_FAILED);
		assert_true(*tls_end_fault(bed.ends[1]));
		assert_int_equal(tls_end_write(bed.ends[1], none, 1), 0);
		close_bed(&bed);
	}
}

// Every byte of a session, one after the other, is another one once: nothing that was not sent
// comes out.
static void a_changed_byte_never_comes_out(void **state)
{
	static const char words[] = "MAIL FROM:<a@example.jp>\r\n";
	(void)state;
	for (size_t changed = 0; changed < 2600; changed += changed < 100 ? 1 : 13) {
		uint8_t got[64] = "";
		size_t seen = 0, n_got = 0;
		struct bed bed;
		open_bed(&bed, MADE_P256, TLS_1_2, NULL, -1);
		for (int i = 0; i < 12; i++) {
			struct tls_end *from = bed.ends[i & 1], *to = bed.ends[!(i & 1)];
			if (i > 6 && from == bed.ends[0])
				tls_end_write(from, (const uint8_t *)words, sizeof(words));
			size_t n;
			const uint8_t *out = tls_end_out(from, &n);
			uint8_t wire[8192];
			assert_true(n <= sizeof(wire));
			if (n)
				memcpy(wire, out, n);
			tls_end_sent(from, n);
			if (changed >= seen && changed < seen + n)
				wire[changed - seen] ^= 0x41;
			seen += n;
			const uint8_t *at = wire;
			if (to == bed.ends[1] && n_got < sizeof(words))
				n_got += tls_end_read(to, &at, &n, got + n_got,
						      sizeof(words) - n_got);
			else
				tls_end_read(to, &at, &n, wire, 0);
		}
		assert_memory_equal(got, words, n_got);
		if (changed < seen && n_got == sizeof(words))
			assert_true(changed < 11 || changed > 100); // versions that nobody reads
		close_bed(&bed);
	}
}

static void whoever_says_too_much_is_left(void **state)
{
	// Greetings of 16 KB in tiny records, that never end.
	static const uint8_t head[] = { 0x16, 3, 1, 0, 4, 1, 1, 0xff, 0xff };
	static const uint8_t more[] = { 0x16, 3, 1, 0, 1, 0 };
	uint8_t none[1];
	struct bed bed;
	size_t fed = 0;
	(void)state;
	open_bed(&bed, MADE_P256, TLS_1_2, NULL, -1);
	const uint8_t *wire = head;
	size_t n = sizeof(head);
	tls_end_read(bed.ends[1], &wire, &n, none, 1);
	while (tls_end_state(bed.ends[1]) == TLS_SHAKING && fed < 200000) {
		wire = more;
		n = sizeof(more);
		tls_end_read(bed.ends[1], &wire, &n, none, 1);
		fed += sizeof(more);
	}
	assert_int_equal(tls_end_state(bed.ends[1]), TLS_FAILED);
	assert_true(fed <= TLS_SHAKE_BYTES_MAX + 10);
	close_bed(&bed);
}

// A peer by OpenSSL alone, which does what ours never would.
struct raw {
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out;
};

static void raw_open(struct raw *raw, int most, bool server)
{
	raw->context = SSL_CTX_new_ex(tls_library(), NULL,
				      server ? TLS_server_method() : TLS_client_method());
	SSL_CTX_set_security_level(raw->context, 0);
	SSL_CTX_set_min_proto_version(raw->context, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(raw->context, most);
	SSL_CTX_set_cipher_list(raw->context, "ALL:@SECLEVEL=0");
	if (server) {
		SSL_CTX_use_certificate(raw->context, made[MADE_RSA].certificate);
		SSL_CTX_use_PrivateKey(raw->context, made[MADE_RSA].pkey);
	}
	raw->ssl = SSL_new(raw->context);
	raw->in = BIO_new(BIO_s_mem());
	raw->out = BIO_new(BIO_s_mem());
	SSL_set_bio(raw->ssl, raw->in, raw->out);
	if (server)
		SSL_set_accept_state(raw->ssl);
	else
		SSL_set_connect_state(raw->ssl);
}

static void raw_close(struct raw *raw)
{
	SSL_free(raw->ssl);
	SSL_CTX_free(raw->context);
}

static size_t raw_move(struct raw *raw, struct tls_end *end)
{
	uint8_t plain[4096];
	char *data;
	long size = BIO_get_mem_data(raw->out, &data);
	const uint8_t *wire = (const uint8_t *)data;
	size_t n = (size_t)size, got = 0, before;
	do {
		before = n;
		got += tls_end_read(end, &wire, &n, plain, sizeof(plain));
	} while (n && n < before);
	(void)BIO_reset(raw->out);
	const uint8_t *out = tls_end_out(end, &n);
	if (n)
		BIO_write(raw->in, out, (int)n);
	tls_end_sent(end, n);
	return got;
}

static void raw_shake(struct raw *raw, struct tls_end *end)
{
	for (int i = 0; i < 6; i++) {
		SSL_do_handshake(raw->ssl);
		raw_move(raw, end);
	}
}

static void old_versions_are_refused(void **state)
{
	static const int olds[] = { TLS1_VERSION, TLS1_1_VERSION };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bed bed;
		struct raw raw;
		open_bed(&bed, MADE_RSA, TLS_1_2, NULL, -1);
		raw_open(&raw, olds[i], false);
		raw_shake(&raw, bed.ends[1]);
		assert_int_equal(tls_end_state(bed.ends[1]), TLS_FAILED);
		raw_close(&raw);
		raw_open(&raw, olds[i], true);
		raw_move(&raw, bed.ends[0]);
		raw_shake(&raw, bed.ends[0]);
		assert_int_equal(tls_end_state(bed.ends[0]), TLS_FAILED);
		raw_close(&raw);
		close_bed(&bed);
	}
}

static void the_least_version_counts(void **state)
{
	struct bed bed;
	struct raw raw;
	(void)state;
	open_bed(&bed, MADE_RSA, TLS_1_3, NULL, -1);
	raw_open(&raw, TLS1_2_VERSION, false);
	raw_shake(&raw, bed.ends[1]);
	assert_int_equal(tls_end_state(bed.ends[1]), TLS_FAILED);
	raw_close(&raw);
	raw_open(&raw, TLS1_3_VERSION, false);
	tls_end_free(bed.ends[1]);
	tls_end_new(bed.server, NULL, 0, &bed.ends[1]);
	raw_shake(&raw, bed.ends[1]);
	assert_int_equal(tls_end_state(bed.ends[1]), TLS_OPEN);
	raw_close(&raw);
	close_bed(&bed);
}

static void suites_that_are_not_ours_are_refused(void **state)
{
	static const char *const suites[] = { "AES128-SHA",
					      "AES128-GCM-SHA256",
					      "ECDHE-RSA-AES128-SHA",
					      "ECDHE-RSA-AES128-SHA256",
					      "DHE-RSA-AES128-GCM-SHA256",
					      "AECDH-AES128-SHA" };
	(void)state;
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		struct bed bed;
		struct raw raw;
		open_bed(&bed, MADE_RSA, TLS_1_2, NULL, -1);
		raw_open(&raw, TLS1_2_VERSION, false);
		assert_int_equal(SSL_set_cipher_list(raw.ssl, suites[i]), 1);
		raw_shake(&raw, bed.ends[1]);
		assert_int_equal(tls_end_state(bed.ends[1]), TLS_FAILED);
		raw_close(&raw);
		close_bed(&bed);
	}
}

static void who_wants_another_protocol_gets_none(void **state)
{
	static const struct {
		const char *offer;
		unsigned n;
		enum tls_state ends;
	} rows[] = {
		{ "\10http/1.1", 9, TLS_FAILED },
		{ "\2h2\10http/1.1", 12, TLS_FAILED },
		{ "\4smtp", 5, TLS_OPEN },
		{ "\2h2\4smtp", 8, TLS_OPEN },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bed bed;
		struct raw raw;
		open_bed(&bed, MADE_RSA, TLS_1_2, NULL, -1);
		raw_open(&raw, TLS1_3_VERSION, false);
		assert_int_equal(
			SSL_set_alpn_protos(raw.ssl, (const uint8_t *)rows[i].offer, rows[i].n), 0);
		raw_shake(&raw, bed.ends[1]);
		assert_int_equal(tls_end_state(bed.ends[1]), rows[i].ends);
		raw_close(&raw);
		close_bed(&bed);
	}
}

static void another_handshake_ends_it(void **state)
{
	struct bed bed;
	struct raw raw;
	(void)state;
	open_bed(&bed, MADE_RSA, TLS_1_2, NULL, -1);
	raw_open(&raw, TLS1_2_VERSION, false);
	raw_shake(&raw, bed.ends[1]);
	assert_int_equal(tls_end_state(bed.ends[1]), TLS_OPEN);
	assert_int_equal(SSL_renegotiate(raw.ssl), 1);
	raw_shake(&raw, bed.ends[1]);
	assert_int_equal(tls_end_state(bed.ends[1]), TLS_FAILED);
	raw_close(&raw);
	close_bed(&bed);
}

static void keys_over_and_over_end_it(void **state)
{
	struct bed bed;
	struct raw raw;
	unsigned n = 0;
	(void)state;
	open_bed(&bed, MADE_RSA, TLS_1_2, NULL, -1);
	raw_open(&raw, TLS1_3_VERSION, false);
	raw_shake(&raw, bed.ends[1]);
	assert_int_equal(tls_end_state(bed.ends[1]), TLS_OPEN);
	while (tls_end_state(bed.ends[1]) == TLS_OPEN && n < 100) {
		assert_int_equal(SSL_key_update(raw.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		SSL_write(raw.ssl, "x", 1);
		raw_move(&raw, bed.ends[1]);
		SSL_read(raw.ssl, (char[1]){ 0 }, 1);
		n++;
	}
	assert_int_equal(n, TLS_LATER_MAX + 1);
	assert_int_equal(tls_end_state(bed.ends[1]), TLS_FAILED);
	raw_close(&raw);
	close_bed(&bed);
}

static void nothing_can_be_resumed(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bed bed;
		struct raw raw;
		open_bed(&bed, MADE_RSA, TLS_1_2, NULL, -1);
		raw_open(&raw, versions[i], false);
		raw_shake(&raw, bed.ends[1]);
		tls_end_write(bed.ends[1], (const uint8_t *)"250 ok\r\n", 8);
		raw_move(&raw, bed.ends[1]);
		assert_int_equal(SSL_read(raw.ssl, (char[16]){ 0 }, 16), 8);
		SSL_SESSION *session = SSL_get1_session(raw.ssl);
		assert_false(SSL_SESSION_has_ticket(session));
		SSL *again = SSL_new(raw.context);
		SSL_set_session(again, session);
		SSL_SESSION_free(session);
		SSL_free(raw.ssl);
		raw.in = BIO_new(BIO_s_mem());
		raw.out = BIO_new(BIO_s_mem());
		raw.ssl = again;
		SSL_set_bio(raw.ssl, raw.in, raw.out);
		SSL_set_connect_state(raw.ssl);
		tls_end_free(bed.ends[1]);
		tls_end_new(bed.server, NULL, 0, &bed.ends[1]);
		raw_shake(&raw, bed.ends[1]);
		assert_int_equal(tls_end_state(bed.ends[1]), TLS_OPEN);
		assert_false(SSL_session_reused(raw.ssl));
		raw_close(&raw);
		close_bed(&bed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_fails),
		cmocka_unit_test(a_changed_byte_never_comes_out),
		cmocka_unit_test(whoever_says_too_much_is_left),
		cmocka_unit_test(old_versions_are_refused),
		cmocka_unit_test(the_least_version_counts),
		cmocka_unit_test(suites_that_are_not_ours_are_refused),
		cmocka_unit_test(who_wants_another_protocol_gets_none),
		cmocka_unit_test(another_handshake_ends_it),
		cmocka_unit_test(keys_over_and_over_end_it),
		cmocka_unit_test(nothing_can_be_resumed),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
