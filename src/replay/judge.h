// What a plan says of a connection: the packet that opened it, put to plan_decide() between the
// zones that it may be between.
//
//	what is known				zone
//	--------------------------------------  --------------------------------------------------
//	it came in by an interface of a zone	from: that zone, whatever its address
//	it left by one, and its source is the	from: self; to: that zone
//	gateway's, or of that very zone
//	the address is the gateway's		self; from only where no interface is known
//	multicast, broadcast, link-local	to: self, which alone can hear it; from self: the
//						zone that it left to
//	an address of one zone			that zone
//	of several zones without networks,	the one that it was seen leaving to; else each of
//	or link-local without an interface	them: what they do not agree on is ambiguous
//	of no zone				denied
#ifndef SEKISHO_REPLAY_JUDGE_H
#define SEKISHO_REPLAY_JUDGE_H

#include "plan/finder.h"
#include "plan/query.h"
#include "replay/spots.h"
#include "replay/tracks.h"

enum replay_verdict {
	REPLAY_ALLOWED,
	REPLAY_INSPECTED,
	REPLAY_DENIED,
	REPLAY_AMBIGUOUS,
	REPLAY_INSIDE, // never crosses the gateway
	REPLAY_VERDICTS
};

enum replay_reason { // the first ones are those of enum plan_reason
	REPLAY_BY_FLOW,
	REPLAY_SPOOFED,
	REPLAY_MISPLACED,
	REPLAY_NO_PAIR,
	REPLAY_NO_SERVICE,
	REPLAY_NO_ADDRESS,
	REPLAY_EXCEPTED,
	REPLAY_NAT_ELSEWHERE,
	REPLAY_NO_ZONE,	      // an address of no zone
	REPLAY_ZONES_DIFFER,  // ambiguous
	REPLAY_OPENS_NOTHING, // an ICMP type that is no query
	REPLAY_ERROR_ALONE,   // an ICMP error about no connection
	REPLAY_TCP_FLAGS,     // TCP flags that open nothing
	REPLAY_FRAGMENT,      // the settings drop fragments
	REPLAY_EXTENSION,     // an IPv6 extension header that the settings do not let through
	REPLAY_SAME_ZONE,     // inside
	REPLAY_REASONS,
};

_Static_assert(REPLAY_VERDICTS <= 1 << 3 && REPLAY_REASONS <= 1 << 5, "struct connection has room");

const char *replay_verdict_word(enum replay_verdict verdict); // "allowed"
const char *replay_reason_word(enum replay_reason reason);    // "no-pair"
const char *replay_reason_text(enum replay_reason reason);    // for people

struct judge {
	const struct plan *plan;
	struct plan_finder *finder;
	const uint16_t *zones;	 // by spot, of the plan
	const struct addr *self; // the gateway's own addresses
	size_t n_self;
};

struct judge_answer {
	enum replay_verdict verdict;
	enum replay_reason reason;
	uint16_t from, to; // SPOT_NO_ZONE: not known
	uint32_t flow;	   // that permits it
	const struct plan_nat *destination_nat, *source_nat, *hairpin_nat;
	struct plan_packet packet, translated;
};

struct fate { // what is kept of an answer
	uint8_t verdict, reason;
	uint16_t from, to;
	uint32_t flow;
};

enum { JUDGE_MANY = 32 };

void judge_connection(const struct judge *judge, const struct connection *connection,
		      struct judge_answer *ret);
// The same of n of them, at most JUDGE_MANY: much quicker than one by one.
void judge_many(const struct judge *judge, const struct connection *const *connections, size_t n,
		struct judge_answer *ret);
struct fate judge_fate(const struct judge_answer *answer);
bool judge_is_self(const struct judge *judge, const struct addr *addr);
// The packet that opened it, without zones.
struct plan_packet judge_packet(const struct connection *connection);

#endif
