// Big groups of cells are cut into shards: an interval map on one address leads to chains with a
// map of some 200 cells each, because a big set is slow to replace.
//
// Cuts follow the content (a hash of the address where a shard begins), so that a new flow changes
// one shard and not all that come after it, and a shard is named after its first address.  A cell
// that reaches over a cut is cut in two; one that reaches over many goes to what is left over,
// which is sharded by the other address.  Prefixes of one length are never cut: no cut is within
// one.
#include "compile/cells.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	SHARD_MIN = 64,
	SHARD_MAX = 256,
	SHARD_MEAN = 128, // a power of two: cuts where the hash ends in zeros
	PIECES_MAX = 4,	  // shards that one cell may be cut into
};

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

void push_work(struct compiling *c, works *todo, const struct work *from, uint32_t chain,
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
	enum rs_key key = address_key(group->family, axis);
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

void shard(struct compiling *c, works *todo, struct work *work)
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
