// Which rules share a block.
//
// A packet has to look at each block that has a rule with its source, a rule with its destination
// and a rule with its service, be they three different rules.  So a block's rules should be alike.
// All rules together are halved again and again; each time several orders are tried (by place and
// by size of each side), and the one is taken whose halves the fewest packets would have to look
// at, as a sample of packets tells.
#ifndef SEKISHO_CLASSIFY_CLUSTER_H
#define SEKISHO_CLASSIFY_CLUSTER_H

#include "classify/image.h"

// order: the n ranks of rules[] that have the family, in any order; afterwards slot by slot, each
// block of BLOCK_RULES sorted by rank.
void cluster_rules(const struct classify_rule *rules, enum addr_family family, uint32_t *order,
		   uint32_t n);

#endif
