// memmem() takes a needle of two bytes one step at a time, and memchr() stops at every a.
#include "base/pair.h"

#include <stdbool.h>

enum { STRETCH = 256 }; // bytes that are judged at once

// A loop without a branch, which the compiler makes into vectors.
__attribute__((target_clones("avx2", "default"))) static bool is_there(const uint8_t *bytes,
								       uint8_t a, uint8_t b)
{
	uint8_t found = 0;
	for (size_t i = 0; i < STRETCH; i++)
		found |= (bytes[i] == a) & (bytes[i + 1] == b);
	return found;
}

size_t pair_find(const uint8_t *bytes, size_t n, uint8_t a, uint8_t b)
{
	size_t at = 0;
	while (n - at > STRETCH && !is_there(bytes + at, a, b))
		at += STRETCH;
	for (; at + 1 < n; at++)
		if (bytes[at] == a && bytes[at + 1] == b)
			return at;
	return n;
}
