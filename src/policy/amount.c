#include "policy/amount.h"

#include <stddef.h>
#include <string.h>

enum { DIGITS_MAX = 13 }; // of AMOUNT_SIZE_MAX

// The digits at the beginning; NULL: none, too many, or a needless zero before them.
static const char *take_number(const char *text, uint64_t *ret)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > DIGITS_MAX || text[0] == '0')
		return NULL;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret * 10 + (uint64_t)(text[i] - '0');
	return text + n;
}

bool amount_size(const char *text, uint64_t *ret_bytes)
{
	static const struct {
		const char *word;
		uint64_t bytes;
	} units[] = {
		{ "KB", 1000 },	 { "MB", 1000 * 1000 },	 { "GB", 1000 * 1000 * 1000 },
		{ "KiB", 1024 }, { "MiB", 1024 * 1024 }, { "GiB", 1024 * 1024 * 1024 },
	};
	uint64_t number;
	const char *unit = take_number(text, &number);

	if (!unit)
		return false;
	unit += *unit == ' ';
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].word, unit) != 0)
			continue;
		if (number > AMOUNT_SIZE_MAX / units[i].bytes)
			return false;
		*ret_bytes = number * units[i].bytes;
		return true;
	}
	return false;
}

bool amount_rate(const char *text, uint32_t *ret_number, uint32_t *ret_seconds)
{
	static const struct {
		const char *word;
		uint32_t seconds;
	} units[] = { { "/s", 1 }, { "/min", 60 }, { "/h", 3600 }, { "/day", 86400 } };
	uint64_t number;
	const char *unit = take_number(text, &number);

	if (!unit || number > AMOUNT_RATE_MAX)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].word, unit) != 0)
			continue;
		*ret_number = (uint32_t)number;
		*ret_seconds = units[i].seconds;
		return true;
	}
	return false;
}
