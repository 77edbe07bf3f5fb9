// Zones: which addresses and interfaces are theirs, and the chain that refuses every other source.
#include "compile/context.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>

enum { COMPARES_MAX = 4 }; // so many prefixes are compared one by one, more become a set

static const enum addr_family family_of[FAMILIES] = { ADDR_V4, ADDR_V6 };
static const uint8_t nfproto_of[FAMILIES] = { NFPROTO_IPV4, NFPROTO_IPV6 };
static const enum rs_key source_of[FAMILIES] = { RS_IP_SADDR, RS_IP6_SADDR };
static const enum rs_key destination_of[FAMILIES] = { RS_IP_DADDR, RS_IP6_DADDR };

const char *zone_id(const struct compiling *c, uint32_t zone)
{
	return zone == PLAN_SELF ? "self" : c->zones[zone].id;
}

void match_nfproto(struct compiling *c, int family)
{
	rule_u8(c->build, RS_META_NFPROTO, RS_EQ, nfproto_of[family]);
}

static bool covered(const struct plan_zone *zone, size_t index)
{
	const struct plan_interface *it = &zone->interfaces[index];

	for (size_t i = 0; i < zone->n_interfaces; i++) {
		const struct plan_interface *other = &zone->interfaces[i];
		bool same = !strcmp(other->name, it->name) && other->pattern == it->pattern;

		if (i != index && other->pattern && !same &&
		    !strncmp(other->name, it->name, strlen(other->name)))
			return true;
		if (i < index && same)
			return true;
	}
	return false;
}

static void begin_interfaces(struct compiling *c, const struct plan_zone *zone,
			     struct zone_state *state)
{
	state->interfaces =
		arena_array_of(c->arena, const struct plan_interface *, zone->n_interfaces);
	for (size_t i = 0; i < zone->n_interfaces; i++)
		if (!covered(zone, i))
			state->interfaces[state->n_interfaces++] = &zone->interfaces[i];
}

// The part of sorted ranges that is of one family.
static struct space slice(const struct addr_range *v, size_t n, int family)
{
	struct space space = { .v = v };

	while (n && space.v->family != family_of[family])
		space.v++, n--;
	while (space.n < n && space.v[space.n].family == family_of[family])
		space.n++;
	return space;
}

static void begin_space(struct compiling *c, uint32_t zone, const struct addr_set *inside,
			int family)
{
	const struct plan_zone *plain = &c->zones[zone];
	struct space *space = &c->zone[zone].space[family];

	if (plain->elsewhere) {
		*space = slice(inside->v, inside->n, family);
		space->kind = SPACE_OUTSIDE;
		space->name = family == V4 ? "inside_4" : "inside_6";
		space->set = &c->all_sets[family];
		return;
	}
	*space = slice(plain->networks, plain->n_networks, family);
	space->kind = space->n ? SPACE_INSIDE : SPACE_NONE;
	if (space->n == 1 && addr_range_is_any(space->v))
		space->kind = SPACE_ALL;
	space->name = arena_printf(c->arena, "n_%s_%d", plain->id, family == V4 ? 4 : 6);
	space->set = &c->zone[zone].sets[family];
}

void zones_begin(struct compiling *c)
{
	const struct addr_set *inside = plan_inside(c->plan);
	char name[NAME_MAX_BYTES];

	c->all_sets[V4] = c->all_sets[V6] = RS_NONE;
	c->on_link[V4] = c->on_link[V6] = RS_NONE;
	c->zone = arena_array_of(c->arena, struct zone_state, c->n_zones);
	for (size_t z = 0; z < c->n_zones; z++) {
		struct zone_state *state = &c->zone[z];

		state->origin = z == PLAN_SELF
					? RS_NONE
					: rb_origin(c->build, c->zones[z].id, &c->zones[z].at);
		snprintf(name, sizeof(name), "d_%s", zone_id(c, z));
		state->denied = rb_counter(c->build, name, state->origin);
		if (z == PLAN_SELF)
			continue;
		snprintf(name, sizeof(name), "spoof_%s", zone_id(c, z));
		state->spoofed = rb_counter(c->build, name, state->origin);
		begin_interfaces(c, &c->zones[z], state);
		for (int family = 0; family < FAMILIES; family++) {
			state->sets[family] = RS_NONE;
			begin_space(c, z, inside, family);
		}
	}
}

static uint32_t space_set(struct compiling *c, const struct space *space, enum rs_key key)
{
	if (*space->set != RS_NONE)
		return *space->set;
	*space->set = rb_set(c->build, space->name, RS_SET, true, &key, 1);
	for (size_t i = 0; i < space->n; i++) {
		struct build_key elem = { .size = 0 };

		key_addr(&elem, key, &space->v[i]);
		rb_elem(c->build, *space->set, &elem, RS_CONTINUE, RS_NONE, RS_NONE);
	}
	return *space->set;
}

