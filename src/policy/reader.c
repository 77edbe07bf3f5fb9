// A stack machine over YAML's events.  Each frame is a map, list or keyed section that is open:
//
//     flows:              IN_MAP policy   key "flows" waits for its value
//       - id: a           IN_ENTRIES flows, then IN_MAP flow
//         from: [b, c]    IN_LIST from
//
// Invariants: a frame in the stack is one YAML collection; a subtree that means nothing is counted
// in `skipped` until its end; every entry that stays in a tree has a good and unique id; nothing
// here depends on how deep or how many things are nested beyond POL_DEPTH_MAX.
#include "policy/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"
#include "policy/names.h"
#include "policy/policy.h"
#include "policy/value.h"
#include "policy/yaml.h"

struct seen {
	uint32_t bits;
	struct place first[KEYS_MAX];
};

enum frame_kind {
	IN_MAP,     // keys of a table
	IN_KEYED,   // ids, each with an entry
	IN_ENTRIES, // a list of entries
	IN_LIST,    // a list of words
};

struct frame {
	enum frame_kind kind;
	const struct key_table *table; // IN_MAP; of the entries for IN_KEYED and IN_ENTRIES
	const struct key *key;         // IN_LIST, IN_KEYED, IN_ENTRIES: whose value this is
	void *object;                  // IN_MAP: what is filled; else: what holds the key
	struct place at;               // what to point at when something is missing in it
	struct seen *seen, own_seen;   // IN_MAP
	bool value_next;
	const struct key *open;  // IN_MAP: whose value is next; NULL: of no known key
	struct place open_at;    // of that key, or of the id in IN_KEYED
	void *entry;             // IN_KEYED: whose value is next; NULL: of none that has a name
	bool short_list;         // IN_MAP: a list stands for the whole entry and ends it
	bool filled;             // IN_LIST: something was in it, good or bad
	bool merges;             // IN_MAP: the key is YAML's merge key, told already
	const struct key *entry_of; // IN_MAP: the array that has this entry last, to drop it from
	void *entry_holder;
	bool drop;               // IN_MAP: the entry must not stay
};

struct reader {
	const struct key_table *table;
	void *object;
	struct arena *arena;
	struct diag *diag;
	struct names *names;
	const char *name; // of the file
	struct seen texts;           // the root's texts, over all files
	struct seen maps[KEYS_MAX];  // the root's maps, over all files
	struct frame frames[POL_DEPTH_MAX + 1]; // one more for the entry of a name without value
	size_t depth;
	size_t skipped; // open collections below the last frame that nobody reads
	bool begun;     // the file's one document has begun
	bool rooted;    // and its content too
};

static struct frame *top(struct reader *reader)
{
	return &reader->frames[reader->depth - 1];
}

struct reader *reader_new(const struct key_table *table, void *object, struct arena *arena,
			  struct diag *diag)
{
	struct reader *reader = NULL;
	size_t cap = 0;

	vec_grow((void **)&reader, &cap, 1, sizeof(*reader));
	memset(reader, 0, sizeof(*reader));
	reader->table = table;
	reader->object = object;
	reader->arena = arena;
	reader->diag = diag;
	reader->names = names_new();
	return reader;
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	names_free(reader->names);
	free(reader);
}

// Where a value that has no place of its own would stand.
static struct place place_or(struct place at, struct place otherwise)
{
	return at.line ? at : otherwise;
}

static const struct pol_text *id_of(const struct key_table *table, const void *object)
{
	const struct key *key = table->id ? keys_find(table, table->id, strlen(table->id)) : NULL;

	return key ? key_at(key, object) : NULL;
}

// 'zone "office": ', for messages about something within an entry.
static const char *subject(const struct reader *reader)
{
	for (size_t i = reader->depth; i-- > 0;) {
		const struct frame *frame = &reader->frames[i];
		const struct pol_text *id = frame->kind == IN_MAP ? id_of(frame->table, frame->object) : NULL;

		if (id && id->s)
			return arena_printf(reader->arena, "%s \"%s\": ", frame->table->noun,
					    value_shown(reader->arena, id->s, strlen(id->s)));
	}
	return "";
}

