// Cells: which source may reach which destination, and on which flow it counts; flat ones (pairs.c)
// with the service that they are for.
//
// They are sorted into groups that one look-up can decide: of one family, one shape of services,
// plain (count and accept) or treated (go to f_<flow>).  Most sources and destinations are
// prefixes, of few lengths: those of the same two lengths are a group of their own, for which a
// packet's addresses are cut to these lengths and looked up in a hash.  Ranges, and lengths that
// only few cells have, share a map of intervals, which is slower to make and much larger.  A small
// group becomes rules; a big one is cut into shards (shards.c).
#include "compile/cells.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	SET_MAX = 256,	  // so many cells stay in one set
	EXACT_MIN = 8,	  // so many cells of the same lengths make a hash,
	EXACT_GROUPS = 8, // and so many hashes may be looked up in turn
	PORTS_MAX = 16,	  // ports of a cell that are written out one by one in a hash
};

struct gathered {
	struct group group;
	pieces v;
};

typedef VEC(struct gathered) gathering;

static bool is_any(const struct plan_rect *rect, unsigned axis)
{
	return addr_range_is_any(side(rect, axis));
}

static unsigned shape_of(const struct plan_rect *rect)
{
	return (is_any(rect, SOURCE) ? 0 : SOURCE) | (is_any(rect, DESTINATION) ? 0 : DESTINATION);
}

// --- writing a group

// Where no address is looked at, which would say it.
static void match_family(struct compiling *c, const struct group *group, unsigned shape)
{
	if (!shape && group->family != ALIKE)
		match_nfproto(c, group->family);
}

// Counts and accepts, or goes to its flow's chain.
static void finish_rule(struct compiling *c, const struct group *group,
			const struct plan_cell *cell)
{
	if (group->treated) {
		rule_verdict(c->build, RS_GOTO, treat_chain(c, cell));
		return;
	}
	rule_count(c->build, c->flow[cell->flow].counter);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
}

static void cell_rule(struct compiling *c, const struct work *work, const struct piece *piece)
{
	const struct group *group = &work->group;

	if (group->treated) // first: making the chain begins rules of its own
		treat_chain(c, piece->cell);
	rule(c->build, work->chain, c->flow[piece->cell->flow].origin);
	if (piece->leave)
		rule_name(c->build, RS_META_OIFNAME, piece->leave->name, false);
	if (piece->atom)
		service_match(c->build, piece->atom);
	for (unsigned axis = SOURCE; axis <= DESTINATION; axis++)
		if (!is_any(&piece->rect, axis))
			rule_addr(c->build, address_key(group->family, axis), true,
				  side(&piece->rect, axis));
	if (piece->member_axis) // costs most: last
		rule_lookup(c->build, address_key(group->family, piece->member_axis),
			    piece->member_set, true);
	match_family(c, group, shape_of(&piece->rect) | piece->member_axis);
	finish_rule(c, group, piece->cell);
}

static void add_elem(struct compiling *c, const struct group *group, uint32_t set,
		     const struct piece *piece, const struct plan_atom *atom)
{
	const struct flow_state *flow = &c->flow[piece->cell->flow];
	struct build_key key = { .size = 0 };

	if (piece->leave)
		key_name(&key, RS_META_OIFNAME, piece->leave->name, false);
	if (atom)
		service_key(&key, group->service, atom);
	for (unsigned axis = SOURCE; axis <= DESTINATION; axis++) {
		struct addr_range range = *side(&piece->rect, axis);

		if (group->exact)
			range.hi = range.lo;
		if (group->shape & axis)
			key_addr(&key, address_key(group->family, axis), &range);
	}
	if (group->treated)
		rb_elem(c->build, set, &key, RS_GOTO, treat_chain(c, piece->cell), flow->origin);
	else
		rb_elem(c->build, set, &key, RS_CONTINUE, flow->counter, flow->origin);
}

static void add_piece(struct compiling *c, const struct group *group, uint32_t set,
		      const struct piece *piece)
{
	struct plan_atom one;

	if (!group->exact || !piece->atom || !service_is_range(group->service, piece->atom)) {
		add_elem(c, group, set, piece, piece->atom);
		return;
	}
	one = *piece->atom;
	for (uint32_t port = piece->atom->port_lo; port <= piece->atom->port_hi; port++) {
		one.port_lo = one.port_hi = (uint16_t)port;
		add_elem(c, group, set, piece, &one);
	}
}

static bool is_interval(const struct work *work)
{
	const struct group *group = &work->group;

	if (group->exact)
		return false;
	for (size_t i = 0; i < work->n; i++) {
		const struct piece *piece = &work->v[i];

		if (piece->atom && service_is_range(group->service, piece->atom))
			return true;
		for (unsigned axis = SOURCE; axis <= DESTINATION; axis++)
			if (group->shape & axis &&
			    side(&piece->rect, axis)->lo != side(&piece->rect, axis)->hi)
				return true;
	}
	return false;
}

