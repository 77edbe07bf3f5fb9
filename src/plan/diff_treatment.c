// How packets are treated that both plans permit: cells of one plan against cells of the other.
//
// Classes, and cells of classes, that are the same in both cannot differ from anything else: a
// plan's cells are disjoint.  They are taken away first, so that what is left is little.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/diff_internal.h"

enum { OVERLAPS_MAX = 200000 };

struct treated { // cells of one treatment before and another after, by the flows they count on
	uint32_t flow_before, flow_after;
	const struct plan_cell *was, *is; // one of them each, for the words
	diff_parts parts;
};

struct comparison {
	struct differ *d;
	uint32_t from, to; // zones of the plan after
	VEC(struct treated) list;
	bool failed;
};

// The flow whose guard looks at the cell, or NULL.
static const struct plan_flow *guarded_by(const struct diff_side *side,
					  const struct plan_cell *cell)
{
	return cell->guard_flow == PLAN_NONE ? NULL : &side->plan->flows[cell->guard_flow];
}

static bool same_guard(const struct plan_flow *a, const struct plan_flow *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a->guard, b->guard) == 0 && strcmp(a->guard_protocol, b->guard_protocol) == 0;
}

static bool same_treatment(const struct differ *d, const struct plan_cell *a,
			   const struct plan_cell *b)
{
	return a->treatment == b->treatment && a->helpers == b->helpers &&
	       same_guard(guarded_by(&d->before, a), guarded_by(&d->after, b));
}

static bool same_class(const struct differ *d, const struct plan_class *a,
		       const struct plan_class *b)
{
	if (a->n_atoms != b->n_atoms || a->n_cells != b->n_cells)
		return false;
	for (size_t i = 0; i < a->n_atoms; i++)
		if (atom_compare(&a->atoms[i], &b->atoms[i]) != 0)
			return false;
	for (size_t i = 0; i < a->n_cells; i++)
		if (carve_compare(&a->cells[i].rect, &b->cells[i].rect) != 0 ||
		    !same_treatment(d, &a->cells[i], &b->cells[i]))
			return false;
	return true;
}

typedef VEC(const struct plan_class *) class_list;

static int first_atoms(const struct plan_class *a, const struct plan_class *b)
{
	return atom_compare(&a->atoms[0], &b->atoms[0]);
}

// Classes come in the order of their first atoms.
static void without_same_classes(const struct differ *d, const struct plan_pair *before,
				 const struct plan_pair *after, class_list *was, class_list *is)
{
	size_t i = 0, j = 0;

	while (i < before->n_classes || j < after->n_classes) {
		const struct plan_class *a = &before->classes[i], *b = &after->classes[j];
		int order = i == before->n_classes  ? 1
			    : j == after->n_classes ? -1
						    : first_atoms(a, b);

		if (order == 0 && same_class(d, a, b)) {
			i++;
			j++;
			continue;
		}
		if (order <= 0)
			vec_push(was, &before->classes[i++]);
		else
			vec_push(is, &after->classes[j++]);
	}
}

// --- two classes with services in common

typedef VEC(const struct plan_cell *) cell_list;

static int by_rect(const void *a, const void *b)
{
	const struct plan_cell *const *x = a, *const *y = b;

	return carve_compare(&(*x)->rect, &(*y)->rect);
}

static void sorted_cells(const struct plan_class *class, cell_list *ret)
{
	for (size_t i = 0; i < class->n_cells; i++)
		vec_push(ret, &class->cells[i]);
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_rect);
}

static void drop_same_cells(const struct differ *d, cell_list *was, cell_list *is)
{
	size_t i = 0, j = 0, kept_was = 0, kept_is = 0;

	while (i < was->n || j < is->n) {
		int order = i == was->n	 ? 1
			    : j == is->n ? -1
					 : carve_compare(&was->v[i]->rect, &is->v[j]->rect);

		if (order == 0 && same_treatment(d, was->v[i], is->v[j])) {
			i++;
			j++;
			continue;
		}
		if (order <= 0)
			was->v[kept_was++] = was->v[i++];
		if (order >= 0)
			is->v[kept_is++] = is->v[j++];
	}
	was->n = kept_was;
	is->n = kept_is;
}

