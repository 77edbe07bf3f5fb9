// One look at the live connections: the kernel's table read in steps of the event loop, the ways to
// addresses that several zones could have, and a judge's verdicts (daemon/judge.h).  It changes
// nothing.
#ifndef SEKISHO_DAEMON_JUDGING_H
#define SEKISHO_DAEMON_JUDGING_H

#include "daemon/gate.h"
#include "daemon/judge_child.h"

enum {
	JUDGING_ENTRIES_MAX = 2000000, // of connection tracking
	JUDGING_ROUTES_STEP = 2048,    // addresses asked about in one step
};

struct judging;

// Called once, from the event loop.  failure NULL: entries and answer are there until
// judging_free(), which the handler may call.
typedef void judging_done(void *arg, struct judging *judging, const struct failure *failure);

// snapshot_fd: of the policy to judge by; only used during the call.  running: it is the one that
// runs, whose zones are known.
// 0 with *ret_judging, or a negative errno with *failure.
int judging_start(struct gate *gate, sd_event *event, int snapshot_fd, bool running,
		  judging_done *done, void *arg, struct failure *failure,
		  struct judging **ret_judging);
void judging_free(struct judging *judging); // ends it if it still runs; NULL is fine

const struct conntrack_entry *judging_entries(const struct judging *judging, size_t *ret_n);
const struct judge_answer *judging_answer(const struct judging *judging);

#endif
