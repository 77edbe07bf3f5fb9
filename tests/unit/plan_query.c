// Questions to tests/policies/town with known answers, and the nearest flow in words.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plan/query.h"

enum { TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58, ESP = 50 };

static const char dir[] = "tests/policies/town";
static struct plan *plan;

static int open_plan(void **state)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	int r = policy_read_path(dir, diag, &policy, NULL);

	(void)state;
	if (r == 0)
		r = plan_make(policy, diag, &plan, NULL);
	if (r < 0)
		diag_print(diag, stderr);
	policy_free(policy);
	diag_free(diag);
	return r;
}

static int close_plan(void **state)
{
	(void)state;
	plan_free(plan);
	return 0;
}

struct question {
	const char *name;
	const char *from, *to, *source, *destination;
	unsigned protocol, sport, port;
	enum plan_verdict verdict;
	enum plan_reason reason;
	const char *flow;			  // NULL: none
	const char *missing;			  // a part of the sentence; NULL: not looked at
	const char *source_nat, *destination_nat; // NULL: none
};

static const struct question questions[] = {
	{ "guarded mail", "office", "dmz", "10.20.3.4", "192.0.2.25", TCP, 40000, 25, PLAN_INSPECT,
	  PLAN_BY_FLOW, "office-mail-out", NULL, NULL, NULL },
	{ "guarded mail over IPv6", "office", "dmz", "fd00:20::7", "2001:db8:d::25", TCP, 40000, 25,
	  PLAN_INSPECT, PLAN_BY_FLOW, "office-mail-out", NULL, NULL, NULL },
	{ "the wrong server", "office", "dmz", "10.20.3.4", "192.0.2.30", TCP, 40000, 25, PLAN_DENY,
	  PLAN_NO_ADDRESS, "office-mail-out",
	  "flow office-mail-out allows smtp (tcp/25) to dmz/mail-hub (192.0.2.25); this packet "
	  "goes to 192.0.2.30",
	  NULL, NULL },
	{ "the wrong port", "office", "dmz", "10.20.3.4", "192.0.2.25", TCP, 40000, 26, PLAN_DENY,
	  PLAN_NO_SERVICE, "office-mail-out", "this packet is tcp/26", NULL, NULL },
	{ "a spoofed source", "office", "dmz", "10.30.0.1", "192.0.2.25", TCP, 40000, 25, PLAN_DENY,
	  PLAN_SPOOFED, NULL, "it is one of zone staff", NULL, NULL },
	{ "a misplaced destination", "office", "dmz", "10.20.3.4", "192.0.3.1", TCP, 40000, 25,
	  PLAN_DENY, PLAN_MISPLACED, NULL, "is no address of zone dmz", NULL, NULL },
	{ "no flow for a misplaced destination of the link", "office", "dmz", "10.20.3.4",
	  "224.0.0.5", TCP, 40000, 25, PLAN_DENY, PLAN_MISPLACED, NULL, "is no address of zone dmz",
	  NULL, NULL },
	{ "no flow at all", "public-wifi", "office", "172.16.0.5", "10.20.0.1", TCP, 40000, 445,
	  PLAN_DENY, PLAN_NO_PAIR, "addresses", "this packet goes to zone office and is tcp/445",
	  NULL, NULL },
	{ "an excepted client", "office", "dmz", "10.20.99.4", "192.0.2.80", TCP, 40000, 80,
	  PLAN_DENY, PLAN_EXCEPTED, "office-web", "flow office-web excepts it", NULL, NULL },
	{ "the same client, another service", "office", "dmz", "10.20.99.4", "192.0.2.80", TCP,
	  40000, 443, PLAN_ALLOW, PLAN_BY_FLOW, "office-web", NULL, NULL, NULL },
	{ "a hole in a network", "office", "dmz", "10.20.1.4", "192.0.2.83", TCP, 40000, 443,
	  PLAN_DENY, PLAN_NO_ADDRESS, "office-web", NULL, NULL, NULL },
	{ "forwarded", "internet", "internet", "203.0.113.99", "203.0.113.10", TCP, 40000, 443,
	  PLAN_ALLOW, PLAN_BY_FLOW, "web-in", NULL, NULL, "web-forward" },
	{ "forwarded to another port", "internet", "self", "203.0.113.99", "203.0.113.10", TCP,
	  40000, 8081, PLAN_ALLOW, PLAN_BY_FLOW, "web-in", NULL, NULL, "alt-forward" },
	{ "forwarded elsewhere than asked", "internet", "office", "203.0.113.99", "203.0.113.10",
	  TCP, 40000, 443, PLAN_DENY, PLAN_NAT_ELSEWHERE, NULL, "in zone dmz, not office", NULL,
	  "web-forward" },
	{ "not a forwarded port", "internet", "self", "203.0.113.99", "203.0.113.10", TCP, 40000,
	  22, PLAN_DENY, PLAN_NO_PAIR, "admin", NULL, NULL, NULL },
	{ "a group clipped to a zone", "staff", "dmz", "10.30.7.9", "192.0.2.25", TCP, 40000, 587,
	  PLAN_ALLOW, PLAN_BY_FLOW, "partners-in", NULL, NULL, NULL },
	{ "the same group beside it", "staff", "dmz", "10.30.8.9", "192.0.2.25", TCP, 40000, 587,
	  PLAN_DENY, PLAN_NO_ADDRESS, "partners-in", "this packet comes from 10.30.8.9", NULL,
	  NULL },
	{ "ping, translated", "office", "internet", "10.20.3.4", "8.8.8.8", ICMP, 0, 8, PLAN_ALLOW,
	  PLAN_BY_FLOW, "ping-out", NULL, "out", NULL },
	{ "ping over IPv6, not translated", "office", "internet", "fd00:20::7", "2001:db8:ffff::1",
	  ICMPV6, 0, 128, PLAN_ALLOW, PLAN_BY_FLOW, "ping-out", NULL, NULL, NULL },
	{ "another ICMP type", "office", "internet", "10.20.3.4", "8.8.8.8", ICMP, 0, 13, PLAN_DENY,
	  PLAN_NO_SERVICE, "ping-out", "icmp/timestamp-request", NULL, NULL },
	{ "a service of a service", "office", "lgwan", "10.20.3.4", "10.201.0.1", TCP, 40000, 8443,
	  PLAN_ALLOW, PLAN_BY_FLOW, "everyday-lgwan", NULL, NULL, NULL },
	{ "source port in a range", "dmz", "office", "192.0.2.9", "10.20.0.9", UDP, 1010, 162,
	  PLAN_ALLOW, PLAN_BY_FLOW, "traps", NULL, NULL, NULL },
	{ "source port outside", "dmz", "office", "192.0.2.9", "10.20.0.9", UDP, 1011, 162,
	  PLAN_DENY, PLAN_NO_SERVICE, "traps", "this packet is udp/162 from 1011", NULL, NULL },
	{ "a protocol without ports", "dmz", "internet", "192.0.2.25", "8.8.8.8", ESP, 0, 0,
	  PLAN_ALLOW, PLAN_BY_FLOW, "tunnel", NULL, NULL, NULL },
	{ "to the gateway", "office", "self", "10.20.3.4", "10.20.0.1", TCP, 40000, 22, PLAN_ALLOW,
	  PLAN_BY_FLOW, "admin", NULL, NULL, NULL },
	{ "from the gateway", "self", "internet", "203.0.113.10", "8.8.8.8", UDP, 40000, 123,
	  PLAN_ALLOW, PLAN_BY_FLOW, "time", NULL, NULL, NULL },
	{ "DHCP without an address", "public-wifi", "self", "0.0.0.0", "255.255.255.255", UDP, 68,
	  67, PLAN_ALLOW, PLAN_BY_FLOW, "addresses", NULL, NULL, NULL },
	{ "no address, no DHCP", "public-wifi", "self", "0.0.0.0", "255.255.255.255", UDP, 69, 67,
	  PLAN_DENY, PLAN_SPOOFED, NULL, NULL, NULL, NULL },
	{ "link-local to the gateway", "office", "self", "fe80::1", "fe80::2", ICMPV6, 0, 128,
	  PLAN_ALLOW, PLAN_BY_FLOW, "admin", NULL, NULL, NULL },
	{ "link-local is not forwarded", "office", "dmz", "fe80::1", "2001:db8:d::25", TCP, 40000,
	  25, PLAN_DENY, PLAN_SPOOFED, NULL, NULL, NULL, NULL },
};

