// Reading the guard back: what it isolates, whether it is closed, and whether it is, rule for rule,
// what it should be.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "kernel/compare.h"
#include "kernel/expr.h"
#include "kernel/guard_rules.h"
#include "kernel/link.h"
#include "kernel/private.h"

struct reader {
	struct guard_found *found;	 // NULL: only rules are looked for
	const struct guard_rules *rules; // that are looked for
	uint8_t *seen;			 // of each
	const char *table;
	bool dormant, drops[GUARD_CHAINS], hand[GUARD_CHAINS];
	_Alignas(8) char scratch[8192];
};

static int take_table(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_TABLE_MAX + 1];
	struct reader *reader = arg;

	link_attrs(nlh, attrs, NFTA_TABLE_MAX);
	reader->dormant = link_be32(attrs[NFTA_TABLE_FLAGS]) & NFT_TABLE_F_DORMANT;
	return 0;
}

// The comment among a rule's user data: type, length, text with its NUL.
static const char *comment_of(const struct nlattr *userdata, char out[ISOLATION_COMMENT_MAX])
{
	const uint8_t *at = userdata ? mnl_attr_get_payload(userdata) : NULL;
	size_t left = userdata ? mnl_attr_get_payload_len(userdata) : 0;

	out[0] = '\0';
	while (left >= 2 && left - 2 >= at[1]) {
		if (at[0] == 0 && at[1] > 0 && at[1] <= ISOLATION_COMMENT_MAX &&
		    at[1 + at[1]] == '\0') {
			memcpy(out, at + 2, at[1]);
			return out;
		}
		left -= 2u + at[1];
		at += 2 + at[1];
	}
	return out;
}

static bool is_rule(struct reader *reader, uint32_t rule, const struct nlattr **attrs)
{
	const struct ruleset *ruleset = &reader->rules->ruleset;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(reader->scratch);
	uint32_t stmt;

	return strcmp(link_text(attrs[NFTA_RULE_CHAIN]),
		      rs_string(ruleset, ruleset->chains[ruleset->rules[rule].chain].name)) == 0 &&
	       expr_put_rule(nlh, ruleset, rule, &guard_features, &stmt) == 0 &&
	       compare_expressions(mnl_nlmsg_get_payload(nlh), attrs[NFTA_RULE_EXPRESSIONS]);
}

static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_RULE_MAX + 1];
	struct reader *reader = arg;
	char comment[ISOLATION_COMMENT_MAX];
	struct isolation *one;
	struct isolation_target target;
	bool ours;

	link_attrs(nlh, attrs, NFTA_RULE_MAX);
	if (strcmp(link_text(attrs[NFTA_RULE_TABLE]), reader->table) != 0)
		return 0;
	if (!reader->found) {
		for (uint32_t i = 0; i < reader->rules->rules.n; i++)
			if (!reader->seen[i] && is_rule(reader, i, attrs)) {
				reader->seen[i] = 1;
				break;
			}
		return 0;
	}
	one = calloc(1, sizeof(*one));
	if (!one)
		return -ENOMEM;
	if (isolation_read_comment(comment_of(attrs[NFTA_RULE_USERDATA], comment), one, &target) ==
	    0) {
		if (target.text[0])
			isolation_add_target(one, target.text);
		isolations_add(&reader->found->isolations, one);
	} else {
		// A drop of everything that nobody put there as an isolation.
		ours = strcmp(comment, guard_own_comment) == 0;
		for (uint32_t i = 0; i < reader->rules->rules.n; i++)
			if (is_rule(reader, i, attrs))
				(ours ? reader->drops
				      : reader->hand)[reader->rules->rules.v[i].chain] = true;
	}
	free(one);
	return 0;
}

static int read_table(struct link *link, struct reader *reader)
{
	struct nlmsghdr *nlh = link_request(link, NFT_MSG_GETTABLE, 0);
	int r;

	batch_put_text(nlh, NFTA_TABLE_NAME, reader->table);
	r = link_ask(link, nlh, take_table, reader);
	if (r < 0)
		return r;
	nlh = link_request(link, NFT_MSG_GETRULE, NLM_F_DUMP);
	batch_put_text(nlh, NFTA_RULE_TABLE, reader->table);
	return link_ask(link, nlh, take_rule, reader);
}

static void plain_drops(struct guard_rules *rules, const char *table)
{
	guard_rules_begin(rules, table);
	for (unsigned chain = 0; chain < GUARD_CHAINS; chain++)
		guard_put_drop(rules, chain, NULL);
	guard_rules_end(rules);
}

