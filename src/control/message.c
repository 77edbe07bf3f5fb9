// The table of methods: what each takes, answers, and who may call it.
#include "control/message.h"

#include <errno.h>
#include <string.h>

// An apply and a reload are answered alike.
#define APPLY_REPLY                                                                                \
	CTL_GENERATION, CTL_DIGEST, CTL_TITLE, CTL_CHANGED, CTL_FLOWS, CTL_ZONES, CTL_RULES,       \
		CTL_SETS, CTL_ELEMENTS, CTL_ERRORS, CTL_WARNINGS, CTL_COMPILE_US, CTL_COMMIT_US,   \
		CTL_VERIFY_US, CTL_STORE_US, CTL_AWAITED, CTL_AWAITED_BY, CTL_SECONDS_LEFT,        \
		CTL_PREVIOUS
#define PROPOSAL_HEAD                                                                              \
	CTL_PROPOSAL, CTL_STATE, CTL_REASON, CTL_REQUEST, CTL_ACTOR, CTL_WHEN, CTL_EXPIRES,        \
		CTL_BASED_ON, CTL_APPROVAL_CODE, CTL_NEEDED, CTL_MISSING, CTL_GROUPS,              \
		CTL_APPROVED_BY, CTL_AT, CTL_DIRECTORY, CTL_WEIGHT, CTL_MESSAGE, CTL_DIGEST

// Orders to cut off, and what they would cut.
#define ORDER                                                                                      \
	CTL_KIND, CTL_NAME, CTL_REASON, CTL_ORDERED_BY, CTL_OWN_JUDGMENT, CTL_TOTALLY,             \
		CTL_LINK_DOWN, CTL_SECONDS
#define ORDER_REPLY                                                                                \
	CTL_KIND, CTL_NAME, CTL_TARGET, CTL_CONFIRMED, CTL_KERNEL_NS, CTL_UNTIL,                   \
		CTL_INTERFACE_DOWN, CTL_STAYS, CTL_WARNING
#define PREVIEW_REPLY                                                                              \
	CTL_KIND, CTL_NAME, CTL_TARGET, CTL_STAYS, CTL_LIFELINE, CTL_TOTAL, CTL_MORE_THAN
#define PREVIEW_ROW CTL_ADDRESS, CTL_MAC, CTL_INTERFACE, CTL_ID
#define HELD_MAIL                                                                                  \
	CTL_HELD, CTL_STATE, CTL_SINCE, CTL_EXPIRES, CTL_SIZE, CTL_NEEDED, CTL_SENDER,             \
		CTL_RECIPIENTS, CTL_FLOW, CTL_GUARDED_BY, CTL_CLAUSE, CTL_WORDS, CTL_CLIENT,       \
		CTL_SERVER, CTL_ASKED_BY, CTL_ACTOR, CTL_REASON, CTL_TRIES, CTL_AT, CTL_DETAIL
#define MAIL_SHORT                                                                                 \
	CTL_MAIL, CTL_WHEN, CTL_CLIENT, CTL_FLOW, CTL_SENDER, CTL_RECIPIENTS, CTL_SIZE,            \
		CTL_VERDICT, CTL_REPLY_CODE, CTL_REASON, CTL_HASHED, CTL_FILES

