// A bound on how many events a second are written: a bucket of tokens, and a count of what it kept
// back.  It has no clock of its own.
#ifndef SEKISHO_EVENT_LIMIT_H
#define SEKISHO_EVENT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct event_limit {
	uint32_t rate, burst;  // events a second; most at once
	uint64_t tokens_micro; // millionths of an event
	uint64_t last_usec;
	uint64_t suppressed; // since event_limit_suppressed() was last asked
};

void event_limit_init(struct event_limit *limit, uint32_t rate, uint32_t burst, uint64_t now_usec);
bool event_limit_take(struct event_limit *limit, uint64_t now_usec); // false: keep it back
uint64_t event_limit_suppressed(struct event_limit *limit);	     // and starts to count again

#endif
