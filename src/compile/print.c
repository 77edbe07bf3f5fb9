// The ruleset as nft syntax: objects, sets, chains, in the order they were made; elements sorted.
#include "compile/print.h"

#include <linux/netfilter.h>
#include <string.h>

#include "base/addr.h"
#include "compile/storage.h"

static const char *chain_name(const struct ruleset *ruleset, uint32_t chain)
{
	return rs_string(ruleset, ruleset->chains[chain].name);
}

static const char *set_name(const struct ruleset *ruleset, uint32_t set)
{
	return rs_string(ruleset, ruleset->sets[set].name);
}

static const char *obj_name(const struct ruleset *ruleset, uint32_t obj)
{
	return rs_string(ruleset, ruleset->objs[obj].name);
}

static void print_verdict(FILE *out, const struct ruleset *ruleset, enum rs_verdict verdict,
			  uint32_t chain)
{
	static const char *const words[] = {
		[RS_CONTINUE] = "continue", [RS_ACCEPT] = "accept", [RS_DROP] = "drop",
		[RS_JUMP] = "jump",	    [RS_GOTO] = "goto",	    [RS_RETURN] = "return",
	};

	fputs(words[verdict], out);
	if (verdict == RS_JUMP || verdict == RS_GOTO)
		fprintf(out, " %s", chain_name(ruleset, chain));
}

static void print_keys(FILE *out, const struct rs_stmt *stmt)
{
	for (unsigned i = 0; i < stmt->n_keys; i++) {
		fputs(i ? " . " : "", out);
		if (stmt->bits[i])
			print_prefix(out, stmt->keys[i], stmt->bits[i]);
		else
			fputs(rs_key_info(stmt->keys[i])->match, out);
	}
}

static void print_lookup(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	print_keys(out, stmt);
	fprintf(out, "%s @%s", stmt->op == RS_NEQ ? " !=" : "", set_name(ruleset, stmt->ref));
}

static void print_vmap(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	print_keys(out, stmt);
	fprintf(out, " vmap @%s", set_name(ruleset, stmt->ref));
}

static void print_count(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	fprintf(out, "counter name \"%s\"", obj_name(ruleset, stmt->ref));
}

static void print_count_map(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	fputs("counter name ", out);
	print_keys(out, stmt);
	fprintf(out, " map @%s", set_name(ruleset, stmt->ref));
}

static void print_limit(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	(void)ruleset;
	fprintf(out, "limit rate %u/second burst %u packets", stmt->rate, stmt->burst);
}

static void print_log(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	fprintf(out, "log prefix \"%s\" group %u snaplen %u", rs_string(ruleset, stmt->prefix),
		stmt->group, stmt->burst);
}

static void print_verdict_stmt(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	print_verdict(out, ruleset, stmt->verdict, stmt->ref);
}

static void print_reject(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	(void)ruleset;
	fputs(stmt->verdict == RS_REJECT_TCP_RESET ? "reject with tcp reset"
						   : "reject with icmpx admin-prohibited",
	      out);
}

static void print_queue(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	(void)ruleset;
	if (stmt->count > 1)
		fprintf(out, "queue to %d-%d", stmt->group, stmt->group + stmt->count - 1);
	else
		fprintf(out, "queue to %u", stmt->group);
}

static uint32_t value_u32(const struct rs_stmt *stmt, unsigned index)
{
	uint32_t value;

	memcpy(&value, stmt->value + index * sizeof(value), sizeof(value));
	return value;
}

static void print_set_ct_mark(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	(void)ruleset;
	fprintf(out, "ct mark set ct mark & 0x%08x | 0x%08x", value_u32(stmt, 0),
		value_u32(stmt, 1));
}

static void print_set_meta_mark(const struct ruleset *ruleset, const struct rs_stmt *stmt,
				FILE *out)
{
	(void)ruleset;
	if (value_u32(stmt, 1) && value_u32(stmt, 0))
		fprintf(out, "meta mark set meta mark & 0x%08x | 0x%08x", value_u32(stmt, 1),
			value_u32(stmt, 0));
	else if (value_u32(stmt, 1))
		fprintf(out, "meta mark set meta mark & 0x%08x", value_u32(stmt, 1));
	else
		fprintf(out, "meta mark set 0x%08x", value_u32(stmt, 0));
}

static void print_helper(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	fprintf(out, "ct helper set \"%s\"", obj_name(ruleset, stmt->ref));
}

