// The demo's round trip: which connections to try between the zones of a policy, and trying them.
#ifndef LAB_TOUR_H
#define LAB_TOUR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/vec.h"
#include "plan/plan.h"
#include "plan/query.h"

enum tour_client { TOUR_PING, TOUR_CURL, TOUR_TCP, TOUR_UDP };

struct tour_attempt {
	uint16_t from, to; // zones of the plan
	struct plan_packet packet;
	struct plan_answer answer; // what the policy says
	enum tour_client client;
	bool through; // what happened
};

struct tour_host {
	uint16_t zone; // for the gateway's own: the zone of its cable
	bool gateway;
	struct addr addr;
};

struct tour {
	struct plan *plan;
	const struct plan_zone *zones;
	const struct plan_flow *flows;
	size_t n_zones, n_flows;
	VEC(struct tour_host) hosts;
	VEC(struct tour_attempt) attempts;
	const char *prefix; // of the namespaces
};

// For each pair of zones and family: one connection that a flow permits, if there is one, and one
// that none does.
void tour_choose(struct tour *tour);
// Tries them all with real clients, many at a time; sets .through.
void tour_run(struct tour *tour);

const char *tour_service(const struct tour_attempt *attempt, char *out, size_t size);

#endif
