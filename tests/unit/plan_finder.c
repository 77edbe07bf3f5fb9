// The finder, its trees and its image (by every matcher) against their slow twin: on a class with
// many cells of every shape, on random policies, and on a plan that is too large for an image.
// SEKISHO_SEED=N build/unit/plan_finder
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/finder.h"
#include "plan/finder_image.h"
#include "plan/finder_tree.h"
#include "reference/probes.h"
#include "reference/random_policy.h"

enum {
	FLOWS = 300,
	PACKETS = 30000,
	TCP = 6,
	RANDOM_POLICIES = 12,
	RANDOM_SOUND_LEAST = 4, // of those, how many must be free of faults
	RANDOM_PACKETS = 3000,
	LARGE = 400, // addresses and ports of a flow: their product makes no image
};

static uint64_t seed = 20250401, state;

static uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

// Prefixes of many lengths, some of which hold others; one in five of IPv6.
static void write_network(FILE *out, char zone, unsigned i)
{
	unsigned length = 18 + draw(15), bits = draw(1 << 16);

	bits &= 0xffffu << (32 - length);
	fprintf(out, "  %c/n%u: [", zone, i);
	if (i % 5 == 0)
		fprintf(out, "\"fd0%c::%x:0/%u\"]\n", zone, bits, length + 80);
	else
		fprintf(out, "10.%u.%u.%u/%u]\n", zone == 'a' ? 1 : 2, bits >> 8, bits & 255,
			length);
}

static char *write_policy(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out,
		"version: 1\nzones:\n"
		"  a: { interfaces: [a], networks: [10.1.0.0/16, \"fd0a::/64\"] }\n"
		"  b: { interfaces: [b], networks: [10.2.0.0/16, \"fd0b::/64\"] }\nnetworks:\n");
	for (unsigned i = 0; i < FLOWS; i++) {
		write_network(out, 'a', i);
		write_network(out, 'b', i);
	}
	fprintf(out, "flows:\n");
	for (unsigned i = 0; i < FLOWS; i++)
		fprintf(out, "  - { id: f%u, from: a/n%u, to: b/n%u, services: tcp/443 }\n", i, i,
			i);
	fclose(out);
	return text;
}

struct made {
	struct diag *diag;
	struct pol_policy *policy;
	struct plan *plan;
};

// Frees the text.  False: it has faults.
static bool make(struct made *made, char *text)
{
	*made = (struct made){ .diag = diag_new() };
	int r = policy_read_text("finder.yaml", text, strlen(text), made->diag, &made->policy,
				 NULL);

	if (r == 0)
		r = plan_make(made->policy, made->diag, &made->plan, NULL);
	free(text);
	return r == 0;
}

static void unmake(struct made *made)
{
	plan_free(made->plan);
	policy_free(made->policy);
	diag_free(made->diag);
}

static void must_make(struct made *made, char *text)
{
	if (make(made, text))
		return;
	diag_print(made->diag, stderr);
	fail_msg("the policy has faults");
}

// --- every way against plan_match() and plan_query()

static void differ(const char *way, const struct plan_packet *packet)
{
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];

	fail_msg("%s differs (seed %llu): %u %s -> %u %s protocol %u sport %u port %u", way,
		 (unsigned long long)seed, packet->from, addr_text(&packet->source, source),
		 packet->to, addr_text(&packet->destination, destination), packet->protocol,
		 packet->sport, packet->port);
}

static void compare_cells(const char *way, const struct plan_packet *packets, size_t n,
			  const struct plan_cell **cells, const struct plan_cell **expected)
{
	for (size_t i = 0; i < n; i++)
		if (cells[i] != expected[i])
			differ(way, &packets[i]);
}

// Both one by one and in groups of every size.
static void try_finder(struct plan_finder *finder, const char *way,
		       const struct plan_packet *packets, size_t n,
		       const struct plan_cell **expected)
{
	const struct plan_cell **cells = calloc(n, sizeof(*cells));

	for (size_t i = 0, step = 0; i < n; i += step) {
		step = 1 + draw(700);
		step = step < n - i ? step : n - i;
		plan_finder_find_many(finder, packets + i, step, cells + i);
	}
	compare_cells(way, packets, n, cells, expected);
	for (size_t i = 0; i < n; i++)
		if (plan_finder_find(finder, &packets[i]) != expected[i])
			differ("one by one", &packets[i]);
	free(cells);
}

static void try_image(const struct plan *plan, const struct plan_packet *packets, size_t n,
		      const struct plan_cell **expected)
{
	struct finder_image *image = finder_image_new(plan);
	const struct plan_cell **cells = calloc(n, sizeof(*cells));

	assert_non_null(image);
	for (const struct matcher *const *matcher = matchers_all(); *matcher; matcher++) {
		memset(cells, 0xff, n * sizeof(*cells));
		finder_image_find(image, *matcher, packets, n, cells);
		compare_cells((*matcher)->name, packets, n, cells, expected);
	}
	finder_image_free(image);
	free(cells);
}

