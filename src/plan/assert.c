// Assertions: what must hold of the whole policy.  Each is tried on the flows as they are; one
// that does not hold is an error with the packets that show it.  Nothing here changes the plan.
#include <stdlib.h>

#include "plan/reach.h"
#include "plan/words.h"

enum {
	HOPS_SHOWN = 4, // of a path, in a message
	MESSAGE_MAX = 1000,
	FLOWS_SHOWN = 3,
};

typedef VEC(struct reach_hosts) hosts_list;

// What trying assertions needs; the search index is made when the first one wants it.
struct trial {
	struct build *build;
	struct reach *reach;
	bool sound; // the plan has no errors so far, so its flows can be searched
};

static void hosts_list_done(hosts_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		reach_hosts_done(&list->v[i]);
	vec_done(list);
}

static struct reach_hosts *add_hosts(const struct trial *trial, const char *name, uint32_t zone,
				     const struct addr_range *ranges, size_t n, hosts_list *list)
{
	struct reach_hosts *hosts = vec_add(list);

	hosts->name = name;
	hosts->zone = (uint16_t)zone;
	for (size_t i = 0; i < n; i++)
		addr_set_append(&hosts->set, ranges[i]);
	if (ranges)
		addr_set_intersect(&hosts->set, reach_zone(trial->reach, zone));
	else
		addr_set_copy(&hosts->set, reach_zone(trial->reach, zone));
	return hosts;
}

// An outside address that is named stands for the server behind it.
static void add_real_targets(const struct trial *trial, const char *name,
			     const struct endpoint *endpoint, hosts_list *list)
{
	const struct plan *plan = trial->build->plan;

	for (size_t i = 0; i < plan->n_nats; i++) {
		const struct plan_nat *nat = &plan->nats[i];
		bool named = false;

		for (size_t j = 0; j < nat->n_destinations; j++)
			for (size_t k = 0; k < endpoint->n_ranges; k++)
				named = named || addr_range_overlaps(&nat->destinations[j],
								     &endpoint->ranges[k]);
		if (named && nat->kind == POL_NAT_FORWARD && nat->n_to > 0)
			add_hosts(trial, name, nat->to[0], &nat->target, 1, list);
	}
}

// The hosts that a list names.  Unknown names are reported; false: there were some.
static bool collect(const struct trial *trial, const struct pol_list *names, hosts_list *list)
{
	bool known = true;

	for (size_t i = 0; i < names->n; i++) {
		struct endpoint endpoint;

		if (build_endpoint(trial->build, &names->v[i], &endpoint) < 0) {
			known = false;
			continue;
		}
		if (!trial->sound)
			continue;

		const struct reach_hosts *hosts =
			add_hosts(trial, names->v[i].s, endpoint.zone,
				  endpoint.network ? endpoint.ranges : NULL, endpoint.n_ranges,
				  list);

		if (hosts->set.n == 0)
			diag_add(trial->build->diag, SK_ASSERTION_EMPTY, names->v[i].at,
				 "\"%s\" has no addresses, so the assertion says nothing about it; "
				 "mend the name or take it out",
				 names->v[i].s);
		if (endpoint.network)
			add_real_targets(trial, names->v[i].s, &endpoint, list);
	}
	return known;
}

// "flow wifi-web (flows.yaml:12) lets tcp A -> B through, then flow ..."
static void say_path(struct words *words, const struct plan *plan, const struct reach_hosts *target)
{
	size_t n = target->path.n;

	for (size_t i = 0; i < n; i++) {
		const struct reach_hop *hop = &target->path.v[i];
		const struct plan_flow *flow = &plan->flows[hop->flow];
		char packet[REACH_PACKET_TEXT_MAX];

		if (n > HOPS_SHOWN && i == HOPS_SHOWN - 1) {
			words_say(words, ", then %zu more", n - HOPS_SHOWN);
			i = n - 1;
			hop = &target->path.v[i];
			flow = &plan->flows[hop->flow];
		}
		words_say(words, "%sflow %s (%s:%u) lets %s through", i ? ", then " : "", flow->id,
			  flow->at.file ? flow->at.file : "-", flow->at.line,
			  reach_packet_text(&hop->packet, packet));
	}
}

