// What a child that plans a policy is told of countries: a memory file with a table, or with why
// there is none (geo/known.h).
#ifndef SEKISHO_DAEMON_COUNTRIES_INPUT_H
#define SEKISHO_DAEMON_COUNTRIES_INPUT_H

#include "geo/known.h"

// known NULL: nothing is known.  bytes: the table's block, may be NULL.  0 with a descriptor, or a
// negative errno.
int countries_input_write(const struct geo_known *known, const void *bytes, size_t size,
			  int *ret_fd);

struct countries_input {
	struct geo_known known;
	void *map; // NULL: nothing is known
	size_t size;
};

// The child's side.  Maps without looking; -errno.  fd stays the caller's; may be closed after.
int countries_input_map(int fd, struct countries_input *ret);
// Checks what was mapped, in the sandbox; NULL: nothing is known.
const struct geo_known *countries_input_known(struct countries_input *input);

#endif
