#include "proto/smtp_data.h"

#include <string.h>

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
	size_t at = 0;
	while (at < n && stop == SMTP_DATA_MORE)
		stop = read_some(data, bytes, n, &at);
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
