#include "kernel/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

// FNV-1a, 64 bits.
static uint64_t names_hash(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
	return hash ^ hash >> 32;
}

void names_init(struct names *names, size_t count)
{
	size_t cap = 0;

	*names = (struct names){ .n_slots = 16 };
	while (names->n_slots < count * 2)
		names->n_slots *= 2;
	vec_grow((void **)&names->slots, &cap, names->n_slots, sizeof(*names->slots));
	memset(names->slots, 0, names->n_slots * sizeof(*names->slots));
}

void names_done(struct names *names)
{
	free(names->slots);
	*names = (struct names){ 0 };
}

static struct names_slot *names_slot(const struct names *names, const char *name)
{
	size_t at = names_hash(name) & (names->n_slots - 1);

	while (names->slots[at].name && strcmp(names->slots[at].name, name) != 0)
		at = (at + 1) & (names->n_slots - 1);
	return &names->slots[at];
}

void names_add(struct names *names, const char *name, uint32_t number)
{
	struct names_slot *slot = names_slot(names, name);

	if (!slot->name)
		*slot = (struct names_slot){ .name = name, .number = number };
}

uint32_t names_find(const struct names *names, const char *name)
{
	const struct names_slot *slot;

	if (!names->n_slots)
		return UINT32_MAX;
	slot = names_slot(names, name);
	return slot->name ? slot->number : UINT32_MAX;
}
