// Open addressing with linear probing, at most half full.
#include "policy/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

struct slot {
	const void *kind;
	struct pol_text name; // .s NULL: free
	uint64_t hash;
};

struct names {
	struct slot *slots;
	size_t n, size; // size is a power of two
};

enum { SIZE_FIRST = 1024 };

static struct slot *slots_new(size_t size)
{
	struct slot *slots = NULL;
	size_t cap = 0;

	vec_grow((void **)&slots, &cap, size, sizeof(*slots)); // ends the process without memory
	memset(slots, 0, size * sizeof(*slots));
	return slots;
}

struct names *names_new(void)
{
	struct names *names = NULL;
	size_t cap = 0;

	vec_grow((void **)&names, &cap, 1, sizeof(*names));
	*names = (struct names){ .slots = slots_new(SIZE_FIRST), .size = SIZE_FIRST };
	return names;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	free(names->slots);
	free(names);
}

// FNV-1a, 64 bits.
static uint64_t hash_of(const void *kind, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u ^ (uintptr_t)kind;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
	return hash ^ hash >> 32;
}

static struct slot *find(struct slot *slots, size_t size, const void *kind, const char *name,
			 uint64_t hash)
{
	for (size_t i = hash & (size - 1);; i = (i + 1) & (size - 1)) {
		struct slot *slot = &slots[i];

		if (!slot->name.s || (slot->hash == hash && slot->kind == kind && !strcmp(slot->name.s, name)))
			return slot;
	}
}

static void double_size(struct names *names)
{
	struct slot *slots = slots_new(names->size * 2);

	for (size_t i = 0; i < names->size; i++) {
		const struct slot *old = &names->slots[i];

		if (old->name.s)
			*find(slots, names->size * 2, old->kind, old->name.s, old->hash) = *old;
	}
	free(names->slots);
	names->slots = slots;
	names->size *= 2;
}

const struct pol_text *names_take(struct names *names, const void *kind, const struct pol_text *name)
{
	uint64_t hash = hash_of(kind, name->s);
	struct slot *slot = find(names->slots, names->size, kind, name->s, hash);

	if (slot->name.s)
		return &slot->name;
	*slot = (struct slot){ kind, *name, hash };
	if (++names->n * 2 > names->size)
		double_size(names);
	return NULL;
}
