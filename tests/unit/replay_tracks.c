// The table of connections against a list that is looked through: random packets of few hosts, so
// that most keys come again, in both directions, from several zones, and some are replaced.
// SEED chooses others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "replay/tracks.h"

enum { STEPS = 30000, LIST_MAX = 4096 };

struct twin { // one that is not replaced yet
	struct track_key key;
	uint16_t origin;
	bool strict, from_b;
	uint32_t index;
};

static uint64_t state;

static uint32_t pick(uint32_t n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(state >> 33) % n;
}

static struct addr pick_addr(enum addr_family family)
{
	return (struct addr){ family, family == ADDR_V4 ? 0x0a010000 + pick(12)
							: ((addr_bits)0xfd00 << 112) + pick(12) };
}

static bool same(const struct track_key *a, const struct track_key *b)
{
	return a->a == b->a && a->b == b->b && a->port_a == b->port_a && a->port_b == b->port_b &&
	       a->protocol == b->protocol && a->family == b->family;
}

static bool fits(const struct twin *twin, const struct track_key *key, uint16_t origin, bool from_b)
{
	bool other = twin->strict && twin->from_b == from_b && twin->origin != origin &&
		     origin != TRACK_ANYWHERE;

	return !other && same(&twin->key, key);
}

// The slow way.  Where several fit, any of them may be found.
static struct twin *look(struct twin *list, size_t n, const struct track_key *key, uint16_t origin,
			 bool from_b, uint32_t found)
{
	struct twin *any = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!fits(&list[i], key, origin, from_b))
			continue;
		any = &list[i];
		if (any->index == found)
			return any;
	}
	return any;
}

static void agrees_with_a_list(void **arg)
{
	static struct twin list[LIST_MAX];
	static const uint64_t seed[4] = { 1, 22, 333, 4444 };
	const char *wanted = getenv("SEED");
	uint64_t begun = wanted ? strtoull(wanted, NULL, 10) : (uint64_t)time(NULL);
	struct tracks tracks;
	size_t n = 0, again = 0;

	(void)arg;
	state = begun;
	print_message("SEED=%llu\n", (unsigned long long)begun);
	track_init(&tracks, seed);
	tracks.max = LIST_MAX;
	for (int step = 0; step < STEPS; step++) {
		enum addr_family family = pick(2) ? ADDR_V4 : ADDR_V6;
		struct addr source = pick_addr(family), destination = pick_addr(family);
		struct track_key key;
		bool from_b = track_make_key(&key, &source, &destination, pick(2) ? 6 : 17,
					     (uint16_t)pick(4), (uint16_t)pick(4));
		uint16_t origin = pick(4) ? (uint16_t)pick(3) : (uint16_t)TRACK_ANYWHERE;
		uint64_t hash = track_hash(&tracks, &key);
		uint32_t found = track_find(&tracks, &key, hash, origin, from_b);
		struct twin *twin = look(list, n, &key, origin, from_b, found);

		assert_int_equal(found, twin ? twin->index : TRACK_NONE);
		again += twin != NULL;
		if (twin && pick(20))
			continue;

		// One more, or one in place of what was found.
		uint32_t index = track_add(&tracks, &key, hash, found);

		if (index == TRACK_NONE) {
			assert_int_equal(tracks.n, LIST_MAX);
			continue;
		}
		if (!twin)
			twin = &list[n++];
		*twin = (struct twin){ key, origin, origin != TRACK_ANYWHERE && pick(2), from_b,
				       index };
		track_at(&tracks, index)->origin = origin;
		track_at(&tracks, index)->flags = (uint8_t)((from_b ? CONNECTION_FROM_B : 0) |
							    (twin->strict ? CONNECTION_STRICT : 0));
	}
	assert_true(again > 1000);
	track_done(&tracks);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(agrees_with_a_list) };

	return cmocka_run_group_tests_name("tracks", tests, NULL, NULL);
}