static unsigned group_keys(const struct group *group, enum rs_key keys[RS_KEYS_MAX],
			   uint8_t bits[RS_KEYS_MAX])
{
	int width = group->family == V4 ? 32 : 128;
	unsigned n = 0;

	memset(bits, 0, RS_KEYS_MAX);
	if (group->leaving)
		keys[n++] = RS_META_OIFNAME;
	n += service_keys(group->service, keys + n);
	for (unsigned axis = SOURCE; axis <= DESTINATION; axis++) {
		int length = axis == SOURCE ? group->bits_source : group->bits_destination;

		if (!(group->shape & axis))
			continue;
		if (group->exact && length < width)
			bits[n] = (uint8_t)length;
		keys[n++] = address_key(group->family, axis);
	}
	return n;
}

static void cell_map(struct compiling *c, const struct work *work)
{
	const struct group *group = &work->group;
	uint8_t bits[RS_KEYS_MAX];
	enum rs_key keys[RS_KEYS_MAX];
	unsigned n_keys = group_keys(group, keys, bits);
	uint32_t set =
		rb_set(c->build, work->name, group->treated ? RS_MAP_VERDICT : RS_MAP_COUNTER,
		       is_interval(work), keys, n_keys);

	for (size_t i = 0; i < work->n; i++)
		add_piece(c, group, set, &work->v[i]);
	rule(c->build, work->chain, RS_NONE);
	match_family(c, group, group->shape);
	if (group->treated) {
		rule_vmap(c->build, set);
		rule_bits(c->build, bits);
	} else {
		rule_count_map(c->build, set);
		rule_bits(c->build, bits);
		rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	}
}

static void write_work(struct compiling *c, works *todo, struct work *work)
{
	if (work->n <= RULES_MAX)
		for (size_t i = 0; i < work->n; i++)
			cell_rule(c, work, &work->v[i]);
	else if (work->n > SET_MAX && work->axes)
		shard(c, todo, work);
	else
		cell_map(c, work);
}

// --- gathering groups

static bool same_treatment(const struct plan_cell *a, const struct plan_cell *b)
{
	return a->flow == b->flow && a->treatment == b->treatment && a->helpers == b->helpers &&
	       a->guard_flow == b->guard_flow;
}

// Everything in both families on the same flow: the family need not be asked.
static bool is_alike(const struct plan_class *class)
{
	const struct plan_cell *cells = class->cells;

	return class->n_cells == 2 && !shape_of(&cells[0].rect) && !shape_of(&cells[1].rect) &&
	       cells[0].rect.source.family != cells[1].rect.source.family &&
	       same_treatment(&cells[0], &cells[1]);
}

// By category (the map of intervals that it can fall back to), the exact ones before the others.
static int by_category(const struct group *a, const struct group *b)
{
	if ((a->family == ALIKE) != (b->family == ALIKE)) // few, and wide: first
		return a->family == ALIKE ? -1 : 1;
	if (a->family != b->family)
		return a->family - b->family;
	if (a->treated != b->treated)
		return b->treated - a->treated;
	return (int)a->service - (int)b->service;
}

static int by_group(const struct group *a, const struct group *b)
{
	int order = by_category(a, b);

	if (order == 0)
		order = b->exact - a->exact;
	if (order == 0)
		order = b->bits_source - a->bits_source;
	return order ? order : b->bits_destination - a->bits_destination;
}

static int compare_gathered(const void *a, const void *b)
{
	return by_group(&((const struct gathered *)a)->group, &((const struct gathered *)b)->group);
}

static struct gathered *find_group(gathering *groups, const struct group *group)
{
	struct gathered *made;

	for (size_t i = 0; i < groups->n; i++)
		if (by_group(&groups->v[i].group, group) == 0)
			return &groups->v[i];
	made = vec_add(groups);
	*made = (struct gathered){ .group = *group };
	return made;
}

static bool few_values(enum service_shape service, const struct plan_atom *atom)
{
	if (!service_is_range(service, atom))
		return true;
	return service != SERVICE_PROTOCOL && service != SERVICE_SOURCE &&
	       atom->port_hi - atom->port_lo < PORTS_MAX;
}

static void gather(gathering *groups, const struct piece *piece)
{
	const struct plan_cell *cell = piece->cell;
	struct group group = {
		.family = piece->rect.source.family == ADDR_V4 ? V4 : V6,
		.treated = cell->treatment || cell->helpers,
		.service = piece->atom ? service_shape(piece->atom) : SERVICE_ALL,
		.bits_source = addr_range_prefix(&piece->rect.source),
		.bits_destination = addr_range_prefix(&piece->rect.destination),
		.leaving = piece->leave != NULL,
	};

	if (piece->alike)
		group.family = ALIKE;
	else if (group.service == (group.family == V4 ? SERVICE_ICMPV6 : SERVICE_ICMP))
		return;			    // the other family's
	if (group.service == SERVICE_RANGE) // a map of intervals takes both
		group.service = SERVICE_PORT;
	group.exact = group.bits_source >= 0 && group.bits_destination >= 0 &&
		      (!piece->atom || few_values(group.service, piece->atom));
	if (!group.exact)
		group.bits_source = group.bits_destination = -1;
	vec_push(&find_group(groups, &group)->v, *piece);
}

