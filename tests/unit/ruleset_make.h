// Rulesets made by hand, for tests of the room `kernel`: arrays that grow, indexes that are given
// back, and hashes over what was put in.  Rules are added to the chain that was begun last.
#ifndef SEKISHO_TESTS_RULESET_MAKE_H
#define SEKISHO_TESTS_RULESET_MAKE_H

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "base/vec.h"
#include "compile/ruleset.h"

struct make {
	VEC(char) strings;
	VEC(uint8_t) pool;
	VEC(struct rs_chain) chains;
	VEC(struct rs_rule) rules;
	VEC(struct rs_stmt) stmts;
	VEC(struct rs_set) sets;
	VEC(struct rs_elem) elems;
	VEC(struct rs_obj) objs;
	VEC(struct rs_origin) origins;
	struct ruleset ruleset;
};

static inline uint64_t make_hash(uint64_t hash, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
	return hash;
}

static inline uint32_t make_string(struct make *make, const char *text)
{
	uint32_t at = (uint32_t)make->strings.n;

	if (at == 0) {
		vec_push(&make->strings, '\0');
		at = 1;
	}
	for (const char *c = text;; c++) {
		vec_push(&make->strings, *c);
		if (!*c)
			return at;
	}
}

static inline uint32_t make_origin(struct make *make, const char *flow, uint32_t line)
{
	vec_push(&make->origins,
		 ((struct rs_origin){ .flow = make_string(make, flow), .line = line }));
	return (uint32_t)make->origins.n - 1;
}

static inline uint32_t make_chain(struct make *make, const char *name)
{
	vec_push(&make->chains, ((struct rs_chain){ .name = make_string(make, name),
						    .first_rule = (uint32_t)make->rules.n,
						    .origin = RS_NONE }));
	return (uint32_t)make->chains.n - 1;
}

static inline uint32_t make_base(struct make *make, const char *name, uint8_t hook,
				 int32_t priority, bool nat, bool drop)
{
	uint32_t at = make_chain(make, name);
	struct rs_chain *chain = &make->chains.v[at];

	chain->base = 1;
	chain->nat = nat;
	chain->drop = drop;
	chain->hook = hook;
	chain->priority = priority;
	return at;
}

static inline void make_rule(struct make *make, uint32_t origin)
{
	vec_push(&make->rules, ((struct rs_rule){ .chain = (uint32_t)make->chains.n - 1,
						  .first_stmt = (uint32_t)make->stmts.n,
						  .origin = origin }));
	make->chains.v[make->chains.n - 1].n_rules++;
}

// The pointer is good until the next call.
static inline struct rs_stmt *make_stmt(struct make *make, enum rs_stmt_kind kind)
{
	vec_push(&make->stmts, ((struct rs_stmt){ .kind = (uint8_t)kind, .ref = RS_NONE }));
	make->rules.v[make->rules.n - 1].n_stmts++;
	return &make->stmts.v[make->stmts.n - 1];
}

static inline struct rs_stmt *make_match(struct make *make, enum rs_key key, enum rs_op op,
					 const void *value, size_t size)
{
	struct rs_stmt *stmt = make_stmt(make, RS_MATCH);

	stmt->op = (uint8_t)op;
	stmt->n_keys = 1;
	stmt->keys[0] = (uint8_t)key;
	memcpy(stmt->value, value, size);
	return stmt;
}

static inline void make_verdict(struct make *make, enum rs_verdict verdict, uint32_t chain)
{
	struct rs_stmt *stmt = make_stmt(make, RS_VERDICT);

	stmt->verdict = (uint8_t)verdict;
	stmt->ref = chain;
}

static inline void make_with_keys(struct rs_stmt *stmt, unsigned n, const enum rs_key *keys,
				  uint32_t set)
{
	stmt->n_keys = (uint8_t)n;
	for (unsigned i = 0; i < n; i++)
		stmt->keys[i] = (uint8_t)keys[i];
	stmt->ref = set;
}

static inline uint32_t make_obj(struct make *make, enum rs_obj_kind kind, const char *name,
				const char *helper, uint8_t protocol, uint32_t origin)
{
	struct rs_obj obj = { .name = make_string(make, name),
			      .kind = (uint8_t)kind,
			      .protocol = protocol,
			      .helper = helper ? make_string(make, helper) : 0,
			      .origin = origin };

	vec_push(&make->objs, obj);
	return (uint32_t)make->objs.n - 1;
}

