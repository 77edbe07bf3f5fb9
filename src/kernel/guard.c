// The guard in the kernel.  A chain is never taken away: the kernel would drop what queues hold.
#include "kernel/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "kernel/compare.h"
#include "kernel/encode.h"
#include "kernel/expr.h"
#include "kernel/guard_rules.h"
#include "kernel/link.h"
#include "kernel/private.h"

#ifndef ERESTART
#define ERESTART 85
#endif

static const struct kernel_features no_features = { .queue = KERNEL_QUEUE_NONE };

// Written from the last rule to the first, each before all others: so they stand as in `rules`.
static int put_first(struct batch *batch, const struct guard_rules *rules)
{
	uint32_t stmt;
	int r = 0;

	for (size_t i = rules->rules.n; i-- > 0 && r == 0;)
		r = encode_first_rule(batch, &rules->ruleset, (uint32_t)i, &no_features, &stmt);
	return r;
}

static int put_last(struct batch *batch, const struct guard_rules *rules)
{
	uint32_t stmt;
	int r = 0;

	for (size_t i = 0; i < rules->rules.n && r == 0; i++)
		r = encode_rule(batch, &rules->ruleset, (uint32_t)i, &no_features, &stmt);
	return r;
}

static int send_batch(struct link *link, struct batch *batch, bool commit)
{
	int r;

	batch_end(batch, commit);
	r = link_send(link, batch, NULL, NULL);
	batch_done(batch);
	return r;
}

static void rules_of(struct guard_rules *rules, const char *table, const struct guard_want *want,
		     const struct isolation *isolation, enum guard_part part)
{
	guard_rules_begin(rules, table);
	for (unsigned chain = 0; chain < GUARD_CHAINS; chain++) {
		if (isolation->kind == ISOLATION_ALL) {
			guard_put_all(rules, chain, want, isolation);
			continue;
		}
		if (part & GUARD_REST)
			guard_put_management(rules, chain, want->management);
		guard_put_isolation(rules, chain, isolation, part);
	}
	guard_rules_end(rules);
}

static int add(struct link *link, const char *table, const struct guard_want *want,
	       const struct isolation *isolation, enum guard_part part, bool commit)
{
	struct guard_rules rules;
	struct batch batch;
	int r;

	rules_of(&rules, table, want, isolation, part);
	batch_begin(&batch, link->seq + 1, NULL);
	r = isolation->kind == ISOLATION_ALL ? put_last(&batch, &rules) : put_first(&batch, &rules);
	if (r < 0)
		batch_done(&batch);
	else
		r = send_batch(link, &batch, commit);
	guard_rules_done(&rules);
	return r;
}

// Each rule of a transaction costs the kernel about as much as half a transaction: so those that
// stop the packets go ahead of the others.
int guard_add(struct link *link, const char *table, const struct guard_want *want,
	      const struct isolation *isolation)
{
	int r;

	if (isolation->kind == ISOLATION_ALL)
		return add(link, table, want, isolation, GUARD_WHOLE, true);
	r = add(link, table, want, isolation, GUARD_FIRST, true);
	return r < 0 ? r : add(link, table, want, isolation, GUARD_REST, true);
}

void guard_try(struct link *link, const char *table, const struct guard_want *want,
	       const struct isolation *isolation)
{
	add(link, table, want, isolation, GUARD_WHOLE, false);
}

// --- all of it

static void all_rules(struct guard_rules *rules, const char *table, const struct guard_want *want,
		      const struct isolations *isolations)
{
	const struct isolation all = { .kind = ISOLATION_ALL };
	const struct isolation *total = isolations ? isolations_find(isolations, &all) : NULL;

	guard_rules_begin(rules, table);
	for (unsigned chain = 0; chain < GUARD_CHAINS; chain++) {
		if (isolations && isolations->n)
			guard_put_management(rules, chain, want->management);
		for (size_t i = 0; isolations && i < isolations->n; i++)
			if (isolations->v[i].kind != ISOLATION_ALL)
				guard_put_isolation(rules, chain, &isolations->v[i], GUARD_WHOLE);
		if (total)
			guard_put_all(rules, chain, want, total);
		if (want->state == KERNEL_GUARD_CLOSED)
			guard_put_closed(rules, chain, want);
	}
	guard_rules_end(rules);
}

