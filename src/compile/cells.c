// The cells of a class: which source may reach which destination, and on which flow it counts.
//
// Cells are sorted into groups by family, by what a look-up needs (source, destination, both) and
// by whether they are plain (count and accept) or treated (go to f_<flow>).  A small group becomes
// rules, a larger one a map, a big one is cut into shards: an interval map on one address leads to
// chains with a map of some 200 cells each, because a big set is slow to replace.
//
// Cuts follow the content (a hash of the address where a shard begins), so that a new flow changes
// one shard and not all that come after it, and a shard is named after its first address.  A cell
// that reaches over a cut is cut in two; one that reaches over many goes to what is left over,
// which is sharded by the other address.
#include "compile/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RULES_MAX = 6, // so many cells become rules instead of a map
	SET_MAX = 256, // so many cells stay in one set
	SHARD_MIN = 64,
	SHARD_MAX = 256,
	SHARD_MEAN = 128, // a power of two: cuts where the hash ends in zeros
	PIECES_MAX = 4,	  // shards that one cell may be cut into
};

enum { SOURCE = 1, DESTINATION = 2, BOTH = 3, SHAPES = 4 }; // bits: what the look-up needs

static const enum rs_key source_of[FAMILIES] = { RS_IP_SADDR, RS_IP6_SADDR };
static const enum rs_key destination_of[FAMILIES] = { RS_IP_DADDR, RS_IP6_DADDR };

struct piece {
	struct plan_rect rect;
	const struct plan_cell *cell;
};

typedef VEC(struct piece) pieces;

struct group {
	int family;
	unsigned shape;
	bool treated;
};

// One group, or a shard of one, that is still to be written.
struct work {
	struct group group;
	uint32_t chain;
	unsigned axes; // which addresses it may still be sharded by
	char *name;    // of its set
	struct piece *v;
	size_t n;
};

typedef VEC(struct work) works;

static const struct addr_range *side(const struct plan_rect *rect, unsigned axis)
{
	return axis == SOURCE ? &rect->source : &rect->destination;
}

static bool single(const struct addr_range *range)
{
	return range->lo == range->hi;
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
	if (group->shape & SOURCE)
		rule_addr(c->build, source_of[group->family], true, &piece->rect.source);
	if (group->shape & DESTINATION)
		rule_addr(c->build, destination_of[group->family], true, &piece->rect.destination);
	if (!group->shape)
		match_nfproto(c, group->family);
	finish_rule(c, group, piece->cell);
}

static unsigned group_keys(const struct group *group, enum rs_key keys[2])
{
	unsigned n = 0;

	if (group->shape & SOURCE)
		keys[n++] = source_of[group->family];
	if (group->shape & DESTINATION)
		keys[n++] = destination_of[group->family];
	return n;
}

static void add_cell(struct compiling *c, const struct group *group, uint32_t set,
		     const struct piece *piece)
{
	const struct flow_state *flow = &c->flow[piece->cell->flow];
	struct build_key key = { .size = 0 };

	if (group->shape & SOURCE)
		key_addr(&key, source_of[group->family], &piece->rect.source);
	if (group->shape & DESTINATION)
		key_addr(&key, destination_of[group->family], &piece->rect.destination);
	if (group->treated)
		rb_elem(c->build, set, &key, RS_GOTO, treat_chain(c, piece->cell), flow->origin);
	else
		rb_elem(c->build, set, &key, RS_CONTINUE, flow->counter, flow->origin);
}

static void cell_map(struct compiling *c, const struct work *work)
{
	const struct group *group = &work->group;
	enum rs_key keys[2];
	unsigned n_keys = group_keys(group, keys);
	bool interval = false;
	uint32_t set;

	for (size_t i = 0; i < work->n; i++) {
		interval |= group->shape & SOURCE && !single(&work->v[i].rect.source);
		interval |= group->shape & DESTINATION && !single(&work->v[i].rect.destination);
	}
	set = rb_set(c->build, work->name, group->treated ? RS_MAP_VERDICT : RS_MAP_COUNTER,
		     interval, keys, n_keys);
	for (size_t i = 0; i < work->n; i++)
		add_cell(c, group, set, &work->v[i]);
	rule(c->build, work->chain, RS_NONE);
	if (group->treated) {
		rule_vmap(c->build, set);
	} else {
		rule_count_map(c->build, set);
		rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	}
}

static int by_source(const void *a, const void *b)
{
	const struct plan_rect *x = &((const struct piece *)a)->rect;
	const struct plan_rect *y = &((const struct piece *)b)->rect;

	if (x->source.lo != y->source.lo)
		return x->source.lo < y->source.lo ? -1 : 1;
	return x->destination.lo < y->destination.lo ? -1 : x->destination.lo > y->destination.lo;
}

static int by_destination(const void *a, const void *b)
{
	const struct plan_rect *x = &((const struct piece *)a)->rect;
	const struct plan_rect *y = &((const struct piece *)b)->rect;

	if (x->destination.lo != y->destination.lo)
		return x->destination.lo < y->destination.lo ? -1 : 1;
	return x->source.lo < y->source.lo ? -1 : x->source.lo > y->source.lo;
}

