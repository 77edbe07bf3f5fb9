#include "kernel/expr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include "kernel/batch.h"

enum {
	EXPR_REG_BYTES = 4,
	EXPR_REG_GROUP = 4,	   // 32-bit registers to one of the 16-byte registers
	EXPR_LIMIT_BURST = 5,	   // what the kernel takes for 0
	EXPR_TCPOPT_MAXSEG = 2,	   // RFC 9293 section 3.1
	EXPR_TCPOPT_MAXSEG_AT = 2, // of its value
	EXPR_COMPAT_ALIGN = 8,	   // XT_ALIGN
	EXPR_TCP_FLAGS_AT = 13,
};

struct expr {
	struct nlmsghdr *nlh;
	const struct ruleset *ruleset;
	const struct kernel_features *features;
	// What the rule has made sure of so far: the family (4, 6) and the protocol, 0 nothing.
	uint8_t family, l4;
};

// How a key gets into a register.
enum expr_source {
	EXPR_META,
	EXPR_CT,
	EXPR_FIB,
	EXPR_SOCKET,
	EXPR_LINK,
	EXPR_NETWORK,
	EXPR_TRANSPORT
};

static const uint32_t expr_bases[] = {
	[EXPR_LINK] = NFT_PAYLOAD_LL_HEADER,
	[EXPR_NETWORK] = NFT_PAYLOAD_NETWORK_HEADER,
	[EXPR_TRANSPORT] = NFT_PAYLOAD_TRANSPORT_HEADER,
};

struct expr_load {
	enum expr_source source;
	uint32_t what; // meta, ct or socket key, result of the FIB, or the offset in the header
};

static const struct expr_load expr_loads[RS_KEY_COUNT] = {
	[RS_META_NFPROTO] = { EXPR_META, NFT_META_NFPROTO },
	[RS_META_L4PROTO] = { EXPR_META, NFT_META_L4PROTO },
	[RS_META_IIFNAME] = { EXPR_META, NFT_META_IIFNAME },
	[RS_META_OIFNAME] = { EXPR_META, NFT_META_OIFNAME },
	[RS_META_MARK] = { EXPR_META, NFT_META_MARK },
	[RS_CT_STATE] = { EXPR_CT, NFT_CT_STATE },
	[RS_CT_STATUS] = { EXPR_CT, NFT_CT_STATUS },
	[RS_CT_MARK] = { EXPR_CT, NFT_CT_MARK },
	[RS_CT_DIRECTION] = { EXPR_CT, NFT_CT_DIRECTION },
	[RS_IP_VERSION_IHL] = { EXPR_NETWORK, 0 },
	[RS_IP_FRAG_OFF] = { EXPR_NETWORK, 6 },
	[RS_IP_SADDR] = { EXPR_NETWORK, 12 },
	[RS_IP_DADDR] = { EXPR_NETWORK, 16 },
	[RS_IP6_NEXTHDR] = { EXPR_NETWORK, 6 },
	[RS_IP6_HOPLIMIT] = { EXPR_NETWORK, 7 },
	[RS_IP6_SADDR] = { EXPR_NETWORK, 8 },
	[RS_IP6_DADDR] = { EXPR_NETWORK, 24 },
	[RS_TH_SPORT] = { EXPR_TRANSPORT, 0 },
	[RS_TH_DPORT] = { EXPR_TRANSPORT, 2 },
	[RS_TCP_FLAGS] = { EXPR_TRANSPORT, EXPR_TCP_FLAGS_AT },
	[RS_ICMP_TYPE] = { EXPR_TRANSPORT, 0 },
	[RS_ICMPV6_TYPE] = { EXPR_TRANSPORT, 0 },
	[RS_ETHER_SADDR] = { EXPR_LINK, 6 },
	[RS_FIB_OIFNAME] = { EXPR_FIB, NFT_FIB_RESULT_OIFNAME },
	[RS_SOCKET_TRANSPARENT] = { EXPR_SOCKET, NFT_SOCKET_TRANSPARENT },
};