static const struct control_method_info method_table[CTL_METHOD_END] = {
	[CTL_PING] = {
		.name = "ping",
		.permission = CTL_MAY_SEE,
		.reply = { CTL_VERSION, CTL_PID },
	},
	[CTL_STATUS] = {
		.name = "status",
		.permission = CTL_MAY_SEE,
		.reply = { CTL_VERSION, CTL_PID, CTL_SINCE, CTL_STATE, CTL_PROBLEM, CTL_GUARD,
			   CTL_FORWARDING, CTL_GENERATION, CTL_DIGEST, CTL_TITLE, CTL_APPLIED,
			   CTL_APPLIED_BY, CTL_ACTOR, CTL_DIRECTORY, CTL_FLOWS, CTL_ZONES, CTL_RULES, CTL_SETS,
			   CTL_ELEMENTS, CTL_DENIED, CTL_SPOOFED, CTL_INVALID, CTL_UNKNOWN,
			   CTL_LOG_EVENTS, CTL_LOG_SUPPRESSED, CTL_RECORD, CTL_RECORD_SEQ,
			   CTL_RECORD_CHECKPOINT, CTL_RECORD_HASH, CTL_RECORD_WAITING,
			   CTL_RECORD_LOST, CTL_RECORD_RESTARTS, CTL_CLIENTS, CTL_MEMORY,
			   CTL_AWAITED, CTL_AWAITED_BY, CTL_SECONDS_LEFT, CTL_PREVIOUS,
			   CTL_PROPOSALS, CTL_REVIEWS, CTL_SCHEDULED, CTL_AT, CTL_ISOLATED,
			   CTL_SHUT, CTL_COUNTRIES, CTL_COUNTRIES_BUILT, CTL_INSPECTORS,
			   CTL_INSPECTED, CTL_INSPECT_DROPPED, CTL_INSPECT_CONNECTIONS,
			   CTL_INSPECT_MADE, CTL_INSPECT_PASSED, CTL_INSPECT_HELD,
			   CTL_INSPECT_QUEUED, CTL_INSPECT_FULL, CTL_INSPECT_UNANSWERED,
			   CTL_INSPECT_CHANGED, CTL_INSPECT_MOVED, CTL_INSPECT_MOVED_LOST,
			   CTL_INSPECT_LIBERAL, CTL_INSPECT_LIBERAL_FAILED,
			   CTL_INSPECT_TROUBLES, CTL_INSPECT_LOST, CTL_INSPECT_RESTARTS, CTL_PROXY_ACCEPTED, CTL_PROXY_GIVEN, CTL_PROXY_SESSIONS, CTL_PROXY_ROOM, CTL_PROXY_FILES, CTL_PROXY_STRANGERS, CTL_PROXY_FULL, CTL_PROXY_UNSERVED, CTL_PROXY_FAILED,
			   CTL_SCANNER, CTL_SCANNER_VERSION, CTL_SCANNER_DEFINITIONS,
			   CTL_SCANNER_BUILT, CTL_CERTIFICATES, CTL_CERTIFICATE_FIRST,
			   CTL_CERTIFICATE_UNTIL, CTL_SIGNATURES, CTL_SIGNATURES_REFUSED,
			   CTL_MAIL_BOOK,
			   CTL_MAIL_RECORDS, CTL_MAIL_BYTES, CTL_MAIL_LOST, CTL_MAIL_RESTARTS,
			   CTL_MAIL_STOPPED, CTL_VAULT, CTL_HELD, CTL_HELD_BYTES,
			   CTL_HELD_WAITING, CTL_HELD_SINCE, CTL_HELD_UNTIL },
	},
	[CTL_APPLY] = {
		.name = "apply",
		.permission = CTL_MAY_OPERATE,
		.descriptor = CTL_CARRIES_FOLDER,
		.request = { CTL_DIRECTORY, CTL_PROPOSAL, CTL_CONFIRM, CTL_AT, CTL_REASON,
			     CTL_REQUEST, CTL_EMERGENCY_REASON },
		.reply = { APPLY_REPLY, CTL_AT, CTL_PROPOSAL },
		.row = { CTL_DIAGNOSTIC_TAGS },
	},
	[CTL_FLOWS_LIST] = {
		.name = "flows",
		.permission = CTL_MAY_SEE,
		.reply = { CTL_GENERATION },
		.row = { CTL_ID, CTL_TITLE, CTL_FROM, CTL_TO, CTL_TREATMENT, CTL_OWNER, CTL_STATE,
			 CTL_PACKETS, CTL_LAST_HIT, CTL_FILE, CTL_LINE },
	},
	[CTL_ZONES_LIST] = {
		.name = "zones",
		.permission = CTL_MAY_SEE,
		.reply = { CTL_GENERATION, CTL_INVALID, CTL_UNKNOWN },
		.row = { CTL_ID, CTL_TITLE, CTL_ROLE, CTL_STATE, CTL_INTERFACE, CTL_INTERFACE_UP,
			 CTL_INTERFACE_DOWN, CTL_INTERFACE_MISSING, CTL_NETWORK, CTL_DENIED, CTL_SPOOFED, CTL_CLASS },
	},
	[CTL_RELOAD] = {
		.name = "reload",
		.permission = CTL_MAY_OPERATE,
		.reply = { APPLY_REPLY },
		.row = { CTL_DIAGNOSTIC_TAGS },
	},
	[CTL_CONNECTIONS] = {
		.name = "connections",
		.permission = CTL_MAY_SEE,
		.request = { CTL_ZONE },
		.reply = { CTL_GENERATION, CTL_TOTAL, CTL_CUT },
		.row = { CTL_STATE, CTL_FLOW, CTL_FROM, CTL_TO, CTL_TRANSPORT, CTL_SOURCE,
			 CTL_SOURCE_PORT, CTL_DESTINATION, CTL_PORT, CTL_REASON, CTL_PACKETS },
	},
	[CTL_DRIFT] = {
		.name = "drift",
		.permission = CTL_MAY_SEE,
		.reply = { CTL_GENERATION, CTL_STATE, CTL_GUARD, CTL_PROBLEM, CTL_DRIFTS,
			   CTL_REPAIRED, CTL_VERIFY_US },
		.row = { CTL_STATE, CTL_NAME, CTL_SEVERITY, CTL_CODE, CTL_SINCE, CTL_MESSAGE,
			 CTL_WHO },
	},
	[CTL_FEATURES] = {
		.name = "features",
		.permission = CTL_MAY_SEE,
		.row = { CTL_NAME, CTL_PRESENT, CTL_VALUE },
	},
	[CTL_DIFF] = {
		.name = "diff",
		.permission = CTL_MAY_SEE,
		.descriptor = CTL_CARRIES_FOLDER,
		.request = { CTL_DIRECTORY, CTL_GENERATION },
		.reply = { CTL_DIFF_TAGS },
		.row = { CTL_DIFFERENCE_TAGS, CTL_DIAGNOSTIC_TAGS },
	},
	[CTL_INCIDENT_LIST] = {
		.name = "incident-list",
		.permission = CTL_MAY_SEE,
		.row = { CTL_INCIDENT, CTL_WHEN, CTL_KIND, CTL_SCOPE, CTL_SUBJECT, CTL_STATE,
			 CTL_ACTOR, CTL_REASON, CTL_GATHERING },
	},
	[CTL_INCIDENT_SHOW] = {
		.name = "incident-show",
		.permission = CTL_MAY_SEE,
		.request = { CTL_INCIDENT },
		.reply = { CTL_INCIDENT, CTL_WHEN, CTL_KIND, CTL_SCOPE, CTL_SUBJECT, CTL_STATE,
			   CTL_ACTOR, CTL_REASON, CTL_ORDERED_BY, CTL_OWN_JUDGMENT, CTL_REPORTED_BY,
			   CTL_DETAIL, CTL_ABOUT_ZONE, CTL_GENERATION, CTL_DIGEST, CTL_HOST,
			   CTL_GATHERING, CTL_PROBLEM },
		.row = { CTL_WHAT, CTL_WHEN, CTL_STEP, CTL_ACTOR, CTL_WORDS, CTL_PREVENTION,
			 CTL_NAME, CTL_FILE, CTL_SIZE, CTL_DIGEST, CTL_MESSAGE, CTL_PROBLEM,
			 CTL_ROLE, CTL_TITLE, CTL_CONTACT, CTL_HOURS },
	},
	[CTL_INCIDENT_OPEN] = {
		.name = "incident-open",
		.permission = CTL_MAY_OPERATE,
		.request = { CTL_REASON, CTL_REPORTED_BY, CTL_SUBJECT },
		.reply = { CTL_INCIDENT },
	},
	[CTL_INCIDENT_NOTE] = {
		.name = "incident-note",
		.permission = CTL_MAY_OPERATE,
		.request = { CTL_INCIDENT, CTL_WORDS },
		.reply = { CTL_INCIDENT },
	},
	[CTL_INCIDENT_CLOSE] = {
		.name = "incident-close",
		.permission = CTL_MAY_OPERATE,
		.request = { CTL_INCIDENT, CTL_REASON, CTL_PREVENTION },
		.reply = { CTL_INCIDENT },
	},
	[CTL_INCIDENT_EXPORT] = {
		.name = "incident-export",
		.permission = CTL_MAY_AUDIT,
		.descriptor = CTL_CARRIES_FILE,
		.request = { CTL_INCIDENT, CTL_MASK },
		.reply = { CTL_INCIDENT, CTL_SIZE, CTL_DIGEST, CTL_KEY_ID, CTL_PROBLEM },
	},
	[CTL_PROPOSE] = {
		.name = "propose",
		.permission = CTL_MAY_OPERATE,
		.descriptor = CTL_CARRIES_FOLDER,
		.request = { CTL_DIRECTORY, CTL_REASON, CTL_REQUEST },
		.reply = { APPLY_REPLY, PROPOSAL_HEAD },
		.row = { CTL_DIAGNOSTIC_TAGS },
	},
	[CTL_PROPOSALS_LIST] = {
		.name = "proposals",
		.permission = CTL_MAY_SEE,
		.row = { PROPOSAL_HEAD },
	},
	[CTL_PROPOSAL_PAGE] = {
		.name = "proposal",
		.permission = CTL_MAY_SEE,
		.request = { CTL_PROPOSAL },
		.reply = { PROPOSAL_HEAD, CTL_ERRORS, CTL_WARNINGS, CTL_ASSERTIONS, CTL_TESTS, CTL_FLOWS, CTL_ZONES,
			   CTL_TITLE, CTL_CHANGED, CTL_OMITTED, CTL_TOTAL, CTL_CUT },
		.row = { CTL_WHAT, CTL_ACTOR, CTL_WHEN, CTL_APPROVAL_CODE, CTL_DIFFERENCE_TAGS,
			 CTL_DIAGNOSTIC_TAGS, CTL_FLOW, CTL_TRANSPORT, CTL_SOURCE,
			 CTL_SOURCE_PORT, CTL_DESTINATION, CTL_PORT },
	},
	[CTL_APPROVE] = {
		.name = "approve",
		.permission = CTL_MAY_APPROVE,
		.request = { CTL_PROPOSAL, CTL_APPROVAL_CODE },
		.reply = { PROPOSAL_HEAD },
	},
	[CTL_REJECT] = {
		.name = "reject",
		.permission = CTL_MAY_SEE, // its author, or who may approve: the method looks
		.request = { CTL_PROPOSAL, CTL_REASON },
		.reply = { CTL_PROPOSAL },
	},
	[CTL_CONFIRM_APPLY] = {
		.name = "confirm",
		.permission = CTL_MAY_OPERATE,
		.reply = { CTL_GENERATION },
	},
	[CTL_ROLLBACK] = {
		.name = "rollback",
		.permission = CTL_MAY_OPERATE,
		.request = { CTL_GENERATION, CTL_REASON, CTL_CONFIRM, CTL_EMERGENCY_REASON },
		.reply = { APPLY_REPLY },
		.row = { CTL_DIAGNOSTIC_TAGS },
	},
	[CTL_HISTORY] = {
		.name = "history",
		.permission = CTL_MAY_SEE,
		.reply = { CTL_GENERATION, CTL_AWAITED },
		.row = { CTL_GENERATION, CTL_STATE, CTL_APPLIED, CTL_ACTOR, CTL_REASON, CTL_REQUEST,
			 CTL_APPROVED_BY, CTL_CONFIRMED, CTL_PREVIOUS, CTL_DIGEST, CTL_DIRECTORY,
			 CTL_REVIEWS },
	},
	[CTL_REVIEW] = {
		.name = "review",
		.permission = CTL_MAY_APPROVE,
		.request = { CTL_GENERATION, CTL_REASON },
		.reply = { CTL_GENERATION },
	},
	[CTL_ISOLATE] = {
		.name = "isolate",
		.permission = CTL_MAY_ISOLATE,
		.request = { ORDER },
		.reply = { ORDER_REPLY },
	},
	[CTL_QUARANTINE] = {
		.name = "quarantine",
		.permission = CTL_MAY_ISOLATE,
		.request = { ORDER },
		.reply = { ORDER_REPLY },
	},
	[CTL_ISOLATIONS] = {
		.name = "isolations",
		.permission = CTL_MAY_SEE,
		.row = { CTL_KIND, CTL_NAME, CTL_QUARANTINED, CTL_TOTALLY, CTL_SINCE, CTL_ACTOR,
			 CTL_REASON, CTL_ORDERED_BY, CTL_UNTIL, CTL_INCIDENT, CTL_ASKED_BY,
			 CTL_TARGET },
	},
	[CTL_ISOLATE_PREVIEW] = {
		.name = "isolate-preview",
		.permission = CTL_MAY_ISOLATE,
		.request = { ORDER },
		.reply = { PREVIEW_REPLY },
		.row = { PREVIEW_ROW },
	},
	[CTL_QUARANTINE_PREVIEW] = {
		.name = "quarantine-preview",
		.permission = CTL_MAY_ISOLATE,
		.request = { ORDER },
		.reply = { PREVIEW_REPLY },
		.row = { PREVIEW_ROW },
	},
	[CTL_RECONNECT] = {
		.name = "reconnect",
		.permission = CTL_MAY_OPERATE,
		.request = { CTL_NAME, CTL_REASON },
		.reply = { CTL_NAME, CTL_CONFIRMED, CTL_INCIDENT, CTL_ISOLATED },
	},
	[CTL_MAIL_LIST] = {
		.name = "mail-list",
		.permission = CTL_MAY_ASK_FOR_MAIL,
		.request = { CTL_SINCE, CTL_UNTIL, CTL_SENDER, CTL_RECIPIENT, CTL_CLIENT, CTL_FLOW,
			     CTL_VERDICT, CTL_LIMIT, CTL_REASON, CTL_ATTACHMENT, CTL_FOUND },
		.row = { MAIL_SHORT, CTL_RECIPIENT },
	},
	[CTL_MAIL_SHOW] = {
		.name = "mail-show",
		.permission = CTL_MAY_ASK_FOR_MAIL,
		.request = { CTL_MAIL, CTL_SENDER, CTL_RECIPIENT, CTL_REASON },
		.reply = { MAIL_SHORT, CTL_BEGAN, CTL_ENDED, CTL_SOURCE_PORT, CTL_SERVER, CTL_PORT,
			   CTL_GUARDED_BY, CTL_CLAUSE, CTL_CONTROL, CTL_FROM, CTL_TO, CTL_HELO,
			   CTL_DECLARED, CTL_TLS, CTL_TLS_CLIENT, CTL_TLS_SERVER,
			   CTL_OWN_SENDER },
		// Of a recipient, or of a file.
		.row = { CTL_RECIPIENT, CTL_REPLY_CODE, CTL_ATTACHMENT, CTL_PART, CTL_DEPTH,
			 CTL_MEDIA_TYPE, CTL_SIZE, CTL_SHA256, CTL_FOUND, CTL_ACTION, CTL_RULE },
	},
	[CTL_MAIL_COUNTS] = {
		.name = "mail-counts",
		.permission = CTL_MAY_SEE,
		.request = { CTL_MONTH, CTL_MONTH_LAST },
		// Of transactions, or of files in which something was found.
		.row = { CTL_MONTH, CTL_GUARDED_BY, CTL_FLOW, CTL_CONTROL, CTL_VERDICT, CTL_REASON,
			 CTL_TOTAL, CTL_SIZE, CTL_RECIPIENTS, CTL_FOUND, CTL_ACTION },
	},
	[CTL_MAIL_STATUS] = {
		.name = "mail-status",
		.permission = CTL_MAY_SEE,
		// Of a stop, or of a limit.
		.row = { CTL_KIND, CTL_NAME, CTL_CHANGE, CTL_SINCE, CTL_UNTIL, CTL_ACTOR, CTL_REASON,
			 CTL_ASKED_BY, CTL_GUARDED_BY, CTL_WORDS },
	},
	[CTL_MAIL_STOP] = {
		.name = "mail-stop",
		.permission = CTL_MAY_OPERATE,
		.request = { CTL_KIND, CTL_NAME, CTL_REASON, CTL_SECONDS },
		.reply = { CTL_NAME, CTL_UNTIL, CTL_MAIL_STOPPED },
	},
	[CTL_MAIL_RESUME] = {
		.name = "mail-resume",
		.permission = CTL_MAY_OPERATE,
		.request = { CTL_KIND, CTL_NAME, CTL_REASON },
		.reply = { CTL_NAME, CTL_UNTIL, CTL_MAIL_STOPPED },
	},
	[CTL_MAIL_HELD] = {
		.name = "mail-held",
		.permission = CTL_MAY_APPROVE,
		.request = { CTL_HELD, CTL_STATE, CTL_REASON },
		.reply = { HELD_MAIL },
		// Of a message; with a number, of a line of its header, a recipient or a file.
		.row = { HELD_MAIL, CTL_RECIPIENT, CTL_REPLY_CODE, CTL_ATTACHMENT,
			 CTL_MEDIA_TYPE, CTL_FOUND, CTL_ACTION, CTL_RULE, CTL_SHA256, CTL_HEADING },
	},
	[CTL_MAIL_RELEASE] = {
		.name = "mail-release",
		.permission = CTL_MAY_APPROVE,
		.request = { CTL_HELD, CTL_REASON },
		.reply = { CTL_HELD, CTL_STATE },
	},
	[CTL_MAIL_REJECT] = {
		.name = "mail-reject",
		.permission = CTL_MAY_APPROVE,
		.request = { CTL_HELD, CTL_REASON },
		.reply = { CTL_HELD, CTL_STATE },
	},
};

