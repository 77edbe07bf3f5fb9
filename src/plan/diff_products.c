// Boxes put together for people: rects into products of sets, services of the same product into
// one list, IPv4 and IPv6 of the same services into one row.
//
// Rects of one part are disjoint, so grouping them by source (each with its set of destinations)
// and then putting sources together whose destinations are the same changes nothing; the same the
// other way round.  Whichever of the two gives fewer products is taken.
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "plan/diff_internal.h"

void diff_products_done(diff_products *products)
{
	for (size_t i = 0; i < products->n; i++) {
		addr_set_done(&products->v[i].sources);
		addr_set_done(&products->v[i].destinations);
		vec_done(&products->v[i].atoms);
	}
	vec_done(products);
}

static int compare_ranges(const struct addr_range *a, const struct addr_range *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return a->hi < b->hi ? -1 : a->hi > b->hi;
}

static int compare_sets(const struct addr_set *a, const struct addr_set *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (size_t i = 0; i < a->n; i++) {
		int d = compare_ranges(&a->v[i], &b->v[i]);

		if (d)
			return d;
	}
	return 0;
}

static int by_source(const void *a, const void *b)
{
	return carve_compare(a, b);
}

static struct plan_rect turned(const struct plan_rect *rect)
{
	return (struct plan_rect){ rect->destination, rect->source };
}

static int by_destinations(const void *a, const void *b)
{
	const struct diff_product *x = a, *y = b;
	int d = compare_sets(&x->destinations, &y->destinations);

	return d ? d : compare_sets(&x->sources, &y->sources);
}

static bool same_source(const struct plan_rect *a, const struct plan_rect *b)
{
	return compare_ranges(&a->source, &b->source) == 0;
}

static void group_sources(carve_rects *rects, diff_products *out)
{
	const struct plan_rect *v = rects->v;

	if (rects->n > 0)
		qsort(rects->v, rects->n, sizeof(*rects->v), by_source);
	for (size_t i = 0, end; i < rects->n; i = end) {
		struct diff_product *product = vec_add(out);

		addr_set_append(&product->sources, v[i].source);
		for (end = i; end < rects->n && same_source(&v[end], &v[i]); end++)
			addr_set_append(&product->destinations, v[end].destination);
		addr_set_normalise(&product->destinations);
	}
}

// Groups by source, then joins groups with the same destinations.
static void group(carve_rects *rects, diff_products *out)
{
	size_t kept = 0;

	group_sources(rects, out);
	if (out->n == 0)
		return;
	qsort(out->v, out->n, sizeof(*out->v), by_destinations);
	for (size_t i = 1; i < out->n; i++) {
		if (compare_sets(&out->v[i].destinations, &out->v[kept].destinations) != 0) {
			out->v[++kept] = out->v[i];
			continue;
		}
		for (size_t j = 0; j < out->v[i].sources.n; j++)
			addr_set_append(&out->v[kept].sources, out->v[i].sources.v[j]);
		addr_set_done(&out->v[i].sources);
		addr_set_done(&out->v[i].destinations);
	}
	out->n = kept + 1;
	for (size_t i = 0; i < out->n; i++)
		addr_set_normalise(&out->v[i].sources);
}

static void turn_products(diff_products *products)
{
	for (size_t i = 0; i < products->n; i++) {
		struct addr_set swap = products->v[i].sources;

		products->v[i].sources = products->v[i].destinations;
		products->v[i].destinations = swap;
	}
}

static void group_best(const carve_rects *rects, diff_products *ret)
{
	carve_rects copy = { 0 };
	diff_products other = { 0 };

	for (size_t i = 0; i < rects->n; i++)
		vec_push(&copy, rects->v[i]);
	group(&copy, ret);
	for (size_t i = 0; i < copy.n; i++)
		copy.v[i] = turned(&copy.v[i]);
	group(&copy, &other);
	vec_done(&copy);
	if (other.n < ret->n) {
		turn_products(&other);
		diff_products_done(ret);
		*ret = other;
	} else {
		diff_products_done(&other);
	}
}

