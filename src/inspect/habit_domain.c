#include "inspect/habit_domain.h"

#include <idn2.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

bool habit_domain_ready(void)
{
	return psl_builtin() != NULL;
}

static bool is_ascii(const char *text)
{
	while (*text && !((unsigned char)*text & 0x80))
		text++;
	return !*text;
}

static bool map(const char *text, char out[HABIT_DOMAIN_SIZE])
{
	uint8_t *ascii = NULL;
	bool done = idn2_lookup_u8((const uint8_t *)text, &ascii,
				   IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK &&
		    strlen((char *)ascii) < HABIT_DOMAIN_SIZE;
	if (done)
		strcpy(out, (char *)ascii);
	idn2_free(ascii);
	return done;
}

bool habit_domain_read(const char *text, size_t n, char out[HABIT_DOMAIN_SIZE])
{
	char mapped[HABIT_DOMAIN_SIZE];
	while (n && text[n - 1] == '.')
		n--;
	bool fits = n < HABIT_DOMAIN_SIZE;
	n = fits ? n : HABIT_DOMAIN_SIZE - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
	out[n] = '\0';
	if (fits && !is_ascii(out) && map(out, mapped))
		strcpy(out, mapped);
	return fits && smtp_domain_read((const uint8_t *)out, strlen(out), false, out) == 0;
}

bool habit_domain_of(const char *address, char out[HABIT_DOMAIN_SIZE])
{
	const char *at = strrchr(address, '@');
	out[0] = '\0';
	return at && habit_domain_read(at + 1, strlen(at + 1), out);
}

static bool is_address(const char *domain)
{
	const char *last = strrchr(domain, '.');
	last = last ? last + 1 : domain;
	return *last && strspn(last, "0123456789") == strlen(last);
}

// Without a list: the last two labels.
static const char *last_two(const char *domain)
{
	const char *at = strrchr(domain, '.');
	while (at && at > domain && at[-1] != '.')
		at--;
	return at;
}

const char *habit_domain_registered(const char *domain)
{
	if (!psl_builtin())
		return last_two(domain);
	return is_address(domain) ? domain : psl_registrable_domain(psl_builtin(), domain);
}

const char *habit_domain_suffix(const char *domain)
{
	const char *suffix =
		is_address(domain) ? NULL : psl_unregistrable_domain(psl_builtin(), domain);
	return suffix ? suffix : "";
}

bool habit_domain_is_known(const char *domain)
{
	const char *suffix = habit_domain_suffix(domain);
	return *suffix && suffix != domain &&
	       psl_is_public_suffix2(psl_builtin(), suffix, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
}

bool habit_domain_same(const char *a, const char *b)
{
	const char *x, *y;
	if (strcmp(a, b) == 0)
		return true;
	x = habit_domain_registered(a);
	y = habit_domain_registered(b);
	return x && y && strcmp(x, y) == 0;
}

bool habit_domain_is_ours(const struct profile *profile, const char *domain)
{
	if (profile_owns(profile, domain))
		return true;
	for (size_t i = 0; i < profile->n_domains; i++)
		if (habit_domain_same(profile->domains[i].name, domain))
			return true;
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

bool habit_domain_listed(const char *const *domains, size_t n, const char *domain)
{
	for (const char *at = domain; at; at = strchr(at, '.')) {
		at += *at == '.';
		if (bsearch(at, domains, n, sizeof(*domains), by_text))
			return true;
	}
	return false;
}
