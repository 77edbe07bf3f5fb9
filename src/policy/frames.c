// The stack of the reader: what opens, and where it puts what it reads.
#include "policy/frames.h"

#include <string.h>

struct frame *frames_top(struct reader *reader)
{
	return &reader->frames[reader->depth - 1];
}

// Where a value that has no place of its own would stand.
struct place frames_place_or(struct place at, struct place otherwise)
{
	return at.line ? at : otherwise;
}

const struct pol_text *frames_id_of(const struct key_table *table, const void *object)
{
	const struct key *key = table->id ? keys_find(table, table->id, strlen(table->id)) : NULL;

	return key ? key_at(key, object) : NULL;
}

static size_t *count_of(const struct key *key, void *holder)
{
	return (size_t *)(void *)((char *)holder + key->offset_n);
}

struct frame *frames_push(struct reader *reader, enum frame_kind kind,
			  const struct key_table *table, const struct key *key, void *object,
			  struct place at)
{
	struct frame *frame = &reader->frames[reader->depth++];

	// Member by member: the places in own_seen are many, and garbage until their bits are set.
	frame->kind = kind;
	frame->table = table;
	frame->key = key;
	frame->object = object;
	frame->at = at;
	frame->own_seen.bits = 0;
	frame->seen = &frame->own_seen;
	frame->value_next = false;
	frame->open = NULL;
	frame->entry = NULL;
	frame->entry_of = NULL;
	frame->entry_holder = NULL;
	frame->drop = false;
	frame->short_list = false;
	frame->filled = false;
	frame->merges = false;
	return frame;
}

// The last item of a growing array in the arena, from which nothing is ever taken away again: it
// doubles when its size is a power of two.
void *frames_grow(struct reader *reader, void **items, size_t *n, size_t size)
{
	if (!(*n & (*n - 1))) {
		void *moved = arena_calloc(reader->arena, *n ? *n * 2 : 1, size);

		if (*n)
			memcpy(moved, *items, *n * size);
		*items = moved;
	}
	return (char *)*items + (*n)++ * size;
}

// Sections are long and entries are dropped from them, so that they grow on the heap.
static void *add_entry(struct reader *reader, const struct key *key, void *holder)
{
	void **items = key_at(key, holder);
	size_t *n = count_of(key, holder);
	size_t size = key->table->size;

	if (holder != reader->object)
		return frames_grow(reader, items, n, size);

	size_t *cap = &reader->caps[key - reader->table->keys];

	if (*n == *cap)
		vec_grow(items, cap, *n + 1, size);
	return memset((char *)*items + (*n)++ * size, 0, size);
}

void frames_open_entry(struct reader *reader, const struct key *key, void *holder, struct place at)
{
	void *entry = add_entry(reader, key, holder);
	struct frame *frame = frames_push(reader, IN_MAP, key->table, NULL, entry, at);

	if (key->table->has_at)
		*(struct place *)entry = at;
	frame->entry_of = key;
	frame->entry_holder = holder;
}

void frames_open_map(struct reader *reader, const struct key *key, void *holder, struct place at)
{
	void *object = key_at(key, holder);
	bool lasting = reader->depth == 1;
	struct frame *frame = frames_push(reader, IN_MAP, key->table, NULL, object, at);

	if (key->table->has_at)
		*(struct place *)object = at;
	if (lasting)
		frame->seen = &reader->maps[key - reader->table->keys];
}

void frames_open_list(struct reader *reader, const struct key *key, void *holder, struct place at)
{
	struct pol_list *list = key_at(key, holder);

	list->at = at;
	frames_push(reader, IN_LIST, NULL, key, list, at);
}

// Opens again the entry whose id was the last key.
struct frame *frames_reopen_entry(struct reader *reader, struct frame *frame)
{
	struct frame *entry = &reader->frames[reader->depth++];

	entry->drop = frame->drop;
	frame->value_next = false;
	return entry;
}

void frames_drop_entry(struct frame *frame)
{
	--*count_of(frame->entry_of, frame->entry_holder);
}
