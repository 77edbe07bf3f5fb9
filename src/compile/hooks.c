// The chains of the forward, input and output hooks, and those they share: what happens to related,
// invalid and denied packets.
//
// An established connection's packet is decided by the first look-up of its hook.  Everything else
// here is paid by the first packet of a connection alone.
#include "compile/context.h"
#include "plan/guard.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>

enum {
	STATE_INVALID = 1,
	STATE_ESTABLISHED = 2,
	STATE_RELATED = 4,
	SYN_BITS = TH_FIN | TH_SYN | TH_RST | TH_ACK,
	ICMP_REDIRECTED = 5,
	ICMPV6_REDIRECTED = 137,
	HOP_LIMIT_MAX = 255,
};

enum {
	MLD_QUERY = 130,
	MLD_REPORT = 131,
	MLD_DONE = 132,
	ROUTER_SOLICIT = 133,
	ROUTER_ADVERT = 134,
	NEIGHBOUR_SOLICIT = 135,
	NEIGHBOUR_ADVERT = 136,
	MLD2_REPORT = 143
};

enum hook_index { FORWARD, INPUT, OUTPUT, HOOKS };

static const struct hook_shape {
	const char *name, *denied, *actions, *pairs, *related, *guarded, *inspect;
	uint8_t hook;
	bool in, out; // which interface says the zone
} shapes[HOOKS] = {
	[FORWARD] = { "forward", "denied_forward", "actions_forward", "pairs_forward", "related",
		      "guarded_forward", "inspect_forward", NF_INET_FORWARD, true, true },
	[INPUT] = { "input", "denied_input", "actions_input", "pairs_input", "related",
		    "guarded_input", NULL, NF_INET_LOCAL_IN, true, false },
	[OUTPUT] = { "output", "denied_output", "actions_output", "pairs_output", "related_output",
		     "guarded_output", "inspect_output", NF_INET_LOCAL_OUT, false, true },
};

static bool of_hook(enum hook_index hook, uint16_t from, uint16_t to)
{
	if (hook == INPUT)
		return to == PLAN_SELF && from != PLAN_SELF;
	if (hook == OUTPUT)
		return from == PLAN_SELF && to != PLAN_SELF;
	return from != PLAN_SELF && to != PLAN_SELF;
}

void log_rule(struct compiling *c, uint32_t chain, uint32_t origin, const char *what,
	      const char *id)
{
	char prefix[RS_PREFIX_MAX];

	if (!c->settings->log_rate_per_second)
		return;
	// Without the generation: what logs would change with every apply.
	snprintf(prefix, sizeof(prefix), "sk %s%s%s", what, id ? " " : "", id ? id : "");
	rule(c->build, chain, origin);
	rule_log(c->build, c->options->nflog_group ? c->options->nflog_group : NFLOG_GROUP,
		 c->settings->log_rate_per_second, c->settings->log_burst, prefix);
}

static void invalid_chain(struct compiling *c)
{
	uint32_t counter = rb_counter(c->build, "invalid", RS_NONE);

	c->invalid = rb_chain(c->build, "invalid", RS_NONE);
	rule(c->build, c->invalid, RS_NONE);
	rule_count(c->build, counter);
	if (c->settings->log_invalid)
		log_rule(c, c->invalid, RS_NONE, "invalid", NULL);
	rule(c->build, c->invalid, RS_NONE);
	rule_verdict(c->build, RS_DROP, RS_NONE);
}

static void refuse_chain(struct compiling *c)
{
	bool wanted = c->settings->action == PLAN_REJECT;

	c->refuse = RS_NONE;
	for (size_t i = 0; i < c->settings->n_defaults; i++)
		wanted |= c->settings->defaults[i].action == PLAN_REJECT;
	if (!wanted)
		return;
	c->refuse = rb_chain(c->build, "refuse", RS_NONE);
	rule(c->build, c->refuse, RS_NONE);
	rule_u8(c->build, RS_META_L4PROTO, RS_EQ, IPPROTO_TCP);
	rule_reject(c->build, RS_REJECT_TCP_RESET);
	rule(c->build, c->refuse, RS_NONE);
	rule_reject(c->build, RS_REJECT_ADMIN);
}

