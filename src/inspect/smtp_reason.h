// Why a transaction or session went as it did: one table of words, verdicts, controls and replies.
#ifndef SEKISHO_INSPECT_SMTP_REASON_H
#define SEKISHO_INSPECT_SMTP_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/mail_record.h"

enum smtp_reason {
	SMTP_REASON_NONE,
	SMTP_PASSED,
	SMTP_PASSED_OWN_SENDER,
	SMTP_PASSED_RECORDED,
	SMTP_PASSED_HABIT,
	SMTP_PASSED_MARKED,
	SMTP_PASSED_SCANNED,
	SMTP_PASSED_MALWARE,
	SMTP_PASSED_SCAN_ENCRYPTED,
	SMTP_PASSED_SCAN_TOO_BIG,
	SMTP_PASSED_UNSCANNED,
	SMTP_REJECTED,
	SMTP_BROKEN_OFF,
	SMTP_NO_MAIL,
	SMTP_UNREAD_TLS,
	SMTP_UNREAD_GREETING,
	// Refused: one command, or what comes of it.
	SMTP_RELAY,
	SMTP_AMBIGUOUS,
	SMTP_RECIPIENT_SYNTAX,
	SMTP_SENDER_SYNTAX,
	SMTP_NEEDS_UTF8,
	SMTP_PARAMETER,
	SMTP_ARGUMENT,
	SMTP_OWN_SENDER,
	SMTP_SIZE_DECLARED,
	SMTP_SIZE,
	SMTP_RECIPIENTS,
	SMTP_MESSAGE_RATE,
	SMTP_STOPPED,
	SMTP_NESTED,
	SMTP_UNKNOWN_COMMAND,
	SMTP_NOT_OFFERED,
	SMTP_TLS_NOT_OFFERED,
	SMTP_TLS_REFUSED,
	SMTP_TLS_REQUIRED,
	SMTP_TLS_LACKING,
	// Refused: the message, for what is in it.
	SMTP_ATTACHMENT_PROGRAM,
	SMTP_ATTACHMENT_MACRO,
	SMTP_ATTACHMENT_ENCRYPTED,
	SMTP_ATTACHMENT_MISLEADING,
	SMTP_ATTACHMENT_ACTIVE,
	SMTP_ATTACHMENT_KIND,
	SMTP_ATTACHMENT_NAME,
	SMTP_ATTACHMENT_TYPE,
	SMTP_ATTACHMENT_ANY,
	SMTP_ATTACHMENT_SIZE,
	SMTP_ATTACHMENT_TOTAL,
	SMTP_ATTACHMENT_NUMBER,
	SMTP_ATTACHMENT_UNREAD,
	SMTP_ATTACHMENT_UNDECODABLE,
	SMTP_ATTACHMENT_WORDS,
	SMTP_ATTACHMENT_PERSONAL,
	SMTP_ATTACHMENT_BUSY,
	// Refused: the message, or a recipient, for what its sender does.
	SMTP_HABIT_FORWARDED,
	SMTP_HABIT_LOOP,
	SMTP_HABIT_OUTSIDE,
	SMTP_HABIT_ALIKE,
	SMTP_HABIT_LINK_DIFFERS,
	SMTP_HABIT_LINK_DOMAIN,
	SMTP_HABIT_ACTIVE,
	SMTP_HABIT_DOMAIN,
	// Refused: the message, for what the scanner says.
	SMTP_MALWARE,
	SMTP_SCAN_ENCRYPTED,
	SMTP_SCAN_TOO_BIG,
	SMTP_SCAN_NONE_REFUSED,
	SMTP_SCAN_LATER,
	SMTP_SCAN_BUSY,
	SMTP_SCAN_OLD,
	// Held: the message.
	SMTP_HELD,
	SMTP_HELD_LATER,
	SMTP_HELD_DELIVERED,
	SMTP_HELD_REJECTED,
	SMTP_HOLD_FULL,
	SMTP_HOLD_DOWN,
	SMTP_HOLD_BROKEN,
	// Refused: the session.
	SMTP_SESSIONS,
	SMTP_SESSION_RATE,
	SMTP_TRANSACTIONS,
	SMTP_INVALID_RECIPIENTS,
	SMTP_REFUSED_COMMANDS,
	// Ended: a peer was out of step.
	SMTP_EARLY_TALK,
	SMTP_EARLY_DATA,
	SMTP_TLS_INJECTION,
	SMTP_NOT_SMTP,
	SMTP_CHUNKING,
	SMTP_BARE_LF,
	SMTP_BARE_CR,
	SMTP_NUL,
	SMTP_LINE_LONG,
	SMTP_DATA_LINE_LONG,
	SMTP_SHORT_LINE,
	SMTP_AUTH_LINE,
	SMTP_TOO_MUCH_WAITING,
	SMTP_AFTER_END,
	SMTP_SERVER_SYNTAX,
	SMTP_SERVER_LONG,
	SMTP_SERVER_STEP,
	SMTP_SERVER_IN_DATA,
	// Ended: of connections that the gate makes itself.
	SMTP_UNREACHED,
	SMTP_TLS_CLIENT,
	SMTP_TLS_SERVER,
	SMTP_SERVER_LATE,
	SMTP_CLIENT_LATE,
	SMTP_MEMORY,
	SMTP_REASON_COUNT,
};

struct smtp_reason_row {
	const char *word, *words; // of the record
	enum mail_verdict verdict;
	const char *control;
	const char *reply; // with its CRLF; NULL: none of ours
};

const struct smtp_reason_row *smtp_reason_row(enum smtp_reason reason);
// As a sentence for whoever reads the record; NULL: there is none.
const char *smtp_reason_japanese(enum smtp_reason reason);
// Attachments that come in are a danger, those that go out may not have been meant to: another
// control's matter.
const char *smtp_reason_control(enum smtp_reason reason, bool inward);

// The record tells the scanner's name of what it found.
bool smtp_reason_names_found(enum smtp_reason reason);

enum { SMTP_REASON_REPLY_MAX = 1024 };
// found: the scanner's name of what it found, for the reply; or "".
// The reply to a client; with the Japanese sentence as a second line to one that takes UTF-8.
void smtp_reason_reply(enum smtp_reason reason, bool utf8, const char *found,
		       char out[SMTP_REASON_REPLY_MAX]);
uint16_t smtp_reason_code(enum smtp_reason reason); // of its reply, or 0

#endif
