// Applying a policy: snapshot → compiler child → store → commit → read back → last good.  One at a
// time, in the background until the child has answered; nothing changes unless all of it succeeds.
#ifndef SEKISHO_DAEMON_APPLY_H
#define SEKISHO_DAEMON_APPLY_H

#include "base/exit.h"
#include "daemon/compiler.h"
#include "daemon/gate.h"

struct apply_result {
	enum exit_status status;
	const struct failure *failure; // NULL: none besides the report's diagnostics
	const struct report *report;   // NULL: the compiler never answered
	bool changed;		       // false: that policy ran already
	uint64_t compile_us, store_us;
	struct gate_times times;
};

typedef void apply_done(void *arg, struct gate *gate, const struct apply_result *result);

struct apply_request {
	int dir_fd;				 // stays the caller's; only used during the call
	const char *directory;			 // its name, for places
	uint32_t uid;				 // who asks
	const struct compiler_command *compiler; // NULL: this program
	apply_done *done;			 // called once, maybe before apply_start() returns
	void *arg;
};

void apply_start(struct gate *gate, sd_event *event, const struct apply_request *request);
void apply_cancel(struct gate *gate); // its handler is not called

#endif
