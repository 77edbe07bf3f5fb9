#include "classify/hide.h"

#include <stdlib.h>

#include "base/vec.h"

enum { HIDERS_MAX = 256 };

struct sized {
	uint32_t rank;
	unsigned size; // bits of the ranges, all together
};

static unsigned bit_length(addr_bits bits)
{
	uint64_t high = (uint64_t)(bits >> 64), low = (uint64_t)bits;

	if (high)
		return 128 - (unsigned)__builtin_clzll(high);
	return low ? 64 - (unsigned)__builtin_clzll(low) : 0;
}

// An address of IPv4 counts as much as one of IPv6.
static unsigned side_size(const struct classify_rule *rule, const struct addr_range *range)
{
	if (rule->any_family)
		return addr_width(ADDR_V6);
	return bit_length(range->hi - range->lo) * addr_width(ADDR_V6) / addr_width(range->family);
}

static unsigned size_of(const struct classify_rule *rule)
{
	unsigned size = side_size(rule, &rule->source) + side_size(rule, &rule->destination);

	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++)
		size += bit_length(rule->field[f].hi - rule->field[f].lo);
	return size;
}

static int larger_first(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

static uint32_t find_hider(const struct classify_rule *rules, const uint32_t *hiders, unsigned n,
			   uint32_t rank)
{
	for (unsigned h = 0; h < n; h++)
		if (hiders[h] < rank && classify_rule_covers(&rules[hiders[h]], &rules[rank]))
			return hiders[h];
	return CLASSIFY_NONE;
}

// What hides a rule is as large or larger, so that it is known before.
void hide_rules(const struct classify_rule *rules, uint32_t n, uint32_t *ret_hider)
{
	struct sized *sized = vec_zeroed(n, sizeof(*sized));
	uint32_t hiders[HIDERS_MAX];
	unsigned n_hiders = 0;

	for (uint32_t i = 0; i < n; i++)
		sized[i] = (struct sized){ i, size_of(&rules[i]) };
	qsort(sized, n, sizeof(*sized), larger_first);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t rank = sized[i].rank;

		ret_hider[rank] = find_hider(rules, hiders, n_hiders, rank);
		if (ret_hider[rank] == CLASSIFY_NONE && n_hiders < HIDERS_MAX)
			hiders[n_hiders++] = rank;
	}
	free(sized);
}
