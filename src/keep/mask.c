// One pass over the text: every run of letters that an address could be made of is tried as one.
#include "keep/mask.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/names.h"

enum { TOKEN_MAX = 64, PSEUDONYM_MAX = 32, DATA_DIGITS_MIN = 8, MAC_LENGTH = 17 };

struct mask {
	struct arena *arena;
	struct addr_set inner;
	struct names names; // canonical address → number of its pseudonym
	unsigned n_addresses, n_macs;
};

struct mask *mask_new(void)
{
	static const char *const always[] = {
		"10.0.0.0/8",	  "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
		"169.254.0.0/16", "fc00::/7",	   "fe80::/10",
	};
	struct mask *mask = calloc(1, sizeof(*mask));
	struct addr_range range;
	if (!mask)
		return NULL;
	mask->arena = arena_new();
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (addr_range_parse(always[i], &range) == 0)
			addr_set_add(&mask->inner, range);
	return mask;
}

void mask_free(struct mask *mask)
{
	if (!mask)
		return;
	addr_set_done(&mask->inner);
	names_done(&mask->names);
	arena_free(mask->arena);
	free(mask);
}

void mask_add(struct mask *mask, const struct addr_range *range)
{
	addr_set_add(&mask->inner, *range);
}

size_t mask_count(const struct mask *mask)
{
	return mask->n_addresses + mask->n_macs;
}

static unsigned number_of(struct mask *mask, const char *text, unsigned *counter)
{
	unsigned number = names_get(&mask->names, text);
	if (number != NAMES_NONE)
		return number;
	names_add(&mask->names, arena_strdup(mask->arena, text), ++*counter);
	return *counter;
}

// An IPv4 address in IPv6 clothes (RFC 4291 section 2.5.5.2) is that IPv4 address.
static struct addr undress(struct addr addr)
{
	if (addr.family == ADDR_V6 && addr.bits >> 32 == 0xffff)
		return (struct addr){ ADDR_V4, addr.bits & 0xffffffff };
	return addr;
}

static bool is_mac(const char *text)
{
	if (strlen(text) != MAC_LENGTH)
		return false;
	for (size_t i = 0; i < MAC_LENGTH; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

// "10.20.3.9" wherever it stands, glued to other letters or not; but not part of more such numbers.
// The length of it, 0: none.
static size_t quad_length(const char *text, size_t size)
{
	size_t n = 0;
	for (unsigned part = 0; part < 4; part++) {
		size_t digits = 0;
		while (n < size && isdigit((unsigned char)text[n]) && digits < 4)
			n++, digits++;
		if (digits == 0 || digits > 3)
			return 0;
		if (part < 3 && (n >= size || text[n++] != '.'))
			return 0;
	}
	return n + 1 < size && text[n] == '.' && isdigit((unsigned char)text[n + 1]) ? 0 : n;
}

static bool is_part(char c)
{
	return isxdigit((unsigned char)c) || c == '.' || c == ':';
}

// Letters that an IPv6 or MAC address may be made of; a colon of the sentence around it is not.
static size_t run_length(const char *text, size_t size)
{
	size_t n = 0;
	while (n < size && is_part(text[n]))
		n++;
	while (n > 0 && text[n - 1] == '.')
		n--;
	if (n > 1 && text[n - 1] == ':' && text[n - 2] != ':')
		n--;
	return n;
}

// The length of hexadecimal data at the beginning of text; 0: there is none, or too little.
static size_t data_length(const char *text, size_t size)
{
	size_t n = 2;
	if (size < 2 || text[0] != '0' || text[1] != 'x')
		return 0;
	while (n < size && isxdigit((unsigned char)text[n]))
		n++;
	return n - 2 >= DATA_DIGITS_MIN ? n : 0;
}

static bool take_address(struct mask *mask, const char *token, char out[PSEUDONYM_MAX])
{
	char text[ADDR_TEXT_MAX];
	struct addr addr;
	if (addr_parse(token, &addr) < 0)
		return false;
	addr = undress(addr);
	if (!addr_set_contains(&mask->inner, &addr))
		return false;
	snprintf(out, PSEUDONYM_MAX, "inner-%u",
		 number_of(mask, addr_text(&addr, text), &mask->n_addresses));
	return true;
}

// The letters at the beginning of text that are replaced, and by what; 0: none.
static size_t replace(struct mask *mask, const char *text, size_t size, char before,
		      char out[PSEUDONYM_MAX])
{
	char token[TOKEN_MAX];
	size_t length = data_length(text, size);
	if (length) {
		strcpy(out, "0x-masked");
		return length;
	}
	bool quad = !isdigit((unsigned char)before) && before != '.';
	length = quad ? quad_length(text, size) : 0;
	if (!length && !is_part(before))
		length = run_length(text, size);
	if (!length || length >= TOKEN_MAX)
		return 0;
	memcpy(token, text, length);
	token[length] = '\0';
	if (is_mac(token)) {
		snprintf(out, PSEUDONYM_MAX, "mac-%u", number_of(mask, token, &mask->n_macs));
		return length;
	}
	return take_address(mask, token, out) ? length : 0;
}

// Letters of JSON that stand for one: "\n", "\u001b".
static size_t escape_length(const char *text, size_t size)
{
	if (size < 2 || text[0] != '\\')
		return 0;
	return text[1] != 'u' ? 2 : size < 6 ? size : 6;
}

int mask_text(struct mask *mask, const char *text, size_t size, char **ret_text, size_t *ret_size)
{
	char *bytes = NULL, with[PSEUDONYM_MAX], before = ' ';
	size_t length = 0;
	FILE *out = open_memstream(&bytes, &length);
	if (!out)
		return -ENOMEM;
	for (size_t at = 0; at < size;) {
		size_t escape = escape_length(text + at, size - at);
		size_t used = escape ? 0 : replace(mask, text + at, size - at, before, with);
		if (used)
			fputs(with, out);
		else
			fwrite(text + at, 1, escape ? escape : 1, out);
		at += used ? used : escape ? escape : 1;
		before = escape ? ' ' : text[at - 1];
		// "from:fd00::1": a single colon before an address is not of it.
		if (before == ':' && at > 1 && !is_part(text[at - 2]))
			before = ' ';
	}
	if (fclose(out) != 0) {
		free(bytes);
		return -ENOMEM;
	}
	*ret_text = bytes;
	*ret_size = length;
	return 0;
}
