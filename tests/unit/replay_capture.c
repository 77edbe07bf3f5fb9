// Capture files: both formats and byte orders, cut at every byte, damaged at every byte, absurd.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/header.h"
#include "replay/capture.h"
#include "unit/replay_make.h"

enum { PACKETS = 3 };

static const struct form {
	const char *name;
	bool ng, swapped;
} forms[] = {
	{ "pcap", false, false },
	{ "pcap of the other byte order", false, true },
	{ "pcapng", true, false },
	{ "pcapng of the other byte order", true, true },
};

static void make(const struct form *form, struct made *made)
{
	*made = (struct made){ .ng = form->ng, .swapped = form->swapped, .link = 1 };
	made_begin(made);
	if (form->ng)
		made_interface(made, "lan-a");
	if (form->ng)
		made_interface(made, "wan");
	made_add(made, "0.5 udp 10.1.0.5 40000 10.2.0.9 53");
	made_add(made, "1.5 tcp 10.2.0.9 53 10.1.0.5 40000 SA in=1");
	made_add(made, "2.25 icmp 10.2.0.9 53 10.1.0.5 8 out=1");
}

// Reads a copy of exactly `size` bytes; how many packets there were.
static size_t read_all(const uint8_t *bytes, size_t size, struct capture *capture, bool *ret_opened)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct capture_packet packet;
	size_t n = 0;

	memcpy(copy, bytes, size);
	*ret_opened = capture_open(capture, copy, size) == 0;
	while (*ret_opened && capture_next(capture, &packet)) {
		struct link_frame frame;
		struct header header;

		assert_true(packet.interface < capture->n_interfaces);
		link_parse(capture->interfaces[packet.interface].link_type, packet.bytes,
			   packet.size, &frame);
		if (frame.ip)
			header_parse(packet.bytes + frame.offset, packet.size - frame.offset,
				     &header);
		n++;
	}
	free(copy);
	return n;
}

static void whole(void **state)
{
	const struct form *form = *state;
	struct capture capture;
	struct capture_packet packet;
	struct made made;

	make(form, &made);
	assert_int_equal(capture_open(&capture, made.bytes.v, made.bytes.n), 0);
	for (int again = 0; again < 2; again++) {
		assert_true(capture_next(&capture, &packet));
		assert_int_equal(packet.time_us, 1000000500000);
		assert_int_equal(packet.size, 14 + 20 + 20);
		assert_int_equal(packet.interface, 0);
		assert_true(capture_next(&capture, &packet));
		assert_int_equal(packet.interface, form->ng ? 1 : 0);
		assert_true(capture_next(&capture, &packet));
		assert_int_equal(packet.time_us, 1000002250000);
		assert_int_equal(packet.way, form->ng ? LINK_LEAVING : LINK_UNKNOWN);
		assert_string_equal(capture.interfaces[packet.interface].name,
				    form->ng ? "wan" : "");
		assert_false(capture_next(&capture, &packet));
		assert_string_equal(capture.fault, "");
		capture_rewind(&capture);
	}
	capture_done(&capture);
	made_done(&made);
}

// What stands before the cut is read, and a cut within a packet is told with its place.
static void cut(void **state)
{
	const struct form *form = *state;
	struct made made;
	size_t last = 0;

	make(form, &made);
	for (size_t size = 0; size <= made.bytes.n; size++) {
		struct capture capture;
		bool opened;
		size_t n = read_all(made.bytes.v, size, &capture, &opened);

		assert_true(n >= last && n <= last + 1);
		assert_true(opened || capture.fault[0]);
		assert_true(!capture.fault[0] || capture.fault_at <= size);
		last = n;
		capture_done(&capture);
	}
	assert_int_equal(last, PACKETS);
	made_done(&made);
}

// Any byte changed: no read beyond, and an end.
static void damaged(void **state)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	const struct form *form = *state;
	struct made made;

	make(form, &made);
	for (size_t i = 0; i < made.bytes.n; i++)
		for (size_t k = 0; k < sizeof(values); k++) {
			uint8_t before = made.bytes.v[i];
			struct capture capture;
			bool opened;

			made.bytes.v[i] = values[k];
			assert_true(read_all(made.bytes.v, made.bytes.n, &capture, &opened) <=
				    made.bytes.n / 12);
			capture_done(&capture);
			made.bytes.v[i] = before;
		}
	made_done(&made);
}

