// Table by table: objects, sets with their elements, chains with their rules.
#include "kernel/dump.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/arena.h"
#include "base/vec.h"
#include "kernel/dump_expr.h"
#include "kernel/link.h"

struct dump_table {
	const char *name;
	uint8_t family;
	uint32_t flags, owner;
	uint64_t handle;
};

struct dump_set {
	const char *name;
	uint32_t key_type;
};

struct dump {
	FILE *out;
	size_t limit;
	struct link link;
	struct arena *arena;
	struct kernel_dump_result result;
	VEC(struct dump_table) tables;
	VEC(struct dump_set) sets;	// of the table at hand
	VEC(const char *) chains;	// likewise
	const struct dump_table *table; // at hand
	const struct dump_set *set;
};

static const char *family_word(uint8_t family)
{
	static const char *const words[] = {
		[NFPROTO_INET] = "inet",     [NFPROTO_IPV4] = "ip",	  [NFPROTO_ARP] = "arp",
		[NFPROTO_NETDEV] = "netdev", [NFPROTO_BRIDGE] = "bridge", [NFPROTO_IPV6] = "ip6",
	};
	return family < sizeof(words) / sizeof(words[0]) && words[family] ? words[family] : "?";
}

static uint8_t family_of(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(nlh);
	return head->nfgen_family;
}

static int ask(struct dump *dump, uint16_t type, uint16_t table_attr, const char *name,
	       uint16_t name_attr, link_each each)
{
	struct nlmsghdr *nlh = link_request(&dump->link, type, NLM_F_DUMP);
	struct nfgenmsg *head = mnl_nlmsg_get_payload(nlh);

	head->nfgen_family = dump->table ? dump->table->family : NFPROTO_UNSPEC;
	if (dump->table && table_attr)
		batch_put_text(nlh, table_attr, dump->table->name);
	if (name)
		batch_put_text(nlh, name_attr, name);
	return link_ask(&dump->link, nlh, each, dump);
}

// An answer about the table at hand?  Kernels dump more than is asked for.
static bool is_ours(const struct dump *dump, const struct nlmsghdr *nlh, const struct nlattr *table)
{
	return family_of(nlh) == dump->table->family &&
	       strcmp(link_text(table), dump->table->name) == 0;
}

static int full(struct dump *dump)
{
	off_t at = ftello(dump->out);

	if (ferror(dump->out))
		return -EIO;
	if (at >= 0 && (uint64_t)at > dump->limit) {
		dump->result.cut = true;
		return -EFBIG;
	}
	return 0;
}

// --- what there is

static int take_table(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_TABLE_MAX + 1];
	struct dump *dump = arg;
	struct dump_table *table = vec_add(&dump->tables);

	link_attrs(nlh, attrs, NFTA_TABLE_MAX);
	table->name = arena_strdup(dump->arena, link_text(attrs[NFTA_TABLE_NAME]));
	table->family = family_of(nlh);
	table->flags = link_be32(attrs[NFTA_TABLE_FLAGS]);
	table->owner = link_be32(attrs[NFTA_TABLE_OWNER]);
	table->handle = link_be64(attrs[NFTA_TABLE_HANDLE]);
	return 0;
}

static int take_object(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_OBJ_MAX + 1], *data[NFTA_COUNTER_MAX + 1];
	struct dump *dump = arg;

	link_attrs(nlh, attrs, NFTA_OBJ_MAX);
	if (!is_ours(dump, nlh, attrs[NFTA_OBJ_TABLE]))
		return 0;
	if (link_be32(attrs[NFTA_OBJ_TYPE]) == NFT_OBJECT_COUNTER) {
		link_nested(attrs[NFTA_OBJ_DATA], data, NFTA_COUNTER_MAX);
		fprintf(dump->out, "\tcounter %s { packets %llu bytes %llu }\n",
			link_text(attrs[NFTA_OBJ_NAME]),
			(unsigned long long)link_be64(data[NFTA_COUNTER_PACKETS]),
			(unsigned long long)link_be64(data[NFTA_COUNTER_BYTES]));
	} else {
		fprintf(dump->out, "\tobject %s { type %u data ", link_text(attrs[NFTA_OBJ_NAME]),
			link_be32(attrs[NFTA_OBJ_TYPE]));
		if (attrs[NFTA_OBJ_DATA])
			dump_hex(dump->out, mnl_attr_get_payload(attrs[NFTA_OBJ_DATA]),
				 mnl_attr_get_payload_len(attrs[NFTA_OBJ_DATA]));
		fputs(" }\n", dump->out);
	}
	return full(dump);
}

static int take_set(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_SET_MAX + 1];
	struct dump *dump = arg;

	link_attrs(nlh, attrs, NFTA_SET_MAX);
	if (is_ours(dump, nlh, attrs[NFTA_SET_TABLE]))
		vec_push(&dump->sets,
			 ((struct dump_set){
				 arena_printf(dump->arena, "%s", link_text(attrs[NFTA_SET_NAME])),
				 link_be32(attrs[NFTA_SET_KEY_TYPE]) }));
	return 0;
}

