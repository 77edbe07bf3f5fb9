// A packet as a ruleset sees it, for tests that run one by hand.
#ifndef SEKISHO_TESTS_COMPILE_PACKET_H
#define SEKISHO_TESTS_COMPILE_PACKET_H

#include <string.h>

#include "base/addr.h"
#include "compile/ruleset.h"

enum { STATE_NEW = 8, STATUS_DNAT = 0x20, FLAG_SYN = 2 };

struct packet {
	char in[16], out[16];
	struct addr source, destination;
	uint8_t protocol;
	uint16_t sport, port;
	bool destination_translated, source_translated;
	uint32_t mark, ct_mark;
	bool taken; // the porter's socket has it
};

static bool put_address(const struct addr *addr, uint8_t out[16])
{
	addr_to_bytes(addr->family, addr->bits, out);
	return true;
}

static bool put_u16(uint16_t value, uint8_t out[16])
{
	out[0] = value >> 8;
	out[1] = value & 0xff;
	return true;
}

static bool put_u8(uint8_t value, uint8_t out[16])
{
	out[0] = value;
	return true;
}

static bool put_u32(uint32_t value, uint8_t out[16])
{
	memcpy(out, &value, sizeof(value));
	return true;
}

static bool put_name(const char name[16], uint8_t out[16])
{
	memcpy(out, name, 16);
	return true;
}

// The key's value for the packet; false when it has none (another family, another protocol).
static bool load(const struct packet *p, enum rs_key key, uint8_t out[16])
{
	const struct rs_key_info *info = rs_key_info(key);
	bool v4 = p->source.family == ADDR_V4;

	memset(out, 0, 16);
	if ((info->family == 4 && !v4) || (info->family == 6 && v4) ||
	    (info->needs_l4 && info->needs_l4 != p->protocol))
		return false;
	switch (key) {
	case RS_META_NFPROTO:
		return put_u8(v4 ? 2 : 10, out);
	case RS_META_L4PROTO:
	case RS_IP6_NEXTHDR:
		return put_u8(p->protocol, out);
	case RS_META_IIFNAME:
		return put_name(p->in, out);
	case RS_META_OIFNAME:
		return put_name(p->out, out);
	case RS_IP_SADDR:
	case RS_IP6_SADDR:
		return put_address(&p->source, out);
	case RS_IP_DADDR:
	case RS_IP6_DADDR:
		return put_address(&p->destination, out);
	case RS_IP_VERSION_IHL:
		return put_u8(v4 ? 0x45 : 0x60, out);
	case RS_IP6_HOPLIMIT:
		return put_u8(64, out);
	case RS_TH_SPORT:
		return put_u16(p->sport, out);
	case RS_TH_DPORT:
		return put_u16(p->port, out);
	case RS_TCP_FLAGS:
		return put_u8(FLAG_SYN, out);
	case RS_ICMP_TYPE:
	case RS_ICMPV6_TYPE:
		return put_u8(p->port, out);
	case RS_CT_STATE:
		return put_u32(STATE_NEW, out);
	case RS_CT_STATUS:
		return put_u32(p->destination_translated ? STATUS_DNAT : 0, out);
	case RS_META_MARK:
		return put_u32(p->mark, out);
	case RS_CT_MARK:
		return put_u32(p->ct_mark, out);
	case RS_FIB_OIFNAME:
		return p->out[0] && put_name(p->out, out);
	case RS_SOCKET_TRANSPARENT:
		return p->taken && put_u8(1, out);
	default: // fragment offset, direction
		return true;
	}
}

#endif
