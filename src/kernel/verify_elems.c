// The elements of a set: those of the ruleset and those of the kernel, each brought into the form
// lowest key, highest key, what it leads to; sorted; and gone through side by side.  An interval
// tree gives its intervals as beginnings and ends, which are joined first.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/vec.h"
#include "kernel/encode.h"
#include "kernel/verify.h"
#include "kernel/words.h"

enum { VERIFY_STRANGE = UINT32_MAX - 1 }; // leads to something the ruleset does not have

struct verify_elem {
	uint8_t lo[RS_KEY_BYTES_MAX], hi[RS_KEY_BYTES_MAX];
	uint32_t ref;
	uint8_t verdict;
	bool end; // of a tree's interval, not an element
};

struct verify_list {
	VEC(struct verify_elem) elems;
};

struct verify_reader {
	struct verify *verify;
	const struct rs_set *set;
	size_t size;
	struct verify_list list;
};

static int verify_compare(const void *a, const void *b)
{
	const struct verify_elem *left = a, *right = b;
	int order = memcmp(left->lo, right->lo, sizeof(left->lo));

	if (order == 0)
		order = right->end - left->end; // an end goes before a beginning
	return order ? order : memcmp(left->hi, right->hi, sizeof(left->hi));
}

static void verify_sort(struct verify_list *list)
{
	if (list->elems.n)
		qsort(list->elems.v, list->elems.n, sizeof(*list->elems.v), verify_compare);
}

static void verify_expect(const struct verify_reader *reader, struct verify_list *list)
{
	const struct ruleset *ruleset = reader->verify->ruleset;
	const struct rs_set *set = reader->set;

	for (uint32_t i = set->first_elem; i < set->first_elem + set->n_elems; i++) {
		const struct rs_elem *from = &ruleset->elems[i];
		struct verify_elem *elem = vec_add(&list->elems);
		const uint8_t *key = ruleset->pool + from->key;

		memcpy(elem->lo, key, reader->size);
		memcpy(elem->hi, key + (set->interval ? set->key_bytes : 0), reader->size);
		elem->verdict = set->kind == RS_MAP_VERDICT ? from->verdict : 0;
		elem->ref = set->kind == RS_MAP_COUNTER || elem->verdict == RS_JUMP ||
					    elem->verdict == RS_GOTO
				    ? from->ref
				    : RS_NONE;
	}
	verify_sort(list);
}

static bool verify_key(const struct verify_reader *reader, const struct nlattr *nest, uint8_t *out)
{
	const struct nlattr *data[NFTA_DATA_MAX + 1];

	link_nested(nest, data, NFTA_DATA_MAX);
	if (!data[NFTA_DATA_VALUE] ||
	    mnl_attr_get_payload_len(data[NFTA_DATA_VALUE]) != reader->size)
		return false;
	memcpy(out, mnl_attr_get_payload(data[NFTA_DATA_VALUE]), reader->size);
	return true;
}

static void verify_verdict(const struct verify *verify, const struct nlattr *nest,
			   struct verify_elem *elem)
{
	static const int codes[] = {
		[RS_CONTINUE] = NFT_CONTINUE, [RS_ACCEPT] = NF_ACCEPT, [RS_DROP] = NF_DROP,
		[RS_JUMP] = NFT_JUMP,	      [RS_GOTO] = NFT_GOTO,    [RS_RETURN] = NFT_RETURN,
	};
	const struct nlattr *data[NFTA_DATA_MAX + 1], *verdict[NFTA_VERDICT_MAX + 1];
	int code;

	link_nested(nest, data, NFTA_DATA_MAX);
	link_nested(data[NFTA_DATA_VERDICT], verdict, NFTA_VERDICT_MAX);
	code = (int)link_be32(verdict[NFTA_VERDICT_CODE]);
	elem->ref = VERIFY_STRANGE;
	for (uint8_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i] != code || !verdict[NFTA_VERDICT_CODE])
			continue;
		elem->verdict = i;
		elem->ref = RS_NONE;
		if (i == RS_JUMP || i == RS_GOTO) {
			elem->ref =
				names_get(&verify->chains, link_text(verdict[NFTA_VERDICT_CHAIN]));
			if (elem->ref == RS_NONE)
				elem->ref = VERIFY_STRANGE;
		}
	}
}

