// propose, proposals, approve, reject, review.
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

void changes_put_proposal(struct control_writer *reply, const struct gate *gate,
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
		.done = changes_answer,
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

// --- the list

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
		changes_put_proposal(&reply, gate, &proposal);
	}
	methods_send(methods, request->token, &reply);
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
	gate_flush(gate);
	if (r < 0) {
		changes_refuse(methods, request, &failure);
		return;
	}
	control_writer_init(&reply, CTL_REPLY_MAX);
	changes_put_proposal(&reply, gate, &proposal);
	methods_send(methods, request->token, &reply);
}

// What a person ends with a reason: a proposal is turned down, an emergency apply looked at.
typedef int end_it(struct gate *gate, uint64_t number, const char *reason,
		   const struct control_peer *peer, struct failure *failure);

static int close_review(struct gate *gate, uint64_t number, const char *reason,
			const struct control_peer *peer, struct failure *failure)
{
	return reviews_close(gate, number, reason, peer, &directory_of_box, failure);
}

static void end_with_reason(struct methods *methods, struct control_request *request,
			    enum control_tag tag, end_it *end)
{
	uint64_t number = control_u64(request->fields, tag);
	const char *reason = control_text(request->fields, CTL_REASON);
	struct failure failure;
	struct control_writer reply;
	int r = *reason ? end(methods->gate, number, reason, &request->peer, &failure)
			: failure_set(&failure, SK_REASON_MISSING, -EINVAL,
				      "say why, with --reason");
	gate_flush(methods->gate);
	if (r < 0) {
		changes_refuse(methods, request, &failure);
		return;
	}
	control_writer_init(&reply, CTL_REPLY_MAX);
	control_put_u64(&reply, tag, number);
	methods_send(methods, request->token, &reply);
}

void changes_reject(struct methods *methods, struct control_request *request)
{
	end_with_reason(methods, request, CTL_PROPOSAL, proposals_reject);
}

void changes_review(struct methods *methods, struct control_request *request)
{
	end_with_reason(methods, request, CTL_GENERATION, close_review);
}
