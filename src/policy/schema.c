// The JSON Schema (draft 2020-12) of a policy file, by the table of keys.
#include "policy/print.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "policy/box.h"
#include "policy/keys.h"

#define ID_PATTERN   "[a-z0-9][a-z0-9-]*"
#define DATE_PATTERN "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"

static const struct {
	const char *pattern;
	int length_max;
} words[] = {
	[WORD_FREE] = { ".", POL_SCALAR_BYTES_MAX },
	[WORD_NAME] = { "^[^\\s\"\\uff01-\\uff5e\\u3000-\\u3002]+$", POL_SCALAR_BYTES_MAX },
	[WORD_ID] = { "^" ID_PATTERN "$", ID_BYTES_MAX },
	[WORD_ZONE_ID] = { "^" ID_PATTERN "$", ZONE_ID_BYTES_MAX },
	[WORD_NETWORK_ID] = { "^(" ID_PATTERN "/)?" ID_PATTERN "$",
			      ZONE_ID_BYTES_MAX + 1 + ID_BYTES_MAX },
	[WORD_DATE] = { DATE_PATTERN, 0 },
	[WORD_PATH] = { "^/", 0 },
	[WORD_SIZE] = { "^[1-9][0-9]{0,12} ?[KMG]i?B$", 0 },
	[WORD_RATE] = { "^[1-9][0-9]{0,6}/(s|min|h|day)$", 0 },
};

static void add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static struct json_object *of_type(const char *type)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "type", type);
	return object;
}

static struct json_object *ref_to(const char *noun)
{
	struct json_object *object = json_object_new_object();
	char path[96];

	snprintf(path, sizeof(path), "#/$defs/%s", noun);
	add_text(object, "$ref", path);
	return object;
}

static struct json_object *any_of(struct json_object *a, struct json_object *b)
{
	struct json_object *object = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_object_array_add(list, a);
	json_object_array_add(list, b);
	json_object_object_add(object, "anyOf", list);
	return object;
}

static struct json_object *choices_of(const struct key *key)
{
	struct json_object *object = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (const char *const *choice = key->choices; *choice; choice++) {
		json_object_array_add(list, json_object_new_string(*choice));
		if (strspn(*choice, "0123456789") ==
		    strlen(*choice)) // YAML reads a bare 1 as a number
			json_object_array_add(list, json_object_new_int(atoi(*choice)));
	}
	json_object_object_add(object, "enum", list);
	return object;
}

static struct json_object *number_of(const struct key *key)
{
	struct json_object *object = of_type("integer");

	json_object_object_add(object, "minimum", json_object_new_int64((int64_t)key->min));
	json_object_object_add(object, "maximum", json_object_new_int64((int64_t)key->max));
	return object;
}

static struct json_object *word_of(const struct key *key)
{
	struct json_object *object;

	if (key->word == WORD_CHOICE)
		return choices_of(key);
	if (key->word == WORD_CHOICE_OR_UINT)
		return any_of(choices_of(key), number_of(key));
	object = of_type("string");
	add_text(object, "pattern", words[key->word].pattern);
	if (words[key->word].length_max)
		json_object_object_add(object, "maxLength",
				       json_object_new_int(words[key->word].length_max));
	if (key->choices)
		return any_of(choices_of(key), object);
	// Numbers such as 7 or 2027 are texts as well as far as the reader is concerned.
	return key->word == WORD_FREE || key->word == WORD_NAME ? any_of(object, of_type("number"))
								: object;
}

static struct json_object *list_of(struct json_object *items, bool may_be_empty)
{
	struct json_object *object = of_type("array");

	json_object_object_add(object, "items", items);
	if (!may_be_empty)
		json_object_object_add(object, "minItems", json_object_new_int(1));
	return object;
}

static struct json_object *keyed_of(const struct key *key)
{
	const struct key_table *table = key->table;
	const struct key *id = keys_find(table, table->id, strlen(table->id));
	struct json_object *object = of_type("object");
	struct json_object *entry = json_object_new_object();
	char noun[64];