void match_member(struct compiling *c, uint32_t zone, int family, enum rs_key key, bool inside)
{
	const struct space *space = &c->zone[zone].space[family];
	bool within = inside == (space->kind == SPACE_INSIDE);

	if (space->n == 1)
		rule_addr(c->build, key, within, space->v);
	else
		rule_lookup(c->build, key, space_set(c, space, key), within);
}

bool has_all(const struct compiling *c, uint32_t zone, int family, const struct addr_range *range)
{
	const struct space *space = &c->zone[zone].space[family];
	size_t lo = 0, hi = space->n; // ends at the first that begins after the range does

	while (lo < hi) {
		size_t middle = (lo + hi) / 2;

		if (space->v[middle].lo <= range->lo)
			lo = middle + 1;
		else
			hi = middle;
	}
	if (space->kind == SPACE_OUTSIDE)
		return !(lo > 0 && addr_range_overlaps(range, &space->v[lo - 1])) &&
		       !(lo < space->n && addr_range_overlaps(range, &space->v[lo]));
	return lo > 0 && addr_range_within(range, &space->v[lo - 1]);
}

static size_t count_interfaces(const struct compiling *c, const uint16_t *zones, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += c->zone[zones[i]].n_interfaces;
	return count;
}

bool zones_named(const struct compiling *c, const uint16_t *zones, size_t n)
{
	return count_interfaces(c, zones, n) > 0;
}

uint32_t interfaces_set(struct compiling *c, const uint16_t *zones, size_t n, const char *label)
{
	static const enum rs_key key[] = { RS_META_IIFNAME };
	bool pattern = false;
	uint32_t set;

	for (size_t z = 0; z < n; z++)
		for (size_t i = 0; i < c->zone[zones[z]].n_interfaces; i++)
			pattern |= c->zone[zones[z]].interfaces[i]->pattern;
	set = rb_set(c->build, label, RS_SET, pattern, key, 1);
	for (size_t z = 0; z < n; z++)
		for (size_t i = 0; i < c->zone[zones[z]].n_interfaces; i++) {
			const struct plan_interface *it = c->zone[zones[z]].interfaces[i];
			struct build_key elem = { .size = 0 };

			key_name(&elem, RS_META_IIFNAME, it->name, it->pattern);
			rb_elem(c->build, set, &elem, RS_CONTINUE, RS_NONE, RS_NONE);
		}
	return set;
}

uint32_t zones_set(struct compiling *c, const uint16_t *zones, size_t n, const char *label)
{
	if (count_interfaces(c, zones, n) < 2)
		return RS_NONE;
	return interfaces_set(c, zones, n, label);
}

void match_zones(struct compiling *c, enum rs_key key, const uint16_t *zones, size_t n,
		 uint32_t set)
{
	if (set != RS_NONE) {
		rule_lookup(c->build, key, set, true);
		return;
	}
	for (size_t z = 0; z < n; z++)
		for (size_t i = 0; i < c->zone[zones[z]].n_interfaces; i++)
			rule_name(c->build, key, c->zone[zones[z]].interfaces[i]->name,
				  c->zone[zones[z]].interfaces[i]->pattern);
}

static void take_in(struct compiling *c, enum taking taking)
{
	if (taking == TAKE_QUEUE) {
		rule_queue(c->build, QUEUE_FIRST, QUEUE_COUNT);
		return;
	}
	if (taking == TAKE_ONWARD)
		rule_set_ct_mark(c->build, ~(uint32_t)(MARK_INSPECT | MARK_PASSED), MARK_PROXY);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
}

static void accept_member(struct compiling *c, uint32_t chain, uint32_t zone, int family,
			  enum rs_key key, enum taking taking)
{
	const struct space *space = &c->zone[zone].space[family];
	bool each = space->kind == SPACE_INSIDE && space->n <= COMPARES_MAX;

	if (space->kind == SPACE_NONE)
		return;
	for (size_t i = 0; i < (each ? space->n : 1); i++) {
		rule(c->build, chain, RS_NONE);
		if (each)
			rule_addr(c->build, key, true, &space->v[i]);
		else if (space->kind == SPACE_ALL)
			match_nfproto(c, family);
		else
			match_member(c, zone, family, key, true);
		take_in(c, taking);
	}
}

// Link-local and the unspecified address, which no zone lists: neighbour discovery needs them.
static void accept_local_sources(struct compiling *c, uint32_t chain)
{
	struct addr_range range;

	static const char *const sources[] = { "fe80::/10", "::" };

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		addr_range_parse(sources[i], &range);
		rule(c->build, chain, RS_NONE);
		rule_addr(c->build, RS_IP6_SADDR, true, &range);
		rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	}
}

static void accept_dhcp(struct compiling *c, uint32_t chain)
{
	const struct addr_range nobody = { .family = ADDR_V4, .lo = 0, .hi = 0 };

	rule(c->build, chain, RS_NONE);
	rule_addr(c->build, RS_IP_SADDR, true, &nobody);
	rule_u8(c->build, RS_META_L4PROTO, RS_EQ, IPPROTO_UDP);
	rule_u16(c->build, RS_TH_SPORT, RS_EQ, 68, 68);
	rule_u16(c->build, RS_TH_DPORT, RS_EQ, 67, 67);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
}

