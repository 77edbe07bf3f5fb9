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

#include "base/names.h"
#include "kernel/diff.h"
#include "kernel/encode.h"
#include "kernel/present.h"
#include "kernel/private.h"
#include "kernel/words.h"

#ifndef ERESTART
#define ERESTART 85
#endif

struct commit {
	struct link *link;
	const struct commit_request *request;
	const struct ruleset *next, *previous; // previous NULL: what is there is read
	const char *table;
	struct present present;
	struct diff diff;
	unsigned passes; // enum commit_pass, of what the first batch takes away
	bool replace;	 // the table itself is deleted and made anew
	uint32_t genid;
	char marker[RS_NAME_MAX + 1]; // "": none
	struct names counts, starts;  // of present and of the request, when they are wanted
	struct batch batch;
	struct kernel_error *error;
};

static int commit_fail(struct commit *commit, int status)
{
	words_refusal(commit->error, commit->next, &commit->batch, NULL, status, 0);
	return status;
}

// Fills present.  -EAGAIN: what this process committed last is not what runs.
static int commit_look(struct commit *commit)
{
	const struct ruleset *previous = commit->previous;
	char marker[RS_NAME_MAX + 1];
	int r;

	if (!previous)
		return present_read(&commit->present, commit->link, commit->table);
	r = present_read_table(&commit->present, commit->link, commit->table);
	if (r < 0)
		return r;
	present_marker_name(previous->generation, marker);
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
	return commit->replace && commit->previous ? -EAGAIN : 0;
}

// -EAGAIN: something must be made anew whose users are not all replaced.
static int commit_judge(struct commit *commit)
{
	int r = commit_judge_table(commit);

	if (r < 0)
		return r;
	diff_init(&commit->diff, &commit->present, commit->next, commit->previous, commit->replace);
	return commit->previous && diff_remakes(&commit->diff) ? -EAGAIN : 0;
}

// What a chain that is there becomes, or DIFF_NEW: it is not wanted.
static enum diff_fate commit_old_fate(const struct commit *commit, size_t chain)
{
	uint32_t at = commit->diff.chains.to_next[chain];

	if (at != MATCH_NONE)
		return commit->diff.chain_fates[at];
	return strcmp(commit->present.chains.v[chain].name, commit->marker) == 0 ? DIFF_KEEP
										 : DIFF_NEW;
}

static void commit_drop_rules(struct commit *commit)
{
	if (!commit->previous) {
		encode_flush_rules(&commit->batch, commit->table, NULL);
		return;
	}
	for (size_t i = 0; i < commit->present.chains.n; i++)
		if (commit_old_fate(commit, i) != DIFF_KEEP)
			encode_flush_rules(&commit->batch, commit->table,
					   commit->present.chains.v[i].name);
}

// What goes in which batch: a name that is used again goes in the first, with the new rules.
// Everything else goes in the second, after them: a packet that has begun on the old rules looks
// sets up as they are at that moment, and in sets that go with the rules it would find nothing.
enum commit_pass { COMMIT_FIRST = 1, COMMIT_SECOND = 2, COMMIT_BOTH = 3 };

static bool commit_goes(enum diff_fate fate, unsigned pass)
{
	return (fate == DIFF_REMAKE && pass & COMMIT_FIRST) ||
	       (fate == DIFF_NEW && pass & COMMIT_SECOND);
}

static enum diff_fate commit_fate_of(const uint8_t *fates, uint32_t at)
{
	return at == MATCH_NONE ? DIFF_NEW : fates[at];
}

static void commit_drop_sets(struct commit *commit, unsigned pass)
{
	for (size_t i = 0; i < commit->present.sets.n; i++)
		if (commit_goes(commit_fate_of(commit->diff.set_fates,
					       commit->diff.sets.to_next[i]),
				pass))
			encode_drop_set(&commit->batch, commit->table,
					commit->present.sets.v[i].name);
}

static void commit_drop_chains(struct commit *commit, unsigned pass)
{
	for (size_t i = 0; i < commit->present.chains.n; i++) {
		const struct present_chain *chain = &commit->present.chains.v[i];
		enum diff_fate fate = commit_old_fate(commit, i);
		bool marker = fate == DIFF_NEW && present_marker(chain->name);

		if (fate == DIFF_NEW && chain->base) {
			if (chain->drop && pass & COMMIT_FIRST)
				encode_idle_chain(&commit->batch, commit->table, chain->name);
		} else if (marker ? pass & COMMIT_FIRST : commit_goes(fate, pass)) {
			encode_drop_chain(&commit->batch, commit->table, chain->name);
		}
	}
}

static void commit_drop_objs(struct commit *commit, unsigned pass)
{
	for (size_t i = 0; i < commit->present.objs.n; i++) {
		const struct present_object *obj = &commit->present.objs.v[i];

		if (commit_goes(commit_fate_of(commit->diff.obj_fates,
					       commit->diff.objs.to_next[i]),
				pass))
			encode_drop_obj(&commit->batch, commit->table, obj->name, obj->type);
	}
}

