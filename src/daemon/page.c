// A proposal's page: what it changes, and which live connections it would cut, found out while the
// approver waits.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/changes.h"
#include "daemon/live.h"
#include "daemon/live_record.h"
#include "daemon/proposals.h"

enum { PAGES_MAX = 8 }; // being made at once

struct page {
	struct methods *methods;
	struct control_token token;
	struct proposal proposal;
	struct report report;
	struct control_rows changes;
	struct live_judging *judging;
	struct page *next;
};

static void take_out(struct page *page)
{
	struct page **at = &page->methods->pages;
	while (*at != page)
		at = &(*at)->next;
	*at = page->next;
	report_done(&page->report);
	control_rows_done(&page->changes);
	free(page);
}

void changes_cancel_pages(struct methods *methods)
{
	while (methods->pages) {
		live_judging_cancel(methods->pages->judging);
		take_out(methods->pages);
	}
}

static void put_approvals(struct control_writer *reply, const struct gate *gate,
			  const struct proposal *proposal)
{
	struct approval_need need;
	unsigned missing;
	proposals_need(gate, proposal, &need, &missing);
	for (size_t i = 0; i < proposal->n_given; i++) {
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_WHAT, "approval");
		control_put_text(reply, CTL_ACTOR, proposal->given[i].by.name);
		control_put_time(reply, CTL_WHEN, proposal->given[i].when.wall_usec);
		control_put_text(reply, CTL_APPROVAL_CODE, proposal->given[i].code);
		if (proposals_lost(gate, proposal, &need, &proposal->given[i]))
			control_put_text(reply, CTL_MESSAGE, "does not count: no member any more");
	}
}

static void put_policy(struct control_writer *reply, const struct page *page)
{
	const struct control_row *head = &page->report.faults.v[0];
	control_put_u64(reply, CTL_ERRORS, control_u64(head, CTL_ERRORS));
	control_put_u64(reply, CTL_WARNINGS, control_u64(head, CTL_WARNINGS));
	control_put_u64(reply, CTL_ASSERTIONS, control_u64(head, CTL_ASSERTIONS));
	control_put_u64(reply, CTL_TESTS, control_u64(head, CTL_TESTS));
	control_put_u64(reply, CTL_FLOWS, page->report.flows.n - 1);
	control_put_u64(reply, CTL_ZONES, page->report.zones.n - 2);
	control_put_text(reply, CTL_TITLE, control_text(head, CTL_TITLE));
	control_put_bool(reply, CTL_CHANGED, page->changes.n > 0); // false: nobody knows
	if (page->changes.n)
		control_put_u64(reply, CTL_OMITTED, control_u64(&page->changes.v[0], CTL_OMITTED));
}

static void put_cut(struct control_writer *reply, const struct live_result *live)
{
	for (size_t i = 0; i < live->n_cuts; i++) {
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_WHAT, "cut");
		live_put_cut(reply, &live->cuts[i]);
	}
}

// live NULL: connections could not be judged.
static void answer(struct page *page, const struct live_result *live)
{
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	changes_put_proposal(&reply, page->methods->gate, &page->proposal);
	if (page->report.ruleset)
		put_policy(&reply, page);
	if (live) {
		control_put_u64(&reply, CTL_TOTAL, live->judged);
		control_put_u64(&reply, CTL_CUT, live->cut);
	}
	if (page->report.ruleset) {
		report_put_rows(&reply, &page->changes);
		report_put_rows(&reply, &page->report.faults);
	}
	if (live)
		put_cut(&reply, live);
	put_approvals(&reply, page->methods->gate, &page->proposal);
	methods_send(page->methods, page->token, &reply);
	take_out(page);
}

static void on_judged(void *arg, const struct live_result *result)
{
	struct page *page = arg;
	page->judging = NULL;
	answer(page, result->failure ? NULL : result);
}

// What is kept of the proposal, and the pass over the live connections begun.
static int open_page(struct page *page, struct failure *failure)
{
	struct gate *gate = page->methods->gate;
	int snapshot_fd;
	uint8_t *bytes;
	size_t size;
	struct snapshot_job job;
	proposals_job(gate, &page->proposal, &job);
	int r = proposals_load(gate, &page->proposal, &job, failure, &snapshot_fd, &bytes, &size);
	if (r < 0)
		return r;
	r = report_read(bytes, size, &page->report);
	free(bytes);
	if (r < 0)
		failure_set(failure, SK_PROPOSAL_DAMAGED, r,
			    "what was compiled of the proposal makes no sense");
	else
		proposal_changes(gate->state_fd, page->proposal.number, &page->changes);
	if (r == 0 && live_judge_plan(gate, snapshot_fd, on_judged, page, &page->judging) < 0)
		page->judging = NULL;
	close(snapshot_fd);
	return r;
}

static size_t count(const struct page *page)
{
	size_t n = 0;
	for (; page; page = page->next)
		n++;
	return n;
}

void changes_proposal(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	struct failure failure;
	struct page *page = count(methods->pages) < PAGES_MAX ? calloc(1, sizeof(*page)) : NULL;
	if (!page) {
		control_server_refuse(methods->server, request->token, EXIT_FAILED,
				      "too many pages are being made already; try again");
		return;
	}
	page->methods = methods;
	page->token = request->token;
	page->next = methods->pages;
	methods->pages = page;
	proposals_look(gate);
	int r = proposal_read(gate->state_fd, control_u64(request->fields, CTL_PROPOSAL), &failure,
			      &page->proposal);
	if (r == 0 && page->proposal.state == PROPOSAL_OPEN)
		r = open_page(page, &failure);
	if (r < 0) {
		changes_refuse(methods, request, &failure);
		take_out(page);
	} else if (!page->judging) {
		answer(page, NULL);
	}
}