static void violate(const struct trial *trial, enum diag_code code, struct place at,
		    const struct reach_hosts *target, const char *message)
{
	struct build *b = trial->build;
	size_t index = diag_add(b->diag, code, at, "%s", message);
	const struct plan_flow *first = &b->plan->flows[target->path.v[0].flow];

	b->assertions_failed = true;
	diag_second(b->diag, index, first->at, "flow %s is the first of them", first->id);
}

static struct place place_of(const struct pol_assertion *assertion)
{
	return assertion->id.at.file ? assertion->id.at : assertion->at;
}

static void report_never(const struct trial *trial, const struct pol_assertion *assertion,
			 const struct reach_hosts *target)
{
	char message[MESSAGE_MAX];
	struct words words = words_in(message, sizeof(message));
	const struct plan *plan = trial->build->plan;

	words_say(&words, "assertion \"%s\" does not hold, %s reaches %s: ", assertion->id.s,
		  plan->zones[target->path.v[0].packet.from].id, target->name);
	say_path(&words, plan, target);
	words_say(&words, "; narrow or remove %s",
		  target->path.n == 1 ? "it" : "one of them, or say relay: false of hosts between");
	violate(trial, SK_ASSERTION_NEVER, place_of(assertion), target, message);
}

static void try_never(struct trial *trial, const struct pol_assertion *assertion)
{
	hosts_list from = { 0 };
	hosts_list to = { 0 };
	const struct plan_atom *atoms = NULL;
	size_t n_atoms = 0;
	bool known = collect(trial, &assertion->never.from, &from);

	known = collect(trial, &assertion->never.to, &to) && known;
	known = build_services(trial->build, &assertion->never.services, &atoms, &n_atoms) == 0 &&
		known;
	if (known && trial->sound) {
		reach_find(trial->reach, &(struct reach_search){
						 .from = from.v,
						 .n_from = from.n,
						 .to = to.v,
						 .n_to = to.n,
						 .services = atoms,
						 .n_services = n_atoms,
						 .direct = assertion->never.direct.set &&
							   assertion->never.direct.value,
					 });
		for (size_t i = 0; i < to.n; i++)
			if (to.v[i].reached)
				report_never(trial, assertion, &to.v[i]);
	}
	hosts_list_done(&from);
	hosts_list_done(&to);
}

static void report_only_via(const struct trial *trial, const struct pol_assertion *assertion,
			    const struct reach_hosts *target)
{
	char message[MESSAGE_MAX];
	struct words words = words_in(message, sizeof(message));
	const struct plan *plan = trial->build->plan;

	words_say(&words, "assertion \"%s\" does not hold, %s reaches %s without passing ",
		  assertion->id.s, plan->zones[target->path.v[0].packet.from].id, target->name);
	for (size_t i = 0; i < assertion->only_via.via.n; i++)
		words_say(&words, "%s%s", i ? " or " : "", assertion->only_via.via.v[i].s);
	words_say(&words, ": ");
	say_path(&words, plan, target);
	words_say(&words, "; narrow or remove %s, or lead them through what is demanded",
		  target->path.n == 1 ? "it" : "one of them");
	violate(trial, SK_ASSERTION_ONLY_VIA, place_of(assertion), target, message);
}

// `to` absent: every zone that leads out of the house.
static void collect_outside(const struct trial *trial, hosts_list *list)
{
	const struct plan *plan = trial->build->plan;

	for (uint32_t i = 1; trial->sound && i < plan->n_zones; i++) {
		enum plan_role role = plan->zones[i].role;

		if (role == PLAN_UPLINK || role == PLAN_EXTERNAL || role == PLAN_PUBLIC)
			add_hosts(trial, plan->zones[i].id, i, NULL, 0, list);
	}
}

static bool any_left(const hosts_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].set.n > 0)
			return true;
	return false;
}

static bool take_away(hosts_list *list, const hosts_list *holes)
{
	bool before = any_left(list);

	for (size_t i = 0; i < list->n; i++)
		for (size_t j = 0; j < holes->n; j++)
			if (list->v[i].zone == holes->v[j].zone)
				addr_set_subtract(&list->v[i].set, &holes->v[j].set);
	return before && !any_left(list);
}

