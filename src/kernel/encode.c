#include "kernel/encode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "kernel/expr.h"

enum {
	// Elements of one message: the attribute that holds them has a 16-bit length.
	ENCODE_CHUNK_BYTES = 60000,
	// Of userdata, as nft writes and shows it.
	ENCODE_UDATA_RULE_COMMENT = 0,
	ENCODE_COMMENT_MAX = 128,
	ENCODE_NFT_TYPE_BITS = 6, // nft packs the types of a concatenation
};

// nft's own numbers of types: only so that `nft list` shows keys as people write them.
static const uint8_t encode_nft_types[RS_KEY_COUNT] = {
	[RS_META_NFPROTO] = 2,	     [RS_META_L4PROTO] = 12, [RS_META_IIFNAME] = 41,
	[RS_META_OIFNAME] = 41,	     [RS_IP_SADDR] = 7,	     [RS_IP_DADDR] = 7,
	[RS_IP6_SADDR] = 8,	     [RS_IP6_DADDR] = 8,     [RS_IP_FRAG_OFF] = 4,
	[RS_IP_VERSION_IHL] = 4,     [RS_IP6_NEXTHDR] = 12,  [RS_IP6_HOPLIMIT] = 4,
	[RS_TH_SPORT] = 13,	     [RS_TH_DPORT] = 13,     [RS_TCP_FLAGS] = 15,
	[RS_ICMP_TYPE] = 14,	     [RS_ICMPV6_TYPE] = 29,  [RS_CT_STATE] = 26,
	[RS_CT_STATUS] = 28,	     [RS_CT_MARK] = 19,	     [RS_CT_DIRECTION] = 27,
	[RS_META_MARK] = 19,	     [RS_ETHER_SADDR] = 9,   [RS_FIB_OIFNAME] = 41,
	[RS_SOCKET_TRANSPARENT] = 4,
};

static struct batch_mark encode_mark(enum batch_what what, uint32_t index)
{
	return (struct batch_mark){ .what = what, .index = index };
}

static const char *encode_table_name(const struct ruleset *ruleset)
{
	return rs_string(ruleset, ruleset->table);
}

void encode_table(struct batch *batch, const char *table, uint32_t flags)
{
	struct nlmsghdr *nlh = batch_message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE,
					     encode_mark(BATCH_TABLE, RS_NONE));

	batch_put_text(nlh, NFTA_TABLE_NAME, table);
	batch_put_be32(nlh, NFTA_TABLE_FLAGS, flags);
}

void encode_drop_table(struct batch *batch, const char *table)
{
	struct nlmsghdr *nlh =
		batch_message(batch, NFT_MSG_DELTABLE, 0, encode_mark(BATCH_TABLE, RS_NONE));

	batch_put_text(nlh, NFTA_TABLE_NAME, table);
}

static struct nlmsghdr *encode_new_chain(struct batch *batch, const char *table, const char *name,
					 struct batch_mark mark)
{
	struct nlmsghdr *nlh = batch_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, mark);

	batch_put_text(nlh, NFTA_CHAIN_TABLE, table);
	batch_put_text(nlh, NFTA_CHAIN_NAME, name);
	return nlh;
}

void encode_chain(struct batch *batch, const struct ruleset *ruleset, uint32_t chain)
{
	const struct rs_chain *at = &ruleset->chains[chain];
	struct nlmsghdr *nlh =
		encode_new_chain(batch, encode_table_name(ruleset), rs_string(ruleset, at->name),
				 encode_mark(BATCH_CHAIN, chain));
	struct nlattr *hook;

	if (!at->base)
		return;
	hook = batch_nest(nlh, NFTA_CHAIN_HOOK);
	batch_put_be32(nlh, NFTA_HOOK_HOOKNUM, at->hook);
	batch_put_be32(nlh, NFTA_HOOK_PRIORITY, (uint32_t)at->priority);
	mnl_attr_nest_end(nlh, hook);
	batch_put_be32(nlh, NFTA_CHAIN_POLICY, at->drop ? NF_DROP : NF_ACCEPT);
	batch_put_text(nlh, NFTA_CHAIN_TYPE, at->nat ? "nat" : "filter");
}

