// zlib with a bound.
#ifndef SEKISHO_UNPACK_INFLATE_H
#define SEKISHO_UNPACK_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "unpack/look.h"

enum inflate_form { INFLATE_RAW, INFLATE_ZLIB };

// Into item, until the stream ends, it breaks (item's limit says so) or the item has enough.
// Returns the bytes it took.
size_t inflate_item(struct item *item, enum inflate_form form, const uint8_t *bytes, size_t n);

#endif
