// The settings under /proc/sys that decide whether this box forwards, and what it counts of
// connections.  Those of the network namespace of the calling process.
#ifndef SEKISHO_KERNEL_SYSCTL_H
#define SEKISHO_KERNEL_SYSCTL_H

#include <stdbool.h>
#include <stdint.h>

// Both families on or off; each is attempted even if the other fails.  What is so already is not
// written, for it may not be writable.  0, or the first -errno with the path it is about.
// Note: switching IPv6 forwarding on makes the kernel ignore router advertisements
// (accept_ra 1); interfaces that need them set accept_ra 2 themselves.
int sysctl_set_forwarding(bool on, const char **reterr_path);
bool sysctl_is_forwarding(void); // IPv4

// One setting, by its path below /proc/sys ("net/ipv4/ip_forward").  0 or -errno.
int sysctl_get(const char *name, uint32_t *ret_value);
int sysctl_set(const char *name, uint32_t value);

// net.netfilter.nf_conntrack_acct: 1 bytes and packets of connections are counted, 0 not, -errno.
int sysctl_conntrack_counters(void);

// net.netfilter.nf_conntrack_tcp_loose: with it off, a TCP packet that belongs to no known
// connection and does not open one is invalid.  0, or -errno with the path.
int sysctl_set_tcp_strict(const char **reterr_path);
int sysctl_tcp_strict(void); // 1 it is off, 0 on, -errno

#endif
