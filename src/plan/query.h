// What happens to a packet, and why: evaluation of the plan's own cells.
//
// Left out, because the ruleset treats it on its own and no flow decides it: replies and related
// errors; the IPv6 essentials (neighbour and router discovery, multicast listener reports);
// fragments, extension headers and invalid TCP flags; the table of isolation.  Sources that
// anti-spoofing lets through on every zone are evaluated: link-local ones and :: when they go to
// `self` (they are never forwarded), and 0.0.0.0 for DHCP (UDP from 68 to 67).
#ifndef SEKISHO_PLAN_QUERY_H
#define SEKISHO_PLAN_QUERY_H

#include "plan/plan.h"

struct plan_packet {	   // the first packet of a connection, as it enters the gateway
	uint16_t from, to; // zones; to: where routing sends it after destination NAT
	struct addr source, destination; // one family; before any translation
	uint8_t protocol;
	uint16_t sport, port; // port: destination port, or ICMP type; 0 where there are none
};

enum plan_verdict { PLAN_DENY, PLAN_ALLOW, PLAN_INSPECT };

enum plan_reason {
	PLAN_BY_FLOW,	    // allowed
	PLAN_SPOOFED,	    // the source is no address of the zone it comes from
	PLAN_MISPLACED,	    // the destination is no address of the zone it would leave by
	PLAN_NO_PAIR,	    // no flow from this zone to that
	PLAN_NO_SERVICE,    // flows, but none with this service
	PLAN_NO_ADDRESS,    // flows with this service, but not between these addresses
	PLAN_EXCEPTED,	    // the nearest flow excepts it
	PLAN_NAT_ELSEWHERE, // destination NAT sends it to another zone than asked
};

struct plan_answer {
	enum plan_verdict verdict;
	bool proxied; // inspected in proxy mode
	enum plan_reason reason;
	uint32_t flow; // the flow that allows it, or the nearest one; PLAN_NONE if there is none
	const char *missing; // denied: what the nearest flow lacks, in words: `text`, or NULL
	const struct plan_nat *destination_nat, *source_nat, *hairpin_nat; // NULL: none
	struct plan_packet translated;	// as the forward hook sees it (after destination NAT)
	enum plan_action denied_action; // of a source that is not believed: always a drop
	char text[512];			// storage of `missing`; of a copied answer read this
};

// Evaluates; never fails.  translated.to is the target's zone when destination NAT applies (a
// forward, or a prefix entry seen from outside) and the asked zone is that one, `self`, or the one
// that owns the outside address.  Where several NAT entries fit, the first of each direction
// counts; source NAT is only named for what is allowed.  A forward with hairpin is for every client
// of the target's own zone, whatever networks its `from` names.
void plan_query(const struct plan *plan, const struct plan_packet *packet, struct plan_answer *ret);
// The same without words: no text, and of a denied packet neither the nearest flow nor whether a
// flow excepts it.  finder (plan/finder.h; may be NULL) makes it quick.
struct plan_finder;
void plan_decide(const struct plan *plan, struct plan_finder *finder,
		 const struct plan_packet *packet, struct plan_answer *ret);
// The same of n packets: much quicker than one by one.  ret: one for each.
void plan_decide_many(const struct plan *plan, struct plan_finder *finder,
		      const struct plan_packet *packets, size_t n, struct plan_answer *ret);
// Only the settled cells: the flow that permits, or PLAN_NONE.  No NAT, no membership.
// ret_cell may be NULL.
uint32_t plan_match(const struct plan *plan, const struct plan_packet *packet,
		    const struct plan_cell **ret_cell);

// Whether the gateway believes that the packet, as the forward hook sees it, comes from its zone;
// and lets it leave for that one.
bool plan_source_belongs(const struct plan *plan, const struct plan_packet *packet);
bool plan_destination_belongs(const struct plan *plan, const struct plan_packet *packet);

// The index of the class that holds the packet's protocol and ports, or n_classes.
size_t plan_find_class(const struct plan_pair *pair, const struct plan_packet *packet);

// The first destination NAT entry that fits; NULL: none.  *ret is then the packet as the forward
// hook sees it, in the zone that has the new address.
const struct plan_nat *plan_translate(const struct plan *plan, const struct plan_packet *packet,
				      struct plan_packet *ret);

#endif
