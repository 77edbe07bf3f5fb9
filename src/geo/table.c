// Checking and asking a table; making one is in maker.c.
#include "geo/table.h"

#include <errno.h>
#include <string.h>

#include "geo/block.h"
#include "geo/reserved.h"

enum { GEO_CODES = 26 * 26 };

// Of a code of two capital letters, as every sound row has one.
static unsigned number_of(const char code[2])
{
	return (unsigned)(code[0] - 'A') * 26 + (unsigned)(code[1] - 'A');
}

static addr_bits bits_of(const uint64_t half[2])
{
	return (addr_bits)half[0] << 64 | half[1];
}

static struct addr_range range_v4(const struct geo_v4 *row)
{
	return (struct addr_range){ ADDR_V4, row->lo, row->hi };
}

static struct addr_range range_v6(const struct geo_v6 *row)
{
	return (struct addr_range){ ADDR_V6, bits_of(row->lo), bits_of(row->hi) };
}

// Walks along the ranges: sorted, disjoint, of known countries, none reserved.
struct walk {
	const struct addr_set *reserved;
	struct addr_range last;
	char last_code[2];
	bool begun;
};

static bool follows(struct walk *walk, const struct addr_range *range, const char code[2])
{
	if (range->lo > range->hi || country_find(code, 2) == COUNTRY_NONE ||
	    addr_set_find(walk->reserved, range))
		return false;
	if (walk->begun && range->lo <= walk->last.hi)
		return false;
	if (walk->begun && range->lo - 1 == walk->last.hi && memcmp(walk->last_code, code, 2) == 0)
		return false;
	walk->last = *range;
	memcpy(walk->last_code, code, 2);
	walk->begun = true;
	return true;
}

static bool is_sound(const struct geo_table *table)
{
	struct addr_set reserved = { 0 };
	struct walk v4 = { .reserved = &reserved };
	struct walk v6 = { .reserved = &reserved };
	bool sound = true;

	reserved_set(&reserved);
	for (size_t i = 0; sound && i < table->head->n_v4; i++) {
		struct addr_range range = range_v4(&table->v4[i]);

		sound = follows(&v4, &range, table->v4[i].code);
	}
	for (size_t i = 0; sound && i < table->head->n_v6; i++) {
		struct addr_range range = range_v6(&table->v6[i]);

		sound = follows(&v6, &range, table->v6[i].code);
	}
	addr_set_done(&reserved);
	return sound;
}

int geo_table_open(const void *bytes, size_t size, struct geo_table *ret)
{
	const struct geo_head *head = bytes;
	struct geo_table table = { .head = head };
	size_t n;

	if (size < sizeof(*head) || head->magic != GEO_MAGIC ||
	    memchr(head->type, '\0', sizeof(head->type)) == NULL)
		return -EBADMSG;
	n = (size_t)head->n_v4 + head->n_v6;
	if (n > GEO_RANGES_MAX || size != geo_table_size(head->n_v4, head->n_v6))
		return -EBADMSG;
	table.v6 = (const void *)(head + 1);
	table.v4 = (const void *)(table.v6 + head->n_v6);
	if (!is_sound(&table))
		return -EBADMSG;
	*ret = table;
	return 0;
}

static struct addr_range range_at(const struct geo_table *table, enum addr_family family, size_t i)
{
	return family == ADDR_V4 ? range_v4(&table->v4[i]) : range_v6(&table->v6[i]);
}

bool geo_find(const struct geo_table *table, const struct addr *addr, struct geo_hit *ret)
{
	size_t n = addr->family == ADDR_V4 ? table->head->n_v4 : table->head->n_v6;
	size_t lo = 0;
	size_t hi = n;
	struct addr_range range;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		range = range_at(table, addr->family, mid);
		if (range.hi < addr->bits)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == n)
		return false;
	range = range_at(table, addr->family, lo);
	if (range.lo > addr->bits)
		return false;
	ret->range = range;
	ret->country =
		country_find(addr->family == ADDR_V4 ? table->v4[lo].code : table->v6[lo].code, 2);
	return true;
}

void geo_present(const struct geo_table *table, bool ret[COUNTRY_COUNT_MAX])
{
	bool seen[GEO_CODES] = { false };

	memset(ret, 0, COUNTRY_COUNT_MAX * sizeof(*ret));
	for (size_t i = 0; i < table->head->n_v4; i++)
		seen[number_of(table->v4[i].code)] = true;
	for (size_t i = 0; i < table->head->n_v6; i++)
		seen[number_of(table->v6[i].code)] = true;
	for (int c = 0; c < (int)country_count(); c++)
		ret[c] = seen[number_of(country_code(c))];
}

void geo_collect(const struct geo_table *table, const bool wanted[COUNTRY_COUNT_MAX],
		 struct addr_set *ret)
{
	bool by_code[GEO_CODES] = { false };

	for (int c = 0; c < (int)country_count(); c++)
		by_code[number_of(country_code(c))] = wanted[c];
	for (size_t i = 0; i < table->head->n_v4; i++)
		if (by_code[number_of(table->v4[i].code)])
			addr_set_append(ret, range_v4(&table->v4[i]));
	for (size_t i = 0; i < table->head->n_v6; i++)
		if (by_code[number_of(table->v6[i].code)])
			addr_set_append(ret, range_v6(&table->v6[i]));
	addr_set_normalise(ret);
}

static void count_prefix(void *arg, addr_bits bits, unsigned length)
{
	uint64_t *n = arg;

	(void)bits;
	(void)length;
	(*n)++;
}

static void measure_range(const struct addr_range *range, const char code[2],
			  struct geo_sizes ret[COUNTRY_COUNT_MAX])
{
	struct geo_sizes *sizes = &ret[country_find(code, 2)];
	int family = range->family == ADDR_V6;

	sizes->ranges[family]++;
	addr_range_prefixes(range, count_prefix, &sizes->prefixes[family]);
	if (family)
		sizes->v6_networks += (uint64_t)((range->hi >> 64) - (range->lo >> 64)) + 1;
	else
		sizes->v4_addresses += (uint64_t)(range->hi - range->lo) + 1;
}

void geo_measure(const struct geo_table *table, struct geo_sizes ret[COUNTRY_COUNT_MAX])
{
	memset(ret, 0, COUNTRY_COUNT_MAX * sizeof(*ret));
	for (size_t i = 0; i < table->head->n_v4; i++) {
		struct addr_range range = range_v4(&table->v4[i]);

		measure_range(&range, table->v4[i].code, ret);
	}
	for (size_t i = 0; i < table->head->n_v6; i++) {
		struct addr_range range = range_v6(&table->v6[i]);

		measure_range(&range, table->v6[i].code, ret);
	}
}
