// Settling: for each pair of zones its service classes, and for each class its cells.
// Also tells what only shows then: guards around which there is a way, flows that never count,
// zones that no flow touches.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/cells.h"
#include "plan/partition.h"

typedef VEC(struct cells_source) cells_sources;

struct settling {
	struct build *b;
	struct cells cells;
	cells_sources all; // by pair
	cells_sources of_class;
	VEC(const struct plan_term *) terms; // of a pair
	bool *counted;			     // by flow: it has a cell
	size_t n_cells;
	bool failed;
};

static int by_pair(const void *a, const void *b)
{
	const struct cells_source *x = a;
	const struct cells_source *y = b;

	if (x->term->from != y->term->from)
		return x->term->from < y->term->from ? -1 : 1;
	if (x->term->to != y->term->to)
		return x->term->to < y->term->to ? -1 : 1;
	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	return x->term < y->term ? -1 : x->term > y->term; // one flow's terms are one array
}

static void report_too_many(struct settling *s, uint32_t flow, uint32_t other)
{
	const struct plan_flow *flows = s->b->plan->flows;
	size_t item;

	s->failed = true;
	if (other == PLAN_NONE || other == flow) {
		diag_add(
			s->b->diag, SK_CELLS_TOO_MANY, s->b->flow_sources[flow]->id.at,
			"flow \"%s\" overlaps others in too many pieces; use prefixes or whole zones",
			flows[flow].id);
		return;
	}
	item = diag_add(s->b->diag, SK_CELLS_TOO_MANY, s->b->flow_sources[flow]->id.at,
			"flows \"%s\" and \"%s\" overlap in too many pieces; make one of them a "
			"prefix or a whole zone, or take the common part out with except",
			flows[flow].id, flows[other].id);
	diag_second(s->b->diag, item, s->b->flow_sources[other]->id.at, "the other flow");
}

static void settle_class(struct settling *s, const struct cells_source *sources,
			 const struct partition_class *from, struct plan_class *class)
{
	struct cells *cells = &s->cells;

	class->atoms = from->atoms;
	class->n_atoms = from->n_atoms;
	s->of_class.n = 0;
	for (size_t i = 0; i < from->n_terms; i++)
		vec_push(&s->of_class, sources[from->terms[i]]);
	if (cells_settle(cells, s->of_class.v, s->of_class.n) < 0) {
		report_too_many(s, cells->hint[0], cells->hint[1]);
		return;
	}
	s->n_cells += cells->out.n;
	if (s->n_cells > PLAN_CELLS_MAX) {
		report_too_many(s, s->of_class.v[0].flow, s->of_class.v[s->of_class.n - 1].flow);
		return;
	}
	class->n_cells = cells->out.n;
	class->cells =
		arena_memdup(s->b->arena, cells->out.v, cells->out.n * sizeof(*cells->out.v));
	for (size_t i = 0; i < cells->out.n; i++)
		s->counted[cells->out.v[i].flow] = true;
}

static void settle_pair(struct settling *s, const struct cells_source *sources, size_t n,
			struct plan_pair *pair)
{
	struct partition_class *from;
	struct plan_class *classes;
	size_t n_classes;
	uint32_t hint;

	pair->from = sources[0].term->from;
	pair->to = sources[0].term->to;
	s->terms.n = 0;
	for (size_t i = 0; i < n; i++)
		vec_push(&s->terms, sources[i].term);
	if (partition_make(s->b->arena, s->terms.v, n, &from, &n_classes, &hint) < 0) {
		report_too_many(s, sources[hint].flow, sources[n - 1].flow);
		return;
	}
	classes = arena_array_of(s->b->arena, struct plan_class, n_classes);
	for (size_t i = 0; i < n_classes && !s->failed; i++)
		settle_class(s, sources, &from[i], &classes[i]);
	pair->classes = classes;
	pair->n_classes = n_classes;
}

