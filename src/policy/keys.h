// The table of keys: every key that a policy file or the box file may hold, its kind, where its
// value goes, what it means.  The reader, the canonical printer, the JSON Schema and the manual
// are all made from it; a key that is not here does not exist.
#ifndef SEKISHO_POLICY_KEYS_H
#define SEKISHO_POLICY_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEYS_MAX = 32 }; // keys of one table

enum key_kind {
	KEY_TEXT,    // struct pol_text
	KEY_LIST,    // struct pol_list; a single word stands for a list of one
	KEY_BOOL,    // struct pol_bool
	KEY_UINT,    // struct pol_uint
	KEY_MAP,     // a struct embedded at the offset, filled by key->table
	KEY_ENTRIES, // an array of structs of key->table: a pointer, and a size_t at offset_n
};

// What the words of a KEY_TEXT or KEY_LIST may look like.
enum key_word {
	WORD_FREE,	     // any text of one line
	WORD_NAME,	     // a word without spaces: a reference, an address, a service
	WORD_ID,	     // [a-z0-9][a-z0-9-]*, at most ID_BYTES_MAX
	WORD_ZONE_ID,	     // the same, at most ZONE_ID_BYTES_MAX
	WORD_NETWORK_ID,     // id or zone/id
	WORD_CHOICE,	     // one of key->choices
	WORD_CHOICE_OR_UINT, // the same, or a number from key->min to key->max
	WORD_DATE,	     // YYYY-MM-DD
	WORD_PATH,	     // an absolute path
	WORD_SIZE,	     // "20MB" (policy/amount.h), from key->min to key->max bytes
	WORD_RATE,	     // "30/min" (the same), or one of key->choices if there are any
};

enum { ID_BYTES_MAX = 63, ZONE_ID_BYTES_MAX = 31 };

// How the entries of a KEY_ENTRIES are written.
enum key_form {
	FORM_KEYED, // id: {...}
	FORM_LIST,  // - {id: ..., ...}; entries without ids may stand alone, without the list
	FORM_EITHER,
};

struct key_table;

struct key {
	const char *name;
	enum key_kind kind;
	enum key_word word;
	enum key_form form;
	size_t offset;
	size_t offset_n; // KEY_ENTRIES
	bool required;
	bool may_be_empty;	    // KEY_LIST: [] is an answer, not a slip
	bool repeats;		    // a text that may stand in every file
	bool one_of;		    // exactly one key of its table that has this must be given
	const char *const *choices; // NULL-terminated
	uint64_t min, max;
	const struct key_table *table;
	const char *about;   // one sentence
	const char *example; // as it would stand in the file
};

struct key_table {
	const char *noun; // "zone": for messages; also the name of its part of the schema
	const char *about;
	const struct key *keys;
	size_t n_keys;
	size_t size;		// of the struct
	bool has_at;		// the struct begins with a struct place
	const char *id;		// the key that names the entry, NULL: entries have no name
	const char *short_form; // the key that a bare word or list stands for, or NULL
};

extern const struct key_table keys_policy; // fills struct pol_tree
extern const struct key_table keys_box;	   // the box file; fills what policy/box.c reads

const struct key *keys_find(const struct key_table *table, const char *name, size_t length);
// Whether any table has a key of this name that takes free text.
bool keys_is_text(const char *name, size_t length);
static inline void *key_at(const struct key *key, const void *object)
{
	return (char *)(uintptr_t)object + key->offset;
}

#endif
