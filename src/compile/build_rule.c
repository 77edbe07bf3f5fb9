// Rules and their statements: each function appends one statement to the rule begun last.
#include "compile/build.h"

#include <string.h>

#include "compile/build_private.h"
#include "compile/compile.h"

void rule(struct build *build, uint32_t chain, uint32_t origin)
{
	struct rs_rule *begun = vec_add(&build->rules);

	begun->chain = chain;
	begun->first_stmt = build->stmts.n;
	begun->origin = origin;
}

static struct rs_stmt *add(struct build *build, enum rs_stmt_kind kind)
{
	struct rs_stmt *stmt = vec_add(&build->stmts);

	build->rules.v[build->rules.n - 1].n_stmts++;
	stmt->kind = kind;
	stmt->ref = RS_NONE;
	return stmt;
}

static struct rs_stmt *add_match(struct build *build, enum rs_key key, enum rs_op op)
{
	struct rs_stmt *stmt = add(build, RS_MATCH);

	stmt->n_keys = 1;
	stmt->keys[0] = key;
	stmt->op = op;
	return stmt;
}

static void put(uint8_t *out, enum rs_key key, uint32_t value)
{
	const struct rs_key_info *info = rs_key_info(key);

	if (info->host_order) {
		memcpy(out, &value, sizeof(value));
		return;
	}
	for (unsigned i = 0; i < info->size; i++)
		out[i] = value >> 8 * (info->size - 1 - i);
}

void rule_u8(struct build *build, enum rs_key key, enum rs_op op, uint8_t value)
{
	put(add_match(build, key, op)->value, key, value);
}

void rule_u8_range(struct build *build, enum rs_key key, uint8_t lo, uint8_t hi)
{
	struct rs_stmt *stmt = add_match(build, key, lo == hi ? RS_EQ : RS_IN_RANGE);

	put(stmt->value, key, lo);
	if (lo != hi)
		put(stmt->value_hi, key, hi);
}

void rule_u16(struct build *build, enum rs_key key, enum rs_op op, uint16_t lo, uint16_t hi)
{
	struct rs_stmt *stmt;

	if (lo != hi)
		op = op == RS_EQ ? RS_IN_RANGE : RS_NOT_IN_RANGE;
	stmt = add_match(build, key, op);
	put(stmt->value, key, lo);
	if (lo != hi)
		put(stmt->value_hi, key, hi);
}

void rule_u32(struct build *build, enum rs_key key, enum rs_op op, uint32_t value)
{
	put(add_match(build, key, op)->value, key, value);
}

void rule_flags(struct build *build, enum rs_key key, enum rs_op op, uint32_t mask, uint32_t value)
{
	struct rs_stmt *stmt = add_match(build, key, op);

	stmt->masked = 1;
	put(stmt->mask, key, mask);
	put(stmt->value, key, value);
}

void rule_addr(struct build *build, enum rs_key key, bool inside, const struct addr_range *range)
{
	int prefix = addr_range_prefix(range);
	struct rs_stmt *stmt;

	if (prefix < 0) {
		stmt = add_match(build, key, inside ? RS_IN_RANGE : RS_NOT_IN_RANGE);
		addr_to_bytes(range->family, range->lo, stmt->value);
		addr_to_bytes(range->family, range->hi, stmt->value_hi);
		return;
	}
	stmt = add_match(build, key, inside ? RS_EQ : RS_NEQ);
	addr_to_bytes(range->family, range->lo, stmt->value);
	if (prefix == (int)addr_width(range->family))
		return;
	stmt->masked = 1;
	addr_to_bytes(range->family, ~(range->lo ^ range->hi) & addr_max(range->family),
		      stmt->mask);
}

void rule_name(struct build *build, enum rs_key key, const char *name, bool pattern)
{
	struct rs_stmt *stmt = add_match(build, key, RS_EQ);
	size_t length = strnlen(name, 15);

	memcpy(stmt->value, name, length);
	if (pattern) {
		stmt->masked = 1;
		memset(stmt->mask, 0xff, length);
	}
}

static struct rs_stmt *add_set(struct build *build, enum rs_stmt_kind kind, uint32_t set)
{
	struct rs_stmt *stmt = add(build, kind);

