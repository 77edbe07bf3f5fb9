// Service classes.
//
// Equal atoms are put together first, each with the list of terms that have it: a pair of ten
// thousand flows often has but thirty atoms.  Lists are interned, so that equal lists have one
// number.  Then a sweep: protocol by protocol, along the ports, and where source ports matter,
// along these.  Every step of a sweep has a set of active atoms; the union of their lists is the
// piece's class.  For example tcp/80-90 of A and tcp/85 of B and C give tcp/80-84 and tcp/86-90
// (class of A) and tcp/85 (class of A, B, C).
//
// Invariants: pieces are disjoint; together they are exactly the atoms given; a piece's class is
// exactly the terms that have all of it, and no term has only part of a piece.
#include "plan/partition.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	PORT_END = 65536,
	TYPE_MAX = 255,
	WORK_MAX = 64 * 1024 * 1024, // entries of lists looked at in one pair
	MERGE_MAX = 8,		     // lists merged one by one; more are sorted
};

struct entry {
	struct plan_atom atom;
	uint32_t term;
};

struct group { // atoms that are equal
	struct plan_atom atom;
	uint32_t list;
};

struct list {
	size_t first, n; // in pool
	uint64_t hash;
};

struct piece {
	uint32_t list;
	struct plan_atom atom;
};

typedef VEC(uint32_t) numbers;

struct partition {
	VEC(struct group) groups; // by atom
	size_t first[257];	  // by lowest protocol: its first group
	VEC(struct list) lists;
	numbers pool;
	numbers slots; // list + 1 by hash, 0: free; a power of two
	VEC(struct piece) pieces;
	numbers active; // groups
	numbers a, b;	// scratch
	size_t work;
	uint32_t hint;
};

static uint64_t hash_of(const uint32_t *v, size_t n)
{
	uint64_t hash = 0x9e3779b97f4a7c15u + n;

	for (size_t i = 0; i < n; i++) {
		hash = (hash ^ v[i]) * 0xbf58476d1ce4e5b9u;
		hash ^= hash >> 29;
	}
	return hash;
}

static void reserve_slots(struct partition *p)
{
	size_t size = p->slots.n ? p->slots.n : 64;

	while (size < 4 * (p->lists.n + 1))
		size *= 2;
	if (size == p->slots.n)
		return;
	vec_done(&p->slots);
	vec_grow((void **)&p->slots.v, &p->slots.cap, size, sizeof(*p->slots.v));
	memset(p->slots.v, 0, size * sizeof(*p->slots.v));
	p->slots.n = size;
	for (size_t i = 0; i < p->lists.n; i++) {
		size_t slot = p->lists.v[i].hash & (size - 1);

		while (p->slots.v[slot])
			slot = (slot + 1) & (size - 1);
		p->slots.v[slot] = (uint32_t)i + 1;
	}
}

static uint32_t intern(struct partition *p, const uint32_t *v, size_t n)
{
	uint64_t hash = hash_of(v, n);
	struct list *list;
	size_t slot;

	reserve_slots(p);
	for (slot = hash & (p->slots.n - 1); p->slots.v[slot];
	     slot = (slot + 1) & (p->slots.n - 1)) {
		list = &p->lists.v[p->slots.v[slot] - 1];
		if (list->hash == hash && list->n == n &&
		    memcmp(p->pool.v + list->first, v, n * sizeof(*v)) == 0)
			return p->slots.v[slot] - 1;
	}
	list = vec_add(&p->lists);
	*list = (struct list){ p->pool.n, n, hash };
	for (size_t i = 0; i < n; i++)
		vec_push(&p->pool, v[i]);
	p->slots.v[slot] = (uint32_t)p->lists.n;
	return (uint32_t)p->lists.n - 1;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void drop_repeats(numbers *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++)
		if (kept == 0 || list->v[kept - 1] != list->v[i])
			list->v[kept++] = list->v[i];
	list->n = kept;
}

