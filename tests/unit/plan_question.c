// Questions about many packets at once against single packets of theirs: what is denied as a whole
// has no packet that gets through, what is allowed as a whole none that does not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "plan/query.h"
#include "plan/question.h"
#include "reference/random_policy.h"

enum { QUESTIONS = 250, PACKETS = 30, RANDOM_POLICIES = 40, ENDS = 64 };

static const char fixed[] =
	"zones:\n"
	"  a: { interfaces: [a0], networks: [10.1.0.0/16, 'fd00:1::/64'] }\n"
	"  b: { interfaces: [b0], networks: [10.2.0.0/16, 'fd00:2::/64'] }\n"
	"  srv: { role: server, interfaces: [s0], networks: [192.0.2.0/24, '2001:db8:5::/64'] }\n"
	"  out: { role: external, interfaces: [o0] }\n"
	"networks:\n"
	"  srv/web: [192.0.2.80, '2001:db8:5::80']\n"
	"  a/low: [10.1.0.0/17]\n"
	"  out/partner: [198.51.100.0/24]\n"
	"flows:\n"
	"  - { id: low, from: a/low, to: b, services: [http, https] }\n"
	"  - { id: every, from: a, to: b, services: tcp/1000-2000 }\n"
	"  - { id: web, from: out, to: srv/web, services: http }\n"
	"  - { id: partner, from: out/partner, to: srv/web, services: tcp/8080 }\n"
	"  - { id: up, from: [a, srv/web], to: out, services: https }\n"
	"  - { id: dhcp, from: a, to: self, services: dhcp-client }\n"
	"nat:\n"
	"  - { id: seen, kind: forward, from: out, address: 203.0.113.1, services: http, target: srv/web }\n"
	"  - { id: seen-by-partner, kind: forward, from: out/partner, address: 203.0.113.2,\n"
	"      services: tcp/8080, target: srv/web }\n"
	"  - { id: hide, kind: masquerade, from: a/low, to: out }\n";

static uint64_t state, seed;

