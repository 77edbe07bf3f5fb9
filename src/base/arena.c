// Bump allocation in chunks that double up to a limit; nothing is freed before the whole.
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_FIRST = 64 * 1024, CHUNK_MAX = 8 * 1024 * 1024, ALIGN = _Alignof(max_align_t) };

struct chunk {
	struct chunk *next;
	size_t size, used;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct chunk *chunks; // the one in use first
	size_t next_size;
};

static void out_of_memory(void)
{
	fputs("sekisho: out of memory\n", stderr);
	abort();
}

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		out_of_memory();
	arena->next_size = CHUNK_FIRST;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	for (struct chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

static struct chunk *add_chunk(struct arena *arena, size_t least)
{
	size_t size = arena->next_size > least ? arena->next_size : least;
	struct chunk *chunk = size > SIZE_MAX / 2 ? NULL : malloc(sizeof(*chunk) + size);

	if (!chunk)
		out_of_memory();
	*chunk = (struct chunk){ .next = arena->chunks, .size = size };
	arena->chunks = chunk;
	if (arena->next_size < CHUNK_MAX)
		arena->next_size *= 2;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct chunk *chunk = arena->chunks;

	if (size > SIZE_MAX / 4)
		out_of_memory();
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = add_chunk(arena, size);

	void *bytes = chunk->bytes + chunk->used;

	chunk->used += size;
	return memset(bytes, 0, size);
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		out_of_memory();
	return arena_alloc(arena, total);
}

void *arena_memdup(struct arena *arena, const void *bytes, size_t size)
{
	void *copy = arena_alloc(arena, size);

	return size ? memcpy(copy, bytes, size) : copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_list again;

	va_start(args, format);
	va_copy(again, args);

	int length = vsnprintf(NULL, 0, format, args);
	char *text = arena_alloc(arena, (size_t)(length < 0 ? 0 : length) + 1);

	if (length > 0)
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	va_end(args);
	return text;
}
