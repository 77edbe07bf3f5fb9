// The guard table and its mirror: what their two chains hold, how that is put there, and how it is
// read back.  Closed or open is the gate's own state; isolations cut off whether it is open or not.
//
// Of each chain, in this order: the management path; what drops isolated zones, links and hosts;
// then, isolated as a whole, the list of what stays up and a drop; then, closed, what a closed gate
// lets through and a drop.  An isolation of zones, links and hosts is put in front, one of all at
// the end, so that ordering one is a few rules and leaves the others alone.
#ifndef SEKISHO_KERNEL_GUARD_H
#define SEKISHO_KERNEL_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/isolation.h"
#include "kernel/kernel.h"
#include "kernel/lifeline.h"

enum { GUARD_RETRIES = 16 }; // when others change nftables in between

struct guard_want {
	enum kernel_guard state; // open or closed
	// Closed by hand, which the drop's comment says: so it stays known over a daemon's end.
	// What the kernel says of a hand stays so, unless that is over.
	bool by_hand, hand_over;
	bool anew; // the table is taken away in the same batch, with whatever else is in it
	const struct kernel_management *management; // NULL: none
	const struct isolations *isolations;	    // NULL: none
	const struct lifeline *lifelines;
	size_t n_lifelines;
};

struct guard_found {
	enum kernel_guard state;
	bool by_hand; // in one chain at least, all is dropped by a rule that is not the daemon's
	struct isolations isolations;
};

struct link; // kernel/link.h

// One isolation more, in a small batch that stops its packets and another with the rest.  -ENOENT:
// the table or a chain is not there (make all of it, then).  want: what stays up beside it.
int guard_add(struct link *link, const char *table, const struct guard_want *want,
	      const struct isolation *isolation);
// A transaction that adds the rules which stop its packets and takes them away again: it changes
// nothing, and all that an order needs of the program and of the kernel has just been used.
void guard_rehearse(struct link *link, const char *table, const struct isolation *isolation);
// Both chains anew, in one batch: what is wanted, and every isolation that the kernel holds
// besides, but `without` (NULL: none).  *ret_all: the isolations that are then in force; NULL: only
// what is wanted, whatever the kernel holds.
int guard_make(struct link *link, const char *table, uint32_t table_flags,
	       const struct guard_want *want, const struct isolation *without,
	       struct isolations *ret_all);
// What the table holds: an isolation counts when any rule says so.  -ENOENT: there is no table.
int guard_read(struct link *link, const char *table, struct guard_found *ret_found);
// Is every rule of the isolation in the table, as it is made, and the table at work?  0, or
// -EUCLEAN.
int guard_confirm(struct link *link, const char *table, const struct guard_want *want,
		  const struct isolation *isolation);
// Is the table, rule for rule, what is wanted?  What was ordered later stands in front of what was
// ordered before; but nothing else is there, and nothing in another place.
enum guard_match {
	GUARD_SAME,
	GUARD_RULES_DIFFER,  // made again, it is right
	GUARD_CHAINS_DIFFER, // there are other chains, or they are hooked elsewhere: make it anew
};
int guard_match(struct link *link, const char *table, const struct guard_want *want,
		enum guard_match *ret_match); // -ENOENT: there is no table

// The same on table inet sekisho_guard, for who has a kernel.  read: absent is not an error.
int kernel_guard_make(struct kernel *kernel, const struct guard_want *want,
		      const struct isolation *without, struct isolations *ret_all);
// What is wanted, closed, and whatever the kernel holds besides.
int kernel_guard_close(struct kernel *kernel, const struct guard_want *want);
int kernel_guard_read(struct kernel *kernel, struct guard_found *ret_found);

#endif
