// How much a change weighs: the first row that fits.  docs/policy-guide.md has this table in words.
#include "plan/diff_internal.h"

enum { SENSITIVE_CLASS = 3, FEW_ATOMS = 4, FEW_PORTS = 8 };

struct opening {
	const struct differ *d;
	const struct plan_zone *from, *to;
	const struct diff_row *row;
};

static bool is_outside(const struct plan_zone *zone)
{
	return zone->role == PLAN_UPLINK || zone->role == PLAN_EXTERNAL ||
	       zone->role == PLAN_PUBLIC;
}

static bool from_outside(const struct opening *o)
{
	return is_outside(o->from);
}

static bool to_outside(const struct opening *o)
{
	return o->to->role == PLAN_UPLINK || o->to->role == PLAN_EXTERNAL;
}

static bool to_gateway(const struct opening *o)
{
	return o->to->role == PLAN_GATEWAY;
}

static bool is_sensitive(const struct opening *o)
{
	return (o->from->role != PLAN_GATEWAY && o->from->class >= SENSITIVE_CLASS) ||
	       (o->to->role != PLAN_GATEWAY && o->to->class >= SENSITIVE_CLASS);
}

// One destination a family, and few ports: what a printer needs.
static bool is_printer(const struct opening *o)
{
	const struct diff_row *row = o->row;
	size_t ports = 0;

	if (o->from->role != PLAN_INSIDE || o->to->role != PLAN_INSIDE || row->inexact)
		return false;
	if (row->n_destinations > 2 || row->n_atoms > FEW_ATOMS ||
	    (row->n_destinations == 2 &&
	     row->destinations[0].family == row->destinations[1].family))
		return false;
	for (size_t i = 0; i < row->n_destinations; i++)
		if (row->destinations[i].lo != row->destinations[i].hi)
			return false;
	for (size_t i = 0; i < row->n_atoms; i++) {
		if (row->atoms[i].protocol_lo != row->atoms[i].protocol_hi)
			return false;
		ports += (size_t)row->atoms[i].port_hi - row->atoms[i].port_lo + 1;
	}
	return ports <= FEW_PORTS;
}

static bool always(const struct opening *o)
{
	(void)o;
	return true;
}

static const struct {
	bool (*fits)(const struct opening *opening);
	enum diff_weight weight;
	const char *reason;
} openings[] = {
	{ from_outside, DIFF_HEAVY, "opens from an uplink, external or public zone" },
	{ to_outside, DIFF_HEAVY, "opens to an uplink or external zone" },
	{ to_gateway, DIFF_HEAVY, "opens to the gateway itself" },
	{ is_sensitive, DIFF_HEAVY, "opens from or to a zone of class III or IV" },
	{ is_printer, DIFF_LIGHT, "opens one host with few ports between inside zones" },
	{ always, DIFF_NORMAL, "opens between zones of the body's own" },
};

void diff_weigh_open(const struct differ *d, const struct diff_side *side, uint32_t from,
		     uint32_t to, struct diff_row *row)
{
	const struct opening opening = {
		.d = d,
		.from = &side->plan->zones[from],
		.to = &side->plan->zones[to],
		.row = row,
	};

	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		if (!openings[i].fits(&opening))
			continue;
		row->weight = openings[i].weight;
		row->reason = openings[i].reason;
		return;
	}
}
