// Is a ruleset that anyone may have made sound?  Every index, size, string, name and enum value;
// items that belong to chains, rules and sets must lie one behind the other without a gap, so none
// belongs to two.  What the kernel checks by itself (which statement may stand in which hook) is
// left to it.
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>

#include "compile/image.h"
#include "compile/storage.h"

enum { SET_NAME_MAX = RS_NAME_MAX - 10 }; // ".%08x" and the NUL follow

static bool is_string(const struct ruleset *r, uint32_t offset)
{
	return offset < r->strings_size;
}

static bool is_index(uint32_t index, size_t n)
{
	return index < n;
}

static bool is_origin(const struct ruleset *r, uint32_t origin)
{
	return origin == RS_NONE || origin < r->n_origins;
}

// Letters, digits, '_', '-', '.'; the first is a letter or '_'.
static bool is_name(const struct ruleset *r, uint32_t offset)
{
	const char *name;
	size_t length;

	if (!is_string(r, offset))
		return false;
	name = rs_string(r, offset);
	length = strlen(name);
	if (!length || length > SET_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		bool other = (c >= '0' && c <= '9') || c == '-' || c == '.';

		if (!letter && (!other || i == 0))
			return false;
	}
	return true;
}

// The pool of strings as a whole: no control characters.
static bool good_strings(const struct ruleset *r)
{
	if (!r->strings_size || r->strings[0] || r->strings[r->strings_size - 1])
		return false;
	for (size_t i = 0; i < r->strings_size; i++) {
		unsigned char c = r->strings[i];

		if ((c && c < ' ') || c == 0x7f)
			return false;
	}
	return true;
}

// A text that stands between quotation marks.
static bool is_quotable(const struct ruleset *r, uint32_t offset, size_t max)
{
	const char *text;

	if (!is_string(r, offset))
		return false;
	text = rs_string(r, offset);
	return strlen(text) <= max && !strpbrk(text, "\"\\");
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Sorts the names; 0 when no two are the same.
static int unique(const char **names, size_t n)
{
	qsort(names, n, sizeof(*names), compare_text);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(names[i - 1], names[i]))
			return -EBADMSG;
	return 0;
}

static int unique_names(const struct ruleset *r)
{
	size_t most = r->n_chains > r->n_sets ? r->n_chains : r->n_sets;
	const char **names;
	int bad;

	if (r->n_objs > most)
		most = r->n_objs;
	names = calloc(most ? most : 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_chains; i++)
		names[i] = rs_string(r, r->chains[i].name);
	bad = unique(names, r->n_chains);
	for (size_t i = 0; i < r->n_sets; i++)
		names[i] = rs_string(r, r->sets[i].name);
	bad = bad ? bad : unique(names, r->n_sets);
	for (size_t i = 0; i < r->n_objs; i++)
		names[i] = rs_string(r, r->objs[i].name);
	bad = bad ? bad : unique(names, r->n_objs);
	free(names);
	return bad;
}

static bool good_chains(const struct ruleset *r)
{
	uint64_t next = 0;

	for (size_t i = 0; i < r->n_chains; i++) {
		const struct rs_chain *chain = &r->chains[i];

		if (!is_name(r, chain->name) || !is_origin(r, chain->origin) || chain->base > 1 ||
		    chain->nat > 1 || chain->drop > 1 || chain->hook > NF_INET_POST_ROUTING ||
		    chain->first_rule != next)
			return false;
		next += chain->n_rules;
		if (next > r->n_rules)
			return false;
		for (uint32_t k = 0; k < chain->n_rules; k++)
			if (r->rules[chain->first_rule + k].chain != i)
				return false;
	}
	return next == r->n_rules;
}

static bool good_rules(const struct ruleset *r)
{
	uint64_t next = 0;

	for (size_t i = 0; i < r->n_rules; i++) {
		const struct rs_rule *rule = &r->rules[i];

		if (!is_origin(r, rule->origin) || !is_quotable(r, rule->comment, RS_PREFIX_MAX) ||
		    rule->first_stmt != next)
			return false;
		next += rule->n_stmts;
		if (next > r->n_stmts)
			return false;
	}
	return next == r->n_stmts;
}

static bool good_target(const struct ruleset *r, uint8_t verdict, uint32_t ref)
{
	if (verdict > RS_RETURN)
		return false;
	if (verdict == RS_JUMP || verdict == RS_GOTO)
		return is_index(ref, r->n_chains) && !r->chains[ref].base;
	return ref == RS_NONE;
}

