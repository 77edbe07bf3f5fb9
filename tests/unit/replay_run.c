// Connections of a capture and what becomes of them: answers, errors, pieces, translations, zones
// by interface and by address, ends and beginnings, bounds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"
#include "replay/groups.h"
#include "replay/propose.h"
#include "unit/replay_make.h"

static const char policy_text[] =
	"zones:\n"
	"  a: { interfaces: [lan-a], networks: [10.1.0.0/16, 'fd00:1::/64'] }\n"
	"  b: { interfaces: [lan-b], networks: [10.2.0.0/16, 'fd00:2::/64'] }\n"
	"  srv: { role: server, interfaces: [lan-s], networks: [192.0.2.0/24, '2001:db8:5::/64'] }\n"
	"  out: { role: external, interfaces: [wan] }\n"
	"  up: { role: uplink, interfaces: [wan-up], networks: [10.200.0.0/16] }\n"
	"networks:\n"
	"  srv/web: [192.0.2.80, '2001:db8:5::80']\n"
	"guards: { mail: { protocol: smtp, senders: [a] } }\n"
	"flows:\n"
	"  - { id: web, from: a, to: b, services: [http, ping, dns] }\n"
	"  - { id: mail, from: a, to: srv, services: smtp, guard: mail }\n"
	"  - { id: pub, from: out, to: srv/web, services: tcp/8080 }\n"
	"  - { id: away, from: a, to: out, services: [https, dns] }\n"
	"  - { id: tunnel, from: a, to: b, services: ip/gre }\n"
	"  - { id: admin, from: a, to: self, services: ssh }\n"
	"  - { id: time, from: self, to: out, services: ntp }\n"
	"nat:\n"
	"  - { id: seen, kind: forward, from: out, address: 203.0.113.1, services: http,\n"
	"      target: srv/web, port: 8080 }\n"
	"  - { id: hide, kind: masquerade, from: a, to: out }\n";

struct scenario {
	const char *name;
	const char *lines[10];
	const char *expect; // each connection: VERDICT FLOW-OR-REASON FROM>TO PACKETS+REPLIES ...
	const char *rule[2];
	bool ng; // interfaces 0: lan-a, 1: lan-b, 2: wan, 3: lan-s, 4: unnamed
};

