// The registers that flows cite: owners, guards, clauses.
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

static void check_successors(struct build *b)
{
	const struct pol_tree *tree = b->tree;
	uint32_t *next = arena_array_of(b->arena, uint32_t, tree->n_owners);

	for (size_t i = 0; i < tree->n_owners; i++) {
		const struct pol_text *successor = &tree->owners[i].successor;

		next[i] = successor->s ? names_get(&b->owner_names, successor->s) : NAMES_NONE;
		if (successor->s && next[i] == NAMES_NONE)
			diag_add(b->diag, SK_OWNER_UNKNOWN, successor->at, "there is no owner \"%s\"%s",
				 successor->s, build_hint(b, &b->owner_names, successor->s));
	}
	for (size_t i = 0; i < tree->n_owners; i++) {
		const struct pol_text *successor = &tree->owners[i].successor;
		uint32_t at = next[i];

		// Each circle is told once, at its first owner in the register.
		for (size_t steps = 0; at != NAMES_NONE && at > i && steps < tree->n_owners; steps++)
			at = next[at];
		if (at == i)
			diag_add(b->diag, SK_OWNER_SUCCESSOR, successor->at,
				 "following the successors of owner \"%s\" leads back to it; name "
				 "somebody else",
				 tree->owners[i].id.s);
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
	for (size_t i = 0; i < list->n; i++)
		if (names_get(&b->clause_names, list->v[i].s) == NAMES_NONE)
			diag_add(b->diag, SK_CLAUSE_UNKNOWN, list->v[i].at,
				 "there is no clause \"%s\"%s", list->v[i].s,
				 build_hint(b, &b->clause_names, list->v[i].s));
}
