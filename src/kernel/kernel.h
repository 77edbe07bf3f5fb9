// The kernel's side: the one room that speaks netlink.  A `struct kernel` is one netlink socket and
// what was found out about the kernel behind it; commits through it own the policy table.
#ifndef SEKISHO_KERNEL_KERNEL_H
#define SEKISHO_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/ruleset.h"

struct kernel;

// How packets are handed to user space for inspection.
enum kernel_queue { KERNEL_QUEUE_NONE, KERNEL_QUEUE_NATIVE, KERNEL_QUEUE_COMPAT };

struct kernel_features {
	char release[65];
	bool owner;   // NFT_TABLE_F_OWNER
	bool persist; // NFT_TABLE_F_PERSIST (6.9)
	enum kernel_queue queue;
	bool netmap; // prefix translation (NF_NAT_RANGE_NETMAP)
	bool tproxy; // tproxy, socket and fib, which proxy mode needs
	bool helper_ftp, helper_tftp, helper_sip, helper_pptp;
	bool conntrack_counters; // net.netfilter.nf_conntrack_acct
};

// What went wrong in a transaction, mapped back to the ruleset.
struct kernel_error {
	int error;		       // negative errno the kernel gave, -ENOBUFS handled before
	uint16_t code;		       // enum diag_code, SK600 to SK649
	uint32_t origin;	       // index into the ruleset's origins, or RS_NONE
	char object[RS_NAME_MAX + 32]; // "chain p_office_lgwan, rule 3"
	char text[256];		       // plain words: what failed and why
};

// fd: an existing NETLINK_NETFILTER socket to go on with (from systemd's descriptor store), or -1.
int kernel_open(int fd, struct kernel **ret_kernel);
void kernel_close(
	struct kernel *kernel); // closes the socket: an owned, persistent table is then an orphan
int kernel_fd(const struct kernel *kernel);
// Tries each feature in throw-away objects that never become visible; done once per open.
const struct kernel_features *kernel_features(struct kernel *kernel);

// Makes table inet sekisho run exactly `next`, in one batch, all or nothing (a second one takes
// away what nothing refers to any more: packets on their way through the old rules still use it).
// previous: what this process committed last (to leave unchanged chains and sets alone), or NULL:
// what is there is read, and all of it is replaced unless it is just the same.
// Base chains that exist are kept; sets, chains and objects no longer named are deleted; a base
// chain no longer named stays, empty and open; counters that exist keep their values, those that
// don't start at what `counters` gives.
// An orphan (its owner died) is adopted as it is.  A table that never had an owner, where the
// kernel has owners, is replaced within the batch: no packet meets a gap, but packets held in a
// queue are dropped by the kernel.  A table that a live process owns: -EPERM, SK601.
// 0, or a negative errno with *ret_error filled; the kernel then runs what it ran before.
struct kernel_counter {
	const char *name; // object name
	uint64_t packets, bytes;
};
int kernel_commit(struct kernel *kernel, const struct ruleset *next, const struct ruleset *previous,
		  const struct kernel_counter *counters, size_t n_counters,
		  struct kernel_error *ret_error);

// Reads the table back and compares: 0 the same, 1 different (the first difference in words in
// report), negative errno.
int kernel_verify(struct kernel *kernel, const struct ruleset *ruleset, char *report, size_t size);

// The same after a commit from previous to next.  When nobody but this process changed any table
// since previous was read back as a whole (the kernel's counter of transactions tells), only what
// the commit changed is read: what it made, down to each expression and element, and that what it
// took away is gone.  In any doubt all of it is.  previous must be as it was at the commit.
int kernel_verify_commit(struct kernel *kernel, const struct ruleset *next,
			 const struct ruleset *previous, char *report, size_t size);

// Does another process that lives own the table?  1, 0, or a negative errno.
int kernel_owned_by_another(struct kernel *kernel);

// The generation named in the kernel, or 0 if there is no table or no marker.
int kernel_generation(struct kernel *kernel, uint64_t *ret_generation);

// Every counter object of the table.
int kernel_counters(struct kernel *kernel,
		    void (*each)(void *arg, const struct kernel_counter *counter), void *arg);

// The table is taken away (uninstall, tests).  The gate is then open or closed by the guard alone.
int kernel_remove(struct kernel *kernel);

// Table inet sekisho_guard, unowned.  Closed: nothing passes but loopback, neighbour discovery and
// the management path.  Making it is idempotent and leaves in force what isolations it finds
// (kernel/guard.h); an isolation alone does not count as closed.
struct kernel_management {
	char interface[16]; // "" for none
	uint8_t family;	    // 4 or 6
	uint8_t prefix[16]; // network order
	uint8_t prefix_length;
	uint16_t port;
};
enum kernel_guard { KERNEL_GUARD_ABSENT, KERNEL_GUARD_OPEN, KERNEL_GUARD_CLOSED };
int kernel_guard_state(struct kernel *kernel, enum kernel_guard *ret_state);
// As a hand does: what it closes stays closed over the end of a daemon.
int kernel_guard_set(struct kernel *kernel, enum kernel_guard state,
		     const struct kernel_management *management); // NULL: no management path
int kernel_guard_remove(struct kernel *kernel);

#endif