// p->a becomes the union of itself and a list, both sorted.
static void merge(struct partition *p, const struct list *list)
{
	const uint32_t *v = p->pool.v + list->first;
	numbers swap;
	size_t i = 0;
	size_t j = 0;

	p->b.n = 0;
	while (i < p->a.n || j < list->n) {
		bool left = j == list->n || (i < p->a.n && p->a.v[i] <= v[j]);
		uint32_t next = left ? p->a.v[i] : v[j];

		if (i < p->a.n && p->a.v[i] == next)
			i++;
		if (j < list->n && v[j] == next)
			j++;
		vec_push(&p->b, next);
	}
	swap = p->a;
	p->a = p->b;
	p->b = swap;
}

// The number of the union of the lists of `n` groups.
static uint32_t union_of(struct partition *p, const uint32_t *groups, size_t n)
{
	p->a.n = 0;
	if (n == 1)
		return p->groups.v[groups[0]].list;
	for (size_t i = 0; i < n; i++) {
		const struct list *list = &p->lists.v[p->groups.v[groups[i]].list];

		p->work += list->n + (n <= MERGE_MAX ? p->a.n : 0);
		if (n <= MERGE_MAX)
			merge(p, list);
		for (size_t j = 0; n > MERGE_MAX && j < list->n; j++)
			vec_push(&p->a, p->pool.v[list->first + j]);
	}
	if (n > MERGE_MAX)
		qsort(p->a.v, p->a.n, sizeof(*p->a.v), compare_numbers);
	drop_repeats(&p->a);
	p->hint = p->a.v[0];
	return intern(p, p->a.v, p->a.n);
}

static void emit(struct partition *p, uint32_t list, const struct plan_atom *atom)
{
	struct piece *last = p->pieces.n ? &p->pieces.v[p->pieces.n - 1] : NULL;

	if (last && last->list == list && last->atom.protocol_lo == atom->protocol_lo &&
	    last->atom.protocol_hi == atom->protocol_hi && last->atom.sport_lo == atom->sport_lo &&
	    last->atom.sport_hi == atom->sport_hi && last->atom.port_hi + 1 == atom->port_lo)
		last->atom.port_hi = atom->port_hi;
	else
		vec_push(&p->pieces, ((struct piece){ list, *atom }));
}

static size_t unique_bounds(uint32_t *bounds, size_t n)
{
	size_t kept = 0;

	qsort(bounds, n, sizeof(*bounds), compare_numbers);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || bounds[kept - 1] != bounds[i])
			bounds[kept++] = bounds[i];
	return kept;
}

static bool has_full_sport(const struct plan_atom *atom)
{
	return atom->sport_lo == 0 && atom->sport_hi == PORT_END - 1;
}

// Along the source ports of the active groups, within one step of ports.
static void sweep_sources(struct partition *p, struct plan_atom step)
{
	numbers bounds = { 0 };
	numbers here = { 0 };
	size_t n;

	for (size_t i = 0; i < p->active.n; i++) {
		vec_push(&bounds, p->groups.v[p->active.v[i]].atom.sport_lo);
		vec_push(&bounds, p->groups.v[p->active.v[i]].atom.sport_hi + 1u);
	}
	n = unique_bounds(bounds.v, bounds.n);
	for (size_t s = 0; s + 1 < n; s++) {
		here.n = 0;
		for (size_t i = 0; i < p->active.n; i++) {
			const struct plan_atom *atom = &p->groups.v[p->active.v[i]].atom;

			if (atom->sport_lo <= bounds.v[s] && atom->sport_hi >= bounds.v[s])
				vec_push(&here, p->active.v[i]);
		}
		p->work += p->active.n;
		if (here.n == 0)
			continue;
		step.sport_lo = (uint16_t)bounds.v[s];
		step.sport_hi = (uint16_t)(bounds.v[s + 1] - 1);
		emit(p, union_of(p, here.v, here.n), &step);
	}
	vec_done(&bounds);
	vec_done(&here);
}