void expr_set_name(const struct ruleset *ruleset, uint32_t set, char out[RS_NAME_MAX + 1])
{
	static const char digits[] = "0123456789abcdef";
	const char *name = rs_string(ruleset, ruleset->sets[set].name);
	uint32_t version = (uint32_t)ruleset->sets[set].version;
	size_t length = strnlen(name, RS_NAME_MAX - 10);

	// By hand: a commit names thousands of sets, and most of them stay.
	memcpy(out, name, length);
	out[length++] = '.';
	for (int shift = 28; shift >= 0; shift -= 4)
		out[length++] = digits[version >> shift & 15];
	out[length] = '\0';
}

// The number of the register that begins at 32-bit word `word`, as the kernel dumps it.
static uint32_t expr_reg(unsigned word)
{
	return word % EXPR_REG_GROUP ? NFT_REG32_00 + word : NFT_REG_1 + word / EXPR_REG_GROUP;
}

struct expr_frame {
	struct nlattr *item, *data;
};

static struct expr_frame expr_open(struct expr *expr, const char *name)
{
	struct expr_frame frame;

	frame.item = batch_nest(expr->nlh, NFTA_LIST_ELEM);
	batch_put_text(expr->nlh, NFTA_EXPR_NAME, name);
	frame.data = batch_nest(expr->nlh, NFTA_EXPR_DATA);
	return frame;
}

static void expr_close(struct expr *expr, struct expr_frame frame)
{
	mnl_attr_nest_end(expr->nlh, frame.data);
	mnl_attr_nest_end(expr->nlh, frame.item);
}

// An expression whose attributes are all 32-bit numbers.
struct expr_number {
	uint16_t type;
	uint32_t value;
};

static void expr_put_numbers(struct expr *expr, const char *name, const struct expr_number *numbers,
			     size_t n)
{
	struct expr_frame frame = expr_open(expr, name);

	for (size_t i = 0; i < n; i++)
		batch_put_be32(expr->nlh, numbers[i].type, numbers[i].value);
	expr_close(expr, frame);
}

#define EXPR_NUMBERS(expr, name, ...)                                                              \
	expr_put_numbers((expr), (name), (const struct expr_number[]){ __VA_ARGS__ },              \
			 sizeof((const struct expr_number[]){ __VA_ARGS__ }) /                     \
				 sizeof(struct expr_number))

static void expr_put_value(struct expr *expr, uint16_t type, const void *value, size_t size)
{
	struct nlattr *nest = batch_nest(expr->nlh, type);

	batch_put(expr->nlh, NFTA_DATA_VALUE, size, value);
	mnl_attr_nest_end(expr->nlh, nest);
}

static void expr_put_cmp(struct expr *expr, enum nft_cmp_ops op, const void *value, size_t size)
{
	struct expr_frame frame = expr_open(expr, "cmp");

	batch_put_be32(expr->nlh, NFTA_CMP_SREG, NFT_REG_1);
	batch_put_be32(expr->nlh, NFTA_CMP_OP, op);
	expr_put_value(expr, NFTA_CMP_DATA, value, size);
	expr_close(expr, frame);
}

static void expr_put_immediate(struct expr *expr, uint32_t reg, const void *value, size_t size)
{
	struct expr_frame frame = expr_open(expr, "immediate");

	batch_put_be32(expr->nlh, NFTA_IMMEDIATE_DREG, reg);
	expr_put_value(expr, NFTA_IMMEDIATE_DATA, value, size);
	expr_close(expr, frame);
}