static struct treated *find_treated(struct comparison *c, const struct plan_cell *was,
				    const struct plan_cell *is)
{
	struct treated *t;

	for (size_t i = 0; i < c->list.n; i++) {
		t = &c->list.v[i];
		if (t->flow_before == was->flow && t->flow_after == is->flow &&
		    t->was->treatment == was->treatment && t->is->treatment == is->treatment &&
		    t->was->helpers == was->helpers && t->is->helpers == is->helpers &&
		    t->was->guard_flow == was->guard_flow && t->is->guard_flow == is->guard_flow)
			return t;
	}
	t = vec_add(&c->list);
	t->flow_before = was->flow;
	t->flow_after = is->flow;
	t->was = was;
	t->is = is;
	return t;
}

static bool same_atoms(const diff_atoms *a, const diff_atoms *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (atom_compare(&a->v[i], &b->v[i]) != 0)
			return false;
	return true;
}

// Both permit where the cells meet, of addresses that zones have in both plans.
static void add_meeting(struct comparison *c, const struct plan_cell *was,
			const struct plan_cell *is, const diff_atoms *atoms)
{
	struct plan_rect rect = carve_intersect(&was->rect, &is->rect);
	struct treated *t = find_treated(c, was, is);
	struct diff_part *part = t->parts.n ? &t->parts.v[t->parts.n - 1] : NULL;

	if (!part || !same_atoms(&part->atoms, atoms)) {
		part = vec_add(&t->parts);
		for (size_t i = 0; i < atoms->n; i++)
			vec_push(&part->atoms, atoms->v[i]);
	}
	diff_split_rect(&c->d->after, &c->d->before, c->from, c->to, &rect, &part->rects, NULL);
}

static void compare_cells(struct comparison *c, const cell_list *was, const cell_list *is,
			  const diff_atoms *atoms)
{
	carve_rects boxes = { 0 };
	carve_pairs pairs = { 0 };

	for (size_t i = 0; i < was->n; i++)
		vec_push(&boxes, was->v[i]->rect);
	for (size_t i = 0; i < is->n; i++)
		vec_push(&boxes, is->v[i]->rect);
	c->d->work += boxes.n;
	if (carve_overlaps(boxes.v, boxes.n, OVERLAPS_MAX, &pairs) < 0)
		c->failed = true;
	c->d->work += pairs.n;
	for (size_t i = 0; i < pairs.n && !c->failed; i++) {
		const struct plan_cell *a, *b;

		if (pairs.v[i].a >= was->n || pairs.v[i].b < was->n)
			continue;
		a = was->v[pairs.v[i].a];
		b = is->v[pairs.v[i].b - was->n];
		if (!same_treatment(c->d, a, b))
			add_meeting(c, a, b, atoms);
	}
	vec_done(&boxes);
	vec_done(&pairs);
}

static void common_atoms(const struct plan_class *a, const struct plan_class *b, diff_atoms *ret)
{
	struct plan_atom cut;

	for (size_t i = 0; i < a->n_atoms; i++)
		for (size_t j = 0; j < b->n_atoms; j++)
			if (atom_intersect(&a->atoms[i], &b->atoms[j], &cut))
				vec_push(ret, cut);
}

static void compare_classes(struct comparison *c, const struct plan_class *a,
			    const struct plan_class *b)
{
	diff_atoms atoms = { 0 };
	cell_list was = { 0 }, is = { 0 };

	c->d->work += a->n_atoms * b->n_atoms;
	common_atoms(a, b, &atoms);
	if (atoms.n > 0) {
		sorted_cells(a, &was);
		sorted_cells(b, &is);
		drop_same_cells(c->d, &was, &is);
		if (was.n > 0 && is.n > 0)
			compare_cells(c, &was, &is, &atoms);
	}
	vec_done(&atoms);
	vec_done(&was);
	vec_done(&is);
	c->failed |= c->d->work > c->d->max_work;
}

// --- words

struct sentence {
	const char *text;
	enum diff_weight weight;
	const char *reason;
};

static void say(struct differ *d, struct sentence *s, enum diff_weight weight, const char *reason,
		const char *text)
{
	s->text = *s->text ? arena_printf(d->arena, "%s, %s", s->text, text) : text;
	if (weight > s->weight || !s->reason) {
		s->weight = weight;
		s->reason = reason;
	}
}

static void say_guards(struct differ *d, struct sentence *s, const struct plan_flow *was,
		       const struct plan_flow *is)
{
	if (same_guard(was, is))
		return;
	if (!is)
		say(d, s, DIFF_HEAVY, "takes a guard away",
		    arena_printf(d->arena, "guard %s removed", was->guard));
	else if (!was)
		say(d, s, DIFF_LIGHT, "adds a guard",
		    arena_printf(d->arena, "guard %s added", is->guard));
	else
		say(d, s, DIFF_HEAVY, "changes a guard",
		    arena_printf(d->arena, "guard %s (%s) instead of %s (%s)", is->guard,
				 is->guard_protocol, was->guard, was->guard_protocol));
}

