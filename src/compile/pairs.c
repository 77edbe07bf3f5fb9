// Which flows a packet between two zones can be of.
//
// Most classes of services stand flat: each of their cells with each of their atoms (cells.c).  And
// where cells say enough by themselves, those of all pairs of a source zone stand together, with
// the interface they leave by, in a chain z_<zone>: some look-ups decide, and a policy has few
// rules, chains and sets, however many flows and pairs of zones.  Few they must be for a small
// change to be quick: with every rule that comes, the kernel walks all rules that packets can come
// to, and finds a set by walking a list.
//
// The rest is in a chain p_<from>_<to> for each pair: first whether the destination is one of the
// zone's, then flat classes, and at last classes of many services and many cells, which flat would
// be their product: each has a chain of its own, to which its services lead.
//
// Cells are disjoint, and so are the atoms of a pair, so no order of these matters.
#include "compile/context.h"

#include <stdio.h>
#include <stdlib.h>

static const enum rs_key destination_of[FAMILIES] = { RS_IP_DADDR, RS_IP6_DADDR };

enum {
	RULES_MAX = 6, // so many atoms of a shape become rules instead of a map
	FLAT_MAX = 64, // so many cells with atoms stand flat, whatever the sum of both
	LEAVE_MAX = 4, // interfaces of a zone to which flat cells are written out
};

// How the services of classes with chains of their own are told apart.
struct dispatch {
	const char *name; // of the pair's chain
	uint32_t chain;
	size_t atoms[SERVICE_SHAPES];
	bool interval[SERVICE_SHAPES]; // at least one atom is a range
	uint32_t sets[SERVICE_SHAPES]; // RS_NONE: rules
};

static bool is_flat(const struct plan_class *class)
{
	size_t product = class->n_atoms * class->n_cells;

	return product <= FLAT_MAX || product <= 2 * (class->n_atoms + class->n_cells);
}

static void count_atoms(struct dispatch *dispatch, const struct plan_class *class)
{
	for (size_t a = 0; a < class->n_atoms; a++) {
		enum service_shape shape = service_shape(&class->atoms[a]);

		dispatch->atoms[shape]++;
		dispatch->interval[shape] |= service_is_range(shape, &class->atoms[a]);
	}
}

// The look-ups come first in the chain, the compares of what is not in a map after them.
static void begin_sets(struct compiling *c, struct dispatch *dispatch)
{
	for (enum service_shape shape = 0; shape < SERVICE_SHAPES; shape++) {
		enum rs_key keys[RS_KEYS_MAX];
		unsigned n_keys = service_keys(shape, keys);

		dispatch->sets[shape] = RS_NONE;
		if (dispatch->atoms[shape] <= RULES_MAX)
			continue;
		dispatch->sets[shape] = rb_set(
			c->build,
			arena_printf(c->arena, "%s_%s", dispatch->name, service_suffix(shape)),
			RS_MAP_VERDICT, dispatch->interval[shape], keys, n_keys);
		rule(c->build, dispatch->chain, RS_NONE);
		rule_vmap(c->build, dispatch->sets[shape]);
	}
}

static void add_atom(struct compiling *c, struct dispatch *dispatch, const struct plan_atom *atom,
		     uint32_t chain)
{
	enum service_shape shape = service_shape(atom);
	struct build_key key = { .size = 0 };

	if (dispatch->sets[shape] == RS_NONE) {
		rule(c->build, dispatch->chain, RS_NONE);
		service_match(c->build, atom);
		rule_verdict(c->build, RS_GOTO, chain);
		return;
	}
	service_key(&key, shape, atom);
	rb_elem(c->build, dispatch->sets[shape], &key, RS_GOTO, chain, RS_NONE);
}

// A class is named after its first atom, which no other class of the pair can have: names stay when
// other services come and go.
static void add_class(struct compiling *c, struct dispatch *dispatch, const char *names,
		      const struct plan_class *class)
{
	char service[64];
	const char *name;
	uint32_t chain;

	service_name(&class->atoms[0], service, sizeof(service));
	name = arena_printf(c->arena, "c_%s_%s", names, service);
	chain = rb_chain(c->build, name, RS_NONE);
	for (size_t a = 0; a < class->n_atoms; a++)
		add_atom(c, dispatch, &class->atoms[a], chain);
	class_rules(c, chain, name, class);
}

// What the gateway's own daemons also speak to on a link, to routers and DHCP clients for instance.
static uint32_t on_link_set(struct compiling *c, int family)
{
	static const char *const words[FAMILIES][2] = { { "224.0.0.0/24", "255.255.255.255" },
							{ "fe80::/10", "ff02::/16" } };
	struct addr_range range;
	uint32_t *set = &c->on_link[family];

	if (*set != RS_NONE)
		return *set;
	*set = rb_set(c->build, family == V4 ? "on_link_4" : "on_link_6", RS_SET, true,
		      &destination_of[family], 1);
	for (size_t i = 0; i < 2; i++) {
		struct build_key elem = { .size = 0 };

		addr_range_parse(words[family][i], &range);
		key_addr(&elem, destination_of[family], &range);
		rb_elem(c->build, *set, &elem, RS_CONTINUE, RS_NONE, RS_NONE);
	}
	return *set;
}

// Whether every cell of the family leads to addresses of the zone only: then the cells themselves
// see to it that nothing else is reached.
static bool cells_stay_inside(const struct compiling *c, const struct plan_pair *pair, int family)
{
	enum addr_family of = family == V4 ? ADDR_V4 : ADDR_V6;

	for (size_t i = 0; i < pair->n_classes; i++)
		for (size_t k = 0; k < pair->classes[i].n_cells; k++) {
			const struct addr_range *to = &pair->classes[i].cells[k].rect.destination;

			if (to->family == of && !has_all(c, pair->to, family, to))
				return false;
		}
	return true;
}

