// Totals of the named counters and the dates of their last hits.  The kernel counts; this
// remembers: over an apply (a flow that went and comes back), a restart and a reboot.
//
// The file is text: a head line, one line a counter, and a sum over all of it.  It is read with
// limits and believed only when the sum is right.
#ifndef SEKISHO_DAEMON_COUNTERS_H
#define SEKISHO_DAEMON_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/kernel.h"

enum {
	COUNTERS_MAX = 250000,
	COUNTER_NAME_MAX = 127,
	COUNTERS_FILE_MAX = 64 * 1024 * 1024,
};

struct counter {
	char *name; // of the kernel's object: "f_office-mail-out"
	uint64_t packets, bytes;
	uint64_t last_hit_usec; // 0: never
	uint64_t seen;		// round of counters_begin() it was last part of
};

struct counters;

struct counters *counters_new(void);
void counters_free(struct counters *counters);

// One reading of the kernel: begin, each counter, end.  Returns at the end whether anything
// changed.
void counters_begin(struct counters *counters, uint64_t now_usec);
void counters_see(struct counters *counters, const struct kernel_counter *counter);
bool counters_end(struct counters *counters);

const struct counter *counters_find(const struct counters *counters, const char *name); // or NULL
size_t counters_count(const struct counters *counters);

// What counters that the kernel does not have are to start at; the array is the caller's to free,
// the names live as long as the next counters_see().
size_t counters_initial(const struct counters *counters, struct kernel_counter **ret);

int counters_write(const struct counters *counters, int state_fd);
// 0 (also when there is no file); -EBADMSG: damaged, kept as counters.damaged, and none is
// restored.
int counters_read(struct counters *counters, int state_fd);

#endif
