// Boxes of source and destination addresses.
//
// A box without holes is cut by a sweep over sources.  Between two places where a hole begins or
// ends, the holes that are open leave the same gaps of destinations; a gap that goes on unchanged
// is one rect:
//
//     destination ^  +---------------+       +---+---+-------+
//                 |  |     +---+     |       |   | b |       |
//                 |  |     | h |     |  -->  | a +---+   d   |
//                 |  |     +---+     |       |   | c |       |
//                 |  +---------------+       +---+---+-------+
//                 +------------------> source
//
// k disjoint holes give at most 3k + 1 rects.
#include "plan/carve.h"

#include <errno.h>
#include <stdlib.h>

#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))

struct gap { // of destinations, open since a source
	addr_bits lo, hi, since;
};

typedef VEC(struct gap) gaps;

struct cutter {
	const struct plan_rect *box;
	struct plan_rect *holes; // within the box, by source
	size_t n_holes, next;
	VEC(const struct plan_rect *) active; // by destination
	gaps open, found;
	carve_rects *out;
};

bool carve_overlap(const struct plan_rect *a, const struct plan_rect *b)
{
	return addr_range_overlaps(&a->source, &b->source) &&
	       addr_range_overlaps(&a->destination, &b->destination);
}

static struct addr_range intersect(const struct addr_range *a, const struct addr_range *b)
{
	return (struct addr_range){ a->family, MAX(a->lo, b->lo), MIN(a->hi, b->hi) };
}

struct plan_rect carve_intersect(const struct plan_rect *a, const struct plan_rect *b)
{
	return (struct plan_rect){ intersect(&a->source, &b->source),
				   intersect(&a->destination, &b->destination) };
}

static int compare_ranges(const struct addr_range *a, const struct addr_range *b)
{
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return a->hi < b->hi ? -1 : a->hi > b->hi;
}

int carve_compare(const struct plan_rect *a, const struct plan_rect *b)
{
	int d;

	if (a->source.family != b->source.family)
		return a->source.family < b->source.family ? -1 : 1;
	d = compare_ranges(&a->source, &b->source);
	return d ? d : compare_ranges(&a->destination, &b->destination);
}

// width + 1, in three limbs: a range may hold 2^128 addresses.
static void limbs_of(const struct addr_range *range, uint64_t out[3])
{
	addr_bits width = range->hi - range->lo;
	addr_bits size = width + 1;

	out[0] = (uint64_t)size;
	out[1] = (uint64_t)(size >> 64);
	out[2] = size == 0;
}

static void multiply(const struct plan_rect *rect, uint64_t out[6])
{
	uint64_t a[3], b[3];

	limbs_of(&rect->source, a);
	limbs_of(&rect->destination, b);
	for (int i = 0; i < 6; i++)
		out[i] = 0;
	for (int i = 0; i < 3; i++) {
		addr_bits carry = 0;

		for (int j = 0; j < 3; j++) {
			carry += (addr_bits)a[i] * b[j] + out[i + j];
			out[i + j] = (uint64_t)carry;
			carry >>= 64;
		}
		out[i + 3] += (uint64_t)carry;
	}
}

