// One chain for each pair of zones: is the destination one of the zone's, and to which class of
// services does the packet belong.  The atoms of a pair are disjoint, so their order does not
// matter: each kind of atom has a map of its own, or a few rules where there are few.  (The kernel
// finds a set by walking a list, so thousands of small maps would make an apply slow.)
#include "compile/context.h"

#include <netinet/in.h>
#include <stdio.h>

static const enum rs_key destination_of[FAMILIES] = { RS_IP_DADDR, RS_IP6_DADDR };

enum { RULES_MAX = 6 }; // so many atoms of a kind become rules instead of a map

// What an atom looks at decides the map it goes to.
enum shape {
	SHAPE_PORT,   // protocol . one port
	SHAPE_RANGE,  // protocol . ports
	SHAPE_SOURCE, // protocol . source ports . ports
	SHAPE_ICMP,   // type
	SHAPE_ICMPV6,
	SHAPE_PROTOCOL, // one protocol, or some in a row
	SHAPE_ALL,	// everything: no map at all
	SHAPES,
};

static const struct shape_row {
	const char *suffix;
	bool interval;
	unsigned n_keys;
	enum rs_key keys[3];
} rows[SHAPE_ALL] = {
	[SHAPE_PORT] = { "ports", false, 2, { RS_META_L4PROTO, RS_TH_DPORT } },
	[SHAPE_RANGE] = { "ranges", true, 2, { RS_META_L4PROTO, RS_TH_DPORT } },
	[SHAPE_SOURCE] = { "sources", true, 3, { RS_META_L4PROTO, RS_TH_SPORT, RS_TH_DPORT } },
	[SHAPE_ICMP] = { "icmp", true, 1, { RS_ICMP_TYPE } },
	[SHAPE_ICMPV6] = { "icmpv6", true, 1, { RS_ICMPV6_TYPE } },
	[SHAPE_PROTOCOL] = { "protocols", true, 1, { RS_META_L4PROTO } },
};

struct dispatch {
	const char *name; // of the pair's chain
	uint32_t chain;
	size_t atoms[SHAPE_ALL];
	bool interval[SHAPE_ALL]; // at least one atom is a range
	uint32_t sets[SHAPE_ALL]; // RS_NONE: rules
	uint32_t all;
};

static bool all_ports(const struct plan_atom *atom)
{
	return atom->port_lo == 0 && atom->port_hi >= 255 &&
	       (atom->port_hi == 65535 || atom->protocol_lo == IPPROTO_ICMP ||
		atom->protocol_lo == IPPROTO_ICMPV6);
}

static bool all_sources(const struct plan_atom *atom)
{
	return atom->sport_lo == 0 && atom->sport_hi == 65535;
}

static enum shape shape_of(const struct plan_atom *atom)
{
	if (atom->protocol_lo == 0 && atom->protocol_hi == 255)
		return SHAPE_ALL;
	if (atom->protocol_lo != atom->protocol_hi || (all_ports(atom) && all_sources(atom)))
		return SHAPE_PROTOCOL;
	if (atom->protocol_lo == IPPROTO_ICMP)
		return SHAPE_ICMP;
	if (atom->protocol_lo == IPPROTO_ICMPV6)
		return SHAPE_ICMPV6;
	if (!all_sources(atom))
		return SHAPE_SOURCE;
	return atom->port_lo == atom->port_hi ? SHAPE_PORT : SHAPE_RANGE;
}

static bool needs_interval(enum shape shape, const struct plan_atom *atom)
{
	if (shape == SHAPE_PROTOCOL)
		return atom->protocol_lo != atom->protocol_hi;
	if (shape == SHAPE_SOURCE && atom->sport_lo != atom->sport_hi)
		return true;
	return atom->port_lo != atom->port_hi;
}

static void count_atoms(struct dispatch *dispatch, const struct plan_pair *pair)
{
	for (size_t i = 0; i < pair->n_classes; i++)
		for (size_t a = 0; a < pair->classes[i].n_atoms; a++) {
			const struct plan_atom *atom = &pair->classes[i].atoms[a];
			enum shape shape = shape_of(atom);

			if (shape == SHAPE_ALL)
				continue;
			dispatch->atoms[shape]++;
			dispatch->interval[shape] |= needs_interval(shape, atom);
		}
}

// The look-ups come first in the chain, the compares of what is not in a map after them.
static void begin_sets(struct compiling *c, struct dispatch *dispatch)
{
	for (enum shape shape = 0; shape < SHAPE_ALL; shape++) {
		const struct shape_row *row = &rows[shape];

		dispatch->sets[shape] = RS_NONE;
		if (dispatch->atoms[shape] <= RULES_MAX)
			continue;
		dispatch->sets[shape] =
			rb_set(c->build,
			       arena_printf(c->arena, "%s_%s", dispatch->name, row->suffix),
			       RS_MAP_VERDICT, dispatch->interval[shape], row->keys, row->n_keys);
		rule(c->build, dispatch->chain, RS_NONE);
		rule_vmap(c->build, dispatch->sets[shape]);
	}
}

static uint8_t type_hi(const struct plan_atom *atom)
{
	return atom->port_hi > 255 ? 255 : atom->port_hi;
}

static void atom_rule(struct compiling *c, const struct dispatch *dispatch, enum shape shape,
		      const struct plan_atom *atom, uint32_t chain)
{
	rule(c->build, dispatch->chain, RS_NONE);
	if (shape == SHAPE_ICMP || shape == SHAPE_ICMPV6) {
		rule_u8_range(c->build, rows[shape].keys[0], atom->port_lo, type_hi(atom));
	} else {
		rule_u8_range(c->build, RS_META_L4PROTO, atom->protocol_lo, atom->protocol_hi);
		if (shape == SHAPE_SOURCE && !all_sources(atom))
			rule_u16(c->build, RS_TH_SPORT, RS_EQ, atom->sport_lo, atom->sport_hi);
		if (shape != SHAPE_PROTOCOL && !all_ports(atom))
			rule_u16(c->build, RS_TH_DPORT, RS_EQ, atom->port_lo, atom->port_hi);
	}
	rule_verdict(c->build, RS_GOTO, chain);
}

