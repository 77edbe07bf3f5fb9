// A message that may have to be held: a copy of it on its way to the vault.
//
//	354 --> begin --> bytes ... --> nothing holds it: drop, and the message ends at the server
//	                   |
//	                   +--> something does: the client is taken over, the server gets nothing
// more; 	                        bytes ... --> end --> the answer --> our reply
//
// A message that is held is still read to its end: something in it may be a reason to refuse it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/held_wire.h"
#include "inspect/smtp_session.h"

// --- the envelope, as its client gave it

uint16_t smtp_hold_line(struct engine *engine, const struct smtp_text *line)
{
	struct smtp_hold *hold = &engine->mail.hold;
	struct smtp_hold_line *grown;
	if (hold->n_lines > HELD_RECIPIENTS_MAX || hold->lines_size + line->n + 1 > HELD_LINES_MAX)
		return SMTP_LINE_NONE;
	if (hold->n_lines == hold->room) {
		uint32_t room = hold->room ? hold->room * 2 : 4;
		grown = realloc(hold->lines, room * sizeof(*grown));
		if (!grown)
			return SMTP_LINE_NONE;
		hold->lines = grown;
		hold->room = room;
	}
	char *text = strndup((const char *)line->at, line->n);
	if (!text)
		return SMTP_LINE_NONE;
	hold->lines_size += (uint32_t)line->n + 1;
	hold->lines[hold->n_lines] = (struct smtp_hold_line){ text, hold->n_lines == 0 };
	return (uint16_t)hold->n_lines++;
}

void smtp_hold_taken(struct engine *engine, uint16_t line)
{
	struct smtp_hold *hold = &engine->mail.hold;
	if (line < hold->n_lines)
		hold->lines[line].taken = true;
}

void smtp_hold_free(struct smtp_hold *hold)
{
	for (uint32_t i = 0; i < hold->n_lines; i++)
		free(hold->lines[i].text);
	free(hold->lines);
	hold->lines = NULL;
	hold->n_lines = hold->room = hold->lines_size = 0;
}

size_t smtp_hold_memory(const struct smtp_hold *hold)
{
	return hold->room * sizeof(hold->lines[0]) + hold->lines_size;
}

// --- the copy

static bool may_hold(const struct engine *engine)
{
	const struct profile *profile = engine->profile;
	const struct profile_malware *malware = &profile->malware;
	const bool scanned = engine->mail.scan.state != SMTP_SCAN_NONE;
	return (scanned &&
		(malware->encrypted == PROFILE_HOLD || malware->too_big == PROFILE_HOLD ||
		 malware->down_holds || malware->old_holds)) ||
	       content_rules_hold(profile, &engine->mail.audience);
}

static void over(struct smtp_hold *hold, enum hold_verdict verdict)
{
	hold->state = SMTP_HOLD_DONE;
	hold->behind = false;
	hold->result = (struct hold_result){ .verdict = verdict };
}

void smtp_hold_begin(struct engine *engine)
{
	const struct hold_host *host = engine->host.hold;
	struct smtp_hold *hold = &engine->mail.hold;
	if (!engine->profile->hold.any || !may_hold(engine))
		return;
	if (host && host->begin(engine->host.arg))
		hold->state = SMTP_HOLD_OPEN;
	else
		over(hold, HOLD_DOWN);
}

void smtp_hold_bytes(struct engine *engine, const uint8_t *bytes, size_t n)
{
	struct smtp_hold *hold = &engine->mail.hold;
	if (n && hold->state == SMTP_HOLD_OPEN &&
	    !engine->host.hold->bytes(engine->host.arg, bytes, n))
		hold->behind = true;
}

void smtp_hold_drop(struct engine *engine)
{
	struct smtp_hold *hold = &engine->mail.hold;
	if (hold->state == SMTP_HOLD_OPEN || hold->state == SMTP_HOLD_ENDED)
		engine->host.hold->drop(engine->host.arg);
	hold->state = SMTP_HOLD_NONE;
	hold->behind = false;
}

// --- it is to be held

static enum smtp_reason answer_to(const struct engine *engine)
{
	switch (engine->mail.hold.result.verdict) {
	case HOLD_KEPT:
		return engine->profile->hold.later ? SMTP_HELD_LATER : SMTP_HELD;
	case HOLD_DELIVERED:
		return SMTP_HELD_DELIVERED;
	case HOLD_REJECTED:
		return SMTP_HELD_REJECTED;
	case HOLD_FULL:
		return SMTP_HOLD_FULL;
	case HOLD_DOWN:
		break;
	}
	return SMTP_HOLD_DOWN;
}

