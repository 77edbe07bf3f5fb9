// Boxes of source and destination addresses: which overlap, and what remains of one without others.
#ifndef SEKISHO_PLAN_CARVE_H
#define SEKISHO_PLAN_CARVE_H

#include "base/vec.h"
#include "plan/plan.h"

struct carve_pair {
	uint32_t a, b; // indices of two boxes that overlap; a < b
};

typedef VEC(struct carve_pair) carve_pairs;
typedef VEC(struct plan_rect) carve_rects;

// Every pair of boxes that overlap, of both families; at most max, else -E2BIG (the pairs found so
// far are then in ret).  O((n + pairs) log n).
int carve_overlaps(const struct plan_rect *boxes, size_t n, size_t max, carve_pairs *ret);

// Appends disjoint rects that are exactly box without all of the holes (of its family).  *work
// counts the steps; -E2BIG when it passes max_work.
int carve_without(const struct plan_rect *box, const struct plan_rect *holes, size_t n,
		  size_t max_work, size_t *work, carve_rects *ret);

bool carve_overlap(const struct plan_rect *a, const struct plan_rect *b);
// Of two that overlap.
struct plan_rect carve_intersect(const struct plan_rect *a, const struct plan_rect *b);
// By number of (source, destination) points: below 0 when a has fewer.
int carve_compare_sizes(const struct plan_rect *a, const struct plan_rect *b);
// By family, source, destination.
int carve_compare(const struct plan_rect *a, const struct plan_rect *b);

#endif
