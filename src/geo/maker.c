// Making a table: ranges are gathered, sorted, cleaned of what is reserved, joined, and laid down.
#include "geo/block.h"
#include "geo/maker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "geo/reserved.h"

struct row {
	struct addr_range range;
	size_t order; // in which it came
	int country;
};

typedef VEC(struct row) row_list;

struct geo_maker {
	row_list rows;
	struct addr_set reserved;
};

struct geo_maker *geo_maker_new(void)
{
	struct geo_maker *maker = calloc(1, sizeof(*maker));

	if (maker)
		reserved_set(&maker->reserved);
	return maker;
}

void geo_maker_free(struct geo_maker *maker)
{
	if (!maker)
		return;
	addr_set_done(&maker->reserved);
	vec_done(&maker->rows);
	free(maker);
}

size_t geo_maker_count(const struct geo_maker *maker)
{
	return maker->rows.n;
}

static void push(struct geo_maker *maker, const struct addr_range *range, int country)
{
	struct row *last = maker->rows.n ? &maker->rows.v[maker->rows.n - 1] : NULL;

	// A walk of a tree comes in order: most neighbours are joined as they come.
	if (last && last->country == country && last->range.family == range->family &&
	    last->range.hi + 1 == range->lo && range->lo != 0)
		last->range.hi = range->hi;
	else
		vec_push(&maker->rows, ((struct row){ *range, maker->rows.n, country }));
}

void geo_maker_add(struct geo_maker *maker, const struct addr_range *range, int country)
{
	struct addr_set rest = { 0 };

	if (!addr_set_find(&maker->reserved, range)) {
		push(maker, range, country);
		return;
	}
	addr_set_append(&rest, *range);
	addr_set_subtract(&rest, &maker->reserved);
	for (size_t i = 0; i < rest.n; i++)
		push(maker, &rest.v[i], country);
	addr_set_done(&rest);
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;

	if (x->range.family != y->range.family)
		return x->range.family < y->range.family ? -1 : 1;
	if (x->range.lo != y->range.lo)
		return x->range.lo < y->range.lo ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

// Sorted, cut where two overlap, joined where neighbours are of one country.
static void tidy(row_list *rows)
{
	size_t kept = 0;

	if (rows->n == 0)
		return;
	qsort(rows->v, rows->n, sizeof(*rows->v), compare_rows);
	for (size_t i = 1; i < rows->n; i++) {
		struct row *last = &rows->v[kept];
		struct row next = rows->v[i];
		bool one_family = last->range.family == next.range.family;

		if (one_family && next.range.lo <= last->range.hi) {
			if (next.range.hi <= last->range.hi)
				continue;
			next.range.lo = last->range.hi + 1;
		}
		if (one_family && last->country == next.country &&
		    last->range.hi + 1 == next.range.lo)
			last->range.hi = next.range.hi;
		else
			rows->v[++kept] = next;
	}
	rows->n = kept + 1;
}

static void lay_down(const row_list *rows, struct geo_v4 *v4, struct geo_v6 *v6)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct addr_range *range = &rows->v[i].range;
		const char *code = country_code(rows->v[i].country);

		if (range->family == ADDR_V4)
			*v4++ = (struct geo_v4){
				.lo = (uint32_t)range->lo,
				.hi = (uint32_t)range->hi,
				.code = { code[0], code[1] },
			};
		else
			*v6++ = (struct geo_v6){
				.lo = { (uint64_t)(range->lo >> 64), (uint64_t)range->lo },
				.hi = { (uint64_t)(range->hi >> 64), (uint64_t)range->hi },
				.code = { code[0], code[1] },
			};
	}
}

int geo_maker_finish(struct geo_maker *maker, const struct geo_head *head, void **ret_bytes,
		     size_t *ret_size)
{
	struct geo_head made = *head;
	size_t n_v6 = 0;
	size_t size;
	char *bytes;

	tidy(&maker->rows);
	if (maker->rows.n > GEO_RANGES_MAX)
		return -E2BIG;
	for (size_t i = 0; i < maker->rows.n; i++)
		n_v6 += maker->rows.v[i].range.family == ADDR_V6;
	made.magic = GEO_MAGIC;
	made.n_v6 = (uint32_t)n_v6;
	made.n_v4 = (uint32_t)(maker->rows.n - n_v6);
	made.type[GEO_TYPE_MAX - 1] = '\0';
	size = geo_table_size(made.n_v4, made.n_v6);
	bytes = calloc(1, size);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, &made, sizeof(made));
	lay_down(&maker->rows,
		 (struct geo_v4 *)(void *)(bytes + sizeof(made) + n_v6 * sizeof(struct geo_v6)),
		 (struct geo_v6 *)(void *)(bytes + sizeof(made)));
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}
