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

#include "base/terms.h"
#include "unpack/charset.h"
#include "unpack/unpack.h"

struct look {
	const struct unpack_bounds *bounds;
	const struct unpack_sink *sink;
	uint32_t numbers; // entries begun
	uint64_t output, output_max, held;
	uint64_t input, input_max; // bytes given to zlib: what gives nothing costs too
	uint64_t said;		   // bytes of text
	uint32_t bodies;	   // of mail, in rich text
	bool apart;		   // it was told to be opened elsewhere
	bool stopped;		   // a bound of the whole was reached: nothing more is read
};

// A document's text: what is read in one go, and what stands beside: notes, boxes, readings of
// letters, names, values of attributes.
enum look_flow { LOOK_MAIN, LOOK_BESIDE, LOOK_FLOWS };

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

	struct terms_reader text[LOOK_FLOWS];
	struct unpack_terms found; // in what lies in it
};

enum { LOOK_TEXT_MAX = 16 << 20 }; // bytes of text that are read of all

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

// --- its text, in UTF-8, in which words are looked for.  A part's is its document's.
bool item_reads_text(const struct item *item); // else nothing need be said
// Piece by piece; "\n" divides.
void item_say(struct item *item, enum look_flow flow, const char *text, size_t n);
// The flow has ended: what comes belongs to another.
void item_said(struct item *item, enum look_flow flow);
// A line of what stands beside.
void item_aside(struct item *item, const char *text, size_t n);
// UTF-16, n bytes; control characters divide.
void item_say_wide(struct item *item, enum look_flow flow, const uint8_t *bytes, size_t n,
		   bool big);
void item_illegible(struct item *item);
struct item *item_document(struct item *item); // that a part belongs to
// All its bytes, as a text in whatever character set; without the tags of HTML.  type: a
// Content-Type field that says which; NULL: none does.
void look_prose(struct item *item, bool html, const char *type);

// Whether it is for libarchive, which is not to be called here; nothing more is read then.
bool item_is_apart(struct item *item);

// The first limit stays.
void item_limit(struct item *item, enum unpack_limit limit);
// A bound of all was reached at item.
void look_stop(struct item *item, enum unpack_limit limit);
// Memory for a reader's own tables, counted as held; NULL: beyond the bound, and item's limit says
// so.
void *look_alloc(struct item *item, size_t size);
void look_free(struct item *item, void *memory, size_t size);

#endif
