#include "classify/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

enum {
	SIDES = 3, // source, destination, service
	SAMPLES = 512,
	ORDERS = 2 * SIDES,    // by place, by size and place
	CUTS = 7,	       // tried of each address
	BOTH_MAX_PERCENT = 35, // of a part: more are not put on both sides of a cut
	LEFT = 1,
	RIGHT = 2,
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
	cluster_slots_t items;
	addr_bits samples[SIDES][SAMPLES]; // sorted
	struct span *span;		   // SIDES an item
	uint32_t *right;		   // an item that is cut: its right part
	uint8_t *goes;			   // an item: LEFT, RIGHT
};

static unsigned bit_length(addr_bits bits)
{
	uint64_t high = (uint64_t)(bits >> 64), low = (uint64_t)bits;

	if (high)
		return 128 - (unsigned)__builtin_clzll(high);
	return low ? 64 - (unsigned)__builtin_clzll(low) : 0;
}

static struct side side_of(const struct clustering *c, uint32_t item, unsigned side)
{
	const struct cluster_slot *slot = &c->items.v[item];
	const struct classify_rule *rule = &c->rules[slot->rank];

	if (side == 2) {
		const struct classify_range *port = &rule->field[CLASSIFY_PORT];
		const struct classify_range *protocol = &rule->field[CLASSIFY_PROTOCOL];

		return (struct side){ (addr_bits)protocol->lo << 16 | port->lo,
				      (addr_bits)protocol->hi << 16 | port->hi,
				      2 * bit_length(port->hi - port->lo) };
	}
	return (struct side){ slot->lo[side], slot->hi[side],
			      bit_length(slot->hi[side] - slot->lo[side]) };
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
		uint32_t item = (uint32_t)(next_number(&state) % c->items.n);
		struct side of = side_of(c, item, side);

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
	addr_bits *samples = c->samples[side];

