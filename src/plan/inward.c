#include "plan/inward.h"

#include "plan/atom.h"
#include "plan/plan_internal.h"

static bool cut_range(const struct addr_range *a, const struct addr_range *b,
		      struct addr_range *ret)
{
	if (!addr_range_overlaps(a, b))
		return false;
	*ret = (struct addr_range){ a->family, a->lo > b->lo ? a->lo : b->lo,
				    a->hi < b->hi ? a->hi : b->hi };
	return true;
}

static bool same_range(const struct addr_range *a, const struct addr_range *b)
{
	return a->lo == b->lo && a->hi == b->hi;
}

// The part that one of a forward's sources and one of its services have; true: all of the space.
static bool add_forward(const struct inward_space *space, const struct plan_nat *nat,
			const struct addr_range *source, const struct plan_atom *atom,
			inward_spaces *ret)
{
	struct inward_space part = *space;

	if (!cut_range(&space->rect.source, source, &part.rect.source) ||
	    !cut_range(&space->rect.destination, &nat->destinations[0], &part.rect.destination) ||
	    !atom_intersect(&space->atom, atom, &part.atom))
		return false;
	bool all = same_range(&part.rect.source, &space->rect.source) &&
		   same_range(&part.rect.destination, &space->rect.destination) &&
		   atom_within(&space->atom, &part.atom);

	part.nat = nat;
	part.to = nat->to[0];
	part.rect.destination = nat->target;
	if (nat->port)
		part.atom.port_lo = part.atom.port_hi = nat->port;
	vec_push(ret, part);
	return all;
}

static bool add_forwards(const struct inward_space *space, const struct plan_nat *nat,
			 inward_spaces *ret)
{
	static const struct plan_atom every = { .protocol_hi = 255,
						.sport_hi = 65535,
						.port_hi = 65535 };
	const struct addr_range any = addr_range_any(nat->family);
	bool hairpin = nat->hairpin && space->from == nat->to[0]; // for every client there
	bool named = nat->n_sources && !hairpin;
	size_t n_sources = named ? nat->n_sources : 1, n_atoms = nat->n_atoms ? nat->n_atoms : 1;
	bool all = false;

	if (!hairpin && !plan_zones_hold(nat->from, nat->n_from, space->from))
		return false;
	for (size_t s = 0; s < n_sources; s++)
		for (size_t a = 0; a < n_atoms; a++)
			all = add_forward(space, nat, named ? &nat->sources[s] : &any,
					  nat->n_atoms ? &nat->atoms[a] : &every, ret) ||
			      all;
	return all;
}

static bool add_prefix(const struct inward_space *space, const struct plan_nat *nat,
		       inward_spaces *ret)
{
	struct inward_space part = *space;

	if (!plan_zones_hold(nat->to, nat->n_to, space->from) ||
	    !cut_range(&space->rect.destination, &nat->target, &part.rect.destination))
		return false;
	bool all = same_range(&part.rect.destination, &space->rect.destination);

	part.nat = nat;
	part.rect.destination.lo += nat->inside.lo - nat->target.lo;
	part.rect.destination.hi += nat->inside.lo - nat->target.lo;
	for (size_t z = 0; z < nat->n_from; z++) { // a zone's cells hold its own addresses only
		part.to = nat->from[z];
		vec_push(ret, part);
	}
	return all;
}

bool inward_parts(const struct plan *plan, const struct inward_space *space, inward_spaces *ret)
{
	size_t n;
	const struct plan_nat *nats = plan_nats(plan, &n);
	bool all = false;

	for (size_t i = 0; i < n; i++) {
		if (nats[i].family != space->rect.destination.family)
			continue;
		if (nats[i].kind == POL_NAT_FORWARD)
			all = add_forwards(space, &nats[i], ret) || all;
		else if (nats[i].kind == POL_NAT_PREFIX)
			all = add_prefix(space, &nats[i], ret) || all;
	}
	return all;
}
