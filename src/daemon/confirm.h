// An apply that nobody confirms is taken back.  Before the kernel is touched, the state folder says
// which generation is tried, which one returns, and until when, in this boot's time: another boot
// counts as passed.  The last good generation moves only at the confirm, so that a box that
// restarts in between comes up with what was confirmed.
//
//	state/pending             JSON; there as long as an apply waits
//
// Fault points, in the order they are passed:
//	generation-stored  pending-written  committed  pending-moved  applied-recorded
//	confirming: confirm-intended  last-good-linked  confirmed-marked  confirm-recorded
//	            pending-removed
//	returning:  return-intended  returned-committed  return-recorded  pending-removed
//
// Who confirms or takes back is in the file before anything is done, and the file goes once the
// record has it: a daemon that dies in between leaves both to the next one.
#ifndef SEKISHO_DAEMON_CONFIRM_H
#define SEKISHO_DAEMON_CONFIRM_H

#include <stdbool.h>
#include <stdio.h>

#include <systemd/sd-event.h>

#include "base/boot.h"
#include "daemon/approval.h"
#include "daemon/generation.h"
#include "daemon/failure.h"
#include "daemon/session.h"

enum { CONFIRM_WARN_SECONDS = 30, CONFIRM_RETRY_SECONDS = 5 };

struct gate;

struct confirm {
	uint64_t generation; // 0: nothing waits
	uint64_t previous;   // returns; 0: nothing ran before, the gate closes
	uint64_t wait_usec;
	struct boot_moment deadline;
	struct session_mark mark; // logins after it count
	struct person by;
	// What somebody has ordered since, for a daemon that dies over it.
	bool confirming, returning;
	struct person ended_by;
	char ended_reason[REASON_MAX];
	sd_event_source *timer, *warning;
};

// Before the commit.
int confirm_prepare(struct gate *gate, uint64_t generation, uint64_t wait_usec,
		    const struct person *by, struct failure *failure);
void confirm_drop(struct gate *gate); // the commit failed, or another apply is good
// After the commit: the time counts from now.
void confirm_begin(struct gate *gate, sd_event *event);

void confirm_put_motd(const struct gate *gate, FILE *out); // a line, if an apply waits
uint64_t confirm_left_seconds(const struct gate *gate);	   // 0: nothing waits

// SK_CONFIRM_NOTHING, SK_CONFIRM_OLD_SESSION, SK_STATE_UNWRITABLE.
int confirm_settle(struct gate *gate, const struct control_peer *peer, struct failure *failure);
// The generation before runs again, now.  by NULL: nobody confirmed in time.  On failure the gate
// is closed.
int confirm_return(struct gate *gate, const struct person *by, const char *reason,
		   struct failure *failure);

// In place of gate_load(): goes on waiting, or returns to what was confirmed.
int confirm_load(struct gate *gate, struct failure *failure);
// Timers for what confirm_load() found; none when nothing waits.
void confirm_arm(struct gate *gate, sd_event *event);
void confirm_stop(struct gate *gate);

#endif
