// Open, load, commit, let through: always in this order, and forwarding only after read-back.
#include "daemon/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "daemon/drift.h"
#include "daemon/inspection.h"
#include "daemon/packets.h"
#include "daemon/isolation.h"
#include "daemon/mail.h"
#include "daemon/mass.h"
#include "daemon/record.h"
#include "kernel/sysctl.h"

void gate_set_problem(struct gate *gate, enum gate_problem problem, const struct failure *failure)
{
	char *text = gate->problems[problem];
	char before[sizeof(gate->problems[0])];
	memcpy(before, text, sizeof(before));
	text[0] = '\0';
	if (!failure)
		return;
	snprintf(text, sizeof(before), "SK%03d %s", (int)failure->code, failure->text);
	if (strcmp(before, text) != 0)
		journal_failed(gate->journal, failure);
}

void gate_show_problem(struct gate *gate, enum gate_problem problem, enum diag_code code,
		       const char *text)
{
	char *out = gate->problems[problem];
	out[0] = '\0';
	if (*text)
		snprintf(out, sizeof(gate->problems[0]), "SK%03d %s", (int)code, text);
}

bool gate_has_problems(const struct gate *gate)
{
	for (size_t i = 0; i < GATE_PROBLEM_COUNT; i++)
		if (gate->problems[i][0])
			return true;
	return false;
}

const char *gate_state(const struct gate *gate)
{
	if (!gate->current.about.number || gate->guard != KERNEL_GUARD_OPEN)
		return "closed";
	return gate_has_problems(gate) ? "degraded" : "running";
}

static void tell_gate(struct gate *gate, enum event_kind kind, const char *message)
{
	struct event event;
	event_init(&event, kind, journal_now_usec());
	event_text(&event, EVENT_MESSAGE, message);
	if (gate->current.about.number) {
		event_number(&event, EVENT_GENERATION, gate->current.about.number);
		event_text(&event, EVENT_DIGEST, gate->current.about.digest);
	}
	journal_write(gate->journal, &event);
}

void gate_event(struct gate *gate, enum event_kind kind)
{
	tell_gate(gate, kind, NULL);
}

void gate_flush(struct gate *gate)
{
	struct failure failure;
	int r = journal_flush(gate->journal, GATE_FLUSH_MS);
	if (r == 0)
		return;
	failure_set(&failure, SK_DAEMON_FAILED, r, "the audit log: %s", strerror(-r));
	journal_failed(gate->journal, &failure);
}

// --- the guard and forwarding

static int make_guard(struct gate *gate, enum kernel_guard state, bool anew,
		      struct failure *failure)
{
	bool by_hand = gate->shut.bits & GATE_SHUT_HAND;
	enum kernel_guard before = gate->guard;
	int r = isolation_make_guard(gate, state, by_hand && state == KERNEL_GUARD_CLOSED, anew);
	if (r < 0)
		return failure_set(failure, SK_GUARD_FAILED, r, "the guard table: %s",
				   strerror(-r));
	gate->guard = state;
	if (before != state)
		gate_event(gate, state == KERNEL_GUARD_OPEN ? EVENT_GATE_OPEN : EVENT_GATE_CLOSED);
	return 0;
}

int gate_set_guard(struct gate *gate, enum kernel_guard state, struct failure *failure)
{
	return make_guard(gate, state, false, failure);
}

static bool turn_guard(struct gate *gate, enum kernel_guard state)
{
	struct failure failure;
	int r = gate_set_guard(gate, state, &failure);
	gate_set_problem(gate, GATE_GUARD, r < 0 ? &failure : NULL);
	return r == 0;
}

static int write_shut(struct gate *gate)
{
	struct failure failure;
	int r = shut_write(&gate->shut, gate->state_fd);
	if (r < 0)
		failure_set(&failure, SK_STATE_UNWRITABLE, r,
			    "state/closed, which says whether the gate is closed by hand: %s",
			    strerror(-r));
	gate_set_problem(gate, GATE_SHUT_FILE, r < 0 ? &failure : NULL);
	return r;
}

