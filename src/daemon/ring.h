// The last packets, in memory: a ring of bytes in which a new one pushes the oldest out.  Pure; not
// for two threads at once.
#ifndef SEKISHO_DAEMON_RING_H
#define SEKISHO_DAEMON_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RING_BYTES_MIN = 64 * 1024,
	RING_BYTES_MAX = 64 * 1024 * 1024,
	RING_PACKET_MAX = 65535, // bytes kept of one; the rest is cut
};

// As it lies in the ring and in a copy of it; its bytes follow, padded to 8.
struct ring_packet {
	uint64_t time_us;   // since 1970
	uint32_t interface; // index
	uint16_t size;
	uint8_t leaving;
	uint8_t magic; // RING_MAGIC
};
enum { RING_MAGIC = 0xa7 };

struct ring;

int ring_new(size_t bytes, struct ring **ret_ring); // -EINVAL: not between the two limits
void ring_free(struct ring *ring);		    // NULL is fine
void ring_add(struct ring *ring, uint64_t time_us, uint32_t interface, bool leaving,
	      const void *bytes, size_t size);
size_t ring_count(const struct ring *ring);  // packets that are in it
size_t ring_pushed(const struct ring *ring); // packets that were pushed out

// A copy of the packets, oldest first, is ring_copy_size() bytes.
size_t ring_copy_size(const struct ring *ring);
void ring_copy(const struct ring *ring, void *out);

// Goes through a copy, or bytes of anyone: the packet at *at and its bytes; *at goes on to the
// next. 1, 0 at the end, -EBADMSG.
int ring_read(const void *copy, size_t size, size_t *at, struct ring_packet *ret,
	      const uint8_t **ret_bytes);

#endif
