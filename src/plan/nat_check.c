// Address translation: entries that fit the same packets, and entries that nothing uses.
//
// Where two fit, one must be part of the other: the more specific one then goes first.  Anything
// else would need an order that a policy does not have.
#include <stdlib.h>
#include <string.h>

#include "plan/nat.h"

static bool is_destination(const struct plan_nat *nat)
{
	return nat->kind == POL_NAT_FORWARD;
}

static bool zones_meet(const uint16_t *a, size_t n_a, const uint16_t *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		for (size_t j = 0; j < n_b; j++)
			if (a[i] == b[j])
				return true;
	return false;
}

static bool zones_within(const uint16_t *a, size_t n_a, const uint16_t *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		if (!zones_meet(&a[i], 1, b, n_b))
			return false;
	return true;
}

// n 0 is everything.
static bool ranges_meet(const struct addr_range *a, size_t n_a, const struct addr_range *b,
			size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		for (size_t j = 0; j < n_b; j++)
			if (addr_range_overlaps(&a[i], &b[j]))
				return true;
	return n_a == 0 || n_b == 0;
}

static bool ranges_within(const struct addr_range *a, size_t n_a, const struct addr_range *b,
			  size_t n_b)
{
	for (size_t i = 0; i < n_a; i++) {
		bool in = n_b == 0;

		for (size_t j = 0; !in && j < n_b; j++)
			in = addr_range_within(&a[i], &b[j]);
		if (!in)
			return false;
	}
	return n_a > 0 || n_b == 0;
}

static bool atoms_meet(const struct plan_nat *a, const struct plan_nat *b)
{
	for (size_t i = 0; i < a->n_atoms; i++)
		for (size_t j = 0; j < b->n_atoms; j++)
			if (atom_overlaps(&a->atoms[i], &b->atoms[j]))
				return true;
	return a->n_atoms == 0 || b->n_atoms == 0;
}

static bool atoms_within(const struct plan_nat *a, const struct plan_nat *b)
{
	for (size_t i = 0; i < a->n_atoms; i++) {
		bool in = b->n_atoms == 0;

		for (size_t j = 0; !in && j < b->n_atoms; j++)
			in = atom_within(&a->atoms[i], &b->atoms[j]);
		if (!in)
			return false;
	}
	return a->n_atoms > 0 || b->n_atoms == 0;
}

static bool nats_meet(const struct plan_nat *a, const struct plan_nat *b)
{
	return a->family == b->family && is_destination(a) == is_destination(b) &&
	       ranges_meet(a->destinations, a->n_destinations, b->destinations,
			   b->n_destinations) &&
	       zones_meet(a->from, a->n_from, b->from, b->n_from) &&
	       (is_destination(a) || zones_meet(a->to, a->n_to, b->to, b->n_to)) &&
	       ranges_meet(a->sources, a->n_sources, b->sources, b->n_sources) && atoms_meet(a, b);
}

static bool nat_within(const struct plan_nat *a, const struct plan_nat *b)
{
	return zones_within(a->from, a->n_from, b->from, b->n_from) &&
	       (is_destination(a) || zones_within(a->to, a->n_to, b->to, b->n_to)) &&
	       ranges_within(a->sources, a->n_sources, b->sources, b->n_sources) &&
	       ranges_within(a->destinations, a->n_destinations, b->destinations,
			     b->n_destinations) &&
	       atoms_within(a, b);
}

static void check_two(struct build *b, const struct nat_draft *first, const struct nat_draft *later)
{
	size_t item;

	// One entry may name the same packets twice over, through two networks.
	if (first->source == later->source || !nats_meet(&first->nat, &later->nat) ||
	    nat_within(&first->nat, &later->nat) != nat_within(&later->nat, &first->nat))
		return;
	item = diag_add(
		b->diag, SK_NAT_TWICE, later->source->id.at,
		"translations \"%s\" and \"%s\" fit the same packets, and neither is part of "
		"the other; narrow one of them",
		later->source->id.s, first->source->id.s);
	diag_second(b->diag, item, first->source->id.at, "the other translation");
}

static bool class_fits(const struct plan_class *class, const struct plan_nat *nat)
{
	for (size_t i = 0; i < class->n_atoms; i++) {
		for (size_t j = 0; j < nat->n_atoms; j++) {
			struct plan_atom want = nat->atoms[j];

			if (nat->port != 0) // flows see the packet behind the translation
				want.port_lo = want.port_hi = nat->port;
			if (atom_overlaps(&class->atoms[i], &want))
				return true;
		}
	}
	return nat->n_atoms == 0;
}

