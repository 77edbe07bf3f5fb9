// Two readings of a policy must agree: the plan's cells (plan_query) and the reference evaluator,
// which knows only the text.  Thousands of probes a policy; the seed is printed and can be given:
// SEKISHO_SEED=N build/unit/plan_agree
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plan/query.h"
#include "reference/probes.h"

enum {
	PROBES = 3000,
	MISMATCHES_SHOWN = 10,
	RANDOM_POLICIES = 40,
	RANDOM_SOUND_LEAST = 25, // of those, how many must be free of faults
	TEXT_MAX = 64 * 1024,
};

static uint64_t seed = 20250401;

struct pair { // of one policy: both readings
	struct diag *diag;
	struct pol_policy *policy;
	struct plan *plan;
	const struct pol_tree *tree;
};

static int open_pair(struct pair *pair, int r)
{
	if (r == 0) {
		pair->tree = policy_tree(pair->policy);
		r = plan_make(pair->policy, pair->diag, &pair->plan, NULL);
	}
	return r;
}

static void close_pair(struct pair *pair)
{
	plan_free(pair->plan);
	policy_free(pair->policy);
	diag_free(pair->diag);
}

static uint16_t zone_index(const struct pair *pair, int zone)
{
	uint32_t index = plan_find_zone(pair->plan, reference_zone_name(pair->tree, zone));

	assert_int_not_equal(index, PLAN_NONE);
	return (uint16_t)index;
}

static const struct pol_flow *tree_flow(const struct pair *pair, uint32_t flow)
{
	size_t n;
	const struct plan_flow *flows = plan_flows(pair->plan, &n);

	for (size_t i = 0; flow < n && i < pair->tree->n_flows; i++)
		if (strcmp(pair->tree->flows[i].id.s, flows[flow].id) == 0)
			return &pair->tree->flows[i];
	return NULL;
}

static bool same_id(const struct plan_nat *nat, const struct pol_nat *text)
{
	return nat && text ? strcmp(nat->id, text->id.s) == 0 : !nat && !text;
}

static bool same_reason(enum plan_reason reason, enum reference_reason expected)
{
	switch (expected) {
	case REFERENCE_FLOW:
		return reason == PLAN_BY_FLOW;
	case REFERENCE_ELSEWHERE:
		return reason == PLAN_NAT_ELSEWHERE;
	case REFERENCE_SPOOFED:
		return reason == PLAN_SPOOFED;
	case REFERENCE_MISPLACED:
		return reason == PLAN_MISPLACED;
	case REFERENCE_EXCEPTED:
		return reason == PLAN_EXCEPTED;
	case REFERENCE_NO_FLOW:
		return reason == PLAN_NO_PAIR || reason == PLAN_NO_SERVICE ||
		       reason == PLAN_NO_ADDRESS;
	}
	return false;
}

static enum plan_verdict expected_verdict(const struct reference_answer *expected)
{
	if (expected->reason != REFERENCE_FLOW)
		return PLAN_DENY;
	return expected->guarded ? PLAN_INSPECT : PLAN_ALLOW;
}

static bool atom_has(const struct plan_atom *atom, const struct plan_packet *packet)
{
	return packet->protocol >= atom->protocol_lo && packet->protocol <= atom->protocol_hi &&
	       packet->sport >= atom->sport_lo && packet->sport <= atom->sport_hi &&
	       packet->port >= atom->port_lo && packet->port <= atom->port_hi;
}

static size_t count_in_class(const struct plan_class *class, const struct plan_packet *packet)
{
	size_t atoms = 0, cells = 0;

	for (size_t i = 0; i < class->n_atoms; i++)
		atoms += atom_has(&class->atoms[i], packet);
	for (size_t i = 0; i < class->n_cells; i++)
		cells += addr_range_contains(&class->cells[i].rect.source, &packet->source) &&
			 addr_range_contains(&class->cells[i].rect.destination,
					     &packet->destination);
	return atoms * cells;
}

// Classes are disjoint in a pair and cells in a class: no packet may be in two.
static size_t count_cells(const struct plan *made, const struct plan_packet *packet)
{
	const struct plan_pair *pair = plan_find_pair(made, packet->from, packet->to);
	size_t n = 0;

	for (size_t i = 0; pair && i < pair->n_classes; i++)
		n += count_in_class(&pair->classes[i], packet);
	return n;
}

