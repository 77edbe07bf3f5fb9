// What the files share that write the cells of a chain: pieces of cells, in groups that one
// look-up can decide.
#ifndef SEKISHO_COMPILE_CELLS_H
#define SEKISHO_COMPILE_CELLS_H

#include "compile/context.h"

enum { RULES_MAX = 2 };				// so many cells become rules instead of a map
enum { SOURCE = 1, DESTINATION = 2, BOTH = 3 }; // bits: addresses
enum { ALIKE = FAMILIES, GROUP_FAMILIES };	// in place of a family: both, alike

struct piece {
	struct plan_rect rect;
	const struct plan_cell *cell;
	const struct plan_atom *atom;	    // NULL: the chain knows
	const struct plan_interface *leave; // likewise
	bool alike;	      // for both families: the other one has a piece that says the same
	unsigned member_axis; // only pieces that become rules: this address must be in a set; 0:
			      // none
	uint32_t member_set;
};

typedef VEC(struct piece) pieces;

// Exact: source and destination are prefixes of these lengths (0: any), and ports are few; a hash
// decides.  Else they are intervals.
struct group {
	int family; // V4, V6, ALIKE
	bool treated, exact;
	enum service_shape service;
	int bits_source, bits_destination;
	unsigned shape; // addresses that are looked at
	bool leaving;	// whether the interface that a packet leaves by is
};

// One group, or a shard of one, that is still to be written.
struct work {
	struct group group;
	uint32_t chain;
	unsigned axes; // which addresses it may still be sharded by
	char *name;    // of its set
	struct piece *v;
	size_t n;
};

typedef VEC(struct work) works;

static inline const struct addr_range *side(const struct plan_rect *rect, unsigned axis)
{
	return axis == SOURCE ? &rect->source : &rect->destination;
}

static inline enum rs_key address_key(int family, unsigned axis)
{
	static const enum rs_key keys[FAMILIES][BOTH] = {
		[V4] = { [SOURCE] = RS_IP_SADDR, [DESTINATION] = RS_IP_DADDR },
		[V6] = { [SOURCE] = RS_IP6_SADDR, [DESTINATION] = RS_IP6_DADDR },
	};

	return keys[family][axis];
}

// Writes pieces that are disjoint, in a chain; name: of its sets.
void pieces_rules(struct compiling *c, uint32_t chain, const char *name, const pieces *v);

// countries.c: writes the pieces of a chain; what is alike but for an address of countries, once.
void countries_rules(struct compiling *c, uint32_t chain, const char *name, pieces *v);

void push_work(struct compiling *c, works *todo, const struct work *from, uint32_t chain,
	       unsigned axes, char *name, const pieces *v);
// Cuts a big one into shards, which are added to what is to be done.
void shard(struct compiling *c, works *todo, struct work *work);

#endif