static void push_class(const struct compiling *c, pieces *v, const struct plan_class *class,
		       const struct plan_atom *atom, const struct plan_interface *leave)
{
	bool alike = is_alike(class);

	for (size_t i = 0; i < (alike ? 1 : class->n_cells); i++) {
		const struct plan_cell *cell = &class->cells[i];

		if (c->diverting && !divert_has(c, cell))
			continue;
		vec_push(v, ((struct piece){ .rect = cell->rect,
					     .cell = cell,
					     .atom = atom,
					     .leave = leave,
					     .alike = alike }));
	}
}

// How many cells an exact group of the category must have to stand by itself.
static size_t exact_limit(const struct gathered *v, size_t n)
{
	size_t limit = EXACT_MIN;

	for (;; limit *= 2) {
		size_t kept = 0;

		for (size_t i = 0; i < n; i++)
			kept += v[i].group.exact && v[i].v.n >= limit;
		if (kept <= EXACT_GROUPS)
			return limit;
	}
}

// Exact groups of one category that are too small, or too many, fall to the map of intervals.
static void merge_category(struct gathered *v, size_t n)
{
	struct gathered rest = { .group = v[0].group };
	size_t limit = exact_limit(v, n);

	if (n == 1)
		return;
	rest.group.exact = false;
	rest.group.bits_source = rest.group.bits_destination = -1;
	for (size_t i = 0; i < n; i++) {
		if (v[i].group.exact && v[i].v.n >= limit)
			continue;
		for (size_t k = 0; k < v[i].v.n; k++)
			vec_push(&rest.v, v[i].v.v[k]);
		vec_done(&v[i].v);
	}
	if (!rest.v.n)
		return;
	for (size_t i = 0; i < n; i++)
		if (!v[i].v.n) {
			v[i] = rest;
			return;
		}
}

static char *group_name(struct compiling *c, const char *name, const struct gathered *from)
{
	static const char *const families[GROUP_FAMILIES] = { "4", "6", "46" };
	const struct group *group = &from->group;
	char lengths[32] = "";

	if (group->exact && group->family != ALIKE)
		snprintf(lengths, sizeof(lengths), "_%d_%d", group->bits_source,
			 group->bits_destination);
	return arena_printf(c->arena, "%s_%s%s%s%s", name,
			    from->v.v[0].atom ? service_suffix(group->service) : "cells",
			    families[group->family], lengths, group->treated ? "_treated" : "");
}

// The addresses that any piece looks at.
static unsigned shape_of_all(const pieces *v)
{
	unsigned shape = 0;

	for (size_t i = 0; i < v->n; i++)
		shape |= shape_of(&v->v[i].rect);
	return shape;
}

static void push_group(struct compiling *c, works *todo, uint32_t chain, const char *name,
		       const struct gathered *from)
{
	struct work work = { .group = from->group };

	work.group.shape = shape_of_all(&from->v);
	push_work(c, todo, &work, chain, work.group.shape, group_name(c, name, from), &from->v);
}

static void write_groups(struct compiling *c, uint32_t chain, const char *name, gathering *groups)
{
	works todo = { 0 };
	size_t same;

	if (groups->n)
		qsort(groups->v, groups->n, sizeof(*groups->v), compare_gathered);
	for (size_t i = 0; i < groups->n; i += same) {
		for (same = 1; i + same < groups->n; same++)
			if (by_category(&groups->v[i].group, &groups->v[i + same].group) != 0)
				break;
		merge_category(&groups->v[i], same);
	}
	for (size_t i = 0; i < groups->n; i++) {
		if (groups->v[i].v.n)
			push_group(c, &todo, chain, name, &groups->v[i]);
		vec_done(&groups->v[i].v);
	}
	vec_done(groups);
	for (size_t i = 0; i < todo.n; i++) { // grows while it is worked off
		struct work work = todo.v[i];

		write_work(c, &todo, &work);
	}
	vec_done(&todo);
}

void pieces_rules(struct compiling *c, uint32_t chain, const char *name, const pieces *v)
{
	gathering groups = { 0 };

	for (size_t i = 0; i < v->n; i++)
		gather(&groups, &v->v[i]);
	write_groups(c, chain, name, &groups);
}

void class_rules(struct compiling *c, uint32_t chain, const char *name,
		 const struct plan_class *class)
{
	pieces v = { 0 };

	push_class(c, &v, class, NULL, NULL);
	countries_rules(c, chain, name, &v);
	vec_done(&v);
}

void flat_rules(struct compiling *c, uint32_t chain, const char *name, const struct flat *v,
		size_t n)
{
	pieces all = { 0 };

	for (size_t i = 0; i < n; i++)
		for (size_t a = 0; a < v[i].class->n_atoms; a++)
			push_class(c, &all, v[i].class, &v[i].class->atoms[a], v[i].leave);
	countries_rules(c, chain, name, &all);
	vec_done(&all);
}
