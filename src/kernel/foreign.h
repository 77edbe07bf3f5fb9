// Tables of nf_tables that are not ours, and what they can do to packets that our rules judge.
#ifndef SEKISHO_KERNEL_FOREIGN_H
#define SEKISHO_KERNEL_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "kernel/kernel.h"
#include "kernel/link.h"

// What is found in a table.  An accept is not among them: a packet that another table accepts
// still has to pass ours.
enum foreign_does {
	FOREIGN_DROPS = 1 << 0,	     // drops, rejects, queues, or may by a map of verdicts
	FOREIGN_TRANSLATES = 1 << 1, // addresses or ports
	FOREIGN_OFFLOADS = 1 << 2,   // a flowtable: its connections pass no more chain of ours
	FOREIGN_BELOW = 1 << 3,	     // a hook of a device or a bridge, before ours
	FOREIGN_FORWARDS = 1 << 4, // sends packets out by itself, or to a socket (fwd, dup, tproxy)
	FOREIGN_UNTRACKS = 1 << 5, // takes packets out of connection tracking
	FOREIGN_CHANGES = 1 << 6,  // writes fields of packets, or marks
	FOREIGN_XTABLES = 1 << 7,  // was written by iptables; what its targets do is not known
	FOREIGN_UNREAD = 1 << 8,   // has more rules than were read
};

enum {
	FOREIGN_TABLES_MAX = 256, // the others are not told apart
	FOREIGN_RULES_MAX = 4096, // that are read of a table
	FOREIGN_NAME_MAX = 64,
	FOREIGN_HOOKS_MAX = 160,
};

struct foreign_table {
	uint8_t family; // NFPROTO_*
	char name[FOREIGN_NAME_MAX];
	char hooks[FOREIGN_HOOKS_MAX]; // "forward 0, prerouting -100"
	unsigned does;		       // enum foreign_does
	uint32_t owner;		       // netlink address, 0 none
	uint32_t rules;
	bool hooked; // has a base chain or a flowtable
};

struct foreign {
	VEC(struct foreign_table) tables;
};

// "inet", "ip", "ip6", "arp", "bridge", "netdev"
const char *foreign_family(uint8_t family);

// The tables that meet packets, without ours and those that this process owns.
int foreign_read(struct kernel *kernel, struct foreign *ret);
void foreign_done(struct foreign *foreign);

// What the rule of a NFT_MSG_NEWRULE does (a pure function).
unsigned foreign_rule_does(const struct nlmsghdr *nlh);

#endif
