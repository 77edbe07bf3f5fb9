#include "kernel/present.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "kernel/encode.h"
#include "kernel/expr.h"

static const char present_marker_prefix[] = "generation_";

void present_marker_name(uint64_t generation, char out[RS_NAME_MAX + 1])
{
	out[0] = '\0';
	if (generation)
		snprintf(out, RS_NAME_MAX + 1, "%s%llu", present_marker_prefix,
			 (unsigned long long)generation);
}

uint64_t present_marker(const char *name)
{
	size_t length = sizeof(present_marker_prefix) - 1;
	char *end;
	uint64_t number;

	if (strncmp(name, present_marker_prefix, length) != 0 || name[length] < '1' ||
	    name[length] > '9')
		return 0;
	errno = 0;
	number = strtoull(name + length, &end, 10);
	return errno || *end ? 0 : number;
}

static int present_take_table(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_TABLE_MAX + 1];
	struct present *present = arg;

	link_attrs(nlh, attrs, NFTA_TABLE_MAX);
	present->table = true;
	present->flags = link_be32(attrs[NFTA_TABLE_FLAGS]);
	present->owner = link_be32(attrs[NFTA_TABLE_OWNER]);
	return 0;
}

int present_read_table(struct present *present, struct link *link, const char *table)
{
	struct nlmsghdr *nlh = link_request(link, NFT_MSG_GETTABLE, 0);
	int r;

	present->table = false;
	batch_put_text(nlh, NFTA_TABLE_NAME, table);
	r = link_ask(link, nlh, present_take_table, present);
	return r == -ENOENT ? 0 : r;
}

int present_has_chain(struct link *link, const char *table, const char *chain)
{
	struct nlmsghdr *nlh = link_request(link, NFT_MSG_GETCHAIN, 0);
	int r;

	batch_put_text(nlh, NFTA_CHAIN_TABLE, table);
	batch_put_text(nlh, NFTA_CHAIN_NAME, chain);
	r = link_ask(link, nlh, NULL, NULL);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

struct present_reader {
	struct present *present;
	const char *table;
};

static int present_take_chain(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_CHAIN_MAX + 1], *hook[NFTA_HOOK_MAX + 1];
	struct present_reader *reader = arg;
	struct present *present = reader->present;
	struct present_chain *chain;

	link_attrs(nlh, attrs, NFTA_CHAIN_MAX);
	// Kernels dump the chains of every table, whatever is asked for.
	if (strcmp(link_text(attrs[NFTA_CHAIN_TABLE]), reader->table) != 0)
		return 0;
	link_nested(attrs[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_MAX);
	chain = vec_add(&present->chains);
	chain->name = arena_strdup(present->arena, link_text(attrs[NFTA_CHAIN_NAME]));
	chain->base = attrs[NFTA_CHAIN_HOOK] != NULL;
	chain->nat = strcmp(link_text(attrs[NFTA_CHAIN_TYPE]), "nat") == 0;
	chain->drop = chain->base && link_be32(attrs[NFTA_CHAIN_POLICY]) == NF_DROP;
	chain->hook = (uint8_t)link_be32(hook[NFTA_HOOK_HOOKNUM]);
	chain->priority = (int32_t)link_be32(hook[NFTA_HOOK_PRIORITY]);
	chain->known = RS_NONE;
	if (present_marker(chain->name))
		present->generation = present_marker(chain->name);
	return 0;
}

static int present_take_set(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_SET_MAX + 1];
	struct present_reader *reader = arg;

	link_attrs(nlh, attrs, NFTA_SET_MAX);
	// Unnamed sets live and die with their rules.
	if (strcmp(link_text(attrs[NFTA_SET_TABLE]), reader->table) == 0 &&
	    !(link_be32(attrs[NFTA_SET_FLAGS]) & NFT_SET_ANONYMOUS))
		vec_push(&reader->present->sets,
			 ((struct present_set){ arena_strdup(reader->present->arena,
							     link_text(attrs[NFTA_SET_NAME])),
						RS_NONE }));
	return 0;
}

static int present_take_obj(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_OBJ_MAX + 1], *data[NFTA_COUNTER_MAX + 1];
	struct present_reader *reader = arg;
	struct present_object *obj;

	link_attrs(nlh, attrs, NFTA_OBJ_MAX);
	if (strcmp(link_text(attrs[NFTA_OBJ_TABLE]), reader->table) != 0)
		return 0;
	obj = vec_add(&reader->present->objs);
	obj->name = arena_strdup(reader->present->arena, link_text(attrs[NFTA_OBJ_NAME]));
	obj->type = link_be32(attrs[NFTA_OBJ_TYPE]);
	obj->known = RS_NONE;
	if (obj->type == NFT_OBJECT_COUNTER) {
		link_nested(attrs[NFTA_OBJ_DATA], data, NFTA_COUNTER_MAX);
		obj->packets = link_be64(data[NFTA_COUNTER_PACKETS]);
		obj->bytes = link_be64(data[NFTA_COUNTER_BYTES]);
	}
	return 0;
}

