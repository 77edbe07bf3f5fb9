// The tables of kinds and fields, and the three ways an event is written.
#include "event/event.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

static const struct event_kind_info kind_table[EVENT_KIND_COUNT] = {
	[EVENT_PACKET_ALLOWED] = { "packet-allowed", 6, "allowed" },
	[EVENT_PACKET_DENIED] = { "packet-denied", 5, "denied" },
	[EVENT_PACKET_SPOOFED] = { "packet-spoofed", 4, "spoofed source" },
	[EVENT_PACKET_INVALID] = { "packet-invalid", 5, "invalid packet" },
	[EVENT_LOG_SUPPRESSED] = { "log-suppressed", 4, "packet records not written" },
	[EVENT_LOG_LOST] = { "log-lost", 4, "packet records lost in the kernel" },
	[EVENT_STARTED] = { "started", 6, "started" },
	[EVENT_STOPPED] = { "stopped", 6, "stopped; the kernel's rules stay" },
	[EVENT_ADOPTED] = { "adopted", 6, "took over the running rules" },
	[EVENT_LOADED] = { "loaded", 6, "loaded the last good generation" },
	[EVENT_APPLIED] = { "applied", 5, "applied" },
	[EVENT_APPLY_REFUSED] = { "apply-refused", 4, "not applied" },
	[EVENT_GATE_OPEN] = { "gate-open", 5, "the gate is open" },
	[EVENT_GATE_CLOSED] = { "gate-closed", 4, "the gate is closed" },
	[EVENT_CALL_REFUSED] = { "call-refused", 4, "a call was refused" },
	[EVENT_INCIDENT_OPENED] = { "incident-opened", 4, "incident opened" },
	[EVENT_INCIDENT_EVIDENCE] = { "incident-evidence", 5, "evidence of an incident" },
	[EVENT_INCIDENT_NOTED] = { "incident-noted", 5, "noted on an incident" },
	[EVENT_INCIDENT_EXPORTED] = { "incident-exported", 4, "incident exported" },
	[EVENT_INCIDENT_CLOSED] = { "incident-closed", 5, "incident closed" },
	[EVENT_FAILED] = { "failed", 3, "failed" },
};

_Static_assert(EVENT_FIELD_COUNT <= 64, "struct event has a bit for each field");

static const struct {
	const char *name;    // JSON, and key=value
	const char *journal; // SEKISHO_ is put before
	bool number;
} field_table[EVENT_FIELD_COUNT] = {
	[EVENT_MESSAGE] = { "message", "REASON", false },
	[EVENT_FLOW] = { "flow", "FLOW", false },
	[EVENT_GENERATION] = { "generation", "GENERATION", true },
	[EVENT_FROM] = { "from", "FROM_ZONE", false },
	[EVENT_TO] = { "to", "TO_ZONE", false },
	[EVENT_INPUT] = { "in", "INTERFACE_IN", false },
	[EVENT_OUTPUT] = { "out", "INTERFACE_OUT", false },
	[EVENT_PROTOCOL] = { "protocol", "PROTOCOL", false },
	[EVENT_SOURCE] = { "source", "SOURCE", false },
	[EVENT_SOURCE_PORT] = { "source_port", "SOURCE_PORT", true },
	[EVENT_DESTINATION] = { "destination", "DESTINATION", false },
	[EVENT_DESTINATION_PORT] = { "port", "PORT", true },
	[EVENT_LENGTH] = { "length", "LENGTH", true },
	[EVENT_COUNT] = { "count", "COUNT", true },
	[EVENT_ACTOR] = { "actor", "ACTOR", false },
	[EVENT_UID] = { "uid", "UID", true },
	[EVENT_LOGIN_UID] = { "login_uid", "LOGIN_UID", true },
	[EVENT_PID] = { "pid", "PID", true },
	[EVENT_METHOD] = { "method", "METHOD", false },
	[EVENT_ZONE] = { "zone", "ZONE", false },
	[EVENT_NAME] = { "name", "NAME", false },
	[EVENT_REASON] = { "reason", "GIVEN_REASON", false },
	[EVENT_INCIDENT] = { "incident", "INCIDENT", true },
	[EVENT_PROPOSAL] = { "proposal", "PROPOSAL", true },
	[EVENT_DIGEST] = { "digest", "DIGEST", false },
	[EVENT_FLOWS] = { "flows", "FLOWS", true },
	[EVENT_ERRORS] = { "errors", "ERRORS", true },
	[EVENT_STATUS] = { "status", "STATUS", true },
};

