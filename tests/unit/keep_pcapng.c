// Captures: what is written is read again as it was; and the masks, the bundle's other half.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keep/mask.h"
#include "keep/pcapng.h"

enum { PACKETS = 4 };

static uint8_t payload[70000];

static const struct pcapng_packet packets[PACKETS] = {
	{ .interface = 0, .time_us = 1, .leaving = false, .size = 20, .bytes = payload },
	{ .interface = 1,
	  .time_us = 1795709669255822,
	  .leaving = true,
	  .size = 21,
	  .wire_size = 1500,
	  .bytes = payload + 1 },
	{ .interface = 0, .time_us = UINT64_MAX, .leaving = true, .size = 0, .bytes = payload },
	{ .interface = 1, .time_us = 5, .leaving = false, .size = 65535, .bytes = payload + 3 },
};

static int same(void *arg, const struct pcapng_packet *packet)
{
	size_t *n = arg;
	const struct pcapng_packet *expected = &packets[(*n)++];
	assert_true(*n <= PACKETS);
	assert_int_equal(packet->interface, expected->interface);
	assert_int_equal(packet->time_us, expected->time_us);
	assert_int_equal(packet->leaving, expected->leaving);
	assert_int_equal(packet->size, expected->size);
	assert_int_equal(packet->wire_size,
			 expected->wire_size ? expected->wire_size : expected->size);
	assert_memory_equal(packet->bytes, expected->bytes, packet->size);
	return 0;
}

static char *write_all(size_t *ret_size)
{
	char *bytes;
	FILE *out = open_memstream(&bytes, ret_size);
	assert_int_equal(pcapng_begin(out, "a comment"), 0);
	assert_int_equal(pcapng_interface(out, "lan-office", 256), 0);
	assert_int_equal(pcapng_interface(out, "wan", 256), 0);
	for (size_t i = 0; i < PACKETS; i++)
		assert_int_equal(pcapng_packet(out, &packets[i]), 0);
	fclose(out);
	return bytes;
}

static void round_trip(void **state)
{
	size_t size, n = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7);
	char *bytes = write_all(&size);
	assert_int_equal(pcapng_read(bytes, size, same, &n), 0);
	assert_int_equal(n, PACKETS);
	free(bytes);
}

static volatile uint8_t sum;

static int ignore(void *arg, const struct pcapng_packet *packet)
{
	(void)arg;
	for (uint32_t i = 0; i < packet->size; i++)
		sum ^= packet->bytes[i];
	return 0;
}

// Cut anywhere, and with any byte of its first blocks turned over, it is read without harm.
static void damaged(void **state)
{
	size_t size;
	(void)state;
	char *bytes = write_all(&size);
	for (size_t cut = 0; cut < 400; cut++) {
		char *part = malloc(cut + 1);
		memcpy(part, bytes, cut);
		pcapng_read(part, cut, ignore, NULL);
		free(part);
	}
	for (size_t at = 0; at < 400; at++) {
		bytes[at] ^= 0x55;
		pcapng_read(bytes, size, ignore, NULL);
		bytes[at] ^= 0x55;
	}
	free(bytes);
}

static void masks(void **state)
{
	static const struct {
		const char *text, *masked;
	} rows[] = {
		{ "from 10.20.3.9 to 203.0.113.5", "from inner-1 to 203.0.113.5" },
		{ "src=10.20.3.9 dst=192.0.2.80 sport=1", "src=inner-1 dst=inner-2 sport=1" },
		{ "10.20.3.9:443, 10.20.0.0/16.", "inner-1:443, inner-3/16." },
		{ "10.20.3.9-10.20.3.10", "inner-1-inner-4" },
		{ "端末10.20.3.9から", "端末inner-1から" },
		{ "host10.20.3.9x", "hostinner-1x" },
		{ "line\\n10.20.3.9", "line\\ninner-1" },
		{ "version 1.10.20.3.9", "version 1.10.20.3.9" },
		{ "110.20.3.9", "110.20.3.9" },
		{ "fd00:20::9 and 2001:db8:40::80", "inner-5 and inner-6" },
		{ "[fd00:20::9]:80", "[inner-5]:80" },
		{ "dest:fd00:20::9", "dest:inner-5" },
		{ "fd00:20:0:0:0:0:0:9", "inner-5" },
		{ "::ffff:10.20.3.9", "inner-1" },
		{ "2001:db8:99::1 ::1 ::", "2001:db8:99::1 ::1 ::" },
		{ "mac 02:11:22:33:44:55", "mac mac-1" },
		{ "at 15:47:20 on 2026-11-26", "at 15:47:20 on 2026-11-26" },
		{ "data=0x0a140309 0x50", "data=0x-masked 0x50" },
		{ "deadbeef facade ... :", "deadbeef facade ... :" },
		{ "", "" },
	};
	struct mask *mask = mask_new();
	struct addr_range range;
	(void)state;
	assert_int_equal(addr_range_parse("192.0.2.0/24", &range), 0);
	mask_add(mask, &range);
	assert_int_equal(addr_range_parse("2001:db8:40::/64", &range), 0);
	mask_add(mask, &range);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text;
		size_t size;
		assert_int_equal(mask_text(mask, rows[i].text, strlen(rows[i].text), &text, &size),
				 0);
		assert_string_equal(text, rows[i].masked);
		free(text);
	}
	assert_int_equal(mask_count(mask), 7);
	mask_free(mask);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(damaged),
		cmocka_unit_test(masks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
