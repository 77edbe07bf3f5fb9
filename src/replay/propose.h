// Flows that would permit what was denied and was seen, as policy text.  Nobody applies them:
// whoever reads them decides.
//
// Denied connections between two zones are brought together by service; services whose sources and
// destinations are the same become one flow.  Many ports between the same hosts become a range,
// many hosts their whole zone.  What no flow could permit (a false source, an ICMP error alone) is
// not proposed.
#ifndef SEKISHO_REPLAY_PROPOSE_H
#define SEKISHO_REPLAY_PROPOSE_H

#include <stdio.h>

#include "replay/replay.h"

enum {
	PROPOSE_FLOWS_MAX = 100,
	PROPOSE_ADDRESSES_MAX = 32, // of one side; more: the whole zone
	PROPOSE_PORTS_MAX = 12,	    // of one flow and protocol; more: a range
};

struct proposal;

// plan: the replay's own.
struct proposal *propose(struct plan *plan, const struct replay *replay);
void propose_done(struct proposal *proposal);
size_t propose_flows(const struct proposal *proposal);
// Text of a file of a policy with the flows for which include[i] holds, and the networks they need.
// note[i] (may be NULL) of one that is not included is told in a comment.
void propose_print(const struct proposal *proposal, const bool *include, const char *const *note,
		   FILE *out);

#endif
