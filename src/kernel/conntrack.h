// The kernel's connection tracking: read, and entries deleted.  On libnetfilter_conntrack.
//
// A dump is not one moment's picture: an entry that comes or goes meanwhile may be in it or not,
// and one may be in it twice.  What was there before it began and is still there at its end is in
// it. Not for two threads at once; each opens its own.
#ifndef SEKISHO_KERNEL_CONNTRACK_H
#define SEKISHO_KERNEL_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

// One direction as its first packet is: network order, IPv4 in the first 4 bytes.
struct conntrack_tuple {
	uint8_t source[16], destination[16];
	uint16_t source_port, destination_port; // host order; 0 where there are none
};

struct conntrack_entry {
	struct conntrack_tuple original, reply;
	struct conntrack_tuple master; // of the connection whose helper announced this one
	uint64_t packets[2], bytes[2]; // original, reply; 0 unless the kernel counts them
	uint32_t id, mark, status;     // IPS_* bits (linux/netfilter/nf_conntrack_common.h)
	uint32_t timeout_s;
	uint16_t zone; // of connection tracking, not of a policy; usually 0
	uint16_t icmp_id;
	uint8_t icmp_type, icmp_code; // of the original direction
	uint8_t family;		      // 4 or 6
	uint8_t protocol;
	uint8_t tcp_state;	 // TCP_CONNTRACK_*
	uint8_t master_protocol; // 0: there is no master
};

enum {
	CONNTRACK_TEXT_MAX = 512,
	CONNTRACK_BATCH = 256, // deletions in one call
};

struct conntrack;

int conntrack_open(struct conntrack **ret_conntrack);
void conntrack_close(struct conntrack *conntrack); // NULL is fine
int conntrack_fd(const struct conntrack *conntrack);

// A negative result ends the dump and is its result.
typedef int conntrack_each(void *arg, const struct conntrack_entry *entry);

// All entries, both families.  0, or a negative errno.
int conntrack_dump(struct conntrack *conntrack, conntrack_each *each, void *arg);
// Those whose mark, of the bits of mask, is this.
int conntrack_dump_marked(struct conntrack *conntrack, uint32_t mark, uint32_t mask,
			  conntrack_each *each, void *arg);
// The same in steps of some 100 entries, for an event loop: a step when conntrack_fd() is readable.
// 1 when there is more to come, 0 at the end, or a negative errno (-EAGAIN: nothing yet).
int conntrack_dump_start(struct conntrack *conntrack);
int conntrack_dump_step(struct conntrack *conntrack, conntrack_each *each, void *arg);

// Deletes just these, and marks in ret_deleted (one for each) those that were there: an entry that
// is gone, and one that has come since with the same addresses, are none.  0, or the first negative
// errno of another kind; the others are deleted still.
int conntrack_delete(struct conntrack *conntrack, const struct conntrack_entry *const *entries,
		     size_t n, bool *ret_deleted);

struct addr conntrack_addr(uint8_t family, const uint8_t bytes[16]);
// Is any address of the connection, before or after translation, in one of the ranges?
bool conntrack_touches(const struct conntrack_entry *entry, const struct addr_range *ranges,
		       size_t n);
// One line without its newline, as "conntrack -L -o extended" writes it.
void conntrack_text(const struct conntrack_entry *entry, char *out, size_t size);
// "tcp", or the number.
const char *conntrack_protocol(uint8_t protocol, char out[8]);

#endif
