// Words and numbers that must not leave, found in a stream of UTF-8 text however it is cut.
//
// Words are found as people read them, not as bytes: before they are compared, letters lose their
// case and width, Roman numerals become letters, and spaces, punctuation and what is not seen are
// left away, in the words and in the text.
//
//	policy   重要性Ⅰ
//	text     【重要性 I】   重要\r\n性Ⅰ   重要性ｉ        found, found, found
//
// ASCII letters and digits belong together: "TOP" is not in "desktop" nor in "to p", and 重要性Ⅰ is
// not in 重要性Ⅱ.
//
// Numbers of persons (個人番号, 12 digits, the last of which is made of the others: order of the
// Ministry of Internal Affairs no. 85 of 2014, article 5) are found together or in groups of four
// divided by one space or hyphen, and nowhere inside of longer numbers.
#ifndef SEKISHO_BASE_TERMS_H
#define SEKISHO_BASE_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	uint64_t found;	  // bit i: word i
	uint32_t numbers; // of persons
	// The rest is its own.
	uint8_t rest[4]; // of a letter that is not whole
	uint8_t n_rest;
	uint16_t node;
	bool ascii;		       // the last letter, with nothing after it
	uint64_t ending;	       // words that end here, unless an ASCII letter follows
	uint8_t joins[TERMS_WORD_MAX]; // ring: whether a letter came right after an ASCII one
	uint32_t n_letters;
	uint8_t digits[12], n_digits;
	bool divided;  // the last was a divider
	bool groups;   // there was one
	bool too_long; // more digits than twelve, or groups of other sizes
};

void terms_read(const struct terms *terms, struct terms_reader *reader, const uint8_t *bytes,
		size_t n);
// Nothing follows.
void terms_end(const struct terms *terms, struct terms_reader *reader);

// Whether twelve digits (0 to 9) are a number of a person.
bool terms_is_person(const uint8_t digits[12]);

#endif
