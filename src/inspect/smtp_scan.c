// A message on its way to the scanner, and what its verdict does.
//
// Bytes go on to the server while they are scanned; the end of data alone waits.  A scanner that is
// behind makes the bytes wait too, so that the client's TCP slows down.
#include <string.h>

#include "inspect/smtp_session.h"

// A mail in the eyes of a scanner begins with a header that it knows; without one the attachments
// of a message would not be looked into.  Not "From ", with which a file of several mails begins.
static const char head[] = "Received: by sekisho\r\n";

static bool wants(const struct profile_malware *malware, const struct smtp_mail *mail)
{
	return (malware->in && mail->inward) || (malware->out && mail->outward);
}

static void give(struct engine *engine, const uint8_t *bytes, size_t n)
{
	struct smtp_scan *scan = &engine->mail.scan;
	if (n && scan->state == SMTP_SCAN_OPEN &&
	    !engine->host.scan->bytes(engine->host.arg, bytes, n))
		scan->behind = true;
}

void smtp_scan_begin(struct engine *engine)
{
	const struct profile_malware *malware = &engine->profile->malware;
	struct smtp_scan *scan = &engine->mail.scan;
	if (!wants(malware, &engine->mail))
		return;
	*scan = (struct smtp_scan){ .state = SMTP_SCAN_OPEN, .line = true };
	if (engine->host.scan && engine->host.scan->begin(engine->host.arg, malware->seconds)) {
		give(engine, (const uint8_t *)head, sizeof(head) - 1);
		return;
	}
	scan->state = SMTP_SCAN_DONE;
	scan->result.verdict = SCAN_DOWN;
}

// A dot at the beginning of a line was put there for the way (RFC 5321 4.5.2).
void smtp_scan_bytes(struct engine *engine, const uint8_t *bytes, size_t n)
{
	struct smtp_scan *scan = &engine->mail.scan;
	size_t at = 0;
	if (scan->state != SMTP_SCAN_OPEN)
		return;
	while (at < n) {
		if (scan->line && bytes[at] == '.') {
			at++;
			scan->line = false;
			continue;
		}
		// Up to the next dot that goes, as one.
		size_t from = at;
		while (at < n && !(scan->line && bytes[at] == '.' && at > from)) {
			const uint8_t *lf = memchr(bytes + at, '\n', n - at);
			scan->line = lf != NULL;
			at = lf ? (size_t)(lf - bytes) + 1 : n;
		}
		give(engine, bytes + from, at - from);
	}
}

void smtp_scan_drop(struct engine *engine)
{
	struct smtp_scan *scan = &engine->mail.scan;
	if (scan->state == SMTP_SCAN_OPEN || scan->state == SMTP_SCAN_ENDED)
		engine->host.scan->drop(engine->host.arg);
	scan->state = SMTP_SCAN_NONE;
	scan->behind = false;
}

static enum smtp_reason refuses(enum profile_action action, enum smtp_reason reason)
{
	return action == PROFILE_REFUSE ? reason : SMTP_REASON_NONE;
}

enum smtp_reason smtp_scan_refusal(const struct engine *engine)
{
	const struct profile_malware *malware = &engine->profile->malware;
	const struct smtp_scan *scan = &engine->mail.scan;
	if (scan->state != SMTP_SCAN_DONE)
		return SMTP_REASON_NONE;
	switch (scan->result.verdict) {
	case SCAN_CLEAN:
		return scan->result.old && malware->old_waits ? SMTP_SCAN_OLD : SMTP_REASON_NONE;
	case SCAN_INFECTED:
		return refuses(malware->infected, SMTP_MALWARE);
	case SCAN_ENCRYPTED:
		return refuses(malware->encrypted, SMTP_SCAN_ENCRYPTED);
	case SCAN_TOO_BIG:
		return refuses(malware->too_big, SMTP_SCAN_TOO_BIG);
	case SCAN_DOWN:
		return malware->down_passes || malware->down_holds ? SMTP_REASON_NONE
		       : malware->down_refuses			   ? SMTP_SCAN_NONE_REFUSED
								   : SMTP_SCAN_LATER;
	case SCAN_BUSY:
		break;
	}
	return SMTP_SCAN_BUSY;
}

