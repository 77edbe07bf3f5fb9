#include "kernel/foreign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "kernel/private.h"

const char *foreign_family(uint8_t family)
{
	static const char *const names[] = {
		[NFPROTO_INET] = "inet",     [NFPROTO_IPV4] = "ip",	  [NFPROTO_ARP] = "arp",
		[NFPROTO_NETDEV] = "netdev", [NFPROTO_BRIDGE] = "bridge", [NFPROTO_IPV6] = "ip6",
	};

	return family < sizeof(names) / sizeof(names[0]) && names[family] ? names[family]
									  : "unknown";
}

// --- rules

// Where an expression writes, it has a source register of this number; 0: it always does.
static const struct {
	const char *name;
	uint16_t attribute;
	unsigned does;
} foreign_expressions[] = {
	{ "reject", 0, FOREIGN_DROPS },
	{ "queue", 0, FOREIGN_DROPS },
	{ "synproxy", 0, FOREIGN_DROPS },
	{ "nat", 0, FOREIGN_TRANSLATES },
	{ "masq", 0, FOREIGN_TRANSLATES },
	{ "redir", 0, FOREIGN_TRANSLATES },
	{ "flow_offload", 0, FOREIGN_OFFLOADS },
	{ "fwd", 0, FOREIGN_FORWARDS },
	{ "dup", 0, FOREIGN_FORWARDS },
	{ "tproxy", 0, FOREIGN_FORWARDS },
	{ "notrack", 0, FOREIGN_UNTRACKS },
	{ "match", 0, FOREIGN_XTABLES },
	{ "target", 0, FOREIGN_XTABLES },
	{ "meta", NFTA_META_SREG, FOREIGN_CHANGES },
	{ "ct", NFTA_CT_SREG, FOREIGN_CHANGES },
	{ "payload", NFTA_PAYLOAD_SREG, FOREIGN_CHANGES },
	{ "exthdr", NFTA_EXTHDR_SREG, FOREIGN_CHANGES },
};
enum { FOREIGN_ATTRIBUTES = 8 }; // those above are below

static bool foreign_verdict_drops(const struct nlattr *data)
{
	const struct nlattr *immediate[NFTA_IMMEDIATE_MAX + 1], *value[NFTA_DATA_MAX + 1];
	const struct nlattr *verdict[NFTA_VERDICT_MAX + 1];

	link_nested(data, immediate, NFTA_IMMEDIATE_MAX);
	link_nested(immediate[NFTA_IMMEDIATE_DATA], value, NFTA_DATA_MAX);
	link_nested(value[NFTA_DATA_VERDICT], verdict, NFTA_VERDICT_MAX);
	return verdict[NFTA_VERDICT_CODE] && link_be32(verdict[NFTA_VERDICT_CODE]) == NF_DROP;
}

// A map of verdicts puts what it finds into the register of verdicts.
static bool foreign_maps_verdicts(const struct nlattr *data)
{
	const struct nlattr *lookup[NFTA_LOOKUP_MAX + 1];

	link_nested(data, lookup, NFTA_LOOKUP_MAX);
	return lookup[NFTA_LOOKUP_DREG] && link_be32(lookup[NFTA_LOOKUP_DREG]) == NFT_REG_VERDICT;
}

static unsigned foreign_expression_does(const char *name, const struct nlattr *data)
{
	const struct nlattr *attrs[FOREIGN_ATTRIBUTES + 1];

	if (strcmp(name, "immediate") == 0)
		return foreign_verdict_drops(data) ? FOREIGN_DROPS : 0;
	if (strcmp(name, "lookup") == 0)
		return foreign_maps_verdicts(data) ? FOREIGN_DROPS : 0;
	link_nested(data, attrs, FOREIGN_ATTRIBUTES);
	for (size_t i = 0; i < sizeof(foreign_expressions) / sizeof(foreign_expressions[0]); i++)
		if (strcmp(name, foreign_expressions[i].name) == 0)
			return !foreign_expressions[i].attribute ||
					       attrs[foreign_expressions[i].attribute]
				       ? foreign_expressions[i].does
				       : 0;
	return 0;
}

