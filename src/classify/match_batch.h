// The steps of the vector matchers, which include this after they defined for their instructions:
// - below_v4(node, x), below_v6(node, x): how many of a node's keys are less than x
// - first_flat(row, n, live): the first bit of the AND of n flat rows, or FLAT_NONE; live may be
//   NULL, when no rule is deleted
// - first_in_block(v, n, live): the same of a block's vectors, or ORDER_NONE
// - list_blocks(out, summary, first): the numbers of the bits, plus first; up to 64
//
// Each step goes through the whole batch before the next begins, so that the misses of many packets
// are under way together.  No branch depends on a packet.
#include "classify/match.h"

enum {
	WORK_MAX = MATCH_BATCH * NARROW_BLOCKS + 64,
	WORK_FULL = WORK_MAX - 2 * 64,
};

struct batch {
	const uint64_t *row[IMAGE_AXES_MAX][MATCH_BATCH];
	uint32_t best[MATCH_BATCH];
	uint16_t block[WORK_MAX + 64];		   // what is to be looked at: a block
	uint8_t packet[WORK_MAX + 64];		   // of a packet
	uint32_t vector[IMAGE_AXES_MAX][WORK_MAX]; // and there these, if they are found before
};

#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

// What an instance of the steps is made for.
struct made_for {
	bool v6, zones, whole, prefetch; // whole: no rule is deleted
	enum image_form form;
	unsigned n_axes;
};

// --- addresses

INLINE void find_v4(const struct view_tree *tree, const struct view_axis *axis,
		    const struct classify_v4 *keys, size_t n, bool source, uint32_t n_levels,
		    bool prefetch, const uint64_t **ret_row)
{
	const uint32_t *nodes = tree->nodes, *rows = tree->rows;
	const uint64_t *axis_rows = axis->rows;
	const uint16_t *root = tree->root;
	uint32_t shift = tree->shift;

	for (size_t i = 0; i < n; i++) {
		const uint32_t *x = source ? &keys[i].source : &keys[i].destination;
		uint32_t node = root[*x >> shift];

		UNROLL
		for (uint32_t l = 0; l < n_levels; l++) {
			const uint32_t *at = nodes + (size_t)node * (V4_KEYS + 1);

			node = at[V4_KEYS] + below_v4(at, x);
		}
		ret_row[i] = axis_rows + rows[node];
		if (prefetch) { // a wide row has two lines or three
			__builtin_prefetch(ret_row[i]);
			__builtin_prefetch(ret_row[i] + 8);
		}
	}
}

// The number of levels is made known to the compiler.
INLINE void find_side_v4(const struct view *view, const void *keys, size_t n, unsigned side,
			 bool prefetch, const uint64_t **ret_row)
{
	const struct view_tree *tree = &view->tree[side];
	const struct view_axis *axis = &view->axis[side];

	if (tree->n_levels == 1)
		find_v4(tree, axis, keys, n, side == 0, 1, prefetch, ret_row);
	else if (tree->n_levels == 2)
		find_v4(tree, axis, keys, n, side == 0, 2, prefetch, ret_row);
	else
		find_v4(tree, axis, keys, n, side == 0, tree->n_levels, prefetch, ret_row);
}

INLINE uint32_t root_v6(const struct view_tree *tree, uint64_t high)
{
	uint64_t entry = (high < tree->first ? 0 : high - tree->first) >> tree->shift;

	return tree->root[entry < tree->n_root ? entry : tree->n_root - 1];
}

// How many of a run's low halves are below the address.  Most runs are short: RUN_QUICK of them are
// compared without a branch, and what follows a shorter run is read but does not count.
INLINE uint32_t run_v6(const struct view_tree *tree, uint32_t node, const uint64_t *address)
{
	uint32_t at = tree->runs[node], n = tree->runs[node + 1] - at, below = 0;

	n = tree->highs[node] == address[0] ? n : 0;
	while (__builtin_expect(n > RUN_QUICK, 0)) {
		uint32_t half = n / 2;
		bool upper = tree->lows[at + half - 1] < address[1];

		at += upper ? half : 0;
		n = upper ? n - half : half;
	}
	UNROLL
	for (uint32_t k = 0; k < RUN_QUICK; k++)
		below += (k < n) & (tree->lows[at + k] < address[1]);
	return at + below;
}

