// Tells connection tracking not to judge the sequence numbers of a TCP connection, in either
// direction (IP_CT_TCP_FLAG_BE_LIBERAL), for its packets are not all of its peers' making.
#ifndef SEKISHO_KERNEL_LIBERAL_H
#define SEKISHO_KERNEL_LIBERAL_H

#include <stdint.h>

#include "base/addr.h"

// As a packet shows them at the forward hook, of either direction.
struct liberal_peers {
	struct addr source, destination;
	uint16_t source_port, destination_port;
};

struct liberal;

int liberal_open(struct liberal **ret_liberal);
void liberal_close(struct liberal *liberal); // NULL is fine

// 0; -ENOENT: connection tracking knows no such connection (the first packet of one is not known
// before it has left); or another negative errno.
//
// A connection with one address translated, or none, is found by its tuple; with both, by a look at
// the whole table, of which there are at most LIBERAL_LOOKS a second (-EBUSY beyond).
enum { LIBERAL_LOOKS = 20 };
int liberal_set(struct liberal *liberal, const struct liberal_peers *peers);

#endif
