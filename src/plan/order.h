// The order in which definitions that use one another can be resolved, and the circles among them.
#ifndef SEKISHO_PLAN_ORDER_H
#define SEKISHO_PLAN_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct order_edge {
	uint32_t user, used; // `user` needs `used` first
};

// Fills order (room for n) with every node that can be resolved, each behind all that it uses, and
// returns how many.  The others are in a circle or need one that is: in_circle is called once for
// every circle with one node of it.  Sorts edges.
size_t order_resolve(struct order_edge *edges, size_t n_edges, size_t n, uint32_t *order,
		     void (*in_circle)(void *arg, uint32_t node, uint32_t next), void *arg);

#endif