	take_samples(c, side, samples);
	for (uint32_t i = 0; i < c->items.n; i++) {
		struct side of = side_of(c, i, side);
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

static void sort_items(const struct clustering *c, unsigned order, uint32_t *ret)
{
	uint32_t n = (uint32_t)c->items.n;
	struct sort_key *keys = vec_zeroed(n, sizeof(*keys));

	for (uint32_t i = 0; i < n; i++) {
		struct side of = side_of(c, i, order % SIDES);

		keys[i] = (struct sort_key){ of.lo, order < SIDES ? 0 : of.size / 8, i };
	}
	qsort(keys, n, sizeof(*keys), by_key);
	for (uint32_t i = 0; i < n; i++)
		ret[i] = keys[i].item;
	free(keys);
}

// --- ways to part

// The items of a part, in each order.
struct part {
	uint32_t *sorted[ORDERS];
	uint32_t n;
	uint32_t blocks; // that it may become
};

typedef VEC(struct part) parts_t;

struct way {
	unsigned order;
	uint32_t k; // so many go to the left part
	// A cut: the order is the place of a side; what of the left ends at `at` or beyond goes to
	// the right as well.
	bool cut;
	addr_bits at;
	uint16_t samples; // below `at`
	uint32_t n_both;
};

// Which of a side's samples some item holds: for each first one the furthest end.
struct reach {
	uint16_t end[SIDES][SAMPLES + 1];
};

static uint32_t blocks_of(uint32_t n)
{
	return (n + BLOCK_RULES - 1) / BLOCK_RULES;
}

static void reach_add(struct reach *reach, unsigned side, struct span span)
{
	if (span.last > reach->end[side][span.first])
		reach->end[side][span.first] = span.last;
}

// How many of SAMPLES^3 packets would look at a part; more blocks are more to look at.  With
// each doubling of a part they were seen to look at a quarter more of its blocks.
static double reach_cost(const struct reach *reach, uint32_t n)
{
	const double by_doubling = 1.23;
	double blocks = blocks_of(n), product = 1;

	for (unsigned side = 0; side < SIDES; side++) {
		uint16_t end = 0;
		unsigned count = 0;

		for (uint16_t s = 0; s < SAMPLES; s++) {
			end = reach->end[side][s] > end ? reach->end[side][s] : end;
			count += end > s;
		}
		product *= count;
	}
	for (; blocks >= 2; blocks /= 2)
		product *= by_doubling;
	return product * (1 + (by_doubling - 1) * (blocks - 1));
}

static struct span span_below(struct span span, uint16_t at)
{
	return (struct span){ span.first < at ? span.first : at, span.last < at ? span.last : at };
}

static struct span span_from(struct span span, uint16_t at)
{
	return (struct span){ span.first > at ? span.first : at, span.last > at ? span.last : at };
}

// Whether an item is on both sides of a cut; i: its place in the order.
static bool on_both(const struct clustering *c, const struct way *way, uint32_t i, uint32_t item)
{
	return way->cut && i < way->k && c->items.v[item].hi[way->order] >= way->at;
}

static double cost_of(const struct clustering *c, const struct part *part, const struct way *way)
{
	const uint32_t *items = part->sorted[way->order];
	struct reach left = { 0 }, right = { 0 };

	for (uint32_t i = 0; i < part->n; i++) {
		bool both = on_both(c, way, i, items[i]);

		for (unsigned side = 0; side < SIDES; side++) {
			struct span span = c->span[items[i] * SIDES + side];
			bool parted = way->cut && side == way->order;

			if (i < way->k)
				reach_add(&left, side,
					  parted ? span_below(span, way->samples) : span);
			if (i >= way->k || both)
				reach_add(&right, side,
					  parted ? span_from(span, way->samples) : span);
		}
	}
	return reach_cost(&left, way->k) + reach_cost(&right, part->n - way->k + way->n_both);
}

// A cut below the k-th item by place.  False: it is none, or it would put too much on both sides.
static bool find_cut(const struct clustering *c, const struct part *part, struct way *way)
{
	const uint32_t *items = part->sorted[way->order];

	while (way->k && c->items.v[items[way->k - 1]].lo[way->order] ==
				 c->items.v[items[way->k]].lo[way->order])
		way->k--;
	way->at = c->items.v[items[way->k]].lo[way->order];
	way->samples = samples_below(c->samples[way->order], way->at);
	for (uint32_t i = 0; i < way->k; i++)
		way->n_both += on_both(c, way, i, items[i]);
	return way->k && way->n_both <= (uint64_t)part->n * BOTH_MAX_PERCENT / 100 &&
	       blocks_of(way->k) + blocks_of(part->n - way->k + way->n_both) <= part->blocks;
}

static struct way best_way(const struct clustering *c, const struct part *part)
{
	uint32_t blocks = blocks_of(part->n), last = 0;
	struct way best = { 0 };
	double least = 0;

	for (unsigned order = 0; order < ORDERS; order++) {
		struct way way = { .order = order, .k = (blocks + 1) / 2 * BLOCK_RULES };
		double cost = cost_of(c, part, &way);

		if (order == 0 || cost < least) {
			least = cost;
			best = way;
		}
	}
	for (unsigned i = 0; i < 2 * CUTS && part->blocks > blocks; i++) {
		struct way way = { .order = i % 2, .cut = true };

		way.k = blocks * (i / 2 + 1) / (CUTS + 1) * BLOCK_RULES;
		if (way.k == 0 || (i % 2 == 0 && way.k == last))
			continue;
		last = i % 2 ? way.k : last;
		if (!find_cut(c, part, &way))
			continue;
		double cost = cost_of(c, part, &way) * (1 + (double)way.n_both / part->n);

		if (cost < least) {
			least = cost;
			best = way;
		}
	}
	return best;
}

// --- parting

static struct part part_new(uint32_t n)
{
	struct part part = { .n = n };

	for (unsigned order = 0; order < ORDERS; order++)
		part.sorted[order] = vec_zeroed(n, sizeof(uint32_t));
	return part;
}

static void part_done(struct part *part)
{
	for (unsigned order = 0; order < ORDERS; order++)
		free(part->sorted[order]);
}

// Cuts an item in two: the right part is a new one.
static void cut_item(struct clustering *c, const struct way *way, uint32_t item)
{
	uint32_t right = (uint32_t)c->items.n;
	struct span *span = &c->span[item * SIDES + way->order];

	struct cluster_slot slot = c->items.v[item];

	slot.lo[way->order] = way->at;
	vec_push(&c->items, slot);
	memcpy(&c->span[right * SIDES], &c->span[item * SIDES], SIDES * sizeof(*c->span));
	c->items.v[item].hi[way->order] = way->at - 1;
	c->span[right * SIDES + way->order] = span_from(*span, way->samples);
	*span = span_below(*span, way->samples);
	c->right[item] = right;
}

// Tells of each item where it goes: c->goes, c->right.
static void assign(struct clustering *c, const struct part *part, const struct way *way)
{
	for (uint32_t i = 0; i < part->n; i++) {
		uint32_t item = part->sorted[way->order][i];

		c->goes[item] = i < way->k ? LEFT : RIGHT;
		if (on_both(c, way, i, item)) {
			c->goes[item] = LEFT | RIGHT;
			cut_item(c, way, item);
		}
	}
}

static void part_in_two(struct clustering *c, const struct part *part, const struct way *way,
			struct part *left, struct part *right)
{
	assign(c, part, way);
	*left = part_new(way->k);
	*right = part_new(part->n - way->k + way->n_both);
	for (unsigned order = 0; order < ORDERS; order++) {
		// By place, what was cut comes first on the right.
		bool first = way->cut && order == way->order;
		uint32_t n_left = 0, n_right = 0, after = first ? way->n_both : 0;

		for (uint32_t i = 0; i < part->n; i++) {
			uint32_t item = part->sorted[order][i];

			if (c->goes[item] & LEFT)
				left->sorted[order][n_left++] = item;
			if (c->goes[item] == (LEFT | RIGHT))
				right->sorted[order][first ? n_right++ : after++] = c->right[item];
			else if (c->goes[item] == RIGHT)
				right->sorted[order][after++] = item;
		}
	}
	uint32_t most = part->blocks - blocks_of(right->n);
	uint64_t share = (uint64_t)part->blocks * blocks_of(left->n) /
			 (blocks_of(left->n) + blocks_of(right->n));

	share = share < blocks_of(left->n) ? blocks_of(left->n) : share;
	left->blocks = share < most ? (uint32_t)share : most;
	right->blocks = part->blocks - left->blocks;
}

static int by_rank(const void *a, const void *b)
{
	const struct cluster_slot *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

static void put_block(const struct clustering *c, const struct part *part, cluster_slots_t *ret)
{
	while (ret->n % BLOCK_RULES) {
		struct cluster_slot last = ret->v[ret->n - 1];

		vec_push(ret, last);
	}
	for (uint32_t i = 0; i < part->n; i++)
		vec_push(ret, c->items.v[part->sorted[0][i]]);
	qsort(ret->v + ret->n - part->n, part->n, sizeof(*ret->v), by_rank);
}

static void part_all(struct clustering *c, uint32_t blocks_max, cluster_slots_t *ret)
{
	parts_t parts = { 0 };
	struct part all = part_new((uint32_t)c->items.n);
	uint32_t spare = 0;

	for (unsigned order = 0; order < ORDERS; order++)
		sort_items(c, order, all.sorted[order]);
	all.blocks = blocks_max;
	vec_push(&parts, all);
	while (parts.n) {
		struct part part = parts.v[--parts.n], left, right;

		part.blocks += spare;
		spare = 0;
		if (part.n <= BLOCK_RULES) {
			put_block(c, &part, ret);
			spare = part.blocks - 1;
		} else {
			struct way way = best_way(c, &part);

			part_in_two(c, &part, &way, &left, &right);
			vec_push(&parts, right);
			vec_push(&parts, left);
		}
		part_done(&part);
	}
	vec_done(&parts);
}

void cluster_rules(const struct classify_rule *rules, uint32_t blocks_max, cluster_slots_t *slots)
{
	struct clustering c = { .rules = rules, .items = *slots };
	size_t most = (size_t)blocks_max * BLOCK_RULES;

	c.span = vec_zeroed(most * SIDES, sizeof(*c.span));
	c.right = vec_zeroed(most, sizeof(*c.right));
	c.goes = vec_zeroed(most, sizeof(*c.goes));
	for (unsigned side = 0; side < SIDES; side++)
		find_spans(&c, side);
	*slots = (cluster_slots_t){ 0 };
	part_all(&c, blocks_max, slots);
	vec_done(&c.items);
	free(c.span);
	free(c.right);
	free(c.goes);
}
