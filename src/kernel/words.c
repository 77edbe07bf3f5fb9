#include "kernel/words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "base/addr.h"
#include "base/diag.h"
#include "kernel/encode.h"
#include "kernel/link.h"

#ifndef ERESTART
#define ERESTART 85
#endif

struct words {
	char *out;
	size_t used, size;
};

static void words_add(struct words *words, const char *text)
{
	int n = snprintf(words->out + words->used, words->size - words->used, "%s", text);

	words->used += (size_t)n;
	if (words->used >= words->size)
		words->used = words->size - 1;
}

static void words_address(struct words *words, unsigned size, const uint8_t *lo, const uint8_t *hi)
{
	enum addr_family family = size == 4 ? ADDR_V4 : ADDR_V6;
	struct addr_range range = { .family = family,
				    .lo = addr_from_bytes(family, lo),
				    .hi = addr_from_bytes(family, hi) };
	char text[ADDR_TEXT_MAX];

	words_add(words, addr_range_text(&range, text));
}

static uint32_t words_value(const struct rs_key_info *info, const uint8_t *bytes)
{
	uint32_t value = 0;

	if (info->host_order && info->size == sizeof(value))
		memcpy(&value, bytes, sizeof(value));
	else
		for (unsigned i = 0; i < info->size && i < sizeof(value); i++)
			value = value << 8 | bytes[i];
	return value;
}

static void words_number(struct words *words, const struct rs_key_info *info, const uint8_t *lo,
			 const uint8_t *hi)
{
	uint32_t from = words_value(info, lo), to = words_value(info, hi);
	char text[32];

	snprintf(text, sizeof(text), from == to ? "%u" : "%u-%u", from, to);
	words_add(words, text);
}

static void words_interface(struct words *words, const uint8_t *lo, const uint8_t *hi)
{
	char text[20];

	snprintf(text, sizeof(text), "%.16s%s", (const char *)lo,
		 memcmp(lo, hi, 16) == 0 ? "" : "*");
	words_add(words, text);
}

void words_key(const struct rs_set *set, const uint8_t *lo, const uint8_t *hi,
	       char out[WORDS_KEY_MAX])
{
	struct words words = { .out = out, .size = WORDS_KEY_MAX };
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < set->n_keys; i++) {
		const struct rs_key_info *info = rs_key_info(set->keys[i]);
		const uint8_t *last = hi ? hi + at : lo + at;

		if (i)
			words_add(&words, " . ");
		if (set->keys[i] == RS_META_IIFNAME || set->keys[i] == RS_META_OIFNAME)
			words_interface(&words, lo + at, last);
		else if (info->family && (info->size == 4 || info->size == 16))
			words_address(&words, info->size, lo + at, last);
		else
			words_number(&words, info, lo + at, last);
		at += (info->size + 3u) & ~3u;
	}
}

// The value of a key's attribute, and its size; NULL if there is none.
static const uint8_t *words_key_value(const struct nlattr *nest, size_t *ret_size)
{
	const struct nlattr *value[NFTA_DATA_MAX + 1];

	link_nested(nest, value, NFTA_DATA_MAX);
	if (!value[NFTA_DATA_VALUE])
		return NULL;
	*ret_size = mnl_attr_get_payload_len(value[NFTA_DATA_VALUE]);
	return mnl_attr_get_payload(value[NFTA_DATA_VALUE]);
}

// Whether an element is what was sent with this key: its beginning, or in a tree its end.
static bool words_is_elem(const struct rs_set *set, const uint8_t *key, const uint8_t *lo,
			  const uint8_t *hi, size_t size)
{
	uint8_t after[RS_KEY_BYTES_MAX];

	if (memcmp(key, lo, size) == 0)
		return !hi || memcmp(key + set->key_bytes, hi, size) == 0;
	return encode_set_is_tree(set) && encode_key_after(key + set->key_bytes, size, after) &&
	       memcmp(after, lo, size) == 0;
}

