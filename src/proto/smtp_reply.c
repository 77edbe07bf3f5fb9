#include "proto/smtp_reply.h"

#include <errno.h>

// One to three digits; the class has one.
static size_t read_number(const uint8_t *at, size_t n, size_t most, uint16_t *ret)
{
	size_t i = 0;
	uint16_t number = 0;
	for (; i < n && i < most && at[i] >= '0' && at[i] <= '9'; i++)
		number = (uint16_t)(number * 10 + (at[i] - '0'));
	*ret = number;
	return i;
}

static bool read_enhanced(const uint8_t *at, size_t n, uint16_t code, uint16_t enhanced[3])
{
	for (size_t i = 0; i < 3; i++) {
		size_t used = read_number(at, n, i ? 3 : 1, &enhanced[i]);
		bool stops = used == n || (i < 2 ? at[used] != '.' : at[used] != ' ');
		if (!used || (i < 2 && stops) || (i == 2 && used < n && stops))
			return false;
		used += i < 2;
		at += used;
		n -= used;
	}
	return enhanced[0] == code / 100;
}

int smtp_reply_read(const uint8_t *line, size_t n, struct smtp_reply_line *ret)
{
	struct smtp_reply_line reply = { 0 };
	if (n < 3 || read_number(line, 3, 3, &reply.code) != 3 || reply.code < 200 ||
	    reply.code > 599 || (n > 3 && line[3] != ' ' && line[3] != '-'))
		return -EINVAL;
	for (size_t i = 3; i < n; i++)
		if (line[i] == '\0' || line[i] == '\r')
			return -EINVAL;
	reply.last = n == 3 || line[3] == ' ';
	reply.has_enhanced = n > 4 && read_enhanced(line + 4, n - 4, reply.code, reply.enhanced);
	*ret = reply;
	return 0;
}