int carve_compare_sizes(const struct plan_rect *a, const struct plan_rect *b)
{
	uint64_t x[6], y[6];

	multiply(a, x);
	multiply(b, y);
	for (int i = 5; i >= 0; i--)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static int compare_rects(const void *a, const void *b)
{
	return carve_compare(a, b);
}

static int compare_bits(const void *a, const void *b)
{
	addr_bits x = *(const addr_bits *)a;
	addr_bits y = *(const addr_bits *)b;

	return x < y ? -1 : x > y;
}

static void close_gap(struct cutter *c, const struct gap *gap, addr_bits end)
{
	struct plan_rect *rect = vec_add(c->out);
	enum addr_family family = c->box->source.family;

	rect->source = (struct addr_range){ family, gap->since, end };
	rect->destination = (struct addr_range){ family, gap->lo, gap->hi };
}

static void find_gaps(struct cutter *c, addr_bits since)
{
	addr_bits at = c->box->destination.lo;

	c->found.n = 0;
	for (size_t i = 0; i < c->active.n; i++) {
		const struct addr_range *hole = &c->active.v[i]->destination;

		if (hole->lo > at)
			vec_push(&c->found, ((struct gap){ at, hole->lo - 1, since }));
		if (hole->hi >= c->box->destination.hi)
			return;
		at = MAX(at, hole->hi + 1);
	}
	vec_push(&c->found, ((struct gap){ at, c->box->destination.hi, since }));
}

// Gaps of the new step that were open before go on; open ones that are gone end before `at`.
static void exchange_gaps(struct cutter *c, addr_bits at)
{
	gaps swap;
	size_t i = 0;

	for (size_t j = 0; j < c->open.n; j++) {
		while (i < c->found.n && c->found.v[i].lo < c->open.v[j].lo)
			i++;
		if (i < c->found.n && c->found.v[i].lo == c->open.v[j].lo &&
		    c->found.v[i].hi == c->open.v[j].hi)
			c->found.v[i].since = c->open.v[j].since;
		else
			close_gap(c, &c->open.v[j], at - 1);
	}
	swap = c->open;
	c->open = c->found;
	c->found = swap;
}

static void insert_active(struct cutter *c, const struct plan_rect *hole)
{
	size_t at;

	(void)vec_add(&c->active);
	at = c->active.n - 1;
	while (at > 0 && c->active.v[at - 1]->destination.lo > hole->destination.lo) {
		c->active.v[at] = c->active.v[at - 1];
		at--;
	}
	c->active.v[at] = hole;
}

static void step_to(struct cutter *c, addr_bits at)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->active.n; i++)
		if (c->active.v[i]->source.hi >= at)
			c->active.v[kept++] = c->active.v[i];
	c->active.n = kept;
	while (c->next < c->n_holes && c->holes[c->next].source.lo == at)
		insert_active(c, &c->holes[c->next++]);
	find_gaps(c, at);
	exchange_gaps(c, at);
}

int carve_without(const struct plan_rect *box, const struct plan_rect *holes, size_t n,
		  size_t max_work, size_t *work, carve_rects *ret)
{
	struct cutter c = { .box = box, .out = ret };
	VEC(struct plan_rect) clipped = { 0 };
	VEC(addr_bits) bounds = { 0 };
	int r = 0;

	vec_push(&bounds, box->source.lo);
	for (size_t i = 0; i < n; i++) {
		struct plan_rect hole;

		if (!carve_overlap(box, &holes[i]))
			continue;
		hole = carve_intersect(box, &holes[i]);
		vec_push(&clipped, hole);
		vec_push(&bounds, hole.source.lo);
		if (hole.source.hi < box->source.hi)
			vec_push(&bounds, hole.source.hi + 1);
	}
	if (clipped.n > 0)
		qsort(clipped.v, clipped.n, sizeof(*clipped.v), compare_rects);
	qsort(bounds.v, bounds.n, sizeof(*bounds.v), compare_bits);
	c.holes = clipped.v;
	c.n_holes = clipped.n;
	for (size_t i = 0; i < bounds.n && r == 0; i++) {
		if (i > 0 && bounds.v[i] == bounds.v[i - 1])
			continue;
		step_to(&c, bounds.v[i]);
		*work += c.active.n + c.open.n + 1;
		r = *work > max_work ? -E2BIG : 0;
	}
	for (size_t i = 0; i < c.open.n; i++)
		close_gap(&c, &c.open.v[i], box->source.hi);
	vec_done(&c.active);
	vec_done(&c.open);
	vec_done(&c.found);
	vec_done(&clipped);
	vec_done(&bounds);
	return r;
}
