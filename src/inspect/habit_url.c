#include "inspect/habit_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 1024 }; // bytes of one that are looked at: a host is at most 253

// Without what browsers leave out: blanks and controls before it, tabs and ends of lines anywhere.
static void clean(const char *url, char out[URL_MAX + 1])
{
	size_t n = 0;
	while (*url && (unsigned char)*url <= ' ')
		url++;
	for (; *url && n < URL_MAX; url++)
		if (!strchr("\t\r\n", *url))
			out[n++] = *url;
	out[n] = '\0';
}

static int hex(char byte)
{
	return byte >= '0' && byte <= '9'		      ? byte - '0'
	       : (byte | 0x20) >= 'a' && (byte | 0x20) <= 'f' ? (byte | 0x20) - 'a' + 10
							      : -1;
}

static size_t decode(const char *from, size_t n, char *out)
{
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		bool coded = from[i] == '%' && i + 2 < n && hex(from[i + 1]) >= 0 &&
			     hex(from[i + 2]) >= 0;
		out[used++] = coded ? (char)(hex(from[i + 1]) << 4 | hex(from[i + 2])) : from[i];
		i += coded ? 2 : 0;
	}
	return used;
}

static bool is_ascii(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] & 0x80)
			return false;
	return true;
}

// Mapping letters costs a hundred times what reading them does.
static bool read_host(const char *text, size_t n, uint32_t *maps, char out[HABIT_DOMAIN_SIZE])
{
	if (maps && !is_ascii(text, n)) {
		if (!*maps) {
			strcpy(out, HABIT_HOST_HIDDEN);
			return true;
		}
		--*maps;
	}
	return habit_domain_read(text, n, out);
}

// What stands between signs of a sentence in Japanese is no part of a host.
static size_t host_length(const char *at)
{
	static const char *const ends[] = { "　", "「", "」", "『", "』", "【", "】",
					    "（", "）", "、", "。", "＞", "＜", "→" };
	size_t n = strcspn(at, "/\\?# \t\r\n\"'<>()[]{},;|^`");
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *end = memmem(at, n, ends[i], strlen(ends[i]));
		// An ideographic full stop between letters is a dot to browsers.
		if (end && !(strcmp(ends[i], "。") == 0 && end > at))
			n = (size_t)(end - at);
	}
	return n;
}

bool habit_url_authority(const char *text, uint32_t *maps, char out[HABIT_DOMAIN_SIZE])
{
	char host[URL_MAX + 1];
	size_t n = host_length(text);
	n = n < URL_MAX ? n : URL_MAX;
	const char *user = memrchr(text, '@', n);
	const char *from = user ? user + 1 : text;
	n -= (size_t)(from - text);
	n = decode(from, n, host);
	const char *port = memrchr(host, ':', n);
	n = port ? (size_t)(port - host) : n;
	return n && !memchr(host, '\0', n) && read_host(host, n, maps, out);
}

static const char *behind(const char *url, const char *scheme)
{
	size_t n = strlen(scheme);
	return strncasecmp(url, scheme, n) == 0 ? url + n : NULL;
}

bool habit_url_host(const char *url, uint32_t *maps, char out[HABIT_DOMAIN_SIZE])
{
	static const char *const schemes[] = { "http:", "https:", "ftp:", "ws:", "wss:" };
	char cleaned[URL_MAX + 1];
	const char *at = NULL;
	clean(url, cleaned);
	for (size_t i = 0; !at && i < sizeof(schemes) / sizeof(schemes[0]); i++)
		at = behind(cleaned, schemes[i]);
	if (!at && strspn(cleaned, "/\\") < 2)
		return false;
	at = at ? at : cleaned;
	at += strspn(at, "/\\");
	if (strlen(cleaned) == URL_MAX && !at[host_length(at)]) {
		strcpy(out, HABIT_HOST_HIDDEN);
		return true;
	}
	return habit_url_authority(at, maps, out);
}

bool habit_url_is_active(const char *url)
{
	char cleaned[URL_MAX + 1];
	const char *data;
	clean(url, cleaned);
	if (behind(cleaned, "javascript:") || behind(cleaned, "vbscript:"))
		return true;
	data = behind(cleaned, "data:");
	return data && (!behind(data, "image/") || behind(data, "image/svg"));
}

// --- what a text shows

static bool is_host_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_';
}

// Endings that are of countries or sold as names, and of files.
static bool ends_as_file(const char *host)
{
	static const char *const endings[] = {
		"zip", "mov", "md", "sh",  "py",  "pl",	 "ps", "ai",
		"rs",  "cc",  "so", "app", "cab", "doc", "bz", "mo"
	};
	const char *last = strrchr(host, '.');
	for (size_t i = 0; last && i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strcmp(last + 1, endings[i]) == 0)
			return true;
	return false;
}

// The whole text, but for blanks and a path.
static bool is_host(const char *text, char out[HABIT_DOMAIN_SIZE])
{
	size_t n = 0, rest;
	text += strspn(text, " \t\r\n");
	while (is_host_byte(text[n]))
		n++;
	rest = text[n] == '/' || text[n] == ':' ? strcspn(text + n, " \t\r\n") : 0;
	rest += strspn(text + n + rest, " \t\r\n");
	return n > 3 && !text[n + rest] && text[0] != '.' && memchr(text, '.', n) &&
	       habit_domain_read(text, n, out) && habit_domain_is_known(out) && !ends_as_file(out);
}

bool habit_url_shown(const char **text, bool *ret_first, uint32_t *maps,
		     char out[HABIT_DOMAIN_SIZE])
{
	static const char *const marks[] = { "http://", "https://", "www." };
	const char *begin = *text, *at = begin;
	if (*ret_first && is_host(at, out)) {
		*ret_first = false;
		*text = at + strlen(at);
		return true;
	}
	*ret_first = false;
	for (; *at; at++) {
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
			const char *host = behind(at, marks[i]);
			bool within =
				i == 2 && at > begin && (is_host_byte(at[-1]) || at[-1] == '@');
			if (!host || within || !habit_url_authority(i == 2 ? at : host, maps, out))
				continue;
			*text = host;
			if (strcmp(out, HABIT_HOST_HIDDEN) == 0)
				return true;
			if (strchr(out, '.') && (i != 2 || habit_domain_is_known(out)))
				return true;
		}
	}
	*text = at;
	return false;
}