unsigned foreign_rule_does(const struct nlmsghdr *nlh)
{
	const struct nlattr *attrs[NFTA_RULE_MAX + 1], *expression[NFTA_EXPR_MAX + 1];
	const struct nlattr *item;
	unsigned does = 0;

	link_attrs(nlh, attrs, NFTA_RULE_MAX);
	if (!attrs[NFTA_RULE_EXPRESSIONS])
		return 0;
	mnl_attr_for_each_nested(item, attrs[NFTA_RULE_EXPRESSIONS])
	{
		link_nested(item, expression, NFTA_EXPR_MAX);
		does |= foreign_expression_does(link_text(expression[NFTA_EXPR_NAME]),
						expression[NFTA_EXPR_DATA]);
	}
	return does;
}

// --- tables, chains, flowtables

static struct foreign_table *foreign_find(struct foreign *foreign, uint8_t family, const char *name)
{
	for (size_t i = 0; i < foreign->tables.n; i++)
		if (foreign->tables.v[i].family == family &&
		    strncmp(foreign->tables.v[i].name, name, FOREIGN_NAME_MAX - 1) == 0)
			return &foreign->tables.v[i];
	return NULL;
}

static uint8_t foreign_family_of(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(nlh);

	return head->nfgen_family;
}

static bool foreign_is_ours(const char *name)
{
	return strcmp(name, kernel_table) == 0 || strcmp(name, kernel_guard_table) == 0 ||
	       strcmp(name, kernel_mirror_table) == 0 || strcmp(name, kernel_capture_table) == 0;
}

static int foreign_take_table(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_TABLE_MAX + 1];
	struct foreign *foreign = arg;
	struct foreign_table *table;
	uint8_t family = foreign_family_of(nlh);
	const char *name;

	link_attrs(nlh, attrs, NFTA_TABLE_MAX);
	name = link_text(attrs[NFTA_TABLE_NAME]);
	if (link_be32(attrs[NFTA_TABLE_FLAGS]) & NFT_TABLE_F_DORMANT ||
	    foreign->tables.n == FOREIGN_TABLES_MAX ||
	    (family == NFPROTO_INET && foreign_is_ours(name)))
		return 0;
	table = vec_add(&foreign->tables);
	table->family = family;
	table->owner = link_be32(attrs[NFTA_TABLE_OWNER]);
	snprintf(table->name, sizeof(table->name), "%s", name);
	return 0;
}

static const char *foreign_hook(uint8_t family, uint32_t hook)
{
	static const char *const inet[] = { "prerouting", "input",	 "forward",
					    "output",	  "postrouting", "ingress" };
	static const char *const device[] = { "ingress", "egress" };

	if (family == NFPROTO_NETDEV)
		return hook < 2 ? device[hook] : "device";
	if (family == NFPROTO_ARP)
		return hook == 0 ? "input" : hook == 1 ? "output" : "forward";
	return hook < sizeof(inet) / sizeof(inet[0]) ? inet[hook] : "unknown";
}

static void foreign_hook_on(struct foreign_table *table, const char *hook, int32_t priority)
{
	size_t used = strlen(table->hooks);

	table->hooked = true;
	snprintf(table->hooks + used, sizeof(table->hooks) - used, "%s%s %d", used ? ", " : "",
		 hook, priority);
}