static const struct scenario scenarios[] = {
	{ .name = "a connection and its answers",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 80 S", "0 tcp 10.2.0.9 80 10.1.0.5 40000 SA",
		     "0 tcp 10.1.0.5 40000 10.2.0.9 80 A" },
	  .expect = "allowed web a>b 2+1" },
	{ .name = "denied, with what would have answered",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 22 S", "0 tcp 10.2.0.9 22 10.1.0.5 40000 SA" },
	  .expect = "denied no-service a>b 1+1" },
	{ .name = "two by their ports",
	  .lines = { "0 udp 10.1.0.5 40000 10.2.0.9 53", "0 udp 10.1.0.5 40001 10.2.0.9 53" },
	  .expect = "allowed web a>b 1+0; allowed web a>b 1+0" },
	{ .name = "inspected",
	  .lines = { "0 tcp 10.1.0.5 40000 192.0.2.25 25 S" },
	  .expect = "inspected mail a>srv 1+0" },
	{ .name = "IPv6",
	  .lines = { "0 tcp fd00:1::5 40000 fd00:2::9 80 S",
		     "0 tcp fd00:2::9 80 fd00:1::5 40000 SA" },
	  .expect = "allowed web a>b 1+1" },
	{ .name = "ping by its identifier",
	  .lines = { "0 icmp 10.1.0.5 7 10.2.0.9 8", "0 icmp 10.2.0.9 7 10.1.0.5 0",
		     "0 icmp 10.1.0.5 8 10.2.0.9 8" },
	  .expect = "allowed web a>b 1+1; allowed web a>b 1+0" },
	{ .name = "ping of IPv6",
	  .lines = { "0 icmpv6 fd00:1::5 7 fd00:2::9 128", "0 icmpv6 fd00:2::9 7 fd00:1::5 129" },
	  .expect = "allowed web a>b 1+1" },
	{ .name = "an answer alone is to what was asked before",
	  .lines = { "0 icmp 10.2.0.9 7 10.1.0.5 0" },
	  .expect = "allowed web a>b 0+1 middle" },
	{ .name = "ICMP that opens nothing",
	  .lines = { "0 icmp 10.1.0.5 7 10.2.0.9 9" },
	  .expect = "denied opens-nothing a>b 1+0" },
	{ .name = "neighbour discovery is no connection",
	  .lines = { "0 icmpv6 fd00:1::5 7 fd00:1::9 135" },
	  .expect = "" },
	{ .name = "an error belongs to its connection",
	  .lines = { "0 udp 10.1.0.5 40000 10.2.0.9 53", "0 icmp 10.2.0.9 0 10.1.0.5 3 about" },
	  .expect = "allowed web a>b 1+0 errors=1" },
	{ .name = "of IPv6 too",
	  .lines = { "0 udp fd00:1::5 40000 fd00:2::9 53",
		     "0 icmpv6 fd00:2::1 0 fd00:1::5 1 about" },
	  .expect = "allowed web a>b 1+0 errors=1" },
	{ .name = "an error about nothing",
	  .lines = { "0 icmp 10.2.0.9 0 10.1.0.5 3" },
	  .expect = "denied error-alone b>a 1+0" },
	{ .name = "a protocol without ports",
	  .lines = { "0 gre 10.1.0.5 0 10.2.0.9 0", "0 gre 10.2.0.9 0 10.1.0.5 0" },
	  .expect = "allowed tunnel a>b 1+1" },
	{ .name = "later pieces follow the first",
	  .lines = { "0 udp 10.1.0.5 40000 10.2.0.9 53 first=7",
		     "0 udp 10.1.0.5 40000 10.2.0.9 53 more=7",
		     "0 udp 10.1.0.5 40000 10.2.0.9 53 last=7" },
	  .expect = "allowed web a>b 3+0" },
	{ .name = "also when they come before it",
	  .lines = { "0 udp 10.1.0.5 40000 10.2.0.9 53 last=7",
		     "0 udp 10.1.0.5 40000 10.2.0.9 53 first=7" },
	  .expect = "allowed web a>b 2+0" },
	{ .name = "and of IPv6",
	  .lines = { "0 udp fd00:1::5 40000 fd00:2::9 53 first=9",
		     "0 udp fd00:1::5 40000 fd00:2::9 53 last=9" },
	  .expect = "allowed web a>b 2+0" },
	{ .name = "pieces of another packet wait in vain",
	  .lines = { "0 udp 10.1.0.5 40000 10.2.0.9 53 first=7",
		     "0 udp 10.1.0.5 40000 10.2.0.9 53 last=8" },
	  .expect = "allowed web a>b 1+0" },
	{ .name = "a header that the settings refuse",
	  .lines = { "0 udp fd00:1::5 40000 fd00:2::9 53 hop" },
	  .expect = "denied extension-header a>b 1+0" },
	{ .name = "flags that open nothing",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 80 SF", "0 tcp 10.1.0.5 40001 10.2.0.9 80 0" },
	  .expect = "denied tcp-flags a>b 1+0; denied tcp-flags a>b 1+0" },
	{ .name = "open before the capture: who answers a SYN opened nothing",
	  .lines = { "0 tcp 10.2.0.9 80 10.1.0.5 40000 SA" },
	  .expect = "allowed web a>b 0+1 middle" },
	{ .name = "open before: the way that is permitted",
	  .lines = { "0 tcp 10.2.0.9 80 10.1.0.5 40000 A", "0 tcp 10.1.0.5 40000 10.2.0.9 80 A" },
	  .expect = "allowed web a>b 1+1 middle" },
	{ .name = "open before: the well-known port is the server's",
	  .lines = { "0 tcp 10.2.0.9 22 10.1.0.5 40000 A" },
	  .expect = "denied no-service a>b 0+1 middle" },
	{ .name = "a closed connection and the next with its ports",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 80 S", "0 tcp 10.2.0.9 80 10.1.0.5 40000 R",
		     "1 tcp 10.1.0.5 40000 10.2.0.9 80 S" },
	  .expect = "allowed web a>b 1+1; allowed web a>b 1+0" },
	{ .name = "a SYN again is the same",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 80 S", "3 tcp 10.1.0.5 40000 10.2.0.9 80 S" },
	  .expect = "allowed web a>b 2+0" },
	{ .name = "what answers too late opens another",
	  .lines = { "0 udp 10.1.0.5 40000 10.2.0.9 53", "31 udp 10.2.0.9 53 10.1.0.5 40000" },
	  .expect = "allowed web a>b 1+0; denied no-pair b>a 1+0" },
	{ .name = "in time it does not",
	  .lines = { "0 udp 10.1.0.5 40000 10.2.0.9 53", "29 udp 10.2.0.9 53 10.1.0.5 40000" },
	  .expect = "allowed web a>b 1+1" },
	{ .name = "the gateway itself",
	  .lines = { "0 tcp 10.1.0.5 40000 10.1.0.1 22 S", "0 tcp 10.1.0.5 40001 10.2.0.1 22 S" },
	  .expect = "allowed admin a>self 1+0; allowed admin a>self 1+0" },
	{ .name = "both ends in one zone",
	  .lines = { "0 tcp 10.1.0.5 40000 10.1.0.9 22 S" },
	  .expect = "inside same-zone a>a 1+0" },
	{ .name = "an address of no zone",
	  .lines = { "0 udp 10.1.0.5 40000 240.0.0.1 53" },
	  .expect = "denied no-zone a>? 1+0" },
	{ .name = "through a forward",
	  .lines = { "0 tcp 9.9.9.9 40000 203.0.113.1 80 S",
		     "0 tcp 203.0.113.1 80 9.9.9.9 40000 SA" },
	  .expect = "allowed pub out>srv 1+1" },
	{ .name = "a VLAN and its tag's zone",
	  .lines = { "0 tcp 10.9.9.9 40000 10.2.0.9 80 S vlan=20",
		     "0 tcp 10.1.0.9 40000 10.2.0.9 80 S vlan=20 qinq=7" },
	  .expect = "denied spoofed a>b 1+0; allowed web a>b 1+0",
	  .rule = { ".20", "a" } },
	{ .name = "false sources show where the interface is known",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 80 S in=2",
		     "0 tcp 10.1.0.5 40000 10.2.0.9 80 S in=0" },
	  .expect = "denied spoofed out>b 1+0; allowed web a>b 1+0",
	  .ng = true },
	{ .name = "a packet and its copy where it left",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 80 S in=0",
		     "0 tcp 10.1.0.5 40000 10.2.0.9 80 S out=1",
		     "0 tcp 10.2.0.9 80 10.1.0.5 40000 SA in=1",
		     "0 tcp 10.2.0.9 80 10.1.0.5 40000 SA out=0" },
	  .expect = "allowed web a>b 1+1 copies=2",
	  .ng = true },
	{ .name = "copies by the gateway's address",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 80 S in=0 to=99 from=5",
		     "0 tcp 10.2.0.9 80 10.1.0.5 40000 SA in=0 to=5 from=99" },
	  .expect = "allowed web a>b 1+1",
	  .ng = true },
	{ .name = "passing from host to host",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 80 S in=0 to=99 from=5",
		     "0 tcp 10.1.0.5 40000 10.1.0.9 22 S in=0 to=9 from=5",
		     "0 tcp 10.1.0.5 40000 10.1.0.8 22 S in=0 to=99 from=5" },
	  .expect = "allowed web a>b 1+0; inside same-zone a>a 1+0; denied no-pair a>a 1+0",
	  .ng = true },
	{ .name = "forwarded, with the copy that is translated",
	  .lines = { "0 tcp 9.9.9.9 40000 203.0.113.1 80 S in=2",
		     "0 tcp 9.9.9.9 40000 192.0.2.80 8080 S out=3",
		     "0 tcp 192.0.2.80 8080 9.9.9.9 40000 SA in=3",
		     "0 tcp 203.0.113.1 80 9.9.9.9 40000 SA out=2" },
	  .expect = "allowed pub out>srv 1+1 copies=2",
	  .ng = true },
	{ .name = "masqueraded",
	  .lines = { "0 tcp 10.1.0.5 40000 9.9.9.9 443 S in=0",
		     "0 tcp 203.0.113.7 40000 9.9.9.9 443 S out=2",
		     "0 tcp 9.9.9.9 443 203.0.113.7 40000 SA in=2" },
	  .expect = "allowed away a>out 1+1 copies=1",
	  .ng = true },
	{ .name = "the next connection with its ports, translated too",
	  .lines = { "0 udp 10.1.0.5 40000 9.9.9.9 53 in=0",
		     "0 udp 203.0.113.7 40000 9.9.9.9 53 out=2",
		     "40 udp 10.1.0.5 40000 9.9.9.9 53 in=0",
		     "40 udp 203.0.113.7 40000 9.9.9.9 53 out=2",
		     "40 udp 9.9.9.9 53 203.0.113.7 40000 in=2" },
	  .expect = "allowed away a>out 1+0 copies=1; allowed away a>out 1+1 copies=1",
	  .ng = true },
	{ .name = "the gateway's own",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 80 S in=0",
		     "0 udp 203.0.113.7 123 9.9.9.9 123 out=2" },
	  .expect = "allowed web a>b 1+0; allowed time self>out 1+0",
	  .ng = true },
	{ .name = "what the gateway denied, it does not remember",
	  .lines = { "0 udp 10.1.0.5 40000 10.2.0.9 99 in=0",
		     "0 udp 10.2.0.9 99 10.1.0.5 40000 in=1" },
	  .expect = "denied no-service a>b 1+0; denied no-pair b>a 1+0",
	  .ng = true },
	{ .name = "link-local without an interface is of every zone",
	  .lines = { "0 udp fe80::5 546 fe80::1 547" },
	  .expect = "denied no-service ?>self 1+0" },
	{ .name = "an interface that the policy does not name",
	  .lines = { "0 tcp 10.1.0.5 40000 10.2.0.9 80 S in=4" },
	  .expect = "denied spoofed out>b 1+0",
	  .rule = { "*", "out" },
	  .ng = true },
};

