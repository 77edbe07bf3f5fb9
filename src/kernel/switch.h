// The emergency switch's hold on the kernel: a netlink socket of its own, so that it works while
// another thread or process commits a policy.  It makes what it needs by itself.
//
// Besides the guard, which belongs to nobody, it keeps a mirror: table inet sekisho_mirror, with
// the same two chains and only the isolations, owned by this socket where the kernel knows owners.
// Either of them isolates, so a flush of all rules by hand opens nothing.  The mirror is there from
// the first isolation on and is emptied, never taken away.
//
// Not for two threads at once.
#ifndef SEKISHO_KERNEL_SWITCH_H
#define SEKISHO_KERNEL_SWITCH_H

#include "kernel/guard.h"

struct guard_switch;

int switch_open(struct guard_switch **ret_switch);
// On the thread that will give the orders, shortly before one: a transaction that changes nothing
// (but the counter of transactions), so that the order finds memory, the kernel's modules and the
// processor's caches ready.  A processor that was idle for a millisecond has forgotten it.
void switch_rehearse(struct guard_switch *guard_switch);
void switch_close(struct guard_switch *guard_switch); // NULL is fine

// Cuts off.  `want` says what stays up; its isolations are those in force already, to which this
// one is to be added by the caller when it succeeds.  0 when the kernel confirmed it by read-back.
int switch_isolate(struct guard_switch *guard_switch, const struct guard_want *want,
		   const struct isolation *isolation);
// Makes the mirror hold exactly these.  A mirror that never was and has nothing to hold is not
// made; -EPERM: another process that lives owns it.
int switch_mirror(struct guard_switch *guard_switch, const struct guard_want *want);
// What the mirror of a daemon that died still holds.
int switch_mirror_read(struct guard_switch *guard_switch, struct isolations *ret);
// The guard alone, as kernel_guard_make() and kernel_guard_read().
int switch_guard_make(struct guard_switch *guard_switch, const struct guard_want *want,
		      const struct isolation *without, struct isolations *ret_all);
// Is every rule of every isolation there, and the table at work?  0, or -EUCLEAN.
int switch_guard_confirm(struct guard_switch *guard_switch, const struct guard_want *want);
// Are guard and mirror, rule for rule, what is wanted?  A mirror that was never made is.
int switch_match(struct guard_switch *guard_switch, const struct guard_want *want,
		 enum guard_match *ret_guard, enum guard_match *ret_mirror);
// Counts the transactions of anybody: the same before and after, nothing changed in between.
int switch_turn(struct guard_switch *guard_switch, uint32_t *ret_turn);
int switch_guard_read(struct guard_switch *guard_switch, struct guard_found *ret_found);

#endif