// 0: of both families.
static int family_of_atom(const struct plan_atom *atom)
{
	if (atom->protocol_lo != atom->protocol_hi)
		return 0;
	return atom->protocol_lo == IPPROTO_ICMP     ? ADDR_V4
	       : atom->protocol_lo == IPPROTO_ICMPV6 ? ADDR_V6
						     : 0;
}

static void split_family(const struct diff_part *part, enum addr_family family, diff_products *out)
{
	carve_rects rects = { 0 };
	diff_products made = { 0 };

	for (size_t i = 0; i < part->rects.n; i++)
		if (part->rects.v[i].source.family == family)
			vec_push(&rects, part->rects.v[i]);
	group_best(&rects, &made);
	for (size_t i = 0; i < made.n; i++) {
		struct diff_product *product = &made.v[i];

		for (size_t j = 0; j < part->atoms.n; j++) {
			int only = family_of_atom(&part->atoms.v[j]);

			if (only == 0 || only == (int)family)
				vec_push(&product->atoms, part->atoms.v[j]);
		}
		if (product->atoms.n) {
			vec_push(out, *product);
			continue;
		}
		addr_set_done(&product->sources);
		addr_set_done(&product->destinations);
	}
	vec_done(&made);
	vec_done(&rects);
}

// --- services

// Two atoms that differ in one dimension only, where they touch or overlap, become one.
static bool join_atoms(struct plan_atom *a, const struct plan_atom *b)
{
	bool protocol = a->protocol_lo == b->protocol_lo && a->protocol_hi == b->protocol_hi;
	bool ports = a->port_lo == b->port_lo && a->port_hi == b->port_hi;
	bool sports = a->sport_lo == b->sport_lo && a->sport_hi == b->sport_hi;

	if (protocol && sports && a->protocol_lo == a->protocol_hi &&
	    a->port_lo <= b->port_hi + 1 && b->port_lo <= a->port_hi + 1) {
		a->port_lo = a->port_lo < b->port_lo ? a->port_lo : b->port_lo;
		a->port_hi = a->port_hi > b->port_hi ? a->port_hi : b->port_hi;
		return true;
	}
	if (protocol && ports && a->sport_lo <= b->sport_hi + 1 && b->sport_lo <= a->sport_hi + 1) {
		a->sport_lo = a->sport_lo < b->sport_lo ? a->sport_lo : b->sport_lo;
		a->sport_hi = a->sport_hi > b->sport_hi ? a->sport_hi : b->sport_hi;
		return true;
	}
	return false;
}

static bool is_full(const struct plan_atom *atom)
{
	int top = family_of_atom(atom) ? 255 : UINT16_MAX;

	return atom->port_lo == 0 && atom->port_hi >= top && atom->sport_lo == 0 &&
	       atom->sport_hi == UINT16_MAX;
}

// Neighbouring protocols, all of whose packets are in; sorted.  An ICMP alone stands for one
// family only, so it only joins on a row of that family.
static bool join_protocols(struct plan_atom *a, const struct plan_atom *b, int family)
{
	int only_a = family_of_atom(a), only_b = family_of_atom(b);

	if (a->protocol_hi + 1 != b->protocol_lo || !is_full(a) || !is_full(b))
		return false;
	if ((only_a && only_a != family) || (only_b && only_b != family))
		return false;
	if (a->protocol_lo == a->protocol_hi && b->protocol_lo == b->protocol_hi)
		return false; // two names read better than a range of numbers
	a->protocol_hi = b->protocol_hi;
	a->port_hi = UINT16_MAX;
	return true;
}

static void tidy_atoms(diff_atoms *atoms, int family)
{
	bool joined;

	do {
		size_t kept = 0;

		joined = false;
		atoms->n = atoms_tidy(atoms->v, atoms->n);
		for (size_t i = 1; i < atoms->n; i++) {
			if (join_atoms(&atoms->v[kept], &atoms->v[i]) ||
			    join_protocols(&atoms->v[kept], &atoms->v[i], family))
				joined = true;
			else
				atoms->v[++kept] = atoms->v[i];
		}
		atoms->n = atoms->n ? kept + 1 : 0;
	} while (joined);
}