void shared_chains(struct compiling *c)
{
	invalid_chain(c);
	refuse_chain(c);
}

// What denied packets get where it is not the usual action, then the usual one.
static void action_rules(struct compiling *c, uint32_t chain, enum hook_index hook)
{
	const struct hook_shape *shape = &shapes[hook];
	struct names_map map = names_map(shape->actions, RS_MAP_VERDICT, shape->in, shape->out);

	for (size_t i = 0; i < c->settings->n_defaults; i++) {
		const struct plan_default *it = &c->settings->defaults[i];
		bool drop = it->action == PLAN_DROP;

		if (of_hook(hook, it->from, it->to))
			names_map_add(c, &map, it->from, it->to, drop ? RS_DROP : RS_GOTO,
				      drop ? RS_NONE : c->refuse);
	}
	names_map_rules(c, &map, chain);
	rule(c->build, chain, RS_NONE);
	if (c->settings->action == PLAN_DROP)
		rule_verdict(c->build, RS_DROP, RS_NONE);
	else
		rule_verdict(c->build, RS_GOTO, c->refuse);
}

static uint32_t denied_chain(struct compiling *c, enum hook_index hook,
			     const struct names_map *counters)
{
	uint32_t chain = rb_chain(c->build, shapes[hook].denied, RS_NONE);

	if (hook == OUTPUT) {
		rule(c->build, chain, RS_NONE);
		rule_count(c->build, c->zone[PLAN_SELF].denied);
	} else {
		names_map_rules(c, counters, chain);
	}
	if (c->settings->log_denied)
		log_rule(c, chain, RS_NONE, "deny", NULL);
	action_rules(c, chain, hook);
	return chain;
}

// Error types: those of the settings, and for the gateway's own errors also the ones that routing
// cannot do without.  Redirects never: they change who talks to whom.
static void error_rules(struct compiling *c, uint32_t chain, bool v6, bool output)
{
	static const uint8_t own[] = { 3, 11, 12 }, own_v6[] = { 1, 2, 3, 4 };
	const uint8_t *given = v6 ? c->settings->icmpv6_errors : c->settings->icmp_errors;
	size_t n_given = v6 ? c->settings->n_icmpv6_errors : c->settings->n_icmp_errors;
	enum rs_key key = v6 ? RS_ICMPV6_TYPE : RS_ICMP_TYPE;
	bool wanted[256] = { false };
	char name[64];
	uint32_t set;
	size_t n = 0;

	for (size_t i = 0; i < n_given; i++)
		wanted[given[i]] = true;
	for (size_t i = 0; output && i < (v6 ? sizeof(own_v6) : sizeof(own)); i++)
		wanted[v6 ? own_v6[i] : own[i]] = true;
	wanted[v6 ? ICMPV6_REDIRECTED : ICMP_REDIRECTED] = false;
	for (size_t i = 0; i < 256; i++)
		n += wanted[i];
	if (!n)
		return;
	snprintf(name, sizeof(name), "%s_errors%s", v6 ? "icmpv6" : "icmp",
		 output ? "_output" : "");
	set = rb_set(c->build, name, RS_SET, false, &key, 1);
	for (unsigned i = 0; i < 256; i++) {
		struct build_key elem = { .size = 0 };

		if (!wanted[i])
			continue;
		key_u8(&elem, key, i, i);
		rb_elem(c->build, set, &elem, RS_CONTINUE, RS_NONE, RS_NONE);
	}
	rule(c->build, chain, RS_NONE);
	rule_lookup(c->build, key, set, true);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
}

// A connection that a helper of some flow announced; an ICMP error about one is no such thing.
static void expected_rules(struct compiling *c, uint32_t chain)
{
	static const uint8_t errors[] = { IPPROTO_ICMP, IPPROTO_ICMPV6 };

	for (size_t i = 0; i < sizeof(errors); i++) {
		rule(c->build, chain, RS_NONE);
		rule_u8(c->build, RS_META_L4PROTO, RS_EQ, errors[i]);
		rule_verdict(c->build, RS_GOTO, c->invalid);
	}
	rule(c->build, chain, RS_NONE);
	rule_flags(c->build, RS_CT_STATUS, RS_EQ, IPS_EXPECTED, IPS_EXPECTED);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
}

