// Names and their indices: a hash table, and the nearest name for one that is not there.
#ifndef SEKISHO_BASE_NAMES_H
#define SEKISHO_BASE_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum { NAMES_NONE = UINT32_MAX };

// All zero: empty.  The texts stay the caller's.
struct names {
	const char **texts; // by slot; NULL: free
	uint32_t *values;
	size_t n, slots;
};

void names_done(struct names *names);
// NAMES_NONE if it is new, else the value it already has (and keeps).
uint32_t names_add(struct names *names, const char *text, uint32_t value);
uint32_t names_get(const struct names *names, const char *text); // or NAMES_NONE
// The name at the least Damerau-Levenshtein distance (base/text.h says how near it must be), or
// NULL.  Ties: the first in byte order.
const char *names_nearest(const struct names *names, const char *text);

#endif
