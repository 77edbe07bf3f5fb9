// Finds the cell of a packet by trees: what a finder (plan/finder.h) has before it has an image, or
// when it cannot have one.
//
// Each class that is asked for gets a tree over its cells: a node holds half of the cells of its
// parent, parted along the source or the destination, and the box that encloses them.  Cells do not
// meet, so boxes hardly do, and a packet's way down seldom forks.
#ifndef SEKISHO_PLAN_FINDER_TREE_H
#define SEKISHO_PLAN_FINDER_TREE_H

#include "plan/query.h"

enum {
	FINDER_LEAF = 8,   // cells of a leaf: fewer are looked through one by one
	FINDER_DEPTH = 32, // halves of PLAN_CLASS_CELLS_MAX are fewer
};

struct finder_tree;

struct finder_tree *finder_tree_new(const struct plan *plan);
void finder_tree_free(struct finder_tree *trees); // NULL is fine

// NULL: no cell holds the packet.
const struct plan_cell *finder_tree_find(struct finder_tree *trees,
					 const struct plan_packet *packet);

#endif
