// Proposals and the gate they are for.
#include "daemon/proposals.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fault.h"
#include "daemon/differ.h"
#include "daemon/schedule.h"

static const struct control_rows *section_of(const struct gate *gate)
{
	return &gate->current.report.approval;
}

// --- what changes

static bool rows_equal(const struct control_rows *a, const struct control_rows *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].n != b->v[i].n)
			return false;
		for (size_t k = 0; k < a->v[i].n; k++) {
			const struct control_field *x = &a->v[i].v[k], *y = &b->v[i].v[k];
			if (x->tag != y->tag || x->number != y->number ||
			    strcmp(x->text ? x->text : "", y->text ? y->text : "") != 0)
				return false;
		}
	}
	return true;
}

static enum plan_weight weight_of(const char *word)
{
	if (!strcmp(word, "light"))
		return PLAN_WEIGHT_LIGHT;
	return !strcmp(word, "normal") ? PLAN_WEIGHT_NORMAL : PLAN_WEIGHT_HEAVY;
}

void proposals_change(const struct gate *gate, const struct report *next,
		      const struct control_rows *rows, struct approval_change *ret)
{
	*ret = (struct approval_change){
		.unknown = true,
		.weight = PLAN_WEIGHT_HEAVY,
		.rules = !rows_equal(section_of(gate), &next->approval),
	};
	if (!rows || control_u64(&rows->v[0], CTL_OMITTED))
		return;
	size_t n = differ_zones(rows, ret->zones, APPROVAL_ZONES_MAX);
	ret->unknown = n > APPROVAL_ZONES_MAX;
	ret->n_zones = ret->unknown ? 0 : n;
	if (!ret->rules)
		ret->weight = weight_of(differ_weight(rows));
}

// As the page shows them; the section approval is not a matter of the plans.
static void put_rows(struct control_writer *writer, const struct control_rows *rows,
		     const struct approval_change *change)
{
	if (!rows)
		return;
	report_put_row(writer, &rows->v[0]);
	if (change->rules && !differ_has(rows, "section approval")) {
		control_put_mark(writer, CTL_ROW);
		control_put_text(writer, CTL_KIND, "changes");
		control_put_text(writer, CTL_WEIGHT, "heavy");
		control_put_text(writer, CTL_REASON, "who must approve changes");
		control_put_text(writer, CTL_SUBJECT, "section approval");
		control_put_text(writer, CTL_MESSAGE,
				 "who must approve changes, or how an apply is confirmed");
	}
	report_put_rows(writer, rows);
}

// --- events

static void put_person(struct event *event, const struct person *by)
{
	event_text(event, EVENT_ACTOR, by->name);
	event_number(event, EVENT_UID, by->uid);
	if (by->login_uid != CONTROL_NO_LOGIN)
		event_number(event, EVENT_LOGIN_UID, by->login_uid);
}

static void record(struct gate *gate, enum event_kind kind, const struct proposal *proposal,
		   const struct person *by, const char *reason, const char *code)
{
	struct event event;
	event_init(&event, kind, journal_now_usec());
	event_number(&event, EVENT_PROPOSAL, proposal->number);
	event_text(&event, EVENT_DIGEST, proposal->digest);
	event_text(&event, EVENT_REQUEST, proposal->request);
	event_text(&event, EVENT_REASON, reason);
	event_text(&event, EVENT_APPROVAL_CODE, code);
	if (by)
		put_person(&event, by);
	journal_write(gate->journal, &event);
}

static void record_step(struct gate *gate, const struct proposal *proposal)
{
	const struct approval *newest =
		proposal->n_given ? &proposal->given[proposal->n_given - 1] : NULL;
	switch (proposal->untold) {
	case PROPOSAL_PROPOSED:
		record(gate, EVENT_PROPOSED, proposal, &proposal->author, proposal->reason,
		       proposal->code);
		break;
	case PROPOSAL_APPROVED:
		if (newest)
			record(gate, EVENT_APPROVED, proposal, &newest->by, NULL, newest->code);
		break;
	case PROPOSAL_SCHEDULED:
		schedule_record(gate, EVENT_SCHEDULED, proposal,
				proposal->scheduled_usec ? NULL : "not any more");
		break;
	case PROPOSAL_CLOSED:
		if (proposal->state == PROPOSAL_REJECTED)
			record(gate, EVENT_REJECTED, proposal, &proposal->closed_by,
			       proposal->closed_because, NULL);
		else
			record(gate, EVENT_PROPOSAL_CLOSED, proposal, NULL,
			       proposal->closed_because, NULL);
		break;
	default:
		break;
	}
}

