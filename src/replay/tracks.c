#include "replay/tracks.h"

#include <stdlib.h>
#include <string.h>

enum { TRACK_FIRST = 1024 }; // buckets

void track_init(struct tracks *tracks, const uint64_t seed[4])
{
	*tracks = (struct tracks){ .max = TRACK_MAX };
	memcpy(tracks->seed, seed, sizeof(tracks->seed));
}

void track_done(struct tracks *tracks)
{
	free(tracks->buckets);
	free(tracks->entries);
	*tracks = (struct tracks){ 0 };
}

bool track_make_key(struct track_key *key, const struct addr *source,
		    const struct addr *destination, uint8_t protocol, uint16_t sport, uint16_t port)
{
	bool from_b = source->bits > destination->bits ||
		      (source->bits == destination->bits && sport > port);

	*key = (struct track_key){
		.a = from_b ? destination->bits : source->bits,
		.b = from_b ? source->bits : destination->bits,
		.port_a = from_b ? port : sport,
		.port_b = from_b ? sport : port,
		.protocol = protocol,
		.family = (uint8_t)source->family,
	};
	return from_b;
}

static uint64_t fold(uint64_t x, uint64_t y)
{
	__extension__ unsigned __int128 product = (unsigned __int128)x * y;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t track_hash(const struct tracks *tracks, const struct track_key *key)
{
	const uint64_t *seed = tracks->seed;
	uint64_t rest = (uint64_t)key->port_a << 48 | (uint64_t)key->port_b << 32 |
			(uint64_t)key->protocol << 24 | (uint64_t)key->family << 16 | key->kind;
	uint64_t hash = fold((uint64_t)key->a ^ seed[0], (uint64_t)key->b ^ seed[1]);

	hash ^= fold((uint64_t)(key->a >> 64) ^ seed[2], (uint64_t)(key->b >> 64) ^ seed[3]);
	return fold(hash ^ rest ^ seed[1], seed[0] | 1);
}

static bool same_key(const struct track_key *x, const struct track_key *y)
{
	return x->a == y->a && x->b == y->b && x->port_a == y->port_a && x->port_b == y->port_b &&
	       x->protocol == y->protocol && x->family == y->family && x->kind == y->kind;
}

static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

void track_prefetch(const struct tracks *tracks, uint64_t hash)
{
	if (tracks->buckets)
		__builtin_prefetch(&tracks->buckets[hash & tracks->mask]);
}

void track_prefetch_entry(const struct tracks *tracks, uint64_t hash)
{
	const struct track_bucket *bucket;

	if (!tracks->buckets)
		return;
	bucket = &tracks->buckets[hash & tracks->mask];
	if (bucket->index == TRACK_NONE || bucket->tag != tag_of(hash))
		return;
	__builtin_prefetch(&tracks->entries[bucket->index], 1);
	__builtin_prefetch((const char *)&tracks->entries[bucket->index] + 64, 1);
	__builtin_prefetch((const char *)&tracks->entries[bucket->index] + 128, 1);
}

uint32_t track_find(const struct tracks *tracks, const struct track_key *key, uint64_t hash,
		    uint16_t origin, bool from_b)
{
	unsigned variants = 0;

	if (!tracks->buckets)
		return TRACK_NONE;
	for (size_t at = hash & tracks->mask;; at = (at + 1) & tracks->mask) {
		const struct track_bucket *bucket = &tracks->buckets[at];
		const struct connection *entry;

		if (bucket->index == TRACK_NONE)
			return TRACK_NONE;
		if (bucket->tag != tag_of(hash))
			continue;
		entry = &tracks->entries[bucket->index];
		if (!same_key(&entry->key, key))
			continue;
		bool opener = from_b == ((entry->flags & CONNECTION_FROM_B) != 0);

		if (!(entry->flags & CONNECTION_STRICT) || !opener || entry->origin == origin ||
		    origin == TRACK_ANYWHERE || ++variants == TRACK_VARIANTS_MAX)
			return bucket->index;
	}
}

static void put(struct tracks *tracks, uint64_t hash, uint32_t index)
{
	size_t at = hash & tracks->mask;

	while (tracks->buckets[at].index != TRACK_NONE)
		at = (at + 1) & tracks->mask;
	tracks->buckets[at] = (struct track_bucket){ tag_of(hash), index };
}

// Half of the buckets stay free.  An entry whose bucket was given away is not in the old ones.
static void grow(struct tracks *tracks)
{
	size_t old = tracks->buckets ? tracks->mask + 1 : 0;
	size_t size = old ? 2 * old : TRACK_FIRST;
	struct track_bucket *before = tracks->buckets;

	tracks->buckets = malloc(size * sizeof(*tracks->buckets));
	if (!tracks->buckets)
		abort();
	for (size_t i = 0; i < size; i++)
		tracks->buckets[i].index = TRACK_NONE;
	tracks->mask = size - 1;
	for (size_t i = 0; i < old; i++)
		if (before[i].index != TRACK_NONE)
			put(tracks, track_hash(tracks, &tracks->entries[before[i].index].key),
			    before[i].index);
	free(before);
}

static void replace(struct tracks *tracks, uint64_t hash, uint32_t old, uint32_t index)
{
	size_t at = hash & tracks->mask;

	while (tracks->buckets[at].index != old)
		at = (at + 1) & tracks->mask;
	tracks->buckets[at].index = index;
}

uint32_t track_add(struct tracks *tracks, const struct track_key *key, uint64_t hash,
		   uint32_t replaces)
{
	uint32_t index = (uint32_t)tracks->n;

	if (tracks->n >= tracks->max)
		return TRACK_NONE;
	if (!tracks->buckets || tracks->n >= (tracks->mask + 1) / 2)
		grow(tracks);
	if (tracks->n == tracks->cap) {
		tracks->cap = tracks->cap ? 2 * tracks->cap : TRACK_FIRST;
		tracks->entries = realloc(tracks->entries, tracks->cap * sizeof(*tracks->entries));
		if (!tracks->entries)
			abort();
	}
	tracks->entries[tracks->n++] = (struct connection){ .key = *key, .alias_of = TRACK_NONE };
	if (replaces == TRACK_NONE)
		put(tracks, hash, index);
	else
		replace(tracks, hash, replaces, index);
	return index;
}
