// The statements of a rule as nf_tables expressions, in the very form in which the kernel gives
// them back: same attributes, same order, same register numbers.  So a rule read from the kernel
// is compared with one written here byte by byte, and only a kernel of another age needs more.
#ifndef SEKISHO_KERNEL_EXPR_H
#define SEKISHO_KERNEL_EXPR_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "compile/ruleset.h"
#include "kernel/kernel.h"

// What a set is called in the kernel.
void expr_set_name(const struct ruleset *ruleset, uint32_t set, char out[RS_NAME_MAX + 1]);

// Appends NFTA_RULE_EXPRESSIONS of a rule.  0; -EINVAL: a statement that cannot be written (its
// index within the rule in *ret_stmt); -EOPNOTSUPP: this kernel has no queue or no prefix
// translation.
int expr_put_rule(struct nlmsghdr *nlh, const struct ruleset *ruleset, uint32_t rule,
		  const struct kernel_features *features, uint32_t *ret_stmt);

// Writes NFTA_DATA_VERDICT of a verdict, as in immediate expressions and map elements.
// chain: only of jump and goto.
void expr_put_verdict(struct nlmsghdr *nlh, uint16_t type, enum rs_verdict verdict,
		      const char *chain);

#endif
