// The steps of the vector matchers, which include this after they defined for their instructions
//
//	below_v4(keys, x), below_v6(keys, x)	how many of a node's keys are less than x
//	first_rule(v, n, live)			the first bit of the AND, or BLOCK_RULES
//
// Each step goes through the whole batch before the next begins, and asks for the memory that the
// next one will read.  Loops have no branch that depends on a packet, but for packets with more
// than EMIT_QUICK blocks left.
#include "classify/match.h"

enum {
	EMIT_QUICK = 4, // blocks a packet that are listed without a branch
	WORK_MAX = 512,
	WORK_FULL = WORK_MAX - 64 - EMIT_QUICK,
};

struct work { // a block that a packet has to look at
	uint32_t block, packet;
	const uint64_t *vector[IMAGE_AXES_MAX]; // of each axis
};

extern unsigned long long stage[8];
#define T(k)                                                                                       \
	do {                                                                                       \
		unsigned long long t_ = __builtin_ia32_rdtsc();                                    \
		stage[k] += t_ - t0;                                                               \
		t0 = t_;                                                                           \
	} while (0)
struct batch {
	uint32_t row[IMAGE_AXES_MAX][MATCH_BATCH];
	uint32_t best[MATCH_BATCH];
	size_t n_work;
	struct work work[WORK_MAX];
};

#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

INLINE void find_v4(const struct view_tree *tree, const struct view_axis *axis,
		    const struct classify_v4 *keys, size_t n, bool source, uint32_t *ret_row)
{
	uint32_t node[MATCH_BATCH] = { 0 };
	uint32_t last = tree->n_levels - 1;

	for (uint32_t l = 0; l < last; l++)
		for (size_t i = 0; i < n; i++) {
			const uint32_t *level = tree->level[l];
			uint32_t x = source ? keys[i].source : keys[i].destination;

			node[i] = node[i] * (V4_FANOUT + 1) +
				  below_v4(level + node[i] * V4_FANOUT, x);
		}
	for (size_t i = 0; i < n; i++) {
		const uint32_t *level = tree->level[last];
		uint32_t x = source ? keys[i].source : keys[i].destination;

		node[i] = node[i] * V4_FANOUT + below_v4(level + node[i] * V4_FANOUT, x);
		__builtin_prefetch(tree->rows + node[i]);
	}
	for (size_t i = 0; i < n; i++) {
		ret_row[i] = tree->rows[node[i]];
		__builtin_prefetch(axis->rows + ret_row[i]);
	}
}

INLINE uint32_t run_v6(const struct view_tree *tree, uint32_t node, const uint64_t *address)
{
	const uint64_t *leaves = tree->level[tree->n_levels - 1];
	uint32_t at = tree->runs[node], n = tree->runs[node + 1] - at;

	if (leaves[node] != address[0])
		return at;
	while (n > 1) {
		uint32_t half = n / 2;

		at += tree->lows[at + half - 1] < address[1] ? half : 0;
		n -= half;
	}
	return at + (n && tree->lows[at] < address[1]);
}

INLINE void find_v6(const struct view_tree *tree, const struct view_axis *axis,
		    const struct classify_v6 *keys, size_t n, bool source, uint32_t *ret_row)
{
	uint32_t node[MATCH_BATCH] = { 0 };
	uint32_t last = tree->n_levels - 1;

	for (uint32_t l = 0; l <= last; l++)
		for (size_t i = 0; i < n; i++) {
			const uint64_t *level = tree->level[l];
			uint64_t x = source ? keys[i].source[0] : keys[i].destination[0];

			node[i] = node[i] * (l < last ? V6_FANOUT + 1 : V6_FANOUT) +
				  below_v6(level + node[i] * V6_FANOUT, x);
		}
	for (size_t i = 0; i < n; i++) {
		node[i] = run_v6(tree, node[i], source ? keys[i].source : keys[i].destination);
		__builtin_prefetch(tree->rows + node[i]);
	}
	for (size_t i = 0; i < n; i++) {
		ret_row[i] = tree->rows[node[i]];
		__builtin_prefetch(axis->rows + ret_row[i]);
	}
}

INLINE uint32_t class_of(const struct view_map *map, uint16_t value)
{
	return map->chunk[(uint32_t)map->root[value / MAP_CHUNK] * MAP_CHUNK + value % MAP_CHUNK] *
	       map->stride;
}

INLINE void find_service(const struct view *view, const uint16_t *field, bool zones, bool one_group,
			 size_t i, struct batch *batch)
{
	unsigned n_fields = zones ? CLASSIFY_FIELDS : CLASSIFY_ZONE_IN;
	uint32_t index[IMAGE_GROUPS_MAX] = { 0 };

	UNROLL
	for (unsigned f = 0; f < n_fields; f++)
		index[one_group ? 0 : view->map[f].group] += class_of(&view->map[f], field[f]);
	for (unsigned g = 0; g < (one_group ? 1 : view->n_groups); g++) {
		batch->row[2 + g][i] = view->group[g][index[g]];
		__builtin_prefetch(view->axis[2 + g].rows + batch->row[2 + g][i]);
	}
}