// Without the hosts of `via`: is anything of `to` still reachable?
static void search_around(const struct trial *trial, const struct pol_assertion *assertion,
			  hosts_list *from, hosts_list *to, const hosts_list *via)
{
	bool idle = take_away(from, via);

	idle = take_away(to, via) || idle;
	if (idle || to->n == 0) {
		diag_add(trial->build->diag, SK_ASSERTION_IDLE, place_of(assertion),
			 "assertion \"%s\" holds whatever the flows are: %s; name other zones",
			 assertion->id.s,
			 to->n == 0 ? "no zone is uplink, external or public, and there is no to"
				    : "via holds all of from or all of to");
		return;
	}
	reach_find(trial->reach, &(struct reach_search){ .from = from->v,
							 .n_from = from->n,
							 .to = to->v,
							 .n_to = to->n,
							 .without = via->v,
							 .n_without = via->n });
	for (size_t i = 0; i < to->n; i++)
		if (to->v[i].reached)
			report_only_via(trial, assertion, &to->v[i]);
}

static void try_only_via(struct trial *trial, const struct pol_assertion *assertion)
{
	hosts_list from = { 0 };
	hosts_list to = { 0 };
	hosts_list via = { 0 };
	bool known = collect(trial, &assertion->only_via.from, &from);

	known = collect(trial, &assertion->only_via.to, &to) && known;
	known = collect(trial, &assertion->only_via.via, &via) && known;
	if (assertion->only_via.to.n == 0)
		collect_outside(trial, &to);
	if (known && trial->sound)
		search_around(trial, assertion, &from, &to, &via);
	hosts_list_done(&from);
	hosts_list_done(&to);
	hosts_list_done(&via);
}

static void report_points(const struct trial *trial, const struct pol_assertion *assertion,
			  size_t count, const struct plan_interface *last)
{
	struct build *b = trial->build;
	size_t index = diag_add(b->diag, SK_ASSERTION_POINTS, place_of(assertion),
				"assertion \"%s\" does not hold: %zu interfaces of uplink and "
				"external zones, and at most %llu may be; close connection points, "
				"or mend the assertion",
				assertion->id.s, count,
				(unsigned long long)assertion->at_most.connection_points.value);

	diag_second(b->diag, index, last->at, "%s%s is one more than allowed", last->name,
		    last->pattern ? "*" : "");
	b->assertions_failed = true;
}

static void report_pattern(const struct trial *trial, const struct pol_assertion *assertion,
			   const struct plan_interface *pattern)
{
	struct build *b = trial->build;
	size_t index =
		diag_add(b->diag, SK_ASSERTION_PATTERN, place_of(assertion),
			 "assertion \"%s\" cannot be proved: interface \"%s*\" stands for any "
			 "number of interfaces; name each one",
			 assertion->id.s, pattern->name);

	diag_second(b->diag, index, pattern->at, "the pattern");
	b->assertions_failed = true;
}

static void count_points(const struct trial *trial, const struct pol_assertion *assertion)
{
	const struct plan *plan = trial->build->plan;
	const struct plan_interface *pattern = NULL;
	const struct plan_interface *beyond = NULL;
	uint64_t limit = assertion->at_most.connection_points.value;
	size_t count = 0;

	for (size_t i = 1; i < plan->n_zones; i++) {
		const struct plan_zone *zone = &plan->zones[i];

		if (zone->role != PLAN_UPLINK && zone->role != PLAN_EXTERNAL)
			continue;
		for (size_t j = 0; j < zone->n_interfaces; j++) {
			if (zone->interfaces[j].pattern)
				pattern = &zone->interfaces[j];
			if (count++ == limit)
				beyond = &zone->interfaces[j];
		}
	}
	if (beyond)
		report_points(trial, assertion, count, beyond);
	else if (pattern)
		report_pattern(trial, assertion, pattern);
}

static bool list_holds(const hosts_list *list, uint16_t zone, const struct addr_range *range)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].zone == zone && addr_set_find(&list->v[i].set, range))
			return true;
	return list->n == 0;
}

