// Tests of a policy: what their faults say, that whole zones are tried exactly, that as many
// questions are asked as are allowed and no more, and that a difference between two policies tells
// of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/diff.h"
#include "plan/plan.h"

static const char head[] =
	"zones:\n"
	"  a: { interfaces: [a0], networks: [10.1.0.0/16, 'fd00:1::/64'] }\n"
	"  b: { interfaces: [b0], networks: [10.2.0.0/16, 'fd00:2::/64'] }\n"
	"  srv: { role: server, interfaces: [s0], networks: [192.0.2.0/24, '2001:db8:5::/64'] }\n"
	"  out: { role: external, interfaces: [o0] }\n"
	"networks:\n"
	"  srv/web: [192.0.2.80, '2001:db8:5::80']\n"
	"  a/low: [10.1.0.0/17]\n"
	"  a/high: [10.1.128.0/17]\n"
	"  out/partner: [198.51.100.0/24]\n"
	"guards: { mail: { protocol: smtp, senders: [a] } }\n"
	"flows:\n"
	"  - { id: low, from: a/low, to: b, services: [http, https] }\n"
	"  - { id: high, from: a/high, to: b, services: https }\n"
	"  - { id: web, from: out, to: srv/web, services: http }\n"
	"  - { id: mail, from: a, to: srv, services: smtp, guard: mail }\n"
	"  - { id: up, from: srv/web, to: out, services: https }\n"
	"  - { id: dhcp, from: a, to: self, services: dhcp-client }\n"
	"  - { id: partner, from: out/partner, to: srv/web, services: tcp/8080 }\n"
	"  - { id: away, from: a, to: out, services: https }\n"
	"nat:\n"
	"  - { id: seen, kind: forward, from: out, address: 203.0.113.1, services: http, target: srv/web }\n"
	"  - { id: hide, kind: masquerade, from: srv, to: out }\n"
	"  - { id: seen-by-partner, kind: forward, from: out/partner, address: 203.0.113.2,\n"
	"      services: tcp/8080, target: srv/web }\n"
	"  - { id: hide-low, kind: masquerade, from: a/low, to: out }\n"
	"tests:\n"
	"  - { id: t, ";

struct example {
	const char *name, *test;
	unsigned code; // 0: passes
	const char *says[3];
};