static void move_atoms(diff_atoms *to, diff_atoms *from)
{
	for (size_t i = 0; i < from->n; i++)
		vec_push(to, from->v[i]);
	vec_done(from);
}

static int by_sets(const void *a, const void *b)
{
	const struct diff_product *x = a, *y = b;
	int d = compare_sets(&x->sources, &y->sources);

	return d ? d : compare_sets(&x->destinations, &y->destinations);
}

// Products of the same sets become one with all of their services.
static void join_services(diff_products *products, int family)
{
	size_t kept = 0;

	if (products->n == 0)
		return;
	qsort(products->v, products->n, sizeof(*products->v), by_sets);
	for (size_t i = 1; i < products->n; i++) {
		if (by_sets(&products->v[i], &products->v[kept]) != 0) {
			products->v[++kept] = products->v[i];
			continue;
		}
		move_atoms(&products->v[kept].atoms, &products->v[i].atoms);
		addr_set_done(&products->v[i].sources);
		addr_set_done(&products->v[i].destinations);
	}
	products->n = kept + 1;
	for (size_t i = 0; i < products->n; i++)
		tidy_atoms(&products->v[i].atoms, family);
}

// --- IPv4 beside IPv6

static bool atoms_match(const diff_atoms *a, const diff_atoms *b)
{
	size_t i = 0, j = 0;

	while (true) {
		while (i < a->n && family_of_atom(&a->v[i]))
			i++;
		while (j < b->n && family_of_atom(&b->v[j]))
			j++;
		if (i == a->n || j == b->n)
			return i == a->n && j == b->n;
		if (atom_compare(&a->v[i++], &b->v[j++]) != 0)
			return false;
	}
}

static bool has_plain(const diff_atoms *atoms)
{
	for (size_t i = 0; i < atoms->n; i++)
		if (family_of_atom(&atoms->v[i]) == 0)
			return true;
	return false;
}

// The one and only IPv6 product whose services are those of the IPv4 one, but for ICMP.
static struct diff_product *only_match(const struct diff_product *four, diff_products *six)
{
	struct diff_product *found = NULL;

	for (size_t i = 0; i < six->n; i++) {
		if (six->v[i].atoms.n == 0 || !atoms_match(&four->atoms, &six->v[i].atoms) ||
		    has_plain(&four->atoms) != has_plain(&six->v[i].atoms))
			continue;
		if (found)
			return NULL;
		found = &six->v[i];
	}
	return found;
}

static bool is_only(const struct diff_product *four, const diff_products *fours)
{
	for (size_t i = 0; i < fours->n; i++)
		if (&fours->v[i] != four && atoms_match(&four->atoms, &fours->v[i].atoms))
			return false;
	return true;
}

static void append_set(struct addr_set *to, struct addr_set *from)
{
	for (size_t i = 0; i < from->n; i++)
		addr_set_append(to, from->v[i]);
	addr_set_done(from);
}

static void join_families(diff_products *four, diff_products *six, diff_products *ret)
{
	for (size_t i = 0; i < four->n; i++) {
		struct diff_product *a = &four->v[i];
		struct diff_product *b = is_only(a, four) ? only_match(a, six) : NULL;

		if (!b)
			continue;
		append_set(&a->sources, &b->sources);
		append_set(&a->destinations, &b->destinations);
		move_atoms(&a->atoms, &b->atoms);
		a->atoms.n = atoms_tidy(a->atoms.v, a->atoms.n);
	}
	for (size_t i = 0; i < four->n; i++)
		vec_push(ret, four->v[i]);
	for (size_t i = 0; i < six->n; i++)
		if (six->v[i].atoms.n)
			vec_push(ret, six->v[i]);
	vec_done(four);
	vec_done(six);
}

void diff_products_make(diff_parts *parts, diff_products *ret)
{
	diff_products four = { 0 }, six = { 0 };

	for (size_t i = 0; i < parts->n; i++) {
		split_family(&parts->v[i], ADDR_V4, &four);
		split_family(&parts->v[i], ADDR_V6, &six);
	}
	diff_parts_done(parts);
	join_services(&four, ADDR_V4);
	join_services(&six, ADDR_V6);
	join_families(&four, &six, ret);
}
