// What no packet notices: titles, owners, reasons, dates; flows that came, went or got another id
// without anything opening or closing.
#include <string.h>

#include "plan/diff_internal.h"

static void say_title(const void *object, FILE *out)
{
	const struct plan_flow *flow = object;

	fprintf(out, "%s", flow->title);
}

static void say_owner(const void *object, FILE *out)
{
	const struct plan_flow *flow = object;

	fprintf(out, "%s", flow->owner);
	if (flow->owner_title && *flow->owner_title)
		fprintf(out, " (%s)", flow->owner_title);
}

static void say_need(const void *object, FILE *out)
{
	const struct plan_flow *flow = object;

	fprintf(out, "%s", flow->need);
}

static void say_request(const void *object, FILE *out)
{
	const struct plan_flow *flow = object;

	fprintf(out, "%s", flow->request);
}

static void say_review(const void *object, FILE *out)
{
	const struct plan_flow *flow = object;

	fprintf(out, "%s", flow->review);
}

static void say_clauses(const void *object, FILE *out)
{
	const struct plan_flow *flow = object;

	for (size_t i = 0; i < flow->n_clauses; i++)
		fprintf(out, "%s%s", i ? ", " : "", flow->clauses[i]);
}

// These two show in packets as a rule; here only where another flow hides that.
static void say_log(const void *object, FILE *out)
{
	const struct plan_flow *flow = object;

	fprintf(out, "%s", flow->treatment & PLAN_LOG ? "yes" : "no");
}

static void say_guard(const void *object, FILE *out)
{
	const struct plan_flow *flow = object;

	fprintf(out, "%s", flow->guard ? flow->guard : "");
}

static const struct {
	const char *name;
	diff_say *say;	// of a flow
	bool treatment; // told by packets if these are told at all
} flow_fields[] = {
	{ "title", say_title, false },	  { "owner", say_owner, false },
	{ "need", say_need, false },	  { "request", say_request, false },
	{ "clause", say_clauses, false }, { "review", say_review, false },
	{ "log", say_log, true },	  { "guard", say_guard, true },
};

static void tell_flow(struct differ *d, const struct diff_side *side, uint32_t flow,
		      const char *what)
{
	struct diff_row *row = diff_add(d, DIFF_WORDS);

	if (!row)
		return;
	diff_fill_flow(d, side, flow, row);
	row->what = what;
	row->reason = "no packet notices";
}

static void compare_flows(struct differ *d, uint32_t before, uint32_t after)
{
	const struct plan_flow *was = &d->before.plan->flows[before];
	const struct plan_flow *is = &d->after.plan->flows[after];
	const char *what = NULL;
	bool told = d->after.told[after];

	for (size_t i = 0; i < sizeof(flow_fields) / sizeof(flow_fields[0]); i++) {
		const char *change = told && flow_fields[i].treatment
					     ? NULL
					     : diff_change(d, flow_fields[i].say, was, is);

		if (change)
			what = arena_printf(d->arena, "%s%s%s: %s", what ? what : "",
					    what ? "; " : "", flow_fields[i].name, change);
	}
	if (what)
		tell_flow(d, &d->after, after, what);
}

static void compare_titles(struct differ *d, const char *subject, const char *was, const char *is,
			   struct place at)
{
	struct diff_row *row;

	if (strcmp(was, is) == 0)
		return;
	row = diff_add(d, DIFF_WORDS);
	if (!row)
		return;
	row->subject = subject;
	row->at = at;
	row->what = arena_printf(d->arena, "title: %s; before: %s", diff_shown(d, is),
				 diff_shown(d, was));
	row->reason = "no packet notices";
}

void diff_words(struct differ *d)
{
	const struct plan *before = d->before.plan, *after = d->after.plan;

	compare_titles(d, "policy", before->title, after->title, (struct place){ 0 });
	for (size_t i = 0; i < after->n_zones; i++) {
		const struct plan_zone *zone = &after->zones[i];
		uint32_t twin = d->after.zone_twin[i];

		if (twin != PLAN_NONE && strcmp(before->zones[twin].title, zone->title) != 0)
			compare_titles(d, arena_printf(d->arena, "zone %s", zone->id),
				       before->zones[twin].title, zone->title, zone->at);
	}
	for (uint32_t i = 0; i < after->n_flows; i++) {
		uint32_t twin = d->after.flow_twin[i];

		if (twin != PLAN_NONE)
			compare_flows(d, twin, i);
		else if (!d->after.told[i])
			tell_flow(d, &d->after, i,
				  "new flow; all that it permits was permitted before");
	}
	for (uint32_t i = 0; i < before->n_flows; i++)
		if (d->before.flow_twin[i] == PLAN_NONE && !d->before.told[i])
			tell_flow(d, &d->before, i,
				  "flow removed; all that it permitted is permitted still");
}
