// Proposals: policies that were compiled, kept and may be approved, so that what is applied is what
// was read and approved, whatever becomes of the folder they came from.
//
//	state/proposals/N/        rules/*.yaml  the policy as it was read; gone once it is closed
//	                          compiled      the compiler's report; gone once it is closed
//	                          changes       what it changes, as rows (daemon/differ.h); likewise
//	                          about         JSON: everything below
//
// A proposal has a generation's number: applied, it is generation N.  Its code is made of the
// number, of all that is kept, and of the generation it was compared with, so whoever quotes it has
// read the page of this very content.
#ifndef SEKISHO_DAEMON_PROPOSAL_H
#define SEKISHO_DAEMON_PROPOSAL_H

#include "daemon/approval.h"
#include "daemon/generation.h"

enum { PROPOSALS_OPEN_MAX = 20, PROPOSALS_KEPT = 60, CONTENT_HEX = 64 };

enum proposal_state {
	PROPOSAL_OPEN,
	PROPOSAL_APPLIED,
	PROPOSAL_REJECTED,
	PROPOSAL_EXPIRED,
	PROPOSAL_VOID,	     // another generation runs since, or what was stored has changed
	PROPOSAL_SUPERSEDED, // its author has proposed the folder again
	PROPOSAL_STATE_COUNT,
};
const char *proposal_state_word(enum proposal_state state);

// The newest thing that was done to it and of which no event tells yet.
enum proposal_step {
	PROPOSAL_TOLD,
	PROPOSAL_PROPOSED,
	PROPOSAL_APPROVED, // the newest of given
	PROPOSAL_SCHEDULED,
	PROPOSAL_CLOSED,
};

enum { PROPOSAL_ZONES_BYTES = 16 * 1024 };

struct proposal {
	uint64_t number;
	char digest[65];	       // of the policy
	char content[CONTENT_HEX + 1]; // of the files and of what they were compiled to
	char version[160];	       // compiled by and for
	char directory[SNAPSHOT_DIRECTORY_MAX];
	struct person author;
	char reason[REASON_MAX], request[REASON_MAX];
	struct instant when;
	uint64_t based_on;
	char based_digest[65];
	// What it changes, as far as approval needs to know.
	bool change_unknown, change_rules;
	enum plan_weight weight;
	char zones[PROPOSAL_ZONES_BYTES]; // names with spaces between
	uint64_t scheduled_usec;	  // wall clock; 0: not
	uint64_t scheduled_confirm_usec;
	struct person scheduled_by;
	bool schedule_taken;   // an apply has begun, and its end is not known
	uint64_t schedule_try; // which one that is, from 1
	enum proposal_state state;
	char closed_because[REASON_MAX];
	struct person closed_by; // who rejected it
	enum proposal_step untold;
	struct approval given[APPROVALS_MAX];
	size_t n_given;
	char code[APPROVAL_CODE_LENGTH + 1];
};

void proposal_set_change(struct proposal *proposal, const struct approval_change *change);
struct proposal_zones {
	char text[PROPOSAL_ZONES_BYTES];
};
// ret points into storage.
void proposal_change(const struct proposal *proposal, struct proposal_zones *storage,
		     struct approval_change *ret);

struct proposal_kept { // what is stored of an open one
	const struct snapshot *snapshot;
	const void *compiled; // the report
	size_t compiled_size;
	const void *changes; // rows; size 0: they could not be found out
	size_t changes_size;
};
// Fills .content and .code.
void proposal_seal(struct proposal *proposal, const struct proposal_kept *kept);
// -EDQUOT (SK_PROPOSALS_MANY) when too many are open.
int proposal_store(int state_fd, const struct proposal *proposal, const struct proposal_kept *kept,
		   struct failure *failure);
// -ENOENT (SK_PROPOSAL_UNKNOWN), -EBADMSG (SK_PROPOSAL_DAMAGED).
int proposal_read(int state_fd, uint64_t number, struct failure *failure, struct proposal *ret);
// Its approvals and state, in one step.
int proposal_write(int state_fd, const struct proposal *proposal, struct failure *failure);
// Ends it: writes the state, untold as PROPOSAL_CLOSED, then takes files and report away.
int proposal_close(int state_fd, struct proposal *proposal, enum proposal_state state,
		   const char *because, struct failure *failure);
// Ascending; at most max of the newest.
size_t proposal_list(int state_fd, uint64_t *ret, size_t max);

// What is kept of an open one: the snapshot's descriptor, made with this job, and the report's
// bytes on the heap.  SK_PROPOSAL_DAMAGED when they are not what was proposed.
int proposal_load(int state_fd, const struct proposal *proposal, const struct snapshot_job *job,
		  struct failure *failure, int *ret_snapshot_fd, uint8_t **ret_compiled,
		  size_t *ret_size);
// Its changes, to be done with; n 0: none are kept.
void proposal_changes(int state_fd, uint64_t number, struct control_rows *ret);

#endif
