// From the IP header along the extension headers to the transport's.
#include "proto/header.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

enum { ECHO_REPLY = 0, ECHO = 8, ECHO6 = 128, ECHO6_REPLY = 129 };

static void read_icmp(const uint8_t *at, size_t left, struct header *header)
{
	bool v4 = header->protocol == IPPROTO_ICMP;

	header->port = at[0];
	header->has_type = true;
	header->has_id = left >= 6 && (v4 ? at[0] == ECHO || at[0] == ECHO_REPLY
					  : at[0] == ECHO6 || at[0] == ECHO6_REPLY);
	if (header->has_id)
		header->sport = be16(at + 4);
}

static void read_transport(const uint8_t *bytes, size_t offset, size_t size, struct header *header)
{
	const uint8_t *at = bytes + offset;
	size_t left = size - offset;

	if (left)
		header->transport = (uint16_t)offset;
	switch (header->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		if (left < 4)
			return;
		header->sport = be16(at);
		header->port = be16(at + 2);
		header->has_ports = true;
		header->has_flags = header->protocol == IPPROTO_TCP && left >= 14;
		if (header->has_flags)
			header->tcp_flags = at[13];
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (left >= 1)
			read_icmp(at, left, header);
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
	header->later = (be16(bytes + 6) & 0x1fff) != 0;
	header->fragment = header->later || (bytes[6] & 0x20);
	header->fragment_id = be16(bytes + 4);
	if (!header->later && head >= 20 && head <= size)
		read_transport(bytes, head, size, header);
	return 0;
}

static const uint8_t extensions[256] = {
	[IPPROTO_HOPOPTS] = HEADER_HOPOPTS,
	[IPPROTO_ROUTING] = HEADER_ROUTING,
	[IPPROTO_FRAGMENT] = HEADER_FRAGMENT,
	[IPPROTO_DSTOPTS] = HEADER_DSTOPTS,
	[IPPROTO_AH] = HEADER_AH,
	[IPPROTO_MH] = HEADER_MOBILITY,
};

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
	for (int n = 0; n < HEADER_EXTENSIONS_MAX && extensions[header->protocol]; n++) {
		if (size - at < 8)
			return 0;
		size_t length = extension_bytes(header->protocol, bytes + at);
		header->extensions |= extensions[header->protocol];
		if (header->protocol == IPPROTO_FRAGMENT) {
			header->later = (be16(bytes + at + 2) & 0xfff8) != 0;
			header->fragment = header->later || (bytes[at + 3] & 1);
			header->fragment_id =
				(uint32_t)be16(bytes + at + 4) << 16 | be16(bytes + at + 6);
		}
		header->protocol = bytes[at];
		if (header->later || length > size - at)
			return 0;
		at += length;
	}
	// A chain without an end has no transport.
	if (!extensions[header->protocol])
		read_transport(bytes, at, size, header);
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

size_t header_quoted(const struct header *header, size_t size)
{
	size_t at = (size_t)header->transport + 8;
	bool error = header->protocol == IPPROTO_ICMP
			     ? header->port == 3 || header->port == 4 || header->port == 5 ||
				       header->port == 11 || header->port == 12
			     : header->protocol == IPPROTO_ICMPV6 &&
				       (header->port < 128 || header->port == 137);

	return error && header->has_type && header->transport && at < size ? at : 0;
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
