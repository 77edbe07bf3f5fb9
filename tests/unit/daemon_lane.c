// The ferry and an inspector over shared memory: packets go and come, and whatever an inspector
// writes there, each packet gets one verdict or the inspector is found out.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "daemon/cargo.h"

enum { VANDAL_MS = 20000 };

struct bed {
	int fd, bell, ferry_bell;
	struct lane *lane; // the inspector's
	struct cargo *cargo;
	uint32_t next_id;
};

static const uint8_t packet4[] = { 0x45, 0, 0,	 40, 0,	   0,  0,    0,	   64, 6,  0, 0, 10, 20,
				   0,	 9, 192, 0,  2,	   25, 0x9c, 0x40, 0,  25, 0, 0, 0,  0,
				   0,	 0, 0,	 0,  0x50, 2,  0,    0,	   0,  0,  0, 0 };

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct lane *lane;
	assert_non_null(bed);
	assert_int_equal(lane_make(&bed->fd), 0);
	bed->bell = eventfd(0, EFD_NONBLOCK);
	bed->ferry_bell = eventfd(0, EFD_NONBLOCK);
	assert_int_equal(lane_open(bed->fd, bed->bell, bed->ferry_bell, true, &lane), 0);
	assert_int_equal(cargo_new(lane, &bed->cargo), 0);
	assert_int_equal(lane_open(bed->fd, bed->ferry_bell, bed->bell, false, &bed->lane), 0);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	cargo_free(bed->cargo);
	lane_close(bed->lane);
	close(bed->fd);
	close(bed->bell);
	close(bed->ferry_bell);
	free(bed);
	return 0;
}

static uint32_t load(struct bed *bed)
{
	uint32_t slot = cargo_reserve(bed->cargo);
	struct queue_packet packet = {
		.id = ++bed->next_id,
		.mark = 7,
		.size = sizeof(packet4),
		.offset = 100,
		.first = packet4,
		.n_first = sizeof(packet4),
	};
	memcpy(lane_slot(cargo_lane(bed->cargo), slot) + packet.offset, packet4, sizeof(packet4));
	cargo_load(bed->cargo, slot, &packet, bed->next_id, 1000);
	lane_publish(cargo_lane(bed->cargo));
	return slot;
}

static void say(struct bed *bed, uint32_t slot, uint32_t fate, uint32_t size, uint32_t bits)
{
	const struct lane_answer answer = { slot, fate, size, bits };
	lane_answer(bed->lane, &answer);
	lane_publish(bed->lane);
}

static void packets_go_and_come(void **state)
{
	struct bed *bed = *state;
	size_t room = cargo_room(bed->cargo);
	struct lane_answer answer;
	struct lane_task task;
	assert_int_equal(room, LANE_SLOTS);
	for (int round = 0; round < 5000; round++) {
		uint32_t slot = load(bed);
		assert_true(lane_take(bed->lane, &task));
		assert_false(lane_take(bed->lane, &(struct lane_task){ 0 }));
		assert_int_equal(task.slot, slot);
		assert_int_equal(task.size, sizeof(packet4));
		assert_memory_equal(lane_slot(bed->lane, slot) + task.offset, packet4, task.size);
		say(bed, slot, FLIGHT_ACCEPT, 0, 0);
		assert_int_equal(cargo_hear(bed->cargo, &answer), 1);
		assert_int_equal(cargo_packet(bed->cargo, slot)->id, bed->next_id);
		cargo_unload(bed->cargo, slot);
	}
	assert_int_equal(cargo_hear(bed->cargo, &answer), 0);
	assert_int_equal(cargo_room(bed->cargo), room);
}

