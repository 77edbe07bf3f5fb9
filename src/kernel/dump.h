// The nf_tables rules of this network namespace as the kernel has them, every table of whoever, in
// words for experts and in court.  Nothing is taken from what was meant to be loaded.
//
//	table inet sekisho { # flags 5, handle 7, owner 1234
//		chain forward { # type filter, hook forward, priority 0, policy accept
//			rule 12 # flow web
//				[ meta dreg=1 key=oifname ]
//				[ cmp sreg=1 op=eq data=0x6c616e2d646d7a00 (lan-dmz) ]
//				[ immediate dreg=0 data=accept ]
//
// An expression stands with the attributes that the kernel gave, by their names in
// linux/netfilter/nf_tables.h in small letters (those without a name here by their number), values
// in network byte order as hexadecimal digits, and what they mean after it where that is known.
#ifndef SEKISHO_KERNEL_DUMP_H
#define SEKISHO_KERNEL_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct kernel_dump_result {
	size_t tables, chains, sets, elements, rules;
	bool cut;     // the limit was reached
	bool changed; // others changed the rules while they were read, each time it was tried
};

// Over a socket of its own; reading delays no one who commits.  out: a regular file at its
// beginning, which may be written anew.  0 or a negative errno.
int kernel_dump(FILE *out, size_t limit_bytes, struct kernel_dump_result *ret);

#endif
