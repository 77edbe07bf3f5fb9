// The tables of kinds and fields, and an event as a line for people and as the journal's fields.
#include "event/event.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/text.h"

#define F(field) (UINT64_C(1) << EVENT_##field)
#define KEEPER	 EVENT_KEEPERS_OWN
#define PERSON	 (F(ACTOR) | F(UID) | F(LOGIN_UID) | F(PID))
#define RUNNING	 (F(GENERATION) | F(DIGEST))
#define APPLY	 (PERSON | RUNNING | F(MESSAGE) | F(STATUS))
#define PROPOSAL (PERSON | F(PROPOSAL) | F(DIGEST) | F(REQUEST) | F(REASON) | F(APPROVAL_CODE))
#define CONFIRM	 (PERSON | F(GENERATION) | F(BEFORE) | F(REASON))
#define INCIDENT (PERSON | F(INCIDENT) | F(NAME) | F(REASON))
#define DRIFT	 (F(MESSAGE) | F(GENERATION) | F(WEIGHT))
#define REVIEW	 (F(GENERATION) | F(CAUSE) | F(MESSAGE))
#define CUT_OFF	 (PERSON | F(NAME) | F(ZONE) | F(REASON) | F(MESSAGE))
#define PACKET                                                                                     \
	(F(GENERATION) | F(FLOW) | F(FROM) | F(TO) | F(INPUT) | F(OUTPUT) | F(PROTOCOL) |          \
	 F(SOURCE) | F(SOURCE_PORT) | F(DESTINATION) | F(DESTINATION_PORT) | F(LENGTH) |           \
	 F(SOURCE_COUNTRY) | F(DESTINATION_COUNTRY))