static inline uint32_t make_set(struct make *make, const char *name, enum rs_set_kind kind,
				bool interval, unsigned n, const enum rs_key *keys)
{
	struct rs_set set = { .name = make_string(make, name),
			      .kind = (uint8_t)kind,
			      .interval = interval,
			      .n_keys = (uint8_t)n,
			      .first_elem = (uint32_t)make->elems.n,
			      .origin = RS_NONE };

	for (unsigned i = 0; i < n; i++) {
		set.keys[i] = (uint8_t)keys[i];
		set.key_bytes = (uint16_t)(set.key_bytes + ((rs_key_info(keys[i])->size + 3) & ~3));
	}
	vec_push(&make->sets, set);
	return (uint32_t)make->sets.n - 1;
}

// An element of the set that was begun last.  lo and hi have key_bytes each.
static inline void make_elem(struct make *make, const uint8_t *lo, const uint8_t *hi,
			     enum rs_verdict verdict, uint32_t ref, uint32_t origin)
{
	struct rs_set *set = &make->sets.v[make->sets.n - 1];
	struct rs_elem elem = { .key = (uint32_t)make->pool.n,
				.ref = ref,
				.origin = origin,
				.verdict = (uint8_t)verdict };

	for (unsigned i = 0; i < set->key_bytes; i++)
		vec_push(&make->pool, lo[i]);
	for (unsigned i = 0; set->interval && i < set->key_bytes; i++)
		vec_push(&make->pool, hi[i]);
	vec_push(&make->elems, elem);
	set->n_elems++;
}

// An element whose key is one or two IPv4 ranges.
static inline void make_elem_v4(struct make *make, const uint32_t *lo, const uint32_t *hi,
				enum rs_verdict verdict, uint32_t ref, uint32_t origin)
{
	unsigned n = make->sets.v[make->sets.n - 1].n_keys;
	uint32_t from[2], to[2];

	for (unsigned i = 0; i < n; i++) {
		from[i] = htonl(lo[i]);
		to[i] = htonl(hi[i]);
	}
	make_elem(make, (uint8_t *)from, (uint8_t *)to, verdict, ref, origin);
}

static inline void make_versions(struct make *make)
{
	for (size_t i = 0; i < make->sets.n; i++) {
		struct rs_set *set = &make->sets.v[i];
		unsigned bytes = set->key_bytes * (set->interval ? 2u : 1u);

		set->version = make_hash(0xcbf29ce484222325u, &set->n_elems, sizeof(set->n_elems));
		for (uint32_t j = set->first_elem; j < set->first_elem + set->n_elems; j++) {
			const struct rs_elem *elem = &make->elems.v[j];

			set->version = make_hash(set->version, &make->pool.v[elem->key], bytes);
			set->version = make_hash(set->version, &elem->verdict, 1);
			set->version = make_hash(set->version, &elem->ref, sizeof(elem->ref));
		}
	}
	for (size_t i = 0; i < make->chains.n; i++) {
		struct rs_chain *chain = &make->chains.v[i];

		chain->version = 0xcbf29ce484222325u;
		for (uint32_t j = chain->first_rule; j < chain->first_rule + chain->n_rules; j++)
			chain->version =
				make_hash(chain->version,
					  &make->stmts.v[make->rules.v[j].first_stmt],
					  make->rules.v[j].n_stmts * sizeof(struct rs_stmt));
	}
}

static inline const struct ruleset *make_finish(struct make *make, uint64_t generation)
{
	struct ruleset *ruleset = &make->ruleset;

	ruleset->generation = generation;
	ruleset->table = make_string(make, "sekisho");
	make_versions(make);
	ruleset->strings = make->strings.v;
	ruleset->strings_size = make->strings.n;
	ruleset->pool = make->pool.v;
	ruleset->pool_size = make->pool.n;
	ruleset->chains = make->chains.v;
	ruleset->n_chains = make->chains.n;
	ruleset->rules = make->rules.v;
	ruleset->n_rules = make->rules.n;
	ruleset->stmts = make->stmts.v;
	ruleset->n_stmts = make->stmts.n;
	ruleset->sets = make->sets.v;
	ruleset->n_sets = make->sets.n;
	ruleset->elems = make->elems.v;
	ruleset->n_elems = make->elems.n;
	ruleset->objs = make->objs.v;
	ruleset->n_objs = make->objs.n;
	ruleset->origins = make->origins.v;
	ruleset->n_origins = make->origins.n;
	return ruleset;
}

static inline void make_done(struct make *make)
{
	vec_done(&make->strings);
	vec_done(&make->pool);
	vec_done(&make->chains);
	vec_done(&make->rules);
	vec_done(&make->stmts);
	vec_done(&make->sets);
	vec_done(&make->elems);
	vec_done(&make->objs);
	vec_done(&make->origins);
	*make = (struct make){ 0 };
}

#endif
