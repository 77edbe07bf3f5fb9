// One table of expressions and their attributes; a small memory of what a register holds, so that
// the value compared with it can be told in words.
#include "kernel/dump_expr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "kernel/link.h"

enum { REGISTERS = 32, ATTRS_MAX = 12, TEXT_MAX = 256 };

// --- values

void dump_hex(FILE *out, const uint8_t *bytes, size_t size)
{
	fputs("0x", out);
	for (size_t i = 0; i < size; i++)
		fprintf(out, "%02x", bytes[i]);
}

static bool is_name(const uint8_t *bytes, size_t size)
{
	size_t length = strnlen((const char *)bytes, size);

	for (size_t i = 0; i < length; i++)
		if (!isgraph(bytes[i]))
			return false;
	return length > 0;
}

// "10.20.0.0", or nothing when the bytes are not of that type.
static void dump_typed(FILE *out, enum dump_type type, const uint8_t *bytes, size_t size)
{
	char text[INET6_ADDRSTRLEN];

	if (type == DUMP_IPV4 && size == 4)
		fputs(inet_ntop(AF_INET, bytes, text, sizeof(text)), out);
	else if (type == DUMP_IPV6 && size == 16)
		fputs(inet_ntop(AF_INET6, bytes, text, sizeof(text)), out);
	else if (type == DUMP_ETHER && size == 6)
		fprintf(out, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
			bytes[3], bytes[4], bytes[5]);
	else if (type == DUMP_PORT && size == 2)
		fprintf(out, "%d", bytes[0] << 8 | bytes[1]);
	else if (type == DUMP_PROTOCOL && size == 1)
		fprintf(out, "%u", bytes[0]);
	else if (type == DUMP_INTERFACE && is_name(bytes, size))
		fprintf(out, "%.*s", (int)size, (const char *)bytes);
}

static size_t type_size(enum dump_type type)
{
	static const uint8_t sizes[] = {
		[DUMP_IPV4] = 4, [DUMP_IPV6] = 16, [DUMP_ETHER] = 6,	  [DUMP_PROTOCOL] = 1,
		[DUMP_PORT] = 2, [DUMP_MARK] = 4,  [DUMP_INTERFACE] = 16,
	};

	return type < sizeof(sizes) ? sizes[type] : 0;
}

void dump_key(FILE *out, uint32_t key_type, const uint8_t *bytes, size_t size)
{
	bool first = true;

	for (int shift = 24; shift >= 0; shift -= 6) {
		enum dump_type type = key_type >> shift & 0x3f;
		size_t length = type_size(type);
		size_t padded = (length + 3) / 4 * 4;

		if (type == DUMP_UNKNOWN)
			continue;
		if (length == 0 || length > size)
			break; // the rest as it is
		if (!first)
			fputs(" . ", out);
		if (type == DUMP_MARK || (type == DUMP_INTERFACE && !is_name(bytes, length)))
			dump_hex(out, bytes, length);
		else
			dump_typed(out, type, bytes, length);
		bytes += padded < size ? padded : size;
		size -= padded < size ? padded : size;
		first = false;
	}
	if (size == 0)
		return;
	if (!first)
		fputs(" . ", out);
	dump_hex(out, bytes, size);
}

void dump_verdict(FILE *out, const struct nlattr *verdict)
{
	static const struct {
		int32_t code;
		const char *word;
	} words[] = {
		{ NF_DROP, "drop" },	      { NF_ACCEPT, "accept" },	{ NF_QUEUE, "queue" },
		{ NFT_CONTINUE, "continue" }, { NFT_BREAK, "break" },	{ NFT_JUMP, "jump" },
		{ NFT_GOTO, "goto" },	      { NFT_RETURN, "return" },
	};
	const struct nlattr *attrs[NFTA_VERDICT_MAX + 1];
	int32_t code;

	link_nested(verdict, attrs, NFTA_VERDICT_MAX);
	code = (int32_t)link_be32(attrs[NFTA_VERDICT_CODE]);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].code == code)
			fputs(words[i].word, out);
	if (attrs[NFTA_VERDICT_CHAIN])
		fprintf(out, " %s", link_text(attrs[NFTA_VERDICT_CHAIN]));
}

// --- the table of expressions

