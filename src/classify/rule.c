#include "classify/rule.h"

#include <errno.h>

struct classify_rule classify_rule_any(uint32_t priority, uint32_t result)
{
	struct classify_rule rule = {
		.any_family = true,
		.source = addr_range_any(ADDR_V4),
		.destination = addr_range_any(ADDR_V4),
		.priority = priority,
		.result = result,
	};

	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++)
		rule.field[f] = (struct classify_range){ 0, CLASSIFY_FIELD_MAX };
	return rule;
}

static bool valid_side(const struct addr_range *range)
{
	return (range->family == ADDR_V4 || range->family == ADDR_V6) && range->lo <= range->hi &&
	       range->hi <= addr_max(range->family);
}

int classify_rule_check(const struct classify_rule *rule)
{
	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++)
		if (rule->field[f].lo > rule->field[f].hi)
			return -EINVAL;
	if (rule->any_family)
		return 0;
	if (!valid_side(&rule->source) || !valid_side(&rule->destination) ||
	    rule->source.family != rule->destination.family)
		return -EINVAL;
	return 0;
}

bool classify_rule_has_family(const struct classify_rule *rule, enum addr_family family)
{
	return rule->any_family || rule->source.family == family;
}

bool classify_rule_covers(const struct classify_rule *rule, const struct classify_rule *other)
{
	if (!rule->any_family &&
	    (other->any_family || !addr_range_within(&other->source, &rule->source) ||
	     !addr_range_within(&other->destination, &rule->destination)))
		return false;
	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++)
		if (other->field[f].lo < rule->field[f].lo ||
		    other->field[f].hi > rule->field[f].hi)
			return false;
	return true;
}

static bool holds(const struct classify_rule *rule, enum addr_family family, addr_bits source,
		  addr_bits destination, const uint16_t *field)
{
	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++)
		if (field[f] < rule->field[f].lo || field[f] > rule->field[f].hi)
			return false;
	if (rule->any_family)
		return true;
	return rule->source.family == family && source >= rule->source.lo &&
	       source <= rule->source.hi && destination >= rule->destination.lo &&
	       destination <= rule->destination.hi;
}

bool classify_rule_holds_v4(const struct classify_rule *rule, const struct classify_v4 *key)
{
	return holds(rule, ADDR_V4, key->source, key->destination, key->field);
}

bool classify_rule_holds_v6(const struct classify_rule *rule, const struct classify_v6 *key)
{
	addr_bits source = (addr_bits)key->source[0] << 64 | key->source[1];
	addr_bits destination = (addr_bits)key->destination[0] << 64 | key->destination[1];

	return holds(rule, ADDR_V6, source, destination, key->field);
}
