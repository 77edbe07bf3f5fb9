#include "classify/check.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "classify/image.h"

struct checking {
	const uint8_t *image;
	size_t size;
	const struct image_header *header;
	const struct image_part *part;
	enum addr_family family;
	// Of the axis that is looked at, a bit a word of its rows: what rows have taken, and where
	// one begins.  Many references may lead to one row, and it is looked at once; rows that
	// reach into each other are refused.  So the time is that of reading the image, whoever
	// made it.
	uint64_t *taken, *begins;
	uint16_t *block_of; // of the part, a vector: the block it was last looked at for, and one
};

static bool table_ok(const struct checking *c, struct image_table table, size_t item)
{
	return table.at % 64 == 0 && table.at <= c->size && table.n <= (c->size - table.at) / item;
}

static const void *at(const struct checking *c, struct image_table table)
{
	return c->image + table.at;
}

// --- rows

static bool bits_in_blocks(const struct image_part *part, const uint64_t *summary)
{
	for (uint32_t w = 0; w < part->n_words; w++) {
		uint32_t blocks = part->n_blocks - w * 64;

		if (blocks < 64 && summary[w] >> blocks)
			return false;
	}
	return true;
}

static bool has_bit(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

// false: another row has one of the words.
static bool take_words(const struct checking *c, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++) {
		if (has_bit(c->taken, i))
			return false;
		c->taken[i / 64] |= 1ULL << i % 64;
	}
	return true;
}

// Only slots that have a rule: a matcher does not look at the live bits while no rule is deleted.
static bool all_live(const struct checking *c, const uint64_t *bits, uint32_t block, uint32_t words)
{
	const uint64_t *live = (const uint64_t *)at(c, c->part->vectors) + block * BLOCK_WORDS;
	uint64_t beyond = 0;

	for (uint32_t w = 0; w < words; w++)
		beyond |= bits[w] & ~live[w];
	return beyond == 0;
}

static bool vector_ok(const struct checking *c, uint64_t vector, uint32_t block)
{
	const struct image_table *vectors = &c->part->vectors;

	if (vector >= vectors->n)
		return false;
	if (c->block_of[vector] == block + 1)
		return true;
	c->block_of[vector] = (uint16_t)(block + 1);
	return all_live(c, (const uint64_t *)at(c, *vectors) + vector * BLOCK_WORDS, block,
			BLOCK_WORDS);
}

// The vectors of a row that has its summary and its counts; their numbers take the words behind.
static bool vectors_ok(const struct checking *c, const struct image_axis *axis, uint32_t ref)
{
	const struct image_part *part = c->part;
	const uint64_t *row = (const uint64_t *)at(c, axis->rows) + ref;
	const uint16_t *halves = (const uint16_t *)row;
	const uint32_t *base = at(c, axis->base);
	uint64_t room = (uint64_t)(axis->rows.n - ref) * 4;
	uint32_t n = 0, ids = row_ids_at(part->n_words);

	for (uint32_t w = 0; w < part->n_words; w++) {
		if (part->n_words > 1 && halves[part->n_words * 4 + w] != n)
			return false;
		for (uint64_t left = row[w]; left; left &= left - 1, n++) {
			uint32_t block = w * 64 + (uint32_t)__builtin_ctzll(left);

			if (ids + n >= room)
				return false;
			uint64_t vector = halves[ids + n];

			if (part->form == IMAGE_WIDE)
				vector += base[block];
			if (!vector_ok(c, vector, block))
				return false;
		}
	}
	return take_words(c, ref, (ids + n + 3) / 4);
}

