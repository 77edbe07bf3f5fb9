// Service classes: the services of many terms cut into disjoint pieces, and pieces that the same
// terms permit put together.
#ifndef SEKISHO_PLAN_PARTITION_H
#define SEKISHO_PLAN_PARTITION_H

#include "plan/plan_internal.h"

struct partition_class {
	const struct plan_atom *atoms; // disjoint from those of every other class; sorted
	size_t n_atoms;
	const uint32_t *terms; // indices, ascending
	size_t n_terms;
};

// terms[i]->atoms are what index i permits.  Classes come in the order of their first atoms, in the
// arena.  -E2BIG when there are too many combinations: *ret_hint is then the term with which it
// became too much.
int partition_make(struct arena *arena, const struct plan_term *const *terms, size_t n,
		   struct partition_class **ret_classes, size_t *ret_n, uint32_t *ret_hint);

#endif
