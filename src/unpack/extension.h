// What a file's extension says: one table.
#ifndef SEKISHO_UNPACK_EXTENSION_H
#define SEKISHO_UNPACK_EXTENSION_H

#include <stdbool.h>
#include <stdint.h>

struct extension {
	const char *text; // lower case, without its dot
	uint32_t kinds;	  // what a file of this name is, whatever is in it
	uint32_t says;	  // content of none of these kinds contradicts the name; 0: any does well
};

// text: lower case.  NULL: not known.
const struct extension *extension_find(const char *text);
// What starts something, by a double click, in place of showing it.
bool extension_runs(const struct extension *extension);
// What people send and open without fear: the first of two extensions of "budget.pdf.exe".
bool extension_shows(const struct extension *extension);

#endif