static void add_atom(struct compiling *c, struct dispatch *dispatch, const struct plan_atom *atom,
		     uint32_t chain)
{
	enum shape shape = shape_of(atom);
	struct build_key key = { .size = 0 };

	if (shape == SHAPE_ALL) {
		dispatch->all = chain;
		return;
	}
	if (dispatch->sets[shape] == RS_NONE) {
		atom_rule(c, dispatch, shape, atom, chain);
		return;
	}
	if (shape == SHAPE_ICMP || shape == SHAPE_ICMPV6) {
		key_u8(&key, rows[shape].keys[0], atom->port_lo, type_hi(atom));
	} else {
		key_u8(&key, RS_META_L4PROTO, atom->protocol_lo, atom->protocol_hi);
		if (shape == SHAPE_SOURCE)
			key_u16(&key, RS_TH_SPORT, atom->sport_lo, atom->sport_hi);
		if (shape != SHAPE_PROTOCOL)
			key_u16(&key, RS_TH_DPORT, atom->port_lo, atom->port_hi);
	}
	rb_elem(c->build, dispatch->sets[shape], &key, RS_GOTO, chain, RS_NONE);
}

// A class is named after its first atom, which no other class of the pair can have: names stay when
// other services come and go.
static const char *class_name(struct compiling *c, const struct plan_class *class,
			      const char *names)
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} known[] = {
		{ IPPROTO_TCP, "tcp" },	  { IPPROTO_UDP, "udp" },	{ IPPROTO_SCTP, "sctp" },
		{ IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "icmpv6" },
	};
	const struct plan_atom *atom = &class->atoms[0];
	char protocol[16], source[16] = "", port[16] = "";

	snprintf(protocol, sizeof(protocol), "ip%u", atom->protocol_lo);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].protocol == atom->protocol_lo)
			snprintf(protocol, sizeof(protocol), "%s", known[i].name);
	if (shape_of(atom) == SHAPE_ALL)
		snprintf(protocol, sizeof(protocol), "any");
	if (!all_ports(atom))
		snprintf(port, sizeof(port), "-%u", atom->port_lo);
	if (!all_sources(atom))
		snprintf(source, sizeof(source), "-from-%u", atom->sport_lo);
	return arena_printf(c->arena, "c_%s_%s%s%s", names, protocol, source, port);
}

// What the gateway's own daemons also speak to on a link, to routers and DHCP clients for instance.
static uint32_t on_link_set(struct compiling *c, int family)
{
	static const char *const words[FAMILIES][2] = { { "224.0.0.0/24", "255.255.255.255" },
							{ "fe80::/10", "ff02::/16" } };
	struct addr_range range;
	uint32_t *set = &c->on_link[family];

	if (*set != RS_NONE)
		return *set;
	*set = rb_set(c->build, family == V4 ? "on_link_4" : "on_link_6", RS_SET, true,
		      &destination_of[family], 1);
	for (size_t i = 0; i < 2; i++) {
		struct build_key elem = { .size = 0 };

		addr_range_parse(words[family][i], &range);
		key_addr(&elem, destination_of[family], &range);
		rb_elem(c->build, *set, &elem, RS_CONTINUE, RS_NONE, RS_NONE);
	}
	return *set;
}

static void membership_rules(struct compiling *c, uint32_t chain, uint16_t from, uint16_t to)
{
	if (to == PLAN_SELF)
		return;
	for (int family = 0; family < FAMILIES; family++) {
		int kind = c->zone[to].space[family].kind;

		if (kind != SPACE_INSIDE && kind != SPACE_OUTSIDE)
			continue;
		rule(c->build, chain, c->zone[to].origin);
		match_member(c, to, family, destination_of[family], false);
		if (from == PLAN_SELF)
			rule_lookup(c->build, destination_of[family], on_link_set(c, family),
				    false);
		rule_verdict(c->build, RS_RETURN, RS_NONE);
	}
}

static void add_class(struct compiling *c, struct dispatch *dispatch, const char *names,
		      const struct plan_class *class)
{
	const char *name;
	uint32_t chain;

	if (!class->n_atoms || !class->n_cells)
		return;
	name = class_name(c, class, names);
	chain = rb_chain(c->build, name, RS_NONE);
	for (size_t a = 0; a < class->n_atoms; a++)
		add_atom(c, dispatch, &class->atoms[a], chain);
	class_rules(c, chain, name, class);
}

uint32_t pair_chain(struct compiling *c, const struct plan_pair *pair)
{
	struct dispatch dispatch = { .all = RS_NONE };
	const char *names =
		arena_printf(c->arena, "%s_%s", zone_id(c, pair->from), zone_id(c, pair->to));

	dispatch.name = arena_printf(c->arena, "p_%s", names);
	dispatch.chain = rb_chain(c->build, dispatch.name, RS_NONE);
	membership_rules(c, dispatch.chain, pair->from, pair->to);
	count_atoms(&dispatch, pair);
	begin_sets(c, &dispatch);
	for (size_t i = 0; i < pair->n_classes; i++)
		add_class(c, &dispatch, names, &pair->classes[i]);
	if (dispatch.all != RS_NONE) {
		rule(c->build, dispatch.chain, RS_NONE);
		rule_verdict(c->build, RS_GOTO, dispatch.all);
	}
	return dispatch.chain;
}
