// Cells.
//
// Every rect of a class is a box with a flow.  Boxes have an order: stricter treatment first, then
// the smaller one, then the flow's id.  A box's cells are what remains of it without all boxes that
// come before; so cells are disjoint, and their union is the union of the boxes.  For example a
// logged flow to one host within a plain flow to the whole zone: the host's cell is logged and
// counts on the first flow, the plain flow keeps the zone without the host.
//
// Treatment is the union of all flows that permit a cell.  Boxes with the same rect are joined
// before anything else; where a box overlaps one that comes behind it and asks for something more
// (a helper, a log besides a guard), its cells are cut along that box.
#include "plan/cells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	OVERLAPS_MAX = 4 * 1000 * 1000, // pairs of boxes in one class
	WORK_MAX = 64 * 1024 * 1024,	// steps of cutting in one class
	BOXES_MAX = 16 * 1000 * 1000,	// in all classes of a plan
	CONFLICTS_KEPT = 1 << 16,	// before repeats are dropped
};

struct box {
	struct plan_rect rect;
	uint32_t flow;
	unsigned own;	    // treatment of the flow, for the order
	unsigned treatment; // of all flows with this rect
	unsigned helpers;
	uint32_t plain; // an unguarded flow with this rect that does not say `guard: none`
};

struct piece {
	struct plan_rect rect;
	unsigned treatment, helpers;
};

struct work {
	struct cells *cells;
	VEC(struct box) boxes;
	VEC(struct plan_rect) rects; // of boxes
	carve_pairs pairs;
	VEC(uint32_t) first; // by box: its neighbours in `neighbours`
	VEC(uint32_t) neighbours;
	VEC(struct plan_rect) holes;
	carve_rects rest;
	VEC(struct piece) pieces, split;
	size_t steps;
};

static const char *guard_of(const struct cells *cells, uint32_t flow)
{
	return cells->flows[flow].guard;
}

static int compare_conflicts(const void *a, const void *b)
{
	const struct cells_conflict *x = a;
	const struct cells_conflict *y = b;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	if (x->other != y->other)
		return x->other < y->other ? -1 : 1;
	if (x->fault != y->fault)
		return x->fault < y->fault ? -1 : 1;
	return carve_compare(&x->where, &y->where);
}

void cells_tidy_conflicts(struct cells *cells)
{
	size_t kept = 0;

	if (cells->conflicts.n == 0)
		return;
	qsort(cells->conflicts.v, cells->conflicts.n, sizeof(*cells->conflicts.v),
	      compare_conflicts);
	for (size_t i = 1; i < cells->conflicts.n; i++) {
		const struct cells_conflict *last = &cells->conflicts.v[kept];
		const struct cells_conflict *next = &cells->conflicts.v[i];

		if (last->flow != next->flow || last->other != next->other ||
		    last->fault != next->fault)
			cells->conflicts.v[++kept] = *next;
	}
	cells->conflicts.n = kept + 1;
}

static void add_conflict(struct cells *cells, enum cells_fault fault, uint32_t flow, uint32_t other,
			 struct plan_rect where)
{
	if (cells->conflicts.n == CONFLICTS_KEPT)
		cells_tidy_conflicts(cells);
	vec_push(&cells->conflicts,
		 ((struct cells_conflict){ flow, other, (uint8_t)fault, where }));
}

// `first` comes before `second` in the order and has all or part of it.
static void check_guards(struct cells *cells, const struct box *first, const struct box *second)
{
	struct plan_rect where = carve_intersect(&first->rect, &second->rect);
	const char *guard = guard_of(cells, first->flow);
	const char *other = guard_of(cells, second->flow);

	if (guard && other && strcmp(guard, other) != 0)
		add_conflict(cells, CELLS_TWO_GUARDS, second->flow, first->flow, where);
	if (guard && second->plain != PLAN_NONE)
		add_conflict(cells, CELLS_GUARD_AND_PLAIN, second->plain, first->flow, where);
}

static int compare_order(const struct box *a, const struct box *b)
{
	int d;

	if (a->own != b->own)
		return a->own > b->own ? -1 : 1;
	d = carve_compare_sizes(&a->rect, &b->rect);
	if (d != 0)
		return d;
	if (a->flow != b->flow)
		return a->flow < b->flow ? -1 : 1;
	return carve_compare(&a->rect, &b->rect);
}