void encode_plain_chain(struct batch *batch, const char *table, const char *name)
{
	encode_new_chain(batch, table, name, encode_mark(BATCH_CHAIN, RS_NONE));
}

void encode_idle_chain(struct batch *batch, const char *table, const char *name)
{
	struct nlmsghdr *nlh =
		encode_new_chain(batch, table, name, encode_mark(BATCH_OLD, RS_NONE));

	batch_put_be32(nlh, NFTA_CHAIN_POLICY, NF_ACCEPT);
}

void encode_drop_chain(struct batch *batch, const char *table, const char *name)
{
	struct nlmsghdr *nlh =
		batch_message(batch, NFT_MSG_DELCHAIN, 0, encode_mark(BATCH_OLD, RS_NONE));

	batch_put_text(nlh, NFTA_CHAIN_TABLE, table);
	batch_put_text(nlh, NFTA_CHAIN_NAME, name);
}

static void encode_comment(struct nlmsghdr *nlh, const char *text)
{
	uint8_t bytes[2 + ENCODE_COMMENT_MAX];
	size_t size = strnlen(text, ENCODE_COMMENT_MAX - 1);

	// Cut between characters, not within one.
	while (size > 0 && text[size] && ((uint8_t)text[size] & 0xc0) == 0x80)
		size--;
	bytes[0] = ENCODE_UDATA_RULE_COMMENT;
	bytes[1] = (uint8_t)(size + 1);
	memcpy(bytes + 2, text, size);
	bytes[2 + size] = '\0';
	batch_put(nlh, NFTA_RULE_USERDATA, size + 3, bytes);
}

static int encode_rule_at(struct batch *batch, uint16_t where, const struct ruleset *ruleset,
			  uint32_t rule, const struct kernel_features *features, uint32_t *ret_stmt)
{
	const struct rs_rule *at = &ruleset->rules[rule];
	struct nlmsghdr *nlh = batch_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | where,
					     encode_mark(BATCH_RULE, rule));
	int r;

	batch_put_text(nlh, NFTA_RULE_TABLE, encode_table_name(ruleset));
	batch_put_text(nlh, NFTA_RULE_CHAIN, rs_string(ruleset, ruleset->chains[at->chain].name));
	r = expr_put_rule(nlh, ruleset, rule, features, ret_stmt);
	if (r == 0 && at->comment)
		encode_comment(nlh, rs_string(ruleset, at->comment));
	return r;
}

int encode_rule(struct batch *batch, const struct ruleset *ruleset, uint32_t rule,
		const struct kernel_features *features, uint32_t *ret_stmt)
{
	return encode_rule_at(batch, NLM_F_APPEND, ruleset, rule, features, ret_stmt);
}

int encode_first_rule(struct batch *batch, const struct ruleset *ruleset, uint32_t rule,
		      const struct kernel_features *features, uint32_t *ret_stmt)
{
	return encode_rule_at(batch, 0, ruleset, rule, features, ret_stmt);
}

void encode_passing_rule(struct batch *batch, uint32_t rule)
{
	batch_put_be32(batch->open, NFTA_RULE_ID, rule + 1);
}

void encode_drop_passing_rule(struct batch *batch, const struct ruleset *ruleset, uint32_t rule)
{
	const struct rs_rule *at = &ruleset->rules[rule];
	struct nlmsghdr *nlh =
		batch_message(batch, NFT_MSG_DELRULE, 0, encode_mark(BATCH_OLD, RS_NONE));

	batch_put_text(nlh, NFTA_RULE_TABLE, encode_table_name(ruleset));
	batch_put_text(nlh, NFTA_RULE_CHAIN, rs_string(ruleset, ruleset->chains[at->chain].name));
	batch_put_be32(nlh, NFTA_RULE_ID, rule + 1);
}

void encode_flush_rules(struct batch *batch, const char *table, const char *chain)
{
	struct nlmsghdr *nlh =
		batch_message(batch, NFT_MSG_DELRULE, 0, encode_mark(BATCH_OLD, RS_NONE));

	batch_put_text(nlh, NFTA_RULE_TABLE, table);
	if (chain)
		batch_put_text(nlh, NFTA_RULE_CHAIN, chain);
}

