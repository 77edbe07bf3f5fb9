#include "classify/rows.h"

#include <stdlib.h>
#include <string.h>

void rows_init(struct rows *rows, uint32_t n_blocks, bool flat)
{
	uint32_t n_words = (n_blocks + 63) / 64;

	*rows = (struct rows){ .flat = flat, .n_blocks = n_blocks, .n_words = n_words };
	rows->now = vec_zeroed(n_blocks, sizeof(*rows->now));
	rows->now_id = vec_zeroed(n_blocks, sizeof(*rows->now_id));
	rows->summary = vec_zeroed(n_words, sizeof(*rows->summary));
	rows->changed = vec_zeroed(n_blocks, sizeof(*rows->changed));
	rows->is_changed = vec_zeroed(n_blocks, sizeof(*rows->is_changed));
	rows->block_vectors = vec_zeroed(n_blocks, sizeof(*rows->block_vectors));
	rows->scratch = vec_zeroed(
		flat ? n_blocks * BLOCK_WORDS : (row_ids_at(n_words) + n_blocks + 3) / 4, 8);
}

void rows_done(struct rows *rows)
{
	free(rows->now);
	free(rows->now_id);
	free(rows->summary);
	free(rows->changed);
	free(rows->is_changed);
	free(rows->block_vectors);
	free(rows->scratch);
	free(rows->vector_index.v);
	free(rows->row_index.v);
	vec_done(&rows->vectors);
	vec_done(&rows->vector_block);
	vec_done(&rows->vector_id);
	vec_done(&rows->out);
	vec_done(&rows->starts);
}

static void touch(struct rows *rows, uint32_t block)
{
	if (rows->is_changed[block])
		return;
	rows->is_changed[block] = true;
	rows->changed[rows->n_changed++] = block;
}

void rows_set(struct rows *rows, uint32_t slot)
{
	uint32_t block = slot / BLOCK_RULES, bit = slot % BLOCK_RULES;

	rows->now[block].word[bit / 64] |= 1ULL << bit % 64;
	touch(rows, block);
}

void rows_set_all(struct rows *rows, const uint64_t *bits)
{
	for (uint32_t b = 0; b < rows->n_blocks; b++, bits += BLOCK_WORDS) {
		uint64_t some = 0;

		for (unsigned w = 0; w < BLOCK_WORDS; w++) {
			rows->now[b].word[w] |= bits[w];
			some |= bits[w];
		}
		if (some)
			touch(rows, b);
	}
}

void rows_clear(struct rows *rows, uint32_t slot)
{
	uint32_t block = slot / BLOCK_RULES, bit = slot % BLOCK_RULES;

	rows->now[block].word[bit / 64] &= ~(1ULL << bit % 64);
	touch(rows, block);
}

void rows_clear_all(struct rows *rows)
{
	for (uint32_t b = 0; b < rows->n_blocks; b++) {
		if (!(rows->summary[b / 64] >> b % 64 & 1) && !rows->is_changed[b])
			continue;
		memset(&rows->now[b], 0, sizeof(rows->now[b]));
		touch(rows, b);
	}
}

// --- keeping equal ones once

// Not a defence against chosen input: a bad case costs time while building, never a wrong row.
static uint64_t hash_words(uint64_t seed, const uint64_t *words, size_t n)
{
	uint64_t h = seed * 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < n; i++) {
		h = (h ^ words[i]) * 0xff51afd7ed558ccd;
		h ^= h >> 32;
	}
	return h;
}

uint64_t rows_vector_hash(const struct rows_vector *vector)
{
	return hash_words(0, vector->word, BLOCK_WORDS);
}

static void index_put(struct rows_index *index, uint64_t hash, uint32_t number)
{
	size_t i = hash & (index->cap - 1);

	while (index->v[i])
		i = (i + 1) & (index->cap - 1);
	index->v[i] = number + 1;
	index->n++;
}

static uint64_t vector_hash(const struct rows *rows, uint32_t number)
{
	return hash_words(rows->vector_block.v[number], rows->vectors.v[number].word, BLOCK_WORDS);
}

static size_t row_size(const struct rows *rows, uint32_t number) // in words
{
	size_t end = number + 1 < rows->starts.n ? rows->starts.v[number + 1] : rows->out.n;

	return end - rows->starts.v[number];
}

static uint64_t row_hash(const struct rows *rows, uint32_t number)
{
	return hash_words(1, rows->out.v + rows->starts.v[number], row_size(rows, number));
}

