// Address translation: from entries to plan_nats.
//
// An entry becomes one plan_nat for each address family, and for each way to write its zones: whole
// zones together, and every zone of which only networks are meant by itself, since a plan_nat has
// one set of sources for all of its zones.
#include "plan/nat.h"

#include <stdlib.h>
#include <string.h>

struct group { // zones with the same addresses
	VEC(uint16_t) zones;
	struct addr_set set; // n 0: any
};

typedef VEC(struct group) groups;

struct entry {
	struct build *b;
	const struct pol_nat *source;
	enum pol_nat_kind kind;
	groups from, to;
	struct plan_nat nat; // what all of its plan_nats have in common
	nat_drafts *drafts;
};

enum need { NO, MAY, MUST };

static const struct kind_keys {
	const char *name;
	enum pol_nat_kind kind;
	enum need from, to, families, services, address, target, prefix, port, hairpin;
} kinds[] = {
	{ "masquerade", POL_NAT_MASQUERADE, MUST, MUST, MAY, MAY, NO, NO, NO, NO, NO },
	{ "source", POL_NAT_SOURCE, MUST, MUST, MAY, MAY, NO, MUST, NO, NO, NO },
	{ "forward", POL_NAT_FORWARD, MUST, NO, NO, MUST, MUST, MUST, NO, MAY, MAY },
	{ "prefix", POL_NAT_PREFIX, MUST, MUST, NO, NO, NO, MUST, MUST, NO, NO },
};

static void groups_done(groups *list)
{
	for (size_t i = 0; i < list->n; i++) {
		vec_done(&list->v[i].zones);
		addr_set_done(&list->v[i].set);
	}
	vec_done(list);
}

// Is a key where it must or must not be?
static bool check_key(const struct entry *e, enum need need, bool given, struct place at,
		      const char *key)
{
	if (need == NO && given)
		diag_add(e->b->diag, SK_NAT_KEY, at,
			 "\"%s\" has no meaning for kind %s; take it away", key, e->source->kind.s);
	if (need == MUST && !given)
		diag_add(e->b->diag, SK_NAT_INCOMPLETE, e->source->id.at,
			 "translation \"%s\" of kind %s needs \"%s\"", e->source->id.s,
			 e->source->kind.s, key);
	return (need != NO || !given) && (need != MUST || given);
}

static bool check_keys(const struct entry *e, const struct kind_keys *keys)
{
	const struct pol_nat *s = e->source;
	bool sound = true;

	sound &= check_key(e, keys->from, s->from.n > 0, s->from.at, "from");
	sound &= check_key(e, keys->to, s->to.n > 0, s->to.at, "to");
	sound &= check_key(e, keys->families, s->families.n > 0, s->families.at, "families");
	sound &= check_key(e, keys->services, s->services.n > 0, s->services.at, "services");
	sound &= check_key(e, keys->address, s->at_address.s != NULL, s->at_address.at, "address");
	sound &= check_key(e, keys->target, s->target.s != NULL, s->target.at, "target");
	sound &= check_key(e, keys->prefix, s->prefix.s != NULL, s->prefix.at, "prefix");
	sound &= check_key(e, keys->port, s->port.set, s->port.at, "port");
	sound &= check_key(e, keys->hairpin, s->hairpin.set && s->hairpin.value, s->hairpin.at,
			   "hairpin");
	return sound;
}

static struct group *group_for(groups *list, const struct endpoint *endpoint)
{
	struct group *group;

	for (size_t i = 0; i < list->n; i++) {
		bool whole = list->v[i].set.n == 0;

		if (endpoint->network ? !whole && list->v[i].zones.v[0] == endpoint->zone : whole)
			return &list->v[i];
	}
	group = vec_add(list);
	if (endpoint->network)
		vec_push(&group->zones, (uint16_t)endpoint->zone);
	return group;
}

static bool has_zone(const struct group *group, uint32_t zone)
{
	for (size_t i = 0; i < group->zones.n; i++)
		if (group->zones.v[i] == zone)
			return true;
	return false;
}