// Which element of the set the attribute at fault is, or RS_NONE.
static uint32_t words_find_elem(const struct ruleset *ruleset, const struct batch *batch,
				const struct batch_mark *mark, uint32_t offset)
{
	const struct rs_set *set = &ruleset->sets[mark->index];
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(batch->bytes + mark->offset);
	const struct nlattr *attrs[NFTA_SET_ELEM_MAX + 1];
	const uint8_t *lo, *hi;
	size_t size = 0;

	if (offset < NLMSG_HDRLEN || offset + sizeof(struct nlattr) > nlh->nlmsg_len)
		return RS_NONE;
	link_nested((const struct nlattr *)((const char *)nlh + offset), attrs, NFTA_SET_ELEM_MAX);
	hi = words_key_value(attrs[NFTA_SET_ELEM_KEY_END], &size);
	lo = words_key_value(attrs[NFTA_SET_ELEM_KEY], &size);
	for (uint32_t i = set->first_elem; lo && i < set->first_elem + set->n_elems; i++)
		if (size <= set->key_bytes &&
		    words_is_elem(set, ruleset->pool + ruleset->elems[i].key, lo, hi, size))
			return i;
	return RS_NONE;
}

static void words_elems(struct kernel_error *error, const struct ruleset *ruleset,
			const struct batch *batch, const struct batch_mark *mark, uint32_t offset)
{
	const struct rs_set *set = &ruleset->sets[mark->index];
	uint32_t elem = words_find_elem(ruleset, batch, mark, offset);
	char key[WORDS_KEY_MAX];
	const uint8_t *lo;

	snprintf(error->object, sizeof(error->object), "set %s", rs_string(ruleset, set->name));
	error->origin = set->origin;
	if (elem == RS_NONE)
		return;
	lo = ruleset->pool + ruleset->elems[elem].key;
	words_key(set, lo, set->interval ? lo + set->key_bytes : NULL, key);
	snprintf(error->object, sizeof(error->object), "set %.120s, element %.140s",
		 rs_string(ruleset, set->name), key);
	error->origin = ruleset->elems[elem].origin;
}

// Names what the message was about and where that comes from.
static void words_object(struct kernel_error *error, const struct ruleset *ruleset,
			 const struct batch *batch, const struct batch_mark *mark, uint32_t offset)
{
	char *out = error->object;
	size_t size = sizeof(error->object);

	error->origin = RS_NONE;
	if (!mark) {
		snprintf(out, size, "the transaction as a whole");
	} else if (mark->what == BATCH_OLD) {
		snprintf(out, size, "a part of the policy that ran before");
	} else if (mark->what == BATCH_TABLE || mark->index == RS_NONE) {
		snprintf(out, size, "table %s", rs_string(ruleset, ruleset->table));
	} else if (mark->what == BATCH_CHAIN) {
		snprintf(out, size, "chain %s",
			 rs_string(ruleset, ruleset->chains[mark->index].name));
		error->origin = ruleset->chains[mark->index].origin;
	} else if (mark->what == BATCH_RULE) {
		const struct rs_rule *rule = &ruleset->rules[mark->index];
		const struct rs_chain *chain = &ruleset->chains[rule->chain];

		snprintf(out, size, "chain %s, rule %u", rs_string(ruleset, chain->name),
			 mark->index - chain->first_rule + 1);
		error->origin = rule->origin;
	} else if (mark->what == BATCH_SET) {
		snprintf(out, size, "set %s", rs_string(ruleset, ruleset->sets[mark->index].name));
		error->origin = ruleset->sets[mark->index].origin;
	} else if (mark->what == BATCH_ELEMS) {
		words_elems(error, ruleset, batch, mark, offset);
	} else {
		const struct rs_obj *obj = &ruleset->objs[mark->index];

		snprintf(out, size, "%s %s", obj->kind == RS_OBJ_HELPER ? "helper" : "counter",
			 rs_string(ruleset, obj->name));
		error->origin = obj->origin;
	}
}

enum { WORDS_ANY = 0xff, WORDS_WHOLE = 0xfe };

// The first row that fits: what the message was about (WORDS_WHOLE: none in particular) and errno.
struct words_row {
	uint8_t what;
	int error; // 0: any
	enum diag_code code;
	const char *text;
};