static void say_helpers(struct differ *d, struct sentence *s, unsigned was, unsigned is)
{
	static const struct {
		unsigned bit;
		const char *added, *removed;
	} helpers[] = {
		{ PLAN_FTP, "helper ftp added", "helper ftp removed" },
		{ PLAN_TFTP, "helper tftp added", "helper tftp removed" },
		{ PLAN_SIP, "helper sip added", "helper sip removed" },
		{ PLAN_PPTP, "helper pptp added", "helper pptp removed" },
	};

	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		if (is & ~was & helpers[i].bit)
			say(d, s, DIFF_NORMAL, "a helper opens connections by itself",
			    helpers[i].added);
		else if (was & ~is & helpers[i].bit)
			say(d, s, DIFF_LIGHT, "only closes", helpers[i].removed);
	}
}

static struct sentence words_of(struct differ *d, const struct treated *t)
{
	struct sentence s = { .text = "" };

	say_guards(d, &s, guarded_by(&d->before, t->was), guarded_by(&d->after, t->is));
	if (t->was->treatment & ~t->is->treatment & PLAN_LOG)
		say(d, &s, DIFF_NORMAL, "is no longer logged", "no longer logged");
	if (t->is->treatment & ~t->was->treatment & PLAN_LOG)
		say(d, &s, DIFF_LIGHT, "is logged in addition", "logged");
	say_helpers(d, &s, t->was->helpers, t->is->helpers);
	return s;
}

static void tell(struct comparison *c, struct treated *t)
{
	struct sentence s = words_of(c->d, t);
	diff_products products = { 0 };
	struct diff_row *row = NULL;

	diff_products_make(&t->parts, &products);
	for (size_t i = 0; i < products.n; i++) {
		if (i >= DIFF_PARTS_MAX && row) {
			row->more = products.n - i;
			row->what = arena_printf(c->d->arena, "%s, and in %zu more parts", s.text,
						 row->more);
			break;
		}
		row = diff_add(c->d, DIFF_CHANGES);
		if (!row)
			break;
		diff_fill_flow(c->d, &c->d->after, t->flow_after, row);
		diff_fill_packets(c->d, &c->d->after, c->from, c->to, &products.v[i], row);
		row->what = s.text;
		row->weight = s.weight;
		row->reason = s.reason;
	}
	c->d->before.told[t->flow_before] = true;
	diff_products_done(&products);
}

static void tell_failed(struct comparison *c)
{
	const struct plan_zone *zones = c->d->after.plan->zones;
	struct diff_row *row = diff_add(c->d, DIFF_CHANGES);

	if (!row)
		return;
	row->subject = arena_printf(c->d->arena, "treatment from %s to %s", zones[c->from].id,
				    zones[c->to].id);
	row->what = "guards, logs or helpers may have changed in more parts than can be compared";
	row->weight = DIFF_HEAVY;
	row->reason = "could not be compared";
}

static void compare_pair(struct comparison *c, const struct plan_pair *before,
			 const struct plan_pair *after)
{
	class_list was = { 0 }, is = { 0 };

	without_same_classes(c->d, before, after, &was, &is);
	for (size_t i = 0; i < was.n; i++)
		for (size_t j = 0; j < is.n && !c->failed; j++)
			compare_classes(c, was.v[i], is.v[j]);
	vec_done(&was);
	vec_done(&is);
	for (size_t i = 0; i < c->list.n; i++) {
		if (!c->failed)
			tell(c, &c->list.v[i]);
		diff_parts_done(&c->list.v[i].parts);
	}
	if (c->failed)
		tell_failed(c);
	vec_done(&c->list);
}

void diff_treatment(struct differ *d)
{
	const struct plan *after = d->after.plan;

	for (size_t i = 0; i < after->n_pairs; i++) {
		const struct plan_pair *pair = &after->pairs[i];
		uint32_t from = d->after.zone_twin[pair->from];
		uint32_t to = d->after.zone_twin[pair->to];
		struct comparison c = { .d = d, .from = pair->from, .to = pair->to };
		const struct plan_pair *before;

		if (from == PLAN_NONE || to == PLAN_NONE)
			continue;
		before = plan_find_pair(d->before.plan, (uint16_t)from, (uint16_t)to);
		if (before)
			compare_pair(&c, before, pair);
	}
}
