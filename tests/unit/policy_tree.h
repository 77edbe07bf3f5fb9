// Whether two trees say the same, places aside, by the table of keys.
#ifndef TESTS_UNIT_POLICY_TREE_H
#define TESTS_UNIT_POLICY_TREE_H

#include <string.h>

#include "policy/keys.h"
#include "policy/policy.h"

static inline bool same_text(const struct pol_text *a, const struct pol_text *b)
{
	return !a->s == !b->s && (!a->s || !strcmp(a->s, b->s));
}

static inline bool same_list(const struct pol_list *a, const struct pol_list *b)
{
	if (a->n != b->n || !a->at.file != !b->at.file)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_text(&a->v[i], &b->v[i]))
			return false;
	return true;
}

static inline bool same_object(const struct key_table *table, const void *a, const void *b);

static inline bool same_entries(const struct key *key, const void *a, const void *b)
{
	const char *x = *(const char *const *)key_at(key, a),
		   *y = *(const char *const *)key_at(key, b);
	size_t n = *(const size_t *)(const void *)((const char *)a + key->offset_n);

	if (n != *(const size_t *)(const void *)((const char *)b + key->offset_n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!same_object(key->table, x + i * key->table->size, y + i * key->table->size))
			return false;
	return true;
}

static inline bool same_value(const struct key *key, const void *a, const void *b)
{
	const struct pol_bool *p = key_at(key, a), *q = key_at(key, b);
	const struct pol_uint *m = key_at(key, a), *n = key_at(key, b);

	switch (key->kind) {
	case KEY_TEXT:
		return same_text(key_at(key, a), key_at(key, b));
	case KEY_LIST:
		return same_list(key_at(key, a), key_at(key, b));
	case KEY_BOOL:
		return p->set == q->set && p->value == q->value;
	case KEY_UINT:
		return m->set == n->set && m->value == n->value;
	case KEY_MAP:
		return same_object(key->table, key_at(key, a), key_at(key, b));
	case KEY_ENTRIES:
		return same_entries(key, a, b);
	}
	return false;
}

static inline bool same_object(const struct key_table *table, const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	if (table->has_at && !p->file != !q->file)
		return false;
	for (size_t i = 0; i < table->n_keys; i++)
		if (!same_value(&table->keys[i], a, b))
			return false;
	return true;
}

static inline bool same_tree(const struct pol_policy *a, const struct pol_policy *b)
{
	return same_object(&keys_policy, policy_tree(a), policy_tree(b));
}

#endif
