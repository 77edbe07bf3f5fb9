// The record: the gate's keeper, what its policy says of it, and what follows when it cannot write.
#ifndef SEKISHO_DAEMON_RECORD_H
#define SEKISHO_DAEMON_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/gate.h"

// Starts the keeper, and lets every event of the gate's journal go to it.  Without one the gate has
// a problem, and another try is made now and then.  0 or -ENOMEM.
int record_open(sd_event *event, struct gate *gate);
void record_close(struct gate *gate); // events that wait are written first; without one is fine

// Takes what the running policy says of the record.  The gate is shut (GATE_SHUT_RECORD) while that
// says so and nothing can be written.
void record_settle(struct gate *gate);
// Every few seconds: tries to have a keeper, when there is none.
void record_tend(struct gate *gate);
// Asks the keeper how it is now, and waits for the answer (about a millisecond; a second at most).
void record_look(struct gate *gate);

struct record_state {
	const char *word; // "written", "blocked", "none"
	uint64_t seq;	  // newest record known to be durable
	uint64_t checkpoint;
	const char *checkpoint_hash; // "": none yet
	uint64_t waiting, lost, restarts;
};
void record_state(const struct gate *gate, struct record_state *ret);

#endif
