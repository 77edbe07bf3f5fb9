// What a pass over live connections is about to cut, before it does, so that a daemon that dies
// over it leaves a list of what it may have cut.  The next one compares the list with what lives
// and records what is gone.
//
//	state/live-cut            text; there as long as a pass cuts
//		GENERATION CAUSE
//		PROTOCOL SOURCE PORT DESTINATION PORT FLOW FROM TO REASON    with tabs between
//		+ COUNT                                          beyond LIVE_EVENTS_MAX of these
//
// It is not flushed to the disk: it need only outlive the process.  With the box its connections
// end too.
#ifndef SEKISHO_DAEMON_LIVE_INTENT_H
#define SEKISHO_DAEMON_LIVE_INTENT_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/gate.h"
#include "daemon/judge_child.h"

struct live_intent;

// answer lives as long as the intent.  0 with *ret_intent, or a negative errno.
int live_intent_new(int state_fd, const struct judge_answer *answer, uint64_t generation,
		    const char *cause, struct live_intent **ret_intent);
// These are cut next; verdicts: one for each.  0 or a negative errno.
int live_intent_add(struct live_intent *intent, const struct conntrack_entry *const *entries,
		    const struct judge_verdict *const *verdicts, size_t n);
// recorded: the file is not needed any more.  NULL is fine.
void live_intent_free(struct live_intent *intent, bool recorded);

// Records what a daemon that died has cut; entries: all that live now.  Nothing happens when it
// left no list.
void live_intent_tell(struct gate *gate, const struct conntrack_entry *entries, size_t n);

#endif