static int by_rect(const void *a, const void *b)
{
	int d = carve_compare(&((const struct box *)a)->rect, &((const struct box *)b)->rect);

	return d ? d : compare_order(a, b);
}

static int gather(struct work *w, const struct cells_source *sources, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct plan_term *term = sources[i].term;
		const struct plan_flow *flow = &w->cells->flows[sources[i].flow];
		bool plain = !flow->guard && !w->cells->guard_none[sources[i].flow];

		w->cells->boxes += term->n_rects;
		if (w->boxes.n + term->n_rects > PLAN_CLASS_CELLS_MAX ||
		    w->cells->boxes > BOXES_MAX) {
			w->cells->hint[0] = sources[0].flow;
			w->cells->hint[1] = sources[i].flow;
			return -E2BIG;
		}
		for (size_t j = 0; j < term->n_rects; j++)
			vec_push(&w->boxes,
				 ((struct box){ term->rects[j], sources[i].flow, flow->treatment,
						flow->treatment, term->helpers,
						plain ? sources[i].flow : PLAN_NONE }));
	}
	return 0;
}

// One box for each rect: the first in the order, with the treatment of all.
static void join_equal(struct work *w)
{
	size_t kept = 0;

	if (w->boxes.n == 0)
		return;
	qsort(w->boxes.v, w->boxes.n, sizeof(*w->boxes.v), by_rect);
	for (size_t i = 1; i < w->boxes.n; i++) {
		struct box *first = &w->boxes.v[kept];
		const struct box *next = &w->boxes.v[i];

		if (carve_compare(&first->rect, &next->rect) != 0) {
			w->boxes.v[++kept] = *next;
			continue;
		}
		check_guards(w->cells, first, next);
		first->treatment |= next->treatment;
		first->helpers |= next->helpers;
		if (first->plain == PLAN_NONE)
			first->plain = next->plain;
	}
	w->boxes.n = kept + 1;
}

// Neighbours of box i are neighbours.v[first[i]] to [first[i + 1]].
static void index_neighbours(struct work *w)
{
	w->first.n = 0;
	w->neighbours.n = 0;
	for (size_t i = 0; i < w->boxes.n + 2; i++)
		vec_push(&w->first, 0);
	for (size_t i = 0; i < w->pairs.n; i++) {
		w->first.v[w->pairs.v[i].a + 2]++;
		w->first.v[w->pairs.v[i].b + 2]++;
	}
	for (size_t i = 2; i < w->first.n; i++)
		w->first.v[i] += w->first.v[i - 1];
	for (size_t i = 0; i < 2 * w->pairs.n; i++)
		vec_push(&w->neighbours, 0);
	for (size_t i = 0; i < w->pairs.n; i++) {
		w->neighbours.v[w->first.v[w->pairs.v[i].a + 1]++] = w->pairs.v[i].b;
		w->neighbours.v[w->first.v[w->pairs.v[i].b + 1]++] = w->pairs.v[i].a;
	}
}

static int find_neighbours(struct work *w)
{
	int r;

	w->rects.n = 0;
	for (size_t i = 0; i < w->boxes.n; i++)
		vec_push(&w->rects, w->boxes.v[i].rect);
	r = carve_overlaps(w->rects.v, w->rects.n, OVERLAPS_MAX, &w->pairs);
	if (r < 0 && w->pairs.n > 0) {
		const struct carve_pair *last = &w->pairs.v[w->pairs.n - 1];

		w->cells->hint[0] = w->boxes.v[last->a].flow;
		w->cells->hint[1] = w->boxes.v[last->b].flow;
	}
	index_neighbours(w);
	return r;
}

static void split_piece(struct work *w, const struct piece *piece, const struct box *by)
{
	struct piece inside = *piece;

	if (!carve_overlap(&piece->rect, &by->rect)) {
		vec_push(&w->split, *piece);
		return;
	}
	inside.rect = carve_intersect(&piece->rect, &by->rect);
	inside.treatment |= by->treatment;
	inside.helpers |= by->helpers;
	vec_push(&w->split, inside);
	w->rest.n = 0;
	carve_without(&piece->rect, &by->rect, 1, SIZE_MAX, &w->steps, &w->rest);
	for (size_t i = 0; i < w->rest.n; i++)
		vec_push(&w->split,
			 ((struct piece){ w->rest.v[i], piece->treatment, piece->helpers }));
}

