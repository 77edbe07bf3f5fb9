// From the growing arrays to one block: rules by chain, elements by set and key, then versions.
//
// A version is a hash of content in which whatever is referred to stands with its name, so that it
// does not change when indexes move; a rule's set stands with its version too, since the kernel's
// name of a set contains it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/build_private.h"
#include "compile/storage.h"

// Eight bytes at a time; the length goes in with the last ones.
static void mix(uint64_t *hash, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint64_t word;

	for (size_t left = size; left; left -= left < 8 ? left : 8, at += 8) {
		word = 0;
		memcpy(&word, at, left < 8 ? left : 8);
		*hash = (*hash ^ word) * 0x9fb21c651e98df25u;
		*hash ^= *hash >> 32;
	}
	*hash = (*hash ^ size) * 0x100000001b3u;
}

static void mix_text(uint64_t *hash, const char *text)
{
	mix(hash, text, strlen(text) + 1);
}

static uint64_t finish(uint64_t hash)
{
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
	return hash ^ hash >> 33;
}

static uint64_t set_version(const struct ruleset *ruleset, const struct rs_set *set)
{
	size_t key_size = (size_t)set->key_bytes * (set->interval ? 2 : 1);
	uint64_t hash = 0xcbf29ce484222325u;

	mix(&hash, &set->kind, 1);
	mix(&hash, &set->interval, 1);
	mix(&hash, set->keys, set->n_keys);
	for (uint32_t i = 0; i < set->n_elems; i++) {
		const struct rs_elem *elem = &ruleset->elems[set->first_elem + i];

		mix(&hash, ruleset->pool + elem->key, key_size);
		mix(&hash, &elem->verdict, 1);
		if (elem->ref == RS_NONE)
			continue;
		mix_text(&hash, rs_string(ruleset, set->kind == RS_MAP_COUNTER
							   ? ruleset->objs[elem->ref].name
							   : ruleset->chains[elem->ref].name));
	}
	return finish(hash);
}

static void mix_ref(uint64_t *hash, const struct ruleset *ruleset, const struct rs_stmt *stmt)
{
	if (stmt->ref == RS_NONE)
		return;
	switch (stmt->kind) {
	case RS_LOOKUP:
	case RS_VMAP:
	case RS_COUNT_MAP:
		mix_text(hash, rs_string(ruleset, ruleset->sets[stmt->ref].name));
		mix(hash, &ruleset->sets[stmt->ref].version, sizeof(uint64_t));
		break;
	case RS_COUNT:
	case RS_HELPER:
		mix_text(hash, rs_string(ruleset, ruleset->objs[stmt->ref].name));
		break;
	default:
		mix_text(hash, rs_string(ruleset, ruleset->chains[stmt->ref].name));
	}
}

static uint64_t chain_version(const struct ruleset *ruleset, const struct rs_chain *chain)
{
	uint64_t hash = 0xcbf29ce484222325u;

	mix(&hash, &chain->base, 1);
	mix(&hash, &chain->nat, 1);
	mix(&hash, &chain->hook, 1);
	mix(&hash, &chain->drop, 1);
	mix(&hash, &chain->priority, sizeof(chain->priority));
	for (uint32_t r = 0; r < chain->n_rules; r++) {
		const struct rs_rule *item = &ruleset->rules[chain->first_rule + r];

		mix(&hash, &item->n_stmts, sizeof(item->n_stmts));
		mix_text(&hash, rs_string(ruleset, item->comment));
		for (uint32_t s = 0; s < item->n_stmts; s++) {
			struct rs_stmt plain = ruleset->stmts[item->first_stmt + s];

			mix_ref(&hash, ruleset, &plain);
			mix_text(&hash, rs_string(ruleset, plain.prefix));
			plain.ref = plain.prefix = 0;
			mix(&hash, &plain, sizeof(plain));
		}
	}
	return finish(hash);
}

static void copy(const void *to, const void *from, size_t size)
{
	if (size)
		memcpy((void *)to, from, size);
}

