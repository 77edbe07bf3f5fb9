// What each kind of isolation is in rules.  A chain has two sides: before routing, a packet is
// known by where it comes from; after it, by where it goes to as well.
#include "kernel/guard_rules.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

static const char by_hand_comment[] = "closed by hand";

enum {
	GUARD_PRIORITY = -300,
	GUARD_HOP_LIMIT = 255,
	NAME_BYTES = 16,
	MAC_BYTES = 6,
};

struct side {
	const char *name;
	uint8_t hook;
	// Keys of the far side: who sends to the box, and whom it sends to.
	uint8_t interface, address4, address6, port, answer_port;
};

static const struct side sides[GUARD_CHAINS] = {
	{ "prerouting", NF_INET_PRE_ROUTING, RS_META_IIFNAME, RS_IP_SADDR, RS_IP6_SADDR,
	  RS_TH_DPORT, RS_TH_SPORT },
	{ "postrouting", NF_INET_POST_ROUTING, RS_META_OIFNAME, RS_IP_DADDR, RS_IP6_DADDR,
	  RS_TH_DPORT, RS_TH_SPORT },
};

// The same with the addresses of the other end.
static const struct side far_sides[GUARD_CHAINS] = {
	{ .address4 = RS_IP_DADDR, .address6 = RS_IP6_DADDR },
	{ .address4 = RS_IP_SADDR, .address6 = RS_IP6_SADDR },
};

// --- putting rules together

static uint32_t put_string(struct guard_rules *rules, const char *text)
{
	size_t at = rules->strings.n, size = strlen(text) + 1;

	if (at + size > rules->strings.cap)
		vec_grow((void **)&rules->strings.v, &rules->strings.cap, at + size, 1);
	memcpy(rules->strings.v + at, text, size);
	rules->strings.n += size;
	return (uint32_t)at;
}

void guard_rules_begin(struct guard_rules *rules, const char *table)
{
	*rules = (struct guard_rules){ 0 };
	put_string(rules, "");
	rules->ruleset.table = put_string(rules, table);
	for (size_t i = 0; i < GUARD_CHAINS; i++)
		rules->chains[i] = (struct rs_chain){ .name = put_string(rules, sides[i].name),
						      .base = 1,
						      .hook = sides[i].hook,
						      .priority = GUARD_PRIORITY,
						      .origin = RS_NONE };
}

void guard_rules_end(struct guard_rules *rules)
{
	rules->ruleset.strings = rules->strings.v;
	rules->ruleset.strings_size = rules->strings.n;
	rules->ruleset.chains = rules->chains;
	rules->ruleset.n_chains = GUARD_CHAINS;
	rules->ruleset.rules = rules->rules.v;
	rules->ruleset.n_rules = rules->rules.n;
	rules->ruleset.stmts = rules->stmts.v;
	rules->ruleset.n_stmts = rules->stmts.n;
}

void guard_rules_done(struct guard_rules *rules)
{
	vec_done(&rules->rules);
	vec_done(&rules->stmts);
	vec_done(&rules->strings);
}

static void put_rule(struct guard_rules *rules, unsigned chain, const char *comment)
{
	struct rs_rule rule = { .chain = chain,
				.first_stmt = (uint32_t)rules->stmts.n,
				.origin = RS_NONE };

	rule.comment = comment ? put_string(rules, comment) : 0;
	vec_push(&rules->rules, rule);
	rules->chains[chain].n_rules++;
}

static struct rs_stmt *put_stmt(struct guard_rules *rules, enum rs_stmt_kind kind)
{
	struct rs_stmt *stmt = vec_add(&rules->stmts);

	stmt->kind = kind;
	stmt->ref = RS_NONE;
	rules->rules.v[rules->rules.n - 1].n_stmts++;
	return stmt;
}

static struct rs_stmt *put_match(struct guard_rules *rules, enum rs_key key, const void *value,
				 size_t size)
{
	struct rs_stmt *stmt = put_stmt(rules, RS_MATCH);

	stmt->n_keys = 1;
	stmt->keys[0] = (uint8_t)key;
	memcpy(stmt->value, value, size);
	return stmt;
}

static void put_match_u8(struct guard_rules *rules, enum rs_key key, uint8_t value)
{
	put_match(rules, key, &value, 1);
}

static void put_verdict(struct guard_rules *rules, enum rs_verdict verdict)
{
	put_stmt(rules, RS_VERDICT)->verdict = (uint8_t)verdict;
}