static void same_text(const char *what, const char *found, const char *expected)
{
	if ((found && expected && strcmp(found, expected) == 0) || (!found && !expected))
		return;
	fail_msg("%s is %s, not %s", what, found ? found : "none", expected ? expected : "none");
}

static void ask(void **state)
{
	const struct question *question = *state;
	struct plan_packet packet = {
		.from = (uint16_t)plan_find_zone(plan, question->from),
		.to = (uint16_t)plan_find_zone(plan, question->to),
		.protocol = (uint8_t)question->protocol,
		.sport = (uint16_t)question->sport,
		.port = (uint16_t)question->port,
	};
	struct plan_answer answer;
	size_t n;
	const struct plan_flow *flows = plan_flows(plan, &n);

	assert_int_equal(addr_parse(question->source, &packet.source), 0);
	assert_int_equal(addr_parse(question->destination, &packet.destination), 0);
	plan_query(plan, &packet, &answer);
	if (answer.missing)
		print_message("%s: %s\n", question->name, answer.missing);
	assert_int_equal(answer.verdict, question->verdict);
	assert_int_equal(answer.reason, question->reason);
	same_text("flow", answer.flow == PLAN_NONE ? NULL : flows[answer.flow].id, question->flow);
	same_text("source nat", answer.source_nat ? answer.source_nat->id : NULL,
		  question->source_nat);
	same_text("destination nat", answer.destination_nat ? answer.destination_nat->id : NULL,
		  question->destination_nat);
	if (question->missing && !strstr(answer.missing, question->missing))
		fail_msg("\"%s\" does not say \"%s\"", answer.missing, question->missing);
	assert_int_equal(answer.verdict == PLAN_DENY, answer.missing != NULL);
}