const struct control_method_info *control_method_info(unsigned method)
{
	return method < CTL_METHOD_END && method_table[method].name ? &method_table[method] : NULL;
}

unsigned control_method_find(const char *name)
{
	for (unsigned method = 1; method < CTL_METHOD_END; method++)
		if (!strcmp(method_table[method].name, name))
			return method;
	return 0;
}

int control_head_read(const void *bytes, size_t size, struct control_head *ret)
{
	struct control_head head;
	if (size < sizeof(head) || size > CTL_MESSAGE_MAX)
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != CTL_MAGIC)
		return -EBADMSG;
	if (head.protocol != CTL_PROTOCOL)
		return -EPROTONOSUPPORT;
	if (head.zero || head.zero2 || (head.flags & ~(CTL_REPLY | CTL_MORE)) ||
	    head.length != size - sizeof(head))
		return -EBADMSG;
	*ret = head;
	return 0;
}

static bool listed(const uint16_t tags[CTL_TAGS_MAX], uint16_t tag)
{
	for (size_t i = 0; i < CTL_TAGS_MAX && tags[i]; i++)
		if (tags[i] == tag)
			return true;
	return false;
}

static bool row_is_of(const struct control_row *row, const uint16_t tags[CTL_TAGS_MAX])
{
	for (size_t i = 0; i < row->n; i++)
		if (!listed(tags, row->v[i].tag))
			return false;
	return true;
}

int control_check_request(unsigned method, const struct control_rows *rows)
{
	const struct control_method_info *info = control_method_info(method);
	if (!info || rows->n != 1 || !row_is_of(&rows->v[0], info->request))
		return -EBADMSG;
	return 0;
}

// Every reply may have these beside its own.
static bool reply_head_is_of(const struct control_row *row, const uint16_t tags[CTL_TAGS_MAX])
{
	for (size_t i = 0; i < row->n; i++)
		if (row->v[i].tag != CTL_EXIT && row->v[i].tag != CTL_ERROR &&
		    !listed(tags, row->v[i].tag))
			return false;
	return true;
}

int control_check_reply(unsigned method, const struct control_rows *rows)
{
	const struct control_method_info *info = control_method_info(method);
	if (!info || !reply_head_is_of(&rows->v[0], info->reply))
		return -EBADMSG;
	for (size_t i = 1; i < rows->n; i++)
		if (!row_is_of(&rows->v[i], info->row))
			return -EBADMSG;
	return 0;
}

bool control_permitted(const struct control_peer *peer, unsigned method)
{
	const struct control_method_info *info = control_method_info(method);
	return info && control_peer_may(peer, info->permission);
}
