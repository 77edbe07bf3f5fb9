// Which records to show.
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/log.h"
#include "event/json.h"
#include "keep/chain.h"

static int ago(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || !end[0] || end[1] || number > 1000000000)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].unit == end[0]) {
			uint64_t usec = number * units[i].seconds * 1000000;

			*ret_usec = usec < now_usec ? now_usec - usec : 0;
			return 0;
		}
	return -EINVAL;
}

int log_moment(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
	static const char *const forms[] = {
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d",	     "%H:%M:%S",	  "%H:%M"
	};
	time_t now = (time_t)(now_usec / 1000000);

	if (event_parse_time(text, strlen(text), ret_usec) == 0 ||
	    ago(text, now_usec, ret_usec) == 0)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm;
		const char *end;

		localtime_r(&now, &tm);
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		end = strptime(text, forms[i], &tm);
		if (!end || *end)
			continue;
		tm.tm_isdst = -1;
		time_t seconds = mktime(&tm);

		if (seconds < 0)
			return -EINVAL;
		*ret_usec = (uint64_t)seconds * 1000000;
		return 0;
	}
	return -EINVAL;
}

static bool read_moment(const struct cli *cli, cli_options option, const char *name,
			uint64_t *ret_usec)
{
	const char *text = cli_value(cli, option);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!text || log_moment(text, (uint64_t)now.tv_sec * 1000000, ret_usec) == 0)
		return true;
	fprintf(stderr,
		"sekisho log: %s \"%s\" is no time; write 2026-11-26, \"2026-11-26 14:00\", 14:00, "
		"or 2h for two hours ago\n",
		name, text);
	return false;
}

bool log_filter_read(const struct cli *cli, struct log_filter *ret)
{
	*ret = (struct log_filter){
		.type = cli_value(cli, OPT_TYPE),
		.zone = cli_value(cli, OPT_ZONE),
		.flow = cli_value(cli, OPT_FLOW),
		.actor = cli_value(cli, OPT_ACTOR),
	};
	return read_moment(cli, OPT_SINCE, "--since", &ret->since_usec) &&
	       read_moment(cli, OPT_UNTIL, "--until", &ret->until_usec);
}

static bool is(const char *line, size_t length, const char *name, const char *wanted)
{
	const char *value;
	size_t n;

	return chain_member(line, length, name, &value, &n) && n == strlen(wanted) &&
	       memcmp(value, wanted, n) == 0;
}

static bool is_type(const char *line, size_t length, const char *pattern)
{
	const char *value;
	char name[64];
	size_t n;

	if (!chain_member(line, length, "event", &value, &n) || n >= sizeof(name))
		return false;
	memcpy(name, value, n);
	name[n] = '\0';
	return fnmatch(pattern, name, 0) == 0;
}

static bool is_then(const struct log_filter *filter, const char *line, size_t length)
{
	const char *value;
	size_t n;
	uint64_t usec;

	if (!filter->since_usec && !filter->until_usec)
		return true;
	if (!chain_member(line, length, "time", &value, &n) ||
	    event_parse_time(value, n, &usec) < 0)
		return false;
	return usec >= filter->since_usec && (!filter->until_usec || usec < filter->until_usec);
}

bool log_filter_takes(const struct log_filter *filter, const char *line, size_t length)
{
	if (filter->type && !is_type(line, length, filter->type))
		return false;
	if (filter->flow && !is(line, length, "flow", filter->flow))
		return false;
	if (filter->zone && !is(line, length, "from", filter->zone) &&
	    !is(line, length, "to", filter->zone) && !is(line, length, "zone", filter->zone))
		return false;
	if (filter->actor && !is(line, length, "actor", filter->actor) &&
	    !is(line, length, "uid", filter->actor) &&
	    !is(line, length, "login_uid", filter->actor))
		return false;
	return is_then(filter, line, length);
}
