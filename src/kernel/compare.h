// Whether two lists of expressions mean the same: one written by this room, one read back.
//
// Normally they are the same bytes (expr.h).  A kernel of another age may add attributes, leave
// some out, or order them differently; so what counts is: the same expressions in the same order,
// and in each the same value under every attribute, where one that is absent equals zero.  The
// exception is the destination of a look-up: there zero means "take the verdict", and absent
// means only to test for membership.
#ifndef SEKISHO_KERNEL_COMPARE_H
#define SEKISHO_KERNEL_COMPARE_H

#include <stdbool.h>

#include <libmnl/libmnl.h>

// Each is NFTA_RULE_EXPRESSIONS, or NULL for none.
bool compare_expressions(const struct nlattr *ours, const struct nlattr *theirs);

#endif