// A name, or every name that begins so.
static void put_interface(struct guard_rules *rules, enum rs_key key, const char *pattern)
{
	size_t length = strnlen(pattern, NAME_BYTES - 1);
	bool open = length && pattern[length - 1] == '*';
	char name[NAME_BYTES] = { 0 };
	struct rs_stmt *stmt;

	memcpy(name, pattern, open ? length - 1 : length);
	stmt = put_match(rules, key, name, sizeof(name));
	if (!open)
		return;
	stmt->masked = 1;
	memset(stmt->mask, 0xff, length - 1);
}

static void put_prefix(struct guard_rules *rules, const struct side *side, uint8_t family,
		       const uint8_t *bytes, unsigned length)
{
	size_t size = family == 4 ? 4 : 16;
	struct rs_stmt *stmt =
		put_match(rules, family == 4 ? side->address4 : side->address6, bytes, size);

	stmt->masked = 1;
	for (unsigned bit = 0; bit < length && bit < size * 8; bit++)
		stmt->mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	for (size_t i = 0; i < size; i++)
		stmt->value[i] &= stmt->mask[i];
}

static void put_range(struct guard_rules *rules, const struct side *side,
		      const struct addr_range *range)
{
	uint8_t lo[16], hi[16];
	size_t size = range->family == ADDR_V4 ? 4 : 16;
	struct rs_stmt *stmt;

	addr_to_bytes(range->family, range->lo, lo);
	addr_to_bytes(range->family, range->hi, hi);
	stmt = put_match(rules, range->family == ADDR_V4 ? side->address4 : side->address6, lo,
			 size);
	if (range->lo == range->hi)
		return;
	stmt->op = RS_IN_RANGE;
	memcpy(stmt->value_hi, hi, size);
}

static void put_ports(struct guard_rules *rules, enum rs_key key, uint16_t lo, uint16_t hi)
{
	uint16_t first = htons(lo), last = htons(hi);
	struct rs_stmt *stmt = put_match(rules, key, &first, sizeof(first));

	if (lo == hi)
		return;
	stmt->op = RS_IN_RANGE;
	memcpy(stmt->value_hi, &last, sizeof(last));
}

// --- what stays up

static void put_loopback(struct guard_rules *rules, unsigned chain)
{
	put_rule(rules, chain, NULL);
	put_match(rules, sides[chain].interface, "lo", 2);
	put_verdict(rules, RS_ACCEPT);
}

// Router and neighbour solicitation and advertisement.  Their hop limit is always 255 (RFC 4861
// section 6.1 and 7.1), so none of it can be on its way through this box.
static void put_neighbours(struct guard_rules *rules, unsigned chain)
{
	struct rs_stmt *types;

	put_rule(rules, chain, NULL);
	put_match_u8(rules, RS_IP6_HOPLIMIT, GUARD_HOP_LIMIT);
	types = put_match(rules, RS_ICMPV6_TYPE, &(uint8_t){ ND_ROUTER_SOLICIT }, 1);
	types->op = RS_IN_RANGE;
	types->value_hi[0] = ND_NEIGHBOR_ADVERT;
	put_verdict(rules, RS_ACCEPT);
}

// TCP to the box's own port, and its answers.
void guard_put_management(struct guard_rules *rules, unsigned chain,
			  const struct kernel_management *management)
{
	if (!management || !management->interface[0])
		return;
	put_rule(rules, chain, NULL);
	put_interface(rules, sides[chain].interface, management->interface);
	put_prefix(rules, &sides[chain], management->family, management->prefix,
		   management->prefix_length);
	put_match_u8(rules, RS_META_L4PROTO, IPPROTO_TCP);
	put_ports(rules, chain == 0 ? RS_TH_DPORT : RS_TH_SPORT, management->port,
		  management->port);
	put_verdict(rules, RS_ACCEPT);
}

static void put_lifeline(struct guard_rules *rules, unsigned chain, const struct lifeline *lifeline)
{
	const struct side *side = &sides[chain];
	char comment[ISOLATION_COMMENT_MAX] = "lifeline ";

	strncat(comment, lifeline->name, sizeof(comment) - strlen(comment) - 1);
	put_rule(rules, chain, comment);
	if (lifeline->interface[0])
		put_interface(rules, side->interface, lifeline->interface);
	if (lifeline->addressed)
		put_range(rules, lifeline->far ? &far_sides[chain] : side, &lifeline->range);
	if (lifeline->protocol)
		put_match_u8(rules, RS_META_L4PROTO, lifeline->protocol);
	if (lifeline->port_hi)
		put_ports(rules, lifeline->answer ? side->answer_port : side->port,
			  lifeline->port_lo, lifeline->port_hi);
	put_verdict(rules, RS_ACCEPT);
}

static void put_always(struct guard_rules *rules, unsigned chain, const struct guard_want *want)
{
	put_loopback(rules, chain);
	put_neighbours(rules, chain);
	guard_put_management(rules, chain, want->management);
}

