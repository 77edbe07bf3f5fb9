// The steps of an apply until what is to run is compiled and nobody has to be asked any more; what
// follows is in daemon/apply_load.c.
#include "daemon/apply.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/apply_private.h"
#include "daemon/apply_record.h"
#include "daemon/countries.h"
#include "daemon/proposals.h"

static void apply_free(struct apply *apply)
{
	child_cancel(apply->compiler);
	countries_wait_no_more(apply->gate, apply);
	differ_cancel(apply->comparing);
	report_done(&apply->report);
	free(apply->bytes);
	if (apply->snapshot_fd >= 0)
		close(apply->snapshot_fd);
	free(apply);
}

void apply_cancel(struct gate *gate)
{
	if (gate->apply)
		apply_free(gate->apply);
	gate->apply = NULL;
}

// --- the end of it

void apply_finish(struct apply *apply, const struct apply_result *result)
{
	struct gate *gate = apply->gate;
	apply_record_end(gate, apply->what, &apply->about, result);
	if (result->changed)
		apply_record_told(gate);
	gate->apply = NULL;
	apply->done(apply->arg, gate, result);
	apply_free(apply);
	malloc_trim(0); // a big policy came and went
}

static void fail(struct apply *apply, enum exit_status status, const struct failure *failure)
{
	apply_finish(apply, &(struct apply_result){ .status = status, .failure = failure });
}

// --- after the compiler has answered

static enum exit_status status_of_faults(const struct report *report)
{
	const struct control_row *head = &report->faults.v[0];
	return control_bool(head, CTL_ASSERTIONS_FAILED) ? EXIT_ASSERTION : EXIT_POLICY;
}

static bool is_current(struct gate *gate, const struct generation_about *about)
{
	char difference[256];
	uint64_t number = 0;
	return gate->guard == KERNEL_GUARD_OPEN && !gate_has_problems(gate) &&
	       gate->current.about.number && !strcmp(gate->current.about.digest, about->digest) &&
	       !strcmp(gate->current.about.version, about->version) &&
	       kernel_generation(gate->kernel, &number) == 0 &&
	       number == gate->current.about.number &&
	       kernel_verify(gate->kernel, gate->current.report.ruleset, difference,
			     sizeof(difference)) == 0;
}

static void propose(struct apply *apply, const struct control_rows *rows)
{
	struct apply_result result = {
		.status = EXIT_FAILED,
		.report = &apply->report,
		.compile_us = monotonic_us() - apply->started_us,
	};
	struct proposal proposal;
	struct snapshot snapshot;
	struct failure failure;
	int r = apply_map_snapshot(apply, &snapshot, &failure);
	if (r == 0) {
		r = proposals_add(apply->gate, &apply->about, &apply->report, rows, &snapshot,
				  apply->bytes, apply->size, &proposal, &failure);
		snapshot_done(&snapshot);
	}
	result.status = r == 0 ? EXIT_FINE : EXIT_FAILED;
	result.failure = r < 0 ? &failure : NULL;
	result.proposal = r == 0 ? &proposal : NULL;
	apply_finish(apply, &result);
}

// Without a proposal nobody can have approved it: it must need nobody.  rows NULL: not compared.
static bool may_go(struct apply *apply, const struct control_rows *rows, struct failure *failure)
{
	struct approval_change change;
	struct approval_need need;
	char groups[512];
	const struct control_rows *section = &apply->gate->current.report.approval;
	if (apply->granted || apply->emergency)
		return true;
	proposals_change(apply->gate, &apply->report, rows, &change);
	approval_need(section, &change, &need);
	if (!need.approvers)
		return true;
	failure_set(
		failure, SK_APPROVAL_MISSING, -EPERM,
		"%u other person%s of %s must approve this change: sekisho propose DIR --reason "
		"WHY",
		need.approvers, need.approvers == 1 ? "" : "s",
		approval_groups(section, &need, groups, sizeof(groups)));
	return false;
}

static void load_compiled(struct apply *apply)
{
	struct report report = apply->report;
	uint8_t *bytes = apply->bytes;
	size_t size = apply->size;
	apply->report = (struct report){ 0 };
	apply->bytes = NULL;
	apply_load(apply, &report, bytes, size); // the apply is gone
	free(bytes);
}

