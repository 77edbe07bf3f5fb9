#include "kernel/diff.h"

#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "base/vec.h"
#include "kernel/encode.h"
#include "kernel/expr.h"

static const char *diff_there_chain(const void *arg, uint32_t i)
{
	return ((const struct present *)arg)->chains.v[i].name;
}

static const char *diff_there_set(const void *arg, uint32_t i)
{
	return ((const struct present *)arg)->sets.v[i].name;
}

static const char *diff_there_obj(const void *arg, uint32_t i)
{
	return ((const struct present *)arg)->objs.v[i].name;
}

static const char *diff_next_chain(const void *arg, uint32_t i)
{
	const struct ruleset *ruleset = arg;

	return rs_string(ruleset, ruleset->chains[i].name);
}

static const char *diff_next_obj(const void *arg, uint32_t i)
{
	const struct ruleset *ruleset = arg;

	return rs_string(ruleset, ruleset->objs[i].name);
}

typedef char diff_set_name[RS_NAME_MAX + 1];

static const char *diff_next_set(const void *arg, uint32_t i)
{
	const diff_set_name *names = arg;

	return names[i];
}

static void diff_match_sets(struct diff *diff, uint32_t n_there)
{
	const struct ruleset *next = diff->next;
	diff_set_name *names = NULL;
	size_t cap = 0;

	vec_grow((void **)&names, &cap, next->n_sets + 1, sizeof(*names));
	for (uint32_t i = 0; i < next->n_sets; i++)
		expr_set_name(next, i, names[i]);
	match_init(&diff->sets, &(struct match_list){ n_there, diff_there_set, diff->present },
		   &(struct match_list){ (uint32_t)next->n_sets, diff_next_set, names });
	free(names);
}

static bool diff_same_obj(const struct diff *diff, const struct present_object *there,
			  const struct rs_obj *obj)
{
	const struct rs_obj *before;

	if (there->type != encode_obj_type(obj))
		return false;
	if (there->type == NFT_OBJECT_COUNTER)
		return true;
	if (there->known == RS_NONE)
		return false; // what helper it is was not read: made anew
	before = &diff->previous->objs[there->known];
	return before->protocol == obj->protocol &&
	       strcmp(rs_string(diff->previous, before->helper),
		      rs_string(diff->next, obj->helper)) == 0;
}

static enum diff_fate diff_obj(const struct diff *diff, uint32_t i)
{
	uint32_t at = diff->objs.to_there[i];

	if (at == MATCH_NONE)
		return DIFF_NEW;
	return diff_same_obj(diff, &diff->present->objs.v[at], &diff->next->objs[i]) ? DIFF_KEEP
										     : DIFF_REMAKE;
}

static enum diff_fate diff_set(const struct diff *diff, uint32_t i)
{
	uint32_t at = diff->sets.to_there[i];
	const struct present_set *there;

	if (at == MATCH_NONE)
		return DIFF_NEW;
	there = &diff->present->sets.v[at];
	// The name holds half of the version only.
	return there->known != RS_NONE && diff->previous->sets[there->known].version ==
						  diff->next->sets[i].version
		       ? DIFF_KEEP
		       : DIFF_REMAKE;
}

static bool diff_stmt_rests(const struct diff *diff, const struct rs_stmt *stmt)
{
	if (stmt->kind == RS_LOOKUP || stmt->kind == RS_VMAP || stmt->kind == RS_COUNT_MAP)
		return diff->set_fates[stmt->ref] == DIFF_KEEP;
	if (stmt->kind == RS_COUNT || stmt->kind == RS_HELPER)
		return diff->obj_fates[stmt->ref] == DIFF_KEEP;
	return true;
}

// Whether everything that the rules of a chain name stays as it is.
static bool diff_chain_rests(const struct diff *diff, const struct rs_chain *chain)
{
	const struct rs_rule *rules = diff->next->rules + chain->first_rule;

	for (uint32_t i = 0; i < chain->n_rules; i++)
		for (uint32_t j = 0; j < rules[i].n_stmts; j++)
			if (!diff_stmt_rests(diff, &diff->next->stmts[rules[i].first_stmt + j]))
				return false;
	return true;
}

static bool diff_same_hook(const struct present_chain *there, const struct rs_chain *chain)
{
	if (there->base != (chain->base != 0))
		return false;
	return !chain->base || (there->hook == chain->hook && there->priority == chain->priority &&
				there->nat == (chain->nat != 0));
}

static enum diff_fate diff_chain(const struct diff *diff, uint32_t i)
{
	const struct rs_chain *chain = &diff->next->chains[i];
	uint32_t at = diff->chains.to_there[i];
	const struct present_chain *there;

	if (at == MATCH_NONE)
		return DIFF_NEW;
	there = &diff->present->chains.v[at];
	if (!diff_same_hook(there, chain))
		return DIFF_REMAKE;
	if (there->known == RS_NONE ||
	    diff->previous->chains[there->known].version != chain->version)
		return DIFF_REPLACE;
	return diff_chain_rests(diff, chain) ? DIFF_KEEP : DIFF_REPLACE;
}

static uint8_t *diff_fates(const struct diff *diff, size_t n,
			   enum diff_fate (*fate)(const struct diff *, uint32_t))
{
	uint8_t *fates = NULL;
	size_t cap = 0;

	vec_grow((void **)&fates, &cap, n + 1, 1);
	for (uint32_t i = 0; i < n; i++)
		fates[i] = (uint8_t)fate(diff, i);
	return fates;
}

void diff_init(struct diff *diff, const struct present *present, const struct ruleset *next,
	       const struct ruleset *previous, bool fresh)
{
	uint32_t chains = fresh ? 0 : (uint32_t)present->chains.n;
	uint32_t objs = fresh ? 0 : (uint32_t)present->objs.n;

	*diff = (struct diff){ .present = present, .next = next, .previous = previous };
	match_init(&diff->chains, &(struct match_list){ chains, diff_there_chain, present },
		   &(struct match_list){ (uint32_t)next->n_chains, diff_next_chain, next });
	match_init(&diff->objs, &(struct match_list){ objs, diff_there_obj, present },
		   &(struct match_list){ (uint32_t)next->n_objs, diff_next_obj, next });
	diff_match_sets(diff, fresh ? 0 : (uint32_t)present->sets.n);
	diff->obj_fates = diff_fates(diff, next->n_objs, diff_obj);
	diff->set_fates = diff_fates(diff, next->n_sets, diff_set);
	diff->chain_fates = diff_fates(diff, next->n_chains, diff_chain);
}

void diff_done(struct diff *diff)
{
	match_done(&diff->chains);
	match_done(&diff->sets);
	match_done(&diff->objs);
	free(diff->chain_fates);
	free(diff->set_fates);
	free(diff->obj_fates);
	*diff = (struct diff){ 0 };
}

bool diff_remakes(const struct diff *diff)
{
	for (size_t i = 0; i < diff->next->n_chains; i++)
		if (diff->chain_fates[i] == DIFF_REMAKE)
			return true;
	for (size_t i = 0; i < diff->next->n_objs; i++)
		if (diff->obj_fates[i] == DIFF_REMAKE)
			return true;
	return false;
}