static const struct event_kind_info kind_table[EVENT_KIND_COUNT] = {
	[EVENT_PACKET_ALLOWED] = { "packet-allowed", 6, "allowed", PACKET },
	[EVENT_PACKET_DENIED] = { "packet-denied", 5, "denied", PACKET },
	[EVENT_PACKET_SPOOFED] = { "packet-spoofed", 4, "spoofed source", PACKET },
	[EVENT_PACKET_INVALID] = { "packet-invalid", 5, "invalid packet", PACKET },
	[EVENT_LOG_SUPPRESSED] = { "log-suppressed", 4, "packet records not written",
				   F(COUNT) | F(OF) | F(FLOW) | F(FROM) | F(SOURCE_COUNTRY) },
	[EVENT_LOG_LOST] = { "log-lost", 4, "packet records lost in the kernel", F(COUNT) },
	[EVENT_STARTED] = { "started", 6, "started", RUNNING },
	[EVENT_STOPPED] = { "stopped", 6, "stopped; the kernel's rules stay", RUNNING },
	[EVENT_ADOPTED] = { "adopted", 6, "took over the running rules", RUNNING },
	[EVENT_LOADED] = { "loaded", 6, "loaded the last good generation", RUNNING },
	[EVENT_APPLIED] = { "applied", 5, "applied",
			    APPLY | F(FLOWS) | F(BEFORE) | F(REASON) | F(REQUEST) },
	[EVENT_APPLY_REFUSED] = { "apply-refused", 4, "not applied",
				  APPLY | F(ERRORS) | F(REASON) | F(REQUEST) },
	[EVENT_PROPOSED] = { "proposed", 5, "proposed", PROPOSAL },
	[EVENT_APPROVED] = { "approved", 5, "approved", PROPOSAL },
	[EVENT_APPROVAL_REFUSED] = { "approval-refused", 4, "an approval was refused",
				     PROPOSAL | F(MESSAGE) },
	[EVENT_REJECTED] = { "rejected", 5, "rejected", PROPOSAL },
	[EVENT_PROPOSAL_CLOSED] = { "proposal-closed", 5, "a proposal ended", PROPOSAL },
	[EVENT_APPLY_STARTED] = { "apply-started", 6, "applying",
				  PERSON | F(NAME) | F(PROPOSAL) | F(GENERATION) },
	[EVENT_CONFIRM_AWAITED] = { "confirm-awaited", 5, "waits for its confirm",
				    CONFIRM | F(SECONDS) },
	[EVENT_CONFIRMED] = { "confirmed", 5, "confirmed", CONFIRM },
	[EVENT_CONFIRM_REFUSED] = { "confirm-refused", 4, "a confirm was refused",
				    CONFIRM | F(MESSAGE) },
	[EVENT_RETURNED] = { "returned", 4, "not confirmed; the generation before returned",
			     CONFIRM },
	[EVENT_ROLLED_BACK] = { "rolled-back", 5, "rolled back",
				APPLY | F(FLOWS) | F(BEFORE) | F(REASON) | F(REQUEST) },
	[EVENT_EMERGENCY_APPLIED] = { "emergency-applied", 4, "applied by one person",
				      PERSON | F(GENERATION) | F(REASON) },
	[EVENT_REVIEW_OPEN] = { "review-open", 4, "an emergency apply has not been reviewed",
				PERSON | F(GENERATION) | F(REASON) },
	[EVENT_REVIEWED] = { "reviewed", 5, "reviewed", PERSON | F(GENERATION) | F(REASON) },
	[EVENT_SCHEDULED] = { "scheduled", 5, "scheduled",
			      PERSON | F(MESSAGE) | F(PROPOSAL) | F(AT) },
	[EVENT_SCHEDULE_MISSED] = { "schedule-missed", 4, "a scheduled apply was missed",
				    PERSON | F(MESSAGE) | F(PROPOSAL) | F(AT) },
	[EVENT_GATE_OPEN] = { "gate-open", 5, "the gate is open", RUNNING },
	[EVENT_GATE_CLOSED] = { "gate-closed", 4, "the gate is closed", RUNNING | F(MESSAGE) },
	[EVENT_ISOLATED] = { "isolated", 4, "isolated", CUT_OFF | F(ORDERED_BY) | F(GENERATION) },
	[EVENT_ISOLATION_FOUND] = { "isolation-found", 4, "isolated without the daemon",
				    CUT_OFF | F(GENERATION) },
	[EVENT_ISOLATION_ENDED] = { "isolation-ended", 4, "the time of an isolation is over",
				    F(NAME) | F(INCIDENT) },
	[EVENT_RECONNECT_ASKED] = { "reconnect-asked", 5, "the first of two wants to reconnect",
				    CUT_OFF | F(INCIDENT) },
	[EVENT_RECONNECTED] = { "reconnected", 4, "reconnected",
				CUT_OFF | F(INCIDENT) | F(ORDERED_BY) },
	[EVENT_CALL_REFUSED] = { "call-refused", 4, "a call was refused",
				 PERSON | F(METHOD) | F(MESSAGE) | F(COUNT) },
	[EVENT_INCIDENT_OPENED] = { "incident-opened", 4, "incident opened", INCIDENT },
	[EVENT_INCIDENT_EVIDENCE] = { "incident-evidence", 5, "evidence of an incident", INCIDENT },
	[EVENT_INCIDENT_NOTED] = { "incident-noted", 5, "noted on an incident", INCIDENT },
	[EVENT_INCIDENT_EXPORTED] = { "incident-exported", 4, "incident exported", INCIDENT },
	[EVENT_INCIDENT_CLOSED] = { "incident-closed", 5, "incident closed", INCIDENT },
	[EVENT_DRIFT] = { "drift", 3, "changed by somebody else", DRIFT | PERSON | F(NAME) },
	[EVENT_DRIFT_REPAIRED] = { "drift-repaired", 4, "put right again", DRIFT | F(DURATION) },
	[EVENT_DRIFT_STORM] = { "drift-storm", 3, "changed by somebody again and again",
				DRIFT | PERSON | F(NAME) },
	[EVENT_DRIFT_GONE] = { "drift-gone", 5, "no more", DRIFT },
	[EVENT_FOREIGN_TABLE] = { "foreign-table", 4, "a table of somebody else", DRIFT },
	[EVENT_UPLINK_UNDECLARED] = { "uplink-undeclared", 3, "an undeclared uplink", DRIFT },
	[EVENT_ROUTE_CONTRADICTS] = { "route-contradicts", 4, "a route contradicts the zones",
				      DRIFT },
	[EVENT_ADDRESS_CONTRADICTS] = { "address-contradicts", 4,
					"an address contradicts the zones", DRIFT },
	[EVENT_INTERFACE] = { "interface", 4, "an interface", DRIFT },
	[EVENT_SETTING] = { "setting", 4, "a setting of the kernel", DRIFT },
	[EVENT_CONNECTION_CUT] = { "connection-cut", 5, "cut a connection",
				   REVIEW | F(FLOW) | F(FROM) | F(TO) | F(PROTOCOL) | F(SOURCE) |
					   F(SOURCE_PORT) | F(DESTINATION) | F(DESTINATION_PORT) |
					   F(REASON) },
	[EVENT_CONNECTIONS_CUT] = { "connections-cut", 5, "cut more connections",
				    REVIEW | F(FLOW) | F(FROM) | F(TO) | F(COUNT) },
	[EVENT_CONNECTIONS_REVIEWED] = { "connections-reviewed", 6, "reviewed live connections",
					 REVIEW | F(COUNT) | F(CUT) | F(KEPT) | F(MS) },
	[EVENT_FAILED] = { "failed", 3, "failed", F(MESSAGE) },
	[EVENT_CLOCK_JUMPED] = { "clock-jumped", 4, "the clock was set", F(SHIFT) },
	[EVENT_CLOCK_STATE] = { "clock-state", 5, "the clock", F(CLOCK) },
	[EVENT_COUNTRIES_CHANGED] = { "countries-changed", 5, "addresses of countries changed",
				      F(MESSAGE) | F(GENERATION) | F(BUILT) | F(SHA256) |
					      F(RANGES) | F(RANGES_BEFORE) },
	[EVENT_INSPECTION_RESTARTED] = { "inspection-restarted", 4,
					 "a process of inspection was ended and another began",
					 F(MESSAGE) | F(COUNT) | F(NAME) },
	[EVENT_INSPECTION_FULL] = { "inspection-full", 3,
				    "dropped, for the queue of inspected packets was full",
				    F(COUNT) },
	[EVENT_SCANNER_CHANGED] = { "scanner-changed", 5, "the malware scanner",
				    F(MESSAGE) | F(NAME) },
	[EVENT_CERTIFICATES_CHANGED] = { "certificates-changed", 5, "certificates of mail",
					 F(MESSAGE) },
	[EVENT_INSPECTION_TROUBLE] = { "inspection-trouble", 4,
				       "stopped in an inspected connection",
				       F(FLOW) | F(SOURCE) | F(SOURCE_PORT) | F(DESTINATION) |
					       F(DESTINATION_PORT) | F(COUNT) | F(NAME) },
	[EVENT_MAIL_READ] = { "mail-read", 5, "read mail records",
			      PERSON | F(METHOD) | F(MESSAGE) | F(REASON) },
	[EVENT_MAIL_LOST] = { "mail-records-lost", 3, "mail records were lost",
			      F(COUNT) | F(MESSAGE) },
	[EVENT_MAIL_BOOK_RESTARTED] = { "mail-book-restarted", 4,
					"the book of mail was started again", F(COUNT) },
	[EVENT_MAIL_MASS] = { "mail-mass", 4, "mass mail",
			      F(MESSAGE) | F(SOURCE) | F(COUNT) | F(ZONE) | F(NAME) },
	[EVENT_MAIL_STOPPED] = { "mail-stopped", 3, "mail is stopped",
				 CUT_OFF | F(SOURCE) | F(COUNT) | F(SECONDS) },
	[EVENT_MAIL_RESUME_ASKED] = { "mail-resume-asked", 5, "the first of two wants mail resumed",
				      CUT_OFF },
	[EVENT_MAIL_RESUMED] = { "mail-resumed", 4, "mail is resumed", CUT_OFF | F(ORDERED_BY) },
	[EVENT_MAIL_HELD] = { "mail-held", 5, "mail is held", F(MESSAGE) | F(FLOW) | F(NAME) },
	[EVENT_MAIL_RELEASE_ASKED] = { "mail-release-asked", 5,
				       "the first of two wants held mail released",
				       PERSON | F(MESSAGE) | F(FLOW) | F(NAME) | F(REASON) },
	[EVENT_MAIL_RELEASED] = { "mail-released", 4, "held mail is released",
				  PERSON | F(MESSAGE) | F(FLOW) | F(NAME) | F(REASON) |
					  F(ORDERED_BY) },
	[EVENT_MAIL_DECIDED] = { "mail-held-ended", 5, "held mail",
				 PERSON | F(MESSAGE) | F(FLOW) | F(NAME) | F(REASON) },
	[EVENT_KEEPER_RESTARTED] = { "keeper-restarted", 4, "the keeper was started again",
				     F(MESSAGE) | F(COUNT) },
	[EVENT_RECORD_RESUMED] = { "record-resumed", 5, "the audit log is written again",
				   F(MESSAGE) },
	[EVENT_RECORD_GAP] = { "record-gap", 3, "events were lost to the audit log", F(COUNT) },
	[EVENT_SEGMENT_OPENED] = { "segment-opened", 6, "begins a file of the audit log",
				   F(SEGMENT) | F(PREVIOUS) | F(KEY) | KEEPER },
	[EVENT_SEGMENT_CLOSED] = { "segment-closed", 6, "ends a file of the audit log",
				   F(SEGMENT) | F(KEY) | KEEPER },
	[EVENT_CHECKPOINT] = { "checkpoint", 6, "signed", F(KEY) | KEEPER },
	[EVENT_RECORD_REPAIRED] = { "record-repaired", 4, "a half-written record was cut off",
				    F(SEGMENT) | F(COUNT) | KEEPER },
	[EVENT_RECORD_DAMAGED] = { "record-damaged", 3, "the audit log was tampered with",
				   F(MESSAGE) | F(SEGMENT) | F(FIRST) | F(LAST) | KEEPER },
	[EVENT_RECORD_DISPOSED] = { "record-disposed", 5, "a file of the audit log was removed",
				    F(REASON) | F(SEGMENT) | F(FIRST) | F(LAST) | F(PREVIOUS) |
					    F(HEAD) | KEEPER },
};