static void sweep_step(struct partition *p, unsigned protocol, uint32_t lo, uint32_t hi)
{
	struct plan_atom step = { (uint8_t)protocol, (uint8_t)protocol, 0,
				  PORT_END - 1,	     (uint16_t)lo,	(uint16_t)hi };
	bool full = true;

	if (p->active.n == 0)
		return;
	for (size_t i = 0; full && i < p->active.n; i++)
		full = has_full_sport(&p->groups.v[p->active.v[i]].atom);
	if (full)
		emit(p, union_of(p, p->active.v, p->active.n), &step);
	else
		sweep_sources(p, step);
}

// Types of ICMP end at 255, also those of an atom of many protocols.
static uint32_t port_end(const struct plan_atom *atom, unsigned protocol)
{
	bool types = protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;

	return types && atom->port_hi > TYPE_MAX ? TYPE_MAX + 1 : atom->port_hi + 1u;
}

// Along the ports of one protocol; groups: those that have it, sorted by their lowest port.
static void sweep_ports(struct partition *p, unsigned protocol, const numbers *groups)
{
	numbers bounds = { 0 };
	size_t next = 0;
	size_t n;

	for (size_t i = 0; i < groups->n; i++) {
		const struct plan_atom *atom = &p->groups.v[groups->v[i]].atom;

		vec_push(&bounds, atom->port_lo);
		vec_push(&bounds, port_end(atom, protocol));
	}
	n = unique_bounds(bounds.v, bounds.n);
	p->active.n = 0;
	for (size_t s = 0; s + 1 < n && p->work < WORK_MAX; s++) {
		size_t kept = 0;

		for (size_t i = 0; i < p->active.n; i++)
			if (port_end(&p->groups.v[p->active.v[i]].atom, protocol) > bounds.v[s])
				p->active.v[kept++] = p->active.v[i];
		p->work += p->active.n + 1;
		p->active.n = kept;
		while (next < groups->n && p->groups.v[groups->v[next]].atom.port_lo == bounds.v[s])
			vec_push(&p->active, groups->v[next++]);
		sweep_step(p, protocol, bounds.v[s], bounds.v[s + 1] - 1);
	}
	vec_done(&bounds);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;
	int d = atom_compare(&x->atom, &y->atom);

	return d ? d : x->term < y->term ? -1 : x->term > y->term;
}

static void make_groups(struct partition *p, const struct plan_term *const *terms, size_t n)
{
	VEC(struct entry) entries = { 0 };

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < terms[i]->n_atoms; j++)
			vec_push(&entries, ((struct entry){ terms[i]->atoms[j], (uint32_t)i }));
	if (entries.n > 0)
		qsort(entries.v, entries.n, sizeof(*entries.v), compare_entries);
	for (size_t i = 0, end; i < entries.n; i = end) {
		p->a.n = 0;
		for (end = i;
		     end < entries.n && atom_compare(&entries.v[end].atom, &entries.v[i].atom) == 0;
		     end++)
			vec_push(&p->a, entries.v[end].term);
		drop_repeats(&p->a);
		vec_push(&p->groups,
			 ((struct group){ entries.v[i].atom, intern(p, p->a.v, p->a.n) }));
	}
	vec_done(&entries);
}

static void index_groups(struct partition *p)
{
	size_t i = 0;

	for (unsigned protocol = 0; protocol <= 256; protocol++) {
		while (i < p->groups.n && p->groups.v[i].atom.protocol_lo < protocol)
			i++;
		p->first[protocol] = i;
	}
}

static bool is_wide(const struct plan_atom *atom)
{
	return atom->protocol_lo != atom->protocol_hi;
}

// Groups of many protocols first, then those of this one: both are sorted by port already.
static bool groups_of(const struct partition *p, unsigned protocol, const numbers *wide,
		      numbers *ret)
{
	bool single = false;

	ret->n = 0;
	for (size_t i = 0; i < wide->n; i++) {
		const struct plan_atom *atom = &p->groups.v[wide->v[i]].atom;

		if (atom->protocol_lo <= protocol && atom->protocol_hi >= protocol)
			vec_push(ret, wide->v[i]);
	}
	for (size_t i = p->first[protocol]; i < p->first[protocol + 1]; i++) {
		if (is_wide(&p->groups.v[i].atom))
			continue;
		vec_push(ret, (uint32_t)i);
		single = true;
	}
	return single;
}

