#include "classify/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify/cluster.h"
#include "classify/service.h"
#include "classify/tree.h"

enum {
	BYTES_A_RULE = 150,
	BLOCKS_PERCENT = 170, // of those that it takes without cuts
};

struct part_making {
	const struct classify_rule *rules;
	const uint32_t *hider; // NULL: nothing is hidden
	enum addr_family family;
	cluster_slots_t slots;
	uint32_t n_slots;
	struct writer *writer;
	struct rows rows[IMAGE_AXES_MAX];
	struct image_part *part;
};

struct pool { // of vectors
	struct rows_vector *v;
	uint32_t n;
	uint32_t *index; // open addressing: number + 1, 0 is empty
	size_t cap;	 // a power of two
};

static struct tree_side *sides_of(const struct part_making *making, unsigned side)
{
	struct tree_side *sides = vec_zeroed(making->n_slots, sizeof(*sides));

	for (uint32_t s = 0; s < making->n_slots; s++)
		sides[s] = (struct tree_side){ making->slots.v[s].lo[side],
					       making->slots.v[s].hi[side] };
	return sides;
}

static void build_side(struct part_making *making, unsigned axis)
{
	struct tree_side *sides = sides_of(making, axis);

	tree_build(sides, making->n_slots, making->family, &making->rows[axis], making->writer,
		   &making->part->tree[axis]);
	free(sides);
}

static struct rows *group_rows(void *arg, uint32_t group)
{
	struct part_making *making = arg;

	rows_init(&making->rows[2 + group], making->part->n_blocks,
		  making->part->form == IMAGE_FLAT);
	return &making->rows[2 + group];
}

static void build_services(struct part_making *making)
{
	struct service_rule *rules = vec_zeroed(making->n_slots, sizeof(*rules));
	struct service_sink sink = { group_rows, making };

	for (uint32_t s = 0; s < making->n_slots; s++)
		memcpy(rules[s].field, making->rules[making->slots.v[s].rank].field,
		       sizeof(rules[s].field));
	service_build(rules, making->n_slots, &sink, making->writer, making->part);
	free(rules);
}

static struct pool pool_new(size_t most)
{
	struct pool pool = { .v = vec_zeroed(most, sizeof(*pool.v)), .cap = 64 };

	while (pool.cap < 2 * most)
		pool.cap *= 2;
	pool.index = vec_zeroed(pool.cap, sizeof(*pool.index));
	return pool;
}

static void pool_done(struct pool *pool)
{
	free(pool->v);
	free(pool->index);
}

// The number of a vector; equal ones have one.
static uint32_t pool_keep(struct pool *pool, const struct rows_vector *vector)
{
	size_t i = rows_vector_hash(vector) & (pool->cap - 1);

	for (; pool->index[i]; i = (i + 1) & (pool->cap - 1))
		if (memcmp(&pool->v[pool->index[i] - 1], vector, sizeof(*vector)) == 0)
			return pool->index[i] - 1;
	pool->v[pool->n] = *vector;
	pool->index[i] = ++pool->n;
	return pool->n - 1;
}

// Where an image is narrow, numbers are the pool's, and blocks and axes share vectors.
static void share_vectors(const struct rows *rows, const uint32_t *base, struct pool *pool)
{
	uint16_t *number = vec_zeroed(rows->vectors.n, sizeof(*number));

	for (size_t i = 0; i < rows->vectors.n; i++)
		number[base[rows->vector_block.v[i]] + rows->vector_id.v[i]] =
			(uint16_t)pool_keep(pool, &rows->vectors.v[i]);
	rows_number(rows, base, number);
	free(number);
}

// Adds the vectors of an axis to the pool, block by block.
static void put_axis(const struct part_making *making, const struct rows *rows, struct pool *pool,
		     struct image_axis *ret)
{
	bool narrow = making->part->form == IMAGE_NARROW;
	uint32_t *base = vec_zeroed(rows->n_words * 64, sizeof(*base));
	uint32_t sum = narrow ? 0 : pool->n;

	for (uint32_t b = 0; b < rows->n_blocks; b++) {
		base[b] = sum;
		sum += rows->block_vectors[b];
	}
	if (narrow) {
		share_vectors(rows, base, pool);
	} else {
		for (size_t i = 0; i < rows->vectors.n; i++)
			pool->v[base[rows->vector_block.v[i]] + rows->vector_id.v[i]] =
				rows->vectors.v[i];
		pool->n = sum;
	}
	ret->base = writer_put(making->writer, base, rows->n_words * 64, sizeof(*base), 0);
	ret->rows = writer_put(making->writer, rows->out.v, rows->out.n, sizeof(uint64_t), 0);
	free(base);
}

// Rows and vectors of all axes; the vectors of live rules come first.
static void put_axes(struct part_making *making)
{
	struct image_part *part = making->part;
	unsigned n_axes = 2 + part->n_groups;
	size_t total = part->n_blocks;

	for (unsigned axis = 0; axis < n_axes; axis++)
		total += making->rows[axis].vectors.n;
	if (total > NARROW_VECTORS)
		part->form = IMAGE_WIDE;
	struct pool pool = pool_new(total);

	pool.n = part->n_blocks;
	for (uint32_t s = 0; s < making->n_slots; s++)
		pool.v[s / BLOCK_RULES].word[s % BLOCK_RULES / 64] |= 1ULL << s % 64;
	for (unsigned axis = 0; axis < n_axes; axis++)
		put_axis(making, &making->rows[axis], &pool, &part->axis[axis]);
	part->vectors = writer_put(making->writer, pool.v, pool.n, sizeof(*pool.v), 0);
	pool_done(&pool);
}