static void finish_compiled(struct apply *apply, enum exit_status status,
			    const struct failure *failure)
{
	apply_finish(apply, &(struct apply_result){
				    .status = status,
				    .failure = failure,
				    .report = &apply->report,
				    .compile_us = monotonic_us() - apply->started_us,
			    });
}

static void decide(struct apply *apply, const struct control_rows *rows)
{
	struct failure failure;
	if (apply->what == APPLY_PROPOSE)
		propose(apply, rows);
	else if (may_go(apply, rows, &failure))
		load_compiled(apply);
	else
		finish_compiled(apply, EXIT_APPROVAL, &failure);
}

// A return may have come in between.
static bool runs_what_was_compared(const struct apply *apply)
{
	const struct generation_about *about = &apply->gate->current.about;
	return about->number == apply->compared_with &&
	       !strcmp(about->digest, apply->compared_digest);
}

// What could not be compared counts as a change of everything.
static void on_compared(void *arg, const struct differ_result *result)
{
	struct apply *apply = arg;
	const struct control_rows *rows = result->rows;
	apply->comparing = NULL;
	if (result->failure)
		journal_failed(apply->gate->journal, result->failure);
	if (rows && (control_u64(&rows->v[0], CTL_ERRORS) || !runs_what_was_compared(apply)))
		rows = NULL;
	decide(apply, rows);
}

static int compare(struct apply *apply)
{
	struct gate *gate = apply->gate;
	uint64_t running = gate->current.about.number;
	struct failure failure;
	int before = -1, countries;
	apply->compared_with = running;
	memcpy(apply->compared_digest, gate->current.about.digest, sizeof(apply->compared_digest));
	int r = running ? differ_snapshot_generation(gate, running, &failure, &before) : 0;
	if (r == 0)
		r = countries_running(gate, &countries);
	if (r == 0) {
		r = differ_start(apply->event, before, apply->snapshot_fd, countries, on_compared,
				 apply, &apply->comparing);
		close(countries);
	}
	if (before >= 0)
		close(before);
	return r;
}

static void go_on(struct apply *apply)
{
	struct failure failure;
	if (!apply->report.ruleset)
		finish_compiled(apply, status_of_faults(&apply->report), NULL);
	else if (apply->what != APPLY_PROPOSE && is_current(apply->gate, &apply->about))
		finish_compiled(apply, EXIT_FINE, NULL);
	else if (apply->what != APPLY_PROPOSE && may_go(apply, NULL, &failure))
		load_compiled(apply);
	else if (compare(apply) < 0)
		decide(apply, NULL);
}

static int read_report(struct apply *apply, const uint8_t *bytes, size_t size, struct report *ret)
{
	struct report report;
	int r = report_read(bytes, size, &report);
	if (r == 0 && report.ruleset && report.ruleset->generation != apply->about.number) {
		report_done(&report);
		r = -EBADMSG;
	}
	if (r < 0)
		return r;
	snprintf(apply->about.digest, sizeof(apply->about.digest), "%s",
		 control_text(&report.faults.v[0], CTL_DIGEST));
	*ret = report;
	return 0;
}

static void on_compiled(void *arg, uint8_t *bytes, size_t size, const struct failure *failed)
{
	struct apply *apply = arg;
	struct failure failure;
	apply->compiler = NULL;
	if (failed) {
		fail(apply, EXIT_FAILED, failed);
		return;
	}
	int r = read_report(apply, bytes, size, &apply->report);
	if (r < 0) {
		failure_set(&failure, SK_COMPILER_FAILED, r,
			    "the policy compiler's report makes no sense (%zu bytes)", size);
		free(bytes);
		fail(apply, EXIT_FAILED, &failure);
		return;
	}
	apply->bytes = bytes;
	apply->size = size;
	go_on(apply);
}

// --- start

static struct snapshot_job job_of(const struct gate *gate, const struct apply *apply)
{
	return compiler_job(gate->options, apply->about.number, apply->about.directory);
}

