// A place in a policy file: what a diagnostic points at.  Owned by nobody: the file name lives in
// the arena of whoever read the file.
#ifndef SEKISHO_BASE_PLACE_H
#define SEKISHO_BASE_PLACE_H

#include <stdint.h>

// Lines and columns count from 1; columns count characters (Unicode code points), not bytes.
// column_end is the last column that belongs to the place (inclusive).  line 0: the file as a
// whole; file NULL: no place at all.
struct place {
	const char *file;
	uint32_t line;
	uint32_t column;
	uint32_t column_end;
};

#endif
