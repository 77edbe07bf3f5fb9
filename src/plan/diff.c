// The frame of a diff: which zones and flows are the same in both, the steps, the order of rows.
#include "plan/diff.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "plan/diff_internal.h"
#include "plan/query.h"

const char *diff_kind_word(enum diff_kind kind)
{
	static const char *const words[] = {
		[DIFF_OPENS] = "opens",
		[DIFF_CLOSES] = "closes",
		[DIFF_CHANGES] = "changes",
		[DIFF_WORDS] = "words",
	};

	return words[kind];
}

const char *diff_weight_word(enum diff_weight weight)
{
	static const char *const words[] = {
		[DIFF_LIGHT] = "light",
		[DIFF_NORMAL] = "normal",
		[DIFF_HEAVY] = "heavy",
	};

	return words[weight];
}

// --- which is which

static void find_twins(struct differ *d, struct diff_side *side, const struct plan *other)
{
	const struct plan *plan = side->plan;

	side->zone_twin = arena_array_of(d->arena, uint32_t, plan->n_zones);
	side->flow_twin = arena_array_of(d->arena, uint32_t, plan->n_flows);
	side->told = arena_array_of(d->arena, bool, plan->n_flows);
	side->fresh = arena_array_of(d->arena, struct addr_set, plan->n_zones);
	for (size_t i = 0; i < plan->n_zones; i++)
		side->zone_twin[i] = plan_find_zone(other, plan->zones[i].id);
	for (size_t i = 0; i < plan->n_flows; i++)
		side->flow_twin[i] = plan_find_flow(other, plan->flows[i].id);
	diff_name_networks(d, side);
}

// The addresses of a zone; not of `self`, which has any.
static void addresses_of(const struct plan *plan, uint32_t zone, struct addr_set *ret)
{
	const struct plan_zone *of = &plan->zones[zone];

	if (of->elsewhere) {
		addr_set_copy(ret, &plan->inside);
		addr_set_complement(ret);
	} else {
		for (size_t i = 0; i < of->n_networks; i++)
			addr_set_append(ret, of->networks[i]);
	}
}

static void take_away(const struct addr_set *from, const struct addr_set *what,
		      struct addr_set *ret)
{
	addr_set_copy(ret, from);
	addr_set_subtract(ret, what);
}

// Zones without networks have all the same addresses, so what they got is found once.
static void find_fresh(struct diff_side *side, const struct plan *other)
{
	const struct plan *plan = side->plan;
	struct addr_set elsewhere = { 0 };

	take_away(&other->inside, &plan->inside, &elsewhere);
	for (uint32_t i = 1; i < plan->n_zones; i++) {
		uint32_t twin = side->zone_twin[i];
		struct addr_set here = { 0 }, there = { 0 };

		if (twin == PLAN_NONE || twin == PLAN_SELF)
			continue;
		if (plan->zones[i].elsewhere && other->zones[twin].elsewhere) {
			addr_set_copy(&side->fresh[i], &elsewhere);
			continue;
		}
		addresses_of(plan, i, &here);
		addresses_of(other, twin, &there);
		take_away(&here, &there, &side->fresh[i]);
		addr_set_done(&here);
		addr_set_done(&there);
	}
	addr_set_done(&elsewhere);
}

static void side_done(struct diff_side *side)
{
	for (size_t i = 0; i < side->plan->n_zones; i++)
		addr_set_done(&side->fresh[i]);
}

// --- rows

struct diff_row *diff_add(struct differ *d, enum diff_kind kind)
{
	struct diff_row *row;

	if (d->rows.n == DIFF_ROWS_MAX) {
		d->omitted++;
		return NULL;
	}
	row = vec_add(&d->rows);
	row->kind = kind;
	row->owner = row->what = row->reason = "";
	row->weight = DIFF_LIGHT;
	return row;
}

static const struct addr_range *keep_set(struct differ *d, struct addr_set *set, size_t *ret_n)
{
	const struct addr_range *ranges = arena_memdup(d->arena, set->v, set->n * sizeof(*set->v));

	*ret_n = set->n;
	addr_set_done(set);
	return ranges;
}

// Which family a row is of, where the zones' names alone do not tell.
static const char *family_note(const struct diff_side *side, uint32_t from, uint32_t to,
			       const struct addr_set *sources)
{
	bool four = addr_set_has_family(sources, ADDR_V4);
	enum addr_family missing = four ? ADDR_V6 : ADDR_V4;

	if (four && addr_set_has_family(sources, ADDR_V6))
		return "";
	if (!plan_zone_has_family(side->plan, from, missing) ||
	    !plan_zone_has_family(side->plan, to, missing))
		return "";
	return four ? " over IPv4" : " over IPv6";
}

// The services say the family by themselves: all of them are ICMP, or ICMPv6.
static bool names_family(const diff_atoms *atoms)
{
	for (size_t i = 0; i < atoms->n; i++)
		if (atoms->v[i].protocol_lo != atoms->v[i].protocol_hi ||
		    (atoms->v[i].protocol_lo != IPPROTO_ICMP &&
		     atoms->v[i].protocol_lo != IPPROTO_ICMPV6))
			return false;
	return true;
}

