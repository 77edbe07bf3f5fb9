// The finder against its slow twin, on a class with many cells of every shape.
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

enum { FLOWS = 300, PACKETS = 50000, TCP = 6 };

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

static const struct plan_class *only_class(const struct plan *plan)
{
	size_t n;
	const struct plan_pair *pairs = plan_pairs(plan, &n);

	assert_int_equal(n, 1);
	assert_int_equal(pairs[0].n_classes, 1);
	return &pairs[0].classes[0];
}

// An end of a cell's range, or one beside it.
static addr_bits near_end(const struct addr_range *range)
{
	addr_bits bits = draw(2) ? range->lo : range->hi;

	return bits + draw(3) - 1;
}

static void finds_what_the_twin_finds(void **arg)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	char *text = write_policy();
	size_t found = 0;

	(void)arg;
	if (policy_read_text("finder.yaml", text, strlen(text), diag, &policy, NULL) < 0 ||
	    plan_make(policy, diag, &plan, NULL) < 0) {
		diag_print(diag, stderr);
		fail_msg("the policy has faults");
	}

	const struct plan_class *class = only_class(plan);
	struct plan_finder *finder = plan_finder_new(plan);

	assert_true(class->n_cells > 10 * FINDER_LEAF);
	for (size_t i = 0; i < PACKETS; i++) {
		const struct plan_rect *rect = &class->cells[draw((uint32_t) class->n_cells)].rect;
		const struct plan_rect *other = &class->cells[draw((uint32_t) class->n_cells)].rect;
		const struct plan_cell *cell = NULL;
		struct plan_packet packet = {
			.from = (uint16_t)plan_find_zone(plan, "a"),
			.to = (uint16_t)plan_find_zone(plan, "b"),
			.source = { rect->source.family, near_end(&rect->source) },
			.protocol = TCP,
			.port = 443,
		};

		if (draw(2) && other->source.family == rect->source.family)
			rect = other;
		packet.destination =
			(struct addr){ rect->destination.family, near_end(&rect->destination) };
		plan_match(plan, &packet, &cell);
		found += cell != NULL;
		assert_ptr_equal(plan_finder_find(finder, &packet), cell);
	}
	assert_true(found > PACKETS / 10 && found < PACKETS);
	plan_finder_free(finder);
	plan_free(plan);
	policy_free(policy);
	diag_free(diag);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_the_twin_finds),
	};

	if (getenv("SEKISHO_SEED"))
		seed = strtoull(getenv("SEKISHO_SEED"), NULL, 10);
	state = seed;
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