enum attr_kind {
	ATTR_HEX, // of any size
	ATTR_NUMBER,
	ATTR_TEXT,
	ATTR_DATA, // NFTA_DATA_VALUE or NFTA_DATA_VERDICT
	ATTR_SREG,
	ATTR_DREG,
};

struct attr_row {
	const char *name;
	enum attr_kind kind;
	const char *const *words; // of small numbers
	size_t n_words;
};

struct expr_row {
	const char *name;
	struct attr_row attrs[ATTRS_MAX];
};

#define ATTR(text, a_kind)                                                                         \
	{                                                                                          \
		.name = (text), .kind = (a_kind)                                                   \
	}
#define WORDS(array) (array), sizeof(array) / sizeof((array)[0])

static const char *const cmp_ops[] = { "eq", "neq", "lt", "lte", "gt", "gte" };
static const char *const bases[] = { "link", "network", "transport", "inner" };
static const char *const metas[] = {
	[NFT_META_LEN] = "len",		[NFT_META_PROTOCOL] = "protocol",
	[NFT_META_MARK] = "mark",	[NFT_META_IIF] = "iif",
	[NFT_META_OIF] = "oif",		[NFT_META_IIFNAME] = "iifname",
	[NFT_META_OIFNAME] = "oifname", [NFT_META_NFPROTO] = "nfproto",
	[NFT_META_L4PROTO] = "l4proto",
};
static const char *const cts[] = {
	[NFT_CT_STATE] = "state",
	[NFT_CT_DIRECTION] = "direction",
	[NFT_CT_STATUS] = "status",
	[NFT_CT_MARK] = "mark",
};
static const char *const fibs[] = { [NFT_FIB_RESULT_OIFNAME] = "oifname" };
static const char *const sockets[] = { [NFT_SOCKET_TRANSPARENT] = "transparent" };
static const char *const nats[] = { "snat", "dnat" };

