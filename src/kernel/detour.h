// The way of packets that are brought to the gate's own sockets (PACKET_DIVERTED): a routing rule
// by their mark, and a table of its own in which every address is this box's.  IPv4, and IPv6 where
// the kernel has it.  The listener that accepts them learns their mark by tcp_fwmark_accept.
#ifndef SEKISHO_KERNEL_DETOUR_H
#define SEKISHO_KERNEL_DETOUR_H

#include <stdbool.h>

enum {
	DETOUR_TABLE = 15025,
	DETOUR_PRIORITY = 98, // of the rule: before those that lead anywhere
};

// Makes what is not there.  0, with *ret_made telling if anything was; or a negative errno.
int detour_make(bool *ret_made);
// Takes it away again, as far as it is there, for connections that are gone by then.
int detour_remove(void);

#endif
