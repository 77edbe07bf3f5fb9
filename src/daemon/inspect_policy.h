// The thread of an inspector that turns the files of a policy into what the guards demand.
#ifndef SEKISHO_DAEMON_INSPECT_POLICY_H
#define SEKISHO_DAEMON_INSPECT_POLICY_H

#include <stdint.h>

#include "inspect/profile.h"

enum { INSPECT_POLICY_WHY = 160 };

struct inspect_policy { // what was made of one
	uint64_t generation;
	int error; // 0, or why there are no profiles
	char why[INSPECT_POLICY_WHY];
	struct profiles profiles; // first flow to last, as long as this lives
	struct arena *arena;
};
void inspect_policy_free(struct inspect_policy *policy);

struct inspect_planner;

// Starts the thread; it makes no descriptor and no thread of its own later.
int inspect_planner_start(struct inspect_planner **ret_planner);
int inspect_planner_fd(const struct inspect_planner *planner); // readable: something was made
// Descriptors become the planner's.  One that waits is replaced by a newer one.
void inspect_planner_put(struct inspect_planner *planner, uint64_t generation, int snapshot_fd,
			 int countries_fd);
struct inspect_policy *inspect_planner_take(struct inspect_planner *planner); // NULL: nothing yet

#endif