static bool read_groups(struct entry *e, const struct pol_list *list, bool self, groups *ret)
{
	bool sound = true;

	for (size_t i = 0; i < list->n; i++) {
		struct endpoint endpoint;
		struct group *group;

		if (build_endpoint(e->b, &list->v[i], &endpoint) < 0) {
			sound = false;
			continue;
		}
		if (endpoint.zone == PLAN_SELF && !self) {
			diag_add(e->b->diag, SK_NAT_SELF, list->v[i].at,
				 "translation is for what passes the gateway, so \"self\" cannot "
				 "stand here");
			sound = false;
			continue;
		}
		if (endpoint.network && endpoint.n_ranges == 0) {
			sound = false; // reported where it is declared
			continue;
		}
		group = group_for(ret, &endpoint);
		if (!endpoint.network && !has_zone(group, endpoint.zone))
			vec_push(&group->zones, (uint16_t)endpoint.zone);
		for (size_t j = 0; j < endpoint.n_ranges; j++)
			addr_set_append(&group->set, endpoint.ranges[j]);
		addr_set_normalise(&group->set);
	}
	return sound;
}

// The ranges of one family; false if the group has addresses, but none of it, or no zone that can.
static bool family_part(struct build *b, const struct group *group, enum addr_family family,
			struct addr_set *ret)
{
	if (group->set.n == 0) {
		for (size_t i = 0; i < group->zones.n; i++)
			if (plan_zone_has_family(b->plan, group->zones.v[i], family))
				return true;
		return false;
	}
	for (size_t i = 0; i < group->set.n; i++)
		if (group->set.v[i].family == family)
			addr_set_append(ret, group->set.v[i]);
	return ret->n > 0;
}

static const uint16_t *copy_zones(struct build *b, const struct group *group, size_t *ret_n)
{
	*ret_n = group->zones.n;
	return arena_memdup(b->arena, group->zones.v, group->zones.n * sizeof(uint16_t));
}

// One plan_nat for each pair of groups; returns how many there were for this family.
static size_t push_drafts(struct entry *e, enum addr_family family)
{
	size_t n = 0;

	for (size_t i = 0; i < e->from.n; i++) {
		for (size_t j = 0; j < (e->to.n ? e->to.n : 1); j++) {
			struct addr_set sources = { 0 };
			struct addr_set destinations = { 0 };
			struct nat_draft draft = { e->nat, e->source };
			bool fits = family_part(e->b, &e->from.v[i], family, &sources);

			if (e->to.n > 0)
				fits = fits &&
				       family_part(e->b, &e->to.v[j], family, &destinations);
			draft.nat.family = family;
			draft.nat.from = copy_zones(e->b, &e->from.v[i], &draft.nat.n_from);
			if (e->to.n > 0)
				draft.nat.to = copy_zones(e->b, &e->to.v[j], &draft.nat.n_to);
			if (e->kind == POL_NAT_PREFIX) {
				sources.n = 0;
				addr_set_append(&sources, e->nat.inside);
			}
			draft.nat.sources = build_ranges(e->b, &sources, &draft.nat.n_sources);
			if (e->kind != POL_NAT_FORWARD)
				draft.nat.destinations = build_ranges(e->b, &destinations,
								      &draft.nat.n_destinations);
			if (fits) {
				vec_push(e->drafts, draft);
				n++;
			}
		}
	}
	return n;
}

static void report_families(struct entry *e, struct place at, enum addr_family family)
{
	diag_add(e->b->diag, SK_NAT_FAMILIES, at,
		 "translation \"%s\": from and to have no IPv%d addresses in common",
		 e->source->id.s, family);
}

static bool wants_family(const struct pol_list *families, enum addr_family family)
{
	const char *name = family == ADDR_V4 ? "ipv4" : "ipv6";

	if (families->n == 0)
		return family == ADDR_V4;
	for (size_t i = 0; i < families->n; i++)
		if (strcmp(families->v[i].s, name) == 0)
			return true;
	return false;
}

