// A commit: what is there, what is wanted, and the one batch that leads from the first to the
// second.  Its order: what goes (rules, sets, chains, objects, each after what refers to it), then
// what comes (chains, objects, sets with their elements, rules), so that a name can be used again.
//
// What is there is either known, from the ruleset this process committed last, or read from the
// kernel.  Known: whatever did not change is left alone.  Read: somebody else may have made it, so
// everything but base chains and counters is replaced.
//
// A base chain is never deleted unless its hook is another one: the kernel drops every packet that
// is held in a queue when any base chain goes.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "kernel/encode.h"
#include "kernel/expr.h"
#include "base/names.h"
#include "kernel/present.h"
#include "kernel/private.h"
#include "kernel/words.h"

#ifndef ERESTART
#define ERESTART 85
#endif

enum commit_fate {
	COMMIT_NEW,
	COMMIT_REMAKE,	// there, but to be deleted and made anew
	COMMIT_REPLACE, // there: its rules are replaced
	COMMIT_KEEP,
};

struct commit {
	struct link *link;
	const struct commit_request *request;
	const struct ruleset *next;
	const char *table;
	struct present present;
	bool known;   // present is what this process committed
	bool replace; // the table itself is deleted and made anew
	uint32_t genid;
	char marker[RS_NAME_MAX + 1];
	struct names chains, objs, starts;	      // of next, by name; of the request's counters
	uint8_t *chain_fates, *set_fates, *obj_fates; // enum commit_fate, of next
	struct batch batch;
	struct kernel_error *error;
};

static uint8_t *commit_fates(size_t n)
{
	uint8_t *fates = NULL;
	size_t cap = 0;

	vec_grow((void **)&fates, &cap, n + 1, 1);
	memset(fates, COMMIT_NEW, n + 1);
	return fates;
}

static void commit_init(struct commit *commit, struct link *link,
			const struct commit_request *request, struct kernel_error *error)
{
	const struct ruleset *next = request->next;

	*commit = (struct commit){ .link = link, .request = request, .next = next, .error = error };
	commit->table = rs_string(next, next->table);
	if (next->generation)
		snprintf(commit->marker, sizeof(commit->marker), "generation_%llu",
			 (unsigned long long)next->generation);
	for (uint32_t i = 0; i < next->n_chains; i++)
		names_add(&commit->chains, rs_string(next, next->chains[i].name), i);
	for (uint32_t i = 0; i < next->n_objs; i++)
		names_add(&commit->objs, rs_string(next, next->objs[i].name), i);
	for (uint32_t i = 0; i < request->n_counters; i++)
		names_add(&commit->starts, request->counters[i].name, i);
	commit->chain_fates = commit_fates(next->n_chains);
	commit->set_fates = commit_fates(next->n_sets);
	commit->obj_fates = commit_fates(next->n_objs);
}

static void commit_done(struct commit *commit)
{
	present_done(&commit->present);
	names_done(&commit->chains);
	names_done(&commit->objs);
	names_done(&commit->starts);
	free(commit->chain_fates);
	free(commit->set_fates);
	free(commit->obj_fates);
	batch_done(&commit->batch);
}

static int commit_fail(struct commit *commit, int status)
{
	words_refusal(commit->error, commit->next, &commit->batch, NULL, status, 0);
	return status;
}

// Fills present.  -EAGAIN: what this process committed last is not what runs.
static int commit_look(struct commit *commit)
{
	const struct ruleset *previous = commit->request->previous;
	char marker[RS_NAME_MAX + 1];
	int r;

	if (!commit->known)
		return present_read(&commit->present, commit->link, commit->table);
	r = present_read_table(&commit->present, commit->link, commit->table);
	if (r < 0)
		return r;
	snprintf(marker, sizeof(marker), "generation_%llu",
		 (unsigned long long)previous->generation);
	if (!commit->present.table || !previous->generation ||
	    present_has_chain(commit->link, commit->table, marker) != 1)
		return -EAGAIN;
	present_assume(&commit->present, previous);
	return 0;
}

// Whether the table can be gone on with.
static int commit_judge_table(struct commit *commit)
{
	const struct present *present = &commit->present;
	uint32_t want = commit->request->table_flags;

	if (!present->table)
		return 0;
	if (present->owner && present->owner != commit->link->port) {
		words_refusal(commit->error, commit->next, &commit->batch,
			      &(struct batch_mark){ .what = BATCH_TABLE, .index = RS_NONE }, -EPERM,
			      0);
		return -EPERM;
	}
	// An orphan keeps PERSIST and can be adopted; no other flag can be changed, so a table
	// with others is replaced, in the same batch: no packet meets a moment without rules.
	commit->replace = (present->flags ^ want) & ENCODE_PERSIST ||
			  ((present->flags & NFT_TABLE_F_OWNER) && !(want & NFT_TABLE_F_OWNER));
	return commit->replace && commit->known ? -EAGAIN : 0;
}