int present_read_chain(struct present *present, struct link *link, const char *table,
		       const char *chain)
{
	struct present_reader reader = { .present = present, .table = table };
	struct nlmsghdr *nlh = link_request(link, NFT_MSG_GETCHAIN, 0);

	if (!present->arena)
		present->arena = arena_new();
	batch_put_text(nlh, NFTA_CHAIN_TABLE, table);
	batch_put_text(nlh, NFTA_CHAIN_NAME, chain);
	return link_ask(link, nlh, present_take_chain, &reader);
}

static int present_dump_chains(struct present *present, struct link *link, const char *table)
{
	struct present_reader reader = { .present = present, .table = table };

	return link_ask(link, link_request(link, NFT_MSG_GETCHAIN, NLM_F_DUMP), present_take_chain,
			&reader);
}

static int present_dump_sets(struct present *present, struct link *link, const char *table)
{
	struct present_reader reader = { .present = present, .table = table };
	struct nlmsghdr *nlh = link_request(link, NFT_MSG_GETSET, NLM_F_DUMP);
	int r;

	batch_put_text(nlh, NFTA_SET_TABLE, table);
	r = link_ask(link, nlh, present_take_set, &reader);
	return r == -ENOENT ? -EINTR : r; // the table went away meanwhile
}

// type: 0 for all.
static int present_dump_objs(struct present *present, struct link *link, const char *table,
			     uint32_t type)
{
	struct present_reader reader = { .present = present, .table = table };
	struct nlmsghdr *nlh = link_request(link, NFT_MSG_GETOBJ, NLM_F_DUMP);

	batch_put_text(nlh, NFTA_OBJ_TABLE, table);
	if (type)
		batch_put_be32(nlh, NFTA_OBJ_TYPE, type);
	return link_ask(link, nlh, present_take_obj, &reader);
}

enum present_part { PRESENT_CHAINS = 1, PRESENT_SETS = 2, PRESENT_OBJS = 4, PRESENT_COUNTERS = 8 };

static int present_read_parts(struct present *present, struct link *link, const char *table,
			      unsigned parts)
{
	int r = -EINTR;

	for (int i = 0; i < LINK_RETRIES && r == -EINTR; i++) {
		present_done(present);
		present->arena = arena_new();
		r = present_read_table(present, link, table);
		if (r < 0 || !present->table)
			return r;
		if (parts & PRESENT_CHAINS)
			r = present_dump_chains(present, link, table);
		if (r == 0 && parts & PRESENT_SETS)
			r = present_dump_sets(present, link, table);
		if (r == 0 && parts & (PRESENT_OBJS | PRESENT_COUNTERS))
			r = present_dump_objs(present, link, table,
					      parts & PRESENT_OBJS ? 0 : NFT_OBJECT_COUNTER);
	}
	return r;
}

int present_read_chains(struct present *present, struct link *link, const char *table)
{
	return present_read_parts(present, link, table, PRESENT_CHAINS);
}

int present_read_counters(struct present *present, struct link *link, const char *table)
{
	return present_read_parts(present, link, table, PRESENT_COUNTERS);
}

int present_read(struct present *present, struct link *link, const char *table)
{
	return present_read_parts(present, link, table,
				  PRESENT_CHAINS | PRESENT_SETS | PRESENT_OBJS);
}

static void present_assume_chains(struct present *present, const struct ruleset *ruleset)
{
	char marker[RS_NAME_MAX + 1];
	bool marked = ruleset->generation == 0;

	present_marker_name(ruleset->generation, marker);
	for (uint32_t i = 0; i < ruleset->n_chains; i++) {
		const struct rs_chain *chain = &ruleset->chains[i];
		const char *name = rs_string(ruleset, chain->name);

		vec_push(&present->chains, ((struct present_chain){ .name = name,
								    .base = chain->base,
								    .nat = chain->nat,
								    .drop = chain->drop,
								    .hook = chain->hook,
								    .priority = chain->priority,
								    .known = i }));
		marked |= strcmp(name, marker) == 0;
	}
	// A commit adds the marker when the ruleset itself has none.
	if (!marked)
		vec_push(&present->chains,
			 ((struct present_chain){ .name = arena_strdup(present->arena, marker),
						  .known = RS_NONE }));
	present->generation = ruleset->generation;
}

void present_assume(struct present *present, const struct ruleset *ruleset)
{
	char name[RS_NAME_MAX + 1];

	present->arena = arena_new();
	present_assume_chains(present, ruleset);
	for (uint32_t i = 0; i < ruleset->n_sets; i++) {
		expr_set_name(ruleset, i, name);
		vec_push(&present->sets,
			 ((struct present_set){ arena_strdup(present->arena, name), i }));
	}
	for (uint32_t i = 0; i < ruleset->n_objs; i++)
		vec_push(&present->objs, ((struct present_object){
						 .name = rs_string(ruleset, ruleset->objs[i].name),
						 .type = encode_obj_type(&ruleset->objs[i]),
						 .known = i }));
}

void present_done(struct present *present)
{
	vec_done(&present->chains);
	vec_done(&present->sets);
	vec_done(&present->objs);
	arena_freep(&present->arena);
	*present = (struct present){ 0 };
}
