// What looks at headers before any connection: fragments, IPv4 options, IPv6 extension headers; and
// the clamping of TCP's segment size.
#include "compile/context.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <linux/netfilter.h>

enum { FRAGMENT_BITS = 0x3fff, OPTION_LSRR = 131, OPTION_SSRR = 137, ROUTING_TYPE_0 = 0 };
enum { MLD_FIRST = 130, MLD_LAST = 132, MLD2_REPORT = 143 };
enum {
	NEXT_HOPOPTS = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_ESP = 50,
	NEXT_AH = 51,
	NEXT_DSTOPTS = 60,
	NEXT_MOBILITY = 135
};

// Extension headers that are refused when the settings do not allow them.  Fragments have a chain
// of their own, before they are put together.
static const struct extension {
	unsigned bit;
	uint8_t number;
	enum { BY_HEADER, BY_NEXTHDR, BY_PROTOCOL } how;
} extensions[] = {
	{ PLAN_EXT_ROUTING, NEXT_ROUTING, BY_HEADER },
	{ PLAN_EXT_DSTOPTS, NEXT_DSTOPTS, BY_HEADER },
	{ PLAN_EXT_MOBILITY, NEXT_MOBILITY, BY_HEADER },
	{ PLAN_EXT_AH, NEXT_AH, BY_NEXTHDR },
	{ PLAN_EXT_ESP, NEXT_ESP, BY_PROTOCOL },
	{ PLAN_EXT_HOPOPTS, NEXT_HOPOPTS, BY_HEADER }, // last: after what excuses it
};
enum { EXTENSIONS = sizeof(extensions) / sizeof(*extensions) };

static void go_invalid(struct compiling *c)
{
	rule_verdict(c->build, RS_GOTO, c->invalid);
}

// Multicast listener reports and queries carry a hop-by-hop router alert.
static void excuse_mld(struct compiling *c, uint32_t chain)
{
	static const uint8_t types[][2] = { { MLD_FIRST, MLD_LAST }, { MLD2_REPORT, MLD2_REPORT } };

	for (size_t i = 0; i < 2; i++) {
		struct build *build = c->build;

		rule(build, chain, RS_NONE);
		rule_number(build, RS_EXTHDR, NEXT_HOPOPTS);
		rule_u8_range(build, RS_ICMPV6_TYPE, types[i][0], types[i][1]);
		rule_u8(build, RS_IP6_HOPLIMIT, RS_EQ, 1);
		rule_verdict(build, RS_RETURN, RS_NONE);
	}
}

static void refuse_extension(struct compiling *c, uint32_t chain, const struct extension *it)
{
	if (it->number == NEXT_HOPOPTS)
		excuse_mld(c, chain);
	rule(c->build, chain, RS_NONE);
	if (it->how == BY_HEADER)
		rule_number(c->build, RS_EXTHDR, it->number);
	else
		rule_u8(c->build, it->how == BY_NEXTHDR ? RS_IP6_NEXTHDR : RS_META_L4PROTO, RS_EQ,
			it->number);
	go_invalid(c);
}

static uint32_t extension_chain(struct compiling *c)
{
	uint32_t chain = rb_chain(c->build, "extension_headers", RS_NONE);

	for (size_t i = 0; i < EXTENSIONS; i++)
		if (!(c->settings->extensions & extensions[i].bit))
			refuse_extension(c, chain, &extensions[i]);
	if (c->settings->extensions & PLAN_EXT_ROUTING) {
		rule(c->build, chain, RS_NONE);
		rule_number(c->build, RS_RT_TYPE, ROUTING_TYPE_0);
		go_invalid(c);
	}
	return chain;
}

// The next-header values after which an extension header may stand: only those are looked into.
static uint32_t extension_set(struct compiling *c)
{
	static const enum rs_key key[] = { RS_IP6_NEXTHDR };
	uint32_t set = rb_set(c->build, "extension_headers", RS_SET, false, key, 1);
	struct build_key elem = { .size = 0 };

	for (size_t i = 0; i < EXTENSIONS; i++) {
		bool last = extensions[i].number == NEXT_ESP; // nothing readable follows

		if (last && c->settings->extensions & PLAN_EXT_ESP)
			continue;
		elem.size = 0;
		key_u8(&elem, RS_IP6_NEXTHDR, extensions[i].number, extensions[i].number);
		rb_elem(c->build, set, &elem, RS_CONTINUE, RS_NONE, RS_NONE);
	}
	elem.size = 0;
	key_u8(&elem, RS_IP6_NEXTHDR, NEXT_FRAGMENT, NEXT_FRAGMENT);
	rb_elem(c->build, set, &elem, RS_CONTINUE, RS_NONE, RS_NONE);
	return set;
}

static uint32_t option_chain(struct compiling *c)
{
	static const uint8_t source_routes[] = { OPTION_LSRR, OPTION_SSRR };
	uint32_t chain = rb_chain(c->build, "ipv4_options", RS_NONE);

	for (size_t i = 0; i < sizeof(source_routes); i++) {
		rule(c->build, chain, RS_NONE);
		rule_number(c->build, RS_IP_OPTION, source_routes[i]);
		go_invalid(c);
	}
	return chain;
}