static const struct expr_row expr_rows[] = {
	{ "meta",
	  { [NFTA_META_DREG] = ATTR("dreg", ATTR_DREG),
	    [NFTA_META_KEY] = { "key", ATTR_NUMBER, WORDS(metas) },
	    [NFTA_META_SREG] = ATTR("sreg", ATTR_SREG) } },
	{ "ct",
	  { [NFTA_CT_DREG] = ATTR("dreg", ATTR_DREG),
	    [NFTA_CT_KEY] = { "key", ATTR_NUMBER, WORDS(cts) },
	    [NFTA_CT_DIRECTION] = ATTR("direction", ATTR_NUMBER),
	    [NFTA_CT_SREG] = ATTR("sreg", ATTR_SREG) } },
	{ "payload",
	  { [NFTA_PAYLOAD_DREG] = ATTR("dreg", ATTR_DREG),
	    [NFTA_PAYLOAD_BASE] = { "base", ATTR_NUMBER, WORDS(bases) },
	    [NFTA_PAYLOAD_OFFSET] = ATTR("offset", ATTR_NUMBER),
	    [NFTA_PAYLOAD_LEN] = ATTR("len", ATTR_NUMBER),
	    [NFTA_PAYLOAD_SREG] = ATTR("sreg", ATTR_SREG),
	    [NFTA_PAYLOAD_CSUM_TYPE] = ATTR("csum_type", ATTR_NUMBER),
	    [NFTA_PAYLOAD_CSUM_OFFSET] = ATTR("csum_offset", ATTR_NUMBER),
	    [NFTA_PAYLOAD_CSUM_FLAGS] = ATTR("csum_flags", ATTR_NUMBER) } },
	{ "cmp",
	  { [NFTA_CMP_SREG] = ATTR("sreg", ATTR_SREG),
	    [NFTA_CMP_OP] = { "op", ATTR_NUMBER, WORDS(cmp_ops) },
	    [NFTA_CMP_DATA] = ATTR("data", ATTR_DATA) } },
	{ "range",
	  { [NFTA_RANGE_SREG] = ATTR("sreg", ATTR_SREG),
	    [NFTA_RANGE_OP] = { "op", ATTR_NUMBER, WORDS(cmp_ops) },
	    [NFTA_RANGE_FROM_DATA] = ATTR("from", ATTR_DATA),
	    [NFTA_RANGE_TO_DATA] = ATTR("to", ATTR_DATA) } },
	{ "bitwise",
	  { [NFTA_BITWISE_SREG] = ATTR("sreg", ATTR_SREG),
	    [NFTA_BITWISE_DREG] = ATTR("dreg", ATTR_DREG),
	    [NFTA_BITWISE_LEN] = ATTR("len", ATTR_NUMBER),
	    [NFTA_BITWISE_MASK] = ATTR("mask", ATTR_DATA),
	    [NFTA_BITWISE_XOR] = ATTR("xor", ATTR_DATA),
	    [NFTA_BITWISE_OP] = ATTR("op", ATTR_NUMBER),
	    [NFTA_BITWISE_DATA] = ATTR("data", ATTR_DATA) } },
	{ "lookup",
	  { [NFTA_LOOKUP_SET] = ATTR("set", ATTR_TEXT),
	    [NFTA_LOOKUP_SREG] = ATTR("sreg", ATTR_SREG),
	    [NFTA_LOOKUP_DREG] = ATTR("dreg", ATTR_DREG),
	    [NFTA_LOOKUP_FLAGS] = ATTR("flags", ATTR_NUMBER) } },
	{ "immediate",
	  { [NFTA_IMMEDIATE_DREG] = ATTR("dreg", ATTR_DREG),
	    [NFTA_IMMEDIATE_DATA] = ATTR("data", ATTR_DATA) } },
	{ "counter",
	  { [NFTA_COUNTER_BYTES] = ATTR("bytes", ATTR_NUMBER),
	    [NFTA_COUNTER_PACKETS] = ATTR("packets", ATTR_NUMBER) } },
	{ "limit",
	  { [NFTA_LIMIT_RATE] = ATTR("rate", ATTR_NUMBER),
	    [NFTA_LIMIT_UNIT] = ATTR("unit", ATTR_NUMBER),
	    [NFTA_LIMIT_BURST] = ATTR("burst", ATTR_NUMBER),
	    [NFTA_LIMIT_TYPE] = ATTR("type", ATTR_NUMBER),
	    [NFTA_LIMIT_FLAGS] = ATTR("flags", ATTR_NUMBER) } },
	{ "log",
	  { [NFTA_LOG_GROUP] = ATTR("group", ATTR_NUMBER),
	    [NFTA_LOG_PREFIX] = ATTR("prefix", ATTR_TEXT),
	    [NFTA_LOG_SNAPLEN] = ATTR("snaplen", ATTR_NUMBER),
	    [NFTA_LOG_QTHRESHOLD] = ATTR("qthreshold", ATTR_NUMBER),
	    [NFTA_LOG_LEVEL] = ATTR("level", ATTR_NUMBER),
	    [NFTA_LOG_FLAGS] = ATTR("flags", ATTR_NUMBER) } },
	{ "objref",
	  { [NFTA_OBJREF_IMM_TYPE] = ATTR("type", ATTR_NUMBER),
	    [NFTA_OBJREF_IMM_NAME] = ATTR("name", ATTR_TEXT),
	    [NFTA_OBJREF_SET_SREG] = ATTR("sreg", ATTR_SREG),
	    [NFTA_OBJREF_SET_NAME] = ATTR("set", ATTR_TEXT) } },
	{ "queue",
	  { [NFTA_QUEUE_NUM] = ATTR("num", ATTR_NUMBER),
	    [NFTA_QUEUE_TOTAL] = ATTR("total", ATTR_NUMBER),
	    [NFTA_QUEUE_FLAGS] = ATTR("flags", ATTR_NUMBER) } },
	{ "nat",
	  { [NFTA_NAT_TYPE] = { "type", ATTR_NUMBER, WORDS(nats) },
	    [NFTA_NAT_FAMILY] = ATTR("family", ATTR_NUMBER),
	    [NFTA_NAT_REG_ADDR_MIN] = ATTR("addr_min", ATTR_SREG),
	    [NFTA_NAT_REG_ADDR_MAX] = ATTR("addr_max", ATTR_SREG),
	    [NFTA_NAT_REG_PROTO_MIN] = ATTR("proto_min", ATTR_SREG),
	    [NFTA_NAT_REG_PROTO_MAX] = ATTR("proto_max", ATTR_SREG),
	    [NFTA_NAT_FLAGS] = ATTR("flags", ATTR_NUMBER) } },
	{ "fib",
	  { [NFTA_FIB_DREG] = ATTR("dreg", ATTR_DREG),
	    [NFTA_FIB_RESULT] = { "result", ATTR_NUMBER, WORDS(fibs) },
	    [NFTA_FIB_FLAGS] = ATTR("flags", ATTR_NUMBER) } },
	{ "socket",
	  { [NFTA_SOCKET_KEY] = { "key", ATTR_NUMBER, WORDS(sockets) },
	    [NFTA_SOCKET_DREG] = ATTR("dreg", ATTR_DREG) } },
	{ "tproxy",
	  { [NFTA_TPROXY_FAMILY] = ATTR("family", ATTR_NUMBER),
	    [NFTA_TPROXY_REG_ADDR] = ATTR("addr", ATTR_SREG),
	    [NFTA_TPROXY_REG_PORT] = ATTR("port", ATTR_SREG) } },
	{ "masq", { [NFTA_MASQ_FLAGS] = ATTR("flags", ATTR_NUMBER) } },
	{ "reject",
	  { [NFTA_REJECT_TYPE] = ATTR("type", ATTR_NUMBER),
	    [NFTA_REJECT_ICMP_CODE] = ATTR("code", ATTR_NUMBER) } },
	{ "exthdr",
	  { [NFTA_EXTHDR_DREG] = ATTR("dreg", ATTR_DREG),
	    [NFTA_EXTHDR_TYPE] = ATTR("type", ATTR_NUMBER),
	    [NFTA_EXTHDR_OFFSET] = ATTR("offset", ATTR_NUMBER),
	    [NFTA_EXTHDR_LEN] = ATTR("len", ATTR_NUMBER),
	    [NFTA_EXTHDR_FLAGS] = ATTR("flags", ATTR_NUMBER),
	    [NFTA_EXTHDR_OP] = ATTR("op", ATTR_NUMBER),
	    [NFTA_EXTHDR_SREG] = ATTR("sreg", ATTR_SREG) } },
};

