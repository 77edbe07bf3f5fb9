// Durations and moments.
#include "cli/times.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

int times_duration(const char *text, uint64_t *ret_seconds)
{
	static const char units[] = "smh";
	static const unsigned factors[] = { 1, 60, 3600 };
	uint64_t number = 0;
	size_t digits = strspn(text, "0123456789");
	const char *unit;

	if (strcmp(text, "off") == 0) {
		*ret_seconds = 0;
		return 0;
	}
	if (digits == 0 || digits > 7)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	unit = text[digits] ? strchr(units, text[digits]) : units;
	if (!unit || (text[digits] && text[digits + 1]))
		return -EINVAL;
	*ret_seconds = number * factors[unit - units];
	return 0;
}

static int parse_whole(const char *text, struct tm *tm)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
					       "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const char *end;

		memset(tm, 0, sizeof(*tm));
		end = strptime(text, formats[i], tm);
		if (end && !*end)
			return 0;
	}
	return -EINVAL;
}

// Today, or tomorrow when it is later already.
static int parse_clock(const char *text, struct tm *tm)
{
	time_t now = time(NULL);
	struct tm read = { 0 };
	const char *end = strptime(text, "%H:%M", &read);

	if (!end || *end)
		return -EINVAL;
	localtime_r(&now, tm);
	if (read.tm_hour * 60 + read.tm_min <= tm->tm_hour * 60 + tm->tm_min)
		tm->tm_mday++;
	tm->tm_hour = read.tm_hour;
	tm->tm_min = read.tm_min;
	tm->tm_sec = 0;
	return 0;
}

int times_moment(const char *text, uint64_t *ret_usec)
{
	struct tm tm;
	time_t seconds;

	if (parse_whole(text, &tm) < 0 && parse_clock(text, &tm) < 0)
		return -EINVAL;
	tm.tm_isdst = -1;
	seconds = mktime(&tm);
	if (seconds <= 0)
		return -EINVAL;
	*ret_usec = (uint64_t)seconds * 1000000;
	return 0;
}