// Told, and then known to be told: what a daemon that dies in between did the next one tells,
// maybe once more.
static void tell(struct gate *gate, struct proposal *proposal)
{
	struct failure failure;
	bool by_itself =
		proposal->untold == PROPOSAL_CLOSED && proposal->state != PROPOSAL_REJECTED;
	record_step(gate, proposal);
	if (!by_itself)
		gate_flush(gate);
	fault_point("proposal-recorded");
	proposal->untold = PROPOSAL_TOLD;
	if (proposal_write(gate->state_fd, proposal, &failure) < 0)
		journal_failed(gate->journal, &failure);
}

int proposals_step(struct gate *gate, struct proposal *proposal, enum proposal_step step,
		   struct failure *failure)
{
	proposal->untold = step;
	int r = proposal_write(gate->state_fd, proposal, failure);
	fault_point("proposal-stepped");
	if (r == 0)
		tell(gate, proposal);
	return r;
}

static int refuse(struct gate *gate, uint64_t number, const struct person *by, const char *code,
		  const struct failure *failure)
{
	struct event event;
	char text[700];
	snprintf(text, sizeof(text), "SK%03d %s", (int)failure->code, failure->text);
	event_init(&event, EVENT_APPROVAL_REFUSED, journal_now_usec());
	event_text(&event, EVENT_MESSAGE, text);
	event_number(&event, EVENT_PROPOSAL, number);
	event_text(&event, EVENT_APPROVAL_CODE, code);
	put_person(&event, by);
	journal_write(gate->journal, &event);
	return -EPERM;
}

// --- ending

void proposals_end(struct gate *gate, struct proposal *proposal, enum proposal_state state,
		   const char *because)
{
	struct failure failure;
	if (proposal_close(gate->state_fd, proposal, state, because, &failure) < 0)
		journal_failed(gate->journal, &failure);
	else if (proposal->untold != PROPOSAL_TOLD)
		tell(gate, proposal);
}

static bool has_expired(const struct gate *gate, const struct proposal *proposal,
			const struct instant *now)
{
	return instant_age_usec(&proposal->when, now) >= approval_expires_usec(section_of(gate));
}

// Ends it if it has to end; true while it is open.
static bool is_open(struct gate *gate, struct proposal *proposal)
{
	struct instant now;
	char because[128];
	const struct generation_about *about = &gate->current.about;
	if (proposal->state != PROPOSAL_OPEN)
		return false;
	if (about->number == proposal->number) { // applied, and interrupted before it said so
		proposals_end(gate, proposal, PROPOSAL_APPLIED, "");
		return false;
	}
	if (about->number != proposal->based_on ||
	    strcmp(about->digest, proposal->based_digest) != 0) {
		// While an apply waits for its confirm, what ran before may return.
		if (gate->confirm.generation && gate->confirm.previous == proposal->based_on)
			return true;
		snprintf(because, sizeof(because),
			 "generation %" PRIu64
			 " runs, and it was compared with generation %" PRIu64,
			 about->number, proposal->based_on);
		proposals_end(gate, proposal, PROPOSAL_VOID, because);
		return false;
	}
	if (instant_now(&now) == 0 && !has_expired(gate, proposal, &now))
		return true;
	proposals_end(gate, proposal, PROPOSAL_EXPIRED, "its time has passed");
	return false;
}

size_t proposals_look(struct gate *gate)
{
	uint64_t numbers[PROPOSALS_KEPT];
	size_t n = proposal_list(gate->state_fd, numbers, PROPOSALS_KEPT), open = 0;
	for (size_t i = 0; i < n; i++) {
		struct failure failure;
		struct proposal proposal;
		if (proposal_read(gate->state_fd, numbers[i], &failure, &proposal) == 0)
			open += is_open(gate, &proposal);
	}
	return open;
}

