// What an incident says of itself, and reading that back without trust.
#include "keep/incident_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "base/clock.h"

enum { JSON_DEPTH_MAX = 8 };

static const char *const kinds[INCIDENT_KIND_COUNT] = {
	[INCIDENT_ISOLATE] = "isolate",
	[INCIDENT_QUARANTINE] = "quarantine",
	[INCIDENT_BY_HAND] = "by-hand",
};

static const char *const steps[INCIDENT_STEP_COUNT] = {
	[INCIDENT_OPENED] = "opened",		[INCIDENT_EVIDENCE] = "evidence",
	[INCIDENT_RECONNECTED] = "reconnected", [INCIDENT_NOTED] = "noted",
	[INCIDENT_EXPORTED] = "exported",	[INCIDENT_CLOSED] = "closed",
};

const char *incident_step_word(enum incident_step_kind kind)
{
	return steps[kind];
}

// --- writing

// Where a text of that many bytes may be cut without cutting a letter.
static size_t cut_at(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);
	if (length <= max)
		return length;
	length = max;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

static void put_text(struct json_object *object, const char *member, const char *text)
{
	if (text && *text)
		json_object_object_add(
			object, member,
			json_object_new_string_len(text, (int)cut_at(text, INCIDENT_TEXT_MAX)));
}

static void put_number(struct json_object *object, const char *member, uint64_t number)
{
	json_object_object_add(object, member, json_object_new_uint64(number));
}

static void put_texts(struct json_object *object, const char *member, const char *const *texts,
		      size_t n)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < n; i++)
		if (texts[i] && *texts[i])
			json_object_array_add(array, json_object_new_string(texts[i]));
	json_object_object_add(object, member, array);
}

static void put_time(struct json_object *object, uint64_t usec)
{
	time_t seconds = (time_t)(usec / 1000000);
	char date[32] = "", zone[8] = "", text[64];
	struct tm tm;
	if (localtime_r(&seconds, &tm)) {
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		strftime(zone, sizeof(zone), "%z", &tm); // "+0900"; RFC 3339 has a colon in it
	}
	snprintf(text, sizeof(text), "%s.%06u%.3s:%.2s", date, (unsigned)(usec % 1000000), zone,
		 strlen(zone) == 5 ? zone + 3 : "");
	put_text(object, "time", text);
	put_number(object, "usec", usec);
}

static void put_person(struct json_object *object, const char *actor, uint32_t uid,
		       uint32_t login_uid)
{
	if (!actor || !*actor)
		return;
	put_text(object, "actor", actor);
	put_number(object, "uid", uid);
	if (login_uid != INCIDENT_NO_LOGIN)
		put_number(object, "login_uid", login_uid);
}

static uint64_t time_or_now(uint64_t usec)
{
	return usec ? usec : wall_us();
}

