// What is there against what is wanted: the fate of every chain, set and object of a commit.
#ifndef SEKISHO_KERNEL_DIFF_H
#define SEKISHO_KERNEL_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "compile/ruleset.h"
#include "kernel/match.h"
#include "kernel/present.h"

enum diff_fate {
	DIFF_NEW,
	DIFF_REMAKE,  // there, but to be deleted and made anew
	DIFF_REPLACE, // a chain that is there: its rules are replaced
	DIFF_KEEP,
};

struct diff {
	const struct present *present;
	const struct ruleset *next, *previous; // previous NULL: present was read, not known
	struct match chains, sets, objs;
	uint8_t *chain_fates, *set_fates, *obj_fates; // enum diff_fate, of next
};

// fresh: the table is made anew, and nothing in it stays.
void diff_init(struct diff *diff, const struct present *present, const struct ruleset *next,
	       const struct ruleset *previous, bool fresh);
void diff_done(struct diff *diff);

// Whether something is to be made anew.  Then every rule must go first, so a diff against what is
// known, which leaves some alone, will not do.
bool diff_remakes(const struct diff *diff);

#endif
