#include "proto/smtp_data.h"

#include <stdbool.h>
#include <string.h>

enum { STRETCH = 2048 }; // bytes that are judged at once

// Bytes before the first CR, LF or NUL.
static size_t plain_run(const uint8_t *bytes, size_t n)
{
	static const uint8_t ends[] = { '\n', '\r', '\0' };
	for (size_t i = 0; i < sizeof(ends); i++) {
		const uint8_t *end = memchr(bytes, ends[i], n);
		n = end ? (size_t)(end - bytes) : n;
	}
	return n;
}

static enum smtp_data_stop read_within(struct smtp_data *data, const uint8_t *bytes, size_t n,
				       size_t *at)
{
	size_t run = plain_run(bytes + *at, n - *at);
	size_t most = SMTP_DATA_LINE_MAX - 2 - data->line;
	if (run > most)
		run = most;
	data->line += (uint32_t)run;
	data->size += run;
	*at += run;
	if (*at == n)
		return SMTP_DATA_MORE;
	switch (bytes[*at]) {
	case '\r':
		data->place = SMTP_DATA_CR;
		++*at;
		return SMTP_DATA_MORE;
	case '\n':
		return SMTP_DATA_BARE_LF;
	case '\0':
		return SMTP_DATA_NUL;
	}
	return SMTP_DATA_LONG;
}

static enum smtp_data_stop read_after_dot(struct smtp_data *data, uint8_t byte, size_t *at)
{
	if (byte == '\n')
		return SMTP_DATA_BARE_LF;
	if (byte == '\0')
		return SMTP_DATA_NUL;
	if (byte == '\r') {
		data->place = SMTP_DATA_DOT_CR;
		++*at;
		return SMTP_DATA_MORE;
	}
	data->place = SMTP_DATA_WITHIN;
	data->line = 1;
	data->size++;
	return SMTP_DATA_MORE;
}

// Whether every CR has its LF and every LF its CR, no line begins with a dot, and there is no NUL.
// A loop without a branch, which the compiler makes into vectors: nearly all of all mail is read
// here.
__attribute__((target_clones("avx2", "default"))) static bool is_plain(const uint8_t *bytes,
								       size_t n)
{
	uint8_t odd = (bytes[0] == '\n') | (bytes[0] == '\0');
	for (size_t i = 1; i < n; i++) {
		uint8_t byte = bytes[i], before = bytes[i - 1];
		odd |= (byte == '\n') ^ (before == '\r');
		odd |= (byte == '.') & (before == '\n');
		odd |= byte == '\0';
	}
	return !odd;
}

// Whole lines at a time, up to the last that ends within a stretch; false: there are none, or
// something in them has to be looked at.
static bool read_lines(struct smtp_data *data, const uint8_t *bytes, size_t n, size_t *at)
{
	const uint8_t *start = bytes + *at, *end;
	size_t most = n - *at < STRETCH ? n - *at : STRETCH;
	bool begins = data->place == SMTP_DATA_BEGIN;
	if ((!begins && data->place != SMTP_DATA_WITHIN) || (begins && start[0] == '.') ||
	    (begins ? 0 : data->line) + most + 2 > SMTP_DATA_LINE_MAX)
		return false;
	end = memrchr(start, '\n', most);
	if (!end || !is_plain(start, (size_t)(end - start) + 1))
		return false;
	data->size += (uint64_t)(end - start) + 1;
	data->place = SMTP_DATA_BEGIN;
	*at += (size_t)(end - start) + 1;
	return true;
}

static enum smtp_data_stop read_some(struct smtp_data *data, const uint8_t *bytes, size_t n,
				     size_t *at)
{
	uint8_t byte = bytes[*at];
	switch (data->place) {
	case SMTP_DATA_BEGIN:
		data->place = byte == '.' ? SMTP_DATA_DOT : SMTP_DATA_WITHIN;
		data->line = 0;
		*at += byte == '.';
		return SMTP_DATA_MORE;
	case SMTP_DATA_WITHIN:
		return read_within(data, bytes, n, at);
	case SMTP_DATA_DOT:
		return read_after_dot(data, byte, at);
	case SMTP_DATA_CR:
	case SMTP_DATA_DOT_CR:
		break;
	}
	if (byte != '\n')
		return SMTP_DATA_BARE_CR;
	++*at;
	if (data->place == SMTP_DATA_DOT_CR)
		return SMTP_DATA_END;
	data->size += 2;
	data->place = SMTP_DATA_BEGIN;
	return SMTP_DATA_MORE;
}

enum smtp_data_stop smtp_data_read(struct smtp_data *data, const uint8_t *bytes, size_t n,
				   size_t *ret_used)
{
	enum smtp_data_stop stop = SMTP_DATA_MORE;
	size_t at = 0, slow = 0; // up to slow every byte is looked at
	while (at < n && stop == SMTP_DATA_MORE) {
		if (at >= slow && read_lines(data, bytes, n, &at))
			continue;
		if (at >= slow)
			slow = at + STRETCH;
		stop = read_some(data, bytes, n, &at);
	}
	*ret_used = at;
	return stop;
}

unsigned smtp_data_held(const struct smtp_data *data)
{
	static const uint8_t held[] = {
		[SMTP_DATA_CR] = 1,
		[SMTP_DATA_DOT] = 1,
		[SMTP_DATA_DOT_CR] = 2,
	};
	return held[data->place];
}

const uint8_t *smtp_data_held_bytes(enum smtp_data_place place, size_t *ret_n)
{
	static const char *const held[] = {
		[SMTP_DATA_BEGIN] = "", [SMTP_DATA_WITHIN] = "",    [SMTP_DATA_CR] = "\r",
		[SMTP_DATA_DOT] = ".",	[SMTP_DATA_DOT_CR] = ".\r",
	};
	*ret_n = strlen(held[place]);
	return (const uint8_t *)held[place];
}

// Dots are looked for, not lines: encoded parts, which most of long messages are, have none.
void smtp_unstuff(struct smtp_unstuff *unstuff, const uint8_t *bytes, size_t n,
		  void (*take)(void *arg, const uint8_t *bytes, size_t n), void *arg)
{
	size_t start = 0;
	for (size_t at = 0; at < n; at++) {
		const uint8_t *dot = memchr(bytes + at, '.', n - at);
		if (!dot)
			break;
		at = (size_t)(dot - bytes);
		if (at ? dot[-1] != '\n' : unstuff->within)
			continue;
		if (at > start)
			take(arg, bytes + start, at - start);
		start = at + 1;
	}
	if (n > start)
		take(arg, bytes + start, n - start);
	if (n)
		unstuff->within = bytes[n - 1] != '\n';
}
