// The clocks that a record is stamped with, and what became of the wall clock meanwhile.
#ifndef SEKISHO_EVENT_STAMP_H
#define SEKISHO_EVENT_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "event/json.h"

// What the clocks showed when they were last looked at, and what is kept so as not to ask the
// kernel for every event.
struct stamp_clock {
	char boot[9];
	int64_t offset_usec; // of the wall clock to the time since boot
	bool known;
	enum event_clock clock;
	uint64_t asked_usec; // since boot, when the kernel was asked whether the clock is right
};

enum {
	STAMP_JUMP_USEC = 1000000, // a clock that is only slewed drifts less between two looks
	STAMP_ASK_USEC = 1000000,  // how long the kernel's answer counts
};

void stamp_clock_init(struct stamp_clock *clock);
// Fills the stamp with the present time.
void stamp_now(struct stamp_clock *clock, struct event_stamp *ret);
// Compares the wall clock with the time since boot.  How far the wall clock was set since the last
// look, in microseconds; 0 when it went on as it should.  Pure but for *clock.
int64_t stamp_look(struct stamp_clock *clock, uint64_t wall_usec, uint64_t since_usec);

#endif