static bool same_numbers(const numbers *a, const numbers *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0);
}

// Protocols first..last that no atom names alone, but atoms of many hold.
static void emit_wide(struct partition *p, const numbers *groups, unsigned first, unsigned last)
{
	struct plan_atom wide = { (uint8_t)first, (uint8_t)last, 0, PORT_END - 1, 0, PORT_END - 1 };

	if (groups->n == 0)
		return;
	if (first == last)
		wide.port_hi = (uint16_t)(port_end(&wide, first) - 1);
	emit(p, union_of(p, groups->v, groups->n), &wide);
}

static void sweep_protocols(struct partition *p)
{
	numbers run = { 0 }; // groups of the protocols since run_first
	numbers here = { 0 };
	numbers wide = { 0 };
	unsigned run_first = 0;

	index_groups(p);
	for (size_t i = 0; i < p->groups.n; i++)
		if (is_wide(&p->groups.v[i].atom))
			vec_push(&wide, (uint32_t)i);
	for (unsigned protocol = 0; protocol < 256; protocol++) {
		bool single = groups_of(p, protocol, &wide, &here);
		numbers swap = run;

		if (!single && protocol > run_first && same_numbers(&run, &here))
			continue;
		if (protocol > run_first)
			emit_wide(p, &run, run_first, protocol - 1);
		if (single)
			sweep_ports(p, protocol, &here);
		run_first = single ? protocol + 1 : protocol;
		run = here;
		here = swap;
	}
	if (run_first < 256)
		emit_wide(p, &run, run_first, 255);
	vec_done(&run);
	vec_done(&here);
	vec_done(&wide);
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a;
	const struct piece *y = b;

	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	return atom_compare(&x->atom, &y->atom);
}

static int compare_classes(const void *a, const void *b)
{
	const struct partition_class *x = a;
	const struct partition_class *y = b;

	return atom_compare(&x->atoms[0], &y->atoms[0]);
}

static void make_classes(struct partition *p, struct arena *arena,
			 struct partition_class **ret_classes, size_t *ret_n)
{
	struct partition_class *classes = arena_array_of(arena, struct partition_class, p->lists.n);
	size_t n = 0;

	if (p->pieces.n > 0)
		qsort(p->pieces.v, p->pieces.n, sizeof(*p->pieces.v), compare_pieces);
	for (size_t i = 0, end; i < p->pieces.n; i = end) {
		const struct list *list = &p->lists.v[p->pieces.v[i].list];
		struct plan_atom *atoms;

		for (end = i; end < p->pieces.n && p->pieces.v[end].list == p->pieces.v[i].list;)
			end++;
		atoms = arena_array_of(arena, struct plan_atom, end - i);
		for (size_t j = i; j < end; j++)
			atoms[j - i] = p->pieces.v[j].atom;
		classes[n++] =
			(struct partition_class){ atoms, end - i,
						  arena_memdup(arena, p->pool.v + list->first,
							       list->n * sizeof(uint32_t)),
						  list->n };
	}
	qsort(classes, n, sizeof(*classes), compare_classes);
	*ret_classes = classes;
	*ret_n = n;
}

int partition_make(struct arena *arena, const struct plan_term *const *terms, size_t n,
		   struct partition_class **ret_classes, size_t *ret_n, uint32_t *ret_hint)
{
	struct partition p = { 0 };
	int r = 0;

	make_groups(&p, terms, n);
	sweep_protocols(&p);
	if (p.work >= WORK_MAX) {
		*ret_hint = p.hint;
		r = -E2BIG;
	} else {
		make_classes(&p, arena, ret_classes, ret_n);
	}
	vec_done(&p.groups);
	vec_done(&p.lists);
	vec_done(&p.pool);
	vec_done(&p.slots);
	vec_done(&p.pieces);
	vec_done(&p.active);
	vec_done(&p.a);
	vec_done(&p.b);
	return r;
}
