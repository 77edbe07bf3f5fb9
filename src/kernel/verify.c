// Reading the table back and comparing it with what it should be, down to each expression and
// element.  What is read is only right if nothing changed meanwhile: a difference counts when the
// counter of transactions is still the same afterwards.
#include "kernel/verify.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/vec.h"
#include "kernel/compare.h"
#include "kernel/encode.h"
#include "kernel/expr.h"
#include "kernel/present.h"
#include "kernel/private.h"

int verify_tell(struct verify *verify, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(verify->report, verify->report_size, format, args);
	va_end(args);
	return VERIFY_DIFFERENT;
}

static void *verify_zeros(size_t n, size_t item)
{
	void *items = NULL;
	size_t cap = 0;

	vec_grow(&items, &cap, n + 1, item);
	memset(items, 0, cap * item);
	return items;
}

struct verify *verify_new(struct kernel *kernel, const struct ruleset *ruleset, char *report,
			  size_t size)
{
	struct verify *verify = verify_zeros(1, sizeof(*verify));

	verify->link = &kernel->link;
	verify->ruleset = ruleset;
	verify->features = kernel_features(kernel);
	verify->table = rs_string(ruleset, ruleset->table);
	verify->report = report;
	verify->report_size = size;
	verify->set_names = verify_zeros(ruleset->n_sets, sizeof(*verify->set_names));
	verify->rules_seen = verify_zeros(ruleset->n_chains, sizeof(*verify->rules_seen));
	verify->chain_seen = verify_zeros(ruleset->n_chains, 1);
	verify->set_seen = verify_zeros(ruleset->n_sets, 1);
	verify->obj_seen = verify_zeros(ruleset->n_objs, 1);
	for (uint32_t i = 0; i < ruleset->n_chains; i++)
		names_add(&verify->chains, rs_string(ruleset, ruleset->chains[i].name), i);
	for (uint32_t i = 0; i < ruleset->n_sets; i++) {
		expr_set_name(ruleset, i, verify->set_names[i]);
		names_add(&verify->sets, verify->set_names[i], i);
	}
	for (uint32_t i = 0; i < ruleset->n_objs; i++)
		names_add(&verify->objs, rs_string(ruleset, ruleset->objs[i].name), i);
	present_marker_name(ruleset->generation, verify->marker);
	return verify;
}

void verify_free(struct verify *verify)
{
	names_done(&verify->chains);
	names_done(&verify->sets);
	names_done(&verify->objs);
	present_done(&verify->present);
	free(verify->set_names);
	free(verify->rules_seen);
	free(verify->chain_seen);
	free(verify->set_seen);
	free(verify->obj_seen);
	free(verify);
}

int verify_table(struct verify *verify)
{
	struct present present = { 0 };
	int r = present_read_table(&present, verify->link, verify->table);

	if (r < 0)
		return r;
	if (!present.table)
		return verify_tell(verify, "table %s is gone", verify->table);
	if (present.flags & NFT_TABLE_F_DORMANT)
		return verify_tell(verify, "table %s is switched off (dormant)", verify->table);
	verify->table_flags = present.flags;
	return 0;
}

// Told last: whoever finds the table without its owner also wants to know what was done to it.
int verify_owner(struct verify *verify)
{
	uint32_t owned = NFT_TABLE_F_OWNER | ENCODE_PERSIST;
	uint32_t want = verify->features->owner && verify->features->persist ? owned : 0;

	if ((verify->table_flags ^ want) & owned)
		return verify_tell(verify, "table %s has %s owner", verify->table,
				   want ? "no" : "an");
	return 0;
}

int verify_chain(struct verify *verify, const struct present_chain *there)
{
	uint32_t at = names_get(&verify->chains, there->name);
	const struct rs_chain *chain;

	if (at == RS_NONE && verify->marker[0] && strcmp(there->name, verify->marker) == 0) {
		verify->marker_seen = true;
		return 0;
	}
	// A base chain that is no longer used stays, open and empty (commit.c).
	if (at == RS_NONE && there->base && !there->drop)
		return 0;
	if (at == RS_NONE)
		return verify_tell(verify, "chain %s is not of the policy", there->name);
	chain = &verify->ruleset->chains[at];
	verify->chain_seen[at] = 1;
	if (chain->base != there->base)
		return verify_tell(verify, "chain %s is %sa base chain", there->name,
				   there->base ? "" : "not ");
	if (!chain->base)
		return 0;
	if (chain->hook != there->hook || chain->priority != there->priority ||
	    (chain->nat != 0) != there->nat)
		return verify_tell(verify, "chain %s has another hook", there->name);
	if ((chain->drop != 0) != there->drop)
		return verify_tell(verify, "chain %s has the policy %s", there->name,
				   there->drop ? "drop" : "accept");
	return 0;
}

