#include "proto/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum kind {
	KIND_END = 0,
	KIND_PADDING = 1,
	KIND_MSS = 2,
	KIND_SCALE = 3,
	KIND_SACK_PERMITTED = 4,
	KIND_SACK = 5,
	KIND_STAMP = 8,
	KIND_MD5 = 19,
	KIND_AO = 29,
	KIND_FAST_OPEN = 34,
	KIND_EXPERIMENT = 254,
};

enum { FAST_OPEN_MAGIC = 0xf989 }; // of the option before it got a number (RFC 7413 4.1.1)

// Bytes that an option has to have, its kind and length included; 0: several.
static const struct {
	uint8_t bit, bytes;
} options[256] = {
	[KIND_MSS] = { TCP_HAS_MSS, 4 },
	[KIND_SCALE] = { TCP_HAS_SCALE, 3 },
	[KIND_SACK_PERMITTED] = { TCP_HAS_SACK_PERMITTED, 2 },
	[KIND_SACK] = { TCP_HAS_SACK, 0 },
	[KIND_STAMP] = { TCP_HAS_STAMP, 10 },
	[KIND_MD5] = { TCP_HAS_SIGNATURE, 0 },
	[KIND_AO] = { TCP_HAS_SIGNATURE, 0 },
	[KIND_FAST_OPEN] = { TCP_HAS_FAST_OPEN, 0 },
};

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)be16(at) << 16 | be16(at + 2);
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint8_t bit_of(const uint8_t *option, uint8_t bytes)
{
	uint8_t kind = option[0];
	if (kind == KIND_EXPERIMENT && bytes >= 4 && be16(option + 2) == FAST_OPEN_MAGIC)
		return TCP_HAS_FAST_OPEN;
	return options[kind].bit ? options[kind].bit : TCP_HAS_OTHER;
}

// The option at `at` of the header's options: its length, or 0 at their end, or -1 when it makes no
// sense.  Padding has length 1.
static int option_length(const uint8_t *head, uint32_t at, uint32_t end)
{
	if (at >= end || head[at] == KIND_END)
		return 0;
	if (head[at] == KIND_PADDING)
		return 1;
	if (end - at < 2 || head[at + 1] < 2 || head[at + 1] > end - at)
		return -1;
	uint8_t must = options[head[at]].bytes;
	return must && head[at + 1] != must ? -1 : head[at + 1];
}

static bool read_option(const uint8_t *head, uint32_t at, int length, struct tcp *tcp)
{
	const uint8_t *value = head + at + 2;
	uint8_t bit = bit_of(head + at, (uint8_t)length);

	// Twice the same: which one a receiver believes is its own affair.
	if (bit != TCP_HAS_OTHER && (tcp->options & bit))
		return false;
	tcp->options |= bit;
	switch (bit) {
	case TCP_HAS_MSS:
		tcp->mss = be16(value);
		break;
	case TCP_HAS_SCALE:
		tcp->scale = value[0] > TCP_SCALE_MAX ? TCP_SCALE_MAX : value[0];
		break;
	case TCP_HAS_STAMP:
		tcp->stamp = be32(value);
		tcp->echo = be32(value + 4);
		tcp->stamp_at = (uint8_t)(at + 2);
		break;
	case TCP_HAS_SACK:
		if (length < 10 || (length - 2) % 8 || (length - 2) / 8 > TCP_SACKS_MAX)
			return false;
		tcp->sack_at = (uint8_t)(at + 2);
		tcp->n_sacks = (uint8_t)((length - 2) / 8);
		break;
	}
	return true;
}

static bool read_options(const uint8_t *head, struct tcp *tcp)
{
	int length;
	for (uint32_t at = TCP_HEAD_MIN; (length = option_length(head, at, tcp->head));
	     at += (uint32_t)length) {
		if (length < 0 || (length > 1 && !read_option(head, at, length, tcp)))
			return false;
	}
	return true;
}

int tcp_parse(const uint8_t *bytes, size_t size, const struct header *header, struct tcp *ret)
{
	enum { UNREADABLE = HEADER_ROUTING | HEADER_AH | HEADER_FRAGMENT };
	struct tcp tcp = { .v4 = header->source.family == ADDR_V4, .at = header->transport };

	if (header->protocol != IPPROTO_TCP || !header->transport || header->fragment ||
	    (header->extensions & UNREADABLE) || header->length > size ||
	    header->length < tcp.at + TCP_HEAD_MIN)
		return -EBADMSG;
	const uint8_t *head = bytes + tcp.at;
	tcp.head = (uint32_t)(head[12] >> 4) * 4;
	if (tcp.head < TCP_HEAD_MIN || tcp.head > header->length - tcp.at)
		return -EBADMSG;
	tcp.size = header->length - tcp.at - tcp.head;
	tcp.port[0] = be16(head);
	tcp.port[1] = be16(head + 2);
	tcp.seq = be32(head + 4);
	tcp.ack = be32(head + 8);
	tcp.flags = head[13];
	tcp.window = be16(head + 14);
	if (!read_options(head, &tcp))
		return -EBADMSG;
	*ret = tcp;
	return 0;
}

// The ones' complement sum in the machine's own order (RFC 1071 2 B), eight bytes at a time.
static uint64_t sum_of(const uint8_t *bytes, size_t size, uint64_t sum)
{
	for (; size >= 8; size -= 8, bytes += 8) {
		uint64_t word;
		memcpy(&word, bytes, 8);
		sum += word;
		sum += sum < word;
	}
	if (size) {
		uint64_t word = 0;
		memcpy(&word, bytes, size);
		sum += word;
		sum += sum < word;
	}
	return sum;
}

static uint16_t folded(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~sum;
}

