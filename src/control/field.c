// Fields: the table of tags, the reader that trusts nothing, the writer with a limit.
#include "control/field.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NUMBER(field, a_type)                                                                      \
	{                                                                                          \
		.name = (field), .type = (a_type)                                                  \
	}
#define TEXT(field, limit)                                                                         \
	{                                                                                          \
		.name = (field), .type = CTL_TEXT, .max = (limit)                                  \
	}
#define TEXTS(field, limit)                                                                        \
	{                                                                                          \
		.name = (field), .type = CTL_TEXT, .max = (limit), .repeats = true                 \
	}

static const struct control_tag_info tag_table[CTL_TAG_END] = {
	[CTL_ROW] = { .name = "row", .type = CTL_MARK, .repeats = true },
	[CTL_EXIT] = NUMBER("exit", CTL_U64),
	[CTL_ERROR] = TEXT("error", CTL_TEXT_MAX),
	[CTL_VERSION] = TEXT("version", CTL_ID_MAX),
	[CTL_PID] = NUMBER("pid", CTL_U64),
	[CTL_SINCE] = NUMBER("since", CTL_TIME),
	[CTL_STATE] = TEXT("state", CTL_ID_MAX),
	[CTL_PROBLEM] = TEXTS("problems", CTL_NAME_MAX),
	[CTL_GUARD] = TEXT("guard", CTL_ID_MAX),
	[CTL_FORWARDING] = NUMBER("forwarding", CTL_BOOL),
	[CTL_GENERATION] = NUMBER("generation", CTL_U64),
	[CTL_DIGEST] = TEXT("digest", CTL_ID_MAX),
	[CTL_APPLIED] = NUMBER("applied", CTL_TIME),
	[CTL_APPLIED_BY] = NUMBER("applied_by", CTL_U64),
	[CTL_DIRECTORY] = TEXT("directory", 4096),
	[CTL_TITLE] = TEXT("title", CTL_NAME_MAX),
	[CTL_FLOWS] = NUMBER("flows", CTL_U64),
	[CTL_ZONES] = NUMBER("zones", CTL_U64),
	[CTL_RULES] = NUMBER("rules", CTL_U64),
	[CTL_SETS] = NUMBER("sets", CTL_U64),
	[CTL_ELEMENTS] = NUMBER("elements", CTL_U64),
	[CTL_DENIED] = NUMBER("denied", CTL_U64),
	[CTL_SPOOFED] = NUMBER("spoofed", CTL_U64),
	[CTL_INVALID] = NUMBER("invalid", CTL_U64),
	[CTL_UNKNOWN] = NUMBER("unknown_interface", CTL_U64),
	[CTL_LOG_EVENTS] = NUMBER("log_events", CTL_U64),
	[CTL_LOG_SUPPRESSED] = NUMBER("log_suppressed", CTL_U64),
	[CTL_RECORD] = TEXT("record", CTL_ID_MAX),
	[CTL_RECORD_SEQ] = NUMBER("record_seq", CTL_U64),
	[CTL_RECORD_CHECKPOINT] = NUMBER("record_checkpoint", CTL_U64),
	[CTL_RECORD_HASH] = TEXT("record_hash", CTL_ID_MAX),
	[CTL_RECORD_WAITING] = NUMBER("record_waiting", CTL_U64),
	[CTL_RECORD_LOST] = NUMBER("record_lost", CTL_U64),
	[CTL_RECORD_RESTARTS] = NUMBER("record_restarts", CTL_U64),
	[CTL_CLIENTS] = NUMBER("clients", CTL_U64),
	[CTL_MEMORY] = NUMBER("memory_bytes", CTL_U64),
	[CTL_CHANGED] = NUMBER("changed", CTL_BOOL),
	[CTL_COMPILE_US] = NUMBER("compile_us", CTL_U64),
	[CTL_COMMIT_US] = NUMBER("commit_us", CTL_U64),
	[CTL_VERIFY_US] = NUMBER("verify_us", CTL_U64),
	[CTL_STORE_US] = NUMBER("store_us", CTL_U64),
	[CTL_ERRORS] = NUMBER("errors", CTL_U64),
	[CTL_WARNINGS] = NUMBER("warnings", CTL_U64),
	[CTL_ASSERTIONS] = NUMBER("assertions", CTL_U64),
	[CTL_TESTS] = NUMBER("tests", CTL_U64),
	[CTL_COUNTRIES] = TEXT("countries_sha256", CTL_ID_MAX),
	[CTL_COUNTRY_RANGES_4] = NUMBER("country_ranges_ipv4", CTL_U64),
	[CTL_COUNTRY_RANGES_6] = NUMBER("country_ranges_ipv6", CTL_U64),
	[CTL_COUNTRIES_BUILT] = TEXT("countries_built", CTL_ID_MAX),
	[CTL_CODE] = NUMBER("code", CTL_U64),
	[CTL_SEVERITY] = TEXT("severity", CTL_ID_MAX),
	[CTL_FILE] = TEXT("file", 4096),
	[CTL_LINE] = NUMBER("line", CTL_U64),
	[CTL_COLUMN] = NUMBER("column", CTL_U64),
	[CTL_COLUMN_END] = NUMBER("column_end", CTL_U64),
	[CTL_MESSAGE] = TEXT("message", CTL_TEXT_MAX),
	[CTL_SECOND_FILE] = TEXT("second_file", 4096),
	[CTL_SECOND_LINE] = NUMBER("second_line", CTL_U64),
	[CTL_SECOND_COLUMN] = NUMBER("second_column", CTL_U64),
	[CTL_SECOND_COLUMN_END] = NUMBER("second_column_end", CTL_U64),
	[CTL_SECOND_MESSAGE] = TEXT("second_message", CTL_TEXT_MAX),
	[CTL_ID] = TEXT("id", CTL_ID_MAX),
	[CTL_FROM] = TEXTS("from", CTL_ID_MAX),
	[CTL_TO] = TEXTS("to", CTL_ID_MAX),
	[CTL_TREATMENT] = TEXT("treatment", CTL_ID_MAX),
	[CTL_OWNER] = TEXT("owner", CTL_NAME_MAX),
	[CTL_PACKETS] = NUMBER("packets", CTL_U64),
	[CTL_LAST_HIT] = NUMBER("last_hit", CTL_TIME),
	[CTL_ROLE] = TEXT("role", CTL_ID_MAX),
	[CTL_INTERFACE] = TEXTS("interfaces", CTL_ID_MAX),
	[CTL_INTERFACE_UP] = TEXTS("interfaces_up", CTL_ID_MAX),
	[CTL_INTERFACE_DOWN] = TEXTS("interfaces_down", CTL_ID_MAX),
	[CTL_INTERFACE_MISSING] = TEXTS("interfaces_missing", CTL_ID_MAX),
	[CTL_NAME] = TEXT("name", CTL_ID_MAX),
	[CTL_PRESENT] = NUMBER("present", CTL_BOOL),
	[CTL_VALUE] = TEXT("value", CTL_NAME_MAX),
	[CTL_KIND] = TEXT("kind", CTL_ID_MAX),
	[CTL_WEIGHT] = TEXT("weight", CTL_ID_MAX),
	[CTL_REASON] = TEXT("reason", CTL_NAME_MAX),
	[CTL_SUBJECT] = TEXT("subject", CTL_NAME_MAX),
	[CTL_SOURCES] = TEXT("sources", CTL_TEXT_MAX),
	[CTL_DESTINATIONS] = TEXT("destinations", CTL_TEXT_MAX),
	[CTL_SERVICES] = TEXT("services", CTL_TEXT_MAX),
	[CTL_INEXACT] = NUMBER("inexact", CTL_BOOL),
	[CTL_PARTS] = NUMBER("parts", CTL_U64),
	[CTL_SAME_FILES] = NUMBER("same_files", CTL_BOOL),
	[CTL_OMITTED] = NUMBER("omitted", CTL_U64),
	[CTL_FLOW] = TEXT("flow", CTL_ID_MAX),
	[CTL_TRANSPORT] = TEXT("protocol", CTL_ID_MAX),
	[CTL_SOURCE] = TEXT("source", CTL_ID_MAX),
	[CTL_SOURCE_PORT] = NUMBER("source_port", CTL_U64),
	[CTL_DESTINATION] = TEXT("destination", CTL_ID_MAX),
	[CTL_PORT] = NUMBER("port", CTL_U64),
	[CTL_ZONE] = TEXT("zone", CTL_ID_MAX),
	[CTL_TOTAL] = NUMBER("total", CTL_U64),
	[CTL_CUT] = NUMBER("cut", CTL_U64),
	[CTL_INCIDENT] = NUMBER("incident", CTL_U64),
	[CTL_SCOPE] = TEXT("scope", CTL_ID_MAX),
	[CTL_ACTOR] = TEXT("actor", CTL_NAME_MAX),
	[CTL_WHEN] = NUMBER("when", CTL_TIME),
	[CTL_WHAT] = TEXT("what", CTL_ID_MAX),
	[CTL_STEP] = TEXT("step", CTL_ID_MAX),
	[CTL_ORDERED_BY] = TEXT("ordered_by", CTL_NAME_MAX),
	[CTL_OWN_JUDGMENT] = NUMBER("own_judgment", CTL_BOOL),
	[CTL_REPORTED_BY] = TEXT("reported_by", CTL_NAME_MAX),
	[CTL_DETAIL] = TEXT("detail", CTL_NAME_MAX),
	[CTL_ABOUT_ZONE] = TEXTS("about_zones", CTL_ID_MAX),
	[CTL_WORDS] = TEXT("text", CTL_NAME_MAX),
	[CTL_PREVENTION] = TEXT("prevention", CTL_NAME_MAX),
	[CTL_GATHERING] = NUMBER("gathering", CTL_BOOL),
	[CTL_SIZE] = NUMBER("bytes", CTL_U64),
	[CTL_CONTACT] = TEXT("contact", CTL_NAME_MAX),
	[CTL_SNAPLEN] = NUMBER("snaplen", CTL_U64),
	[CTL_CLASS] = TEXT("class", CTL_ID_MAX),
	[CTL_HOURS] = TEXT("hours", CTL_NAME_MAX),
	[CTL_HOST] = TEXT("host", CTL_NAME_MAX),
	[CTL_MASK] = NUMBER("mask", CTL_BOOL),
	[CTL_KEY_ID] = TEXT("key", CTL_ID_MAX),
	[CTL_PROPOSAL] = NUMBER("proposal", CTL_U64),
	[CTL_REQUEST] = TEXT("request", CTL_NAME_MAX),
	[CTL_EXPIRES] = NUMBER("expires", CTL_TIME),
	[CTL_BASED_ON] = NUMBER("based_on", CTL_U64),
	[CTL_APPROVAL_CODE] = TEXT("approval_code", CTL_ID_MAX),
	[CTL_NEEDED] = NUMBER("needed", CTL_U64),
	[CTL_MISSING] = NUMBER("missing", CTL_U64),
	[CTL_GROUPS] = TEXT("groups", CTL_NAME_MAX),
	[CTL_APPROVED_BY] = TEXTS("approved_by", CTL_NAME_MAX),
	[CTL_CHANGE] = TEXT("change", CTL_ID_MAX),
	[CTL_CONFIRM] = NUMBER("confirm_seconds", CTL_U64),
	[CTL_AT] = NUMBER("at", CTL_TIME),
	[CTL_EMERGENCY_REASON] = TEXT("emergency", CTL_NAME_MAX),
	[CTL_AWAITED] = NUMBER("awaits_confirm", CTL_U64),
	[CTL_AWAITED_BY] = TEXT("applied_by_name", CTL_NAME_MAX),
	[CTL_SECONDS_LEFT] = NUMBER("seconds_left", CTL_U64),
	[CTL_PREVIOUS] = NUMBER("previous", CTL_U64),
	[CTL_PROPOSALS] = NUMBER("open_proposals", CTL_U64),
	[CTL_REVIEWS] = NUMBER("open_reviews", CTL_U64),
	[CTL_SCHEDULED] = NUMBER("scheduled", CTL_U64),
	[CTL_CONFIRMED] = NUMBER("confirmed", CTL_TIME),
	[CTL_APPROVERS] = NUMBER("approvers", CTL_U64),
	[CTL_RULE_GROUP] = TEXTS("rule_groups", CTL_NAME_MAX),
	[CTL_RULE_ZONE] = TEXTS("rule_zones", CTL_ID_MAX),
	[CTL_RULE_WEIGHT] = NUMBER("rule_weight", CTL_U64),
	[CTL_EXPIRES_SECONDS] = NUMBER("expires_seconds", CTL_U64),
	[CTL_CONFIRM_SECONDS] = NUMBER("waits_seconds", CTL_U64),
	[CTL_EMERGENCY] = NUMBER("emergency_permitted", CTL_BOOL),
	[CTL_ABSENT] = TEXT("absent", CTL_NAME_MAX),
	[CTL_DEPUTY] = TEXT("deputy", CTL_NAME_MAX),
	[CTL_FROM_DAY] = TEXT("from_day", CTL_ID_MAX),
	[CTL_UNTIL_DAY] = TEXT("until_day", CTL_ID_MAX),
	[CTL_ISOLATED] = TEXTS("isolated", CTL_NAME_MAX),
	[CTL_TARGET] = TEXTS("targets", CTL_ID_MAX),
	[CTL_QUARANTINED] = NUMBER("quarantine", CTL_BOOL),
	[CTL_TOTALLY] = NUMBER("lifelines_cut", CTL_BOOL),
	[CTL_LINK_DOWN] = NUMBER("link_down", CTL_BOOL),
	[CTL_SECONDS] = NUMBER("seconds", CTL_U64),
	[CTL_KERNEL_NS] = NUMBER("kernel_ns", CTL_U64),
	[CTL_UNTIL] = NUMBER("until", CTL_TIME),
	[CTL_ASKED_BY] = TEXT("reconnect_asked_by", CTL_NAME_MAX),
	[CTL_STAYS] = TEXTS("stays_open", CTL_NAME_MAX),
	[CTL_LIFELINE] = TEXTS("lifelines", CTL_ID_MAX),
	[CTL_WARNING] = TEXTS("warnings_of_order", CTL_NAME_MAX),
	[CTL_ADDRESS] = TEXT("address", CTL_ID_MAX),
	[CTL_MAC] = TEXT("mac", CTL_ID_MAX),
	[CTL_SWITCH_LINE] = TEXTS("switch_line", CTL_NAME_MAX),
	[CTL_SHUT] = TEXTS("closed_for", CTL_NAME_MAX),
	[CTL_ASSERTIONS_FAILED] = NUMBER("assertions_failed", CTL_BOOL),
	[CTL_RECORD_KEEP_DAYS] = NUMBER("record_keep_days", CTL_U64),
	[CTL_RECORD_ROTATE] = NUMBER("record_rotate", CTL_U64),
	[CTL_RECORD_CLOSES] = NUMBER("record_closes", CTL_BOOL),
	[CTL_RECORD_TO] = TEXTS("record_to", CTL_NAME_MAX),
	[CTL_RECORD_HOLD] = TEXTS("record_hold", CTL_ID_MAX),
	[CTL_NETWORK] = TEXTS("networks", 128),
	[CTL_DRIFTS] = NUMBER("drifts", CTL_U64),
	[CTL_REPAIRED] = NUMBER("repaired", CTL_U64),
	[CTL_WHO] = TEXT("by", CTL_NAME_MAX),
	[CTL_RECORD_MAIL_KEEP_DAYS] = NUMBER("record_mail_keep_days", CTL_U64),
	[CTL_RECORD_MAIL_HASHED] = NUMBER("record_mail_hashed", CTL_BOOL),
	[CTL_IMAGE_BYTES] = NUMBER("image_bytes", CTL_U64),
	[CTL_MORE_THAN] = NUMBER("more_than", CTL_BOOL),
	[CTL_INSPECTORS] = NUMBER("inspectors", CTL_U64),
	[CTL_INSPECTED] = NUMBER("inspected", CTL_U64),
	[CTL_INSPECT_DROPPED] = NUMBER("inspect_dropped", CTL_U64),
	[CTL_INSPECT_CONNECTIONS] = NUMBER("inspect_connections", CTL_U64),
	[CTL_INSPECT_MADE] = NUMBER("inspect_connections_made", CTL_U64),
	[CTL_INSPECT_PASSED] = NUMBER("inspect_passed", CTL_U64),
	[CTL_INSPECT_HELD] = NUMBER("inspect_held", CTL_U64),
	[CTL_INSPECT_QUEUED] = NUMBER("inspect_queued", CTL_U64),
	[CTL_INSPECT_FULL] = NUMBER("inspect_queue_full", CTL_U64),
	[CTL_INSPECT_UNANSWERED] = NUMBER("inspect_unanswered", CTL_U64),
	[CTL_INSPECT_CHANGED] = NUMBER("inspect_changed", CTL_U64),
	[CTL_INSPECT_MOVED] = NUMBER("inspect_moved", CTL_U64),
	[CTL_INSPECT_MOVED_LOST] = NUMBER("inspect_moved_lost", CTL_U64),
	[CTL_INSPECT_LIBERAL] = NUMBER("inspect_liberal", CTL_U64),
	[CTL_INSPECT_LIBERAL_FAILED] = NUMBER("inspect_liberal_failed", CTL_U64),
	[CTL_INSPECT_TROUBLES] = NUMBER("inspect_troubles", CTL_U64),
	[CTL_INSPECT_LOST] = NUMBER("inspect_untold", CTL_U64),
	[CTL_INSPECT_RESTARTS] = NUMBER("inspect_restarts", CTL_U64),
	[CTL_PROXY_ACCEPTED] = NUMBER("proxy_accepted", CTL_U64),
	[CTL_PROXY_GIVEN] = NUMBER("proxy_given", CTL_U64),
	[CTL_PROXY_SESSIONS] = NUMBER("proxy_sessions", CTL_U64),
	[CTL_PROXY_ROOM] = NUMBER("proxy_room", CTL_U64),
	[CTL_PROXY_FILES] = NUMBER("proxy_files_wanted", CTL_U64),
	[CTL_PROXY_STRANGERS] = NUMBER("proxy_strangers", CTL_U64),
	[CTL_PROXY_FULL] = NUMBER("proxy_full", CTL_U64),
	[CTL_PROXY_UNSERVED] = NUMBER("proxy_unserved", CTL_U64),
	[CTL_PROXY_FAILED] = NUMBER("proxy_failed", CTL_U64),
	[CTL_SCANNER] = TEXT("scanner", CTL_ID_MAX),
	[CTL_SCANNER_VERSION] = TEXT("scanner_version", CTL_ID_MAX),
	[CTL_SCANNER_DEFINITIONS] = NUMBER("scanner_definitions", CTL_U64),
	[CTL_SCANNER_BUILT] = TEXT("scanner_built", CTL_ID_MAX),
	[CTL_CERTIFICATES] = NUMBER("certificates", CTL_U64),
	[CTL_CERTIFICATE_FIRST] = TEXT("certificate_first", CTL_NAME_MAX),
	[CTL_CERTIFICATE_UNTIL] = TEXT("certificate_until", CTL_ID_MAX),
	[CTL_SIGNATURES] = NUMBER("signatures", CTL_U64),
	[CTL_SIGNATURES_REFUSED] = NUMBER("signatures_refused", CTL_U64),
	[CTL_MAIL_BOOK] = TEXT("mail_book", CTL_ID_MAX),
	[CTL_MAIL_RECORDS] = NUMBER("mail_records", CTL_U64),
	[CTL_MAIL_BYTES] = NUMBER("mail_bytes", CTL_U64),
	[CTL_MAIL_LOST] = NUMBER("mail_lost", CTL_U64),
	[CTL_MAIL_RESTARTS] = NUMBER("mail_restarts", CTL_U64),
	[CTL_MAIL] = NUMBER("mail", CTL_U64),
	[CTL_CLIENT] = TEXT("client", CTL_NAME_MAX),
	[CTL_SERVER] = TEXT("server", CTL_ID_MAX),
	[CTL_SENDER] = TEXT("sender", CTL_NAME_MAX),
	[CTL_RECIPIENT] = TEXTS("recipient", CTL_NAME_MAX),
	[CTL_RECIPIENTS] = NUMBER("recipients", CTL_U64),
	[CTL_VERDICT] = TEXT("verdict", CTL_ID_MAX),
	[CTL_REPLY_CODE] = NUMBER("reply_code", CTL_U64),
	[CTL_HASHED] = NUMBER("hashed", CTL_BOOL),
	[CTL_BEGAN] = NUMBER("began", CTL_TIME),
	[CTL_ENDED] = NUMBER("ended", CTL_TIME),
	[CTL_GUARDED_BY] = TEXT("guarded_by", CTL_NAME_MAX),
	[CTL_CLAUSE] = TEXT("clause", CTL_NAME_MAX),
	[CTL_CONTROL] = TEXT("control", CTL_NAME_MAX),
	[CTL_HELO] = TEXT("helo", CTL_NAME_MAX),
	[CTL_DECLARED] = NUMBER("declared", CTL_U64),
	[CTL_TLS] = NUMBER("tls", CTL_BOOL),
	[CTL_TLS_CLIENT] = TEXT("tls_client", CTL_ID_MAX),
	[CTL_TLS_SERVER] = TEXT("tls_server", CTL_ID_MAX),
	[CTL_OWN_SENDER] = NUMBER("own_sender", CTL_BOOL),
	[CTL_LIMIT] = NUMBER("limit", CTL_U64),
	[CTL_FILES] = NUMBER("files", CTL_U64),
	[CTL_ATTACHMENT] = TEXT("attachment", CTL_NAME_MAX),
	[CTL_FOUND] = TEXT("found", CTL_NAME_MAX),
	[CTL_PART] = NUMBER("part", CTL_U64),
	[CTL_DEPTH] = NUMBER("depth", CTL_U64),
	[CTL_MEDIA_TYPE] = TEXT("type", CTL_NAME_MAX),
	[CTL_SHA256] = TEXT("sha256", CTL_ID_MAX),
	[CTL_ACTION] = TEXT("action", CTL_ID_MAX),
	[CTL_RULE] = NUMBER("rule", CTL_U64),
	[CTL_MAIL_STOPPED] = TEXTS("mail_stopped", CTL_NAME_MAX),
	[CTL_MASS_LINE] = TEXTS("mass_line", CTL_NAME_MAX),
	[CTL_MONTH] = NUMBER("month", CTL_U64),
	[CTL_MONTH_LAST] = NUMBER("last_month", CTL_U64),
	[CTL_HELD] = NUMBER("held", CTL_U64),
	[CTL_HELD_BYTES] = NUMBER("held_bytes", CTL_U64),
	[CTL_TRIES] = NUMBER("tries", CTL_U64),
	[CTL_VAULT] = TEXT("vault", CTL_ID_MAX),
	[CTL_HEADING] = TEXT("heading", CTL_NAME_MAX),
	[CTL_HELD_WAITING] = NUMBER("held_waiting", CTL_U64),
	[CTL_HELD_SINCE] = NUMBER("held_since", CTL_TIME),
	[CTL_HELD_UNTIL] = NUMBER("held_until", CTL_TIME),
};

