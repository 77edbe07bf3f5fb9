// Which boxes overlap.
//
// A sweep over sources: boxes come in the order of their lowest source and leave when the sweep has
// passed their highest.  Those that are in stand in a tree over all boxes sorted by lowest
// destination; a node knows the highest destination below it, so that a query visits only branches
// that hold an overlap.  Addresses are compared as ranks, so that the tree is an array of numbers.
#include "plan/carve.h"

#include <errno.h>
#include <stdlib.h>

enum { STACK_MAX = 128 }; // nodes of a walk: two a level

struct item {
	struct plan_rect rect;
	uint32_t box;	   // the caller's index
	uint32_t position; // by lowest destination
	uint32_t reach;	   // how many boxes begin at or below its highest destination
	uint32_t floor;	   // how many begin below its lowest
};

struct sweep {
	struct item *items;	    // by source
	const struct item **by_end; // by highest source
	uint32_t *item_at;	    // by position
	uint32_t *tree;		    // reach of the active boxes; 0: none
	size_t n, leaves;
	size_t max;
	carve_pairs *out;
};

static int by_source(const void *a, const void *b)
{
	const struct item *x = a;
	const struct item *y = b;
	int d = carve_compare(&x->rect, &y->rect);

	return d ? d : x->box < y->box ? -1 : x->box > y->box;
}

static int by_source_end(const void *a, const void *b)
{
	const struct item *x = *(const struct item *const *)a;
	const struct item *y = *(const struct item *const *)b;

	if (x->rect.source.hi != y->rect.source.hi)
		return x->rect.source.hi < y->rect.source.hi ? -1 : 1;
	return x->box < y->box ? -1 : x->box > y->box;
}

static int by_destination(const void *a, const void *b)
{
	const struct item *x = *(const struct item *const *)a;
	const struct item *y = *(const struct item *const *)b;

	if (x->rect.destination.lo != y->rect.destination.lo)
		return x->rect.destination.lo < y->rect.destination.lo ? -1 : 1;
	return x < y ? -1 : x > y;
}

// How many of the sorted items begin below `at` (or at it, with_equal).
static uint32_t count_below(struct item *const *sorted, size_t n, addr_bits at, bool with_equal)
{
	size_t lo = 0;
	size_t hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		addr_bits begin = sorted[mid]->rect.destination.lo;

		if (begin < at || (with_equal && begin == at))
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo;
}

static void rank(struct sweep *s, struct item **sorted)
{
	for (size_t i = 0; i < s->n; i++)
		sorted[i] = &s->items[i];
	qsort(sorted, s->n, sizeof(*sorted), by_destination);
	for (size_t i = 0; i < s->n; i++) {
		struct item *item = sorted[i];

		item->position = (uint32_t)i;
		item->floor = count_below(sorted, s->n, item->rect.destination.lo, false);
		item->reach = count_below(sorted, s->n, item->rect.destination.hi, true);
		s->item_at[i] = (uint32_t)(item - s->items);
	}
}

static void set_leaf(struct sweep *s, uint32_t position, uint32_t reach)
{
	size_t node = s->leaves + position;

	s->tree[node] = reach;
	for (node /= 2; node >= 1; node /= 2) {
		uint32_t left = s->tree[2 * node];
		uint32_t right = s->tree[2 * node + 1];

		s->tree[node] = left > right ? left : right;
	}
}

// Active boxes that begin at or below the item's highest destination and reach its lowest.
static int query(struct sweep *s, const struct item *item)
{
	struct {
		size_t node, first, size;
	} stack[STACK_MAX];
	size_t depth = 0;

	stack[depth].node = 1;
	stack[depth].first = 0;
	stack[depth++].size = s->leaves;
	while (depth > 0) {
		size_t node = stack[--depth].node;
		size_t first = stack[depth].first;
		size_t size = stack[depth].size;
		const struct item *other;

		if (first >= item->reach || s->tree[node] <= item->floor)
			continue;
		if (size > 1) {
			stack[depth].node = 2 * node + 1;
			stack[depth].first = first + size / 2;
			stack[depth++].size = size / 2;
			stack[depth].node = 2 * node;
			stack[depth].first = first;
			stack[depth++].size = size / 2;
			continue;
		}
		other = &s->items[s->item_at[first]];
		if (s->out->n >= s->max)
			return -E2BIG;
		vec_push(s->out,
			 (item->box < other->box ? (struct carve_pair){ item->box, other->box }
						 : (struct carve_pair){ other->box, item->box }));
	}
	return 0;
}

static int run(struct sweep *s)
{
	size_t gone = 0;
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0; i++) {
		while (s->by_end[gone]->rect.source.hi < s->items[i].rect.source.lo)
			set_leaf(s, s->by_end[gone++]->position, 0);
		r = query(s, &s->items[i]);
		set_leaf(s, s->items[i].position, s->items[i].reach);
	}
	return r;
}

// Boxes of one family.
static int sweep_family(struct item *items, size_t n, size_t max, carve_pairs *ret)
{
	struct sweep s = { .items = items, .n = n, .leaves = 1, .max = max, .out = ret };
	VEC(const struct item *) ends = { 0 };
	VEC(struct item *) sorted = { 0 };
	VEC(uint32_t) item_at = { 0 }, tree = { 0 };
	int r;

	if (n < 2)
		return 0;
	while (s.leaves < n)
		s.leaves *= 2;
	for (size_t i = 0; i < n; i++) {
		vec_push(&ends, &items[i]);
		vec_push(&sorted, &items[i]);
		vec_push(&item_at, 0);
	}
	for (size_t i = 0; i < 2 * s.leaves; i++)
		vec_push(&tree, 0);
	s.by_end = ends.v;
	s.item_at = item_at.v;
	s.tree = tree.v;
	qsort(items, n, sizeof(*items), by_source);
	qsort(ends.v, n, sizeof(*ends.v), by_source_end);
	rank(&s, sorted.v);
	r = run(&s);
	vec_done(&ends);
	vec_done(&sorted);
	vec_done(&item_at);
	vec_done(&tree);
	return r;
}

int carve_overlaps(const struct plan_rect *boxes, size_t n, size_t max, carve_pairs *ret)
{
	VEC(struct item) items = { 0 };
	size_t v4 = 0;
	int r;

	for (int family = 0; family < 2; family++) {
		for (size_t i = 0; i < n; i++)
			if ((boxes[i].source.family == ADDR_V4) == (family == 0))
				vec_push(&items,
					 ((struct item){ .rect = boxes[i], .box = (uint32_t)i }));
		v4 = family == 0 ? items.n : v4;
	}
	r = n < 2 ? 0 : sweep_family(items.v, v4, max, ret);
	if (r == 0 && n >= 2)
		r = sweep_family(items.v + v4, items.n - v4, max, ret);
	vec_done(&items);
	return r;
}
