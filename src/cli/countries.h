// The database of countries that a command uses: of --countries, else of the box file if that can
// be read, else the usual place.
#ifndef SEKISHO_CLI_COUNTRIES_H
#define SEKISHO_CLI_COUNTRIES_H

#include "cli/verb.h"
#include "geo/known.h"

struct cli_countries {
	struct geo_known known;
	void *bytes; // of the table; NULL: there is none
	char path[4096];
	unsigned max_age_days;
};

// Takes the option of a verb for all that follows.
void cli_countries_choose(const struct cli *cli);
// Always gives a struct to hand to cli_countries_done(); known.fault tells whether it is usable.
void cli_countries_load(struct cli_countries *ret);
void cli_countries_done(struct cli_countries *countries);

// "JP Japan", or "" when the address is of no country.
const char *cli_country_text(const struct cli_countries *countries, const struct addr *addr,
			     char *out, size_t size);

#endif
