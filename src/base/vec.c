// Growth of the arrays of base/vec.h.
#include "base/vec.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void vec_grow(void **items, size_t *cap, size_t want, size_t item_size)
{
	size_t grown = *cap ? *cap * 2 : 16;
	size_t bytes;
	void *moved = NULL;

	if (grown < want)
		grown = want;
	if (!__builtin_mul_overflow(grown, item_size, &bytes))
		moved = realloc(*items, bytes);
	if (!moved) {
		fputs("sekisho: out of memory\n", stderr);
		abort();
	}
	*items = moved;
	*cap = grown;
}

void *vec_zeroed(size_t n, size_t item_size)
{
	void *items = n < SIZE_MAX ? calloc(n + 1, item_size) : NULL;

	if (!items) {
		fputs("sekisho: out of memory\n", stderr);
		abort();
	}
	return items;
}
