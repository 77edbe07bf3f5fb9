// The allocation table is read where it lies: the list of its sectors is all that is held.
#include "unpack/cfb.h"

#include <string.h>

#include "unpack/charset.h"

enum {
	HEADER_SIZE = 512,
	HEADER_FAT = 109, // sectors of the table that the header itself names
	ENTRY_SIZE = 128,
	MINI_SIZE = 64,
	MINI_CUTOFF = 4096,
};
enum { SECTOR_LAST = 0xfffffffa, SECTOR_END = 0xfffffffe }; // above the last are marks

struct cfb {
	struct item *item;
	const uint8_t *bytes;
	size_t n;
	unsigned shift;
	uint32_t n_sectors;
	uint32_t *fat, n_fat;		  // sectors of the table
	uint32_t *directory, n_directory; // of the directory
	uint32_t *mini_fat, n_mini_fat;
	uint32_t *mini, n_mini; // of the stream that holds small ones
	uint32_t *parents;	// by entry
	size_t n_entries;
};

static uint32_t le32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

// A sector's bytes; *ret_n is less than its size at the file's end.  NULL: there is none.
static const uint8_t *sector(const struct cfb *cfb, uint32_t number, size_t *ret_n)
{
	uint64_t at = ((uint64_t)number + 1) << cfb->shift;
	size_t size = (size_t)1 << cfb->shift;
	if (number >= cfb->n_sectors || at >= cfb->n)
		return NULL;
	*ret_n = cfb->n - at < size ? cfb->n - at : size;
	return cfb->bytes + at;
}

static uint32_t next_sector(const struct cfb *cfb, uint32_t number)
{
	uint32_t each = 1U << (cfb->shift - 2), n = number / each;
	size_t size;
	const uint8_t *bytes = n < cfb->n_fat ? sector(cfb, cfb->fat[n], &size) : NULL;
	size_t at = (size_t)(number % each) * 4;
	return bytes && at + 4 <= size ? le32(bytes + at) : CFB_NONE;
}

// The sectors of a chain, at most max; a loop ends at max.
static uint32_t *read_chain(struct cfb *cfb, uint32_t start, uint32_t max, uint32_t *ret_n)
{
	uint32_t n = 0;
	for (uint32_t at = start; at <= SECTOR_LAST && at < cfb->n_sectors && n < max; n++)
		at = next_sector(cfb, at);
	*ret_n = n;
	uint32_t *chain = look_alloc(cfb->item, n * sizeof(*chain));
	for (uint32_t i = 0, at = start; chain && i < n; i++) {
		chain[i] = at;
		at = next_sector(cfb, at);
	}
	if (!chain)
		*ret_n = 0;
	return chain;
}

static void free_chain(struct cfb *cfb, uint32_t *chain, uint32_t n)
{
	look_free(cfb->item, chain, n * sizeof(*chain));
}

// The header names the first sectors of the table, further sectors the rest.
static bool read_fat(struct cfb *cfb)
{
	uint32_t each = 1U << (cfb->shift - 2), told = le32(cfb->bytes + 44);
	uint32_t more = le32(cfb->bytes + 68);
	uint32_t max = told < cfb->n_sectors ? told : cfb->n_sectors;
	cfb->fat = look_alloc(cfb->item, max * sizeof(*cfb->fat));
	if (!cfb->fat)
		return false;
	cfb->n_fat = max;
	uint32_t n = 0;
	for (; n < max && n < HEADER_FAT; n++)
		cfb->fat[n] = le32(cfb->bytes + 76 + (size_t)n * 4);
	for (uint32_t steps = 0; n < max && steps < cfb->n_sectors; steps++) {
		size_t size;
		const uint8_t *bytes = sector(cfb, more, &size);
		if (!bytes || size < (size_t)each * 4)
			break;
		for (uint32_t i = 0; i + 1 < each && n < max; i++)
			cfb->fat[n++] = le32(bytes + (size_t)i * 4);
		more = le32(bytes + (size_t)(each - 1) * 4);
	}
	for (; n < max; n++)
		cfb->fat[n] = CFB_NONE;
	return true;
}