// --- what is cut

// One rule that drops by an interface or an address, if it is of the part that is wanted.
struct drop {
	uint8_t chain, key;
	enum guard_part part;
};

static const struct drop interface_drops[] = {
	{ 0, RS_META_IIFNAME, GUARD_FIRST },
	{ 1, RS_META_OIFNAME, GUARD_FIRST },
	{ 1, RS_META_IIFNAME, GUARD_REST },
};

static const struct drop address_drops[2][4] = {
	{ { 0, RS_IP_SADDR, GUARD_FIRST },
	  { 1, RS_IP_DADDR, GUARD_FIRST },
	  { 0, RS_IP_DADDR, GUARD_REST },
	  { 1, RS_IP_SADDR, GUARD_REST } },
	{ { 0, RS_IP6_SADDR, GUARD_FIRST },
	  { 1, RS_IP6_DADDR, GUARD_FIRST },
	  { 0, RS_IP6_DADDR, GUARD_REST },
	  { 1, RS_IP6_SADDR, GUARD_REST } },
};

static void put_drop_interface(struct guard_rules *rules, unsigned chain, const char *interface,
			       const char *comment, enum guard_part part)
{
	for (size_t i = 0; i < sizeof(interface_drops) / sizeof(interface_drops[0]); i++) {
		if (interface_drops[i].chain != chain || !(interface_drops[i].part & part))
			continue;
		put_rule(rules, chain, comment);
		put_interface(rules, interface_drops[i].key, interface);
		put_verdict(rules, RS_DROP);
	}
}

static void put_drop_address(struct guard_rules *rules, unsigned chain, const char *text,
			     const char *comment, enum guard_part part)
{
	struct addr addr;
	uint8_t bytes[16];

	if (addr_parse(text, &addr) < 0)
		return;
	addr_to_bytes(addr.family, addr.bits, bytes);
	for (size_t i = 0; i < 4; i++) {
		const struct drop *drop = &address_drops[addr.family == ADDR_V6][i];

		if (drop->chain != chain || !(drop->part & part))
			continue;
		put_rule(rules, chain, comment);
		put_match(rules, drop->key, bytes, addr.family == ADDR_V4 ? 4 : 16);
		put_verdict(rules, RS_DROP);
	}
}

// Only before routing does a packet still have the address that its sender's card gave it.
static void put_drop_mac(struct guard_rules *rules, unsigned chain, const uint8_t *bytes,
			 const char *comment, enum guard_part part)
{
	if (chain != 0 || !(part & GUARD_FIRST))
		return;
	put_rule(rules, chain, comment);
	put_match(rules, RS_ETHER_SADDR, bytes, MAC_BYTES);
	put_verdict(rules, RS_DROP);
}

void guard_put_isolation(struct guard_rules *rules, unsigned chain,
			 const struct isolation *isolation, enum guard_part part)
{
	char comment[ISOLATION_COMMENT_MAX];
	uint8_t mac[MAC_BYTES];

	for (size_t i = 0; i < isolation->n_targets; i++) {
		const char *target = isolation->targets[i].text;

		isolation_comment(isolation, target, comment);
		if (isolation->kind == ISOLATION_ZONE || isolation->kind == ISOLATION_LINK)
			put_drop_interface(rules, chain, target, comment, part);
		else if (isolation->kind == ISOLATION_MAC && isolation_is_mac(target, mac))
			put_drop_mac(rules, chain, mac, comment, part);
		else
			put_drop_address(rules, chain, target, comment, part);
	}
}

void guard_put_all(struct guard_rules *rules, unsigned chain, const struct guard_want *want,
		   const struct isolation *isolation)
{
	char comment[ISOLATION_COMMENT_MAX];

	put_always(rules, chain, want);
	// A lifeline passes on to the policy; a closed gate has none.
	if (!isolation->total && want->state != KERNEL_GUARD_CLOSED)
		for (size_t i = 0; i < want->n_lifelines; i++)
			if (want->lifelines[i].out == (chain == 1))
				put_lifeline(rules, chain, &want->lifelines[i]);
	isolation_comment(isolation, "", comment);
	put_rule(rules, chain, comment);
	put_verdict(rules, RS_DROP);
}

const char *guard_chain_name(unsigned chain)
{
	return sides[chain].name;
}

void guard_put_drop(struct guard_rules *rules, unsigned chain, const char *comment)
{
	put_rule(rules, chain, comment);
	put_verdict(rules, RS_DROP);
}

void guard_put_closed(struct guard_rules *rules, unsigned chain, const struct guard_want *want)
{
	put_always(rules, chain, want);
	guard_put_drop(rules, chain, want->by_hand ? by_hand_comment : guard_own_comment);
}
