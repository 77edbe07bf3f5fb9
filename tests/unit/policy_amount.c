// Sizes and rates as policies write them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/amount.h"

static const struct {
	const char *text;
	uint64_t bytes; // 0: no size
} sizes[] = {
	{ "1KB", 1000 },
	{ "20MB", 20000000 },
	{ "20 MB", 20000000 },
	{ "3GB", UINT64_C(3000000000) },
	{ "1KiB", 1024 },
	{ "20MiB", 20971520 },
	{ "1GiB", 1073741824 },
	{ "1024GiB", AMOUNT_SIZE_MAX },
	{ "1025GiB", 0 },
	{ "1099511627KB", UINT64_C(1099511627000) },
	{ "1099511628KB", 0 },
	{ "9999999999999KB", 0 },
	{ "99999999999999KB", 0 },
	{ "", 0 },
	{ "MB", 0 },
	{ "20", 0 },
	{ "20M", 0 },
	{ "20B", 0 },
	{ "20mb", 0 },
	{ "20Mib", 0 },
	{ "20  MB", 0 },
	{ " 20MB", 0 },
	{ "20MB ", 0 },
	{ "020MB", 0 },
	{ "0MB", 0 },
	{ "-1MB", 0 },
	{ "1.5MB", 0 },
	{ "20MBs", 0 },
	{ "20TB", 0 },
};

static void reads_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t bytes = 7;

		if (amount_size(sizes[i].text, &bytes) != (sizes[i].bytes != 0) ||
		    bytes != (sizes[i].bytes ? sizes[i].bytes : 7))
			fail_msg("\"%s\" read as %llu", sizes[i].text, (unsigned long long)bytes);
	}
}

static const struct {
	const char *text;
	uint32_t number, seconds; // 0: no rate
} rates[] = {
	{ "1/s", 1, 1 },
	{ "30/min", 30, 60 },
	{ "100/h", 100, 3600 },
	{ "1000000/day", 1000000, 86400 },
	{ "1000001/day", 0, 0 },
	{ "0/h", 0, 0 },
	{ "", 0, 0 },
	{ "/h", 0, 0 },
	{ "30", 0, 0 },
	{ "30/", 0, 0 },
	{ "30/m", 0, 0 },
	{ "30/hour", 0, 0 },
	{ "30 /h", 0, 0 },
	{ "30/ h", 0, 0 },
	{ "030/h", 0, 0 },
	{ "99999999999999999999/h", 0, 0 },
};

static void reads_rates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint32_t number = 0, seconds = 0;

		if (amount_rate(rates[i].text, &number, &seconds) != (rates[i].number != 0) ||
		    number != rates[i].number || seconds != rates[i].seconds)
			fail_msg("\"%s\" read as %u in %u", rates[i].text, number, seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_sizes),
		cmocka_unit_test(reads_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