static void report(struct reader *reader, const struct value_fault *fault, struct place otherwise)
{
	diag_add(reader->diag, fault->code, place_or(fault->at, otherwise), "%s%s", subject(reader),
		 fault->message);
}

// What a key takes, in words.
static const char *wanted(const struct key *key)
{
	static const char *const words[] = {
		[KEY_TEXT] = "one word or text",   [KEY_LIST] = "a list such as [a, b]",
		[KEY_BOOL] = "true or false",      [KEY_UINT] = "a number",
		[KEY_MAP] = "keys of its own below it",
		[KEY_ENTRIES] = "entries below it",
	};

	if (key->kind == KEY_ENTRIES && key->form == FORM_LIST)
		return "a list, each entry with a hyphen before it";
	if (key->kind == KEY_ENTRIES && key->form == FORM_KEYED)
		return "names below it, each with a colon";
	return words[key->kind];
}

static const char *given(const struct yaml_event *event)
{
	if (event->kind == YAML_SCALAR)
		return "one word";
	return event->kind == YAML_LIST ? "a list" : "keys with values";
}

static void report_kind(struct reader *reader, const struct key *key, const struct yaml_event *event,
			struct place otherwise)
{
	struct place at = place_or(event->at, otherwise);

	if (event->kind == YAML_SCALAR && memchr(event->text, ':', event->length))
		diag_add(reader->diag, SK_KIND_WRONG, at,
			 "%s%s takes %s, not %s; is there a space after each colon? (example: %s: %s)",
			 subject(reader), key->name, wanted(key), given(event), key->name, key->example);
	else
		diag_add(reader->diag, SK_KIND_WRONG, at, "%s%s takes %s, not %s (example: %s: %s)",
			 subject(reader), key->name, wanted(key), given(event), key->name, key->example);
}

// The same where an entry of a section should be.
static void report_entry_kind(struct reader *reader, const struct key *key, const struct yaml_event *event,
			      struct place otherwise)
{
	const struct key *first = key->table->keys;

	while (!first->required || (key->form == FORM_KEYED && !strcmp(first->name, key->table->id)))
		if (++first == key->table->keys + key->table->n_keys) {
			first = key->table->keys;
			break;
		}
	diag_add(reader->diag, SK_KIND_WRONG, place_or(event->at, otherwise),
		 "%seach %s is made of keys such as \"%s: %s\", not of %s", subject(reader), key->table->noun,
		 first->name, first->example, given(event));
}

static void push(struct reader *reader, struct frame frame)
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
static void *grow(struct reader *reader, void **items, size_t *n, size_t size)
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
	return grow(reader, key_at(key, holder), (size_t *)(void *)((char *)holder + key->offset_n),
		    key->table->size);
}

static void open_entry(struct reader *reader, const struct key *key, void *holder, struct place at)
{
	void *entry = add_entry(reader, key, holder);

	if (key->table->has_at)
		*(struct place *)entry = at;
	push(reader, (struct frame){ .kind = IN_MAP,
				     .table = key->table,
				     .object = entry,
				     .at = at,
				     .entry_of = key,
				     .entry_holder = holder });
}

static void open_map(struct reader *reader, const struct key *key, void *holder, struct place at)
{
	void *object = key_at(key, holder);
	bool lasting = reader->depth == 1;

	if (key->table->has_at)
		*(struct place *)object = at;
	push(reader, (struct frame){ .kind = IN_MAP,
				     .table = key->table,
				     .object = object,
				     .at = at,
				     .seen = lasting ? &reader->maps[key - reader->table->keys] : NULL });
}

