// Flows: their register entries, treatment and review date; their terms are made in terms.c.
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "plan/terms.h"

// Which protocols a guard can read.
static const struct {
	const char *protocol;
	bool udp; // besides TCP
} guards[] = { { "smtp", false }, { "http", false }, { "dns", true } };

static void set_owner(struct build *b, const struct pol_flow *source, struct plan_flow *flow)
{
	uint32_t owner;

	flow->owner = build_text(b, &source->owner);
	flow->owner_title = "";
	if (!source->owner.s)
		return;
	owner = names_get(&b->owner_names, source->owner.s);
	if (owner == NAMES_NONE)
		diag_add(b->diag, SK_OWNER_UNKNOWN, source->owner.at, "there is no owner \"%s\"%s",
			 source->owner.s, build_hint(b, &b->owner_names, source->owner.s));
	else
		flow->owner_title = build_text(b, &b->tree->owners[owner].title);
}

static void set_clauses(struct build *b, const struct pol_flow *source, struct plan_flow *flow)
{
	const char **clauses = arena_array_of(b->arena, const char *, source->clause.n);
	const char **articles = arena_array_of(b->arena, const char *, source->clause.n);

	build_clauses(b, &source->clause);
	for (size_t i = 0; i < source->clause.n; i++) {
		const uint32_t row = names_get(&b->clause_names, source->clause.v[i].s);

		clauses[i] = build_text(b, &source->clause.v[i]);
		articles[i] =
			row == NAMES_NONE ? "" : build_text(b, &b->tree->clauses[row].article);
	}
	flow->clauses = clauses;
	flow->articles = articles;
	flow->n_clauses = source->clause.n;
}

static void check_guard(struct build *b, const struct pol_flow *source,
			const struct plan_flow *flow, const service_parts *services)
{
	bool udp = false;

	for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++)
		if (strcmp(guards[i].protocol, flow->guard_protocol) == 0)
			udp = guards[i].udp;
	for (size_t i = 0; i < services->n; i++) {
		const struct plan_atom *atom = &services->v[i].atom;
		char text[64];

		if (atom->protocol_lo == atom->protocol_hi &&
		    (atom->protocol_lo == IPPROTO_TCP || (udp && atom->protocol_lo == IPPROTO_UDP)))
			continue;
		diag_add(
			b->diag, SK_GUARD_SERVICE, source->guard.at,
			"flow \"%s\": guard \"%s\" inspects %s and cannot read %s; give that a flow "
			"without the guard",
			flow->id, flow->guard, flow->guard_protocol,
			plan_atom_text(atom, text, sizeof(text)));
		return;
	}
}

static void set_guard(struct build *b, const struct pol_flow *source, struct plan_flow *flow,
		      bool *ret_none, const service_parts *services)
{
	uint32_t guard;

	if (!source->guard.s)
		return;
	guard = names_get(&b->guard_names, source->guard.s);
	*ret_none = guard == NAMES_NONE && strcmp(source->guard.s, "none") == 0;
	if (*ret_none)
		return;
	if (guard == NAMES_NONE) {
		diag_add(b->diag, SK_GUARD_UNKNOWN, source->guard.at, "there is no guard \"%s\"%s",
			 source->guard.s, build_hint(b, &b->guard_names, source->guard.s));
		*ret_none =
			true; // whatever it was to be, its overlaps are not worth a second fault
		return;
	}
	flow->guard = build_text(b, &source->guard);
	flow->guard_protocol = build_text(b, &b->tree->guards[guard].protocol);
	flow->treatment |= PLAN_GUARD;
	flow->proxy = b->tree->guards[guard].mode.s &&
		      strcmp(b->tree->guards[guard].mode.s, "proxy") == 0;
	check_guard(b, source, flow, services);
}

static void make_flow(struct build *b, const struct pol_flow *source, size_t index)
{
	struct plan_flow *flow = &b->plan->flows[index];
	service_parts services = { 0 };
	const struct plan_atom *atoms;
	size_t n;

	flow->id = build_text(b, &source->id);
	flow->title = build_text(b, &source->title);
	flow->need = build_text(b, &source->need);
	flow->request = build_text(b, &source->request);
	flow->review = build_text(b, &source->review);
	flow->at = build_place(b, source->id.at);
	flow->review_at = build_place(b, source->review.at);
	if (source->log.set && source->log.value)
		flow->treatment |= PLAN_LOG;
	set_owner(b, source, flow);
	set_clauses(b, source, flow);
	build_services(b, &source->services, &atoms, &n);
	for (size_t i = 0; i < n; i++)
		vec_push(&services, ((struct service_part){ atoms[i], 0 }));
	set_guard(b, source, flow, &b->flow_guard_none[index], &services);
	helpers_assign(b, source, &services, &flow->helpers);
	terms_make(b, source, &services, flow);
	vec_done(&services);
}

static int by_id(const void *a, const void *b)
{
	const struct pol_flow *x = *(const struct pol_flow *const *)a;
	const struct pol_flow *y = *(const struct pol_flow *const *)b;
	int d = strcmp(x->id.s, y->id.s);

	return d ? d : x < y ? -1 : x > y; // the tree's array: the first given first
}

void build_flows(struct build *b)
{
	const struct pol_tree *tree = b->tree;
	struct plan *plan = b->plan;
	size_t given = tree->n_flows;
	size_t n = 0;

	if (given > PLAN_FLOWS_MAX) {
		diag_add(b->diag, SK_FLOWS_TOO_MANY, tree->flows[PLAN_FLOWS_MAX].id.at,
			 "%zu flows; a policy may have %d", given, PLAN_FLOWS_MAX);
		given = PLAN_FLOWS_MAX;
	}
	b->flow_sources = arena_array_of(b->arena, const struct pol_flow *, given);
	b->flow_guard_none = arena_array_of(b->arena, bool, given);
	plan->flows = arena_array_of(b->arena, struct plan_flow, given);
	for (size_t i = 0; i < given; i++)
		if (tree->flows[i].id.s)
			b->flow_sources[n++] = &tree->flows[i];
	qsort(b->flow_sources, n, sizeof(*b->flow_sources), by_id);
	for (size_t i = 0; i < n; i++) {
		// A second one of the same id the reader has reported.
		if (plan->n_flows > 0 &&
		    strcmp(b->flow_sources[plan->n_flows - 1]->id.s, b->flow_sources[i]->id.s) == 0)
			continue;
		b->flow_sources[plan->n_flows] = b->flow_sources[i];
		make_flow(b, b->flow_sources[i], plan->n_flows);
		names_add(&plan->flow_names, plan->flows[plan->n_flows].id,
			  (uint32_t)plan->n_flows);
		plan->n_flows++;
	}
}

void plan_review(const struct plan *plan, const char *today, struct diag *diag)
{
	for (size_t i = 0; i < plan->n_flows; i++) {
		const struct plan_flow *flow = &plan->flows[i];

		if (flow->review[0] && strcmp(flow->review, today) < 0)
			diag_add(diag, SK_REVIEW_PAST, flow->review_at,
				 "flow \"%s\" was to be reviewed by %s; ask %s whether it is still "
				 "needed",
				 flow->id, flow->review,
				 flow->owner_title[0] ? flow->owner_title
				 : flow->owner[0]     ? flow->owner
						      : "its owner");
	}
}