static void try_decisions(const struct plan *plan, struct plan_finder *finder,
			  const struct plan_packet *packets, size_t n)
{
	struct plan_answer *answers = calloc(n, sizeof(*answers)), one;

	plan_decide_many(plan, finder, packets, n, answers);
	for (size_t i = 0; i < n; i++) {
		const struct plan_answer *many = &answers[i];

		plan_query(plan, &packets[i], &one);
		if (many->verdict != one.verdict ||
		    (many->reason != one.reason && one.reason != PLAN_EXCEPTED) ||
		    (one.verdict != PLAN_DENY && many->flow != one.flow) ||
		    many->source_nat != one.source_nat ||
		    many->destination_nat != one.destination_nat ||
		    many->hairpin_nat != one.hairpin_nat ||
		    many->translated.to != one.translated.to ||
		    many->translated.destination.bits != one.translated.destination.bits ||
		    many->translated.port != one.translated.port ||
		    many->denied_action != one.denied_action)
			differ("decision", &packets[i]);
	}
	free(answers);
}

// Returns how many of the packets have a cell.
static size_t try_all(const struct plan *plan, const struct plan_packet *packets, size_t n)
{
	const struct plan_cell **expected = calloc(n, sizeof(*expected));
	struct plan_finder *finder = plan_finder_new(plan);
	struct finder_tree *tree = finder_tree_new(plan);
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		plan_match(plan, &packets[i], &expected[i]);
		found += expected[i] != NULL;
		if (finder_tree_find(tree, &packets[i]) != expected[i])
			differ("tree", &packets[i]);
	}
	if (finder_image_rules(plan) <= FINDER_RULES_MAX)
		try_image(plan, packets, n, expected);
	try_finder(finder, "finder", packets, n, expected);
	plan_finder_expect(finder, SIZE_MAX - 1);
	try_finder(finder, "finder that expects many", packets, n, expected);
	try_decisions(plan, finder, packets, n);
	finder_tree_free(tree);
	plan_finder_free(finder);
	free(expected);
	return found;
}

// --- packets

// An end of a cell's range, or one beside it.
static struct addr near_end(const struct addr_range *range)
{
	addr_bits bits = draw(2) ? range->lo : range->hi;
	unsigned step = draw(3);

	if (step == 0 && bits > 0)
		bits--;
	if (step == 2 && bits < addr_max(range->family))
		bits++;
	return (struct addr){ range->family, bits };
}

static uint16_t near_port(uint16_t lo, uint16_t hi)
{
	return (uint16_t)((draw(2) ? lo : hi) + draw(3) - 1); // past either end of all: wraps
}

static const struct plan_cell *draw_cell(const struct plan_class *class)
{
	return &class->cells[draw((uint32_t) class->n_cells)];
}

// At the edges of an atom of a class and of one of its cells, or of two.
static struct plan_packet draw_packet(const struct plan_pair *pair, const struct plan_class *class)
{
	const struct plan_atom *atom = &class->atoms[draw((uint32_t) class->n_atoms)];
	const struct plan_rect *rect = &draw_cell(class)->rect;
	const struct plan_rect *other = draw(3) ? rect : &draw_cell(class)->rect;

	return (struct plan_packet){
		.from = pair->from,
		.to = pair->to,
		.source = near_end(&rect->source),
		.destination = near_end(&other->destination),
		.protocol = draw(2) ? atom->protocol_lo : atom->protocol_hi,
		.sport =
			draw(2) ? near_port(atom->sport_lo, atom->sport_hi) : (uint16_t)draw(65536),
		.port = draw(2) ? near_port(atom->port_lo, atom->port_hi) : atom->port_lo,
	};
}

// Another zone, another family, another protocol, or an address that IPv4 has not.
static void spoil(const struct plan *plan, struct plan_packet *packet)
{
	size_t n_zones;

	plan_zones(plan, &n_zones);
	switch (draw(20)) {
	case 0:
		packet->from = (uint16_t)draw((uint32_t)n_zones);
		break;
	case 1:
		packet->to = (uint16_t)draw((uint32_t)n_zones);
		break;
	case 2:
		packet->source = (struct addr){ ADDR_V6, draw(100000) };
		break;
	case 3:
		packet->destination = (struct addr){ ADDR_V4, draw(100000) };
		break;
	case 4:
		packet->protocol = (uint8_t)draw(256);
		break;
	default:
		break;
	}
}

