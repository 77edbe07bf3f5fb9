// A ruleset's memory: one block that holds the struct and every array.
#include "compile/storage.h"

#include <stdlib.h>
#include <string.h>

static size_t aligned(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

// The arrays in the order they lie in the block: where each pointer is, its count and item size.
size_t ruleset_parts(const struct ruleset *ruleset, struct ruleset_part parts[RS_PARTS])
{
	const struct ruleset *r = ruleset;
	size_t total = 0;

	parts[0] = (struct ruleset_part){ r->chains, r->n_chains, sizeof(*r->chains) };
	parts[1] = (struct ruleset_part){ r->rules, r->n_rules, sizeof(*r->rules) };
	parts[2] = (struct ruleset_part){ r->stmts, r->n_stmts, sizeof(*r->stmts) };
	parts[3] = (struct ruleset_part){ r->sets, r->n_sets, sizeof(*r->sets) };
	parts[4] = (struct ruleset_part){ r->elems, r->n_elems, sizeof(*r->elems) };
	parts[5] = (struct ruleset_part){ r->objs, r->n_objs, sizeof(*r->objs) };
	parts[6] = (struct ruleset_part){ r->origins, r->n_origins, sizeof(*r->origins) };
	parts[7] = (struct ruleset_part){ r->pool, r->pool_size, 1 };
	parts[8] = (struct ruleset_part){ r->strings, r->strings_size, 1 };
	for (size_t i = 0; i < RS_PARTS; i++)
		total += aligned(parts[i].n * parts[i].item_size);
	return total;
}

struct ruleset *ruleset_alloc(const struct ruleset *counts)
{
	struct ruleset_part parts[RS_PARTS];
	size_t body = ruleset_parts(counts, parts);
	struct ruleset *made = calloc(1, aligned(sizeof(*made)) + body);
	char *at;

	if (!made)
		return NULL;
	*made = *counts;
	made->storage = made;
	at = (char *)made + aligned(sizeof(*made));
	for (size_t i = 0; i < RS_PARTS; i++) {
		parts[i].at = at;
		at += aligned(parts[i].n * parts[i].item_size);
	}
	made->chains = parts[0].at;
	made->rules = parts[1].at;
	made->stmts = parts[2].at;
	made->sets = parts[3].at;
	made->elems = parts[4].at;
	made->objs = parts[5].at;
	made->origins = parts[6].at;
	made->pool = parts[7].at;
	made->strings = parts[8].at;
	return made;
}

void ruleset_free(struct ruleset *ruleset)
{
	if (ruleset)
		free(ruleset->storage);
}

void ruleset_freep(struct ruleset **ruleset)
{
	ruleset_free(*ruleset);
}

uint32_t ruleset_find_chain(const struct ruleset *ruleset, const char *name)
{
	for (size_t i = 0; i < ruleset->n_chains; i++)
		if (!strcmp(rs_string(ruleset, ruleset->chains[i].name), name))
			return i;
	return RS_NONE;
}
