// What translations of destinations (forwards, prefixes seen from outside) do to a space of
// packets: the slow way of plan_translate(), for more than one packet at once.
#ifndef SEKISHO_PLAN_INWARD_H
#define SEKISHO_PLAN_INWARD_H

#include "base/vec.h"
#include "plan/plan.h"

struct inward_space {
	uint16_t from, to;
	struct plan_rect rect;
	struct plan_atom atom;
	const struct plan_nat *nat; // what leads there
};

typedef VEC(struct inward_space) inward_spaces;

// Appends the parts of the space that a translation sends elsewhere, as the forward hook sees them.
// Where several translations fit a packet, it is in the part of each, though only the first counts.
// true: one of them takes the whole space.
bool inward_parts(const struct plan *plan, const struct inward_space *space, inward_spaces *ret);

#endif
