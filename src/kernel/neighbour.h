// Hosts and interfaces as the kernel's routing knows them (rtnetlink): who stands behind which
// hardware address, whether that is a router, and switching an interface off and on.
#ifndef SEKISHO_KERNEL_NEIGHBOUR_H
#define SEKISHO_KERNEL_NEIGHBOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { NEIGHBOURS_MAX = 65536 };

struct neighbour {
	char interface[16];
	struct addr addr;
	uint8_t mac[6];
	bool router; // a route of this box leads over it
};

struct neighbours {
	struct neighbour *v;
	size_t n, cap;
};

// Those with an Ethernet address, at most NEIGHBOURS_MAX.  0 or a negative errno.
int neighbours_read(struct neighbours *ret);
void neighbours_done(struct neighbours *neighbours);

// Is there such an interface, and is it switched on?
bool interface_exists(const char *name);
bool interface_is_up(const char *name);
int interface_set_up(const char *name, bool up);

#endif
