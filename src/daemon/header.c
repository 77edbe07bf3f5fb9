// IPv4 (RFC 791) and IPv6 (RFC 8200) headers, for the record.
#include "daemon/header.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void read_transport(const uint8_t *at, size_t left, struct header *header)
{
	switch (header->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		if (left < 4)
			return;
		header->sport = be16(at);
		header->port = be16(at + 2);
		header->has_ports = true;
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (left < 1)
			return;
		header->port = at[0];
		header->has_type = true;
	}
}

static int parse_v4(const uint8_t *bytes, size_t size, struct header *header)
{
	if (size < 20)
		return -EBADMSG;
	size_t head = (size_t)(bytes[0] & 15) * 4;
	header->length = be16(bytes + 2);
	header->protocol = bytes[9];
	header->source = (struct addr){ ADDR_V4, addr_from_bytes(ADDR_V4, bytes + 12) };
	header->destination = (struct addr){ ADDR_V4, addr_from_bytes(ADDR_V4, bytes + 16) };
	bool first_fragment = (be16(bytes + 6) & 0x1fff) == 0;
	if (first_fragment && head >= 20 && head <= size)
		read_transport(bytes + head, size - head, header);
	return 0;
}

static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
	       next == IPPROTO_DSTOPTS || next == IPPROTO_AH;
}

static size_t extension_bytes(uint8_t kind, const uint8_t *at)
{
	if (kind == IPPROTO_FRAGMENT)
		return 8;
	return kind == IPPROTO_AH ? ((size_t)at[1] + 2) * 4 : ((size_t)at[1] + 1) * 8;
}

static int parse_v6(const uint8_t *bytes, size_t size, struct header *header)
{
	size_t at = 40;
	if (size < at)
		return -EBADMSG;
	header->length = 40U + be16(bytes + 4);
	header->source = (struct addr){ ADDR_V6, addr_from_bytes(ADDR_V6, bytes + 8) };
	header->destination = (struct addr){ ADDR_V6, addr_from_bytes(ADDR_V6, bytes + 24) };
	header->protocol = bytes[6];
	for (int n = 0; n < HEADER_EXTENSIONS_MAX && is_extension(header->protocol); n++) {
		if (size - at < 8)
			return 0;
		bool later =
			header->protocol == IPPROTO_FRAGMENT && (be16(bytes + at + 2) & 0xfff8);
		size_t length = extension_bytes(header->protocol, bytes + at);
		header->protocol = bytes[at];
		if (later || length > size - at)
			return 0;
		at += length;
	}
	read_transport(bytes + at, size - at, header);
	return 0;
}

int header_parse(const uint8_t *bytes, size_t size, struct header *ret)
{
	struct header header = { 0 };
	int r = -EBADMSG;
	if (size && bytes[0] >> 4 == 4)
		r = parse_v4(bytes, size, &header);
	else if (size && bytes[0] >> 4 == 6)
		r = parse_v6(bytes, size, &header);
	if (r == 0)
		*ret = header;
	return r;
}

const char *header_protocol(uint8_t protocol, char *out)
{
	static const char *const names[256] = {
		[IPPROTO_ICMP] = "icmp", [IPPROTO_IGMP] = "igmp", [IPPROTO_TCP] = "tcp",
		[IPPROTO_UDP] = "udp",	 [IPPROTO_GRE] = "gre",	  [IPPROTO_ESP] = "esp",
		[IPPROTO_AH] = "ah",	 [IPPROTO_SCTP] = "sctp", [IPPROTO_ICMPV6] = "icmpv6",
	};
	if (names[protocol])
		return names[protocol];
	snprintf(out, 8, "%u", protocol);
	return out;
}