// --- expressions

struct printer {
	FILE *out;
	enum dump_type registers[REGISTERS];
	enum dump_type at; // what the register of this expression holds
	uint32_t dreg;
	uint32_t numbers[ATTRS_MAX]; // of this expression, by attribute
};

static uint64_t number_of(const struct nlattr *attr)
{
	const uint8_t *bytes = mnl_attr_get_payload(attr);
	size_t size = mnl_attr_get_payload_len(attr);
	uint64_t number = 0;

	for (size_t i = 0; i < size && i < 8; i++)
		number = number << 8 | bytes[i];
	return number;
}

static void print_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (size_t i = 0; i < TEXT_MAX && text[i]; i++)
		fputc(isprint((unsigned char)text[i]) && text[i] != '"' ? text[i] : '?', out);
	fputc('"', out);
}

static void print_data(const struct printer *printer, const struct nlattr *nest)
{
	const struct nlattr *data[NFTA_DATA_MAX + 1];

	link_nested(nest, data, NFTA_DATA_MAX);
	if (data[NFTA_DATA_VERDICT])
		dump_verdict(printer->out, data[NFTA_DATA_VERDICT]);
	if (data[NFTA_DATA_VALUE]) {
		const uint8_t *bytes = mnl_attr_get_payload(data[NFTA_DATA_VALUE]);
		size_t size = mnl_attr_get_payload_len(data[NFTA_DATA_VALUE]);

		dump_hex(printer->out, bytes, size);
		if (printer->at == DUMP_UNKNOWN || type_size(printer->at) < size)
			return;
		fputs(" (", printer->out);
		dump_typed(printer->out, printer->at, bytes, size);
		fputc(')', printer->out);
	}
}

// Registers are numbered twice: 1-4 of 16 bytes and 8-23 of 4 bytes, the same memory.
static uint32_t register_of(uint32_t number)
{
	return number >= 1 && number <= 4 ? 8 + (number - 1) * 4 : number;
}

