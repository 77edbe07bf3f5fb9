// Requests to one of netfilter's parts (queues, records of packets, connection tracking), and their
// acknowledgements.  Rules go by link.h.
#ifndef SEKISHO_KERNEL_ASK_H
#define SEKISHO_KERNEL_ASK_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

struct ask_head {
	uint8_t part;	 // NFNL_SUBSYS_...
	uint8_t type;	 // of its messages
	uint16_t flags;	 // besides NLM_F_REQUEST
	uint8_t family;	 // AF_UNSPEC: all
	uint16_t number; // of a queue or a group
};

// 0 or a negative errno; mnl_socket_close() ends it.
int ask_open(struct mnl_socket **ret_socket);
// The beginning of a message at `at`; attributes may be added.
struct nlmsghdr *ask_begin(void *at, const struct ask_head *head, uint32_t seq);
// Sends it and waits for its acknowledgement, past what else comes: what that says.  answer: room
// for what comes.  -ENOBUFS: something was lost; ask_wait() waits on.
int ask(struct mnl_socket *socket, const struct nlmsghdr *request, void *answer, size_t size);
int ask_wait(struct mnl_socket *socket, uint32_t seq, void *answer, size_t size);

#endif
