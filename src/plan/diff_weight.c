// How much a change weighs: the first row that fits.  docs/policy-guide.md has this table in words.
#include <netinet/in.h>

#include "plan/diff_internal.h"

enum { WEIGHTIEST_CLASS = 1 };

struct opening {
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
	return (o->from->role != PLAN_GATEWAY && o->from->class == WEIGHTIEST_CLASS) ||
	       (o->to->role != PLAN_GATEWAY && o->to->class == WEIGHTIEST_CLASS);
}

static bool is_printing(const struct plan_atom *atom)
{
	static const uint16_t ports[] = { 515, 631, 9100 }; // lpr, ipp, jetdirect

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		if (atom->protocol_lo == IPPROTO_TCP && atom->protocol_hi == IPPROTO_TCP &&
		    atom->port_lo == ports[i] && atom->port_hi == ports[i])
			return true;
	return false;
}

// One host (of both families), and printing only.
static bool is_printer(const struct opening *o)
{
	const struct diff_row *row = o->row;

	if (o->from->role != PLAN_INSIDE || o->to->role != PLAN_INSIDE || row->inexact)
		return false;
	if (row->n_destinations > 2 || (row->n_destinations == 2 &&
					row->destinations[0].family == row->destinations[1].family))
		return false;
	for (size_t i = 0; i < row->n_destinations; i++)
		if (row->destinations[i].lo != row->destinations[i].hi)
			return false;
	for (size_t i = 0; i < row->n_atoms; i++)
		if (!is_printing(&row->atoms[i]))
			return false;
	return true;
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
	{ is_sensitive, DIFF_HEAVY, "opens from or to a zone of class I" },
	{ is_printer, DIFF_LIGHT, "opens printing to one host between inside zones" },
	{ always, DIFF_NORMAL, "opens between zones of the body's own" },
};

void diff_weigh_open(const struct diff_side *side, uint32_t from, uint32_t to, struct diff_row *row)
{
	const struct opening opening = {
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