static struct json_object *json_zones(const struct incident_box *box)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < box->n_zones; i++) {
		const struct incident_zone *zone = &box->zones[i];
		struct json_object *object = json_object_new_object();
		put_text(object, "id", zone->id);
		put_text(object, "title", zone->title);
		put_text(object, "role", zone->role);
		put_text(object, "class", zone->class);
		put_texts(object, "interfaces", zone->interfaces, zone->n_interfaces);
		put_texts(object, "networks", zone->networks, zone->n_networks);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *json_contacts(const struct incident_box *box)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < box->n_contacts; i++) {
		struct json_object *object = json_object_new_object();
		put_text(object, "role", box->contacts[i].role);
		put_text(object, "title", box->contacts[i].title);
		put_text(object, "contact", box->contacts[i].contact);
		put_text(object, "hours", box->contacts[i].hours);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *json_box(const struct incident_box *box)
{
	struct json_object *object = json_object_new_object();
	put_text(object, "host", box->host);
	put_text(object, "version", box->version);
	put_number(object, "generation", box->generation);
	put_text(object, "digest", box->digest);
	json_object_object_add(object, "zones", json_zones(box));
	json_object_object_add(object, "contacts", json_contacts(box));
	return object;
}

struct json_object *incident_json_about(uint64_t number, const struct incident_what *what,
					const struct incident_box *box)
{
	struct json_object *about = json_object_new_object();
	put_number(about, "number", number);
	put_time(about, time_or_now(what->time_usec));
	put_text(about, "kind", kinds[what->kind]);
	put_text(about, "scope", what->scope);
	put_text(about, "subject", what->subject);
	put_texts(about, "zones", what->zones,
		  what->n_zones < INCIDENT_ZONES_MAX ? what->n_zones : INCIDENT_ZONES_MAX);
	put_person(about, what->actor, what->uid, what->login_uid);
	put_text(about, "reason", what->reason);
	put_text(about, "ordered_by", what->ordered_by);
	json_object_object_add(about, "own_judgment", json_object_new_boolean(what->own_judgment));
	put_text(about, "source", what->source);
	put_text(about, "detail", what->detail);
	json_object_object_add(about, "box", json_box(box));
	return about;
}

struct json_object *incident_json_step(const struct incident_step *step)
{
	struct json_object *object = json_object_new_object();
	put_time(object, time_or_now(step->time_usec));
	put_text(object, "step", steps[step->kind]);
	put_person(object, step->actor, step->uid, step->login_uid);
	put_text(object, "text", step->text);
	put_text(object, "prevention", step->prevention);
	if (step->parts)
		json_object_object_add(object, "parts", json_object_get(step->parts));
	return object;
}

// --- reading

const char *incident_text(struct json_object *object, const char *member)
{
	struct json_object *value = NULL;
	if (!json_object_object_get_ex(object, member, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

uint64_t incident_number(struct json_object *object, const char *member)
{
	struct json_object *value = NULL;
	if (!json_object_object_get_ex(object, member, &value) ||
	    !json_object_is_type(value, json_type_int))
		return 0;
	return json_object_get_uint64(value);
}

// One JSON object and nothing after it but space; NULL otherwise.
static struct json_object *parse_object(const char *bytes, size_t size)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	struct json_object *object = NULL;
	size_t end = 0;
	if (!tokener || size > INCIDENT_TIMELINE_MAX)
		goto out;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, bytes, (int)size);
	if (json_tokener_get_error(tokener) == json_tokener_success)
		end = json_tokener_get_parse_end(tokener);
	while (end && end < size && strchr(" \t\r\n", bytes[end]) && bytes[end])
		end++;
	if (end != size || !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
out:
	if (tokener)
		json_tokener_free(tokener);
	return object;
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

int incident_parse_about(const char *bytes, size_t size, struct json_object **ret_about)
{
	struct json_object *about = size <= INCIDENT_ABOUT_MAX ? parse_object(bytes, size) : NULL;
	uint64_t number = about ? incident_number(about, "number") : 0;
	if (!number || number > INCIDENT_NUMBER_MAX || !incident_number(about, "usec") ||
	    !is_one_of(incident_text(about, "kind"), kinds, INCIDENT_KIND_COUNT)) {
		json_object_put(about);
		return -EBADMSG;
	}
	*ret_about = about;
	return 0;
}

int incident_parse_timeline(const char *bytes, size_t size, struct json_object **ret_steps,
			    size_t *ret_torn)
{
	struct json_object *array = json_object_new_array();
	size_t torn = 0;
	if (!array)
		return -ENOMEM;
	for (size_t at = 0; at < size;) {
		const char *newline = memchr(bytes + at, '\n', size - at);
		size_t length = newline ? (size_t)(newline - bytes) - at : size - at;
		struct json_object *step = newline ? parse_object(bytes + at, length) : NULL;
		if (step && is_one_of(incident_text(step, "step"), steps, INCIDENT_STEP_COUNT) &&
		    incident_number(step, "usec") &&
		    json_object_array_length(array) < INCIDENT_STEPS_MAX) {
			json_object_array_add(array, step);
		} else {
			torn += length > 0;
			json_object_put(step);
		}
		at += length + 1;
	}
	*ret_steps = array;
	*ret_torn = torn;
	return 0;
}