static bool row_ok(const struct checking *c, const struct image_axis *axis, uint32_t ref)
{
	const struct image_part *part = c->part;
	uint32_t least =
		part->form == IMAGE_FLAT ? FLAT_WORDS : (row_ids_at(part->n_words) + 3) / 4;

	if (ref >= axis->rows.n || axis->rows.n - ref < least)
		return false;
	const uint64_t *row = (const uint64_t *)at(c, axis->rows) + ref;

	if (part->form == IMAGE_FLAT)
		return ref % 8 == 0 && all_live(c, row, 0, FLAT_WORDS) &&
		       take_words(c, ref, FLAT_WORDS);
	return bits_in_blocks(part, row) && vectors_ok(c, axis, ref);
}

static bool refs_ok(struct checking *c, unsigned axis, struct image_table refs)
{
	const struct image_axis *rows = &c->part->axis[axis];
	const uint32_t *ref = at(c, refs);
	bool ok = true;

	c->taken = vec_zeroed((size_t)rows->rows.n / 64 + 1, sizeof(*c->taken));
	c->begins = vec_zeroed((size_t)rows->rows.n / 64 + 1, sizeof(*c->begins));
	for (uint32_t i = 0; ok && i < refs.n; i++) {
		if (ref[i] < rows->rows.n && has_bit(c->begins, ref[i]))
			continue;
		ok = row_ok(c, rows, ref[i]);
		if (ok)
			c->begins[ref[i] / 64] |= 1ULL << ref[i] % 64;
	}
	free(c->taken);
	free(c->begins);
	return ok;
}

// --- trees

// How far a node can add to its base: keys of all ones are below no address.
static uint32_t reach(const struct checking *c, const void *node, uint64_t *ret_base)
{
	const uint32_t *narrow = node;
	const uint64_t *wide = node;
	uint32_t n = 0;

	if (c->family == ADDR_V4) {
		for (unsigned k = 0; k < V4_KEYS; k++)
			n += narrow[k] != UINT32_MAX;
		*ret_base = narrow[V4_KEYS];
	} else {
		for (unsigned k = 0; k < V6_KEYS; k++)
			n += wide[k] != UINT64_MAX;
		*ret_base = wide[V6_KEYS];
	}
	return n;
}

// Goes down level by level: which nodes can be come to, and where the last ones lead.
static bool nodes_ok(const struct checking *c, const struct image_tree *tree, uint32_t n_leaves)
{
	const uint8_t *nodes = at(c, tree->nodes);
	const uint16_t *root = at(c, tree->root);
	bool *now = vec_zeroed(tree->nodes.n, sizeof(*now));
	bool *next = vec_zeroed(tree->nodes.n, sizeof(*next));
	bool ok = true;

	for (uint32_t i = 0; ok && i < tree->root.n; i++) {
		ok = root[i] < tree->nodes.n;
		now[ok ? root[i] : 0] = true;
	}
	for (uint32_t l = 0; ok && l < tree->n_levels; l++) {
		uint32_t limit = l + 1 < tree->n_levels ? tree->nodes.n : n_leaves;

		for (uint32_t i = 0; ok && i < tree->nodes.n; i++) {
			uint64_t base;

			if (!now[i])
				continue;
			uint32_t n = reach(c, nodes + (size_t)i * NODE_BYTES, &base);

			ok = base < limit && n < limit - base;
			if (ok && l + 1 < tree->n_levels)
				memset(next + base, true, (size_t)n + 1);
		}
		bool *done = now;

		now = next;
		next = done;
		memset(next, 0, tree->nodes.n);
	}
	free(now);
	free(next);
	return ok;
}

static bool runs_ok(const struct checking *c, const struct image_tree *tree)
{
	const uint32_t *runs = at(c, tree->runs);
	struct image_table lows = { tree->lows.at, tree->lows.n + RUN_QUICK };

	if (!table_ok(c, tree->runs, sizeof(uint32_t)) ||
	    !table_ok(c, tree->highs, sizeof(uint64_t)) || lows.n < RUN_QUICK ||
	    !table_ok(c, lows, sizeof(uint64_t)) || tree->runs.n < 2 ||
	    tree->highs.n != tree->runs.n - 1 || tree->rows.n <= tree->lows.n)
		return false;
	for (uint32_t i = 0; i < tree->runs.n; i++)
		if (runs[i] > tree->lows.n || (i && runs[i] < runs[i - 1]))
			return false;
	// In order within a run: a matcher may search it by halves.
	const uint64_t *low = at(c, tree->lows);

	for (uint32_t i = 0; i + 1 < tree->runs.n; i++)
		for (uint32_t k = runs[i] + 1; k < runs[i + 1]; k++)
			if (low[k] <= low[k - 1])
				return false;
	return true;
}

