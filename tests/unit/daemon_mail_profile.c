// What inspectors are given of a policy's mail guards: asked as the engine asks it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "daemon/mail_profile.h"
#include "mime/mime.h"
#include "policy/keys.h"
#include "unpack/unpack.h"

static const char policy_text[] =
	"zones:\n"
	"  office: { interfaces: [e0], networks: [10.20.0.0/16, 'fd00:20::/32'] }\n"
	"  dmz: { role: server, interfaces: [e1], networks: [192.0.2.0/24, 'fd00:30::/32'] }\n"
	"  internet: { role: external, interfaces: [e2] }\n"
	"networks:\n"
	"  dmz/relay: [192.0.2.25, 'fd00:30::25']\n"
	"  office/store: [10.20.0.25]\n"
	"  office/press: [10.20.7.0/24]\n"
	"  internet/lists: [203.0.113.7]\n"
	"clauses: [{ id: 60-1, controls: [MAIL-01] }, { id: 60-3 }, { id: 12, controls: [MAIL-05] }, { id: 61-2, controls: [NET-01, MAIL-05] }]\n"
	"guards:\n"
	"  outer:\n"
	"    protocol: smtp\n"
	"    domains: [City.Example.JP, '*.city.example.jp']\n"
	"    senders: dmz/relay\n"
	"    own-sender: mark\n"
	"    own-sender-from: internet/lists\n"
	"    size-in: 10MB\n"
	"    tls: allow-blind\n"
	"    tls-servers: [dmz/relay, internet]\n"
	"  inner:\n"
	"    protocol: smtp\n"
	"    domains: city.example.jp\n"
	"    senders: [office]\n"
	"    smart-hosts: dmz/relay\n"
	"    size: 15MiB\n"
	"    sizes:\n"
	"      - { from: office/press, direction: out, max: 50MB }\n"
	"      - { recipients: [Plans@City.example.jp, archive.example.jp], max: 30MB }\n"
	"    attachments:\n"
	"      - { direction: in, kinds: [script, misleading, undecodable], action: refuse }\n"
	"      - { from: office/press, names: ['*.LZH', plan?.pdf], types: video/*, over: 5MB, action: allow }\n"
	"      - { words: [機密, 部外秘], action: refuse, clause: 61-2 }\n"
	"      - { words: 重要性Ⅰ, personal-numbers: 3, action: record }\n"
	"      - { total-over: 30MB, number-over: 50, recipients: archive.example.jp, action: record }\n"
	"    limits: { recipients: 0, sessions: 5, session-rate: 30/min, message-rate: 100/h }\n"
	"  tls:\n"
	"    protocol: smtp\n"
	"    mode: proxy\n"
	"    domains: city.example.jp\n"
	"    tls: inspect\n"
	"    certificate: gate\n"
	"    tls-minimum: '1.3'\n"
	"    tls-required: true\n"
	"    tls-verify:\n"
	"      - { servers: [office/store], name: Store.City.Example.JP }\n"
	"      - { servers: [office], name: 霞野町.example }\n"
	"  unused: { protocol: smtp, domains: a.example }\n"
	"  names: dns\n"
	"flows:\n"
	"  - { id: mail-in, from: internet, to: dmz/relay, services: smtp, guard: outer,\n"
	"      clause: [60-3, 60-1] }\n"
	"  - { id: mail-out, from: dmz/relay, to: internet, services: smtp, guard: outer }\n"
	"  - { id: mail-relay, from: [office, dmz/relay], to: [dmz/relay, office/store],\n"
	"      services: smtp, guard: inner }\n"
	"  - { id: mail-tls, from: dmz, to: office, services: submission, guard: tls }\n"
	"  - { id: ask, from: office, to: dmz, services: dns, guard: names }\n"
	"  - { id: web, from: office, to: internet, services: https }\n"
	"record: { keep: 400d, mail: { hash-addresses: true } }\n";

struct bed {
	struct arena *arena;
	struct profiles profiles;
	uint32_t marks[4]; // of mail-in, mail-out, mail-relay, mail-tls
};

