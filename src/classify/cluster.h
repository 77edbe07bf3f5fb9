// Which rules share a block.
//
// A packet has to look at each block that has a rule with its source, a rule with its destination
// and a rule with its service, be they three different rules.  So a block's rules should be alike.
// All rules together are parted in two again and again.  Either by an order (by place or by size of
// each side), or by a cut through the space of an address: what lies on both sides of it goes to
// both, each with its part of the range, so that no packet needs both for this address.  Many ways
// are tried, and the one is taken whose parts the fewest packets would have to look at, as a sample
// of packets tells.
#ifndef SEKISHO_CLASSIFY_CLUSTER_H
#define SEKISHO_CLASSIFY_CLUSTER_H

#include "base/vec.h"
#include "classify/image.h"

struct cluster_slot {
	uint32_t rank;
	addr_bits lo[2], hi[2]; // source, destination: the part of the rule's range
};
typedef VEC(struct cluster_slot) cluster_slots_t;

// slots: a rule each, with its whole ranges; afterwards slot by slot, each block of BLOCK_RULES
// sorted by rank, and filled, but for the last one, by a slot that is there twice.
// blocks_max: at least as many as it takes without a cut; they bound what cuts add.
void cluster_rules(const struct classify_rule *rules, uint32_t blocks_max, cluster_slots_t *slots);

#endif