static size_t draw_packets(const struct plan *plan, struct plan_packet *packets, size_t n)
{
	size_t n_pairs, n_made = 0;
	const struct plan_pair *pairs = plan_pairs(plan, &n_pairs);

	for (size_t i = 0; n_pairs > 0 && i < n; i++) {
		const struct plan_pair *pair = &pairs[draw((uint32_t)n_pairs)];
		const struct plan_class *class =
			pair->n_classes ? &pair->classes[draw((uint32_t)pair->n_classes)] : NULL;

		if (!class || class->n_cells == 0 || class->n_atoms == 0)
			continue;
		packets[n_made] = draw_packet(pair, class);
		spoil(plan, &packets[n_made++]);
	}
	return n_made;
}

// Those of the policy's own words, among them what NAT translates.
static size_t add_probes(const struct made *made, struct plan_packet *packets, size_t n)
{
	const struct pol_tree *tree = policy_tree(made->policy);
	struct probe *probes;
	size_t n_probes = probes_make(tree, seed, n, true, &probes);

	for (size_t i = 0; i < n_probes; i++) {
		const struct reference_packet *probe = &probes[i].packet;

		packets[i] = (struct plan_packet){
			.from = (uint16_t)plan_find_zone(made->plan,
							 reference_zone_name(tree, probe->from)),
			.to = (uint16_t)plan_find_zone(made->plan,
						       reference_zone_name(tree, probe->to)),
			.source = probe->source,
			.destination = probe->destination,
			.protocol = probe->protocol,
			.sport = probe->sport,
			.port = probe->port,
		};
	}
	free(probes);
	return n_probes;
}

// --- the tests

static void finds_in_a_large_class(void **arg)
{
	struct plan_packet *packets = calloc(PACKETS, sizeof(*packets));
	struct made made;

	(void)arg;
	must_make(&made, write_policy());
	size_t n = draw_packets(made.plan, packets, PACKETS);
	size_t found = try_all(made.plan, packets, n);

	assert_true(finder_image_rules(made.plan) > 10 * FINDER_LEAF);
	assert_true(found > n / 10 && found < n);
	unmake(&made);
	free(packets);
}

static void finds_on_random_policies(void **arg)
{
	struct plan_packet *packets = calloc(2 * RANDOM_PACKETS, sizeof(*packets));
	size_t found = 0, sound = 0;

	(void)arg;
	for (unsigned i = 0; i < RANDOM_POLICIES; i++) {
		struct made made;

		if (make(&made, random_policy(seed * 1000 + i, 0))) {
			size_t n = draw_packets(made.plan, packets, RANDOM_PACKETS);

			n += add_probes(&made, packets + n, RANDOM_PACKETS);
			found += try_all(made.plan, packets, n);
			sound++;
		}
		unmake(&made);
	}
	print_message("%zu random policies, %zu packets with a cell\n", sound, found);
	assert_true(sound >= RANDOM_SOUND_LEAST && found > RANDOM_PACKETS);
	free(packets);
}

static char *write_large_policy(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "version: 1\nzones:\n"
		     "  a: { interfaces: [a], networks: [10.1.0.0/16] }\n"
		     "  b: { interfaces: [b], networks: [10.2.0.0/16] }\nnetworks:\n  a/n: [");
	for (unsigned i = 0; i < LARGE; i++)
		fprintf(out, "%s10.1.%u.%u", i ? ", " : "", i / 100, i % 100 * 2);
	fprintf(out, "]\nflows:\n  - { id: f, from: a/n, to: b, services: [");
	for (unsigned i = 0; i < LARGE; i++)
		fprintf(out, "%stcp/%u", i ? ", " : "", 1000 + 2 * i);
	fprintf(out, "] }\n");
	fclose(out);
	return text;
}

static void does_without_an_image(void **arg)
{
	enum { N = 2000 };
	struct plan_packet packets[N];
	struct made made;

	(void)arg;
	must_make(&made, write_large_policy());
	assert_int_equal(finder_image_rules(made.plan), FINDER_RULES_MAX + 1);
	assert_null(finder_image_new(made.plan));
	assert_true(try_all(made.plan, packets, draw_packets(made.plan, packets, N)) > 0);
	unmake(&made);
}

static void has_no_cell_for_what_is_no_packet(void **arg)
{
	struct plan_packet *packets = calloc(PACKETS, sizeof(*packets));
	struct made made;

	(void)arg;
	must_make(&made, write_policy());
	size_t n = draw_packets(made.plan, packets, 1000);

	for (size_t i = 0; i < n; i++)
		if (packets[i].source.family == ADDR_V4)
			packets[i].source.bits |= (addr_bits)1 << (32 + draw(90));
	try_all(made.plan, packets, n);
	try_all(made.plan, packets, 0);
	unmake(&made);
	free(packets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_in_a_large_class),
		cmocka_unit_test(finds_on_random_policies),
		cmocka_unit_test(does_without_an_image),
		cmocka_unit_test(has_no_cell_for_what_is_no_packet),
	};

	if (getenv("SEKISHO_SEED"))
		seed = strtoull(getenv("SEKISHO_SEED"), NULL, 10);
	state = seed;
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
