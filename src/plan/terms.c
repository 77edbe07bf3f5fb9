// From a flow's lists to its terms.
//
// A term begins as a product of three sets: sources S, destinations D, services A.  Taking another
// product (s, d, a) away leaves at most three, which are disjoint:
//
//     (S - s) x D x A,   (S & s) x (D - d) x A,   (S & s) x (D & d) x (A - a)
//
// so the exceptions are taken away one after the other, exactly.  Only then the sets are multiplied
// out into rects, one address family at a time, and split by what ICMP needs.
#include "plan/terms.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	PRODUCTS_MAX = 1024, // of one flow between two zones
	PARTS_MAX = 16384,   // service parts after exceptions
};

struct side { // what a list says about one zone
	uint32_t zone;
	bool whole;
	struct addr_set set;
	struct place at;
	const char *text;
	bool matched; // some packet of this side fits the flow
};

struct sides {
	VEC(struct side) list;
	bool sound; // every name was known
	bool given; // false: an absent list of an exception, which stands for everything
};

struct product {
	struct addr_set sources, destinations;
	service_parts services;
};

typedef VEC(struct product) products;

struct exception {
	struct sides from, to;
	const struct plan_atom *atoms;
	size_t n_atoms;
	bool all_services;
	bool sound, hit;
	struct place at;
};

struct expansion {
	struct build *b;
	const struct pol_flow *source;
	struct plan_flow *flow;
	const service_parts *services;
	struct sides from, to;
	VEC(struct exception) exceptions;
	VEC(struct plan_term) terms;
	VEC(struct plan_term) excepted;
	bool had_families, had_services; // before exceptions: what some pair of sides had in common
	bool too_wide;
};

static void sides_done(struct sides *sides)
{
	for (size_t i = 0; i < sides->list.n; i++)
		addr_set_done(&sides->list.v[i].set);
	vec_done(&sides->list);
}

static void product_done(struct product *product)
{
	addr_set_done(&product->sources);
	addr_set_done(&product->destinations);
	vec_done(&product->services);
}

static struct side *find_side(struct sides *sides, uint32_t zone)
{
	for (size_t i = 0; i < sides->list.n; i++)
		if (sides->list.v[i].zone == zone)
			return &sides->list.v[i];
	return NULL;
}

static void report_repeat(struct build *b, const struct pol_text *text, const struct side *before)
{
	size_t item =
		diag_add(b->diag, SK_LIST_REPEAT, text->at,
			 "%s is already in the list, or part of what is; take one away", text->s);

	diag_second(b->diag, item, before->at, "first given here");
}

// Adds an endpoint to its zone's side.
static void add_endpoint(struct build *b, struct sides *sides, const struct endpoint *endpoint,
			 const struct pol_text *text)
{
	struct side *side = find_side(sides, endpoint->zone);
	struct addr_set ranges = { .v = (struct addr_range *)endpoint->ranges,
				   .n = endpoint->n_ranges };

	if (!side) {
		side = vec_add(&sides->list);
		side->zone = endpoint->zone;
		side->at = text->at;
		side->text = text->s;
	} else if (side->whole || !endpoint->network) {
		report_repeat(b, text, side);
	} else {
		struct addr_set rest = { 0 };

		addr_set_copy(&rest, &ranges);
		addr_set_subtract(&rest, &side->set);
		if (rest.n == 0)
			report_repeat(b, text, side);
		addr_set_done(&rest);
	}
	side->whole |= !endpoint->network;
	addr_set_union(&side->set, &ranges);
}

// A whole zone means any address of the families it can have: who is really of the zone is
// decided by the membership checks, apart from the flows.
static void open_whole_sides(struct build *b, struct sides *sides)
{
	static const enum addr_family families[] = { ADDR_V4, ADDR_V6 };

	for (size_t i = 0; i < sides->list.n; i++) {
		struct side *side = &sides->list.v[i];

		if (!side->whole)
			continue;
		side->set.n = 0;
		for (size_t f = 0; f < 2; f++)
			if (plan_zone_has_family(b->plan, side->zone, families[f]))
				addr_set_append(&side->set, addr_range_any(families[f]));
	}
}

static void read_sides(struct build *b, const struct pol_list *list, struct sides *ret)
{
	ret->sound = true;
	ret->given = list->n > 0;
	for (size_t i = 0; i < list->n; i++) {
		struct endpoint endpoint;

		if (build_endpoint(b, &list->v[i], &endpoint) < 0 ||
		    (endpoint.network && endpoint.n_ranges == 0)) {
			ret->sound = false; // here or where the network is declared
			continue;
		}
		add_endpoint(b, ret, &endpoint, &list->v[i]);
	}
	open_whole_sides(b, ret);
}