static uint32_t related_chain(struct compiling *c, bool output)
{
	uint32_t chain = rb_chain(c->build, output ? "related_output" : "related", RS_NONE);

	error_rules(c, chain, false, output);
	error_rules(c, chain, true, output);
	if (c->helped)
		expected_rules(c, chain);
	if (output && c->refuse != RS_NONE) { // the reset that answers a refused connection
		rule(c->build, chain, RS_NONE);
		rule_flags(c->build, RS_TCP_FLAGS, RS_EQ, TH_RST, TH_RST);
		rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	}
	rule(c->build, chain, RS_NONE);
	rule_verdict(c->build, RS_GOTO, c->invalid);
	return chain;
}

// An error is forwarded only between zones that may have connections at all, whichever opens them:
// else whoever knows of a connection anywhere could send its ends what he likes in errors about it.
static uint32_t related_forward_chain(struct compiling *c, uint32_t related)
{
	struct names_map pairs = names_map("pairs_related", RS_SET, true, true);
	uint32_t chain = rb_chain(c->build, "related_forward", RS_NONE);

	for (size_t i = 0; i < c->n_pairs; i++) {
		uint16_t from = c->pairs[i].from, to = c->pairs[i].to;

		if (!of_hook(FORWARD, from, to))
			continue;
		names_map_add(c, &pairs, from, to, RS_CONTINUE, RS_NONE);
		if (!plan_find_pair(c->plan, to, from))
			names_map_add(c, &pairs, to, from, RS_CONTINUE, RS_NONE);
	}
	names_map_goto(c, &pairs, chain, related);
	rule(c->build, chain, RS_NONE);
	rule_verdict(c->build, RS_GOTO, c->invalid);
	return chain;
}

// Where an established connection's packet may go: a route that changed after the connection was
// opened (a line that went down, and the default route took over) must not lead it out elsewhere.
struct leaving {
	struct names_map plain;	    // to the chains that accept
	struct names_map inspected; // to those that queue
};

static uint32_t inspect_chain(struct compiling *c, enum hook_index hook, uint32_t denied,
			      const struct leaving *leaving)
{
	uint32_t chain = rb_chain(c->build, shapes[hook].inspect, RS_NONE);

	names_map_rules(c, &leaving->inspected, chain);
	rule(c->build, chain, RS_NONE);
	rule_verdict(c->build, RS_GOTO, denied);
	return chain;
}

// Packets under inspection are checked before they are queued: what a listener releases goes on
// from there.  A connection that left the queue left it with the bytes it had: connection tracking
// takes another one between the same ends, after a reset from the server, for the same one (until
// its SYN finds nothing any more, ten seconds later), and that one was never inspected.
static void inspection_rule(struct compiling *c, uint32_t chain, enum hook_index hook,
			    uint32_t denied, const struct leaving *leaving)
{
	uint32_t inspect = shapes[hook].inspect ? inspect_chain(c, hook, denied, leaving) : RS_NONE;
	uint32_t guarded = rb_chain(c->build, shapes[hook].guarded, RS_NONE);

	rule(c->build, guarded, RS_NONE);
	rule_flags(c->build, RS_CT_MARK, RS_EQ, MARK_PASSED, 0);
	if (inspect == RS_NONE)
		rule_queue(c->build, QUEUE_FIRST, QUEUE_COUNT);
	else
		rule_verdict(c->build, RS_GOTO, inspect);
	rule(c->build, guarded, RS_NONE);
	rule_flags(c->build, RS_TCP_FLAGS, RS_EQ, TH_SYN, TH_SYN);
	rule_verdict(c->build, RS_GOTO, c->invalid);

	rule(c->build, chain, RS_NONE);
	rule_flags(c->build, RS_CT_MARK, RS_EQ, MARK_INSPECT, MARK_INSPECT);
	rule_u32(c->build, RS_CT_STATE, RS_EQ, STATE_ESTABLISHED);
	rule_verdict(c->build, RS_JUMP, guarded);
}

