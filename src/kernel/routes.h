// What the kernel knows of its own addresses and of the way to others'.  On NETLINK_ROUTE.
#ifndef SEKISHO_KERNEL_ROUTES_H
#define SEKISHO_KERNEL_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct routes;

int routes_open(struct routes **ret_routes);
void routes_close(struct routes *routes); // NULL is fine

// Every address of this box (local), and every address to which its links broadcast.
// 0, or a negative errno.
typedef void routes_each(void *arg, const struct addr *addr, bool broadcast);
int routes_addresses(struct routes *routes, routes_each *each, void *arg);

// The interface by which the kernel sends to each address (as a packet of its own would go): its
// index, or 0 where there is no way.  Routing rules that ask for more than the destination are
// answered as for the gateway's own packets.  0, or a negative errno.
enum { ROUTES_BATCH = 64 };
int routes_interfaces(struct routes *routes, const struct addr *addrs, size_t n,
		      uint32_t *ret_indexes);

#endif
