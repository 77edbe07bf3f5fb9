// From the words of a policy to what becomes of a command: rules/mail-gate as the inspectors have
// it, asked by an engine.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "daemon/mail_profile.h"
#include "event/mail_record.h"
#include "inspect/engine.h"

#define RELAY	 "192.0.2.25"
#define STORE	 "10.21.0.25"
#define STORE6	 "fd5e:12c4:8a00:21::25"
#define RELAY6	 "2001:db8:40::25"
#define STRANGER "203.0.113.9"

struct bed {
	struct arena *arena;
	struct plan *plan;
	struct profiles profiles;
};

struct session {
	struct engine *engine;
	bool touched; // some of the client's bytes went on otherwise than they came, or did not
	bool released;
};

static void on_order(void *arg, const struct engine_order *order)
{
	struct session *session = arg;

	if (order->verb == ENGINE_OVERWRITE && order->side == ENGINE_CLIENT)
		session->touched = true;
	if (order->verb == ENGINE_TAKE || order->verb == ENGINE_END)
		session->touched = true;
	session->released |= order->verb == ENGINE_RELEASE;
}

static void on_record(void *arg, const struct mail_record *record)
{
	(void)arg;
	(void)record;
}

static void feed(struct session *session, enum engine_side side, const char *text)
{
	if (!session->released)
		engine_feed(session->engine, side, (const uint8_t *)text, strlen(text), 0);
}

// Whether the command goes on to the server as it came.
static bool passes(struct session *session, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "%s\r\n", command);
	session->touched = false;
	feed(session, ENGINE_CLIENT, line);
	feed(session, ENGINE_SERVER, "250 ok\r\n");
	return !session->touched;
}

struct row {
	const char *name, *flow, *client, *server, *mail, *rcpt;
	bool mail_passes, rcpt_passes;
};

static const struct row rows[] = {
	{ "from outside to the town", "mail-in", STRANGER, RELAY, "<a@far.example>",
	  "<b@city.example.jp>", true, true },
	{ "to below the town", "mail-in", STRANGER, RELAY, "<a@far.example>",
	  "<b@tax.city.example.jp>", true, true },
	{ "from outside to outside", "mail-in", STRANGER, RELAY, "<a@far.example>",
	  "<b@other.example>", true, false },
	{ "past the town's name", "mail-in", STRANGER, RELAY, "<a@far.example>",
	  "<b@notcity.example.jp>", true, false },
	{ "percent hack", "mail-in", STRANGER, RELAY, "<a@far.example>",
	  "<b%other.example@city.example.jp>", true, false },
	{ "the town's sender is marked", "mail-in", STRANGER, RELAY, "<c@city.example.jp>",
	  "<b@city.example.jp>", true, true },
	{ "the relay host to anybody", "mail-out", RELAY, STRANGER, "<c@city.example.jp>",
	  "<b@other.example>", true, true },
	{ "a delivery", "mail-deliver", RELAY, STORE, "<a@far.example>", "<b@city.example.jp>",
	  true, true },
	{ "a delivery by IPv6", "mail-deliver", RELAY6, STORE6, "<a@far.example>",
	  "<b@city.example.jp>", true, true },
	{ "the relay host relays", "mail-deliver", RELAY, STORE, "<a@far.example>",
	  "<b@other.example>", true, false },
	{ "a false sender", "mail-deliver", RELAY, STORE, "<c@city.example.jp>",
	  "<b@city.example.jp>", false, false },
	{ "the store hands over", "mail-hand-over", STORE, RELAY, "<c@city.example.jp>",
	  "<b@other.example>", true, true },
	{ "the store by IPv6", "mail-hand-over", STORE6, RELAY6, "<c@city.example.jp>",
	  "<b@other.example>", true, true },
	{ "at the size in", "mail-deliver", RELAY, STORE, "<a@far.example> SIZE=20000000",
	  "<b@city.example.jp>", true, true },
	{ "past the size in", "mail-deliver", RELAY, STORE, "<a@far.example> SIZE=20000001",
	  "<b@city.example.jp>", true, false },
	{ "plans may be larger", "mail-deliver", RELAY, STORE, "<a@far.example> SIZE=50000000",
	  "<Plans@City.example.jp>", true, true },
	{ "past any size", "mail-deliver", RELAY, STORE, "<a@far.example> SIZE=50000001",
	  "<plans@city.example.jp>", false, false },
	{ "past the size out", "mail-hand-over", STORE, RELAY, "<c@city.example.jp> SIZE=10000001",
	  "<b@other.example>", true, false },
};