static bool commit_same_chain(const struct present_chain *there, const struct rs_chain *chain)
{
	if (there->base != (chain->base != 0))
		return false;
	return !chain->base || (there->hook == chain->hook && there->priority == chain->priority &&
				there->nat == (chain->nat != 0));
}

static bool commit_same_obj(const struct commit *commit, const struct present_object *there,
			    const struct rs_obj *obj)
{
	const struct ruleset *previous = commit->request->previous;
	const struct rs_obj *before;

	if (there->type != encode_obj_type(obj))
		return false;
	if (there->type == NFT_OBJECT_COUNTER)
		return true;
	if (there->known == RS_NONE)
		return false; // the kernel's helper objects are not looked into: made anew
	before = &previous->objs[there->known];
	return before->protocol == obj->protocol &&
	       strcmp(rs_string(previous, before->helper), rs_string(commit->next, obj->helper)) ==
		       0;
}

static void commit_judge_objs(struct commit *commit)
{
	for (uint32_t i = 0; i < commit->next->n_objs; i++) {
		const struct rs_obj *obj = &commit->next->objs[i];
		uint32_t at =
			names_get(&commit->present.obj_names, rs_string(commit->next, obj->name));

		if (at == RS_NONE)
			commit->obj_fates[i] = COMMIT_NEW;
		else if (commit_same_obj(commit, &commit->present.objs.v[at], obj))
			commit->obj_fates[i] = COMMIT_KEEP;
		else
			commit->obj_fates[i] = COMMIT_REMAKE;
	}
}

static void commit_judge_sets(struct commit *commit)
{
	char name[RS_NAME_MAX + 1];

	for (uint32_t i = 0; i < commit->next->n_sets; i++) {
		const struct present_set *there;
		uint32_t at;

		expr_set_name(commit->next, i, name);
		at = names_get(&commit->present.set_names, name);
		if (at == RS_NONE)
			continue;
		there = &commit->present.sets.v[at];
		// The name holds half of the hash only.
		commit->set_fates[i] =
			there->known != RS_NONE &&
					commit->request->previous->sets[there->known].version ==
						commit->next->sets[i].version
				? COMMIT_KEEP
				: COMMIT_REMAKE;
	}
}

// Whether everything that the rules of a chain name stays as it is.
static bool commit_chain_rests(const struct commit *commit, const struct rs_chain *chain)
{
	const struct ruleset *next = commit->next;

	for (uint32_t i = chain->first_rule; i < chain->first_rule + chain->n_rules; i++) {
		const struct rs_rule *rule = &next->rules[i];

		for (uint32_t j = rule->first_stmt; j < rule->first_stmt + rule->n_stmts; j++) {
			const struct rs_stmt *stmt = &next->stmts[j];

			if ((stmt->kind == RS_LOOKUP || stmt->kind == RS_VMAP ||
			     stmt->kind == RS_COUNT_MAP) &&
			    commit->set_fates[stmt->ref] != COMMIT_KEEP)
				return false;
			if ((stmt->kind == RS_COUNT || stmt->kind == RS_HELPER) &&
			    commit->obj_fates[stmt->ref] != COMMIT_KEEP)
				return false;
		}
	}
	return true;
}

static enum commit_fate commit_chain_fate(const struct commit *commit, const struct rs_chain *chain)
{
	const char *name = rs_string(commit->next, chain->name);
	uint32_t at = names_get(&commit->present.chain_names, name);
	const struct present_chain *there;

	if (at == RS_NONE)
		return COMMIT_NEW;
	there = &commit->present.chains.v[at];
	if (!commit_same_chain(there, chain))
		return COMMIT_REMAKE;
	if (there->known == RS_NONE ||
	    commit->request->previous->chains[there->known].version != chain->version)
		return COMMIT_REPLACE;
	return commit_chain_rests(commit, chain) ? COMMIT_KEEP : COMMIT_REPLACE;
}

// -EAGAIN: something must be made anew whose users are not all replaced.
static int commit_judge(struct commit *commit)
{
	bool remake = false;
	int r = commit_judge_table(commit);

	if (r < 0 || !commit->present.table || commit->replace)
		return r;
	commit_judge_objs(commit);
	commit_judge_sets(commit);
	for (uint32_t i = 0; i < commit->next->n_chains; i++) {
		commit->chain_fates[i] =
			(uint8_t)commit_chain_fate(commit, &commit->next->chains[i]);
		remake |= commit->chain_fates[i] == COMMIT_REMAKE;
	}
	for (uint32_t i = 0; i < commit->next->n_objs; i++)
		remake |= commit->obj_fates[i] == COMMIT_REMAKE;
	return remake && commit->known ? -EAGAIN : 0;
}