// A hand that was quicker than the next look at the guard.
static void notice_hand(struct gate *gate)
{
	struct guard_found *found = calloc(1, sizeof(*found));
	if (found && !(gate->shut.bits & GATE_SHUT_HAND) &&
	    kernel_guard_read(gate->kernel, found) == 0 &&
	    (found->by_hand ||
	     (gate->guard == KERNEL_GUARD_OPEN && found->state == KERNEL_GUARD_CLOSED)))
		gate_look_at_guard(gate, "somebody");
	free(found);
}

void gate_shut(struct gate *gate, enum gate_shut why)
{
	notice_hand(gate);
	if (why)
		shut_add(&gate->shut, why, NULL, journal_now_usec());
	if (gate->guard != KERNEL_GUARD_CLOSED)
		turn_guard(gate, KERNEL_GUARD_CLOSED);
}

void gate_hand_over(struct gate *gate)
{
	struct shut before = gate->shut;
	if (!(gate->shut.bits & GATE_SHUT_HAND))
		return;
	shut_take(&gate->shut, GATE_SHUT_HAND);
	if (write_shut(gate) < 0) { // a restart would close what was opened
		gate->shut = before;
		return;
	}
	fault_point("hand-forgotten");
	turn_guard(gate, KERNEL_GUARD_CLOSED);
	fault_point("hand-over");
}

void gate_let_through(struct gate *gate, unsigned over)
{
	struct failure failure;
	const char *path;
	int r;
	// Only a hand that was there when the order was given.
	if (over & GATE_SHUT_HAND)
		gate_hand_over(gate);
	notice_hand(gate);
	shut_take(&gate->shut,
		  (over & ~(unsigned)GATE_SHUT_HAND) | GATE_SHUT_RECORD); // which is settled below
	isolation_follow(gate);
	record_settle(gate);
	mail_settle(gate);
	mass_settle(gate);
	if (gate->shut.bits) {
		if (gate->guard != KERNEL_GUARD_CLOSED)
			turn_guard(gate, KERNEL_GUARD_CLOSED);
		return;
	}
	if (!turn_guard(gate, KERNEL_GUARD_OPEN))
		return;
	r = sysctl_set_tcp_strict(&path);
	if (r < 0)
		failure_set(&failure, SK_TCP_LOOSE, r, "%s: %s", path, strerror(-r));
	gate_set_problem(gate, GATE_TCP_LOOSE, r < 0 ? &failure : NULL);
	if (!gate->options->forwarding)
		return;
	r = sysctl_set_forwarding(true, &path);
	if (r < 0)
		failure_set(&failure, SK_FORWARDING_FAILED, r, "%s: %s", path, strerror(-r));
	gate_set_problem(gate, GATE_FORWARDING, r < 0 ? &failure : NULL);
}

// --- the guard in other hands

static void hand_closes(struct gate *gate, const char *who)
{
	struct failure failure;
	char text[SHUT_WHO_MAX + 16];
	fault_point("hand-noticed");
	shut_add(&gate->shut, GATE_SHUT_HAND, who, journal_now_usec());
	gate->guard = KERNEL_GUARD_CLOSED;
	int r = gate_set_guard(gate, KERNEL_GUARD_CLOSED, &failure);
	gate_set_problem(gate, GATE_GUARD, r < 0 ? &failure : NULL);
	fault_point("hand-made");
	write_shut(gate);
	fault_point("hand-stored");
	snprintf(text, sizeof(text), "by hand: %s", who);
	tell_gate(gate, EVENT_GATE_CLOSED, text);
}

static void hand_opens(struct gate *gate)
{
	shut_take(&gate->shut, GATE_SHUT_HAND);
	write_shut(gate);
	turn_guard(gate, KERNEL_GUARD_OPEN);
}

// What the gate did not do to its guard; NULL: nothing.
static const char *done_to_guard(const struct gate *gate, const struct book_seen *seen)
{
	if (seen->state == KERNEL_GUARD_ABSENT)
		return "removed";
	if (seen->state != gate->guard)
		return "opened";
	if (seen->undone)
		return "changed, so that it cuts off less than is isolated";
	if (seen->guard)
		return "changed, with rules or chains that are not the gate's or not in their place";
	return seen->mirror ? "left alone, but the mirror of what is isolated was changed" : NULL;
}

