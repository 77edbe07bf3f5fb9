// The book as JSON.  Whoever reads it at boot has nothing else to go by: what makes no sense is an
// error, never a shorter list.
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/isolation_book.h"

#define FIELD(name, member)                                                                        \
	{                                                                                          \
		name, offsetof(struct isolated, member), sizeof(((struct isolated *)0)->member)    \
	}

enum { FILE_DEPTH = 8 };

static const struct field {
	const char *name;
	size_t offset, size;
} texts[] = {
	FIELD("actor", actor),		 FIELD("reason", reason),
	FIELD("ordered_by", ordered_by), FIELD("asked_by", asked_by),
	FIELD("asked_reason", asked_reason), FIELD("left_by", left_by),
	FIELD("left_reason", left_reason),
}, numbers[] = {
	FIELD("since", cut.since),	 FIELD("uid", uid),
	FIELD("login_uid", login_uid),	 FIELD("pid", pid),
	FIELD("confirmed", confirmed_usec), FIELD("incident", incident),
	FIELD("until_usec", until_usec), FIELD("asked_uid", asked_uid),
	FIELD("asked_login_uid", asked_login_uid), FIELD("asked", asked_usec),
	FIELD("left_uid", left_uid), FIELD("left_login_uid", left_login_uid),
}, flags[] = {
	FIELD("quarantine", cut.quarantine), FIELD("total", cut.total),
	FIELD("by_hand", by_hand),	     FIELD("leaving", leaving),
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const void *at_const(const struct isolated *isolated, const struct field *field)
{
	return (const char *)isolated + field->offset;
}

static void *at(struct isolated *isolated, const struct field *field)
{
	return (char *)isolated + field->offset;
}

static uint64_t number_of(const struct isolated *isolated, const struct field *field)
{
	uint64_t wide;
	uint32_t narrow;

	if (field->size == sizeof(narrow)) {
		memcpy(&narrow, at_const(isolated, field), sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at_const(isolated, field), sizeof(wide));
	return wide;
}

static struct json_object *write_one(const struct isolated *isolated)
{
	struct json_object *object = json_object_new_object();
	struct json_object *targets = json_object_new_array(), *down = json_object_new_array();
	char until[BOOT_TEXT_MAX + 1] = "";

	json_object_object_add(object, "kind",
			       json_object_new_string(isolation_kind_word(isolated->cut.kind)));
	json_object_object_add(object, "name", json_object_new_string(isolated->cut.name));
	for (size_t i = 0; i < isolated->cut.n_targets; i++)
		json_object_array_add(targets,
				      json_object_new_string(isolated->cut.targets[i].text));
	json_object_object_add(object, "targets", targets);
	for (size_t i = 0; i < isolated->n_down; i++)
		json_object_array_add(down, json_object_new_string(isolated->down[i]));
	json_object_object_add(object, "down", down);
	for (size_t i = 0; i < COUNT(texts); i++)
		json_object_object_add(object, texts[i].name,
				       json_object_new_string(at_const(isolated, &texts[i])));
	for (size_t i = 0; i < COUNT(numbers); i++)
		json_object_object_add(object, numbers[i].name,
				       json_object_new_uint64(number_of(isolated, &numbers[i])));
	for (size_t i = 0; i < COUNT(flags); i++)
		json_object_object_add(
			object, flags[i].name,
			json_object_new_boolean(*(const bool *)at_const(isolated, &flags[i])));
	if (isolated->until.boot[0])
		boot_text(&isolated->until, until);
	json_object_object_add(object, "until", json_object_new_string(until));
	return object;
}

char *isolation_file_text(const struct isolated *v, size_t n)
{
	struct json_object *list = json_object_new_array();
	const char *text;
	char *copy;

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, write_one(&v[i]));
	text = json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE);
	copy = text ? strdup(text) : NULL;
	json_object_put(list);
	return copy;
}

// --- reading

static struct json_object *member(struct json_object *object, const char *name, json_type type)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) && json_object_is_type(value, type)
		       ? value
		       : NULL;
}

static int read_text(struct json_object *object, const char *name, char *out, size_t size)
{
	struct json_object *value = member(object, name, json_type_string);
	const char *text = value ? json_object_get_string(value) : NULL;
	size_t length = value ? (size_t)json_object_get_string_len(value) : size;

	if (!text || length >= size || strlen(text) != length)
		return -EBADMSG;
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\n' && text[i] != '\t') ||
		    text[i] == 0x7f)
			return -EBADMSG;
	memcpy(out, text, length + 1);
	return 0;
}

