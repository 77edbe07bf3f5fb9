#include "inspect/scan.h"

#include <string.h>

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._-/:", c));
}

static void set_name(const char *text, size_t n, char out[SCAN_NAME_MAX])
{
	if (n > SCAN_NAME_MAX - 1)
		n = SCAN_NAME_MAX - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = is_plain(text[i]) ? text[i] : '_';
	out[n] = '\0';
}

static bool begins(const char *text, size_t n, const char *beginning)
{
	return n >= strlen(beginning) && !strncmp(text, beginning, strlen(beginning));
}

// The names are clamd's, which other services pass on.
void scan_found(const char *name, size_t n, struct scan_result *ret)
{
	set_name(name, n, ret->name);
	ret->verdict = begins(name, n, "Heuristics.Encrypted.")	       ? SCAN_ENCRYPTED
		       : begins(name, n, "Heuristics.Limits.Exceeded") ? SCAN_TOO_BIG
								       : SCAN_INFECTED;
}
