// Cells: the rects of many flows made disjoint, each piece with the flow it counts on.
#ifndef SEKISHO_PLAN_CELLS_H
#define SEKISHO_PLAN_CELLS_H

#include "plan/carve.h"
#include "plan/plan_internal.h"

enum cells_fault { CELLS_GUARD_AND_PLAIN, CELLS_TWO_GUARDS };

struct cells_conflict {
	uint32_t flow, other; // the plain or second one, and the guarded or first one
	uint8_t fault;
	struct plan_rect where; // one place where they meet
};

struct cells_source { // a term of a class
	const struct plan_term *term;
	uint32_t flow;
};

struct cells {
	const struct plan_flow *flows;
	const bool *guard_none; // by flow
	VEC(struct plan_cell) out;
	VEC(struct cells_conflict) conflicts;
	size_t boxes;	  // looked at so far, in all classes
	uint32_t hint[2]; // of -E2BIG: two flows whose overlaps are too many
};

// Fills cells->out with the cells of one class, IPv4 first.  0 or -E2BIG.
int cells_settle(struct cells *cells, const struct cells_source *sources, size_t n);
void cells_done(struct cells *cells);
// Keeps one conflict of every two flows.
void cells_tidy_conflicts(struct cells *cells);

#endif