void gate_look_at_guard(struct gate *gate, const char *who)
{
	struct failure failure;
	struct book_seen seen;
	if (isolation_look(gate, &seen) < 0)
		return;
	bool hand = gate->shut.bits & GATE_SHUT_HAND;
	bool others = gate->shut.bits & ~(unsigned)GATE_SHUT_HAND;
	bool closes = seen.state == KERNEL_GUARD_CLOSED && gate->guard != KERNEL_GUARD_CLOSED;
	if (!hand && (closes || seen.by_hand)) {
		hand_closes(gate, who);
		return;
	}
	if (seen.state == KERNEL_GUARD_OPEN && gate->guard == KERNEL_GUARD_CLOSED &&
	    !seen.by_hand && gate->current.about.number && !others) {
		hand_opens(gate);
		return;
	}
	const char *done = done_to_guard(gate, &seen);
	if (!done || kernel_owned_by_another(gate->kernel) > 0) // and the guard is that one's
		return;
	if (!drift_tell_guard(gate->drift, done, seen.state == gate->guard)) {
		failure_set(&failure, SK_GUARD_FAILED, 0,
			    "the guard table was %s by %s; made again", done, who);
		journal_failed(gate->journal, &failure);
	}
	int r = make_guard(gate, gate->guard,
			   seen.guard == GUARD_CHAINS_DIFFER || seen.mirror == GUARD_CHAINS_DIFFER,
			   &failure);
	gate_set_problem(gate, GATE_GUARD, r < 0 ? &failure : NULL);
}

// --- counters

static void see(void *arg, const struct kernel_counter *counter)
{
	counters_see(arg, counter);
}

static int poll_counters(struct gate *gate, struct failure *failure)
{
	counters_begin(gate->counters, journal_now_usec());
	int r = kernel_counters(gate->kernel, see, gate->counters);
	if (counters_end(gate->counters))
		gate->counters_dirty = true;
	return r < 0 ? failure_set(failure, SK_KERNEL_DIFFERS, r, "the kernel's counters: %s",
				   strerror(-r))
		     : 0;
}

static int check_generation(struct gate *gate, struct failure *failure)
{
	uint64_t number = 0;
	int r = kernel_generation(gate->kernel, &number);
	if (r < 0)
		return failure_set(failure, SK_KERNEL_DIFFERS, r, "the kernel's table: %s",
				   strerror(-r));
	if (number != gate->current.about.number)
		return failure_set(failure, SK_KERNEL_DIFFERS, -EUCLEAN,
				   "the kernel's table is not that of generation %llu",
				   (unsigned long long)gate->current.about.number);
	return 0;
}

void gate_look(struct gate *gate)
{
	struct failure failure;
	gate_look_at_guard(gate, "somebody");
	if (!gate->current.about.number)
		return;
	int r = poll_counters(gate, &failure);
	if (r == 0)
		r = check_generation(gate, &failure);
	gate_set_problem(gate, GATE_KERNEL, r < 0 ? &failure : NULL);
}

void gate_write_counters(struct gate *gate)
{
	struct failure failure;
	if (!gate->counters_dirty)
		return;
	int r = counters_write(gate->counters, gate->state_fd);
	if (r < 0)
		failure_set(&failure, SK_STATE_UNWRITABLE, r, "counters: %s", strerror(-r));
	else
		gate->counters_dirty = false;
	gate->counters_written_usec = journal_now_usec();
	gate_set_problem(gate, GATE_STATE, r < 0 ? &failure : NULL);
}

// --- commit

static int refused(struct failure *failure, const struct ruleset *ruleset,
		   const struct kernel_error *error)
{
	failure_set(failure, error->code ? error->code : SK_KERNEL_REFUSED, 0, "%s",
		    error->text[0] ? error->text : strerror(-error->error));
	if (error->origin < ruleset->n_origins) {
		const struct rs_origin *origin = &ruleset->origins[error->origin];
		snprintf(failure->file, sizeof(failure->file), "%s",
			 rs_string(ruleset, origin->file));
		failure->line = origin->line;
		failure->column = origin->column;
		failure->column_end = origin->column_end;
	}
	return error->error < 0 ? error->error : -EIO;
}

// previous: what runs, or NULL when that is not known.
static int commit(struct gate *gate, const struct ruleset *next, const struct ruleset *previous,
		  struct failure *failure)
{
	struct kernel_counter *initial = NULL;
	struct kernel_error error = { .origin = RS_NONE };
	size_t n = counters_initial(gate->counters, &initial);
	drift_pause(gate->drift);
	int r = kernel_commit(gate->kernel, next, previous, initial, n, &error);
	drift_resume(gate->drift);
	free(initial);
	return r < 0 ? refused(failure, next, &error) : 0;
}

