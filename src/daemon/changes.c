// apply, reload, confirm, rollback, history.
#include "daemon/changes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/proposals.h"
#include "daemon/reviews.h"
#include "daemon/schedule.h"

enum { ROLLBACK_ALONE_SECONDS = 24 * 3600 };

// --- answers

static void put_failure(struct control_writer *reply, const struct failure *failure)
{
	const struct diag_item item = {
		.code = failure->code,
		.severity = DIAG_ERROR,
		.at = {
			.file = failure->file[0] ? failure->file : NULL,
			.line = failure->line,
			.column = failure->column,
			.column_end = failure->column_end,
		},
		.message = failure->text,
	};
	report_put_diagnostic(reply, &item);
}

static enum exit_status status_of(const struct failure *failure)
{
	switch (failure->code) {
	case SK_APPROVAL_MISSING:
		return EXIT_APPROVAL;
	case SK_CONFIRM_NOTHING:
		return EXIT_RETURNED;
	case SK_CONFIRM_TIME:
	case SK_REASON_MISSING:
	case SK_SCHEDULE_TIME:
		return EXIT_USAGE;
	default:
		return EXIT_FAILED;
	}
}

void changes_refuse(struct methods *methods, struct control_request *request,
		    const struct failure *failure)
{
	control_server_refuse(methods->server, request->token, status_of(failure), "SK%03d %s",
			      (int)failure->code, failure->text);
}

static const char *words_of(enum exit_status status)
{
	switch (status) {
	case EXIT_POLICY:
		return "the policy has faults";
	case EXIT_ASSERTION:
		return "an assertion of the policy does not hold";
	case EXIT_APPROVAL:
		return "the change needs approval";
	case EXIT_KERNEL:
		return "the kernel refused the policy";
	default:
		return "the policy was not applied";
	}
}

// Why the gate is degraded is told at once, so that nobody has to ask.
static void put_error(struct control_writer *reply, const struct gate *gate,
		      enum exit_status status)
{
	char text[sizeof(gate->problems[0]) + 64];
	const char *problem = "see \"sekisho status\"";
	if (status != EXIT_DEGRADED) {
		control_put_text(reply, CTL_ERROR, words_of(status));
		return;
	}
	for (size_t i = GATE_PROBLEM_COUNT; i-- > 0;)
		if (gate->problems[i][0])
			problem = gate->problems[i];
	snprintf(text, sizeof(text), "the policy runs, but the gate is degraded: %s", problem);
	control_put_text(reply, CTL_ERROR, text);
}

static void put_confirm(struct control_writer *reply, const struct gate *gate)
{
	if (!gate->confirm.generation)
		return;
	control_put_u64(reply, CTL_AWAITED, gate->confirm.generation);
	control_put_text(reply, CTL_AWAITED_BY, gate->confirm.by.name);
	control_put_u64(reply, CTL_SECONDS_LEFT, confirm_left_seconds(gate));
	control_put_u64(reply, CTL_PREVIOUS, gate->confirm.previous);
}

void changes_put_status(struct control_writer *reply, struct gate *gate)
{
	uint64_t numbers[REVIEWS_MAX];
	put_confirm(reply, gate);
	control_put_u64(reply, CTL_PROPOSALS, proposals_look(gate));
	control_put_u64(reply, CTL_REVIEWS, reviews_list(gate, numbers, REVIEWS_MAX));
	schedule_refresh(gate);
	if (!gate->schedule_usec)
		return;
	control_put_u64(reply, CTL_SCHEDULED, gate->schedule_number);
	control_put_time(reply, CTL_AT, gate->schedule_usec);
}