static bool tree_ok(struct checking *c, const struct image_tree *tree, unsigned axis)
{
	if (!table_ok(c, tree->root, sizeof(uint16_t)) || !table_ok(c, tree->nodes, NODE_BYTES) ||
	    !table_ok(c, tree->rows, sizeof(uint32_t)) || tree->root.n == 0 || tree->nodes.n == 0 ||
	    tree->n_levels == 0 || tree->n_levels > TREE_LEVELS_MAX || tree->shift > 63)
		return false;
	if (c->family == ADDR_V4 &&
	    (tree->first != 0 || (uint64_t)UINT32_MAX >> tree->shift >= tree->root.n ||
	     tree->shift > 31))
		return false;
	if (c->family == ADDR_V6 && !runs_ok(c, tree))
		return false;
	return nodes_ok(c, tree, c->family == ADDR_V4 ? tree->rows.n : tree->highs.n) &&
	       refs_ok(c, axis, tree->rows);
}

// --- services

// The greatest class of a field; false: the map leads astray.
static bool map_ok(const struct checking *c, const struct image_map *map, uint64_t *ret_class)
{
	const uint16_t *root = at(c, map->root), *chunk = at(c, map->chunk);

	*ret_class = 0;
	if (!table_ok(c, map->root, sizeof(uint16_t)) || map->root.n != MAP_ROOT ||
	    !table_ok(c, map->chunk, sizeof(uint16_t)) || map->chunk.n % MAP_CHUNK ||
	    map->group >= c->part->n_groups || (c->part->form != IMAGE_WIDE && map->stride != 1))
		return false;
	for (uint32_t i = 0; i < MAP_ROOT; i++)
		if (root[i] >= map->chunk.n / MAP_CHUNK)
			return false;
	for (uint32_t i = 0; i < map->chunk.n; i++)
		*ret_class = chunk[i] > *ret_class ? chunk[i] : *ret_class;
	return true;
}

static bool services_ok(struct checking *c)
{
	uint64_t greatest[IMAGE_GROUPS_MAX] = { 0 };

	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++) {
		const struct image_map *map = &c->part->map[f];
		uint64_t class;

		if (!map_ok(c, map, &class) ||
		    (f >= CLASSIFY_ZONE_IN && !c->part->zones && class != 0))
			return false;
		greatest[map->group] += class * map->stride;
	}
	for (uint32_t g = 0; g < c->part->n_groups; g++)
		if (!table_ok(c, c->part->group[g], sizeof(uint32_t)) ||
		    greatest[g] >= c->part->group[g].n || !refs_ok(c, 2 + g, c->part->group[g]))
			return false;
	return true;
}

// --- parts

static bool form_ok(const struct image_part *part)
{
	uint64_t most = (uint64_t)part->n_blocks * BLOCK_RULES;

	if (part->n_groups == 0 || part->n_groups > IMAGE_GROUPS_MAX || part->n_slots > most ||
	    part->n_words != (part->n_blocks + 63) / 64)
		return false;
	switch (part->form) {
	case IMAGE_FLAT:
		return part->n_blocks == FLAT_BLOCKS;
	case IMAGE_NARROW:
		return part->n_blocks > 0 && part->n_blocks <= NARROW_BLOCKS;
	case IMAGE_WIDE:
		return part->n_blocks > 0 && part->n_blocks <= CLASSIFY_RULES_MAX / BLOCK_RULES;
	default:
		return false;
	}
}