// What a daemon that died has left: steps that nobody told of, files of closed ones.
static void resume(struct gate *gate, struct proposal *proposal)
{
	struct failure failure;
	if (proposal->untold == PROPOSAL_CLOSED &&
	    proposal_close(gate->state_fd, proposal, proposal->state, proposal->closed_because,
			   &failure) < 0)
		journal_failed(gate->journal, &failure);
	if (proposal->untold != PROPOSAL_TOLD)
		tell(gate, proposal);
	if (is_open(gate, proposal) && proposal->schedule_taken)
		schedule_resume(gate, proposal);
}

void proposals_resume(struct gate *gate)
{
	uint64_t numbers[PROPOSALS_KEPT];
	size_t n = proposal_list(gate->state_fd, numbers, PROPOSALS_KEPT);
	for (size_t i = 0; i < n; i++) {
		struct failure failure;
		struct proposal proposal;
		if (proposal_read(gate->state_fd, numbers[i], &failure, &proposal) == 0)
			resume(gate, &proposal);
	}
}

void proposals_ran(struct gate *gate, uint64_t number)
{
	struct failure failure;
	struct proposal proposal;
	if (proposal_read(gate->state_fd, number, &failure, &proposal) == 0 &&
	    proposal.state == PROPOSAL_OPEN)
		proposals_end(gate, &proposal, PROPOSAL_APPLIED, "");
}

static int read_open(struct gate *gate, uint64_t number, struct proposal *ret,
		     struct failure *failure)
{
	int r = proposal_read(gate->state_fd, number, failure, ret);
	if (r < 0 || is_open(gate, ret))
		return r;
	return failure_set(failure, SK_PROPOSAL_CLOSED, -ESTALE, "proposal %" PRIu64 " is %s%s%s",
			   number, proposal_state_word(ret->state),
			   ret->closed_because[0] ? ": " : "", ret->closed_because);
}

// --- adding

static void supersede(struct gate *gate, const struct proposal *next)
{
	uint64_t numbers[PROPOSALS_KEPT];
	char because[64];
	size_t n = proposal_list(gate->state_fd, numbers, PROPOSALS_KEPT);
	snprintf(because, sizeof(because), "proposal %" PRIu64 " is newer", next->number);
	for (size_t i = 0; i < n; i++) {
		struct failure failure;
		struct proposal old;
		if (numbers[i] != next->number &&
		    proposal_read(gate->state_fd, numbers[i], &failure, &old) == 0 &&
		    old.state == PROPOSAL_OPEN && !strcmp(old.directory, next->directory) &&
		    !person_differs(&old.author, &next->author))
			proposals_end(gate, &old, PROPOSAL_SUPERSEDED, because);
	}
}

int proposals_add(struct gate *gate, const struct generation_about *about,
		  const struct report *report, const struct control_rows *rows,
		  const struct snapshot *snapshot, const void *compiled, size_t size,
		  struct proposal *ret, struct failure *failure)
{
	struct proposal proposal = {
		.number = about->number,
		.author = about->by,
		.based_on = gate->current.about.number,
		.untold = PROPOSAL_PROPOSED,
	};
	struct approval_change change;
	proposals_look(gate);
	memcpy(proposal.digest, about->digest, sizeof(proposal.digest));
	memcpy(proposal.version, about->version, sizeof(proposal.version));
	memcpy(proposal.directory, about->directory, sizeof(proposal.directory));
	memcpy(proposal.reason, about->reason, sizeof(proposal.reason));
	memcpy(proposal.request, about->request, sizeof(proposal.request));
	memcpy(proposal.based_digest, gate->current.about.digest, sizeof(proposal.based_digest));
	struct control_writer changes;
	proposals_change(gate, report, rows, &change);
	proposal_set_change(&proposal, &change);
	int r = instant_now(&proposal.when);
	if (r < 0)
		return failure_set(failure, SK_DAEMON_FAILED, r, "the boot's id: %s", strerror(-r));
	control_writer_init(&changes, DIFFER_BYTES_MAX);
	put_rows(&changes, rows, &change);
	const struct proposal_kept kept = { snapshot, compiled, size, changes.bytes,
					    changes.error ? 0 : changes.size };
	proposal_seal(&proposal, &kept);
	r = proposal_store(gate->state_fd, &proposal, &kept, failure);
	control_writer_done(&changes);
	if (r < 0)
		return r;
	tell(gate, &proposal);
	supersede(gate, &proposal);
	*ret = proposal;
	return 0;
}

// --- approving