int guard_read(struct link *link, const char *table, struct guard_found *ret_found)
{
	struct guard_rules rules;
	struct reader reader = { .found = ret_found, .table = table, .rules = &rules };
	bool closed = true;
	int r = -EINTR;

	plain_drops(&rules, table);
	for (int i = 0; i < GUARD_RETRIES && r == -EINTR; i++) {
		ret_found->isolations.n = 0;
		memset(reader.drops, 0, sizeof(reader.drops));
		memset(reader.hand, 0, sizeof(reader.hand));
		r = read_table(link, &reader);
	}
	ret_found->by_hand = reader.hand[0] || reader.hand[1];
	for (size_t i = 0; i < GUARD_CHAINS; i++)
		closed &= reader.drops[i] || reader.hand[i];
	ret_found->state = r == -ENOENT		       ? KERNEL_GUARD_ABSENT
			   : closed && !reader.dormant ? KERNEL_GUARD_CLOSED
						       : KERNEL_GUARD_OPEN;
	guard_rules_done(&rules);
	return r;
}

int guard_confirm(struct link *link, const char *table, const struct guard_want *want,
		  const struct isolation *isolation)
{
	struct guard_rules rules;
	struct reader reader = { .table = table, .rules = &rules };
	int r = -EINTR;

	guard_put_one(&rules, table, want, isolation, GUARD_WHOLE);
	reader.seen = calloc(rules.rules.n + 1, 1);
	for (int i = 0; reader.seen && i < GUARD_RETRIES && r == -EINTR; i++) {
		memset(reader.seen, 0, rules.rules.n);
		r = read_table(link, &reader);
	}
	if (r == 0 && (reader.dormant || memchr(reader.seen, 0, rules.rules.n)))
		r = -EUCLEAN;
	free(reader.seen);
	guard_rules_done(&rules);
	return r;
}

// --- rule for rule

// Each rule of a chain is of its front, in any order, or the next of what comes after the front.
struct whole {
	const struct guard_rules *rules;
	const char *table;
	size_t first[GUARD_CHAINS + 1]; // rule of each chain
	size_t next[GUARD_CHAINS];	// of what comes after the front
	size_t front[GUARD_CHAINS];	// where that begins
	bool managed;			// the first of the front is the management path
	uint8_t *seen;			// of each rule
	unsigned chains;
	enum guard_match match;
	_Alignas(8) char scratch[8192];
};

static int chain_of(const char *name)
{
	for (unsigned i = 0; i < GUARD_CHAINS; i++)
		if (strcmp(name, guard_chain_name(i)) == 0)
			return (int)i;
	return -1;
}

static int match_table(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_TABLE_MAX + 1];
	struct whole *whole = arg;

	link_attrs(nlh, attrs, NFTA_TABLE_MAX);
	if (link_be32(attrs[NFTA_TABLE_FLAGS]) & NFT_TABLE_F_DORMANT)
		whole->match = GUARD_RULES_DIFFER;
	return 0;
}

static int match_chain(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[NFTA_CHAIN_MAX + 1], *hook[NFTA_HOOK_MAX + 1] = { 0 };
	struct whole *whole = arg;
	const struct rs_chain *wanted;
	int chain;

	link_attrs(nlh, attrs, NFTA_CHAIN_MAX);
	if (head->nfgen_family != NFPROTO_INET ||
	    strcmp(link_text(attrs[NFTA_CHAIN_TABLE]), whole->table) != 0)
		return 0;
	chain = chain_of(link_text(attrs[NFTA_CHAIN_NAME]));
	wanted = chain < 0 ? NULL : &whole->rules->chains[chain];
	if (attrs[NFTA_CHAIN_HOOK])
		link_nested(attrs[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_MAX);
	if (!wanted || link_be32(hook[NFTA_HOOK_HOOKNUM]) != wanted->hook ||
	    link_be32(hook[NFTA_HOOK_PRIORITY]) != (uint32_t)wanted->priority ||
	    strcmp(link_text(attrs[NFTA_CHAIN_TYPE]), "filter") != 0)
		whole->match = GUARD_CHAINS_DIFFER;
	else if (link_be32(attrs[NFTA_CHAIN_POLICY]) != NF_ACCEPT && !whole->match)
		whole->match = GUARD_RULES_DIFFER;
	whole->chains += wanted != NULL;
	return 0;
}

static bool equals(struct whole *whole, size_t rule, const struct nlattr **attrs)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(whole->scratch);
	uint32_t stmt;

	return expr_put_rule(nlh, &whole->rules->ruleset, (uint32_t)rule, &guard_features, &stmt) ==
		       0 &&
	       compare_expressions(mnl_nlmsg_get_payload(nlh), attrs[NFTA_RULE_EXPRESSIONS]);
}