static const uint8_t *raw_entry(const struct cfb *cfb, size_t index)
{
	size_t each = ((size_t)1 << cfb->shift) / ENTRY_SIZE, size;
	const uint8_t *bytes = index / each < cfb->n_directory
				       ? sector(cfb, cfb->directory[index / each], &size)
				       : NULL;
	size_t at = index % each * ENTRY_SIZE;
	return bytes && at + ENTRY_SIZE <= size ? bytes + at : NULL;
}

// Walks the tree by children and siblings; each entry gets its parent once.
static void find_parents(struct cfb *cfb, uint32_t *stack)
{
	size_t n = 0;
	for (size_t i = 0; i < cfb->n_entries; i++)
		cfb->parents[i] = CFB_NONE;
	if (!cfb->n_entries)
		return;
	stack[n++] = 0;
	while (n) {
		uint32_t index = stack[--n];
		const uint8_t *bytes = raw_entry(cfb, index);
		static const struct {
			size_t at;
			bool child;
		} links[] = { { 68, false }, { 72, false }, { 76, true } };
		for (size_t i = 0; bytes && i < 3; i++) {
			uint32_t to = le32(bytes + links[i].at);
			if (to == 0 || to >= cfb->n_entries || cfb->parents[to] != CFB_NONE)
				continue;
			cfb->parents[to] = links[i].child ? index : cfb->parents[index];
			if (cfb->parents[to] == CFB_NONE)
				continue; // a sibling of the root
			stack[n++] = to;
		}
	}
}

static bool read_tree(struct cfb *cfb)
{
	size_t size = cfb->n_entries * sizeof(uint32_t);
	cfb->parents = look_alloc(cfb->item, size);
	uint32_t *stack = look_alloc(cfb->item, size);
	if (cfb->parents && stack)
		find_parents(cfb, stack);
	bool fine = cfb->parents && stack;
	look_free(cfb->item, stack, size);
	return fine;
}

// A directory of which a part is missing may have named what makes the file what it is.
static bool is_directory_whole(const struct cfb *cfb)
{
	uint32_t last = cfb->n_directory ? cfb->directory[cfb->n_directory - 1] : CFB_NONE;
	size_t size;
	return sector(cfb, last, &size) && size == (size_t)1 << cfb->shift &&
	       next_sector(cfb, last) == SECTOR_END;
}

static bool read_tables(struct cfb *cfb)
{
	const uint8_t *root;
	if (!read_fat(cfb))
		return false;
	uint32_t each = (1U << cfb->shift) / ENTRY_SIZE;
	cfb->directory =
		read_chain(cfb, le32(cfb->bytes + 48), CFB_ENTRIES_MAX / each, &cfb->n_directory);
	cfb->n_entries = (size_t)cfb->n_directory * each;
	root = raw_entry(cfb, 0);
	if (!cfb->directory || !root)
		return false;
	if (!is_directory_whole(cfb))
		item_limit(cfb->item, UNPACK_DAMAGED);
	cfb->mini_fat = read_chain(cfb, le32(cfb->bytes + 60), cfb->n_sectors, &cfb->n_mini_fat);
	cfb->mini = read_chain(cfb, le32(root + 116), cfb->n_sectors, &cfb->n_mini);
	return cfb->mini_fat && cfb->mini && read_tree(cfb);
}

struct cfb *cfb_open(struct item *item)
{
	const uint8_t *bytes = item->bytes;
	unsigned shift = item->n >= HEADER_SIZE ? bytes[30] | (unsigned)bytes[31] << 8 : 0;
	struct cfb *cfb = shift == 9 || shift == 12 ? look_alloc(item, sizeof(*cfb)) : NULL;
	if (!cfb) {
		item_limit(item, UNPACK_DAMAGED);
		return NULL;
	}
	*cfb = (struct cfb){ .item = item, .bytes = bytes, .n = item->n, .shift = shift };
	cfb->n_sectors =
		item->n >> shift >= UINT32_MAX ? UINT32_MAX - 8 : (uint32_t)(item->n >> shift);
	if (!read_tables(cfb)) {
		item_limit(item, UNPACK_DAMAGED);
		cfb_free(cfb);
		return NULL;
	}
	return cfb;
}

