// Numbers of guarded flows.  A connection carries its flow's in the kernel's mark for as long as it
// lives, so a flow keeps its number when others come and go: it is a hash of the id.  Where two ids
// meet, the later one in order takes the next free number, and only such a one can ever change.
#include "plan/plan_internal.h"

// FNV-1a; never to be changed, for connections outlive the daemon.
static uint32_t hash_of(const char *text)
{
	uint32_t hash = 2166136261u;

	for (const char *c = text; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return hash ^ hash >> 16;
}

void build_guard_numbers(struct build *b)
{
	bool *taken = arena_array_of(b->arena, bool, PLAN_GUARDED_MAX);
	size_t n = 0;

	for (size_t i = 0; i < b->plan->n_flows; i++) {
		struct plan_flow *flow = &b->plan->flows[i];
		uint32_t slot;

		if (!flow->guard)
			continue;
		if (n++ == PLAN_GUARDED_MAX) {
			diag_add(b->diag, SK_GUARDED_TOO_MANY, flow->at,
				 "flow \"%s\" is one more than the %d with a guard that a policy "
				 "may have; join some of them",
				 flow->id, PLAN_GUARDED_MAX);
			return;
		}
		for (slot = hash_of(flow->id) % PLAN_GUARDED_MAX; taken[slot];)
			slot = (slot + 1) % PLAN_GUARDED_MAX;
		taken[slot] = true;
		flow->guard_number = (uint16_t)(slot + 1);
	}
}
