// Addresses of this box itself, as the C library lists them: for programs that link nothing else.
#ifndef SEKISHO_KERNEL_OWN_H
#define SEKISHO_KERNEL_OWN_H

#include <stdbool.h>

#include "base/addr.h"

enum own { OWN_NOT, OWN_ADDRESS, OWN_BROADCAST };

// Is it an address of an interface, or one that an interface broadcasts to?  OWN_NOT when they
// cannot be read.
enum own own_address(const struct addr *addr);

#endif
