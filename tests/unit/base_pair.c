// Pairs of bytes beside a naive search, at every place of stretches of every length.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pair.h"

enum { MOST = 700 };

static size_t naive(const uint8_t *bytes, size_t n, uint8_t a, uint8_t b)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (bytes[i] == a && bytes[i + 1] == b)
			return i;
	return n;
}

static void one_pair_anywhere(void **state)
{
	uint8_t bytes[MOST];
	(void)state;
	for (size_t n = 0; n <= MOST; n++) {
		memset(bytes, 'x', sizeof(bytes)); // what lies behind n may be the second half
		assert_int_equal(pair_find(bytes, n, '\n', '-'), n);
		for (size_t at = 0; at + 1 < n; at++) {
			bytes[at] = '\n';
			assert_int_equal(pair_find(bytes, n, '\n', '-'), n);
			bytes[at + 1] = '-';
			assert_int_equal(pair_find(bytes, n, '\n', '-'), at);
			bytes[at] = bytes[at + 1] = 'x';
		}
		if (n && n < MOST) {
			bytes[n - 1] = '\n';
			bytes[n] = '-';
			assert_int_equal(pair_find(bytes, n, '\n', '-'), n);
		}
	}
}

static void many_of_both(void **state)
{
	uint8_t bytes[MOST];
	uint32_t random = 7;
	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint32_t rare = 1 + (uint32_t)round % 400;
		for (size_t i = 0; i < MOST; i++) {
			random = random * 1103515245 + 12345;
			uint32_t value = (random >> 8) % (rare + 2);
			bytes[i] = value == 0 ? 'a' : value == 1 ? 'b' : 'c';
		}
		size_t from = random % 300, n = (random >> 10) % (MOST - from);
		assert_int_equal(pair_find(bytes + from, n, 'a', 'b'),
				 naive(bytes + from, n, 'a', 'b'));
		assert_int_equal(pair_find(bytes + from, n, 'a', 'a'),
				 naive(bytes + from, n, 'a', 'a'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_pair_anywhere),
		cmocka_unit_test(many_of_both),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