// Why a message that passed all the same is told of, or NONE.
enum smtp_reason smtp_scan_passed(const struct engine *engine)
{
	const struct profile_malware *malware = &engine->profile->malware;
	const struct smtp_scan *scan = &engine->mail.scan;
	if (scan->state != SMTP_SCAN_DONE)
		return SMTP_REASON_NONE;
	switch (scan->result.verdict) {
	case SCAN_INFECTED:
		return SMTP_PASSED_MALWARE;
	case SCAN_ENCRYPTED:
		return malware->encrypted == PROFILE_RECORD ? SMTP_PASSED_SCAN_ENCRYPTED
							    : SMTP_PASSED_SCANNED;
	case SCAN_TOO_BIG:
		return malware->too_big == PROFILE_RECORD ? SMTP_PASSED_SCAN_TOO_BIG
							  : SMTP_PASSED_SCANNED;
	case SCAN_DOWN:
		return SMTP_PASSED_UNSCANNED;
	case SCAN_CLEAN:
	case SCAN_BUSY:
		break;
	}
	return SMTP_PASSED_SCANNED;
}

enum smtp_reason smtp_scan_holds(const struct engine *engine)
{
	const struct profile_malware *malware = &engine->profile->malware;
	const struct smtp_scan *scan = &engine->mail.scan;
	if (scan->state != SMTP_SCAN_DONE)
		return SMTP_REASON_NONE;
	switch (scan->result.verdict) {
	case SCAN_ENCRYPTED:
		return malware->encrypted == PROFILE_HOLD ? SMTP_SCAN_ENCRYPTED : SMTP_REASON_NONE;
	case SCAN_TOO_BIG:
		return malware->too_big == PROFILE_HOLD ? SMTP_SCAN_TOO_BIG : SMTP_REASON_NONE;
	case SCAN_DOWN:
		return malware->down_holds ? SMTP_SCAN_LATER : SMTP_REASON_NONE;
	case SCAN_CLEAN:
		return scan->result.old && malware->old_holds ? SMTP_SCAN_OLD : SMTP_REASON_NONE;
	case SCAN_INFECTED:
	case SCAN_BUSY:
		break;
	}
	return SMTP_REASON_NONE;
}

void smtp_scan_end(struct engine *engine)
{
	struct smtp_scan *scan = &engine->mail.scan;
	if (scan->state != SMTP_SCAN_OPEN)
		return;
	scan->state = SMTP_SCAN_ENDED;
	engine->host.scan->end(engine->host.arg);
}

void smtp_scan_go_on(struct engine *engine)
{
	const struct smtp_scan *scan = &engine->mail.scan;
	bool verdict_ahead = scan->state == SMTP_SCAN_ENDED || scan->state == SMTP_SCAN_OPEN;
	if (engine->state == SMTP_SCAN_AHEAD && !verdict_ahead && !smtp_apart_waits(engine))
		smtp_body_end(engine);
	else if (engine->state == SMTP_BODY)
		smtp_body_pass(engine);
}

void smtp_scan_take(struct engine *engine, const struct scan_result *result)
{
	struct smtp_scan *scan = &engine->mail.scan;
	enum smtp_reason reason;
	if (scan->state != SMTP_SCAN_OPEN && scan->state != SMTP_SCAN_ENDED)
		return;
	scan->state = SMTP_SCAN_DONE;
	scan->behind = false;
	scan->result = *result;
	reason = smtp_scan_refusal(engine);
	if (reason == SMTP_REASON_NONE) {
		smtp_scan_go_on(engine);
		return;
	}
	if (engine->state == SMTP_SCAN_AHEAD)
		engine->state = SMTP_COMMANDS;
	smtp_finish(engine, reason);
}

void smtp_scan_room(struct engine *engine)
{
	engine->mail.scan.behind = false;
	smtp_scan_go_on(engine);
}