// What a chain that is there becomes, or COMMIT_NEW: it is not wanted.
static enum commit_fate commit_old_fate(const struct commit *commit,
					const struct present_chain *chain)
{
	uint32_t at = names_get(&commit->chains, chain->name);

	if (at != RS_NONE)
		return commit->chain_fates[at];
	return strcmp(chain->name, commit->marker) == 0 ? COMMIT_KEEP : COMMIT_NEW;
}

static void commit_drop_rules(struct commit *commit)
{
	if (!commit->known) {
		encode_flush_rules(&commit->batch, commit->table, NULL);
		return;
	}
	for (size_t i = 0; i < commit->present.chains.n; i++)
		if (commit_old_fate(commit, &commit->present.chains.v[i]) != COMMIT_KEEP)
			encode_flush_rules(&commit->batch, commit->table,
					   commit->present.chains.v[i].name);
}

static void commit_drop_sets(struct commit *commit)
{
	struct names kept = { 0 };
	char(*texts)[RS_NAME_MAX + 1] = NULL;
	size_t cap = 0;

	vec_grow((void **)&texts, &cap, commit->next->n_sets + 1, sizeof(*texts));
	for (uint32_t i = 0; i < commit->next->n_sets; i++) {
		if (commit->set_fates[i] != COMMIT_KEEP)
			continue;
		expr_set_name(commit->next, i, texts[i]);
		names_add(&kept, texts[i], i);
	}
	for (size_t i = 0; i < commit->present.sets.n; i++)
		if (names_get(&kept, commit->present.sets.v[i].name) == RS_NONE)
			encode_drop_set(&commit->batch, commit->table,
					commit->present.sets.v[i].name);
	names_done(&kept);
	free(texts);
}

static void commit_drop_chains(struct commit *commit)
{
	for (size_t i = 0; i < commit->present.chains.n; i++) {
		const struct present_chain *chain = &commit->present.chains.v[i];
		enum commit_fate fate = commit_old_fate(commit, chain);

		if (fate == COMMIT_REMAKE || (fate == COMMIT_NEW && !chain->base))
			encode_drop_chain(&commit->batch, commit->table, chain->name);
		else if (fate == COMMIT_NEW && chain->drop)
			encode_idle_chain(&commit->batch, commit->table, chain->name);
	}
}

static void commit_drop_objs(struct commit *commit)
{
	for (size_t i = 0; i < commit->present.objs.n; i++) {
		const struct present_object *obj = &commit->present.objs.v[i];
		uint32_t at = names_get(&commit->objs, obj->name);

		if (at == RS_NONE || commit->obj_fates[at] == COMMIT_REMAKE)
			encode_drop_obj(&commit->batch, commit->table, obj->name, obj->type);
	}
}

static void commit_add_chains(struct commit *commit)
{
	const struct ruleset *next = commit->next;

	for (uint32_t i = 0; i < next->n_chains; i++) {
		const struct rs_chain *chain = &next->chains[i];
		enum commit_fate fate = commit->chain_fates[i];

		// A base chain that is there is told its policy again, which changes nothing else.
		if (fate == COMMIT_NEW || fate == COMMIT_REMAKE || chain->base)
			encode_chain(&commit->batch, next, i);
	}
	if (commit->marker[0] && names_get(&commit->chains, commit->marker) == RS_NONE &&
	    (commit->replace || names_get(&commit->present.chain_names, commit->marker) == RS_NONE))
		encode_plain_chain(&commit->batch, commit->table, commit->marker);
}

// A counter goes on from what a table that is replaced counted, else from what the caller kept.
static const struct kernel_counter *commit_start(struct commit *commit, const char *name,
						 struct kernel_counter *scratch)
{
	uint32_t at = commit->replace ? names_get(&commit->present.obj_names, name) : RS_NONE;

	if (at != RS_NONE) {
		const struct present_object *obj = &commit->present.objs.v[at];

		*scratch = (struct kernel_counter){ name, obj->packets, obj->bytes };
		return scratch;
	}
	at = names_get(&commit->starts, name);
	return at == RS_NONE ? NULL : &commit->request->counters[at];
}

static void commit_add_objs(struct commit *commit)
{
	struct kernel_counter scratch;

	for (uint32_t i = 0; i < commit->next->n_objs; i++)
		if (commit->obj_fates[i] != COMMIT_KEEP)
			encode_obj(&commit->batch, commit->next, i,
				   commit_start(commit,
						rs_string(commit->next, commit->next->objs[i].name),
						&scratch));
}