// Cuts the pieces of a box along those behind it that ask for more.
static void add_treatment(struct work *w, const struct box *box, uint32_t index)
{
	for (uint32_t i = w->first.v[index]; i < w->first.v[index + 1]; i++) {
		const struct box *by = &w->boxes.v[w->neighbours.v[i]];
		size_t n = w->pieces.n;

		if (compare_order(by, box) < 0 ||
		    (!(by->treatment & ~box->treatment) && !(by->helpers & ~box->helpers)))
			continue;
		w->split.n = 0;
		for (size_t j = 0; j < n; j++)
			split_piece(w, &w->pieces.v[j], by);
		w->steps += n + w->split.n;
		w->pieces.n = 0;
		for (size_t j = 0; j < w->split.n; j++)
			vec_push(&w->pieces, w->split.v[j]);
		if (w->steps > WORK_MAX || w->pieces.n > PLAN_CLASS_CELLS_MAX)
			return;
	}
}

static int settle_box(struct work *w, uint32_t index)
{
	struct cells *cells = w->cells;
	const struct box *box = &w->boxes.v[index];
	uint32_t neighbour = PLAN_NONE;

	w->holes.n = w->pieces.n = w->rest.n = 0;
	for (uint32_t i = w->first.v[index]; i < w->first.v[index + 1]; i++) {
		const struct box *other = &w->boxes.v[w->neighbours.v[i]];

		neighbour = other->flow;
		if (compare_order(other, box) > 0)
			continue;
		check_guards(cells, other, box);
		vec_push(&w->holes, other->rect);
	}
	if (w->holes.n > 0)
		carve_without(&box->rect, w->holes.v, w->holes.n, WORK_MAX, &w->steps, &w->rest);
	else
		vec_push(&w->rest, box->rect);
	for (size_t i = 0; i < w->rest.n; i++)
		vec_push(&w->pieces,
			 ((struct piece){ w->rest.v[i], box->treatment, box->helpers }));
	add_treatment(w, box, index);
	if (w->steps > WORK_MAX || cells->out.n + w->pieces.n > PLAN_CLASS_CELLS_MAX) {
		cells->hint[0] = box->flow;
		cells->hint[1] = neighbour;
		return -E2BIG;
	}
	for (size_t i = 0; i < w->pieces.n; i++) {
		const struct piece *piece = &w->pieces.v[i];

		vec_push(&cells->out,
			 ((struct plan_cell){
				 piece->rect, box->flow, piece->treatment, piece->helpers,
				 piece->treatment & PLAN_GUARD ? box->flow : PLAN_NONE }));
	}
	return 0;
}

static int by_cell_rect(const void *a, const void *b)
{
	return carve_compare(&((const struct plan_cell *)a)->rect,
			     &((const struct plan_cell *)b)->rect);
}

// A term's own rects are disjoint.
static int settle_one(struct cells *cells, const struct cells_source *source)
{
	const struct plan_flow *flow = &cells->flows[source->flow];

	for (size_t i = 0; i < source->term->n_rects; i++)
		vec_push(&cells->out,
			 ((struct plan_cell){ source->term->rects[i], source->flow, flow->treatment,
					      source->term->helpers,
					      flow->guard ? source->flow : PLAN_NONE }));
	return 0;
}

static int settle_many(struct cells *cells, const struct cells_source *sources, size_t n)
{
	struct work w = { .cells = cells };
	int r = gather(&w, sources, n);

	if (r == 0) {
		join_equal(&w);
		r = find_neighbours(&w);
	}
	for (size_t i = 0; i < w.boxes.n && r == 0; i++)
		r = settle_box(&w, (uint32_t)i);
	vec_done(&w.boxes);
	vec_done(&w.rects);
	vec_done(&w.pairs);
	vec_done(&w.first);
	vec_done(&w.neighbours);
	vec_done(&w.holes);
	vec_done(&w.rest);
	vec_done(&w.pieces);
	vec_done(&w.split);
	return r;
}

int cells_settle(struct cells *cells, const struct cells_source *sources, size_t n)
{
	int r;

	cells->out.n = 0;
	r = n == 1 ? settle_one(cells, sources) : settle_many(cells, sources, n);
	if (r == 0 && cells->out.n > 0)
		qsort(cells->out.v, cells->out.n, sizeof(*cells->out.v), by_cell_rect);
	return r;
}

void cells_done(struct cells *cells)
{
	vec_done(&cells->out);
	vec_done(&cells->conflicts);
}
