// The ring of packets beside a plain list that keeps everything.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/ring.h"

enum { ROUNDS = 20000 };

struct made {
	size_t size;
	uint8_t first;
};

static struct made all[ROUNDS];
static uint8_t bytes[RING_PACKET_MAX + 10];

static void limits(void **state)
{
	struct ring *ring;
	(void)state;
	assert_int_equal(ring_new(RING_BYTES_MIN - 1, &ring), -EINVAL);
	assert_int_equal(ring_new((size_t)RING_BYTES_MAX + 1, &ring), -EINVAL);
	assert_int_equal(ring_new(RING_BYTES_MIN, &ring), 0);
	ring_add(ring, 1, 1, false, bytes, sizeof(bytes)); // larger than the ring takes: cut
	assert_int_equal(ring_count(ring), 1);
	assert_true(ring_copy_size(ring) <= RING_BYTES_MIN);
	ring_add(ring, 1, 1, false, bytes, 0);
	assert_int_equal(ring_pushed(ring), 1);
	ring_free(ring);
}

// The copy holds the newest packets without a gap, and as many as could be.
static void check(const struct ring *ring, size_t made)
{
	size_t size = ring_copy_size(ring), at = 0, n = 0, first = made - ring_count(ring);
	uint8_t *copy = malloc(size ? size : 1);
	struct ring_packet packet;
	const uint8_t *part;
	ring_copy(ring, copy);
	while (ring_read(copy, size, &at, &packet, &part) == 1) {
		const struct made *expected = &all[first + n++];
		assert_int_equal(packet.size, expected->size);
		assert_int_equal(packet.time_us, first + n);
		if (packet.size)
			assert_int_equal(part[0], expected->first);
	}
	assert_int_equal(at, size);
	assert_int_equal(n, ring_count(ring));
	assert_int_equal(ring_pushed(ring), first);
	free(copy);
}

static void newest_stay(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	struct ring *ring;
	(void)state;
	printf("seed %u\n", seed);
	srand(seed);
	assert_int_equal(ring_new(RING_BYTES_MIN, &ring), 0);
	for (size_t i = 0; i < ROUNDS; i++) {
		all[i].size = (size_t)(rand() % 20 ? rand() % 300 : rand() % 30000);
		all[i].first = (uint8_t)rand();
		bytes[0] = all[i].first;
		ring_add(ring, i + 1, 3, i % 2, bytes, all[i].size);
		if (i % 97 == 0 || i + 1 == ROUNDS)
			check(ring, i + 1);
	}
	assert_true(ring_copy_size(ring) > RING_BYTES_MIN / 3);
	ring_free(ring);
}

static void bytes_of_anyone(void **state)
{
	struct ring_packet packet = { .magic = RING_MAGIC, .size = 16 };
	uint8_t copy[64] = { 0 };
	const uint8_t *part;
	size_t at;
	(void)state;
	memcpy(copy, &packet, sizeof(packet));
	for (size_t size = 1; size < sizeof(packet) + 16; size++) {
		at = 0;
		assert_int_equal(ring_read(copy, size, &at, &packet, &part), -EBADMSG);
	}
	at = 0;
	assert_int_equal(ring_read(copy, sizeof(packet) + 16, &at, &packet, &part), 1);
	copy[offsetof(struct ring_packet, magic)] = 0;
	at = 0;
	assert_int_equal(ring_read(copy, sizeof(copy), &at, &packet, &part), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits),
		cmocka_unit_test(newest_stay),
		cmocka_unit_test(bytes_of_anyone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
