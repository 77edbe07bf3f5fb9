// Captured traffic through a policy: every packet to its connection, the first packet of each
// connection to the plan.  Pure but for memory; every bound is named, and what is beyond is
// counted.
//
// A connection is what connection tracking would call one: TCP, UDP and SCTP by ports, ICMP queries
// by identifier, other protocols by addresses; answers, ICMP errors about it, later fragments, and
// its translated packets belong to it.  It ends after the kernel's own timeouts, so that what comes
// later opens another.  See judge.h for what becomes of one.
#ifndef SEKISHO_REPLAY_REPLAY_H
#define SEKISHO_REPLAY_REPLAY_H

#include "replay/judge.h"

enum { REPLAY_SELF_MAX = 256, REPLAY_BATCH = 32 };

enum replay_left { // packets that belong to no connection
	REPLAY_NOT_IP,
	REPLAY_MALFORMED, // cut off before their addresses, or nonsense
	REPLAY_LINK_KIND, // of interfaces whose frames are of an unknown kind
	REPLAY_ESSENTIAL, // neighbour discovery and listener reports: let through by themselves
	REPLAY_COPY,	  // leaving, translated from what nobody knows
	REPLAY_PIECE,	  // fragments without their first
	REPLAY_BEYOND,	  // no room for their connection
	REPLAY_LEFT,
};
const char *replay_left_word(enum replay_left left); // "not-ip"
const char *replay_left_text(enum replay_left left);

struct replay_totals {
	uint64_t packets, bytes; // of the file; bytes as they were on the wire
	int64_t first_us, last_us;
	uint64_t left[REPLAY_LEFT];
	uint64_t copies, errors, errors_refused; // ICMP errors of types that the settings refuse
	uint64_t unknown_ways, known_ways;	 // packets that came in, as far as anybody can tell
};

struct replay_sight {	 // a packet that belongs to a connection
	uint32_t number; // in the file, from 1
	uint32_t connection;
	bool reply, copy, error;
	int64_t time_us;
	uint32_t wire_size;
	const struct header *header;
	uint16_t spot;
	enum link_way way;
};

struct replay_options {
	const struct plan *plan;
	const struct spot_rule *rules;
	size_t n_rules;
	const struct addr *self;
	size_t n_self;
	uint64_t seed[4];
	size_t max;						   // connections; 0: TRACK_MAX
	void (*each)(void *arg, const struct replay_sight *sight); // NULL: nobody
	void *arg;
};

struct replay {
	struct replay_options options;
	struct tracks tracks;
	struct spots spots;
	struct judge judge;
	struct replay_totals totals;
	uint32_t connections;
};

void replay_init(struct replay *replay, const struct replay_options *options);
void replay_done(struct replay *replay);
// To the end of the capture or to its fault.
void replay_run(struct replay *replay, struct capture *capture);
// Judges every connection by another plan: fates[i] is of the entry i; an alias has none.
void replay_judge_again(const struct replay *replay, const struct plan *plan, struct fate *fates);
// Aliases are not connections.
bool replay_is_alias(const struct connection *connection);

#endif