static bool order_ok(const struct checking *c)
{
	const struct image_part *part = c->part;
	const uint32_t *order = at(c, part->order);
	bool flat = part->form == IMAGE_FLAT;
	uint32_t want = flat ? FLAT_NONE + 1 : part->n_blocks * ORDER_STRIDE;
	uint32_t stride = flat ? want : ORDER_STRIDE, slots = flat ? FLAT_RULES : BLOCK_RULES;

	if (!table_ok(c, part->order, sizeof(*order)) || part->order.n != want)
		return false;
	// What is no slot has no rule: an AND without a bit leads there.
	for (uint32_t i = 0; i < want; i++)
		if (order[i] != CLASSIFY_NONE &&
		    (order[i] >= c->header->n_rules || i % stride >= slots))
			return false;
	return true;
}

static bool part_ok(struct checking *c)
{
	static const struct image_part empty;
	const struct image_part *part = c->part;

	if (part->form == IMAGE_EMPTY) // what opens it goes by its other numbers, too
		return memcmp(part, &empty, sizeof(empty)) == 0;
	if (!form_ok(part) || !table_ok(c, part->vectors, BLOCK_WORDS * sizeof(uint64_t)) ||
	    part->vectors.n < part->n_blocks || !order_ok(c))
		return false;
	for (unsigned axis = 0; axis < 2 + part->n_groups; axis++)
		if (!table_ok(c, part->axis[axis].rows, sizeof(uint64_t)) ||
		    !table_ok(c, part->axis[axis].base, sizeof(uint32_t)) ||
		    part->axis[axis].base.n < part->n_words * 64)
			return false;
	c->block_of = vec_zeroed(part->vectors.n, sizeof(*c->block_of));
	bool ok = tree_ok(c, &part->tree[0], 0) && tree_ok(c, &part->tree[1], 1) && services_ok(c);

	free(c->block_of);
	return ok;
}

int image_check(const void *image, size_t size)
{
	static const enum addr_family family[2] = { ADDR_V4, ADDR_V6 };
	struct checking c = { .image = image, .size = size, .header = image };

	if (size < sizeof(struct image_header) || memcmp(c.header->magic, "sekicls", 8) != 0)
		return -EBADMSG;
	if (c.header->version != IMAGE_VERSION)
		return -EPROTONOSUPPORT;
	if (c.header->size != size || c.header->n_rules > CLASSIFY_RULES_MAX ||
	    !table_ok(&c, c.header->results, sizeof(uint32_t)) ||
	    c.header->results.n != c.header->n_rules)
		return -EBADMSG;
	for (unsigned p = 0; p < 2; p++) {
		c.part = &c.header->part[p];
		c.family = family[p];
		if (!part_ok(&c))
			return -EBADMSG;
	}
	return 0;
}

// --- the seal

static void digest_of(const void *image, uint8_t *ret)
{
	struct image_header header = *(const struct image_header *)image;
	crypto_generichash_state state;

	memset(header.digest, 0, sizeof(header.digest));
	crypto_generichash_init(&state, NULL, 0, sizeof(header.digest));
	crypto_generichash_update(&state, (const uint8_t *)&header, sizeof(header));
	crypto_generichash_update(&state, (const uint8_t *)image + sizeof(header),
				  header.size - sizeof(header));
	crypto_generichash_final(&state, ret, sizeof(header.digest));
}

void image_seal(void *image)
{
	struct image_header *header = image;

	digest_of(image, header->digest);
}

int image_check_sealed(const void *image, size_t size)
{
	const struct image_header *header = image;
	uint8_t digest[sizeof(header->digest)];
	int r = image_check(image, size);

	if (r < 0)
		return r;
	digest_of(image, digest);
	return sodium_memcmp(digest, header->digest, sizeof(digest)) == 0 ? 0 : -EBADMSG;
}