static int setup(void **state)
{
	static struct bed bed;
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	size_t n;

	if (policy_read_text("p.yaml", policy_text, strlen(policy_text), diag, &policy, NULL) == 0)
		plan_make(policy, diag, &plan, NULL);
	diag_print(diag, stderr);
	if (!plan)
		return -1;
	policy_free(policy);
	bed.arena = arena_new();
	bed.marks[0] = plan_flows(plan, &n)[plan_find_flow(plan, "mail-in")].guard_mark;
	bed.marks[1] = plan_flows(plan, &n)[plan_find_flow(plan, "mail-out")].guard_mark;
	bed.marks[2] = plan_flows(plan, &n)[plan_find_flow(plan, "mail-relay")].guard_mark;
	bed.marks[3] = plan_flows(plan, &n)[plan_find_flow(plan, "mail-tls")].guard_mark;
	if (mail_profiles_make(plan, bed.arena, &bed.profiles) < 0)
		return -1;
	plan_free(plan); // the profiles stand alone
	diag_free(diag);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	arena_free(bed->arena);
	return 0;
}

static bool holds(const struct profile_addrs *addrs, const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return profile_holds(addrs, &addr);
}

static void tls_that_is_inspected(void **state)
{
	const struct bed *bed = *state;
	static const struct {
		const char *server, *name;
	} rows[] = {
		{ "10.20.0.25", "store.city.example.jp" },
		{ "10.20.0.26", "xn--" },
		{ "fd00:20::1", "xn--" },
		{ "192.0.2.25", NULL },
	};
	const struct profile *profile = profiles_find(&bed->profiles, bed->marks[3])->profile;
	const struct profile_tls_inspect *inspect = &profile->tls_inspect;

	assert_int_equal(profile->tls, PROFILE_TLS_INSPECT);
	assert_string_equal(inspect->certificate, "gate");
	assert_int_equal(inspect->least_client, 0x0304);
	assert_int_equal(inspect->least_server, 0x0304);
	assert_true(inspect->required);
	assert_false(inspect->at_once);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr addr;
		const char *name;
		assert_int_equal(addr_parse(rows[i].server, &addr), 0);
		name = profile_tls_name(inspect, &addr);
		if (rows[i].name && i)
			assert_memory_equal(name, "xn--", 4);
		else if (rows[i].name)
			assert_string_equal(name, rows[i].name);
		else
			assert_null(name);
	}
	profile = profiles_find(&bed->profiles, bed->marks[0])->profile;
	assert_int_equal(profile->tls, PROFILE_TLS_BLIND);
	assert_int_equal(profile->tls_inspect.n_names, 0);
}

static void flows(void **state)
{
	const struct bed *bed = *state;
	const struct profile_flow *in = profiles_find(&bed->profiles, bed->marks[0]);
	const struct profile_flow *out = profiles_find(&bed->profiles, bed->marks[1]);
	const struct profile_flow *relay = profiles_find(&bed->profiles, bed->marks[2]);

	assert_int_equal(bed->profiles.n, 4); // not those of other protocols
	assert_null(profiles_find(&bed->profiles, 0));
	assert_string_equal(in->id, "mail-in");
	assert_string_equal(in->clause, "60-3");
	assert_string_equal(out->clause, "");
	assert_ptr_equal(in->profile, out->profile);
	assert_string_equal(in->profile->guard, "outer");
	assert_int_equal(in->n_from, 1);
	assert_string_equal(in->from[0].id, "internet");
	assert_true(holds(&in->from[0].addrs, "203.0.113.9"));
	assert_false(holds(&in->from[0].addrs, "10.20.0.1"));
	assert_false(holds(&in->from[0].addrs, "fd00:20::1"));
	assert_int_equal(relay->n_from, 2);
	assert_int_equal(relay->n_to, 2);
	assert_string_equal(relay->from[0].id, "office");
	assert_string_equal(relay->from[1].id, "dmz");
	for (size_t i = 1; i < bed->profiles.n; i++)
		assert_true((bed->profiles.flows[i - 1].mark & PROFILE_NUMBER) <
			    (bed->profiles.flows[i].mark & PROFILE_NUMBER));
	// The number of another policy, where it is another flow's, or that flow has another guard.
	assert_null(profiles_find(&bed->profiles, bed->marks[0] ^ 0x1000));
	assert_null(profiles_find(&bed->profiles, bed->marks[0] ^ 0x20000000));
	// Of rules that were made without it.
	assert_ptr_equal(profiles_find(&bed->profiles, bed->marks[0] & PROFILE_NUMBER), in);
}

