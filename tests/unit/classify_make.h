// Random rules and headers for the tests of the classifier.
#ifndef SEKISHO_TESTS_CLASSIFY_MAKE_H
#define SEKISHO_TESTS_CLASSIFY_MAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "classify/rule.h"

enum make_style { // bits
	MAKE_V4 = 1,
	MAKE_V6 = 2,
	MAKE_ANY = 4,	 // rules of both families
	MAKE_NESTED = 8, // each within the one before
	MAKE_EQUAL = 16, // all the same
	MAKE_STORM = 32, // ranges of ports as they come
	MAKE_ZONES = 64,
	MAKE_WILD = 128,   // all hold everything
	MAKE_RANGES = 256, // of addresses, too, that are no prefixes
	MAKE_PLAIN = 1024, // of any service
	MAKE_SPREAD = 512, // addresses from everywhere, so that cuts between blocks pay
};

struct make {
	uint64_t state;
};

static inline uint64_t make_number(struct make *make)
{
	make->state ^= make->state << 13;
	make->state ^= make->state >> 7;
	make->state ^= make->state << 17;
	return make->state;
}

// From SEED, or the clock; printed.
static inline struct make make_begin(void)
{
	const char *given = getenv("SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	struct make make = { seed * 0x9e3779b97f4a7c15 + 1 };

	printf("SEED=%llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < 8; i++)
		make_number(&make);
	return make;
}

static inline addr_bits make_address(struct make *make, enum addr_family family)
{
	// Few values in the upper parts, so that rules meet.
	if (family == ADDR_V4)
		return (addr_bits)(10U << 24 | (make_number(make) % 4) << 16 |
				   (make_number(make) % 8) << 8 | make_number(make) % 256);
	return (addr_bits)0x20010db8 << 96 | (addr_bits)(make_number(make) % 8) << 64 |
	       (addr_bits)(make_number(make) % 4) << 32 | (make_number(make) % 64);
}

static inline struct addr_range make_range(struct make *make, enum addr_family family,
					   unsigned style)
{
	static const uint8_t lengths[2][6] = { { 0, 8, 16, 24, 28, 32 },
					       { 0, 32, 48, 64, 96, 128 } };
	unsigned which = style & MAKE_SPREAD ? 1 + make_number(make) % 5 : make_number(make) % 6;
	unsigned length = lengths[family == ADDR_V6][which];
	addr_bits rest = length == addr_width(family) ? 0 : addr_max(family) >> length;
	struct addr_range range = { family, make_address(make, family), 0 };

	if (style & MAKE_SPREAD)
		range.lo = (addr_bits)make_number(make) << (addr_width(family) - 32);
	range.lo &= ~rest & addr_max(family);
	range.hi = range.lo | rest;
	if (style & MAKE_RANGES && range.hi - range.lo > 2 && make_number(make) % 2) {
		range.lo += make_number(make) % (uint64_t)(range.hi - range.lo > 99 ? 99 : 2);
		range.hi -= make_number(make) % (uint64_t)(range.hi - range.lo > 99 ? 99 : 2);
	}
	return range;
}

static inline struct classify_range make_ports(struct make *make, unsigned style)
{
	uint16_t a = (uint16_t)make_number(make), b = (uint16_t)make_number(make);

	if (style & MAKE_STORM)
		return (struct classify_range){ a < b ? a : b, a < b ? b : a };
	switch (make_number(make) % 4) {
	case 0:
		return (struct classify_range){ 0, CLASSIFY_FIELD_MAX };
	case 1:
		return (struct classify_range){ 1024, CLASSIFY_FIELD_MAX };
	default:
		a = (uint16_t)(a % 40);
		return (struct classify_range){ a, a };
	}
}

static inline void make_rules(struct make *make, unsigned style, struct classify_rule *rules,
			      uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		enum addr_family family =
			style & MAKE_V6 && (!(style & MAKE_V4) || make_number(make) % 2) ? ADDR_V6
											 : ADDR_V4;
		struct classify_rule *rule = &rules[i];

		*rule = classify_rule_any((uint32_t)(make_number(make) % 50), i);
		if (style & MAKE_EQUAL && i) {
			*rule = rules[0];
			rule->result = i;
			continue;
		}
		if (style & MAKE_WILD || (style & MAKE_ANY && make_number(make) % 8 == 0))
			continue;
		rule->any_family = false;
		rule->source = make_range(make, family, style);
		rule->destination = make_range(make, family, style);
		if (style & MAKE_NESTED) {
			addr_bits width = addr_max(family) >> 8;

			rule->source = (struct addr_range){ family, i, width - i };
			rule->destination = (struct addr_range){ family, i, width - i };
			rule->priority = i;
		}
		if (style & MAKE_PLAIN)
			continue;
		rule->field[CLASSIFY_SOURCE_PORT] = make_ports(make, style);
		rule->field[CLASSIFY_PORT] = make_ports(make, style);
		if (make_number(make) % 3)
			rule->field[CLASSIFY_PROTOCOL].lo = rule->field[CLASSIFY_PROTOCOL].hi =
				(uint16_t)(make_number(make) % 2 ? 6 : 17);
		for (unsigned f = CLASSIFY_ZONE_IN; style & MAKE_ZONES && f < CLASSIFY_FIELDS; f++)
			if (make_number(make) % 4)
				rule->field[f].lo = rule->field[f].hi =
					(uint16_t)(make_number(make) % 12);
	}
}

// An end of a range, a point next to it, or one within.
static inline addr_bits make_point(struct make *make, addr_bits lo, addr_bits hi, addr_bits max)
{
	switch (make_number(make) % 6) {
	case 0:
		return lo;
	case 1:
		return hi;
	case 2:
		return lo ? lo - 1 : lo;
	case 3:
		return hi < max ? hi + 1 : hi;
	default:
		return hi - lo == addr_max(ADDR_V6) ? make_number(make)
						    : lo + make_number(make) % (hi - lo + 1);
	}
}

static inline void make_fields(struct make *make, const struct classify_rule *rule, uint16_t *ret)
{
	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++)
		ret[f] = (uint16_t)make_point(make, rule->field[f].lo, rule->field[f].hi,
					      CLASSIFY_FIELD_MAX);
}

static inline addr_bits make_side(struct make *make, const struct classify_rule *rule,
				  const struct addr_range *range, enum addr_family family)
{
	if (rule->any_family || range->family != family)
		return make_address(make, family);
	return make_point(make, range->lo, range->hi, addr_max(family));
}

static inline struct classify_v4 make_v4(struct make *make, const struct classify_rule *rule)
{
	struct classify_v4 key = { 0 };

	key.source = (uint32_t)make_side(make, rule, &rule->source, ADDR_V4);
	key.destination = (uint32_t)make_side(make, rule, &rule->destination, ADDR_V4);
	make_fields(make, rule, key.field);
	return key;
}

static inline struct classify_v6 make_v6(struct make *make, const struct classify_rule *rule)
{
	addr_bits source = make_side(make, rule, &rule->source, ADDR_V6);
	addr_bits destination = make_side(make, rule, &rule->destination, ADDR_V6);
	struct classify_v6 key = {
		.source = { (uint64_t)(source >> 64), (uint64_t)source },
		.destination = { (uint64_t)(destination >> 64), (uint64_t)destination },
	};

	make_fields(make, rule, key.field);
	return key;
}

#endif
