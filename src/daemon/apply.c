// The steps of an apply, and the way back from each.
#include "daemon/apply.h"

#include "daemon/live.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct apply {
	struct gate *gate;
	struct child *compiler;
	int snapshot_fd;
	struct generation_about about;
	uint64_t started_us;
	apply_done *done;
	void *arg;
};

static uint64_t monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void apply_free(struct apply *apply)
{
	child_cancel(apply->compiler);
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

static void tell(struct gate *gate, const struct apply *apply, const struct apply_result *result)
{
	struct event event;
	bool fine = result->status == EXIT_FINE || result->status == EXIT_DEGRADED;
	char text[700] = "";
	if (fine && !result->changed && !result->failure)
		snprintf(text, sizeof(text), "that policy runs already; nothing was changed");
	else if (result->failure)
		snprintf(text, sizeof(text), "SK%03d %s", (int)result->failure->code,
			 result->failure->text);
	event_init(&event, fine ? EVENT_APPLIED : EVENT_APPLY_REFUSED, journal_now_usec());
	event_text(&event, EVENT_MESSAGE, text);
	event_number(&event, EVENT_GENERATION,
		     fine ? gate->current.about.number : apply->about.number);
	event_number(&event, EVENT_UID, apply->about.uid);
	event_text(&event, EVENT_DIGEST, fine ? gate->current.about.digest : NULL);
	if (fine)
		event_number(&event, EVENT_FLOWS, gate->current.report.flows.n - 1);
	else if (result->report)
		event_number(&event, EVENT_ERRORS,
			     control_u64(&result->report->faults.v[0], CTL_ERRORS));
	event_number(&event, EVENT_STATUS, (uint64_t)result->status);
	journal_write(gate->journal, &event);
}

static void finish(struct apply *apply, const struct apply_result *result)
{
	struct gate *gate = apply->gate;
	tell(gate, apply, result);
	gate->apply = NULL;
	apply->done(apply->arg, gate, result);
	apply_free(apply);
	malloc_trim(0); // a big policy came and went
}

static void fail(struct apply *apply, enum exit_status status, const struct failure *failure)
{
	finish(apply, &(struct apply_result){ .status = status, .failure = failure });
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

static int store(struct apply *apply, const uint8_t *bytes, size_t size, struct failure *failure)
{
	struct snapshot snapshot;
	int r = snapshot_map(apply->snapshot_fd, &snapshot);
	if (r < 0)
		return failure_set(failure, SK_DAEMON_FAILED, r, "the copy of the policy: %s",
				   strerror(-r));
	r = generation_store(apply->gate->state_fd, &apply->about, &snapshot, bytes, size, failure);
	snapshot_done(&snapshot);
	return r;
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
	gate_let_through(gate);
	live_review(gate, LIVE_APPLY);
	int r = generation_make_last_good(gate->state_fd, apply->about.number, &failure);
	gate_set_problem(gate, GATE_STATE, r < 0 ? &failure : NULL);
	gate_look(gate);
	result->store_us += monotonic_us() - start;
	result->status = strcmp(gate_state(gate), "running") == 0 ? EXIT_FINE : EXIT_DEGRADED;
	result->report = &gate->current.report;
	result->changed = true;
	result->failure = r < 0 ? &failure : NULL;
	finish(apply, result);
}

static void load(struct apply *apply, struct report *report, const uint8_t *bytes, size_t size)
{
	struct gate *gate = apply->gate;
	struct apply_result result = { .compile_us = monotonic_us() - apply->started_us };
	struct failure failure;
	uint64_t start = monotonic_us();
	gate_look(gate);
	gate_write_counters(gate);
	result.status = EXIT_FAILED;
	result.report = report;
	result.failure = &failure;
	if (store(apply, bytes, size, &failure) < 0) {
		finish(apply, &result);
		report_done(report);
		return;
	}
	result.store_us = monotonic_us() - start;
	if (gate_commit(gate, report->ruleset, &failure, &result.times) < 0) {
		generation_remove(gate->state_fd, apply->about.number);
		result.status = EXIT_KERNEL;
		finish(apply, &result);
		report_done(report);
		return;
	}
	install(apply, report, &result);
}

static void on_compiled(void *arg, uint8_t *bytes, size_t size, const struct failure *failed)
{
	struct apply *apply = arg;
	struct failure failure;
	struct report report;
	apply->compiler = NULL;
	if (failed) {
		fail(apply, EXIT_FAILED, failed);
		return;
	}
	int r = report_read(bytes, size, &report);
	if (r == 0 && report.ruleset && report.ruleset->generation != apply->about.number) {
		report_done(&report);
		r = -EBADMSG;
	}
	if (r < 0) {
		failure_set(&failure, SK_COMPILER_FAILED, r,
			    "the policy compiler's report makes no sense (%zu bytes)", size);
		fail(apply, EXIT_FAILED, &failure);
		free(bytes);
		return;
	}
	snprintf(apply->about.digest, sizeof(apply->about.digest), "%s",
		 control_text(&report.faults.v[0], CTL_DIGEST));
	struct apply_result result = {
		.report = &report,
		.compile_us = monotonic_us() - apply->started_us,
	};
	if (!report.ruleset) {
		result.status = status_of_faults(&report);
		finish(apply, &result);
		report_done(&report);
	} else if (is_current(apply->gate, &apply->about)) {
		finish(apply, &result);
		report_done(&report);
	} else {
		load(apply, &report, bytes, size);
	}
	free(bytes);
}

// --- start

static struct snapshot_job job_of(const struct gate *gate, const struct apply *apply)
{
	const struct gate_options *options = gate->options;
	struct snapshot_job job = {
		.generation = apply->about.number,
		.uid = options->compiler_uid,
		.gid = options->compiler_gid,
		.management_prefix = options->management_prefix,
		.management_port = options->management_port,
		.nflog_group = options->nflog_group,
	};
	snprintf(job.directory, sizeof(job.directory), "%s", apply->about.directory);
	memcpy(job.management_interface, options->management_interface,
	       sizeof(job.management_interface));
	return job;
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

static int begin(struct apply *apply, sd_event *event, const struct apply_request *request,
		 struct failure *failure)
{
	struct gate *gate = apply->gate;
	uint64_t in_kernel = gate->current.about.number;
	kernel_generation(gate->kernel, &in_kernel);
	int r = generation_next(gate->state_fd, in_kernel, failure, &apply->about.number);
	if (r < 0)
		return r;
	struct snapshot_job job = job_of(gate, apply);
	r = snapshot_take(request->dir_fd, &job, failure, &apply->snapshot_fd);
	if (r < 0)
		return r;
	r = compiler_start(event, apply->snapshot_fd, request->compiler, on_compiled, apply,
			   &apply->compiler);
	if (r < 0)
		return failure_set(failure, SK_COMPILER_FAILED, r, "the policy compiler: %s",
				   strerror(-r));
	return 0;
}

// Faults of the folder are faults of the policy; all others are the box's.
static enum exit_status status_of_failure(const struct failure *failure)
{
	return failure->code < SK_KERNEL_REFUSED || failure->code == SK_FOLDER_TOO_BIG
		       ? EXIT_POLICY
		       : EXIT_FAILED;
}

void apply_start(struct gate *gate, sd_event *event, const struct apply_request *request)
{
	struct failure failure;
	struct apply *apply = calloc(1, sizeof(*apply));
	if (!apply || gate->apply) {
		failure_set(&failure, SK_APPLY_BUSY, 0, "another apply is running; try again");
		request->done(request->arg, gate,
			      &(struct apply_result){ .status = EXIT_FAILED, .failure = &failure });
		free(apply);
		return;
	}
	apply->gate = gate;
	apply->snapshot_fd = -1;
	apply->started_us = monotonic_us();
	apply->done = request->done;
	apply->arg = request->arg;
	apply->about.applied_usec = journal_now_usec();
	apply->about.uid = request->uid;
	snprintf(apply->about.directory, sizeof(apply->about.directory), "%s", request->directory);
	compiled_for(gate->options, apply->about.version, sizeof(apply->about.version));
	gate->apply = apply;
	if (begin(apply, event, request, &failure) < 0)
		fail(apply, status_of_failure(&failure), &failure);
}