// --- elements

static void print_value(FILE *out, const struct dump_set *set, const struct nlattr *nest,
			const char *before)
{
	const struct nlattr *data[NFTA_DATA_MAX + 1];

	if (!nest)
		return;
	fputs(before, out);
	link_nested(nest, data, NFTA_DATA_MAX);
	if (data[NFTA_DATA_VERDICT])
		dump_verdict(out, data[NFTA_DATA_VERDICT]);
	if (data[NFTA_DATA_VALUE])
		dump_key(out, set ? set->key_type : 0, mnl_attr_get_payload(data[NFTA_DATA_VALUE]),
			 mnl_attr_get_payload_len(data[NFTA_DATA_VALUE]));
}

static void print_element(struct dump *dump, const struct nlattr *element)
{
	const struct nlattr *attrs[NFTA_SET_ELEM_MAX + 1];
	FILE *out = dump->out;

	link_nested(element, attrs, NFTA_SET_ELEM_MAX);
	fputs("\t\t", out);
	if (link_be32(attrs[NFTA_SET_ELEM_FLAGS]) & NFT_SET_ELEM_INTERVAL_END)
		fputs("up to, without, ", out);
	if (link_be32(attrs[NFTA_SET_ELEM_FLAGS]) & NFT_SET_ELEM_CATCHALL)
		fputs("any", out);
	print_value(out, dump->set, attrs[NFTA_SET_ELEM_KEY], "");
	print_value(out, dump->set, attrs[NFTA_SET_ELEM_KEY_END], " to ");
	print_value(out, NULL, attrs[NFTA_SET_ELEM_DATA], " : ");
	if (attrs[NFTA_SET_ELEM_OBJREF])
		fprintf(out, " : object %s", link_text(attrs[NFTA_SET_ELEM_OBJREF]));
	fputc('\n', out);
	dump->result.elements++;
}

static int take_elements(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_SET_ELEM_LIST_MAX + 1], *element;
	struct dump *dump = arg;

	link_attrs(nlh, attrs, NFTA_SET_ELEM_LIST_MAX);
	if (attrs[NFTA_SET_ELEM_LIST_ELEMENTS])
		mnl_attr_for_each_nested(element, attrs[NFTA_SET_ELEM_LIST_ELEMENTS])
			print_element(dump, element);
	return full(dump);
}

static int dump_sets(struct dump *dump)
{
	int r;

	dump->sets.n = 0;
	r = ask(dump, NFT_MSG_GETSET, NFTA_SET_TABLE, NULL, 0, take_set);
	for (size_t i = 0; r == 0 && i < dump->sets.n; i++) {
		dump->set = &dump->sets.v[i];
		fprintf(dump->out, "\tset %s {\n", dump->set->name);
		r = ask(dump, NFT_MSG_GETSETELEM, NFTA_SET_ELEM_LIST_TABLE, dump->set->name,
			NFTA_SET_ELEM_LIST_SET, take_elements);
		fputs("\t}\n", dump->out);
		dump->result.sets++;
	}
	return r;
}

// --- chains and rules

// User data that nft and others keep with a rule: type, length, value; type 0 is a comment.
static void print_comment(FILE *out, const struct nlattr *userdata)
{
	const uint8_t *bytes = userdata ? mnl_attr_get_payload(userdata) : NULL;
	size_t size = userdata ? mnl_attr_get_payload_len(userdata) : 0;

	for (size_t at = 0; at + 2 <= size && at + 2 + bytes[at + 1] <= size;
	     at += 2 + (size_t)bytes[at + 1]) {
		if (bytes[at] != 0)
			continue;
		fputs(" # ", out);
		for (size_t i = 0; i < bytes[at + 1] && bytes[at + 2 + i]; i++)
			fputc(iscntrl(bytes[at + 2 + i]) ? '?' : bytes[at + 2 + i], out);
	}
}

static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_RULE_MAX + 1];
	struct dump *dump = arg;

	link_attrs(nlh, attrs, NFTA_RULE_MAX);
	if (!is_ours(dump, nlh, attrs[NFTA_RULE_TABLE]))
		return 0;
	fprintf(dump->out, "\t\trule %llu", (unsigned long long)link_be64(attrs[NFTA_RULE_HANDLE]));
	print_comment(dump->out, attrs[NFTA_RULE_USERDATA]);
	fputc('\n', dump->out);
	dump_expressions(dump->out, attrs[NFTA_RULE_EXPRESSIONS], "\t\t\t");
	dump->result.rules++;
	return full(dump);
}