static void outer(void **state)
{
	const struct bed *bed = *state;
	const struct profile *outer = profiles_find(&bed->profiles, bed->marks[0])->profile;

	assert_true(profile_owns(outer, "city.example.jp"));
	assert_true(profile_owns(outer, "mail.city.example.jp"));
	assert_false(profile_owns(outer, "notcity.example.jp"));
	assert_true(holds(&outer->senders, "192.0.2.25"));
	assert_true(holds(&outer->senders, "fd00:30::25"));
	assert_false(holds(&outer->senders, "192.0.2.26"));
	assert_int_equal(outer->smart_hosts.n, 0);
	assert_int_equal(outer->own_sender, PROFILE_OWN_MARK);
	assert_true(holds(&outer->own_sender_from, "203.0.113.7"));
	assert_false(holds(&outer->own_sender_from, "203.0.113.8"));
	assert_int_equal(outer->tls, PROFILE_TLS_BLIND);
	assert_true(holds(&outer->tls_servers, "198.51.100.1")); // somewhere outside
	assert_true(holds(&outer->tls_servers, "192.0.2.25"));
	assert_false(holds(&outer->tls_servers, "192.0.2.26"));
	assert_false(outer->after_greeting);
	assert_int_equal(outer->n_sizes, 2);
	assert_true(outer->sizes[0].whose.only_in && !outer->sizes[0].whose.only_out);
	assert_int_equal(outer->sizes[0].max, 10000000);
	assert_false(outer->sizes[1].whose.only_in || outer->sizes[1].whose.only_out);
	assert_int_equal(outer->sizes[1].max, 20000000);
	assert_int_equal(outer->limits.recipients, 100);
	assert_int_equal(outer->limits.sessions, 50);
	assert_int_equal(outer->limits.message_rate, 0);
}

static void inner(void **state)
{
	const struct bed *bed = *state;
	const struct profile *inner = profiles_find(&bed->profiles, bed->marks[2])->profile;

	assert_int_equal(inner->own_sender, PROFILE_OWN_REFUSE);
	assert_true(holds(&inner->smart_hosts, "192.0.2.25"));
	assert_false(holds(&inner->smart_hosts, "10.20.0.25"));
	assert_int_equal(inner->n_sizes, 3);
	assert_true(holds(inner->sizes[0].whose.clients, "10.20.7.9"));
	assert_false(holds(inner->sizes[0].whose.clients, "10.20.8.9"));
	assert_true(inner->sizes[0].whose.only_out);
	assert_int_equal(inner->sizes[0].max, 50000000);
	assert_null(inner->sizes[1].whose.clients);
	assert_int_equal(inner->sizes[1].whose.n_recipients, 2);
	assert_string_equal(inner->sizes[1].whose.recipients[0], "plans@city.example.jp");
	assert_string_equal(inner->sizes[1].whose.recipients[1], "@archive.example.jp");
	assert_int_equal(inner->sizes[2].max, 15 * 1024 * 1024);
	assert_int_equal(inner->sizes[2].whose.n_recipients, 0);
	assert_int_equal(inner->n_attachments, 6);
	const struct profile_attachment *rule = inner->attachments;
	assert_true(rule->whose.only_in && !rule->whose.only_out && !rule->whose.clients &&
		    !rule->whose.n_recipients);
	assert_int_equal(rule->kinds, UNPACK_SCRIPT | UNPACK_MISLEADING);
	assert_int_equal(rule->doubts, MIME_UNDECODABLE);
	assert_false(rule->unread);
	assert_int_equal(rule->action, PROFILE_REFUSE);
	rule++;
	assert_true(holds(rule->whose.clients, "10.20.7.9"));
	assert_int_equal(rule->n_names, 2);
	assert_string_equal(rule->names[0], "*.lzh");
	assert_string_equal(rule->names[1], "plan?.pdf");
	assert_int_equal(rule->n_types, 1);
	assert_string_equal(rule->types[0], "video/*");
	assert_int_equal(rule->size_over, 5000000);
	assert_int_equal(rule->action, PROFILE_ALLOW);
	rule++;
	assert_string_equal(rule->clause, "61-2");
	assert_int_equal(rule->words, 3);
	assert_int_equal(rule->numbers, 0);
	rule++;
	assert_string_equal(rule->clause, "");
	assert_int_equal(rule->words, 4);
	assert_int_equal(rule->numbers, 3);
	assert_non_null(inner->terms);
	rule++;
	assert_int_equal(rule->total_over, 30000000);
	assert_int_equal(rule->number_over, 50);
	assert_string_equal(rule->whose.recipients[0], "@archive.example.jp");
	assert_int_equal(rule->action, PROFILE_RECORD);
	rule++; // what nobody can read closes
	assert_true(rule->unread && rule->doubts == MIME_UNDECODABLE && !rule->kinds);
	assert_int_equal(rule->action, PROFILE_REFUSE);
	assert_int_equal(inner->tls, PROFILE_TLS_CLEAR_ONLY);
	assert_int_equal(inner->limits.recipients, 0);
	assert_int_equal(inner->limits.sessions, 5);
	assert_int_equal(inner->limits.session_rate, 30);
	assert_int_equal(inner->limits.session_seconds, 60);
	assert_int_equal(inner->limits.message_rate, 100);
	assert_int_equal(inner->limits.message_seconds, 3600);
}