static uint16_t segment_sum(const uint8_t *bytes, const struct tcp *tcp)
{
	uint32_t length = tcp->head + tcp->size;
	uint8_t tail[8] = { 0 };
	uint64_t sum = tcp->v4 ? sum_of(bytes + 12, 8, 0) : sum_of(bytes + 8, 32, 0);

	put32(tail, length);
	put32(tail + 4, IPPROTO_TCP);
	return folded(sum_of(bytes + tcp->at, length, sum_of(tail, 8, sum)));
}

bool tcp_sum_right(const uint8_t *bytes, const struct tcp *tcp)
{
	return segment_sum(bytes, tcp) == 0;
}

bool tcp_keep_options(uint8_t *bytes, struct tcp *tcp, uint8_t keep)
{
	uint8_t *head = bytes + tcp->at;
	int length;

	if (!(tcp->options & (uint8_t)~keep))
		return false;
	for (uint32_t at = TCP_HEAD_MIN; (length = option_length(head, at, tcp->head)) > 0;
	     at += (uint32_t)length) {
		if (length > 1 && !(bit_of(head + at, (uint8_t)length) & keep))
			memset(head + at, KIND_PADDING, (size_t)length);
	}
	tcp->options &= keep;
	if (!(keep & TCP_HAS_SACK))
		tcp->n_sacks = 0;
	return true;
}

void tcp_put_stamp(uint8_t *bytes, const struct tcp *tcp, uint32_t stamp, uint32_t echo)
{
	put32(bytes + tcp->at + tcp->stamp_at, stamp);
	put32(bytes + tcp->at + tcp->stamp_at + 4, echo);
}

void tcp_sack(const uint8_t *bytes, const struct tcp *tcp, unsigned i, uint32_t ret_edges[2])
{
	const uint8_t *block = bytes + tcp->at + tcp->sack_at + 8 * i;
	ret_edges[0] = be32(block);
	ret_edges[1] = be32(block + 4);
}

// Options anew; whatever lay behind the header is not looked at.
static void put_options(uint8_t *bytes, struct tcp *tcp, bool stamped, uint32_t stamp,
			uint32_t echo, const uint32_t (*edges)[2], unsigned n)
{
	static const uint8_t start[] = { KIND_PADDING, KIND_PADDING, KIND_STAMP, 10 };
	uint8_t *head = bytes + tcp->at, *at = head + TCP_HEAD_MIN;

	tcp->options = (stamped ? TCP_HAS_STAMP : 0) | (n ? TCP_HAS_SACK : 0);
	tcp->n_sacks = (uint8_t)n;
	if (stamped) {
		memcpy(at, start, sizeof(start));
		tcp->stamp_at = TCP_HEAD_MIN + sizeof(start);
		tcp->stamp = stamp;
		tcp->echo = echo;
		tcp_put_stamp(bytes, tcp, stamp, echo);
		at += TCP_STAMP_BYTES;
	}
	if (n) {
		const uint8_t sack[] = { KIND_PADDING, KIND_PADDING, KIND_SACK,
					 (uint8_t)(2 + 8 * n) };
		memcpy(at, sack, sizeof(sack));
		at += sizeof(sack);
		tcp->sack_at = (uint8_t)(at - head);
	}
	for (unsigned i = 0; i < n; i++, at += 8) {
		put32(at, edges[i][0]);
		put32(at + 4, edges[i][1]);
	}
	tcp->head = (uint32_t)(at - head);
	head[12] = (uint8_t)(tcp->head / 4 << 4);
}

void tcp_new_head(uint8_t *bytes, struct tcp *tcp, bool stamped, uint32_t stamp, uint32_t echo)
{
	put_options(bytes, tcp, stamped, stamp, echo, NULL, 0);
	tcp->size = 0;
	put16(bytes + tcp->at + 18, 0);
}

unsigned tcp_sacks_max(const struct tcp *tcp)
{
	return tcp->options & TCP_HAS_STAMP ? TCP_SACKS_MAX - 1 : TCP_SACKS_MAX;
}

static uint32_t head_with(const struct tcp *tcp, unsigned n_sacks)
{
	return TCP_HEAD_MIN + (tcp->options & TCP_HAS_STAMP ? TCP_STAMP_BYTES : 0) +
	       (n_sacks ? 4 + 8 * n_sacks : 0);
}

void tcp_put_sacks(uint8_t *bytes, struct tcp *tcp, const uint32_t (*edges)[2], unsigned n)
{
	uint8_t *head = bytes + tcp->at;

	if (tcp->size)
		memmove(head + head_with(tcp, n), head + tcp->head, tcp->size);
	put_options(bytes, tcp, tcp->options & TCP_HAS_STAMP, tcp->stamp, tcp->echo, edges, n);
}

uint32_t tcp_total(const struct tcp *tcp)
{
	return tcp->at + tcp->head + tcp->size;
}

void tcp_finish(uint8_t *bytes, const struct tcp *tcp)
{
	uint8_t *head = bytes + tcp->at;
	uint16_t sum;

	put32(head + 4, tcp->seq);
	put32(head + 8, tcp->ack);
	head[13] = tcp->flags;
	put16(head + 14, tcp->window);
	if (tcp->v4) {
		put16(bytes + 2, tcp_total(tcp));
		put16(bytes + 10, 0);
		sum = folded(sum_of(bytes, (size_t)(bytes[0] & 15) * 4, 0));
		memcpy(bytes + 10, &sum, 2);
	} else {
		put16(bytes + 4, tcp_total(tcp) - 40);
	}
	put16(head + 16, 0);
	sum = segment_sum(bytes, tcp);
	memcpy(head + 16, &sum, 2);
}
