// Name and content put together.
#ifndef SEKISHO_UNPACK_KINDS_H
#define SEKISHO_UNPACK_KINDS_H

#include <stddef.h>
#include <stdint.h>

#include "unpack/signature.h"

// As unpack_kinds(); bytes may be all of them, and *ret_signature is how they are opened.
uint32_t kinds_of(const char *name, const uint8_t *bytes, size_t n,
		  struct signature *ret_signature);
// kinds, with UNPACK_MISLEADING when what it is contradicts the name.
uint32_t kinds_compare(const char *name, uint32_t kinds, uint32_t content);

#endif
