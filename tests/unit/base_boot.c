// Deadlines of this boot and of another.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/boot.h"

static void this_boot(void **state)
{
	struct boot_moment moment, again;
	char text[BOOT_TEXT_MAX + 1];
	(void)state;
	assert_int_equal(boot_deadline(60 * 1000000ULL, &moment), 0);
	uint64_t left = boot_left_usec(&moment);
	assert_true(left > 0 && left <= 60 * 1000000ULL);
	boot_text(&moment, text);
	assert_int_equal(boot_parse(text, &again), 0);
	assert_string_equal(again.boot, moment.boot);
	assert_int_equal(again.usec, moment.usec);
	moment.usec = boot_now_usec();
	assert_int_equal(boot_left_usec(&moment), 0);
}

static void another_boot(void **state)
{
	struct boot_moment moment;
	(void)state;
	assert_int_equal(boot_deadline(60 * 1000000ULL, &moment), 0);
	moment.boot[0] = moment.boot[0] == 'a' ? 'b' : 'a';
	assert_int_equal(boot_left_usec(&moment), 0);
	moment = (struct boot_moment){ .usec = UINT64_MAX };
	assert_int_equal(boot_left_usec(&moment), 0);
}

static const struct {
	const char *text;
	int result;
} texts[] = {
	{ "0d9cbe31-9a52-4c5c-9d2e-6d43b3f5a6c1 0", 0 },
	{ "0d9cbe31-9a52-4c5c-9d2e-6d43b3f5a6c1 18446744073709551615", 0 },
	{ "0d9cbe31-9a52-4c5c-9d2e-6d43b3f5a6c1 18446744073709551616", -22 },
	{ "0d9cbe31-9a52-4c5c-9d2e-6d43b3f5a6c1", -22 },
	{ "0d9cbe31-9a52-4c5c-9d2e-6d43b3f5a6c1 ", -22 },
	{ "0d9cbe31-9a52-4c5c-9d2e-6d43b3f5a6c1 -1", -22 },
	{ "0d9cbe31-9a52-4c5c-9d2e-6d43b3f5a6c1 1x", -22 },
	{ "0d9cbe31-9a52-4c5c-9d2e-6d43b3f5a6c1  1", -22 },
	{ "0d9cbe31-9a52-4c5c-9d2e-6d43b3f5a6c10 1", -22 },
	{ "../etc 1", -22 },
	{ " 1", -22 },
	{ "", -22 },
};

static void forms(void **state)
{
	struct boot_moment moment;
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(boot_parse(texts[i].text, &moment), texts[i].result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_boot),
		cmocka_unit_test(another_boot),
		cmocka_unit_test(forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
