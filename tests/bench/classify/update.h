// What it costs to change a rule of many while packets could be matched.
#ifndef SEKISHO_BENCH_CLASSIFY_UPDATE_H
#define SEKISHO_BENCH_CLASSIFY_UPDATE_H

#include "bench/classify/trace.h"

enum { UPDATE_KINDS = 2, UPDATE_CHECKED = 2048, UPDATE_SETTLE = 1024 };

struct update_figures { // [0] of insertions, [1] of deletions
	double median_us[UPDATE_KINDS], worst_us[UPDATE_KINDS];
	double worst_cpu_us[UPDATE_KINDS]; // of processor time: without what the machine did else
	double settle_ms;		   // processor time of the last merge
	uint32_t wrong;			   // headers that got another answer than the linear search
};

// n of each, in turns: a copy of one rule with the priority of another comes, any rule goes.  Every
// UPDATE_SETTLE turns the owner merges the levels, which is not counted among them.
void update_measure(const struct ruleset *set, const struct trace *trace, uint32_t n, uint64_t seed,
		    struct update_figures *ret);

#endif
