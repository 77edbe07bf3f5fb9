// The guard table: a ruleset of two chains, made here and committed like the policy's, but to a
// table that nobody owns.  Closed is a list of what may pass and a last rule that drops; open is
// two empty chains, which stay hooked.  (Taking a chain away would drop held packets.)
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "kernel/compare.h"
#include "kernel/expr.h"
#include "kernel/private.h"

// The chains' names as offsets into the strings.
static const char guard_strings[] = "\0sekisho_guard\0prerouting\0postrouting";
enum { GUARD_TABLE = 1, GUARD_PREROUTING = 15, GUARD_POSTROUTING = 26 };

enum {
	GUARD_PRIORITY = -300,
	GUARD_CHAINS = 2,
	GUARD_RULES_MAX = 4, // of a chain: loopback, neighbour discovery, management, drop
	GUARD_STMTS_MAX = 8, // of a rule
	GUARD_HOP_LIMIT = 255,
};

struct guard {
	struct rs_chain chains[GUARD_CHAINS];
	struct rs_rule rules[GUARD_CHAINS * GUARD_RULES_MAX];
	struct rs_stmt stmts[GUARD_CHAINS * GUARD_RULES_MAX * GUARD_STMTS_MAX];
	struct ruleset ruleset;
};

static struct rs_stmt *guard_stmt(struct guard *guard, enum rs_stmt_kind kind)
{
	struct rs_stmt *stmt = &guard->stmts[guard->ruleset.n_stmts++];

	*stmt = (struct rs_stmt){ .kind = kind, .ref = RS_NONE };
	guard->rules[guard->ruleset.n_rules - 1].n_stmts++;
	return stmt;
}

static void guard_rule(struct guard *guard)
{
	struct rs_chain *chain = &guard->chains[guard->ruleset.n_chains - 1];

	guard->rules[guard->ruleset.n_rules++] =
		(struct rs_rule){ .chain = (uint32_t)guard->ruleset.n_chains - 1,
				  .first_stmt = (uint32_t)guard->ruleset.n_stmts,
				  .origin = RS_NONE };
	chain->n_rules++;
}

static struct rs_stmt *guard_match(struct guard *guard, enum rs_key key, const void *value,
				   size_t size)
{
	struct rs_stmt *stmt = guard_stmt(guard, RS_MATCH);

	stmt->n_keys = 1;
	stmt->keys[0] = (uint8_t)key;
	memcpy(stmt->value, value, size);
	return stmt;
}

static void guard_match_u8(struct guard *guard, enum rs_key key, uint8_t value)
{
	guard_match(guard, key, &value, 1);
}

static void guard_verdict(struct guard *guard, enum rs_verdict verdict)
{
	guard_stmt(guard, RS_VERDICT)->verdict = (uint8_t)verdict;
}

static void guard_loopback(struct guard *guard, enum rs_key interface)
{
	guard_rule(guard);
	guard_match(guard, interface, "lo", 2);
	guard_verdict(guard, RS_ACCEPT);
}

// Router and neighbour solicitation and advertisement.  Their hop limit is always 255 (RFC 4861
// section 6.1 and 7.1), so none of it can be on its way through this box.
static void guard_neighbours(struct guard *guard)
{
	struct rs_stmt *types;

	guard_rule(guard);
	guard_match_u8(guard, RS_IP6_HOPLIMIT, GUARD_HOP_LIMIT);
	types = guard_match(guard, RS_ICMPV6_TYPE, &(uint8_t){ ND_ROUTER_SOLICIT }, 1);
	types->op = RS_IN_RANGE;
	types->value_hi[0] = ND_NEIGHBOR_ADVERT;
	guard_verdict(guard, RS_ACCEPT);
}

struct guard_side {
	uint32_t name;
	uint8_t hook;
	uint8_t interface, address4, address6, port; // keys of the management host's side
};

static const struct guard_side guard_sides[GUARD_CHAINS] = {
	{ GUARD_PREROUTING, NF_INET_PRE_ROUTING, RS_META_IIFNAME, RS_IP_SADDR, RS_IP6_SADDR,
	  RS_TH_DPORT },
	{ GUARD_POSTROUTING, NF_INET_POST_ROUTING, RS_META_OIFNAME, RS_IP_DADDR, RS_IP6_DADDR,
	  RS_TH_SPORT },
};

static void guard_management(struct guard *guard, const struct guard_side *side,
			     const struct kernel_management *management)
{
	size_t size = management->family == 4 ? 4 : 16;
	char name[16] = { 0 };
	struct rs_stmt *prefix;
	uint16_t port = htons(management->port);

	memcpy(name, management->interface, strnlen(management->interface, sizeof(name) - 1));
	guard_rule(guard);
	guard_match(guard, side->interface, name, sizeof(name));
	prefix = guard_match(guard, management->family == 4 ? side->address4 : side->address6,
			     management->prefix, size);
	prefix->masked = 1;
	for (unsigned bit = 0; bit < management->prefix_length && bit < size * 8; bit++)
		prefix->mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	for (size_t i = 0; i < size; i++)
		prefix->value[i] &= prefix->mask[i];
	guard_match_u8(guard, RS_META_L4PROTO, IPPROTO_TCP);
	guard_match(guard, side->port, &port, sizeof(port));
	guard_verdict(guard, RS_ACCEPT);
}