static uint64_t number(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

struct end { // one side of a question
	char word[160];
	uint32_t zone; // PLAN_NONE: that of the address
	bool whole;
	struct addr_range range;
};

static const struct plan_cell *some_cell(const struct plan *plan)
{
	size_t n;
	const struct plan_pair *pairs = plan_pairs(plan, &n);
	const struct plan_pair *pair = n ? &pairs[number(n)] : NULL;
	const struct plan_class *class = pair ? &pair->classes[number(pair->n_classes)] : NULL;

	return class && class->n_cells ? &class->cells[number(class->n_cells)] : NULL;
}

// Near an edge of what the plan has.
static struct addr some_address(const struct plan *plan, enum addr_family family)
{
	size_t n_nats, n_zones;
	const struct plan_nat *nats = plan_nats(plan, &n_nats);
	const struct plan_zone *zones = plan_zones(plan, &n_zones);
	const struct plan_zone *zone = &zones[number(n_zones)];
	const struct plan_cell *cell = some_cell(plan);
	struct addr_range range = addr_range_any(family);

	if (number(4) == 0 && n_nats)
		range = nats[number(n_nats)].destinations ? nats[number(n_nats)].target : range;
	else if (number(2) && zone->n_networks)
		range = zone->networks[number(zone->n_networks)];
	else if (cell)
		range = number(2) ? cell->rect.source : cell->rect.destination;
	if (n_nats && number(8) == 0) {
		const struct plan_nat *nat = &nats[number(n_nats)];

		range = nat->n_destinations ? nat->destinations[0] : range;
	}
	if (range.family != family)
		return (struct addr){ family, number(UINT32_MAX) };
	addr_bits edge = number(2) ? range.lo : range.hi;
	addr_bits moved = edge + number(3) - 1;

	return (struct addr){ family, moved <= addr_max(family) ? moved : edge };
}

static struct end some_end(const struct plan *plan, enum addr_family family)
{
	size_t n_zones;
	const struct plan_zone *zones = plan_zones(plan, &n_zones);
	struct end end = { .zone = (uint32_t)number(n_zones) };
	struct addr a = some_address(plan, family), b = number(3) ? some_address(plan, family) : a;
	char text[ADDR_TEXT_MAX];

	end.whole = number(4) == 0;
	end.range = (struct addr_range){ family, a.bits < b.bits ? a.bits : b.bits,
					 a.bits < b.bits ? b.bits : a.bits };
	addr_range_text(&end.range, text);
	if (end.whole) {
		snprintf(end.word, sizeof(end.word), "%s", zones[end.zone].id);
	} else if (number(3)) {
		snprintf(end.word, sizeof(end.word), "%s/%s", zones[end.zone].id, text);
	} else {
		snprintf(end.word, sizeof(end.word), "%s", text);
		end.zone = PLAN_NONE;
	}
	return end;
}

// An address of the end, and its zone: false, if none was found.
static bool draw(const struct plan *plan, const struct end *end, enum addr_family family,
		 struct addr *ret, uint16_t *ret_zone)
{
	uint32_t zones[ENDS];

	for (unsigned tries = 0; tries < 20; tries++) {
		addr_bits width = end->range.hi - end->range.lo;

		*ret = some_address(plan, family);
		if (number(4) == 0 && width < UINT32_MAX)
			ret->bits = end->range.lo + number((uint64_t)width + 1);
		if (!end->whole && !addr_range_contains(&end->range, ret))
			continue;
		// ZONE/0.0.0.0/0 is all that the zone has, as the zone alone.
		if (end->zone != PLAN_NONE && (end->whole || addr_range_is_any(&end->range)) &&
		    !plan_zone_has(plan, end->zone, ret))
			continue;
		if (end->zone == PLAN_NONE && plan_zones_of(plan, ret, zones, ENDS) == 0)
			continue;
		*ret_zone = (uint16_t)(end->zone == PLAN_NONE ? zones[0] : end->zone);
		return true;
	}
	return false;
}

static uint16_t between(uint16_t lo, uint16_t hi)
{
	return number(2) ? lo : (uint16_t)(lo + number((uint64_t)(hi - lo) + 1));
}

// How many packets were compared.
static unsigned compare(struct plan *plan, const struct end *from, const struct end *to,
			const char *service, enum addr_family family)
{
	struct question question = { .wordless = true };
	const struct plan_atom *atoms;
	size_t n_atoms;
	unsigned compared = 0;

	if (question_ask(plan, from->word, to->word, service, NULL, &question) < 0 ||
	    plan_service(plan, service, &atoms, &n_atoms) < 0) {
		question_done(&question);
		return 0;
	}
	for (unsigned i = 0; i < PACKETS && question.verdict != FIND_PARTLY; i++) {
		const struct plan_atom *atom = &atoms[number(n_atoms)];
		struct plan_packet packet = {
			.protocol = (uint8_t)between(atom->protocol_lo, atom->protocol_hi),
			.sport = between(atom->sport_lo, atom->sport_hi),
			.port = between(atom->port_lo, atom->port_hi),
		};
		struct plan_answer answer;

		if ((packet.protocol == 1 && family == ADDR_V6) ||
		    (packet.protocol == 58 && family == ADDR_V4) ||
		    !draw(plan, from, family, &packet.source, &packet.from) ||
		    !draw(plan, to, family, &packet.destination, &packet.to))
			continue;
		plan_decide(plan, NULL, &packet, &answer);
		if (to->whole && answer.destination_nat)
			continue;
		compared++;
		if ((answer.verdict == PLAN_DENY) != (question.verdict == FIND_DENY) ||
		    (question.verdict == FIND_INSPECT && answer.verdict != PLAN_INSPECT)) {
			char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];

			fail_msg("seed %llu: %s to %s, %s: %s; but protocol %u %s %u -> %s %u: %d",
				 (unsigned long long)seed, from->word, to->word, service,
				 finding_verdict_text(question.verdict), packet.protocol,
				 addr_text(&packet.source, source), packet.sport,
				 addr_text(&packet.destination, destination), packet.port,
				 answer.verdict);
		}
	}
	question_done(&question);
	return compared;
}

static unsigned try_policy(const char *text, unsigned questions)
{
	static const char *const services[] = { "http",	    "tcp/80-443", "tcp/8080", "any",
						"tcp/1500", "udp/53",	  "ping",     "tcp/1-9000",
						"udp",	    "ip/gre",	  "tcp/1-3",  "tcp/2" };
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	unsigned compared = 0;

	if (policy_read_text("p.yaml", text, strlen(text), diag, &policy, NULL) == 0 &&
	    plan_make(policy, diag, &plan, NULL) == 0)
		for (unsigned i = 0; i < questions; i++) {
			enum addr_family family = number(3) ? ADDR_V4 : ADDR_V6;
			struct end from = some_end(plan, family), to = some_end(plan, family);

			compared += compare(plan, &from, &to,
					    services[number(sizeof(services) / sizeof(*services))],
					    family);
		}
	plan_free(plan);
	policy_free(policy);
	diag_free(diag);
	return compared;
}

static void agrees_on_a_fixed_policy(void **unused)
{
	(void)unused;
	assert_true(try_policy(fixed, QUESTIONS * 8) > QUESTIONS);
}

static void agrees_on_random_policies(void **unused)
{
	unsigned compared = 0;

	(void)unused;
	for (unsigned i = 0; i < RANDOM_POLICIES; i++) {
		char *text = random_policy(seed * 1000 + i, 0);

		compared += try_policy(text, QUESTIONS);
		free(text);
	}
	print_message("%u packets compared\n", compared);
	assert_true(compared > QUESTIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_on_a_fixed_policy),
		cmocka_unit_test(agrees_on_random_policies),
	};
	const char *given = getenv("SEKISHO_SEED");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	printf("SEKISHO_SEED=%llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < 8; i++)
		number(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
