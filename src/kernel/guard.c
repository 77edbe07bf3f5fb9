// The guard in the kernel.  A chain is never taken away: the kernel would drop what queues hold.
#include "kernel/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "kernel/encode.h"
#include "kernel/guard_rules.h"
#include "kernel/link.h"
#include "kernel/private.h"

#ifndef ERESTART
#define ERESTART 85
#endif

// Written from the last rule to the first, each before all others: so they stand as in `rules`.
static int put_first(struct batch *batch, const struct guard_rules *rules)
{
	uint32_t stmt;
	int r = 0;

	for (size_t i = rules->rules.n; i-- > 0 && r == 0;)
		r = encode_first_rule(batch, &rules->ruleset, (uint32_t)i, &guard_features, &stmt);
	return r;
}

static int put_last(struct batch *batch, const struct guard_rules *rules)
{
	uint32_t stmt;
	int r = 0;

	for (size_t i = 0; i < rules->rules.n && r == 0; i++)
		r = encode_rule(batch, &rules->ruleset, (uint32_t)i, &guard_features, &stmt);
	return r;
}

static int send_batch(struct link *link, struct batch *batch)
{
	int r;

	batch_end(batch, true);
	r = link_send(link, batch, NULL, NULL);
	batch_done(batch);
	return r;
}

void guard_put_one(struct guard_rules *rules, const char *table, const struct guard_want *want,
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
	       const struct isolation *isolation, enum guard_part part)
{
	struct guard_rules rules;
	struct batch batch;
	int r;

	guard_put_one(&rules, table, want, isolation, part);
	batch_begin(&batch, link->seq + 1, NULL);
	r = isolation->kind == ISOLATION_ALL ? put_last(&batch, &rules) : put_first(&batch, &rules);
	if (r < 0)
		batch_done(&batch);
	else
		r = send_batch(link, &batch);
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
		return add(link, table, want, isolation, GUARD_WHOLE);
	r = add(link, table, want, isolation, GUARD_FIRST);
	return r < 0 ? r : add(link, table, want, isolation, GUARD_REST);
}

void guard_rehearse(struct link *link, const char *table, const struct isolation *isolation)
{
	struct guard_rules rules;
	struct batch batch;
	uint32_t stmt;
	int r = 0;

	guard_put_one(&rules, table, NULL, isolation, GUARD_FIRST);
	batch_begin(&batch, link->seq + 1, NULL);
	for (uint32_t i = 0; i < rules.rules.n && r == 0; i++) {
		r = encode_first_rule(&batch, &rules.ruleset, i, &guard_features, &stmt);
		encode_passing_rule(&batch, i);
	}
	for (uint32_t i = 0; i < rules.rules.n; i++)
		encode_drop_passing_rule(&batch, &rules.ruleset, i);
	if (r < 0)
		batch_done(&batch);
	else
		send_batch(link, &batch);
	guard_rules_done(&rules);
}

// --- all of it

void guard_put_whole(struct guard_rules *rules, const char *table, const struct guard_want *want,
		     const struct isolations *isolations, size_t front[GUARD_CHAINS])
{
	const struct isolation all = { .kind = ISOLATION_ALL };
	const struct isolation *total = isolations ? isolations_find(isolations, &all) : NULL;

	guard_rules_begin(rules, table);
	for (unsigned chain = 0; chain < GUARD_CHAINS; chain++) {
		if (isolations && isolations->n > (total ? 1 : 0))
			guard_put_management(rules, chain, want->management);
		for (size_t i = 0; isolations && i < isolations->n; i++)
			if (isolations->v[i].kind != ISOLATION_ALL)
				guard_put_isolation(rules, chain, &isolations->v[i], GUARD_WHOLE);
		front[chain] = rules->rules.n;
		if (total)
			guard_put_all(rules, chain, want, total);
		if (want->state == KERNEL_GUARD_CLOSED)
			guard_put_closed(rules, chain, want);
	}
	guard_rules_end(rules);
}

static int make_once(struct link *link, const struct guard_rules *rules, const char *table,
		     uint32_t table_flags, bool anew, uint32_t genid)
{
	struct batch batch;
	int r;

	batch_begin(&batch, link->seq + 1, &genid);
	encode_table(&batch, table, table_flags);
	if (anew) {
		encode_drop_table(&batch, table);
		encode_table(&batch, table, table_flags);
	}
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
	return send_batch(link, &batch);
}

// What is wanted and what the kernel holds besides.
static int merge(struct link *link, const char *table, struct guard_want *want,
		 const struct isolation *without, struct isolations *ret)
{
	struct guard_found *found = calloc(1, sizeof(*found));
	int r = found ? guard_read(link, table, found) : -ENOMEM;

	ret->n = 0;
	if (r == -ENOENT)
		r = 0;
	if (r == 0 && found->by_hand && !want->hand_over) {
		want->state = KERNEL_GUARD_CLOSED;
		want->by_hand = true;
	}
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

// -EEXIST: somebody made one of the chains anew, with another hook or none.
int guard_make(struct link *link, const char *table, uint32_t table_flags,
	       const struct guard_want *want, const struct isolation *without,
	       struct isolations *ret_all)
{
	struct guard_rules rules;
	size_t front[GUARD_CHAINS];
	bool anew = want->anew;
	uint32_t genid;
	int r = -ERESTART;

	for (int i = 0; i < GUARD_RETRIES && (r == -ERESTART || r == -EINTR || r == -EEXIST); i++) {
		struct guard_want merged = *want;

		anew |= r == -EEXIST;
		r = link_genid(link, &genid);
		if (r == 0 && ret_all)
			r = merge(link, table, &merged, without, ret_all);
		if (r < 0)
			continue;
		guard_put_whole(&rules, table, &merged, ret_all ? ret_all : want->isolations,
				front);
		r = make_once(link, &rules, table, table_flags, anew, genid);
		guard_rules_done(&rules);
	}
	return r;
}