static void sort_pieces(struct work *work, unsigned axis)
{
	qsort(work->v, work->n, sizeof(*work->v), axis == SOURCE ? by_source : by_destination);
}

static size_t count_distinct(struct work *work, unsigned axis)
{
	size_t distinct = 1;

	sort_pieces(work, axis);
	for (size_t i = 1; i < work->n; i++)
		distinct +=
			side(&work->v[i].rect, axis)->lo != side(&work->v[i - 1].rect, axis)->lo;
	return distinct;
}

// The axis with more places to cut; the work is left sorted by it.
static unsigned choose_axis(struct work *work)
{
	size_t by_sources, by_destinations;

	if (work->axes != BOTH) {
		sort_pieces(work, work->axes);
		return work->axes;
	}
	by_sources = count_distinct(work, SOURCE);
	by_destinations = count_distinct(work, DESTINATION);
	if (by_destinations >= by_sources)
		return DESTINATION;
	sort_pieces(work, SOURCE);
	return SOURCE;
}

static bool good_cut(addr_bits lo)
{
	uint64_t hash = (uint64_t)lo ^ (uint64_t)(lo >> 64) * 0x9e3779b97f4a7c15u;

	hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
	hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
	return ((hash ^ hash >> 32) & (SHARD_MEAN - 1)) == 0;
}

// Where shards begin, ascending; the first begins at 0.
static addr_bits *find_cuts(struct compiling *c, const struct work *work, unsigned axis,
			    size_t *ret_n)
{
	addr_bits *cuts = arena_array_of(c->arena, addr_bits, work->n + 1);
	size_t n = 1, held = 0, same;

	for (size_t i = 0; i < work->n; i += same) {
		addr_bits lo = side(&work->v[i].rect, axis)->lo;

		for (same = 1; i + same < work->n; same++)
			if (side(&work->v[i + same].rect, axis)->lo != lo)
				break;
		if (held && (held + same > SHARD_MAX || (held >= SHARD_MIN && good_cut(lo)))) {
			cuts[n++] = lo;
			held = 0;
		}
		held += same;
	}
	*ret_n = n;
	return cuts;
}

static size_t shard_of(const addr_bits *cuts, size_t n, addr_bits at)
{
	size_t lo = 0, hi = n;

	while (hi - lo > 1) {
		size_t middle = (lo + hi) / 2;

		if (cuts[middle] <= at)
			lo = middle;
		else
			hi = middle;
	}
	return lo;
}

static struct addr_range shard_range(int family, const addr_bits *cuts, size_t n, size_t shard)
{
	enum addr_family f = family == V4 ? ADDR_V4 : ADDR_V6;

	return (struct addr_range){ .family = f,
				    .lo = cuts[shard],
				    .hi = shard + 1 < n ? cuts[shard + 1] - 1 : addr_max(f) };
}

// Puts every cell into its shards, cut at their borders, or into what is left over.
static void distribute(const struct work *work, unsigned axis, const addr_bits *cuts, size_t n,
		       pieces *shards, pieces *over)
{
	for (size_t i = 0; i < work->n; i++) {
		const struct addr_range *range = side(&work->v[i].rect, axis);
		size_t first = shard_of(cuts, n, range->lo), last = shard_of(cuts, n, range->hi);

		if (last - first >= PIECES_MAX) {
			vec_push(over, work->v[i]);
			continue;
		}
		for (size_t s = first; s <= last; s++) {
			struct addr_range whole = shard_range(work->group.family, cuts, n, s);
			struct piece piece = work->v[i];
			struct addr_range *cut =
				axis == SOURCE ? &piece.rect.source : &piece.rect.destination;

			if (cut->lo < whole.lo)
				cut->lo = whole.lo;
			if (cut->hi > whole.hi)
				cut->hi = whole.hi;
			vec_push(&shards[s], piece);
		}
	}
}

// "10.20.0.0", or the hexadecimal digits of an IPv6 address without the zeros at its end.
static const char *cut_text(int family, addr_bits at, char out[ADDR_TEXT_MAX])
{
	const struct addr addr = { .family = ADDR_V4, .bits = at };
	size_t length;

	if (family == V4)
		return addr_text(&addr, out);
	length = snprintf(out, ADDR_TEXT_MAX, "%016llx%016llx", (unsigned long long)(at >> 64),
			  (unsigned long long)at);
	while (length > 1 && out[length - 1] == '0')
		out[--length] = '\0';
	return out;
}

static void push_work(struct compiling *c, works *todo, const struct work *from, uint32_t chain,
		      unsigned axes, char *name, const pieces *v)
{
	struct work *made = vec_add(todo);

	made->group = from->group;
	made->chain = chain;
	made->axes = axes;
	made->name = name;
	made->v = arena_memdup(c->arena, v->v, v->n * sizeof(*v->v));
	made->n = v->n;
}

