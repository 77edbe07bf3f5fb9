// The table of countries: which address lies where, as a block of bytes.  It is made from a
// database file (geo/mmdb.h) by a process without rights, travels and is stored as it is, and is
// believed only after geo_table_open() has checked it.
//
// The block (numbers in the machine's order: it never leaves the box): a head, then n_v6 ranges of
// IPv6, then n_v4 of IPv4.  Ranges are sorted and disjoint, hold no reserved address
// (geo/reserved.h), and neighbours of one country are one range.
#ifndef SEKISHO_GEO_TABLE_H
#define SEKISHO_GEO_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "geo/country.h"

enum {
	GEO_RANGES_MAX = 2000000, // of both families together
	GEO_TYPE_MAX = 64,
	GEO_SHA256_BYTES = 32,
};
#define GEO_TABLE_BYTES_MAX                                                                        \
	((size_t)GEO_RANGES_MAX * sizeof(struct geo_v6) + sizeof(struct geo_head))

struct geo_head {
	uint64_t magic;
	uint32_t n_v4, n_v6;
	uint64_t build_epoch;		  // seconds since 1970: when the database was made
	uint8_t sha256[GEO_SHA256_BYTES]; // of the database file
	char type[GEO_TYPE_MAX];	  // as the database calls itself; NUL-terminated
};

struct geo_v4 {
	uint32_t lo, hi;
	char code[2];
	uint16_t zero;
};

struct geo_v6 { // halves of the addresses, the higher first
	uint64_t lo[2], hi[2];
	char code[2];
	uint16_t zero[3];
};

struct geo_table { // borrows the block
	const struct geo_head *head;
	const struct geo_v4 *v4;
	const struct geo_v6 *v6;
};

struct geo_hit {
	int country;
	struct addr_range range; // all around the address that is of the country in one piece
};

struct geo_sizes {
	uint64_t ranges[2], prefixes[2]; // of IPv4, IPv6
	uint64_t v4_addresses;
	uint64_t v6_networks; // of 64 bits
};

// bytes: aligned for 8 bytes, and the caller's as long as the table is used.  -EBADMSG: it is no
// such block, or breaks a rule of one.
int geo_table_open(const void *bytes, size_t size, struct geo_table *ret);

// Of no country: false.
bool geo_find(const struct geo_table *table, const struct addr *addr, struct geo_hit *ret);
// Which countries have any address.
void geo_present(const struct geo_table *table, bool ret[COUNTRY_COUNT_MAX]);
// Appends the ranges of all countries with wanted[country]; the set is then normalised.
void geo_collect(const struct geo_table *table, const bool wanted[COUNTRY_COUNT_MAX],
		 struct addr_set *ret);
// Of each country.
void geo_measure(const struct geo_table *table, struct geo_sizes ret[COUNTRY_COUNT_MAX]);

#endif
