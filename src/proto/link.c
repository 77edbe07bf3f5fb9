// Each link type's head, by a table.
#include "proto/link.h"

enum {
	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	ETHER_TAG = 0x8100,
	ETHER_TAG_OUTER = 0x88a8,
	ETHER_TAG_OLD = 0x9100,
	PPPOE_SESSION = 0x8864,
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
};

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)be16(at) << 16 | be16(at + 2);
}

static uint64_t mac_at(const uint8_t *at)
{
	return (uint64_t)be16(at) << 32 | be32(at + 2);
}

// What follows must look like what the frame says.
static void take_ip(const uint8_t *bytes, size_t size, size_t offset, struct link_frame *frame)
{
	frame->ip = offset < size && (bytes[offset] >> 4 == 4 || bytes[offset] >> 4 == 6);
	frame->malformed = !frame->ip;
	frame->offset = (uint32_t)offset;
}

static void take_pppoe(const uint8_t *bytes, size_t size, size_t offset, struct link_frame *frame)
{
	if (size - offset < 8) {
		frame->malformed = true;
		return;
	}
	uint16_t kind = be16(bytes + offset + 6);

	if (kind == PPP_IPV4 || kind == PPP_IPV6)
		take_ip(bytes, size, offset + 8, frame);
}

// From an EtherType at hand, over tags.
static void take_ether_type(uint16_t kind, const uint8_t *bytes, size_t size, size_t offset,
			    struct link_frame *frame)
{
	for (int n = 0; n < LINK_TAGS_MAX; n++) {
		if (kind != ETHER_TAG && kind != ETHER_TAG_OUTER && kind != ETHER_TAG_OLD)
			break;
		if (size - offset < 4) {
			frame->malformed = true;
			return;
		}
		frame->vlan = true;
		frame->vlan_id = be16(bytes + offset) & 0xfff;
		kind = be16(bytes + offset + 2);
		offset += 4;
	}
	if (kind == ETHER_IPV4 || kind == ETHER_IPV6)
		take_ip(bytes, size, offset, frame);
	else if (kind == PPPOE_SESSION)
		take_pppoe(bytes, size, offset, frame);
}

static void parse_ethernet(const uint8_t *bytes, size_t size, struct link_frame *frame)
{
	frame->has_macs = true;
	frame->destination_mac = mac_at(bytes);
	frame->source_mac = mac_at(bytes + 6);
	take_ether_type(be16(bytes + 12), bytes, size, 14, frame);
}

static void take_packet_type(unsigned type, struct link_frame *frame)
{
	static const enum link_way ways[] = { LINK_COMING, LINK_COMING, LINK_COMING, LINK_PASSING,
					      LINK_LEAVING };

	frame->way = type < sizeof(ways) / sizeof(ways[0]) ? ways[type] : LINK_UNKNOWN;
}

static void parse_sll(const uint8_t *bytes, size_t size, struct link_frame *frame)
{
	take_packet_type(be16(bytes), frame);
	take_ether_type(be16(bytes + 14), bytes, size, 16, frame);
}

static void parse_sll2(const uint8_t *bytes, size_t size, struct link_frame *frame)
{
	frame->interface = be32(bytes + 4);
	take_packet_type(bytes[10], frame);
	take_ether_type(be16(bytes), bytes, size, 20, frame);
}

static void parse_raw(const uint8_t *bytes, size_t size, struct link_frame *frame)
{
	take_ip(bytes, size, 0, frame);
}

static void parse_loopback(const uint8_t *bytes, size_t size, struct link_frame *frame)
{
	take_ip(bytes, size, 4, frame);
	frame->malformed = false; // other families are carried too
}

static const struct kind {
	uint32_t type;
	const char *name;
	size_t least; // bytes of its head
	void (*parse)(const uint8_t *bytes, size_t size, struct link_frame *frame);
} kinds[] = {
	{ LINK_ETHERNET, "Ethernet", 14, parse_ethernet },
	{ LINK_SLL, "Linux cooked", 16, parse_sll },
	{ LINK_SLL2, "Linux cooked v2", 20, parse_sll2 },
	{ LINK_RAW, "raw IP", 1, parse_raw },
	{ LINK_RAW_BSD, "raw IP", 1, parse_raw },
	{ LINK_RAW_OPENBSD, "raw IP", 1, parse_raw },
	{ LINK_IPV4, "raw IPv4", 1, parse_raw },
	{ LINK_IPV6, "raw IPv6", 1, parse_raw },
	{ LINK_NULL, "BSD loopback", 4, parse_loopback },
	{ LINK_LOOP, "OpenBSD loopback", 4, parse_loopback },
};

static const struct kind *kind_of(uint32_t link_type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == link_type)
			return &kinds[i];
	return NULL;
}

bool link_known(uint32_t link_type)
{
	return kind_of(link_type) != NULL;
}

const char *link_name(uint32_t link_type)
{
	const struct kind *kind = kind_of(link_type);

	return kind ? kind->name : "unknown";
}

void link_parse(uint32_t link_type, const uint8_t *bytes, size_t size, struct link_frame *ret)
{
	const struct kind *kind = kind_of(link_type);

	*ret = (struct link_frame){ .malformed = kind && size < kind->least };
	if (kind && size >= kind->least)
		kind->parse(bytes, size, ret);
}
