// What stays up while everything is isolated: zones, networks and flows become rules of one side of
// the gateway each.  They are stateless and only widen what an isolation lets through; the policy
// judges every packet besides.  So where both ends cannot be told (translation, a zone without
// networks), a rule says less rather than too much.
#include <netinet/in.h>
#include <string.h>

#include "plan/plan_internal.h"

enum { SECONDS_MAX = 7 * 86400 };

struct lines {
	struct build *b;
	struct plan_lifeline *v;
	size_t n;
	bool many;
	const char *name;
};

static bool is_same(const struct plan_lifeline *a, const struct plan_lifeline *b)
{
	return a->out == b->out && a->far == b->far && a->answer == b->answer &&
	       a->interface == b->interface && a->addressed == b->addressed &&
	       (!a->addressed || (a->range.family == b->range.family &&
				  a->range.lo == b->range.lo && a->range.hi == b->range.hi)) &&
	       a->protocol == b->protocol && a->port_lo == b->port_lo && a->port_hi == b->port_hi;
}

static void put(struct lines *lines, struct plan_lifeline line)
{
	line.name = lines->name;
	for (size_t i = 0; i < lines->n; i++)
		if (is_same(&lines->v[i], &line))
			return;
	lines->many |= lines->n == PLAN_LIFELINES_MAX;
	if (!lines->many)
		lines->v[lines->n++] = line;
}

// Once for each interface of the zone.
static void put_at(struct lines *lines, const struct plan_zone *zone, struct plan_lifeline line)
{
	for (size_t i = 0; i < zone->n_interfaces; i++) {
		line.interface = &zone->interfaces[i];
		put(lines, line);
	}
}

// Everything from and to a zone, or some addresses of it (n 0: all).
static void put_place(struct lines *lines, const struct plan_zone *zone,
		      const struct addr_range *ranges, size_t n)
{
	for (size_t i = 0; i < (n ? n : 1); i++)
		for (int out = 0; out < 2; out++) {
			struct plan_lifeline line = { .out = out, .addressed = n > 0 };

			if (n)
				line.range = ranges[i];
			put_at(lines, zone, line);
		}
	if (!n) {
		ranges = zone->networks;
		n = zone->n_networks;
	}
	for (size_t i = 0; i < n; i++)
		for (int out = 0; out < 2; out++)
			put(lines, (struct plan_lifeline){ .out = out,
							   .far = true,
							   .addressed = true,
							   .range = ranges[i] });
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

// One end of a flow: who opens sends in and gets answers out, who is called the other way.
static void put_end(struct lines *lines, const struct plan_zone *zone, bool self,
		    const struct addr_range *range, const struct plan_atom *atom, bool opens)
{
	struct plan_lifeline line = { .addressed = !zone->elsewhere, .range = *range };

	if (self)
		return;
	if (atom->protocol_lo == atom->protocol_hi)
		line.protocol = atom->protocol_lo;
	if (line.protocol && has_ports(line.protocol)) {
		line.port_lo = atom->port_lo;
		line.port_hi = atom->port_hi;
	}
	line.out = !opens;
	put_at(lines, zone, line);
	line.out = opens;
	line.answer = line.port_hi > 0;
	put_at(lines, zone, line);
}

static void put_flow(struct lines *lines, const struct plan_flow *flow)
{
	const struct plan_zone *zones = lines->b->plan->zones;

	for (size_t t = 0; t < flow->n_terms && !lines->many; t++) {
		const struct plan_term *term = &flow->terms[t];

		for (size_t r = 0; r < term->n_rects && !lines->many; r++)
			for (size_t a = 0; a < term->n_atoms && !lines->many; a++) {
				put_end(lines, &zones[term->from], term->from == PLAN_SELF,
					&term->rects[r].source, &term->atoms[a], true);
				put_end(lines, &zones[term->to], term->to == PLAN_SELF,
					&term->rects[r].destination, &term->atoms[a], false);
			}
	}
}

static const struct plan_flow *find_flow(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->n_flows; i++)
		if (strcmp(plan->flows[i].id, id) == 0)
			return &plan->flows[i];
	return NULL;
}

static void put_entry(struct lines *lines, const struct pol_text *text)
{
	struct build *b = lines->b;
	const struct plan_flow *flow = find_flow(b->plan, text->s);
	const struct plan_zone *zone;
	struct endpoint end;

	lines->name = build_text(b, text);
	if (flow) {
		put_flow(lines, flow);
		return;
	}
	if (build_endpoint(b, text, &end) < 0)
		return;
	zone = &b->plan->zones[end.zone];
	if (end.zone == PLAN_SELF || (zone->elsewhere && !end.n_ranges))
		diag_add(b->diag, SK_LIFELINE_PLACE, text->at,
			 "\"%s\" has no addresses by which it could stay up; name its flows",
			 text->s);
	else
		put_place(lines, zone, end.ranges, end.n_ranges);
}

void build_isolation(struct build *b)
{
	const struct pol_isolation *given = &b->tree->isolation;
	struct plan_isolation *isolation = &b->plan->isolation;
	struct lines lines = {
		.b = b, .v = arena_array_of(b->arena, struct plan_lifeline, PLAN_LIFELINES_MAX)
	};
	uint64_t seconds = given->time_limit.s ? build_seconds(given->time_limit.s) : 0;

	build_repeats(b, &given->lifelines);
	for (size_t i = 0; i < given->lifelines.n; i++)
		put_entry(&lines, &given->lifelines.v[i]);
	if (lines.many)
		diag_add(b->diag, SK_LIFELINE_MANY, given->lifelines.at,
			 "these need more than %d rules of the emergency table; name fewer "
			 "interfaces, addresses and services",
			 PLAN_LIFELINES_MAX);
	if (given->time_limit.s && (seconds == 0 || seconds > SECONDS_MAX))
		diag_add(b->diag, SK_ISOLATION_TIME, given->time_limit.at,
			 "\"%s\" is no time up to 7d; write it as 30m, 8h or 2d",
			 given->time_limit.s);
	isolation->lifelines = lines.v;
	isolation->n_lifelines = lines.n;
	isolation->time_limit_seconds = (uint32_t)seconds;
	isolation->second_person = given->second_person.set && given->second_person.value;
}
