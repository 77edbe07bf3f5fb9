// Sessions and messages counted by source: an IPv4 address, or the /64 of an IPv6 address.  A table
// of fixed size; a source without a session is forgotten when its place is needed.
#ifndef SEKISHO_INSPECT_SOURCE_LIMITS_H
#define SEKISHO_INSPECT_SOURCE_LIMITS_H

#include "inspect/engine.h"

struct source_limits;

enum source_verdict {
	SOURCE_TAKEN,
	SOURCE_SESSIONS,     // limits.sessions reached
	SOURCE_SESSION_RATE, // limits.session_rate reached
};

enum { SOURCE_NONE = UINT32_MAX };

// sources: how many are remembered, rounded up to a power of two, at least 8, at most 2^24. secret:
// keeps strangers from choosing addresses that share places.  -EINVAL, -ENOMEM.
int source_limits_new(size_t sources, uint64_t secret, struct source_limits **ret_limits);
void source_limits_free(struct source_limits *limits); // NULL is fine

// A session begins.  Guards are counted apart.  *ret_slot: what to hand to leave(); SOURCE_NONE
// when it was refused, or when all places are taken by sources with sessions: then nothing is
// counted, for else many sources could keep everybody out.
enum source_verdict source_limits_enter(struct source_limits *limits, const struct addr *source,
					const struct profile *profile, uint64_t now_us,
					uint32_t *ret_slot);
void source_limits_leave(struct source_limits *limits, uint32_t slot);
// One message more.  False: the rate is reached, and it was not counted.
bool source_limits_message(struct source_limits *limits, uint32_t slot,
			   const struct profile *profile, uint64_t now_us);

#endif
