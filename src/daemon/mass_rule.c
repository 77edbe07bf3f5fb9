#include "daemon/mass_rule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "inspect/mail_stops.h"

enum { NUMBERS = 11, OVER_MAX = 1000000, TIMES_MAX = 1000, SOURCES_MAX = 200 };

int mass_rule_write(const char *guard, const struct plan_mail_mass *limit, char *out, size_t size)
{
	const struct plan_mail mail = { .mass = limit, .n_mass = 1 };
	const struct plan_guard one = {
		.id = guard, .title = "", .protocol = "smtp", .mail = &mail
	};
	char *words = plan_guard_said(&one, PLAN_GUARD_MASS);
	int n = snprintf(out, size,
			 "%s %u %u %u %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32
			 " %u %u %" PRIu32 " %s",
			 guard, limit->by, limit->stops, limit->direction, limit->over,
			 limit->seconds, limit->times, limit->at_least, limit->sources,
			 limit->recipients, limit->alarm, limit->for_seconds, words ? words : "");

	free(words);
	return n < 0 || (size_t)n >= size ? -E2BIG : 0;
}

static bool read_numbers(const char **at, uint32_t v[NUMBERS])
{
	for (size_t i = 0; i < NUMBERS; i++) {
		unsigned long number;
		char *end;

		if (**at < '0' || **at > '9')
			return false;
		number = strtoul(*at, &end, 10);
		if (*end != ' ' || number > UINT32_MAX)
			return false;
		v[i] = (uint32_t)number;
		*at = end + 1;
	}
	return true;
}

static bool is_sound(const uint32_t v[NUMBERS])
{
	return v[0] <= PLAN_MASS_DIRECTION && v[1] <= PLAN_MASS_ALL && v[2] <= PLAN_MAIL_OUT &&
	       v[3] <= OVER_MAX && v[4] > 0 && v[4] <= 86400 && v[5] <= TIMES_MAX &&
	       v[6] <= OVER_MAX && (v[3] || (v[5] && v[6] && v[4] == 3600)) &&
	       v[7] <= SOURCES_MAX && v[8] <= 1 && v[9] <= 1;
}

int mass_rule_read(const char *line, struct mass_rule *ret)
{
	const char *at = strchr(line, ' ');
	uint32_t v[NUMBERS];

	if (!at || at == line || (size_t)(at - line) >= MASS_GUARD_MAX)
		return -EBADMSG;
	*ret = (struct mass_rule){ .hash = file_sum(line, strlen(line)) };
	memcpy(ret->guard, line, (size_t)(at - line));
	at++;
	if (!read_numbers(&at, v) || !is_sound(v))
		return -EBADMSG;
	ret->limit = (struct plan_mail_mass){
		.by = v[0],
		.stops = v[1],
		.direction = v[2],
		.over = v[3],
		.seconds = v[4],
		.times = v[5],
		.at_least = v[6],
		.sources = v[7],
		.recipients = v[8],
		.alarm = v[9],
		.for_seconds = v[10],
	};
	ret->directions = v[2] == PLAN_MAIL_IN	  ? MAIL_IN
			  : v[2] == PLAN_MAIL_OUT ? MAIL_OUT
						  : MAIL_BOTH_WAYS;
	snprintf(ret->words, sizeof(ret->words), "%s", at);
	return 0;
}
