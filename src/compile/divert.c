// Connections in proxy mode: brought to the gate's own sockets before routing, let in to them, and
// let out again as the gate's half of the connection.
//
//	client -> [divert] mark -> route to this box -> [input] -> porter, inspector
//	                                                            -> [output] mark -> server
//
// The first packet is decided as `forward` would: by the zone it came from, the interface that the
// routes say it would leave by, and the cells of the pair.  Whatever then has MARK_PROXY and finds
// no socket that takes it is dropped: it must not be forwarded past the gate.
#include "compile/context.h"

#include <netinet/tcp.h>
#include <linux/netfilter.h>

enum {
	STATE_ESTABLISHED = 2,
	STATE_RELATED = 4,
	STATE_NEW = 8,
	SYN_BITS = TH_FIN | TH_SYN | TH_RST | TH_ACK,
	PRIORITY = -90, // after destinations were translated
};

bool divert_has(const struct compiling *c, const struct plan_cell *cell)
{
	return cell->treatment & PLAN_GUARD && c->flows[cell->guard_flow].proxy;
}

void divert_begin(struct compiling *c)
{
	uint32_t counter;

	c->undiverted = RS_NONE;
	if (!c->proxied)
		return;
	counter = rb_counter(c->build, "undiverted", RS_NONE);
	c->undiverted = rb_chain(c->build, "undiverted", RS_NONE);
	rule(c->build, c->undiverted, RS_NONE);
	rule_count(c->build, counter);
	rule_verdict(c->build, RS_DROP, RS_NONE);
}

static void match_proxy(struct compiling *c)
{
	rule_flags(c->build, RS_CT_MARK, RS_EQ, MARK_PROXY, MARK_PROXY);
}

// --- before routing

// What a zone's connections may be brought to the gate for, by where they would leave.
static uint32_t from_chain(struct compiling *c, uint32_t from)
{
	const char *id = zone_id(c, from);
	struct names_map map =
		names_map(arena_printf(c->arena, "divert_%s", id), RS_MAP_VERDICT, false, true);
	uint32_t chain;

	map.before = true;
	for (size_t p = 0; p < c->n_pairs; p++) {
		const struct plan_pair *pair = &c->pairs[p];
		uint32_t own = RS_NONE;

		if (pair->from == from && from != PLAN_SELF && pair->to != PLAN_SELF)
			own = pair_divert_chain(c, pair);
		if (own != RS_NONE)
			names_map_add(c, &map, pair->from, pair->to, RS_GOTO, own);
	}
	if (map.exact == RS_NONE && map.patterns == RS_NONE)
		return RS_NONE;
	chain = rb_chain(c->build, arena_printf(c->arena, "x_%s", id), c->zone[from].origin);
	names_map_rules(c, &map, chain);
	return chain;
}

static uint32_t zones_chain(struct compiling *c)
{
	struct names_map zones = names_map("zones_divert", RS_MAP_VERDICT, true, false);
	uint32_t chain = rb_chain(c->build, "divert_zones", RS_NONE);

	c->diverting = true;
	for (uint32_t z = 1; z < c->n_zones; z++) {
		uint32_t own = from_chain(c, z);

		if (own != RS_NONE)
			names_map_add(c, &zones, z, z, RS_GOTO, own);
	}
	c->diverting = false;
	management_forward_rules(c, chain);
	link_local_rules(c, chain, c->undiverted);
	names_map_rules(c, &zones, chain);
	return chain;
}

// A socket may have it; if none has, it is one of those that the listener makes of cookies alone,
// and is decided like the first.
static uint32_t diverted_chain(struct compiling *c, uint32_t zones)
{
	uint32_t chain = rb_chain(c->build, "diverted", RS_NONE);

	rule(c->build, chain, RS_NONE);
	rule_u8(c->build, RS_SOCKET_TRANSPARENT, RS_EQ, 1);
	rule_set_meta_mark(c->build, PACKET_DIVERTED);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	rule(c->build, chain, RS_NONE);
	rule_u32(c->build, RS_CT_STATE, RS_EQ, STATE_ESTABLISHED);
	rule_verdict(c->build, RS_JUMP, zones);
	rule(c->build, chain, RS_NONE);
	rule_verdict(c->build, RS_GOTO, c->undiverted);
	return chain;
}

void divert_chains(struct compiling *c)
{
	static const struct base_hook hook = { "divert", NF_INET_PRE_ROUTING, PRIORITY, false,
					       false };
	uint32_t chain, zones, diverted;

	if (!c->proxied)
		return;
	chain = rb_base(c->build, &hook);
	zones = zones_chain(c);
	diverted = diverted_chain(c, zones);
	rule(c->build, chain, RS_NONE);
	match_proxy(c);
	rule_flags(c->build, RS_CT_STATE, RS_NEQ, STATE_ESTABLISHED | STATE_RELATED, 0);
	rule_verdict(c->build, RS_GOTO, diverted);
	rule(c->build, chain, RS_NONE);
	rule_u32(c->build, RS_CT_STATE, RS_EQ, STATE_NEW);
	rule_flags(c->build, RS_TCP_FLAGS, RS_EQ, SYN_BITS, TH_SYN);
	rule_verdict(c->build, RS_GOTO, zones);
}

