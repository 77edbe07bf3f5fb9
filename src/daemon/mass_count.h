// Numbers by key in a sliding time, in a table of a fixed size: the one that was not counted for
// longest makes room.  What falls out is counted too little, never too much.
//
// Windows of one length begin at the same moments for all keys, so that what a total counts is
// never more than what its parts do.
#ifndef SEKISHO_DAEMON_MASS_COUNT_H
#define SEKISHO_DAEMON_MASS_COUNT_H

#include <stddef.h>
#include <stdint.h>

struct mass_counts;

// entries: rounded up to a power of two, at least 8, at most 2^20.  0, -EINVAL, -ENOMEM.
int mass_counts_new(size_t entries, struct mass_counts **ret_counts);
void mass_counts_free(struct mass_counts *counts); // NULL is fine

// key: evenly spread, and not to be foreseen by who is counted; not 0.
void mass_counts_add(struct mass_counts *counts, uint64_t key, uint32_t number, uint32_t seconds,
		     uint64_t now_us);
uint32_t mass_counts_get(const struct mass_counts *counts, uint64_t key, uint32_t seconds,
			 uint64_t now_us);
void mass_counts_forget(struct mass_counts *counts, uint64_t key);

#endif
