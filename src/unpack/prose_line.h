// Where a text may be cut: lines without an end, letters of two and four bytes, and what a line of
// ISO-2022-JP leaves open.
#ifndef SEKISHO_UNPACK_PROSE_LINE_H
#define SEKISHO_UNPACK_PROSE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prose_escape { // of ISO-2022-JP, with its ESC
	uint8_t bytes[5];
	uint8_t n; // 0: letters are ASCII
};

// What is in effect behind n bytes that begin with *escape in effect.
void prose_escape_read(struct prose_escape *escape, const uint8_t *bytes, size_t n);

// Where a line of n bytes that is too long is cut, so that no letter is: behind a tag or a blank in
// its second half, else where UTF-8, Shift_JIS, EUC-JP and other sets of two bytes all have a
// letter's end.  escape: of ISO-2022-JP, in effect before the line.  At least 1.
size_t prose_line_cut(const uint8_t *bytes, size_t n, const struct prose_escape *escape);

// The set of letters of two or four bytes that a text begins with, by its mark or where zeros
// stand; NULL: none of them.
const char *prose_line_wide(const uint8_t *bytes, size_t n);

#endif