INLINE void find_v6(const struct view_tree *tree, const struct view_axis *axis,
		    const struct classify_v6 *keys, size_t n, bool source, bool prefetch,
		    const uint64_t **ret_row)
{
	uint32_t node[MATCH_BATCH];
	const uint64_t *nodes = tree->nodes;

	for (size_t i = 0; i < n; i++)
		node[i] = root_v6(tree, source ? keys[i].source[0] : keys[i].destination[0]);
	for (uint32_t l = 0; l < tree->n_levels; l++)
		for (size_t i = 0; i < n; i++) {
			const uint64_t *at = nodes + (size_t)node[i] * (V6_KEYS + 1);

			node[i] = (uint32_t)at[V6_KEYS] +
				  below_v6(at, source ? keys[i].source[0] : keys[i].destination[0]);
		}
	for (size_t i = 0; i < n; i++)
		node[i] = run_v6(tree, node[i], source ? keys[i].source : keys[i].destination);
	for (size_t i = 0; i < n; i++) {
		ret_row[i] = axis->rows + tree->rows[node[i]];
		if (prefetch)
			__builtin_prefetch(ret_row[i]);
	}
}

// --- services

INLINE uint32_t class_of(const struct view_map *map, uint16_t value, struct made_for how)
{
	uint32_t chunk = map->root[value / MAP_CHUNK];
	uint32_t class = map->chunk[chunk * MAP_CHUNK + value % MAP_CHUNK];

	return how.form == IMAGE_WIDE ? class * map->stride : class;
}

INLINE void find_services(const struct view *view, const void *keys, size_t n, struct batch *batch,
			  struct made_for how)
{
	unsigned n_fields = how.zones ? CLASSIFY_FIELDS : CLASSIFY_ZONE_IN;
	unsigned n_groups = how.n_axes - 2;

	for (size_t i = 0; i < n; i++) {
		const uint16_t *field = how.v6 ? ((const struct classify_v6 *)keys)[i].field
					       : ((const struct classify_v4 *)keys)[i].field;
		uint32_t index[IMAGE_GROUPS_MAX] = { 0 };

		UNROLL
		for (unsigned f = 0; f < n_fields; f++)
			index[n_groups == 1 ? 0 : view->map[f].group] +=
				class_of(&view->map[f], field[f], how);
		UNROLL
		for (unsigned g = 0; g < n_groups; g++) {
			batch->row[2 + g][i] = view->axis[2 + g].rows + view->group[g][index[g]];
			if (how.prefetch)
				__builtin_prefetch(batch->row[2 + g][i]);
		}
	}
}

// --- rules

INLINE void match_flat(const struct view *view, struct batch *batch, size_t n, struct made_for how,
		       uint32_t *ret_rank)
{
	const uint64_t *live = how.whole ? NULL : view->live;
	const uint32_t *order = view->order;

	for (size_t i = 0; i < n; i++) {
		const uint64_t *row[IMAGE_AXES_MAX] = { NULL };

		UNROLL
		for (unsigned a = 0; a < how.n_axes; a++)
			row[a] = batch->row[a][i];
		ret_rank[i] = order[first_flat(row, how.n_axes, live)];
	}
}

// The number of a block's vector in a row that has the block.
INLINE size_t vector_of(const struct view *view, const struct view_axis *axis, const uint64_t *row,
			uint32_t block, struct made_for how)
{
	const uint16_t *halves = (const uint16_t *)row;

	if (how.form == IMAGE_NARROW)
		return halves[4 + lower_bits(*row, block)];
	uint32_t word = block / 64;
	uint32_t id = halves[view->n_words * 4 + word] + lower_bits(row[word], block % 64);

	if (view->n_words == 1)
		id = lower_bits(*row, block);
	return (size_t)halves[view->ids_at + id] + axis->base[block];
}

