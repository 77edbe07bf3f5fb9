// What others do to the kernel's rules and to its network, as the kernel tells it: the transactions
// of nf_tables (group NFNLGRP_NFTABLES), each with the process that made it, and that something of
// the links, addresses, routes or forwarding settings changed (rtnetlink).
//
// Whoever watches must look for itself afterwards: what is told here says where to look and who did
// it, never what is so.  Our own transactions are kept away by a filter on the netlink address.
#ifndef SEKISHO_KERNEL_WATCH_H
#define SEKISHO_KERNEL_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/kernel.h"

struct watch;

enum watch_about {
	WATCH_POLICY = 1 << 0,	// table inet sekisho
	WATCH_GUARD = 1 << 1,	// table inet sekisho_guard
	WATCH_FOREIGN = 1 << 2, // tables, chains, rules or flowtables of anybody else
	WATCH_NETWORK = 1 << 3, // links, addresses, routes
	WATCH_SETTING = 1 << 4, // forwarding, reverse path filter
	WATCH_LOST = 1 << 5,	// there was more than the socket could hold: look at everything
};

enum {
	WATCH_NAME_MAX = 32, // of a process; the kernel's have 15 bytes
	WATCH_WORDS_MAX = 400,
	WATCH_KINDS_MAX = 6, // different changes that are told of one transaction
};

// One transaction of nf_tables.
struct watch_change {
	unsigned about;		     // enum watch_about
	uint32_t port;		     // netlink address of who sent it
	uint32_t pid;		     // of the thread that sent it, 0 unknown
	char name[WATCH_NAME_MAX];   // of that process, "" unknown; only printable ASCII
	bool gone;		     // the policy's table was deleted
	char words[WATCH_WORDS_MAX]; // what was done to the policy's table and to the guard's
};

// Puts messages together to transactions.
struct watch_reader {
	struct watch_change change;
	struct {
		uint8_t type;
		bool guard;
		char object[64];
		unsigned times;
	} kinds[WATCH_KINDS_MAX];
	unsigned n_kinds, more;
};

typedef void watch_each(void *arg, const struct watch_change *change);

// A datagram of the nf_tables group (of anyone: a pure function); a transaction is told with the
// message that ends it, and may have begun in an earlier datagram.
void watch_parse(struct watch_reader *reader, const void *bytes, size_t size, watch_each *each,
		 void *arg);

// Listens in this network namespace.  What the process's own `kernel` sends is not told.
int watch_open(const struct kernel *kernel, struct watch **ret_watch);
void watch_close(struct watch *watch); // NULL is fine
// Both become readable; neither blocks.
int watch_rules_fd(const struct watch *watch);
int watch_network_fd(const struct watch *watch);

// Tells what has come: 0, or WATCH_LOST, or -errno.
int watch_read_rules(struct watch *watch, watch_each *each, void *arg);
// enum watch_about (NETWORK, SETTING, LOST), or -errno.
int watch_read_network(struct watch *watch);

// Around a large transaction of our own: while anybody listens, the kernel makes a message of a
// page for each element.  What others do meanwhile is not told.
void watch_pause(struct watch *watch);
void watch_resume(struct watch *watch);

#endif
