#include "inspect/clamd.h"

#include <stdio.h>
#include <string.h>

void clamd_head(uint32_t n, uint8_t out[CLAMD_HEAD])
{
	for (unsigned i = 0; i < CLAMD_HEAD; i++)
		out[i] = (uint8_t)(n >> (24 - 8 * i));
}

void clamd_reply_read(struct clamd_reply *reply, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n && !reply->bad; i++) {
		if (!reply->whole && bytes[i] == '\0')
			reply->whole = true;
		else if (reply->whole || reply->n == CLAMD_REPLY_MAX - 1)
			reply->bad = true;
		else
			reply->text[reply->n++] = (char)bytes[i];
		reply->text[reply->n] = '\0';
	}
}

static bool ends_with(const char *text, size_t n, const char *end)
{
	size_t length = strlen(end);
	return n >= length && memcmp(text + n - length, end, length) == 0;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("._-/:", c);
}

// It goes into replies and records: definitions are made by strangers.
static void set_name(const char *text, size_t n, char out[SCAN_NAME_MAX])
{
	if (n > SCAN_NAME_MAX - 1)
		n = SCAN_NAME_MAX - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = text[i] && is_plain(text[i]) ? text[i] : '_';
	out[n] = '\0';
}

static bool begins(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void found(const char *name, size_t n, struct scan_result *ret)
{
	set_name(name, n, ret->name);
	ret->verdict = begins(name, "Heuristics.Encrypted.")	    ? SCAN_ENCRYPTED
		       : begins(name, "Heuristics.Limits.Exceeded") ? SCAN_TOO_BIG
								    : SCAN_INFECTED;
}

void clamd_reply_verdict(const struct clamd_reply *reply, bool complete, struct scan_result *ret)
{
	static const char stream[] = "stream: ";
	const char *text = reply->text;
	size_t n = reply->n, head = sizeof(stream) - 1;

	*ret = (struct scan_result){ .verdict = SCAN_DOWN };
	if (!reply->whole || reply->bad)
		return;
	if (strcmp(text, "INSTREAM size limit exceeded. ERROR") == 0)
		ret->verdict = SCAN_TOO_BIG;
	else if (begins(text, stream) && ends_with(text, n, " FOUND") && n > head + 6)
		found(text + head, n - head - 6, ret);
	else if (strcmp(text, "stream: OK") == 0 && complete)
		ret->verdict = SCAN_CLEAN;
}

static const char *number(const char *at, int most, int *ret)
{
	int value = 0, digits = 0;
	for (; *at >= '0' && *at <= '9' && digits < 9; at++, digits++)
		value = value * 10 + (*at - '0');
	*ret = value;
	return digits && value <= most ? at : NULL;
}

// "Fri Nov 27 07:30:00 2026", as ctime(3) writes it.
static bool read_date(const char *at, struct clamd_version *ret)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const struct {
		int *value;
		int most;
		char end;
	} parts[] = {
		{ &ret->day, 31, ' ' },	   { &ret->hour, 23, ':' },    { &ret->minute, 59, ':' },
		{ &ret->second, 60, ' ' }, { &ret->year, 9999, '\0' },
	};
	char month[4] = "";
	const char *name;

	if (strlen(at) < 20 || at[3] != ' ' || at[7] != ' ')
		return false;
	memcpy(month, at + 4, 3);
	name = strstr(months, month);
	if (!name || (name - months) % 3)
		return false;
	ret->month = (int)(name - months) / 3 + 1;
	at += 8;
	at += *at == ' ';
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		at = number(at, parts[i].most, parts[i].value);
		if (!at || *at != parts[i].end)
			return false;
		at++;
	}
	return ret->day > 0 && ret->year >= 1990;
}

bool clamd_version_read(const struct clamd_reply *reply, struct clamd_version *ret)
{
	char text[CLAMD_REPLY_MAX], *slash;
	int definitions = 0;

	*ret = (struct clamd_version){ 0 };
	if (!reply->whole || reply->bad || !reply->n)
		return false;
	memcpy(text, reply->text, reply->n + 1);
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	slash = strchr(text, '/');
	if (slash)
		*slash++ = '\0';
	if (!*text || strlen(text) >= sizeof(ret->version) ||
	    ends_with(text, strlen(text), "ERROR"))
		return false;
	memcpy(ret->version, text, strlen(text) + 1);
	slash = slash ? (char *)(uintptr_t)number(slash, 999999999, &definitions) : NULL;
	if (slash && *slash == '/') {
		ret->definitions = (uint32_t)definitions;
		ret->dated = read_date(slash + 1, ret);
	}
	return true;
}
