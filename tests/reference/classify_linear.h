// The classifier that is obviously right: one rule after the other.
#ifndef SEKISHO_TESTS_REFERENCE_CLASSIFY_LINEAR_H
#define SEKISHO_TESTS_REFERENCE_CLASSIFY_LINEAR_H

#include "classify/rule.h"

// The index of the rule of the highest priority, and of those the first, or CLASSIFY_NONE.
uint32_t classify_linear_v4(const struct classify_rule *rules, uint32_t n,
			    const struct classify_v4 *key);
uint32_t classify_linear_v6(const struct classify_rule *rules, uint32_t n,
			    const struct classify_v6 *key);

#endif