static void read_exceptions(struct expansion *x)
{
	for (size_t i = 0; i < x->source->n_except; i++) {
		const struct pol_except *given = &x->source->except[i];
		struct exception *e = vec_add(&x->exceptions);

		e->at = given->at;
		read_sides(x->b, &given->from, &e->from);
		read_sides(x->b, &given->to, &e->to);
		e->all_services = given->services.n == 0;
		e->sound = build_services(x->b, &given->services, &e->atoms, &e->n_atoms) == 0 &&
			   e->from.sound && e->to.sound;
	}
}

static void copy_parts(service_parts *to, const service_parts *from)
{
	for (size_t i = 0; i < from->n; i++)
		vec_push(to, from->v[i]);
}

// Splits services by an exception's atoms into those outside and those inside.
static void split_services(const struct exception *e, const service_parts *services,
			   service_parts *outside, service_parts *inside)
{
	copy_parts(e->all_services ? inside : outside, services);
	for (size_t h = 0; h < e->n_atoms; h++) {
		service_parts rest = { 0 };

		for (size_t i = 0; i < outside->n; i++) {
			struct service_part part = outside->v[i];
			struct plan_atom pieces[ATOM_PIECES_MAX];
			struct plan_atom cut;
			size_t n = atom_subtract(&part.atom, &e->atoms[h], pieces);

			if (atom_intersect(&part.atom, &e->atoms[h], &cut))
				vec_push(inside, ((struct service_part){ cut, part.helpers }));
			for (size_t j = 0; j < n; j++)
				vec_push(&rest, ((struct service_part){ pieces[j], part.helpers }));
		}
		vec_done(outside);
		outside->v = rest.v;
		outside->n = rest.n;
		outside->cap = rest.cap;
	}
}

static void split_addresses(const struct side *side, const struct addr_set *set,
			    struct addr_set *outside, struct addr_set *inside)
{
	addr_set_copy(inside, set);
	if (!side)
		return;
	addr_set_copy(outside, set);
	addr_set_subtract(outside, &side->set);
	addr_set_intersect(inside, &side->set);
}

static void push_product(products *out, const struct addr_set *sources,
			 const struct addr_set *destinations, const service_parts *services)
{
	struct product *product;

	if (sources->n == 0 || destinations->n == 0 || services->n == 0)
		return;
	product = vec_add(out);
	addr_set_copy(&product->sources, sources);
	addr_set_copy(&product->destinations, destinations);
	copy_parts(&product->services, services);
}

// One product minus one exception, as in the head of this file.  Returns whether they met; what
// they had in common goes to `common`.
static bool subtract(const struct product *product, const struct exception *e,
		     const struct side *from, const struct side *to, products *out,
		     products *common)
{
	struct addr_set s_out = { 0 }, s_in = { 0 }, d_out = { 0 }, d_in = { 0 };
	service_parts a_out = { 0 }, a_in = { 0 };
	bool met;

	split_addresses(from, &product->sources, &s_out, &s_in);
	split_addresses(to, &product->destinations, &d_out, &d_in);
	split_services(e, &product->services, &a_out, &a_in);
	met = s_in.n > 0 && d_in.n > 0 && a_in.n > 0;
	if (met) {
		push_product(out, &s_out, &product->destinations, &product->services);
		push_product(out, &s_in, &d_out, &product->services);
		push_product(out, &s_in, &d_in, &a_out);
		push_product(common, &s_in, &d_in, &a_in);
	} else {
		push_product(out, &product->sources, &product->destinations, &product->services);
	}
	addr_set_done(&s_out);
	addr_set_done(&s_in);
	addr_set_done(&d_out);
	addr_set_done(&d_in);
	vec_done(&a_out);
	vec_done(&a_in);
	return met;
}

static void products_done(products *list)
{
	for (size_t i = 0; i < list->n; i++)
		product_done(&list->v[i]);
	vec_done(list);
}

static void apply_exception(struct expansion *x, struct exception *e, uint32_t from, uint32_t to,
			    products *list, products *common)
{
	const struct side *from_side = find_side(&e->from, from);
	const struct side *to_side = find_side(&e->to, to);
	products out = { 0 };

	if ((e->from.given && !from_side) || (e->to.given && !to_side))
		return;
	if ((!e->from.sound && !from_side) || (!e->to.sound && !to_side))
		return;
	for (size_t i = 0; i < list->n; i++) {
		e->hit |= subtract(&list->v[i], e, from_side, to_side, &out, common);
		x->too_wide |=
			out.n > PRODUCTS_MAX || (out.n && out.v[out.n - 1].services.n > PARTS_MAX);
		if (x->too_wide)
			break;
	}
	products_done(list);
	list->v = out.v;
	list->n = out.n;
	list->cap = out.cap;
}

