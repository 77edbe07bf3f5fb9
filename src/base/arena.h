// Bump memory that is freed as a whole.  A parsed policy, a plan and a ruleset each live in one.
// An arena never moves what it gave out.  Out of memory ends the process with a message: no
// caller can continue half a policy, and every process that builds one is one-shot or restartable.
#ifndef SEKISHO_BASE_ARENA_H
#define SEKISHO_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);	// NULL is fine
void arena_freep(struct arena **arena); // for __attribute__((cleanup))

// Zeroed memory, aligned for any type.  size 0 gives a valid, unusable pointer.
void *arena_alloc(struct arena *arena, size_t size);
void *arena_calloc(struct arena *arena, size_t count, size_t size); // checks count * size
void *arena_memdup(struct arena *arena, const void *bytes, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define arena_new_of(arena, type)	   ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array_of(arena, type, count) ((type *)arena_calloc((arena), (count), sizeof(type)))

#endif
