#include "daemon/apply_record.h"

#include <stdio.h>

#include "base/fault.h"

static void put_person(struct event *event, const struct person *by)
{
	event_text(event, EVENT_ACTOR, by->name);
	event_number(event, EVENT_UID, by->uid);
	if (by->login_uid != CONTROL_NO_LOGIN)
		event_number(event, EVENT_LOGIN_UID, by->login_uid);
}

void apply_record_start(struct gate *gate, enum apply_what what,
			const struct generation_about *about)
{
	struct event event;
	if (what == APPLY_PROPOSE)
		return;
	event_init(&event, EVENT_APPLY_STARTED, journal_now_usec());
	put_person(&event, &about->by);
	event_text(&event, EVENT_NAME, about->directory);
	if (what == APPLY_PROPOSAL)
		event_number(&event, EVENT_PROPOSAL, about->number);
	if (what == APPLY_GENERATION)
		event_number(&event, EVENT_GENERATION, about->number);
	journal_write(gate->journal, &event);
}

static enum event_kind kind_of(enum apply_what what, bool fine)
{
	if (!fine)
		return EVENT_APPLY_REFUSED;
	return what == APPLY_GENERATION ? EVENT_ROLLED_BACK : EVENT_APPLIED;
}

void apply_record_end(struct gate *gate, enum apply_what what, const struct generation_about *about,
		      const struct apply_result *result)
{
	struct event event;
	bool fine = result->status == EXIT_FINE || result->status == EXIT_DEGRADED;
	char text[700] = "";
	if (fine && result->proposal) // is an event of its own
		return;
	if (fine && !result->changed && !result->failure)
		snprintf(text, sizeof(text), "that policy runs already; nothing was changed");
	else if (result->failure)
		snprintf(text, sizeof(text), "SK%03d %s", (int)result->failure->code,
			 result->failure->text);
	event_init(&event, kind_of(what, fine), journal_now_usec());
	event_text(&event, EVENT_MESSAGE, text);
	event_number(&event, EVENT_GENERATION, fine ? gate->current.about.number : about->number);
	put_person(&event, &about->by);
	event_text(&event, EVENT_REASON, about->reason);
	event_text(&event, EVENT_REQUEST, about->request);
	event_text(&event, EVENT_DIGEST, fine ? gate->current.about.digest : NULL);
	if (fine && result->changed)
		event_number(&event, EVENT_BEFORE, about->previous);
	if (fine)
		event_number(&event, EVENT_FLOWS, gate->current.report.flows.n - 1);
	else if (result->report)
		event_number(&event, EVENT_ERRORS,
			     control_u64(&result->report->faults.v[0], CTL_ERRORS));
	event_number(&event, EVENT_STATUS, (uint64_t)result->status);
	journal_write(gate->journal, &event);
}

void apply_record_told(struct gate *gate)
{
	gate_flush(gate);
	fault_point("applied-recorded");
	generation_mark_told(gate->state_fd, gate->current.about.number);
}

void apply_resume(struct gate *gate)
{
	const struct generation_about *about = &gate->current.about;
	struct event event;
	if (!about->number || generation_was_told(gate->state_fd, about->number))
		return;
	event_init(&event, EVENT_APPLIED, journal_now_usec());
	event_text(&event, EVENT_MESSAGE, "the daemon ended before it was recorded");
	event_number(&event, EVENT_GENERATION, about->number);
	put_person(&event, &about->by);
	event_text(&event, EVENT_REASON, about->reason);
	event_text(&event, EVENT_REQUEST, about->request);
	event_text(&event, EVENT_DIGEST, about->digest);
	event_number(&event, EVENT_BEFORE, about->previous);
	event_number(&event, EVENT_FLOWS, gate->current.report.flows.n - 1);
	journal_write(gate->journal, &event);
	apply_record_told(gate);
}
