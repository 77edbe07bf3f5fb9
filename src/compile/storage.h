// How a ruleset lies in memory and in an image: one block, its arrays one behind the other.
#ifndef SEKISHO_COMPILE_STORAGE_H
#define SEKISHO_COMPILE_STORAGE_H

#include "compile/ruleset.h"

enum { RS_PARTS = 9, RS_PADDED = 4 }; // arrays of a ruleset; key fields are padded to 4 bytes

struct ruleset_part {
	const void *at;
	size_t n, item_size;
};

// Fills parts with the ruleset's arrays in their order; returns the bytes of all of them, each
// array padded to 8.
size_t ruleset_parts(const struct ruleset *ruleset, struct ruleset_part parts[RS_PARTS]);

// A zeroed ruleset with room for as many items of each kind as counts says; NULL when out of
// memory.
struct ruleset *ruleset_alloc(const struct ruleset *counts);

static inline unsigned rs_padded(unsigned size)
{
	return (size + RS_PADDED - 1) & ~(RS_PADDED - 1u);
}

#endif
