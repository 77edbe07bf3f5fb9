// Cells of countries.
//
// A flow from a country is some ten thousand cells that differ in their source alone.  Written as
// they are they would be as many elements for every destination and service.  So what differs in
// one address alone, within the addresses of countries, is put together: the addresses are a set of
// one key (countries share it: country_japan_4), one rule asks for it, and the chain that it leads
// to has what the cells say besides, once.
//
//	10.1.0.0/16 . dmz . tcp/443 → f       ip saddr @country_japan_4 jump …_japan_4_from
//	10.9.0.0/16 . dmz . tcp/443 → f  -->  …_japan_4_from: dmz . tcp/443 → f
//	…
//
// This is exact: cells that are put together make the full product of the set and the rest, and the
// rests of one set are disjoint since the cells are.  A cell that a smaller overlapping flow cut is
// in another set, with the rest of its country.
#include "compile/cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS_MIN = 16, LABEL_MAX = 32 }; // fewer cells stay as they are

struct country_set { // of addresses; made once, whoever asks for it
	int family;
	const struct addr_range *ranges;
	size_t n;
	uint32_t set;
	const char *label; // "japan_4"
};

struct country_sets {
	VEC(struct country_set) v;
};

struct country_group { // the rests of the cells of one set
	size_t index;  // of the set
	pieces rest;
};

typedef VEC(struct country_group) group_list;

// --- cells that differ in one address alone

static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_range(const struct addr_range *a, const struct addr_range *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return a->hi < b->hi ? -1 : a->hi > b->hi;
}

static int by_leave(const struct plan_interface *a, const struct plan_interface *b)
{
	if (a == b || !a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a->name, b->name);
}

static int by_atom(const struct plan_atom *a, const struct plan_atom *b)
{
	int d;

	if (!a || !b)
		return (a != NULL) - (b != NULL);
	d = by_number(a->protocol_lo, b->protocol_lo);
	d = d ? d : by_number(a->protocol_hi, b->protocol_hi);
	d = d ? d : by_number(a->sport_lo, b->sport_lo);
	d = d ? d : by_number(a->sport_hi, b->sport_hi);
	d = d ? d : by_number(a->port_lo, b->port_lo);
	return d ? d : by_number(a->port_hi, b->port_hi);
}

static int by_treatment(const struct plan_cell *a, const struct plan_cell *b)
{
	int d = by_number(a->flow, b->flow);

	d = d ? d : by_number(a->treatment, b->treatment);
	d = d ? d : by_number(a->helpers, b->helpers);
	return d ? d : by_number(a->guard_flow, b->guard_flow);
}

// Everything but the address on the axis.
static int by_rest(const struct piece *a, const struct piece *b, unsigned axis)
{
	unsigned other = BOTH & ~axis;
	int d = by_range(side(&a->rect, other), side(&b->rect, other));

	d = d ? d : by_treatment(a->cell, b->cell);
	d = d ? d : by_atom(a->atom, b->atom);
	return d ? d : by_leave(a->leave, b->leave);
}

static int by_rest_and_source(const void *a, const void *b)
{
	const struct piece *x = a;
	const struct piece *y = b;
	int d = by_rest(x, y, SOURCE);

	return d ? d : by_range(&x->rect.source, &y->rect.source);
}

static int by_rest_and_destination(const void *a, const void *b)
{
	const struct piece *x = a;
	const struct piece *y = b;
	int d = by_rest(x, y, DESTINATION);

	return d ? d : by_range(&x->rect.destination, &y->rect.destination);
}

// --- sets

static bool has_label(const struct compiling *c, const char *label)
{
	for (size_t i = 0; i < c->countries->v.n; i++)
		if (strcmp(c->countries->v.v[i].label, label) == 0)
			return true;
	return false;
}

// "japan_4": what follows the slash in the network's name.
static const char *label_of(struct compiling *c, const struct addr_range *ranges, size_t n)
{
	bool exact;
	const char *id = plan_country_network(c->plan, ranges, n, &exact);
	const char *slash = id ? strchr(id, '/') : NULL;
	const char *name = slash ? slash + 1 : id ? id : "countries";
	const char *base = arena_printf(c->arena, "%.*s_%d%s", LABEL_MAX, name, ranges[0].family,
					exact ? "" : "_part");
	const char *label = base;

	for (unsigned same = 2; has_label(c, label); same++)
		label = arena_printf(c->arena, "%s_%u", base, same);
	return label;
}

