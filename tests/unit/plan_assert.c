// Assertions: what violates them and what does not, the packets and flows that a violation names,
// and the time that they take on a large policy.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "plan/plan.h"

// a - relay - b: hosts that relay; out: external; pub: public; srv: server; mute: inside, no relay.
static const char head[] =
	"zones:\n"
	"  a: { interfaces: [a0], networks: [10.1.0.0/16, 'fd00:1::/64'] }\n"
	"  b: { interfaces: [b0], networks: [10.2.0.0/16, 'fd00:2::/64'] }\n"
	"  mute: { interfaces: [m0], networks: [10.3.0.0/16], relay: false }\n"
	"  srv: { role: server, interfaces: [s0], networks: [192.0.2.0/24, '2001:db8:5::/64'] }\n"
	"  pub: { role: public, interfaces: [p0], networks: [172.16.0.0/20] }\n"
	"  up: { role: uplink, interfaces: [u0], networks: [10.200.0.0/16] }\n"
	"  out: { role: external, interfaces: [o0, o1] }\n"
	"networks:\n"
	"  srv/web: [192.0.2.80]\n"
	"  srv/db: { addresses: [192.0.2.33], relay: false }\n"
	"  srv/mail: [192.0.2.25, '2001:db8:5::25']\n"
	"  mute/plain: [10.3.1.0/24]\n"
	"  mute/proxy: { addresses: [10.3.0.9], relay: true }\n"
	"  a/first: [10.1.0.0/24]\n"
	"  a/second: [10.1.1.0/24]\n"
	"  quiet: { addresses: [10.2.9.0/24], relay: false }\n"
	"  out/hidden: [203.0.113.1]\n";

struct example {
	const char *name;
	const char *flows;
	const char *assertion;
	unsigned code; // 0: holds
	const char *says[4];
};

#define FLOW(id, from, to, services)                                                               \
	"  - { id: " id ", from: " from ", to: " to ", services: [" services "] }\n"

