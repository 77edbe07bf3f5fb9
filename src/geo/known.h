// What is known of countries when a policy is planned: a table that may be used, or why there is
// none.
#ifndef SEKISHO_GEO_KNOWN_H
#define SEKISHO_GEO_KNOWN_H

#include "base/diag.h"
#include "geo/table.h"

enum {
	GEO_WHY_MAX = 512,
	GEO_AGE_DAYS = 60, // that a database may have, unless the box file says otherwise
	// How far a database may have been made in the future, by the box's clock.
	GEO_FUTURE_SECONDS = 2 * 24 * 3600,
};

struct geo_known {
	struct geo_table table;
	enum diag_code fault; // 0: the table may be used
	char why[GEO_WHY_MAX];
};

// name: of the database, for messages.  now: seconds since 1970.
void geo_known_set(struct geo_known *known, const char *name, const struct geo_table *table,
		   uint64_t now, unsigned max_age_days);
// There is no table: why.
void geo_known_none(struct geo_known *known, const char *name, const char *why);

// "2026-06-17", UTC.
void geo_day(uint64_t epoch, char out[16]);

#endif