// Where the vectors are on their way to be read, they are found in a pass before.
INLINE void find_vectors(const struct view *view, struct batch *batch, size_t n_work,
			 struct made_for how)
{
	for (size_t i = 0; i < n_work; i++) {
		UNROLL
		for (unsigned a = 0; a < how.n_axes; a++) {
			size_t vector =
				vector_of(view, &view->axis[a], batch->row[a][batch->packet[i]],
					  batch->block[i], how);

			batch->vector[a][i] = (uint32_t)vector;
			__builtin_prefetch(view->vectors + BLOCK_WORDS * vector);
		}
	}
}

INLINE void do_work(const struct view *view, struct batch *batch, size_t n_work,
		    struct made_for how)
{
	const uint64_t *vectors = view->vectors, *live = view->live;
	const uint32_t *order = view->order;

	if (how.prefetch)
		find_vectors(view, batch, n_work, how);
	for (size_t i = 0; i < n_work; i++) {
		uint32_t block = batch->block[i], packet = batch->packet[i];
		const uint64_t *v[IMAGE_AXES_MAX] = { NULL };

		UNROLL
		for (unsigned a = 0; a < how.n_axes; a++)
			v[a] = vectors + BLOCK_WORDS * (how.prefetch
								? batch->vector[a][i]
								: vector_of(view, &view->axis[a],
									    batch->row[a][packet],
									    block, how));
		uint32_t slot = first_in_block(v, how.n_axes,
					       how.whole ? NULL : live + block * BLOCK_WORDS);
		uint32_t rank = order[block * ORDER_STRIDE + slot];
		uint32_t best = batch->best[packet];

		batch->best[packet] = rank < best ? rank : best;
	}
}

INLINE void match_blocks(const struct view *view, struct batch *batch, size_t n,
			 struct made_for how, uint32_t *ret_rank)
{
	uint32_t n_words = how.form == IMAGE_NARROW ? 1 : view->n_words;
	size_t n_work = 0;

	for (size_t i = 0; i < n; i++) {
		batch->best[i] = CLASSIFY_NONE;
		for (uint32_t w = 0; w < n_words; w++) {
			uint64_t left = batch->row[0][i][w];

			UNROLL
			for (unsigned a = 1; a < how.n_axes; a++)
				left &= batch->row[a][i][w];
			list_blocks(batch->block + n_work, left, (uint16_t)(w * 64));
			memset(batch->packet + n_work, (int)i, 64);
			n_work += (size_t)__builtin_popcountll(left);
			if (how.form == IMAGE_WIDE && __builtin_expect(n_work > WORK_FULL, 0)) {
				do_work(view, batch, n_work, how);
				n_work = 0;
			}
		}
	}
	do_work(view, batch, n_work, how);
	memcpy(ret_rank, batch->best, n * sizeof(*ret_rank));
}

INLINE void match_some(const struct view *view, const void *keys, size_t n, struct batch *batch,
		       struct made_for how, uint32_t *ret_rank)
{
	for (unsigned a = 0; a < 2; a++) {
		if (how.v6)
			find_v6(&view->tree[a], &view->axis[a], keys, n, a == 0, how.prefetch,
				batch->row[a]);
		else
			find_side_v4(view, keys, n, a, how.prefetch, batch->row[a]);
	}
	find_services(view, keys, n, batch, how);
	if (how.form == IMAGE_FLAT)
		match_flat(view, batch, n, how, ret_rank);
	else
		match_blocks(view, batch, n, how, ret_rank);
}

// A function for one kind of view: n any number.
#define MATCHER(name, ...)                                                                         \
	static __attribute__((noinline)) void name(const struct view *view, const void *keys,      \
						   size_t n, uint32_t *ret_rank)                   \
	{                                                                                          \
		struct made_for how = { __VA_ARGS__ };                                             \
		size_t size = how.v6 ? sizeof(struct classify_v6) : sizeof(struct classify_v4);    \
		struct batch batch;                                                                \
                                                                                                   \
		if (!how.n_axes)                                                                   \
			how.n_axes = 2 + view->n_groups;                                           \
		for (size_t i = 0; i < n; i += MATCH_BATCH)                                        \
			match_some(view, (const uint8_t *)keys + i * size,                         \
				   n - i < MATCH_BATCH ? n - i : MATCH_BATCH, &batch, how,         \
				   ret_rank + i);                                                  \
	}