static void report_conflicts(struct settling *s)
{
	struct build *b = s->b;
	const struct plan_flow *flows = b->plan->flows;

	cells_tidy_conflicts(&s->cells);
	for (size_t i = 0; i < s->cells.conflicts.n; i++) {
		const struct cells_conflict *conflict = &s->cells.conflicts.v[i];
		struct place at = b->flow_sources[conflict->flow]->id.at;
		struct place second = b->flow_sources[conflict->other]->id.at;
		const struct plan_flow *flow = &flows[conflict->flow];
		const struct plan_flow *other = &flows[conflict->other];
		char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
		size_t item;

		addr_range_text(&conflict->where.source, source);
		addr_range_text(&conflict->where.destination, destination);
		if (conflict->fault == CELLS_TWO_GUARDS)
			item = diag_add(
				b->diag, SK_GUARDS_OVERLAP, at,
				"flows \"%s\" (guard %s) and \"%s\" (guard %s) permit the same "
				"packets, from %s to %s; except them from one of the two",
				flow->id, flow->guard, other->id, other->guard, source,
				destination);
		else
			item = diag_add(
				b->diag, SK_GUARD_AND_PLAIN, at,
				"flow \"%s\" permits without a guard what \"%s\" has inspected "
				"(guard %s), from %s to %s; except it, guard it, or say "
				"\"guard: none\" here",
				flow->id, other->id, other->guard, source, destination);
		diag_second(b->diag, item, second, "the guarded flow");
	}
}

static void report_covered(struct settling *s)
{
	struct build *b = s->b;

	for (size_t i = 0; i < b->plan->n_flows; i++)
		if (!s->counted[i] && b->plan->flows[i].n_terms > 0)
			diag_add(
				b->diag, SK_FLOW_COVERED, b->flow_sources[i]->id.at,
				"flow \"%s\": other flows permit all of it, and count it; it can go, "
				"or they can be narrowed",
				b->plan->flows[i].id);
}

static void report_alone(struct build *b)
{
	struct plan *plan = b->plan;
	bool *touched = arena_array_of(b->arena, bool, plan->n_zones);

	for (size_t i = 0; i < plan->n_pairs; i++)
		touched[plan->pairs[i].from] = touched[plan->pairs[i].to] = true;
	for (size_t i = 1; i < plan->n_zones; i++)
		if (!touched[i])
			diag_add(
				b->diag, SK_ZONE_ALONE, plan->zones[i].at,
				"zone \"%s\": no flow comes from it or goes to it, so it is cut off",
				plan->zones[i].id);
}

static void gather(struct settling *s)
{
	const struct plan *plan = s->b->plan;

	for (size_t i = 0; i < plan->n_flows; i++)
		for (size_t j = 0; j < plan->flows[i].n_terms; j++)
			vec_push(&s->all,
				 ((struct cells_source){ &plan->flows[i].terms[j], (uint32_t)i }));
	if (s->all.n > 0)
		qsort(s->all.v, s->all.n, sizeof(*s->all.v), by_pair);
}

static size_t pair_end(const cells_sources *all, size_t first)
{
	size_t end = first + 1;

	while (end < all->n && all->v[end].term->from == all->v[first].term->from &&
	       all->v[end].term->to == all->v[first].term->to)
		end++;
	return end;
}

void build_settle(struct build *b)
{
	struct plan *plan = b->plan;
	struct settling s = { .b = b };
	size_t n = 0;

	s.cells.flows = plan->flows;
	s.cells.guard_none = b->flow_guard_none;
	s.counted = arena_array_of(b->arena, bool, plan->n_flows);
	gather(&s);
	for (size_t i = 0; i < s.all.n; i = pair_end(&s.all, i))
		n++;
	plan->pairs = arena_array_of(b->arena, struct plan_pair, n);
	for (size_t i = 0, end; i < s.all.n && !s.failed; i = end) {
		end = pair_end(&s.all, i);
		settle_pair(&s, s.all.v + i, end - i, &plan->pairs[plan->n_pairs++]);
	}
	report_conflicts(&s);
	if (!s.failed && diag_errors(b->diag) == 0) {
		report_covered(&s);
		report_alone(b);
	}
	cells_done(&s.cells);
	vec_done(&s.all);
	vec_done(&s.of_class);
	vec_done(&s.terms);
}
