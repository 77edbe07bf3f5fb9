// Pairs of real sockets whose ends speak TLS: begun by STARTTLS or from the first byte, with mail
// read on in it; and what becomes of those that do not agree.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "pipes_bed.h"
#include "tls/key.h"
#include "tls_make.h"

enum { HEARD = 512 * 1024 };

static struct made gate_made, server_made;
static struct tls_key *gate_key, *server_key;
static struct tls_context *gate_server, *gate_client, *their_server, *their_client;
static struct tls_signer gate_signer, server_signer;
static const char *server_name; // that it has to prove
static bool none;		// nothing to make TLS of

static struct speaker {
	int fd;
	struct tls_end *tls; // NULL: in clear
	char heard[HEARD];
	size_t n;
	bool end, lost;
} client, server;

static int sign(void *arg, const struct tls_sign_request *request, uint8_t *signature,
		size_t *ret_n)
{
	return tls_key_sign(arg, request, signature, ret_n);
}

static struct tls_context *context_of(const struct made *made, struct tls_key *key,
				      struct tls_signer *signer, enum tls_version least)
{
	struct tls_context *context;
	struct tls_chain *chain;
	char why[TLS_FAULT_MAX];
	*signer = (struct tls_signer){ sign, key };
	assert_int_equal(tls_chain_read(made->chain, made->n_chain, &chain, why), 0);
	assert_int_equal(tls_server_new(chain, signer, 0, least, &context, why), 0);
	tls_chain_free(chain);
	return context;
}