static void expr_put_bitwise(struct expr *expr, uint32_t reg, const void *mask, const void * xor,
			     size_t size)
{
	struct expr_frame frame = expr_open(expr, "bitwise");

	batch_put_be32(expr->nlh, NFTA_BITWISE_SREG, reg);
	batch_put_be32(expr->nlh, NFTA_BITWISE_DREG, reg);
	batch_put_be32(expr->nlh, NFTA_BITWISE_LEN, (uint32_t)size);
	batch_put_be32(expr->nlh, NFTA_BITWISE_OP, NFT_BITWISE_BOOL);
	expr_put_value(expr, NFTA_BITWISE_MASK, mask, size);
	expr_put_value(expr, NFTA_BITWISE_XOR, xor, size);
	expr_close(expr, frame);
}

static void expr_put_hton(struct expr *expr, unsigned size)
{
	EXPR_NUMBERS(expr, "byteorder", { NFTA_BYTEORDER_SREG, NFT_REG_1 },
		     { NFTA_BYTEORDER_DREG, NFT_REG_1 }, { NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON },
		     { NFTA_BYTEORDER_LEN, size }, { NFTA_BYTEORDER_SIZE, size });
}

static void expr_put_load(struct expr *expr, enum rs_key key, unsigned word)
{
	const struct expr_load *load = &expr_loads[key];
	uint32_t reg = expr_reg(word);

	if (load->source == EXPR_META)
		EXPR_NUMBERS(expr, "meta", { NFTA_META_KEY, load->what }, { NFTA_META_DREG, reg });
	else if (load->source == EXPR_CT)
		EXPR_NUMBERS(expr, "ct", { NFTA_CT_DREG, reg }, { NFTA_CT_KEY, load->what });
	else if (load->source == EXPR_FIB)
		EXPR_NUMBERS(expr, "fib", { NFTA_FIB_DREG, reg }, { NFTA_FIB_RESULT, load->what },
			     { NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR | NFTA_FIB_F_MARK });
	else if (load->source == EXPR_SOCKET)
		EXPR_NUMBERS(expr, "socket", { NFTA_SOCKET_KEY, load->what },
			     { NFTA_SOCKET_DREG, reg });
	else
		EXPR_NUMBERS(expr, "payload", { NFTA_PAYLOAD_DREG, reg },
			     { NFTA_PAYLOAD_BASE, expr_bases[load->source] },
			     { NFTA_PAYLOAD_OFFSET, load->what },
			     { NFTA_PAYLOAD_LEN, rs_key_info(key)->size });
}

// A field means something only in packets of its family and protocol: makes sure of both unless
// the rule already did, as nft does for what people write.
static void expr_need(struct expr *expr, uint8_t family, uint8_t l4)
{
	if (l4 == IPPROTO_ICMP)
		family = 4;
	else if (l4 == IPPROTO_ICMPV6)
		family = 6;
	if (family && expr->family != family) {
		uint8_t nfproto = family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

		expr_put_load(expr, RS_META_NFPROTO, 0);
		expr_put_cmp(expr, NFT_CMP_EQ, &nfproto, 1);
		expr->family = family;
	}
	if (l4 && expr->l4 != l4) {
		expr_put_load(expr, RS_META_L4PROTO, 0);
		expr_put_cmp(expr, NFT_CMP_EQ, &l4, 1);
		expr->l4 = l4;
	}
}

