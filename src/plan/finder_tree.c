#include "plan/finder_tree.h"

#include <stdlib.h>

#include "base/vec.h"

struct node {
	struct plan_rect box;
	uint32_t first, n; // of order[]
	uint32_t left;	   // and left + 1; 0: a leaf
};

struct tree { // of one class; n_nodes 0: not made yet
	struct node *nodes;
	uint32_t n_nodes;
	uint32_t *order; // indexes of cells, each node's side by side
};

struct finder_tree {
	const struct plan *plan;
	struct tree **pairs; // by index of pair, then of class; NULL: not asked for yet
	size_t n_pairs;
};

struct finder_tree *finder_tree_new(const struct plan *plan)
{
	struct finder_tree *trees = calloc(1, sizeof(*trees));

	if (!trees)
		abort();
	trees->plan = plan;
	plan_pairs(plan, &trees->n_pairs);
	trees->pairs = calloc(trees->n_pairs + 1, sizeof(struct tree *));
	if (!trees->pairs)
		abort();
	return trees;
}

void finder_tree_free(struct finder_tree *trees)
{
	size_t n;

	if (!trees)
		return;
	const struct plan_pair *pairs = plan_pairs(trees->plan, &n);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; trees->pairs[i] && k < pairs[i].n_classes; k++) {
			free(trees->pairs[i][k].nodes);
			free(trees->pairs[i][k].order);
		}
		free(trees->pairs[i]);
	}
	free(trees->pairs);
	free(trees);
}

// --- making a tree

// Cells of two families have no box together: the order of numbers puts IPv6 after IPv4, and the
// family of a box is that of its cells or, where it has both, of no packet.
static const enum addr_family both_families = (enum addr_family)0;

struct making {
	const struct plan_cell *cells;
	bool by_source;
};

static const struct addr_range *side_of(const struct making *making, uint32_t cell)
{
	const struct plan_rect *rect = &making->cells[cell].rect;

	return making->by_source ? &rect->source : &rect->destination;
}

static int compare_cells(const void *a, const void *b, void *arg)
{
	const struct addr_range *x = side_of(arg, *(const uint32_t *)a);
	const struct addr_range *y = side_of(arg, *(const uint32_t *)b);

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return (x->hi > y->hi) - (x->hi < y->hi);
}

static void enclose(struct addr_range *box, const struct addr_range *range)
{
	if (box->family != range->family)
		box->family = both_families;
	box->lo = range->lo < box->lo ? range->lo : box->lo;
	box->hi = range->hi > box->hi ? range->hi : box->hi;
}

static void set_box(const struct making *making, const struct tree *tree, struct node *node)
{
	node->box = making->cells[tree->order[node->first]].rect;
	for (uint32_t i = 1; i < node->n; i++) {
		const struct plan_rect *rect = &making->cells[tree->order[node->first + i]].rect;

		enclose(&node->box.source, &rect->source);
		enclose(&node->box.destination, &rect->destination);
	}
}

// How many cells lie on both sides of a cut in the middle, of those sorted along one side.
static uint32_t torn(const struct making *making, const uint32_t *order, uint32_t n)
{
	const struct addr_range *middle = side_of(making, order[n / 2]);
	uint32_t count = 0;

	for (uint32_t i = 0; i < n / 2; i++) {
		const struct addr_range *range = side_of(making, order[i]);

		count += range->family == middle->family && range->hi >= middle->lo;
	}
	return count;
}

static void sort_along(struct making *making, bool by_source, uint32_t *order, uint32_t n)
{
	making->by_source = by_source;
	qsort_r(order, n, sizeof(*order), compare_cells, making);
}

static void part(struct making *making, uint32_t *order, uint32_t n)
{
	sort_along(making, true, order, n);
	uint32_t by_source = torn(making, order, n);

	sort_along(making, false, order, n);
	if (by_source < torn(making, order, n))
		sort_along(making, true, order, n);
}

static void make_tree(const struct plan_class *class, struct tree *tree)
{
	struct making making = { .cells = class->cells };
	size_t most = 2 * class->n_cells / (FINDER_LEAF / 2) + 2;

	tree->order = calloc(class->n_cells + 1, sizeof(*tree->order));
	tree->nodes = calloc(most, sizeof(*tree->nodes));
	if (!tree->order || !tree->nodes)
		abort();
	for (uint32_t i = 0; i < class->n_cells; i++)
		tree->order[i] = i;
	tree->nodes[0].n = (uint32_t) class->n_cells;
	tree->n_nodes = 1;
	for (uint32_t i = 0; i < tree->n_nodes; i++) { // each adds its halves to the end
		struct node *node = &tree->nodes[i];

		if (node->n)
			set_box(&making, tree, node);
		if (node->n <= FINDER_LEAF)
			continue;
		part(&making, tree->order + node->first, node->n);
		node->left = tree->n_nodes;
		tree->nodes[node->left] = (struct node){ .first = node->first, .n = node->n / 2 };
		tree->nodes[node->left + 1] = (struct node){ .first = node->first + node->n / 2,
							     .n = node->n - node->n / 2 };
		tree->n_nodes += 2;
	}
}

// --- finding

static bool in_box(const struct addr_range *box, const struct addr *addr)
{
	return (box->family == both_families || box->family == addr->family) &&
	       addr->bits >= box->lo && addr->bits <= box->hi;
}

static bool in_rect(const struct plan_rect *rect, const struct plan_packet *packet)
{
	return in_box(&rect->source, &packet->source) &&
	       in_box(&rect->destination, &packet->destination);
}

static const struct plan_cell *find_in(const struct tree *tree, const struct plan_class *class,
				       const struct plan_packet *packet)
{
	uint32_t stack[2 * FINDER_DEPTH] = { 0 };
	unsigned depth = 1;

	while (depth > 0) {
		const struct node *node = &tree->nodes[stack[--depth]];

		if (node->n == 0 || !in_rect(&node->box, packet))
			continue;
		if (node->left && depth + 2 <= 2 * FINDER_DEPTH) {
			stack[depth++] = node->left + 1;
			stack[depth++] = node->left;
			continue;
		}
		for (uint32_t i = 0; i < node->n; i++) {
			const struct plan_cell *cell = &class->cells[tree->order[node->first + i]];

			if (in_rect(&cell->rect, packet))
				return cell;
		}
	}
	return NULL;
}

static struct tree *tree_of(struct finder_tree *trees, const struct plan_pair *pair, size_t class)
{
	size_t n;
	size_t index = (size_t)(pair - plan_pairs(trees->plan, &n));
	struct tree **of_pair = &trees->pairs[index];

	if (!*of_pair)
		*of_pair = calloc(pair->n_classes + 1, sizeof(**of_pair));
	if (!*of_pair)
		abort();
	if (!(*of_pair)[class].n_nodes)
		make_tree(&pair->classes[class], &(*of_pair)[class]);
	return &(*of_pair)[class];
}

const struct plan_cell *finder_tree_find(struct finder_tree *trees,
					 const struct plan_packet *packet)
{
	const struct plan_pair *pair = plan_find_pair(trees->plan, packet->from, packet->to);
	size_t class = pair ? plan_find_class(pair, packet) : 0;

	if (!pair || class == pair->n_classes)
		return NULL;
	return find_in(tree_of(trees, pair, class), &pair->classes[class], packet);
}