static void put_result(struct control_writer *reply, struct gate *gate,
		       const struct apply_result *result)
{
	bool runs = result->status == EXIT_FINE || result->status == EXIT_DEGRADED;
	control_put_u64(reply, CTL_EXIT, (uint64_t)result->status);
	if (result->status != EXIT_FINE)
		put_error(reply, gate, result->status);
	if (runs && !result->proposal)
		methods_put_generation(reply, &gate->current);
	control_put_bool(reply, CTL_CHANGED, result->changed);
	if (result->report) {
		const struct control_row *head = &result->report->faults.v[0];
		control_put_u64(reply, CTL_ERRORS, control_u64(head, CTL_ERRORS));
		control_put_u64(reply, CTL_WARNINGS, control_u64(head, CTL_WARNINGS));
	}
	control_put_u64(reply, CTL_COMPILE_US, result->compile_us);
	control_put_u64(reply, CTL_COMMIT_US, result->times.commit_us);
	control_put_u64(reply, CTL_VERIFY_US, result->times.verify_us);
	control_put_u64(reply, CTL_STORE_US, result->store_us);
	if (result->changed)
		put_confirm(reply, gate);
}

void changes_answer(void *arg, struct gate *gate, const struct apply_result *result)
{
	struct waiting *waiting = arg;
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	put_result(&reply, gate, result);
	if (result->proposal)
		changes_put_proposal(&reply, gate, result->proposal);
	if (result->report)
		report_put_rows(&reply, &result->report->faults);
	if (result->failure)
		put_failure(&reply, result->failure);
	methods_send(waiting->methods, waiting->token, &reply);
	free(waiting);
}

struct waiting *changes_wait(struct methods *methods, struct control_request *request)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	if (waiting)
		*waiting = (struct waiting){ methods, request->token };
	else
		control_server_refuse(methods->server, request->token, EXIT_FAILED, "no memory");
	return waiting;
}

// --- what an apply was asked with

static int confirm_time(const struct gate *gate, const struct control_row *fields, uint64_t *ret,
			struct failure *failure)
{
	uint64_t policy = approval_confirm_usec(&gate->current.report.approval);
	uint64_t seconds = control_u64(fields, CTL_CONFIRM);
	*ret = control_find(fields, CTL_CONFIRM) ? seconds * 1000000 : policy;
	if (*ret == policy || (seconds >= 1 && seconds <= PLAN_CONFIRM_SECONDS_MAX))
		return 0;
	return failure_set(failure, SK_CONFIRM_TIME, -EINVAL,
			   "an apply waits from one second to one hour for its confirm%s",
			   seconds ? ""
				   : "; off is only possible where the policy says confirm: off");
}

// Why alone, if the policy has that way and the change needs others; else NULL.
static int emergency_of(const struct gate *gate, const struct control_row *fields, const char **ret,
			struct failure *failure)
{
	const struct control_rows *section = &gate->current.report.approval;
	struct approval_need need;
	*ret = NULL;
	approval_need(section, &(struct approval_change){ .unknown = true }, &need);
	if (!control_find(fields, CTL_EMERGENCY_REASON) || !need.approvers)
		return 0;
	if (!approval_emergency(section))
		return failure_set(failure, SK_EMERGENCY_NONE, -EPERM,
				   "the policy that runs has no emergency path for one person");
	*ret = control_text(fields, CTL_EMERGENCY_REASON);
	return 0;
}

static int read_request(struct methods *methods, struct control_request *request,
			struct apply_request *ret, struct failure *failure)
{
	const struct control_row *fields = request->fields;
	*ret = (struct apply_request){
		.dir_fd = request->fd,
		.directory = control_text(fields, CTL_DIRECTORY),
		.number = control_u64(fields, CTL_PROPOSAL),
		.reason = control_text(fields, CTL_REASON),
		.request = control_text(fields, CTL_REQUEST),
		.done = changes_answer,
	};
	person_of_peer(&request->peer, &ret->by);
	int r = confirm_time(methods->gate, fields, &ret->confirm_usec, failure);
	return r < 0 ? r : emergency_of(methods->gate, fields, &ret->emergency, failure);
}