static void print_nat(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	(void)ruleset;
	fprintf(out, "%s %s to ", stmt->destination ? "dnat" : "snat",
		stmt->family == 4 ? "ip" : "ip6");
	print_translation(out, stmt);
}

static void print_netmap(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	enum rs_key key = stmt->family == 4 ? RS_IP_SADDR : RS_IP6_SADDR;

	(void)ruleset;
	fprintf(out, "%s %s prefix to ", stmt->destination ? "dnat" : "snat",
		stmt->family == 4 ? "ip" : "ip6");
	print_field(out, key, stmt->value, stmt->value_hi);
}

static void print_masquerade(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	(void)ruleset;
	(void)stmt;
	fputs("masquerade", out);
}

static void print_mss(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	(void)ruleset;
	if (stmt->size == 1)
		fputs("tcp option maxseg size set rt mtu", out);
	else
		fprintf(out, "tcp option maxseg size set %u", stmt->size);
}

static void print_exthdr(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	static const struct {
		uint8_t number;
		const char *name;
	} headers[] = { { 0, "hbh" }, { 43, "rt" }, { 44, "frag" }, { 60, "dst" }, { 135, "mh" } };
	const char *name = NULL;

	(void)ruleset;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		if (headers[i].number == stmt->number)
			name = headers[i].name;
	if (name)
		fprintf(out, "exthdr %s %s", name, stmt->op == RS_EQ ? "exists" : "missing");
	else // nft has no word for it
		fprintf(out, "ip6 nexthdr %s%u", stmt->op == RS_EQ ? "" : "!= ", stmt->number);
}

static void print_ip_option(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	static const char *const names[256] = {
		[7] = "rr", [131] = "lsrr", [137] = "ssrr", [148] = "ra"
	};

	(void)ruleset;
	fprintf(out, "ip option %s exists", names[stmt->number] ? names[stmt->number] : "ssrr");
}

static void print_rt_type(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	(void)ruleset;
	fprintf(out, "rt type %u", stmt->number);
}

static void print_tproxy(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	(void)ruleset;
	fprintf(out, "meta l4proto tcp tproxy to :%u", stmt->port_lo);
}

static void print_match_stmt(const struct ruleset *ruleset, const struct rs_stmt *stmt, FILE *out)
{
	(void)ruleset;
	print_match(out, stmt);
}

static void (*const printers[RS_STMT_KINDS])(const struct ruleset *, const struct rs_stmt *,
					     FILE *) = {
	[RS_MATCH] = print_match_stmt,
	[RS_LOOKUP] = print_lookup,
	[RS_VMAP] = print_vmap,
	[RS_COUNT] = print_count,
	[RS_COUNT_MAP] = print_count_map,
	[RS_LIMIT] = print_limit,
	[RS_LOG] = print_log,
	[RS_VERDICT] = print_verdict_stmt,
	[RS_REJECT] = print_reject,
	[RS_QUEUE] = print_queue,
	[RS_SET_CT_MARK] = print_set_ct_mark,
	[RS_HELPER] = print_helper,
	[RS_NAT] = print_nat,
	[RS_NETMAP] = print_netmap,
	[RS_MASQUERADE] = print_masquerade,
	[RS_MSS] = print_mss,
	[RS_EXTHDR] = print_exthdr,
	[RS_IP_OPTION] = print_ip_option,
	[RS_SET_META_MARK] = print_set_meta_mark,
	[RS_RT_TYPE] = print_rt_type,
	[RS_TPROXY] = print_tproxy,
};

static void print_origin(const struct ruleset *ruleset, uint32_t index, FILE *out)
{
	const struct rs_origin *origin;

	if (index == RS_NONE)
		return;
	origin = &ruleset->origins[index];
	fprintf(out, " # %s", rs_string(ruleset, origin->flow));
	if (origin->file)
		fprintf(out, " %s:%u", rs_string(ruleset, origin->file), origin->line);
}

static void print_rule(const struct ruleset *ruleset, const struct rs_rule *item, FILE *out)
{
	fputs("\t\t", out);
	for (uint32_t i = 0; i < item->n_stmts; i++) {
		const struct rs_stmt *stmt = &ruleset->stmts[item->first_stmt + i];

		if (i)
			fputc(' ', out);
		printers[stmt->kind](ruleset, stmt, out);
	}
	if (item->comment)
		fprintf(out, " comment \"%s\"", rs_string(ruleset, item->comment));
	if (item->origin != ruleset->chains[item->chain].origin)
		print_origin(ruleset, item->origin, out);
	fputc('\n', out);
}