const struct control_tag_info *control_tag_info(unsigned tag)
{
	return tag < CTL_TAG_END && tag_table[tag].name ? &tag_table[tag] : NULL;
}

struct head {
	uint16_t tag;
	uint8_t type, zero;
	uint32_t length;
};
_Static_assert(sizeof(struct head) == CTL_FIELD_HEAD_BYTES, "a field's head");

static size_t padded(size_t length)
{
	return (length + 7) & ~(size_t)7;
}

void control_reader_init(struct control_reader *reader, const void *bytes, size_t size)
{
	reader->at = bytes;
	reader->end = size ? reader->at + size : reader->at;
}

static bool text_is_fine(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((bytes[i] < 0x20 && bytes[i] != '\n' && bytes[i] != '\t') || bytes[i] == 0x7f)
			return false;
	return text_is_utf8(bytes, length, NULL);
}

static bool length_is_fine(const struct control_tag_info *info, uint32_t length)
{
	switch (info->type) {
	case CTL_MARK:
		return length == 0;
	case CTL_TEXT:
		return length > 0 && length <= info->max;
	default:
		return length == sizeof(uint64_t);
	}
}

static bool value_is_fine(const struct control_tag_info *info, const struct control_raw *raw)
{
	for (size_t i = raw->length; i < padded(raw->length); i++)
		if (raw->bytes[i])
			return false;
	if (info->type == CTL_TEXT)
		return text_is_fine(raw->bytes, raw->length);
	return info->type != CTL_BOOL || raw->number <= 1;
}