static int read_number(struct json_object *object, const struct field *field,
		       struct isolated *isolated)
{
	struct json_object *value = member(object, field->name, json_type_int);
	uint64_t wide = value ? json_object_get_uint64(value) : 0;
	uint32_t narrow = (uint32_t)wide;

	if (!value || json_object_get_int64(value) < 0 ||
	    (field->size == sizeof(narrow) && wide != narrow))
		return -EBADMSG;
	if (field->size == sizeof(narrow))
		memcpy(at(isolated, field), &narrow, sizeof(narrow));
	else
		memcpy(at(isolated, field), &wide, sizeof(wide));
	return 0;
}

static int read_targets(struct json_object *object, struct isolated *isolated)
{
	struct json_object *list = member(object, "targets", json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;

	isolated->cut.n_targets = 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		if (!json_object_is_type(one, json_type_string) ||
		    isolation_add_target(&isolated->cut, json_object_get_string(one)) < 0)
			return -EBADMSG;
	}
	return list && (n > 0) == (isolated->cut.kind != ISOLATION_ALL) ? 0 : -EBADMSG;
}

static int read_down(struct json_object *object, struct isolated *isolated)
{
	struct json_object *list = member(object, "down", json_type_array);
	size_t n = list ? json_object_array_length(list) : ISOLATED_DOWN_MAX + 1;

	if (n > ISOLATED_DOWN_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		if (!json_object_is_type(one, json_type_string) ||
		    !isolation_is_interface(json_object_get_string(one)))
			return -EBADMSG;
		snprintf(isolated->down[i], sizeof(isolated->down[i]), "%s",
			 json_object_get_string(one));
	}
	isolated->n_down = n;
	return 0;
}

static int read_one(struct json_object *object, struct isolated *ret)
{
	char kind[16], name[ISOLATION_NAME_MAX], until[BOOT_TEXT_MAX + 1];
	int r = json_object_is_type(object, json_type_object) ? 0 : -EBADMSG;

	*ret = (struct isolated){ 0 };
	if (r < 0 || read_text(object, "kind", kind, sizeof(kind)) < 0 ||
	    read_text(object, "name", name, sizeof(name)) < 0 || isolation_kind_find(kind) < 0 ||
	    isolation_init(&ret->cut, (enum isolation_kind)isolation_kind_find(kind), name) < 0)
		return -EBADMSG;
	r = read_targets(object, ret);
	if (r == 0)
		r = read_down(object, ret);
	for (size_t i = 0; i < COUNT(texts) && r == 0; i++)
		r = read_text(object, texts[i].name, at(ret, &texts[i]), texts[i].size);
	for (size_t i = 0; i < COUNT(numbers) && r == 0; i++)
		r = read_number(object, &numbers[i], ret);
	for (size_t i = 0; i < COUNT(flags) && r == 0; i++) {
		struct json_object *value = member(object, flags[i].name, json_type_boolean);

		if (!value)
			return -EBADMSG;
		*(bool *)at(ret, &flags[i]) = json_object_get_boolean(value);
	}
	if (r == 0)
		r = read_text(object, "until", until, sizeof(until));
	if (r == 0 && until[0] && boot_parse(until, &ret->until) < 0)
		r = -EBADMSG;
	return r;
}

int isolation_file_read(const char *text, struct isolated *v, size_t *ret_n)
{
	struct json_tokener *tokener = json_tokener_new_ex(FILE_DEPTH);
	struct json_object *list = NULL;
	size_t length = strlen(text), n = 0;
	int r = -EBADMSG;

	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	list = json_tokener_parse_ex(tokener, text, (int)length + 1);
	if (list && json_tokener_get_error(tokener) == json_tokener_success &&
	    json_object_is_type(list, json_type_array) &&
	    json_object_array_length(list) <= ISOLATIONS_MAX) {
		r = 0;
		for (; n < json_object_array_length(list) && r == 0; n++)
			r = read_one(json_object_array_get_idx(list, n), &v[n]);
	}
	json_object_put(list);
	json_tokener_free(tokener);
	if (r == 0)
		*ret_n = n;
	return r;
}