	snprintf(noun, sizeof(noun), "%s-body", table->noun);
	if (id->word != WORD_FREE) {
		add_text(entry, "pattern", words[id->word].pattern);
		json_object_object_add(entry, "maxLength",
				       json_object_new_int(words[id->word].length_max));
		json_object_object_add(object, "propertyNames", entry);
	} else {
		json_object_put(entry);
	}
	entry = ref_to(noun);
	if (table->short_form) {
		const struct key *brief =
			keys_find(table, table->short_form, strlen(table->short_form));

		entry = any_of(entry,
			       brief->kind == KEY_LIST
				       ? any_of(word_of(brief), list_of(word_of(brief), false))
				       : word_of(brief));
	}
	json_object_object_add(object, "additionalProperties", entry);
	return object;
}

static struct json_object *entries_of(const struct key *key)
{
	const struct key_table *table = key->table;
	struct json_object *list;

	if (key->form == FORM_KEYED)
		return keyed_of(key);
	list = list_of(ref_to(table->noun), true);
	if (!table->id)
		return any_of(list, ref_to(table->noun));
	return key->form == FORM_EITHER ? any_of(list, keyed_of(key)) : list;
}

static struct json_object *key_schema(const struct key *key)
{
	struct json_object *object = NULL;

	switch (key->kind) {
	case KEY_TEXT:
		object = word_of(key);
		break;
	case KEY_LIST:
		object = any_of(word_of(key), list_of(word_of(key), key->may_be_empty));
		break;
	case KEY_BOOL:
		object = of_type("boolean");
		break;
	case KEY_UINT:
		object = number_of(key);
		break;
	case KEY_MAP:
		object = ref_to(key->table->noun);
		break;
	case KEY_ENTRIES:
		object = entries_of(key);
		break;
	}
	add_text(object, "description", key->about);
	return object;
}

// Exactly one of the keys that say so.
static void add_one_of(const struct key_table *table, struct json_object *object)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < table->n_keys; i++) {
		struct json_object *item, *names;

		if (!table->keys[i].one_of)
			continue;
		item = json_object_new_object();
		names = json_object_new_array();
		json_object_array_add(names, json_object_new_string(table->keys[i].name));
		json_object_object_add(item, "required", names);
		json_object_array_add(list, item);
	}
	if (json_object_array_length(list))
		json_object_object_add(object, "oneOf", list);
	else
		json_object_put(list);
}

static void fill_table(const struct key_table *table, const char *without,
		       struct json_object *object)
{
	struct json_object *properties = json_object_new_object();
	struct json_object *required = json_object_new_array();

	add_text(object, "description", table->about);
	add_text(object, "type", "object");
	json_object_object_add(object, "additionalProperties", json_object_new_boolean(false));
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];

		if (without && !strcmp(without, key->name))
			continue;
		json_object_object_add(properties, key->name, key_schema(key));
		if (key->required)
			json_object_array_add(required, json_object_new_string(key->name));
	}
	json_object_object_add(object, "properties", properties);
	if (json_object_array_length(required))
		json_object_object_add(object, "required", required);
	else
		json_object_put(required);
	add_one_of(table, object);
}

// Tables below this one; recursion follows the table, which is finite.
static void add_defs(const struct key_table *table, struct json_object *defs)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];
		struct json_object *object;
		char noun[64];

		if (key->kind != KEY_MAP && key->kind != KEY_ENTRIES)
			continue;
		if (key->kind == KEY_MAP || key->form != FORM_KEYED) {
			object = json_object_new_object();
			fill_table(key->table, NULL, object);
			json_object_object_add(defs, key->table->noun, object);
		}
		if (key->kind == KEY_ENTRIES && key->form != FORM_LIST) {
			snprintf(noun, sizeof(noun), "%s-body", key->table->noun);
			object = json_object_new_object();
			fill_table(key->table, key->table->id, object);
			json_object_object_add(defs, noun, object);
		}
		add_defs(key->table, defs);
	}
}

static void print_schema(const struct key_table *table, const char *title, FILE *out)
{
	struct json_object *root = json_object_new_object();
	struct json_object *defs = json_object_new_object();

	add_text(root, "$schema", "https://json-schema.org/draft/2020-12/schema");
	add_text(root, "title", title);
	fill_table(table, NULL, root);
	add_defs(table, defs);
	json_object_object_add(root, "$defs", defs);
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
}

void policy_print_schema(FILE *out)
{
	print_schema(&keys_policy, "Sekisho policy, version 1", out);
}

void box_print_schema(FILE *out)
{
	print_schema(&keys_box, "Sekisho box file", out);
}
