// Packets lie whole, one after another.  What does not fit before the end goes to the beginning,
// and `wrap` says where the older ones end.
#include "daemon/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ring {
	size_t size;
	size_t head; // where the next goes
	size_t tail; // the oldest
	size_t wrap; // end of the packets from tail on, when head lies before tail
	size_t n, pushed;
	uint8_t bytes[];
};

static size_t room_of(size_t size)
{
	return sizeof(struct ring_packet) + ((size + 7) & ~(size_t)7);
}

int ring_new(size_t bytes, struct ring **ret_ring)
{
	if (bytes < RING_BYTES_MIN || bytes > RING_BYTES_MAX)
		return -EINVAL;
	struct ring *ring = calloc(1, sizeof(*ring) + bytes);
	if (!ring)
		return -ENOMEM;
	ring->size = bytes;
	*ret_ring = ring;
	return 0;
}

void ring_free(struct ring *ring)
{
	free(ring);
}

static void drop_oldest(struct ring *ring)
{
	struct ring_packet oldest;
	memcpy(&oldest, ring->bytes + ring->tail, sizeof(oldest));
	ring->tail += room_of(oldest.size);
	ring->n--;
	ring->pushed++;
	if (!ring->n)
		ring->head = ring->tail = ring->wrap = 0;
	else if (ring->wrap && ring->tail == ring->wrap)
		ring->tail = ring->wrap = 0;
}

// Is there room at head now?  The packets lie from tail to head, or from tail to wrap and from the
// beginning to head.
static bool fits(struct ring *ring, size_t room)
{
	if (ring->wrap)
		return ring->tail - ring->head >= room;
	if (ring->size - ring->head >= room)
		return true;
	if (!ring->n)
		return false;
	ring->wrap = ring->head; // the end is too near: on at the beginning
	ring->head = 0;
	return ring->tail >= room;
}

void ring_add(struct ring *ring, uint64_t time_us, uint32_t interface, bool leaving,
	      const void *bytes, size_t size)
{
	if (size > RING_PACKET_MAX)
		size = RING_PACKET_MAX;
	if (room_of(size) > ring->size)
		size = (ring->size - sizeof(struct ring_packet)) & ~(size_t)7;
	const struct ring_packet packet = {
		.time_us = time_us,
		.interface = interface,
		.size = (uint16_t)size,
		.leaving = leaving,
		.magic = RING_MAGIC,
	};
	while (!fits(ring, room_of(size)))
		drop_oldest(ring);
	memcpy(ring->bytes + ring->head, &packet, sizeof(packet));
	memset(ring->bytes + ring->head + room_of(size) - 8, 0, size ? 8 : 0);
	memcpy(ring->bytes + ring->head + sizeof(packet), bytes, size);
	ring->head += room_of(size);
	ring->n++;
}

size_t ring_count(const struct ring *ring)
{
	return ring->n;
}

size_t ring_pushed(const struct ring *ring)
{
	return ring->pushed;
}

size_t ring_copy_size(const struct ring *ring)
{
	return ring->wrap ? ring->wrap - ring->tail + ring->head : ring->head - ring->tail;
}

void ring_copy(const struct ring *ring, void *out)
{
	size_t end = ring->wrap ? ring->wrap : ring->head;
	memcpy(out, ring->bytes + ring->tail, end - ring->tail);
	if (ring->wrap)
		memcpy((uint8_t *)out + (end - ring->tail), ring->bytes, ring->head);
}

int ring_read(const void *copy, size_t size, size_t *at, struct ring_packet *ret,
	      const uint8_t **ret_bytes)
{
	struct ring_packet packet;
	if (*at == size)
		return 0;
	if (size - *at < sizeof(packet))
		return -EBADMSG;
	memcpy(&packet, (const uint8_t *)copy + *at, sizeof(packet));
	if (packet.magic != RING_MAGIC || packet.leaving > 1 || room_of(packet.size) > size - *at)
		return -EBADMSG;
	*ret = packet;
	*ret_bytes = (const uint8_t *)copy + *at + sizeof(packet);
	*at += room_of(packet.size);
	return 1;
}
