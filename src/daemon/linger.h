// Before a process sleeps, it looks a few more times whether there is something to do.  To be woken
// takes longer than most waits between two packets of a connection; other processes that want the
// processor meanwhile get it.
#ifndef SEKISHO_DAEMON_LINGER_H
#define SEKISHO_DAEMON_LINGER_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum { LINGER_US = 60 };

struct linger {
	uint64_t busy_us; // when there was something last
};

// busy: there was something just now.  False: sleep.
static inline bool linger(struct linger *linger, bool busy)
{
	uint64_t now = monotonic_us();
	if (busy)
		linger->busy_us = now;
	else if (now - linger->busy_us < LINGER_US)
		sched_yield();
	else
		return false;
	return true;
}

#endif
