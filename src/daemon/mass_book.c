#include "daemon/mass_book.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
	[MAIL_STOP_SOURCE] = "source",
	[MAIL_STOP_SENDER] = "sender",
	[MAIL_STOP_ZONE] = "zone",
};

const char *mass_stop_kind(const struct mass_stop *stop)
{
	if (stop->stop.kind < MAIL_STOP_ALL)
		return kinds[stop->stop.kind];
	return stop->stop.directions == MAIL_BOTH_WAYS ? "all" : "direction";
}

static const char *parse_direction(const char *name, struct mass_stop *ret)
{
	ret->stop.kind = MAIL_STOP_ALL;
	ret->stop.directions = strcmp(name, "in") == 0 ? MAIL_IN : MAIL_OUT;
	return ret->stop.directions == MAIL_OUT && strcmp(name, "out") != 0
		       ? "a direction is in or out"
		       : NULL;
}

// The /64 of a single IPv6 address, for a host has many.
static const char *parse_source(const char *name, struct mass_stop *ret)
{
	struct addr_range *range = &ret->stop.source;
	const addr_bits below = ((addr_bits)1 << 64) - 1;
	char text[ADDR_TEXT_MAX];

	if (addr_range_parse(name, range) < 0)
		return "a source is an address or a network";
	if (range->family == ADDR_V6 && (range->lo >> 64) == (range->hi >> 64)) {
		range->lo &= ~below;
		range->hi |= below;
	}
	snprintf(ret->name, sizeof(ret->name), "%s", addr_range_text(range, text));
	return NULL;
}

// An address, or "#" and what is kept of it.
static const char *parse_sender(const char *name, struct mass_stop *ret)
{
	char *end;

	ret->stop.sender = name[0] == '#' ? strtoull(name + 1, &end, 16)
					  : mail_sender_hash((const uint8_t *)name, strlen(name));
	if (name[0] == '#' && (*end || strlen(name) != 17))
		return "a sender is an address of mail";
	return NULL;
}

const char *mass_stop_parse(const char *kind, const char *name, struct mass_stop *ret)
{
	*ret = (struct mass_stop){ .stop.directions = MAIL_BOTH_WAYS };
	if (strcmp(kind, "all") == 0) {
		ret->stop.kind = MAIL_STOP_ALL;
		return *name ? "all has no name" : NULL;
	}
	if (!*name || strlen(name) >= sizeof(ret->name))
		return "say which: source ADDRESS, sender ADDRESS, zone NAME, direction in or out";
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	if (strcmp(kind, "direction") == 0)
		return parse_direction(name, ret);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i]) == 0)
			ret->stop.kind = (uint32_t)i + 1;
	if (!ret->stop.kind)
		return "what is stopped is a source, a sender, a zone, a direction, or all";
	ret->stop.kind--;
	if (ret->stop.kind == MAIL_STOP_SOURCE)
		return parse_source(name, ret);
	if (ret->stop.kind == MAIL_STOP_SENDER)
		return parse_sender(name, ret);
	snprintf(ret->stop.zone, sizeof(ret->stop.zone), "%s", name);
	return strlen(name) < sizeof(ret->stop.zone) ? NULL : "there is no such zone";
}

const char *mass_stop_words(const struct mass_stop *stop, char out[MASS_STOP_WORDS_MAX])
{
	const char *kind = mass_stop_kind(stop);
	const char *way = stop->stop.directions == MAIL_IN    ? " (in)"
			  : stop->stop.directions == MAIL_OUT ? " (out)"
							      : "";

	if (stop->stop.kind == MAIL_STOP_ALL)
		way = "";
	snprintf(out, MASS_STOP_WORDS_MAX, "%s%s%s%s", kind, *stop->name ? " " : "", stop->name,
		 way);
	return out;
}

static bool is_same(const struct mass_stop *a, const struct mass_stop *b)
{
	return a->stop.kind == b->stop.kind && a->stop.directions == b->stop.directions &&
	       (a->stop.kind == MAIL_STOP_SENDER ? a->stop.sender == b->stop.sender
						 : strcmp(a->name, b->name) == 0);
}

struct mass_stop *mass_book_find(struct mass_book *book, const struct mass_stop *like)
{
	for (size_t i = 0; i < book->n; i++)
		if (is_same(&book->v[i], like))
			return &book->v[i];
	return NULL;
}

void mass_book_take(struct mass_book *book, struct mass_stop *stop)
{
	size_t at = (size_t)(stop - book->v);

	memmove(stop, stop + 1, (book->n - at - 1) * sizeof(*stop));
	book->n--;
}

