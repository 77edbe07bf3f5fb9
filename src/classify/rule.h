// A rule of the classifier and the packet headers that it is asked about.
//
// A rule holds a packet if each of its seven ranges does.  Of the rules that hold it the one with
// the highest priority answers; of equal ones the one that was given first.
#ifndef SEKISHO_CLASSIFY_RULE_H
#define SEKISHO_CLASSIFY_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

// The fields of 16 bits.  Numbers of zones are the caller's own.
enum classify_field {
	CLASSIFY_SOURCE_PORT,
	CLASSIFY_PORT, // destination port, or ICMP type
	CLASSIFY_PROTOCOL,
	CLASSIFY_ZONE_IN,
	CLASSIFY_ZONE_OUT,
	CLASSIFY_FIELDS,
};

enum {
	CLASSIFY_FIELD_MAX = 65535,
	CLASSIFY_RULES_MAX = 1 << 20,
};
#define CLASSIFY_NONE UINT32_MAX // no rule

struct classify_range { // inclusive, lo <= hi
	uint16_t lo, hi;
};

struct classify_rule {
	// One family on both sides.  any_family: both families, and the addresses do not count.
	bool any_family;
	struct addr_range source, destination;
	struct classify_range field[CLASSIFY_FIELDS];
	uint32_t priority; // the highest wins
	uint32_t result;   // the caller's own
};

// Headers, in host order.
struct classify_v4 {
	uint32_t source, destination;
	uint16_t field[CLASSIFY_FIELDS];
};
struct classify_v6 { // addresses: the high half first
	uint64_t source[2], destination[2];
	uint16_t field[CLASSIFY_FIELDS];
};

// A rule that holds every packet.
struct classify_rule classify_rule_any(uint32_t priority, uint32_t result);
// 0, or -EINVAL: a range is upside down, or two families are mixed.
int classify_rule_check(const struct classify_rule *rule);
bool classify_rule_has_family(const struct classify_rule *rule, enum addr_family family);
// Whether it holds every packet that the other one does.
bool classify_rule_covers(const struct classify_rule *rule, const struct classify_rule *other);
bool classify_rule_holds_v4(const struct classify_rule *rule, const struct classify_v4 *key);
bool classify_rule_holds_v6(const struct classify_rule *rule, const struct classify_v6 *key);

#endif
