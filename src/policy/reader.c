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

#include "base/vec.h"
#include "policy/faults.h"
#include "policy/frames.h"

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
	return reader;
}

void reader_release(const struct key_table *table, void *object)
{
	for (size_t i = 0; i < table->n_keys; i++)
		if (table->keys[i].kind == KEY_ENTRIES)
			free(*(void **)key_at(&table->keys[i], object));
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < KEYS_MAX; i++) {
		names_done(&reader->taken[i].names);
		vec_done(&reader->taken[i].first);
	}
	free(reader);
}

static void add_word(struct reader *reader, const struct key *key, struct pol_list *list,
		     const struct yaml_event *event, struct place otherwise)
{
	struct pol_text word;
	struct value_fault fault;

	if (value_text(reader->arena, key, event, &word, &fault))
		*(struct pol_text *)frames_grow(reader, (void **)&list->v, &list->n, sizeof(word)) =
			word;
	else
		faults_value(reader, &fault, otherwise);
}

static struct taken *taken_of(struct reader *reader, const struct key_table *table)
{
	size_t i = 0;

	while (i + 1 < reader->table->n_keys && reader->table->keys[i].table != table)
		i++;
	return &reader->taken[i];
}

// The id of an entry was read: it must be nobody else's.
static void take_id(struct reader *reader, struct frame *frame, const struct pol_text *id)
{
	struct taken *taken = taken_of(reader, frame->table);
	uint32_t found = names_add(&taken->names, id->s, (uint32_t)taken->first.n);

	if (found == NAMES_NONE) {
		vec_push(&taken->first, id->at);
		return;
	}

	size_t index = diag_add(
		reader->diag, SK_ID_DUPLICATE, id->at,
		"%s \"%s\" is there already; give one of the two another name, or take it away",
		frame->table->noun, value_shown(reader->arena, id->s, strlen(id->s)));

	diag_second(reader->diag, index, taken->first.v[found], "first given here");
	frame->drop = true;
}

static void store_text(struct reader *reader, struct frame *frame, const struct key *key,
		       const struct yaml_event *event, struct place otherwise)
{
	struct pol_text *text = key_at(key, frame->object);
	struct value_fault fault;

	if (!value_text(reader->arena, key, event, text, &fault)) {
		faults_value(reader, &fault, otherwise);
		return;
	}
	if (!text->at.line)
		text->at = otherwise;
	if (frame->table->id && !strcmp(frame->table->id, key->name))
		take_id(reader, frame, text);
}

static void finish_map(struct reader *reader, struct frame *frame)
{
	const struct pol_text *id;
	uint32_t required = 0;

	for (size_t i = 0; i < frame->table->n_keys; i++)
		if (frame->table->keys[i].required)
			required |= UINT32_C(1) << i;
	if ((frame->seen->bits & required) != required ||
	    frame->table->keys[frame->table->n_keys - 1].one_of)
		faults_missing(reader, frame);
	id = frames_id_of(frame->table, frame->object);
	if (frame->entry_of && (frame->drop || (id && !id->s)))
		frames_drop_entry(frame);
}

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
			faults_value(reader, &fault, otherwise);
		return;
	case KEY_UINT:
		if (!value_uint(reader->arena, key, event, key_at(key, frame->object), &fault))
			faults_value(reader, &fault, otherwise);
		return;
	case KEY_MAP:
		if (!event->null) {
			faults_kind(reader, key, event, otherwise);
			return;
		}
		frames_open_map(reader, key, frame->object, otherwise);
		finish_map(reader, frames_top(reader));
		reader->depth--;
		return;
	case KEY_ENTRIES:
		if (!event->null) // an empty section is a section to be filled later
			faults_kind(reader, key, event, otherwise);
		return;
	}
}

