// Captures made in memory, line by line, for the tests of the room replay.
//
//   TIME PROTOCOL SOURCE SPORT DESTINATION PORT [WORD ...]
//
// PROTOCOL: tcp udp icmp icmpv6 gre; of ICMP: SPORT the identifier, PORT the type.  Words: flags of
// TCP (S SA A F R SF 0), in=N (interface of the file), out=N (leaving by it), to=MAC from=MAC (last
// bytes), vlan=N, qinq=N, first=ID more=ID last=ID (pieces), about (an ICMP error about the line
// before), hop (a hop-by-hop header of IPv6).
#ifndef SEKISHO_TESTS_REPLAY_MAKE_H
#define SEKISHO_TESTS_REPLAY_MAKE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/vec.h"

struct made {
	VEC(uint8_t) bytes;
	bool ng, swapped;
	uint32_t link;
	uint8_t quoted[128];
	size_t quoted_size;
};

static inline void made_put(struct made *made, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		vec_push(&made->bytes, ((const uint8_t *)bytes)[i]);
}

static inline void made_u32(struct made *made, uint32_t value)
{
	value = made->swapped ? __builtin_bswap32(value) : value;
	made_put(made, &value, 4);
}

static inline void made_u16(struct made *made, uint16_t value)
{
	value = made->swapped ? __builtin_bswap16(value) : value;
	made_put(made, &value, 2);
}

static inline void made_interface(struct made *made, const char *name)
{
	uint32_t padded = ((uint32_t)strlen(name) + 3) & ~3U;
	uint32_t length = 20 + 4 + padded + 4;
	char text[64] = "";

	snprintf(text, sizeof(text), "%s", name);
	made_u32(made, 1);
	made_u32(made, length);
	made_u16(made, (uint16_t)made->link);
	made_u16(made, 0);
	made_u32(made, 0);
	made_u16(made, 2);
	made_u16(made, (uint16_t)strlen(name));
	made_put(made, text, padded);
	made_u32(made, 0);
	made_u32(made, length);
}

static inline void made_begin(struct made *made)
{
	if (!made->ng) {
		made_u32(made, 0xa1b2c3d4);
		made_u16(made, 2);
		made_u16(made, 4);
		made_u32(made, 0);
		made_u32(made, 0);
		made_u32(made, 0x7fffffff);
		made_u32(made, made->link);
		return;
	}
	made_u32(made, 0x0a0d0d0a);
	made_u32(made, 28);
	made_u32(made, 0x1a2b3c4d);
	made_u16(made, 1);
	made_u16(made, 0);
	made_u32(made, 0xffffffff);
	made_u32(made, 0xffffffff);
	made_u32(made, 28);
}

static inline void made_frame(struct made *made, uint64_t time_us, unsigned interface, unsigned way,
			      const uint8_t *bytes, uint32_t size)
{
	static const uint8_t zeros[4];
	uint32_t padded = (size + 3) & ~3U, length = 32 + padded + (way ? 12 : 0);

	if (!made->ng) {
		made_u32(made, (uint32_t)(time_us / 1000000));
		made_u32(made, (uint32_t)(time_us % 1000000));
		made_u32(made, size);
		made_u32(made, size);
		made_put(made, bytes, size);
		return;
	}
	made_u32(made, 6);
	made_u32(made, length);
	made_u32(made, interface);
	made_u32(made, (uint32_t)(time_us >> 32));
	made_u32(made, (uint32_t)time_us);
	made_u32(made, size);
	made_u32(made, size);
	made_put(made, bytes, size);
	made_put(made, zeros, padded - size);
	if (way) {
		made_u16(made, 2);
		made_u16(made, 4);
		made_u32(made, way);
		made_u32(made, 0);
	}
	made_u32(made, length);
}

struct made_line {
	uint8_t ip[256];
	size_t size;
	const char *words[8];
	size_t n_words;
};

static inline const char *made_word(const struct made_line *line, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < line->n_words; i++)
		if (strncmp(line->words[i], name, length) == 0)
			return line->words[i] + length;
	return NULL;
}