static void open_list(struct reader *reader, const struct key *key, void *holder, struct place at)
{
	struct pol_list *list = key_at(key, holder);

	list->at = at;
	push(reader, (struct frame){ .kind = IN_LIST, .key = key, .object = list, .at = at });
}

static void add_word(struct reader *reader, const struct key *key, struct pol_list *list,
		     const struct yaml_event *event, struct place otherwise)
{
	struct pol_text word;
	struct value_fault fault;

	if (value_text(reader->arena, key, event, &word, &fault))
		*(struct pol_text *)grow(reader, (void **)&list->v, &list->n, sizeof(word)) = word;
	else
		report(reader, &fault, otherwise);
}

// The id of an entry was read: it must be nobody else's.
static void take_id(struct reader *reader, struct frame *frame, const struct pol_text *id)
{
	const struct pol_text *first = names_take(reader->names, frame->table, id);

	if (!first)
		return;

	size_t index = diag_add(reader->diag, SK_ID_DUPLICATE, id->at,
				"%s \"%s\" is there already; give one of the two another name, or take it away",
				frame->table->noun, value_shown(reader->arena, id->s, strlen(id->s)));

	diag_second(reader->diag, index, first->at, "first given here");
	frame->drop = true;
}

static void store_text(struct reader *reader, struct frame *frame, const struct key *key,
		       const struct yaml_event *event, struct place otherwise)
{
	struct pol_text *text = key_at(key, frame->object);
	struct value_fault fault;

	if (!value_text(reader->arena, key, event, text, &fault)) {
		report(reader, &fault, otherwise);
		return;
	}
	if (!text->at.line)
		text->at = otherwise;
	if (frame->table->id && !strcmp(frame->table->id, key->name))
		take_id(reader, frame, text);
}

static void finish_map(struct reader *reader, struct frame *frame);

// A scalar as the value of a key of frame, which is an open map or an entry in its short form.
static void store(struct reader *reader, struct frame *frame, const struct key *key,
		  const struct yaml_event *event, struct place otherwise)
{
	struct value_fault fault = { 0 };
	struct pol_list *list;

	switch (key->kind) {
	case KEY_TEXT:
		store_text(reader, frame, key, event, otherwise);
		return;
	case KEY_LIST:
		list = key_at(key, frame->object);
		list->at = otherwise;
		add_word(reader, key, list, event, otherwise);
		return;
	case KEY_BOOL:
		if (!value_bool(reader->arena, key, event, key_at(key, frame->object), &fault))
			report(reader, &fault, otherwise);
		return;
	case KEY_UINT:
		if (!value_uint(reader->arena, key, event, key_at(key, frame->object), &fault))
			report(reader, &fault, otherwise);
		return;
	case KEY_MAP:
		if (!event->null) {
			report_kind(reader, key, event, otherwise);
			return;
		}
		open_map(reader, key, frame->object, otherwise);
		finish_map(reader, top(reader));
		reader->depth--;
		return;
	case KEY_ENTRIES:
		if (!event->null) // an empty section is a section to be filled later
			report_kind(reader, key, event, otherwise);
		return;
	}
}

static void unknown_key(struct reader *reader, const struct frame *frame, const struct yaml_event *event)
{
	const char *shown = value_shown(reader->arena, event->text, event->length);
	struct text_nearest nearest = { .wanted = shown };
	const char *list = "";
	struct place at = place_or(event->at, frame->at);
	size_t index, count;

	for (size_t i = 0; i < frame->table->n_keys; i++) {
		text_nearest_try(&nearest, frame->table->keys[i].name);
		list = arena_printf(reader->arena, "%s%s%s", list, i ? ", " : "", frame->table->keys[i].name);
	}
	if (value_full_width(shown, strlen(shown), &index, &count)) {
		if (at.column + index + count - 1 <= at.column_end) {
			at.column += (uint32_t)index;
			at.column_end = at.column + (uint32_t)count - 1;
		}
		diag_add(reader->diag, SK_FULL_WIDTH_WORD, at,
			 "%sthe key \"%s\" holds full-width characters; write it half-width",
			 subject(reader), shown);
	} else if (nearest.name) {
		diag_add(reader->diag, SK_KEY_UNKNOWN, at, "%s\"%s\" is no key here; did you mean \"%s\"?",
			 subject(reader), shown, nearest.name);
	} else {
		diag_add(reader->diag, SK_KEY_UNKNOWN, at, "%s\"%s\" is no key here; there are %s",
			 subject(reader), shown, list);
	}
}

