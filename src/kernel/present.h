// What a table holds at present, by name: read from the kernel, or known from what this process
// committed last.
#ifndef SEKISHO_KERNEL_PRESENT_H
#define SEKISHO_KERNEL_PRESENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/vec.h"
#include "compile/ruleset.h"
#include "kernel/link.h"

struct present_chain {
	const char *name;
	bool base, nat, drop;
	uint8_t hook;
	int32_t priority;
	uint32_t known; // index into the ruleset that is known to run, or RS_NONE
};

struct present_set {
	const char *name;
	uint32_t known;
};

struct present_object {
	const char *name;
	uint32_t type; // NFT_OBJECT_*
	uint64_t packets, bytes;
	uint32_t known;
};

struct present {
	bool table;
	uint32_t flags;
	uint32_t owner;	     // netlink address, 0 none
	uint64_t generation; // of the marker, 0 none
	VEC(struct present_chain) chains;
	VEC(struct present_set) sets;
	VEC(struct present_object) objs;
	struct arena *arena;
};

// The table itself: absent is not an error.
int present_read_table(struct present *present, struct link *link, const char *table);
// All of it; -EINTR after too many changes by others meanwhile.
int present_read(struct present *present, struct link *link, const char *table);
// Only its chains, or only its counter objects.
int present_read_chains(struct present *present, struct link *link, const char *table);
int present_read_counters(struct present *present, struct link *link, const char *table);
// As the ruleset says (the table apart).
void present_assume(struct present *present, const struct ruleset *ruleset);
void present_done(struct present *present);

// Adds one chain to the list; -ENOENT: there is none.
int present_read_chain(struct present *present, struct link *link, const char *table,
		       const char *chain);
// Is there a chain of this name?  0 or 1, or a negative errno.
int present_has_chain(struct link *link, const char *table, const char *chain);

// "generation_12", or "" for 0.
void present_marker_name(uint64_t generation, char out[RS_NAME_MAX + 1]);
// "generation_12" is 12; 0 for any other name.
uint64_t present_marker(const char *name);

#endif
