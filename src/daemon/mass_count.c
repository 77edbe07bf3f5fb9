// As source_limits.c: two counts, this window's, and of the last one's the share that still lies in
// the time.
#include "daemon/mass_count.h"

#include <errno.h>
#include <stdlib.h>

enum { WAYS = 8, ENTRIES_MAX = 1 << 20, COUNT_MAX = 1 << 30 };

struct entry {
	uint64_t key; // 0: free
	uint64_t used_us, began_us;
	uint32_t last, now;
};

struct mass_counts {
	size_t n; // a power of two
	struct entry v[];
};

int mass_counts_new(size_t entries, struct mass_counts **ret_counts)
{
	size_t n = WAYS;

	if (entries > ENTRIES_MAX)
		return -EINVAL;
	while (n < entries)
		n *= 2;
	struct mass_counts *counts = calloc(1, sizeof(*counts) + n * sizeof(counts->v[0]));

	if (!counts)
		return -ENOMEM;
	counts->n = n;
	*ret_counts = counts;
	return 0;
}

void mass_counts_free(struct mass_counts *counts)
{
	free(counts);
}

static const struct entry *find(const struct mass_counts *counts, uint64_t key)
{
	const struct entry *set = &counts->v[key & (counts->n - WAYS)];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].key == key)
			return &set[i];
	return NULL;
}

static struct entry *make(struct mass_counts *counts, uint64_t key)
{
	struct entry *set = &counts->v[key & (counts->n - WAYS)], *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].used_us < oldest->used_us)
			oldest = &set[i];
	}
	*oldest = (struct entry){ .key = key };
	return oldest;
}

static struct entry slid(const struct entry *entry, uint64_t length, uint64_t now_us)
{
	const uint64_t began = now_us - now_us % length;
	struct entry to = *entry;

	if (entry->began_us == began)
		return to;
	// A clock that was set back begins anew.
	to.last = entry->began_us + length == began ? entry->now : 0;
	to.now = 0;
	to.began_us = began;
	return to;
}

void mass_counts_add(struct mass_counts *counts, uint64_t key, uint32_t number, uint32_t seconds,
		     uint64_t now_us)
{
	struct entry *entry = make(counts, key);

	*entry = slid(entry, (uint64_t)seconds * 1000000, now_us);
	entry->used_us = now_us;
	entry->now = number < COUNT_MAX - entry->now ? entry->now + number : COUNT_MAX;
}

uint32_t mass_counts_get(const struct mass_counts *counts, uint64_t key, uint32_t seconds,
			 uint64_t now_us)
{
	const uint64_t length = (uint64_t)seconds * 1000000;
	const struct entry *found = find(counts, key);

	if (!found)
		return 0;
	const struct entry entry = slid(found, length, now_us);
	const uint64_t per_mille = (length - now_us % length) * 1000 / length;

	return entry.now + (uint32_t)(entry.last * per_mille / 1000);
}

void mass_counts_forget(struct mass_counts *counts, uint64_t key)
{
	struct entry *entry = (struct entry *)(uintptr_t)find(counts, key);

	if (entry)
		*entry = (struct entry){ 0 };
}