int control_read(struct control_reader *reader, struct control_raw *ret)
{
	size_t left = (size_t)(reader->end - reader->at);
	struct head head;
	if (!left)
		return 0;
	if (left < sizeof(head))
		return -EBADMSG;
	memcpy(&head, reader->at, sizeof(head));
	const struct control_tag_info *info = control_tag_info(head.tag);
	if (!info || head.type != info->type || head.zero || !length_is_fine(info, head.length))
		return -EBADMSG;
	if (padded(head.length) > left - sizeof(head))
		return -EBADMSG;
	struct control_raw raw = {
		.tag = head.tag,
		.type = head.type,
		.length = head.length,
		.bytes = reader->at + sizeof(head),
	};
	if (info->type != CTL_TEXT && head.length == sizeof(raw.number))
		memcpy(&raw.number, raw.bytes, sizeof(raw.number));
	if (!value_is_fine(info, &raw))
		return -EBADMSG;
	reader->at = raw.bytes + padded(head.length);
	*ret = raw;
	return 1;
}

void control_writer_init(struct control_writer *writer, size_t limit)
{
	*writer = (struct control_writer){ .limit = limit };
}

void control_writer_done(struct control_writer *writer)
{
	free(writer->bytes);
	*writer = (struct control_writer){ .error = -EINVAL };
}

