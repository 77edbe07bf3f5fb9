// Building packets: RFC 791, 8200, 9293, 768, 3828, 792, 4443, 9260.  Checksums are real, since
// connection tracking drops what has a wrong one.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "wire.h"
#include "internal.h"

struct out {
	uint8_t *at;
	size_t n;
};

static void put8(struct out *out, unsigned value)
{
	out->at[out->n++] = (uint8_t)value;
}

static void put16(struct out *out, unsigned value)
{
	put8(out, value >> 8);
	put8(out, value);
}

static void put32(struct out *out, uint32_t value)
{
	put16(out, value >> 16);
	put16(out, value);
}

static void put_bytes(struct out *out, const void *bytes, size_t n)
{
	memcpy(out->at + out->n, bytes, n);
	out->n += n;
}

static uint32_t sum16(uint32_t sum, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint16_t pseudo_sum(const struct wire_packet *packet, const uint8_t *segment, size_t n)
{
	size_t width = packet->family == 6 ? 16 : 4;
	uint32_t sum = sum16(0, packet->source, width);
	sum = sum16(sum, packet->destination, width);
	sum += packet->protocol + (uint32_t)n;
	return fold(sum16(sum, segment, n));
}

static uint32_t crc32c(const uint8_t *bytes, size_t n)
{
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void set16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_payload(struct out *out, const struct wire_packet *packet)
{
	for (size_t i = 0; i < packet->payload && out->n < WIRE_BYTES_MAX - 128; i++)
		put8(out, 0);
}

static void put_token(struct out *out, const struct wire_packet *packet)
{
	put32(out, WIRE_MAGIC);
	put32(out, packet->token);
	put_payload(out, packet);
}

static void put_tcp(struct out *out, const struct wire_packet *packet)
{
	size_t start = out->n;
	put16(out, packet->sport);
	put16(out, packet->port);
	put32(out, packet->token);
	put32(out, 0);
	put8(out, 6 << 4); // 24 bytes with the MSS option
	put8(out, packet->tcp_flags ? packet->tcp_flags : 0x02);
	put16(out, WIRE_WINDOW);
	put32(out, 0);
	put32(out, 0x020405b4); // maximum segment size 1460
	put_payload(out, packet);
	set16(out->at + start + 16, pseudo_sum(packet, out->at + start, out->n - start));
}

static void put_udp(struct out *out, const struct wire_packet *packet)
{
	size_t start = out->n;
	put16(out, packet->sport);
	put16(out, packet->port);
	put32(out, 0);
	put_token(out, packet);
	if (packet->protocol == IPPROTO_UDP) // UDP-Lite: 0, covered whole
		set16(out->at + start + 4, (uint16_t)(out->n - start));
	uint16_t sum = pseudo_sum(packet, out->at + start, out->n - start);
	set16(out->at + start + 6, sum ? sum : 0xffff);
}

static void put_sctp(struct out *out, const struct wire_packet *packet)
{
	size_t start = out->n;
	put16(out, packet->sport);
	put16(out, packet->port);
	put32(out, 0); // verification tag of an INIT
	put32(out, 0);
	put32(out, 0x01000014); // INIT, 20 bytes
	put32(out, packet->token ? packet->token : 1);
	put32(out, WIRE_MAGIC); // receiver window
	put32(out, 0x00010001); // streams
	put32(out, 1);
	uint32_t crc = crc32c(out->at + start, out->n - start);
	memcpy(out->at + start + 8, &(uint32_t){ htole32(crc) }, 4);
}

static void put_icmp(struct out *out, const struct wire_packet *packet)
{
	size_t start = out->n;
	put8(out, packet->port);
	put8(out, 0);
	put16(out, 0);
	put16(out, packet->sport); // identifier
	put16(out, packet->token);
	put_token(out, packet);
	size_t n = out->n - start;
	uint16_t sum = packet->protocol == IPPROTO_ICMPV6 ? pseudo_sum(packet, out->at + start, n)
							  : fold(sum16(0, out->at + start, n));
	set16(out->at + start + 2, sum);
}

static void put_other(struct out *out, const struct wire_packet *packet)
{
	if (packet->protocol == IPPROTO_GRE)
		put32(out, 0x00000800);
	put_token(out, packet);
}

static void put_transport(struct out *out, const struct wire_packet *packet)
{
	static void (*const put[256])(struct out *, const struct wire_packet *) = {
		[IPPROTO_TCP] = put_tcp,   [IPPROTO_UDP] = put_udp,   [IPPROTO_UDPLITE] = put_udp,
		[IPPROTO_SCTP] = put_sctp, [IPPROTO_ICMP] = put_icmp, [IPPROTO_ICMPV6] = put_icmp,
	};
	(put[packet->protocol] ? put[packet->protocol] : put_other)(out, packet);
}

size_t wire_build(const struct wire_packet *packet, uint8_t bytes[WIRE_BYTES_MAX])
{
	struct out out = { bytes, 0 };
	if (packet->family == 4) {
		put8(&out, 0x40 | (5 + packet->extra_size / 4));
		put8(&out, packet->tos);
		put16(&out, 0);
		put16(&out, packet->token);
		put16(&out, 0);
		put8(&out, packet->ttl ? packet->ttl : 64);
		put8(&out, packet->protocol);
		put16(&out, 0);
		put_bytes(&out, packet->source, 4);
		put_bytes(&out, packet->destination, 4);
		put_bytes(&out, packet->extra, packet->extra_size);
		size_t header = out.n;
		put_transport(&out, packet);
		set16(bytes + 2, (uint16_t)out.n);
		set16(bytes + 10, fold(sum16(0, bytes, header)));
		return out.n;
	}
	put32(&out, 0x60000000 | (uint32_t)packet->tos << 20);
	put16(&out, 0);
	put8(&out, packet->extra_size ? packet->extra_protocol : packet->protocol);
	put8(&out, packet->ttl ? packet->ttl : 64);
	put_bytes(&out, packet->source, 16);
	put_bytes(&out, packet->destination, 16);
	put_bytes(&out, packet->extra, packet->extra_size);
	put_transport(&out, packet);
	set16(bytes + 4, (uint16_t)(out.n - 40));
	return out.n;
}

static size_t fragment_v4(const uint8_t *whole, size_t n, bool last, uint8_t *out)
{
	size_t header = (size_t)(whole[0] & 15) * 4, cut = WIRE_FRAGMENT;
	size_t from = last ? cut : 0, size = last ? n - header - cut : cut;
	memcpy(out, whole, header);
	memcpy(out + header, whole + header + from, size);
	set16(out + 2, (uint16_t)(header + size));
	set16(out + 6, last ? (uint16_t)(cut / 8) : 0x2000);
	set16(out + 10, 0);
	set16(out + 10, fold(sum16(0, out, header)));
	return header + size;
}

static size_t fragment_v6(const uint8_t *whole, size_t n, bool last, uint8_t *out)
{
	size_t cut = WIRE_FRAGMENT, from = last ? cut : 0, size = last ? n - 40 - cut : cut;
	memcpy(out, whole, 40);
	out[6] = IPPROTO_FRAGMENT;
	set16(out + 4, (uint16_t)(8 + size));
	out[40] = whole[6];
	out[41] = 0;
	set16(out + 42, last ? (uint16_t)cut : 1);
	memcpy(out + 44, whole + 36, 4); // any identification: the end of the destination
	memcpy(out + 48, whole + 40 + from, size);
	return 48 + size;
}

size_t wire_fragment(const uint8_t *whole, size_t n, bool last, uint8_t out[WIRE_BYTES_MAX])
{
	return whole[0] >> 4 == 4 ? fragment_v4(whole, n, last, out)
				  : fragment_v6(whole, n, last, out);
}
