// Topological order after Kahn; what remains is walked once along first edges to find circles.
#include "plan/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static int by_user(const void *a, const void *b)
{
	const struct order_edge *x = a;
	const struct order_edge *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	return x->used < y->used ? -1 : x->used > y->used;
}

static int by_used(const void *a, const void *b)
{
	const struct order_edge *x = a;
	const struct order_edge *y = b;

	if (x->used != y->used)
		return x->used < y->used ? -1 : 1;
	return x->user < y->user ? -1 : x->user > y->user;
}

// first[i] to first[i + 1]: the edges of node i, sorted by the given end.
static void index_edges(const struct order_edge *edges, size_t n_edges, size_t n, int used,
			uint32_t *first)
{
	size_t e = 0;

	for (size_t i = 0; i < n; i++) {
		first[i] = (uint32_t)e;
		while (e < n_edges && (used ? edges[e].used : edges[e].user) == i)
			e++;
	}
	first[n] = (uint32_t)n_edges;
}

// Every node that remains has an edge to another that remains: following it must come back.
static void find_circles(const struct order_edge *edges, const uint32_t *first, size_t n,
			 const uint32_t *missing, uint32_t *walk,
			 void (*in_circle)(void *arg, uint32_t node, uint32_t next), void *arg)
{
	uint32_t walks = 0;

	memset(walk, 0, n * sizeof(*walk));
	for (size_t start = 0; start < n; start++) {
		uint32_t at = (uint32_t)start;
		uint32_t from = at;

		if (missing[start] == 0 || walk[start] != 0)
			continue;
		walks++;
		while (walk[at] == 0) {
			uint32_t e = first[at];

			walk[at] = walks;
			while (missing[edges[e].used] == 0)
				e++;
			from = at;
			at = edges[e].used;
		}
		if (walk[at] == walks)
			in_circle(arg, at, from);
	}
}

size_t order_resolve(struct order_edge *edges, size_t n_edges, size_t n, uint32_t *order,
		     void (*in_circle)(void *arg, uint32_t node, uint32_t next), void *arg)
{
	struct arena *arena = arena_new();
	uint32_t *first = arena_array_of(arena, uint32_t, n + 1);
	uint32_t *missing = arena_array_of(arena, uint32_t, n + 1); // uses not yet resolved
	size_t done = 0;

	for (size_t e = 0; e < n_edges; e++)
		missing[edges[e].user]++;
	if (n_edges > 0)
		qsort(edges, n_edges, sizeof(*edges), by_used);
	index_edges(edges, n_edges, n, 1, first);
	for (size_t i = 0; i < n; i++)
		if (missing[i] == 0)
			order[done++] = (uint32_t)i;
	for (size_t i = 0; i < done; i++)
		for (uint32_t e = first[order[i]]; e < first[order[i] + 1]; e++)
			if (--missing[edges[e].user] == 0)
				order[done++] = edges[e].user;
	if (done < n) {
		qsort(edges, n_edges, sizeof(*edges), by_user);
		index_edges(edges, n_edges, n, 0, first);
		find_circles(edges, first, n, missing, arena_array_of(arena, uint32_t, n + 1),
			     in_circle, arg);
	}
	arena_free(arena);
	return done;
}
