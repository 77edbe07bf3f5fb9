// Jump loops and jump depth: the longest path through a graph whose nodes are chains and verdict
// maps, found by taking away nodes that nothing leads to any more (Kahn).  A map is a node of its
// own so that many rules with one large map cost the sum of both, not the product.
#include <errno.h>
#include <stdlib.h>

#include "compile/image.h"

struct graph {
	const struct ruleset *ruleset;
	uint32_t *degree, *depth; // of each node: edges that lead to it; the longest way to it
	uint32_t *ready;
	size_t n_ready;
};

// Every edge that leaves a node: cost 1 into a chain, 0 into a map.
static void edges(struct graph *g, uint32_t node,
		  void (*visit)(struct graph *g, uint32_t from, uint32_t to, unsigned cost))
{
	const struct ruleset *r = g->ruleset;

	if (node >= r->n_chains) {
		const struct rs_set *set = &r->sets[node - r->n_chains];

		for (uint32_t i = 0; i < set->n_elems; i++) {
			const struct rs_elem *elem = &r->elems[set->first_elem + i];

			if (elem->verdict == RS_JUMP || elem->verdict == RS_GOTO)
				visit(g, node, elem->ref, 1);
		}
		return;
	}
	for (uint32_t k = 0; k < r->chains[node].n_rules; k++) {
		const struct rs_rule *rule = &r->rules[r->chains[node].first_rule + k];

		for (uint32_t i = 0; i < rule->n_stmts; i++) {
			const struct rs_stmt *stmt = &r->stmts[rule->first_stmt + i];
			bool leads = stmt->verdict == RS_JUMP || stmt->verdict == RS_GOTO;

			if (stmt->kind == RS_VMAP)
				visit(g, node, r->n_chains + stmt->ref, 0);
			else if (stmt->kind == RS_VERDICT && leads)
				visit(g, node, stmt->ref, 1);
		}
	}
}

static void count_edge(struct graph *g, uint32_t from, uint32_t to, unsigned cost)
{
	(void)from;
	(void)cost;
	g->degree[to]++;
}

static void take_edge(struct graph *g, uint32_t from, uint32_t to, unsigned cost)
{
	if (g->depth[to] < g->depth[from] + cost)
		g->depth[to] = g->depth[from] + cost;
	if (!--g->degree[to])
		g->ready[g->n_ready++] = to;
}

static int walk(struct graph *g, size_t n)
{
	for (size_t i = 0; i < n; i++)
		edges(g, i, count_edge);
	for (size_t i = 0; i < n; i++)
		if (!g->degree[i])
			g->ready[g->n_ready++] = i;
	for (size_t i = 0; i < g->n_ready; i++) {
		if (g->depth[g->ready[i]] > RS_DEPTH_MAX)
			return -EBADMSG;
		edges(g, g->ready[i], take_edge);
	}
	return g->n_ready == n ? 0 : -EBADMSG; // what is left leads back to itself
}

int ruleset_check_depth(const struct ruleset *ruleset)
{
	size_t n = ruleset->n_chains + ruleset->n_sets;
	struct graph g = { .ruleset = ruleset };
	int r = -ENOMEM;

	g.degree = calloc(n + 1, sizeof(*g.degree));
	g.depth = calloc(n + 1, sizeof(*g.depth));
	g.ready = calloc(n + 1, sizeof(*g.ready));
	if (g.degree && g.depth && g.ready)
		r = walk(&g, n);
	free(g.degree);
	free(g.depth);
	free(g.ready);
	return r;
}
