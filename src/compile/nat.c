// Address translation: destinations before the forward chain sees a packet, sources after.  Only
// the first packet of a connection comes here; a translation permits nothing by itself.
#include "compile/context.h"

#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>

static const enum rs_key source_of[FAMILIES] = { RS_IP_SADDR, RS_IP6_SADDR };
static const enum rs_key destination_of[FAMILIES] = { RS_IP_DADDR, RS_IP6_DADDR };

// A group of zones as one match of interfaces.
struct side {
	enum rs_key key;
	uint16_t *zones; // without `self`
	size_t n;
	bool self;    // `self` was among them
	uint32_t set; // RS_NONE when one compare is enough
};

struct translating {
	struct compiling *c;
	const struct plan_nat *nat;
	uint32_t origin;
	int family;
	uint32_t sources, destinations;		// sets, RS_NONE when none is needed
	uint32_t destination_base, source_base; // the two base chains
	uint32_t *named;			// set of every zone's interfaces, made once
};

static void match_atom(struct compiling *c, const struct plan_atom *atom)
{
	struct build *build = c->build;
	bool ports = atom->port_lo || atom->port_hi != 65535;

	if (!atom->protocol_lo && atom->protocol_hi == 255)
		return;
	if (atom->protocol_lo == IPPROTO_ICMP && ports) {
		rule_u8_range(build, RS_ICMP_TYPE, atom->port_lo, atom->port_hi & 0xff);
		return;
	}
	if (atom->protocol_lo == IPPROTO_ICMPV6 && ports) {
		rule_u8_range(build, RS_ICMPV6_TYPE, atom->port_lo, atom->port_hi & 0xff);
		return;
	}
	rule_u8_range(build, RS_META_L4PROTO, atom->protocol_lo, atom->protocol_hi);
	if (atom->sport_lo || atom->sport_hi != 65535)
		rule_u16(build, RS_TH_SPORT, RS_EQ, atom->sport_lo, atom->sport_hi);
	if (ports)
		rule_u16(build, RS_TH_DPORT, RS_EQ, atom->port_lo, atom->port_hi);
}

static const char *label(const struct translating *t, const char *what)
{
	return arena_printf(t->c->arena, "nat_%s_%s_%d", t->nat->id, what, t->family == V4 ? 4 : 6);
}

static uint32_t address_set(struct translating *t, const char *what, enum rs_key key,
			    const struct addr_range *v, size_t n)
{
	uint32_t set;

	if (n < 2)
		return RS_NONE;
	set = rb_set(t->c->build, label(t, what), RS_SET, true, &key, 1);
	for (size_t i = 0; i < n; i++) {
		struct build_key elem = { .size = 0 };

		key_addr(&elem, key, &v[i]);
		rb_elem(t->c->build, set, &elem, RS_CONTINUE, RS_NONE, RS_NONE);
	}
	return set;
}

static void match_addresses(struct translating *t, enum rs_key key, uint32_t set,
			    const struct addr_range *v, size_t n)
{
	if (set != RS_NONE)
		rule_lookup(t->c->build, key, set, true);
	else if (n && !addr_range_is_any(v))
		rule_addr(t->c->build, key, true, v);
}

static void match_both(struct translating *t)
{
	const struct plan_nat *nat = t->nat;

	match_addresses(t, source_of[t->family], t->sources, nat->sources, nat->n_sources);
	match_addresses(t, destination_of[t->family], t->destinations, nat->destinations,
			nat->n_destinations);
}

static void add_zones(struct side *side, const uint16_t *zones, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool known = zones[i] == PLAN_SELF;

		side->self |= known;
		for (size_t k = 0; k < side->n; k++)
			known |= side->zones[k] == zones[i];
		if (!known)
			side->zones[side->n++] = zones[i];
	}
}

static struct side side_of(struct translating *t, enum rs_key key, const char *what,
			   const uint16_t *zones, size_t n, const uint16_t *more, size_t n_more)
{
	struct side side = { .key = key, .set = RS_NONE };

	side.zones = arena_array_of(t->c->arena, uint16_t, n + n_more);
	add_zones(&side, zones, n);
	add_zones(&side, more, n_more);
	side.set = zones_set(t->c, side.zones, side.n, label(t, what));
	return side;
}

static void match_side(struct translating *t, const struct side *side)
{
	match_zones(t->c, side->key, side->zones, side->n, side->set);
}

