// The peer: DPDK's rte_acl, where the build found it.  It lives in a process of its own, so that
// its memory and the time of its build have a limit; the two take turns on the same processor.
#ifndef SEKISHO_BENCH_CLASSIFY_PEER_H
#define SEKISHO_BENCH_CLASSIFY_PEER_H

#include <sys/types.h>

#include "bench/classify/trace.h"

enum { PEER_BEST = 3, PEER_NAME_MAX = 48 };

struct peer_limits {
	uint32_t build_s;  // seconds that its build may take
	uint32_t build_mb; // memory that its build may take besides
	uint32_t heap_mb;  // memory for its tables
};

struct peer {
	pid_t pid;
	int ask, answer;
	double build_ms;
	uint32_t *results; // one a header, shared with the process
	size_t results_size;
	char name[PEER_BEST][PEER_NAME_MAX]; // the fastest variants with their sizes of bulk
	char why[PEER_NAME_MAX];	     // set if peer_start() failed: what failed
};

// Builds its tables and looks each header up.  0; -ENOSYS: built without it; -ETIMEDOUT, -ENOMEM or
// what its build gave, with ret->why.
int peer_start(const struct ruleset *set, const struct trace *trace, bool v6,
	       const struct peer_limits *limits, struct peer *ret);
// Has it try all variants and bulks, and keep the best.
int peer_choose(struct peer *peer);
// Nanoseconds a lookup of each of the best.
int peer_round(struct peer *peer, double ret_ns[PEER_BEST]);
void peer_stop(struct peer *peer);

#endif
