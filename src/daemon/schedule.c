// Looking at the clock for proposals.
#include "daemon/schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/fault.h"
#include "daemon/proposals.h"

enum schedule_answer schedule_answer(uint64_t at_usec, uint64_t now_usec)
{
	if (now_usec < at_usec)
		return SCHEDULE_WAITS;
	return now_usec - at_usec > SCHEDULE_LATE_SECONDS * 1000000ULL ? SCHEDULE_MISSED
								       : SCHEDULE_DUE;
}

void schedule_record(struct gate *gate, enum event_kind kind, const struct proposal *proposal,
		     const char *message)
{
	struct event event;
	char when[40] = "";
	time_t seconds = (time_t)(proposal->scheduled_usec / 1000000);
	struct tm tm;
	localtime_r(&seconds, &tm);
	if (seconds)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &tm);
	event_init(&event, kind, journal_now_usec());
	event_text(&event, EVENT_MESSAGE, message);
	event_number(&event, EVENT_PROPOSAL, proposal->number);
	event_text(&event, EVENT_AT, when);
	event_text(&event, EVENT_ACTOR, proposal->scheduled_by.name);
	event_number(&event, EVENT_UID, proposal->scheduled_by.uid);
	journal_write(gate->journal, &event);
}

int schedule_set(struct gate *gate, uint64_t number, uint64_t at_usec, uint64_t confirm_usec,
		 const struct person *by, struct failure *failure)
{
	struct proposal proposal;
	uint64_t now = journal_now_usec();
	if (at_usec && (at_usec <= now || at_usec - now > SCHEDULE_AHEAD_SECONDS * 1000000ULL))
		return failure_set(failure, SK_SCHEDULE_TIME, -EINVAL,
				   "the time has passed, or is more than 31 days ahead");
	int r = proposals_take(gate, number, false, &proposal, failure);
	if (r < 0)
		return r;
	proposal.scheduled_usec = at_usec;
	proposal.scheduled_confirm_usec = confirm_usec;
	proposal.scheduled_by = *by;
	proposal.schedule_taken = false;
	proposal.schedule_try = 0;
	gate->schedule_known = false;
	return proposals_step(gate, &proposal, PROPOSAL_SCHEDULED, failure);
}

static void store(struct gate *gate, const struct proposal *proposal)
{
	struct failure failure;
	gate->schedule_known = false;
	if (proposal_write(gate->state_fd, proposal, &failure) < 0)
		journal_failed(gate->journal, &failure);
}

// Told first: a daemon that dies before it is forgotten tells it once more.
static void miss(struct gate *gate, struct proposal *proposal, const char *why)
{
	schedule_record(gate, EVENT_SCHEDULE_MISSED, proposal, why);
	gate_flush(gate);
	fault_point("schedule-missed");
	proposal->scheduled_usec = 0;
	proposal->schedule_taken = false;
	store(gate, proposal);
}

// The one that runs is closed already, or about to be.
static void on_applied(void *arg, struct gate *gate, const struct apply_result *result)
{
	struct failure failure;
	struct proposal proposal;
	char why[700] = "it could not be applied";
	uint64_t number = gate->schedule_taken;
	(void)arg;
	gate->schedule_taken = 0;
	if (result->status == EXIT_FINE || result->status == EXIT_DEGRADED ||
	    proposal_read(gate->state_fd, number, &failure, &proposal) < 0)
		return;
	if (result->failure)
		snprintf(why, sizeof(why), "SK%03d %s", (int)result->failure->code,
			 result->failure->text);
	miss(gate, &proposal, why);
}

void schedule_resume(struct gate *gate, struct proposal *proposal)
{
	if (proposal->schedule_try >= SCHEDULE_TRIES) {
		miss(gate, proposal, "SK757 the daemon ended twice while it was being applied");
		return;
	}
	schedule_record(gate, EVENT_SCHEDULED, proposal,
			"the daemon ended while it was being applied; it is due again");
	proposal->schedule_taken = false;
	store(gate, proposal);
}

static void act(struct gate *gate, sd_event *event, struct proposal *proposal)
{
	struct failure failure;
	enum schedule_answer answer = schedule_answer(proposal->scheduled_usec, journal_now_usec());
	if (answer == SCHEDULE_DUE && (gate->apply || confirm_left_seconds(gate)))
		return; // as long as it is not too late
	if (answer == SCHEDULE_MISSED) {
		miss(gate, proposal, "SK757 its time passed while it could not be applied");
		return;
	}
	proposal->schedule_taken = true;
	proposal->schedule_try++;
	if (proposal_write(gate->state_fd, proposal, &failure) < 0) {
		journal_failed(gate->journal, &failure);
		return;
	}
	fault_point("schedule-taken");
	gate->schedule_taken = proposal->number;
	const struct apply_request request = {
		.what = APPLY_PROPOSAL,
		.number = proposal->number,
		.by = proposal->scheduled_by,
		.by_timer = true,
		.confirm_usec = proposal->scheduled_confirm_usec,
		.done = on_applied,
	};
	apply_start(gate, event, &request);
}

// The next time at which anything is to be done; known until a proposal's schedule is written.
static void find_next(struct gate *gate)
{
	uint64_t numbers[PROPOSALS_KEPT];
	size_t n = proposal_list(gate->state_fd, numbers, PROPOSALS_KEPT);
	gate->schedule_usec = gate->schedule_number = 0;
	for (size_t i = 0; i < n; i++) {
		struct failure failure;
		struct proposal proposal;
		if (proposal_read(gate->state_fd, numbers[i], &failure, &proposal) < 0 ||
		    proposal.state != PROPOSAL_OPEN || !proposal.scheduled_usec ||
		    proposal.schedule_taken)
			continue;
		if (gate->schedule_usec && gate->schedule_usec <= proposal.scheduled_usec)
			continue;
		gate->schedule_usec = proposal.scheduled_usec;
		gate->schedule_number = proposal.number;
	}
	gate->schedule_known = true;
}

void schedule_refresh(struct gate *gate)
{
	if (!gate->schedule_known)
		find_next(gate);
}

void schedule_look(struct gate *gate, sd_event *event)
{
	struct failure failure;
	struct proposal proposal;
	schedule_refresh(gate);
	if (!gate->schedule_usec ||
	    schedule_answer(gate->schedule_usec, journal_now_usec()) == SCHEDULE_WAITS)
		return;
	gate->schedule_known = false;
	if (proposal_read(gate->state_fd, gate->schedule_number, &failure, &proposal) == 0 &&
	    proposal.state == PROPOSAL_OPEN && proposal.scheduled_usec && !proposal.schedule_taken)
		act(gate, event, &proposal);
}
