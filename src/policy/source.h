// A policy file before YAML: is it text at all, and is it written with the signs that YAML knows?
// Japanese input methods give full-width colons, commas, brackets and spaces that look right and
// mean nothing to YAML, so they are found here and told in words.
//
// Signs that can only have been meant as YAML are replaced by their ASCII twins in a copy, byte
// for byte (the twin, then spaces), so that the rest of the file is still read and all its faults
// are found in the same run.  The list of repairs puts columns right again.
#ifndef SEKISHO_POLICY_SOURCE_H
#define SEKISHO_POLICY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

enum {
	SOURCE_REPAIRS_MAX = 64,  // in one file; after that it is not read further
	SOURCE_CONTROLS_MAX = 20, // control characters told of one file
};

struct source_repairs {
	struct source_repair {
		uint32_t line;
		uint32_t column; // of the sign, in the file as it was written
		uint32_t wider;	 // columns that its twin takes more
	} v[SOURCE_REPAIRS_MAX];
	size_t n;
};

// What there is to parse: the bytes given, or a copy with repairs; never a byte-order mark.
struct source_text {
	const char *bytes;
	size_t size;
	struct source_repairs repairs;
};

// -EBADMSG: the file cannot be read on (why is in diag).  0: it can, perhaps with errors in diag.
int source_check(const char *name, const char *bytes, size_t size, struct arena *arena,
		 struct diag *diag, struct source_text *ret_text);

// The second half of source_check(), for text that is known to be clean UTF-8.
int source_check_signs(const char *name, struct arena *arena, struct diag *diag,
		       struct source_text *text);

// Control characters other than tabs and line ends, and characters that hide or turn round what
// stands beside them.
bool source_is_hidden(uint32_t c);

// The place of a range of bytes on the line that begins at line_start.
struct place source_place(const char *name, uint32_t line, const char *line_start, const char *from,
			  const char *to);

#endif