static bool pair_uses(const struct plan *plan, uint16_t from, uint16_t to,
		      const struct plan_nat *nat, const struct addr_range *sources,
		      size_t n_sources, const struct addr_range *destinations,
		      size_t n_destinations)
{
	const struct plan_pair *pair = plan_find_pair(plan, from, to);

	for (size_t c = 0; pair && c < pair->n_classes; c++) {
		const struct plan_class *class = &pair->classes[c];

		if (!class_fits(class, nat))
			continue;
		for (size_t i = 0; i < class->n_cells; i++) {
			const struct plan_rect *rect = &class->cells[i].rect;

			if (rect->source.family == nat->family &&
			    ranges_meet(&rect->source, 1, sources, n_sources) &&
			    ranges_meet(&rect->destination, 1, destinations, n_destinations))
				return true;
		}
	}
	return false;
}

static bool is_used(const struct plan *plan, const struct plan_nat *nat)
{
	for (size_t i = 0; i < nat->n_from; i++) {
		for (size_t j = 0; j < nat->n_to; j++) {
			uint16_t from = nat->from[i];
			uint16_t to = nat->to[j];

			if (is_destination(nat)) {
				if (pair_uses(plan, from, to, nat, nat->sources, nat->n_sources,
					      &nat->target, 1))
					return true;
				continue;
			}
			if (pair_uses(plan, from, to, nat, nat->sources, nat->n_sources,
				      nat->destinations, nat->n_destinations))
				return true;
			// A prefix is translated for connections that come in, too.
			if (nat->kind == POL_NAT_PREFIX &&
			    pair_uses(plan, to, from, nat, nat->destinations, nat->n_destinations,
				      &nat->inside, 1))
				return true;
		}
	}
	return false;
}

// Of an entry's several plan_nats one that is used is enough.
static void report_unused(struct build *b, const nat_drafts *drafts)
{
	for (size_t i = 0, end; i < drafts->n; i = end) {
		const struct pol_nat *source = drafts->v[i].source;
		const struct plan_nat *nat = &drafts->v[i].nat;
		bool used = false;

		for (end = i; end < drafts->n && drafts->v[end].source == source; end++)
			used = used || is_used(b->plan, &drafts->v[end].nat);
		if (!used)
			diag_add(b->diag, SK_NAT_UNUSED, source->id.at,
				 "translation \"%s\": no flow permits what it translates", nat->id);
		if (nat->hairpin &&
		    !pair_uses(b->plan, nat->to[0], nat->to[0], nat, NULL, 0, &nat->target, 1))
			diag_add(
				b->diag, SK_NAT_HAIRPIN, source->hairpin.at,
				"translation \"%s\": no flow permits zone \"%s\" to reach the target, "
				"so hairpin does nothing",
				nat->id, b->plan->zones[nat->to[0]].id);
	}
}

static long double measure_ranges(const struct addr_range *ranges, size_t n,
				  enum addr_family family)
{
	struct addr_range any = addr_range_any(family);
	long double sum = 0;

	if (n == 0)
		return (long double)(any.hi - any.lo) + 1;
	for (size_t i = 0; i < n; i++)
		sum += (long double)(ranges[i].hi - ranges[i].lo) + 1;
	return sum;
}

static long double measure(const struct plan_nat *nat)
{
	static const struct plan_atom any = { 0, 255, 0, 65535, 0, 65535 };
	const struct plan_atom *atoms = nat->n_atoms ? nat->atoms : &any;
	long double services = 0;

	for (size_t i = 0; i < (nat->n_atoms ? nat->n_atoms : 1); i++)
		services += (atoms[i].protocol_hi - atoms[i].protocol_lo + 1.0L) *
			    (atoms[i].sport_hi - atoms[i].sport_lo + 1.0L) *
			    (atoms[i].port_hi - atoms[i].port_lo + 1.0L);
	return services * (long double)nat->n_from * (long double)nat->n_to *
	       measure_ranges(nat->sources, nat->n_sources, nat->family) *
	       measure_ranges(nat->destinations, nat->n_destinations, nat->family);
}

// What is part of another has the smaller measure.
static int by_measure(const void *a, const void *b)
{
	const struct nat_draft *x = a;
	const struct nat_draft *y = b;
	long double d = measure(&x->nat) - measure(&y->nat);
	int by_id = strcmp(x->nat.id, y->nat.id);

	if (d != 0)
		return d < 0 ? -1 : 1;
	if (by_id != 0)
		return by_id;
	if (x->nat.family != y->nat.family)
		return x->nat.family < y->nat.family ? -1 : 1;
	return x->nat.n_from && y->nat.n_from ? x->nat.from[0] - y->nat.from[0] : 0;
}

void nat_check(struct build *b, nat_drafts *drafts)
{
	for (size_t i = 0; i < drafts->n; i++)
		for (size_t j = i + 1; j < drafts->n; j++)
			check_two(b, &drafts->v[i], &drafts->v[j]);
	if (diag_errors(b->diag) == 0)
		report_unused(b, drafts);
	if (drafts->n > 0)
		qsort(drafts->v, drafts->n, sizeof(*drafts->v), by_measure);
}