static struct plan *make_plan(const char *text)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;

	assert_int_equal(policy_read_text("p.yaml", text, strlen(text), diag, &policy, NULL), 0);
	if (plan_make(policy, diag, &plan, NULL) < 0)
		diag_print(diag, stderr);
	policy_free(policy);
	diag_free(diag);
	return plan;
}

static void make_capture(const struct scenario *scenario, struct made *made)
{
	static const char *const names[] = { "lan-a", "lan-b", "wan", "lan-s", "eth9" };

	*made = (struct made){ .ng = scenario->ng, .link = 1 };
	made_begin(made);
	for (size_t i = 0; scenario->ng && i < sizeof(names) / sizeof(names[0]); i++)
		made_interface(made, names[i]);
	for (size_t i = 0; i < sizeof(scenario->lines) / sizeof(*scenario->lines); i++)
		if (scenario->lines[i])
			made_add(made, scenario->lines[i]);
}

static void describe(const struct replay *replay, char *out, size_t size)
{
	size_t n_zones, n_flows, used = 0;
	const struct plan_zone *zones = plan_zones(replay->options.plan, &n_zones);
	const struct plan_flow *flows = plan_flows(replay->options.plan, &n_flows);

	*out = '\0';
	for (size_t i = 0; i < replay->tracks.n; i++) {
		const struct connection *c = track_at(&replay->tracks, i);

		if (replay_is_alias(c))
			continue;
		used += (size_t)snprintf(
			out + used, size - used, "%s%s %s %s>%s %llu+%llu", used ? "; " : "",
			replay_verdict_word((enum replay_verdict)c->verdict),
			c->flow < n_flows ? flows[c->flow].id
					  : replay_reason_word((enum replay_reason)c->reason),
			c->from < n_zones ? zones[c->from].id : "?",
			c->to < n_zones ? zones[c->to].id : "?", (unsigned long long)c->packets[0],
			(unsigned long long)c->packets[1]);
		if (c->copies)
			used += (size_t)snprintf(out + used, size - used, " copies=%u", c->copies);
		if (c->errors)
			used += (size_t)snprintf(out + used, size - used, " errors=%u", c->errors);
		if (c->flags & CONNECTION_MIDDLE)
			used += (size_t)snprintf(out + used, size - used, " middle");
	}
}

