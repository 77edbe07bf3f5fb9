// The axis of one address: intervals, the row of each, and the static B+-tree that finds them.
//
// A root of some of the address's bits leads to a node of a B+-tree over the ends of intervals.  A
// node is one cache line of keys, each the last end below the child on its left, and a base: as
// many keys as are less than the address, added to the base, are the child, or at last the
// interval.  The root has as many bits as it takes for the fewest levels; neighbouring entries
// share a node.
#ifndef SEKISHO_CLASSIFY_TREE_H
#define SEKISHO_CLASSIFY_TREE_H

#include "classify/rows.h"
#include "classify/writer.h"

struct tree_side { // what a slot's rule wants of the address
	addr_bits lo, hi;
};

// Sweeps the address space and writes the tree; the rows go to rows.
void tree_build(const struct tree_side *sides, uint32_t n_slots, enum addr_family family,
		struct rows *rows, struct writer *writer, struct image_tree *ret);

#endif