struct absurd {
	const char *name;
	uint32_t words[20];
	size_t n;
	const char *says;
};

static const struct absurd absurds[] = {
	{ "a packet of 4 GB",
	  { 0xa1b2c3d4, 0x40002, 0, 0, 65535, 1, 0, 0, 0xffffffff, 9 },
	  10,
	  "cannot be" },
	{ "a packet one byte past the limit",
	  { 0xa1b2c3d4, 0x40002, 0, 0, 65535, 1, 0, 0, CAPTURE_PACKET_MAX + 1, 9 },
	  10,
	  "cannot be" },
	{ "a packet at the limit that is not there",
	  { 0xa1b2c3d4, 0x40002, 0, 0, 65535, 1, 0, 0, CAPTURE_PACKET_MAX, 9 },
	  10,
	  "ends within" },
	{ "a block of no bytes",
	  { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 0, 28, 5, 0, 0 },
	  10,
	  "a block of 0 bytes" },
	{ "a block that says two lengths",
	  { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 0, 28, 5, 12, 16 },
	  10,
	  "two lengths" },
	{ "a packet without an interface",
	  { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 0, 28, 6, 32, 0, 0, 0, 0, 0, 32 },
	  15,
	  "does not describe" },
	{ "a packet of which nobody could have sent so much",
	  { 0xa1b2c3d4, 0x40002, 0, 0, 65535, 1, 0, 0, 4, CAPTURE_WIRE_MAX + 1, 0 },
	  11,
	  "that had 16777217 bytes" },
	{ "a simple block that has less than it says",
	  { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 0, 28, 1, 20, 1, 0, 20, 3, 20, 5, 0, 20 },
	  17,
	  "a packet of 5 bytes in a block that has 4" },
	{ "a simple block that has more than it says",
	  { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 0, 28, 1, 20, 1, 0, 20, 3, 20, 0, 0, 20 },
	  17,
	  "a packet of 0 bytes in a block that has 4" },
	{ "a simple block that has more than its interface captures",
	  { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 0, 28, 1, 20, 1, 4, 20, 3, 24, 8, 0, 0, 24 },
	  18,
	  "a packet of 4 bytes in a block that has 8" },
	{ "a simple block of which nobody could have sent so much",
	  { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 0, 28, 1, 20, 1, 4, 20, 3, 20, UINT32_MAX, 0, 20 },
	  17,
	  "that had 4294967295 bytes" },
	{ "no byte order", { 0x0a0d0d0a, 28, 0, 1, 0, 0, 28 }, 7, "byte order" },
	{ "something else", { 0x464c457f, 0 }, 2, "neither" },
};

static void absurd(void **state)
{
	const struct absurd *row = *state;
	struct capture capture;
	bool opened;

	read_all((const uint8_t *)row->words, row->n * 4, &capture, &opened);
	if (!strstr(capture.fault, row->says))
		fail_msg("\"%s\" does not say \"%s\"", capture.fault, row->says);
	capture_done(&capture);
}

