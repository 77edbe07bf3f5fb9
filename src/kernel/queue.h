// Packets that rules give to a queue (NFQUEUE), and what becomes of them.
//
// A packet waits in the kernel until it gets a verdict, and is dropped when the queue is full, when
// this socket has no room, or when nobody listens.  The beginning of each message goes to memory of
// this process alone, and only that is parsed; the rest of the packet goes straight to the room
// that the caller gives for it, which others may share.
#ifndef SEKISHO_KERNEL_QUEUE_H
#define SEKISHO_KERNEL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QUEUE_BATCH = 64,	  // packets in one call
	QUEUE_HEAD = 256,	  // bytes of a message that are parsed
	QUEUE_PACKET_MAX = 65531, // of a packet, that the kernel hands over
};

struct queue;

struct queue_options {
	uint16_t number;
	uint32_t length; // packets that may wait in the kernel
	bool whole;	 // packets, or nothing of them
	uint32_t socket_bytes;
};

// -EBUSY: another process listens to it; -EPERM: without CAP_NET_ADMIN.
int queue_open(const struct queue_options *options, struct queue **ret_queue);
void queue_close(struct queue *queue); // NULL is fine
int queue_fd(const struct queue *queue);

struct queue_packet {
	uint32_t id, mark;
	uint32_t in, out; // interface indexes, 0 none
	uint32_t size;	  // bytes that came
	uint32_t whole;	  // bytes that the packet has
	uint32_t offset;  // where it begins: of the message; after queue_receive(), of the room
	// The packet's first bytes, for nobody else to change, until the next queue_receive().
	const uint8_t *first;
	uint32_t n_first;
	uint8_t hook;
	bool sums_not_ready, sums_checked, gso; // as struct flight has them
};

// The first bytes of a message of `whole` bytes (of the kernel, or anyone: a pure function).
// 0; 1: this is about no packet; -EBADMSG.
int queue_parse(const uint8_t *head, size_t size, size_t whole, struct queue_packet *ret);

// Where a packet is to go; QUEUE_HEAD bytes at least, and as many more as a packet has.
struct queue_room {
	uint8_t *bytes;
	size_t size;
	bool used; // by a packet of this call
};

// Takes up to n packets (QUEUE_BATCH at most) without waiting, each to the room of the same index
// that is marked as used; ret[i] tells of room i.  The number of rooms tried (0: nothing is there),
// or -ENOBUFS: the kernel has dropped some for want of room in the socket; or another negative
// errno.
int queue_receive(struct queue *queue, struct queue_room *rooms, unsigned n,
		  struct queue_packet *ret);

// Verdicts gather until queue_send(), or until there is no more room for them; they count in this
// order.  The bytes are copied at once.
enum queue_verdict { QUEUE_DROP, QUEUE_ACCEPT, QUEUE_MOVE };
struct queue_answer {
	uint32_t id;
	enum queue_verdict verdict;
	uint16_t to; // MOVE: to this queue
	bool marks;
	uint32_t mark;
	const uint8_t *bytes; // in its place; NULL: as it is
	uint32_t size;
};
int queue_answer(struct queue *queue, const struct queue_answer *answer);
// Accepts every packet that waits in the queue up to this one.
int queue_accept_until(struct queue *queue, uint32_t id);
int queue_send(struct queue *queue);

struct queue_numbers { // since it was opened
	uint64_t packets, batches, singles, sends;
	uint64_t refused; // verdicts: the packet was gone
	uint64_t overruns;
};
void queue_numbers(const struct queue *queue, struct queue_numbers *ret);

// What the kernel says of a queue of this network namespace.
struct queue_state {
	uint32_t waiting;      // packets
	uint64_t dropped;      // the queue was full
	uint64_t user_dropped; // the listener's socket was full
	uint32_t listener;     // its port; 0: nobody listens
};
// 0, or a negative errno.  A queue without a listener has no state: all zero.
int queue_state(uint16_t number, struct queue_state *ret);
// A line of /proc/net/netfilter/nfnetlink_queue; false: it is none.
bool queue_state_parse(const char *line, uint16_t *ret_number, struct queue_state *ret);

#endif
