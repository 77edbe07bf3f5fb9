// The table of countries, and look-ups in it.
#include "geo/country.h"

#include <string.h>

static const struct {
	char code[3], continent[3];
	const char *name;
} countries[] = {
#define C(code_, continent_, name_) { code_, continent_, name_ },
#include "geo/country.def"
#undef C
};

enum { COUNT = sizeof(countries) / sizeof(countries[0]) };
_Static_assert((int)COUNT <= (int)COUNTRY_COUNT_MAX, "callers have arrays by country");

static const struct {
	char code[3];
	const char *name;
} continents[] = {
	{ "AF", "Africa" },	   { "AN", "Antarctica" },    { "AS", "Asia" },
	{ "EU", "Europe" },	   { "NA", "North America" }, { "OC", "Oceania" },
	{ "SA", "South America" },
};

int country_find(const char *code, size_t length)
{
	int lo = 0;
	int hi = COUNT;

	if (length != 2)
		return COUNTRY_NONE;
	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;
		int order = memcmp(countries[mid].code, code, 2);

		if (order == 0)
			return mid;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return COUNTRY_NONE;
}

size_t country_count(void)
{
	return COUNT;
}

const char *country_code(int country)
{
	return countries[country].code;
}

const char *country_continent(int country)
{
	return countries[country].continent;
}

const char *country_name(int country)
{
	return countries[country].name;
}

const char *continent_name(const char *code)
{
	for (size_t i = 0; i < sizeof(continents) / sizeof(continents[0]); i++)
		if (strcmp(continents[i].code, code) == 0)
			return continents[i].name;
	return NULL;
}

bool continent_is(const char *code)
{
	return continent_name(code) != NULL;
}