static bool commit_has_marker(const struct commit *commit)
{
	if (commit->present.table && !commit->replace)
		for (size_t i = 0; i < commit->present.chains.n; i++)
			if (strcmp(commit->present.chains.v[i].name, commit->marker) == 0)
				return true;
	for (size_t i = 0; i < commit->next->n_chains; i++)
		if (strcmp(rs_string(commit->next, commit->next->chains[i].name), commit->marker) ==
		    0)
			return true;
	return false;
}

// Of a base chain that is known.
static bool commit_same_policy(const struct commit *commit, uint32_t chain)
{
	uint32_t at = commit->diff.chains.to_there[chain];

	return commit->previous && at != MATCH_NONE &&
	       commit->present.chains.v[at].drop == (commit->next->chains[chain].drop != 0);
}

static void commit_add_chains(struct commit *commit)
{
	const struct ruleset *next = commit->next;

	for (uint32_t i = 0; i < next->n_chains; i++) {
		enum diff_fate fate = commit->diff.chain_fates[i];

		// A base chain that is there is told its policy again, which changes nothing else.
		if (fate == DIFF_NEW || fate == DIFF_REMAKE ||
		    (next->chains[i].base && !commit_same_policy(commit, i)))
			encode_chain(&commit->batch, next, i);
	}
	if (commit->marker[0] && !commit_has_marker(commit))
		encode_plain_chain(&commit->batch, commit->table, commit->marker);
}

// What a new counter starts at, or NULL: a table that is replaced hands its counts on, and what
// it has not comes from the caller.
static const struct kernel_counter *commit_start(struct commit *commit, const char *name,
						 struct kernel_counter *scratch)
{
	const struct commit_request *request = commit->request;
	const struct present *present = &commit->present;
	uint32_t at;

	if (commit->replace && !commit->counts.n)
		for (size_t i = 0; i < present->objs.n; i++)
			if (present->objs.v[i].type == NFT_OBJECT_COUNTER)
				names_add(&commit->counts, present->objs.v[i].name, (uint32_t)i);
	if (!commit->starts.n)
		for (size_t i = 0; i < request->n_counters; i++)
			names_add(&commit->starts, request->counters[i].name, (uint32_t)i);
	at = names_get(&commit->counts, name);
	if (at != NAMES_NONE) {
		*scratch = (struct kernel_counter){ name, present->objs.v[at].packets,
						    present->objs.v[at].bytes };
		return scratch;
	}
	at = names_get(&commit->starts, name);
	return at == NAMES_NONE ? NULL : &request->counters[at];
}

static void commit_add_objs(struct commit *commit)
{
	struct kernel_counter scratch;

	for (uint32_t i = 0; i < commit->next->n_objs; i++)
		if (commit->diff.obj_fates[i] != DIFF_KEEP)
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

		if (commit->diff.set_fates[i] == DIFF_KEEP)
			continue;
		r = encode_set(&commit->batch, commit->next, i);
		if (r < 0)
			return commit_fail_local(commit, BATCH_SET, i, r);
		encode_elems(&commit->batch, commit->next, i, commit->previous != NULL);
	}
	return 0;
}

static int commit_add_rules(struct commit *commit)
{
	const struct ruleset *next = commit->next;

	for (uint32_t i = 0; i < next->n_chains; i++) {
		const struct rs_chain *chain = &next->chains[i];

		if (commit->diff.chain_fates[i] == DIFF_KEEP)
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

static void commit_drop(struct commit *commit, unsigned pass)
{
	commit_drop_sets(commit, pass);
	commit_drop_chains(commit, pass);
	commit_drop_objs(commit, pass);
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
		// What is remade may be held by a set that goes: then all of it goes at once.
		commit->passes = diff_remakes(&commit->diff) ? COMMIT_BOTH : COMMIT_FIRST;
		commit_drop_rules(commit);
		commit_drop(commit, commit->passes);
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

// The second batch: what nothing refers to any more.  Should it fail, read-back finds what stayed,
// and the next commit that reads what is there takes it away.
static void commit_tidy(struct commit *commit)
{
	if (commit->passes != COMMIT_FIRST)
		return;
	batch_done(&commit->batch);
	batch_begin(&commit->batch, commit->link->seq + 1, NULL);
	commit_drop(commit, COMMIT_SECOND);
	batch_end(&commit->batch, true);
	if (commit->batch.marks.n)
		link_send(commit->link, &commit->batch, NULL, NULL);
}

// -EAGAIN: what was thought to be known is not so.
static int commit_try(struct link *link, const struct commit_request *request, bool known,
		      struct kernel_error *error)
{
	struct commit commit = { .link = link,
				 .request = request,
				 .next = request->next,
				 .previous = known ? request->previous : NULL,
				 .table = rs_string(request->next, request->next->table),
				 .error = error };
	int r = link_genid(link, &commit.genid);

	present_marker_name(request->next->generation, commit.marker);
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
	if (r == 0)
		commit_tidy(&commit);
	diff_done(&commit.diff);
	present_done(&commit.present);
	names_done(&commit.counts);
	names_done(&commit.starts);
	batch_done(&commit.batch);
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
		if (r == 0) {
			if (request->ret_known)
				*request->ret_known = known;
			return 0;
		}
		if (r == -ERESTART || r == -EINTR)
			continue; // somebody changed some table in between
		// Any other failure of the short way may come from its being wrong about what runs.
		if (!known)
			break;
		known = false;
	}
	*ret_error = error;
	return r;
}