static int verify_chains(struct verify *verify)
{
	const struct ruleset *ruleset = verify->ruleset;
	int r = present_read_chains(&verify->present, verify->link, verify->table);

	for (size_t i = 0; r == 0 && i < verify->present.chains.n; i++)
		r = verify_chain(verify, &verify->present.chains.v[i]);
	for (uint32_t i = 0; r == 0 && i < ruleset->n_chains; i++)
		if (!verify->chain_seen[i])
			r = verify_tell(verify, "chain %s is missing",
					rs_string(ruleset, ruleset->chains[i].name));
	if (r == 0 && verify->marker[0] && !verify->marker_seen &&
	    names_get(&verify->chains, verify->marker) == RS_NONE)
		r = verify_tell(verify, "the marker %s is missing", verify->marker);
	return r;
}

int verify_take_set(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_SET_MAX + 1];
	struct verify *verify = arg;
	const struct rs_set *set;
	const char *name;
	uint32_t at, size;

	link_attrs(nlh, attrs, NFTA_SET_MAX);
	name = link_text(attrs[NFTA_SET_NAME]);
	if (strcmp(link_text(attrs[NFTA_SET_TABLE]), verify->table) != 0)
		return 0;
	at = names_get(&verify->sets, name);
	if (at == RS_NONE)
		return verify_tell(verify, "set %s is not of the policy", name);
	set = &verify->ruleset->sets[at];
	verify->set_seen[at] = 1;
	size = set->n_keys == 1 ? rs_key_info(set->keys[0])->size : set->key_bytes;
	if (link_be32(attrs[NFTA_SET_FLAGS]) != encode_set_flags(set) ||
	    link_be32(attrs[NFTA_SET_KEY_LEN]) != size)
		return verify_tell(verify, "set %s is of another kind", name);
	return 0;
}

static int verify_sets(struct verify *verify)
{
	struct nlmsghdr *nlh = link_request(verify->link, NFT_MSG_GETSET, NLM_F_DUMP);
	int r;

	batch_put_text(nlh, NFTA_SET_TABLE, verify->table);
	r = link_ask(verify->link, nlh, verify_take_set, verify);
	for (uint32_t i = 0; r == 0 && i < verify->ruleset->n_sets; i++) {
		if (!verify->set_seen[i])
			r = verify_tell(verify, "set %s is missing",
					rs_string(verify->ruleset, verify->ruleset->sets[i].name));
		else
			r = verify_elems(verify, i);
	}
	return r;
}

int verify_take_obj(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_OBJ_MAX + 1], *data[NFTA_CT_HELPER_MAX + 1];
	struct verify *verify = arg;
	const struct rs_obj *obj;
	const char *name;
	uint32_t at;

	link_attrs(nlh, attrs, NFTA_OBJ_MAX);
	name = link_text(attrs[NFTA_OBJ_NAME]);
	if (strcmp(link_text(attrs[NFTA_OBJ_TABLE]), verify->table) != 0)
		return 0;
	at = names_get(&verify->objs, name);
	if (at == RS_NONE)
		return verify_tell(verify, "object %s is not of the policy", name);
	obj = &verify->ruleset->objs[at];
	verify->obj_seen[at] = 1;
	if (link_be32(attrs[NFTA_OBJ_TYPE]) != encode_obj_type(obj))
		return verify_tell(verify, "object %s is of another kind", name);
	if (obj->kind != RS_OBJ_HELPER)
		return 0;
	link_nested(attrs[NFTA_OBJ_DATA], data, NFTA_CT_HELPER_MAX);
	if (strcmp(link_text(data[NFTA_CT_HELPER_NAME]), rs_string(verify->ruleset, obj->helper)) !=
		    0 ||
	    !data[NFTA_CT_HELPER_L4PROTO] ||
	    mnl_attr_get_u8(data[NFTA_CT_HELPER_L4PROTO]) != obj->protocol)
		return verify_tell(verify, "helper %s is another one", name);
	return 0;
}

static int verify_objs(struct verify *verify)
{
	struct nlmsghdr *nlh = link_request(verify->link, NFT_MSG_GETOBJ, NLM_F_DUMP);
	int r;

	batch_put_text(nlh, NFTA_OBJ_TABLE, verify->table);
	r = link_ask(verify->link, nlh, verify_take_obj, verify);
	for (uint32_t i = 0; r == 0 && i < verify->ruleset->n_objs; i++)
		if (!verify->obj_seen[i])
			r = verify_tell(verify, "object %s is missing",
					rs_string(verify->ruleset, verify->ruleset->objs[i].name));
	return r;
}