static void state_rules(struct compiling *c, uint32_t chain, enum hook_index hook, uint32_t related,
			uint32_t denied, const struct leaving *leaving)
{
	struct build *build = c->build;
	bool leaves = shapes[hook].out;

	if (c->guarded)
		inspection_rule(c, chain, hook, denied, leaving);
	if (leaves)
		names_map_rules_of(c, &leaving->plain, chain, STATE_ESTABLISHED);
	rule(build, chain, RS_NONE);
	rule_u32(build, RS_CT_STATE, RS_EQ, STATE_ESTABLISHED);
	rule_verdict(build, leaves ? RS_GOTO : RS_ACCEPT, leaves ? denied : RS_NONE);
	rule(build, chain, RS_NONE);
	rule_u32(build, RS_CT_STATE, RS_EQ, STATE_RELATED);
	rule_verdict(build, RS_GOTO, related);
	rule(build, chain, RS_NONE);
	rule_u32(build, RS_CT_STATE, RS_EQ, STATE_INVALID);
	rule_verdict(build, RS_GOTO, c->invalid);
}

static void syn_rule(struct compiling *c, uint32_t chain)
{
	rule(c->build, chain, RS_NONE);
	rule_flags(c->build, RS_TCP_FLAGS, RS_NEQ, SYN_BITS, TH_SYN);
	rule_verdict(c->build, RS_GOTO, c->invalid);
}

// A discovery message, of which only those count that come from the link itself.
static void discovery_rule(struct compiling *c, uint32_t chain, uint8_t lo, uint8_t hi)
{
	rule(c->build, chain, RS_NONE);
	rule_u8_range(c->build, RS_ICMPV6_TYPE, lo, hi);
	rule_u8(c->build, RS_IP6_HOPLIMIT, RS_EQ, HOP_LIMIT_MAX);
}

static void router_rule(struct compiling *c, uint32_t chain, bool output, uint8_t type,
			const struct router_zones *routers)
{
	if (!zones_named(c, routers->zones, routers->n))
		return;
	discovery_rule(c, chain, type, type);
	match_zones(c, output ? RS_META_OIFNAME : RS_META_IIFNAME, routers->zones, routers->n,
		    routers->set);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
}

// Multicast listener discovery: queries that come from the link, reports that stay on it.
static void listener_rules(struct compiling *c, uint32_t chain, bool output)
{
	static const uint8_t reports[][2] = { { MLD_REPORT, MLD_DONE },
					      { MLD2_REPORT, MLD2_REPORT } };
	struct addr_range range;

	if (!output) {
		addr_range_parse("fe80::/10", &range);
		rule(c->build, chain, RS_NONE);
		rule_u8(c->build, RS_ICMPV6_TYPE, RS_EQ, MLD_QUERY);
		rule_addr(c->build, RS_IP6_SADDR, true, &range);
		rule_verdict(c->build, RS_ACCEPT, RS_NONE);
		return;
	}
	addr_range_parse("ff02::/16", &range);
	for (size_t i = 0; i < 2; i++) {
		rule(c->build, chain, RS_NONE);
		rule_u8_range(c->build, RS_ICMPV6_TYPE, reports[i][0], reports[i][1]);
		rule_addr(c->build, RS_IP6_DADDR, true, &range);
		rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	}
}

// RFC 4890 section 4.4: what IPv6 cannot do without on a link.
static uint32_t discovery_chain(struct compiling *c, bool output)
{
	uint32_t chain = rb_chain(c->build, output ? "icmpv6_output" : "icmpv6_input", RS_NONE);

	discovery_rule(c, chain, NEIGHBOUR_SOLICIT, NEIGHBOUR_ADVERT);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	// The gateway asks where it hears advertisements, and is asked where it sends them.
	router_rule(c, chain, output, output ? ROUTER_SOLICIT : ROUTER_ADVERT, &c->hear);
	router_rule(c, chain, output, output ? ROUTER_ADVERT : ROUTER_SOLICIT, &c->send);
	listener_rules(c, chain, output);
	return chain;
}