static void run(const struct plan *plan, const struct scenario *scenario, struct replay *replay)
{
	static struct addr self[4];
	static struct spot_rule rule;
	struct replay_options options = { .plan = plan, .self = self, .n_self = 3 };
	struct capture capture;
	struct made made;

	addr_parse("10.1.0.1", &self[0]);
	addr_parse("10.2.0.1", &self[1]);
	addr_parse("203.0.113.7", &self[2]);
	if (scenario->rule[0]) {
		rule = (struct spot_rule){ scenario->rule[0], scenario->rule[1] };
		options.rules = &rule;
		options.n_rules = 1;
	}
	make_capture(scenario, &made);
	assert_int_equal(capture_open(&capture, made.bytes.v, made.bytes.n), 0);
	replay_init(replay, &options);
	replay_run(replay, &capture);
	assert_string_equal(capture.fault, "");
	capture_done(&capture);
	made_done(&made);
}

static void one_scenario(void **state)
{
	const struct scenario *scenario = *state;
	struct plan *plan = make_plan(policy_text);
	struct replay replay;
	char got[1024];

	assert_non_null(plan);
	run(plan, scenario, &replay);
	describe(&replay, got, sizeof(got));
	assert_string_equal(got, scenario->expect);
	replay_done(&replay);
	plan_free(plan);
}

