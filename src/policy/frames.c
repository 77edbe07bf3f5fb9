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

void frames_push(struct reader *reader, struct frame frame)
{
	struct frame *place = &reader->frames[reader->depth++];

	// own_seen's places are garbage until its bit is set, so the big array is not copied.
	place->kind = frame.kind;
	place->table = frame.table;
	place->key = frame.key;
	place->object = frame.object;
	place->at = frame.at;
	place->own_seen.bits = 0;
	place->seen = frame.seen ? frame.seen : &place->own_seen;
	place->value_next = false;
	place->open = NULL;
	place->entry = NULL;
	place->entry_of = frame.entry_of;
	place->entry_holder = frame.entry_holder;
	place->drop = false;
	place->short_list = false;
	place->filled = false;
}

// The last item of a growing array in the arena; arrays double when their size is a power of two.
void *frames_grow(struct reader *reader, void **items, size_t *n, size_t size)
{
	if (!(*n & (*n - 1))) {
		void *moved = arena_calloc(reader->arena, *n ? *n * 2 : 1, size);

		if (*n)
			memcpy(moved, *items, *n * size);
		*items = moved;
	}

	void *item = (char *)*items + *n * size;

	memset(item, 0, size); // a dropped entry may have stood here
	++*n;
	return item;
}

static void *add_entry(struct reader *reader, const struct key *key, void *holder)
{
	return frames_grow(reader, key_at(key, holder),
			   (size_t *)(void *)((char *)holder + key->offset_n), key->table->size);
}

void frames_open_entry(struct reader *reader, const struct key *key, void *holder, struct place at)
{
	void *entry = add_entry(reader, key, holder);

	if (key->table->has_at)
		*(struct place *)entry = at;
	frames_push(reader, (struct frame){ .kind = IN_MAP,
					    .table = key->table,
					    .object = entry,
					    .at = at,
					    .entry_of = key,
					    .entry_holder = holder });
}

void frames_open_map(struct reader *reader, const struct key *key, void *holder, struct place at)
{
	void *object = key_at(key, holder);
	bool lasting = reader->depth == 1;

	if (key->table->has_at)
		*(struct place *)object = at;
	frames_push(reader,
		    (struct frame){ .kind = IN_MAP,
				    .table = key->table,
				    .object = object,
				    .at = at,
				    .seen = lasting ? &reader->maps[key - reader->table->keys]
						    : NULL });
}

void frames_open_list(struct reader *reader, const struct key *key, void *holder, struct place at)
{
	struct pol_list *list = key_at(key, holder);

	list->at = at;
	frames_push(reader,
		    (struct frame){ .kind = IN_LIST, .key = key, .object = list, .at = at });
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
	size_t *n = (size_t *)(void *)((char *)frame->entry_holder + frame->entry_of->offset_n);

	--*n;
}