bool encode_set_is_tree(const struct rs_set *set)
{
	return set->interval && set->n_keys == 1;
}

uint32_t encode_set_flags(const struct rs_set *set)
{
	static const uint32_t kinds[] = {
		[RS_SET] = 0,
		[RS_MAP_VERDICT] = NFT_SET_MAP,
		[RS_MAP_COUNTER] = NFT_SET_OBJECT,
	};
	uint32_t flags = kinds[set->kind];

	if (set->interval)
		flags |= set->n_keys > 1 ? NFT_SET_INTERVAL | NFT_SET_CONCAT : NFT_SET_INTERVAL;
	return flags;
}

static uint32_t encode_key_type(const struct rs_set *set)
{
	uint32_t type = 0;

	for (unsigned i = 0; i < set->n_keys; i++)
		type = type << ENCODE_NFT_TYPE_BITS | encode_nft_types[set->keys[i]];
	return type;
}

// How many elements the kernel will count: a tree counts both ends, and one before the first.
static uint32_t encode_set_size(const struct rs_set *set)
{
	if (encode_set_is_tree(set))
		return 2 * set->n_elems + 1;
	return set->n_elems ? set->n_elems : 1;
}

static void encode_set_desc(struct nlmsghdr *nlh, const struct rs_set *set)
{
	struct nlattr *desc = batch_nest(nlh, NFTA_SET_DESC);

	batch_put_be32(nlh, NFTA_SET_DESC_SIZE, encode_set_size(set));
	if (encode_set_flags(set) & NFT_SET_CONCAT) {
		struct nlattr *fields = batch_nest(nlh, NFTA_SET_DESC_CONCAT);

		for (unsigned i = 0; i < set->n_keys; i++) {
			struct nlattr *field = batch_nest(nlh, NFTA_LIST_ELEM);

			batch_put_be32(nlh, NFTA_SET_FIELD_LEN, rs_key_info(set->keys[i])->size);
			mnl_attr_nest_end(nlh, field);
		}
		mnl_attr_nest_end(nlh, fields);
	}
	mnl_attr_nest_end(nlh, desc);
}

int encode_set(struct batch *batch, const struct ruleset *ruleset, uint32_t set)
{
	const struct rs_set *at = &ruleset->sets[set];
	struct nlmsghdr *nlh = batch_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL,
					     encode_mark(BATCH_SET, set));
	char name[RS_NAME_MAX + 1];

	for (unsigned i = 0; at->interval && i < at->n_keys; i++)
		if (rs_key_info(at->keys[i])->host_order && rs_key_info(at->keys[i])->size > 1)
			return -EINVAL;
	expr_set_name(ruleset, set, name);
	batch_put_text(nlh, NFTA_SET_TABLE, encode_table_name(ruleset));
	batch_put_text(nlh, NFTA_SET_NAME, name);
	batch_put_be32(nlh, NFTA_SET_ID, set + 1);
	batch_put_be32(nlh, NFTA_SET_FLAGS, encode_set_flags(at));
	batch_put_be32(nlh, NFTA_SET_KEY_TYPE, encode_key_type(at));
	batch_put_be32(nlh, NFTA_SET_KEY_LEN,
		       at->n_keys == 1 ? rs_key_info(at->keys[0])->size : at->key_bytes);
	if (at->kind == RS_MAP_VERDICT)
		batch_put_be32(nlh, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
	if (at->kind == RS_MAP_COUNTER)
		batch_put_be32(nlh, NFTA_SET_OBJ_TYPE, NFT_OBJECT_COUNTER);
	encode_set_desc(nlh, at);
	return 0;
}

static void encode_key(struct nlmsghdr *nlh, uint16_t type, const uint8_t *key, size_t size)
{
	struct nlattr *nest = batch_nest(nlh, type);

	batch_put(nlh, NFTA_DATA_VALUE, size, key);
	mnl_attr_nest_end(nlh, nest);
}

bool encode_key_after(const uint8_t *key, size_t size, uint8_t *out)
{
	memcpy(out, key, size);
	for (size_t i = size; i-- > 0;)
		if (++out[i])
			return true;
	return false;
}