static void all_slots_out_and_held(void **state)
{
	struct bed *bed = *state;
	uint32_t slots[LANE_SLOTS];
	struct lane_answer answer;
	for (int i = 0; i < LANE_SLOTS; i++)
		slots[i] = load(bed);
	assert_int_equal(cargo_room(bed->cargo), 0);
	for (int i = 0; i < LANE_SLOTS; i++)
		say(bed, slots[i], FLIGHT_HOLD, 0, 0);
	for (int i = LANE_SLOTS; i-- > 0;)
		say(bed, slots[i], FLIGHT_DROP, 0, 0);
	for (int i = 0; i < LANE_SLOTS; i++)
		assert_int_equal(cargo_hear(bed->cargo, &answer), 1);
	assert_int_equal(cargo_held(bed->cargo), LANE_SLOTS);
	for (int i = 0; i < LANE_SLOTS; i++) {
		assert_int_equal(cargo_hear(bed->cargo, &answer), 1);
		cargo_unload(bed->cargo, answer.slot);
	}
	assert_int_equal(cargo_held(bed->cargo), 0);
	assert_int_equal(cargo_room(bed->cargo), LANE_SLOTS);
}

// --- nonsense

static void slot_beyond(struct bed *bed, uint32_t slot)
{
	(void)slot;
	say(bed, LANE_SLOTS, FLIGHT_ACCEPT, 0, 0);
}

static void slot_far_beyond(struct bed *bed, uint32_t slot)
{
	(void)slot;
	say(bed, UINT32_MAX, FLIGHT_DROP, 0, 0);
}

static void slot_not_out(struct bed *bed, uint32_t slot)
{
	say(bed, (slot + 1) % LANE_SLOTS, FLIGHT_ACCEPT, 0, 0);
}

static void fate_pending(struct bed *bed, uint32_t slot)
{
	say(bed, slot, FLIGHT_PENDING, 0, 0);
}

static void fate_unknown(struct bed *bed, uint32_t slot)
{
	say(bed, slot, 77, 0, 0);
}

static void bits_unknown(struct bed *bed, uint32_t slot)
{
	say(bed, slot, FLIGHT_ACCEPT, 0, 8);
}

static void size_beyond_room(struct bed *bed, uint32_t slot)
{
	say(bed, slot, FLIGHT_ACCEPT, LANE_SLOT_BYTES, LANE_CHANGED);
}

static void size_beyond_verdict(struct bed *bed, uint32_t slot)
{
	say(bed, slot, FLIGHT_ACCEPT, QUEUE_PACKET_MAX + 1, LANE_CHANGED);
}

static void size_none(struct bed *bed, uint32_t slot)
{
	say(bed, slot, FLIGHT_ACCEPT, 0, LANE_CHANGED);
}

static void twice(struct bed *bed, uint32_t slot)
{
	struct lane_answer answer;
	say(bed, slot, FLIGHT_ACCEPT, 0, 0);
	assert_int_equal(cargo_hear(bed->cargo, &answer), 1);
	cargo_unload(bed->cargo, slot);
	say(bed, slot, FLIGHT_ACCEPT, 0, 0);
}

static void held_twice(struct bed *bed, uint32_t slot)
{
	struct lane_answer answer;
	say(bed, slot, FLIGHT_HOLD, 0, 0);
	assert_int_equal(cargo_hear(bed->cargo, &answer), 1);
	say(bed, slot, FLIGHT_HOLD, 0, 0);
}

static void out_of_turn(struct bed *bed, uint32_t slot)
{
	(void)slot;
	say(bed, load(bed), FLIGHT_ACCEPT, 0, 0);
}

// Far more answers than the ring has.
static void ring_overrun(struct bed *bed, uint32_t slot)
{
	const struct lane_answer answer = { slot, FLIGHT_ACCEPT, 0, 0 };
	for (int i = 0; i < LANE_ANSWERS + 1; i++)
		lane_answer(bed->lane, &answer);
	lane_publish(bed->lane);
}

static void nonsense_is_found_out(void **state)
{
	void (*const kinds[])(struct bed *, uint32_t) = {
		slot_beyond,	     slot_far_beyond,  slot_not_out, fate_pending, fate_unknown,
		bits_unknown,	     size_beyond_room, size_none,    twice,	   held_twice,
		size_beyond_verdict, out_of_turn,      ring_overrun,
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct bed *bed;
		struct lane_answer answer;
		void *own;
		setup(&own);
		bed = own;
		kinds[i](bed, load(bed));
		if (cargo_hear(bed->cargo, &answer) != -EBADMSG)
			fail_msg("kind %zu", i);
		teardown(&own);
	}
	(void)state;
}