void match_management(struct compiling *c, bool output)
{
	const struct compile_options *o = c->options;
	bool v4 = o->management_prefix.family == ADDR_V4;
	enum rs_key from = v4 ? RS_IP_SADDR : RS_IP6_SADDR, to = v4 ? RS_IP_DADDR : RS_IP6_DADDR;

	rule_name(c->build, output ? RS_META_OIFNAME : RS_META_IIFNAME, o->management_interface,
		  false);
	if (addr_range_is_any(&o->management_prefix))
		match_nfproto(c, v4 ? V4 : V6);
	else
		rule_addr(c->build, output ? to : from, true, &o->management_prefix);
	rule_u8(c->build, RS_META_L4PROTO, RS_EQ, IPPROTO_TCP);
	rule_u16(c->build, output ? RS_TH_SPORT : RS_TH_DPORT, RS_EQ, o->management_port,
		 o->management_port);
}

// Messages that are held may have to be delivered from here.
static bool holds_mail(const struct compiling *c)
{
	size_t n;
	const struct plan_guard *guards = plan_guards(c->plan, &n);

	for (size_t i = 0; i < n; i++)
		if (guards[i].mail && guards[i].mail->hold.any)
			return true;
	return false;
}

static void own_rules(struct compiling *c, uint32_t chain, bool output)
{
	rule(c->build, chain, RS_NONE);
	rule_name(c->build, output ? RS_META_OIFNAME : RS_META_IIFNAME, "lo", false);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	if (output && holds_mail(c)) {
		rule(c->build, chain, RS_NONE);
		rule_u32(c->build, RS_META_MARK, RS_EQ, PACKET_DELIVERY);
		rule_u8(c->build, RS_META_L4PROTO, RS_EQ, IPPROTO_TCP);
		rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	}
	if (!c->options->management_interface)
		return;
	rule(c->build, chain, RS_NONE);
	match_management(c, output);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
}

static void discovery_jump(struct compiling *c, uint32_t chain, bool output)
{
	uint32_t discovery = discovery_chain(c, output);

	rule(c->build, chain, RS_NONE);
	match_nfproto(c, V6);
	rule_u8(c->build, RS_META_L4PROTO, RS_EQ, IPPROTO_ICMPV6);
	rule_verdict(c->build, RS_JUMP, discovery);
}

// Link-local addresses pass anti-spoofing for the link's own sake, and never a router.
void link_local_rules(struct compiling *c, uint32_t chain, uint32_t denied)
{
	struct addr_range link_local;

	addr_range_parse("fe80::/10", &link_local);
	for (int i = 0; i < 2; i++) {
		rule(c->build, chain, RS_NONE);
		rule_addr(c->build, i ? RS_IP6_DADDR : RS_IP6_SADDR, true, &link_local);
		rule_verdict(c->build, RS_GOTO, denied);
	}
}

// The management path passes anti-spoofing for the gateway's own addresses; what it sends on has to
// come from the zone like anything else.
void management_forward_rules(struct compiling *c, uint32_t chain)
{
	const struct compile_options *o = c->options;
	int family = o->management_prefix.family == ADDR_V4 ? V4 : V6;
	enum rs_key source = family == V4 ? RS_IP_SADDR : RS_IP6_SADDR;
	uint32_t zone = o->management_interface
				? plan_zone_of_interface(c->plan, o->management_interface)
				: PLAN_NONE;

	// Nothing is forwarded from an interface of no zone.
	if (zone == PLAN_NONE || has_all(c, zone, family, &o->management_prefix))
		return;
	rule(c->build, chain, RS_NONE);
	rule_name(c->build, RS_META_IIFNAME, o->management_interface, false);
	if (addr_range_is_any(&o->management_prefix))
		match_nfproto(c, family);
	else
		rule_addr(c->build, source, true, &o->management_prefix);
	if (c->zone[zone].space[family].kind != SPACE_NONE)
		match_member(c, zone, family, source, false);
	rule_count(c->build, c->zone[zone].spoofed);
	rule_verdict(c->build, RS_DROP, RS_NONE);
}