// A set of the kind, whose key has fields of the sizes that the statement loads.
static bool good_set_ref(const struct ruleset *r, const struct rs_stmt *stmt, enum rs_set_kind kind)
{
	const struct rs_set *set;

	if (!is_index(stmt->ref, r->n_sets))
		return false;
	set = &r->sets[stmt->ref];
	if (set->kind != kind || set->n_keys != stmt->n_keys)
		return false;
	for (unsigned i = 0; i < stmt->n_keys; i++)
		if (rs_key_info(stmt->keys[i])->size != rs_key_info(set->keys[i])->size)
			return false;
	return true;
}

// Only of an address less than all bits can be looked up.
static bool good_bits(const struct rs_stmt *stmt)
{
	bool looks_up =
		stmt->kind == RS_LOOKUP || stmt->kind == RS_VMAP || stmt->kind == RS_COUNT_MAP;

	for (unsigned i = 0; i < RS_KEYS_MAX; i++) {
		enum rs_key key = i < stmt->n_keys ? stmt->keys[i] : RS_KEY_COUNT;
		bool address = key == RS_IP_SADDR || key == RS_IP_DADDR || key == RS_IP6_SADDR ||
			       key == RS_IP6_DADDR;

		if (stmt->bits[i] &&
		    (!looks_up || !address || stmt->bits[i] >= 8 * rs_key_info(key)->size))
			return false;
	}
	return true;
}

static bool good_match(const struct rs_stmt *stmt)
{
	bool range = stmt->op == RS_IN_RANGE || stmt->op == RS_NOT_IN_RANGE;

	if (stmt->n_keys != 1 || stmt->op > RS_NOT_IN_RANGE || stmt->masked > 1)
		return false;
	return !range || memcmp(stmt->value, stmt->value_hi, rs_key_info(stmt->keys[0])->size) <= 0;
}

static bool good_obj_ref(const struct ruleset *r, const struct rs_stmt *stmt, enum rs_obj_kind kind)
{
	return is_index(stmt->ref, r->n_objs) && r->objs[stmt->ref].kind == kind;
}

static bool good_translation(const struct rs_stmt *stmt)
{
	size_t size = stmt->family == 4 ? 4 : 16;

	return (stmt->family == 4 || stmt->family == 6) && stmt->destination <= 1 &&
	       stmt->port_lo <= stmt->port_hi && memcmp(stmt->value, stmt->value_hi, size) <= 0;
}

static bool good_queue(const struct rs_stmt *stmt)
{
	return stmt->count && stmt->group + stmt->count <= UINT16_MAX + 1;
}

static bool good_content(const struct ruleset *r, const struct rs_stmt *stmt)
{
	switch (stmt->kind) {
	case RS_MATCH:
		return good_match(stmt);
	case RS_LOOKUP:
		return stmt->op <= RS_NEQ && good_set_ref(r, stmt, RS_SET);
	case RS_VMAP:
		return good_set_ref(r, stmt, RS_MAP_VERDICT);
	case RS_COUNT_MAP:
		return good_set_ref(r, stmt, RS_MAP_COUNTER);
	case RS_COUNT:
		return good_obj_ref(r, stmt, RS_OBJ_COUNTER);
	case RS_HELPER:
		return good_obj_ref(r, stmt, RS_OBJ_HELPER);
	case RS_LIMIT:
		return stmt->rate > 0;
	case RS_LOG:
		return is_quotable(r, stmt->prefix, RS_PREFIX_MAX - 1);
	case RS_VERDICT:
		return good_target(r, stmt->verdict, stmt->ref);
	case RS_REJECT:
		return stmt->verdict <= RS_REJECT_TCP_RESET;
	case RS_QUEUE:
		return good_queue(stmt);
	case RS_NAT:
	case RS_NETMAP:
		return good_translation(stmt);
	case RS_MSS:
		return stmt->size > 0;
	case RS_TPROXY:
		return stmt->port_lo > 0;
	case RS_EXTHDR:
		return stmt->op <= RS_NEQ;
	default:
		return stmt->kind < RS_STMT_KINDS;
	}
}

