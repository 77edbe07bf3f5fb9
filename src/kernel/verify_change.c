// Reading back what one commit changed: every chain, set and object that it made or took away. What
// stayed was read before, and nobody touched the table since (kernel_verify_commit).
#include <errno.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "kernel/diff.h"
#include "kernel/encode.h"
#include "kernel/private.h"
#include "kernel/verify.h"

struct change {
	struct verify *verify;
	struct diff diff;
	struct present present; // what was there before
};

// A chain that is there, or should be.
static int change_chain(struct change *change, const char *name)
{
	struct verify *verify = change->verify;
	struct present *present = &verify->present;
	int r = present_read_chain(present, verify->link, verify->table, name);

	if (r == -ENOENT)
		return verify_tell(verify, "chain %s is missing", name);
	if (r == 0)
		r = verify_chain(verify, &present->chains.v[present->chains.n - 1]);
	return r == 0 ? verify_rules_of(verify, name) : r;
}

static int change_chains(struct change *change)
{
	struct verify *verify = change->verify;
	const struct ruleset *next = verify->ruleset;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < next->n_chains; i++)
		if (change->diff.chain_fates[i] != DIFF_KEEP)
			r = change_chain(change, rs_string(next, next->chains[i].name));
	if (r == 0 && verify->marker[0])
		r = change_chain(change, verify->marker);
	return r;
}

static int change_gone_chains(struct change *change)
{
	struct verify *verify = change->verify;
	int r = 0;

	for (size_t i = 0; r == 0 && i < change->present.chains.n; i++) {
		const struct present_chain *chain = &change->present.chains.v[i];

		if (change->diff.chains.to_next[i] != MATCH_NONE ||
		    strcmp(chain->name, verify->marker) == 0)
			continue;
		if (chain->base) { // it stays, open and empty
			r = change_chain(change, chain->name);
			continue;
		}
		r = present_has_chain(verify->link, verify->table, chain->name);
		if (r > 0)
			r = verify_tell(verify, "chain %s is not of the policy", chain->name);
	}
	return r;
}

static int change_ask_set(struct change *change, const char *name)
{
	struct verify *verify = change->verify;
	struct nlmsghdr *nlh = link_request(verify->link, NFT_MSG_GETSET, 0);

	batch_put_text(nlh, NFTA_SET_TABLE, verify->table);
	batch_put_text(nlh, NFTA_SET_NAME, name);
	return link_ask(verify->link, nlh, verify_take_set, verify);
}

static int change_sets(struct change *change)
{
	struct verify *verify = change->verify;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < verify->ruleset->n_sets; i++) {
		if (change->diff.set_fates[i] == DIFF_KEEP)
			continue;
		r = change_ask_set(change, verify->set_names[i]);
		if (r == -ENOENT)
			r = verify_tell(verify, "set %s is missing", verify->set_names[i]);
		if (r == 0)
			r = verify_elems(verify, i);
	}
	for (size_t i = 0; r == 0 && i < change->present.sets.n; i++) {
		if (change->diff.sets.to_next[i] != MATCH_NONE)
			continue;
		r = change_ask_set(change, change->present.sets.v[i].name);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

static int change_ask_obj(struct change *change, const char *name, uint32_t type)
{
	struct verify *verify = change->verify;
	struct nlmsghdr *nlh = link_request(verify->link, NFT_MSG_GETOBJ, 0);

	batch_put_text(nlh, NFTA_OBJ_TABLE, verify->table);
	batch_put_text(nlh, NFTA_OBJ_NAME, name);
	batch_put_be32(nlh, NFTA_OBJ_TYPE, type);
	return link_ask(verify->link, nlh, verify_take_obj, verify);
}

static int change_objs(struct change *change)
{
	struct verify *verify = change->verify;
	const struct ruleset *next = verify->ruleset;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < next->n_objs; i++) {
		const char *name = rs_string(next, next->objs[i].name);

		if (change->diff.obj_fates[i] == DIFF_KEEP)
			continue;
		r = change_ask_obj(change, name, encode_obj_type(&next->objs[i]));
		if (r == -ENOENT)
			r = verify_tell(verify, "object %s is missing", name);
	}
	for (size_t i = 0; r == 0 && i < change->present.objs.n; i++) {
		const struct present_object *obj = &change->present.objs.v[i];

		if (change->diff.objs.to_next[i] != MATCH_NONE)
			continue;
		r = change_ask_obj(change, obj->name, obj->type);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

int verify_change(struct kernel *kernel, const struct ruleset *previous, const struct ruleset *next,
		  char *report, size_t size)
{
	static int (*const parts[])(struct change *) = { change_chains, change_gone_chains,
							 change_sets, change_objs };
	struct change change = { .verify = verify_new(kernel, next, report, size) };
	int r = verify_table(change.verify);

	present_assume(&change.present, previous);
	diff_init(&change.diff, &change.present, next, previous, false);
	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		r = parts[i](&change);
	if (r == 0)
		r = verify_owner(change.verify);
	diff_done(&change.diff);
	present_done(&change.present);
	verify_free(change.verify);
	return r;
}