static int set_up(void **state)
{
	char why[TLS_FAULT_MAX];
	(void)state;
	assert_int_equal(tls_load(), 0);
	make(MADE_P256, NULL, "gate.example.jp", &gate_made);
	make(MADE_P256, NULL, "mail.example.jp", &server_made);
	assert_int_equal(tls_key_read(gate_made.key, gate_made.n_key, &gate_key, why), 0);
	assert_int_equal(tls_key_read(server_made.key, server_made.n_key, &server_key, why), 0);
	gate_server = context_of(&gate_made, gate_key, &gate_signer, TLS_1_2);
	their_server = context_of(&server_made, server_key, &server_signer, TLS_1_2);
	assert_int_equal(tls_client_new(server_made.chain, server_made.n_chain, TLS_1_2,
					&gate_client, why),
			 0);
	assert_int_equal(
		tls_client_new(gate_made.chain, gate_made.n_chain, TLS_1_2, &their_client, why), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tls_context_free(gate_server);
	tls_context_free(gate_client);
	tls_context_free(their_server);
	tls_context_free(their_client);
	tls_key_free(gate_key);
	tls_key_free(server_key);
	unmake(&gate_made);
	unmake(&server_made);
	return 0;
}

static const struct tls_context *give_tls(void *arg, const struct engine_peer *peer,
					  enum engine_side side, const char **ret_name)
{
	(void)arg;
	assert_non_null(peer->flow);
	*ret_name = side == ENGINE_SERVER ? server_name : NULL;
	return none ? NULL : side == ENGINE_SERVER ? gate_client : gate_server;
}

static int begin_tls(void **state)
{
	(void)state;
	server_name = NULL;
	none = false;
	bed_tls_of = give_tls;
	begin_with(true, 100, 1 << 30);
	bed.now_ms = (uint64_t)time(NULL) * 1000;
	bed_town.profile.tls = PROFILE_TLS_INSPECT;
	return 0;
}

static int end_tls(void **state)
{
	bed_tls_of = NULL;
	return end(state);
}

// --- ends that speak TLS

static void flush(struct speaker *who)
{
	size_t n;
	const uint8_t *out;
	while (who->tls && (out = tls_end_out(who->tls, &n))) {
		ssize_t sent = send(who->fd, out, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		tls_end_sent(who->tls, (size_t)sent);
	}
}

static bool pump(struct speaker *who)
{
	uint8_t bytes[16384];
	const uint8_t *wire = bytes;
	ssize_t n = recv(who->fd, bytes, sizeof(bytes), 0);
	size_t left = n > 0 ? (size_t)n : 0;
	flush(who);
	if (n < 0 && errno != EAGAIN)
		who->lost = true;
	who->end = who->end || n == 0;
	if (n <= 0)
		return false;
	assert_true(who->n + sizeof(bytes) < HEARD);
	if (who->tls) {
		who->n += tls_end_read(who->tls, &wire, &left, (uint8_t *)who->heard + who->n,
				       HEARD - 1 - who->n);
	} else {
		memcpy(who->heard + who->n, bytes, left);
		who->n += left;
	}
	who->heard[who->n] = '\0';
	flush(who);
	return true;
}

static void talk_on(void)
{
	for (unsigned quiet = 0, i = 0; quiet < 4 && i < ROUNDS; i++) {
		bool moved = work();
		moved = pump(&client) || moved;
		moved = pump(&server) || moved;
		quiet = moved ? 0 : quiet + 1;
		if (quiet)
			usleep(500);
	}
}

static void tell(struct speaker *who, const char *text)
{
	size_t n = strlen(text), told = 0;
	while (who->tls && told < n && tls_end_state(who->tls) == TLS_OPEN) {
		told += tls_end_write(who->tls, (const uint8_t *)text + told, n - told);
		flush(who);
		talk_on();
		if (tls_end_state(who->tls) == TLS_FAILED)
			fail_msg("%s", tls_end_fault(who->tls));
	}
	if (!who->tls)
		assert_int_equal(send(who->fd, text, n, MSG_NOSIGNAL), n);
	talk_on();
}

static bool heard(const struct speaker *who, size_t n)
{
	talk_on();
	return who->n >= n || who->end || who->lost;
}

static void hears(struct speaker *who, const char *text)
{
	eventually(heard(who, strlen(text)));
	who->heard[who->n] = '\0';
	assert_string_equal(who->heard, text);
	who->n = 0;
	who->heard[0] = '\0';
}

// One says it, the other hears it.
static void passes(struct speaker *who, const char *text)
{
	tell(who, text);
	hears(who == &client ? &server : &client, text);
}

static void meet(void)
{
	struct ends ends = open_pair();
	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	client.fd = ends.client;
	server.fd = ends.server;
}

static void part(void)
{
	struct ends ends = { client.fd, server.fd, 0 };
	tls_end_free(client.tls);
	tls_end_free(server.tls);
	client.tls = server.tls = NULL;
	close_ends(&ends);
}

static void agree(struct speaker *who, const struct tls_context *context, const char *name)
{
	assert_int_equal(tls_end_new(context, name, time(NULL), &who->tls), 0);
}

static void ask_for_tls(void)
{
	meet();
	passes(&server, "220 mx\r\n");
	passes(&client, "EHLO c\r\n");
	passes(&server, "250-mx\r\n250 STARTTLS\r\n");
	passes(&client, "STARTTLS\r\n");
}

// The server is ready for the gate's first words in TLS.
static void go_ahead(void)
{
	assert_int_equal(send(server.fd, "220 go\r\n", 8, MSG_NOSIGNAL), 8);
	agree(&server, their_server, NULL);
	talk_on();
	hears(&client, "220 go\r\n");
}

static void client_agrees(void)
{
	agree(&client, their_client, "gate.example.jp");
	flush(&client);
	eventually((talk_on(), tls_end_state(client.tls) != TLS_SHAKING));
	eventually((talk_on(), tls_end_state(server.tls) != TLS_SHAKING));
}

// --- tests

static void mail(void)
{
	static char line[256 * 1024 + 1];
	passes(&client, "EHLO c\r\n");
	tell(&server, "250-mx\r\n250 STARTTLS\r\n");
	hears(&client, "250-mx\r\n250 XXXXXXXX\r\n");
	passes(&client, "MAIL FROM:<a@b.example>\r\n");
	passes(&server, "250 ok\r\n");
	passes(&client, "RCPT TO:<kenko@city.example.jp>\r\n");
	passes(&server, "250 ok\r\n");
	passes(&client, "DATA\r\n");
	passes(&server, "354 go on\r\n");
	for (size_t i = 0; i < sizeof(line) - 1; i += 64)
		snprintf(line + i, 65, "%062zu\r\n", i);
	passes(&client, line);
	passes(&client, ".\r\n");
	passes(&server, "250 taken\r\n");
	assert_string_equal(bed.reason, "passed");
	assert_true(bed.tls);
	passes(&client, "QUIT\r\n");
	passes(&server, "221 bye\r\n");
	tls_end_close(server.tls);
	flush(&server);
	shutdown(server.fd, SHUT_WR);
	talk_on();
	eventually((talk_on(), client.end));
	assert_int_equal(tls_end_state(client.tls), TLS_ENDED);
	part();
}

static void mail_in_tls(void **state)
{
	struct tls_about about;
	(void)state;
	bed_town.sizes[0].max = 1 << 20;
	ask_for_tls();
	go_ahead();
	client_agrees();
	assert_int_equal(tls_end_state(client.tls), TLS_OPEN);
	assert_int_equal(tls_end_state(server.tls), TLS_OPEN);
	tls_end_about(client.tls, &about);
	assert_true(about.verified); // it is the gate's certificate
	mail();
}

static void mail_in_tls_at_once(void **state)
{
	(void)state;
	bed_town.sizes[0].max = 1 << 20;
	bed_town.profile.tls_inspect.at_once = true;
	server_name = "mail.example.jp";
	meet();
	agree(&server, their_server, NULL);
	client_agrees();
	passes(&server, "220 mx\r\n");
	mail();
}

// Half of a mail in TLS, and the server sees no end of it.
static void refused_in_tls(void **state)
{
	(void)state;
	ask_for_tls();
	go_ahead();
	client_agrees();
	passes(&client, "EHLO c\r\n");
	passes(&server, "250 mx\r\n");
	passes(&client, "MAIL FROM:<a@b.example>\r\n");
	passes(&server, "250 ok\r\n");
	passes(&client, "RCPT TO:<kenko@city.example.jp>\r\n");
	passes(&server, "250 ok\r\n");
	passes(&client, "DATA\r\n");
	passes(&server, "354 go on\r\n");
	tell(&client, "0123456789012345678901234567890123456789\r\n");
	tell(&client, "0123456789012345678901234567890123456789\r\n");
	eventually((talk_on(), server.lost));
	tell(&client, ".\r\n");
	hears(&client, "552 5.3.4 Message size exceeds the limit\r\n");
	eventually((talk_on(), client.end));
	part();
}

static void server_is_another(void **state)
{
	(void)state;
	server_name = "other.example.jp";
	ask_for_tls();
	go_ahead();
	client_agrees();
	hears(&client, "421 4.7.5 No agreement on TLS with the server, try again later\r\n");
	eventually((talk_on(), client.end));
	assert_string_equal(bed.reason, "tls-server");
	part();
}

static void client_speaks_on_in_clear(void **state)
{
	(void)state;
	ask_for_tls();
	go_ahead();
	tell(&client, "MAIL FROM:<a@b.example>\r\n");
	eventually((talk_on(), client.lost && server.lost));
	assert_string_equal(bed.reason, "tls-client");
	assert_int_equal(server.n, 0);
	part();
}

static void client_goes(void **state)
{
	(void)state;
	ask_for_tls();
	go_ahead();
	shutdown(client.fd, SHUT_WR);
	talk_on();
	eventually((talk_on(), server.lost));
	assert_string_equal(bed.reason, "tls-client");
	part();
}

// What comes with the reply in clear must not count as said in TLS.
static void server_injects(void **state)
{
	(void)state;
	ask_for_tls();
	tell(&server, "220 go\r\n250-mx\r\n");
	hears(&client, "421 4.3.0 Server is out of step\r\n");
	eventually((talk_on(), client.end && server.lost));
	part();
}

static void nothing_to_make_it_of(void **state)
{
	(void)state;
	ask_for_tls();
	none = true;
	tell(&server, "220 go\r\n");
	eventually((talk_on(), client.lost && server.lost));
	assert_string_equal(bed.reason, "tls-client");
	part();
}

int main(void)
{
#define TLS(test) cmocka_unit_test_setup_teardown(test, begin_tls, end_tls)
	const struct CMUnitTest tests[] = {
		TLS(mail_in_tls),	TLS(mail_in_tls_at_once),	TLS(refused_in_tls),
		TLS(server_is_another), TLS(client_speaks_on_in_clear), TLS(client_goes),
		TLS(server_injects),	TLS(nothing_to_make_it_of),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