static struct mass_stop *least(struct mass_book *book)
{
	struct mass_stop *least = NULL;

	for (size_t i = 0; i < book->n; i++) {
		struct mass_stop *at = &book->v[i];

		if (at->stop.kind == MAIL_STOP_SOURCE && !*at->actor && at->stop.until_us &&
		    (!least || at->stop.until_us < least->stop.until_us))
			least = at;
	}
	return least;
}

int mass_book_put(struct mass_book *book, const struct mass_stop *stop)
{
	struct mass_stop *there = mass_book_find(book, stop);

	if (!there && book->n == MAIL_STOPS_MAX) {
		there = least(book);
		if (!there)
			return -ENOSPC;
	}
	if (!there)
		there = &book->v[book->n++];
	*there = *stop;
	return 0;
}

void mass_book_stops(const struct mass_book *book, struct mail_stops *ret)
{
	ret->n = book->n;
	for (size_t i = 0; i < book->n; i++)
		ret->v[i] = book->v[i].stop;
}

// --- the file

#define FIELD(name, member)                                                                        \
	{                                                                                          \
		name, offsetof(struct mass_stop, member), sizeof(((struct mass_stop *)0)->member)  \
	}

static const struct field {
	const char *name;
	size_t offset, size;
} texts[] = {
	FIELD("actor", actor),
	FIELD("reason", reason),
	FIELD("asked_by", asked_by),
}, numbers[] = {
	FIELD("directions", stop.directions), FIELD("until", stop.until_us),
	FIELD("since", since_us),	      FIELD("asked_uid", asked_uid),
	FIELD("asked_login_uid", asked_login_uid), FIELD("asked", asked_us),
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct json_object *write_one(const struct mass_stop *stop)
{
	struct json_object *object = json_object_new_object();
	const char *base = (const char *)stop;

	json_object_object_add(object, "kind", json_object_new_string(mass_stop_kind(stop)));
	json_object_object_add(object, "name", json_object_new_string(stop->name));
	for (size_t i = 0; i < COUNT(texts); i++)
		json_object_object_add(object, texts[i].name,
				       json_object_new_string(base + texts[i].offset));
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uint64_t number = 0;
		memcpy(&number, base + numbers[i].offset, numbers[i].size);
		json_object_object_add(object, numbers[i].name, json_object_new_uint64(number));
	}
	return object;
}

char *mass_book_text(const struct mass_book *book)
{
	struct json_object *list = json_object_new_array();
	char *text;

	for (size_t i = 0; i < book->n; i++)
		json_object_array_add(list, write_one(&book->v[i]));
	text = strdup(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY));
	json_object_put(list);
	return text;
}

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) &&
			       json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : NULL;
}

static bool read_fields(struct json_object *object, struct mass_stop *ret)
{
	char *base = (char *)ret;

	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *text = text_of(object, texts[i].name);

		if (!text || strlen(text) >= texts[i].size)
			return false;
		memcpy(base + texts[i].offset, text, strlen(text) + 1);
	}
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct json_object *value;
		uint64_t number;

		if (!json_object_object_get_ex(object, numbers[i].name, &value) ||
		    !json_object_is_type(value, json_type_int))
			return false;
		number = json_object_get_uint64(value);
		memcpy(base + numbers[i].offset, &number, numbers[i].size);
	}
	return ret->stop.directions > 0 && ret->stop.directions <= MAIL_BOTH_WAYS;
}

static bool read_one(struct json_object *object, struct mass_stop *ret)
{
	const char *kind = text_of(object, "kind"), *name = text_of(object, "name");
	uint32_t directions;

	if (!kind || !name || mass_stop_parse(kind, name, ret))
		return false;
	directions = ret->stop.directions;
	if (!read_fields(object, ret))
		return false;
	return ret->stop.kind != MAIL_STOP_ALL || ret->stop.directions == directions;
}

int mass_book_read(const char *text, struct mass_book *ret)
{
	struct json_object *list = json_tokener_parse(text);
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list)
							      : SIZE_MAX;
	int r = n <= MAIL_STOPS_MAX ? 0 : -EBADMSG;

	ret->n = 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (read_one(json_object_array_get_idx(list, i), &ret->v[i]))
			ret->n++;
		else
			r = -EBADMSG;
	}
	if (r < 0)
		ret->n = 0;
	json_object_put(list);
	return r;
}