// --- bounds

static void full_table(void **state)
{
	struct plan *plan = make_plan(policy_text);
	struct made made = { .link = 1 };
	struct replay_options options = { .plan = plan, .max = 8 };
	struct replay replay;
	struct capture capture;
	char line[100];

	(void)state;
	made_begin(&made);
	for (int i = 0; i < 9; i++) {
		snprintf(line, sizeof(line), "0 udp 10.1.0.5 %d 10.2.0.9 53", 40000 + i);
		made_add(&made, line);
	}
	made_add(&made, "0 udp 10.2.0.9 53 10.1.0.5 40003");
	assert_int_equal(capture_open(&capture, made.bytes.v, made.bytes.n), 0);
	replay_init(&replay, &options);
	replay_run(&replay, &capture);
	assert_int_equal(replay.tracks.n, 8);
	assert_int_equal(replay.totals.left[REPLAY_BEYOND], 1);
	assert_int_equal(track_at(&replay.tracks, 3)->packets[1], 1);
	replay_done(&replay);
	capture_done(&capture);
	made_done(&made);
	plan_free(plan);
}

// Thousands of connections: each is found again, in any order.
static void many(void **state)
{
	struct plan *plan = make_plan(policy_text);
	struct made made = { .link = 1 };
	struct replay_options options = { .plan = plan, .seed = { 1, 2, 3, 4 } };
	struct replay replay;
	struct capture capture;
	char line[100];

	(void)state;
	made_begin(&made);
	for (int i = 0; i < 3 * 5000; i++) {
		int k = i * 7919 % 5000;

		snprintf(line, sizeof(line), "1 tcp 10.1.%d.%d %d 10.2.0.9 80 S", k / 250, k % 250,
			 30000 + k);
		made_add(&made, line);
	}
	assert_int_equal(capture_open(&capture, made.bytes.v, made.bytes.n), 0);
	replay_init(&replay, &options);
	replay_run(&replay, &capture);
	assert_int_equal(replay.tracks.n, 5000);
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(track_at(&replay.tracks, i)->packets[0], 3);
	replay_done(&replay);
	capture_done(&capture);
	made_done(&made);
	plan_free(plan);
}

// --- two policies, and proposals

