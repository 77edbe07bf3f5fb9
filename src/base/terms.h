// Words and numbers that must not leave, found in a stream of UTF-8 text however it is cut.
//
// Words are found as people read them, not as bytes: before they are compared, letters are folded
// (fold.h), and spaces, punctuation, signs and what is not seen are left away, in the words and in
// the text.
//
//	policy   重要性Ⅰ
//	text     【重要性 I】   重要\r\n性Ⅰ   重要性ｉ   重要性①        found, in all of them
//
// ASCII letters and digits belong together: "TOP" is not in "desktop" nor in "to p", and 重要性Ⅰ is
// not in 重要性Ⅱ.  A Roman numeral behind a letter that is not of ASCII may be written as a number.
//
// Numbers of persons are found as base/person.h says.
#ifndef SEKISHO_BASE_TERMS_H
#define SEKISHO_BASE_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/person.h"

enum {
	TERMS_MAX = 64,		// words
	TERMS_WORD_MAX = 128,	// letters of one, after folding
	TERMS_NODES_MAX = 4096, // letters of all
};

struct arena;
struct terms;

// Whether a word can be looked for: 0; -EINVAL: it is no UTF-8, or nothing once folded; -E2BIG.
int terms_check(const char *word);
// TERMS_MAX words that can be; lives in the arena.  NULL: too many letters in all.
struct terms *terms_new(struct arena *arena, const char *const *words, size_t n);

// A word as it is looked for, of which terms_new() makes the same again: its length, at most
// TERMS_TEXT_MAX - 1.  0: there is no such word.
enum { TERMS_TEXT_MAX = TERMS_WORD_MAX * 5 + 1 };
size_t terms_text(const struct terms *terms, size_t i, char out[TERMS_TEXT_MAX]);

// Where a reader of one text stands.  All zero: at its beginning.
struct terms_reader {
	uint64_t found; // bit i: word i
	struct person_reader persons;
	// The rest is its own.
	uint8_t rest[4]; // of a letter that is not whole
	uint8_t n_rest;
	uint16_t node;
	bool ascii;		       // the last letter, with nothing after it
	uint64_t ending;	       // words that end here, unless an ASCII letter follows
	uint8_t joins[TERMS_WORD_MAX]; // ring: whether a letter came right after an ASCII one
	uint32_t n_letters;
};

void terms_read(const struct terms *terms, struct terms_reader *reader, const uint8_t *bytes,
		size_t n);
// Nothing follows.
void terms_end(const struct terms *terms, struct terms_reader *reader);

// Another text begins, which is read apart from what came before; what was found stays.
void terms_begin_again(struct terms_reader *reader);
// Numbers of persons in a text that was read in several flows.
uint32_t terms_numbers(const struct terms_reader *flows, size_t n);

// Whether twelve digits (0 to 9) are a number of a person.
bool terms_is_person(const uint8_t digits[12]);

#endif
