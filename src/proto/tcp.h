// A TCP segment in its IP packet (RFC 9293): read, changed in place, its sums made right again.
// Options: maximum segment size, window scale and timestamps (RFC 7323), SACK (RFC 2018); others
// are only recognised, so that they can be taken out.  Pure; nothing is allocated.
#ifndef SEKISHO_PROTO_TCP_H
#define SEKISHO_PROTO_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/header.h"

enum tcp_flag {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16,
	TCP_URG = 32,
	TCP_ECE = 64,
	TCP_CWR = 128,
};

enum {
	TCP_HEAD_MIN = 20,
	TCP_HEAD_MAX = 60,
	TCP_SACKS_MAX = 4,
	TCP_SCALE_MAX = 14,
	TCP_STAMP_BYTES = 12
};

enum tcp_option { // bits: which ones there are
	TCP_HAS_MSS = 1,
	TCP_HAS_SCALE = 2,
	TCP_HAS_SACK_PERMITTED = 4,
	TCP_HAS_SACK = 8,
	TCP_HAS_STAMP = 16,
	TCP_HAS_SIGNATURE = 32, // MD5 (RFC 2385), TCP-AO (RFC 5925)
	TCP_HAS_FAST_OPEN = 64, // RFC 7413
	TCP_HAS_OTHER = 128,	// Multipath TCP and whatever else
};

struct tcp {
	bool v4;
	uint32_t at;	  // where the TCP header begins in the packet
	uint32_t head;	  // its bytes, with options
	uint32_t size;	  // of the payload, which begins at at + head
	uint16_t port[2]; // source, destination
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags;
	uint8_t options; // bits of tcp_option
	uint8_t scale;
	uint16_t mss;
	uint32_t stamp, echo;	  // of TCP_HAS_STAMP
	uint8_t stamp_at;	  // of the option's values, from the beginning of the TCP header
	uint8_t sack_at, n_sacks; // of the blocks
};

// The segment of a packet that header describes.  -EBADMSG: it is no TCP, a fragment, is cut off,
// has a routing or authentication header, or its lengths or options make no sense.
int tcp_parse(const uint8_t *bytes, size_t size, const struct header *header, struct tcp *ret);
// Whether the sum of the segment is right.
bool tcp_sum_right(const uint8_t *bytes, const struct tcp *tcp);

// Replaces options by padding but those in keep.  Says whether there were any.
bool tcp_keep_options(uint8_t *bytes, struct tcp *tcp, uint8_t keep);
void tcp_put_stamp(uint8_t *bytes, const struct tcp *tcp, uint32_t stamp, uint32_t echo);
void tcp_sack(const uint8_t *bytes, const struct tcp *tcp, unsigned i, uint32_t ret_edges[2]);
// How many blocks of SACK there is room for beside the other options.
unsigned tcp_sacks_max(const struct tcp *tcp);
// A header with timestamps, if it has them, and these n blocks alone; the payload moves.  The
// caller knows that there is room for a header that grows.
void tcp_put_sacks(uint8_t *bytes, struct tcp *tcp, const uint32_t (*edges)[2], unsigned n);
// A header without options, or with timestamps alone (then 12 bytes longer).  The payload is gone.
void tcp_new_head(uint8_t *bytes, struct tcp *tcp, bool stamped, uint32_t stamp, uint32_t echo);
// Writes seq, ack, flags and window; the lengths that follow from size; both sums.
void tcp_finish(uint8_t *bytes, const struct tcp *tcp);
// Bytes of the whole packet.
uint32_t tcp_total(const struct tcp *tcp);

#endif
