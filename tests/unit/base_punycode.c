// Punycode by the samples of RFC 3492, and beside libidn2.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "base/punycode.h"
#include "base/text.h"

enum { LABEL_MAX = 80, ROUNDS = 20000 };

static size_t points_of(const char *text, uint32_t points[LABEL_MAX])
{
	size_t n = 0;

	while (*text && n < LABEL_MAX)
		points[n++] = text_next(&text);
	return n;
}

// RFC 3492 section 7.1, those in small letters.
static const struct {
	const char *text, *code;
} samples[] = {
	{ "他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye" },
	{ "なぜみんな日本語を話してくれないのか", "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa" },
	{ "3年b組金八先生", "3b-ww4c5e180e575a65lsy2b" },
	{ "ひとつ屋根の下2", "2-u9tlzr9756bt3uc0v" },
	{ "パフィーdeルンバ", "de-jg4avhby1noc0d" },
	{ "そのスピードで", "d9juau41awczczp" },
};

static void rfc_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		uint32_t points[LABEL_MAX];
		char out[PUNYCODE_LABEL_MAX + 1];
		size_t n = points_of(samples[i].text, points);

		assert_int_equal(punycode_encode(points, n, out), strlen(samples[i].code));
		assert_string_equal(out, samples[i].code);
	}
}

static uint64_t seed = 20261127;

static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static uint32_t random_point(void)
{
	switch (below(5)) {
	case 0:
		return 'a' + below(26);
	case 1:
		return '0' + below(10);
	case 2:
		return 0x3041 + below(0x3096 - 0x3041 + 1);
	case 3:
		return 0x30a1 + below(0x30fa - 0x30a1 + 1);
	default:
		return 0x4e00 + below(0x9fa5 - 0x4e00 + 1);
	}
}

static void as_libidn2(void **state)
{
	const char *given = getenv("SEED");
	unsigned longest = 0;

	(void)state;
	seed = given ? strtoull(given, NULL, 10) : seed;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t points[LABEL_MAX + 1] = { 0 };
		char out[PUNYCODE_LABEL_MAX + 1] = "";
		unsigned n = 1 + below(24);
		char *expected = NULL;
		int r, theirs;

		points[0] = 0x6f22; // at least one of them is no ASCII letter
		for (unsigned i = 1; i < n; i++)
			points[i] = random_point();
		r = punycode_encode(points, n, out);
		theirs = idn2_to_ascii_4z(points, &expected, IDN2_NO_TR46);
		if (r < 0 || r > PUNYCODE_LABEL_MAX - 4) { // with "xn--"
			assert_int_not_equal(theirs, IDN2_OK);
			continue;
		}
		assert_int_equal(theirs, IDN2_OK);
		assert_string_equal(expected + 4, out);
		longest = n > longest ? n : longest;
		idn2_free(expected);
	}
	assert_true(longest > 12);
}

static void too_long(void **state)
{
	uint32_t points[PUNYCODE_LABEL_MAX + 1];
	char out[PUNYCODE_LABEL_MAX + 1];

	(void)state;
	for (size_t i = 0; i <= PUNYCODE_LABEL_MAX; i++)
		points[i] = 'a';
	assert_int_equal(punycode_encode(points, PUNYCODE_LABEL_MAX - 1, out), PUNYCODE_LABEL_MAX);
	assert_int_equal(punycode_encode(points, PUNYCODE_LABEL_MAX, out), -ERANGE);
	assert_int_equal(punycode_encode(points, PUNYCODE_LABEL_MAX + 1, out), -ERANGE);
	points[0] = 0x10ffff;
	assert_int_equal(punycode_encode(points, PUNYCODE_LABEL_MAX, out), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_samples),
		cmocka_unit_test(as_libidn2),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
