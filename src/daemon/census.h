// How many live connections an isolation would cut: connection tracking is counted a message of the
// kernel at a time (some 100 entries), so that the main loop does everything else in between, and
// not for longer than somebody in a hurry can wait.
#ifndef SEKISHO_DAEMON_CENSUS_H
#define SEKISHO_DAEMON_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/addr.h"

// Where it stops before the end.
struct census_limits {
	uint64_t entries; // looked at, counted or not
	uint64_t us;	  // since the start
};
#define CENSUS_LIMITS ((struct census_limits){ .entries = 2000000, .us = 1000000 })

struct census_result {
	bool known;	// false: the kernel's table could not be read, or nothing was asked
	bool more;	// it was stopped: there may be more than so many
	uint64_t count; // connections
};

struct census;

typedef void census_done(void *arg, const struct census_result *result);

// touched: the connections that have an address in one of these ranges, before or after translation
// (normalised; copied); NULL: all.  done is called once, from the event loop and never from here;
// the census stays its owner's, who may free it there.  0, or a negative errno.
int census_start(sd_event *event, const struct addr_set *touched,
		 const struct census_limits *limits, census_done *done, void *arg,
		 struct census **ret_census);
void census_free(struct census *census); // NULL is fine; done is not called any more

#endif