static uint8_t *reserve(struct control_writer *writer, size_t size)
{
	if (writer->error)
		return NULL;
	if (size > writer->limit - writer->size) {
		writer->error = -E2BIG;
		return NULL;
	}
	if (writer->cap - writer->size < size) {
		size_t cap = writer->cap ? writer->cap * 2 : 512;
		while (cap - writer->size < size)
			cap *= 2;
		uint8_t *bytes = realloc(writer->bytes, cap);
		if (!bytes) {
			writer->error = -ENOMEM;
			return NULL;
		}
		writer->bytes = bytes;
		writer->cap = cap;
	}
	uint8_t *at = writer->bytes + writer->size;
	writer->size += size;
	memset(at, 0, size);
	return at;
}

static uint8_t *put(struct control_writer *writer, enum control_tag tag, size_t length)
{
	struct head head = { tag, tag_table[tag].type, 0, (uint32_t)length };
	uint8_t *at = reserve(writer, sizeof(head) + padded(length));
	if (!at)
		return NULL;
	memcpy(at, &head, sizeof(head));
	return at + sizeof(head);
}

static void put_number(struct control_writer *writer, enum control_tag tag, uint64_t value)
{
	uint8_t *at = put(writer, tag, sizeof(value));
	if (at)
		memcpy(at, &value, sizeof(value));
}

void control_put_mark(struct control_writer *writer, enum control_tag tag)
{
	put(writer, tag, 0);
}

void control_put_u64(struct control_writer *writer, enum control_tag tag, uint64_t value)
{
	put_number(writer, tag, value);
}

void control_put_bool(struct control_writer *writer, enum control_tag tag, bool value)
{
	put_number(writer, tag, value);
}

void control_put_time(struct control_writer *writer, enum control_tag tag, uint64_t usec)
{
	put_number(writer, tag, usec);
}

// Cuts between characters, never inside one.
static size_t text_cut_at(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);
	if (length <= max)
		return length;
	length = max;
	while (length && ((uint8_t)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

void control_put_text(struct control_writer *writer, enum control_tag tag, const char *text)
{
	size_t length = text ? text_cut_at(text, tag_table[tag].max) : 0;
	uint8_t *at = length ? put(writer, tag, length) : NULL;
	if (!at)
		return;
	memcpy(at, text, length);
	for (size_t i = 0; i < length; i++)
		if ((at[i] < 0x20 && at[i] != '\n' && at[i] != '\t') || at[i] == 0x7f)
			at[i] = '?';
	size_t bad;
	while (!text_is_utf8(at, length, &bad))
		at[bad] = '?';
}