static bool good_stmts(const struct ruleset *r)
{
	for (size_t i = 0; i < r->n_stmts; i++) {
		const struct rs_stmt *stmt = &r->stmts[i];

		if (stmt->n_keys > RS_KEYS_MAX)
			return false;
		for (unsigned k = 0; k < stmt->n_keys; k++)
			if (stmt->keys[k] >= RS_KEY_COUNT)
				return false;
		if (stmt->prefix && stmt->kind != RS_LOG)
			return false;
		if (!good_bits(stmt) || !good_content(r, stmt))
			return false;
	}
	return true;
}

static bool good_key(const struct ruleset *r, const struct rs_set *set, const struct rs_elem *elem)
{
	size_t size = (size_t)set->key_bytes * (set->interval ? 2 : 1);
	const uint8_t *lo, *hi;

	if (size > r->pool_size || elem->key > r->pool_size - size)
		return false;
	lo = r->pool + elem->key;
	hi = set->interval ? lo + set->key_bytes : lo;
	for (unsigned i = 0; i < set->n_keys; i++) {
		unsigned field = rs_key_info(set->keys[i])->size, padded = rs_padded(field);

		if (memcmp(lo, hi, field) > 0)
			return false;
		for (unsigned k = field; k < padded; k++)
			if (lo[k] || hi[k])
				return false;
		lo += padded;
		hi += padded;
	}
	return true;
}

static bool good_elem(const struct ruleset *r, const struct rs_set *set, const struct rs_elem *elem)
{
	if (!is_origin(r, elem->origin) || !good_key(r, set, elem))
		return false;
	if (set->kind == RS_MAP_VERDICT)
		return good_target(r, elem->verdict, elem->ref);
	if (elem->verdict != RS_CONTINUE)
		return false;
	if (set->kind == RS_MAP_COUNTER)
		return is_index(elem->ref, r->n_objs) && r->objs[elem->ref].kind == RS_OBJ_COUNTER;
	return elem->ref == RS_NONE;
}

static bool good_set(const struct ruleset *r, const struct rs_set *set)
{
	unsigned bytes = 0;

	if (!is_name(r, set->name) || !is_origin(r, set->origin) || set->kind > RS_MAP_COUNTER ||
	    set->interval > 1 || !set->n_keys || set->n_keys > RS_KEYS_MAX)
		return false;
	for (unsigned i = 0; i < set->n_keys; i++) {
		if (set->keys[i] >= RS_KEY_COUNT)
			return false;
		bytes += rs_padded(rs_key_info(set->keys[i])->size);
	}
	return bytes == set->key_bytes && bytes <= RS_KEY_BYTES_MAX;
}

static bool good_sets(const struct ruleset *r)
{
	uint64_t next = 0;

	for (size_t i = 0; i < r->n_sets; i++) {
		const struct rs_set *set = &r->sets[i];

		if (!good_set(r, set) || set->first_elem != next)
			return false;
		next += set->n_elems;
		if (next > r->n_elems)
			return false;
		for (uint32_t k = 0; k < set->n_elems; k++)
			if (!good_elem(r, set, &r->elems[set->first_elem + k]))
				return false;
	}
	return next == r->n_elems;
}

static bool good_objs(const struct ruleset *r)
{
	for (size_t i = 0; i < r->n_objs; i++) {
		const struct rs_obj *obj = &r->objs[i];
		bool helper = obj->kind == RS_OBJ_HELPER;

		if (!is_name(r, obj->name) || !is_origin(r, obj->origin) ||
		    obj->kind > RS_OBJ_HELPER)
			return false;
		if (helper && (!is_name(r, obj->helper) ||
			       (obj->protocol != IPPROTO_TCP && obj->protocol != IPPROTO_UDP)))
			return false;
	}
	return true;
}

static bool good_origins(const struct ruleset *r)
{
	for (size_t i = 0; i < r->n_origins; i++)
		if (!is_string(r, r->origins[i].flow) || !is_string(r, r->origins[i].file))
			return false;
	return true;
}

int ruleset_check(const struct ruleset *ruleset)
{
	int r;

	// In this order: each relies on what the ones before it made sure of.
	if (!good_strings(ruleset) || !is_name(ruleset, ruleset->table) || !good_origins(ruleset) ||
	    !good_objs(ruleset) || !good_chains(ruleset) || !good_rules(ruleset) ||
	    !good_sets(ruleset) || !good_stmts(ruleset))
		return -EBADMSG;
	r = unique_names(ruleset);
	return r ? r : ruleset_check_depth(ruleset);
}