static const struct example examples[] = {
	{ "one packet",
	  "from: a/10.1.0.5, to: b/10.2.0.9, services: http, expect: allow",
	  0,
	  { 0 } },
	{ "its zone is that of the address",
	  "from: 10.1.0.5, to: 10.2.0.9, services: http, expect: allow, flow: low",
	  0,
	  { 0 } },
	{ "what is missing is said",
	  "from: a/10.1.0.5, to: b/10.2.0.9, services: ssh, expect: allow",
	  470,
	  { "tcp/22 from 40000 10.1.0.5 (a) -> 10.2.0.9 (b) is denied", "allows" } },
	{ "two flows together permit a whole zone of IPv4",
	  "from: 10.1.0.0/16, to: b, services: https, expect: allow",
	  0,
	  { 0 } },
	{ "but one of them does not permit all",
	  "from: 10.1.0.0/16, to: b, services: http, expect: allow",
	  470,
	  { "only a part of it is permitted", "10.1.0.0/17", "widen flow low" } },
	{ "the last address beyond",
	  "from: 10.1.0.0-10.1.128.0, to: b, services: http, expect: allow",
	  470,
	  { "only a part" } },
	{ "a whole zone is not denied if one address gets through",
	  "from: a, to: b, services: any, expect: deny",
	  470,
	  { "flow low permits tcp/80" } },
	{ "a part of ports", "from: a/low, to: b, services: tcp/81-442, expect: deny", 0, { 0 } },
	{ "and one past it",
	  "from: a/low, to: b, services: tcp/81-443, expect: deny",
	  470,
	  { "permits tcp/443" } },
	{ "every service of the list",
	  "from: a/high, to: b, services: [https, http], expect: allow",
	  470,
	  { "tcp/80" } },
	{ "two flows: the one expected",
	  "from: 10.1.0.0/16, to: b, services: https, expect: allow, flow: low",
	  471,
	  { "expects flow low, but flow high permits" } },
	{ "allow is satisfied by a guard",
	  "from: a, to: srv, services: smtp, expect: allow",
	  0,
	  { 0 } },
	{ "inspect", "from: a, to: srv, services: smtp, expect: inspect, flow: mail", 0, { 0 } },
	{ "deny is not", "from: a, to: srv, services: smtp, expect: deny", 470, { "inspects" } },
	{ "inspect is not plain",
	  "from: a/low, to: b, services: http, expect: inspect",
	  470,
	  { "without a guard" } },
	{ "a source port",
	  "from: a/10.1.0.9, to: self, services: dhcp-client, source-port: 68, expect: allow",
	  0,
	  { 0 } },
	{ "another source port",
	  "from: a/10.1.0.9, to: self, services: udp/67, source-port: 1068, expect: deny",
	  0,
	  { 0 } },
	{ "one address each, and any source port",
	  "from: a/10.1.0.9, to: self/10.1.0.1, services: udp/67, expect: deny",
	  470,
	  { "flow dhcp permits udp/67 from 68" } },
	{ "a source of another zone",
	  "from: out/10.1.0.5, to: srv/web, services: http, expect: deny",
	  0,
	  { 0 } },
	{ "through a forward",
	  "from: out, to: 203.0.113.1, services: http, expect: allow, flow: web, nat: seen",
	  0,
	  { 0 } },
	{ "not through it",
	  "from: out/203.0.113.77, to: srv/web, services: http, expect: allow, nat: none",
	  0,
	  { 0 } },
	{ "what is forwarded is not denied",
	  "from: out, to: 203.0.113.1, services: http, expect: deny",
	  470,
	  { "flow web permits" } },
	{ "a masquerade of a whole zone",
	  "from: srv/192.0.2.80, to: out, services: https, expect: allow, nat: hide",
	  0,
	  { 0 } },
	{ "and none of IPv6",
	  "from: 'srv/2001:db8:5::80', to: out, services: https, expect: allow, nat: hide",
	  471,
	  { "translation hide" } },
	// Packets that a test names must not be left out of it.
	{ "a range is of all zones that have some of it, not of the first",
	  "from: 10.0.0.0/8, to: b, services: http, expect: deny",
	  470,
	  { "flow low permits tcp/80 10.1.0.0/17 (a)" } },
	{ "and so is a destination",
	  "from: a/low, to: 10.0.0.0/8, services: http, expect: deny",
	  470,
	  { "flow low permits" } },
	{ "a range of which the zone has nothing is spoofed",
	  "from: out/10.1.0.0/24, to: srv/web, services: http, expect: allow",
	  470,
	  { "is denied: 10.1.0.0 is no address of zone out" } },
	{ "and denied",
	  "from: out/10.1.0.0/24, to: srv/web, services: http, expect: deny",
	  0,
	  { 0 } },
	{ "a range of which it has some",
	  "from: out/10.0.0.0/8, to: srv/web, services: http, expect: allow",
	  470,
	  { "only a part of it is permitted" } },
	{ "of all addresses it is what the zone has",
	  "from: out/0.0.0.0/0, to: srv/web, services: http, expect: allow",
	  0,
	  { 0 } },
	{ "a range that a zone with networks does not have",
	  "from: a/low, to: b/10.0.0.0/8, services: http, expect: allow",
	  470,
	  { "only a part of it is permitted" } },
	{ "link-local addresses are not forwarded, one or many",
	  "from: a, to: 'out/fe80::/64', services: https, expect: allow",
	  470,
	  { "is denied: fe80:: is a link-local address" } },
	{ "a forward in front of one address of many",
	  "from: out, to: 203.0.113.0/30, services: http, expect: deny",
	  470,
	  { "flow web permits" } },
	{ "of one port of many",
	  "from: out, to: 203.0.113.1, services: tcp/1-1024, expect: deny",
	  470,
	  { "flow web permits" } },
	{ "of any service",
	  "from: out, to: 203.0.113.1, services: any, expect: deny",
	  470,
	  { "flow web permits" } },
	{ "for one client of many",
	  "from: out, to: 203.0.113.2, services: tcp/8080, expect: deny",
	  470,
	  { "flow partner permits tcp/8080 198.51.100.0/24" } },
	{ "but not for all of them",
	  "from: out, to: 203.0.113.2, services: tcp/8080, expect: allow",
	  470,
	  { "is denied" } },
	{ "for those it is for",
	  "from: out/partner, to: 203.0.113.2, services: tcp/8080, expect: allow, flow: partner,"
	  " nat: seen-by-partner",
	  0,
	  { 0 } },
	{ "a translation of the first sources is not one of all",
	  "from: 10.1.0.0/16, to: out/198.51.100.9, services: https, expect: allow, nat: hide-low",
	  471,
	  { "does not apply to all of" } },
	{ "nor is there none",
	  "from: 10.1.0.0/16, to: out/198.51.100.9, services: https, expect: allow, nat: none",
	  471,
	  { "translation none" } },
	{ "of all that are translated",
	  "from: a/low, to: out, services: https, expect: allow, nat: hide-low",
	  0,
	  { 0 } },
	{ "of none that are",
	  "from: a/high, to: out, services: https, expect: allow, nat: none",
	  0,
	  { 0 } },
	{ "an IPv4 address in an IPv6 one is of no zone",
	  "from: 'out/::ffff:10.1.0.5', to: srv/web, services: http, expect: allow",
	  470,
	  { "is no address of zone out" } },
};

