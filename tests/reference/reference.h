// The reference evaluator: what a policy's text means for one packet, worked out in the plainest
// way, from the tree alone: no plan, no classes, no cells, nothing prepared.  It is what the plan,
// the ruleset and the kernel are held against, so it must stay obviously right and may be slow.
// From the program under test it takes only addresses (base/addr) and the names of the service
// library.  The tree must be free of faults; of one that is not, it may say anything.
#ifndef SEKISHO_TESTS_REFERENCE_REFERENCE_H
#define SEKISHO_TESTS_REFERENCE_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "policy/policy.h"

enum { REFERENCE_SELF = -1 };

struct reference_packet { // the first packet of a connection, as it comes in
	int from, to;	  // index of tree->zones or REFERENCE_SELF; to: where routing sends it in
			  // the end
	struct addr source, destination;
	uint8_t protocol;
	uint16_t sport, port; // port: ICMP type for ICMP; both 0 for protocols without ports
};

enum reference_reason {
	REFERENCE_FLOW,	     // permitted
	REFERENCE_ELSEWHERE, // translated into another zone than `to`
	REFERENCE_SPOOFED,   // not an address of the zone it comes from
	REFERENCE_MISPLACED, // not an address of the zone it goes to
	REFERENCE_EXCEPTED,  // a flow would permit it but for its except
	REFERENCE_NO_FLOW,
};

struct reference_answer {
	enum reference_reason reason; // REFERENCE_FLOW: permitted
	bool guarded;
	const struct pol_flow *flow;   // the first that permits (or excepts) it
	const struct pol_nat *forward; // destination translation (a forward or a prefix), or NULL
	const struct pol_nat *source_nat;   // when permitted, or NULL
	bool hairpin;			    // source is translated too, for the way back
	struct reference_packet translated; // after destination translation
};

void reference_ask(const struct pol_tree *tree, const struct reference_packet *packet,
		   struct reference_answer *ret);
// Does this very flow permit the packet (after destination translation)?
bool reference_flow_permits(const struct pol_tree *tree, const struct pol_flow *flow,
			    const struct reference_packet *packet);

const char *reference_zone_name(const struct pol_tree *tree, int zone); // "self" too
bool reference_zone_has(const struct pol_tree *tree, int zone, const struct addr *addr);
// The ranges of an endpoint ("office", "dmz/mail-hub") in words: calls back for each range that its
// lists hold, exceptions included; a zone without networks and `self` have none.
void reference_each_range(const struct pol_tree *tree, const char *endpoint,
			  void (*each)(void *arg, const struct addr_range *range), void *arg);

#endif