static void report_alias(struct reader *reader, struct place at)
{
	diag_add(reader->diag, SK_YAML_ALIAS, at,
		 "%saliases (*name) and merge keys (<<) are not read; write the values out", subject(reader));
}

static bool is_duplicate(struct reader *reader, struct seen *seen, const struct key *key, size_t i,
			 struct place at)
{
	uint32_t bit = UINT32_C(1) << i;

	if (!(seen->bits & bit)) {
		seen->bits |= bit;
		seen->first[i] = at;
		return false;
	}

	size_t index = diag_add(reader->diag, SK_KEY_DUPLICATE, at,
				"%s%s is given twice; keep one of them", subject(reader), key->name);

	diag_second(reader->diag, index, seen->first[i], "first given here");
	return true;
}

static void on_key(struct reader *reader, struct frame *frame, const struct yaml_event *event)
{
	const struct key *key = keys_find(frame->table, event->text, event->length);
	struct place at = place_or(event->at, frame->at);
	bool root = frame->object == reader->object;

	frame->value_next = true;
	frame->open = NULL;
	frame->open_at = at;
	frame->merges = event->length == 2 && !memcmp(event->text, "<<", 2);
	if (frame->merges) {
		report_alias(reader, at);
		return;
	}
	if (!key) {
		unknown_key(reader, frame, event);
		return;
	}

	size_t i = (size_t)(key - frame->table->keys);

	if (is_duplicate(reader, frame->seen, key, i, at))
		return;
	if (root && key->kind == KEY_TEXT && !key->repeats && is_duplicate(reader, &reader->texts, key, i, at))
		return;
	frame->open = key;
}

// An id of a keyed section.  An entry whose id is bad or taken is still read, for its own faults.
static void on_entry_id(struct reader *reader, struct frame *frame, const struct yaml_event *event)
{
	const struct key_table *table = frame->table;
	const struct key *key = keys_find(table, table->id, strlen(table->id));

	frame->value_next = true;
	frame->open_at = place_or(event->at, frame->at);
	open_entry(reader, frame->key, frame->object, frame->open_at);

	struct frame *entry = top(reader);

	is_duplicate(reader, entry->seen, key, (size_t)(key - table->keys), frame->open_at);
	store_text(reader, entry, key, event, frame->open_at);
	frame->entry = entry->object;
	frame->drop = entry->drop || !((struct pol_text *)key_at(key, entry->object))->s;
	reader->depth--; // until its value comes
}

// Opens again the entry whose id was the last key.
static struct frame *reopen_entry(struct reader *reader, struct frame *frame)
{
	struct frame *entry = &reader->frames[reader->depth++];

	entry->drop = frame->drop;
	frame->value_next = false;
	return entry;
}

static void drop_entry(struct frame *frame)
{
	size_t *n = (size_t *)(void *)((char *)frame->entry_holder + frame->entry_of->offset_n);

	--*n;
}

