// Making a plan, step by step, and asking it.
#include "plan/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

static void take_header(struct build *b)
{
	b->plan->title = build_text(b, &b->tree->title);
	memcpy(b->plan->digest, b->tree->digest, sizeof(b->plan->digest));
}

// In this order: each step relies on those before it.
static void (*const steps[])(struct build *) = {
	take_header,	     build_zones,     build_networks,
	build_service_table, build_registers, build_guards,
	build_flows,	     build_guarded,   build_settle,
	build_nat,	     build_settings,  build_approval,
	build_isolation,     build_evidence,  build_record,
	build_assertions,    build_tests,     build_assertion_texts,
	build_section_texts,
};

int plan_make_tree(const struct pol_tree *tree, const struct geo_known *countries,
		   struct diag *diag, struct plan **ret_plan, bool *ret_assertions_failed)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	struct build b = {
		.plan = plan,
		.tree = tree,
		.countries = countries,
		.diag = diag,
	};
	size_t errors_before = diag_errors(diag);

	if (!plan)
		return -ENOMEM;
	b.arena = plan->arena = arena_new();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		steps[i](&b);
	names_done(&b.owner_names);
	names_done(&b.guard_names);
	names_done(&b.clause_names);
	names_done(&b.file_names);
	vec_done(&b.files);
	if (ret_assertions_failed)
		*ret_assertions_failed = b.assertions_failed;
	if (diag_errors(diag) > errors_before) {
		plan_free(plan);
		return -EBADMSG;
	}
	*ret_plan = plan;
	return 0;
}

int plan_make(const struct pol_policy *policy, struct diag *diag, struct plan **ret_plan,
	      bool *ret_assertions_failed)
{
	return plan_make_with(policy, NULL, diag, ret_plan, ret_assertions_failed);
}

int plan_make_with(const struct pol_policy *policy, const struct geo_known *countries,
		   struct diag *diag, struct plan **ret_plan, bool *ret_assertions_failed)
{
	return plan_make_tree(policy_tree(policy), countries, diag, ret_plan,
			      ret_assertions_failed);
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	names_done(&plan->zone_names);
	names_done(&plan->network_names);
	names_done(&plan->service_names);
	names_done(&plan->flow_names);
	names_done(&plan->interface_names);
	addr_set_done(&plan->inside);
	addr_set_done(&plan->countries);
	arena_free(plan->arena);
	free(plan);
}

const struct plan_zone *plan_zones(const struct plan *plan, size_t *ret_n)
{
	*ret_n = plan->n_zones;
	return plan->zones;
}

const struct plan_flow *plan_flows(const struct plan *plan, size_t *ret_n)
{
	*ret_n = plan->n_flows;
	return plan->flows;
}

const struct plan_pair *plan_pairs(const struct plan *plan, size_t *ret_n)
{
	*ret_n = plan->n_pairs;
	return plan->pairs;
}

const struct plan_nat *plan_nats(const struct plan *plan, size_t *ret_n)
{
	*ret_n = plan->n_nats;
	return plan->nats;
}

const struct plan_isolation *plan_isolation(const struct plan *plan)
{
	return &plan->isolation;
}

const struct plan_evidence *plan_evidence(const struct plan *plan)
{
	return &plan->evidence;
}

const struct plan_settings *plan_settings(const struct plan *plan)
{
	return &plan->settings;
}

const struct plan_assertion *plan_tests(const struct plan *plan, size_t *ret_n)
{
	*ret_n = plan->n_tests;
	return plan->tests;
}

const struct plan_assertion *plan_assertions(const struct plan *plan, size_t *ret_n)
{
	*ret_n = plan->n_assertions;
	return plan->assertions;
}

const struct plan_approval *plan_approval(const struct plan *plan)
{
	return &plan->approval;
}

const struct plan_record *plan_record(const struct plan *plan)
{
	return &plan->record;
}

