// What opens and what closes: flow by flow, what one plan permits and the other does not.  Flows
// that are the same in both are not looked at, unless a zone's addresses changed under them.
#include <stdlib.h>
#include <string.h>

#include "plan/diff_internal.h"

struct direction {
	struct differ *d;
	enum diff_kind kind;
	struct diff_side *of, *other;
};

static bool same_range(const struct addr_range *a, const struct addr_range *b)
{
	return a->family == b->family && a->lo == b->lo && a->hi == b->hi;
}

static bool same_term(const struct direction *x, const struct plan_term *a,
		      const struct plan_term *b)
{
	if (x->of->zone_twin[a->from] != b->from || x->of->zone_twin[a->to] != b->to ||
	    a->n_rects != b->n_rects || a->n_atoms != b->n_atoms)
		return false;
	for (size_t i = 0; i < a->n_atoms; i++)
		if (atom_compare(&a->atoms[i], &b->atoms[i]) != 0)
			return false;
	for (size_t i = 0; i < a->n_rects; i++)
		if (!same_range(&a->rects[i].source, &b->rects[i].source) ||
		    !same_range(&a->rects[i].destination, &b->rects[i].destination))
			return false;
	return true;
}

// Does it permit the very same, but for whose addresses the zones' are?
static bool same_flow(const struct direction *x, uint32_t flow)
{
	const struct plan_flow *a = &x->of->plan->flows[flow], *b;
	uint32_t twin = x->of->flow_twin[flow];

	if (twin == PLAN_NONE)
		return false;
	b = &x->other->plan->flows[twin];
	if (a->n_terms != b->n_terms)
		return false;
	for (size_t i = 0; i < a->n_terms; i++)
		if (!same_term(x, &a->terms[i], &b->terms[i]))
			return false;
	return true;
}

static bool is_fresh(const struct direction *x, const struct plan_term *term)
{
	return x->of->fresh[term->from].n > 0 || x->of->fresh[term->to].n > 0;
}

static void weigh(const struct direction *x, uint32_t from, uint32_t to, struct diff_row *row)
{
	if (x->kind == DIFF_OPENS)
		diff_weigh_open(x->of, from, to, row);
	else
		row->reason = "only closes";
}

// Rows for one pair of zones of a flow.  *told counts the flow's rows so far.
static void tell_products(struct direction *x, uint32_t flow, uint32_t from, uint32_t to,
			  diff_products *products, size_t *told)
{
	struct diff_row *row = NULL;

	for (size_t i = 0; i < products->n; i++) {
		if (*told >= DIFF_PARTS_MAX && row) {
			row->more = products->n - i;
			row->what =
				arena_printf(x->d->arena,
					     "and %zu more parts of this flow that are not shown",
					     row->more);
			if (x->kind == DIFF_OPENS) {
				row->weight = DIFF_HEAVY;
				row->reason = "opens more parts than can be shown";
			}
			break;
		}
		row = diff_add(x->d, x->kind);
		x->of->told[flow] = true;
		if (!row)
			break;
		(*told)++;
		diff_fill_flow(x->d, x->of, flow, row);
		diff_fill_packets(x->d, x->of, from, to, &products->v[i], row);
		weigh(x, from, to, row);
	}
	diff_products_done(products);
}

// The whole of a term, as it could not be told apart.
static void tell_whole(struct direction *x, uint32_t flow, const struct plan_term *term)
{
	struct diff_part *part;
	diff_parts parts = { 0 };
	diff_products products = { 0 };
	size_t first = x->d->rows.n, told = 0;

	part = vec_add(&parts);
	for (size_t i = 0; i < term->n_atoms; i++)
		vec_push(&part->atoms, term->atoms[i]);
	for (size_t i = 0; i < term->n_rects; i++)
		vec_push(&part->rects, term->rects[i]);
	diff_products_make(&parts, &products);
	tell_products(x, flow, term->from, term->to, &products, &told);
	for (size_t i = first; i < x->d->rows.n; i++) {
		struct diff_row *row = &x->d->rows.v[i];

		row->inexact = true;
		row->what = x->kind == DIFF_OPENS
				    ? "at most this: too many parts to tell what was open before"
				    : "at most this: too many parts to tell what stays open";
	}
}

// The terms of a flow between two zones, from `first` on; returns where the next ones begin.
static size_t tell_pair(struct direction *x, uint32_t flow, size_t first, bool same, size_t *told)
{
	const struct plan_flow *of = &x->of->plan->flows[flow];
	const struct plan_term *term = &of->terms[first];
	diff_parts parts = { 0 };
	diff_products products = { 0 };
	size_t end = first;

	for (; end < of->n_terms && of->terms[end].from == term->from &&
	       of->terms[end].to == term->to;
	     end++) {
		if (same && !is_fresh(x, term))
			continue;
		if (diff_term_alone(x->d, x->of, x->other, &of->terms[end], same, &parts) < 0)
			tell_whole(x, flow, &of->terms[end]);
	}
	diff_products_make(&parts, &products);
	tell_products(x, flow, term->from, term->to, &products, told);
	return end;
}

static void tell_flow(struct direction *x, uint32_t flow)
{
	const struct plan_flow *of = &x->of->plan->flows[flow];
	bool same = same_flow(x, flow);
	size_t told = 0;

	for (size_t i = 0; i < of->n_terms;)
		i = tell_pair(x, flow, i, same, &told);
}

void diff_flows(struct differ *d)
{
	struct direction opens = { d, DIFF_OPENS, &d->after, &d->before };
	struct direction closes = { d, DIFF_CLOSES, &d->before, &d->after };

	for (uint32_t i = 0; i < d->after.plan->n_flows; i++)
		tell_flow(&opens, i);
	for (uint32_t i = 0; i < d->before.plan->n_flows; i++)
		tell_flow(&closes, i);
}
