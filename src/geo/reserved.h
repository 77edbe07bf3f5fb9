// Addresses of no country, whatever a database says: those with a special purpose (RFC 6890 and
// the registries that it began), multicast, and IPv6 that is not global unicast (outside 2000::/3).
#ifndef SEKISHO_GEO_RESERVED_H
#define SEKISHO_GEO_RESERVED_H

#include "base/addr.h"

// Appends them to an empty set of the caller's; sorted, disjoint.
void reserved_set(struct addr_set *ret);

#endif
