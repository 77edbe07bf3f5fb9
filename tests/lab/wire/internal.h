// What the parts of the lab's wire share among themselves.
#ifndef LAB_WIRE_INTERNAL_H
#define LAB_WIRE_INTERNAL_H

#include "wire.h"

enum {
	WIRE_MAGIC = 0x5e415e41,
	WIRE_WINDOW = 0x5e41,
	WIRE_FRAGMENT = 64, // bytes of the first fragment
};

// One of the two fragments of a packet that was built whole.
size_t wire_fragment(const uint8_t *whole, size_t n, bool last, uint8_t out[WIRE_BYTES_MAX]);

// What a packet, from its IP header on, tells: true with *ret (what, token, addresses, ports),
// false when it is none of ours.  A packet of ours that is under way is WIRE_ARRIVED.
bool wire_recognise(const uint8_t *bytes, size_t n, struct wire_event *ret);
// The same without an IP header (IPv6 raw sockets give none); addresses stay as they are.
bool wire_recognise_transport(uint8_t protocol, const uint8_t *bytes, size_t n,
			      struct wire_event *ret);

// Where events come from.
enum wire_source_kind { WIRE_CAPTURE, WIRE_RAW, WIRE_QUEUE };

struct wire_source {
	enum wire_source_kind kind;
	int fd;
	unsigned zone;
	uint8_t family, protocol;
	struct wire_source *next;
};

void wire_add_source(struct wire *wire, struct wire_source source);
void wire_enter(const struct wire_zone *zone); // moves this thread into the namespace
// One message of the inspection queue: true with *ret when it held one of our packets; *ret_again:
// there may be more.
bool wire_read_queue(int fd, struct wire_event *ret, bool *ret_again);
void wire_fail(const char *what) __attribute__((noreturn));

#endif
