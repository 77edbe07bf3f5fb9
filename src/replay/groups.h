// Connections brought together for people: what became of them, between which zones, by which flow,
// or with which service and why not.
#ifndef SEKISHO_REPLAY_GROUPS_H
#define SEKISHO_REPLAY_GROUPS_H

#include "replay/replay.h"

struct group {
	uint8_t verdict, reason; // of replay/judge.h
	uint16_t from, to;
	uint32_t flow;	  // PLAN_NONE: denied
	uint8_t protocol; // of what is denied, with its port or ICMP type
	uint16_t port;
	uint64_t connections, answered, packets, bytes;
	uint32_t first; // index of the first of them
};

struct groups {
	struct group *v; // by verdict, then the most connections first
	size_t n;
	uint64_t connections[REPLAY_VERDICTS], packets[REPLAY_VERDICTS], bytes[REPLAY_VERDICTS];
};

void groups_make(const struct replay *replay, struct groups *ret);
void groups_done(struct groups *groups);

// Of two policies: connections that change their fate, by what it was and what it is.
struct change {
	struct fate was, is; // of the first of them
	uint32_t first;
	uint64_t connections, packets;
};
struct changes {
	struct change *v; // the most connections first
	size_t n;
	uint64_t connections; // all that change
};
// is: of replay_judge_again() by is_plan, whose flows and zones it names.
void changes_make(const struct replay *replay, const struct plan *is_plan, const struct fate *is,
		  struct changes *ret);
void changes_done(struct changes *changes);

#endif