// The elements of a set, in messages as full as they may be.
struct encode_elems {
	struct batch *batch;
	const struct ruleset *ruleset;
	const struct rs_set *set;
	uint32_t index; // of the set
	bool by_number; // else the set is called by its name
	size_t size;	// bytes of a key as the kernel counts them
	char name[RS_NAME_MAX + 1];
	struct nlmsghdr *nlh; // NULL: none open
	struct nlattr *list;
};

static void encode_elems_close(struct encode_elems *elems)
{
	if (elems->nlh)
		mnl_attr_nest_end(elems->nlh, elems->list);
	elems->nlh = NULL;
}

// number: of the element within the set, remembered for the message that begins with it.
static struct nlmsghdr *encode_elems_room(struct encode_elems *elems, uint32_t number)
{
	struct nlmsghdr *nlh = elems->nlh;

	if (nlh &&
	    (char *)mnl_nlmsg_get_payload_tail(nlh) - (char *)elems->list < ENCODE_CHUNK_BYTES)
		return nlh;
	encode_elems_close(elems);
	nlh = batch_message(
		elems->batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL,
		(struct batch_mark){ .what = BATCH_ELEMS, .index = elems->index, .first = number });
	batch_put_text(nlh, NFTA_SET_ELEM_LIST_TABLE, encode_table_name(elems->ruleset));
	if (elems->by_number)
		batch_put_be32(nlh, NFTA_SET_ELEM_LIST_SET_ID, elems->index + 1);
	else
		batch_put_text(nlh, NFTA_SET_ELEM_LIST_SET, elems->name);
	elems->nlh = nlh;
	elems->list = batch_nest(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	return nlh;
}

static void encode_elem_data(struct encode_elems *elems, const struct rs_elem *elem)
{
	const struct ruleset *ruleset = elems->ruleset;
	bool jumps = elem->verdict == RS_JUMP || elem->verdict == RS_GOTO;

	if (elems->set->kind == RS_MAP_VERDICT)
		expr_put_verdict(elems->nlh, NFTA_SET_ELEM_DATA, elem->verdict,
				 jumps ? rs_string(ruleset, ruleset->chains[elem->ref].name) : "");
	else if (elems->set->kind == RS_MAP_COUNTER)
		batch_put_text(elems->nlh, NFTA_SET_ELEM_OBJREF,
			       rs_string(ruleset, ruleset->objs[elem->ref].name));
}

static void encode_elem(struct encode_elems *elems, uint32_t number, const struct rs_elem *elem)
{
	const uint8_t *key = elems->ruleset->pool + elem->key;
	struct nlmsghdr *nlh = encode_elems_room(elems, number);
	struct nlattr *item = batch_nest(nlh, NFTA_LIST_ELEM);

	encode_key(nlh, NFTA_SET_ELEM_KEY, key, elems->size);
	if (encode_set_flags(elems->set) & NFT_SET_CONCAT)
		encode_key(nlh, NFTA_SET_ELEM_KEY_END, key + elems->set->key_bytes, elems->size);
	encode_elem_data(elems, elem);
	mnl_attr_nest_end(nlh, item);
}

// The element of a tree at which an interval has ended.
static void encode_tree_end(struct encode_elems *elems, uint32_t number, const uint8_t *key)
{
	struct nlmsghdr *nlh = encode_elems_room(elems, number);
	struct nlattr *item = batch_nest(nlh, NFTA_LIST_ELEM);

	encode_key(nlh, NFTA_SET_ELEM_KEY, key, elems->size);
	batch_put_be32(nlh, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	mnl_attr_nest_end(nlh, item);
}

struct encode_place {
	const uint8_t *key;
	size_t size;
	uint32_t number;
};

static int encode_compare_places(const void *a, const void *b)
{
	const struct encode_place *left = a, *right = b;

	return memcmp(left->key, right->key, left->size);
}

// A tree takes its intervals in rising order (it looks for overlaps among neighbours).
static void encode_tree(struct encode_elems *elems)
{
	static const uint8_t zero[RS_KEY_BYTES_MAX];
	const struct rs_elem *first = elems->ruleset->elems + elems->set->first_elem;
	uint8_t after[RS_KEY_BYTES_MAX];
	VEC(struct encode_place) places = { 0 };

	for (uint32_t i = 0; i < elems->set->n_elems; i++)
		vec_push(&places, ((struct encode_place){ elems->ruleset->pool + first[i].key,
							  elems->size, i }));
	qsort(places.v, places.n, sizeof(*places.v), encode_compare_places);
	if (memcmp(places.v[0].key, zero, elems->size) != 0)
		encode_tree_end(elems, places.v[0].number, zero);
	for (size_t i = 0; i < places.n; i++) {
		const struct encode_place *place = &places.v[i];

		encode_elem(elems, place->number, &first[place->number]);
		if (encode_key_after(place->key + elems->set->key_bytes, elems->size, after))
			encode_tree_end(elems, place->number, after);
	}
	vec_done(&places);
}

void encode_elems(struct batch *batch, const struct ruleset *ruleset, uint32_t set, bool by_number)
{
	const struct rs_set *at = &ruleset->sets[set];
	struct encode_elems elems = {
		.batch = batch, .ruleset = ruleset, .set = at, .index = set, .by_number = by_number
	};

	elems.size = at->n_keys == 1 ? rs_key_info(at->keys[0])->size : at->key_bytes;
	expr_set_name(ruleset, set, elems.name);
	if (at->n_elems && encode_set_is_tree(at))
		encode_tree(&elems);
	else
		for (uint32_t i = 0; i < at->n_elems; i++)
			encode_elem(&elems, i, &ruleset->elems[at->first_elem + i]);
	encode_elems_close(&elems);
}

void encode_drop_set(struct batch *batch, const char *table, const char *name)
{
	struct nlmsghdr *nlh =
		batch_message(batch, NFT_MSG_DELSET, 0, encode_mark(BATCH_OLD, RS_NONE));

	batch_put_text(nlh, NFTA_SET_TABLE, table);
	batch_put_text(nlh, NFTA_SET_NAME, name);
}

uint32_t encode_obj_type(const struct rs_obj *obj)
{
	return obj->kind == RS_OBJ_HELPER ? NFT_OBJECT_CT_HELPER : NFT_OBJECT_COUNTER;
}

void encode_obj(struct batch *batch, const struct ruleset *ruleset, uint32_t obj,
		const struct kernel_counter *start)
{
	const struct rs_obj *at = &ruleset->objs[obj];
	struct nlmsghdr *nlh =
		batch_message(batch, NFT_MSG_NEWOBJ, NLM_F_CREATE, encode_mark(BATCH_OBJ, obj));
	struct nlattr *data;

	batch_put_text(nlh, NFTA_OBJ_TABLE, encode_table_name(ruleset));
	batch_put_text(nlh, NFTA_OBJ_NAME, rs_string(ruleset, at->name));
	batch_put_be32(nlh, NFTA_OBJ_TYPE, encode_obj_type(at));
	data = batch_nest(nlh, NFTA_OBJ_DATA);
	if (at->kind == RS_OBJ_HELPER) {
		batch_put_text(nlh, NFTA_CT_HELPER_NAME, rs_string(ruleset, at->helper));
		batch_put_be16(nlh, NFTA_CT_HELPER_L3PROTO, NFPROTO_INET);
		batch_put_u8(nlh, NFTA_CT_HELPER_L4PROTO, at->protocol);
	} else if (start) {
		batch_put_be64(nlh, NFTA_COUNTER_BYTES, start->bytes);
		batch_put_be64(nlh, NFTA_COUNTER_PACKETS, start->packets);
	}
	mnl_attr_nest_end(nlh, data);
}

void encode_drop_obj(struct batch *batch, const char *table, const char *name, uint32_t type)
{
	struct nlmsghdr *nlh =
		batch_message(batch, NFT_MSG_DELOBJ, 0, encode_mark(BATCH_OLD, RS_NONE));

	batch_put_text(nlh, NFTA_OBJ_TABLE, table);
	batch_put_text(nlh, NFTA_OBJ_NAME, name);
	batch_put_be32(nlh, NFTA_OBJ_TYPE, type);
}
