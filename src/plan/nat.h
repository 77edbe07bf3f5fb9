// Address translation: entries resolved, and what is wrong between them.
#ifndef SEKISHO_PLAN_NAT_H
#define SEKISHO_PLAN_NAT_H

#include "plan/plan_internal.h"

struct nat_draft { // a plan_nat and the entry it comes from
	struct plan_nat nat;
	const struct pol_nat *source;
};

typedef VEC(struct nat_draft) nat_drafts;

// Reports entries that stand in each other's way and such that no flow uses; puts the more specific
// first, as plan_nats() promises.
void nat_check(struct build *b, nat_drafts *drafts);

#endif