static const struct profile_flow *flow_of(const struct bed *bed, const char *id)
{
	size_t n;
	uint32_t flow = plan_find_flow(bed->plan, id);

	assert_int_not_equal(flow, PLAN_NONE);
	return profiles_find(&bed->profiles, plan_flows(bed->plan, &n)[flow].guard_mark);
}

static void greet(const struct bed *bed, const struct row *row, struct session *session)
{
	const struct engine_host host = { .order = on_order, .record = on_record, .arg = session };
	struct engine_peer peer = { .client_port = 40000,
				    .server_port = 25,
				    .flow = flow_of(bed, row->flow) };

	assert_non_null(peer.flow);
	assert_int_equal(addr_parse(row->client, &peer.client), 0);
	assert_int_equal(addr_parse(row->server, &peer.server), 0);
	assert_int_equal(engine_new(&peer, &host, NULL, 0, &session->engine), 0);
	feed(session, ENGINE_SERVER, "220 server\r\n");
	assert_true(passes(session, "EHLO client"));
}

static struct bed bed;

static void try_row(void **state)
{
	const struct row *row = *state;
	struct session session = { 0 };
	char command[256];

	greet(&bed, row, &session);
	snprintf(command, sizeof(command), "MAIL FROM:%s", row->mail);
	assert_int_equal(passes(&session, command), row->mail_passes);
	snprintf(command, sizeof(command), "RCPT TO:%s", row->rcpt);
	if (row->mail_passes)
		assert_int_equal(passes(&session, command), row->rcpt_passes);
	engine_free(session.engine, 0);
}

static const struct {
	const char *flow, *client, *server;
	bool passes; // STARTTLS, unread
} tls[] = {
	{ "mail-in", STRANGER, RELAY, true },
	{ "mail-out", RELAY, STRANGER, true },
	{ "mail-deliver", RELAY, STORE, false },
	{ "mail-hand-over", STORE, RELAY, false },
};

static void lets_tls_through_outside_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tls) / sizeof(tls[0]); i++) {
		const struct row row = { .flow = tls[i].flow,
					 .client = tls[i].client,
					 .server = tls[i].server };
		struct session session = { 0 };

		greet(&bed, &row, &session);
		session.touched = false;
		feed(&session, ENGINE_CLIENT, "STARTTLS\r\n");
		feed(&session, ENGINE_SERVER, "220 go ahead\r\n");
		assert_int_equal(session.released, tls[i].passes);
		assert_int_equal(session.touched, !tls[i].passes);
		engine_free(session.engine, 0);
	}
}

static int setup(void **state)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	(void)state;
	if (policy_read_path("rules/mail-gate", diag, &policy, NULL) == 0)
		plan_make(policy, diag, &bed.plan, NULL);
	diag_print(diag, stderr);
	policy_free(policy);
	diag_free(diag);
	bed.arena = arena_new();
	return bed.plan ? mail_profiles_make(bed.plan, bed.arena, &bed.profiles) : -1;
}

static int teardown(void **state)
{
	(void)state;
	plan_free(bed.plan);
	arena_free(bed.arena);
	return 0;
}

int main(void)
{
	enum { N = sizeof(rows) / sizeof(rows[0]) };
	struct CMUnitTest tests[N + 1];

	for (size_t i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, try_row, NULL, NULL,
						(void *)(uintptr_t)&rows[i] };
	tests[N] = (struct CMUnitTest)cmocka_unit_test(lets_tls_through_outside_only);
	return cmocka_run_group_tests(tests, setup, teardown);
}
