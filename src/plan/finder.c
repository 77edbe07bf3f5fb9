#include "plan/finder.h"

#include <stdlib.h>

#include "plan/finder_image.h"
#include "plan/finder_tree.h"

struct plan_finder {
	const struct plan *plan;
	struct finder_tree *tree;   // NULL: not made yet
	struct finder_image *image; // likewise
	size_t asked;		    // without the image
	size_t worth;		    // of those, how many an image takes; SIZE_MAX: it has none
};

struct plan_finder *plan_finder_new(const struct plan *plan)
{
	struct plan_finder *finder = calloc(1, sizeof(*finder));
	size_t rules = finder_image_rules(plan);

	if (!finder)
		abort();
	finder->plan = plan;
	finder->worth = rules > FINDER_RULES_MAX ? SIZE_MAX : rules * FINDER_PACKETS_A_RULE + 1;
	return finder;
}

void plan_finder_free(struct plan_finder *finder)
{
	if (!finder)
		return;
	finder_tree_free(finder->tree);
	finder_image_free(finder->image);
	free(finder);
}

void plan_finder_expect(struct plan_finder *finder, size_t n)
{
	if (finder->image || n < finder->worth || finder->worth == SIZE_MAX)
		return;
	finder->image = finder_image_new(finder->plan);
	if (!finder->image)
		finder->worth = SIZE_MAX;
}

static const struct plan_cell *find_in_tree(struct plan_finder *finder,
					    const struct plan_packet *packet)
{
	if (!finder->tree)
		finder->tree = finder_tree_new(finder->plan);
	return finder_tree_find(finder->tree, packet);
}

const struct plan_cell *plan_finder_find(struct plan_finder *finder,
					 const struct plan_packet *packet)
{
	const struct plan_cell *cell;

	plan_finder_find_many(finder, packet, 1, &cell);
	return cell;
}

void plan_finder_find_many(struct plan_finder *finder, const struct plan_packet *packets, size_t n,
			   const struct plan_cell **ret_cells)
{
	if (!finder->image) {
		finder->asked = n < SIZE_MAX - finder->asked ? finder->asked + n : SIZE_MAX;
		plan_finder_expect(finder, finder->asked);
	}
	if (finder->image)
		finder_image_find(finder->image, matcher_best(), packets, n, ret_cells);
	else
		for (size_t i = 0; i < n; i++)
			ret_cells[i] = find_in_tree(finder, &packets[i]);
}