const struct event_kind_info *event_kind_info(enum event_kind kind)
{
	return &kind_table[kind];
}

void event_init(struct event *event, enum event_kind kind, uint64_t time_usec)
{
	memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->time_usec = time_usec;
}

void event_text(struct event *event, enum event_field field, const char *text)
{
	if (!text || !*text)
		return;
	event->value[field].text = text;
	event->present |= UINT64_C(1) << field;
}

void event_number(struct event *event, enum event_field field, uint64_t number)
{
	event->value[field].number = number;
	event->present |= UINT64_C(1) << field;
}

static bool has(const struct event *event, unsigned field)
{
	return event->present & (UINT64_C(1) << field);
}

// Appends, and keeps out->used within size; what does not fit is cut.
struct line {
	char *out;
	size_t size, used;
};

static void put(struct line *line, const char *text)
{
	while (*text && line->used + 1 < line->size)
		line->out[line->used++] = *text++;
	if (line->size)
		line->out[line->used] = '\0';
}

// Text of others on a line of ours: no line breaks, no terminal's escapes.
static void put_clean(struct line *line, const char *text)
{
	char one[2] = "";
	for (size_t n = 0; *text && n < EVENT_TEXT_MAX; text++, n++) {
		one[0] = (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text;
		put(line, one);
	}
}

static void put_value(struct line *line, const struct event *event, unsigned field)
{
	char number[24];
	if (field_table[field].number) {
		snprintf(number, sizeof(number), "%llu",
			 (unsigned long long)event->value[field].number);
		put(line, number);
	} else {
		put_clean(line, event->value[field].text);
	}
}

void event_write_text(const struct event *event, char *out, size_t size)
{
	struct line line = { out, size, 0 };
	put(&line, kind_table[event->kind].words);
	for (unsigned field = 0; field < EVENT_FIELD_COUNT; field++) {
		if (!has(event, field))
			continue;
		put(&line, field == EVENT_MESSAGE ? ": " : " ");
		if (field != EVENT_MESSAGE) {
			put(&line, field_table[field].name);
			put(&line, "=");
		}
		put_value(&line, event, field);
	}
}

static void time_text(uint64_t usec, char out[40])
{
	time_t seconds = (time_t)(usec / 1000000);
	struct tm tm;
	char date[32];
	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, 40, "%s.%06uZ", date, (unsigned)(usec % 1000000));
}

static void add_field(struct json_object *object, const struct event *event, unsigned field)
{
	struct json_object *value;
	size_t length;
	if (field_table[field].number) {
		value = json_object_new_uint64(event->value[field].number);
	} else {
		length = strnlen(event->value[field].text, EVENT_TEXT_MAX);
		value = json_object_new_string_len(event->value[field].text, (int)length);
	}
	json_object_object_add(object, field_table[field].name, value);
}

void event_write_json(const struct event *event, char *out, size_t size)
{
	struct json_object *object = json_object_new_object();
	char time[40];
	size_t length = 0;
	time_text(event->time_usec, time);
	json_object_object_add(object, "time", json_object_new_string(time));
	json_object_object_add(object, "event",
			       json_object_new_string(kind_table[event->kind].name));
	for (unsigned field = 0; field < EVENT_FIELD_COUNT; field++)
		if (has(event, field))
			add_field(object, event, field);
	const char *text = json_object_to_json_string_length(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
	out[0] = '\0';
	if (text && length < size)
		memcpy(out, text, length + 1);
	json_object_put(object);
}

void event_journal(const struct event *event, void (*each)(void *arg, const char *assignment),
		   void *arg)
{
	char assignment[EVENT_TEXT_MAX + 64];
	struct line line = { assignment, sizeof(assignment), 0 };
	put(&line, "SEKISHO_EVENT=");
	put(&line, kind_table[event->kind].name);
	each(arg, assignment);
	for (unsigned field = 0; field < EVENT_FIELD_COUNT; field++) {
		if (!has(event, field))
			continue;
		line.used = 0;
		put(&line, "SEKISHO_");
		put(&line, field_table[field].journal);
		put(&line, "=");
		put_value(&line, event, field);
		each(arg, assignment);
	}
}
