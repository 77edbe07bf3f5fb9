// Applying a policy: snapshot → compiler child → store → commit → read back → wait for the confirm.
// One at a time, in the background until the child has answered; nothing changes unless all of it
// succeeds.  A proposal takes the same way to where it would be stored as a generation; applying
// one later, and going back to a generation, begin there.
#ifndef SEKISHO_DAEMON_APPLY_H
#define SEKISHO_DAEMON_APPLY_H

#include "base/exit.h"
#include "daemon/compiler.h"
#include "daemon/gate.h"
#include "daemon/proposal.h"

struct apply_result {
	enum exit_status status;
	const struct failure *failure;	 // NULL: none besides the report's diagnostics
	const struct report *report;	 // NULL: the compiler never answered
	bool changed;			 // false: that policy ran already
	const struct proposal *proposal; // that was stored; NULL: none
	uint64_t compile_us, store_us;
	struct gate_times times;
};

typedef void apply_done(void *arg, struct gate *gate, const struct apply_result *result);

enum apply_what {
	APPLY_FOLDER,
	APPLY_PROPOSE,	  // a folder, kept as a proposal
	APPLY_PROPOSAL,	  // one that was kept
	APPLY_GENERATION, // back to one that ran; compiled anew when it was for another version
};

struct apply_request {
	enum apply_what what;
	int dir_fd;	       // of a folder; stays the caller's; only used during the call
	const char *directory; // its name, for places
	uint64_t number;       // of the proposal or generation
	struct person by;      // who asks
	const char *reason;    // NULL: none
	const char *request;   // number of the request at the body; NULL: none
	const char *emergency; // why without approval; NULL: with it
	bool by_timer;	       // no person is there to open what a hand closed
	bool granted;	       // approval was looked at by the caller
	uint64_t confirm_usec; // how long to wait for the confirm; 0: not at all
	const struct compiler_command *compiler; // NULL: this program
	apply_done *done;			 // called once, maybe before apply_start() returns
	void *arg;
};

void apply_start(struct gate *gate, sd_event *event, const struct apply_request *request);
// At start, once what runs is loaded: what a daemon that died had committed and not recorded.
void apply_resume(struct gate *gate);
void apply_cancel(struct gate *gate); // its handler is not called

#endif
