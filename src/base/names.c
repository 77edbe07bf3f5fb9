// Names and their indices: open addressing, FNV-1a.
#include "base/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"

enum { SLOTS_FIRST = 64 };

static size_t slot_of(const struct names *names, const char *text)
{
	uint64_t hash = 14695981039346656037u;
	size_t slot;

	for (const char *c = text; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 1099511628211u;
	slot = (hash ^ hash >> 32) & (names->slots - 1);
	while (names->texts[slot] && strcmp(names->texts[slot], text) != 0)
		slot = (slot + 1) & (names->slots - 1);
	return slot;
}

static void grow(struct names *names)
{
	struct names bigger = { .slots = names->slots ? names->slots * 2 : SLOTS_FIRST };
	size_t texts_cap = 0;
	size_t values_cap = 0;

	vec_grow((void **)&bigger.texts, &texts_cap, bigger.slots, sizeof(*bigger.texts));
	vec_grow((void **)&bigger.values, &values_cap, bigger.slots, sizeof(*bigger.values));
	memset(bigger.texts, 0, bigger.slots * sizeof(*bigger.texts));
	for (size_t i = 0; i < names->slots; i++) {
		size_t slot;

		if (!names->texts[i])
			continue;
		slot = slot_of(&bigger, names->texts[i]);
		bigger.texts[slot] = names->texts[i];
		bigger.values[slot] = names->values[i];
	}
	bigger.n = names->n;
	names_done(names);
	*names = bigger;
}

void names_done(struct names *names)
{
	free(names->texts);
	free(names->values);
	*names = (struct names){ 0 };
}

uint32_t names_add(struct names *names, const char *text, uint32_t value)
{
	size_t slot;

	if (names->n * 2 >= names->slots)
		grow(names);
	slot = slot_of(names, text);
	if (names->texts[slot])
		return names->values[slot];
	names->texts[slot] = text;
	names->values[slot] = value;
	names->n++;
	return NAMES_NONE;
}

uint32_t names_get(const struct names *names, const char *text)
{
	size_t slot;

	if (names->n == 0)
		return NAMES_NONE;
	slot = slot_of(names, text);
	return names->texts[slot] ? names->values[slot] : NAMES_NONE;
}

const char *names_nearest(const struct names *names, const char *text)
{
	struct text_nearest nearest = { .wanted = text };
	const char *best = NULL;

	// Slots follow the hash: among names that are equally near, the first in byte order wins.
	for (size_t i = 0; i < names->slots; i++)
		if (names->texts[i])
			text_nearest_try(&nearest, names->texts[i]);
	if (!nearest.name)
		return NULL;
	for (size_t i = 0; i < names->slots; i++) {
		const char *name = names->texts[i];

		if (name && text_distance(text, name, nearest.distance) == nearest.distance &&
		    (!best || strcmp(name, best) < 0))
			best = name;
	}
	return best;
}