// Whether packets of the family have to be asked if they go to an address of the zone.
static bool asks_membership(const struct compiling *c, const struct plan_pair *pair, int family)
{
	int kind = pair->to == PLAN_SELF ? SPACE_NONE : c->zone[pair->to].space[family].kind;

	return (kind == SPACE_INSIDE || kind == SPACE_OUTSIDE) &&
	       !cells_stay_inside(c, pair, family);
}

static void membership_rules(struct compiling *c, uint32_t chain, const struct plan_pair *pair)
{
	for (int family = 0; family < FAMILIES; family++) {
		if (!asks_membership(c, pair, family))
			continue;
		rule(c->build, chain, c->zone[pair->to].origin);
		match_member(c, pair->to, family, destination_of[family], false);
		if (pair->from == PLAN_SELF)
			rule_lookup(c->build, destination_of[family], on_link_set(c, family),
				    false);
		rule_verdict(c->build, RS_RETURN, RS_NONE);
	}
}

// Whether the cells of a pair can do without a chain of its own.
static bool is_open(const struct compiling *c, const struct plan_pair *pair)
{
	const struct zone_state *to = &c->zone[pair->to];

	if (pair->from == PLAN_SELF || pair->to == PLAN_SELF || to->n_interfaces > LEAVE_MAX)
		return false;
	for (size_t i = 0; i < to->n_interfaces; i++)
		if (to->interfaces[i]->pattern)
			return false;
	return !asks_membership(c, pair, V4) && !asks_membership(c, pair, V6);
}

// A key that has source ports as well has no field left for the interface.
static bool is_open_class(const struct plan_class *class)
{
	for (size_t a = 0; a < class->n_atoms; a++)
		if (service_shape(&class->atoms[a]) == SERVICE_SOURCE)
			return false;
	return is_flat(class);
}

typedef VEC(struct flat) flats;

uint32_t zone_chain(struct compiling *c, uint32_t from)
{
	const char *name = arena_printf(c->arena, "z_%s", zone_id(c, from));
	flats v = { 0 };
	uint32_t chain = RS_NONE;

	for (size_t p = 0; p < c->n_pairs; p++) {
		const struct plan_pair *pair = &c->pairs[p];
		const struct zone_state *to = &c->zone[pair->to];

		if (pair->from != from || !is_open(c, pair))
			continue;
		for (size_t k = 0; k < pair->n_classes; k++)
			for (size_t i = 0; i < to->n_interfaces; i++)
				if (is_open_class(&pair->classes[k]))
					vec_push(&v, ((struct flat){ &pair->classes[k],
								     to->interfaces[i] }));
	}
	if (v.n) {
		chain = rb_chain(c->build, name, c->zone[from].origin);
		flat_rules(c, chain, name, v.v, v.n);
	}
	vec_done(&v);
	return chain;
}

// The classes of a pair that are its own chain's: flat ones, and those with a chain of their own.
static void sort_classes(const struct compiling *c, const struct plan_pair *pair, flats *flat,
			 flats *apart)
{
	bool open = is_open(c, pair);

	for (size_t i = 0; i < pair->n_classes; i++) {
		const struct plan_class *class = &pair->classes[i];

		if (!class->n_atoms || !class->n_cells || (open && is_open_class(class)))
			continue;
		if (is_flat(class))
			vec_push(flat, ((struct flat){ class, NULL }));
		else
			vec_push(apart, ((struct flat){ class, NULL }));
	}
}

uint32_t pair_chain(struct compiling *c, const struct plan_pair *pair)
{
	struct dispatch dispatch = { .chain = RS_NONE };
	const char *names =
		arena_printf(c->arena, "%s_%s", zone_id(c, pair->from), zone_id(c, pair->to));
	flats flat = { 0 }, apart = { 0 };

	sort_classes(c, pair, &flat, &apart);
	if (flat.n || apart.n) {
		dispatch.name = arena_printf(c->arena, "p_%s", names);
		dispatch.chain = rb_chain(c->build, dispatch.name, RS_NONE);
		membership_rules(c, dispatch.chain, pair);
		flat_rules(c, dispatch.chain, dispatch.name, flat.v, flat.n);
		for (size_t i = 0; i < apart.n; i++)
			count_atoms(&dispatch, apart.v[i].class);
		begin_sets(c, &dispatch);
		for (size_t i = 0; i < apart.n; i++)
			add_class(c, &dispatch, names, apart.v[i].class);
	}
	vec_done(&flat);
	vec_done(&apart);
	return dispatch.chain;
}

static bool diverts(const struct compiling *c, const struct plan_class *class)
{
	for (size_t i = 0; i < class->n_cells; i++)
		if (divert_has(c, &class->cells[i]))
			return true;
	return false;
}

uint32_t pair_divert_chain(struct compiling *c, const struct plan_pair *pair)
{
	const char *name =
		arena_printf(c->arena, "x_%s_%s", zone_id(c, pair->from), zone_id(c, pair->to));
	uint32_t chain = RS_NONE;
	flats v = { 0 };

	for (size_t i = 0; i < pair->n_classes; i++)
		if (diverts(c, &pair->classes[i]))
			vec_push(&v, ((struct flat){ &pair->classes[i], NULL }));
	if (v.n) {
		chain = rb_chain(c->build, name, RS_NONE);
		membership_rules(c, chain, pair);
		flat_rules(c, chain, name, v.v, v.n);
	}
	vec_done(&v);
	return chain;
}