static void write_shards(struct compiling *c, works *todo, const struct work *work, unsigned axis,
			 const addr_bits *cuts, size_t n, const pieces *shards)
{
	const struct group *group = &work->group;
	enum rs_key key = axis == SOURCE ? source_of[group->family] : destination_of[group->family];
	uint32_t map;

	map = rb_set(c->build, arena_printf(c->arena, "%s_shards", work->name), RS_MAP_VERDICT,
		     true, &key, 1);
	for (size_t s = 0; s < n; s++) {
		struct addr_range range = shard_range(group->family, cuts, n, s);
		struct build_key elem = { .size = 0 };
		char text[ADDR_TEXT_MAX], *name;
		uint32_t chain;

		if (!shards[s].n)
			continue;
		name = arena_printf(c->arena, "%s_%s", work->name,
				    cut_text(group->family, range.lo, text));
		chain = rb_chain(c->build, name, RS_NONE);
		key_addr(&elem, key, &range);
		rb_elem(c->build, map, &elem, RS_JUMP, chain, RS_NONE);
		push_work(c, todo, work, chain, work->axes & ~axis, name, &shards[s]);
	}
	rule(c->build, work->chain, RS_NONE);
	rule_vmap(c->build, map);
}

static void shard(struct compiling *c, works *todo, struct work *work)
{
	unsigned axis = choose_axis(work);
	size_t n;
	addr_bits *cuts = find_cuts(c, work, axis, &n);
	pieces *shards = arena_array_of(c->arena, pieces, n), over = { 0 };

	if (n == 1) { // no place to cut: the other address, or one set
		struct work other = *work;

		other.axes &= ~axis;
		vec_push(todo, other);
		return;
	}
	distribute(work, axis, cuts, n, shards, &over);
	if (over.n < work->n)
		write_shards(c, todo, work, axis, cuts, n, shards);
	if (over.n)
		push_work(c, todo, work, work->chain, work->axes & ~axis,
			  arena_printf(c->arena, "%s_over", work->name), &over);
	for (size_t s = 0; s < n; s++)
		vec_done(&shards[s]);
	vec_done(&over);
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

static bool same_treatment(const struct plan_cell *a, const struct plan_cell *b)
{
	return a->flow == b->flow && a->treatment == b->treatment && a->helpers == b->helpers &&
	       a->guard_flow == b->guard_flow;
}

static unsigned shape_of(const struct plan_rect *rect)
{
	return (addr_range_is_any(&rect->source) ? 0 : SOURCE) |
	       (addr_range_is_any(&rect->destination) ? 0 : DESTINATION);
}

// Everything in both families on the same flow: one rule that asks nothing.
static bool whole_class(struct compiling *c, uint32_t chain, const struct plan_class *class)
{
	const struct plan_cell *cells = class->cells;
	struct group group = { .treated = cells[0].treatment || cells[0].helpers };

	if (class->n_cells != 2 || shape_of(&cells[0].rect) || shape_of(&cells[1].rect) ||
	    cells[0].rect.source.family == cells[1].rect.source.family ||
	    !same_treatment(&cells[0], &cells[1]))
		return false;
	if (group.treated)
		treat_chain(c, &cells[0]);
	rule(c->build, chain, c->flow[cells[0].flow].origin);
	finish_rule(c, &group, &cells[0]);
	return true;
}

static char *group_name(struct compiling *c, const char *name, const struct group *group)
{
	static const char *const tags[SHAPES] = { "all", "from", "to", "both" };

	return arena_printf(c->arena, "%s_%s%d%s", name, tags[group->shape],
			    group->family == V4 ? 4 : 6, group->treated ? "_treated" : "");
}

void class_rules(struct compiling *c, uint32_t chain, const char *name,
		 const struct plan_class *class)
{
	pieces groups[FAMILIES][2][SHAPES] = { 0 };
	works todo = { 0 };

	if (whole_class(c, chain, class))
		return;
	for (size_t i = 0; i < class->n_cells; i++) {
		const struct plan_cell *cell = &class->cells[i];
		int family = cell->rect.source.family == ADDR_V4 ? V4 : V6;
		int treated = cell->treatment || cell->helpers;
		struct piece piece = { cell->rect, cell };

		vec_push(&groups[family][treated][shape_of(&cell->rect)], piece);
	}
	for (int family = 0; family < FAMILIES; family++)
		for (int treated = 1; treated >= 0; treated--)
			for (unsigned shape = 0; shape < SHAPES; shape++) {
				pieces *v = &groups[family][treated][shape];
				struct work from = { .group = { family, shape, treated } };

				if (v->n)
					push_work(c, &todo, &from, chain, shape,
						  group_name(c, name, &from.group), v);
				vec_done(v);
			}
	for (size_t i = 0; i < todo.n; i++) { // grows while it is worked off
		struct work work = todo.v[i];

		write_work(c, &todo, &work);
	}
	vec_done(&todo);
}
