// The gate's proposals: adding, approving, ending them, each step an event.  Whether one may be
// applied is decided by the rules of the generation that runs, which is the one it was compared
// with: as soon as another runs, it is void.
//
// Each step is stored with a note that it is untold, recorded, and then known to be told; a daemon
// that dies in between leaves the record to the next one (proposals_resume()).
//
// Fault points: proposal-written  proposal-stored  proposal-closed
// approving and scheduling: proposal-stepped; each of them: proposal-recorded
#ifndef SEKISHO_DAEMON_PROPOSALS_H
#define SEKISHO_DAEMON_PROPOSALS_H

#include "daemon/gate.h"
#include "daemon/proposal.h"

// What a policy would change of the one that runs.  rows: as differ.h tells them; NULL: they could
// not be found out, so every rule of approval fits.  ret points into rows.
void proposals_change(const struct gate *gate, const struct report *next,
		      const struct control_rows *rows, struct approval_change *ret);

// Stores a compiled policy; about has number, digest, version, author, reason and request.
int proposals_add(struct gate *gate, const struct generation_about *about,
		  const struct report *report, const struct control_rows *rows,
		  const struct snapshot *snapshot, const void *compiled, size_t size,
		  struct proposal *ret, struct failure *failure);

// What it needs, and how many are missing.  An approval counts as long as whoever gave it may give
// it: who has left the group since approves nothing any more; deputies are asked about the day on
// which they approved.
void proposals_need(const struct gate *gate, const struct proposal *proposal,
		    struct approval_need *ret_need, unsigned *ret_missing);
// Is this approval one of those that do not count any more?
bool proposals_lost(const struct gate *gate, const struct proposal *proposal,
		    const struct approval_need *need, const struct approval *approval);

// The code must be quoted as the page shows it.  What was refused is recorded too.
int proposals_approve(struct gate *gate, uint64_t number, const char *code,
		      const struct control_peer *peer, const struct directory *directory,
		      struct proposal *ret, struct failure *failure);
int proposals_reject(struct gate *gate, uint64_t number, const char *reason,
		     const struct control_peer *peer, struct failure *failure);

// An open proposal that may be applied now.  SK_APPROVAL_MISSING unless alone (an emergency).
int proposals_take(struct gate *gate, uint64_t number, bool alone, struct proposal *ret,
		   struct failure *failure);
// How what is kept of it would be compiled or judged, by a child without rights.
void proposals_job(const struct gate *gate, const struct proposal *proposal,
		   struct snapshot_job *ret);
// proposal_load(); one whose files have changed is void.
int proposals_load(struct gate *gate, struct proposal *proposal, const struct snapshot_job *job,
		   struct failure *failure, int *ret_snapshot_fd, uint8_t **ret_compiled,
		   size_t *ret_size);
// What the generation says about itself that it becomes.
void proposals_about(const struct proposal *proposal, struct generation_about *about);
void proposals_end(struct gate *gate, struct proposal *proposal, enum proposal_state state,
		   const char *because);

// Stores a step and tells of it.  -errno with failure: it is not stored.
int proposals_step(struct gate *gate, struct proposal *proposal, enum proposal_step step,
		   struct failure *failure);
// At start, once what runs is loaded: goes on with what a daemon that died has left.
void proposals_resume(struct gate *gate);
// It was committed, and has returned since: it is not applied once more.
void proposals_ran(struct gate *gate, uint64_t number);

// Ends those that have expired or are void.  Returns how many are open.
size_t proposals_look(struct gate *gate);

#endif
