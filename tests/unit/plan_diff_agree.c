// A diff against its slow twin: for thousands of packets, what both plans say of each, and what the
// rows of the diff say.  The seed is printed and can be given: SEKISHO_SEED=N
// build/unit/plan_diff_agree
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/diff.h"
#include "plan/query.h"
#include "reference/probes.h"
#include "reference/random_policy.h"

enum { PROBES = 2500, POLICIES = 60, COMPARED_LEAST = 30, DIFFERENCES_LEAST = 5000 };

static uint64_t seed = 20261126;

struct made {
	struct diag *diag;
	struct pol_policy *policy;
	struct plan *plan;
};

static bool make(struct made *made, int read)
{
	return read == 0 && plan_make(made->policy, made->diag, &made->plan, NULL) == 0;
}

static bool make_text(struct made *made, const char *text)
{
	made->diag = diag_new();
	return make(made, policy_read_text("random.yaml", text, strlen(text), made->diag,
					   &made->policy, NULL));
}

static bool make_folder(struct made *made, const char *dir)
{
	made->diag = diag_new();
	return make(made, policy_read_path(dir, made->diag, &made->policy, NULL));
}

static void made_done(struct made *made)
{
	plan_free(made->plan);
	policy_free(made->policy);
	diag_free(made->diag);
}

struct seen {	    // a packet by one plan
	bool known; // both of its zones are there
	bool has_source, has_destination;
	bool permitted;
	const struct plan_cell *cell;
	struct plan_packet packet;
};

static struct seen look(const struct plan *plan, const char *from, const char *to,
			const struct reference_packet *probe)
{
	uint32_t from_zone = plan_find_zone(plan, from), to_zone = plan_find_zone(plan, to);
	struct seen seen = { .known = from_zone != PLAN_NONE && to_zone != PLAN_NONE };

	seen.packet = (struct plan_packet){
		.from = (uint16_t)from_zone,
		.to = (uint16_t)to_zone,
		.source = probe->source,
		.destination = probe->destination,
		.protocol = probe->protocol,
		.sport = probe->sport,
		.port = probe->port,
	};
	if (!seen.known)
		return seen;
	seen.has_source = plan_zone_has(plan, from_zone, &probe->source);
	seen.has_destination = plan_zone_has(plan, to_zone, &probe->destination);
	seen.permitted = seen.has_source && seen.has_destination &&
			 plan_match(plan, &seen.packet, &seen.cell) != PLAN_NONE;
	return seen;
}

static const char *guard_of(const struct plan *plan, const struct plan_cell *cell)
{
	size_t n;

	return cell->guard_flow == PLAN_NONE ? "" : plan_flows(plan, &n)[cell->guard_flow].guard;
}

static const struct pol_flow *find_flow(const struct pol_tree *tree, const char *id)
{
	for (size_t i = 0; i < tree->n_flows; i++)
		if (strcmp(tree->flows[i].id.s, id) == 0)
			return &tree->flows[i];
	return NULL;
}

// The row of the kind that holds the packet, or NULL.
static const struct diff_row *find_row(const struct plan_diff *diff, enum diff_kind kind,
				       const char *from, const char *to,
				       const struct plan_packet *packet)
{
	for (size_t i = 0; i < diff->n; i++) {
		const struct diff_row *row = &diff->rows[i];

		if (row->kind == kind && row->from && strcmp(row->from, from) == 0 &&
		    strcmp(row->to, to) == 0 && diff_row_holds(row, packet))
			return row;
	}
	return NULL;
}

static int find_zone(const struct pol_tree *tree, const char *id)
{
	for (size_t i = 0; i < tree->n_zones; i++)
		if (strcmp(tree->zones[i].id.s, id) == 0)
			return (int)i;
	return REFERENCE_SELF;
}

// Does the flow that a row names permit the packet, by the text of the policy?
static bool names_right(const struct pol_tree *tree, const struct diff_row *row,
			const struct reference_packet *packet, const char *from, const char *to)
{
	const struct pol_flow *flow = find_flow(tree, row->flow);
	struct reference_packet own = *packet;

	own.from = find_zone(tree, from);
	own.to = find_zone(tree, to);
	return flow && reference_flow_permits(tree, flow, &own);
}

// Do all parts have rows?
static bool is_complete(const struct plan_diff *diff)
{
	for (size_t i = 0; i < diff->n; i++)
		if (diff->rows[i].more)
			return false;
	return diff->omitted == 0;
}