// v6, zones, whole, prefetch, form, axes (0: as many as there are)
MATCHER(flat_whole_v4, false, false, true, false, IMAGE_FLAT, 3)
MATCHER(flat_whole_zones_v4, false, true, true, false, IMAGE_FLAT, 3)
MATCHER(flat_zones_v4, false, true, false, false, IMAGE_FLAT, 3)
MATCHER(flat_any_v4, false, true, false, false, IMAGE_FLAT, 0)
MATCHER(flat_whole_v6, true, false, true, false, IMAGE_FLAT, 3)
MATCHER(flat_whole_zones_v6, true, true, true, false, IMAGE_FLAT, 3)
MATCHER(flat_zones_v6, true, true, false, false, IMAGE_FLAT, 3)
MATCHER(flat_any_v6, true, true, false, false, IMAGE_FLAT, 0)
MATCHER(narrow_whole_v4, false, false, true, PREFETCH_NARROW, IMAGE_NARROW, 3)
MATCHER(narrow_whole_zones_v4, false, true, true, PREFETCH_NARROW, IMAGE_NARROW, 3)
MATCHER(narrow_zones_v4, false, true, false, PREFETCH_NARROW, IMAGE_NARROW, 3)
MATCHER(narrow_any_v4, false, true, false, true, IMAGE_NARROW, 0)
MATCHER(narrow_whole_v6, true, false, true, PREFETCH_NARROW, IMAGE_NARROW, 3)
MATCHER(narrow_whole_zones_v6, true, true, true, PREFETCH_NARROW, IMAGE_NARROW, 3)
MATCHER(narrow_zones_v6, true, true, false, PREFETCH_NARROW, IMAGE_NARROW, 3)
MATCHER(narrow_any_v6, true, true, false, true, IMAGE_NARROW, 0)
MATCHER(wide_v4, false, true, false, true, IMAGE_WIDE, 3)
MATCHER(wide_any_v4, false, true, false, true, IMAGE_WIDE, 0)
MATCHER(wide_v6, true, true, false, true, IMAGE_WIDE, 3)
MATCHER(wide_any_v6, true, true, false, true, IMAGE_WIDE, 0)

typedef void match_fn(const struct view *view, const void *keys, size_t n, uint32_t *ret_rank);

static void match_all(const struct view *view, const void *keys, bool v6, size_t n,
		      uint32_t *ret_rank)
{
	enum { WHOLE, WHOLE_ZONES, ZONES, ANY };
	static match_fn *const matcher[][4][2] = {
		[IMAGE_FLAT] = { { flat_whole_v4, flat_whole_v6 },
				 { flat_whole_zones_v4, flat_whole_zones_v6 },
				 { flat_zones_v4, flat_zones_v6 },
				 { flat_any_v4, flat_any_v6 } },
		[IMAGE_NARROW] = { { narrow_whole_v4, narrow_whole_v6 },
				   { narrow_whole_zones_v4, narrow_whole_zones_v6 },
				   { narrow_zones_v4, narrow_zones_v6 },
				   { narrow_any_v4, narrow_any_v6 } },
		[IMAGE_WIDE] = { { wide_v4, wide_v6 },
				 { wide_v4, wide_v6 },
				 { wide_v4, wide_v6 },
				 { wide_any_v4, wide_any_v6 } },
	};
	bool whole = view->live == view->vectors;
	unsigned kind = view->n_groups > 1 ? ANY
			: !whole	   ? ZONES
			: view->zones	   ? WHOLE_ZONES
					   : WHOLE;

	if (view->form == IMAGE_EMPTY)
		memset(ret_rank, 0xff, n * sizeof(*ret_rank));
	else
		matcher[view->form][kind][v6](view, keys, n, ret_rank);
}
