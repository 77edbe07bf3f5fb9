// From a flow's lists to its terms: sources by destinations by services, minus what is excepted.
#ifndef SEKISHO_PLAN_TERMS_H
#define SEKISHO_PLAN_TERMS_H

#include "plan/plan_internal.h"

struct service_part { // of a flow's services: those with the same helpers
	struct plan_atom atom;
	unsigned helpers;
};

typedef VEC(struct service_part) service_parts;

// Fills the flow's terms and excepted; reports what is wrong with its from, to, except.
void terms_make(struct build *b, const struct pol_flow *source, const service_parts *services,
		struct plan_flow *flow);

// Gives each helper of the list the services it fits, cutting atoms where it must; -ENOENT when
// one fits none (reported).
int helpers_assign(struct build *b, const struct pol_flow *source, service_parts *services,
		   unsigned *ret_helpers);

#endif
