// Rules that an earlier one hides: it holds every packet that they do, so they never answer.
//
// What is found is what pays: the 256 largest rules that nothing hides are compared with all
// others. A rule that only several earlier ones together hide, or a small one, stays.
#ifndef SEKISHO_CLASSIFY_HIDE_H
#define SEKISHO_CLASSIFY_HIDE_H

#include "classify/rule.h"

// rules: in order of precedence (rank).  ret_hider[rank]: the rank of an earlier rule that hides it
// and is not hidden itself, or CLASSIFY_NONE.
void hide_rules(const struct classify_rule *rules, uint32_t n, uint32_t *ret_hider);

#endif
