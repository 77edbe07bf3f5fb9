#include "classify/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify/cluster.h"
#include "classify/service.h"
#include "classify/tree.h"

struct part_making {
	const struct classify_rule *rules;
	const uint32_t *hider; // NULL: nothing is hidden
	enum addr_family family;
	uint32_t *order; // a slot: rank
	uint32_t n_slots;
	struct writer *writer;
	struct rows rows[IMAGE_AXES_MAX];
	struct image_part *part;
};

struct pool { // of vectors
	struct rows_vector *v;
	uint32_t n;
};

static struct tree_side *sides_of(const struct part_making *making, bool source)
{
	struct tree_side *sides = vec_zeroed(making->n_slots, sizeof(*sides));

	for (uint32_t s = 0; s < making->n_slots; s++) {
		const struct classify_rule *rule = &making->rules[making->order[s]];
		const struct addr_range *range = source ? &rule->source : &rule->destination;

		sides[s] = (struct tree_side){ range->lo, range->hi };
		if (rule->any_family)
			sides[s] = (struct tree_side){ 0, addr_max(making->family) };
	}
	return sides;
}

static void build_side(struct part_making *making, unsigned axis)
{
	struct tree_side *sides = sides_of(making, axis == 0);

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
		memcpy(rules[s].field, making->rules[making->order[s]].field,
		       sizeof(rules[s].field));
	service_build(rules, making->n_slots, &sink, making->writer, making->part);
	free(rules);
}

// Adds the vectors of an axis to the pool, block by block.
static void put_axis(const struct part_making *making, const struct rows *rows, struct pool *pool,
		     struct image_axis *ret)
{
	uint32_t *base = vec_zeroed(rows->n_words * 64, sizeof(*base)), sum = pool->n;

	for (uint32_t b = 0; b < rows->n_blocks; b++) {
		base[b] = sum;
		sum += rows->block_vectors[b];
	}
	for (size_t i = 0; i < rows->vectors.n; i++)
		pool->v[base[rows->vector_block.v[i]] + rows->vector_id.v[i]] = rows->vectors.v[i];
	pool->n = sum;
	if (making->part->form == IMAGE_NARROW)
		rows_number(rows, base);
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
	struct pool pool = { vec_zeroed(total, sizeof(struct rows_vector)), part->n_blocks };

	for (uint32_t s = 0; s < making->n_slots; s++)
		pool.v[s / BLOCK_RULES].word[s % BLOCK_RULES / 64] |= 1ULL << s % 64;
	for (unsigned axis = 0; axis < n_axes; axis++)
		put_axis(making, &making->rows[axis], &pool, &part->axis[axis]);
	part->vectors = writer_put(making->writer, pool.v, pool.n, sizeof(*pool.v), 0);
	free(pool.v);
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
			making->order[s];
	part->order = writer_put(making->writer, order, n_order, sizeof(*order), 0);
	free(order);
}

static void choose_form(struct part_making *making)
{
	struct image_part *part = making->part;
	uint32_t n = making->n_slots;

	part->n_slots = n;
	part->n_blocks = (n + BLOCK_RULES - 1) / BLOCK_RULES;
	part->form = n == 0			       ? IMAGE_EMPTY
		     : n <= FLAT_RULES		       ? IMAGE_FLAT
		     : part->n_blocks <= NARROW_BLOCKS ? IMAGE_NARROW
						       : IMAGE_WIDE;
	if (part->form == IMAGE_FLAT)
		part->n_blocks = FLAT_BLOCKS;
	else if (part->form != IMAGE_EMPTY)
		cluster_rules(making->rules, making->family, making->order, n);
	part->n_words = (part->n_blocks + 63) / 64;
}

static int build_part(struct part_making *making, uint32_t n)
{
	struct image_part *part = making->part;
	bool overflow = false;

	making->order = vec_zeroed(n, sizeof(*making->order));
	for (uint32_t i = 0; i < n; i++)
		if (classify_rule_has_family(&making->rules[i], making->family) &&
		    (!making->hider || making->hider[i] == CLASSIFY_NONE))
			making->order[making->n_slots++] = i;
	choose_form(making);
	if (part->form != IMAGE_EMPTY) {
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
	}
	free(making->order);
	return overflow ? -EFBIG : 0;
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
