// A table's age.
#include "geo/known.h"

#include <stdio.h>
#include <time.h>

void geo_day(uint64_t epoch, char out[16])
{
	time_t when = (time_t)epoch;
	struct tm tm;

	if (epoch > (uint64_t)1 << 40 || !gmtime_r(&when, &tm) ||
	    !strftime(out, 16, "%Y-%m-%d", &tm))
		snprintf(out, 16, "?");
}

void geo_known_set(struct geo_known *known, const char *name, const struct geo_table *table,
		   uint64_t now, unsigned max_age_days)
{
	uint64_t built = table->head->build_epoch;
	char day[16];

	*known = (struct geo_known){ .table = *table };
	geo_day(built, day);
	if (built > now + GEO_FUTURE_SECONDS || built > (uint64_t)1 << 40) {
		known->fault = SK_COUNTRY_STALE;
		snprintf(
			known->why, sizeof(known->why),
			"%s says that it was made on %s, which is yet to come; is the clock right?",
			name, day);
	} else if (built + (uint64_t)max_age_days * 24 * 3600 < now) {
		known->fault = SK_COUNTRY_STALE;
		snprintf(known->why, sizeof(known->why),
			 "%s was made on %s, %llu days ago, and may be %u days old", name, day,
			 (unsigned long long)((now - built) / (24 * 3600)), max_age_days);
	}
}

void geo_known_none(struct geo_known *known, const char *name, const char *why)
{
	*known = (struct geo_known){ .fault = SK_COUNTRY_DATABASE };
	snprintf(known->why, sizeof(known->why), "%s: %s", name, why);
}
