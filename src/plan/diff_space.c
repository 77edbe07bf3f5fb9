// What one plan permits and the other does not: boxes minus boxes.
//
// A whole zone's flow has a rect of every address, and who is of the zone is decided apart.  So a
// zone that gets or loses networks changes what is permitted though the rects stay the same.  With
// M the addresses of a zone here and N there, what counts of a rect is
//
//     fresh: in M - N: permitted here, and certainly not there;
//     kept:  the rest but N - M (which is nobody's here): permitted there where its cells say so.
#include <errno.h>
#include <stdlib.h>

#include "plan/diff_internal.h"

void diff_parts_done(diff_parts *parts)
{
	for (size_t i = 0; i < parts->n; i++) {
		vec_done(&parts->v[i].atoms);
		vec_done(&parts->v[i].rects);
	}
	vec_done(parts);
}

static void add_product(const struct addr_set *sources, const struct addr_set *destinations,
			carve_rects *out)
{
	for (size_t i = 0; out && i < sources->n; i++)
		for (size_t j = 0; j < destinations->n; j++)
			vec_push(out, ((struct plan_rect){ sources->v[i], destinations->v[j] }));
}

struct split { // of one side of a rect
	struct addr_set kept, fresh;
};

static void split_range(const struct addr_range *range, const struct addr_set *fresh_here,
			const struct addr_set *fresh_there, struct split *ret)
{
	addr_set_append(&ret->kept, *range);
	if (fresh_there && fresh_there->n)
		addr_set_subtract(&ret->kept, fresh_there);
	if (fresh_here->n == 0)
		return;
	addr_set_copy(&ret->fresh, &ret->kept);
	addr_set_intersect(&ret->fresh, fresh_here);
	addr_set_subtract(&ret->kept, fresh_here);
}

static const struct addr_set *fresh_of_twin(const struct diff_side *of,
					    const struct diff_side *other, uint32_t zone)
{
	uint32_t twin = of->zone_twin[zone];

	return twin == PLAN_NONE ? NULL : &other->fresh[twin];
}

void diff_split_rect(const struct diff_side *of, const struct diff_side *other, uint32_t from,
		     uint32_t to, const struct plan_rect *rect, carve_rects *kept,
		     carve_rects *fresh)
{
	struct split source = { 0 }, destination = { 0 };

	split_range(&rect->source, &of->fresh[from], fresh_of_twin(of, other, from), &source);
	split_range(&rect->destination, &of->fresh[to], fresh_of_twin(of, other, to), &destination);
	add_product(&source.kept, &destination.kept, kept);
	add_product(&source.fresh, &destination.kept, fresh);
	add_product(&source.kept, &destination.fresh, fresh);
	add_product(&source.fresh, &destination.fresh, fresh);
	addr_set_done(&source.kept);
	addr_set_done(&source.fresh);
	addr_set_done(&destination.kept);
	addr_set_done(&destination.fresh);
}

static bool zone_differs(const struct diff_side *of, const struct diff_side *other, uint32_t zone)
{
	const struct addr_set *there = fresh_of_twin(of, other, zone);

	return of->fresh[zone].n > 0 || (there && there->n > 0);
}

static void split_rects(const struct diff_side *of, const struct diff_side *other,
			const struct plan_term *term, carve_rects *kept, carve_rects *fresh)
{
	bool plain = !zone_differs(of, other, term->from) && !zone_differs(of, other, term->to);

	for (size_t i = 0; i < term->n_rects; i++) {
		if (plain)
			vec_push(kept, term->rects[i]);
		else
			diff_split_rect(of, other, term->from, term->to, &term->rects[i], kept,
					fresh);
	}
}

static void add_part(const struct plan_atom *atoms, size_t n_atoms, carve_rects *rects,
		     diff_parts *out)
{
	struct diff_part *part;

	if (n_atoms == 0 || rects->n == 0)
		return;
	part = vec_add(out);
	for (size_t i = 0; i < n_atoms; i++)
		vec_push(&part->atoms, atoms[i]);
	part->rects.v = rects->v;
	part->rects.n = rects->n;
	part->rects.cap = rects->cap;
	rects->v = NULL;
	rects->n = rects->cap = 0;
}