// previous: what was committed from, of which only the change is read then if nobody else was at
// work.
static int verify(struct gate *gate, const struct ruleset *ruleset, const struct ruleset *previous,
		  struct failure *failure)
{
	char report[400] = "";
	int r = previous ? kernel_verify_commit(gate->kernel, ruleset, previous, report,
						sizeof(report))
			 : kernel_verify(gate->kernel, ruleset, report, sizeof(report));
	if (r > 0)
		return failure_set(failure, SK_KERNEL_DIFFERS, -EUCLEAN, "%s", report);
	if (r < 0)
		return failure_set(failure, SK_KERNEL_DIFFERS, r, "reading the rules back: %s",
				   strerror(-r));
	return 0;
}

int gate_verify(struct gate *gate, struct failure *failure)
{
	return verify(gate, gate->current.report.ruleset, NULL, failure);
}

int gate_repair(struct gate *gate, struct failure *failure)
{
	const struct ruleset *ruleset = gate->current.report.ruleset;
	if (!ruleset)
		return failure_set(failure, SK_NO_GENERATION, -ENOENT, "there is no generation");
	int r = commit(gate, ruleset, NULL, failure);
	return r < 0 ? r : verify(gate, ruleset, NULL, failure);
}

// What was loaded is not what runs: back to what ran, and closed if that fails too.
static void put_back(struct gate *gate)
{
	struct failure failure;
	int r = gate_repair(gate, &failure);
	if (r < 0 && gate->current.about.number)
		gate_set_problem(gate, GATE_KERNEL, &failure);
	if (r < 0)
		gate_shut(gate, GATE_SHUT_RULES);
}

int gate_commit(struct gate *gate, const struct ruleset *next, struct failure *failure,
		struct gate_times *ret_times)
{
	packets_drain(gate->packets); // they are the running generation's
	inspection_prepare(gate, next);
	uint64_t start = monotonic_us();
	int r = commit(gate, next, gate->current.report.ruleset, failure);
	uint64_t committed = monotonic_us();
	bool refused = r < 0;
	if (!refused)
		r = verify(gate, next, gate->current.report.ruleset, failure);
	if (r < 0 && !refused)
		put_back(gate);
	if (r < 0) {
		inspection_prepare(gate, gate->current.report.ruleset);
		return r;
	}
	*ret_times = (struct gate_times){ committed - start, monotonic_us() - committed };
	return 0;
}

// --- open and load

// Two daemons would undo each other's work: the later one goes before it touches anything.
static int take_state(struct gate *gate, struct failure *failure, int *ret_open_error)
{
	const char *path = gate->options->state;
	*ret_open_error = file_open_folder(path, 0700, &gate->state_fd);
	if (*ret_open_error < 0 ||
	    file_lock_folder(gate->state_fd, GATE_PATIENCE_MS) != -EWOULDBLOCK)
		return 0;
	return failure_set(failure, SK_DAEMON_TWICE, -EBUSY,
			   "another sekishod works with %s; this one ends and changes nothing",
			   path);
}

// 1: the table has had another living owner for as long as patience lasts.
static int await_kernel(struct kernel *kernel)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	uint64_t end = monotonic_ms() + GATE_PATIENCE_MS;
	int r = kernel_owned_by_another(kernel);
	while (r > 0 && monotonic_ms() < end) {
		nanosleep(&pause, NULL);
		r = kernel_owned_by_another(kernel);
	}
	return r;
}

static int take_kernel(struct gate *gate, int netlink_fd, struct failure *failure)
{
	int r = gate->counters ? kernel_open(netlink_fd, &gate->kernel) : -ENOMEM;
	if (r == 0)
		r = await_kernel(gate->kernel);
	if (r > 0)
		return failure_set(failure, SK_DAEMON_TWICE, -EBUSY,
				   "another process that runs owns the table inet sekisho; this "
				   "one ends and changes nothing");
	if (r < 0)
		return failure_set(failure, SK_DAEMON_FAILED, r, "the kernel's nftables: %s",
				   strerror(-r));
	return 0;
}