// The rules of a chain come in their order.
static int verify_take_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_RULE_MAX + 1];
	struct verify *verify = arg;
	const struct rs_chain *chain;
	struct nlmsghdr *want;
	const char *name;
	uint32_t at, number, stmt;

	link_attrs(nlh, attrs, NFTA_RULE_MAX);
	name = link_text(attrs[NFTA_RULE_CHAIN]);
	if (strcmp(link_text(attrs[NFTA_RULE_TABLE]), verify->table) != 0)
		return 0;
	at = names_get(&verify->chains, name);
	if (at == RS_NONE)
		return verify_tell(verify, "chain %s has a rule that is not of the policy", name);
	chain = &verify->ruleset->chains[at];
	number = verify->rules_seen[at]++;
	if (number >= chain->n_rules)
		return verify_tell(verify, "chain %s: rule %u is not of the policy", name,
				   number + 1);
	want = mnl_nlmsg_put_header(verify->scratch);
	if (expr_put_rule(want, verify->ruleset, chain->first_rule + number, verify->features,
			  &stmt) < 0)
		return verify_tell(verify, "chain %s: rule %u is one that cannot be loaded here",
				   name, number + 1);
	if (!compare_expressions(mnl_nlmsg_get_payload(want), attrs[NFTA_RULE_EXPRESSIONS]))
		return verify_tell(verify, "chain %s: rule %u is another one", name, number + 1);
	return 0;
}

int verify_rules_of(struct verify *verify, const char *chain)
{
	struct nlmsghdr *nlh = link_request(verify->link, NFT_MSG_GETRULE, NLM_F_DUMP);
	const struct ruleset *ruleset = verify->ruleset;
	uint32_t at = names_get(&verify->chains, chain);
	int r;

	batch_put_text(nlh, NFTA_RULE_TABLE, verify->table);
	batch_put_text(nlh, NFTA_RULE_CHAIN, chain);
	r = link_ask(verify->link, nlh, verify_take_rule, verify);
	if (r == 0 && at != RS_NONE && verify->rules_seen[at] < ruleset->chains[at].n_rules)
		r = verify_tell(verify, "chain %s: rule %u is missing", chain,
				verify->rules_seen[at] + 1);
	return r;
}

// Chain by chain: a dump of all rules of a table begins at the first of them for every 32 kB that
// it gives, so its time grows with the square of their number.
static int verify_rules(struct verify *verify)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < verify->present.chains.n; i++)
		r = verify_rules_of(verify, verify->present.chains.v[i].name);
	return r;
}

static int verify_once(struct kernel *kernel, const struct ruleset *ruleset, bool owner,
		       char *report, size_t size)
{
	static int (*const parts[])(struct verify *) = { verify_table, verify_chains, verify_sets,
							 verify_objs, verify_rules };
	struct verify *verify = verify_new(kernel, ruleset, report, size);
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		r = parts[i](verify);
	if (r == 0 && owner)
		r = verify_owner(verify);
	verify_free(verify);
	return r;
}

static int verify_steadily(struct kernel *kernel, const struct ruleset *ruleset, bool owner,
			   char *report, size_t size)
{
	int r = -EINTR;

	for (int i = 0; i < LINK_RETRIES; i++) {
		uint32_t before = 0, after = 0;

		r = link_genid(&kernel->link, &before);
		if (r == 0)
			r = verify_once(kernel, ruleset, owner, report, size);
		if (r == 0)
			kernel->read = (struct kernel_read){ ruleset, ruleset->generation, before,
							     link_turns() };
		if (r == 0 || (r < 0 && r != VERIFY_DIFFERENT && r != -EINTR && r != -ENOENT))
			return r;
		if (link_genid(&kernel->link, &after) == 0 && after == before &&
		    r == VERIFY_DIFFERENT)
			return 1;
	}
	return r == VERIFY_DIFFERENT ? 1 : r;
}

int kernel_verify(struct kernel *kernel, const struct ruleset *ruleset, char *report, size_t size)
{
	return verify_steadily(kernel, ruleset, true, report, size);
}

bool verify_runs(struct kernel *kernel, const struct ruleset *ruleset)
{
	char report[256];

	return verify_steadily(kernel, ruleset, false, report, sizeof(report)) == 0;
}
