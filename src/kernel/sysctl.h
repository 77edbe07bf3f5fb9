// The settings under /proc/sys that decide whether this box forwards, and how it tracks
// connections.  Those of the network namespace of the calling process.
#ifndef SEKISHO_KERNEL_SYSCTL_H
#define SEKISHO_KERNEL_SYSCTL_H

#include <stdbool.h>
#include <stdint.h>

// Both families on or off.  Off is attempted for each even if the other fails.  0 or -errno.
// Note: switching IPv6 forwarding on makes the kernel ignore router advertisements
// (accept_ra 1); interfaces that need them set accept_ra 2 themselves.
int sysctl_set_forwarding(bool on);

enum sysctl_forwarding { SYSCTL_FORWARD_NONE, SYSCTL_FORWARD_V4 = 1, SYSCTL_FORWARD_V6 = 2 };
// Bits of enum sysctl_forwarding, or -errno.
int sysctl_get_forwarding(void);

// net.netfilter.nf_conntrack_acct: 1 bytes and packets of connections are counted, 0 not, -errno.
int sysctl_conntrack_counters(void);

// What the policy relies on of connection tracking: connections are counted, and TCP is judged
// strictly.  Values of 0 in the fields are left as they are.  0, or the first -errno.
struct sysctl_conntrack {
	bool counters;		  // nf_conntrack_acct
	bool strict;		  // nf_conntrack_tcp_loose 0, nf_conntrack_tcp_be_liberal 0
	uint32_t max_connections; // nf_conntrack_max (of the first namespace only)
};
int sysctl_set_conntrack(const struct sysctl_conntrack *wanted);

// Connections that are tracked now, and how many may be; -errno.
int sysctl_conntrack_usage(uint32_t *ret_count, uint32_t *ret_max);

#endif
