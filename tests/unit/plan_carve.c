// Boxes: overlaps and what remains, against every pair and every corner; at the ends of the address
// space too.  The seed is printed and can be given: SEKISHO_SEED=N build/unit/plan_carve
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan/carve.h"

enum { ROUNDS = 300, BOXES_MAX = 40, HOLES_MAX = 12, SPAN = 24 };

static unsigned seed = 11;

// Small numbers at both ends of the family's addresses, so that boxes often meet and touch.
static struct addr_range random_range(enum addr_family family)
{
	addr_bits base = rand() % 2 ? 0 : addr_max(family) - SPAN;
	addr_bits lo = base + (addr_bits)(rand() % SPAN);
	struct addr_range range = { family, lo, lo + (addr_bits)(rand() % 8) };

	if (range.hi > addr_max(family) || range.hi < range.lo)
		range.hi = addr_max(family);
	return rand() % 10 ? range : addr_range_any(family);
}

static struct plan_rect random_rect(void)
{
	enum addr_family family = rand() % 2 ? ADDR_V4 : ADDR_V6;

	return (struct plan_rect){ random_range(family), random_range(family) };
}

static int compare_pairs(const void *a, const void *b)
{
	const struct carve_pair *x = a;
	const struct carve_pair *y = b;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

static void overlaps(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct plan_rect boxes[BOXES_MAX];
		size_t n = (size_t)(rand() % (BOXES_MAX + 1));
		carve_pairs pairs = { 0 };
		size_t at = 0;

		for (size_t i = 0; i < n; i++)
			boxes[i] = random_rect();
		assert_int_equal(carve_overlaps(boxes, n, BOXES_MAX * BOXES_MAX, &pairs), 0);
		if (pairs.n > 0)
			qsort(pairs.v, pairs.n, sizeof(*pairs.v), compare_pairs);
		for (uint32_t i = 0; i < n; i++) {
			for (uint32_t j = i + 1; j < n; j++) {
				if (!carve_overlap(&boxes[i], &boxes[j]))
					continue;
				assert_true(at < pairs.n);
				assert_int_equal(pairs.v[at].a, i);
				assert_int_equal(pairs.v[at++].b, j);
			}
		}
		assert_int_equal(at, pairs.n);
		if (pairs.n > 1)
			assert_int_equal(carve_overlaps(boxes, n, 1, &pairs), -E2BIG);
		vec_done(&pairs);
	}
}

static bool rect_has(const struct plan_rect *rect, const struct addr *source,
		     const struct addr *destination)
{
	return addr_range_contains(&rect->source, source) &&
	       addr_range_contains(&rect->destination, destination);
}

static void check_point(const struct plan_rect *box, const struct plan_rect *holes, size_t n,
			const carve_rects *rest, struct addr source, struct addr destination)
{
	bool wanted = rect_has(box, &source, &destination);
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		wanted = wanted && !rect_has(&holes[i], &source, &destination);
	for (size_t i = 0; i < rest->n; i++)
		count += rect_has(&rest->v[i], &source, &destination);
	assert_int_equal(count, wanted);
}

// Every point near either end, by their numbers.
static addr_bits point(enum addr_family family, int i)
{
	return i < SPAN + 8 ? (addr_bits)i : addr_max(family) - (addr_bits)(i - SPAN - 8);
}

static void remains(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct plan_rect holes[HOLES_MAX];
		struct plan_rect box = random_rect();
		enum addr_family family = box.source.family;
		size_t n = (size_t)(rand() % (HOLES_MAX + 1));
		carve_rects rest = { 0 };
		size_t work = 0;

		for (size_t i = 0; i < n; i++)
			holes[i] = random_rect();
		assert_int_equal(carve_without(&box, holes, n, SIZE_MAX, &work, &rest), 0);
		for (size_t i = 0; i < rest.n; i++)
			for (size_t j = 0; j < i; j++)
				assert_false(carve_overlap(&rest.v[i], &rest.v[j]));
		for (int s = 0; s < 2 * (SPAN + 8); s++)
			for (int d = 0; d < 2 * (SPAN + 8); d++)
				check_point(&box, holes, n, &rest,
					    (struct addr){ family, point(family, s) },
					    (struct addr){ family, point(family, d) });
		vec_done(&rest);
	}
}

static void sizes(void **state)
{
	struct addr_range any4 = addr_range_any(ADDR_V4);
	struct addr_range any6 = addr_range_any(ADDR_V6);
	struct addr_range but_one = { ADDR_V6, 1, any6.hi };
	struct addr_range half = { ADDR_V6, 0, any6.hi / 2 };
	struct addr_range one = { ADDR_V6, 7, 7 };
	const struct plan_rect rising[] = {
		{ one, one },	      { half, one },	 { but_one, one },
		{ any6, one },	      { half, half },	 { any6, half },
		{ but_one, but_one }, { any6, but_one }, { any6, any6 },
	};

	(void)state;
	assert_int_equal(carve_compare_sizes(&(struct plan_rect){ any4, any4 }, &rising[1]), -1);
	for (size_t i = 0; i < sizeof(rising) / sizeof(rising[0]); i++) {
		assert_int_equal(carve_compare_sizes(&rising[i], &rising[i]), 0);
		for (size_t j = 0; j < i; j++) {
			assert_int_equal(carve_compare_sizes(&rising[j], &rising[i]), -1);
			assert_int_equal(carve_compare_sizes(&rising[i], &rising[j]), 1);
		}
	}
	assert_int_equal(carve_compare_sizes(&(struct plan_rect){ half, any6 }, &rising[5]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlaps),
		cmocka_unit_test(remains),
		cmocka_unit_test(sizes),
	};

	if (getenv("SEKISHO_SEED"))
		seed = (unsigned)strtoul(getenv("SEKISHO_SEED"), NULL, 10);
	printf("seed %u\n", seed);
	srand(seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