// Of the flow's clauses, or else of all, the first that answers the control; else the flow's first.
static void clauses(void **state)
{
	const struct bed *bed = *state;
	const struct profile_flow *in = profiles_find(&bed->profiles, bed->marks[0]);
	const struct profile_flow *out = profiles_find(&bed->profiles, bed->marks[1]);

	assert_string_equal(in->clause, "60-3");
	assert_string_equal(profile_clause(in, "MAIL-01"), "60-1");
	assert_string_equal(profile_clause(in, "MAIL-05"), "12");
	assert_string_equal(profile_clause(in, "MAIL-09"), "60-3");
	assert_string_equal(profile_clause(in, "MAIL-12"), "60-3");
	assert_string_equal(profile_clause(in, ""), "60-3");
	assert_string_equal(profile_clause(out, "MAIL-05"), "12");
	assert_string_equal(profile_clause(out, "MAIL-09"), "");
}

// Every kind that a file may be has its word in policies, by the same name.
static void every_kind(void **state)
{
	char text[1024];
	size_t n = (size_t)snprintf(
		text, sizeof(text),
		"zones: { a: { interfaces: [e0], networks: [10.0.0.0/8] } }\n"
		"guards: { g: { protocol: smtp, domains: a.example, attachments: [{ action: refuse, kinds: [");
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	struct arena *arena = arena_new();
	struct profiles profiles;

	(void)state;
	for (size_t i = 0; unpack_kind_names[i]; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s, ", unpack_kind_names[i]);
	snprintf(text + n, sizeof(text) - n,
		 "]}] } }\nflows: [{ id: f, from: a, to: a, services: smtp, guard: g }]\n");
	if (policy_read_text("p.yaml", text, strlen(text), diag, &policy, NULL) == 0)
		plan_make(policy, diag, &plan, NULL);
	diag_print(diag, stderr);
	assert_non_null(plan);
	assert_int_equal(mail_profiles_make(plan, arena, &profiles), 0);
	assert_int_equal(profiles.flows[0].profile->attachments[0].kinds, (1u << UNPACK_KINDS) - 1);
	policy_free(policy);
	plan_free(plan);
	arena_free(arena);
	diag_free(diag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_that_is_inspected),
		cmocka_unit_test(flows),
		cmocka_unit_test(clauses),
		cmocka_unit_test(outer),
		cmocka_unit_test(inner),
		cmocka_unit_test(every_kind),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
