#include "reference/classify_linear.h"

static uint32_t better(const struct classify_rule *rules, uint32_t best, uint32_t rule)
{
	return best == CLASSIFY_NONE || rules[rule].priority > rules[best].priority ? rule : best;
}

uint32_t classify_linear_v4(const struct classify_rule *rules, uint32_t n,
			    const struct classify_v4 *key)
{
	uint32_t best = CLASSIFY_NONE;

	for (uint32_t i = 0; i < n; i++)
		if (classify_rule_holds_v4(&rules[i], key))
			best = better(rules, best, i);
	return best;
}

uint32_t classify_linear_v6(const struct classify_rule *rules, uint32_t n,
			    const struct classify_v6 *key)
{
	uint32_t best = CLASSIFY_NONE;

	for (uint32_t i = 0; i < n; i++)
		if (classify_rule_holds_v6(&rules[i], key))
			best = better(rules, best, i);
	return best;
}