// What differs, or NULL.
static const char *difference(const struct pair *pair, const struct reference_answer *expected,
			      const struct plan_answer *answer)
{
	const struct pol_flow *flow = tree_flow(pair, answer->flow);
	const struct reference_packet *seen = &expected->translated;

	if (answer->verdict != expected_verdict(expected))
		return "verdict";
	if (!same_reason(answer->reason, expected->reason))
		return "reason";
	if (answer->verdict != PLAN_DENY &&
	    (!flow || !reference_flow_permits(pair->tree, flow, seen)))
		return "flow";
	if (count_cells(pair->plan, &answer->translated) > 1)
		return "number of cells";
	if (answer->verdict == PLAN_DENY && (!answer->missing || !answer->missing[0]))
		return "missing";
	if (!same_id(answer->destination_nat, expected->forward) ||
	    !same_id(answer->source_nat, expected->source_nat) ||
	    (answer->hairpin_nat != NULL) != expected->hairpin)
		return "nat";
	if (answer->translated.to != zone_index(pair, seen->to) ||
	    answer->translated.destination.bits != seen->destination.bits ||
	    answer->translated.port != seen->port)
		return "translation";
	return NULL;
}

static void print_mismatch(const struct pair *pair, const char *what, const struct probe *probe,
			   const struct reference_answer *expected,
			   const struct plan_answer *answer)
{
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
	const struct pol_flow *flow = tree_flow(pair, answer->flow);

	print_error("%s differs (seed %llu): %s %s -> %s %s protocol %u sport %u port %u (%s %s)\n",
		    what, (unsigned long long)seed,
		    reference_zone_name(pair->tree, probe->packet.from),
		    addr_text(&probe->packet.source, source),
		    reference_zone_name(pair->tree, probe->packet.to),
		    addr_text(&probe->packet.destination, destination), probe->packet.protocol,
		    probe->packet.sport, probe->packet.port, probe->kind, probe->about);
	print_error("  reference: reason %d guarded %d flow %s forward %s source %s hairpin %d to "
		    "%s %s port %u\n",
		    expected->reason, expected->guarded,
		    expected->flow ? expected->flow->id.s : "-",
		    expected->forward ? expected->forward->id.s : "-",
		    expected->source_nat ? expected->source_nat->id.s : "-", expected->hairpin,
		    reference_zone_name(pair->tree, expected->translated.to),
		    addr_text(&expected->translated.destination, destination),
		    expected->translated.port);
	print_error("  plan: verdict %d reason %d flow %s forward %s source %s hairpin %d to %u %s "
		    "port %u: %s\n",
		    answer->verdict, answer->reason, flow ? flow->id.s : "-",
		    answer->destination_nat ? answer->destination_nat->id : "-",
		    answer->source_nat ? answer->source_nat->id : "-", answer->hairpin_nat != NULL,
		    answer->translated.to, addr_text(&answer->translated.destination, source),
		    answer->translated.port, answer->missing ? answer->missing : "");
}

static bool probe_agrees(const struct pair *pair, const struct probe *probe)
{
	const struct reference_packet *from = &probe->packet;
	struct plan_packet packet = {
		.from = zone_index(pair, from->from),
		.to = zone_index(pair, from->to),
		.source = from->source,
		.destination = from->destination,
		.protocol = from->protocol,
		.sport = from->sport,
		.port = from->port,
	};
	struct reference_answer expected;
	struct plan_answer answer;
	const char *what;

	reference_ask(pair->tree, from, &expected);
	plan_query(pair->plan, &packet, &answer);
	what = difference(pair, &expected, &answer);
	if (what)
		print_mismatch(pair, what, probe, &expected, &answer);
	return !what;
}

static size_t compare(const struct pair *pair, size_t count)
{
	struct probe *probes;
	size_t n = probes_make(pair->tree, seed, count, false, &probes);
	size_t wrong = 0;

	for (size_t i = 0; i < n && wrong < MISMATCHES_SHOWN; i++)
		wrong += !probe_agrees(pair, &probes[i]);
	free(probes);
	assert_true(n >= count);
	return wrong;
}