static inline void be16_put(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline uint8_t made_flags(const struct made_line *line)
{
	static const struct {
		const char *word;
		uint8_t flags;
	} words[] = { { "SA", 18 }, { "SF", 3 }, { "S", 2 }, { "A", 16 },
		      { "FA", 17 }, { "R", 4 },	 { "0", 0 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (size_t k = 0; k < line->n_words; k++)
			if (strcmp(line->words[k], words[i].word) == 0)
				return words[i].flags;
	return 2;
}

// The transport's head, at least 20 bytes; its protocol.
static inline uint8_t made_transport(const struct made *made, const struct made_line *line,
				     const char *protocol, unsigned sport, unsigned port,
				     uint8_t *out, size_t *ret_size)
{
	*ret_size = 20;
	if (strcmp(protocol, "icmp") == 0 || strcmp(protocol, "icmpv6") == 0) {
		out[0] = (uint8_t)port;
		be16_put(out + 4, sport);
		if (made_word(line, "about")) {
			memcpy(out + 8, made->quoted, made->quoted_size);
			*ret_size = 8 + made->quoted_size;
		}
		return strcmp(protocol, "icmp") == 0 ? 1 : 58;
	}
	if (strcmp(protocol, "gre") == 0)
		return 47;
	be16_put(out, sport);
	be16_put(out + 2, port);
	if (strcmp(protocol, "udp") == 0)
		return 17;
	assert(strcmp(protocol, "tcp") == 0);
	out[12] = 0x50;
	out[13] = made_flags(line);
	return 6;
}

static inline void made_pieces(const struct made_line *line, unsigned *ret_id, unsigned *ret_bits)
{
	const char *first = made_word(line, "first="), *more = made_word(line, "more="),
		   *last = made_word(line, "last=");

	*ret_id = (unsigned)atoi(first ? first : more ? more : last ? last : "0");
	*ret_bits = first ? 0x2000 : more ? 0x2010 : last ? 0x0020 : 0;
}

static inline void made_ip(struct made_line *line, const struct addr *source,
			   const struct addr *destination, uint8_t protocol,
			   const uint8_t *transport, size_t size)
{
	unsigned id, bits;
	uint8_t *at = line->ip;

	memset(line->ip, 0, sizeof(line->ip));
	made_pieces(line, &id, &bits);
	if (source->family == ADDR_V4) {
		at[0] = 0x45;
		be16_put(at + 2, (unsigned)(20 + size));
		be16_put(at + 4, id);
		be16_put(at + 6, bits);
		at[8] = 64;
		at[9] = protocol;
		addr_to_bytes(ADDR_V4, source->bits, at + 12);
		addr_to_bytes(ADDR_V4, destination->bits, at + 16);
		line->size = 20;
	} else {
		at[0] = 0x60;
		at[6] = protocol;
		at[7] = 64;
		addr_to_bytes(ADDR_V6, source->bits, at + 8);
		addr_to_bytes(ADDR_V6, destination->bits, at + 24);
		line->size = 40;
		if (made_word(line, "hop")) {
			at[6] = 0;
			at[40] = protocol;
			line->size += 8;
		}
		if (bits) {
			at[line->size == 40 ? 6 : 40] = 44;
			at[line->size] = protocol;
			be16_put(at + line->size + 2,
				 (bits & 0x1fff) << 3 | (bits & 0x2000 ? 1 : 0));
			be16_put(at + line->size + 6, id);
			line->size += 8;
		}
		be16_put(at + 4, (unsigned)(line->size - 40 + size));
	}
	memcpy(at + line->size, transport, size);
	line->size += size;
}

static inline void made_ethernet(const struct made_line *line, uint8_t *frame, size_t *ret_size)
{
	const char *to = made_word(line, "to="), *from = made_word(line, "from=");
	const char *vlan = made_word(line, "vlan="), *outer = made_word(line, "qinq=");
	size_t at = 12;

	memset(frame, 0, 14);
	frame[0] = frame[6] = 2;
	frame[5] = (uint8_t)(to ? atoi(to) : 1);
	frame[11] = (uint8_t)(from ? atoi(from) : 2);
	if (outer) {
		be16_put(frame + at, 0x88a8);
		be16_put(frame + at + 2, (unsigned)atoi(outer));
		at += 4;
	}
	if (vlan) {
		be16_put(frame + at, 0x8100);
		be16_put(frame + at + 2, (unsigned)atoi(vlan));
		at += 4;
	}
	be16_put(frame + at, line->ip[0] >> 4 == 4 ? 0x0800 : 0x86dd);
	memcpy(frame + at + 2, line->ip, line->size);
	*ret_size = at + 2 + line->size;
}

static inline void made_add(struct made *made, const char *text)
{
	char copy[256], *rest = copy, *word, *fields[6];
	struct made_line line = { 0 };
	struct addr source, destination;
	uint8_t transport[200] = { 0 }, frame[300];
	size_t n = 0, size, frame_size;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " ")))
		if (*word && n < 6)
			fields[n++] = word;
		else if (*word)
			line.words[line.n_words++] = word;
	assert(n == 6);
	assert(addr_parse(fields[2], &source) == 0 && addr_parse(fields[4], &destination) == 0);

	uint8_t protocol = made_transport(made, &line, fields[1], (unsigned)atoi(fields[3]),
					  (unsigned)atoi(fields[5]), transport, &size);
	const char *in = made_word(&line, "in="), *out = made_word(&line, "out=");

	made_ip(&line, &source, &destination, protocol, transport, size);
	if (!made_word(&line, "about")) {
		made->quoted_size = line.size < 80 ? line.size : 80;
		memcpy(made->quoted, line.ip, made->quoted_size);
	}
	made_ethernet(&line, frame, &frame_size);
	made_frame(made, (uint64_t)(atof(fields[0]) * 1000000) + 1000000000000,
		   (unsigned)atoi(in	? in
				  : out ? out
					: "0"),
		   out ? 2 : 0, frame, (uint32_t)frame_size);
}

static inline void made_done(struct made *made)
{
	vec_done(&made->bytes);
}

#endif
