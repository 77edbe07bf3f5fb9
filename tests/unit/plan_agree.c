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

#include "plan/finder.h"
#include "plan/query.h"
#include "reference/probes.h"
#include "reference/random_policy.h"

enum {
	PROBES = 3000,
	MISMATCHES_SHOWN = 10,
	RANDOM_POLICIES = 40,
	RANDOM_SOUND_LEAST = 25, // of those, how many must be free of faults
};

static uint64_t seed = 20250401;

struct pair { // of one policy: both readings
	struct diag *diag;
	struct pol_policy *policy;
	struct plan *plan;
	struct plan_finder *finder;
	const struct pol_tree *tree;
};

static int open_pair(struct pair *pair, int r)
{
	if (r == 0) {
		pair->tree = policy_tree(pair->policy);
		r = plan_make(pair->policy, pair->diag, &pair->plan, NULL);
	}
	if (r == 0)
		pair->finder = plan_finder_new(pair->plan);
	return r;
}

static void close_pair(struct pair *pair)
{
	plan_finder_free(pair->finder);
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

// The quick way without words says the same, but for exceptions.
static const char *decision_difference(const struct pair *pair, const struct plan_packet *packet,
				       const struct plan_answer *answer)
{
	struct plan_answer decided;

	plan_decide(pair->plan, pair->finder, packet, &decided);
	if (decided.verdict != answer->verdict ||
	    (decided.reason != answer->reason && answer->reason != PLAN_EXCEPTED) ||
	    decided.denied_action != answer->denied_action)
		return "decision";
	if (decided.verdict != PLAN_DENY && decided.flow != answer->flow)
		return "flow of the decision";
	if (decided.source_nat != answer->source_nat ||
	    decided.destination_nat != answer->destination_nat ||
	    decided.hairpin_nat != answer->hairpin_nat ||
	    decided.translated.to != answer->translated.to)
		return "translation of the decision";
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
	if (!what)
		what = decision_difference(pair, &packet, &answer);
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

// One random policy: true if it is free of faults and both readings agree on it.
static bool agree_random(uint64_t policy_seed)
{
	char *text = random_policy(policy_seed, 0);
	struct pair pair = { .diag = diag_new() };
	bool sound;

	sound = open_pair(&pair, policy_read_text("random.yaml", text, strlen(text), pair.diag,
						  &pair.policy, NULL)) == 0;
	if (sound && compare(&pair, PROBES) > 0)
		fail_msg("random policy %llu:\n%s", (unsigned long long)policy_seed, text);
	if (!sound && getenv("SEKISHO_VERBOSE"))
		diag_print(pair.diag, stderr);
	close_pair(&pair);
	free(text);
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
		{ "mail gate", agree_folder, NULL, NULL, (void *)"rules/mail-gate" },
		{ "mail in TLS", agree_folder, NULL, NULL, (void *)"rules/mail-tls" },
		{ "random", agree_on_random_policies, NULL, NULL, NULL },
	};

	if (getenv("SEKISHO_SEED"))
		seed = strtoull(getenv("SEKISHO_SEED"), NULL, 10);
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
