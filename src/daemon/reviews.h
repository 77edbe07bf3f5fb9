// Open items that an emergency apply leaves: one person did what needs more, and another has to
// look at it afterwards.  Until then it is in the status, and an event each day.
//
//	state/reviews/N           JSON: generation N, who, when, why; gone once it is reviewed
//
// Fault points: review-opened (before the commit)  review-recorded  review-closed
#ifndef SEKISHO_DAEMON_REVIEWS_H
#define SEKISHO_DAEMON_REVIEWS_H

#include <stdio.h>

#include "daemon/gate.h"

enum { REVIEWS_MAX = 100, REVIEW_NAG_SECONDS = 24 * 3600 };

// Before the commit, so that no emergency apply runs without: -errno with failure.
int reviews_prepare(struct gate *gate, const struct generation_about *about, const char *reason,
		    struct failure *failure);
void reviews_drop(struct gate *gate, uint64_t number); // it did not run
void reviews_record(struct gate *gate, const struct generation_about *about, const char *reason);
// SK_REVIEW_UNKNOWN, SK_APPROVAL_OWN, SK_APPROVAL_NOT_YOURS.
int reviews_close(struct gate *gate, uint64_t number, const char *reason,
		  const struct control_peer *peer, const struct directory *directory,
		  struct failure *failure);
size_t reviews_list(const struct gate *gate, uint64_t *ret, size_t max);
void reviews_put_motd(const struct gate *gate, FILE *out); // a line, if any is open
// Says so of each that is open, once a day of this daemon's life and at its start.
void reviews_nag(struct gate *gate);

#endif
