// What the reader has open.  Internal to reader.c, frames.c and faults.c.
#ifndef SEKISHO_POLICY_FRAMES_H
#define SEKISHO_POLICY_FRAMES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/names.h"
#include "base/vec.h"
#include "policy/keys.h"
#include "policy/policy.h"

struct seen {
	uint32_t bits;
	struct place first[KEYS_MAX];
};

enum frame_kind {
	IN_MAP,	    // keys of a table
	IN_KEYED,   // ids, each with an entry
	IN_ENTRIES, // a list of entries
	IN_LIST,    // a list of words
};

struct frame {
	enum frame_kind kind;
	const struct key_table *table; // IN_MAP; of the entries for IN_KEYED and IN_ENTRIES
	const struct key *key;	       // IN_LIST, IN_KEYED, IN_ENTRIES: whose value this is
	void *object;		       // IN_MAP: what is filled; else: what holds the key
	struct place at;	       // what to point at when something is missing in it
	struct seen *seen, own_seen;   // IN_MAP
	bool value_next;
	const struct key *open;	    // IN_MAP: whose value is next; NULL: of no known key
	struct place open_at;	    // of that key, or of the id in IN_KEYED
	void *entry;		    // IN_KEYED: whose value is next; NULL: of none that has a name
	bool short_list;	    // IN_MAP: a list stands for the whole entry and ends it
	bool filled;		    // IN_LIST: something was in it, good or bad
	bool merges;		    // IN_MAP: the key is YAML's merge key, told already
	const struct key *entry_of; // IN_MAP: the array that has this entry last, to drop it from
	void *entry_holder;
	bool drop; // IN_MAP: the entry must not stay
};

// Ids of one kind of entry, over all files.
struct taken {
	struct names names; // values are indices of first
	VEC(struct place) first;
};

struct reader {
	const struct key_table *table;
	void *object;
	struct arena *arena;
	struct diag *diag;
	struct taken taken[KEYS_MAX];		// by the root's keys
	struct seen texts;			// the root's texts, over all files
	struct seen maps[KEYS_MAX];		// the root's maps, over all files
	struct frame frames[POL_DEPTH_MAX + 1]; // one more for the entry of a name without value
	size_t caps[KEYS_MAX];			// of the root's arrays, which are on the heap
	size_t depth;
	size_t skipped; // open collections below the last frame that nobody reads
	bool begun;	// the file's one document has begun
	bool rooted;	// and its content too
};

struct frame *frames_top(struct reader *reader);
// Where a value that has no place of its own would stand.
struct place frames_place_or(struct place at, struct place otherwise);
const struct pol_text *frames_id_of(const struct key_table *table, const void *object);
struct frame *frames_push(struct reader *reader, enum frame_kind kind,
			  const struct key_table *table, const struct key *key, void *object,
			  struct place at);
void *frames_grow(struct reader *reader, void **items, size_t *n, size_t size);
void frames_open_entry(struct reader *reader, const struct key *key, void *holder, struct place at);
void frames_open_map(struct reader *reader, const struct key *key, void *holder, struct place at);
void frames_open_list(struct reader *reader, const struct key *key, void *holder, struct place at);
struct frame *frames_reopen_entry(struct reader *reader, struct frame *frame);
void frames_drop_entry(struct frame *frame);

#endif
