// Pairing two lists by name: what is there with what is wanted.
//
// Two generations of a policy mostly agree, and in order: so what they have in common at the
// beginning and at the end is paired by position, and only the rest goes through a hash table.
// A name is in each list at most once.
#ifndef SEKISHO_KERNEL_MATCH_H
#define SEKISHO_KERNEL_MATCH_H

#include <stdint.h>

enum { MATCH_NONE = UINT32_MAX };

struct match {
	uint32_t *to_next;  // of each one there: its index in next, or MATCH_NONE
	uint32_t *to_there; // of each one in next
};

struct match_list {
	uint32_t n;
	const char *(*name)(const void *arg, uint32_t index);
	const void *arg;
};

void match_init(struct match *match, const struct match_list *there, const struct match_list *next);
void match_done(struct match *match);

#endif
