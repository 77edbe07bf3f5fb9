// Sets of addresses: sorted arrays of disjoint ranges that never touch.
#include "base/addr.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

void addr_set_done(struct addr_set *set)
{
	free(set->v);
	*set = (struct addr_set){ 0 };
}

void addr_set_append(struct addr_set *set, struct addr_range range)
{
	if (set->n == set->cap)
		vec_grow((void **)&set->v, &set->cap, set->n + 1, sizeof(*set->v));
	set->v[set->n++] = range;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct addr_range *x = a;
	const struct addr_range *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->hi < y->hi ? -1 : x->hi > y->hi;
}

// b starts inside a or directly behind it (a sorts before b).
static bool joins(const struct addr_range *a, const struct addr_range *b)
{
	return a->family == b->family && (b->lo <= a->hi || b->lo - a->hi == 1);
}

void addr_set_normalise(struct addr_set *set)
{
	size_t kept = 0;

	if (set->n == 0)
		return;
	qsort(set->v, set->n, sizeof(set->v[0]), compare_ranges);
	for (size_t i = 1; i < set->n; i++) {
		if (!joins(&set->v[kept], &set->v[i]))
			set->v[++kept] = set->v[i];
		else if (set->v[i].hi > set->v[kept].hi)
			set->v[kept].hi = set->v[i].hi;
	}
	set->n = kept + 1;
}

void addr_set_add(struct addr_set *set, struct addr_range range)
{
	addr_set_append(set, range);
	addr_set_normalise(set);
}

void addr_set_union(struct addr_set *set, const struct addr_set *other)
{
	for (size_t i = 0; i < other->n; i++)
		addr_set_append(set, other->v[i]);
	addr_set_normalise(set);
}

void addr_set_copy(struct addr_set *set, const struct addr_set *other)
{
	set->n = 0;
	for (size_t i = 0; i < other->n; i++)
		addr_set_append(set, other->v[i]);
}

// What stays of range when every range of holes (from index first on) is taken away.
static void append_without(struct addr_set *out, struct addr_range range,
			   const struct addr_set *holes, size_t first)
{
	for (size_t i = first; i < holes->n; i++) {
		const struct addr_range *hole = &holes->v[i];

		if (hole->family != range.family || hole->hi < range.lo)
			continue;
		if (hole->lo > range.hi)
			break;
		if (hole->lo > range.lo)
			addr_set_append(out, (struct addr_range){ range.family, range.lo,
								  hole->lo - 1 });
		if (hole->hi >= range.hi)
			return;
		range.lo = hole->hi + 1;
	}
	addr_set_append(out, range);
}

// The first range of set that could touch something at or above range's start.
static size_t first_at(const struct addr_set *set, const struct addr_range *range)
{
	size_t lo = 0;
	size_t hi = set->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct addr_range *at = &set->v[mid];

		if (at->family < range->family ||
		    (at->family == range->family && at->hi < range->lo))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void addr_set_subtract(struct addr_set *set, const struct addr_set *other)
{
	struct addr_set out = { 0 };

	for (size_t i = 0; i < set->n; i++)
		append_without(&out, set->v[i], other, first_at(other, &set->v[i]));
	addr_set_done(set);
	*set = out;
}

void addr_set_intersect(struct addr_set *set, const struct addr_set *other)
{
	struct addr_set out = { 0 };

	for (size_t i = 0; i < set->n; i++) {
		const struct addr_range *a = &set->v[i];

		for (size_t j = first_at(other, a); j < other->n; j++) {
			const struct addr_range *b = &other->v[j];

			if (!addr_range_overlaps(a, b))
				break;
			addr_set_append(&out, (struct addr_range){ a->family,
								   a->lo > b->lo ? a->lo : b->lo,
								   a->hi < b->hi ? a->hi : b->hi });
		}
	}
	addr_set_done(set);
	*set = out;
}

void addr_set_complement(struct addr_set *set)
{
	struct addr_set all = { 0 };

	addr_set_append(&all, addr_range_any(ADDR_V4));
	addr_set_append(&all, addr_range_any(ADDR_V6));
	addr_set_subtract(&all, set);
	addr_set_done(set);
	*set = all;
}

const struct addr_range *addr_set_find(const struct addr_set *set, const struct addr_range *range)
{
	size_t i = first_at(set, range);

	return i < set->n && addr_range_overlaps(&set->v[i], range) ? &set->v[i] : NULL;
}

bool addr_set_contains(const struct addr_set *set, const struct addr *addr)
{
	struct addr_range one = { addr->family, addr->bits, addr->bits };

	return addr_set_find(set, &one) != NULL;
}

bool addr_set_has_family(const struct addr_set *set, enum addr_family family)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].family == family)
			return true;
	return false;
}