static void day_of(uint64_t usec, char out[16])
{
	time_t seconds = (time_t)(usec / 1000000);
	struct tm tm;
	localtime_r(&seconds, &tm);
	strftime(out, 16, "%Y-%m-%d", &tm);
}

bool proposals_lost(const struct gate *gate, const struct proposal *proposal,
		    const struct approval_need *need, const struct approval *approval)
{
	char day[16];
	day_of(approval->when.wall_usec, day);
	return proposal->state == PROPOSAL_OPEN && need->approvers &&
	       !approval_may(section_of(gate), need, &approval->by, day, &directory_of_box);
}

void proposals_need(const struct gate *gate, const struct proposal *proposal,
		    struct approval_need *ret_need, unsigned *ret_missing)
{
	struct approval counted[APPROVALS_MAX];
	size_t n = 0;
	struct approval_change change;
	struct proposal_zones storage;
	struct instant now = { 0 };
	proposal_change(proposal, &storage, &change);
	approval_need(section_of(gate), &change, ret_need);
	instant_now(&now);
	for (size_t i = 0; i < proposal->n_given; i++)
		if (!proposals_lost(gate, proposal, ret_need, &proposal->given[i]))
			counted[n++] = proposal->given[i];
	*ret_missing =
		approval_missing(ret_need, &proposal->author, proposal->code, counted, n, &now);
}

static bool code_is(const char *given, const char *code)
{
	size_t i = 0;
	for (; given[i] && code[i]; i++)
		if (toupper((unsigned char)given[i]) != code[i])
			return false;
	return !given[i] && !code[i];
}

static bool has_approved(const struct proposal *proposal, const struct person *by)
{
	for (size_t i = 0; i < proposal->n_given; i++)
		if (!person_differs(&proposal->given[i].by, by))
			return true;
	return false;
}

static int may_approve(const struct gate *gate, const struct proposal *proposal, const char *code,
		       const struct person *by, const struct directory *directory,
		       struct failure *failure)
{
	struct approval_need need;
	unsigned missing;
	char today[16], groups[512];
	day_of((uint64_t)time(NULL) * 1000000, today);
	proposals_need(gate, proposal, &need, &missing);
	if (person_is_anybody(by, failure))
		return -EPERM;
	if (!person_differs(by, &proposal->author))
		return failure_set(failure, SK_APPROVAL_OWN, -EPERM,
				   "proposal %" PRIu64 " is yours; another person must approve it",
				   proposal->number);
	if (has_approved(proposal, by))
		return failure_set(failure, SK_APPROVAL_OWN, -EPERM,
				   "you have approved proposal %" PRIu64 " already",
				   proposal->number);
	if (!approval_may(section_of(gate), &need, by, today, directory))
		return failure_set(failure, SK_APPROVAL_NOT_YOURS, -EPERM,
				   "this change is for members of %s to approve",
				   approval_groups(section_of(gate), &need, groups,
						   sizeof(groups)));
	if (!code_is(code, proposal->code))
		return failure_set(failure, SK_APPROVAL_CODE_WRONG, -EPERM,
				   "\"%s\" is not the code of proposal %" PRIu64
				   "; read its page again: sekisho proposal %" PRIu64,
				   code, proposal->number, proposal->number);
	if (proposal->n_given == APPROVALS_MAX)
		return failure_set(failure, SK_PROPOSALS_MANY, -EDQUOT,
				   "proposal %" PRIu64 " has %d approvals, and no room for more",
				   proposal->number, APPROVALS_MAX);
	return 0;
}

int proposals_approve(struct gate *gate, uint64_t number, const char *code,
		      const struct control_peer *peer, const struct directory *directory,
		      struct proposal *ret, struct failure *failure)
{
	struct proposal proposal;
	struct approval approval = { 0 };
	person_of_peer(peer, &approval.by);
	int r = read_open(gate, number, &proposal, failure);
	if (r == 0)
		r = may_approve(gate, &proposal, code, &approval.by, directory, failure);
	if (r == 0 && (r = instant_now(&approval.when)) < 0)
		failure_set(failure, SK_DAEMON_FAILED, r, "the boot's id: %s", strerror(-r));
	if (r < 0)
		return refuse(gate, number, &approval.by, code, failure);
	memcpy(approval.code, proposal.code, sizeof(approval.code));
	proposal.given[proposal.n_given++] = approval;
	r = proposals_step(gate, &proposal, PROPOSAL_APPROVED, failure);
	if (r < 0)
		return r;
	*ret = proposal;
	return 0;
}