static void read_masquerade(struct entry *e)
{
	static const enum addr_family both[] = { ADDR_V4, ADDR_V6 };
	const struct pol_nat *source = e->source;

	for (size_t i = 0; i < 2; i++)
		if (wants_family(&source->families, both[i]) && push_drafts(e, both[i]) == 0)
			report_families(e, source->families.n ? source->families.at : source->id.at,
					both[i]);
}

// Do all zones of the groups have the whole range?
static bool within_zones(struct entry *e, const groups *list, const struct addr_range *range,
			 struct place at, const char *what)
{
	for (size_t i = 0; i < list->n; i++) {
		for (size_t j = 0; j < list->v[i].zones.n; j++) {
			const struct plan_zone *zone = &e->b->plan->zones[list->v[i].zones.v[j]];
			struct addr_set set = { 0 };
			char text[ADDR_TEXT_MAX];
			bool whole;

			addr_set_append(&set, *range);
			build_clip(e->b, list->v[i].zones.v[j], &set);
			whole = set.n == 1 && set.v[0].lo == range->lo && set.v[0].hi == range->hi;
			addr_set_done(&set);
			if (whole)
				continue;
			diag_second(e->b->diag,
				    diag_add(e->b->diag, SK_NAT_OUTSIDE, at,
					     "translation \"%s\": %s %s is not of zone \"%s\"",
					     e->source->id.s, what, addr_range_text(range, text),
					     zone->id),
				    zone->at, "the zone");
			return false;
		}
	}
	return true;
}

static void read_source(struct entry *e)
{
	const struct pol_nat *source = e->source;

	if (build_address(e->b, &source->target, &e->nat.target) < 0)
		return;
	if (source->families.n > 0 && !wants_family(&source->families, e->nat.target.family)) {
		diag_add(e->b->diag, SK_NAT_FAMILIES, source->target.at,
			 "translation \"%s\": the target is IPv%d, which families does not name",
			 source->id.s, e->nat.target.family);
		return;
	}
	if (!within_zones(e, &e->to, &e->nat.target, source->target.at, "the target"))
		return;
	if (push_drafts(e, e->nat.target.family) == 0)
		report_families(e, source->target.at, e->nat.target.family);
}

static bool read_prefix_text(struct entry *e, const struct pol_text *text, struct addr_range *ret)
{
	if (build_address(e->b, text, ret) < 0)
		return false;
	if (ret->family == ADDR_V6 && addr_range_prefix(ret) >= 0)
		return true;
	diag_add(e->b->diag, SK_NAT_PREFIX, text->at,
		 "\"%s\" is no IPv6 prefix; for IPv4 use kind source", text->s);
	return false;
}

static void read_prefix(struct entry *e)
{
	const struct pol_nat *source = e->source;
	bool inside = read_prefix_text(e, &source->prefix, &e->nat.inside);
	bool outside = read_prefix_text(e, &source->target, &e->nat.target);

	if (!inside || !outside)
		return;
	if (addr_range_prefix(&e->nat.inside) != addr_range_prefix(&e->nat.target)) {
		diag_second(e->b->diag,
			    diag_add(e->b->diag, SK_NAT_PREFIX_LENGTH, source->target.at,
				     "%s and %s differ in length; make them the same",
				     source->target.s, source->prefix.s),
			    source->prefix.at, "the inside prefix");
		return;
	}
	inside = within_zones(e, &e->from, &e->nat.inside, source->prefix.at, "the inside prefix");
	outside = within_zones(e, &e->to, &e->nat.target, source->target.at, "the outside prefix");
	if (!inside || !outside)
		return;
	if (push_drafts(e, ADDR_V6) == 0)
		report_families(e, source->target.at, ADDR_V6);
}

