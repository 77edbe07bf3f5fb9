// What the files of this room share of a kernel, and how they commit.
#ifndef SEKISHO_KERNEL_PRIVATE_H
#define SEKISHO_KERNEL_PRIVATE_H

#include "kernel/kernel.h"
#include "kernel/link.h"

// What the policy table was found to hold, and when: after so many transactions of everybody, and
// of our own.
struct kernel_read {
	const struct ruleset *ruleset; // NULL: not known
	uint64_t generation;
	uint32_t genid, turns;
};

struct kernel {
	struct link link;
	bool probed;
	struct kernel_features features;
	struct kernel_read read;
	const struct ruleset *committed; // on top of what was read; NULL: nothing, or not all known
};

static const char kernel_table[] = "sekisho";
static const char kernel_guard_table[] = "sekisho_guard";
static const char kernel_capture_table[] = "sekisho_capture"; // logs, and judges nothing
static const char kernel_mirror_table[] = "sekisho_mirror";

// Finds out what this kernel can do, with transactions that it checks and then forgets.
void probe_features(struct link *link, struct kernel_features *features);

// Whether the table holds exactly this, whoever owns it.
bool verify_runs(struct kernel *kernel, const struct ruleset *ruleset);

// Compares what differs between two rulesets only, after a commit from one to the other.
// 0, VERIFY_DIFFERENT with the first difference in report, or -errno.
int verify_change(struct kernel *kernel, const struct ruleset *previous, const struct ruleset *next,
		  char *report, size_t size);

struct commit_request {
	const struct ruleset *next, *previous; // previous may be NULL
	const struct kernel_counter *counters;
	size_t n_counters;
	const struct kernel_features *features;
	uint32_t table_flags; // that the table is to have
	bool *ret_known;      // whether it went the short way, from previous; NULL is fine
};
int commit_run(struct link *link, const struct commit_request *request,
	       struct kernel_error *ret_error);

#endif
