// The registers that flows cite: owners, guards, clauses.
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

// Two owners may well succeed each other; nobody succeeds himself.
static void check_successors(struct build *b)
{
	for (size_t i = 0; i < b->tree->n_owners; i++) {
		const struct pol_owner *owner = &b->tree->owners[i];
		uint32_t next;

		if (!owner->successor.s || !owner->id.s)
			continue;
		next = names_get(&b->owner_names, owner->successor.s);
		if (next == NAMES_NONE)
			diag_add(b->diag, SK_OWNER_UNKNOWN, owner->successor.at,
				 "there is no owner \"%s\"%s", owner->successor.s,
				 build_hint(b, &b->owner_names, owner->successor.s));
		else if (strcmp(owner->id.s, owner->successor.s) == 0)
			diag_add(b->diag, SK_OWNER_SUCCESSOR, owner->successor.at,
				 "owner \"%s\" is its own successor; name somebody else",
				 owner->id.s);
	}
}

void build_registers(struct build *b)
{
	const struct pol_tree *tree = b->tree;

	for (size_t i = 0; i < tree->n_owners; i++)
		if (tree->owners[i].id.s)
			names_add(&b->owner_names, tree->owners[i].id.s, (uint32_t)i);
	for (size_t i = 0; i < tree->n_guards; i++)
		if (tree->guards[i].id.s)
			names_add(&b->guard_names, tree->guards[i].id.s, (uint32_t)i);
	for (size_t i = 0; i < tree->n_clauses; i++)
		if (tree->clauses[i].id.s)
			names_add(&b->clause_names, tree->clauses[i].id.s, (uint32_t)i);
	check_successors(b);
}

void build_clauses(struct build *b, const struct pol_list *list)
{
	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++)
		if (names_get(&b->clause_names, list->v[i].s) == NAMES_NONE)
			diag_add(b->diag, SK_CLAUSE_UNKNOWN, list->v[i].at,
				 "there is no clause \"%s\"%s", list->v[i].s,
				 build_hint(b, &b->clause_names, list->v[i].s));
}

static bool answers(const struct pol_clause *clause, const char *control)
{
	for (size_t i = 0; i < clause->controls.n; i++)
		if (clause->controls.v[i].s && strcmp(clause->controls.v[i].s, control) == 0)
			return clause->id.s;
	return false;
}

const char *build_answer(struct build *b, const struct plan_flow *flow, const char *control)
{
	const struct pol_tree *tree = b->tree;

	for (size_t i = 0; i < flow->n_clauses; i++) {
		uint32_t index = names_get(&b->clause_names, flow->clauses[i]);

		if (index != NAMES_NONE && answers(&tree->clauses[index], control))
			return flow->clauses[i];
	}
	for (size_t i = 0; i < tree->n_clauses; i++)
		if (answers(&tree->clauses[i], control))
			return build_text(b, &tree->clauses[i].id);
	return "";
}