static bool is_same(const struct country_set *set, const struct addr_range *ranges, size_t n)
{
	if (set->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (by_range(&set->ranges[i], &ranges[i]) != 0)
			return false;
	return true;
}

static size_t find_set(struct compiling *c, unsigned axis, const struct addr_range *ranges,
		       size_t n)
{
	struct country_set made = { .family = ranges[0].family == ADDR_V4 ? V4 : V6, .n = n };
	enum rs_key key = address_key(made.family, axis);

	for (size_t i = 0; i < c->countries->v.n; i++)
		if (is_same(&c->countries->v.v[i], ranges, n))
			return i;
	made.ranges = arena_memdup(c->arena, ranges, n * sizeof(*ranges));
	made.label = label_of(c, ranges, n);
	made.set = rb_set(c->build, arena_printf(c->arena, "country_%s", made.label), RS_SET, true,
			  &key, 1);
	for (size_t i = 0; i < n; i++) {
		struct build_key elem = { .size = 0 };

		key_addr(&elem, key, &ranges[i]);
		rb_elem(c->build, made.set, &elem, RS_CONTINUE, RS_NONE, RS_NONE);
	}
	vec_push(&c->countries->v, made);
	return c->countries->v.n - 1;
}

static struct country_group *find_group(group_list *groups, size_t index)
{
	for (size_t i = 0; i < groups->n; i++)
		if (groups->v[i].index == index)
			return &groups->v[i];
	vec_push(groups, ((struct country_group){ .index = index }));
	return &groups->v[groups->n - 1];
}

// One piece in place of n: of any address on the axis.
static void put_together(struct compiling *c, group_list *groups, unsigned axis,
			 const struct piece *v, size_t n)
{
	VEC(struct addr_range) ranges = { 0 };
	struct piece rest = v[0];
	struct addr_range *on_axis = axis == SOURCE ? &rest.rect.source : &rest.rect.destination;
	size_t index;

	for (size_t i = 0; i < n; i++)
		vec_push(&ranges, *side(&v[i].rect, axis));
	index = find_set(c, axis, ranges.v, ranges.n);
	*on_axis = addr_range_any(on_axis->family);
	vec_push(&find_group(groups, index)->rest, rest);
	vec_done(&ranges);
}

// --- writing

// Few are rules that look for the address last; many are behind one rule that looks for it first.
static void write_group(struct compiling *c, uint32_t chain, const char *name, unsigned axis,
			struct country_group *group)
{
	const struct country_set *set = &c->countries->v.v[group->index];
	const char *label = arena_printf(c->arena, "%s_%s_%s", name, set->label,
					 axis == SOURCE ? "from" : "to");
	uint32_t to;

	if (group->rest.n <= RULES_MAX) {
		for (size_t i = 0; i < group->rest.n; i++) {
			group->rest.v[i].member_axis = axis;
			group->rest.v[i].member_set = set->set;
		}
		pieces_rules(c, chain, label, &group->rest);
		return;
	}
	to = rb_chain(c->build, label, RS_NONE);
	rule(c->build, chain, RS_NONE);
	rule_lookup(c->build, address_key(set->family, axis), set->set, true);
	rule_verdict(c->build, RS_JUMP, to);
	pieces_rules(c, to, label, &group->rest);
}

// Moves the pieces within countries on the axis out of v; the others stay.
static void take_out(const struct compiling *c, unsigned axis, pieces *v, pieces *ret)
{
	const struct addr_set *countries = plan_countries(c->plan);
	size_t kept = 0;

	for (size_t i = 0; i < v->n; i++) {
		const struct addr_range *range = side(&v->v[i].rect, axis);
		const struct addr_range *in = addr_set_find(countries, range);

		if (in && addr_range_within(range, in) && !v->v[i].alike)
			vec_push(ret, v->v[i]);
		else
			v->v[kept++] = v->v[i];
	}
	v->n = kept;
}

static void gather_axis(struct compiling *c, unsigned axis, pieces *v, group_list *groups)
{
	pieces taken = { 0 };

	take_out(c, axis, v, &taken);
	if (taken.n)
		qsort(taken.v, taken.n, sizeof(*taken.v),
		      axis == SOURCE ? by_rest_and_source : by_rest_and_destination);
	for (size_t i = 0, same; i < taken.n; i += same) {
		for (same = 1; i + same < taken.n; same++)
			if (by_rest(&taken.v[i], &taken.v[i + same], axis) != 0)
				break;
		if (same >= MEMBERS_MIN)
			put_together(c, groups, axis, &taken.v[i], same);
		else
			for (size_t k = i; k < i + same; k++)
				vec_push(v, taken.v[k]);
	}
	vec_done(&taken);
}

// What countries have in common stands last: a look-up among many ranges costs most.
void countries_rules(struct compiling *c, uint32_t chain, const char *name, pieces *v)
{
	static const unsigned axes[] = { SOURCE, DESTINATION };
	group_list groups[2] = { 0 };

	for (size_t a = 0; a < 2 && plan_countries(c->plan)->n > 0; a++)
		gather_axis(c, axes[a], v, &groups[a]);
	pieces_rules(c, chain, name, v);
	for (size_t a = 0; a < 2; a++) {
		for (size_t i = 0; i < groups[a].n; i++) {
			write_group(c, chain, name, axes[a], &groups[a].v[i]);
			vec_done(&groups[a].v[i].rest);
		}
		vec_done(&groups[a]);
	}
}

void countries_begin(struct compiling *c)
{
	c->countries = arena_new_of(c->arena, struct country_sets);
}

void countries_done(struct compiling *c)
{
	vec_done(&c->countries->v);
}