	stmt->ref = set;
	stmt->n_keys = build->sets.v[set].n_keys;
	memcpy(stmt->keys, build->sets.v[set].keys, sizeof(stmt->keys));
	return stmt;
}

void rule_lookup(struct build *build, enum rs_key key, uint32_t set, bool inside)
{
	struct rs_stmt *stmt = add_set(build, RS_LOOKUP, set);

	stmt->keys[0] = key;
	stmt->op = inside ? RS_EQ : RS_NEQ;
}

void rule_inside(struct build *build, uint32_t set)
{
	add_set(build, RS_LOOKUP, set)->op = RS_EQ;
}

void rule_vmap(struct build *build, uint32_t set)
{
	add_set(build, RS_VMAP, set);
}

void rule_count(struct build *build, uint32_t counter)
{
	add(build, RS_COUNT)->ref = counter;
}

void rule_count_map(struct build *build, uint32_t set)
{
	add_set(build, RS_COUNT_MAP, set);
}

void rule_bits(struct build *build, const uint8_t bits[RS_KEYS_MAX])
{
	memcpy(build->stmts.v[build->stmts.n - 1].bits, bits, RS_KEYS_MAX);
}

void rule_log(struct build *build, uint16_t group, unsigned rate, unsigned burst,
	      const char *prefix)
{
	uint32_t string = rb_string(build, prefix);
	struct rs_stmt *stmt = add(build, RS_LIMIT);

	stmt->rate = rate;
	stmt->burst = burst;
	stmt = add(build, RS_LOG);
	stmt->prefix = string;
	stmt->group = group;
	stmt->burst = NFLOG_SNAPLEN;
}

void rule_verdict(struct build *build, enum rs_verdict verdict, uint32_t chain)
{
	struct rs_stmt *stmt = add(build, RS_VERDICT);

	stmt->verdict = verdict;
	stmt->ref = chain;
}

void rule_reject(struct build *build, enum rs_reject how)
{
	add(build, RS_REJECT)->verdict = how;
}

void rule_helper(struct build *build, uint32_t helper)
{
	add(build, RS_HELPER)->ref = helper;
}

void rule_queue(struct build *build, uint16_t first, uint16_t count)
{
	struct rs_stmt *stmt = add(build, RS_QUEUE);

	stmt->group = first;
	stmt->count = count;
}

void rule_set_ct_mark(struct build *build, uint32_t keep, uint32_t put_bits)
{
	struct rs_stmt *stmt = add(build, RS_SET_CT_MARK);

	memcpy(stmt->value, &keep, sizeof(keep));
	memcpy(stmt->value + sizeof(keep), &put_bits, sizeof(put_bits));
}

void rule_set_meta_mark(struct build *build, uint32_t mark)
{
	memcpy(add(build, RS_SET_META_MARK)->value, &mark, sizeof(mark));
}

void rule_clear_meta_mark(struct build *build, uint32_t keep)
{
	memcpy(add(build, RS_SET_META_MARK)->value + sizeof(keep), &keep, sizeof(keep));
}

void rule_tproxy(struct build *build, uint16_t port)
{
	add(build, RS_TPROXY)->port_lo = port;
}

void rule_number(struct build *build, enum rs_stmt_kind kind, uint8_t number)
{
	add(build, kind)->number = number;
}

static struct rs_stmt *add_nat(struct build *build, enum rs_stmt_kind kind, bool destination,
			       const struct addr_range *to)
{
	struct rs_stmt *stmt = add(build, kind);

	stmt->destination = destination;
	stmt->family = to->family;
	addr_to_bytes(to->family, to->lo, stmt->value);
	addr_to_bytes(to->family, to->hi, stmt->value_hi);
	return stmt;
}

void rule_nat(struct build *build, bool destination, const struct addr_range *to, uint16_t port)
{
	struct rs_stmt *stmt = add_nat(build, RS_NAT, destination, to);

	stmt->port_lo = port;
	stmt->port_hi = port;
}

void rule_netmap(struct build *build, bool destination, const struct addr_range *to)
{
	add_nat(build, RS_NETMAP, destination, to);
}

void rule_masquerade(struct build *build)
{
	add(build, RS_MASQUERADE);
}

void rule_mss(struct build *build, uint16_t size)
{
	add(build, RS_MSS)->size = size;
}
