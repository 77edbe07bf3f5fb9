// Finds the cell of a packet in a time that hardly grows with the cells of its class, for those who
// ask about many packets.  plan_match() is its slow twin and gives the same answer.
//
// Each class that is asked for gets a tree over its cells: a node holds half of the cells of its
// parent, parted along the source or the destination, and the box that encloses them.  Cells do not
// meet, so boxes hardly do, and a packet's way down seldom forks.
#ifndef SEKISHO_PLAN_FINDER_H
#define SEKISHO_PLAN_FINDER_H

#include "plan/plan.h"
#include "plan/query.h"

enum {
	FINDER_LEAF = 8,   // cells of a leaf: fewer are looked through one by one
	FINDER_DEPTH = 32, // halves of PLAN_CLASS_CELLS_MAX are fewer
};

struct plan_finder;

// plan has to live as long.  Out of memory ends the process, as in all of this room.
struct plan_finder *plan_finder_new(const struct plan *plan);
void plan_finder_free(struct plan_finder *finder); // NULL is fine

// NULL: no cell holds the packet.
const struct plan_cell *plan_finder_find(struct plan_finder *finder,
					 const struct plan_packet *packet);

#endif