// Rules of a chain together, in the order they were begun; their statements follow the rules.
static void place_rules(const struct build *build, const struct ruleset *made)
{
	struct rs_chain *chains = (struct rs_chain *)made->chains;
	struct rs_rule *rules = (struct rs_rule *)made->rules;
	struct rs_stmt *stmts = (struct rs_stmt *)made->stmts;
	uint32_t first = 0, stmt = 0;

	copy(chains, build->chains.v, made->n_chains * sizeof(*chains));
	for (size_t i = 0; i < made->n_rules; i++)
		chains[build->rules.v[i].chain].n_rules++;
	for (size_t i = 0; i < made->n_chains; i++) {
		chains[i].first_rule = first;
		first += chains[i].n_rules;
		chains[i].n_rules = 0;
	}
	for (size_t i = 0; i < made->n_rules; i++) {
		struct rs_chain *chain = &chains[build->rules.v[i].chain];

		rules[chain->first_rule + chain->n_rules++] = build->rules.v[i];
	}
	for (size_t i = 0; i < made->n_rules; i++) {
		memcpy(stmts + stmt, build->stmts.v + rules[i].first_stmt,
		       rules[i].n_stmts * sizeof(*stmts));
		rules[i].first_stmt = stmt;
		stmt += rules[i].n_stmts;
	}
}

struct sorting {
	const uint8_t *pool;
	size_t key_size;
};

static int compare_elems(const void *a, const void *b, void *arg)
{
	const struct rs_elem *x = a, *y = b;
	const struct sorting *sorting = arg;

	return memcmp(sorting->pool + x->key, sorting->pool + y->key, sorting->key_size);
}

static void place_elems(const struct build *build, const struct ruleset *made)
{
	struct rs_set *sets = (struct rs_set *)made->sets;
	struct rs_elem *elems = (struct rs_elem *)made->elems;
	uint32_t first = 0;

	copy(sets, build->sets.v, made->n_sets * sizeof(*sets));
	for (size_t i = 0; i < made->n_elems; i++)
		sets[build->elems.v[i].set].n_elems++;
	for (size_t i = 0; i < made->n_sets; i++) {
		sets[i].first_elem = first;
		first += sets[i].n_elems;
		sets[i].n_elems = 0;
	}
	for (size_t i = 0; i < made->n_elems; i++) {
		struct rs_set *set = &sets[build->elems.v[i].set];

		elems[set->first_elem + set->n_elems++] = build->elems.v[i].elem;
	}
	for (size_t i = 0; i < made->n_sets; i++) {
		struct sorting sorting = { made->pool,
					   (size_t)sets[i].key_bytes * (sets[i].interval ? 2 : 1) };

		if (sets[i].n_elems)
			qsort_r(elems + sets[i].first_elem, sets[i].n_elems, sizeof(*elems),
				compare_elems, &sorting);
	}
}

static void set_versions(const struct ruleset *made)
{
	struct rs_chain *chains = (struct rs_chain *)made->chains;
	struct rs_set *sets = (struct rs_set *)made->sets;

	for (size_t i = 0; i < made->n_sets; i++)
		sets[i].version = set_version(made, &sets[i]);
	for (size_t i = 0; i < made->n_chains; i++)
		chains[i].version = chain_version(made, &chains[i]);
}

int rb_freeze(struct build *build, uint64_t generation, const uint8_t digest[32],
	      struct ruleset **ret_ruleset)
{
	uint32_t table = rb_string(build, "sekisho");
	const struct ruleset counts = {
		.generation = generation,
		.table = table,
		.strings_size = build->strings.n,
		.pool_size = build->pool.n,
		.n_chains = build->chains.n,
		.n_rules = build->rules.n,
		.n_stmts = build->stmts.n,
		.n_sets = build->sets.n,
		.n_elems = build->elems.n,
		.n_objs = build->objs.n,
		.n_origins = build->origins.n,
	};
	struct ruleset *made = ruleset_alloc(&counts);

	if (!made)
		return -ENOMEM;
	memcpy(made->digest, digest, sizeof(made->digest));
	copy(made->strings, build->strings.v, made->strings_size);
	copy(made->pool, build->pool.v, made->pool_size);
	copy(made->objs, build->objs.v, made->n_objs * sizeof(*made->objs));
	copy(made->origins, build->origins.v, made->n_origins * sizeof(*made->origins));
	place_rules(build, made);
	place_elems(build, made);
	set_versions(made);
	*ret_ruleset = made;
	return 0;
}
