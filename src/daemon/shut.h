// Why the gate is kept closed: it opens when no reason is left, so that what ends one never undoes
// another.
//
// A hand's reason outlives the process and the boot: the kernel says it (the comment of the drop,
// kernel/guard.h), then the file state/closed; at a start either counts.  The others are found
// again at each start, from what they are about.
#ifndef SEKISHO_DAEMON_SHUT_H
#define SEKISHO_DAEMON_SHUT_H

#include <stdbool.h>
#include <stdint.h>

#include "control/field.h"

enum gate_shut {	       // bits
	GATE_SHUT_HAND = 1,    // somebody closed the guard; ends by a hand, or an order of a person
	GATE_SHUT_POLICY = 2,  // there is none, or it could not be loaded
	GATE_SHUT_RECORD = 4,  // the policy wants a record and none is written (daemon/record.h)
	GATE_SHUT_RULES = 8,   // the kernel does not run what it should
	GATE_SHUT_RETURN = 16, // what nobody confirmed still runs
	// What ends once the kernel runs a generation that was read back:
	GATE_SHUT_UNTIL_RUN = GATE_SHUT_POLICY | GATE_SHUT_RULES | GATE_SHUT_RETURN,
};

enum { SHUT_REASONS = 5, SHUT_WHO_MAX = 128 };

struct shut {
	unsigned bits;
	struct {
		uint64_t since_usec;
		char who[SHUT_WHO_MAX]; // "": the daemon itself
	} why[SHUT_REASONS];
};

// One reason more; of one that is there, the first time and person stay.
void shut_add(struct shut *shut, enum gate_shut reason, const char *who, uint64_t now_usec);
void shut_take(struct shut *shut, unsigned reasons);

// The file: there while the gate is closed by hand.  A file that makes no sense counts as that.
int shut_write(const struct shut *shut, int state_fd);
void shut_read(struct shut *shut, int state_fd, uint64_t now_usec);

// One line for people each, as CTL_SHUT: why, since when, by whom, and what ends it.
void shut_put_lines(const struct shut *shut, struct control_writer *reply);

#endif