// Of equal rules (a link that is a zone's too) each is found once.
static size_t find_in_front(struct whole *whole, unsigned chain, const struct nlattr **attrs)
{
	size_t found = SIZE_MAX;

	for (size_t i = whole->first[chain]; i < whole->front[chain]; i++) {
		if ((found != SIZE_MAX && whole->seen[i]) || !equals(whole, i, attrs))
			continue;
		found = i;
		if (!whole->seen[i])
			break;
	}
	return found;
}

// The management path stands first, where there is one: only that keeps it ahead of what is cut.
static bool takes(struct whole *whole, unsigned chain, const struct nlattr **attrs)
{
	size_t *next = &whole->next[chain], found = SIZE_MAX;

	if (*next == whole->front[chain])
		found = find_in_front(whole, chain, attrs);
	if (found == SIZE_MAX && *next < whole->first[chain + 1] && equals(whole, *next, attrs))
		found = (*next)++;
	if (found == SIZE_MAX)
		return false;
	whole->seen[found] = 1;
	return found >= whole->front[chain] || !whole->managed || whole->seen[whole->first[chain]];
}

static int match_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[NFTA_RULE_MAX + 1];
	struct whole *whole = arg;
	int chain;

	link_attrs(nlh, attrs, NFTA_RULE_MAX);
	if (head->nfgen_family != NFPROTO_INET ||
	    strcmp(link_text(attrs[NFTA_RULE_TABLE]), whole->table) != 0)
		return 0;
	chain = chain_of(link_text(attrs[NFTA_RULE_CHAIN]));
	if (!whole->match && (chain < 0 || !takes(whole, (unsigned)chain, attrs)))
		whole->match = GUARD_RULES_DIFFER;
	return 0;
}

static int match_all(struct link *link, struct whole *whole)
{
	struct nlmsghdr *nlh = link_request(link, NFT_MSG_GETTABLE, 0);
	int r;

	batch_put_text(nlh, NFTA_TABLE_NAME, whole->table);
	r = link_ask(link, nlh, match_table, whole);
	if (r == 0)
		r = link_ask(link, link_request(link, NFT_MSG_GETCHAIN, NLM_F_DUMP), match_chain,
			     whole);
	if (r < 0)
		return r;
	nlh = link_request(link, NFT_MSG_GETRULE, NLM_F_DUMP);
	batch_put_text(nlh, NFTA_RULE_TABLE, whole->table);
	return link_ask(link, nlh, match_rule, whole);
}

static void match_begin(struct whole *whole)
{
	whole->match = GUARD_SAME;
	whole->chains = 0;
	memset(whole->seen, 0, whole->rules->rules.n);
	for (unsigned chain = 0; chain < GUARD_CHAINS; chain++)
		whole->next[chain] = whole->front[chain];
}

int guard_match(struct link *link, const char *table, const struct guard_want *want,
		enum guard_match *ret_match)
{
	struct guard_rules rules;
	struct whole *whole = calloc(1, sizeof(*whole));
	int r = -EINTR;

	if (!whole)
		return -ENOMEM;
	whole->table = table;
	whole->rules = &rules;
	whole->managed = want->management && want->management->interface[0];
	guard_put_whole(&rules, table, want, want->isolations, whole->front);
	for (size_t i = 0; i < rules.rules.n; i++)
		whole->first[rules.rules.v[i].chain + 1] = i + 1;
	if (!whole->first[GUARD_CHAINS])
		whole->first[GUARD_CHAINS] = whole->first[1];
	whole->seen = calloc(rules.rules.n + 1, 1);
	if (!whole->seen)
		r = -ENOMEM;
	for (int i = 0; i < GUARD_RETRIES && r == -EINTR; i++) {
		match_begin(whole);
		r = match_all(link, whole);
	}
	if (r == 0 && !whole->match && memchr(whole->seen, 0, rules.rules.n))
		whole->match = GUARD_RULES_DIFFER;
	if (r == 0 && whole->chains != GUARD_CHAINS)
		whole->match = GUARD_CHAINS_DIFFER;
	if (r == 0)
		*ret_match = whole->match;
	free(whole->seen);
	free(whole);
	guard_rules_done(&rules);
	return r;
}
