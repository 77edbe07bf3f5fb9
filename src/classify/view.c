#include "classify/view.h"

static const void *at(const void *image, struct image_table table)
{
	return (uint8_t *)image + table.at;
}

static void open_tree(struct view_tree *view, const void *image, const struct image_tree *tree)
{
	view->first = tree->first;
	view->shift = tree->shift;
	view->n_levels = tree->n_levels;
	view->n_root = tree->root.n;
	view->root = at(image, tree->root);
	view->nodes = at(image, tree->nodes);
	view->runs = at(image, tree->runs);
	view->highs = at(image, tree->highs);
	view->lows = at(image, tree->lows);
	view->rows = at(image, tree->rows);
}

void view_open(struct view *view, const void *image, enum addr_family family)
{
	const struct image_header *header = image;
	const struct image_part *part = &header->part[family == ADDR_V6];

	*view = (struct view){
		.form = part->form,
		.n_slots = part->n_slots,
		.n_blocks = part->n_blocks,
		.n_words = part->n_words,
		.n_groups = part->n_groups,
		.ids_at = row_ids_at(part->n_words),
		.zones = part->zones,
		.order = at(image, part->order),
		.vectors = at(image, part->vectors),
		.live = at(image, part->vectors),
	};
	for (unsigned i = 0; i < 2; i++)
		open_tree(&view->tree[i], image, &part->tree[i]);
	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++)
		view->map[f] = (struct view_map){ at(image, part->map[f].root),
						  at(image, part->map[f].chunk), part->map[f].group,
						  part->map[f].stride };
	for (unsigned g = 0; g < part->n_groups; g++)
		view->group[g] = at(image, part->group[g]);
	for (unsigned a = 0; a < 2 + part->n_groups; a++)
		view->axis[a] = (struct view_axis){ at(image, part->axis[a].rows),
						    at(image, part->axis[a].base) };
}

const uint32_t *view_results(const void *image)
{
	const struct image_header *header = image;

	return (const uint32_t *)((const uint8_t *)image + header->results.at);
}

void view_clear_rule(const struct view *view, uint32_t rank, uint64_t *live)
{
	uint32_t stride = view->form == IMAGE_FLAT ? BLOCK_RULES : ORDER_STRIDE;

	for (uint32_t block = 0; block < view->n_blocks; block++)
		for (uint32_t i = 0; i < BLOCK_RULES; i++)
			if (view->order[block * stride + i] == rank)
				live[block * BLOCK_WORDS + i / 64] &= ~(1ULL << i % 64);
}
