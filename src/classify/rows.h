// The rows of one axis while an image is built: a set of slots that changes, and a reference to a
// row for each state that is asked for.  Equal rows, and equal vectors of a block, are kept once.
#ifndef SEKISHO_CLASSIFY_ROWS_H
#define SEKISHO_CLASSIFY_ROWS_H

#include "base/vec.h"
#include "classify/image.h"

struct rows_vector {
	uint64_t word[BLOCK_WORDS];
};

struct rows_index { // open addressing; entries are numbers + 1, 0 is empty
	uint32_t *v;
	size_t cap, n; // cap: a power of two
};

struct rows {
	bool flat; // a row is the vectors themselves
	uint32_t n_blocks, n_words;
	struct rows_vector *now; // a block
	uint16_t *now_id;	 // of the block's vector, if it is not empty
	uint64_t *summary;
	uint32_t *changed; // blocks whose vector was touched since the last row
	bool *is_changed;
	size_t n_changed;
	VEC(struct rows_vector) vectors;
	VEC(uint32_t) vector_block;
	VEC(uint16_t) vector_id;
	uint32_t *block_vectors; // how many each has
	struct rows_index vector_index, row_index;
	VEC(uint64_t) out;
	VEC(uint32_t) starts; // of rows, for the index
	uint64_t *scratch;
	bool overflow; // a block has more vectors than an id can tell
};

void rows_init(struct rows *rows, uint32_t n_blocks, bool flat);
void rows_done(struct rows *rows);
void rows_set(struct rows *rows, uint32_t slot);
// bits: of all slots
void rows_set_all(struct rows *rows, const uint64_t *bits);
void rows_clear(struct rows *rows, uint32_t slot);
void rows_clear_all(struct rows *rows);
// A reference to the row of the slots that are set now.
uint32_t rows_take(struct rows *rows);
uint64_t rows_vector_hash(const struct rows_vector *vector);
// Puts number[base of the block + id] for every id of a vector in the rows (n_words is 1).
void rows_number(const struct rows *rows, const uint32_t *base, const uint16_t *number);

#endif