// The gateway's own packets came in by no zone's interface.
static void match_own(struct translating *t)
{
	struct compiling *c = t->c;

	if (*t->named == RS_NONE) {
		uint16_t *all = arena_array_of(c->arena, uint16_t, c->n_zones);

		for (size_t z = 1; z < c->n_zones; z++)
			all[z - 1] = z;
		*t->named = interfaces_set(c, all, c->n_zones - 1, "interfaces");
	}
	rule_lookup(c->build, RS_META_IIFNAME, *t->named, false);
	if (c->proxied) // which are for others
		rule_flags(c->build, RS_META_MARK, RS_NEQ, PACKET_PROXY, PACKET_ONWARD);
}

// The gate's half of a connection in proxy mode came in by no interface either: its source tells
// whose it is.  An address of the zone was made sure of before the gate accepted the other half.
static bool has_onward(const struct translating *t, uint16_t zone)
{
	return t->c->proxied && zone != PLAN_SELF &&
	       t->c->zone[zone].space[t->family].kind != SPACE_NONE;
}

static void match_onward(struct translating *t, uint16_t zone)
{
	struct compiling *c = t->c;

	rule_flags(c->build, RS_META_MARK, RS_EQ, PACKET_PROXY, PACKET_ONWARD);
	if (c->zone[zone].space[t->family].kind != SPACE_ALL)
		match_member(c, zone, t->family, source_of[t->family], true);
}

// One rule for each atom, one if any service is meant.
static const struct plan_atom *atom_at(const struct plan_nat *nat, size_t index)
{
	static const struct plan_atom any = { 0, 255, 0, 65535, 0, 65535 };

	return nat->n_atoms ? &nat->atoms[index] : &any;
}

static size_t atom_count(const struct plan_nat *nat)
{
	return nat->n_atoms ? nat->n_atoms : 1;
}

static void forward_rule(struct translating *t, const struct side *from, bool any_source,
			 const struct plan_atom *atom)
{
	const struct plan_nat *nat = t->nat;

	rule(t->c->build, t->destination_base, t->origin);
	match_side(t, from);
	if (!any_source)
		match_addresses(t, source_of[t->family], t->sources, nat->sources, nat->n_sources);
	match_addresses(t, destination_of[t->family], t->destinations, nat->destinations,
			nat->n_destinations);
	match_atom(t->c, atom);
	rule_nat(t->c->build, true, &nat->target, nat->port);
}

// With hairpin, the target's own zone is one more zone that connections come from, by any source.
static void forward_rules(struct translating *t)
{
	const struct plan_nat *nat = t->nat;
	bool apart = nat->hairpin && nat->n_sources;
	struct side from = side_of(t, RS_META_IIFNAME, "from", nat->from, nat->n_from, nat->to,
				   nat->hairpin && !apart ? nat->n_to : 0);
	struct side own =
		side_of(t, RS_META_IIFNAME, "own", nat->to, apart ? nat->n_to : 0, NULL, 0);

	for (size_t i = 0; i < atom_count(nat); i++) {
		if (zones_named(t->c, from.zones, from.n))
			forward_rule(t, &from, false, atom_at(nat, i));
		if (zones_named(t->c, own.zones, own.n))
			forward_rule(t, &own, true, atom_at(nat, i));
	}
}

// A client in the server's own zone must see the answer come from the gateway.
static void hairpin_rule(struct translating *t)
{
	const struct plan_nat *nat = t->nat;
	struct compiling *c = t->c;
	struct side in, out;

	if (!nat->hairpin || !zones_named(c, nat->to, nat->n_to))
		return;
	in = side_of(t, RS_META_IIFNAME, "hairpin", nat->to, nat->n_to, NULL, 0);
	out = in;
	out.key = RS_META_OIFNAME;
	rule(c->build, t->source_base, t->origin);
	match_side(t, &in);
	match_side(t, &out);
	rule_addr(c->build, destination_of[t->family], true, &nat->target);
	rule_flags(c->build, RS_CT_STATUS, RS_EQ, IPS_DST_NAT, IPS_DST_NAT);
	rule_masquerade(c->build);
	for (size_t i = 0; i < in.n; i++) { // that half has no destination translated
		if (!has_onward(t, in.zones[i]))
			continue;
		rule(c->build, t->source_base, t->origin);
		match_onward(t, in.zones[i]);
		match_side(t, &out);
		rule_addr(c->build, destination_of[t->family], true, &nat->target);
		rule_masquerade(c->build);
	}
}

// The rest of a rule that has begun with where a packet comes from.
static void source_rest(struct translating *t, const struct side *to, const struct plan_atom *atom)
{
	const struct plan_nat *nat = t->nat;
	struct compiling *c = t->c;

	match_side(t, to);
	if (!nat->n_sources && !nat->n_destinations)
		match_nfproto(c, t->family);
	match_both(t);
	match_atom(c, atom);
	if (nat->kind == POL_NAT_MASQUERADE)
		rule_masquerade(c->build);
	else
		rule_nat(c->build, false, &nat->target, 0);
}

