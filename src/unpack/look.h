// One look into a file: the budget that all of it shares, and items, which are the file and the
// entries in it.  Readers of formats begin an item for each entry they find, give it its bytes and
// end it; ending it judges it, looks into it, tells it.
//
// Readers call one another through items only, at most UNPACK_DEPTH_MAX deep: an item below that
// is told with its limit and not looked into.
#ifndef SEKISHO_UNPACK_LOOK_H
#define SEKISHO_UNPACK_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unpack/charset.h"
#include "unpack/unpack.h"

struct look {
	const struct unpack_bounds *bounds;
	void (*entry)(void *arg, const struct unpack_entry *entry);
	void *arg;
	uint32_t numbers; // entries begun
	uint64_t output, output_max, held;
	uint64_t input, input_max; // bytes given to zlib: what gives nothing costs too
	bool stopped;		   // a bound of the whole was reached: nothing more is read
};

struct item {
	struct look *look;
	struct item *parent; // NULL: the file itself
	uint32_t number, depth;
	struct charset_name name;
	uint64_t size;
	uint32_t kinds, content; // content: what its bytes say, for the name to be compared with
	enum unpack_limit limit;
	bool read; // as a message, by the parser of the one it came in
	bool part; // of a document: told only when it is more than text and images

	const uint8_t *bytes; // all of it, or its first ones when !whole
	size_t n;
	bool whole;
	uint8_t *heap; // what bytes point to, when it is this item's own
	size_t cap;
};

// An entry of parent.  false: no more of them may be read, and look->stopped.
bool item_begin(struct item *item, struct item *parent);
// In its place, for bytes that only a reader judges: it is no entry, and item_drop() ends it.
bool item_scratch(struct item *item, struct item *parent);
// Its bytes, one piece after the other.  false: the entry, or all, is at its bound; nothing more
// of it need be read.
bool item_add(struct item *item, const uint8_t *bytes, size_t n);
// All its bytes, which lie in memory that outlives it.  false: as item_add().
bool item_set(struct item *item, const uint8_t *bytes, size_t n);
// Judges, looks into, tells, and adds what it is to what its parent is.
void item_end(struct item *item);
// Ends it without a word.
void item_drop(struct item *item);
// A name of UTF-8.
void item_name(struct item *item, const char *name);

// The first limit stays.
void item_limit(struct item *item, enum unpack_limit limit);
// A bound of all was reached at item.
void look_stop(struct item *item, enum unpack_limit limit);
// Memory for a reader's own tables, counted as held; NULL: beyond the bound, and item's limit says
// so.
void *look_alloc(struct item *item, size_t size);
void look_free(struct item *item, void *memory, size_t size);

#endif