static bool flow_counts(const struct plan_flow *flow, const hosts_list *from, const hosts_list *to)
{
	for (size_t i = 0; i < flow->n_terms; i++) {
		const struct plan_term *term = &flow->terms[i];

		for (size_t j = 0; j < term->n_rects; j++)
			if (list_holds(from, term->from, &term->rects[j].source) &&
			    list_holds(to, term->to, &term->rects[j].destination))
				return true;
	}
	return false;
}

static void report_flows(const struct trial *trial, const struct pol_assertion *assertion,
			 size_t count, const uint32_t *shown)
{
	struct build *b = trial->build;
	const struct plan_flow *flows = b->plan->flows;
	char message[MESSAGE_MAX];
	struct words words = words_in(message, sizeof(message));

	words_say(&words, "assertion \"%s\" does not hold: %zu flows, and at most %llu may be:",
		  assertion->id.s, count, (unsigned long long)assertion->at_most.flows.value);
	for (size_t i = 0; i < count && i < FLOWS_SHOWN; i++)
		words_say(&words, "%s %s (%s:%u)", i ? "," : "", flows[shown[i]].id,
			  flows[shown[i]].at.file ? flows[shown[i]].at.file : "-",
			  flows[shown[i]].at.line);
	words_say(&words, "%s; remove some, or mend the assertion",
		  count > FLOWS_SHOWN ? " ..." : "");

	size_t index = diag_add(b->diag, SK_ASSERTION_FLOWS, place_of(assertion), "%s", message);

	diag_second(b->diag, index, flows[shown[0]].at, "flow %s is one of them",
		    flows[shown[0]].id);
	b->assertions_failed = true;
}

static void count_flows(const struct trial *trial, const struct pol_assertion *assertion,
			const hosts_list *from, const hosts_list *to)
{
	const struct plan *plan = trial->build->plan;
	uint32_t shown[FLOWS_SHOWN];
	size_t count = 0;

	for (uint32_t i = 0; i < plan->n_flows; i++) {
		if (!flow_counts(&plan->flows[i], from, to))
			continue;
		if (count < FLOWS_SHOWN)
			shown[count] = i;
		count++;
	}
	if (count > assertion->at_most.flows.value)
		report_flows(trial, assertion, count, shown);
}

static void try_at_most(struct trial *trial, const struct pol_assertion *assertion)
{
	hosts_list from = { 0 };
	hosts_list to = { 0 };
	bool flows = assertion->at_most.flows.set;
	bool known = collect(trial, &assertion->at_most.from, &from);

	known = collect(trial, &assertion->at_most.to, &to) && known;
	if (!flows && !assertion->at_most.connection_points.set)
		diag_add(trial->build->diag, SK_ASSERTION_COUNT, place_of(assertion),
			 "assertion \"%s\" counts nothing; give connection-points, flows, or both",
			 assertion->id.s);
	else if (!flows && (assertion->at_most.from.n || assertion->at_most.to.n))
		diag_add(trial->build->diag, SK_ASSERTION_COUNT,
			 assertion->at_most.from.n ? assertion->at_most.from.at
						   : assertion->at_most.to.at,
			 "from and to say which flows are counted, and there is no flows; "
			 "give the number, or take them out");
	if (known && trial->sound && assertion->at_most.connection_points.set)
		count_points(trial, assertion);
	if (known && trial->sound && flows)
		count_flows(trial, assertion, &from, &to);
	hosts_list_done(&from);
	hosts_list_done(&to);
}

static void try_one(struct trial *trial, const struct pol_assertion *assertion)
{
	build_clauses(trial->build, &assertion->clause);
	if (assertion->never.at.file)
		try_never(trial, assertion);
	if (assertion->only_via.at.file)
		try_only_via(trial, assertion);
	if (assertion->at_most.at.file)
		try_at_most(trial, assertion);
}

void build_assertions(struct build *b)
{
	struct trial trial = { .build = b, .sound = diag_errors(b->diag) == 0 };

	b->sound = trial.sound;
	if (b->tree->n_assertions == 0)
		return;
	if (trial.sound)
		trial.reach = reach_new(b->plan);
	for (size_t i = 0; i < b->tree->n_assertions; i++)
		if (b->tree->assertions[i].id.s)
			try_one(&trial, &b->tree->assertions[i]);
	reach_free(trial.reach);
}
