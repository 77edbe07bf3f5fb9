// The guard's rules as a ruleset of two chains, being put together.
#ifndef SEKISHO_KERNEL_GUARD_RULES_H
#define SEKISHO_KERNEL_GUARD_RULES_H

#include "base/vec.h"
#include "compile/ruleset.h"
#include "kernel/guard.h"

enum { GUARD_CHAINS = 2 };

static const struct kernel_features guard_features = { .queue = KERNEL_QUEUE_NONE };
// Of the drop of a gate that is closed for reasons that its daemon finds again at a start.
static const char guard_own_comment[] = "closed by sekishod";

const char *guard_chain_name(unsigned chain);

// What of an isolation: what stops its packets on their way, in and out; and what is needed
// besides, against packets that are past the first chain already, are translated, or come from a
// queue.
enum guard_part { GUARD_FIRST = 1, GUARD_REST = 2, GUARD_WHOLE = 3 };

struct guard_rules {
	struct rs_chain chains[GUARD_CHAINS];
	VEC(struct rs_rule) rules;
	VEC(struct rs_stmt) stmts;
	VEC(char) strings;
	struct ruleset ruleset; // of the above; good after guard_rules_end()
};

void guard_rules_begin(struct guard_rules *rules, const char *table);
void guard_rules_end(struct guard_rules *rules);
void guard_rules_done(struct guard_rules *rules);

// Each adds to one chain (0 prerouting, 1 postrouting), in the order of the calls.
void guard_put_management(struct guard_rules *rules, unsigned chain,
			  const struct kernel_management *management);
void guard_put_isolation(struct guard_rules *rules, unsigned chain,
			 const struct isolation *isolation, enum guard_part part);
// All: what stays up, then the drop.
void guard_put_all(struct guard_rules *rules, unsigned chain, const struct guard_want *want,
		   const struct isolation *isolation);
void guard_put_drop(struct guard_rules *rules, unsigned chain, const char *comment); // NULL: none
void guard_put_closed(struct guard_rules *rules, unsigned chain, const struct guard_want *want);

// Both chains (kernel/guard.c): what one isolation puts in front or, all, at the end; and all that
// is wanted, with the place in `rules` where the front of each chain ends.
void guard_put_one(struct guard_rules *rules, const char *table, const struct guard_want *want,
		   const struct isolation *isolation, enum guard_part part);
void guard_put_whole(struct guard_rules *rules, const char *table, const struct guard_want *want,
		     const struct isolations *isolations, size_t front[GUARD_CHAINS]);

#endif