static void report_missing(struct reader *reader, struct frame *frame)
{
	const struct key_table *table = frame->table;
	const struct pol_text *id = id_of(table, frame->object);
	struct place at = id && id->s ? id->at : frame->at;
	const char *whose = arena_printf(reader->arena, id && id->s ? "%s" : "%s%s: ", subject(reader), table->noun);
	const char *one_of = "";
	unsigned found = 0;

	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];
		bool seen = frame->seen->bits & UINT32_C(1) << i;

		if (key->one_of) {
			found += seen;
			one_of = arena_printf(reader->arena, "%s%s%s", one_of, *one_of ? ", " : "", key->name);
		}
		if (!key->required || seen)
			continue;
		diag_add(reader->diag, SK_KEY_MISSING, at, "%s%s is missing; write it (example: %s: %s)",
			 whose, key->name, key->name, key->example);
	}
	if (*one_of && found != 1)
		diag_add(reader->diag, SK_KEY_ONE_OF, at, "%swrite exactly one of %s", whose, one_of);
}

static void finish_map(struct reader *reader, struct frame *frame)
{
	const struct pol_text *id;
	uint32_t required = 0;

	for (size_t i = 0; i < frame->table->n_keys; i++)
		if (frame->table->keys[i].required)
			required |= UINT32_C(1) << i;
	if ((frame->seen->bits & required) != required || frame->table->keys[frame->table->n_keys - 1].one_of)
		report_missing(reader, frame);
	id = id_of(frame->table, frame->object);
	if (frame->entry_of && (frame->drop || (id && !id->s)))
		drop_entry(frame);
}

static void finish_list(struct reader *reader, const struct frame *frame)
{
	const struct pol_list *list = frame->object;

	if (!list->n && !frame->filled && !frame->key->may_be_empty)
		diag_add(reader->diag, SK_LIST_EMPTY, frame->at,
			 "%s%s is empty; write what belongs there or take the key away", subject(reader),
			 frame->key->name);
}

// The value of an entry's name is not a map: its short form, nothing at all, or a slip.
static void store_short(struct reader *reader, struct frame *frame, const struct yaml_event *event)
{
	const struct key_table *table = frame->table;
	struct frame *entry = reopen_entry(reader, frame);
	const struct key *key = table->short_form ? keys_find(table, table->short_form, strlen(table->short_form)) :
						    NULL;

	if (event->null) {
		finish_map(reader, entry);
	} else if (key) {
		is_duplicate(reader, entry->seen, key, (size_t)(key - table->keys), entry->at);
		store(reader, entry, key, event, entry->at);
		finish_map(reader, entry);
	} else {
		report_entry_kind(reader, frame->key, event, entry->at);
		if (entry->drop)
			drop_entry(entry);
	}
	reader->depth--;
}

static void on_scalar(struct reader *reader, const struct yaml_event *event)
{
	struct frame *frame = top(reader);

	switch (frame->kind) {
	case IN_MAP:
		if (!frame->value_next) {
			on_key(reader, frame, event);
			return;
		}
		frame->value_next = false;
		if (frame->open)
			store(reader, frame, frame->open, event, frame->open_at);
		return;
	case IN_KEYED:
		if (!frame->value_next)
			on_entry_id(reader, frame, event);
		else if (frame->entry)
			store_short(reader, frame, event);
		else
			frame->value_next = false;
		return;
	case IN_ENTRIES:
		report_entry_kind(reader, frame->key, event, frame->at);
		return;
	case IN_LIST:
		frame->filled = true;
		add_word(reader, frame->key, frame->object, event, frame->at);
		return;
	}
}

static void skip(struct reader *reader)
{
	reader->skipped++;
}

// A list or map opens as the value of a key of frame, whose value was awaited.
static void open_value(struct reader *reader, struct frame *frame, const struct key *key,
		       const struct yaml_event *event, struct place at)
{
	bool is_map = event->kind == YAML_MAP;

	if (key->kind == KEY_LIST && !is_map) {
		open_list(reader, key, frame->object, at);
	} else if (key->kind == KEY_MAP && is_map) {
		open_map(reader, key, frame->object, at);
	} else if (key->kind == KEY_ENTRIES && is_map && key->form == FORM_LIST && !key->table->id) {
		open_entry(reader, key, frame->object, place_or(event->at, at));
	} else if (key->kind == KEY_ENTRIES && (is_map ? key->form != FORM_LIST : key->form != FORM_KEYED)) {
		push(reader, (struct frame){ .kind = is_map ? IN_KEYED : IN_ENTRIES,
					     .table = key->table,
					     .key = key,
					     .object = frame->object,
					     .at = at });
	} else {
		report_kind(reader, key, event, at);
		skip(reader);
	}
}

