#include "replay/tracks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	BUCKETS_FIRST = 1024,
	HUGE_PAGE = 2 << 20,
};

// Splitmix64: a seed of small numbers, as a test gives, is as good as another.
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void track_init(struct tracks *tracks, const uint64_t seed[4])
{
	*tracks = (struct tracks){ .max = TRACK_MAX };
	for (int i = 0; i < 4; i++)
		tracks->seed[i] = mix(seed[i] + (uint64_t)i);
}

void track_done(struct tracks *tracks)
{
	free(tracks->buckets);
	for (size_t i = 0; i < TRACK_BLOCKS_MAX; i++)
		free(tracks->blocks[i]);
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

// The tag's low bits say the bucket, so that a table grows by what stands in its buckets.
static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

void track_prefetch(const struct tracks *tracks, uint64_t hash)
{
	if (tracks->buckets)
		__builtin_prefetch(&tracks->buckets[tag_of(hash) & tracks->mask]);
}

bool track_prefetch_entry(const struct tracks *tracks, uint64_t hash)
{
	uint32_t tag = tag_of(hash);

	for (size_t at = tag; tracks->buckets; at++) {
		const struct track_bucket *bucket = &tracks->buckets[at & tracks->mask];

		if (bucket->index == TRACK_NONE)
			return false;
		if (bucket->tag != tag)
			continue;
		const char *entry = (const char *)track_at(tracks, bucket->index);

		__builtin_prefetch(entry, 1);
		__builtin_prefetch(entry + 64, 1);
		return true;
	}
	return false;
}

uint32_t track_find(const struct tracks *tracks, const struct track_key *key, uint64_t hash,
		    uint16_t origin, bool from_b)
{
	unsigned variants = 0;
	uint32_t tag = tag_of(hash);

	for (size_t at = tag; tracks->buckets; at++) {
		const struct track_bucket *bucket = &tracks->buckets[at & tracks->mask];
		const struct connection *entry;

		if (bucket->index == TRACK_NONE)
			return TRACK_NONE;
		if (bucket->tag != tag)
			continue;
		entry = track_at(tracks, bucket->index);
		if (!same_key(&entry->key, key))
			continue;
		bool opener = from_b == ((entry->flags & CONNECTION_FROM_B) != 0);

		if (!(entry->flags & CONNECTION_STRICT) || !opener || entry->origin == origin ||
		    origin == TRACK_ANYWHERE || ++variants == TRACK_VARIANTS_MAX)
			return bucket->index;
	}
	return TRACK_NONE;
}

static void put(struct tracks *tracks, uint32_t tag, uint32_t index)
{
	size_t at = tag & tracks->mask;

	while (tracks->buckets[at].index != TRACK_NONE)
		at = (at + 1) & tracks->mask;
	tracks->buckets[at] = (struct track_bucket){ tag, index };
}

// Large arrays that are looked into at random need few entries of the processor's table of pages.
static void *allocate(size_t size)
{
	void *bytes = aligned_alloc(size < HUGE_PAGE ? 64 : HUGE_PAGE, size);

	if (!bytes)
		abort();
	if (size >= HUGE_PAGE)
		(void)madvise(bytes, size, MADV_HUGEPAGE);
	return bytes;
}

// Half of the buckets stay free.  From a free bucket on, so that those of one key keep their order.
static void grow(struct tracks *tracks)
{
	size_t old = tracks->buckets ? tracks->mask + 1 : 0, start = 0;
	size_t size = old ? 2 * old : BUCKETS_FIRST;
	struct track_bucket *before = tracks->buckets;

	tracks->buckets = allocate(size * sizeof(*tracks->buckets));
	memset(tracks->buckets, 0xff, size * sizeof(*tracks->buckets)); // TRACK_NONE
	tracks->mask = size - 1;
	while (old && before[start].index != TRACK_NONE)
		start++;
	for (size_t i = 0; i < old; i++) {
		const struct track_bucket *bucket = &before[(start + i) & (old - 1)];

		if (bucket->index != TRACK_NONE)
			put(tracks, bucket->tag, bucket->index);
	}
	free(before);
}

static void replace(struct tracks *tracks, uint32_t tag, uint32_t old, uint32_t index)
{
	size_t at = tag & tracks->mask;

	while (tracks->buckets[at].index != old)
		at = (at + 1) & tracks->mask;
	tracks->buckets[at].index = index;
}

uint32_t track_add(struct tracks *tracks, const struct track_key *key, uint64_t hash,
		   uint32_t replaces)
{
	uint32_t index = (uint32_t)tracks->n;
	struct connection **block = &tracks->blocks[index / TRACK_BLOCK];

	if (tracks->n >= tracks->max)
		return TRACK_NONE;
	if (!tracks->buckets || tracks->n >= (tracks->mask + 1) / 2)
		grow(tracks);
	if (!*block)
		*block = allocate(TRACK_BLOCK * sizeof(**block));
	tracks->n++;
	*track_at(tracks, index) = (struct connection){ .key = *key };
	if (replaces == TRACK_NONE)
		put(tracks, tag_of(hash), index);
	else
		replace(tracks, tag_of(hash), replaces, index);
	return index;
}
