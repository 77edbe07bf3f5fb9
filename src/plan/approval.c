// Who must approve: zones become indices, times become seconds; users and groups stay names, since
// only the box that applies the policy knows them.
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

static const struct {
	char unit;
	uint64_t seconds;
} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };

uint64_t build_seconds(const char *text)
{
	uint64_t number = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 9 || strlen(text) != digits + 1)
		return 0;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].unit == text[digits])
			return number * units[i].seconds;
	return 0;
}

static uint32_t time_of(struct build *b, const struct pol_text *text, uint32_t otherwise,
			uint32_t least, uint32_t most)
{
	uint64_t seconds = text->s ? build_seconds(text->s) : otherwise;

	if (seconds >= least && seconds <= most)
		return (uint32_t)seconds;
	diag_add(b->diag, SK_APPROVAL_TIME, text->at,
		 "\"%s\" is no time from %us to %us; write it as 120s, 30m, 72h or 14d", text->s,
		 (unsigned)least, (unsigned)most);
	return otherwise;
}

static const char *const *names_of(struct build *b, const struct pol_list *list,
				   const char *otherwise, size_t *ret_n)
{
	const char **names = arena_array_of(b->arena, const char *, list->n + 1);

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++)
		names[i] = build_text(b, &list->v[i]);
	names[list->n] = otherwise;
	*ret_n = list->n ? list->n : otherwise != NULL;
	return names;
}

static enum plan_weight weight_of(const struct pol_text *text)
{
	static const char *const words[] = {
		[PLAN_WEIGHT_LIGHT] = "light",
		[PLAN_WEIGHT_NORMAL] = "normal",
		[PLAN_WEIGHT_HEAVY] = "heavy",
	};

	for (size_t i = 1; text->s && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text->s, words[i]) == 0)
			return (enum plan_weight)i;
	return PLAN_WEIGHT_ANY;
}

static void set_rule(struct build *b, const struct pol_approval_rule *given,
		     struct plan_approval_rule *rule)
{
	uint32_t *zones = arena_array_of(b->arena, uint32_t, given->zones.n);

	if (!given->zones.n && !given->weight.s)
		diag_add(b->diag, SK_APPROVAL_RULE_EMPTY, given->at,
			 "the rule names neither zones nor a weight; write its number as approvers "
			 "of the section");
	build_repeats(b, &given->zones);
	for (size_t i = 0; i < given->zones.n; i++)
		if (build_zone(b, &given->zones.v[i], &zones[rule->n_zones]) == 0)
			rule->n_zones++;
	rule->zones = zones;
	rule->weight = weight_of(&given->weight);
	rule->approvers = (unsigned)given->approvers.value;
	rule->groups = names_of(b, &given->groups, NULL, &rule->n_groups);
}

static void set_deputy(struct build *b, const struct pol_deputy *given, struct plan_deputy *deputy)
{
	*deputy = (struct plan_deputy){
		.absent = build_text(b, &given->absent),
		.deputy = build_text(b, &given->deputy),
		.from = build_text(b, &given->from),
		.until = build_text(b, &given->until),
	};
	if (*deputy->until && strcmp(deputy->until, deputy->from) < 0)
		diag_add(b->diag, SK_APPROVAL_DEPUTY, given->until.at,
			 "the last day, %s, is before the first, %s", deputy->until, deputy->from);
	if (*deputy->deputy && strcmp(deputy->deputy, deputy->absent) == 0)
		diag_add(b->diag, SK_APPROVAL_DEPUTY, given->deputy.at,
			 "\"%s\" cannot stand in for itself", deputy->deputy);
}

void build_approval(struct build *b)
{
	const struct pol_approval *given = &b->tree->approval;
	struct plan_approval *approval = &b->plan->approval;
	struct plan_approval_rule *rules =
		arena_array_of(b->arena, struct plan_approval_rule, given->n_rules);
	struct plan_deputy *deputies =
		arena_array_of(b->arena, struct plan_deputy, given->n_deputies);
	bool off = given->confirm.s && strcmp(given->confirm.s, "off") == 0;

	approval->approvers = given->approvers.set ? (unsigned)given->approvers.value : 0;
	approval->groups = names_of(b, &given->groups, "sekisho-approve", &approval->n_groups);
	approval->expires_seconds = time_of(b, &given->expires, PLAN_EXPIRES_SECONDS,
					    PLAN_EXPIRES_SECONDS_MIN, PLAN_EXPIRES_SECONDS_MAX);
	approval->confirm_seconds = off ? 0
					: time_of(b, &given->confirm, PLAN_CONFIRM_SECONDS, 1,
						  PLAN_CONFIRM_SECONDS_MAX);
	approval->emergency = given->emergency.set && given->emergency.value;
	for (size_t i = 0; i < given->n_rules; i++)
		set_rule(b, &given->rules[i], &rules[i]);
	for (size_t i = 0; i < given->n_deputies; i++)
		set_deputy(b, &given->deputies[i], &deputies[i]);
	approval->rules = rules;
	approval->n_rules = given->n_rules;
	approval->deputies = deputies;
	approval->n_deputies = given->n_deputies;
}