static struct plan *make(const char *test, struct diag *diag, bool *ret_failed)
{
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	char text[4096];
	int n = snprintf(text, sizeof(text), "%s%s }\n", head, test);

	assert_int_equal(policy_read_text("p.yaml", text, (size_t)n, diag, &policy, NULL), 0);
	plan_make(policy, diag, &plan, ret_failed);
	policy_free(policy);
	return plan;
}

static void one_example(void **state)
{
	const struct example *example = *state;
	struct diag *diag = diag_new();
	bool failed = false;
	struct plan *plan = make(example->test, diag, &failed);
	const struct diag_item *item = NULL;

	for (size_t i = 0; i < diag_count(diag); i++)
		if (diag_at(diag, i)->severity == DIAG_ERROR)
			item = diag_at(diag, i);
	if ((item ? item->code : 0) != example->code)
		diag_print(diag, stderr);
	assert_int_equal(item ? item->code : 0, example->code);
	assert_int_equal(failed, example->code != 0);
	assert_int_equal(plan == NULL, example->code != 0);
	for (size_t i = 0; i < 3 && example->says[i]; i++)
		if (!strstr(item->message, example->says[i]))
			fail_msg("\"%s\" does not say \"%s\"", item->message, example->says[i]);
	plan_free(plan);
	diag_free(diag);
}

// A failing test is told of once, however many of its packets are wrong.
static void one_fault_a_test(void **state)
{
	struct diag *diag = diag_new();
	bool failed = false;
	struct plan *plan =
		make("from: [a, b], to: [out, srv], services: [ssh, imap], expect: allow", diag,
		     &failed);

	(void)state;
	assert_null(plan);
	assert_true(failed);
	assert_int_equal(diag_errors(diag), 1);
	diag_free(diag);
}

// 50 × 50 × 40 questions are what may be asked; one more is refused.
static void many_questions(void **state)
{
	static const int sides[][3] = { { 50, 50, 39 }, { 50, 50, 40 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct diag *diag = diag_new();
		bool failed = false;
		char text[4096];
		int n = snprintf(text, sizeof(text), "from: [");

		for (int k = 0; k < sides[i][0]; k++)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%s10.1.0.%d",
				      k ? "," : "", k + 1);
		n += snprintf(text + n, sizeof(text) - (size_t)n, "], to: [");
		for (int k = 0; k < sides[i][1]; k++)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%s10.2.0.%d",
				      k ? "," : "", k + 1);
		n += snprintf(text + n, sizeof(text) - (size_t)n, "], services: [");
		for (int k = 0; k < sides[i][2]; k++)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%sudp/%d", k ? "," : "",
				      k + 1);
		snprintf(text + n, sizeof(text) - (size_t)n, "], expect: deny");

		struct plan *plan = make(text, diag, &failed);

		assert_int_equal(plan != NULL, i == 0);
		assert_int_equal(diag_errors(diag), i);
		plan_free(plan);
		diag_free(diag);
	}
}