static void denied_action(void **state)
{
	struct plan_packet packet = {
		.from = (uint16_t)plan_find_zone(plan, "office"),
		.to = (uint16_t)plan_find_zone(plan, "internet"),
		.protocol = TCP,
		.port = 23,
	};
	struct plan_answer answer;

	(void)state;
	addr_parse("10.20.0.1", &packet.source);
	addr_parse("8.8.8.8", &packet.destination);
	plan_query(plan, &packet, &answer);
	assert_int_equal(answer.denied_action, PLAN_REJECT);
	addr_parse("8.8.4.4", &packet.source);
	plan_query(plan, &packet, &answer);
	assert_int_equal(answer.reason, PLAN_SPOOFED);
	assert_int_equal(answer.denied_action, PLAN_DROP);
	addr_parse("10.20.0.1", &packet.source);
	packet.from = (uint16_t)plan_find_zone(plan, "staff");
	plan_query(plan, &packet, &answer);
	assert_int_equal(answer.denied_action, PLAN_DROP);
}

static void hairpin(void **state)
{
	struct plan_packet packet = {
		.from = (uint16_t)plan_find_zone(plan, "dmz"),
		.to = PLAN_SELF,
		.protocol = TCP,
		.sport = 40000,
		.port = 80,
	};
	struct plan_answer answer;

	(void)state;
	addr_parse("192.0.2.9", &packet.source);
	addr_parse("203.0.113.10", &packet.destination);
	plan_query(plan, &packet, &answer);
	assert_int_equal(answer.verdict, PLAN_DENY); // translated, but no flow permits it
	assert_int_equal(answer.translated.to, packet.from);
	same_text("destination nat", answer.destination_nat ? answer.destination_nat->id : NULL,
		  "web-forward");
}

int main(void)
{
	enum { QUESTIONS = sizeof(questions) / sizeof(questions[0]) };
	struct CMUnitTest tests[QUESTIONS + 2] = { 0 };

	for (size_t i = 0; i < QUESTIONS; i++)
		tests[i] = (struct CMUnitTest){ questions[i].name, ask, NULL, NULL,
						(void *)&questions[i] };
	tests[QUESTIONS] = (struct CMUnitTest)cmocka_unit_test(denied_action);
	tests[QUESTIONS + 1] = (struct CMUnitTest)cmocka_unit_test(hairpin);
	return cmocka_run_group_tests(tests, open_plan, close_plan);
}
