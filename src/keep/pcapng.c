// A block: type, length, body padded to 4, length again (section 3.1 of the draft).
#include "keep/pcapng.h"

#include <errno.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BYTE_ORDER = 0x1a2b3c4d,
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_IF_NAME = 2,
	OPTION_IF_TSRESOL = 9,
	OPTION_FLAGS = 2, // of a packet
	FLAG_INBOUND = 1,
	FLAG_OUTBOUND = 2,
	BLOCK_OVERHEAD = 12,
};

static const uint8_t zeros[4];

static uint32_t padded(uint32_t size)
{
	return (size + 3) & ~3U;
}

// A block is put together in memory: its length stands before its body.
struct block {
	uint8_t bytes[PCAPNG_BLOCK_MAX];
	uint32_t used;
	bool full;
};

// Not zeroed as a whole: it is large, and there is one a packet.
static void begin(struct block *block)
{
	block->used = 0;
	block->full = false;
}

static void put(struct block *block, const void *bytes, uint32_t size)
{
	if (block->full || padded(size) > sizeof(block->bytes) - block->used) {
		block->full = true;
		return;
	}
	memcpy(block->bytes + block->used, bytes, size);
	memcpy(block->bytes + block->used + size, zeros, padded(size) - size);
	block->used += padded(size);
}

static void put_u32(struct block *block, uint32_t value)
{
	put(block, &value, sizeof(value));
}

static void put_option(struct block *block, uint16_t code, const void *bytes, size_t size)
{
	uint16_t head[2] = { code, (uint16_t)size };
	put(block, head, sizeof(head));
	put(block, bytes, (uint32_t)size);
}

static int write_block(FILE *out, uint32_t type, const struct block *block)
{
	uint32_t length = block->used + BLOCK_OVERHEAD;
	if (block->full)
		return -EMSGSIZE;
	if (fwrite(&type, sizeof(type), 1, out) != 1 ||
	    fwrite(&length, sizeof(length), 1, out) != 1 ||
	    (block->used && fwrite(block->bytes, block->used, 1, out) != 1) ||
	    fwrite(&length, sizeof(length), 1, out) != 1)
		return errno ? -errno : -EIO;
	return 0;
}

int pcapng_begin(FILE *out, const char *comment)
{
	struct block block;
	begin(&block);
	const uint16_t version[2] = { 1, 0 };
	const uint64_t unknown_length = UINT64_MAX;
	put_u32(&block, BYTE_ORDER);
	put(&block, version, sizeof(version));
	put(&block, &unknown_length, sizeof(unknown_length));
	if (comment && *comment) {
		put_option(&block, OPTION_COMMENT, comment, strnlen(comment, UINT16_MAX));
		put_option(&block, OPTION_END, zeros, 0);
	}
	return write_block(out, BLOCK_SECTION, &block);
}

int pcapng_interface(FILE *out, const char *name, uint32_t snaplen)
{
	struct block block;
	begin(&block);
	const uint16_t link[2] = { PCAPNG_RAW, 0 };
	const uint8_t microseconds = 6;
	put(&block, link, sizeof(link));
	put_u32(&block, snaplen);
	put_option(&block, OPTION_IF_NAME, name, strnlen(name, UINT16_MAX));
	put_option(&block, OPTION_IF_TSRESOL, &microseconds, sizeof(microseconds));
	put_option(&block, OPTION_END, zeros, 0);
	return write_block(out, BLOCK_INTERFACE, &block);
}

int pcapng_packet(FILE *out, const struct pcapng_packet *packet)
{
	struct block block;
	begin(&block);
	uint32_t flags = packet->leaving ? FLAG_OUTBOUND : FLAG_INBOUND;
	put_u32(&block, packet->interface);
	put_u32(&block, (uint32_t)(packet->time_us >> 32));
	put_u32(&block, (uint32_t)packet->time_us);
	put_u32(&block, packet->size);
	put_u32(&block, packet->wire_size > packet->size ? packet->wire_size : packet->size);
	put(&block, packet->bytes, packet->size);
	put_option(&block, OPTION_FLAGS, &flags, sizeof(flags));
	put_option(&block, OPTION_END, zeros, 0);
	return write_block(out, BLOCK_PACKET, &block);
}

// --- reading

static uint32_t u32_at(const uint8_t *bytes)
{
	uint32_t value;
	memcpy(&value, bytes, sizeof(value));
	return value;
}

static bool is_outbound(const uint8_t *options, uint32_t size)
{
	uint32_t at = 0;
	while (size - at >= 4) {
		uint16_t head[2];
		memcpy(head, options + at, sizeof(head));
		at += 4;
		if (head[0] == OPTION_END || padded(head[1]) > size - at)
			return false;
		if (head[0] == OPTION_FLAGS && head[1] == 4)
			return (u32_at(options + at) & 3) == FLAG_OUTBOUND;
		at += padded(head[1]);
	}
	return false;
}

static int read_packet(const uint8_t *body, uint32_t size, uint32_t n_interfaces,
		       struct pcapng_packet *ret)
{
	enum { HEAD = 20 };
	if (size < HEAD || u32_at(body) >= n_interfaces || u32_at(body + 12) > size - HEAD ||
	    padded(u32_at(body + 12)) > size - HEAD)
		return -EBADMSG;
	*ret = (struct pcapng_packet){
		.interface = u32_at(body),
		.time_us = (uint64_t)u32_at(body + 4) << 32 | u32_at(body + 8),
		.size = u32_at(body + 12),
		.wire_size = u32_at(body + 16),
		.bytes = body + HEAD,
	};
	uint32_t options = HEAD + padded(ret->size);
	ret->leaving = is_outbound(body + options, size - options);
	return 0;
}

int pcapng_read(const void *bytes, size_t size,
		int (*each)(void *arg, const struct pcapng_packet *packet), void *arg)
{
	const uint8_t *at = bytes;
	uint32_t n_interfaces = 0;
	int r = 0;
	for (size_t left = size; r == 0 && left;) {
		struct pcapng_packet packet;
		if (left < BLOCK_OVERHEAD)
			return -EBADMSG;
		uint32_t type = u32_at(at), length = u32_at(at + 4);
		if (length < BLOCK_OVERHEAD || length % 4 || length > left ||
		    u32_at(at + length - 4) != length || (at == bytes && type != BLOCK_SECTION))
			return -EBADMSG;
		if (type == BLOCK_SECTION &&
		    (length < BLOCK_OVERHEAD + 16 || u32_at(at + 8) != BYTE_ORDER))
			return -EBADMSG;
		n_interfaces += type == BLOCK_INTERFACE;
		if (type == BLOCK_PACKET) {
			r = read_packet(at + 8, length - BLOCK_OVERHEAD, n_interfaces, &packet);
			if (r == 0)
				r = each(arg, &packet);
		}
		at += length;
		left -= length;
	}
	return r;
}