static int foreign_take_chain(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_CHAIN_MAX + 1], *hook[NFTA_HOOK_MAX + 1];
	uint8_t family = foreign_family_of(nlh);
	struct foreign_table *table;
	uint32_t number;

	link_attrs(nlh, attrs, NFTA_CHAIN_MAX);
	table = foreign_find(arg, family, link_text(attrs[NFTA_CHAIN_TABLE]));
	if (!table || !attrs[NFTA_CHAIN_HOOK])
		return 0;
	link_nested(attrs[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_MAX);
	number = link_be32(hook[NFTA_HOOK_HOOKNUM]);
	foreign_hook_on(table, foreign_hook(family, number),
			(int32_t)link_be32(hook[NFTA_HOOK_PRIORITY]));
	if (attrs[NFTA_CHAIN_POLICY] && link_be32(attrs[NFTA_CHAIN_POLICY]) == NF_DROP)
		table->does |= FOREIGN_DROPS;
	if (family == NFPROTO_NETDEV || family == NFPROTO_BRIDGE ||
	    (family == NFPROTO_INET && number == NF_INET_INGRESS))
		table->does |= FOREIGN_BELOW;
	return 0;
}

static int foreign_take_flowtable(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_FLOWTABLE_MAX + 1];
	struct foreign_table *table;

	link_attrs(nlh, attrs, NFTA_FLOWTABLE_MAX);
	table = foreign_find(arg, foreign_family_of(nlh), link_text(attrs[NFTA_FLOWTABLE_TABLE]));
	if (!table)
		return 0;
	table->does |= FOREIGN_OFFLOADS;
	foreign_hook_on(table, "flowtable", 0);
	return 0;
}

static int foreign_take_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct foreign_table *table = arg;

	if (table->rules == FOREIGN_RULES_MAX) {
		table->does |= FOREIGN_UNREAD;
		return -EOVERFLOW;
	}
	table->rules++;
	table->does |= foreign_rule_does(nlh);
	return 0;
}

static struct nlmsghdr *foreign_request(struct kernel *kernel, uint16_t type, uint8_t family)
{
	struct nlmsghdr *nlh = link_request(&kernel->link, type, NLM_F_DUMP);
	struct nfgenmsg *head = mnl_nlmsg_get_payload(nlh);

	head->nfgen_family = family;
	return nlh;
}

static int foreign_read_rules(struct kernel *kernel, struct foreign_table *table)
{
	struct nlmsghdr *nlh = foreign_request(kernel, NFT_MSG_GETRULE, table->family);
	int r;

	batch_put_text(nlh, NFTA_RULE_TABLE, table->name);
	r = link_ask(&kernel->link, nlh, foreign_take_rule, table);
	return r == -EOVERFLOW ? 0 : r;
}

static int foreign_read_once(struct kernel *kernel, struct foreign *foreign)
{
	static const struct {
		uint16_t type;
		link_each each;
	} dumps[] = {
		{ NFT_MSG_GETTABLE, foreign_take_table },
		{ NFT_MSG_GETCHAIN, foreign_take_chain },
		{ NFT_MSG_GETFLOWTABLE, foreign_take_flowtable },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(dumps) / sizeof(dumps[0]); i++)
		r = link_ask(&kernel->link, foreign_request(kernel, dumps[i].type, NFPROTO_UNSPEC),
			     dumps[i].each, foreign);
	for (size_t i = 0; r == 0 && i < foreign->tables.n; i++)
		if (foreign->tables.v[i].hooked)
			r = foreign_read_rules(kernel, &foreign->tables.v[i]);
	return r;
}

static void foreign_keep_hooked(struct kernel *kernel, struct foreign *foreign)
{
	size_t n = 0;

	for (size_t i = 0; i < foreign->tables.n; i++)
		if (foreign->tables.v[i].hooked && foreign->tables.v[i].owner != kernel->link.port)
			foreign->tables.v[n++] = foreign->tables.v[i];
	foreign->tables.n = n;
}

int foreign_read(struct kernel *kernel, struct foreign *ret)
{
	int r = -EINTR;

	for (int i = 0; i < LINK_RETRIES && (r == -EINTR || r == -ENOENT); i++) {
		*ret = (struct foreign){ 0 };
		r = foreign_read_once(kernel, ret);
		if (r < 0)
			foreign_done(ret);
	}
	if (r == 0)
		foreign_keep_hooked(kernel, ret);
	return r;
}

void foreign_done(struct foreign *foreign)
{
	vec_done(&foreign->tables);
}