// What is isolated could not be put into force: nothing may pass then.
static void close_blindly(struct gate *gate)
{
	const struct kernel_management *management =
		gate->book && gate->book->map.management.interface[0] ? &gate->book->map.management
								      : NULL;
	struct guard_want want = { .state = KERNEL_GUARD_CLOSED, .management = management };
	struct failure failure;
	int r = kernel_guard_close(gate->kernel, &want);
	if (r < 0) {
		failure_set(&failure, SK_GUARD_FAILED, r, "the guard table: %s", strerror(-r));
		journal_failed(gate->journal, &failure);
		return;
	}
	gate->guard = KERNEL_GUARD_CLOSED;
	gate_event(gate, EVENT_GATE_CLOSED);
}

// Closed by hand, as the kernel says or the file.
static int take_shut(struct gate *gate, struct failure *failure)
{
	uint64_t now = journal_now_usec();
	bool known = gate->book && gate->book->by_hand;
	if (gate->state_fd >= 0)
		shut_read(&gate->shut, gate->state_fd, now);
	bool stored = gate->shut.bits & GATE_SHUT_HAND;
	if (known)
		shut_add(&gate->shut, GATE_SHUT_HAND, "somebody, while no sekishod ran", now);
	if (!gate->shut.bits && gate->guard != KERNEL_GUARD_ABSENT)
		return 0;
	int r = gate_set_guard(gate, KERNEL_GUARD_CLOSED, failure);
	if (r == 0 && known && !stored && gate->state_fd >= 0)
		write_shut(gate);
	return r;
}

int gate_open(struct gate *gate, const struct gate_options *options, struct journal *journal,
	      int netlink_fd, struct failure *failure)
{
	*gate = (struct gate){
		.options = options,
		.journal = journal,
		.state_fd = -1,
		.started_usec = journal_now_usec(),
		.counters = counters_new(),
	};
	int state_error;
	int r = take_state(gate, failure, &state_error);
	if (r == 0)
		r = take_kernel(gate, netlink_fd, failure);
	if (r < 0)
		return r;
	r = isolation_open(gate, failure);
	if (r < 0) {
		close_blindly(gate);
		return r;
	}
	r = take_shut(gate, failure);
	if (r < 0)
		return r;
	if (state_error < 0)
		return failure_set(failure, SK_STATE_UNWRITABLE, state_error, "%s: %s",
				   options->state, strerror(-state_error));
	if (counters_read(gate->counters, gate->state_fd) < 0) {
		failure_set(failure, SK_COUNTERS_DAMAGED, 0,
			    "counting starts again; the damaged file is counters.damaged");
		gate_set_problem(gate, GATE_COUNTERS, failure);
	}
	return 0;
}

void gate_close(struct gate *gate)
{
	confirm_stop(gate);
	isolation_close(gate);
	generation_done(&gate->current);
	counters_free(gate->counters);
	if (gate->kernel)
		kernel_close(gate->kernel);
	if (gate->state_fd >= 0)
		close(gate->state_fd);
	*gate = (struct gate){ .state_fd = -1 };
}

// Does the kernel run this very generation already?
static bool runs(struct gate *gate, const struct generation *generation)
{
	struct failure failure;
	uint64_t number = 0;
	return kernel_generation(gate->kernel, &number) == 0 &&
	       number == generation->about.number &&
	       verify(gate, generation->report.ruleset, NULL, &failure) == 0;
}

int gate_run(struct gate *gate, struct generation *generation, struct failure *failure)
{
	struct gate_times times;
	bool running = runs(gate, generation);
	if (running)
		inspection_prepare(gate, generation->report.ruleset);
	int r = running ? 0 : isolation_precede(gate, &generation->report, failure);
	if (r == 0 && !running)
		r = gate_commit(gate, generation->report.ruleset, failure, &times);
	if (r < 0) {
		generation_done(generation);
		return r;
	}
	generation_done(&gate->current);
	gate->current = *generation;
	gate_event(gate, running ? EVENT_ADOPTED : EVENT_LOADED);
	gate_let_through(gate, GATE_SHUT_UNTIL_RUN);
	return 0;
}

int gate_load(struct gate *gate, struct failure *failure)
{
	struct generation generation;
	int r = generation_load_last_good(gate->state_fd, failure, &generation);
	return r < 0 ? r : gate_run(gate, &generation, failure);
}