int proposals_reject(struct gate *gate, uint64_t number, const char *reason,
		     const struct control_peer *peer, struct failure *failure)
{
	struct proposal proposal;
	struct person by;
	person_of_peer(peer, &by);
	int r = read_open(gate, number, &proposal, failure);
	if (r < 0)
		return r;
	if (person_differs(&by, &proposal.author) && !control_peer_may(peer, CTL_MAY_APPROVE)) {
		failure_set(
			failure, SK_APPROVAL_NOT_YOURS, -EPERM,
			"only its author and those who may approve can reject proposal %" PRIu64,
			number);
		return refuse(gate, number, &by, NULL, failure);
	}
	proposal.closed_by = by;
	r = proposal_close(gate->state_fd, &proposal, PROPOSAL_REJECTED, reason, failure);
	if (r == 0)
		tell(gate, &proposal);
	return r;
}

// --- applying

// Whose approvals do not count any more, or "".
static const char *lost_words(const struct gate *gate, const struct proposal *proposal,
			      const struct approval_need *need, char *out, size_t size)
{
	char names[160] = "";
	size_t used = 0;
	for (size_t i = 0; i < proposal->n_given && used < sizeof(names); i++)
		if (proposals_lost(gate, proposal, need, &proposal->given[i]))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", proposal->given[i].by.name);
	out[0] = '\0';
	if (used)
		snprintf(out, size, " (what %s approved does not count: no member any more)",
			 names);
	return out;
}

int proposals_take(struct gate *gate, uint64_t number, bool alone, struct proposal *ret,
		   struct failure *failure)
{
	struct proposal proposal;
	struct approval_need need;
	unsigned missing;
	char groups[256], lost[256];
	int r = read_open(gate, number, &proposal, failure);
	if (r < 0)
		return r;
	proposals_need(gate, &proposal, &need, &missing);
	if (missing && !alone)
		return failure_set(failure, SK_APPROVAL_MISSING, -EPERM,
				   "proposal %" PRIu64 " lacks %u approval%s by members of %s%s; "
				   "its page has the code: sekisho proposal %" PRIu64,
				   number, missing, missing == 1 ? "" : "s",
				   approval_groups(section_of(gate), &need, groups, sizeof(groups)),
				   lost_words(gate, &proposal, &need, lost, sizeof(lost)), number);
	*ret = proposal;
	return 0;
}

void proposals_job(const struct gate *gate, const struct proposal *proposal,
		   struct snapshot_job *ret)
{
	const struct gate_options *options = gate->options;
	*ret = (struct snapshot_job){
		.generation = proposal->number,
		.uid = options->compiler_uid,
		.gid = options->compiler_gid,
		.management_prefix = options->management_prefix,
		.management_port = options->management_port,
		.nflog_group = options->nflog_group,
	};
	snprintf(ret->directory, sizeof(ret->directory), "%s", proposal->directory);
	memcpy(ret->management_interface, options->management_interface,
	       sizeof(ret->management_interface));
}

int proposals_load(struct gate *gate, struct proposal *proposal, const struct snapshot_job *job,
		   struct failure *failure, int *ret_snapshot_fd, uint8_t **ret_compiled,
		   size_t *ret_size)
{
	int r = proposal_load(gate->state_fd, proposal, job, failure, ret_snapshot_fd, ret_compiled,
			      ret_size);
	if (r == -EBADMSG)
		proposals_end(gate, proposal, PROPOSAL_VOID,
			      "the files kept with it are not those that were proposed");
	return r;
}

void proposals_about(const struct proposal *proposal, struct generation_about *about)
{
	size_t used = 0;
	memcpy(about->digest, proposal->digest, sizeof(about->digest));
	memcpy(about->directory, proposal->directory, sizeof(about->directory));
	if (!about->reason[0])
		memcpy(about->reason, proposal->reason, sizeof(about->reason));
	memcpy(about->request, proposal->request, sizeof(about->request));
	for (size_t i = 0; i < proposal->n_given && used < sizeof(about->approved_by); i++)
		used += (size_t)snprintf(about->approved_by + used,
					 sizeof(about->approved_by) - used, "%s%s",
					 used ? ", " : "", proposal->given[i].by.name);
}