// Room for one more, at most half full.
static void index_grow(struct rows *rows, struct rows_index *index,
		       uint64_t (*hash)(const struct rows *rows, uint32_t number))
{
	struct rows_index bigger = { .cap = index->cap ? index->cap * 2 : 64 };

	if (2 * (index->n + 1) <= index->cap)
		return;
	bigger.v = vec_zeroed(bigger.cap, sizeof(*bigger.v));
	for (size_t i = 0; i < index->cap; i++)
		if (index->v[i])
			index_put(&bigger, hash(rows, index->v[i] - 1), index->v[i] - 1);
	free(index->v);
	*index = bigger;
}

static uint16_t vector_of(struct rows *rows, uint32_t block)
{
	struct rows_index *index = &rows->vector_index;
	const struct rows_vector *now = &rows->now[block];

	index_grow(rows, index, vector_hash);
	uint64_t hash = hash_words(block, now->word, BLOCK_WORDS);

	for (size_t i = hash & (index->cap - 1); index->v[i]; i = (i + 1) & (index->cap - 1)) {
		uint32_t number = index->v[i] - 1;

		if (rows->vector_block.v[number] == block &&
		    memcmp(&rows->vectors.v[number], now, sizeof(*now)) == 0)
			return rows->vector_id.v[number];
	}
	uint32_t id = rows->block_vectors[block]++;

	rows->overflow |= id > UINT16_MAX;
	index_put(index, hash, (uint32_t)rows->vectors.n);
	vec_push(&rows->vectors, *now);
	vec_push(&rows->vector_block, block);
	vec_push(&rows->vector_id, (uint16_t)id);
	return (uint16_t)id;
}

static void settle_changes(struct rows *rows)
{
	static const struct rows_vector empty;

	for (size_t i = 0; i < rows->n_changed; i++) {
		uint32_t block = rows->changed[i];
		uint64_t bit = 1ULL << block % 64;

		rows->is_changed[block] = false;
		if (memcmp(&rows->now[block], &empty, sizeof(empty)) == 0) {
			rows->summary[block / 64] &= ~bit;
			continue;
		}
		rows->summary[block / 64] |= bit;
		if (!rows->flat)
			rows->now_id[block] = vector_of(rows, block);
	}
	rows->n_changed = 0;
}

// Writes the row of now to scratch; its size in words.
static size_t write_row(struct rows *rows)
{
	uint16_t *halves = (uint16_t *)rows->scratch;
	uint32_t ids = row_ids_at(rows->n_words), n = 0;

	if (rows->flat) {
		memcpy(rows->scratch, rows->now, rows->n_blocks * sizeof(*rows->now));
		return rows->n_blocks * BLOCK_WORDS;
	}
	memcpy(rows->scratch, rows->summary, rows->n_words * sizeof(uint64_t));
	for (uint32_t w = 0; w < rows->n_words; w++) {
		if (rows->n_words > 1)
			halves[rows->n_words * 4 + w] = (uint16_t)n;
		for (uint64_t left = rows->summary[w]; left; left &= left - 1)
			halves[ids + n++] = rows->now_id[w * 64 + (uint32_t)__builtin_ctzll(left)];
	}
	uint32_t end = ids + n;

	while (end % 4)
		halves[end++] = 0;
	return end / 4;
}

uint32_t rows_take(struct rows *rows)
{
	struct rows_index *index = &rows->row_index;

	settle_changes(rows);
	size_t size = write_row(rows);

	index_grow(rows, index, row_hash);
	uint64_t hash = hash_words(1, rows->scratch, size);

	for (size_t i = hash & (index->cap - 1); index->v[i]; i = (i + 1) & (index->cap - 1)) {
		uint32_t number = index->v[i] - 1;

		if (row_size(rows, number) == size &&
		    memcmp(rows->out.v + rows->starts.v[number], rows->scratch, size * 8) == 0)
			return rows->starts.v[number];
	}
	uint32_t start = (uint32_t)rows->out.n;

	index_put(index, hash, (uint32_t)rows->starts.n);
	vec_push(&rows->starts, start);
	for (size_t i = 0; i < size; i++)
		vec_push(&rows->out, rows->scratch[i]);
	return start;
}

void rows_number(const struct rows *rows, const uint32_t *base, const uint16_t *number)
{
	for (size_t r = 0; r < rows->starts.n; r++) {
		uint64_t *row = rows->out.v + rows->starts.v[r];
		uint16_t *id = (uint16_t *)(row + 1);

		for (uint64_t left = *row; left; left &= left - 1, id++)
			*id = number[base[__builtin_ctzll(left)] + *id];
	}
}
