// propose, proposals, proposal, approve, reject, review.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/changes.h"
#include "daemon/proposals.h"
#include "daemon/reviews.h"

static const char *weight_word(enum plan_weight weight)
{
	static const char *const words[] = { "", "light", "normal", "heavy" };
	return (size_t)weight < sizeof(words) / sizeof(words[0]) ? words[weight] : "";
}

static void put_head(struct control_writer *reply, const struct gate *gate,
		     const struct proposal *proposal)
{
	const struct control_rows *section = &gate->current.report.approval;
	struct approval_need need;
	unsigned missing;
	char groups[512];
	proposals_need(gate, proposal, &need, &missing);
	bool open = proposal->state == PROPOSAL_OPEN;
	control_put_u64(reply, CTL_PROPOSAL, proposal->number);
	control_put_text(reply, CTL_STATE,
			 open && !missing ? "approved" : proposal_state_word(proposal->state));
	control_put_text(reply, CTL_MESSAGE, proposal->closed_because);
	control_put_text(reply, CTL_REASON, proposal->reason);
	control_put_text(reply, CTL_REQUEST, proposal->request);
	control_put_text(reply, CTL_ACTOR, proposal->author.name);
	control_put_time(reply, CTL_WHEN, proposal->when.wall_usec);
	control_put_text(reply, CTL_DIRECTORY, proposal->directory);
	control_put_text(reply, CTL_DIGEST, proposal->digest);
	control_put_u64(reply, CTL_BASED_ON, proposal->based_on);
	control_put_text(reply, CTL_WEIGHT, weight_word(proposal->weight));
	for (size_t i = 0; i < proposal->n_given; i++)
		control_put_text(reply, CTL_APPROVED_BY, proposal->given[i].by.name);
	if (!open)
		return;
	control_put_text(reply, CTL_APPROVAL_CODE, proposal->code);
	control_put_time(reply, CTL_EXPIRES, proposal->when.wall_usec + need.expires_usec);
	control_put_u64(reply, CTL_NEEDED, need.approvers);
	control_put_u64(reply, CTL_MISSING, missing);
	control_put_text(reply, CTL_GROUPS,
			 approval_groups(section, &need, groups, sizeof(groups)));
	control_put_time(reply, CTL_AT, proposal->scheduled_usec);
}

// --- propose

static void on_proposed(void *arg, struct gate *gate, const struct apply_result *result)
{
	struct waiting *waiting = arg;
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	changes_put_result(&reply, gate, result);
	if (result->proposal)
		put_head(&reply, gate, result->proposal);
	if (result->report)
		report_put_rows(&reply, &result->report->faults);
	if (result->failure)
		changes_put_failure(&reply, result->failure);
	methods_send(waiting->methods, waiting->token, &reply);
	free(waiting);
}

void changes_propose(struct methods *methods, struct control_request *request)
{
	const struct control_row *fields = request->fields;
	struct failure failure;
	struct apply_request apply = {
		.what = APPLY_PROPOSE,
		.dir_fd = request->fd,
		.directory = control_text(fields, CTL_DIRECTORY),
		.reason = control_text(fields, CTL_REASON),
		.request = control_text(fields, CTL_REQUEST),
		.done = on_proposed,
	};
	if (request->fd < 0) {
		control_server_refuse(methods->server, request->token, EXIT_USAGE,
				      "a proposal needs the folder of its policy");
		return;
	}
	if (!*apply.reason) {
		failure_set(&failure, SK_REASON_MISSING, -EINVAL,
			    "say why, with --reason: the approver reads it");
		changes_refuse(methods, request, &failure);
		return;
	}
	person_of_peer(&request->peer, &apply.by);
	apply.arg = changes_wait(methods, request);
	if (apply.arg)
		apply_start(methods->gate, methods->event, &apply);
}

// --- lists and the page

void changes_proposals(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	uint64_t numbers[PROPOSALS_KEPT];
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	proposals_look(gate);
	size_t n = proposal_list(gate->state_fd, numbers, PROPOSALS_KEPT);
	for (size_t i = n; i-- > 0;) {
		struct proposal proposal;
		struct failure failure;
		if (proposal_read(gate->state_fd, numbers[i], &failure, &proposal) < 0)
			continue;
		control_put_mark(&reply, CTL_ROW);
		put_head(&reply, gate, &proposal);
	}
	methods_send(methods, request->token, &reply);
}

static void put_approvals(struct control_writer *reply, const struct proposal *proposal)
{
	for (size_t i = 0; i < proposal->n_given; i++) {
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_WHAT, "approval");
		control_put_text(reply, CTL_ACTOR, proposal->given[i].by.name);
		control_put_time(reply, CTL_WHEN, proposal->given[i].when.wall_usec);
		control_put_text(reply, CTL_APPROVAL_CODE, proposal->given[i].code);
	}
}

static const struct control_row *find_id(const struct control_rows *rows, const char *id)
{
	for (size_t i = 1; i < rows->n; i++)
		if (!strcmp(control_text(&rows->v[i], CTL_ID), id))
			return &rows->v[i];
	return NULL;
}

