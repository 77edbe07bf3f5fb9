// Finding our own packets, and answers to them, among what was captured.
#include <netinet/in.h>
#include <string.h>

#include "wire.h"
#include "internal.h"

enum { TCP_SYN_ACK = 0x12, TCP_RST = 0x04 };

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool get_token(const uint8_t *bytes, size_t n, size_t at, uint32_t *ret)
{
	if (n < at + 8 || get32(bytes + at) != WIRE_MAGIC)
		return false;
	*ret = get32(bytes + at + 4);
	return true;
}

static bool find_token(const uint8_t *bytes, size_t n, uint32_t *ret)
{
	for (size_t at = 0; at + 8 <= n; at++)
		if (get_token(bytes, n, at, ret))
			return true;
	return false;
}

static bool tcp(const uint8_t *bytes, size_t n, struct wire_event *ret)
{
	if (n < 8)
		return false;
	ret->sport = get16(bytes);
	ret->port = get16(bytes + 2);
	if (n < 16) { // quoted by an ICMP error of the shortest kind
		ret->token = get32(bytes + 4);
		return true;
	}
	if (get16(bytes + 14) == WIRE_WINDOW) {
		ret->token = get32(bytes + 4);
	} else if (bytes[13] & TCP_RST) {
		ret->what = WIRE_RESET;
		ret->token = get32(bytes + 8) - 1;
	} else if ((bytes[13] & TCP_SYN_ACK) == TCP_SYN_ACK) {
		ret->what = WIRE_ANSWERED;
		ret->token = get32(bytes + 8) - 1;
	} else {
		return false;
	}
	return true;
}

static bool udp(const uint8_t *bytes, size_t n, struct wire_event *ret)
{
	if (n < 8)
		return false;
	ret->sport = get16(bytes);
	ret->port = get16(bytes + 2);
	if (get_token(bytes, n, 8, &ret->token))
		return true;
	ret->what = WIRE_ANSWERED;
	return find_token(bytes + 8, n - 8, &ret->token);
}

static bool sctp(const uint8_t *bytes, size_t n, struct wire_event *ret)
{
	if (n < 24 || bytes[12] != 1 || get32(bytes + 20) != WIRE_MAGIC)
		return false;
	ret->sport = get16(bytes);
	ret->port = get16(bytes + 2);
	ret->token = get32(bytes + 16);
	return true;
}

static bool icmp(const uint8_t *bytes, size_t n, uint8_t reply, struct wire_event *ret)
{
	if (n < 8)
		return false;
	ret->port = bytes[0];
	ret->sport = get16(bytes + 4);
	if (bytes[0] == reply)
		ret->what = WIRE_ANSWERED;
	return get_token(bytes, n, 8, &ret->token);
}

bool wire_recognise_transport(uint8_t protocol, const uint8_t *bytes, size_t n,
			      struct wire_event *ret)
{
	ret->what = WIRE_ARRIVED;
	switch (protocol) {
	case IPPROTO_TCP:
		return tcp(bytes, n, ret);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return udp(bytes, n, ret);
	case IPPROTO_SCTP:
		return sctp(bytes, n, ret);
	case IPPROTO_ICMP:
		return icmp(bytes, n, 0, ret);
	case IPPROTO_ICMPV6:
		return icmp(bytes, n, 129, ret);
	default:
		ret->sport = ret->port = 0;
		return get_token(bytes, n, protocol == IPPROTO_GRE ? 4 : 0, &ret->token);
	}
}

static size_t skip_extensions(const uint8_t *bytes, size_t n, uint8_t *protocol)
{
	size_t at = 40;
	for (int i = 0; i < 8 && at + 8 <= n; i++) {
		if (*protocol == IPPROTO_FRAGMENT) {
			*protocol = bytes[at];
			at += 8;
		} else if (*protocol == IPPROTO_HOPOPTS || *protocol == IPPROTO_ROUTING ||
			   *protocol == IPPROTO_DSTOPTS || *protocol == IPPROTO_MH) {
			*protocol = bytes[at];
			at += 8 + (size_t)bytes[at + 1] * 8;
		} else {
			break;
		}
	}
	return at;
}

// Reads the IP header: where the transport header is and what it is, or 0.
static size_t network(const uint8_t *bytes, size_t n, uint8_t *ret_protocol, struct wire_event *ret)
{
	if (n >= 20 && bytes[0] >> 4 == 4) {
		ret->family = 4;
		memcpy(ret->source, bytes + 12, 4);
		memcpy(ret->destination, bytes + 16, 4);
		*ret_protocol = bytes[9];
		return (size_t)(bytes[0] & 15) * 4;
	}
	if (n >= 40 && bytes[0] >> 4 == 6) {
		ret->family = 6;
		memcpy(ret->source, bytes + 8, 16);
		memcpy(ret->destination, bytes + 24, 16);
		*ret_protocol = bytes[6];
		return skip_extensions(bytes, n, ret_protocol);
	}
	return 0;
}

static bool is_error(uint8_t protocol, uint8_t type)
{
	if (protocol == IPPROTO_ICMP)
		return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
	return protocol == IPPROTO_ICMPV6 && type >= 1 && type <= 4;
}

bool wire_recognise(const uint8_t *bytes, size_t n, struct wire_event *ret)
{
	uint8_t protocol;
	size_t at = network(bytes, n, &protocol, ret);
	if (at == 0 || at >= n)
		return false;
	if (is_error(protocol, bytes[at]) && n > at + 8) {
		struct wire_event quoted = { 0 };
		const uint8_t *inner = bytes + at + 8;
		size_t inner_n = n - at - 8, inner_at = network(inner, inner_n, &protocol, &quoted);
		if (inner_at && inner_at < inner_n &&
		    wire_recognise_transport(protocol, inner + inner_at, inner_n - inner_at,
					     &quoted)) {
			ret->what = WIRE_ERROR;
			ret->token = quoted.token;
			ret->icmp_type = bytes[at];
			ret->icmp_code = bytes[at + 1];
			return true;
		}
		protocol = ret->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	}
	return wire_recognise_transport(protocol, bytes + at, n - at, ret);
}