static void on_key(struct reader *reader, struct frame *frame, const struct yaml_event *event)
{
	const struct key *key = keys_find(frame->table, event->text, event->length);
	struct place at = frames_place_or(event->at, frame->at);
	bool root = frame->object == reader->object;

	frame->value_next = true;
	frame->open = NULL;
	frame->open_at = at;
	frame->merges = event->length == 2 && !memcmp(event->text, "<<", 2);
	if (frame->merges) {
		faults_alias(reader, at);
		return;
	}
	if (!key) {
		faults_unknown_key(reader, frame, event);
		return;
	}

	size_t i = (size_t)(key - frame->table->keys);

	if (faults_duplicate(reader, frame->seen, key, i, at))
		return;
	if (root && key->kind == KEY_TEXT && !key->repeats &&
	    faults_duplicate(reader, &reader->texts, key, i, at))
		return;
	frame->open = key;
}

// An id of a keyed section.  An entry whose id is bad or taken is still read, for its own faults.
static void on_entry_id(struct reader *reader, struct frame *frame, const struct yaml_event *event)
{
	const struct key_table *table = frame->table;
	const struct key *key = keys_find(table, table->id, strlen(table->id));

	frame->value_next = true;
	frame->open_at = frames_place_or(event->at, frame->at);
	frames_open_entry(reader, frame->key, frame->object, frame->open_at);

	struct frame *entry = frames_top(reader);

	faults_duplicate(reader, entry->seen, key, (size_t)(key - table->keys), frame->open_at);
	store_text(reader, entry, key, event, frame->open_at);
	frame->entry = entry->object;
	frame->drop = entry->drop || !((struct pol_text *)key_at(key, entry->object))->s;
	reader->depth--; // until its value comes
}

static void finish_list(struct reader *reader, const struct frame *frame)
{
	const struct pol_list *list = frame->object;

	if (!list->n && !frame->filled && !frame->key->may_be_empty)
		diag_add(reader->diag, SK_LIST_EMPTY, frame->at,
			 "%s%s is empty; write what belongs there or take the key away",
			 faults_subject(reader), frame->key->name);
}

// The value of an entry's name is not a map: its short form, nothing at all, or a slip.
static void store_short(struct reader *reader, struct frame *frame, const struct yaml_event *event)
{
	const struct key_table *table = frame->table;
	struct frame *entry = frames_reopen_entry(reader, frame);
	const struct key *key =
		table->short_form ? keys_find(table, table->short_form, strlen(table->short_form))
				  : NULL;

	if (event->null) {
		finish_map(reader, entry);
	} else if (key) {
		faults_duplicate(reader, entry->seen, key, (size_t)(key - table->keys), entry->at);
		store(reader, entry, key, event, entry->at);
		finish_map(reader, entry);
	} else {
		faults_entry_kind(reader, frame->key, event, entry->at);
		if (entry->drop)
			frames_drop_entry(entry);
	}
	reader->depth--;
}

static void on_scalar(struct reader *reader, const struct yaml_event *event)
{
	struct frame *frame = frames_top(reader);

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
		faults_entry_kind(reader, frame->key, event, frame->at);
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
		frames_open_list(reader, key, frame->object, at);
	} else if (key->kind == KEY_MAP && is_map) {
		frames_open_map(reader, key, frame->object, at);
	} else if (key->kind == KEY_ENTRIES && is_map && key->form == FORM_LIST &&
		   !key->table->id) {
		frames_open_entry(reader, key, frame->object, frames_place_or(event->at, at));
	} else if (key->kind == KEY_ENTRIES &&
		   (is_map ? key->form != FORM_LIST : key->form != FORM_KEYED)) {
		frames_push(reader, is_map ? IN_KEYED : IN_ENTRIES, key->table, key, frame->object,
			    at);
	} else {
		faults_kind(reader, key, event, at);
		skip(reader);
	}
}

// The same for the value of a name in a keyed section.
static void open_entry_value(struct reader *reader, struct frame *frame,
			     const struct yaml_event *event)
{
	const struct key_table *table = frame->table;
	const struct key *key =
		table->short_form ? keys_find(table, table->short_form, strlen(table->short_form))
				  : NULL;
	struct frame *entry = frames_reopen_entry(reader, frame);

	if (event->kind == YAML_MAP)
		return;
	if (key && key->kind == KEY_LIST) {
		faults_duplicate(reader, entry->seen, key, (size_t)(key - table->keys), entry->at);
		entry->short_list = true;
		frames_open_list(reader, key, entry->object, entry->at);
		return;
	}
	faults_entry_kind(reader, frame->key, event, entry->at);
	if (entry->drop)
		frames_drop_entry(entry);
	reader->depth--;
	skip(reader);
}