static void put_order(struct part_making *making)
{
	struct image_part *part = making->part;
	bool flat = part->form == IMAGE_FLAT;
	uint32_t n_order = flat ? FLAT_NONE + 1 : part->n_blocks * ORDER_STRIDE;
	uint32_t *order = malloc(n_order * sizeof(*order));

	if (!order)
		abort();
	memset(order, 0xff, n_order * sizeof(*order));
	for (uint32_t s = 0; s < making->n_slots; s++)
		order[flat ? s : s / BLOCK_RULES * ORDER_STRIDE + s % BLOCK_RULES] =
			making->slots.v[s].rank;
	part->order = writer_put(making->writer, order, n_order, sizeof(*order), 0);
	free(order);
}

static uint32_t blocks_of(size_t n_slots)
{
	return (uint32_t)((n_slots + BLOCK_RULES - 1) / BLOCK_RULES);
}

// What cuts may make of so many rules.  A summary of more than one word would cost more time.
static uint32_t blocks_at_most(size_t n)
{
	uint32_t blocks = blocks_of(n), more = blocks * BLOCKS_PERCENT / 100;

	return blocks <= NARROW_BLOCKS && more > NARROW_BLOCKS ? NARROW_BLOCKS : more;
}

static void deal(struct part_making *making, uint32_t blocks_max)
{
	struct image_part *part = making->part;
	size_t n = making->slots.n;

	if (n > FLAT_RULES)
		cluster_rules(making->rules, blocks_max, &making->slots);
	making->n_slots = part->n_slots = (uint32_t)making->slots.n;
	part->n_blocks = n > FLAT_RULES ? blocks_of(making->slots.n) : FLAT_BLOCKS;
	part->form = n <= FLAT_RULES		       ? IMAGE_FLAT
		     : part->n_blocks <= NARROW_BLOCKS ? IMAGE_NARROW
						       : IMAGE_WIDE;
	part->n_words = (part->n_blocks + 63) / 64;
}

// Writes the tables of the slots in `making`.  False: a block has too many vectors.
static bool put_tables(struct part_making *making, uint32_t blocks_max)
{
	struct image_part *part = making->part;
	bool overflow = false;

	*part = (struct image_part){ 0 };
	deal(making, blocks_max);
	for (unsigned axis = 0; axis < 2; axis++) {
		rows_init(&making->rows[axis], part->n_blocks, part->form == IMAGE_FLAT);
		build_side(making, axis);
	}
	build_services(making);
	put_axes(making);
	for (unsigned axis = 0; axis < 2 + part->n_groups; axis++) {
		overflow |= making->rows[axis].overflow;
		rows_done(&making->rows[axis]);
	}
	put_order(making);
	return !overflow;
}

static cluster_slots_t slots_of(const struct part_making *making, uint32_t n)
{
	cluster_slots_t slots = { 0 };
	addr_bits max = addr_max(making->family);

	for (uint32_t i = 0; i < n; i++) {
		const struct classify_rule *rule = &making->rules[i];

		if (!classify_rule_has_family(rule, making->family) ||
		    (making->hider && making->hider[i] != CLASSIFY_NONE))
			continue;
		if (rule->any_family)
			vec_push(&slots, ((struct cluster_slot){ i, { 0, 0 }, { max, max } }));
		else
			vec_push(&slots, ((struct cluster_slot){
						 i,
						 { rule->source.lo, rule->destination.lo },
						 { rule->source.hi, rule->destination.hi } }));
	}
	return slots;
}

// As many blocks as cuts find useful; if they take more memory than a rule should, once more with
// fewer: memory grows somewhat faster than blocks.
static int build_part(struct part_making *making, uint32_t n)
{
	size_t before = making->writer->size;

	making->slots = slots_of(making, n);
	uint64_t room = (uint64_t)making->slots.n * BYTES_A_RULE;
	uint32_t least = blocks_of(making->slots.n);
	bool ok = making->slots.n == 0 || put_tables(making, blocks_at_most(making->slots.n));
	size_t size = making->writer->size - before;

	if (making->part->n_blocks > least && making->part->form == IMAGE_NARROW && size > room) {
		double share = (double)room / (double)size;
		uint32_t blocks = (uint32_t)(making->part->n_blocks * share * (1 + share) / 2);

		vec_done(&making->slots);
		writer_go_back(making->writer, before);
		making->slots = slots_of(making, n);
		ok = put_tables(making, blocks > least ? blocks : least);
	}
	vec_done(&making->slots);
	return ok ? 0 : -EFBIG;
}

int build_image(const struct classify_rule *rules, uint32_t n, const uint32_t *hider,
		void **ret_bytes, size_t *ret_size)
{
	static const enum addr_family family[2] = { ADDR_V4, ADDR_V6 };
	struct image_header header = { .magic = "sekicls", .version = IMAGE_VERSION, .n_rules = n };
	struct writer writer = { 0 };
	uint32_t *results;
	int r = 0;

	if (n > CLASSIFY_RULES_MAX)
		return -E2BIG;
	writer_put(&writer, &header, 1, sizeof(header), 0);
	results = vec_zeroed(n, sizeof(*results));
	for (uint32_t i = 0; i < n; i++)
		results[i] = rules[i].result;
	header.results = writer_put(&writer, results, n, sizeof(*results), 0);
	free(results);
	for (unsigned p = 0; p < 2 && r == 0; p++) {
		struct part_making making = { .rules = rules,
					      .hider = hider,
					      .family = family[p],
					      .writer = &writer,
					      .part = &header.part[p] };

		r = build_part(&making, n);
	}
	if (r == 0 && writer.full)
		r = -EFBIG;
	if (r < 0) {
		writer_done(&writer);
		return r;
	}
	header.size = writer.size;
	memcpy(writer.bytes, &header, sizeof(header));
	*ret_bytes = writer.bytes;
	*ret_size = writer.size;
	return 0;
}