static void print_chain(const struct ruleset *ruleset, const struct rs_chain *chain, FILE *out)
{
	static const char *const hooks[] = { [NF_INET_PRE_ROUTING] = "prerouting",
					     [NF_INET_LOCAL_IN] = "input",
					     [NF_INET_FORWARD] = "forward",
					     [NF_INET_LOCAL_OUT] = "output",
					     [NF_INET_POST_ROUTING] = "postrouting" };

	fprintf(out, "\n\tchain %s {", rs_string(ruleset, chain->name));
	print_origin(ruleset, chain->origin, out);
	fputc('\n', out);
	if (chain->base)
		fprintf(out, "\t\ttype %s hook %s priority %d; policy %s;\n",
			chain->nat ? "nat" : "filter", hooks[chain->hook], chain->priority,
			chain->drop ? "drop" : "accept");
	for (uint32_t i = 0; i < chain->n_rules; i++)
		print_rule(ruleset, &ruleset->rules[chain->first_rule + i], out);
	fputs("\t}\n", out);
}

static void print_type(const struct rs_set *set, FILE *out)
{
	static const char *const values[] = {
		[RS_SET] = "", [RS_MAP_VERDICT] = " : verdict", [RS_MAP_COUNTER] = " : counter"
	};
	bool typed = true;

	for (unsigned i = 0; i < set->n_keys; i++)
		typed &= rs_key_info(set->keys[i])->type != NULL;
	fputs(typed ? "\t\ttype" : "\t\ttypeof", out);
	for (unsigned i = 0; i < set->n_keys; i++) {
		const struct rs_key_info *info = rs_key_info(set->keys[i]);

		fprintf(out, "%s %s", i ? " ." : "", typed ? info->type : info->match);
	}
	fprintf(out, "%s\n", values[set->kind]);
	if (set->interval)
		fputs("\t\tflags interval\n", out);
}

static void print_elem(const struct ruleset *ruleset, const struct rs_set *set,
		       const struct rs_elem *elem, FILE *out)
{
	const uint8_t *lo = ruleset->pool + elem->key;
	const uint8_t *hi = set->interval ? lo + set->key_bytes : lo;

	for (unsigned i = 0; i < set->n_keys; i++) {
		unsigned size = rs_padded(rs_key_info(set->keys[i])->size);

		if (i)
			fputs(" . ", out);
		print_field(out, set->keys[i], lo, hi);
		lo += size;
		hi += size;
	}
	if (set->kind == RS_MAP_VERDICT) {
		fputs(" : ", out);
		print_verdict(out, ruleset, elem->verdict, elem->ref);
	} else if (set->kind == RS_MAP_COUNTER) {
		fprintf(out, " : \"%s\"", obj_name(ruleset, elem->ref));
	}
}

static void print_set(const struct ruleset *ruleset, const struct rs_set *set, FILE *out)
{
	fprintf(out, "\n\t%s %s {\n", set->kind == RS_SET ? "set" : "map",
		rs_string(ruleset, set->name));
	print_type(set, out);
	for (uint32_t i = 0; i < set->n_elems; i++) {
		fputs(i ? ",\n\t\t\t" : "\t\telements = {\n\t\t\t", out);
		print_elem(ruleset, set, &ruleset->elems[set->first_elem + i], out);
	}
	fputs(set->n_elems ? "\n\t\t}\n\t}\n" : "\t}\n", out);
}

static void print_obj(const struct ruleset *ruleset, const struct rs_obj *obj, FILE *out)
{
	const char *name = rs_string(ruleset, obj->name);

	if (obj->kind == RS_OBJ_COUNTER) {
		fprintf(out, "\tcounter %s {", name);
		print_origin(ruleset, obj->origin, out);
		fputs("\n\t}\n", out);
		return;
	}
	fprintf(out, "\tct helper %s {\n\t\ttype \"%s\" protocol %s\n\t}\n", name,
		rs_string(ruleset, obj->helper), obj->protocol == 6 ? "tcp" : "udp");
}

void ruleset_print(const struct ruleset *ruleset, FILE *out)
{
	fprintf(out, "table inet %s {\n", rs_string(ruleset, ruleset->table));
	for (size_t i = 0; i < ruleset->n_objs; i++)
		print_obj(ruleset, &ruleset->objs[i], out);
	for (size_t i = 0; i < ruleset->n_sets; i++)
		print_set(ruleset, &ruleset->sets[i], out);
	for (size_t i = 0; i < ruleset->n_chains; i++)
		print_chain(ruleset, &ruleset->chains[i], out);
	fputs("}\n", out);
}
