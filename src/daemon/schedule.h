// Proposals that are to be applied at a time to come.  The time is the wall clock's; the proposal
// says it, and says that it is taken before the apply begins: a clock that is put back does not do
// it twice, and one that jumps ahead does it once, unless it is then more than 15 minutes late.
//
// A daemon that dies over such an apply leaves it taken.  The next one tries it once more if it is
// not late by then; whatever becomes of it, an event says so.
//
// Fault points: proposal-stepped (scheduled), schedule-taken, schedule-missed (told, and not yet
// forgotten)
#ifndef SEKISHO_DAEMON_SCHEDULE_H
#define SEKISHO_DAEMON_SCHEDULE_H

#include "daemon/apply.h"

enum {
	SCHEDULE_LATE_SECONDS = 15 * 60,
	SCHEDULE_AHEAD_SECONDS = 31 * 24 * 3600,
	SCHEDULE_TRIES = 2, // a policy that ends the daemon must not do so again and again
};

// at_usec 0: not any more.  SK_SCHEDULE_TIME.
int schedule_set(struct gate *gate, uint64_t number, uint64_t at_usec, uint64_t confirm_usec,
		 const struct person *by, struct failure *failure);
// Finds out gate->schedule_usec and gate->schedule_number again, if they may have changed.
void schedule_refresh(struct gate *gate);
// Starts what is due; called every few seconds.
void schedule_look(struct gate *gate, sd_event *event);

// One that a daemon left taken.
void schedule_resume(struct gate *gate, struct proposal *proposal);
void schedule_record(struct gate *gate, enum event_kind kind, const struct proposal *proposal,
		     const char *message);

enum schedule_answer { SCHEDULE_WAITS, SCHEDULE_DUE, SCHEDULE_MISSED };
enum schedule_answer schedule_answer(uint64_t at_usec, uint64_t now_usec);

#endif
