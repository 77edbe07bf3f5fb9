// The methods that change which policy runs, and those that show what waits: requests in, what the
// gate says out.  methods.c has the table.
#ifndef SEKISHO_DAEMON_CHANGES_H
#define SEKISHO_DAEMON_CHANGES_H

#include "daemon/methods.h"

typedef void change_method(struct methods *methods, struct control_request *request);

change_method changes_apply, changes_reload, changes_confirm, changes_rollback, changes_history;
change_method changes_propose, changes_proposals, changes_proposal, changes_approve, changes_reject,
	changes_review;

// What waits: a confirm, proposals, reviews, a scheduled apply.
void changes_put_status(struct control_writer *reply, struct gate *gate);

// For both files of methods.
struct waiting { // a client that waits for an apply
	struct methods *methods;
	struct control_token token;
};
struct waiting *changes_wait(struct methods *methods, struct control_request *request);
apply_done changes_answer; // tells that client how it ended, or what was kept of it
void changes_put_proposal(struct control_writer *reply, const struct gate *gate,
			  const struct proposal *proposal);
// Clients that wait for a page are given up.
void changes_cancel_pages(struct methods *methods);
void changes_refuse(struct methods *methods, struct control_request *request,
		    const struct failure *failure);

#endif