static void agree_folder(void **state)
{
	const char *dir = *state;
	struct pair pair = { .diag = diag_new() };

	if (open_pair(&pair, policy_read_path(dir, pair.diag, &pair.policy, NULL)) < 0) {
		diag_print(pair.diag, stderr);
		fail_msg("%s has faults", dir);
	}
	assert_int_equal(compare(&pair, PROBES), 0);
	close_pair(&pair);
}

// Random policies: small numbers, so that everything overlaps with everything.

struct writer {
	uint64_t state;
	char text[TEXT_MAX];
	size_t used;
};

static unsigned roll(struct writer *writer, unsigned sides)
{
	writer->state = writer->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(writer->state >> 33) % sides;
}

static void put(struct writer *writer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct writer *writer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	writer->used += (size_t)vsnprintf(writer->text + writer->used, TEXT_MAX - writer->used,
					  format, args);
	va_end(args);
	assert_true(writer->used < TEXT_MAX);
}

enum { ZONES = 4, NETWORKS = 3 }; // zone z3 has no networks

static const char *const v4[] = { "10.0.0.", "10.1.0.", "10.2.0.", "203.0.113." };
static const char *const v6[] = { "fd00:0::", "fd00:1::", "fd00:2::", "2001:db8::" };

static void write_zones(struct writer *writer)
{
	put(writer, "zones:\n");
	for (unsigned i = 0; i < ZONES - 1; i++)
		put(writer, "  z%u: { interfaces: [eth%u], networks: [%s0/24, \"%s/120\"] }\n", i,
		    i, v4[i], v6[i]);
	put(writer, "  z3: { role: external, interfaces: [eth3] }\n");
}

static void write_range(struct writer *writer, unsigned zone, bool six, unsigned widest)
{
	unsigned lo = roll(writer, 250);
	unsigned hi = lo + roll(writer, widest);

	hi = hi > 255 ? 255 : hi;
	if (six)
		put(writer, "\"%s%x-%s%x\"", v6[zone], lo, v6[zone], hi);
	else
		put(writer, "%s%u-%s%u", v4[zone], lo, v4[zone], hi);
}

static void write_network(struct writer *writer, unsigned zone, unsigned i)
{
	put(writer, "  z%u/n%u: { addresses: [", zone, i);
	write_range(writer, zone, false, 200);
	put(writer, ", ");
	write_range(writer, zone, true, 200);
	if (roll(writer, 2)) {
		put(writer, ", ");
		write_range(writer, zone, roll(writer, 2), 5);
	}
	if (i > 0 && roll(writer, 3) == 0)
		put(writer, ", n%u", i - 1);
	put(writer, "]");
	if (roll(writer, 2)) {
		put(writer, ", except: [");
		write_range(writer, zone, roll(writer, 2), 40);
		put(writer, "]");
	}
	put(writer, " }\n");
}

static void write_networks(struct writer *writer)
{
	put(writer, "networks:\n");
	for (unsigned zone = 0; zone < ZONES; zone++)
		for (unsigned i = 0; i < NETWORKS; i++)
			write_network(writer, zone, i);
}

static void write_endpoint(struct writer *writer, unsigned zone)
{
	if (roll(writer, 3) == 0)
		put(writer, "z%u", zone);
	else
		put(writer, "z%u/n%u", zone, roll(writer, NETWORKS));
}

static void write_endpoints(struct writer *writer, unsigned *ret_zone)
{
	*ret_zone = roll(writer, ZONES);
	put(writer, "[");
	write_endpoint(writer, *ret_zone);
	if (roll(writer, 3) == 0) {
		put(writer, ", ");
		write_endpoint(writer, (*ret_zone + 1) % ZONES);
	}
	put(writer, "]");
}

static void write_service(struct writer *writer)
{
	static const char *const fixed[] = { "any",	   "icmp/8", "icmpv6", "ip/esp",
					     "low",	   "mix",    "dns",    "ping",
					     "icmpv6/128", "tcp",    "udp",    "strange" };
	unsigned lo = 1 + roll(writer, 30);

	if (roll(writer, 2))
		put(writer, "%s/%u-%u", roll(writer, 3) ? "tcp" : "udp", lo, lo + roll(writer, 20));
	else
		put(writer, "%s", fixed[roll(writer, sizeof(fixed) / sizeof(fixed[0]))]);
}