// What a simple block holds is what its interface captures, and its size is what was sent.
static void simple_blocks(void **state)
{
	static const struct {
		uint32_t snaplen, says, size;
	} rows[] = {
		{ 0, 4, 4 }, { 0, 1, 1 }, { 4, 4, 4 }, { 4, 1500, 4 }, { 4, CAPTURE_WIRE_MAX, 4 },
		{ 3, 3, 3 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint32_t words[] = {
			0x0a0d0d0a, 28, 0x1a2b3c4d,   1, 0, 0, 28, 1, 20, 1, rows[i].snaplen, 20,
			3,	    20, rows[i].says, 0, 20
		};
		struct capture capture;
		struct capture_packet packet;

		assert_int_equal(capture_open(&capture, words, sizeof(words)), 0);
		assert_true(capture_next(&capture, &packet));
		assert_int_equal(packet.size, rows[i].size);
		assert_int_equal(packet.wire_size, rows[i].says);
		assert_false(capture_next(&capture, &packet));
		assert_string_equal(capture.fault, "");
		capture_done(&capture);
	}
}

// --- frames

struct frame_row {
	const char *name;
	uint32_t link;
	uint8_t bytes[48];
	size_t size;
	int offset; // -1: no IP
	int vlan;   // -1: untagged
	bool malformed;
	enum link_way way;
};

static const struct frame_row frames[] = {
	{ "Ethernet", LINK_ETHERNET, { [12] = 8, 0, 0x45 }, 34, 14, -1, false, LINK_UNKNOWN },
	{ "ARP", LINK_ETHERNET, { [12] = 8, 6, 0x45 }, 34, -1, -1, false, LINK_UNKNOWN },
	{ "13 bytes", LINK_ETHERNET, { 0 }, 13, -1, -1, true, LINK_UNKNOWN },
	{ "no IP behind", LINK_ETHERNET, { [12] = 8, 0 }, 14, -1, -1, true, LINK_UNKNOWN },
	{ "802.1Q",
	  LINK_ETHERNET,
	  { [12] = 0x81, 0, 0x20, 20, 0x86, 0xdd, 0x60 },
	  40,
	  18,
	  20,
	  false,
	  LINK_UNKNOWN },
	{ "a tag that is cut",
	  LINK_ETHERNET,
	  { [12] = 0x81, 0, 0x20 },
	  15,
	  -1,
	  -1,
	  true,
	  LINK_UNKNOWN },
	{ "QinQ",
	  LINK_ETHERNET,
	  { [12] = 0x88, 0xa8, 0, 7, 0x81, 0, 0, 9, 8, 0, 0x45 },
	  40,
	  22,
	  9,
	  false,
	  LINK_UNKNOWN },
	{ "five tags",
	  LINK_ETHERNET,
	  { [12] = 0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0,   3,
	    0x81,	 0, 0, 4, 0x81, 0, 0, 5, 8,    0, 0x45 },
	  48,
	  -1,
	  4,
	  false,
	  LINK_UNKNOWN },
	{ "PPPoE",
	  LINK_ETHERNET,
	  { [12] = 0x88, 0x64, 0x11, 0, 0, 1, 0, 40, 0, 0x21, 0x45 },
	  44,
	  22,
	  -1,
	  false,
	  LINK_UNKNOWN },
	{ "cooked, coming", LINK_SLL, { [14] = 8, 0, 0x45 }, 40, 16, -1, false, LINK_COMING },
	{ "cooked, leaving",
	  LINK_SLL,
	  { 0, 4, [14] = 8, 0, 0x45 },
	  40,
	  16,
	  -1,
	  false,
	  LINK_LEAVING },
	{ "cooked v2, passing",
	  LINK_SLL2,
	  { 8, 0, [7] = 3, [10] = 3, [20] = 0x45 },
	  44,
	  20,
	  -1,
	  false,
	  LINK_PASSING },
	{ "raw", LINK_RAW, { 0x60 }, 40, 0, -1, false, LINK_UNKNOWN },
	{ "raw nonsense", LINK_RAW, { 0x20 }, 40, -1, -1, true, LINK_UNKNOWN },
	{ "loopback", LINK_NULL, { 2, 0, 0, 0, 0x45 }, 40, 4, -1, false, LINK_UNKNOWN },
	{ "unknown kind", 147, { 0x45 }, 40, -1, -1, false, LINK_UNKNOWN },
};

static void one_frame(void **state)
{
	const struct frame_row *row = *state;
	uint8_t *copy = malloc(row->size);
	struct link_frame frame;

	memcpy(copy, row->bytes, row->size);
	link_parse(row->link, copy, row->size, &frame);
	assert_int_equal(frame.ip ? (int)frame.offset : -1, row->offset);
	assert_int_equal(frame.vlan ? frame.vlan_id : -1, row->vlan);
	assert_int_equal(frame.malformed, row->malformed);
	assert_int_equal(frame.way, row->way);
	free(copy);
}

int main(void)
{
	static struct CMUnitTest tests[64];
	size_t n = 0;

#define ROWS(rows, test)                                                                           \
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)                                \
	tests[n++] =                                                                               \
		(struct CMUnitTest){ rows[i].name, test, NULL, NULL, (void *)(uintptr_t)&rows[i] }
	ROWS(forms, whole);
	ROWS(forms, cut);
	ROWS(forms, damaged);
	ROWS(absurds, absurd);
	ROWS(frames, one_frame);
#undef ROWS
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(simple_blocks);
	return _cmocka_run_group_tests("captures", tests, n, NULL, NULL);
}