static void print_attr(struct printer *printer, const struct attr_row *row,
		       const struct nlattr *attr)
{
	uint64_t number = number_of(attr);

	switch (row->kind) {
	case ATTR_TEXT:
		print_text(printer->out, link_text(attr));
		return;
	case ATTR_DATA:
		print_data(printer, attr);
		return;
	case ATTR_HEX:
		dump_hex(printer->out, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
		return;
	case ATTR_SREG:
		if (register_of((uint32_t)number) < REGISTERS)
			printer->at = printer->registers[register_of((uint32_t)number)];
		break;
	case ATTR_DREG:
		printer->dreg = register_of((uint32_t)number);
		break;
	case ATTR_NUMBER:
		break;
	}
	if (number < row->n_words && row->words[number])
		fputs(row->words[number], printer->out);
	else
		fprintf(printer->out, "%llu", (unsigned long long)number);
}

static enum dump_type meta_type(uint32_t key)
{
	return key == NFT_META_IIFNAME || key == NFT_META_OIFNAME ? DUMP_INTERFACE
	       : key == NFT_META_L4PROTO			  ? DUMP_PROTOCOL
								  : DUMP_UNKNOWN;
}

// Addresses of RFC 791 section 3.1 and RFC 8200 section 3; ports of TCP and UDP.
static enum dump_type payload_type(uint32_t base, uint32_t offset, uint32_t length)
{
	if (base == NFT_PAYLOAD_NETWORK_HEADER && length == 4 && (offset == 12 || offset == 16))
		return DUMP_IPV4;
	if (base == NFT_PAYLOAD_NETWORK_HEADER && length == 16 && (offset == 8 || offset == 24))
		return DUMP_IPV6;
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER && length == 2 && (offset == 0 || offset == 2))
		return DUMP_PORT;
	if (base == NFT_PAYLOAD_LL_HEADER && length == 6)
		return DUMP_ETHER;
	return DUMP_UNKNOWN;
}

static void remember(struct printer *printer, const char *name)
{
	const uint32_t *n = printer->numbers;
	enum dump_type type = DUMP_UNKNOWN;

	if (printer->dreg >= REGISTERS)
		return;
	if (strcmp(name, "meta") == 0)
		type = meta_type(n[NFTA_META_KEY]);
	else if (strcmp(name, "fib") == 0 && n[NFTA_FIB_RESULT] == NFT_FIB_RESULT_OIFNAME)
		type = DUMP_INTERFACE;
	else if (strcmp(name, "payload") == 0)
		type = payload_type(n[NFTA_PAYLOAD_BASE], n[NFTA_PAYLOAD_OFFSET],
				    n[NFTA_PAYLOAD_LEN]);
	else if (strcmp(name, "bitwise") == 0)
		type = printer->at;
	printer->registers[printer->dreg] = type;
}

static void print_expression(struct printer *printer, const struct nlattr *element)
{
	static const struct attr_row unknown = { NULL, ATTR_HEX, NULL, 0 };
	const struct nlattr *parts[NFTA_EXPR_MAX + 1];
	const struct expr_row *row = NULL;
	const struct nlattr *attr;
	const char *name;

	link_nested(element, parts, NFTA_EXPR_MAX);
	name = link_text(parts[NFTA_EXPR_NAME]);
	for (size_t i = 0; i < sizeof(expr_rows) / sizeof(expr_rows[0]); i++)
		if (strcmp(expr_rows[i].name, name) == 0)
			row = &expr_rows[i];
	printer->at = DUMP_UNKNOWN;
	printer->dreg = REGISTERS;
	memset(printer->numbers, 0, sizeof(printer->numbers));
	fprintf(printer->out, "[ %.32s", name);
	if (parts[NFTA_EXPR_DATA])
		mnl_attr_for_each_nested(attr, parts[NFTA_EXPR_DATA])
		{
			uint16_t type = mnl_attr_get_type(attr);
			const struct attr_row *at = row && type < ATTRS_MAX && row->attrs[type].name
							    ? &row->attrs[type]
							    : &unknown;

			if (type < ATTRS_MAX)
				printer->numbers[type] = (uint32_t)number_of(attr);
			if (at->name)
				fprintf(printer->out, " %s=", at->name);
			else
				fprintf(printer->out, " %u=", type);
			print_attr(printer, at, attr);
		}
	fputs(" ]\n", printer->out);
	remember(printer, name);
}

void dump_expressions(FILE *out, const struct nlattr *list, const char *indent)
{
	struct printer printer = { .out = out };
	const struct nlattr *element;

	if (!list)
		return;
	mnl_attr_for_each_nested(element, list)
	{
		fputs(indent, out);
		print_expression(&printer, element);
	}
}