_Static_assert(EVENT_FIELD_COUNT < 64, "struct event has a bit for each field");

static const struct event_field_info field_table[EVENT_FIELD_COUNT] = {
	[EVENT_MESSAGE] = { "message", "REASON", false },
	[EVENT_FLOW] = { "flow", "FLOW", false },
	[EVENT_GENERATION] = { "generation", "GENERATION", true },
	[EVENT_FROM] = { "from", "ZONE_FROM", false },
	[EVENT_TO] = { "to", "ZONE_TO", false },
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
	[EVENT_ORDERED_BY] = { "ordered_by", "ORDERED_BY", false },
	[EVENT_INCIDENT] = { "incident", "INCIDENT", true },
	[EVENT_PROPOSAL] = { "proposal", "PROPOSAL", true },
	[EVENT_DURATION] = { "duration_us", "DURATION_US", true },
	[EVENT_WEIGHT] = { "weight", "WEIGHT", false },
	[EVENT_CAUSE] = { "cause", "CAUSE", false },
	[EVENT_CUT] = { "cut", "CUT", true },
	[EVENT_KEPT] = { "kept", "KEPT", true },
	[EVENT_MS] = { "ms", "MS", true },
	[EVENT_BEFORE] = { "previous_generation", "PREVIOUS_GENERATION", true },
	[EVENT_SECONDS] = { "seconds", "SECONDS", true },
	[EVENT_APPROVAL_CODE] = { "approval_code", "APPROVAL_CODE", false },
	[EVENT_REQUEST] = { "request", "REQUEST", false },
	[EVENT_AT] = { "at", "AT", false },
	[EVENT_DIGEST] = { "digest", "DIGEST", false },
	[EVENT_FLOWS] = { "flows", "FLOWS", true },
	[EVENT_ERRORS] = { "errors", "ERRORS", true },
	[EVENT_STATUS] = { "status", "STATUS", true },
	[EVENT_OF] = { "of", "OF", false },
	[EVENT_CLOCK] = { "clock_state", "CLOCK", false },
	[EVENT_SHIFT] = { "shift", "SHIFT", false },
	[EVENT_SEGMENT] = { "segment", "SEGMENT", true },
	[EVENT_FIRST] = { "first", "FIRST", true },
	[EVENT_LAST] = { "last", "LAST", true },
	[EVENT_PREVIOUS] = { "previous", "PREVIOUS", false },
	[EVENT_HEAD] = { "head", "HEAD", false },
	[EVENT_KEY] = { "key", "KEY", false },
	[EVENT_SOURCE_COUNTRY] = { "source_country", "SOURCE_COUNTRY", false },
	[EVENT_DESTINATION_COUNTRY] = { "destination_country", "DESTINATION_COUNTRY", false },
	[EVENT_BUILT] = { "built", "BUILT", false },
	[EVENT_SHA256] = { "sha256", "SHA256", false },
	[EVENT_RANGES] = { "ranges", "RANGES", true },
	[EVENT_RANGES_BEFORE] = { "ranges_before", "RANGES_BEFORE", true },
};

