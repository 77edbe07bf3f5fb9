#include "classify/tree.h"

#include <stdlib.h>
#include <string.h>

struct edge {
	addr_bits at;
	uint32_t slot;
};

struct edges {
	struct edge *lo, *hi;
	uint32_t n;
};

typedef VEC(addr_bits) ends_t;
typedef VEC(uint32_t) refs_t;

static int by_at(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static struct edges edges_of(const struct tree_side *sides, uint32_t n)
{
	struct edges edges = { calloc(n + 1, sizeof(struct edge)),
			       calloc(n + 1, sizeof(struct edge)), n };

	if (!edges.lo || !edges.hi)
		abort();
	for (uint32_t i = 0; i < n; i++) {
		edges.lo[i] = (struct edge){ sides[i].lo, i };
		edges.hi[i] = (struct edge){ sides[i].hi, i };
	}
	qsort(edges.lo, n, sizeof(struct edge), by_at);
	qsort(edges.hi, n, sizeof(struct edge), by_at);
	return edges;
}

// Walks the intervals from the lowest address: tells the last address of each but the last one, and
// the row of each.
static void sweep(const struct edges *edges, addr_bits max, struct rows *rows, ends_t *ends,
		  refs_t *refs)
{
	uint32_t lo = 0, hi = 0;

	for (;;) {
		addr_bits start = ends->n ? ends->v[ends->n - 1] + 1 : 0, end = max;

		for (; hi < edges->n && edges->hi[hi].at < start; hi++)
			rows_clear(rows, edges->hi[hi].slot);
		for (; lo < edges->n && edges->lo[lo].at == start; lo++)
			rows_set(rows, edges->lo[lo].slot);
		vec_push(refs, rows_take(rows));
		if (hi < edges->n && edges->hi[hi].at < end)
			end = edges->hi[hi].at;
		if (lo < edges->n && edges->lo[lo].at - 1 < end)
			end = edges->lo[lo].at - 1;
		if (end == max)
			return;
		// An interval of the same row as the one before it needs no end of its own.
		if (refs->n > 1 && refs->v[refs->n - 1] == refs->v[refs->n - 2]) {
			refs->n--;
			ends->v[ends->n - 1] = end;
		} else {
			vec_push(ends, end);
		}
	}
}

// --- the nodes

struct shape {
	const uint64_t *keys; // sorted, distinct
	uint32_t n;
	unsigned per_node; // keys
	unsigned levels;
	unsigned bits; // of the root
	uint64_t first;
	unsigned shift;
};

struct unit { // a node: which keys are below it
	uint32_t at, n;
};

typedef VEC(struct unit) units_t;

// How many keys a node of a subtree of that many levels holds at most.
static uint64_t capacity(unsigned per_node, unsigned levels)
{
	uint64_t n = per_node;

	while (--levels)
		n *= per_node + 1;
	return n;
}

static uint32_t bucket_of(const struct shape *shape, uint64_t key)
{
	uint64_t bucket = key < shape->first ? 0 : (key - shape->first) >> shape->shift;
	uint64_t last = (1ULL << shape->bits) - 1;

	return (uint32_t)(bucket < last ? bucket : last);
}

static bool fits(const struct shape *shape)
{
	uint64_t most = capacity(shape->per_node, shape->levels);
	uint32_t in_bucket = 0, bucket = 0;

	for (uint32_t i = 0; i < shape->n; i++) {
		uint32_t b = bucket_of(shape, shape->keys[i]);

		in_bucket = b == bucket ? in_bucket + 1 : 1;
		bucket = b;
		if (in_bucket > most)
			return false;
	}
	return true;
}

static void set_bits(struct shape *shape, unsigned width, unsigned bits)
{
	shape->bits = bits;
	shape->shift = width > bits ? width - bits : 0;
}

// The fewest levels, and for those the smallest root.
static void choose_shape(struct shape *shape, unsigned width)
{
	unsigned most = shape->n < 2048 ? 12 : shape->n < 32768 ? 13 : ROOT_BITS_MAX;

	for (shape->levels = 1; shape->levels < TREE_LEVELS_MAX; shape->levels++)
		for (unsigned bits = 4; bits <= most; bits++) {
			set_bits(shape, width, bits);
			if (fits(shape))
				return;
		}
	set_bits(shape, width, most); // eight levels hold more keys than there can be rules
}

// Cuts the buckets into top nodes, as many in a row as fit.
static units_t top_units(const struct shape *shape, uint16_t *root)
{
	uint64_t most = capacity(shape->per_node, shape->levels);
	uint32_t n_root = 1U << shape->bits, key = 0;
	units_t units = { 0 };

	for (uint32_t b = 0; b < n_root; b++) {
		uint32_t start = key;

		while (key < shape->n && bucket_of(shape, shape->keys[key]) == b)
			key++;
		if (!units.n || units.v[units.n - 1].n + (key - start) > most)
			vec_push(&units, ((struct unit){ start, 0 }));
		units.v[units.n - 1].n += key - start;
		root[b] = (uint16_t)(units.n - 1);
	}
	return units;
}

struct node_writer {
	const struct shape *shape;
	VEC(uint8_t) bytes;
};

static void put_node(struct node_writer *out, const uint64_t *keys, unsigned n, uint64_t base)
{
	unsigned per_node = out->shape->per_node;
	uint32_t narrow[V4_KEYS + 1];
	uint64_t wide[V6_KEYS + 1];
	const uint8_t *node = per_node == V4_KEYS ? (uint8_t *)narrow : (uint8_t *)wide;

	for (unsigned k = 0; k < per_node; k++) {
		uint64_t key = k < n ? keys[k] : UINT64_MAX;

		if (per_node == V4_KEYS)
			narrow[k] = (uint32_t)key;
		else
			wide[k] = key;
	}
	if (per_node == V4_KEYS)
		narrow[per_node] = (uint32_t)base;
	else
		wide[per_node] = base;
	for (unsigned i = 0; i < NODE_BYTES; i++)
		vec_push(&out->bytes, node[i]);
}

// Writes the nodes of a level and tells those of the next one.
static units_t put_level(struct node_writer *out, const units_t *units, unsigned levels_below)
{
	const struct shape *shape = out->shape;
	uint64_t child_most = levels_below ? capacity(shape->per_node, levels_below) : 0;
	uint32_t next = (uint32_t)(out->bytes.n / NODE_BYTES + units->n);
	units_t children = { 0 };

	for (size_t u = 0; u < units->n; u++) {
		struct unit unit = units->v[u];
		uint64_t keys[V4_KEYS + 1];
		unsigned n = 0;

		if (!levels_below) {
			put_node(out, unit.n ? shape->keys + unit.at : NULL, unit.n, unit.at);
			continue;
		}
		uint32_t first = next + (uint32_t)children.n;

		for (uint32_t at = 0; at == 0 || at < unit.n; at += (uint32_t)child_most) {
			uint32_t left = unit.n - at;

			if (at)
				keys[n++] = shape->keys[unit.at + at - 1];
			left = left < child_most ? left : (uint32_t)child_most;
			vec_push(&children, ((struct unit){ unit.at + at, left }));
		}
		put_node(out, keys, n, first);
	}
	return children;
}

static void put_nodes(struct writer *writer, struct image_tree *tree, struct shape *shape)
{
	uint16_t *root = calloc(1U << shape->bits, sizeof(*root));
	struct node_writer out = { .shape = shape };

	if (!root)
		abort();
	units_t units = top_units(shape, root);

	for (unsigned level = shape->levels; level-- > 0;) {
		units_t children = put_level(&out, &units, level);

		vec_done(&units);
		units = children;
	}
	tree->first = shape->first;
	tree->shift = shape->shift;
	tree->n_levels = shape->levels;
	tree->root = writer_put(writer, root, 1U << shape->bits, sizeof(*root), 0);
	tree->nodes = writer_put(writer, out.bytes.v, out.bytes.n / NODE_BYTES, NODE_BYTES, 0);
	vec_done(&units);
	vec_done(&out.bytes);
	free(root);
}

static void put_v4(struct writer *writer, struct image_tree *tree, const ends_t *ends)
{
	VEC(uint64_t) keys = { 0 };

	for (size_t i = 0; i < ends->n; i++)
		vec_push(&keys, (uint64_t)ends->v[i]);
	struct shape shape = { .keys = keys.v, .n = (uint32_t)keys.n, .per_node = V4_KEYS };

	choose_shape(&shape, 32);
	put_nodes(writer, tree, &shape);
	vec_done(&keys);
}

// The high halves form the tree; each has a run of the low halves of its ends.
static void put_v6(struct writer *writer, struct image_tree *tree, const ends_t *ends)
{
	VEC(uint64_t) highs = { 0 }, lows = { 0 };
	VEC(uint32_t) runs = { 0 };

	for (size_t i = 0; i < ends->n; i++) {
		uint64_t high = (uint64_t)(ends->v[i] >> 64);

		if (!highs.n || highs.v[highs.n - 1] != high) {
			vec_push(&highs, high);
			vec_push(&runs, (uint32_t)lows.n);
		}
		vec_push(&lows, (uint64_t)ends->v[i]);
	}
	vec_push(&runs, (uint32_t)lows.n);
	vec_push(&runs, (uint32_t)lows.n); // an address above all high halves has no run
	vec_push(&highs, UINT64_MAX);
	struct shape shape = { .keys = highs.v,
			       .n = (uint32_t)highs.n - 1,
			       .per_node = V6_KEYS,
			       .first = highs.v[0] };
	uint64_t span = shape.n ? highs.v[shape.n - 1] - shape.first : 0;

	choose_shape(&shape, span ? 64 - (unsigned)__builtin_clzll(span) : 0);
	put_nodes(writer, tree, &shape);
	tree->highs = writer_put(writer, highs.v, highs.n, sizeof(*highs.v), 0);
	tree->runs = writer_put(writer, runs.v, runs.n, sizeof(*runs.v), 0);
	tree->lows =
		writer_put(writer, lows.v, lows.n, sizeof(*lows.v), RUN_QUICK * sizeof(*lows.v));
	vec_done(&highs);
	vec_done(&lows);
	vec_done(&runs);
}

void tree_build(const struct tree_side *sides, uint32_t n_slots, enum addr_family family,
		struct rows *rows, struct writer *writer, struct image_tree *ret)
{
	struct edges edges = edges_of(sides, n_slots);
	refs_t refs = { 0 };
	ends_t ends = { 0 };

	sweep(&edges, addr_max(family), rows, &ends, &refs);
	if (family == ADDR_V4)
		put_v4(writer, ret, &ends);
	else
		put_v6(writer, ret, &ends);
	ret->rows = writer_put(writer, refs.v, refs.n, sizeof(*refs.v), 0);
	rows_clear_all(rows);
	free(edges.lo);
	free(edges.hi);
	vec_done(&refs);
	vec_done(&ends);
}