// Lists a block for a packet; where `real` is false nothing is added, but the memory is written.
INLINE void list(struct batch *batch, size_t packet, uint32_t block, bool real)
{
	batch->work[batch->n_work].block = block;
	batch->work[batch->n_work].packet = (uint32_t)packet;
	batch->n_work += real;
}

INLINE void do_work(const struct view *view, struct batch *batch, unsigned n_axes, bool wide)
{
	const uint64_t *live = view->live;
	const uint32_t *order = view->order;
	struct view_axis axes[IMAGE_AXES_MAX];

	UNROLL
	for (unsigned a = 0; a < n_axes; a++)
		axes[a] = view->axis[a];
	for (size_t i = 0; i < batch->n_work; i++) {
		const struct work *work = &batch->work[i];
		uint32_t block = work->block, packet = work->packet, word = wide ? block / 64 : 0;
		const uint64_t *v[IMAGE_AXES_MAX];
		uint32_t none;

		UNROLL
		for (unsigned a = 0; a < n_axes; a++) {
			const struct view_axis *axis = &axes[a];
			const uint64_t *row = axis->rows + batch->row[a][packet];
			const uint16_t *halves = (const uint16_t *)row;
			uint32_t before = wide ? halves[view->n_words * 4 + word] : 0;
			uint64_t lower = row[word] & ((1ULL << block % 64) - 1);
			uint32_t id = before + (uint32_t)__builtin_popcountll(lower);

			v[a] = axis->vectors + ((size_t)axis->base[block] +
						halves[(wide ? view->ids_at : 4) + id]) *
						       BLOCK_WORDS;
		}
		uint32_t slot = first_rule(v, n_axes, live + block * BLOCK_WORDS, &none);
		// Of an empty block any slot is read and made no rank.
		uint32_t rank = order[block * BLOCK_RULES + slot] | none;
		uint32_t best = batch->best[packet];

		batch->best[packet] = rank < best ? rank : best;
	}
	batch->n_work = 0;
}

INLINE void match_blocks(const struct view *view, struct batch *batch, unsigned n_axes, bool wide,
			 size_t n)
{
	unsigned long long t0 = __builtin_ia32_rdtsc();
	for (size_t i = 0; i < n; i++) {
		for (uint32_t w = 0; w < (wide ? view->n_words : 1); w++) {
			uint64_t left = ~0ULL;

			UNROLL
			for (unsigned a = 0; a < n_axes; a++)
				left &= view->axis[a].rows[batch->row[a][i] + w];
			if (wide && !left)
				continue;
			UNROLL
			for (unsigned k = 0; k < EMIT_QUICK; k++) {
				list(batch, i, w * 64 + ((unsigned)__builtin_ctzll(left) & 63),
				     left != 0);
				left &= left - 1;
			}
			while (__builtin_expect(left != 0, 0)) {
				list(batch, i, w * 64 + (unsigned)__builtin_ctzll(left), true);
				left &= left - 1;
			}
			if (__builtin_expect(batch->n_work > WORK_FULL, 0))
				do_work(view, batch, n_axes, wide);
		}
	}
	T(2);
	stage[5] += batch->n_work;
	do_work(view, batch, n_axes, wide);
	T(3);
}

INLINE void match_one_batch(const struct view *view, const void *keys, bool v6, size_t n,
			    bool zones, unsigned n_axes, bool wide, struct batch *batch)
{
	unsigned long long t0 = __builtin_ia32_rdtsc();
	for (unsigned side = 0; side < 2; side++) {
		if (v6)
			find_v6(&view->tree[side], &view->axis[side], keys, n, side == 0,
				batch->row[side]);
		else
			find_v4(&view->tree[side], &view->axis[side], keys, n, side == 0,
				batch->row[side]);
	}
	T(0);
	for (size_t i = 0; i < n; i++) {
		find_service(view,
			     v6 ? ((const struct classify_v6 *)keys)[i].field
				: ((const struct classify_v4 *)keys)[i].field,
			     zones, n_axes == 3, i, batch);
		batch->best[i] = CLASSIFY_NONE;
	}
	T(1);
	match_blocks(view, batch, n_axes, wide, n);
}

INLINE void match_all(const struct view *view, const void *keys, bool v6, size_t n,
		      uint32_t *ret_rank)
{
	size_t size = v6 ? sizeof(struct classify_v6) : sizeof(struct classify_v4);
	bool wide = view->n_words > 1, one = view->n_groups == 1;
	struct batch batch;

	batch.n_work = 0;
	for (size_t i = 0; i < n; i += MATCH_BATCH) {
		const void *some = (const uint8_t *)keys + i * size;
		size_t m = n - i < MATCH_BATCH ? n - i : MATCH_BATCH;

		if (!view->n_blocks)
			memset(batch.best, 0xff, sizeof(batch.best));
		else if (!one)
			match_one_batch(view, some, v6, m, true, 2 + view->n_groups, wide, &batch);
		else if (wide)
			match_one_batch(view, some, v6, m, true, 3, true, &batch);
		else if (view->zones)
			match_one_batch(view, some, v6, m, true, 3, false, &batch);
		else
			match_one_batch(view, some, v6, m, false, 3, false, &batch);
		memcpy(ret_rank + i, batch.best, m * sizeof(*ret_rank));
	}
}