static const struct scenario mixed = {
	"mixed",
	{ "0 tcp 10.1.0.5 40000 10.2.0.9 80 S", "0 tcp 10.1.0.5 40001 10.2.0.9 22 S",
	  "0 tcp 10.1.0.6 40001 10.2.0.9 22 S", "0 tcp 10.1.0.5 40002 10.2.0.9 2222 S",
	  "0 tcp 10.1.0.6 40002 10.2.0.9 2222 S", "0 udp 10.2.0.9 53 10.1.0.5 53",
	  "0 icmp 10.2.0.9 1 10.1.0.7 8", "0 tcp fd00:1::5 40000 fd00:2::9 22 S",
	  "0 udp 10.1.0.5 500 240.0.0.1 53" },
	"",
	{ 0 },
	false
};

static void two_policies(void **state)
{
	struct plan *plan = make_plan(policy_text);
	char text[4096], *at;
	struct replay replay;
	struct fate is[64];
	struct changes changes;

	(void)state;
	snprintf(text, sizeof(text), "%s", policy_text);
	at = strstr(text, "[http, ping, dns]");
	memcpy(at, "[ssh, ping, dns] ", 17);

	struct plan *other = make_plan(text);

	run(plan, &mixed, &replay);
	replay_judge_again(&replay, other, is);
	changes_make(&replay, other, is, &changes);
	assert_int_equal(changes.connections, 4); // three of ssh open, one of http closes
	assert_int_equal(changes.n, 2);
	assert_int_equal(changes.v[0].connections, 3);
	assert_int_equal(changes.v[0].was.verdict, REPLAY_DENIED);
	assert_int_equal(changes.v[0].is.verdict, REPLAY_ALLOWED);
	assert_int_equal(changes.v[1].is.verdict, REPLAY_DENIED);
	changes_done(&changes);
	replay_done(&replay);
	plan_free(other);
	plan_free(plan);
}

static void proposals(void **state)
{
	struct plan *plan = make_plan(policy_text);
	struct replay replay;
	struct proposal *proposal;
	bool include[16] = { true, true, true, true, true, true, true, true };
	char *text = NULL, whole[8192];
	size_t size;

	(void)state;
	run(plan, &mixed, &replay);
	proposal = propose(plan, &replay);
	assert_int_equal(propose_flows(proposal), 4);

	FILE *out = open_memstream(&text, &size);

	propose_print(proposal, include, NULL, out);
	fclose(out);
	assert_non_null(strstr(text, "a/seen-1: [\"10.1.0.5-10.1.0.6\", \"fd00:1::5\"]"));
	assert_non_null(strstr(text, "services: [tcp/22]"));
	assert_non_null(strstr(text, "services: [tcp/2222]"));
	assert_non_null(strstr(text, "icmp/echo-request"));
	assert_null(strstr(text, "240.0.0.1"));

	// Pasted into the policy, nothing of it is denied any more.
	char *networks = strstr(text, "networks:\n") + strlen("networks:\n"), *flows;
	char *head = strstr(policy_text, "guards:");

	flows = strstr(networks, "flows:\n");
	snprintf(whole, sizeof(whole),
		 "%.*s%.*sguards: { mail: { protocol: smtp, senders: [a] } }\n%s%s",
		 (int)(head - policy_text), policy_text, (int)(flows - networks), networks, flows,
		 strstr(policy_text, "flows:\n") + strlen("flows:\n"));

	struct plan *wider = make_plan(whole);
	struct fate is[64];

	assert_non_null(wider);
	replay_judge_again(&replay, wider, is);
	for (size_t i = 0; i < replay.tracks.n; i++)
		if (is[i].reason != REPLAY_NO_ZONE)
			assert_int_equal(is[i].verdict, REPLAY_ALLOWED);
	free(text);
	propose_done(proposal);
	replay_done(&replay);
	plan_free(wider);
	plan_free(plan);
}

int main(void)
{
	enum { N = sizeof(scenarios) / sizeof(scenarios[0]) };
	static struct CMUnitTest tests[N + 4];
	size_t n = 0;

	for (; n < N; n++)
		tests[n] = (struct CMUnitTest){ scenarios[n].name, one_scenario, NULL, NULL,
						(void *)(uintptr_t)&scenarios[n] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(full_table);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(many);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(two_policies);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(proposals);
	return _cmocka_run_group_tests("replay", tests, n, NULL, NULL);
}
