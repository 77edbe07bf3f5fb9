// Values as nft writes them: addresses, interface names, protocols, types, bits.
#include <stdbool.h>
#include <string.h>

#include "base/addr.h"
#include "compile/print.h"

struct word {
	uint32_t value;
	const char *text;
};

static const struct word families[] = { { 2, "ipv4" }, { 10, "ipv6" }, { 0, NULL } };

static const struct word protocols[] = {
	{ 1, "icmp" }, { 6, "tcp" },	{ 17, "udp" },	  { 50, "esp" },
	{ 51, "ah" },  { 132, "sctp" }, { 58, "icmpv6" }, { 0, NULL },
};

static const struct word icmp_types[] = {
	{ 0, "echo-reply" },	     { 3, "destination-unreachable" }, { 5, "redirect" },
	{ 8, "echo-request" },	     { 11, "time-exceeded" },	       { 12, "parameter-problem" },
	{ 13, "timestamp-request" }, { 14, "timestamp-reply" },	       { 0, NULL },
};

static const struct word icmpv6_types[] = {
	{ 1, "destination-unreachable" },
	{ 2, "packet-too-big" },
	{ 3, "time-exceeded" },
	{ 4, "parameter-problem" },
	{ 128, "echo-request" },
	{ 129, "echo-reply" },
	{ 130, "mld-listener-query" },
	{ 131, "mld-listener-report" },
	{ 132, "mld-listener-done" },
	{ 133, "nd-router-solicit" },
	{ 134, "nd-router-advert" },
	{ 135, "nd-neighbor-solicit" },
	{ 136, "nd-neighbor-advert" },
	{ 143, "mld2-listener-report" },
	{ 0, NULL },
};

static const struct word states[] = {
	{ 1, "invalid" }, { 2, "established" }, { 4, "related" },
	{ 8, "new" },	  { 64, "untracked" },	{ 0, NULL },
};

static const struct word statuses[] = {
	{ 1, "expected" }, { 0x10, "snat" }, { 0x20, "dnat" }, { 0, NULL }
};

static const struct word flags[] = {
	{ 1, "fin" },  { 2, "syn" },  { 4, "rst" },   { 8, "psh" }, { 16, "ack" },
	{ 32, "urg" }, { 64, "ecn" }, { 128, "cwr" }, { 0, NULL },
};

static const struct word directions[] = { { 0, "original" }, { 1, "reply" }, { 0, NULL } };

enum style { DECIMAL, HEX, ADDRESS, NAME, MAC };

// How each key's values are written; bits: several words may be set at once.
static const struct writing {
	enum style style;
	const struct word *words;
	bool bits;
} writings[RS_KEY_COUNT] = {
	[RS_META_NFPROTO] = { .words = families },
	[RS_META_L4PROTO] = { .words = protocols },
	[RS_META_IIFNAME] = { .style = NAME },
	[RS_META_OIFNAME] = { .style = NAME },
	[RS_IP_SADDR] = { .style = ADDRESS },
	[RS_IP_DADDR] = { .style = ADDRESS },
	[RS_IP6_SADDR] = { .style = ADDRESS },
	[RS_IP6_DADDR] = { .style = ADDRESS },
	[RS_IP_FRAG_OFF] = { .style = HEX },
	[RS_IP_VERSION_IHL] = { .style = HEX },
	[RS_TCP_FLAGS] = { .words = flags, .bits = true },
	[RS_ICMP_TYPE] = { .words = icmp_types },
	[RS_ICMPV6_TYPE] = { .words = icmpv6_types },
	[RS_CT_STATE] = { .words = states, .bits = true },
	[RS_CT_STATUS] = { .words = statuses, .bits = true },
	[RS_CT_MARK] = { .style = HEX },
	[RS_CT_DIRECTION] = { .words = directions },
	[RS_META_MARK] = { .style = HEX },
	[RS_ETHER_SADDR] = { .style = MAC },
	[RS_FIB_OIFNAME] = { .style = NAME },
};

static uint32_t number(enum rs_key key, const uint8_t *bytes)
{
	const struct rs_key_info *info = rs_key_info(key);
	uint32_t value = 0;

	if (info->host_order) {
		memcpy(&value, bytes, sizeof(value));
		return value;
	}
	for (unsigned i = 0; i < info->size && i < 4; i++)
		value = value << 8 | bytes[i];
	return value;
}

static const char *word(const struct word *words, uint32_t value)
{
	for (; words && words->text; words++)
		if (words->value == value)
			return words->text;
	return NULL;
}

static void print_number(FILE *out, enum rs_key key, uint32_t value)
{
	const struct writing *writing = &writings[key];
	const char *text = word(writing->words, value);

	if (text)
		fputs(text, out);
	else
		fprintf(out, writing->style == HEX || writing->bits ? "0x%x" : "%u", value);
}

// "(fin | syn)"; what has no word stays a number.
static void print_bits(FILE *out, enum rs_key key, uint32_t value)
{
	const struct word *words = writings[key].words;
	uint32_t known = 0;
	const char *between = "";

	for (const struct word *it = words; it && it->text; it++)
		known |= it->value;
	if (!value || value & ~known || !(value & (value - 1))) {
		print_number(out, key, value);
		return;
	}
	fputc('(', out);
	for (const struct word *it = words; it->text; it++) {
		if (!(value & it->value))
			continue;
		fprintf(out, "%s%s", between, it->text);
		between = " | ";
	}
	fputc(')', out);
}

