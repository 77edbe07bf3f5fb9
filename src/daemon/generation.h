// Generations: what was applied, kept under the state folder so that the box can load it without
// the daemon's help, without the compiler, and without the policy folder.
//
//	state/generation          the last number given out
//	state/generations/N/      rules/*.yaml  the policy as it was read
//	                          compiled      the compiler's report (daemon/report.h)
//	                          about         JSON: number, digest, when, by whom, sum of
//`compiled` 	state/last-good           a symbolic link to generations/N, replaced in one step
#ifndef SEKISHO_DAEMON_GENERATION_H
#define SEKISHO_DAEMON_GENERATION_H

#include <stdint.h>

#include "daemon/failure.h"
#include "daemon/report.h"
#include "daemon/snapshot.h"

enum { GENERATIONS_KEPT = 20 };

struct generation_about {
	uint64_t number;
	uint64_t applied_usec;
	uint32_t uid;
	char digest[65];
	char directory[SNAPSHOT_DIRECTORY_MAX];
	char version[160]; // of the compiler, and the management path it compiled for
};

struct generation {
	struct generation_about about;
	struct report report;
};
void generation_done(struct generation *generation);

// A number that was never given out before; stored before it is used.  at_least: a number known to
// be in use (the kernel's marker).
int generation_next(int state_fd, uint64_t at_least, struct failure *failure, uint64_t *ret_number);

// Stores all of it, flushed; it is not yet the last good one.
int generation_store(int state_fd, const struct generation_about *about,
		     const struct snapshot *snapshot, const void *compiled, size_t compiled_size,
		     struct failure *failure);
// From now on this one is loaded at boot; the oldest beyond GENERATIONS_KEPT go.
int generation_make_last_good(int state_fd, uint64_t number, struct failure *failure);
void generation_remove(int state_fd, uint64_t number); // one that was stored in vain

// -ENOENT (SK_NO_GENERATION): none was ever applied; other errors: damaged.
int generation_load_last_good(int state_fd, struct failure *failure, struct generation *ret);

#endif