static int commit_fail_local(struct commit *commit, enum batch_what what, uint32_t index,
			     int status)
{
	words_refusal(commit->error, commit->next, &commit->batch,
		      &(struct batch_mark){ .what = what, .index = index }, status, 0);
	return status;
}

static int commit_add_sets(struct commit *commit)
{
	for (uint32_t i = 0; i < commit->next->n_sets; i++) {
		int r;

		if (commit->set_fates[i] == COMMIT_KEEP)
			continue;
		r = encode_set(&commit->batch, commit->next, i);
		if (r < 0)
			return commit_fail_local(commit, BATCH_SET, i, r);
		encode_elems(&commit->batch, commit->next, i);
	}
	return 0;
}

static int commit_add_rules(struct commit *commit)
{
	const struct ruleset *next = commit->next;

	for (uint32_t i = 0; i < next->n_chains; i++) {
		const struct rs_chain *chain = &next->chains[i];

		if (commit->chain_fates[i] == COMMIT_KEEP)
			continue;
		for (uint32_t j = chain->first_rule; j < chain->first_rule + chain->n_rules; j++) {
			uint32_t stmt = 0;
			int r = encode_rule(&commit->batch, next, j, commit->request->features,
					    &stmt);

			if (r < 0) {
				commit_fail_local(commit, BATCH_RULE, j, r);
				words_lacking(commit->error,
					      next->stmts[next->rules[j].first_stmt + stmt].kind);
				return r;
			}
		}
	}
	return 0;
}

static int commit_write(struct commit *commit)
{
	struct batch *batch = &commit->batch;
	int r;

	batch_begin(batch, commit->link->seq + 1, &commit->genid);
	if (commit->replace)
		encode_drop_table(batch, commit->table);
	encode_table(batch, commit->table, commit->request->table_flags);
	if (commit->present.table && !commit->replace) {
		commit_drop_rules(commit);
		commit_drop_sets(commit);
		commit_drop_chains(commit);
		commit_drop_objs(commit);
	}
	commit_add_chains(commit);
	commit_add_objs(commit);
	r = commit_add_sets(commit);
	if (r == 0)
		r = commit_add_rules(commit);
	batch_end(batch, true);
	return r;
}

struct commit_refusal {
	struct commit *commit;
	bool told;
};

// The first refusal is the cause; those after it often only follow from it.
static void commit_take_refusal(uint32_t seq, int status, uint32_t offset, void *arg)
{
	struct commit_refusal *refusal = arg;
	struct commit *commit = refusal->commit;

	if (refusal->told)
		return;
	refusal->told = true;
	words_refusal(commit->error, commit->next, &commit->batch, batch_find(&commit->batch, seq),
		      status, offset);
}

// The answers were lost: did it happen?
static int commit_ask_kernel(struct commit *commit)
{
	uint32_t genid;
	int r = link_genid(commit->link, &genid);

	if (r < 0 || genid == commit->genid)
		return -ENOBUFS;
	if (!commit->marker[0])
		return genid == commit->genid + 1 ? 0 : -ENOBUFS;
	return present_has_chain(commit->link, commit->table, commit->marker) == 1 ? 0 : -ENOBUFS;
}

static int commit_send(struct commit *commit)
{
	struct commit_refusal refusal = { .commit = commit };
	int r = link_send(commit->link, &commit->batch, commit_take_refusal, &refusal);

	if (r == -ENOBUFS)
		r = commit_ask_kernel(commit);
	if (r < 0 && !refusal.told)
		commit_fail(commit, r);
	return r;
}

// -EAGAIN: what was thought to be known is not so.
static int commit_try(struct link *link, const struct commit_request *request, bool known,
		      struct kernel_error *error)
{
	struct commit commit;
	int r;

	commit_init(&commit, link, request, error);
	commit.known = known;
	r = link_genid(link, &commit.genid);
	if (r == 0)
		r = commit_look(&commit);
	if (r == 0)
		r = commit_judge(&commit);
	if (r < 0 && !error->error)
		commit_fail(&commit, r);
	if (r == 0)
		r = commit_write(&commit);
	if (r == 0)
		r = commit_send(&commit);
	commit_done(&commit);
	return r;
}

int commit_run(struct link *link, const struct commit_request *request,
	       struct kernel_error *ret_error)
{
	struct kernel_error error = { 0 };
	bool known = request->previous != NULL;
	int r = -EINTR;

	for (int i = 0; i < LINK_RETRIES; i++) {
		error = (struct kernel_error){ .origin = RS_NONE };
		r = commit_try(link, request, known, &error);
		if (r == 0)
			return 0;
		// Any failure of the short way may come from its being wrong about what runs.
		if (!known && r != -ERESTART && r != -EINTR)
			break;
		known = false;
	}
	*ret_error = error;
	return r;
}