static struct addr_range range_of(enum rs_key key, const uint8_t *lo, const uint8_t *hi)
{
	enum addr_family family = rs_key_info(key)->size == 4 ? ADDR_V4 : ADDR_V6;

	return (struct addr_range){ .family = family,
				    .lo = addr_from_bytes(family, lo),
				    .hi = addr_from_bytes(family, hi) };
}

static void print_name(FILE *out, const uint8_t *name, size_t length, bool pattern)
{
	fputc('"', out);
	for (size_t i = 0; i < length && name[i]; i++) {
		bool plain = name[i] > ' ' && name[i] < 0x7f && !strchr("\"*\\", name[i]);

		fputc(plain ? name[i] : '?', out);
	}
	fputs(pattern ? "*\"" : "\"", out);
}

static size_t common_bytes(const uint8_t *a, const uint8_t *b, size_t size)
{
	size_t n = 0;

	while (n < size && a[n] == b[n])
		n++;
	return n;
}

void print_field(FILE *out, enum rs_key key, const uint8_t *lo, const uint8_t *hi)
{
	unsigned size = rs_key_info(key)->size;
	bool same = !memcmp(lo, hi, size);
	struct addr_range range;
	char text[ADDR_TEXT_MAX];

	switch (writings[key].style) {
	case ADDRESS:
		range = range_of(key, lo, hi);
		fputs(addr_range_text(&range, text), out);
		return;
	case NAME:
		print_name(out, lo, same ? size : common_bytes(lo, hi, size), !same);
		return;
	case MAC:
		fprintf(out, "%02x:%02x:%02x:%02x:%02x:%02x", lo[0], lo[1], lo[2], lo[3], lo[4],
			lo[5]);
		return;
	default:
		if (same)
			print_number(out, key, number(key, lo));
		else
			fprintf(out, "%u-%u", number(key, lo), number(key, hi));
	}
}

static void print_masked(FILE *out, const struct rs_stmt *stmt, const char *op)
{
	enum rs_key key = stmt->keys[0];
	unsigned size = rs_key_info(key)->size;
	uint8_t hi[16] = { 0 };

	if (writings[key].style == ADDRESS) {
		for (unsigned i = 0; i < size; i++)
			hi[i] = stmt->value[i] | (uint8_t)~stmt->mask[i];
		fputs(op, out);
		print_field(out, key, stmt->value, hi);
		return;
	}
	if (writings[key].style == NAME) {
		static const uint8_t all[16] = { 255, 255, 255, 255, 255, 255, 255, 255,
						 255, 255, 255, 255, 255, 255, 255, 255 };

		fputs(op, out);
		print_name(out, stmt->value, common_bytes(stmt->mask, all, size), true);
		return;
	}
	fputs(" & ", out);
	print_bits(out, key, number(key, stmt->mask));
	fputs(stmt->op == RS_EQ ? " == " : " != ", out);
	print_bits(out, key, number(key, stmt->value));
}

void print_prefix(FILE *out, enum rs_key key, unsigned bits)
{
	uint8_t mask[16] = { 0 };

	for (unsigned i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	fprintf(out, "(%s & ", rs_key_info(key)->match);
	print_field(out, key, mask, mask);
	fputc(')', out);
}

void print_match(FILE *out, const struct rs_stmt *stmt)
{
	static const char *const ops[] = {
		[RS_EQ] = " ", [RS_NEQ] = " != ", [RS_IN_RANGE] = " ", [RS_NOT_IN_RANGE] = " != "
	};
	enum rs_key key = stmt->keys[0];
	bool range = stmt->op == RS_IN_RANGE || stmt->op == RS_NOT_IN_RANGE;

	fputs(rs_key_info(key)->match, out);
	if (stmt->masked && !range) {
		print_masked(out, stmt, ops[stmt->op]);
		return;
	}
	if (writings[key].bits && stmt->op == RS_EQ)
		fputs(" == ", out); // without it nft would test for any of the bits
	else
		fputs(ops[stmt->op], out);
	print_field(out, key, stmt->value, range ? stmt->value_hi : stmt->value);
}

void print_translation(FILE *out, const struct rs_stmt *stmt)
{
	enum addr_family family = stmt->family == 4 ? ADDR_V4 : ADDR_V6;
	const struct addr lo = { family, addr_from_bytes(family, stmt->value) };
	const struct addr hi = { family, addr_from_bytes(family, stmt->value_hi) };
	bool bracket = family == ADDR_V6 && (stmt->port_lo || lo.bits != hi.bits);
	char text[ADDR_TEXT_MAX];

	fprintf(out, bracket ? "[%s]" : "%s", addr_text(&lo, text));
	if (lo.bits != hi.bits)
		fprintf(out, bracket ? "-[%s]" : "-%s", addr_text(&hi, text));
	if (stmt->port_lo)
		fprintf(out, ":%u", stmt->port_lo);
	if (stmt->port_hi > stmt->port_lo)
		fprintf(out, "-%u", stmt->port_hi);
}