// --- the hooks

void divert_forward_rule(struct compiling *c, uint32_t chain)
{
	if (!c->proxied)
		return;
	rule(c->build, chain, RS_NONE);
	match_proxy(c);
	rule_verdict(c->build, RS_GOTO, c->undiverted);
}

// The mark has routed the packet.  The socket that is accepted keeps what is left of it
// (tcp_fwmark_accept), and what it sends must not be routed here again.
void divert_input_rule(struct compiling *c, uint32_t chain)
{
	uint32_t own;

	if (!c->proxied)
		return;
	own = rb_chain(c->build, "diverted_input", RS_NONE);
	rule(c->build, chain, RS_NONE);
	rule_flags(c->build, RS_META_MARK, RS_EQ, PACKET_PROXY, PACKET_DIVERTED);
	rule_verdict(c->build, RS_JUMP, own);
	rule(c->build, own, RS_NONE);
	rule_clear_meta_mark(c->build, PACKET_GUARD);
	rule(c->build, own, RS_NONE);
	match_proxy(c);
	rule_u32(c->build, RS_CT_STATE, RS_EQ, STATE_NEW);
	rule_u8(c->build, RS_SOCKET_TRANSPARENT, RS_EQ, 1);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
}

// Only to zones that the flow leads to; a mark of older rules is none of these.
static void flow_elem(struct compiling *c, uint32_t set, const struct plan_flow *flow,
		      const uint32_t *onward, uint32_t origin)
{
	const char *name = arena_printf(c->arena, "onward_f_%s", flow->id);
	uint32_t chain = rb_chain(c->build, name, origin);
	uint32_t mark = PACKET_ONWARD | flow->guard_mark;
	struct build_key key = { .size = 0 };

	for (size_t i = 0; i < flow->n_terms; i++) {
		const uint16_t to = flow->terms[i].to;
		bool known = to == PLAN_SELF || !zones_named(c, &to, 1);
		uint32_t interfaces;

		for (size_t k = 0; k < i; k++)
			known |= flow->terms[k].to == to;
		if (known)
			continue;
		interfaces =
			zones_set(c, &to, 1, arena_printf(c->arena, "%s_%s", name, zone_id(c, to)));
		rule(c->build, chain, origin);
		match_zones(c, RS_META_OIFNAME, &to, 1, interfaces);
		rule_verdict(c->build, RS_JUMP, onward[to]);
	}
	key_bytes(&key, RS_META_MARK, &mark, &mark);
	rb_elem(c->build, set, &key, RS_JUMP, chain, origin);
}

static uint32_t onward_set(struct compiling *c)
{
	static const enum rs_key key = RS_META_MARK;
	uint32_t set = rb_set(c->build, "onward_flows", RS_MAP_VERDICT, false, &key, 1);
	uint32_t *onward = arena_array_of(c->arena, uint32_t, c->n_zones);

	for (uint32_t z = 1; z < c->n_zones; z++)
		onward[z] = RS_NONE;
	for (size_t i = 0; i < c->n_flows; i++) {
		const struct plan_flow *flow = &c->flows[i];

		if (!flow->proxy)
			continue;
		for (size_t k = 0; k < flow->n_terms; k++) {
			uint16_t to = flow->terms[k].to;

			if (to != PLAN_SELF && onward[to] == RS_NONE)
				onward[to] = destination_chain(c, to, TAKE_ONWARD);
		}
		flow_elem(c, set, flow, onward, c->flow[i].origin);
	}
	return set;
}

void divert_output_rule(struct compiling *c, uint32_t chain, uint32_t denied)
{
	uint32_t own, set;

	if (!c->proxied)
		return;
	own = rb_chain(c->build, "onward", RS_NONE);
	set = onward_set(c);
	rule(c->build, own, RS_NONE);
	rule_flags(c->build, RS_TCP_FLAGS, RS_NEQ, SYN_BITS, TH_SYN);
	rule_verdict(c->build, RS_GOTO, c->invalid);
	rule(c->build, own, RS_NONE);
	rule_vmap(c->build, set);
	rule(c->build, own, RS_NONE);
	rule_verdict(c->build, RS_GOTO, denied);
	rule(c->build, chain, RS_NONE);
	rule_flags(c->build, RS_META_MARK, RS_EQ, PACKET_PROXY, PACKET_ONWARD);
	rule_u32(c->build, RS_CT_STATE, RS_EQ, STATE_NEW);
	rule_verdict(c->build, RS_GOTO, own);
}
