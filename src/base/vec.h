// A growable array of plain structs on the heap, for building what an arena or an image then
// takes over.  VEC(type) declares one; the items are .v[0] to .v[n - 1].
#ifndef SEKISHO_BASE_VEC_H
#define SEKISHO_BASE_VEC_H

#include <stddef.h>

#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n, cap;                                                                     \
	}

// Grows *items so that one more of item_size bytes fits; ends the process when memory is gone.
void vec_grow(void **items, size_t *cap, size_t want, size_t item_size);

// An array of n zeroed items, and one more, so that n may be 0; ends the process when memory is
// gone.
void *vec_zeroed(size_t n, size_t item_size);

// Room for one more item: a pointer to it, zeroed.
#define vec_add(vec)                                                                               \
	((vec)->n == (vec)->cap                                                                    \
		 ? vec_grow((void **)&(vec)->v, &(vec)->cap, (vec)->n + 1, sizeof(*(vec)->v))      \
		 : (void)0,                                                                        \
	 __builtin_memset(&(vec)->v[(vec)->n], 0, sizeof(*(vec)->v)), &(vec)->v[(vec)->n++])

#define vec_push(vec, item) (*vec_add(vec) = (item))
#define vec_done(vec)	    (free((vec)->v), (vec)->v = NULL, (vec)->n = (vec)->cap = 0)

#endif