// The same for the value of a name in a keyed section.
static void open_entry_value(struct reader *reader, struct frame *frame, const struct yaml_event *event)
{
	const struct key_table *table = frame->table;
	const struct key *key = table->short_form ? keys_find(table, table->short_form, strlen(table->short_form)) :
						    NULL;
	struct frame *entry = reopen_entry(reader, frame);

	if (event->kind == YAML_MAP)
		return;
	if (key && key->kind == KEY_LIST) {
		is_duplicate(reader, entry->seen, key, (size_t)(key - table->keys), entry->at);
		entry->short_list = true;
		open_list(reader, key, entry->object, entry->at);
		return;
	}
	report_entry_kind(reader, frame->key, event, entry->at);
	if (entry->drop)
		drop_entry(entry);
	reader->depth--;
	skip(reader);
}

static void on_open(struct reader *reader, const struct yaml_event *event)
{
	struct frame *frame = top(reader);

	switch (frame->kind) {
	case IN_MAP:
		if (!frame->value_next) {
			diag_add(reader->diag, SK_KEY_COMPLEX, place_or(event->at, frame->at),
				 "%sa key must be one word, not %s", subject(reader), given(event));
			frame->value_next = true;
			frame->open = NULL;
			skip(reader);
			return;
		}
		frame->value_next = false;
		if (frame->open)
			open_value(reader, frame, frame->open, event, frame->open_at);
		else
			skip(reader);
		return;
	case IN_KEYED:
		if (frame->value_next && frame->entry) {
			open_entry_value(reader, frame, event);
			return;
		}
		if (frame->value_next) {
			frame->value_next = false;
			skip(reader);
			return;
		}
		diag_add(reader->diag, SK_KEY_COMPLEX, place_or(event->at, frame->at),
			 "%sa name must be one word, not %s", subject(reader), given(event));
		frame->value_next = true;
		frame->entry = NULL;
		skip(reader);
		return;
	case IN_ENTRIES:
		if (event->kind == YAML_MAP) {
			open_entry(reader, frame->key, frame->object, place_or(event->at, frame->at));
			return;
		}
		report_entry_kind(reader, frame->key, event, frame->at);
		skip(reader);
		return;
	case IN_LIST:
		frame->filled = true;
		diag_add(reader->diag, SK_KIND_WRONG, place_or(event->at, frame->at),
			 "%s%s takes words, not %s within the list", subject(reader), frame->key->name,
			 given(event));
		skip(reader);
		return;
	}
}

static void on_end(struct reader *reader)
{
	struct frame *frame;

	if (reader->skipped) {
		reader->skipped--;
		return;
	}
	frame = top(reader);
	if (frame->kind == IN_MAP)
		finish_map(reader, frame);
	else if (frame->kind == IN_LIST)
		finish_list(reader, frame);
	reader->depth--;
	if (reader->depth && top(reader)->kind == IN_MAP && top(reader)->short_list) {
		finish_map(reader, top(reader));
		reader->depth--;
	}
}

// An alias stands where a scalar may: it is told and then counts as a value that was read.
static void on_alias(struct reader *reader, const struct yaml_event *event)
{
	struct frame *frame = reader->depth ? top(reader) : NULL;

	if (!frame || reader->skipped || frame->kind != IN_MAP || !frame->value_next || !frame->merges)
		report_alias(reader, event->at);
	if (!frame || reader->skipped)
		return;
	if (frame->kind == IN_ENTRIES || frame->kind == IN_LIST) {
		frame->filled = true;
		return;
	}
	if (!frame->value_next) {
		frame->open = NULL;
		frame->entry = NULL;
	} else if (frame->kind == IN_KEYED && frame->entry) {
		drop_entry(&reader->frames[reader->depth]);
	}
	frame->value_next = !frame->value_next;
}

