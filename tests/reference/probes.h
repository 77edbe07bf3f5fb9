// Packets that are worth trying on a policy: at the boundaries of every flow and forward (first,
// last, one outside, of each address range and port), for every pair of zones, and at random.
//
// `to` is where routing sends the packet: the zone that has the address, except for one probe in
// four of those whose destination is another zone's, which say what the flow says (so that
// misplaced destinations are tried too).  For `self` any address stands: a caller with real
// packets puts the gateway's own in its place, which changes no verdict.  Sources and destinations
// are unicast addresses that are routed.
#ifndef SEKISHO_TESTS_REFERENCE_PROBES_H
#define SEKISHO_TESTS_REFERENCE_PROBES_H

#include <stddef.h>
#include <stdint.h>

#include "reference/reference.h"

struct probe {
	struct reference_packet packet;
	const char *kind;  // flow, nat, pair, random
	const char *about; // id of the flow or forward, or ""
};

// At least `count` probes if `most` is false, filled up with random ones; if it is true exactly
// `count`, drawn evenly.  Fewer only for a policy that has no two ends to send between.  Free
// *ret_probes.  The same seed gives the same probes.
size_t probes_make(const struct pol_tree *tree, uint64_t seed, size_t count, bool most,
		   struct probe **ret_probes);

#endif