static int verify_take_elem(struct verify_reader *reader, const struct nlattr *item)
{
	const struct nlattr *attrs[NFTA_SET_ELEM_MAX + 1];
	struct verify_elem elem = { .ref = RS_NONE };
	uint32_t flags;

	link_nested(item, attrs, NFTA_SET_ELEM_MAX);
	flags = link_be32(attrs[NFTA_SET_ELEM_FLAGS]);
	if (flags & ~(uint32_t)NFT_SET_ELEM_INTERVAL_END ||
	    !verify_key(reader, attrs[NFTA_SET_ELEM_KEY], elem.lo))
		return -EBADE;
	memcpy(elem.hi, elem.lo, sizeof(elem.hi));
	if (attrs[NFTA_SET_ELEM_KEY_END] &&
	    !verify_key(reader, attrs[NFTA_SET_ELEM_KEY_END], elem.hi))
		return -EBADE;
	elem.end = flags & NFT_SET_ELEM_INTERVAL_END;
	if (reader->set->kind == RS_MAP_VERDICT && !elem.end)
		verify_verdict(reader->verify, attrs[NFTA_SET_ELEM_DATA], &elem);
	if (reader->set->kind == RS_MAP_COUNTER && !elem.end) {
		elem.ref = names_get(&reader->verify->objs, link_text(attrs[NFTA_SET_ELEM_OBJREF]));
		if (elem.ref == RS_NONE)
			elem.ref = VERIFY_STRANGE;
	}
	vec_push(&reader->list.elems, elem);
	return 0;
}

static int verify_take_elems(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_SET_ELEM_LIST_MAX + 1], *item;
	struct verify_reader *reader = arg;
	int r = 0;

	link_attrs(nlh, attrs, NFTA_SET_ELEM_LIST_MAX);
	if (!attrs[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	mnl_attr_for_each_nested(item, attrs[NFTA_SET_ELEM_LIST_ELEMENTS]) if (r == 0) r =
		verify_take_elem(reader, item);
	return r;
}

// Beginnings and ends become intervals.  An interval goes to before the next of either.
static void verify_join(struct verify_reader *reader)
{
	struct verify_list *list = &reader->list;
	size_t kept = 0;

	verify_sort(list);
	for (size_t i = 0; i < list->elems.n; i++) {
		struct verify_elem elem = list->elems.v[i];

		if (elem.end)
			continue;
		memset(elem.hi, 0, sizeof(elem.hi));
		memset(elem.hi, 0xff, reader->size);
		if (i + 1 < list->elems.n) {
			memcpy(elem.hi, list->elems.v[i + 1].lo, reader->size);
			for (size_t j = reader->size; j-- > 0;)
				if (elem.hi[j]--)
					break;
		}
		list->elems.v[kept++] = elem;
	}
	list->elems.n = kept;
}

static int verify_tell_elem(const struct verify_reader *reader, const struct verify_elem *elem,
			    const char *what)
{
	const struct rs_set *set = reader->set;
	char key[WORDS_KEY_MAX];

	words_key(set, elem->lo, set->interval ? elem->hi : NULL, key);
	return verify_tell(reader->verify, "set %s: element %s %s",
			   rs_string(reader->verify->ruleset, set->name), key, what);
}

static int verify_walk(const struct verify_reader *reader, const struct verify_list *wanted)
{
	const struct verify_list *there = &reader->list;
	size_t i = 0, j = 0;

	while (i < wanted->elems.n || j < there->elems.n) {
		const struct verify_elem *want = i < wanted->elems.n ? &wanted->elems.v[i] : NULL;
		const struct verify_elem *got = j < there->elems.n ? &there->elems.v[j] : NULL;
		int order = !want ? 1 : !got ? -1 : verify_compare(want, got);

		if (order < 0)
			return verify_tell_elem(reader, want, "is missing");
		if (order > 0)
			return verify_tell_elem(reader, got, "is not of the policy");
		if (want->verdict != got->verdict || want->ref != got->ref)
			return verify_tell_elem(reader, want, "leads elsewhere");
		i++;
		j++;
	}
	return 0;
}

int verify_elems(struct verify *verify, uint32_t set)
{
	const struct rs_set *at = &verify->ruleset->sets[set];
	struct verify_reader reader = { .verify = verify, .set = at };
	struct verify_list wanted = { 0 };
	struct nlmsghdr *nlh = link_request(verify->link, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	int r;

	reader.size = at->n_keys == 1 ? rs_key_info(at->keys[0])->size : at->key_bytes;
	batch_put_text(nlh, NFTA_SET_ELEM_LIST_TABLE, verify->table);
	batch_put_text(nlh, NFTA_SET_ELEM_LIST_SET, verify->set_names[set]);
	r = link_ask(verify->link, nlh, verify_take_elems, &reader);
	if (r == -ENOENT || r == -EBADE)
		r = verify_tell(verify, "set %s: %s", rs_string(verify->ruleset, at->name),
				r == -ENOENT ? "it is missing" : "an element is of a strange form");
	if (r == 0) {
		if (encode_set_is_tree(at))
			verify_join(&reader);
		else
			verify_sort(&reader.list);
		verify_expect(&reader, &wanted);
		r = verify_walk(&reader, &wanted);
	}
	vec_done(&reader.list.elems);
	vec_done(&wanted.elems);
	return r;
}