void smtp_hold_want(struct engine *engine, enum smtp_reason why)
{
	struct smtp_hold *hold = &engine->mail.hold;
	if (hold->why != SMTP_REASON_NONE)
		return;
	hold->why = why;
	if (hold->state != SMTP_HOLD_OPEN) { // the vault has refused it, or was never there
		if (hold->state != SMTP_HOLD_DONE)
			over(hold, HOLD_DOWN);
		smtp_finish(engine, answer_to(engine));
	} else {
		smtp_take(engine);
	}
}

static char *join_lines(const struct smtp_hold *hold, struct held_envelope *envelope)
{
	char *text = malloc(hold->lines_size);
	size_t used = 0;
	for (uint32_t i = 0; text && i < hold->n_lines; i++) {
		size_t n = strlen(hold->lines[i].text) + 1;
		if (!hold->lines[i].taken)
			continue;
		memcpy(text + used, hold->lines[i].text, n);
		used += n;
		envelope->n_lines++;
	}
	envelope->lines = text;
	envelope->lines_size = used;
	return text;
}

// What came to its server by TLS, or had to, goes there by TLS later as well.
static void demand_tls(const struct engine *engine, struct held_envelope *envelope)
{
	const struct profile_tls_inspect *inspect = &engine->profile->tls_inspect;
	const bool inspects = engine->profile->tls == PROFILE_TLS_INSPECT;
	const char *name = inspects ? profile_tls_name(inspect, &engine->peer.server) : NULL;
	envelope->tls_least = inspects ? inspect->least_server : 0x0303;
	envelope->tls_name = name;
	if (smtp_begins_with_tls(engine))
		envelope->tls = HELD_TLS_AT_ONCE;
	else if (engine->tls || name || (inspects && inspect->required))
		envelope->tls = HELD_TLS_REQUIRED;
}

// 0: there is no memory, or nobody it goes to.
static size_t pack(struct engine *engine, uint8_t *record, uint8_t *out)
{
	const struct profile_hold *rules = &engine->profile->hold;
	struct held_envelope envelope = {
		.keep_seconds = rules->keep_seconds,
		.persons = rules->persons,
		.later = rules->later,
		.messages_max = rules->messages_max,
		.bytes_max = rules->bytes_max,
		.record = record,
	};
	demand_tls(engine, &envelope);
	char *lines = join_lines(&engine->mail.hold, &envelope);
	size_t n = 0;
	if (lines) {
		envelope.record_size =
			smtp_mail_pack(engine, rules->later ? SMTP_HELD_LATER : SMTP_HELD, record);
		if (engine->mail.content)
			envelope.heading =
				content_heading(engine->mail.content, &envelope.heading_size);
		n = held_wire_pack(&envelope, out, HELD_WIRE_MAX);
	}
	free(lines);
	return n;
}

void smtp_hold_end(struct engine *engine)
{
	struct smtp_hold *hold = &engine->mail.hold;
	uint8_t *bytes = malloc(MAIL_WIRE_MAX + HELD_WIRE_MAX);
	size_t n = bytes ? pack(engine, bytes, bytes + MAIL_WIRE_MAX) : 0;
	engine->state = SMTP_HOLD_AHEAD;
	if (n) {
		hold->state = SMTP_HOLD_ENDED;
		engine->host.hold->end(engine->host.arg, bytes + MAIL_WIRE_MAX, n);
	} else {
		smtp_hold_drop(engine);
		smtp_finish(engine, SMTP_HOLD_DOWN);
	}
	free(bytes);
}

void smtp_hold_take(struct engine *engine, const struct hold_result *result)
{
	struct smtp_hold *hold = &engine->mail.hold;
	const bool ended = hold->state == SMTP_HOLD_ENDED;
	if (hold->state != SMTP_HOLD_OPEN && !ended)
		return;
	over(hold, HOLD_DOWN);
	// Nobody can have kept what was not said to its end.
	if (ended || result->verdict == HOLD_FULL)
		hold->result = *result;
	if (hold->why != SMTP_REASON_NONE)
		smtp_finish(engine, answer_to(engine));
	else if (engine->state == SMTP_BODY)
		smtp_body_pass(engine);
}

void smtp_hold_room(struct engine *engine)
{
	engine->mail.hold.behind = false;
	if (engine->state == SMTP_BODY)
		smtp_body_pass(engine);
}