static void schedule(struct methods *methods, struct control_request *request,
		     const struct apply_request *apply)
{
	struct control_writer reply;
	struct failure failure;
	uint64_t at = control_u64(request->fields, CTL_AT);
	int r = apply->number ? schedule_set(methods->gate, apply->number, at, apply->confirm_usec,
					     &apply->by, &failure)
			      : failure_set(&failure, SK_SCHEDULE_TIME, -EINVAL,
					    "only a proposal can be scheduled: sekisho propose");
	if (r < 0) {
		changes_refuse(methods, request, &failure);
		return;
	}
	control_writer_init(&reply, CTL_REPLY_MAX);
	control_put_u64(&reply, CTL_PROPOSAL, apply->number);
	control_put_time(&reply, CTL_AT, at);
	methods_send(methods, request->token, &reply);
}

static void start(struct methods *methods, struct control_request *request,
		  struct apply_request *apply, bool reload)
{
	struct waiting *waiting = changes_wait(methods, request);
	if (!waiting)
		return;
	apply->arg = waiting;
	if (reload)
		methods->reload(methods->reload_arg, apply);
	else
		apply_start(methods->gate, methods->event, apply);
}

void changes_reload(struct methods *methods, struct control_request *request)
{
	struct apply_request apply;
	struct failure failure;
	if (read_request(methods, request, &apply, &failure) < 0)
		changes_refuse(methods, request, &failure);
	else
		start(methods, request, &apply, true);
}

void changes_apply(struct methods *methods, struct control_request *request)
{
	struct apply_request apply;
	struct failure failure;
	if (request->fd < 0 && *control_text(request->fields, CTL_DIRECTORY)) {
		control_server_refuse(methods->server, request->token, EXIT_USAGE,
				      "a folder's name came without the folder");
	} else if (read_request(methods, request, &apply, &failure) < 0) {
		changes_refuse(methods, request, &failure);
	} else if (control_find(request->fields, CTL_AT)) {
		schedule(methods, request, &apply);
	} else {
		apply.what = apply.number ? APPLY_PROPOSAL : APPLY_FOLDER;
		start(methods, request, &apply, !apply.number && request->fd < 0);
	}
}

// --- confirm

void changes_confirm(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	struct control_writer reply;
	struct failure failure;
	uint64_t generation = gate->confirm.generation;
	int r = confirm_settle(gate, &request->peer, &failure);
	gate_flush(gate);
	if (r < 0) {
		changes_refuse(methods, request, &failure);
		return;
	}
	proposals_look(gate); // the ones compared with what ran before are void now
	control_writer_init(&reply, CTL_REPLY_MAX);
	control_put_u64(&reply, CTL_GENERATION, generation);
	methods_send(methods, request->token, &reply);
}

// --- rollback

static bool is_undo(const struct gate *gate, uint64_t number)
{
	const struct generation_about *about = &gate->current.about;
	uint64_t now = journal_now_usec(), usec;
	struct person by;
	return number == about->previous && now >= about->applied_usec &&
	       now - about->applied_usec < ROLLBACK_ALONE_SECONDS * 1000000ULL &&
	       generation_was_confirmed(gate->state_fd, number, &by, &usec);
}

static int may_roll_back(const struct gate *gate, const struct apply_request *apply,
			 struct failure *failure)
{
	struct approval_need need;
	const struct control_rows *section = &gate->current.report.approval;
	char groups[512];
	approval_need(section, &(struct approval_change){ .unknown = true }, &need);
	if (!need.approvers || apply->emergency || is_undo(gate, apply->number))
		return 0;
	return failure_set(
		failure, SK_APPROVAL_MISSING, -EPERM,
		"one person may only undo the newest change, within 24 hours; else %u of "
		"%s must approve: sekisho propose %s/generations/%" PRIu64 "/rules --reason WHY",
		need.approvers, approval_groups(section, &need, groups, sizeof(groups)),
		gate->options->state, apply->number);
}

static int find_target(const struct gate *gate, struct apply_request *apply,
		       struct failure *failure)
{
	const struct generation_about *about = &gate->current.about;
	if (!apply->number)
		apply->number = about->previous;
	if (!apply->number)
		return failure_set(failure, SK_GENERATION_UNKNOWN, -ENOENT,
				   "no generation ran before this one");
	if (apply->number == about->number)
		return failure_set(failure, SK_GENERATION_UNKNOWN, -EINVAL,
				   "generation %" PRIu64 " runs already", apply->number);
	return may_roll_back(gate, apply, failure);
}