static void put_change(struct control_writer *reply, const char *change,
		       const struct control_row *flow)
{
	control_put_mark(reply, CTL_ROW);
	control_put_text(reply, CTL_WHAT, "change");
	control_put_text(reply, CTL_CHANGE, change);
	for (size_t i = 0; i < flow->n; i++)
		if (flow->v[i].type == CTL_TEXT && flow->v[i].tag != CTL_FILE)
			control_put_text(reply, flow->v[i].tag, flow->v[i].text);
}

static void put_changes(struct control_writer *reply, const struct control_rows *before,
			const struct control_rows *after)
{
	for (size_t i = 1; i < after->n; i++)
		if (!find_id(before, control_text(&after->v[i], CTL_ID)))
			put_change(reply, "opens", &after->v[i]);
	for (size_t i = 1; i < before->n; i++)
		if (!find_id(after, control_text(&before->v[i], CTL_ID)))
			put_change(reply, "closes", &before->v[i]);
}

static void put_page(struct control_writer *reply, const struct gate *gate,
		     const struct report *report)
{
	static const struct control_rows none;
	const struct control_row *head = &report->faults.v[0];
	const struct control_rows *before = &gate->current.report.flows;
	control_put_u64(reply, CTL_ERRORS, control_u64(head, CTL_ERRORS));
	control_put_u64(reply, CTL_WARNINGS, control_u64(head, CTL_WARNINGS));
	control_put_u64(reply, CTL_FLOWS, report->flows.n - 1);
	control_put_u64(reply, CTL_ZONES, report->zones.n - 2);
	control_put_text(reply, CTL_TITLE, control_text(head, CTL_TITLE));
	put_changes(reply, gate->current.about.number ? before : &none, &report->flows);
	report_put_rows(reply, &report->faults);
}

static int read_page(struct gate *gate, struct proposal *proposal, struct report *ret,
		     struct failure *failure)
{
	const struct snapshot_job job = { 0 };
	int snapshot_fd;
	uint8_t *bytes;
	size_t size;
	int r = proposals_load(gate, proposal, &job, failure, &snapshot_fd, &bytes, &size);
	if (r < 0)
		return r;
	close(snapshot_fd);
	r = report_read(bytes, size, ret);
	free(bytes);
	return r < 0 ? failure_set(failure, SK_PROPOSAL_DAMAGED, r,
				   "what was compiled of the proposal makes no sense")
		     : 0;
}

void changes_proposal(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	struct proposal proposal;
	struct report report = { 0 };
	struct failure failure;
	struct control_writer reply;
	proposals_look(gate);
	int r = proposal_read(gate->state_fd, control_u64(request->fields, CTL_PROPOSAL), &failure,
			      &proposal);
	if (r == 0 && proposal.state == PROPOSAL_OPEN)
		r = read_page(gate, &proposal, &report, &failure);
	if (r < 0) {
		changes_refuse(methods, request, &failure);
		return;
	}
	control_writer_init(&reply, CTL_REPLY_MAX);
	put_head(&reply, gate, &proposal);
	if (proposal.state == PROPOSAL_OPEN)
		put_page(&reply, gate, &report);
	put_approvals(&reply, &proposal);
	methods_send(methods, request->token, &reply);
	report_done(&report);
}

// --- approve, reject, review

void changes_approve(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	struct proposal proposal;
	struct failure failure;
	struct control_writer reply;
	int r = proposals_approve(gate, control_u64(request->fields, CTL_PROPOSAL),
				  control_text(request->fields, CTL_APPROVAL_CODE), &request->peer,
				  &directory_of_box, &proposal, &failure);
	if (r < 0) {
		changes_refuse(methods, request, &failure);
		return;
	}
	control_writer_init(&reply, CTL_REPLY_MAX);
	put_head(&reply, gate, &proposal);
	methods_send(methods, request->token, &reply);
}

static int reason_of(const struct control_row *fields, const char **ret, struct failure *failure)
{
	*ret = control_text(fields, CTL_REASON);
	return **ret ? 0
		     : failure_set(failure, SK_REASON_MISSING, -EINVAL, "say why, with --reason");
}

void changes_reject(struct methods *methods, struct control_request *request)
{
	uint64_t number = control_u64(request->fields, CTL_PROPOSAL);
	struct failure failure;
	struct control_writer reply;
	const char *reason;
	int r = reason_of(request->fields, &reason, &failure);
	if (r == 0)
		r = proposals_reject(methods->gate, number, reason, &request->peer, &failure);
	if (r < 0) {
		changes_refuse(methods, request, &failure);
		return;
	}
	control_writer_init(&reply, CTL_REPLY_MAX);
	control_put_u64(&reply, CTL_PROPOSAL, number);
	methods_send(methods, request->token, &reply);
}

void changes_review(struct methods *methods, struct control_request *request)
{
	uint64_t number = control_u64(request->fields, CTL_GENERATION);
	struct failure failure;
	struct control_writer reply;
	const char *reason;
	int r = reason_of(request->fields, &reason, &failure);
	if (r == 0)
		r = reviews_close(methods->gate, number, reason, &request->peer, &directory_of_box,
				  &failure);
	if (r < 0) {
		changes_refuse(methods, request, &failure);
		return;
	}
	control_writer_init(&reply, CTL_REPLY_MAX);
	control_put_u64(&reply, CTL_GENERATION, number);
	methods_send(methods, request->token, &reply);
}
