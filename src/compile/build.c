// The growing ruleset: arrays, interned strings, keys; and the freezing of it all.
#include "compile/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "compile/build_private.h"
#include "compile/storage.h"

enum { NAME_VERSION_BYTES = 9 }; // ".%08x"

static uint64_t hash_text(const char *text, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

struct build *rb_new(void)
{
	struct build *build = calloc(1, sizeof(*build));

	if (!build)
		abort();
	*vec_add(&build->strings) = '\0';
	return build;
}

void rb_free(struct build *build)
{
	if (!build)
		return;
	vec_done(&build->strings);
	vec_done(&build->pool);
	vec_done(&build->chains);
	vec_done(&build->rules);
	vec_done(&build->stmts);
	vec_done(&build->sets);
	vec_done(&build->elems);
	vec_done(&build->objs);
	vec_done(&build->origins);
	free(build->slots);
	free(build->long_name);
	free(build);
}

static void rehash(struct build *build)
{
	size_t n = build->n_slots ? build->n_slots * 2 : 1024;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		abort();
	for (size_t i = 0; i < build->n_slots; i++) {
		const char *text = build->strings.v + build->slots[i];
		size_t at;

		if (!build->slots[i])
			continue;
		at = hash_text(text, strlen(text)) & (n - 1);
		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = build->slots[i];
	}
	free(build->slots);
	build->slots = slots;
	build->n_slots = n;
}

uint32_t rb_string(struct build *build, const char *text)
{
	size_t length = text ? strlen(text) : 0, at, need;

	if (!length)
		return 0;
	if (build->n_interned * 2 >= build->n_slots)
		rehash(build);
	at = hash_text(text, length) & (build->n_slots - 1);
	for (; build->slots[at]; at = (at + 1) & (build->n_slots - 1))
		if (!strcmp(build->strings.v + build->slots[at], text))
			return build->slots[at];
	need = build->strings.n + length + 1;
	if (need > build->strings.cap)
		vec_grow((void **)&build->strings.v, &build->strings.cap, need, 1);
	build->slots[at] = build->strings.n;
	build->n_interned++;
	memcpy(build->strings.v + build->strings.n, text, length + 1);
	build->strings.n = need;
	return build->slots[at];
}

static uint32_t name_string(struct build *build, const char *name)
{
	if (strlen(name) + NAME_VERSION_BYTES >= RS_NAME_MAX && !build->long_name)
		build->long_name = strdup(name);
	return rb_string(build, name);
}

const char *rb_long_name(const struct build *build)
{
	return build->long_name;
}

size_t rb_elems(const struct build *build)
{
	return build->elems.n;
}

// A file's name as text: a control character in it must not reach a terminal.
static uint32_t file_string(struct build *build, const char *name)
{
	char *text = name ? strdup(name) : NULL;
	uint32_t string;

	for (char *c = text; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	string = rb_string(build, text);
	free(text);
	return string;
}

uint32_t rb_origin(struct build *build, const char *id, const struct place *at)
{
	uint32_t flow = rb_string(build, id), file = file_string(build, at->file);
	struct rs_origin *origin = vec_add(&build->origins);

	origin->flow = flow;
	origin->file = file;
	origin->line = at->line;
	origin->column = at->column;
	origin->column_end = at->column_end;
	return build->origins.n - 1;
}

uint32_t rb_chain(struct build *build, const char *name, uint32_t origin)
{
	uint32_t string = name_string(build, name);
	struct rs_chain *chain = vec_add(&build->chains);

	chain->name = string;
	chain->origin = origin;
	return build->chains.n - 1;
}

uint32_t rb_base(struct build *build, const struct base_hook *hook)
{
	uint32_t index = rb_chain(build, hook->name, RS_NONE);
	struct rs_chain *chain = &build->chains.v[index];

	chain->base = 1;
	chain->hook = hook->hook;
	chain->priority = hook->priority;
	chain->nat = hook->nat;
	chain->drop = hook->drop;
	return index;
}

static struct rs_obj *add_obj(struct build *build, const char *name, enum rs_obj_kind kind)
{
	uint32_t string = name_string(build, name);
	struct rs_obj *obj = vec_add(&build->objs);

	obj->name = string;
	obj->kind = kind;
	obj->origin = RS_NONE;
	return obj;
}

uint32_t rb_counter(struct build *build, const char *name, uint32_t origin)
{
	add_obj(build, name, RS_OBJ_COUNTER)->origin = origin;
	return build->objs.n - 1;
}

uint32_t rb_helper(struct build *build, const char *name, const char *helper, uint8_t protocol)
{
	uint32_t string = rb_string(build, helper);
	struct rs_obj *obj = add_obj(build, name, RS_OBJ_HELPER);

	obj->helper = string;
	obj->protocol = protocol;
	return build->objs.n - 1;
}

void key_bytes(struct build_key *key, enum rs_key what, const void *lo, const void *hi)
{
	unsigned size = rs_key_info(what)->size;

	memset(key->lo + key->size, 0, rs_padded(size));
	memset(key->hi + key->size, 0, rs_padded(size));
	memcpy(key->lo + key->size, lo, size);
	memcpy(key->hi + key->size, hi, size);
	key->size += rs_padded(size);
}

void key_u8(struct build_key *key, enum rs_key what, uint8_t lo, uint8_t hi)
{
	key_bytes(key, what, &lo, &hi);
}

void key_u16(struct build_key *key, enum rs_key what, uint16_t lo, uint16_t hi)
{
	const uint8_t low[2] = { lo >> 8, lo & 0xff }, high[2] = { hi >> 8, hi & 0xff };

	key_bytes(key, what, low, high);
}

void key_addr(struct build_key *key, enum rs_key what, const struct addr_range *range)
{
	uint8_t lo[16], hi[16];

	addr_to_bytes(range->family, range->lo, lo);
	addr_to_bytes(range->family, range->hi, hi);
	key_bytes(key, what, lo, hi);
}

void key_name(struct build_key *key, enum rs_key what, const char *name, bool pattern)
{
	size_t length = strnlen(name, 15);
	uint8_t lo[16] = { 0 }, hi[16];

	memcpy(lo, name, length);
	memcpy(hi, lo, sizeof(hi));
	if (pattern)
		memset(hi + length, 0xff, sizeof(hi) - length);
	key_bytes(key, what, lo, hi);
}

uint32_t rb_set(struct build *build, const char *name, enum rs_set_kind kind, bool interval,
		const enum rs_key *keys, unsigned n_keys)
{
	uint32_t string = name_string(build, name);
	struct rs_set *set = vec_add(&build->sets);

	set->name = string;
	set->kind = kind;
	set->interval = interval;
	set->n_keys = n_keys;
	set->origin = RS_NONE;
	for (unsigned i = 0; i < n_keys; i++) {
		set->keys[i] = keys[i];
		set->key_bytes += rs_padded(rs_key_info(keys[i])->size);
	}
	return build->sets.n - 1;
}

static uint32_t pool_add(struct build *build, const uint8_t *bytes, size_t size)
{
	uint32_t at = build->pool.n;

	if (build->pool.n + size > build->pool.cap)
		vec_grow((void **)&build->pool.v, &build->pool.cap, build->pool.n + size, 1);
	memcpy(build->pool.v + build->pool.n, bytes, size);
	build->pool.n += size;
	return at;
}

void rb_elem(struct build *build, uint32_t set, const struct build_key *key,
	     enum rs_verdict verdict, uint32_t ref, uint32_t origin)
{
	struct build_elem *elem = vec_add(&build->elems);

	elem->set = set;
	elem->elem.key = pool_add(build, key->lo, key->size);
	if (build->sets.v[set].interval)
		pool_add(build, key->hi, key->size);
	elem->elem.ref = ref;
	elem->elem.origin = origin;
	elem->elem.verdict = verdict;
}
