#include "classify/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

enum {
	SIDES = 3, // source, destination, service
	SAMPLES = 512,
	ORDERS = 2 * SIDES, // by place, by size and place
	DEPTH_MAX = 24,	    // halvings; 2^24 rules are more than there can be
};

struct side { // of a rule, as numbers: for the service, protocol and destination port
	addr_bits lo, hi;
	unsigned size; // how many bits its extent has
};

struct span { // of a side's sorted samples: those that a rule holds, first to last - 1
	uint16_t first, last;
};

struct clustering {
	const struct classify_rule *rules;
	enum addr_family family;
	const uint32_t *rank; // an item's
	uint32_t n;
	struct span *span;	  // SIDES an item
	uint32_t *sorted[ORDERS]; // items; those of a part lie together in all of them
	uint32_t *scratch;
	bool *left; // an item
};

static unsigned bit_length(addr_bits bits)
{
	uint64_t high = (uint64_t)(bits >> 64), low = (uint64_t)bits;

	if (high)
		return 128 - (unsigned)__builtin_clzll(high);
	return low ? 64 - (unsigned)__builtin_clzll(low) : 0;
}

static struct side side_of(const struct clustering *c, uint32_t rank, unsigned side)
{
	const struct classify_rule *rule = &c->rules[rank];
	const struct addr_range *range = side == 0 ? &rule->source : &rule->destination;

	if (side == 2) {
		const struct classify_range *port = &rule->field[CLASSIFY_PORT];
		const struct classify_range *protocol = &rule->field[CLASSIFY_PROTOCOL];

		return (struct side){ (addr_bits)protocol->lo << 16 | port->lo,
				      (addr_bits)protocol->hi << 16 | port->hi,
				      2 * bit_length(port->hi - port->lo) };
	}
	if (rule->any_family)
		return (struct side){ 0, addr_max(c->family), addr_width(c->family) };
	return (struct side){ range->lo, range->hi, bit_length(range->hi - range->lo) };
}

// --- samples of packets

static int by_bits(const void *a, const void *b)
{
	addr_bits x = *(const addr_bits *)a, y = *(const addr_bits *)b;

	return (x > y) - (x < y);
}

static uint64_t next_number(uint64_t *state) // xorshift64, the same for the same rules
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

// Ends and middles of the sides of rules, sorted.
static void take_samples(const struct clustering *c, unsigned side, addr_bits *ret)
{
	uint64_t state = 0x9e3779b97f4a7c15 + side;

	for (unsigned i = 0; i < SAMPLES; i++) {
		uint32_t item = (uint32_t)(next_number(&state) % c->n);
		struct side of = side_of(c, c->rank[item], side);

		switch (next_number(&state) % 3) {
		case 0:
			ret[i] = of.lo;
			break;
		case 1:
			ret[i] = of.hi;
			break;
		default:
			ret[i] = of.lo + (of.hi - of.lo) / 2;
			break;
		}
	}
	qsort(ret, SAMPLES, sizeof(*ret), by_bits);
}

// How many samples are less than the bits.
static uint16_t samples_below(const addr_bits *samples, addr_bits bits)
{
	uint16_t at = 0;

	for (uint16_t step = SAMPLES / 2; step; step /= 2)
		at += samples[at + step - 1] < bits ? step : 0;
	return (uint16_t)(at + (samples[at] < bits));
}

static void find_spans(struct clustering *c, unsigned side)
{
	addr_bits samples[SAMPLES];

	take_samples(c, side, samples);
	for (uint32_t i = 0; i < c->n; i++) {
		struct side of = side_of(c, c->rank[i], side);
		struct span *span = &c->span[i * SIDES + side];

		span->first = samples_below(samples, of.lo);
		span->last = of.hi + 1 ? samples_below(samples, of.hi + 1) : SAMPLES;
	}
}

// --- orders

struct sort_key {
	addr_bits place;
	unsigned size;
	uint32_t item;
};