static int make_once(struct link *link, const struct guard_rules *rules, const char *table,
		     uint32_t table_flags, uint32_t genid)
{
	struct batch batch;
	int r;

	batch_begin(&batch, link->seq + 1, &genid);
	encode_table(&batch, table, table_flags);
	for (uint32_t chain = 0; chain < GUARD_CHAINS; chain++) {
		encode_chain(&batch, &rules->ruleset, chain);
		encode_flush_rules(&batch, table,
				   rs_string(&rules->ruleset, rules->chains[chain].name));
	}
	r = put_last(&batch, rules);
	if (r < 0) {
		batch_done(&batch);
		return r;
	}
	return send_batch(link, &batch, true);
}

// What is wanted and what the kernel holds besides.
static int merge(struct link *link, const char *table, const struct guard_want *want,
		 const struct isolation *without, struct isolations *ret)
{
	struct guard_found *found = calloc(1, sizeof(*found));
	int r = found ? guard_read(link, table, found) : -ENOMEM;

	ret->n = 0;
	if (r == -ENOENT)
		r = 0;
	for (size_t i = 0; r == 0 && want->isolations && i < want->isolations->n; i++)
		r = isolations_add(ret, &want->isolations->v[i]);
	if (r == 0 && without)
		isolations_remove(&found->isolations, without);
	for (size_t i = 0; r == 0 && i < found->isolations.n; i++)
		r = isolations_add(ret, &found->isolations.v[i]);
	if (without)
		isolations_remove(ret, without);
	free(found);
	return r;
}

int guard_make(struct link *link, const char *table, uint32_t table_flags,
	       const struct guard_want *want, const struct isolation *without,
	       struct isolations *ret_all)
{
	struct guard_rules rules;
	uint32_t genid;
	int r = -ERESTART;

	for (int i = 0; i < GUARD_RETRIES && (r == -ERESTART || r == -EINTR); i++) {
		r = link_genid(link, &genid);
		if (r == 0 && ret_all)
			r = merge(link, table, want, without, ret_all);
		if (r < 0)
			continue;
		all_rules(&rules, table, want, ret_all ? ret_all : want->isolations);
		r = make_once(link, &rules, table, table_flags, genid);
		guard_rules_done(&rules);
	}
	return r;
}

// --- reading it back

struct reader {
	struct guard_found *found;	 // NULL: only rules are looked for
	const struct guard_rules *rules; // that are looked for
	uint8_t *seen;			 // of each
	const char *table;
	bool dormant, drops[GUARD_CHAINS];
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
	       expr_put_rule(nlh, ruleset, rule, &no_features, &stmt) == 0 &&
	       compare_expressions(mnl_nlmsg_get_payload(nlh), attrs[NFTA_RULE_EXPRESSIONS]);
}

static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_RULE_MAX + 1];
	struct reader *reader = arg;
	char comment[ISOLATION_COMMENT_MAX];
	struct isolation *one;
	struct isolation_target target;

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
		for (uint32_t i = 0; i < reader->rules->rules.n; i++)
			if (is_rule(reader, i, attrs))
				reader->drops[reader->rules->rules.v[i].chain] = true;
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
		guard_put_drop(rules, chain);
	guard_rules_end(rules);
}

int guard_read(struct link *link, const char *table, struct guard_found *ret_found)
{
	struct guard_rules rules;
	struct reader reader = { .found = ret_found, .table = table, .rules = &rules };
	int r = -EINTR;

	plain_drops(&rules, table);
	for (int i = 0; i < GUARD_RETRIES && r == -EINTR; i++) {
		ret_found->isolations.n = 0;
		memset(reader.drops, 0, sizeof(reader.drops));
		r = read_table(link, &reader);
	}
	ret_found->state = r == -ENOENT ? KERNEL_GUARD_ABSENT
			   : reader.drops[0] && reader.drops[1] && !reader.dormant
				   ? KERNEL_GUARD_CLOSED
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

	rules_of(&rules, table, want, isolation, GUARD_WHOLE);
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
