// Messages name the entry, what is wrong, and what to do, with an example from the table of keys.
#include "policy/faults.h"

#include <string.h>

#include "base/text.h"

// What a key takes, in words.
static const char *wanted(const struct key *key)
{
	static const char *const words[] = {
		[KEY_TEXT] = "one word or text",	[KEY_LIST] = "a list such as [a, b]",
		[KEY_BOOL] = "true or false",		[KEY_UINT] = "a number",
		[KEY_MAP] = "keys of its own below it", [KEY_ENTRIES] = "entries below it",
	};

	if (key->kind == KEY_ENTRIES && key->form == FORM_LIST)
		return "a list, each entry with a hyphen before it";
	if (key->kind == KEY_ENTRIES && key->form == FORM_KEYED)
		return "names below it, each with a colon";
	return words[key->kind];
}

const char *faults_given(const struct yaml_event *event)
{
	if (event->kind == YAML_SCALAR)
		return "one word";
	return event->kind == YAML_LIST ? "a list" : "keys with values";
}

// 'zone "office": ', for messages about something within an entry.
const char *faults_subject(const struct reader *reader)
{
	for (size_t i = reader->depth; i-- > 0;) {
		const struct frame *frame = &reader->frames[i];
		const struct pol_text *id =
			frame->kind == IN_MAP ? frames_id_of(frame->table, frame->object) : NULL;

		if (id && id->s)
			return arena_printf(reader->arena, "%s \"%s\": ", frame->table->noun,
					    value_shown(reader->arena, id->s, strlen(id->s)));
	}
	return "";
}

void faults_value(struct reader *reader, const struct value_fault *fault, struct place otherwise)
{
	diag_add(reader->diag, fault->code, frames_place_or(fault->at, otherwise), "%s%s",
		 faults_subject(reader), fault->message);
}

void faults_kind(struct reader *reader, const struct key *key, const struct yaml_event *event,
		 struct place otherwise)
{
	struct place at = frames_place_or(event->at, otherwise);

	if (event->kind == YAML_SCALAR && memchr(event->text, ':', event->length))
		diag_add(
			reader->diag, SK_KIND_WRONG, at,
			"%s%s takes %s, not %s; is there a space after each colon? (example: %s: %s)",
			faults_subject(reader), key->name, wanted(key), faults_given(event),
			key->name, key->example);
	else
		diag_add(reader->diag, SK_KIND_WRONG, at, "%s%s takes %s, not %s (example: %s: %s)",
			 faults_subject(reader), key->name, wanted(key), faults_given(event),
			 key->name, key->example);
}

// The same where an entry of a section should be.
void faults_entry_kind(struct reader *reader, const struct key *key, const struct yaml_event *event,
		       struct place otherwise)
{
	const struct key *first = key->table->keys;

	while (!first->required ||
	       (key->form == FORM_KEYED && !strcmp(first->name, key->table->id)))
		if (++first == key->table->keys + key->table->n_keys) {
			first = key->table->keys;
			break;
		}
	diag_add(reader->diag, SK_KIND_WRONG, frames_place_or(event->at, otherwise),
		 "%seach %s is made of keys such as \"%s: %s\", not of %s", faults_subject(reader),
		 key->table->noun, first->name, first->example, faults_given(event));
}

void faults_unknown_key(struct reader *reader, const struct frame *frame,
			const struct yaml_event *event)
{
	const char *shown = value_shown(reader->arena, event->text, event->length);
	struct text_nearest nearest = { .wanted = shown };
	const char *list = "";
	struct place at = frames_place_or(event->at, frame->at);
	size_t index, count;

	for (size_t i = 0; i < frame->table->n_keys; i++) {
		text_nearest_try(&nearest, frame->table->keys[i].name);
		list = arena_printf(reader->arena, "%s%s%s", list, i ? ", " : "",
				    frame->table->keys[i].name);
	}
	if (value_full_width(shown, strlen(shown), &index, &count)) {
		if (at.column + index + count - 1 <= at.column_end) {
			at.column += (uint32_t)index;
			at.column_end = at.column + (uint32_t)count - 1;
		}
		diag_add(reader->diag, SK_FULL_WIDTH_WORD, at,
			 "%sthe key \"%s\" holds full-width characters; write it half-width",
			 faults_subject(reader), shown);
	} else if (nearest.name) {
		diag_add(reader->diag, SK_KEY_UNKNOWN, at,
			 "%s\"%s\" is no key here; did you mean \"%s\"?", faults_subject(reader),
			 shown, nearest.name);
	} else {
		diag_add(reader->diag, SK_KEY_UNKNOWN, at, "%s\"%s\" is no key here; there are %s",
			 faults_subject(reader), shown, list);
	}
}

void faults_alias(struct reader *reader, struct place at)
{
	diag_add(reader->diag, SK_YAML_ALIAS, at,
		 "%saliases (*name) and merge keys (<<) are not read; write the values out",
		 faults_subject(reader));
}

bool faults_duplicate(struct reader *reader, struct seen *seen, const struct key *key, size_t i,
		      struct place at)
{
	uint32_t bit = UINT32_C(1) << i;

	if (!(seen->bits & bit)) {
		seen->bits |= bit;
		seen->first[i] = at;
		return false;
	}

	size_t index = diag_add(reader->diag, SK_KEY_DUPLICATE, at,
				"%s%s is given twice; keep one of them", faults_subject(reader),
				key->name);

	diag_second(reader->diag, index, seen->first[i], "first given here");
	return true;
}

void faults_missing(struct reader *reader, struct frame *frame)
{
	const struct key_table *table = frame->table;
	const struct pol_text *id = frames_id_of(table, frame->object);
	struct place at = id && id->s ? id->at : frame->at;
	const char *whose = arena_printf(
		reader->arena, id && id->s ? "%s" : "%s%s: ", faults_subject(reader), table->noun);
	const char *one_of = "";
	unsigned found = 0;

	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];
		bool seen = frame->seen->bits & UINT32_C(1) << i;

		if (key->one_of) {
			found += seen;
			one_of = arena_printf(reader->arena, "%s%s%s", one_of, *one_of ? ", " : "",
					      key->name);
		}
		if (!key->required || seen)
			continue;
		diag_add(reader->diag, SK_KEY_MISSING, at,
			 "%s%s is missing; write it (example: %s: %s)", whose, key->name, key->name,
			 key->example);
	}
	if (*one_of && found != 1)
		diag_add(reader->diag, SK_KEY_ONE_OF, at, "%swrite exactly one of %s", whose,
			 one_of);
}

void faults_decoration(struct reader *reader, const struct yaml_event *event)
{
	if (event->is_tag)
		diag_add(reader->diag, SK_YAML_TAG, event->decoration_at,
			 "%stags (!name) are not read; take it away", faults_subject(reader));
	else
		diag_add(reader->diag, SK_YAML_ANCHOR, event->decoration_at,
			 "%sanchors (&name) are not read; take it away", faults_subject(reader));
}

void faults_syntax(struct reader *reader, const struct yaml_event *event)
{
	diag_add(reader->diag, SK_YAML_SYNTAX, event->at, "%s", yaml_words(event->text));
}