// ICMP is IPv4's and ICMPv6 is IPv6's; everything else is of both.
static int family_of_part(const struct service_part *part)
{
	if (part->atom.protocol_lo != part->atom.protocol_hi)
		return 0;
	return part->atom.protocol_lo == IPPROTO_ICMP	  ? ADDR_V4
	       : part->atom.protocol_lo == IPPROTO_ICMPV6 ? ADDR_V6
							  : 0;
}

static size_t count_family(const struct addr_set *set, enum addr_family family)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += set->v[i].family == family;
	return n;
}

static const struct plan_rect *make_rects(struct expansion *x, const struct product *product,
					  int family, size_t *ret_n)
{
	size_t v4 = count_family(&product->sources, ADDR_V4) *
		    count_family(&product->destinations, ADDR_V4);
	size_t v6 = count_family(&product->sources, ADDR_V6) *
		    count_family(&product->destinations, ADDR_V6);
	size_t max = (family != ADDR_V6 ? v4 : 0) + (family != ADDR_V4 ? v6 : 0);
	struct plan_rect *rects;
	size_t n = 0;

	*ret_n = 0;
	x->b->n_rects += max;
	if (max > PLAN_CLASS_CELLS_MAX || x->b->n_rects > PLAN_CELLS_MAX) {
		x->too_wide = true;
		return NULL;
	}
	rects = arena_array_of(x->b->arena, struct plan_rect, max);
	for (size_t i = 0; i < product->sources.n; i++) {
		const struct addr_range *source = &product->sources.v[i];

		if (family != 0 && (int)source->family != family)
			continue;
		for (size_t j = 0; j < product->destinations.n; j++)
			if (product->destinations.v[j].family == source->family)
				rects[n++] =
					(struct plan_rect){ *source, product->destinations.v[j] };
	}
	*ret_n = n;
	return rects;
}

static int compare_parts(const void *a, const void *b)
{
	const struct service_part *x = a;
	const struct service_part *y = b;
	int d = family_of_part(x) - family_of_part(y);

	d = d ? d : (int)x->helpers - (int)y->helpers;
	return d ? d : atom_compare(&x->atom, &y->atom);
}

// Sorted parts from `first` on that make one term.
static size_t term_end(const service_parts *parts, size_t first)
{
	size_t end = first + 1;

	while (end < parts->n && parts->v[end].helpers == parts->v[first].helpers &&
	       family_of_part(&parts->v[end]) == family_of_part(&parts->v[first]))
		end++;
	return end;
}

// Returns whether anything came of it.
static bool push_terms(struct expansion *x, struct product *product, uint32_t from, uint32_t to,
		       bool excepted)
{
	service_parts *parts = &product->services;
	bool some = false;

	qsort(parts->v, parts->n, sizeof(parts->v[0]), compare_parts);
	for (size_t i = 0, end; i < parts->n && !x->too_wide; i = end) {
		struct plan_term term = { .from = (uint16_t)from,
					  .to = (uint16_t)to,
					  .helpers = parts->v[i].helpers };
		struct plan_atom *atoms;

		end = term_end(parts, i);
		term.rects = make_rects(x, product, family_of_part(&parts->v[i]), &term.n_rects);
		if (term.n_rects == 0)
			continue;
		term.n_atoms = end - i;
		atoms = arena_array_of(x->b->arena, struct plan_atom, term.n_atoms);
		for (size_t j = i; j < end; j++)
			atoms[j - i] = parts->v[j].atom;
		term.atoms = atoms;
		if (excepted)
			vec_push(&x->excepted, term);
		else
			vec_push(&x->terms, term);
		some = true;
	}
	return some;
}

static bool have_common_family(const struct side *from, const struct side *to)
{
	return (addr_set_has_family(&from->set, ADDR_V4) &&
		addr_set_has_family(&to->set, ADDR_V4)) ||
	       (addr_set_has_family(&from->set, ADDR_V6) && addr_set_has_family(&to->set, ADDR_V6));
}

// The services that some family of the two sides can carry.
static bool have_common_services(const struct expansion *x, const struct side *from,
				 const struct side *to)
{
	for (size_t i = 0; i < x->services->n; i++) {
		int family = family_of_part(&x->services->v[i]);

		if (family == 0 || (addr_set_has_family(&from->set, (enum addr_family)family) &&
				    addr_set_has_family(&to->set, (enum addr_family)family)))
			return true;
	}
	return false;
}