const struct event_kind_info *event_kind_info(enum event_kind kind)
{
	return &kind_table[kind];
}

const struct event_field_info *event_field_info(enum event_field field)
{
	return &field_table[field];
}

int event_kind_find(const char *name, size_t length)
{
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++)
		if (strlen(kind_table[kind].name) == length &&
		    memcmp(kind_table[kind].name, name, length) == 0)
			return kind;
	return -1;
}

void event_message_id(enum event_kind kind, char out[33])
{
	char name[64];
	uint8_t id[crypto_generichash_BYTES_MIN];
	int n = snprintf(name, sizeof(name), "sekisho event %s", kind_table[kind].name);
	crypto_generichash(id, sizeof(id), (const uint8_t *)name, (size_t)n, NULL, 0);
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x80); // version 8 of RFC 9562: of our own making
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	sodium_bin2hex(out, 33, id, sizeof(id));
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

// Text of others on a line of ours: no line breaks, no terminal's escapes, nothing hidden.
static void put_clean(struct line *line, const char *text)
{
	char one[5];
	for (const char *next = text, *end = text + strnlen(text, EVENT_TEXT_MAX); text < end;
	     text = next) {
		bool gone = text_is_hidden(text_next(&next));
		snprintf(one, sizeof(one), "%.*s", gone ? 1 : (int)(next - text),
			 gone ? " " : text);
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
		if (!event_has(event, field))
			continue;
		put(&line, field == EVENT_MESSAGE ? ": " : " ");
		if (field != EVENT_MESSAGE) {
			put(&line, field_table[field].name);
			put(&line, "=");
		}
		put_value(&line, event, field);
	}
}

void event_journal(const struct event *event, void (*each)(void *arg, const char *assignment),
		   void *arg)
{
	char assignment[EVENT_TEXT_MAX + 64], id[33];
	struct line line = { assignment, sizeof(assignment), 0 };
	put(&line, "SEKISHO_EVENT=");
	put(&line, kind_table[event->kind].name);
	each(arg, assignment);
	line.used = 0;
	event_message_id(event->kind, id);
	put(&line, "MESSAGE_ID=");
	put(&line, id);
	each(arg, assignment);
	for (unsigned field = 0; field < EVENT_FIELD_COUNT; field++) {
		if (!event_has(event, field))
			continue;
		line.used = 0;
		put(&line, "SEKISHO_");
		put(&line, field_table[field].journal);
		put(&line, "=");
		put_value(&line, event, field);
		each(arg, assignment);
	}
}
