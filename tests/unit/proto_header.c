// Headers of packets as a record has them: whole, and cut at every byte.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/header.h"

#define V4(protocol, fragment)                                                                     \
	0x45, 0, 0, 60, 0, 0, (fragment) >> 8, (fragment)&0xff, 64, (protocol), 0, 0, 10, 20, 0,   \
		5, 192, 0, 2, 25
#define ADDRESS(last) 0xfd, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (last)
#define V6(next)      0x60, 0, 0, 0, 0, 20, (next), 64, ADDRESS(1), ADDRESS(2)

static const struct {
	const char *what;
	uint8_t bytes[80];
	size_t size;
	int protocol;	 // -1: refused
	int sport, port; // -1: none
} rows[] = {
	{ "nothing", { 0 }, 0, -1, -1, -1 },
	{ "neither 4 nor 6", { 0x50 }, 60, -1, -1, -1 },
	{ "IPv4 without addresses", { 0x45 }, 19, -1, -1, -1 },
	{ "TCP", { V4(6, 0), 0x9c, 0x40, 0, 25 }, 40, 6, 40000, 25 },
	{ "UDP without ports", { V4(17, 0), 0x9c }, 21, 17, -1, -1 },
	{ "ICMP", { V4(1, 0), 8 }, 28, 1, -1, 8 },
	{ "a later fragment", { V4(6, 100), 1, 2, 3, 4 }, 40, 6, -1, -1 },
	{ "options past the end", { 0x4f, 0, 0, 60, 0, 0, 0, 0, 64, 6 }, 24, 6, -1, -1 },
	{ "a header of 4 bytes", { 0x41, 0, 0, 60, 0, 0, 0, 0, 64, 6 }, 24, 6, -1, -1 },
	{ "IPv6 TCP", { V6(6), 0x9c, 0x40, 0, 25 }, 44, 6, 40000, 25 },
	{ "ICMPv6", { V6(58), 128 }, 41, 58, -1, 128 },
	{ "hop-by-hop, then UDP",
	  { V6(0), 17, 0, 0, 0, 0, 0, 0, 0, 0, 53, 0, 53 },
	  52,
	  17,
	  53,
	  53 },
	{ "first fragment", { V6(44), 6, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 2 }, 52, 6, 1, 2 },
	{ "later fragment", { V6(44), 6, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 2 }, 52, 6, -1, -1 },
	{ "an extension past the end", { V6(60), 6, 200 }, 48, 6, -1, -1 },
};

static void headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct header header;
		int r = header_parse(rows[i].bytes, rows[i].size, &header);
		bool has = rows[i].port >= 0;
		if ((r < 0) != (rows[i].protocol < 0))
			fail_msg("%s: %d", rows[i].what, r);
		if (r < 0)
			continue;
		if (header.protocol != rows[i].protocol ||
		    (header.has_ports || header.has_type) != has ||
		    (has && header.port != rows[i].port) ||
		    header.has_ports != (rows[i].sport >= 0) ||
		    (header.has_ports && header.sport != rows[i].sport))
			fail_msg("%s: protocol %u, ports %u %u", rows[i].what, header.protocol,
				 header.sport, header.port);
	}
}

// Cut at every byte, each copy on a heap of its own so that reading past it is found.
static void cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t size = 0; size <= rows[i].size; size++) {
			struct header header;
			uint8_t *bytes = malloc(size ? size : 1);
			memcpy(bytes, rows[i].bytes, size);
			header_parse(bytes, size, &header);
			free(bytes);
		}
	}
}

static void protocols(void **state)
{
	char out[8];
	(void)state;
	assert_string_equal(header_protocol(6, out), "tcp");
	assert_string_equal(header_protocol(255, out), "255");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(cut),
		cmocka_unit_test(protocols),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
