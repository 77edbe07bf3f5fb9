// Live connections: every entry of the kernel's connection tracking is judged by the plan, and
// those that it no longer allows are deleted and recorded; no other is touched.
//
// A pass: dump (kernel/conntrack.h) → a child without rights that compiles the generation's stored
// policy and judges (daemon/judge.h says how each kind of entry is judged) → deletion → events.  It
// runs in the event loop in small steps.  One at a time; whatever is asked for meanwhile becomes
// one more pass after it.
//
// One pass is enough.  A connection is in the table once its first packet has left, and it left by
// the rules that ran when it was looked at.  The pass begins after the commit and after every
// packet that was on its way through the old rules is gone (a grace period of the kernel), so what
// the old rules let in is in the dump.  Packets of such connections pass until the pass has deleted
// them. Afterwards the next packet is the first of a connection: for TCP not a SYN, and so invalid
// (the kernel says so with nf_conntrack_tcp_loose off, the ruleset in any case), else judged anew.
//
// A daemon that dies meanwhile leaves the rest to the pass of the next one's start, which also
// records what was cut and not recorded (daemon/live_intent.h).  Fault points: live-begun,
// live-judged (nothing is cut yet), live-intended, live-cut (some are, and not yet recorded),
// live-recorded.
#ifndef SEKISHO_DAEMON_LIVE_H
#define SEKISHO_DAEMON_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "control/field.h"
#include "daemon/failure.h"
#include "daemon/gate.h"
#include "daemon/judging.h"

enum {
	LIVE_EVENTS_MAX = 1000,	  // one event a cut connection up to here, a pass; then sums
	LIVE_KINDS_MAX = 256,	  // of such sums
	LIVE_DELETED_STEP = 2048, // connections in one step of the event loop
	LIVE_RETRY_SECONDS = 10,
	LIVE_SHOWN_MAX = 100, // of the connections that live_judge_plan() would cut
};

enum live_cause {
	LIVE_APPLY,
	LIVE_ROLLBACK,
	LIVE_RETURN, // of the generation before one that nobody confirmed
	LIVE_EXPIRY,
	LIVE_QUARANTINE,
	LIVE_RECONNECT,
	LIVE_START,	// of the daemon
	LIVE_COUNTRIES, // other addresses of countries
	LIVE_CAUSE_COUNT,
};

// Once per gate, before anything is reviewed.  0 or a negative errno; without it live_review()
// does nothing.
int live_open(struct gate *gate, sd_event *event);
void live_close(struct gate *gate);	 // ends what runs
sd_event *live_event(struct gate *gate); // NULL: it is not open

// Starts a pass by the running generation, or queues one.  Nothing happens when no generation runs.
// It ends with an event "connections-reviewed", or with a problem in the status.
void live_review(struct gate *gate, enum live_cause cause);

// The policy of the running generation as a snapshot (daemon/snapshot.h), to judge by.
// 0 with a descriptor, or a negative errno with *failure.
int live_policy(struct gate *gate, struct failure *failure, int *ret_fd);

// What a plan that is not applied would cut: nothing is changed.
struct live_cut {
	const char *from, *to; // zones; "" where the addresses have none
	const char *flow;      // the nearest one; "": none
	const char *reason;    // judge_reason_word()
	const char *protocol;  // "tcp", or a number
	const char *source, *destination;
	uint16_t source_port, port; // 0 where there are none; port: ICMP type
};
struct live_result {
	const struct failure *failure; // NULL: fine
	size_t judged, cut;
	const struct live_cut *cuts; // the first LIVE_SHOWN_MAX of them
	size_t n_cuts;
	uint64_t us;
};
typedef void live_judged(void *arg, const struct live_result *result);

// snapshot_fd: of the policy (daemon/snapshot.h); stays the caller's, only used during the call.
// done is called once, from the event loop, with what lives only during it.
// 0 with *ret_judging, or a negative errno.
struct live_judging;
int live_judge_plan(struct gate *gate, int snapshot_fd, live_judged *done, void *arg,
		    struct live_judging **ret_judging);
void live_judging_cancel(struct live_judging *judging); // done is not called; NULL is fine
// One cut connection as fields: CTL_FLOW, CTL_FROM, CTL_TO, CTL_TRANSPORT, CTL_SOURCE ...
// CTL_REASON.
void live_put_cut(struct control_writer *writer, const struct live_cut *cut);

#endif