static void expand_pair(struct expansion *x, struct side *from, struct side *to)
{
	products list = { 0 };
	products common = { 0 };

	if (from->zone == PLAN_SELF && to->zone == PLAN_SELF)
		return;
	if (!have_common_family(from, to))
		return;
	x->had_families = true;
	from->matched = to->matched = true;
	x->had_services |= have_common_services(x, from, to);
	push_product(&list, &from->set, &to->set, x->services);
	for (size_t i = 0; i < x->exceptions.n && !x->too_wide; i++)
		apply_exception(x, &x->exceptions.v[i], from->zone, to->zone, &list, &common);
	for (size_t i = 0; i < list.n && !x->too_wide; i++)
		push_terms(x, &list.v[i], from->zone, to->zone, false);
	for (size_t i = 0; i < common.n && !x->too_wide; i++)
		push_terms(x, &common.v[i], from->zone, to->zone, true);
	products_done(&list);
	products_done(&common);
}

static void report_unmatched(struct expansion *x, const struct sides *sides, const char *other)
{
	for (size_t i = 0; i < sides->list.n; i++) {
		const struct side *side = &sides->list.v[i];

		if (side->matched || side->zone == PLAN_SELF)
			continue;
		diag_add(
			x->b->diag, SK_FLOW_FAMILIES, side->at,
			"flow \"%s\": %s has only IPv%d addresses, and nothing under %s has any of "
			"these",
			x->flow->id, side->text, addr_set_has_family(&side->set, ADDR_V4) ? 4 : 6,
			other);
	}
}

static void report_nothing(struct expansion *x)
{
	const struct pol_flow *source = x->source;
	struct diag *diag = x->b->diag;

	if (!x->had_families && find_side(&x->from, PLAN_SELF) && find_side(&x->to, PLAN_SELF))
		diag_add(diag, SK_FLOW_SELF, source->id.at,
			 "flow \"%s\": the gateway always reaches itself; the flow can go",
			 x->flow->id);
	else if (!x->had_families)
		diag_add(diag, SK_FLOW_FAMILIES, source->to.n ? source->to.v[0].at : source->id.at,
			 "flow \"%s\": from and to have no address family in common", x->flow->id);
	else if (!x->had_services)
		diag_add(diag, SK_FLOW_NOTHING,
			 source->services.n ? source->services.v[0].at : source->id.at,
			 "flow \"%s\" permits nothing: ICMP is for IPv4 and ICMPv6 for IPv6, which "
			 "from and to do not have in common",
			 x->flow->id);
	else
		diag_add(diag, SK_FLOW_EXCEPTED,
			 source->n_except ? source->except[0].at : source->id.at,
			 "flow \"%s\": except takes away all that it permits", x->flow->id);
}

static void report(struct expansion *x)
{
	if (x->too_wide) {
		diag_add(x->b->diag, SK_FLOW_WIDE, x->source->id.at,
			 "flow \"%s\": from, to and services (with except) make too many "
			 "combinations; use prefixes, or split the flow",
			 x->flow->id);
		return;
	}
	if (!x->from.sound || !x->to.sound || x->from.list.n == 0 || x->to.list.n == 0 ||
	    x->services->n == 0)
		return; // reported where the fault is
	if (x->terms.n == 0) {
		report_nothing(x);
		return;
	}
	report_unmatched(x, &x->from, "to");
	report_unmatched(x, &x->to, "from");
	for (size_t i = 0; i < x->exceptions.n; i++) {
		const struct exception *e = &x->exceptions.v[i];

		if (e->sound && !e->hit)
			diag_add(x->b->diag, SK_FLOW_EXCEPT_IDLE, e->at,
				 "flow \"%s\": it does not permit any of this, so the exception "
				 "changes nothing",
				 x->flow->id);
	}
}

void terms_make(struct build *b, const struct pol_flow *source, const service_parts *services,
		struct plan_flow *flow)
{
	struct expansion x = { .b = b, .source = source, .flow = flow, .services = services };

	read_sides(b, &source->from, &x.from);
	read_sides(b, &source->to, &x.to);
	read_exceptions(&x);
	for (size_t i = 0; i < x.from.list.n; i++)
		for (size_t j = 0; j < x.to.list.n && !x.too_wide; j++)
			expand_pair(&x, &x.from.list.v[i], &x.to.list.v[j]);
	report(&x);
	flow->n_terms = x.terms.n;
	flow->terms = arena_memdup(b->arena, x.terms.v, x.terms.n * sizeof(*x.terms.v));
	flow->n_excepted = x.excepted.n;
	flow->excepted = arena_memdup(b->arena, x.excepted.v, x.excepted.n * sizeof(*x.excepted.v));
	for (size_t i = 0; i < x.exceptions.n; i++) {
		sides_done(&x.exceptions.v[i].from);
		sides_done(&x.exceptions.v[i].to);
	}
	sides_done(&x.from);
	sides_done(&x.to);
	vec_done(&x.exceptions);
	vec_done(&x.terms);
	vec_done(&x.excepted);
}