void cfb_free(struct cfb *cfb)
{
	if (!cfb)
		return;
	free_chain(cfb, cfb->fat, cfb->fat ? cfb->n_fat : 0);
	free_chain(cfb, cfb->directory, cfb->n_directory);
	free_chain(cfb, cfb->mini_fat, cfb->n_mini_fat);
	free_chain(cfb, cfb->mini, cfb->n_mini);
	look_free(cfb->item, cfb->parents, cfb->n_entries * sizeof(uint32_t));
	look_free(cfb->item, cfb, sizeof(*cfb));
}

size_t cfb_count(const struct cfb *cfb)
{
	return cfb->n_entries;
}

void cfb_entry(const struct cfb *cfb, size_t index, struct cfb_entry *ret)
{
	const uint8_t *bytes = raw_entry(cfb, index);
	*ret = (struct cfb_entry){ .parent = CFB_NONE };
	if (!bytes)
		return;
	size_t length = bytes[64] | (size_t)bytes[65] << 8;
	charset_utf16(bytes, length < 64 ? length : 64, ret->name, sizeof(ret->name));
	ret->type = bytes[66];
	memcpy(ret->class_id, bytes + 80, 16);
	ret->start = le32(bytes + 116);
	ret->size = le32(bytes + 120);
	if (cfb->shift == 12)
		ret->size |= (uint64_t)le32(bytes + 124) << 32;
	ret->parent = cfb->parents[index];
}

struct reading {
	bool (*piece)(void *arg, const uint8_t *bytes, size_t n);
	void *arg;
	uint64_t left;
};

static bool give(struct reading *reading, const uint8_t *bytes, size_t n)
{
	size_t part = reading->left < n ? (size_t)reading->left : n;
	reading->left -= part;
	return reading->piece(reading->arg, bytes, part) && reading->left;
}

static bool read_large(const struct cfb *cfb, uint32_t at, struct reading *reading)
{
	for (uint32_t steps = 0; steps <= cfb->n_sectors; steps++) {
		size_t n;
		const uint8_t *bytes = sector(cfb, at, &n);
		if (!bytes)
			return reading->left == 0;
		if (!give(reading, bytes, n))
			return true;
		at = next_sector(cfb, at);
	}
	return false;
}

static uint32_t next_mini(const struct cfb *cfb, uint32_t number)
{
	uint32_t each = 1U << (cfb->shift - 2), n = number / each;
	size_t size;
	const uint8_t *bytes = n < cfb->n_mini_fat ? sector(cfb, cfb->mini_fat[n], &size) : NULL;
	size_t at = (size_t)(number % each) * 4;
	return bytes && at + 4 <= size ? le32(bytes + at) : CFB_NONE;
}

static bool read_small(const struct cfb *cfb, uint32_t at, struct reading *reading)
{
	uint32_t each = 1U << (cfb->shift - 6);
	for (uint32_t steps = 0; steps <= MINI_CUTOFF / MINI_SIZE; steps++) {
		size_t n;
		const uint8_t *bytes =
			at / each < cfb->n_mini ? sector(cfb, cfb->mini[at / each], &n) : NULL;
		size_t offset = (size_t)(at % each) * MINI_SIZE;
		if (!bytes || offset >= n)
			return reading->left == 0;
		size_t there = n - offset < MINI_SIZE ? n - offset : MINI_SIZE;
		if (!give(reading, bytes + offset, there))
			return true;
		at = next_mini(cfb, at);
	}
	return false;
}

bool cfb_read(const struct cfb *cfb, const struct cfb_entry *entry,
	      bool (*piece)(void *arg, const uint8_t *bytes, size_t n), void *arg)
{
	struct reading reading = { .piece = piece, .arg = arg, .left = entry->size };
	if (!entry->size)
		return true;
	return entry->size < MINI_CUTOFF ? read_small(cfb, entry->start, &reading)
					 : read_large(cfb, entry->start, &reading);
}
