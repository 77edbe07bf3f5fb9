// What the files of this room share of a kernel, and how they commit.
#ifndef SEKISHO_KERNEL_PRIVATE_H
#define SEKISHO_KERNEL_PRIVATE_H

#include "kernel/kernel.h"
#include "kernel/link.h"

struct kernel {
	struct link link;
	bool probed;
	struct kernel_features features;
};

static const char kernel_table[] = "sekisho";
static const char kernel_guard_table[] = "sekisho_guard";
static const char kernel_capture_table[] = "sekisho_capture"; // logs, and judges nothing
static const char kernel_mirror_table[] = "sekisho_mirror";

// Finds out what this kernel can do, with transactions that it checks and then forgets.
void probe_features(struct link *link, struct kernel_features *features);

// Whether the table holds exactly this, whoever owns it.
bool verify_runs(struct kernel *kernel, const struct ruleset *ruleset);

struct commit_request {
	const struct ruleset *next, *previous; // previous may be NULL
	const struct kernel_counter *counters;
	size_t n_counters;
	const struct kernel_features *features;
	uint32_t table_flags; // that the table is to have
};
int commit_run(struct link *link, const struct commit_request *request,
	       struct kernel_error *ret_error);

#endif
