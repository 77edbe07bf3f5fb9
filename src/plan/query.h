// What happens to a packet, and why: evaluation of the plan's own cells.
#ifndef SEKISHO_PLAN_QUERY_H
#define SEKISHO_PLAN_QUERY_H

#include "plan/plan.h"

struct plan_packet { // the first packet of a connection, as it enters the gateway
	uint16_t from, to;  // zones; to: where routing sends it after destination NAT
	struct addr source, destination; // one family; before any translation
	uint8_t protocol;
	uint16_t sport, port; // port: destination port, or ICMP type
};

enum plan_verdict { PLAN_DENY, PLAN_ALLOW, PLAN_INSPECT };

enum plan_reason {
	PLAN_BY_FLOW,        // allowed
	PLAN_SPOOFED,        // the source is no address of the zone it comes from
	PLAN_MISPLACED,      // the destination is no address of the zone it would leave by
	PLAN_NO_PAIR,        // no flow from this zone to that
	PLAN_NO_SERVICE,     // flows, but none with this service
	PLAN_NO_ADDRESS,     // flows with this service, but not between these addresses
	PLAN_EXCEPTED,       // the nearest flow excepts it
	PLAN_NAT_ELSEWHERE,  // destination NAT sends it to another zone than asked
};

struct plan_answer {
	enum plan_verdict verdict;
	enum plan_reason reason;
	uint32_t flow; // the flow that allows it, or the nearest one; PLAN_NONE if there is none
	const char *missing; // denied: what the nearest flow lacks, in words; owned by the answer
	const struct plan_nat *destination_nat, *source_nat, *hairpin_nat; // NULL: none
	struct plan_packet translated; // as the forward hook sees it (after destination NAT)
	enum plan_action denied_action;
	char text[512]; // storage of `missing`
};

// Evaluates; never fails.  packet->to is corrected to the target's zone when a forward NAT applies
// and the asked zone is the one that owns the outside address.
void plan_query(const struct plan *plan, const struct plan_packet *packet, struct plan_answer *ret);
// Only the settled cells: the flow that permits, or PLAN_NONE.  No NAT, no membership.
uint32_t plan_match(const struct plan *plan, const struct plan_packet *packet,
		    const struct plan_cell **ret_cell);

#endif