// An inspector that writes at random into all that is shared, while the ferry works.
struct vandal {
	uint8_t *memory;
	size_t size;
	volatile bool ends;
};

static void *vandalise(void *arg)
{
	struct vandal *vandal = arg;
	uint32_t seed = 1;
	while (!vandal->ends) {
		seed = seed * 1664525 + 1013904223;
		// Mostly the rings, which lie at the beginning.
		vandal->memory[(seed >> 8) % (seed & 1 ? 65536 : vandal->size)] = (uint8_t)seed;
	}
	return NULL;
}

static void any_bytes_at_any_time(void **state)
{
	struct bed *bed = *state;
	struct vandal vandal = { .size = (size_t)lseek(bed->fd, 0, SEEK_END) };
	unsigned found_out = 0, verdicts = 0;
	pthread_t thread;
	vandal.memory = mmap(NULL, vandal.size, PROT_READ | PROT_WRITE, MAP_SHARED, bed->fd, 0);
	assert_true(vandal.memory != MAP_FAILED);
	assert_int_equal(pthread_create(&thread, NULL, vandalise, &vandal), 0);
	// On a busy machine the other thread may be late.
	uint64_t until = monotonic_ms() + VANDAL_MS;
	for (int round = 0; round < 20000 || (!found_out && monotonic_ms() < until); round++) {
		struct lane_answer answer;
		int r;
		if (cargo_room(bed->cargo) > LANE_SLOTS / 2)
			load(bed);
		for (int i = 0; i < 8 && (r = cargo_hear(bed->cargo, &answer)) != 0; i++) {
			if (r < 0) {
				found_out++;
				break;
			}
			assert_true(answer.slot < LANE_SLOTS);
			assert_int_not_equal(cargo_packet(bed->cargo, answer.slot)->place,
					     CARGO_FREE);
			if (answer.fate != FLIGHT_HOLD) {
				cargo_unload(bed->cargo, answer.slot);
				verdicts++;
			}
		}
		lane_may_sleep(cargo_lane(bed->cargo));
		lane_wake(cargo_lane(bed->cargo));
		lane_still(cargo_lane(bed->cargo));
	}
	vandal.ends = true;
	pthread_join(thread, NULL);
	munmap(vandal.memory, vandal.size);
	assert_true(found_out > 0);
	assert_true(verdicts <= bed->next_id);
}

static void silence_is_noticed(void **state)
{
	struct bed *bed = *state;
	struct lane_answer answer;
	uint32_t slot = load(bed); // at 1000
	assert_null(cargo_overdue(bed->cargo, 1000 + CARGO_ANSWER_MS));
	assert_non_null(cargo_overdue(bed->cargo, 1001 + CARGO_ANSWER_MS));
	say(bed, slot, FLIGHT_HOLD, 0, 0);
	assert_int_equal(cargo_hear(bed->cargo, &answer), 1);
	assert_null(cargo_overdue(bed->cargo, 1000 + CARGO_HOLD_MS));
	assert_non_null(cargo_overdue(bed->cargo, 1001 + CARGO_HOLD_MS));
}

static bool rings(int bell)
{
	struct pollfd fd = { .fd = bell, .events = POLLIN };
	return poll(&fd, 1, 0) == 1;
}

static void only_sleepers_are_woken(void **state)
{
	struct bed *bed = *state;
	struct lane_task task;
	load(bed);
	assert_false(rings(bed->bell)); // it does not sleep
	assert_false(lane_may_sleep(bed->lane));
	assert_true(lane_take(bed->lane, &task));
	assert_true(lane_may_sleep(bed->lane));
	load(bed);
	assert_true(rings(bed->bell));
	lane_wake(bed->lane);
	lane_still(bed->lane);
	assert_false(rings(bed->bell));
	load(bed);
	assert_false(rings(bed->bell));
}

// --- packets that were changed

static void other(uint8_t *bytes, size_t at, bool fine)
{
	struct cargo_packet packet = { .n_face = sizeof(packet4) };
	uint8_t copy[sizeof(packet4)];
	memcpy(packet.face, packet4, sizeof(packet4));
	memcpy(copy, bytes, sizeof(copy));
	copy[at] ^= 1;
	if (cargo_is_same(&packet, copy, sizeof(copy)) != fine)
		fail_msg("byte %zu", at);
}