static bool shows_address(const char *text)
{
	return strpbrk(text, ".:") != NULL;
}

void diff_fill_packets(struct differ *d, const struct diff_side *side, uint32_t from, uint32_t to,
		       struct diff_product *product, struct diff_row *row)
{
	const char *note = family_note(side, from, to, &product->sources);

	row->from = side->plan->zones[from].id;
	row->to = side->plan->zones[to].id;
	row->from_text = diff_addresses_text(d, side, from, &product->sources);
	row->to_text = diff_addresses_text(d, side, to, &product->destinations);
	row->services_text = diff_services_text(d, side, product);
	if (*note && !names_family(&product->atoms) && !shows_address(row->from_text) &&
	    !shows_address(row->to_text))
		row->services_text = arena_printf(d->arena, "%s%s", row->services_text, note);
	row->n_atoms = product->atoms.n;
	row->atoms = arena_memdup(d->arena, product->atoms.v,
				  product->atoms.n * sizeof(*product->atoms.v));
	row->sources = keep_set(d, &product->sources, &row->n_sources);
	row->destinations = keep_set(d, &product->destinations, &row->n_destinations);
	vec_done(&product->atoms);
}

void diff_fill_flow(struct differ *d, const struct diff_side *side, uint32_t flow,
		    struct diff_row *row)
{
	const struct plan_flow *of = &side->plan->flows[flow];

	row->subject = arena_printf(d->arena, "flow %s", of->id);
	row->flow = of->id;
	row->owner = of->owner_title && *of->owner_title ? of->owner_title : of->owner;
	row->at = of->at;
	side->told[flow] = true;
}

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_kind(const void *a, const void *b)
{
	const struct diff_row *x = a, *y = b;
	int r = (int)x->kind - (int)y->kind;

	r = r ? r : (int)y->weight - (int)x->weight;
	r = r ? r : strcmp(x->subject, y->subject);
	r = r ? r : compare_texts(x->from, y->from);
	r = r ? r : compare_texts(x->to, y->to);
	r = r ? r : strcmp(x->what, y->what);
	r = r ? r : compare_texts(x->from_text, y->from_text);
	r = r ? r : compare_texts(x->to_text, y->to_text);
	return r ? r : compare_texts(x->services_text, y->services_text);
}

bool diff_row_holds(const struct diff_row *row, const struct plan_packet *packet)
{
	bool source = false, destination = false, service = false;

	for (size_t i = 0; i < row->n_sources && !source; i++)
		source = addr_range_contains(&row->sources[i], &packet->source);
	for (size_t i = 0; i < row->n_destinations && !destination; i++)
		destination = addr_range_contains(&row->destinations[i], &packet->destination);
	for (size_t i = 0; i < row->n_atoms && !service; i++) {
		const struct plan_atom *atom = &row->atoms[i];

		service = packet->protocol >= atom->protocol_lo &&
			  packet->protocol <= atom->protocol_hi &&
			  packet->sport >= atom->sport_lo && packet->sport <= atom->sport_hi &&
			  packet->port >= atom->port_lo && packet->port <= atom->port_hi;
	}
	return source && destination && service;
}

static void finish(struct differ *d, struct plan_diff *ret)
{
	if (d->rows.n > 0)
		qsort(d->rows.v, d->rows.n, sizeof(*d->rows.v), by_kind);
	*ret = (struct plan_diff){
		.arena = d->arena,
		.rows = arena_memdup(d->arena, d->rows.v, d->rows.n * sizeof(*d->rows.v)),
		.n = d->rows.n,
		.omitted = d->omitted,
		.same_text = memcmp(d->before.plan->digest, d->after.plan->digest,
				    sizeof(d->after.plan->digest)) == 0,
	};
	vec_done(&d->rows);
	for (size_t i = 0; i < ret->n; i++) {
		ret->counts[ret->rows[i].kind]++;
		if (ret->rows[i].weight > ret->weight)
			ret->weight = ret->rows[i].weight;
	}
	if (ret->omitted)
		ret->weight = DIFF_HEAVY; // nobody sees them all
}

void plan_diff(const struct plan *before, const struct plan *after, struct plan_diff *ret)
{
	plan_diff_within(before, after, DIFF_WORK_MAX, ret);
}

void plan_diff_within(const struct plan *before, const struct plan *after, size_t max_work,
		      struct plan_diff *ret)
{
	static void (*const steps[])(struct differ *) = {
		diff_flows,    diff_treatment, diff_zones,    diff_nat,
		diff_settings, diff_guards,    diff_sections, diff_words,
	};
	struct differ d = {
		.arena = arena_new(),
		.before.plan = before,
		.after.plan = after,
		.max_work = max_work,
	};

	find_twins(&d, &d.before, after);
	find_twins(&d, &d.after, before);
	find_fresh(&d.before, after);
	find_fresh(&d.after, before);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		steps[i](&d);
	side_done(&d.before);
	side_done(&d.after);
	finish(&d, ret);
}

void plan_diff_done(struct plan_diff *diff)
{
	arena_free(diff->arena);
	*diff = (struct plan_diff){ 0 };
}