static void expr_put_prefix(struct expr *expr, unsigned word, size_t size, unsigned bits)
{
	static const uint8_t zero[16];
	uint8_t mask[16] = { 0 };

	for (unsigned i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	expr_put_bitwise(expr, expr_reg(word), mask, zero, size);
}

// Needs first (they use register 1), then the keys side by side.
static void expr_put_keys(struct expr *expr, const struct rs_stmt *stmt)
{
	unsigned word = 0;

	for (unsigned i = 0; i < stmt->n_keys; i++)
		expr_need(expr, rs_key_info(stmt->keys[i])->family,
			  rs_key_info(stmt->keys[i])->needs_l4);
	for (unsigned i = 0; i < stmt->n_keys; i++) {
		expr_put_load(expr, stmt->keys[i], word);
		if (stmt->bits[i])
			expr_put_prefix(expr, word, rs_key_info(stmt->keys[i])->size,
					stmt->bits[i]);
		word += (rs_key_info(stmt->keys[i])->size + EXPR_REG_BYTES - 1u) / EXPR_REG_BYTES;
	}
}

static void expr_put_range(struct expr *expr, const struct rs_stmt *stmt, size_t size, bool swap)
{
	uint8_t lo[16], hi[16];
	struct expr_frame frame;

	// Ranges compare byte by byte from the first: host-order numbers are turned around.
	for (size_t i = 0; i < size; i++) {
		lo[i] = stmt->value[swap ? size - 1 - i : i];
		hi[i] = stmt->value_hi[swap ? size - 1 - i : i];
	}
	if (swap)
		expr_put_hton(expr, (unsigned)size);
	frame = expr_open(expr, "range");
	batch_put_be32(expr->nlh, NFTA_RANGE_SREG, NFT_REG_1);
	batch_put_be32(expr->nlh, NFTA_RANGE_OP,
		       stmt->op == RS_IN_RANGE ? NFT_RANGE_EQ : NFT_RANGE_NEQ);
	expr_put_value(expr, NFTA_RANGE_FROM_DATA, lo, size);
	expr_put_value(expr, NFTA_RANGE_TO_DATA, hi, size);
	expr_close(expr, frame);
}

static int expr_match(struct expr *expr, const struct rs_stmt *stmt)
{
	static const uint8_t zero[16];
	const struct rs_key_info *info = rs_key_info(stmt->keys[0]);
	bool little = info->host_order && htonl(1) != 1;

	expr_put_keys(expr, stmt);
	if (stmt->masked)
		expr_put_bitwise(expr, NFT_REG_1, stmt->mask, zero, info->size);
	if (stmt->op == RS_IN_RANGE || stmt->op == RS_NOT_IN_RANGE)
		expr_put_range(expr, stmt, info->size, little);
	else
		expr_put_cmp(expr, stmt->op == RS_EQ ? NFT_CMP_EQ : NFT_CMP_NEQ, stmt->value,
			     info->size);
	if (stmt->op == RS_EQ && !stmt->masked && stmt->keys[0] == RS_META_NFPROTO)
		expr->family = stmt->value[0] == NFPROTO_IPV4	? 4
			       : stmt->value[0] == NFPROTO_IPV6 ? 6
								: 0;
	if (stmt->op == RS_EQ && !stmt->masked && stmt->keys[0] == RS_META_L4PROTO)
		expr->l4 = stmt->value[0];
	return 0;
}

static int expr_lookup(struct expr *expr, const struct rs_stmt *stmt)
{
	char name[RS_NAME_MAX + 1];
	struct expr_frame frame;

	expr_put_keys(expr, stmt);
	expr_set_name(expr->ruleset, stmt->ref, name);
	frame = expr_open(expr, "lookup");
	batch_put_text(expr->nlh, NFTA_LOOKUP_SET, name);
	batch_put_be32(expr->nlh, NFTA_LOOKUP_SREG, NFT_REG_1);
	if (stmt->kind == RS_VMAP)
		batch_put_be32(expr->nlh, NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
	batch_put_be32(expr->nlh, NFTA_LOOKUP_FLAGS,
		       stmt->kind == RS_LOOKUP && stmt->op == RS_NEQ ? NFT_LOOKUP_F_INV : 0);
	expr_close(expr, frame);
	return 0;
}

static int expr_object(struct expr *expr, const struct rs_stmt *stmt)
{
	struct expr_frame frame = expr_open(expr, "objref");

	batch_put_text(expr->nlh, NFTA_OBJREF_IMM_NAME,
		       rs_string(expr->ruleset, expr->ruleset->objs[stmt->ref].name));
	batch_put_be32(expr->nlh, NFTA_OBJREF_IMM_TYPE,
		       stmt->kind == RS_HELPER ? NFT_OBJECT_CT_HELPER : NFT_OBJECT_COUNTER);
	expr_close(expr, frame);
	return 0;
}

static int expr_object_map(struct expr *expr, const struct rs_stmt *stmt)
{
	char name[RS_NAME_MAX + 1];
	struct expr_frame frame;

	expr_put_keys(expr, stmt);
	expr_set_name(expr->ruleset, stmt->ref, name);
	frame = expr_open(expr, "objref");
	batch_put_be32(expr->nlh, NFTA_OBJREF_SET_SREG, NFT_REG_1);
	batch_put_text(expr->nlh, NFTA_OBJREF_SET_NAME, name);
	expr_close(expr, frame);
	return 0;
}

static int expr_limit(struct expr *expr, const struct rs_stmt *stmt)
{
	struct expr_frame frame = expr_open(expr, "limit");

	batch_put_be64(expr->nlh, NFTA_LIMIT_RATE, stmt->rate);
	batch_put_be64(expr->nlh, NFTA_LIMIT_UNIT, 1); // seconds
	batch_put_be32(expr->nlh, NFTA_LIMIT_BURST, stmt->burst ? stmt->burst : EXPR_LIMIT_BURST);
	batch_put_be32(expr->nlh, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	batch_put_be32(expr->nlh, NFTA_LIMIT_FLAGS, 0);
	expr_close(expr, frame);
	return 0;
}

static int expr_log(struct expr *expr, const struct rs_stmt *stmt)
{
	struct expr_frame frame = expr_open(expr, "log");

	batch_put_text(expr->nlh, NFTA_LOG_PREFIX, rs_string(expr->ruleset, stmt->prefix));
	batch_put_be16(expr->nlh, NFTA_LOG_GROUP, stmt->group);
	if (stmt->burst)
		batch_put_be32(expr->nlh, NFTA_LOG_SNAPLEN, stmt->burst);
	expr_close(expr, frame);
	return 0;
}

void expr_put_verdict(struct nlmsghdr *nlh, uint16_t type, enum rs_verdict verdict,
		      const char *chain)
{
	static const int codes[] = {
		[RS_CONTINUE] = NFT_CONTINUE, [RS_ACCEPT] = NF_ACCEPT, [RS_DROP] = NF_DROP,
		[RS_JUMP] = NFT_JUMP,	      [RS_GOTO] = NFT_GOTO,    [RS_RETURN] = NFT_RETURN,
	};
	struct nlattr *data = batch_nest(nlh, type);
	struct nlattr *nest = batch_nest(nlh, NFTA_DATA_VERDICT);

	batch_put_be32(nlh, NFTA_VERDICT_CODE, (uint32_t)codes[verdict]);
	if (verdict == RS_JUMP || verdict == RS_GOTO)
		batch_put_text(nlh, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, data);
}

static int expr_verdict(struct expr *expr, const struct rs_stmt *stmt)
{
	const struct ruleset *ruleset = expr->ruleset;
	bool jumps = stmt->verdict == RS_JUMP || stmt->verdict == RS_GOTO;
	struct expr_frame frame = expr_open(expr, "immediate");

	batch_put_be32(expr->nlh, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	expr_put_verdict(expr->nlh, NFTA_IMMEDIATE_DATA, stmt->verdict,
			 jumps ? rs_string(ruleset, ruleset->chains[stmt->ref].name) : "");
	expr_close(expr, frame);
	return 0;
}

static int expr_reject(struct expr *expr, const struct rs_stmt *stmt)
{
	bool reset = stmt->verdict == RS_REJECT_TCP_RESET;
	struct expr_frame frame;

	if (reset)
		expr_need(expr, 0, IPPROTO_TCP);
	frame = expr_open(expr, "reject");
	batch_put_be32(expr->nlh, NFTA_REJECT_TYPE,
		       reset ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
	if (!reset)
		batch_put_u8(expr->nlh, NFTA_REJECT_ICMP_CODE, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
	expr_close(expr, frame);
	return 0;
}

static void expr_compat_queue(struct expr *expr, const struct rs_stmt *stmt)
{
	uint8_t bytes[EXPR_COMPAT_ALIGN] = { 0 };
	struct xt_NFQ_info_v3 info = { .queuenum = stmt->group, .queues_total = stmt->count };
	struct expr_frame frame = expr_open(expr, "target");

	_Static_assert(sizeof(info) <= sizeof(bytes), "the target's data fits its alignment");
	memcpy(bytes, &info, sizeof(info));
	batch_put_text(expr->nlh, NFTA_TARGET_NAME, "NFQUEUE");
	batch_put_be32(expr->nlh, NFTA_TARGET_REV, 3);
	batch_put(expr->nlh, NFTA_TARGET_INFO, sizeof(bytes), bytes);
	expr_close(expr, frame);
}

static int expr_queue(struct expr *expr, const struct rs_stmt *stmt)
{
	struct expr_frame frame;

	if (expr->features->queue == KERNEL_QUEUE_NONE)
		return -EOPNOTSUPP;
	if (expr->features->queue == KERNEL_QUEUE_COMPAT) {
		expr_compat_queue(expr, stmt);
		return 0;
	}
	frame = expr_open(expr, "queue");
	batch_put_be16(expr->nlh, NFTA_QUEUE_NUM, stmt->group);
	batch_put_be16(expr->nlh, NFTA_QUEUE_TOTAL, stmt->count);
	batch_put_be16(expr->nlh, NFTA_QUEUE_FLAGS, 0);
	expr_close(expr, frame);
	return 0;
}

static int expr_set_ct_mark(struct expr *expr, const struct rs_stmt *stmt)
{
	uint32_t keep, set;

	memcpy(&keep, stmt->value, sizeof(keep));
	memcpy(&set, stmt->value + sizeof(keep), sizeof(set));
	keep &= ~set; // (mark & keep) | set is then (mark & keep) ^ set
	if (keep) {
		expr_put_load(expr, RS_CT_MARK, 0);
		expr_put_bitwise(expr, NFT_REG_1, &keep, &set, sizeof(keep));
	} else {
		expr_put_immediate(expr, NFT_REG_1, &set, sizeof(set));
	}
	EXPR_NUMBERS(expr, "ct", { NFTA_CT_SREG, NFT_REG_1 }, { NFTA_CT_KEY, NFT_CT_MARK });
	return 0;
}

static int expr_set_meta_mark(struct expr *expr, const struct rs_stmt *stmt)
{
	uint32_t set, keep;

	memcpy(&set, stmt->value, sizeof(set));
	memcpy(&keep, stmt->value + sizeof(set), sizeof(keep));
	keep &= ~set;
	if (keep) {
		expr_put_load(expr, RS_META_MARK, 0);
		expr_put_bitwise(expr, NFT_REG_1, &keep, &set, sizeof(keep));
	} else {
		expr_put_immediate(expr, NFT_REG_1, &set, sizeof(set));
	}
	EXPR_NUMBERS(expr, "meta", { NFTA_META_KEY, NFT_META_MARK }, { NFTA_META_SREG, NFT_REG_1 });
	return 0;
}

static int expr_nat(struct expr *expr, const struct rs_stmt *stmt)
{
	size_t size = stmt->family == 4 ? 4 : 16;
	bool range = memcmp(stmt->value, stmt->value_hi, size) != 0;
	bool netmap = stmt->kind == RS_NETMAP;
	uint16_t ports[2] = { htons(stmt->port_lo), htons(stmt->port_hi) };
	uint32_t flags = NF_NAT_RANGE_MAP_IPS;
	struct expr_frame frame;

	if (netmap && !expr->features->netmap)
		return -EOPNOTSUPP;
	if (netmap)
		expr_need(expr, stmt->family, 0);
	expr_put_immediate(expr, NFT_REG_1, stmt->value, size);
	if (range)
		expr_put_immediate(expr, NFT_REG_2, stmt->value_hi, size);
	if (stmt->port_lo) {
		expr_put_immediate(expr, NFT_REG_3, &ports[0], sizeof(ports[0]));
		if (stmt->port_hi != stmt->port_lo)
			expr_put_immediate(expr, NFT_REG_4, &ports[1], sizeof(ports[1]));
		flags |= NF_NAT_RANGE_PROTO_SPECIFIED;
	}
	frame = expr_open(expr, "nat");
	batch_put_be32(expr->nlh, NFTA_NAT_TYPE, stmt->destination ? NFT_NAT_DNAT : NFT_NAT_SNAT);
	batch_put_be32(expr->nlh, NFTA_NAT_FAMILY, stmt->family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
	batch_put_be32(expr->nlh, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
	batch_put_be32(expr->nlh, NFTA_NAT_REG_ADDR_MAX, range ? NFT_REG_2 : NFT_REG_1);
	if (stmt->port_lo) {
		batch_put_be32(expr->nlh, NFTA_NAT_REG_PROTO_MIN, NFT_REG_3);
		batch_put_be32(expr->nlh, NFTA_NAT_REG_PROTO_MAX,
			       stmt->port_hi != stmt->port_lo ? NFT_REG_4 : NFT_REG_3);
	}
	batch_put_be32(expr->nlh, NFTA_NAT_FLAGS, flags | (netmap ? NF_NAT_RANGE_NETMAP : 0));
	expr_close(expr, frame);
	return 0;
}

static int expr_masquerade(struct expr *expr, const struct rs_stmt *stmt)
{
	(void)stmt;
	expr_close(expr, expr_open(expr, "masq"));
	return 0;
}

static int expr_mss(struct expr *expr, const struct rs_stmt *stmt)
{
	uint16_t value = htons(stmt->size);

	expr_need(expr, 0, IPPROTO_TCP);
	if (stmt->size == 1) {
		EXPR_NUMBERS(expr, "rt", { NFTA_RT_KEY, NFT_RT_TCPMSS },
			     { NFTA_RT_DREG, NFT_REG_1 });
		expr_put_hton(expr, sizeof(value));
	} else {
		expr_put_immediate(expr, NFT_REG_1, &value, sizeof(value));
	}
	struct expr_frame frame = expr_open(expr, "exthdr");

	batch_put_be32(expr->nlh, NFTA_EXTHDR_SREG, NFT_REG_1);
	batch_put_u8(expr->nlh, NFTA_EXTHDR_TYPE, EXPR_TCPOPT_MAXSEG);
	batch_put_be32(expr->nlh, NFTA_EXTHDR_OFFSET, EXPR_TCPOPT_MAXSEG_AT);
	batch_put_be32(expr->nlh, NFTA_EXTHDR_LEN, sizeof(value));
	// The kernel gives flags back here, and takes none.
	batch_put_be32(expr->nlh, NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	expr_close(expr, frame);
	return 0;
}

// One byte of a header or option, or with NFT_EXTHDR_F_PRESENT whether it is there.
static void expr_put_exthdr(struct expr *expr, uint32_t op, uint8_t type, uint32_t offset,
			    uint32_t flags)
{
	struct expr_frame frame = expr_open(expr, "exthdr");

	batch_put_be32(expr->nlh, NFTA_EXTHDR_DREG, NFT_REG_1);
	batch_put_u8(expr->nlh, NFTA_EXTHDR_TYPE, type);
	batch_put_be32(expr->nlh, NFTA_EXTHDR_OFFSET, offset);
	batch_put_be32(expr->nlh, NFTA_EXTHDR_LEN, 1);
	if (flags)
		batch_put_be32(expr->nlh, NFTA_EXTHDR_FLAGS, flags);
	batch_put_be32(expr->nlh, NFTA_EXTHDR_OP, op);
	expr_close(expr, frame);
}

static int expr_presence(struct expr *expr, const struct rs_stmt *stmt)
{
	bool option = stmt->kind == RS_IP_OPTION;
	uint8_t present = stmt->op == RS_EQ;

	expr_need(expr, option ? 4 : 6, 0);
	expr_put_exthdr(expr, option ? NFT_EXTHDR_OP_IPV4 : NFT_EXTHDR_OP_IPV6, stmt->number, 0,
			NFT_EXTHDR_F_PRESENT);
	expr_put_cmp(expr, NFT_CMP_EQ, &present, 1);
	return 0;
}

// RFC 8200, section 4.4: the routing type is the third byte of a routing header.
static int expr_routing_type(struct expr *expr, const struct rs_stmt *stmt)
{
	enum { ROUTING_TYPE_AT = 2 };

	expr_need(expr, 6, 0);
	expr_put_exthdr(expr, NFT_EXTHDR_OP_IPV6, IPPROTO_ROUTING, ROUTING_TYPE_AT, 0);
	expr_put_cmp(expr, NFT_CMP_EQ, &stmt->number, 1);
	return 0;
}

static int expr_tproxy(struct expr *expr, const struct rs_stmt *stmt)
{
	uint16_t port = htons(stmt->port_lo);

	if (!expr->features->tproxy)
		return -EOPNOTSUPP;
	expr_need(expr, 0, IPPROTO_TCP);
	expr_put_immediate(expr, NFT_REG_1, &port, sizeof(port));
	EXPR_NUMBERS(expr, "tproxy", { NFTA_TPROXY_FAMILY, NFPROTO_UNSPEC },
		     { NFTA_TPROXY_REG_PORT, NFT_REG_1 });
	return 0;
}

static int (*const expr_encoders[])(struct expr *, const struct rs_stmt *) = {
	[RS_MATCH] = expr_match,
	[RS_LOOKUP] = expr_lookup,
	[RS_VMAP] = expr_lookup,
	[RS_COUNT] = expr_object,
	[RS_COUNT_MAP] = expr_object_map,
	[RS_LIMIT] = expr_limit,
	[RS_LOG] = expr_log,
	[RS_VERDICT] = expr_verdict,
	[RS_REJECT] = expr_reject,
	[RS_QUEUE] = expr_queue,
	[RS_SET_CT_MARK] = expr_set_ct_mark,
	[RS_HELPER] = expr_object,
	[RS_NAT] = expr_nat,
	[RS_NETMAP] = expr_nat,
	[RS_MASQUERADE] = expr_masquerade,
	[RS_MSS] = expr_mss,
	[RS_EXTHDR] = expr_presence,
	[RS_IP_OPTION] = expr_presence,
	[RS_SET_META_MARK] = expr_set_meta_mark,
	[RS_RT_TYPE] = expr_routing_type,
	[RS_TPROXY] = expr_tproxy,
};

int expr_put_rule(struct nlmsghdr *nlh, const struct ruleset *ruleset, uint32_t rule,
		  const struct kernel_features *features, uint32_t *ret_stmt)
{
	struct expr expr = { .nlh = nlh, .ruleset = ruleset, .features = features };
	const struct rs_rule *at = &ruleset->rules[rule];
	struct nlattr *nest = batch_nest(nlh, NFTA_RULE_EXPRESSIONS);

	for (uint32_t i = 0; i < at->n_stmts; i++) {
		const struct rs_stmt *stmt = &ruleset->stmts[at->first_stmt + i];
		int r = -EINVAL;

		// Expressions are at most some 500 bytes; an attribute holds 64 kB.
		if (stmt->kind < sizeof(expr_encoders) / sizeof(expr_encoders[0]) &&
		    (char *)mnl_nlmsg_get_payload_tail(nlh) - (char *)nest < 60000)
			r = expr_encoders[stmt->kind](&expr, stmt);
		if (r < 0) {
			*ret_stmt = i;
			return r;
		}
	}
	mnl_attr_nest_end(nlh, nest);
	return 0;
}