static void guard_fill(struct guard *guard, enum kernel_guard state,
		       const struct kernel_management *management)
{
	*guard = (struct guard){ .ruleset = { .table = GUARD_TABLE,
					      .strings = guard_strings,
					      .strings_size = sizeof(guard_strings),
					      .chains = guard->chains,
					      .rules = guard->rules,
					      .stmts = guard->stmts } };
	for (size_t i = 0; i < GUARD_CHAINS; i++) {
		const struct guard_side *side = &guard_sides[i];

		guard->chains[guard->ruleset.n_chains++] =
			(struct rs_chain){ .name = side->name,
					   .base = 1,
					   .hook = side->hook,
					   .priority = GUARD_PRIORITY,
					   .first_rule = (uint32_t)guard->ruleset.n_rules,
					   .origin = RS_NONE };
		if (state != KERNEL_GUARD_CLOSED)
			continue;
		guard_loopback(guard, side->interface);
		guard_neighbours(guard);
		if (management && management->interface[0])
			guard_management(guard, side, management);
		guard_rule(guard);
		guard_verdict(guard, RS_DROP);
	}
}

int kernel_guard_set(struct kernel *kernel, enum kernel_guard state,
		     const struct kernel_management *management)
{
	struct kernel_features none = { .queue = KERNEL_QUEUE_NONE };
	struct kernel_error error;
	struct guard guard;

	if (state == KERNEL_GUARD_ABSENT)
		return kernel_guard_remove(kernel);
	if (management && management->interface[0] && management->family != 4 &&
	    management->family != 6)
		return -EINVAL;
	guard_fill(&guard, state, management);
	return commit_run(&kernel->link,
			  &(struct commit_request){ .next = &guard.ruleset, .features = &none },
			  &error);
}

struct guard_reader {
	struct guard *guard;
	_Alignas(8) char scratch[4096];
	bool drops[GUARD_CHAINS];
	bool table;
};

// A rule that drops whatever comes to it closes its chain.
static int guard_take_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_RULE_MAX + 1];
	struct guard_reader *reader = arg;
	const struct ruleset *ruleset = &reader->guard->ruleset;
	struct kernel_features none = { .queue = KERNEL_QUEUE_NONE };
	struct nlmsghdr *drop = mnl_nlmsg_put_header(reader->scratch);
	uint32_t stmt;

	link_attrs(nlh, attrs, NFTA_RULE_MAX);
	if (strcmp(link_text(attrs[NFTA_RULE_TABLE]), kernel_guard_table) != 0 ||
	    expr_put_rule(drop, ruleset, (uint32_t)ruleset->n_rules - 1, &none, &stmt) < 0 ||
	    !compare_expressions(mnl_nlmsg_get_payload(drop), attrs[NFTA_RULE_EXPRESSIONS]))
		return 0;
	for (size_t i = 0; i < GUARD_CHAINS; i++)
		if (strcmp(link_text(attrs[NFTA_RULE_CHAIN]),
			   rs_string(ruleset, guard_sides[i].name)) == 0)
			reader->drops[i] = true;
	return 0;
}

static int guard_take_table(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_TABLE_MAX + 1];
	struct guard_reader *reader = arg;

	link_attrs(nlh, attrs, NFTA_TABLE_MAX);
	reader->table = true;
	// Switched off, its rules do nothing.
	if (link_be32(attrs[NFTA_TABLE_FLAGS]) & NFT_TABLE_F_DORMANT)
		return -ESTALE;
	return 0;
}

int kernel_guard_state(struct kernel *kernel, enum kernel_guard *ret_state)
{
	struct guard guard;
	struct guard_reader reader = { .guard = &guard };
	struct nlmsghdr *nlh = link_request(&kernel->link, NFT_MSG_GETTABLE, 0);
	int r;

	guard_fill(&guard, KERNEL_GUARD_CLOSED, NULL);
	batch_put_text(nlh, NFTA_TABLE_NAME, kernel_guard_table);
	r = link_ask(&kernel->link, nlh, guard_take_table, &reader);
	if (r == -ENOENT || r == -ESTALE) {
		*ret_state = r == -ENOENT ? KERNEL_GUARD_ABSENT : KERNEL_GUARD_OPEN;
		return 0;
	}
	for (int i = 0; i < LINK_RETRIES && (i == 0 || r == -EINTR); i++) {
		nlh = link_request(&kernel->link, NFT_MSG_GETRULE, NLM_F_DUMP);
		batch_put_text(nlh, NFTA_RULE_TABLE, kernel_guard_table);
		r = link_ask(&kernel->link, nlh, guard_take_rule, &reader);
	}
	if (r == 0)
		*ret_state = reader.drops[0] && reader.drops[1] ? KERNEL_GUARD_CLOSED
								: KERNEL_GUARD_OPEN;
	return r;
}