// What waits for its confirm is simply taken back.
static void take_back(struct methods *methods, struct control_request *request,
		      const struct person *by)
{
	struct gate *gate = methods->gate;
	struct control_writer reply;
	struct failure failure;
	const char *reason = control_text(request->fields, CTL_REASON);
	if (confirm_return(gate, by, *reason ? reason : "taken back", &failure) < 0) {
		changes_refuse(methods, request, &failure);
		return;
	}
	proposals_look(gate);
	control_writer_init(&reply, CTL_REPLY_MAX);
	if (gate->current.about.number)
		methods_put_generation(&reply, &gate->current);
	control_put_bool(&reply, CTL_CHANGED, true);
	methods_send(methods, request->token, &reply);
}

void changes_rollback(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	struct apply_request apply;
	struct failure failure;
	int r = read_request(methods, request, &apply, &failure);
	apply.what = APPLY_GENERATION;
	apply.number = control_u64(request->fields, CTL_GENERATION);
	bool awaited = confirm_left_seconds(gate) > 0;
	if (r == 0 && awaited && (!apply.number || apply.number == gate->confirm.previous)) {
		take_back(methods, request, &apply.by);
		return;
	}
	if (r == 0 && !awaited)
		r = find_target(gate, &apply, &failure);
	apply.granted = r == 0 && !awaited; // else apply_start() refuses: one apply at a time
	if (r < 0)
		changes_refuse(methods, request, &failure);
	else
		start(methods, request, &apply, false);
}

// --- history

static const char *state_of(const struct gate *gate, uint64_t number, bool confirmed)
{
	if (gate->confirm.generation == number)
		return "awaits-confirm";
	if (gate->current.about.number == number)
		return "running";
	return confirmed ? "confirmed" : "not-confirmed";
}

static void put_history(struct control_writer *reply, const struct gate *gate, uint64_t number)
{
	struct generation_about about;
	struct person confirmed_by;
	uint64_t usec = 0;
	bool confirmed = generation_was_confirmed(gate->state_fd, number, &confirmed_by, &usec);
	if (generation_read_about(gate->state_fd, number, &about) < 0)
		return;
	control_put_mark(reply, CTL_ROW);
	control_put_u64(reply, CTL_GENERATION, number);
	control_put_text(reply, CTL_STATE, state_of(gate, number, confirmed));
	control_put_time(reply, CTL_APPLIED, about.applied_usec);
	control_put_text(reply, CTL_ACTOR, about.by.name);
	control_put_text(reply, CTL_REASON, about.reason);
	control_put_text(reply, CTL_REQUEST, about.request);
	control_put_text(reply, CTL_APPROVED_BY, about.approved_by);
	if (confirmed)
		control_put_time(reply, CTL_CONFIRMED, usec);
	control_put_u64(reply, CTL_PREVIOUS, about.previous);
	control_put_text(reply, CTL_DIGEST, about.digest);
	control_put_text(reply, CTL_DIRECTORY, about.directory);
}

static bool holds(const uint64_t *numbers, size_t n, uint64_t number)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

void changes_history(struct methods *methods, struct control_request *request)
{
	const struct gate *gate = methods->gate;
	uint64_t numbers[GENERATIONS_KEPT + 4], reviews[REVIEWS_MAX];
	size_t n = generation_list(gate->state_fd, numbers, GENERATIONS_KEPT + 4);
	size_t n_reviews = reviews_list(gate, reviews, REVIEWS_MAX);
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	control_put_u64(&reply, CTL_GENERATION, gate->current.about.number);
	if (gate->confirm.generation)
		control_put_u64(&reply, CTL_AWAITED, gate->confirm.generation);
	for (size_t i = n; i-- > 0;) {
		put_history(&reply, gate, numbers[i]);
		if (holds(reviews, n_reviews, numbers[i]))
			control_put_u64(&reply, CTL_REVIEWS, 1);
	}
	methods_send(methods, request->token, &reply);
}
