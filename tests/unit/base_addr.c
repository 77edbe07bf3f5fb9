// Addresses, ranges and sets of them: text forms, arithmetic, and set algebra against a bitmap.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "base/addr.h"

static const struct {
	const char *text;
	int result;
	const char *shown; // NULL: as given
	int prefix;
} ranges[] = {
	{ "192.0.2.1", 0, NULL, 32 },
	{ "10.20.0.0/16", 0, NULL, 16 },
	{ "0.0.0.0/0", 0, NULL, 0 },
	{ "::/0", 0, NULL, 0 },
	{ "fd00:20::/32", 0, NULL, 32 },
	{ "2001:DB8:0:0::1", 0, "2001:db8::1", 128 },
	{ "10.0.0.1-10.0.0.9", 0, NULL, -1 },
	{ "10.0.0.0-10.0.0.255", 0, "10.0.0.0/24", 24 },
	{ "fd00::1-fd00::ff", 0, NULL, -1 },
	{ "10.0.0.9-10.0.0.1", -ERANGE, NULL, 0 },
	{ "10.0.0.1/24", -EDOM, NULL, 0 },
	{ "10.0.0.0/33", -ERANGE, NULL, 0 },
	{ "fd00::/129", -ERANGE, NULL, 0 },
	{ "10.0.0.1-fd00::1", -EXDEV, NULL, 0 },
	{ "10.0.0", -EINVAL, NULL, 0 },
	{ "10.0.0.01", -EINVAL, NULL, 0 },
	{ "10.0.0.0/", -EINVAL, NULL, 0 },
	{ "10.0.0.0/08", -EINVAL, NULL, 0 },
	{ "fe80::1%eth0", -EINVAL, NULL, 0 },
	{ "office", -EINVAL, NULL, 0 },
	{ "", -EINVAL, NULL, 0 },
};

static void range_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct addr_range range;
		char shown[ADDR_TEXT_MAX];
		int r = addr_range_parse(ranges[i].text, &range);

		assert_int_equal(r, ranges[i].result);
		if (r < 0)
			continue;
		assert_string_equal(addr_range_text(&range, shown),
				    ranges[i].shown ? ranges[i].shown : ranges[i].text);
		assert_int_equal(addr_range_prefix(&range), ranges[i].prefix);
	}
}

static void bytes_round_trip(void **state)
{
	struct addr addr;
	uint8_t bytes[16];

	(void)state;
	assert_int_equal(addr_parse("2001:db8::ff01", &addr), 0);
	addr_to_bytes(addr.family, addr.bits, bytes);
	assert_int_equal(bytes[0], 0x20);
	assert_int_equal(bytes[15], 0x01);
	assert_true(addr_from_bytes(ADDR_V6, bytes) == addr.bits);
}

struct covered {
	addr_bits next;
	unsigned count;
};

static void cover(void *arg, addr_bits bits, unsigned length)
{
	struct covered *covered = arg;

	assert_true(bits == covered->next);
	covered->next = bits + ((addr_bits)1 << (32 - length));
	covered->count++;
}

static void prefixes_tile_a_range(void **state)
{
	struct addr_range range = { ADDR_V4, 1, 14 };
	struct covered covered = { .next = 1 };

	(void)state;
	addr_range_prefixes(&range, cover, &covered);
	assert_true(covered.next == 15);
	assert_int_equal(covered.count, 6); // 1, 2-3, 4-7, 8-11, 12-13, 14
	covered = (struct covered){ .next = 0 };
	range = addr_range_any(ADDR_V4);
	addr_range_prefixes(&range, cover, &covered);
	assert_int_equal(covered.count, 1);
}

// Sets over the first 64 addresses agree with 64-bit masks.
static uint64_t mask_of(const struct addr_set *set)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < 64; i++)
		if (addr_set_contains(set, &(struct addr){ ADDR_V4, i }))
			mask |= (uint64_t)1 << i;
	for (size_t i = 1; i < set->n; i++)
		assert_true(set->v[i].family != set->v[i - 1].family ||
			    set->v[i].lo > set->v[i - 1].hi + 1);
	return mask;
}

static void random_set(struct addr_set *set)
{
	set->n = 0;
	for (int i = rand() % 5; i > 0; i--) {
		unsigned lo = (unsigned)rand() % 64;
		unsigned hi = lo + (unsigned)rand() % (64 - lo);

		addr_set_add(set, (struct addr_range){ ADDR_V4, lo, hi });
	}
}

static void set_algebra(void **state)
{
	struct addr_set a = { 0 };
	struct addr_set b = { 0 };
	struct addr_set c = { 0 };

	(void)state;
	srand(20261123);
	for (int round = 0; round < 2000; round++) {
		random_set(&a);
		random_set(&b);

		uint64_t ma = mask_of(&a);
		uint64_t mb = mask_of(&b);

		addr_set_copy(&c, &a);
		addr_set_union(&c, &b);
		assert_true(mask_of(&c) == (ma | mb));
		addr_set_copy(&c, &a);
		addr_set_subtract(&c, &b);
		assert_true(mask_of(&c) == (ma & ~mb));
		addr_set_copy(&c, &a);
		addr_set_intersect(&c, &b);
		assert_true(mask_of(&c) == (ma & mb));
		addr_set_copy(&c, &a);
		addr_set_complement(&c);
		assert_true(mask_of(&c) == ~ma);
		assert_true(addr_set_has_family(&c, ADDR_V6));
	}
	addr_set_done(&a);
	addr_set_done(&b);
	addr_set_done(&c);
}

static void set_edges(void **state)
{
	struct addr_set set = { 0 };

	(void)state;
	addr_set_add(&set, addr_range_any(ADDR_V6));
	addr_set_complement(&set);
	assert_int_equal(set.n, 1);
	assert_true(addr_range_is_any(&set.v[0]));
	assert_int_equal(set.v[0].family, ADDR_V4);
	addr_set_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range_texts),
		cmocka_unit_test(bytes_round_trip),
		cmocka_unit_test(prefixes_tile_a_range),
		cmocka_unit_test(set_algebra),
		cmocka_unit_test(set_edges),
	};

	return cmocka_run_group_tests_name("base_addr", tests, NULL, NULL);
}
