// A small world for tests of policies that name countries.
#ifndef SEKISHO_TESTS_COUNTRIES_MAKE_H
#define SEKISHO_TESTS_COUNTRIES_MAKE_H

#include <stdio.h>
#include <stdlib.h>

#include "geo/known.h"
#include "geo/maker.h"

enum { TEST_COUNTRIES_PIECES = 40 };

static inline void test_countries_add(struct geo_maker *maker, const char *range, const char *code)
{
	struct addr_range parsed;

	if (addr_range_parse(range, &parsed) < 0)
		abort();
	geo_maker_add(maker, &parsed, country_find(code, 2));
}

// Japan and South Korea lie in turns; some pieces are no prefixes.
static inline struct geo_table test_countries_table(void)
{
	static struct geo_table table;
	const struct geo_head head = { .build_epoch = 1700000000, .type = "test" };
	struct geo_maker *maker;
	char text[100];
	void *bytes;
	size_t size;

	if (table.head)
		return table;
	maker = geo_maker_new();
	for (int i = 0; i < TEST_COUNTRIES_PIECES; i++) {
		snprintf(text, sizeof(text), "133.%d.0.0-133.%d.%d.255", 2 * i, 2 * i,
			 i % 3 ? 255 : 200);
		test_countries_add(maker, text, "JP");
		snprintf(text, sizeof(text), "133.%d.0.0/16", 2 * i + 1);
		test_countries_add(maker, text, "KR");
		snprintf(text, sizeof(text), "2400:%x::/32", 2 * i);
		test_countries_add(maker, text, "JP");
		snprintf(text, sizeof(text), "2400:%x::/32", 2 * i + 1);
		test_countries_add(maker, text, "KR");
	}
	test_countries_add(maker, "8.0.0.0/8", "US");
	test_countries_add(maker, "2600::/12", "US");
	test_countries_add(maker, "175.45.176.0/22", "KP");
	test_countries_add(maker, "192.0.0.0/8", "JP"); // private ones within, and a zone's
	if (geo_maker_finish(maker, &head, &bytes, &size) < 0 ||
	    geo_table_open(bytes, size, &table) < 0)
		abort();
	geo_maker_free(maker);
	return table;
}

// Made a day ago.
static inline const struct geo_known *test_countries(void)
{
	static struct geo_known known;
	struct geo_table table = test_countries_table();

	geo_known_set(&known, "countries.mmdb", &table, 1700000000 + 24 * 3600, GEO_AGE_DAYS);
	return &known;
}

#endif
