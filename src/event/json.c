// JSON by hand: a record is made for every event, and an object tree for each would cost more than
// its hash.
#include "event/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct line {
	char *out;
	size_t size, used; // used == size: it did not fit
};

static void put_bytes(struct line *line, const char *bytes, size_t n)
{
	if (line->used + n >= line->size) {
		line->used = line->size;
		return;
	}
	memcpy(line->out + line->used, bytes, n);
	line->used += n;
}

static void put(struct line *line, const char *text)
{
	put_bytes(line, text, strlen(text));
}

static void put_number(struct line *line, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);
	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	put_bytes(line, digits + at, sizeof(digits) - at);
}

// Bytes of one UTF-8 character, or 0: it is none (RFC 3629).
static size_t character(const uint8_t *at, size_t left)
{
	static const struct {
		uint8_t first, last, low, high, length; // of the first byte; of the second
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t length = forms[i].length;
		if (*at < forms[i].first || *at > forms[i].last)
			continue;
		if (length > left ||
		    (length > 1 && (at[1] < forms[i].low || at[1] > forms[i].high)))
			return 0;
		for (size_t k = 2; k < length; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return length;
	}
	return 0;
}

static bool is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void put_text(struct line *line, const char *text)
{
	size_t n = strnlen(text, EVENT_TEXT_MAX), at = 0;
	char escape[8];
	put(line, "\"");
	while (at < n) {
		const uint8_t *bytes = (const uint8_t *)text + at;
		size_t run = 0, length;
		while (at + run < n && is_plain(bytes[run]))
			run++;
		put_bytes(line, text + at, run);
		at += run;
		if (at == n)
			break;
		bytes += run;
		length = character(bytes, n - at);
		if (length > 1) {
			put_bytes(line, text + at, length);
		} else if (length == 0) {
			put(line, "?");
			length = 1;
		} else if (*bytes == '"' || *bytes == '\\') {
			put_bytes(line, (const char[]){ '\\', (char)*bytes }, 2);
		} else {
			snprintf(escape, sizeof(escape), "\\u%04x", *bytes);
			put(line, escape);
		}
		at += length;
	}
	put(line, "\"");
}

static void put_fields(struct line *line, const struct event *event)
{
	put(line, ",\"event\":\"");
	put(line, event_kind_info(event->kind)->name);
	put(line, "\"");
	for (unsigned field = 0; field < EVENT_FIELD_COUNT; field++) {
		const struct event_field_info *info = event_field_info(field);
		if (!event_has(event, field))
			continue;
		put(line, ",\"");
		put(line, info->name);
		put(line, "\":");
		if (info->number)
			put_number(line, event->value[field].number);
		else
			put_text(line, event->value[field].text);
	}
	put(line, "}");
}

static size_t finish(const struct line *line)
{
	size_t length = line->used < line->size ? line->used : 0;
	if (line->size)
		line->out[length] = '\0';
	return length;
}

// The text of a second is kept: most events share it with the one before.
static void local_second(time_t second, char out[24], char offset[8])
{
	static _Thread_local struct {
		time_t second;
		bool set;
		char text[24], offset[8];
	} last;
	struct tm tm;
	char zone[8] = "";
	if (!last.set || last.second != second) {
		last.second = second;
		last.set = localtime_r(&second, &tm) &&
			   strftime(last.text, sizeof(last.text), "%Y-%m-%dT%H:%M:%S", &tm) > 0 &&
			   strftime(zone, sizeof(zone), "%z", &tm) == 5;
		snprintf(last.offset, sizeof(last.offset), "%.3s:%.2s", zone, zone + 3);
	}
	if (!last.set) { // a time that no calendar has
		strcpy(last.text, "1970-01-01T00:00:00");
		strcpy(last.offset, "+00:00");
	}
	memcpy(out, last.text, sizeof(last.text));
	memcpy(offset, last.offset, sizeof(last.offset));
}

void event_local_time(uint64_t time_usec, char out[40])
{
	char text[24], offset[8];
	local_second((time_t)(time_usec / 1000000), text, offset);
	snprintf(out, 40, "%s.%06u%s", text, (unsigned)(time_usec % 1000000), offset);
}

// Two digits; false when there are none, or they are too many.
static bool two(const char *at, int most, int *ret)
{
	*ret = (at[0] - '0') * 10 + at[1] - '0';
	return at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9' && *ret <= most;
}

int event_parse_time(const char *text, size_t length, uint64_t *ret_usec)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddddd+dd:dd";
	struct tm tm = { 0 };
	int century, year, hours, minutes;
	uint64_t micro = 0;
	if (length != sizeof(form) - 1)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9'
				   : form[i] != text[i] && !(form[i] == '+' && text[i] == '-'))
			return -EINVAL;
	if (!two(text, 99, &century) || !two(text + 2, 99, &year) ||
	    !two(text + 5, 12, &tm.tm_mon) || !two(text + 8, 31, &tm.tm_mday) ||
	    !two(text + 11, 23, &tm.tm_hour) || !two(text + 14, 59, &tm.tm_min) ||
	    !two(text + 17, 60, &tm.tm_sec) || !two(text + 27, 23, &hours) ||
	    !two(text + 30, 59, &minutes) || century < 19)
		return -EINVAL;
	for (size_t i = 20; i < 26; i++)
		micro = micro * 10 + (uint64_t)(text[i] - '0');
	tm.tm_year = century * 100 + year - 1900;
	tm.tm_mon--;
	int64_t seconds = timegm(&tm) + (text[26] == '-' ? 1 : -1) * (hours * 3600 + minutes * 60);
	if (seconds < 0)
		return -EINVAL;
	*ret_usec = (uint64_t)seconds * 1000000 + micro;
	return 0;
}

static void universal_time(uint64_t usec, char out[40])
{
	time_t seconds = (time_t)(usec / 1000000);
	struct tm tm;
	char date[32];
	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, 40, "%s.%06uZ", date, (unsigned)(usec % 1000000));
}

size_t event_write_json(const struct event *event, char *out, size_t size)
{
	struct line line = { out, size, 0 };
	char time[40];
	universal_time(event->time_usec, time);
	put(&line, "{\"time\":\"");
	put(&line, time);
	put(&line, "\"");
	put_fields(&line, event);
	return finish(&line);
}

const char *event_clock_word(enum event_clock clock)
{
	static const char *const words[] = {
		[EVENT_CLOCK_UNKNOWN] = "unknown",
		[EVENT_CLOCK_SYNCED] = "synced",
		[EVENT_CLOCK_UNSYNCED] = "unsynced",
	};
	return words[clock];
}

size_t event_write_record(const struct event *event, const struct event_stamp *stamp, char *out,
			  size_t size)
{
	struct line line = { out, size, 0 };
	char time[40], micro[8];
	event_local_time(event->time_usec, time);
	snprintf(micro, sizeof(micro), ".%06u", (unsigned)(stamp->since_usec % 1000000));
	put(&line, "\"time\":\"");
	put(&line, time);
	put(&line, "\",\"boot\":\"");
	put(&line, stamp->boot);
	put(&line, "\",\"since\":");
	put_number(&line, stamp->since_usec / 1000000);
	put(&line, micro);
	put(&line, ",\"clock\":\"");
	put(&line, event_clock_word(stamp->clock));
	put(&line, "\"");
	put_fields(&line, event);
	return finish(&line);
}
