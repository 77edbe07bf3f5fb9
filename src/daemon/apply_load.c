// An apply's last steps, store, commit and install, and the way back from each.
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "daemon/apply_private.h"
#include "daemon/capture.h"
#include "daemon/countries.h"
#include "daemon/isolation.h"
#include "daemon/live.h"
#include "daemon/proposals.h"
#include "daemon/reviews.h"

int apply_map_snapshot(struct apply *apply, struct snapshot *ret, struct failure *failure)
{
	int r = snapshot_map(apply->snapshot_fd, ret);
	return r < 0 ? failure_set(failure, SK_DAEMON_FAILED, r, "the copy of the policy: %s",
				   strerror(-r))
		     : 0;
}

static int store(struct apply *apply, const uint8_t *bytes, size_t size, struct failure *failure)
{
	struct snapshot snapshot;
	int r = apply->stored ? 0 : apply_map_snapshot(apply, &snapshot, failure);
	if (r < 0 || apply->stored)
		return r;
	r = generation_store(apply->gate->state_fd, &apply->about, &snapshot, bytes, size, failure);
	snapshot_done(&snapshot);
	return r;
}

static enum live_cause cause_of(const struct apply *apply)
{
	return apply->what == APPLY_GENERATION ? LIVE_ROLLBACK : LIVE_APPLY;
}

static int settle_or_wait(struct apply *apply, struct failure *failure)
{
	struct gate *gate = apply->gate;
	if (apply->confirm_usec) {
		confirm_begin(gate, apply->event);
		return 0;
	}
	int r = generation_make_last_good(gate->state_fd, apply->about.number, failure);
	if (r < 0)
		return r;
	generation_mark_confirmed(gate->state_fd, apply->about.number, &apply->about.by,
				  apply->about.applied_usec);
	confirm_drop(gate); // one that could not return, and must not any more
	return 0;
}

// The report is the gate's from here on.
static void install(struct apply *apply, struct report *report, struct apply_result *result)
{
	struct gate *gate = apply->gate;
	struct failure failure;
	uint64_t start = monotonic_us();
	generation_done(&gate->current);
	gate->current = (struct generation){ .about = apply->about, .report = *report };
	gate_set_problem(gate, GATE_NO_POLICY, NULL);
	gate_set_problem(gate, GATE_LOAD, NULL);
	gate_set_problem(gate, GATE_KERNEL, NULL);
	gate_let_through(gate, GATE_SHUT_UNTIL_RUN | (apply->by_timer ? 0 : GATE_SHUT_HAND));
	int r = settle_or_wait(apply, &failure);
	gate_set_problem(gate, GATE_STATE, r < 0 ? &failure : NULL);
	if (apply->emergency)
		reviews_record(gate, &gate->current.about, apply->emergency_reason);
	gate_look(gate);
	live_review(gate, cause_of(apply));
	capture_follow(gate);
	countries_look(gate); // it may have been compiled with other ones
	proposals_look(gate); // those that were compared with what ran before are void
	result->store_us += monotonic_us() - start;
	result->status = strcmp(gate_state(gate), "running") == 0 ? EXIT_FINE : EXIT_DEGRADED;
	result->report = &gate->current.report;
	result->changed = true;
	result->failure = r < 0 ? &failure : NULL;
	apply_finish(apply, result);
}

static void give_up(struct apply *apply, struct report *report, struct apply_result *result)
{
	struct gate *gate = apply->gate;
	if (!apply->stored)
		generation_remove(gate->state_fd, apply->about.number);
	if (apply->emergency && !apply->stored)
		reviews_drop(gate, apply->about.number);
	if (gate->confirm.generation == apply->about.number)
		confirm_drop(gate);
	apply_finish(apply, result);
	report_done(report);
}

void apply_load(struct apply *apply, struct report *report, const uint8_t *bytes, size_t size)
{
	struct gate *gate = apply->gate;
	struct apply_result result = {
		.status = EXIT_FAILED,
		.report = report,
		.compile_us = monotonic_us() - apply->started_us,
	};
	struct failure failure;
	uint64_t start = monotonic_us();
	gate_look(gate);
	gate_write_counters(gate);
	result.failure = &failure;
	apply->about.previous = gate->current.about.number;
	if (store(apply, bytes, size, &failure) < 0) {
		apply_finish(apply, &result);
		report_done(report);
		return;
	}
	int r = 0;
	if (apply->emergency)
		r = reviews_prepare(gate, &apply->about, apply->emergency_reason, &failure);
	if (r == 0 && apply->confirm_usec)
		r = confirm_prepare(gate, apply->about.number, apply->confirm_usec,
				    &apply->about.by, &failure);
	if (r < 0) {
		give_up(apply, report, &result);
		return;
	}
	result.store_us = monotonic_us() - start;
	r = isolation_precede(gate, report, &failure);
	if (r == 0)
		r = gate_commit(gate, report->ruleset, &failure, &result.times);
	fault_point("committed");
	if (r < 0) {
		result.status = EXIT_KERNEL;
		give_up(apply, report, &result);
		return;
	}
	install(apply, report, &result);
}