static void write_except(struct writer *writer, unsigned from, unsigned to)
{
	const char *glue = "{ ";

	put(writer, ", except: [");
	if (roll(writer, 2)) {
		put(writer, "%sfrom: z%u/n%u", glue, from, roll(writer, NETWORKS));
		glue = ", ";
	}
	if (roll(writer, 2)) {
		put(writer, "%sto: z%u/n%u", glue, to, roll(writer, NETWORKS));
		glue = ", ";
	}
	put(writer, "%sservices: [", glue);
	write_service(writer);
	put(writer, "] }]");
}

static void write_flow(struct writer *writer, unsigned i, bool guarded)
{
	unsigned from, to;

	put(writer, "  - { id: f%u, from: ", i);
	write_endpoints(writer, &from);
	put(writer, ", to: ");
	write_endpoints(writer, &to);
	put(writer, ", services: [");
	if (guarded)
		put(writer, "tcp/%u-%u", 1 + roll(writer, 20), 21 + roll(writer, 20));
	else
		write_service(writer);
	if (!guarded && roll(writer, 2)) {
		put(writer, ", ");
		write_service(writer);
	}
	put(writer, "], guard: %s", guarded ? "web" : "none");
	if (roll(writer, 3) == 0)
		write_except(writer, from, to);
	if (roll(writer, 4) == 0)
		put(writer, ", log: true");
	put(writer, " }\n");
}

static void write_flows(struct writer *writer, unsigned n)
{
	put(writer, "services:\n"
		    "  low: { members: [tcp/1-40, udp/5-9], source-ports: [1-500] }\n"
		    "  strange: { members: [low, tcp/7], source-ports: [100, 400-2000] }\n"
		    "  mix: [tcp/3, tcp/9-11, udp/4, icmp/3, low, ip/gre]\n"
		    "guards:\n  web: http\n"
		    "flows:\n");
	for (unsigned i = 0; i < n; i++)
		write_flow(writer, i, roll(writer, 6) == 0);
}

// One random policy: true if it is free of faults and both readings agree on it.
static bool agree_random(uint64_t policy_seed)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	struct pair pair = { .diag = diag_new() };
	bool sound;

	assert_non_null(writer);
	writer->state = policy_seed;
	put(writer, "title: Random %llu\n", (unsigned long long)policy_seed);
	write_zones(writer);
	write_networks(writer);
	write_flows(writer, 3 + roll(writer, 20));
	sound = open_pair(&pair, policy_read_text("random.yaml", writer->text, writer->used,
						  pair.diag, &pair.policy, NULL)) == 0;
	if (sound && compare(&pair, PROBES) > 0)
		fail_msg("random policy %llu:\n%s", (unsigned long long)policy_seed, writer->text);
	if (!sound && getenv("SEKISHO_VERBOSE"))
		diag_print(pair.diag, stderr);
	close_pair(&pair);
	free(writer);
	return sound;
}

static void agree_on_random_policies(void **state)
{
	unsigned sound = 0;

	(void)state;
	for (unsigned i = 0; i < RANDOM_POLICIES; i++)
		sound += agree_random(seed * 1000 + i);
	print_message("%u of %u random policies are free of faults\n", sound, RANDOM_POLICIES);
	assert_true(sound >= RANDOM_SOUND_LEAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "town", agree_folder, NULL, NULL, (void *)"tests/policies/town" },
		{ "overlap", agree_folder, NULL, NULL, (void *)"tests/policies/overlap" },
		{ "nat", agree_folder, NULL, NULL, (void *)"tests/policies/nat" },
		{ "families", agree_folder, NULL, NULL, (void *)"tests/policies/families" },
		{ "branch office", agree_folder, NULL, NULL, (void *)"rules/branch-office" },
		{ "municipality", agree_folder, NULL, NULL, (void *)"rules/municipality" },
		{ "random", agree_on_random_policies, NULL, NULL, NULL },
	};

	if (getenv("SEKISHO_SEED"))
		seed = strtoull(getenv("SEKISHO_SEED"), NULL, 10);
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