static void zone_rules(struct compiling *c, uint32_t chain)
{
	struct names_map zones = names_map("zones_forward", RS_MAP_VERDICT, true, false);

	for (uint32_t z = 1; z < c->n_zones; z++) {
		uint32_t own = zone_chain(c, z);

		if (own != RS_NONE)
			names_map_add(c, &zones, z, z, RS_JUMP, own);
	}
	names_map_rules(c, &zones, chain);
}

static void hook_chain(struct compiling *c, enum hook_index hook, uint32_t related,
		       const struct names_map *counters, const struct leaving *leaving)
{
	const struct hook_shape *shape = &shapes[hook];
	const struct base_hook base = { shape->name, shape->hook, 0, false, true };
	struct names_map pairs = names_map(shape->pairs, RS_MAP_VERDICT, shape->in, shape->out);
	uint32_t chain = rb_base(c->build, &base);
	uint32_t denied = denied_chain(c, hook, counters);

	if (hook != FORWARD)
		own_rules(c, chain, hook == OUTPUT);
	if (hook == FORWARD)
		divert_forward_rule(c, chain);
	else if (hook == INPUT)
		divert_input_rule(c, chain);
	else
		divert_output_rule(c, chain, denied);
	state_rules(c, chain, hook, related, denied, leaving);
	if (hook != FORWARD)
		discovery_jump(c, chain, hook == OUTPUT);
	syn_rule(c, chain);
	if (hook == FORWARD) {
		management_forward_rules(c, chain);
		link_local_rules(c, chain, denied);
	}
	for (size_t i = 0; i < c->n_pairs; i++) {
		const struct plan_pair *pair = &c->pairs[i];
		uint32_t own = of_hook(hook, pair->from, pair->to) ? pair_chain(c, pair) : RS_NONE;

		if (own != RS_NONE)
			names_map_add(c, &pairs, pair->from, pair->to, RS_JUMP, own);
	}
	names_map_rules(c, &pairs, chain);
	if (hook ==
	    FORWARD) // after the pairs, where the wide flows are that most connections are of
		zone_rules(c, chain);
	rule(c->build, chain, RS_NONE);
	rule_verdict(c->build, RS_GOTO, denied);
}

static struct router_zones router_zones(struct compiling *c, const uint16_t *zones, size_t n,
					const char *label)
{
	return (struct router_zones){ zones, n, zones_set(c, zones, n, label) };
}

void hook_chains(struct compiling *c)
{
	struct names_map counters = names_map("denied_interfaces", RS_MAP_COUNTER, true, false);
	struct leaving leaving = {
		names_map("leave_interfaces", RS_MAP_VERDICT, false, true),
		names_map("inspect_interfaces", RS_MAP_VERDICT, false, true),
	};
	uint32_t related[HOOKS] = {
		[INPUT] = related_chain(c, false), [OUTPUT] = related_chain(c, true)
	};

	c->hear = router_zones(c, c->settings->hear_ra, c->settings->n_hear_ra, "hear_ra");
	c->send = router_zones(c, c->settings->send_ra, c->settings->n_send_ra, "send_ra");
	for (uint32_t z = 1; z < c->n_zones; z++) {
		names_map_add(c, &counters, z, z, RS_CONTINUE, c->zone[z].denied);
		names_map_add(c, &leaving.plain, z, z, RS_JUMP,
			      destination_chain(c, z, TAKE_ACCEPT));
		if (c->guarded)
			names_map_add(c, &leaving.inspected, z, z, RS_JUMP,
				      destination_chain(c, z, TAKE_QUEUE));
	}
	related[FORWARD] = related_forward_chain(c, related[INPUT]);
	for (int hook = 0; hook < HOOKS; hook++)
		hook_chain(c, hook, related[hook], &counters, &leaving);
}