// Every IPv6 packet passes here, and every IPv4 packet with options.
uint32_t odd_header_chain(struct compiling *c)
{
	uint32_t chain = rb_chain(c->build, "odd_header", RS_NONE), options = option_chain(c);
	uint32_t headers = extension_chain(c), set = extension_set(c);

	rule(c->build, chain, RS_NONE);
	rule_lookup(c->build, RS_IP6_NEXTHDR, set, true);
	rule_verdict(c->build, RS_GOTO, headers);
	rule(c->build, chain, RS_NONE);
	rule_u8(c->build, RS_META_NFPROTO, RS_EQ, NFPROTO_IPV4);
	rule_verdict(c->build, RS_GOTO, options);
	return chain;
}

// Before connection tracking puts fragments together.
static void fragment_chain(struct compiling *c)
{
	static const struct base_hook hook = { "fragments", NF_INET_PRE_ROUTING, -450, false,
					       false };
	bool all = c->settings->drop_fragments;
	uint32_t chain;

	if (!all && c->settings->extensions & PLAN_EXT_FRAGMENT)
		return;
	chain = rb_base(c->build, &hook);
	if (all) {
		rule(c->build, chain, RS_NONE);
		rule_flags(c->build, RS_IP_FRAG_OFF, RS_NEQ, FRAGMENT_BITS, 0);
		go_invalid(c);
	}
	rule(c->build, chain, RS_NONE);
	rule_number(c->build, RS_EXTHDR, NEXT_FRAGMENT);
	go_invalid(c);
}

static void clamp(struct compiling *c, uint32_t chain, uint16_t zone, const enum rs_key *keys,
		  size_t n_keys, uint32_t set)
{
	for (size_t i = 0; i < n_keys; i++) {
		rule(c->build, chain, c->zone[zone].origin);
		match_zones(c, keys[i], &zone, 1, set);
		rule_mss(c->build, c->zones[zone].mss);
	}
}

// What is forwarded; and of connections in proxy mode, what comes in and goes out.
static const struct mss_hook {
	struct base_hook base;
	const char *clamp;
	bool proxy, route; // route: there is one whose MTU counts
	size_t n_keys;
	enum rs_key keys[2];
} mss_hooks[] = {
	{ { "mss", NF_INET_FORWARD, -150, false, false },
	  "mss_clamp",
	  false,
	  true,
	  2,
	  { RS_META_IIFNAME, RS_META_OIFNAME } },
	{ { "mss_input", NF_INET_LOCAL_IN, -150, false, false },
	  "mss_clamp_input",
	  true,
	  false,
	  1,
	  { RS_META_IIFNAME } },
	{ { "mss_output", NF_INET_LOCAL_OUT, -150, false, false },
	  "mss_clamp_output",
	  true,
	  true,
	  1,
	  { RS_META_OIFNAME } },
};
enum { MSS_HOOKS = sizeof(mss_hooks) / sizeof(mss_hooks[0]), MSS_OF_ROUTE = 1 };

static void mss_chain(struct compiling *c, const struct mss_hook *hook, const uint32_t *sets)
{
	uint32_t base = RS_NONE, chain = RS_NONE;

	for (size_t z = 1; z < c->n_zones; z++) {
		const uint16_t zone = (uint16_t)z;

		if (!c->zones[z].mss || (c->zones[z].mss == MSS_OF_ROUTE && !hook->route))
			continue;
		if (base == RS_NONE) {
			base = rb_base(c->build, &hook->base);
			chain = rb_chain(c->build, hook->clamp, RS_NONE);
			rule(c->build, base, RS_NONE);
			rule_flags(c->build, RS_TCP_FLAGS, RS_EQ, TH_SYN | TH_RST, TH_SYN);
			rule_verdict(c->build, RS_JUMP, chain);
		}
		if (zones_named(c, &zone, 1))
			clamp(c, chain, zone, hook->keys, hook->n_keys, sets[z]);
	}
}

static void mss_chains(struct compiling *c)
{
	uint32_t *sets = arena_array_of(c->arena, uint32_t, c->n_zones);

	for (size_t z = 1; z < c->n_zones; z++) {
		const uint16_t zone = (uint16_t)z;

		if (c->zones[z].mss)
			sets[z] = zones_set(c, &zone, 1,
					    arena_printf(c->arena, "mss_%s", zone_id(c, zone)));
	}
	for (size_t i = 0; i < MSS_HOOKS; i++)
		if (!mss_hooks[i].proxy || c->proxied)
			mss_chain(c, &mss_hooks[i], sets);
}

// A packet that is let go from a queue goes on behind the chain that queued it, so what its verdict
// says of the whole connection is kept here.
static void passed_chain(struct compiling *c, const struct base_hook *hook)
{
	uint32_t chain = rb_base(c->build, hook);

	rule(c->build, chain, RS_NONE);
	rule_flags(c->build, RS_META_MARK, RS_EQ, PACKET_PASSED, PACKET_PASSED);
	rule_flags(c->build, RS_CT_MARK, RS_EQ, MARK_INSPECT, MARK_INSPECT);
	rule_set_ct_mark(c->build, ~(uint32_t)MARK_PASSED, MARK_PASSED);
}

static void passed_chains(struct compiling *c)
{
	static const struct base_hook hooks[] = {
		{ "passed", NF_INET_POST_ROUTING, 0, false, false },
		{ "passed_input", NF_INET_LOCAL_IN, 10, false, false },
	};

	for (size_t i = 0; c->guarded && i < sizeof(hooks) / sizeof(hooks[0]); i++)
		passed_chain(c, &hooks[i]);
}

void packet_chains(struct compiling *c)
{
	fragment_chain(c);
	mss_chains(c);
	passed_chains(c);
}
