// The specification: one packet at a time, step by step.
#include "classify/match.h"

static uint32_t root_node(const struct view_tree *tree, uint64_t address)
{
	uint64_t entry = address < tree->first ? 0 : (address - tree->first) >> tree->shift;

	return tree->root[entry < tree->n_root ? entry : tree->n_root - 1];
}

static uint32_t interval_v4(const struct view_tree *tree, uint32_t address)
{
	uint32_t node = root_node(tree, address);

	for (uint32_t l = 0; l < tree->n_levels; l++) {
		const uint32_t *keys = (const uint32_t *)tree->nodes + node * (V4_KEYS + 1);

		node = keys[V4_KEYS];
		for (uint32_t k = 0; k < V4_KEYS; k++)
			node += keys[k] < address;
	}
	return node;
}

static uint32_t interval_v6(const struct view_tree *tree, const uint64_t address[2])
{
	uint32_t node = root_node(tree, address[0]);

	for (uint32_t l = 0; l < tree->n_levels; l++) {
		const uint64_t *keys = (const uint64_t *)tree->nodes + node * (V6_KEYS + 1);

		node = (uint32_t)keys[V6_KEYS];
		for (uint32_t k = 0; k < V6_KEYS; k++)
			node += keys[k] < address[0];
	}
	uint32_t interval = tree->runs[node];

	if (tree->highs[node] == address[0])
		while (interval < tree->runs[node + 1] && tree->lows[interval] < address[1])
			interval++;
	return interval;
}

static void service_rows(const struct view *view, const uint16_t *field, uint32_t *ret_row)
{
	uint32_t index[IMAGE_GROUPS_MAX] = { 0 };

	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++) {
		const struct view_map *map = &view->map[f];
		uint32_t chunk = map->root[field[f] / MAP_CHUNK];

		index[map->group] +=
			map->chunk[chunk * MAP_CHUNK + field[f] % MAP_CHUNK] * map->stride;
	}
	for (unsigned g = 0; g < view->n_groups; g++)
		ret_row[g] = view->group[g][index[g]];
}

static uint32_t match_flat(const struct view *view, const uint32_t *row)
{
	for (uint32_t w = 0; w < FLAT_WORDS; w++) {
		uint64_t rules = view->live[w];

		for (uint32_t a = 0; a < 2 + view->n_groups; a++)
			rules &= view->axis[a].rows[row[a] + w];
		if (rules)
			return view->order[w * 64 + (uint32_t)__builtin_ctzll(rules)];
	}
	return CLASSIFY_NONE;
}

static const uint64_t *vector_of(const struct view *view, const struct view_axis *axis,
				 const uint64_t *row, uint32_t block)
{
	const uint16_t *halves = (const uint16_t *)row;
	uint32_t word = block / 64;
	uint32_t before = view->n_words > 1 ? halves[view->n_words * 4 + word] : 0;
	uint64_t lower = row[word] & ((1ULL << block % 64) - 1);
	uint32_t id = halves[view->ids_at + before + (uint32_t)__builtin_popcountll(lower)];

	if (view->form == IMAGE_WIDE)
		id += axis->base[block];
	return view->vectors + (uint64_t)id * BLOCK_WORDS;
}

static uint32_t match_block(const struct view *view, const uint32_t *row, uint32_t block)
{
	for (uint32_t w = 0; w < BLOCK_WORDS; w++) {
		uint64_t rules = view->live[block * BLOCK_WORDS + w];

		for (uint32_t a = 0; a < 2 + view->n_groups; a++)
			rules &= vector_of(view, &view->axis[a], view->axis[a].rows + row[a],
					   block)[w];
		if (rules)
			return view->order[block * ORDER_STRIDE + w * 64 +
					   (uint32_t)__builtin_ctzll(rules)];
	}
	return CLASSIFY_NONE;
}

static uint32_t match_rows(const struct view *view, const uint32_t *row)
{
	uint32_t best = CLASSIFY_NONE;

	if (view->form == IMAGE_FLAT)
		return match_flat(view, row);
	for (uint32_t block = 0; block < view->n_blocks; block++) {
		bool survives = true;

		for (uint32_t a = 0; a < 2 + view->n_groups; a++)
			survives &= view->axis[a].rows[row[a] + block / 64] >> block % 64 & 1;
		uint32_t rank = survives ? match_block(view, row, block) : CLASSIFY_NONE;

		best = rank < best ? rank : best;
	}
	return best;
}

static void scalar_v4(const struct view *view, const struct classify_v4 *keys, size_t n,
		      uint32_t *ret_rank)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t row[IMAGE_AXES_MAX];

		ret_rank[i] = CLASSIFY_NONE;
		if (view->form == IMAGE_EMPTY)
			continue;
		row[0] = view->tree[0].rows[interval_v4(&view->tree[0], keys[i].source)];
		row[1] = view->tree[1].rows[interval_v4(&view->tree[1], keys[i].destination)];
		service_rows(view, keys[i].field, row + 2);
		ret_rank[i] = match_rows(view, row);
	}
}

static void scalar_v6(const struct view *view, const struct classify_v6 *keys, size_t n,
		      uint32_t *ret_rank)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t row[IMAGE_AXES_MAX];

		ret_rank[i] = CLASSIFY_NONE;
		if (view->form == IMAGE_EMPTY)
			continue;
		row[0] = view->tree[0].rows[interval_v6(&view->tree[0], keys[i].source)];
		row[1] = view->tree[1].rows[interval_v6(&view->tree[1], keys[i].destination)];
		service_rows(view, keys[i].field, row + 2);
		ret_rank[i] = match_rows(view, row);
	}
}

const struct matcher matcher_scalar = { "scalar", scalar_v4, scalar_v6 };