// Moves what atoms and the class have in common from `left` to `common`.
static void take_common(diff_atoms *left, const struct plan_class *class, diff_atoms *common)
{
	for (size_t h = 0; h < class->n_atoms; h++) {
		diff_atoms rest = { 0 };

		for (size_t i = 0; i < left->n; i++) {
			struct plan_atom pieces[ATOM_PIECES_MAX], cut;
			size_t n;

			if (!atom_intersect(&left->v[i], &class->atoms[h], &cut)) {
				vec_push(&rest, left->v[i]);
				continue;
			}
			vec_push(common, cut);
			n = atom_subtract(&left->v[i], &class->atoms[h], pieces);
			for (size_t j = 0; j < n; j++)
				vec_push(&rest, pieces[j]);
		}
		vec_done(left);
		left->v = rest.v;
		left->n = rest.n;
		left->cap = rest.cap;
	}
}

static bool meets(const diff_atoms *atoms, const struct plan_class *class)
{
	for (size_t i = 0; i < atoms->n; i++)
		for (size_t h = 0; h < class->n_atoms; h++)
			if (atom_overlaps(&atoms->v[i], &class->atoms[h]))
				return true;
	return false;
}

// rects minus the class's cells.  *ret_touched: is anything of them gone?
static int without_cells(struct differ *d, const carve_rects *rects, const struct plan_class *class,
			 carve_rects *ret, bool *ret_touched)
{
	carve_rects holes = { 0 };
	int r = 0;

	*ret_touched = false;
	for (size_t i = 0; i < rects->n && r == 0; i++) {
		holes.n = 0;
		for (size_t j = 0; j < class->n_cells; j++)
			if (carve_overlap(&rects->v[i], &class->cells[j].rect))
				vec_push(&holes, class->cells[j].rect);
		d->work += class->n_cells + 1;
		*ret_touched |= holes.n > 0;
		if (holes.n == 0)
			vec_push(ret, rects->v[i]);
		else
			r = carve_without(&rects->v[i], holes.v, holes.n, d->max_work, &d->work,
					  ret);
		if (d->work > d->max_work)
			r = -E2BIG;
	}
	vec_done(&holes);
	return r;
}

// The kept rects against one class: what they have in common in services, without its cells.
// `left` loses these services, but for those that no cell touches: they stay with what no class
// has at all, in `untouched`.
static int subtract_class(struct differ *d, const carve_rects *kept, const struct plan_class *class,
			  diff_atoms *left, diff_atoms *untouched, diff_parts *ret)
{
	diff_atoms common = { 0 };
	carve_rects rest = { 0 };
	bool touched;
	int r;

	d->work += left->n * class->n_atoms;
	if (!meets(left, class))
		return d->work > d->max_work ? -E2BIG : 0;
	take_common(left, class, &common);
	r = without_cells(d, kept, class, &rest, &touched);
	for (size_t i = 0; !touched && i < common.n; i++)
		vec_push(untouched, common.v[i]);
	if (r == 0 && touched)
		add_part(common.v, common.n, &rest, ret);
	vec_done(&common);
	vec_done(&rest);
	return r;
}

static int subtract_pair(struct differ *d, const struct plan_pair *pair,
			 const struct plan_term *term, carve_rects *kept, diff_parts *ret)
{
	diff_atoms left = { 0 }, untouched = { 0 };
	int r = 0;

	for (size_t i = 0; i < term->n_atoms; i++)
		vec_push(&left, term->atoms[i]);
	for (size_t i = 0; pair && i < pair->n_classes && left.n > 0 && r == 0; i++)
		r = subtract_class(d, kept, &pair->classes[i], &left, &untouched, ret);
	for (size_t i = 0; i < untouched.n; i++)
		vec_push(&left, untouched.v[i]);
	if (r == 0)
		add_part(left.v, left.n, kept, ret);
	vec_done(&left);
	vec_done(&untouched);
	return r;
}

static const struct plan_pair *pair_there(const struct diff_side *of, const struct diff_side *other,
					  const struct plan_term *term)
{
	uint32_t from = of->zone_twin[term->from];
	uint32_t to = of->zone_twin[term->to];

	if (from == PLAN_NONE || to == PLAN_NONE)
		return NULL;
	return plan_find_pair(other->plan, (uint16_t)from, (uint16_t)to);
}

int diff_term_alone(struct differ *d, const struct diff_side *of, const struct diff_side *other,
		    const struct plan_term *term, bool same, diff_parts *ret)
{
	carve_rects kept = { 0 }, fresh = { 0 };
	int r = 0;

	split_rects(of, other, term, &kept, &fresh);
	add_part(term->atoms, term->n_atoms, &fresh, ret);
	if (!same && kept.n > 0)
		r = subtract_pair(d, pair_there(of, other, term), term, &kept, ret);
	vec_done(&kept);
	vec_done(&fresh);
	return r;
}