// The one address of the family that the target's network has.
static bool read_target(struct entry *e, enum addr_family family, uint32_t *ret_zone)
{
	const struct pol_text *text = &e->source->target;
	struct endpoint endpoint;
	const struct addr_range *found = NULL;
	size_t n = 0;

	if (build_endpoint(e->b, text, &endpoint) < 0)
		return false;
	if (endpoint.zone == PLAN_SELF) {
		diag_add(e->b->diag, SK_NAT_SELF, text->at,
			 "the gateway itself needs no forward; permit the service to \"self\"");
		return false;
	}
	for (size_t i = 0; i < endpoint.n_ranges; i++) {
		if (endpoint.ranges[i].family != family)
			continue;
		found = &endpoint.ranges[i];
		n++;
	}
	if (endpoint.network && endpoint.n_ranges == 0)
		return false; // reported where it is declared
	if (endpoint.network && n == 0) {
		diag_add(e->b->diag, SK_NAT_FAMILIES, text->at,
			 "\"%s\" has no IPv%d address, as the outside address is", text->s, family);
		return false;
	}
	if (n != 1 || found->lo != found->hi) {
		diag_add(
			e->b->diag, SK_NAT_TARGET, text->at,
			"\"%s\" is not one host; name a network \"zone/name\" with a single address",
			text->s);
		return false;
	}
	e->nat.target = *found;
	*ret_zone = endpoint.zone;
	return true;
}

// An address that the policy gives the gateway (self/NAME).
static bool is_own(const struct plan *plan, const struct addr *addr)
{
	for (size_t i = 0; i < plan->n_networks; i++)
		for (size_t j = 0;
		     plan->networks[i].zone == PLAN_SELF && j < plan->networks[i].n_ranges; j++)
			if (addr_range_contains(&plan->networks[i].ranges[j], addr))
				return true;
	return false;
}

// An address from a zone's networks is most likely some host's: clients of other zones would be led
// away from it, and clients of its zone only ever ask the gateway for the gateway's own.
static void warn_of_inside(struct entry *e, const struct addr *addr, uint32_t zone, uint32_t target)
{
	bool others = zone == target;

	for (size_t i = 0; i < e->from.n; i++)
		for (size_t j = 0; j < e->from.v[i].zones.n; j++)
			others |= e->from.v[i].zones.v[j] != zone;
	if (!others || is_own(e->b->plan, addr))
		return;
	diag_second(
		e->b->diag,
		diag_add(e->b->diag, SK_NAT_ADDRESS_INSIDE, e->source->at_address.at,
			 "%s is an address of zone \"%s\", and a host that has it cannot be "
			 "reached at it any more; if it is the gateway's, name it under networks "
			 "as self/NAME",
			 e->source->at_address.s, e->b->plan->zones[zone].id),
		e->b->plan->zones[zone].at, "the zone");
}

// A client reaches the gateway with this address only where the address belongs, or beyond.
static bool check_outside(struct entry *e, const struct addr_range *outside, uint32_t target)
{
	struct plan *plan = e->b->plan;
	struct addr addr = { outside->family, outside->lo };
	uint32_t zone;

	if (plan_zones_of(plan, &addr, &zone, 1) != 1 || plan->zones[zone].elsewhere)
		return true;
	for (size_t i = 0; i < e->from.n; i++)
		for (size_t j = 0; j < e->from.v[i].zones.n; j++)
			if (e->from.v[i].zones.v[j] == zone) {
				warn_of_inside(e, &addr, zone, target);
				return true;
			}
	diag_second(e->b->diag,
		    diag_add(e->b->diag, SK_NAT_ADDRESS_OWNED, e->source->at_address.at,
			     "%s is an address of zone \"%s\", which from does not name",
			     e->source->at_address.s, plan->zones[zone].id),
		    plan->zones[zone].at, "the zone");
	return false;
}

