#include "inspect/clamd.h"

#include <stdio.h>
#include <string.h>

static size_t begin(const char *service, uint8_t out[SCAN_OPEN_MAX])
{
	(void)service;
	memcpy(out, CLAMD_INSTREAM, sizeof(CLAMD_INSTREAM));
	return sizeof(CLAMD_INSTREAM);
}

static size_t head(uint32_t n, uint8_t out[SCAN_HEAD_MAX])
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(n >> (24 - 8 * i));
	return 4;
}

void clamd_reply_read(struct scan_reply *reply, const uint8_t *bytes, size_t n)
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

static bool begins(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void verdict(const struct scan_reply *reply, bool complete, struct scan_result *ret)
{
	static const char stream[] = "stream: ";
	const char *text = reply->text;
	size_t n = reply->n, from = sizeof(stream) - 1;

	*ret = (struct scan_result){ .verdict = SCAN_DOWN };
	if (!reply->whole || reply->bad)
		return;
	if (strcmp(text, "INSTREAM size limit exceeded. ERROR") == 0)
		ret->verdict = SCAN_TOO_BIG;
	else if (begins(text, stream) && ends_with(text, n, " FOUND") && n > from + 6)
		scan_found(text + from, n - from - 6, ret);
	else if (strcmp(text, "stream: OK") == 0 && complete)
		ret->verdict = SCAN_CLEAN;
}

const struct scan_words clamd_words = {
	.open = begin,
	.head = head,
	.tail = "",
	.end = "\0\0\0",
	.n_end = 4,
	.read = clamd_reply_read,
	.verdict = verdict,
};

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

bool clamd_version_read(const struct scan_reply *reply, struct clamd_version *ret)
{
	char text[SCAN_REPLY_MAX], *slash;
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