const char *plan_title(const struct plan *plan)
{
	return plan->title;
}

const uint8_t *plan_digest(const struct plan *plan)
{
	return plan->digest;
}

uint32_t plan_find_zone(const struct plan *plan, const char *id)
{
	return names_get(&plan->zone_names, id);
}

uint32_t plan_find_flow(const struct plan *plan, const char *id)
{
	return names_get(&plan->flow_names, id);
}

const struct plan_pair *plan_find_pair(const struct plan *plan, uint16_t from, uint16_t to)
{
	size_t lo = 0;
	size_t hi = plan->n_pairs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct plan_pair *at = &plan->pairs[mid];

		if (at->from == from && at->to == to)
			return at;
		if (at->from < from || (at->from == from && at->to < to))
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

uint32_t plan_zone_of_interface(const struct plan *plan, const char *name)
{
	uint32_t exact = names_get(&plan->interface_names, name);

	if (exact != NAMES_NONE)
		return exact;
	for (size_t i = 0; i < plan->n_zones; i++) {
		const struct plan_zone *zone = &plan->zones[i];

		for (size_t j = 0; j < zone->n_interfaces; j++)
			if (zone->interfaces[j].pattern &&
			    strncmp(zone->interfaces[j].name, name,
				    strlen(zone->interfaces[j].name)) == 0)
				return (uint32_t)i;
	}
	return PLAN_NONE;
}

bool plan_zone_has_family(const struct plan *plan, uint32_t zone, enum addr_family family)
{
	const struct plan_zone *of = &plan->zones[zone];

	if (zone == PLAN_SELF || of->elsewhere)
		return true;
	for (size_t i = 0; i < of->n_networks; i++)
		if (of->networks[i].family == family)
			return true;
	return false;
}

// The zone whose networks hold the address, or PLAN_NONE.
static uint32_t find_home(const struct plan *plan, const struct addr *addr)
{
	size_t lo = 0;
	size_t hi = plan->n_homes;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct addr_range *at = &plan->homes[mid].range;

		if (at->family < addr->family ||
		    (at->family == addr->family && at->hi < addr->bits))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < plan->n_homes && addr_range_contains(&plan->homes[lo].range, addr))
		return plan->homes[lo].zone;
	return PLAN_NONE;
}

bool plan_zone_has(const struct plan *plan, uint32_t zone, const struct addr *addr)
{
	const struct plan_zone *at = &plan->zones[zone];

	if (zone == PLAN_SELF)
		return true;
	if (at->elsewhere)
		return !addr_set_contains(&plan->inside, addr);
	// A zone has few networks, the plan many homes.
	return addr_set_contains(&(struct addr_set){ (struct addr_range *)at->networks,
						     at->n_networks, at->n_networks },
				 addr);
}

const struct addr_set *plan_inside(const struct plan *plan)
{
	return &plan->inside;
}

size_t plan_zones_of(const struct plan *plan, const struct addr *addr, uint32_t *ret, size_t max)
{
	uint32_t home = find_home(plan, addr);
	size_t n = 0;

	if (home != PLAN_NONE) {
		if (max > 0)
			ret[0] = home;
		return 1;
	}
	if (addr_set_contains(&plan->inside, addr))
		return 0;
	for (size_t i = 1; i < plan->n_zones; i++) {
		if (!plan->zones[i].elsewhere)
			continue;
		if (n < max)
			ret[n] = (uint32_t)i;
		n++;
	}
	return n;
}

enum plan_action plan_default_action(const struct plan *plan, uint16_t from, uint16_t to)
{
	const struct plan_settings *settings = &plan->settings;
	size_t lo = 0;
	size_t hi = settings->n_defaults;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct plan_default *at = &settings->defaults[mid];

		if (at->from == from && at->to == to)
			return at->action;
		if (at->from < from || (at->from == from && at->to < to))
			lo = mid + 1;
		else
			hi = mid;
	}
	return settings->action;
}
