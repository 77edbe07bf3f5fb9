// Waiting for a confirm, and the way back.
#include "daemon/confirm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "daemon/announce.h"
#include "daemon/drift.h"
#include "daemon/gate.h"
#include "daemon/isolation.h"
#include "daemon/live.h"
#include "daemon/proposals.h"
#include "daemon/stored.h"

static const char pending_name[] = "pending";

// --- the file

static int write_pending(struct gate *gate)
{
	const struct confirm *confirm = &gate->confirm;
	struct json_object *object = json_object_new_object();
	stored_put_number(object, "generation", confirm->generation);
	stored_put_number(object, "previous", confirm->previous);
	stored_put_number(object, "wait_usec", confirm->wait_usec);
	stored_put_moment(object, "deadline", &confirm->deadline);
	stored_put_number(object, "logins", confirm->mark.highest);
	stored_put_number(object, "applied_usec", confirm->mark.usec);
	stored_put_person(object, "by", &confirm->by);
	stored_put_number(object, "confirming", confirm->confirming);
	stored_put_number(object, "returning", confirm->returning);
	stored_put_person(object, "ended_by", &confirm->ended_by);
	stored_put_text(object, "ended_reason", confirm->ended_reason);
	return stored_write(gate->state_fd, pending_name, object);
}

static int read_pending(struct gate *gate, struct confirm *ret)
{
	struct json_object *object;
	struct confirm confirm = { 0 };
	int r = stored_read(gate->state_fd, pending_name, &object);
	if (r < 0)
		return r;
	confirm.generation = stored_number(object, "generation");
	confirm.previous = stored_number(object, "previous");
	confirm.wait_usec = stored_number(object, "wait_usec");
	stored_moment(object, "deadline", &confirm.deadline);
	confirm.mark.highest = stored_number(object, "logins");
	confirm.mark.usec = stored_number(object, "applied_usec");
	stored_person(object, "by", &confirm.by);
	confirm.confirming = stored_number(object, "confirming");
	confirm.returning = stored_number(object, "returning");
	stored_person(object, "ended_by", &confirm.ended_by);
	stored_text(object, "ended_reason", confirm.ended_reason, sizeof(confirm.ended_reason));
	json_object_put(object);
	if (!confirm.generation)
		return -EBADMSG;
	*ret = confirm;
	return 0;
}

static int remove_pending(struct gate *gate)
{
	int r = stored_remove(gate->state_fd, pending_name);
	fault_point("pending-removed");
	return r;
}

static int state_failed(struct failure *failure, int error, const char *what)
{
	return failure_set(failure, SK_STATE_UNWRITABLE, error, "%s: %s", what, strerror(-error));
}

// --- events and words

static void record(struct gate *gate, enum event_kind kind, uint64_t generation,
		   const struct person *by, const char *reason)
{
	struct event event;
	event_init(&event, kind, journal_now_usec());
	event_number(&event, EVENT_GENERATION, generation);
	event_number(&event, EVENT_BEFORE, gate->confirm.previous);
	if (by) {
		event_text(&event, EVENT_ACTOR, by->name);
		event_number(&event, EVENT_UID, by->uid);
		if (by->login_uid != CONTROL_NO_LOGIN)
			event_number(&event, EVENT_LOGIN_UID, by->login_uid);
	}
	event_text(&event, EVENT_REASON, reason);
	if (kind == EVENT_CONFIRM_AWAITED)
		event_number(&event, EVENT_SECONDS, gate->confirm.wait_usec / 1000000);
	journal_write(gate->journal, &event);
}

// Before the file that says so is gone.
static void record_end(struct gate *gate, enum event_kind kind, const struct person *by,
		       const char *reason, const char *point)
{
	record(gate, kind, gate->confirm.generation, by, reason);
	gate_flush(gate);
	fault_point(point);
}

static const char *name_of(uint64_t generation, char out[64])
{
	if (generation)
		snprintf(out, 64, "generation %" PRIu64, generation);
	else
		snprintf(out, 64, "the closed gate");
	return out;
}

// --- timers

void confirm_stop(struct gate *gate)
{
	gate->confirm.timer = sd_event_source_disable_unref(gate->confirm.timer);
	gate->confirm.warning = sd_event_source_disable_unref(gate->confirm.warning);
}