static bool check_forward_services(struct entry *e)
{
	const struct pol_nat *source = e->source;
	const struct plan_atom *atoms = e->nat.atoms;
	char text[64];

	for (size_t i = 0; i < e->nat.n_atoms; i++) {
		if (!atom_has_ports(&atoms[i])) {
			diag_add(e->b->diag, SK_NAT_SERVICE, source->services.v[0].at,
				 "%s has no ports to forward by; only tcp, udp and sctp do",
				 plan_atom_text(&atoms[i], text, sizeof(text)));
			return false;
		}
		if (!source->port.set ||
		    (atoms[i].port_lo == atoms[i].port_hi && atoms[i].port_lo == atoms[0].port_lo))
			continue;
		diag_add(e->b->diag, SK_NAT_PORT, source->port.at,
			 "port %u would stand for several ports of the services; make it one port "
			 "an entry",
			 (unsigned)source->port.value);
		return false;
	}
	return true;
}

static void read_forward(struct entry *e)
{
	const struct pol_nat *source = e->source;
	struct addr_range outside;
	uint32_t zone = PLAN_NONE;
	uint16_t *to;
	bool sound;

	if (build_address(e->b, &source->at_address, &outside) < 0)
		return;
	if (outside.lo != outside.hi) {
		diag_add(e->b->diag, SK_ADDRESS_FORM, source->at_address.at,
			 "\"%s\": a forward has one outside address", source->at_address.s);
		return;
	}
	sound = read_target(e, outside.family, &zone);
	sound &= check_outside(e, &outside, zone);
	sound &= check_forward_services(e);
	if (!sound)
		return;
	to = arena_array_of(e->b->arena, uint16_t, 1);
	to[0] = (uint16_t)zone;
	e->nat.to = to;
	e->nat.n_to = 1;
	e->nat.destinations = arena_memdup(e->b->arena, &outside, sizeof(outside));
	e->nat.n_destinations = 1;
	e->nat.port = source->port.set ? (uint16_t)source->port.value : 0;
	e->nat.hairpin = source->hairpin.set && source->hairpin.value;
	if (push_drafts(e, outside.family) == 0)
		diag_add(e->b->diag, SK_NAT_FAMILIES, source->at_address.at,
			 "translation \"%s\": nothing under from has IPv%d addresses", source->id.s,
			 outside.family);
}

static void read_entry(struct build *b, const struct pol_nat *source, nat_drafts *drafts)
{
	static void (*const readers[])(struct entry *) = {
		[POL_NAT_MASQUERADE] = read_masquerade,
		[POL_NAT_SOURCE] = read_source,
		[POL_NAT_FORWARD] = read_forward,
		[POL_NAT_PREFIX] = read_prefix,
	};
	struct entry e = { .b = b, .source = source, .drafts = drafts };
	const struct kind_keys *keys = NULL;
	bool sound;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (source->kind.s && strcmp(kinds[i].name, source->kind.s) == 0)
			keys = &kinds[i];
	if (!keys || !source->id.s)
		return; // the reader has reported it
	e.kind = e.nat.kind = keys->kind;
	e.nat.id = build_text(b, &source->id);
	e.nat.title = build_text(b, &source->title);
	e.nat.at = build_place(b, source->id.at);
	sound = check_keys(&e, keys);
	build_repeats(b, &source->from);
	build_repeats(b, &source->to);
	build_repeats(b, &source->families);
	sound &= build_services(b, &source->services, &e.nat.atoms, &e.nat.n_atoms) == 0;
	sound &= read_groups(&e, &source->from,
			     e.kind == POL_NAT_MASQUERADE || e.kind == POL_NAT_SOURCE, &e.from);
	sound &= read_groups(&e, &source->to, false, &e.to);
	if (sound)
		readers[e.kind](&e);
	groups_done(&e.from);
	groups_done(&e.to);
}

void build_nat(struct build *b)
{
	struct plan *plan = b->plan;
	nat_drafts drafts = { 0 };

	for (size_t i = 0; i < b->tree->n_nat; i++)
		read_entry(b, &b->tree->nat[i], &drafts);
	nat_check(b, &drafts);
	plan->nats = arena_array_of(b->arena, struct plan_nat, drafts.n);
	for (size_t i = 0; i < drafts.n; i++)
		plan->nats[plan->n_nats++] = drafts.v[i].nat;
	vec_done(&drafts);
}
