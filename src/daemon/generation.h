// Generations: what was applied, kept under the state folder so that the box can load it without
// the daemon's help, without the compiler, and without the policy folder.
//
//	state/generation          the last number given out
//	state/generations/N/      rules/*.yaml  the policy as it was read
//	                          compiled      the compiler's report (daemon/report.h); after a
//	                                        change of countries compiled.SUM, as "about" says
//	                          about         JSON: number, digest, when, by whom, why, sum of
//	                                        "compiled"
//	                          confirmed     JSON: when, by whom; absent: it never was
//	state/last-good           a symbolic link to generations/N, replaced in one step
#ifndef SEKISHO_DAEMON_GENERATION_H
#define SEKISHO_DAEMON_GENERATION_H

#include <stdint.h>

#include "daemon/approval.h"
#include "daemon/failure.h"
#include "daemon/report.h"
#include "daemon/snapshot.h"

enum { GENERATIONS_KEPT = 20, REASON_MAX = 1024 };

struct generation_about {
	uint64_t number;
	uint64_t applied_usec;
	struct person by;
	uint64_t previous; // what ran before; 0: nothing
	char reason[REASON_MAX], request[REASON_MAX], approved_by[REASON_MAX];
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
// The same policy compiled anew, with other addresses of countries: in one step.
int generation_store_compiled(int state_fd, const struct generation_about *about,
			      const void *compiled, size_t compiled_size, struct failure *failure);

int generation_load(int state_fd, uint64_t number, struct failure *failure, struct generation *ret);
int generation_read_about(int state_fd, uint64_t number, struct generation_about *ret);
// What the mark names; 0: nothing was ever applied, or the mark is damaged.
uint64_t generation_last_good(int state_fd);
// Who confirmed it, for the history; after it was made the last good one.
int generation_mark_confirmed(int state_fd, uint64_t number, const struct person *by,
			      uint64_t usec);
bool generation_was_confirmed(int state_fd, uint64_t number, struct person *ret_by,
			      uint64_t *ret_usec);
// Whether the record has it that it was applied.
int generation_mark_told(int state_fd, uint64_t number);
bool generation_was_told(int state_fd, uint64_t number);
// The policy as it was read, to be compiled anew; a descriptor of the caller's, or -errno.
int generation_open_rules(int state_fd, uint64_t number);
// Numbers of all that are kept, ascending; at most max of the newest.
size_t generation_list(int state_fd, uint64_t *ret, size_t max);

// The same of any folder of numbers; takes fd over.
size_t generation_list_of(int fd, uint64_t *ret, size_t max);
// The folder "rules" of a generation or a proposal, flushed; and such a folder, or one of rules,
// taken away.
int generation_store_rules(int folder_fd, const struct snapshot *snapshot);
void generation_remove_folder(int in_fd, const char *name);

// -ENOENT (SK_NO_GENERATION): none was ever applied; other errors: damaged.
int generation_load_last_good(int state_fd, struct failure *failure, struct generation *ret);

#endif