static void forget(struct gate *gate)
{
	confirm_stop(gate);
	gate->confirm = (struct confirm){ 0 };
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *arg)
{
	struct gate *gate = arg;
	struct failure failure;
	(void)usec;
	if (confirm_return(gate, NULL, "nobody confirmed in time", &failure) == 0)
		return 0;
	journal_failed(gate->journal, &failure);
	sd_event_source_set_time_relative(source, CONFIRM_RETRY_SECONDS * 1000000ULL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_warning(sd_event_source *source, uint64_t usec, void *arg)
{
	struct gate *gate = arg;
	char name[64];
	(void)source;
	(void)usec;
	announce("generation %" PRIu64 " waits for its confirm: in %" PRIu64 " seconds %s returns",
		 gate->confirm.generation, confirm_left_seconds(gate),
		 name_of(gate->confirm.previous, name));
	return 0;
}

void confirm_arm(struct gate *gate, sd_event *event)
{
	struct confirm *confirm = &gate->confirm;
	const uint64_t warn = CONFIRM_WARN_SECONDS * 1000000ULL;
	struct failure failure;
	if (!confirm->generation)
		return;
	confirm_stop(gate);
	uint64_t left = boot_left_usec(&confirm->deadline);
	int r = sd_event_add_time_relative(event, &confirm->timer, CLOCK_BOOTTIME, left, 1000,
					   on_deadline, gate);
	if (r >= 0 && left > warn)
		r = sd_event_add_time_relative(event, &confirm->warning, CLOCK_BOOTTIME,
					       left - warn, 1000, on_warning, gate);
	if (r >= 0)
		return;
	failure_set(&failure, SK_DAEMON_FAILED, r, "the timer of the confirm: %s", strerror(-r));
	journal_failed(gate->journal, &failure);
}

// --- before and after the commit

int confirm_prepare(struct gate *gate, uint64_t generation, uint64_t wait_usec,
		    const struct person *by, struct failure *failure)
{
	confirm_stop(gate);
	gate->confirm = (struct confirm){
		.generation = generation,
		.previous = generation_last_good(gate->state_fd),
		.wait_usec = wait_usec,
		.by = *by,
	};
	session_mark_now("/proc", &gate->confirm.mark);
	int r = boot_deadline(wait_usec, &gate->confirm.deadline);
	if (r == 0)
		r = write_pending(gate);
	fault_point("pending-written");
	if (r == 0)
		return 0;
	forget(gate);
	return state_failed(failure, r, "the mark of an apply that waits");
}

void confirm_drop(struct gate *gate)
{
	if (!gate->confirm.generation)
		return;
	remove_pending(gate);
	forget(gate);
}

void confirm_begin(struct gate *gate, sd_event *event)
{
	struct confirm *confirm = &gate->confirm;
	char name[64];
	session_mark_now("/proc", &confirm->mark);
	// Without this the older mark and the earlier deadline count: the safe side.
	if (boot_deadline(confirm->wait_usec, &confirm->deadline) == 0)
		write_pending(gate);
	fault_point("pending-moved");
	confirm_arm(gate, event);
	isolation_write_motd(gate);
	record(gate, EVENT_CONFIRM_AWAITED, confirm->generation, &confirm->by, NULL);
	announce("%s applied generation %" PRIu64
		 ". Unless somebody runs \"sekisho confirm\" from a "
		 "new login, %s returns in %" PRIu64 " seconds",
		 confirm->by.name, confirm->generation, name_of(confirm->previous, name),
		 confirm->wait_usec / 1000000);
}

void confirm_put_motd(const struct gate *gate, FILE *out)
{
	if (gate->confirm.generation)
		fprintf(out,
			"*** 確認待ち / APPLIED AND NOT CONFIRMED: generation %" PRIu64
			", by %s   sekisho "
			"confirm\n",
			gate->confirm.generation, gate->confirm.by.name);
}

uint64_t confirm_left_seconds(const struct gate *gate)
{
	if (!gate->confirm.generation)
		return 0;
	return (boot_left_usec(&gate->confirm.deadline) + 999999) / 1000000;
}

// --- confirm

static int make_good(struct gate *gate, const struct person *by, struct failure *failure)
{
	struct confirm *confirm = &gate->confirm;
	uint64_t generation = confirm->generation;
	confirm->confirming = true;
	confirm->ended_by = *by;
	write_pending(gate); // without it the record would lack who it was, and nothing else
	fault_point("confirm-intended");
	int r = generation_make_last_good(gate->state_fd, generation, failure);
	if (r < 0)
		return r;
	// For the history only: what counts has happened.
	generation_mark_confirmed(gate->state_fd, generation, by, journal_now_usec());
	fault_point("confirmed-marked");
	record_end(gate, EVENT_CONFIRMED, by, NULL, "confirm-recorded");
	remove_pending(gate);
	forget(gate);
	isolation_write_motd(gate);
	if (gate->shut.bits & GATE_SHUT_RETURN && gate->current.about.number == generation) {
		gate_set_problem(gate, GATE_LOAD, NULL);
		gate_let_through(gate, GATE_SHUT_RETURN);
	}
	return 0;
}

static int check_peer(const struct gate *gate, const struct control_peer *peer,
		      struct failure *failure)
{
	const struct confirm *confirm = &gate->confirm;
	char why[128];
	if (!confirm->generation)
		return failure_set(failure, SK_CONFIRM_NOTHING, -ENOENT,
				   "no apply waits for its confirm; \"sekisho status\" tells what "
				   "runs");
	if (peer->connected_usec <= confirm->mark.usec)
		return failure_set(failure, SK_CONFIRM_OLD_SESSION, -EPERM,
				   "this connection was opened before the apply; run \"sekisho "
				   "confirm\" from a new login");
	if (!session_is_newer("/proc", peer->pid, &confirm->mark, why, sizeof(why)))
		return failure_set(failure, SK_CONFIRM_OLD_SESSION, -EPERM,
				   "%s; open a second connection to the box and run \"sekisho "
				   "confirm\" there",
				   why);
	return 0;
}

static void record_refusal(struct gate *gate, const struct person *by,
			   const struct failure *failure)
{
	struct event event;
	char text[700];
	snprintf(text, sizeof(text), "SK%03d %s", (int)failure->code, failure->text);
	event_init(&event, EVENT_CONFIRM_REFUSED, journal_now_usec());
	event_text(&event, EVENT_MESSAGE, text);
	event_number(&event, EVENT_GENERATION, gate->confirm.generation);
	event_text(&event, EVENT_ACTOR, by->name);
	event_number(&event, EVENT_UID, by->uid);
	journal_write(gate->journal, &event);
}

int confirm_settle(struct gate *gate, const struct control_peer *peer, struct failure *failure)
{
	struct person by;
	person_of_peer(peer, &by);
	int r = check_peer(gate, peer, failure);
	if (r == 0)
		return make_good(gate, &by, failure);
	if (gate->confirm.generation)
		record_refusal(gate, &by, failure);
	return r;
}

// --- return

static int close_again(struct gate *gate, struct failure *failure)
{
	struct failure none;
	int r = gate_set_guard(gate, KERNEL_GUARD_CLOSED, failure);
	if (r < 0)
		return r;
	gate_shut(gate, GATE_SHUT_POLICY);
	drift_pause(gate->drift);
	r = kernel_remove(gate->kernel);
	if (r == 0)
		generation_done(&gate->current);
	drift_resume(gate->drift);
	if (r < 0)
		return failure_set(failure, SK_KERNEL_DIFFERS, r, "the kernel's table: %s",
				   strerror(-r));
	failure_set(&none, SK_NO_GENERATION, 0, "no policy was applied on this box yet");
	gate_set_problem(gate, GATE_NO_POLICY, &none);
	return 0;
}

static int bring_back(struct gate *gate, struct failure *failure)
{
	struct generation previous;
	if (!gate->confirm.previous)
		return close_again(gate, failure);
	int r = generation_load(gate->state_fd, gate->confirm.previous, failure, &previous);
	return r < 0 ? r : gate_run(gate, &previous, failure);
}

// Closed is the only thing that is certainly not what nobody confirmed.
static int cannot_return(struct gate *gate, const struct failure *why, struct failure *failure)
{
	failure_set(failure, SK_RETURN_FAILED, -EIO,
		    "generation %" PRIu64 " was not confirmed and the one before cannot return "
		    "(SK%03d %s); the gate is closed",
		    gate->confirm.generation, (int)why->code, why->text);
	gate_set_problem(gate, GATE_LOAD, failure);
	gate_shut(gate, GATE_SHUT_RETURN);
	return -EIO;
}

// A disk that does not take it must not keep anybody from going back.
static void intend_return(struct gate *gate, const struct person *by, const char *reason)
{
	struct confirm *confirm = &gate->confirm;
	confirm->returning = true;
	confirm->ended_by = *by;
	snprintf(confirm->ended_reason, sizeof(confirm->ended_reason), "%s", reason);
	write_pending(gate);
	fault_point("return-intended");
}

int confirm_return(struct gate *gate, const struct person *by, const char *reason,
		   struct failure *failure)
{
	struct failure why;
	char name[64];
	uint64_t generation = gate->confirm.generation;
	if (!generation)
		return failure_set(failure, SK_CONFIRM_NOTHING, -ENOENT,
				   "no apply waits for its confirm");
	gate_look_at_guard(gate, "somebody");
	if (by) {
		gate_hand_over(gate);
		intend_return(gate, by, reason);
	}
	if (bring_back(gate, &why) < 0)
		return cannot_return(gate, &why, failure);
	fault_point("returned-committed");
	gate_set_problem(gate, GATE_LOAD, NULL);
	live_review(gate, LIVE_RETURN);
	record_end(gate, EVENT_RETURNED, by, reason, "return-recorded");
	int r = remove_pending(gate);
	if (r < 0) {
		state_failed(failure, r, "the mark of an apply that waits");
		gate_set_problem(gate, GATE_STATE, failure);
	}
	announce("generation %" PRIu64 " was taken back (%s); %s runs again", generation, reason,
		 name_of(gate->confirm.previous, name));
	forget(gate);
	isolation_write_motd(gate);
	return 0;
}

// --- start

// Does the kernel still run the generation that waits, in this boot and before its deadline?
static bool goes_on(struct gate *gate, struct generation *ret)
{
	struct failure failure;
	uint64_t number = 0;
	if (gate->confirm.returning || boot_left_usec(&gate->confirm.deadline) == 0 ||
	    kernel_generation(gate->kernel, &number) < 0 || number != gate->confirm.generation)
		return false;
	return generation_load(gate->state_fd, number, &failure, ret) == 0;
}

// Nothing was ever confirmed: nothing may be left in the kernel.
static void leave_nothing(struct gate *gate)
{
	struct failure failure;
	if (close_again(gate, &failure) < 0)
		journal_failed(gate->journal, &failure);
}

// Over a boot nobody knows, and then it counts as committed.
static bool was_committed(struct gate *gate)
{
	char boot[BOOT_ID_MAX + 1];
	uint64_t number = 0;
	if (boot_id(boot) < 0 || strcmp(boot, gate->confirm.deadline.boot) != 0)
		return true;
	return kernel_generation(gate->kernel, &number) == 0 && number == gate->confirm.generation;
}

static int load_confirmed(struct gate *gate, struct failure *failure)
{
	const struct confirm *confirm = &gate->confirm;
	bool committed = was_committed(gate);
	int r = gate_load(gate, failure);
	if (r == -ENOENT)
		leave_nothing(gate);
	if (r < 0 && r != -ENOENT) { // the file stays: the next start tries again
		gate_shut(gate, GATE_SHUT_POLICY);
		forget(gate);
		return r;
	}
	if (committed)
		proposals_ran(gate, confirm->generation);
	if (gate->options->boot)
		return r;
	record_end(gate, EVENT_RETURNED, confirm->returning ? &confirm->ended_by : NULL,
		   confirm->returning
			   ? confirm->ended_reason
			   : "the daemon or the box was started again after its time, or before it "
			     "was loaded",
		   "return-recorded");
	remove_pending(gate);
	forget(gate);
	return r;
}

// Confirmed, and then interrupted.
static void finish_confirm(struct gate *gate)
{
	const struct confirm *confirm = &gate->confirm;
	const struct person *by = confirm->confirming ? &confirm->ended_by : NULL;
	struct person marked;
	uint64_t usec;
	if (gate->options->boot)
		return;
	if (by && !generation_was_confirmed(gate->state_fd, confirm->generation, &marked, &usec))
		generation_mark_confirmed(gate->state_fd, confirm->generation, by,
					  journal_now_usec());
	record_end(gate, EVENT_CONFIRMED, by, NULL, "confirm-recorded");
	remove_pending(gate);
	forget(gate);
}

int confirm_load(struct gate *gate, struct failure *failure)
{
	struct generation generation;
	struct failure unreadable;
	int r = read_pending(gate, &gate->confirm);
	if (r == -ENOENT)
		return gate_load(gate, failure);
	if (r < 0) { // whatever it said: only what was confirmed counts
		state_failed(&unreadable, r, "the mark of an apply that waits");
		journal_failed(gate->journal, &unreadable);
		gate->confirm = (struct confirm){ .generation = 0 };
		r = gate_load(gate, failure);
		if (r == 0 || r == -ENOENT)
			remove_pending(gate);
		if (r == -ENOENT)
			leave_nothing(gate);
		return r;
	}
	if (generation_last_good(gate->state_fd) == gate->confirm.generation) {
		finish_confirm(gate);
		return gate_load(gate, failure);
	}
	if (goes_on(gate, &generation) && gate_run(gate, &generation, failure) == 0) {
		record(gate, EVENT_CONFIRM_AWAITED, gate->confirm.generation, &gate->confirm.by,
		       "the daemon was started again meanwhile");
		return 0;
	}
	return load_confirmed(gate, failure);
}
