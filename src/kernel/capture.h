// Table inet sekisho_capture: hands the packets of some interfaces to an NFLOG group and judges
// nothing.  It sees a packet before anything else does (prerouting -310, behind defragmentation)
// and as it leaves at last (postrouting 310, behind translation).  It belongs to the socket that
// made it and goes with it, where the kernel has owners.
#ifndef SEKISHO_KERNEL_CAPTURE_H
#define SEKISHO_KERNEL_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/kernel.h"

enum { CAPTURE_INTERFACES_MAX = 64 };

struct kernel_capture {
	const char *const *interfaces; // names, or patterns as "vlan*"
	size_t n_interfaces;
	uint16_t group;
	uint32_t snaplen;
};

// kernel: of the caller's own, not the gate's.  -E2BIG: too many interfaces.
int kernel_capture_set(struct kernel *kernel, const struct kernel_capture *capture);
int kernel_capture_remove(struct kernel *kernel); // none is fine

#endif