// 20 networks × 20 networks are more findings than are kept; the one that is permitted is the last.
static void more_than_findings(void **state)
{
	static const struct {
		const char *rest;
		unsigned code;
	} rows[] = {
		{ "to: y, services: ssh, expect: deny", 470 },
		{ "to: y, services: http, expect: deny", 0 },
		{ "to: y, services: https, expect: allow", 0 },
		{ "to: y, services: https, expect: allow, flow: all", 470 },
		{ "to: y/10.4.38.1, services: ssh, expect: deny", 470 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag *diag = diag_new();
		struct pol_policy *policy = NULL;
		struct plan *plan = NULL;
		char text[4096];
		int n = snprintf(text, sizeof(text), "zones:\n");

		for (int zone = 0; zone < 2; zone++) {
			n += snprintf(text + n, sizeof(text) - (size_t)n,
				      "  %c: { interfaces: [%c0], networks: [", "xy"[zone],
				      "xy"[zone]);
			for (int k = 0; k < 20; k++)
				n += snprintf(text + n, sizeof(text) - (size_t)n, "%s10.%d.%d.0/24",
					      k ? ", " : "", 3 + zone, 2 * k);
			n += snprintf(text + n, sizeof(text) - (size_t)n, "] }\n");
		}
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "networks: { x/last: [10.3.38.0/24], y/last: [10.4.38.0/24] }\n"
			      "flows:\n"
			      "  - { id: last, from: x/last, to: y/last, services: ssh }\n"
			      "  - { id: all, from: x, to: y, services: https }\n"
			      "tests:\n  - { id: t, from: x, %s }\n",
			      rows[i].rest);
		assert_int_equal(policy_read_text("p.yaml", text, (size_t)n, diag, &policy, NULL),
				 0);
		plan_make(policy, diag, &plan, NULL);
		policy_free(policy);
		if ((plan == NULL) != (rows[i].code != 0))
			diag_print(diag, stderr);
		assert_int_equal(plan == NULL, rows[i].code != 0);
		if (rows[i].code)
			assert_int_equal(diag_at(diag, 0)->code, rows[i].code);
		plan_free(plan);
		diag_free(diag);
	}
}

static void a_difference(void **state)
{
	struct diag *diag = diag_new();
	struct plan *was = make("from: a, to: out, services: ssh, expect: deny", diag, NULL);
	struct plan *is = make("from: a, to: out, services: smb, expect: deny", diag, NULL);
	struct plan_diff diff;
	size_t n;

	(void)state;
	assert_non_null(was);
	assert_non_null(is);
	assert_int_equal(plan_tests(is, &n)[0].at.line, 28);
	assert_int_equal(n, 1);
	assert_string_equal(plan_tests(was, &n)[0].text, "deny from a to out with ssh");
	plan_diff(was, is, &diff);
	assert_int_equal(diff.n, 1);
	assert_string_equal(diff.rows[0].subject, "test t");
	assert_string_equal(diff.rows[0].what,
			    "deny from a to out with smb; before: deny from a to out with ssh");
	assert_int_equal(diff.weight, DIFF_HEAVY);
	plan_diff_done(&diff);
	plan_free(was);
	plan_free(is);
	diag_free(diag);
}

int main(void)
{
	static struct CMUnitTest tests[sizeof(examples) / sizeof(examples[0]) + 4];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		tests[n++] = (struct CMUnitTest){ examples[i].name, one_example, NULL, NULL,
						  (void *)&examples[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(one_fault_a_test);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(many_questions);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(more_than_findings);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_difference);
	return _cmocka_run_group_tests("tests of a policy", tests, n, NULL, NULL);
}
