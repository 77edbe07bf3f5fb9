// Countries by their two-letter codes (ISO 3166-1 alpha-2, and XK), and the continent of each (the
// two letters that databases use: AF, AN, AS, EU, NA, OC, SA).
#ifndef SEKISHO_GEO_COUNTRY_H
#define SEKISHO_GEO_COUNTRY_H

#include <stdbool.h>
#include <stddef.h>

enum { COUNTRY_COUNT_MAX = 256, COUNTRY_NONE = -1 };

// Codes are capital letters and need no NUL behind them.
int country_find(const char *code, size_t length); // index, or COUNTRY_NONE
size_t country_count(void);
const char *country_code(int country);	    // "JP"
const char *country_continent(int country); // "AS"
const char *country_name(int country);	    // "Japan"

bool continent_is(const char *code);
const char *continent_name(const char *code); // "Asia", or NULL

#endif