// Whatever else than the policy decides about the ruleset.
static void compiled_for(const struct gate_options *options, char *out, size_t size)
{
	char prefix[ADDR_TEXT_MAX] = "";
	if (options->management_interface[0])
		addr_range_text(&options->management_prefix, prefix);
	snprintf(out, size, "%s %s %s %u %u", SEKISHO_VERSION, options->management_interface,
		 prefix, options->management_port, options->nflog_group);
}

static int start_compiler(struct apply *apply, struct failure *failure)
{
	int countries;
	int r = countries_for_apply(apply->gate, &countries);
	if (r == 0) {
		r = compiler_start(apply->event, apply->snapshot_fd, countries,
				   apply->stand_in.path ? &apply->stand_in : NULL, on_compiled,
				   apply, &apply->compiler);
		close(countries);
	}
	return r < 0 ? failure_set(failure, SK_COMPILER_FAILED, r, "the policy compiler: %s",
				   strerror(-r))
		     : 0;
}

static void on_countries(void *arg)
{
	struct apply *apply = arg;
	struct failure failure;
	if (start_compiler(apply, &failure) < 0)
		fail(apply, EXIT_FAILED, &failure);
}

static int begin_folder(struct apply *apply, int dir_fd, const struct compiler_command *compiler,
			struct failure *failure)
{
	struct gate *gate = apply->gate;
	uint64_t in_kernel = gate->current.about.number;
	kernel_generation(gate->kernel, &in_kernel);
	int r = generation_next(gate->state_fd, in_kernel, failure, &apply->about.number);
	if (r < 0)
		return r;
	struct snapshot_job job = job_of(gate, apply);
	r = snapshot_take(dir_fd, &job, failure, &apply->snapshot_fd);
	if (r < 0)
		return r;
	if (compiler)
		apply->stand_in = *compiler;
	// A database of countries that lies there now is the one that counts.
	if (countries_wait(gate, on_countries, apply))
		return 0;
	return start_compiler(apply, failure);
}

// An approved proposal goes on where it was left.  The apply is gone when this returns 0.
static int begin_proposal(struct apply *apply, struct failure *failure)
{
	struct gate *gate = apply->gate;
	struct proposal proposal;
	struct report report;
	uint8_t *bytes;
	size_t size;
	int r = proposals_take(gate, apply->about.number, apply->emergency, &proposal, failure);
	if (r < 0)
		return r;
	if (strcmp(proposal.version, apply->about.version) != 0)
		return failure_set(failure, SK_GENERATION_FOREIGN, -ESTALE,
				   "proposal %" PRIu64 " was compiled by another version or for "
				   "another management path; propose it again",
				   proposal.number);
	proposals_about(&proposal, &apply->about);
	struct snapshot_job job = job_of(gate, apply);
	r = proposals_load(gate, &proposal, &job, failure, &apply->snapshot_fd, &bytes, &size);
	if (r < 0)
		return r;
	r = read_report(apply, bytes, size, &report);
	if (r < 0 || !report.ruleset) {
		free(bytes);
		return failure_set(failure, SK_PROPOSAL_DAMAGED, -EBADMSG,
				   "what was compiled of proposal %" PRIu64 " makes no sense",
				   proposal.number);
	}
	apply_load(apply, &report, bytes, size);
	if (gate->current.about.number == proposal.number)
		proposals_end(gate, &proposal, PROPOSAL_APPLIED, "");
	free(bytes);
	return 0;
}

// As it was stored; the apply is gone when this returns 0.
static int begin_generation(struct apply *apply, const struct compiler_command *compiler,
			    struct failure *failure)
{
	struct gate *gate = apply->gate;
	struct generation generation;
	uint64_t number = apply->about.number;
	int r = generation_load(gate->state_fd, number, failure, &generation);
	if (r == 0 && !strcmp(generation.about.version, apply->about.version)) {
		char reason[REASON_MAX];
		memcpy(reason, apply->about.reason, sizeof(reason));
		generation.about.by = apply->about.by;
		generation.about.applied_usec = apply->about.applied_usec;
		memcpy(generation.about.reason, reason, sizeof(reason));
		apply->about = generation.about;
		apply->stored = true;
		apply_load(apply, &generation.report, NULL, 0);
		return 0;
	}
	if (r == 0)
		generation_done(&generation);
	else if (failure->code == SK_GENERATION_UNKNOWN)
		return r;
	int rules_fd = generation_open_rules(gate->state_fd, number);
	if (rules_fd < 0)
		return failure_set(failure, SK_GENERATION_UNKNOWN, rules_fd,
				   "the policy of generation %" PRIu64 ": %s", number,
				   strerror(-rules_fd));
	snprintf(apply->about.directory, sizeof(apply->about.directory), "generation %" PRIu64,
		 number);
	r = begin_folder(apply, rules_fd, compiler, failure);
	close(rules_fd);
	return r;
}