static void a_changed_packet_is_of_its_connection(void **state)
{
	struct cargo_packet packet = { .n_face = sizeof(packet4) };
	uint8_t longer[64] = { 0 };
	(void)state;
	memcpy(packet.face, packet4, sizeof(packet4));
	memcpy(longer, packet4, sizeof(packet4));
	assert_true(cargo_is_same(&packet, packet4, sizeof(packet4)));
	assert_false(cargo_is_same(&packet, packet4, sizeof(packet4) - 1));
	assert_false(cargo_is_same(&packet, longer, sizeof(longer))); // its length says 40
	longer[3] = sizeof(longer);
	assert_true(cargo_is_same(&packet, longer, sizeof(longer)));
	for (size_t at = 0; at < sizeof(packet4); at++) {
		bool kept = at == 0 || at == 2 || at == 3 || at == 6 || at == 7 || at == 9 ||
			    (at >= 12 && at < 24);
		other((uint8_t *)(uintptr_t)packet4, at, !kept);
	}
	assert_false(cargo_is_same(&packet, longer, 0));
	packet.n_face = 0;
	assert_false(cargo_is_same(&packet, packet4, sizeof(packet4)));
}

static void a_changed_packet_of_ipv6(void **state)
{
	struct cargo_packet packet = { .n_face = 64 };
	uint8_t bytes[64] = { 0x60, [5] = 24, [6] = 6, [7] = 64, [23] = 9, [39] = 25, [43] = 25 };
	(void)state;
	memcpy(packet.face, bytes, sizeof(bytes));
	assert_true(cargo_is_same(&packet, bytes, sizeof(bytes)));
	for (size_t at = 0; at < sizeof(bytes); at++) {
		bool kept = at == 4 || at == 5 || at == 6 || (at >= 8 && at < 44);
		bytes[at] ^= 1;
		if (cargo_is_same(&packet, bytes, sizeof(bytes)) == kept)
			fail_msg("byte %zu", at);
		bytes[at] ^= 1;
	}
}

// With options before TCP, the ports are behind them.
static void a_changed_packet_with_extension_headers(void **state)
{
	struct cargo_packet packet = { .n_face = 72 };
	uint8_t bytes[72] = { 0x60,	[5] = 32, [6] = 60, [7] = 64,  [23] = 9,   [39] = 25,
			      [40] = 6, [42] = 1, [43] = 4, [51] = 25, [60] = 0x50 };
	(void)state;
	memcpy(packet.face, bytes, sizeof(bytes));
	assert_true(cargo_is_same(&packet, bytes, sizeof(bytes)));
	for (size_t at = 40; at < sizeof(bytes); at++) {
		bytes[at] ^= 1;
		if (cargo_is_same(&packet, bytes, sizeof(bytes)) == (at < 52))
			fail_msg("byte %zu", at);
		bytes[at] ^= 1;
	}
}

static void memory_that_is_no_lane(void **state)
{
	struct bed *bed = *state;
	struct lane *lane;
	int fd = memfd_create("none", MFD_ALLOW_SEALING);
	assert_int_equal(lane_open(fd, bed->bell, bed->ferry_bell, true, &lane), -EBADMSG);
	assert_int_equal(ftruncate(fd, lseek(bed->fd, 0, SEEK_END)), 0);
	assert_int_equal(lane_open(fd, bed->bell, bed->ferry_bell, true, &lane), -EBADMSG);
	assert_int_equal(ftruncate(bed->fd, 4096), -1); // the size is sealed
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(packets_go_and_come, setup, teardown),
		cmocka_unit_test_setup_teardown(all_slots_out_and_held, setup, teardown),
		cmocka_unit_test(nonsense_is_found_out),
		cmocka_unit_test_setup_teardown(any_bytes_at_any_time, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_is_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(only_sleepers_are_woken, setup, teardown),
		cmocka_unit_test(a_changed_packet_is_of_its_connection),
		cmocka_unit_test(a_changed_packet_of_ipv6),
		cmocka_unit_test(a_changed_packet_with_extension_headers),
		cmocka_unit_test_setup_teardown(memory_that_is_no_lane, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