// What is wrong, or NULL.  *ret_differs: the plans say different things.
static const char *judge(const struct made *before, const struct made *after,
			 const struct plan_diff *diff, const struct reference_packet *probe,
			 const char *from, const char *to, bool *ret_differs)
{
	struct seen was = look(before->plan, from, to, probe);
	struct seen is = look(after->plan, from, to, probe);
	const struct diff_row *opens = find_row(diff, DIFF_OPENS, from, to, &is.packet);
	const struct diff_row *closes = find_row(diff, DIFF_CLOSES, from, to, &is.packet);
	bool treated;

	*ret_differs = was.permitted != is.permitted;
	if ((!was.has_source && !is.has_source) || (!was.has_destination && !is.has_destination))
		return NULL; // no packet has these addresses
	if (!is_complete(diff) && !opens && !closes)
		return NULL; // it may be one of those without a row
	if ((is.permitted && !was.permitted) != (opens != NULL))
		return opens ? "a row opens what was open, or stays closed" : "no row opens it";
	if ((was.permitted && !is.permitted) != (closes != NULL))
		return closes ? "a row closes what stays open, or was closed" : "no row closes it";
	if (opens && !names_right(policy_tree(after->policy), opens, probe, from, to))
		return "the flow that opens it does not permit it";
	if (closes && !names_right(policy_tree(before->policy), closes, probe, from, to))
		return "the flow that closes it did not permit it";
	if (!was.permitted || !is.permitted)
		return NULL;
	treated = was.cell->treatment != is.cell->treatment ||
		  was.cell->helpers != is.cell->helpers ||
		  strcmp(guard_of(before->plan, was.cell), guard_of(after->plan, is.cell)) != 0;
	*ret_differs = treated;
	if (treated != (find_row(diff, DIFF_CHANGES, from, to, &is.packet) != NULL))
		return treated ? "no row tells its new treatment" : "its treatment is the same";
	return NULL;
}

static bool crosses_families(const struct reference_packet *packet)
{
	return (packet->protocol == 1 && packet->source.family == ADDR_V6) ||
	       (packet->protocol == 58 && packet->source.family == ADDR_V4);
}

// Returns how many of the probes of `by` the two plans differ on.
static size_t try_probes(const struct made *before, const struct made *after,
			 const struct plan_diff *diff, const struct made *by)
{
	const struct pol_tree *tree = policy_tree(by->policy);
	struct probe *probes;
	size_t n = probes_make(tree, seed, PROBES, false, &probes), differences = 0;
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct reference_packet *packet = &probes[i].packet;
		const char *from = reference_zone_name(tree, packet->from);
		const char *to = reference_zone_name(tree, packet->to);
		const char *wrong;
		bool differs;

		if (crosses_families(packet))
			continue;
		wrong = judge(before, after, diff, packet, from, to, &differs);
		differences += differs;
		if (wrong)
			fail_msg("%s (seed %llu): %s %s -> %s %s protocol %u sport %u port %u",
				 wrong, (unsigned long long)seed, from,
				 addr_text(&packet->source, source), to,
				 addr_text(&packet->destination, destination), packet->protocol,
				 packet->sport, packet->port);
	}
	free(probes);
	return differences;
}

static size_t compare(const struct made *before, const struct made *after)
{
	struct plan_diff diff;
	size_t differences;

	plan_diff(before->plan, after->plan, &diff);
	assert_int_equal(diff.omitted, 0);
	for (size_t i = 0; i < diff.n; i++)
		assert_false(diff.rows[i].inexact);
	differences = try_probes(before, after, &diff, before);
	differences += try_probes(before, after, &diff, after);
	plan_diff_done(&diff);
	return differences;
}

static void random_pairs(void **state)
{
	size_t compared = 0, differences = 0;
	uint64_t given = seed;

	(void)state;
	for (unsigned i = 0; i < POLICIES; i++) {
		char *one = random_policy(given * 1000 + i, 0);
		char *two = random_policy(given * 1000 + i, 1 + i);
		struct made before = { 0 }, after = { 0 };

		seed = given * 1000 + i;
		bool valid = make_text(&before, one); // both are read, whatever the first is
		valid = make_text(&after, two) && valid;
		if (valid) {
			compared++;
			differences += compare(&before, &after);
			differences += compare(&after, &before);
			assert_int_equal(compare(&before, &before), 0);
		}
		made_done(&before);
		made_done(&after);
		free(one);
		free(two);
	}
	seed = given;
	print_message("%zu of %u pairs of random policies compared, %zu probes differ\n", compared,
		      POLICIES, differences);
	assert_true(compared >= COMPARED_LEAST);
	assert_true(differences >= DIFFERENCES_LEAST);
}

// Policies with little in common: zones come and go.
static void folders(void **state)
{
	static const char *const dirs[] = { "tests/policies/town",     "tests/policies/overlap",
					    "tests/policies/families", "rules/branch-office",
					    "rules/municipality",      "rules/mail-gate",
					    "rules/mail-tls" };
	enum { N = sizeof(dirs) / sizeof(dirs[0]) };
	struct made made[N] = { 0 };

	(void)state;
	for (size_t i = 0; i < N; i++)
		assert_true(make_folder(&made[i], dirs[i]));
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < N; j++)
			compare(&made[i], &made[j]);
	for (size_t i = 0; i < N; i++)
		made_done(&made[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_pairs),
		cmocka_unit_test(folders),
	};

	if (getenv("SEKISHO_SEED"))
		seed = strtoull(getenv("SEKISHO_SEED"), NULL, 10);
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
