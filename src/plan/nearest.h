// What a denied packet lacks: the flow that comes nearest to it, and the difference in words.
#ifndef SEKISHO_PLAN_NEAREST_H
#define SEKISHO_PLAN_NEAREST_H

#include "plan/query.h"

// Fills reason, flow, missing and text for a packet (after destination NAT) that no cell permits.
// Nearest: the fewest of source, destination and service missing, then the least distance in
// addresses and ports, then the first id.
void nearest_explain(const struct plan *plan, const struct plan_packet *packet,
		     struct plan_answer *answer);
// The reason alone, but for `except`: PLAN_NO_PAIR, PLAN_NO_SERVICE or PLAN_NO_ADDRESS.
enum plan_reason nearest_reason(const struct plan *plan, const struct plan_packet *packet);

#endif