static void source_rules_of(struct translating *t, const struct side *from, const struct side *to,
			    const struct plan_atom *atom)
{
	struct compiling *c = t->c;

	if (zones_named(c, from->zones, from->n)) {
		rule(c->build, t->source_base, t->origin);
		match_side(t, from);
		source_rest(t, to, atom);
	}
	for (size_t i = 0; i < from->n; i++) {
		if (!has_onward(t, from->zones[i]))
			continue;
		rule(c->build, t->source_base, t->origin);
		match_onward(t, from->zones[i]);
		source_rest(t, to, atom);
	}
	if (from->self) {
		rule(c->build, t->source_base, t->origin);
		match_own(t);
		source_rest(t, to, atom);
	}
}

static void source_rules(struct translating *t)
{
	const struct plan_nat *nat = t->nat;
	struct side from = side_of(t, RS_META_IIFNAME, "from", nat->from, nat->n_from, NULL, 0);
	struct side to = side_of(t, RS_META_OIFNAME, "to", nat->to, nat->n_to, NULL, 0);

	if (!zones_named(t->c, to.zones, to.n))
		return;
	for (size_t i = 0; i < atom_count(nat); i++)
		source_rules_of(t, &from, &to, atom_at(nat, i));
}

// Both directions: what leaves gets the outside prefix, what arrives for it gets the inside one.
static void prefix_rules(struct translating *t)
{
	const struct plan_nat *nat = t->nat;
	struct compiling *c = t->c;
	struct side in = side_of(t, RS_META_IIFNAME, "from", nat->from, nat->n_from, NULL, 0);
	struct side out = side_of(t, RS_META_OIFNAME, "to", nat->to, nat->n_to, NULL, 0);

	if (!zones_named(c, out.zones, out.n))
		return;
	for (int onward = 0; onward < (c->proxied ? 2 : 1); onward++) {
		if (!zones_named(c, in.zones, in.n))
			break;
		rule(c->build, t->source_base, t->origin);
		if (onward)
			rule_flags(c->build, RS_META_MARK, RS_EQ, PACKET_PROXY, PACKET_ONWARD);
		else
			match_side(t, &in);
		match_side(t, &out);
		rule_addr(c->build, source_of[t->family], true, &nat->inside);
		rule_netmap(c->build, false, &nat->target);
	}
	out.key = RS_META_IIFNAME;
	rule(c->build, t->destination_base, t->origin);
	match_side(t, &out);
	rule_addr(c->build, destination_of[t->family], true, &nat->target);
	rule_netmap(c->build, true, &nat->inside);
}

static void (*const writers[])(struct translating *t) = {
	[POL_NAT_MASQUERADE] = source_rules,
	[POL_NAT_SOURCE] = source_rules,
	[POL_NAT_FORWARD] = forward_rules,
	[POL_NAT_PREFIX] = prefix_rules,
};

void nat_chains(struct compiling *c)
{
	static const struct base_hook before = { "translate_destination", NF_INET_PRE_ROUTING, -100,
						 true, false };
	static const struct base_hook after = { "translate_source", NF_INET_POST_ROUTING, 100, true,
						false };
	struct translating t = { .c = c };
	uint32_t named = RS_NONE;
	size_t n;
	const struct plan_nat *nats = plan_nats(c->plan, &n);
	uint32_t *origins = arena_array_of(c->arena, uint32_t, n);

	if (!n)
		return;
	t.named = &named;
	t.destination_base = rb_base(c->build, &before);
	t.source_base = rb_base(c->build, &after);
	for (size_t i = 0; i < n; i++) { // hairpins first: they are narrower than any masquerade
		t.nat = &nats[i];
		t.family = t.nat->family == ADDR_V4 ? V4 : V6;
		origins[i] = rb_origin(c->build, t.nat->id, &t.nat->at);
		t.origin = origins[i];
		if (t.nat->kind == POL_NAT_FORWARD)
			hairpin_rule(&t);
	}
	for (size_t i = 0; i < n; i++) {
		t.nat = &nats[i];
		t.family = t.nat->family == ADDR_V4 ? V4 : V6;
		t.origin = origins[i];
		t.sources = address_set(&t, "sources", source_of[t.family], t.nat->sources,
					t.nat->n_sources);
		t.destinations = address_set(&t, "destinations", destination_of[t.family],
					     t.nat->destinations, t.nat->n_destinations);
		writers[t.nat->kind](&t);
	}
}
