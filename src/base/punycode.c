#include "base/punycode.h"

#include <errno.h>

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST = 0x80 };

struct output {
	char *at;
	size_t n;
	int error;
};

static void put(struct output *out, char c)
{
	if (out->n == PUNYCODE_LABEL_MAX)
		out->error = -ERANGE;
	else
		out->at[out->n++] = c;
}

static char digit(uint64_t value)
{
	return (char)(value < 26 ? 'a' + value : '0' + value - 26);
}

static uint64_t adapt(uint64_t delta, uint64_t points, int first)
{
	uint64_t k = 0;

	delta /= first ? DAMP : 2;
	for (delta += delta / points; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static void put_integer(struct output *out, uint64_t q, uint64_t bias)
{
	for (uint64_t k = BASE;; k += BASE) {
		uint64_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;

		if (q < t)
			break;
		put(out, digit(t + (q - t) % (BASE - t)));
		q = (q - t) / (BASE - t);
	}
	put(out, digit(q));
}

// The least code point from least on; there is one.
static uint32_t next_point(const uint32_t *points, size_t n, uint32_t least)
{
	uint32_t next = UINT32_MAX;

	for (size_t i = 0; i < n; i++)
		if (points[i] >= least && points[i] < next)
			next = points[i];
	return next;
}

int punycode_encode(const uint32_t *points, size_t n, char out[PUNYCODE_LABEL_MAX + 1])
{
	struct output output = { .at = out };
	uint64_t delta = 0, bias = BIAS;
	uint32_t point = FIRST;
	size_t basic, done;

	if (n > PUNYCODE_LABEL_MAX) // each takes a character at least
		return -ERANGE;
	for (size_t i = 0; i < n; i++)
		if (points[i] < FIRST)
			put(&output, (char)points[i]);
	basic = done = output.n;
	if (basic > 0)
		put(&output, '-');
	while (done < n && !output.error) {
		uint32_t next = next_point(points, n, point);

		delta += (uint64_t)(next - point) * (done + 1);
		for (size_t i = 0; i < n; i++) {
			delta += points[i] < next;
			if (points[i] != next)
				continue;
			put_integer(&output, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		point = next + 1;
	}
	out[output.n] = '\0';
	return output.error ? output.error : (int)output.n;
}