static const struct words_row words_rows[] = {
	{ BATCH_TABLE, EPERM, SK_KERNEL_OWNED,
	  "another process owns the table: stop the other sekishod" },
	{ BATCH_TABLE, EBUSY, SK_KERNEL_OWNED,
	  "another process owns the table: stop the other sekishod" },
	{ WORDS_ANY, EPERM, SK_KERNEL_RIGHT, "this process lacks CAP_NET_ADMIN" },
	{ BATCH_TABLE, EOPNOTSUPP, SK_KERNEL_TABLES,
	  "the kernel has no nf_tables with family inet: load nf_tables" },
	{ BATCH_TABLE, EAFNOSUPPORT, SK_KERNEL_TABLES,
	  "the kernel has no nf_tables with family inet: load nf_tables" },
	{ BATCH_OBJ, ENOENT, SK_KERNEL_HELPER,
	  "the kernel has no such connection helper: load its nf_conntrack module or take the "
	  "helper out of the flow" },
	{ BATCH_RULE, ENOENT, SK_KERNEL_EXPRESSION,
	  "the kernel lacks an expression that this rule needs" },
	{ BATCH_RULE, EOPNOTSUPP, SK_KERNEL_EXPRESSION,
	  "the kernel cannot do what this rule asks for" },
	{ BATCH_ELEMS, EEXIST, SK_KERNEL_OVERLAP, "two elements of the set overlap" },
	{ BATCH_ELEMS, ENOTEMPTY, SK_KERNEL_OVERLAP, "two elements of the set overlap" },
	{ WORDS_ANY, ELOOP, SK_KERNEL_LOOP, "chains lead back to themselves" },
	{ WORDS_ANY, EMLINK, SK_KERNEL_LOOP, "chains jump deeper than the kernel allows (16)" },
	{ WORDS_ANY, ENOMEM, SK_KERNEL_MEMORY, "the kernel has no memory left for it" },
	{ WORDS_WHOLE, EMSGSIZE, SK_KERNEL_SIZE, "the policy is too big for one transaction" },
	{ WORDS_WHOLE, ENOBUFS, SK_KERNEL_UNSURE,
	  "the kernel's answers were lost and the policy is not in force" },
	{ WORDS_WHOLE, ERESTART, SK_KERNEL_BUSY,
	  "others change the rules of this box without pause: apply again" },
	{ WORDS_WHOLE, EINTR, SK_KERNEL_BUSY,
	  "others change the rules of this box without pause: apply again" },
	{ WORDS_ANY, 0, SK_KERNEL_PART, "the kernel refused it" },
};

void words_refusal(struct kernel_error *error, const struct ruleset *ruleset,
		   const struct batch *batch, const struct batch_mark *mark, int status,
		   uint32_t offset)
{
	const struct words_row *row = words_rows;

	*error = (struct kernel_error){ .error = status };
	words_object(error, ruleset, batch, mark, offset);
	while ((row->what != WORDS_ANY && row->what != (mark ? (int)mark->what : WORDS_WHOLE)) ||
	       (row->error && row->error != -status))
		row++;
	error->code = (uint16_t)row->code;
	snprintf(error->text, sizeof(error->text), "%.160s: %s (%s)", error->object, row->text,
		 strerror(-status));
}

void words_lacking(struct kernel_error *error, uint8_t stmt_kind)
{
	const char *what = NULL;

	if (error->error == -EOPNOTSUPP && stmt_kind == RS_QUEUE) {
		error->code = SK_KERNEL_QUEUE;
		what = "the kernel has neither nft_queue nor the NFQUEUE target";
	} else if (error->error == -EOPNOTSUPP && stmt_kind == RS_NETMAP) {
		error->code = SK_KERNEL_NETMAP;
		what = "the kernel cannot translate prefixes";
	} else if (error->error == -EOPNOTSUPP && stmt_kind == RS_TPROXY) {
		error->code = SK_KERNEL_TPROXY;
		what = "the kernel lacks nft_tproxy, nft_socket or nft_fib";
	}
	if (what)
		snprintf(error->text, sizeof(error->text), "%.160s: %s", error->object, what);
}