static const struct example examples[] = {
	{ "holds",
	  FLOW("f", "a", "srv/web", "http"),
	  "never: { from: pub, to: [a, b, srv] }",
	  0,
	  { 0 } },
	{ "one step",
	  FLOW("f", "pub", "srv/mail", "smtp"),
	  "never: { from: pub, to: srv }",
	  450,
	  { "flow f (p.yaml:20) lets tcp 172.16.0.5:40000 -> 192.0.2.25:25 through" } },
	{ "two steps, each from where the one before went",
	  FLOW("f", "pub", "srv/mail", "smtp") FLOW("g", "srv/mail", "a/second", "imap"),
	  "never: { from: pub, to: a }",
	  450,
	  { "tcp 172.16.0.5:40000 -> 192.0.2.25:25 through, then flow g (p.yaml:21) lets tcp "
	    "192.0.2.25:40000 -> 10.1.1.5:143 through" } },
	{ "a host that is not the one reached",
	  FLOW("f", "pub", "srv/mail", "smtp") FLOW("g", "srv/web", "a", "imap"),
	  "never: { from: pub, to: a }",
	  0,
	  { 0 } },
	{ "direct: relays do not count",
	  FLOW("f", "pub", "srv/mail", "smtp") FLOW("g", "srv/mail", "a", "imap"),
	  "never: { from: pub, to: a, direct: true }",
	  0,
	  { 0 } },
	{ "a network that does not relay",
	  FLOW("f", "pub", "srv/db", "postgres") FLOW("g", "srv/db", "a", "imap"),
	  "never: { from: pub, to: a }",
	  0,
	  { 0 } },
	{ "a zone that does not relay",
	  FLOW("f", "pub", "mute/plain", "http") FLOW("g", "mute", "a", "imap"),
	  "never: { from: pub, to: a }",
	  0,
	  { 0 } },
	{ "a network of it that does",
	  FLOW("f", "pub", "mute", "http") FLOW("g", "mute", "a", "imap")
		  FLOW("h", "out", "mute/proxy", "http"),
	  "never: { from: out, to: a }",
	  450,
	  { "10.3.0.9:80", "10.3.0.9:40000 -> 10.1.0.5:143" } },
	{ "a group that does not relay",
	  FLOW("f", "pub", "b/quiet", "http") FLOW("g", "b", "a", "imap"),
	  "never: { from: pub, to: a }",
	  0,
	  { 0 } },
	{ "external hosts do not relay",
	  FLOW("f", "a", "out", "http") FLOW("g", "out", "srv/web", "http"),
	  "never: { from: a, to: srv }",
	  0,
	  { 0 } },
	{ "a circle of relays ends",
	  FLOW("f", "a", "b", "http") FLOW("g", "b", "a", "http") FLOW("h", "a", "a", "ssh"),
	  "never: { from: a, to: out }",
	  0,
	  { 0 } },
	{ "the last packet's service counts",
	  FLOW("f", "pub", "srv/web", "http") FLOW("g", "srv/web", "a", "imap, smb"),
	  "never: { from: pub, to: a, services: smb }",
	  450,
	  { ":445 through" } },
	{ "another service",
	  FLOW("f", "pub", "srv/web", "http, smb") FLOW("g", "srv/web", "a", "imap"),
	  "never: { from: pub, to: a, services: smb }",
	  0,
	  { 0 } },
	{ "the permitted part of a range",
	  FLOW("f", "pub", "srv/web", "tcp/1-1000"),
	  "never: { from: pub, to: srv, services: tcp/900-2000 }",
	  450,
	  { "192.0.2.80:900 through" } },
	{ "IPv6 only",
	  FLOW("f", "a", "b", "icmpv6/echo-request"),
	  "never: { from: a, to: b, services: ping }",
	  450,
	  { "icmpv6/echo-request fd00:1::5 -> fd00:2::5" } },
	{ "any service over IPv6 is no ICMP of IPv4",
	  "  - { id: f, from: a, to: b, services: any, except: [{ services: [icmp] }] }\n",
	  "never: { from: a, to: b, services: icmp }",
	  0,
	  { 0 } },
	{ "only part of a zone",
	  FLOW("f", "a/first", "b", "http"),
	  "never: { from: a/second, to: b }",
	  0,
	  { 0 } },
	{ "an except is heeded",
	  "  - { id: f, from: a, to: b, services: http, except: [{ from: a/second }] }\n",
	  "never: { from: a/second, to: b }",
	  0,
	  { 0 } },
	{ "a forward's outside address",
	  FLOW("f", "out", "srv/web",
	       "http") "nat:\n"
		       "  - { id: n, kind: forward, from: out, address: 203.0.113.1, services: http, "
		       "target: srv/web }\n",
	  "never: { from: out, to: out/hidden }",
	  450,
	  { "out reaches out/hidden", "-> 192.0.2.80:80" } },
	{ "an outside address that nothing forwards",
	  FLOW("f", "out", "srv/web", "http"),
	  "never: { from: out, to: out/hidden }",
	  0,
	  { 0 } },
	{ "all around via",
	  FLOW("f", "a", "up", "http") FLOW("g", "a", "srv/web", "http"),
	  "only-via: { from: a, via: up }",
	  0,
	  { 0 } },
	{ "around via",
	  FLOW("f", "a", "up", "http") FLOW("g", "a", "srv/web", "http")
		  FLOW("h", "srv/web", "out", "dns"),
	  "only-via: { from: a, via: up }",
	  451,
	  { "reaches out without passing up", "flow g", "then flow h" } },
	{ "through via",
	  FLOW("g", "a", "srv/web", "http") FLOW("h", "srv/web", "out", "dns"),
	  "only-via: { from: a, to: out, via: srv/web }",
	  0,
	  { 0 } },
	{ "through only one of two",
	  FLOW("g", "a", "srv", "http") FLOW("h", "srv", "out", "dns"),
	  "only-via: { from: a, to: out, via: srv/web }",
	  451,
	  { "flow g", "flow h" } },
	{ "the gateway's own packets",
	  FLOW("f", "self", "out", "ntp"),
	  "never: { from: self, to: out }",
	  450,
	  { "udp self:40000 -> 8.8.8.8:123" } },
	{ "the gateway relays nothing",
	  FLOW("f", "a", "self", "ssh") FLOW("g", "self", "out", "ntp"),
	  "never: { from: a, to: out }",
	  0,
	  { 0 } },
	{ "as many points",
	  FLOW("f", "a", "b", "http"),
	  "at-most: { connection-points: 3 }",
	  0,
	  { 0 } },
	{ "one point too many",
	  FLOW("f", "a", "b", "http"),
	  "at-most: { connection-points: 2 }",
	  452,
	  { "3 interfaces" } },
	{ "as many flows",
	  FLOW("f", "out", "srv/web", "http") FLOW("g", "a", "srv/web", "http"),
	  "at-most: { flows: 1, from: out }",
	  0,
	  { 0 } },
	{ "one flow too many",
	  FLOW("f", "out", "srv/web", "http") FLOW("g", "out", "srv/mail", "smtp")
		  FLOW("h", "out", "srv/web", "https"),
	  "at-most: { flows: 1, from: out, to: srv/web }",
	  453,
	  { "2 flows", "f (p.yaml:20), h (p.yaml:22)" } },
};

struct outcome {
	struct diag *diag;
	struct plan *plan;
	bool failed;
	int result;
};