static void on_open(struct reader *reader, const struct yaml_event *event)
{
	struct frame *frame = frames_top(reader);

	switch (frame->kind) {
	case IN_MAP:
		if (!frame->value_next) {
			diag_add(reader->diag, SK_KEY_COMPLEX,
				 frames_place_or(event->at, frame->at),
				 "%sa key must be one word, not %s", faults_subject(reader),
				 faults_given(event));
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
		diag_add(reader->diag, SK_KEY_COMPLEX, frames_place_or(event->at, frame->at),
			 "%sa name must be one word, not %s", faults_subject(reader),
			 faults_given(event));
		frame->value_next = true;
		frame->entry = NULL;
		skip(reader);
		return;
	case IN_ENTRIES:
		if (event->kind == YAML_MAP) {
			frames_open_entry(reader, frame->key, frame->object,
					  frames_place_or(event->at, frame->at));
			return;
		}
		faults_entry_kind(reader, frame->key, event, frame->at);
		skip(reader);
		return;
	case IN_LIST:
		frame->filled = true;
		diag_add(reader->diag, SK_KIND_WRONG, frames_place_or(event->at, frame->at),
			 "%s%s takes words, not %s within the list", faults_subject(reader),
			 frame->key->name, faults_given(event));
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
	frame = frames_top(reader);
	if (frame->kind == IN_MAP)
		finish_map(reader, frame);
	else if (frame->kind == IN_LIST)
		finish_list(reader, frame);
	reader->depth--;
	if (reader->depth && frames_top(reader)->kind == IN_MAP && frames_top(reader)->short_list) {
		finish_map(reader, frames_top(reader));
		reader->depth--;
	}
}

// An alias stands where a scalar may: it is told and then counts as a value that was read.
static void on_alias(struct reader *reader, const struct yaml_event *event)
{
	struct frame *frame = reader->depth ? frames_top(reader) : NULL;

	if (!frame || reader->skipped || frame->kind != IN_MAP || !frame->value_next ||
	    !frame->merges)
		faults_alias(reader, event->at);
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
		frames_drop_entry(&reader->frames[reader->depth]);
	}
	frame->value_next = !frame->value_next;
}

static void on_root(struct reader *reader, const struct yaml_event *event)
{
	reader->rooted = true;
	if (event->kind == YAML_MAP) {
		frames_push(reader, IN_MAP, reader->table, NULL, reader->object, event->at);
		return;
	}
	if (event->kind == YAML_SCALAR && event->null)
		return;
	diag_add(reader->diag, SK_ROOT_KIND, event->at,
		 "a file of a %s begins with keys such as \"%s:\", not with %s",
		 reader->table->noun, reader->table->keys[2].name, faults_given(event));
	if (event->kind == YAML_LIST)
		skip(reader);
}

// false: the file is not to be read further.
static bool on_event(struct reader *reader, const struct yaml_event *event)
{
	bool opens = event->kind == YAML_LIST || event->kind == YAML_MAP;

	if (diag_count(reader->diag) >= DIAG_MAX) // nobody reads more, and each takes memory
		return false;
	if (event->decorated)
		faults_decoration(reader, event);
	if (opens && reader->depth + reader->skipped >= POL_DEPTH_MAX) {
		diag_add(
			reader->diag, SK_YAML_DEPTH, event->at,
			"more than %d lists and maps stand within one another here; a policy needs no more "
			"than 6",
			POL_DEPTH_MAX);
		return false;
	}
	if (event->kind == YAML_DOCUMENT) {
		if (reader->begun)
			diag_add(
				reader->diag, SK_YAML_DOCUMENTS, event->at,
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

int reader_file(struct reader *reader, const char *name, const char *bytes, size_t size)
{
	struct source_text *text = arena_new_of(reader->arena, struct source_text);
	struct yaml_event event;
	struct yaml *yaml;
	int r;

	r = source_check(name, bytes, size, reader->arena, reader->diag, text);
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
			faults_syntax(reader, &event);
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