static void on_root(struct reader *reader, const struct yaml_event *event)
{
	reader->rooted = true;
	if (event->kind == YAML_MAP) {
		push(reader, (struct frame){ .kind = IN_MAP,
					     .table = reader->table,
					     .object = reader->object,
					     .at = event->at });
		return;
	}
	if (event->kind == YAML_SCALAR && event->null)
		return;
	diag_add(reader->diag, SK_ROOT_KIND, event->at,
		 "a file of a %s begins with keys such as \"%s:\", not with %s", reader->table->noun,
		 reader->table->keys[2].name, given(event));
	if (event->kind == YAML_LIST)
		skip(reader);
}

static void report_decoration(struct reader *reader, const struct yaml_event *event)
{
	if (event->is_tag)
		diag_add(reader->diag, SK_YAML_TAG, event->decoration_at,
			 "%stags (!name) are not read; take it away", subject(reader));
	else
		diag_add(reader->diag, SK_YAML_ANCHOR, event->decoration_at,
			 "%sanchors (&name) are not read; take it away", subject(reader));
}

// false: the file is not to be read further.
static bool on_event(struct reader *reader, const struct yaml_event *event)
{
	bool opens = event->kind == YAML_LIST || event->kind == YAML_MAP;

	if (event->decorated)
		report_decoration(reader, event);
	if (opens && reader->depth + reader->skipped >= POL_DEPTH_MAX) {
		diag_add(reader->diag, SK_YAML_DEPTH, event->at,
			 "more than %d lists and maps stand within one another here; a policy needs no more "
			 "than 6",
			 POL_DEPTH_MAX);
		return false;
	}
	if (event->kind == YAML_DOCUMENT) {
		if (reader->begun)
			diag_add(reader->diag, SK_YAML_DOCUMENTS, event->at,
				 "a second document begins here; take the line \"---\" away or make it a "
				 "file of its own");
		if (reader->begun)
			return false;
		reader->begun = true;
	} else if (event->kind == YAML_ALIAS) {
		on_alias(reader, event);
	} else if (event->kind == YAML_END) {
		on_end(reader);
	} else if (reader->skipped) {
		reader->skipped += opens;
	} else if (!reader->depth) {
		on_root(reader, event);
	} else if (opens) {
		on_open(reader, event);
	} else {
		on_scalar(reader, event);
	}
	return true;
}

static void report_syntax(struct reader *reader, const struct yaml_event *event)
{
	diag_add(reader->diag, SK_YAML_SYNTAX, event->at, "%s", yaml_words(event->text));
}

int reader_file(struct reader *reader, const char *name, const char *bytes, size_t size)
{
	struct text_checked *text = arena_new_of(reader->arena, struct text_checked);
	struct yaml_event event;
	struct yaml *yaml;
	int r;

	r = text_check(name, bytes, size, reader->arena, reader->diag, text);
	if (r < 0)
		return r;
	yaml = yaml_new(name, text->bytes, text->size, &text->repairs);
	if (!yaml) {
		diag_add(reader->diag, SK_FILE_UNREADABLE, (struct place){ .file = name },
			 "there is not enough memory to read the file");
		return -EBADMSG;
	}
	reader->depth = reader->skipped = 0;
	reader->begun = reader->rooted = false;
	r = 0;
	do {
		yaml_next(yaml, &event);
		if (event.kind == YAML_BROKEN) {
			report_syntax(reader, &event);
			r = -EBADMSG;
			break;
		}
		if (event.kind != YAML_DONE && !on_event(reader, &event)) {
			r = -EBADMSG;
			break;
		}
	} while (event.kind != YAML_DONE);
	yaml_free(yaml);
	return r;
}