static const char *hook_word(uint8_t family, uint32_t hook)
{
	static const char *const ip[] = {
		[NF_INET_PRE_ROUTING] = "prerouting",	[NF_INET_LOCAL_IN] = "input",
		[NF_INET_FORWARD] = "forward",		[NF_INET_LOCAL_OUT] = "output",
		[NF_INET_POST_ROUTING] = "postrouting", [NF_INET_INGRESS] = "ingress",
	};
	static const char *const netdev[] = { "ingress", "egress" };
	if (family == NFPROTO_NETDEV)
		return hook < 2 ? netdev[hook] : "?";
	return hook < sizeof(ip) / sizeof(ip[0]) && ip[hook] ? ip[hook] : "?";
}

static int take_chain(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_CHAIN_MAX + 1], *hook[NFTA_HOOK_MAX + 1];
	struct dump *dump = arg;
	const char *name;

	link_attrs(nlh, attrs, NFTA_CHAIN_MAX);
	if (!is_ours(dump, nlh, attrs[NFTA_CHAIN_TABLE]))
		return 0;
	name = link_text(attrs[NFTA_CHAIN_NAME]);
	if (!attrs[NFTA_CHAIN_HOOK]) {
		vec_push(&dump->chains, arena_printf(dump->arena, "%s {", name));
		return 0;
	}
	link_nested(attrs[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_MAX);
	vec_push(&dump->chains,
		 arena_printf(dump->arena, "%s { # type %s, hook %s, priority %d, policy %s", name,
			      link_text(attrs[NFTA_CHAIN_TYPE]),
			      hook_word(dump->table->family, link_be32(hook[NFTA_HOOK_HOOKNUM])),
			      (int)link_be32(hook[NFTA_HOOK_PRIORITY]),
			      link_be32(attrs[NFTA_CHAIN_POLICY]) == NF_DROP ? "drop" : "accept"));
	return 0;
}

// Rules chain by chain: a dump of all of a table takes the square of their number.
static int dump_chains(struct dump *dump)
{
	int r;

	dump->chains.n = 0;
	r = ask(dump, NFT_MSG_GETCHAIN, 0, NULL, 0, take_chain);
	for (size_t i = 0; r == 0 && i < dump->chains.n; i++) {
		const char *head = dump->chains.v[i];
		const char *name = arena_strndup(dump->arena, head, strcspn(head, " "));

		fprintf(dump->out, "\tchain %s\n", head);
		r = ask(dump, NFT_MSG_GETRULE, NFTA_RULE_TABLE, name, NFTA_RULE_CHAIN, take_rule);
		fputs("\t}\n", dump->out);
		dump->result.chains++;
	}
	return r;
}

static int dump_table(struct dump *dump)
{
	const struct dump_table *table = dump->table;
	int r;

	fprintf(dump->out, "table %s %s { # flags %u, handle %llu", family_word(table->family),
		table->name, table->flags, (unsigned long long)table->handle);
	if (table->owner)
		fprintf(dump->out, ", owner %u", table->owner);
	fputc('\n', dump->out);
	r = ask(dump, NFT_MSG_GETOBJ, NFTA_OBJ_TABLE, NULL, 0, take_object);
	if (r == 0)
		r = dump_sets(dump);
	if (r == 0)
		r = dump_chains(dump);
	fputs("}\n", dump->out);
	return r;
}

static int dump_all(struct dump *dump)
{
	int r;

	dump->table = NULL;
	dump->tables.n = 0;
	dump->result = (struct kernel_dump_result){ 0 };
	r = ask(dump, NFT_MSG_GETTABLE, 0, NULL, 0, take_table);
	for (size_t i = 0; r == 0 && i < dump->tables.n; i++) {
		dump->table = &dump->tables.v[i];
		r = dump_table(dump);
		dump->result.tables++;
	}
	return r;
}

// A change by others breaks a dump; -ENOENT is a table or chain that went meanwhile.
static int dump_steadily(struct dump *dump)
{
	int r = -EINTR;

	for (int i = 0; i < LINK_RETRIES && (r == -EINTR || r == -ENOENT); i++) {
		if (fflush(dump->out) != 0 || fseeko(dump->out, 0, SEEK_SET) < 0 ||
		    ftruncate(fileno(dump->out), 0) < 0)
			return -errno;
		r = dump_all(dump);
	}
	if (r == -EINTR || r == -ENOENT) {
		fputs("# others changed the rules while they were read\n", dump->out);
		dump->result.changed = true;
		r = 0;
	}
	if (r == -EFBIG && dump->result.cut) {
		fputs("# cut here: more than is kept\n", dump->out);
		r = 0;
	}
	return r;
}

int kernel_dump(FILE *out, size_t limit_bytes, struct kernel_dump_result *ret)
{
	struct dump dump = { .out = out, .limit = limit_bytes };
	int r = link_open(&dump.link, -1);

	if (r < 0)
		return r;
	dump.arena = arena_new();
	r = dump_steadily(&dump);
	if (r == 0 && (fflush(out) != 0 || ferror(out)))
		r = errno ? -errno : -EIO;
	vec_done(&dump.tables);
	vec_done(&dump.sets);
	vec_done(&dump.chains);
	arena_free(dump.arena);
	link_close(&dump.link);
	if (r == 0)
		*ret = dump.result;
	return r;
}