static struct outcome try_policy(const char *text, size_t size)
{
	struct outcome out = { .diag = diag_new() };
	struct pol_policy *policy = NULL;

	out.result = policy_read_text("p.yaml", text, size, out.diag, &policy, NULL);
	if (out.result == 0)
		out.result = plan_make(policy, out.diag, &out.plan, &out.failed);
	policy_free(policy);
	return out;
}

static void outcome_done(struct outcome *out)
{
	plan_free(out->plan);
	diag_free(out->diag);
}

static const struct diag_item *first_error(const struct diag *diag)
{
	for (size_t i = 0; i < diag_count(diag); i++)
		if (diag_at(diag, i)->severity == DIAG_ERROR)
			return diag_at(diag, i);
	return NULL;
}

static void check_example(void **state)
{
	const struct example *example = *state;
	char text[8192];
	int size = snprintf(text, sizeof(text), "%sflows:\n%sassertions:\n  - { id: x, %s }\n",
			    head, example->flows, example->assertion);
	struct outcome out = try_policy(text, (size_t)size);
	const struct diag_item *item = first_error(out.diag);

	if (diag_errors(out.diag) != (example->code ? 1 : 0) ||
	    (item && item->code != example->code)) {
		diag_print(out.diag, stderr);
		fail_msg("expected %u", example->code);
	}
	for (size_t i = 0; i < 4 && example->says[i]; i++)
		if (!strstr(item->message, example->says[i]))
			fail_msg("\"%s\" does not say \"%s\"", item->message, example->says[i]);
	assert_int_equal(out.failed, example->code != 0);
	if (item)
		assert_non_null(item->second.file);
	outcome_done(&out);
}

// 10,000 flows between hosts of two zones, each reached host opening the next connection: the
// longest chain there can be, so that a search that goes over all boxes at every step shows.
static size_t write_large(char *text, size_t size, unsigned n_flows, unsigned n_assertions)
{
	size_t used = (size_t)snprintf(text, size,
				       "zones:\n"
				       "  a: { interfaces: [a0], networks: [10.1.0.0/16] }\n"
				       "  b: { interfaces: [b0], networks: [10.2.0.0/16] }\n"
				       "  c: { interfaces: [c0], networks: [10.3.0.0/16] }\n"
				       "  out: { role: external, interfaces: [o0] }\n"
				       "networks:\n");

	for (unsigned i = 0; i < n_flows / 2; i++)
		used += (size_t)snprintf(text + used, size - used,
					 "  a/n%u: [10.1.%u.%u]\n  b/n%u: [10.2.%u.%u]\n", i,
					 i >> 8, i & 255, i, i >> 8, i & 255);
	used += (size_t)snprintf(text + used, size - used, "flows:\n");
	for (unsigned i = 0; i + 1 < n_flows; i++)
		used += (size_t)snprintf(
			text + used, size - used,
			"  - { id: f%u, from: %s/n%u, to: %s/n%u, services: tcp/%u }\n", i,
			i % 2 ? "b" : "a", i / 2, i % 2 ? "a" : "b", i / 2 + i % 2, 1 + i % 5);
	used += (size_t)snprintf(text + used, size - used, "assertions:\n");
	for (unsigned i = 0; i < n_assertions; i++)
		used += (size_t)snprintf(text + used, size - used,
					 "  - { id: x%u, never: { from: a/n0, to: [c, out] } }\n",
					 i);
	assert_true(used < size);
	return used;
}

static double seconds_of(unsigned n_assertions)
{
	enum { SIZE = 4 * 1024 * 1024, FLOWS = 10000 };
	char *text = malloc(SIZE);
	size_t size = write_large(text, SIZE, FLOWS, n_assertions);
	struct timespec begin, end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);

	struct outcome out = try_policy(text, size);

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	if (out.result < 0)
		diag_print(out.diag, stderr);
	assert_int_equal(out.result, 0);
	outcome_done(&out);
	free(text);
	return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

static void large(void **state)
{
	double without = seconds_of(1);
	double with = seconds_of(21);

	(void)state;
	print_message("10000 flows: %.3f s; with 20 assertions more: %.3f s\n", without, with);
	assert_true(with - without < 2.0); // sanitizers included; without them a hundredth of it
}

int main(void)
{
	enum { EXAMPLES = sizeof(examples) / sizeof(examples[0]) };
	struct CMUnitTest tests[EXAMPLES + 1] = { 0 };

	for (size_t i = 0; i < EXAMPLES; i++)
		tests[i] = (struct CMUnitTest){ examples[i].name, check_example, NULL, NULL,
						(void *)&examples[i] };
	tests[EXAMPLES] = (struct CMUnitTest)cmocka_unit_test(large);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