static int by_key(const void *a, const void *b)
{
	const struct sort_key *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

static void sort_items(struct clustering *c, unsigned order)
{
	struct sort_key *keys = vec_zeroed(c->n, sizeof(*keys));

	c->sorted[order] = vec_zeroed(c->n, sizeof(uint32_t));
	for (uint32_t i = 0; i < c->n; i++) {
		struct side of = side_of(c, c->rank[i], order % SIDES);

		keys[i] = (struct sort_key){ of.lo, order < SIDES ? 0 : of.size / 8, i };
	}
	qsort(keys, c->n, sizeof(*keys), by_key);
	for (uint32_t i = 0; i < c->n; i++)
		c->sorted[order][i] = keys[i].item;
	free(keys);
}

// --- halving

// How many of SAMPLES^3 packets would look at a block of these items.
static uint64_t cost_of(const struct clustering *c, const uint32_t *items, uint32_t n)
{
	uint64_t product = 1;

	for (unsigned side = 0; side < SIDES; side++) {
		uint16_t reach[SAMPLES + 1] = { 0 }, end = 0;
		uint64_t count = 0;

		for (uint32_t i = 0; i < n; i++) {
			const struct span *span = &c->span[items[i] * SIDES + side];

			if (span->last > reach[span->first])
				reach[span->first] = span->last;
		}
		for (uint16_t s = 0; s < SAMPLES; s++) {
			end = reach[s] > end ? reach[s] : end;
			count += end > s;
		}
		product *= count;
	}
	return product;
}

// Halves at a whole number of blocks.
static uint32_t cut_of(uint32_t n)
{
	uint32_t blocks = (n + BLOCK_RULES - 1) / BLOCK_RULES;

	return (blocks + 1) / 2 * BLOCK_RULES;
}

static unsigned best_order(const struct clustering *c, uint32_t at, uint32_t n)
{
	uint64_t least = UINT64_MAX;
	unsigned best = 0;

	for (unsigned order = 0; order < ORDERS; order++) {
		const uint32_t *items = c->sorted[order] + at;
		uint64_t cost =
			cost_of(c, items, cut_of(n)) + cost_of(c, items + cut_of(n), n - cut_of(n));

		if (cost < least) {
			least = cost;
			best = order;
		}
	}
	return best;
}

// Brings the items of the left half to the front of every order.
static void part(struct clustering *c, unsigned by, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		c->left[c->sorted[by][at + i]] = i < cut_of(n);
	for (unsigned order = 0; order < ORDERS; order++) {
		uint32_t *items = c->sorted[order] + at, n_left = 0, n_right = 0;

		for (uint32_t i = 0; i < n; i++) {
			if (c->left[items[i]])
				items[n_left++] = items[i];
			else
				c->scratch[n_right++] = items[i];
		}
		memcpy(items + n_left, c->scratch, n_right * sizeof(*items));
	}
}

static void halve_all(struct clustering *c)
{
	struct {
		uint32_t at, n;
	} stack[2 * DEPTH_MAX] = { { 0, c->n } };
	unsigned depth = 1;

	while (depth > 0) {
		uint32_t at = stack[--depth].at, n = stack[depth].n;

		if (n <= BLOCK_RULES)
			continue;
		part(c, best_order(c, at, n), at, n);
		stack[depth].at = at + cut_of(n);
		stack[depth++].n = n - cut_of(n);
		stack[depth].at = at;
		stack[depth++].n = cut_of(n);
	}
}

static int by_rank(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void cluster_rules(const struct classify_rule *rules, enum addr_family family, uint32_t *order,
		   uint32_t n)
{
	uint32_t *rank = vec_zeroed(n, sizeof(*rank));
	struct clustering c = { .rules = rules, .family = family, .rank = rank, .n = n };

	memcpy(rank, order, n * sizeof(*rank));
	c.span = vec_zeroed((size_t)n * SIDES, sizeof(*c.span));
	c.scratch = vec_zeroed(n, sizeof(*c.scratch));
	c.left = vec_zeroed(n, sizeof(*c.left));
	for (unsigned side = 0; side < SIDES; side++)
		find_spans(&c, side);
	for (unsigned o = 0; o < ORDERS; o++)
		sort_items(&c, o);
	halve_all(&c);
	for (uint32_t i = 0; i < n; i++)
		order[i] = rank[c.sorted[0][i]];
	for (uint32_t start = 0; start < n; start += BLOCK_RULES)
		qsort(order + start, n - start < BLOCK_RULES ? n - start : BLOCK_RULES,
		      sizeof(*order), by_rank);
	for (unsigned o = 0; o < ORDERS; o++)
		free(c.sorted[o]);
	free(c.span);
	free(c.scratch);
	free(c.left);
	free(rank);
}
