// Addresses and ranges as 128-bit numbers: arithmetic, text, bytes.
#include "base/addr.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned addr_width(enum addr_family family)
{
	return family == ADDR_V4 ? 32 : 128;
}

addr_bits addr_max(enum addr_family family)
{
	return family == ADDR_V4 ? (addr_bits)UINT32_MAX : ~(addr_bits)0;
}

struct addr_range addr_range_any(enum addr_family family)
{
	return (struct addr_range){ .family = family, .lo = 0, .hi = addr_max(family) };
}

bool addr_range_is_any(const struct addr_range *range)
{
	return range->lo == 0 && range->hi == addr_max(range->family);
}

bool addr_range_overlaps(const struct addr_range *a, const struct addr_range *b)
{
	return a->family == b->family && a->lo <= b->hi && b->lo <= a->hi;
}

bool addr_range_contains(const struct addr_range *range, const struct addr *addr)
{
	return range->family == addr->family && range->lo <= addr->bits && addr->bits <= range->hi;
}

bool addr_range_within(const struct addr_range *inner, const struct addr_range *outer)
{
	return inner->family == outer->family && outer->lo <= inner->lo && inner->hi <= outer->hi;
}

// The host bits of a prefix: 2^(width - length) - 1.
static addr_bits host_mask(enum addr_family family, unsigned length)
{
	return length == 0 ? addr_max(family) : ((addr_bits)1 << (addr_width(family) - length)) - 1;
}

int addr_range_prefix(const struct addr_range *range)
{
	for (unsigned length = 0; length <= addr_width(range->family); length++) {
		addr_bits host = host_mask(range->family, length);

		if ((range->lo & host) == 0 && range->hi == (range->lo | host))
			return (int)length;
	}
	return -1;
}

void addr_to_bytes(enum addr_family family, addr_bits bits, uint8_t *out)
{
	for (unsigned n = addr_width(family) / 8; n-- > 0; bits >>= 8)
		out[n] = (uint8_t)bits;
}

addr_bits addr_from_bytes(enum addr_family family, const uint8_t *bytes)
{
	uint64_t half[2];
	uint32_t word;

	if (family == ADDR_V4) {
		memcpy(&word, bytes, sizeof(word));
		return be32toh(word);
	}
	memcpy(half, bytes, sizeof(half));
	return (addr_bits)be64toh(half[0]) << 64 | be64toh(half[1]);
}

int addr_parse(const char *text, struct addr *ret)
{
	enum addr_family family = strchr(text, ':') ? ADDR_V6 : ADDR_V4;
	uint8_t bytes[16];

	if (inet_pton(family == ADDR_V4 ? AF_INET : AF_INET6, text, bytes) != 1)
		return -EINVAL;
	*ret = (struct addr){ .family = family, .bits = addr_from_bytes(family, bytes) };
	return 0;
}

// A part of text, up to end, as an address.
static int parse_part(const char *text, size_t length, struct addr *ret)
{
	char part[ADDR_TEXT_MAX];

	if (length >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, length);
	part[length] = '\0';
	return addr_parse(part, ret);
}

static int parse_prefix(const char *text, const char *slash, struct addr_range *ret)
{
	struct addr base;
	char *end;
	int r = parse_part(text, (size_t)(slash - text), &base);

	if (r < 0)
		return r;
	if (slash[1] < '0' || slash[1] > '9')
		return -EINVAL;

	unsigned long length = strtoul(slash + 1, &end, 10);

	if (*end != '\0' || (slash[1] == '0' && slash[2] != '\0'))
		return -EINVAL;
	if (length > addr_width(base.family))
		return -ERANGE;

	addr_bits host = host_mask(base.family, (unsigned)length);

	if (base.bits & host)
		return -EDOM;
	*ret = (struct addr_range){ base.family, base.bits, base.bits | host };
	return 0;
}

static int parse_span(const char *text, const char *dash, struct addr_range *ret)
{
	struct addr lo;
	struct addr hi;

	if (parse_part(text, (size_t)(dash - text), &lo) < 0 || addr_parse(dash + 1, &hi) < 0)
		return -EINVAL;
	if (lo.family != hi.family)
		return -EXDEV;
	if (lo.bits > hi.bits)
		return -ERANGE;
	*ret = (struct addr_range){ lo.family, lo.bits, hi.bits };
	return 0;
}

int addr_range_parse(const char *text, struct addr_range *ret)
{
	const char *slash = strchr(text, '/');
	const char *dash = strchr(text, '-');
	struct addr one;

	if (slash)
		return parse_prefix(text, slash, ret);
	if (dash)
		return parse_span(text, dash, ret);
	if (addr_parse(text, &one) < 0)
		return -EINVAL;
	*ret = (struct addr_range){ one.family, one.bits, one.bits };
	return 0;
}

const char *addr_text(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	uint8_t bytes[16];

	addr_to_bytes(addr->family, addr->bits, bytes);
	inet_ntop(addr->family == ADDR_V4 ? AF_INET : AF_INET6, bytes, out, ADDR_TEXT_MAX);
	return out;
}

const char *addr_range_text(const struct addr_range *range, char out[ADDR_TEXT_MAX])
{
	int prefix = addr_range_prefix(range);

	addr_text(&(struct addr){ range->family, range->lo }, out);
	if (range->lo == range->hi)
		return out;

	size_t used = strlen(out);

	if (prefix >= 0) {
		snprintf(out + used, ADDR_TEXT_MAX - used, "/%d", prefix);
		return out;
	}

	char hi[ADDR_TEXT_MAX];

	addr_text(&(struct addr){ range->family, range->hi }, hi);
	snprintf(out + used, ADDR_TEXT_MAX - used, "-%.46s", hi);
	return out;
}

void addr_range_prefixes(const struct addr_range *range,
			 void (*each)(void *arg, addr_bits bits, unsigned length), void *arg)
{
	addr_bits lo = range->lo;

	for (;;) {
		unsigned length = addr_width(range->family);

		// The widest prefix that starts at lo and does not pass hi.
		while (length > 0) {
			addr_bits host = host_mask(range->family, length - 1);

			if ((lo & host) || (lo | host) > range->hi)
				break;
			length--;
		}
		each(arg, lo, length);

		addr_bits last = lo | host_mask(range->family, length);

		if (last == range->hi)
			return;
		lo = last + 1;
	}
}