static uint32_t source_chain(struct compiling *c, uint32_t zone)
{
	char name[NAME_MAX_BYTES];
	uint32_t chain, origin = c->zone[zone].origin;

	snprintf(name, sizeof(name), "src_%s", zone_id(c, zone));
	chain = rb_chain(c->build, name, origin);
	for (int family = 0; family < FAMILIES; family++)
		accept_member(c, chain, zone, family, source_of[family], TAKE_ACCEPT);
	accept_local_sources(c, chain);
	accept_dhcp(c, chain);
	rule(c->build, chain, origin);
	rule_count(c->build, c->zone[zone].spoofed);
	log_rule(c, chain, origin, "spoof", zone_id(c, zone));
	rule(c->build, chain, RS_NONE);
	rule_verdict(c->build, RS_DROP, RS_NONE);
	return chain;
}

uint32_t destination_chain(struct compiling *c, uint32_t zone, enum taking taking)
{
	static const char *const words[] = {
		[TAKE_ACCEPT] = "dst",
		[TAKE_QUEUE] = "inspect",
		[TAKE_ONWARD] = "onward",
	};
	char name[NAME_MAX_BYTES];
	struct addr_range link_local;
	uint32_t chain, origin = c->zone[zone].origin;

	snprintf(name, sizeof(name), "%s_%s", words[taking], zone_id(c, zone));
	chain = rb_chain(c->build, name, origin);
	for (int family = 0; family < FAMILIES; family++)
		accept_member(c, chain, zone, family, destination_of[family], taking);
	if (taking == TAKE_ONWARD)
		return chain;
	addr_range_parse("fe80::/10", &link_local); // replies of the gateway on the link
	rule(c->build, chain, RS_NONE);
	rule_addr(c->build, RS_IP6_DADDR, true, &link_local);
	take_in(c, taking);
	return chain;
}

// The management interface may be one of a zone's, or of none; its own path is accepted first. What
// of it is not for the gateway itself is checked where it is forwarded.
static uint32_t management_chain(struct compiling *c, uint32_t zone, uint32_t zone_chain)
{
	uint32_t chain = rb_chain(c->build, "src_management", RS_NONE);

	rule(c->build, chain, RS_NONE);
	match_management(c, false);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	if (zone != PLAN_NONE) {
		rule(c->build, chain, RS_NONE);
		rule_verdict(c->build, RS_GOTO, zone_chain);
		return chain;
	}
	accept_local_sources(c, chain);
	return chain;
}

static bool is_management(const struct compiling *c, const struct plan_interface *it)
{
	const char *name = c->options->management_interface;

	return name && !it->pattern && !strcmp(it->name, name);
}

// Where a packet's source is checked, by the interface it came in on.
static struct names_map source_map(struct compiling *c)
{
	struct names_map map = names_map("spoof_interfaces", RS_MAP_VERDICT, true, false);
	const struct plan_interface loopback = { .name = "lo" };
	const struct plan_interface management = { .name = c->options->management_interface };
	uint32_t zone = PLAN_NONE, zone_chain = RS_NONE;

	names_map_add_one(c, &map, &loopback, RS_ACCEPT, RS_NONE);
	if (management.name)
		zone = plan_zone_of_interface(c->plan, management.name);
	for (uint32_t z = 1; z < c->n_zones; z++) {
		const struct zone_state *state = &c->zone[z];
		uint32_t chain = source_chain(c, z);

		if (z == zone)
			zone_chain = chain;
		for (size_t i = 0; i < state->n_interfaces; i++)
			if (!is_management(c, state->interfaces[i]))
				names_map_add_one(c, &map, state->interfaces[i], RS_GOTO, chain);
	}
	if (management.name)
		names_map_add_one(c, &map, &management, RS_GOTO,
				  management_chain(c, zone, zone_chain));
	return map;
}

void spoof_chain(struct compiling *c)
{
	static const struct base_hook hook = { "spoof", NF_INET_PRE_ROUTING, -290, false, true };
	uint32_t chain = rb_base(c->build, &hook), odd = odd_header_chain(c);
	uint32_t unknown = rb_counter(c->build, "d_unknown", RS_NONE);
	struct names_map map = source_map(c);

	rule(c->build, chain, RS_NONE);
	rule_u8(c->build, RS_IP_VERSION_IHL, RS_NEQ, 0x45);
	rule_verdict(c->build, RS_JUMP, odd);
	names_map_rules(c, &map, chain);
	rule(c->build, chain, RS_NONE);
	rule_count(c->build, unknown);
	if (c->settings->log_denied)
		log_rule(c, chain, RS_NONE, "deny", NULL);
	rule(c->build, chain, RS_NONE);
	rule_verdict(c->build, RS_DROP, RS_NONE);
}