// Faults of the folder are faults of the policy; all others are the box's.
static enum exit_status status_of_failure(const struct failure *failure)
{
	if (failure->code == SK_APPROVAL_MISSING)
		return EXIT_APPROVAL;
	return failure->code < SK_KERNEL_REFUSED || failure->code == SK_FOLDER_TOO_BIG
		       ? EXIT_POLICY
		       : EXIT_FAILED;
}

// One change at a time, whoever makes it.
static int find_free(const struct gate *gate, const struct apply_request *request,
		     struct failure *failure)
{
	uint64_t left = confirm_left_seconds(gate);
	if (gate->apply)
		return failure_set(failure, SK_APPLY_BUSY, -EBUSY,
				   "another apply is running, by %s; try again",
				   gate->apply->about.by.name);
	if (left && request->what != APPLY_PROPOSE)
		return failure_set(failure, SK_CONFIRM_AWAITED, -EBUSY,
				   "generation %" PRIu64 ", applied by %s, waits for its confirm "
				   "for %" PRIu64 " seconds more; confirm it, or take it back with "
				   "\"sekisho rollback\"",
				   gate->confirm.generation, gate->confirm.by.name, left);
	return 0;
}

static struct apply *apply_new(struct gate *gate, sd_event *event,
			       const struct apply_request *request)
{
	struct apply *apply = calloc(1, sizeof(*apply));
	struct generation_about *about = apply ? &apply->about : NULL;
	if (!apply)
		return NULL;
	apply->gate = gate;
	apply->event = event;
	apply->snapshot_fd = -1;
	apply->started_us = monotonic_us();
	apply->what = request->what;
	apply->by_timer = request->by_timer;
	apply->granted = request->granted;
	apply->confirm_usec = request->confirm_usec;
	apply->done = request->done;
	apply->arg = request->arg;
	apply->emergency = request->emergency != NULL;
	if (request->emergency)
		snprintf(apply->emergency_reason, REASON_MAX, "%s", request->emergency);
	about->number = request->number;
	about->applied_usec = journal_now_usec();
	about->by = request->by;
	snprintf(about->reason, REASON_MAX, "%s", request->reason ? request->reason : "");
	snprintf(about->request, REASON_MAX, "%s", request->request ? request->request : "");
	snprintf(about->directory, sizeof(about->directory), "%s",
		 request->directory ? request->directory : "");
	compiled_for(gate->options, about->version, sizeof(about->version));
	return apply;
}

void apply_start(struct gate *gate, sd_event *event, const struct apply_request *request)
{
	struct failure failure;
	struct apply *apply = NULL;
	int r = find_free(gate, request, &failure);
	if (r == 0 && !(apply = apply_new(gate, event, request)))
		r = failure_set(&failure, SK_DAEMON_FAILED, -ENOMEM, "no memory");
	if (r < 0) {
		request->done(request->arg, gate,
			      &(struct apply_result){ .status = EXIT_FAILED, .failure = &failure });
		return;
	}
	gate->apply = apply;
	apply_record_start(gate, apply->what, &apply->about);
	switch (request->what) {
	case APPLY_PROPOSAL:
		r = begin_proposal(apply, &failure);
		break;
	case APPLY_GENERATION:
		r = begin_generation(apply, request->compiler, &failure);
		break;
	default:
		r = begin_folder(apply, request->dir_fd, request->compiler, &failure);
	}
	if (r < 0)
		fail(apply, status_of_failure(&failure), &failure);
}
