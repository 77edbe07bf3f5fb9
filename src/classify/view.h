// The tables of one family of an image, as pointers: what the matchers work with.
#ifndef SEKISHO_CLASSIFY_VIEW_H
#define SEKISHO_CLASSIFY_VIEW_H

#include <stdbool.h>

#include "classify/image.h"

struct view_tree {
	uint64_t first;
	uint32_t shift, n_levels, n_root;
	const uint16_t *root;
	const void *nodes;
	const uint32_t *runs;
	const uint64_t *highs, *lows;
	const uint32_t *rows;
};

struct view_map {
	const uint16_t *root, *chunk;
	uint32_t group, stride;
};

struct view_axis {
	const uint64_t *rows;
	const uint32_t *base;
};

struct view {
	enum image_form form;
	uint32_t n_slots, n_blocks, n_words, n_groups, ids_at;
	bool zones;
	struct view_tree tree[2];
	struct view_map map[CLASSIFY_FIELDS];
	const uint32_t *group[IMAGE_GROUPS_MAX];
	struct view_axis axis[IMAGE_AXES_MAX];
	const uint32_t *order;
	const uint64_t *vectors;
	const uint64_t *live; // the bits of rules that are not deleted: BLOCK_WORDS a block
};

// image: a checked one.  No rule is deleted: `live` is the image's own.  It has to live as long as
// the view.
void view_open(struct view *view, const void *image, enum addr_family family);
const uint32_t *view_results(const void *image); // by rank
// Clears the bits of a rule in a copy of `live`.  Looks through all.
void view_clear_rule(const struct view *view, uint32_t rank, uint64_t *live);

#endif
