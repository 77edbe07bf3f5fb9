// Blocks and records to packets.  Every length is looked at before anything behind it is.
#include "replay/capture.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PCAP_MAGIC = 0xa1b2c3d4,
	PCAP_MAGIC_NS = 0xa1b23c4d,
	PCAP_MAGIC_MODIFIED = 0xa1b2cd34, // records of 24 bytes
	PCAP_HEAD = 24,
	PCAP_RECORD = 16,
	PCAP_RECORD_MODIFIED = 24,
	NG_SECTION = 0x0a0d0d0a,
	NG_ORDER = 0x1a2b3c4d,
	NG_INTERFACE = 1,
	NG_PACKET_OLD = 2,
	NG_SIMPLE = 3,
	NG_PACKET = 6,
	NG_BLOCK_LEAST = 12,
	OPTION_END = 0,
	OPTION_NAME = 2,
	OPTION_FLAGS = 2, // of a packet
	OPTION_RESOLUTION = 9,
	OPTION_OFFSET = 14,
	MICROSECONDS = 1000000,
};

static bool fault(struct capture *capture, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool fault(struct capture *capture, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(capture->fault, sizeof(capture->fault), format, args);
	va_end(args);
	capture->fault_at = capture->at;
	return false;
}

static uint32_t u32_at(const struct capture *capture, size_t at)
{
	uint32_t value;

	memcpy(&value, capture->bytes + at, sizeof(value));
	return capture->swapped ? __builtin_bswap32(value) : value;
}

static uint16_t u16_at(const struct capture *capture, size_t at)
{
	uint16_t value;

	memcpy(&value, capture->bytes + at, sizeof(value));
	return capture->swapped ? __builtin_bswap16(value) : value;
}

static size_t left(const struct capture *capture)
{
	return capture->size - capture->at;
}

static bool add_interface(struct capture *capture, const struct capture_interface *interface)
{
	size_t n = capture->n_interfaces;

	if (n == CAPTURE_INTERFACES_MAX)
		return fault(capture, "more than %d interfaces", CAPTURE_INTERFACES_MAX);
	if ((n & (n - 1)) == 0) {
		void *more = realloc(capture->interfaces, (n ? 2 * n : 1) * sizeof(*interface));

		if (!more)
			abort();
		capture->interfaces = more;
	}
	capture->interfaces[capture->n_interfaces++] = *interface;
	return true;
}

// --- pcap

static int open_pcap(struct capture *capture)
{
	struct capture_interface interface = { 0 };

	if (capture->size < PCAP_HEAD) {
		fault(capture, "the file ends within its head of %d bytes", PCAP_HEAD);
		return -EBADMSG;
	}
	interface.snaplen = u32_at(capture, 16);
	interface.link_type = u32_at(capture, 20) & 0x0fffffff; // above: length of the frame check
	interface.units = capture->nanoseconds ? 1000 * MICROSECONDS : MICROSECONDS;
	return add_interface(capture, &interface) ? 0 : -EBADMSG;
}

// What counts as bytes of a connection is said by the file alone.
static bool wire_can_be(struct capture *capture, uint32_t size)
{
	return size <= CAPTURE_WIRE_MAX ||
	       fault(capture, "a packet that had %u bytes cannot be", size);
}

static bool next_pcap(struct capture *capture, struct capture_packet *ret)
{
	size_t head = capture->modified ? PCAP_RECORD_MODIFIED : PCAP_RECORD;
	uint32_t size, fraction;

	if (left(capture) == 0)
		return false;
	if (left(capture) < head)
		return fault(capture, "the file ends within a packet's head");
	size = u32_at(capture, capture->at + 8);
	if (size > CAPTURE_PACKET_MAX)
		return fault(capture, "a packet of %u bytes cannot be", size);
	if (!wire_can_be(capture, u32_at(capture, capture->at + 12)))
		return false;
	if (size > left(capture) - head)
		return fault(capture, "the file ends within a packet: %zu of %u bytes are there",
			     left(capture) - head, size);
	fraction = u32_at(capture, capture->at + 4);
	*ret = (struct capture_packet){
		.size = size,
		.wire_size = u32_at(capture, capture->at + 12),
		.time_us = (int64_t)u32_at(capture, capture->at) * MICROSECONDS +
			   (capture->nanoseconds ? fraction / 1000 : fraction),
		.bytes = capture->bytes + capture->at + head,
	};
	if (ret->wire_size < size)
		ret->wire_size = size;
	capture->at += head + size;
	return true;
}

// --- pcapng

// 10^-n or 2^-n of a second; what is absurd counts as microseconds.
static uint64_t units_of(uint8_t resolution)
{
	uint64_t units = 1;

	if (resolution & 0x80)
		return (resolution & 0x7f) < 63 ? UINT64_C(1) << (resolution & 0x7f) : MICROSECONDS;
	if (resolution > 18)
		return MICROSECONDS;
	while (resolution--)
		units *= 10;
	return units;
}

static void take_name(const uint8_t *bytes, size_t size, struct capture_interface *interface)
{
	size_t n = size < CAPTURE_NAME_MAX - 1 ? size : CAPTURE_NAME_MAX - 1;

	for (size_t i = 0; i < n && bytes[i]; i++)
		interface->name[i] = bytes[i] > ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '?';
}

static void take_interface_option(const struct capture *capture, unsigned code, size_t at,
				  size_t size, struct capture_interface *interface)
{
	if (code == OPTION_NAME)
		take_name(capture->bytes + at, size, interface);
	else if (code == OPTION_RESOLUTION && size >= 1)
		interface->units = units_of(capture->bytes[at]);
	else if (code == OPTION_OFFSET && size >= 8)
		interface->offset_us =
			(int64_t)(int32_t)u32_at(capture, capture->swapped ? at + 4 : at) *
			MICROSECONDS;
}

// Options that run over the block's end are left out.
static void read_interface_options(const struct capture *capture, size_t at, size_t end,
				   struct capture_interface *interface)
{
	while (end - at >= 4) {
		unsigned code = u16_at(capture, at);
		size_t size = u16_at(capture, at + 2);
		size_t padded = (size + 3) & ~(size_t)3;

		at += 4;
		if (code == OPTION_END || padded > end - at)
			return;
		take_interface_option(capture, code, at, size, interface);
		at += padded;
	}
}

static bool take_interface(struct capture *capture, size_t body, size_t end)
{
	struct capture_interface interface = { .units = MICROSECONDS };

	if (end - body < 8)
		return fault(capture, "an interface's block is too short");
	interface.link_type = u16_at(capture, body);
	interface.snaplen = u32_at(capture, body + 4);
	read_interface_options(capture, body + 8, end, &interface);
	return add_interface(capture, &interface);
}

static bool take_section(struct capture *capture)
{
	uint32_t order;

	if (left(capture) < 28)
		return fault(capture, "the file ends within a section's head");
	memcpy(&order, capture->bytes + capture->at + 8, sizeof(order));
	if (order != NG_ORDER && order != __builtin_bswap32(NG_ORDER))
		return fault(capture, "a section without a byte order");
	capture->swapped = order != NG_ORDER;
	capture->first_interface = capture->n_interfaces;
	return true;
}

static int64_t time_of(const struct capture_interface *interface, uint64_t ticks)
{
	uint64_t seconds = ticks / interface->units, rest = ticks % interface->units;
	__extension__ unsigned __int128 part = (unsigned __int128)rest * MICROSECONDS;

	if (seconds > INT64_MAX / MICROSECONDS / 4)
		seconds = 0; // no clock that anybody had
	return (int64_t)(seconds * MICROSECONDS) + (int64_t)(part / interface->units) +
	       interface->offset_us;
}

static enum link_way way_of(const struct capture *capture, size_t at, size_t end)
{
	while (end - at >= 4) {
		unsigned code = u16_at(capture, at);
		size_t size = u16_at(capture, at + 2);
		size_t padded = (size + 3) & ~(size_t)3;

		at += 4;
		if (code == OPTION_END || padded > end - at)
			break;
		if (code == OPTION_FLAGS && size == 4)
			return (u32_at(capture, at) & 3) == 1	? LINK_COMING
			       : (u32_at(capture, at) & 3) == 2 ? LINK_LEAVING
								: LINK_UNKNOWN;
		at += padded;
	}
	return LINK_UNKNOWN;
}

static bool take_packet(struct capture *capture, uint32_t type, size_t body, size_t end,
			struct capture_packet *ret)
{
	size_t head = type == NG_SIMPLE ? 4 : 20;
	uint32_t number = 0, size, padded;
	const struct capture_interface *interface;

	if (end - body < head)
		return fault(capture, "a packet's block is too short");
	if (type != NG_SIMPLE)
		number = type == NG_PACKET ? u32_at(capture, body) : u16_at(capture, body);
	if (number >= capture->n_interfaces - capture->first_interface)
		return fault(capture, "a packet of interface %u, which the file does not describe",
			     number);
	interface = &capture->interfaces[capture->first_interface + number];
	ret->interface = (uint32_t)capture->first_interface + number;
	ret->wire_size = u32_at(capture, type == NG_SIMPLE ? body : body + 16);
	size = type == NG_SIMPLE ? ret->wire_size : u32_at(capture, body + 12);
	if (type == NG_SIMPLE && interface->snaplen && size > interface->snaplen)
		size = interface->snaplen;
	if (size > CAPTURE_PACKET_MAX)
		return fault(capture, "a packet of %u bytes cannot be", size);
	// A simple block says one size alone, which has to be that of what it holds.
	if (size > end - body - head || (type == NG_SIMPLE && end - body - head - size > 3))
		return fault(capture, "a packet of %u bytes in a block that has %zu", size,
			     end - body - head);
	if (!wire_can_be(capture, ret->wire_size))
		return false;
	if (ret->wire_size < size)
		ret->wire_size = size;
	ret->size = size;
	ret->bytes = capture->bytes + body + head;
	ret->time_us = type == NG_SIMPLE
			       ? 0
			       : time_of(interface, (uint64_t)u32_at(capture, body + 4) << 32 |
							    u32_at(capture, body + 8));
	padded = (size + 3) & ~3U;
	ret->way = type == NG_PACKET && padded <= end - body - head
			   ? way_of(capture, body + head + padded, end)
			   : LINK_UNKNOWN;
	return true;
}

// One block: true when it was a packet.
static bool take_block(struct capture *capture, struct capture_packet *ret)
{
	uint32_t type, length;
	size_t body, end;
	bool packet = false;

	if (left(capture) < NG_BLOCK_LEAST)
		return fault(capture, "the file ends within a block's head");
	type = u32_at(capture, capture->at);
	if (type == NG_SECTION && !take_section(capture))
		return false;
	length = u32_at(capture, capture->at + 4);
	if (length < NG_BLOCK_LEAST || length % 4)
		return fault(capture, "a block of %u bytes cannot be", length);
	if (length > left(capture))
		return fault(capture, "the file ends within a block: %zu of %u bytes are there",
			     left(capture), length);
	body = capture->at + 8;
	end = capture->at + length - 4;
	if (u32_at(capture, end) != length)
		return fault(capture, "a block says two lengths, %u and %u", length,
			     u32_at(capture, end));
	if (type == NG_INTERFACE)
		take_interface(capture, body, end);
	else if (type == NG_PACKET || type == NG_PACKET_OLD || type == NG_SIMPLE)
		packet = take_packet(capture, type, body, end, ret);
	if (!capture->fault[0])
		capture->at += length;
	return packet;
}

static bool next_ng(struct capture *capture, struct capture_packet *ret)
{
	while (left(capture) && !capture->fault[0])
		if (take_block(capture, ret))
			return true;
	return false;
}

// --- either

int capture_open(struct capture *capture, const void *bytes, size_t size)
{
	static const uint32_t magics[] = { PCAP_MAGIC, PCAP_MAGIC_NS, PCAP_MAGIC_MODIFIED };
	uint32_t magic = 0;

	*capture = (struct capture){ .bytes = bytes, .size = size };
	if (size >= 4)
		memcpy(&magic, bytes, sizeof(magic));
	if (magic == NG_SECTION) {
		capture->ng = true;
		return 0;
	}
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (magic != magics[i] && magic != __builtin_bswap32(magics[i]))
			continue;
		capture->swapped = magic != magics[i];
		capture->nanoseconds = magics[i] == PCAP_MAGIC_NS;
		capture->modified = magics[i] == PCAP_MAGIC_MODIFIED;
		int r = open_pcap(capture);

		capture->at = PCAP_HEAD;
		return r;
	}
	fault(capture, "neither pcap nor pcapng");
	return -EBADMSG;
}

void capture_rewind(struct capture *capture)
{
	capture->at = capture->ng ? 0 : PCAP_HEAD;
	capture->fault[0] = '\0';
	if (capture->ng)
		capture->n_interfaces = capture->first_interface = 0;
}

bool capture_next(struct capture *capture, struct capture_packet *ret)
{
	if (capture->fault[0])
		return false;
	return capture->ng ? next_ng(capture, ret) : next_pcap(capture, ret);
}

void capture_done(struct capture *capture)
{
	free(capture->interfaces);
	capture->interfaces = NULL;
	capture->n_interfaces = 0;
}
