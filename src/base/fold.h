// Letters as they are compared where words are looked for: without case and width, of several that
// look the same one, numerals as the letters and digits that they are made of.
//
//	Ａ Ⓐ 𝐀 Α(Greek)  -> a		Ⅱ -> i i		① ² -> 1, 2
//	⼼(radical)  -> 心		㊙ -> マ ル 秘		が -> か ゛	ｶﾞ -> カ ゛
#ifndef SEKISHO_BASE_FOLD_H
#define SEKISHO_BASE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FOLD_MAX = 4, // letters that one becomes
	FOLD_GAP = 0, // spaces, punctuation, signs
};

// What a letter counts as: none (it is not seen), FOLD_GAP alone, or some letters.
size_t fold_letter(uint32_t c, uint32_t out[FOLD_MAX]);
bool fold_is_unseen(uint32_t c);
// Of ASCII, as folded: a to z, 0 to 9.
bool fold_is_ascii(uint32_t c);
// The value of a digit of whatever width and style; -1: it is none.  Those in circles and beside
// the line are none.
int fold_digit(uint32_t c);

// Of an ideograph that Unicode has twice, the usual one.
uint32_t fold_ideograph(uint32_t c);

#endif
