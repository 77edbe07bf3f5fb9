// The transaction in hand, and what is recorded of it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "event/mail_wire.h"
#include "inspect/smtp_session.h"

static size_t escape_one(const uint8_t *at, size_t n, char out[5])
{
	static const uint8_t lengths[] = { 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 3, 4 };
	size_t length = lengths[at[0] >> 4];
	// C1 controls are of two bytes, from C2 80.
	bool control = at[0] < ' ' || at[0] == 0x7f || (at[0] == 0xc2 && n > 1 && at[1] < 0xa0);
	if (!control && length && length <= n && text_is_utf8(at, length, NULL)) {
		memcpy(out, at, length);
		out[length] = '\0';
		return length;
	}
	snprintf(out, 5, "\\x%02x", at[0]);
	return 1;
}

void smtp_mail_escape(const uint8_t *bytes, size_t n, char *out, size_t room)
{
	size_t used = 0;
	char one[5];
	for (size_t at = 0; at < n;) {
		at += escape_one(bytes + at, n - at, one);
		size_t length = strlen(one);
		if (used + length >= room)
			break;
		memcpy(out + used, one, length);
		used += length;
	}
	out[used] = '\0';
}

static char *keep(const struct smtp_text *text)
{
	char address[MAIL_ADDRESS_MAX];
	smtp_mail_escape(text->at, text->n, address, sizeof(address));
	return strdup(address);
}

void smtp_mail_free(struct smtp_mail *mail)
{
	for (uint32_t i = 0; i < mail->n_kept; i++)
		free(mail->recipients[i].address);
	free(mail->recipients);
	content_free(mail->content);
	audience_free(&mail->audience);
	smtp_hold_free(&mail->hold);
	free(mail->sender);
	*mail = (struct smtp_mail){ 0 };
}

void smtp_mail_open(struct engine *engine, const struct smtp_mail_draft *draft)
{
	engine->mail = (struct smtp_mail){
		.open = true,
		.utf8 = draft->utf8,
		.own_sender = draft->own_sender,
		.began_us = engine->now_us,
		.declared = draft->declared,
		.stopped = draft->stopped,
		.cap = UINT64_MAX,
		.sender = keep(&draft->sender),
	};
	if (engine->profile->hold.any && draft->line.n)
		smtp_hold_line(engine, &draft->line);
}

void smtp_mail_refused(struct engine *engine, const struct smtp_mail_draft *draft,
		       enum smtp_reason reason)
{
	if (engine->state == SMTP_DONE)
		return;
	smtp_mail_open(engine, draft);
	smtp_mail_done(engine, reason, smtp_reason_code(reason));
}

uint16_t smtp_mail_recipient(struct engine *engine, const struct smtp_text *address, uint16_t code)
{
	struct smtp_mail *mail = &engine->mail;
	if (!mail->open)
		return SMTP_RECIPIENT_NONE;
	mail->n_named++;
	if (mail->n_kept == MAIL_RECIPIENTS_KEPT)
		return SMTP_RECIPIENT_NONE;
	if (mail->n_kept == mail->cap_kept) {
		uint32_t cap = mail->cap_kept ? mail->cap_kept * 2 : 4;
		struct smtp_recipient *grown = realloc(mail->recipients, cap * sizeof(grown[0]));
		if (!grown)
			return SMTP_RECIPIENT_NONE;
		mail->recipients = grown;
		mail->cap_kept = cap;
	}
	char *kept = keep(address);
	mail->kept_bytes += kept ? (uint32_t)strlen(kept) + 1 : 0;
	mail->recipients[mail->n_kept] = (struct smtp_recipient){ kept, code };
	return (uint16_t)mail->n_kept++;
}

static const char *zone_of(const struct profile_zone *zones, size_t n, const struct addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (profile_holds(&zones[i].addrs, addr))
			return zones[i].id;
	return "";
}

const char *smtp_mail_zone(const struct engine *engine)
{
	const struct profile_flow *flow = engine->peer.flow;
	return zone_of(flow->from, flow->n_from, &engine->peer.client);
}

static void copy(char *out, size_t room, const char *text)
{
	snprintf(out, room, "%s", text ? text : "");
}

// What was held, and for what.
static void describe_held(char out[MAIL_REASON_MAX], const struct smtp_hold *hold,
			  enum smtp_reason reason)
{
	const struct smtp_reason_row *row = smtp_reason_row(reason);
	const struct smtp_reason_row *why = smtp_reason_row(hold->why);
	const char *japanese = smtp_reason_japanese(hold->why);
	char number[40] = "";
	if (hold->result.number)
		snprintf(number, sizeof(number), " (held message %llu)",
			 (unsigned long long)hold->result.number);
	snprintf(out, MAIL_REASON_MAX, "%s: %s%s; %s: %s%s%s", row->word, row->words, number,
		 why->word, why->words, japanese ? " / " : "", japanese ? japanese : "");
}

static bool is_of_hold(enum smtp_reason reason)
{
	return reason >= SMTP_HELD && reason <= SMTP_HOLD_DOWN;
}

static void describe(char out[MAIL_REASON_MAX], const struct engine *engine,
		     enum smtp_reason reason)
{
	const struct smtp_reason_row *row = smtp_reason_row(reason);
	const char *japanese = smtp_reason_japanese(reason);
	const uint16_t *enhanced = engine->reply_enhanced;
	const char *found = smtp_reason_names_found(reason) ? engine->mail.scan.result.name : "";
	if (is_of_hold(reason) && engine->mail.hold.why != SMTP_REASON_NONE)
		describe_held(out, &engine->mail.hold, reason);
	else if (row->verdict == MAIL_REJECTED && enhanced[0])
		snprintf(out, MAIL_REASON_MAX, "%s: %s, %u.%u.%u", row->word, row->words,
			 enhanced[0], enhanced[1], enhanced[2]);
	else
		snprintf(out, MAIL_REASON_MAX, "%s: %s%s%s%s%s%s", row->word, row->words,
			 *found ? " (" : "", found, *found ? ")" : "", japanese ? " / " : "",
			 japanese ? japanese : "");
}

// Of a message that is held the duty is that for which it is.
static enum smtp_reason duty_of(const struct smtp_mail *mail, enum smtp_reason reason)
{
	return is_of_hold(reason) && mail->hold.why != SMTP_REASON_NONE ? mail->hold.why : reason;
}

// A rule may have a clause of its own; else it is what the control stands for.
static const char *clause_of(const struct engine *engine, const struct smtp_mail *mail,
			     enum smtp_reason reason, const char *control)
{
	const struct profile *profile = engine->profile;
	const char *clause =
		mail->content ? content_clause(mail->content, duty_of(mail, reason)) : "";
	if (reason == SMTP_HABIT_DOMAIN && mail->domain_rule &&
	    mail->domain_rule <= profile->n_habits)
		clause = profile->habits[mail->domain_rule - 1].clause;
	return *clause ? clause : profile_clause(engine->peer.flow, control);
}

static void tell_content(const struct smtp_mail *mail, enum smtp_reason reason,
			 struct mail_record *record)
{
	record->n_files = content_files(mail->content, &record->files);
	if (reason == SMTP_PASSED_HABIT || reason == SMTP_PASSED_MARKED)
		reason = content_habit(mail->content);
	reason = duty_of(mail, reason);
	record->control = smtp_reason_control(reason, mail->inward);
}

// Without the recipients when there is no memory for them: n_recipients still tells how many.
static void make_record(struct engine *engine, const struct smtp_mail *mail,
			enum smtp_reason reason, uint16_t code, struct mail_record *ret)
{
	const struct smtp_reason_row *row = smtp_reason_row(reason);
	const struct profile_flow *flow = engine->peer.flow;
	struct mail_recipient *recipients =
		mail->n_kept ? calloc(mail->n_kept, sizeof(*recipients)) : NULL;
	struct mail_record record = {
		.began_us = mail->began_us,
		.ended_us = engine->now_us,
		.client = engine->peer.client,
		.server = engine->peer.server,
		.client_port = engine->peer.client_port,
		.server_port = engine->peer.server_port,
		.flow = flow->id,
		.guard = engine->profile->guard,
		.control = smtp_reason_row(duty_of(mail, reason))->control,
		.from_zone = smtp_mail_zone(engine),
		.to_zone = zone_of(flow->to, flow->n_to, &engine->peer.server),
		.recipients = recipients,
		.n_recipients = mail->n_named,
		.declared = mail->declared,
		.size = mail->size,
		.tls = reason == SMTP_UNREAD_TLS || engine->tls,
		.client_suite = engine->suites[ENGINE_CLIENT],
		.server_suite = engine->suites[ENGINE_SERVER],
		.own_sender = mail->own_sender,
		.verdict = row->verdict,
		.code = code,
		.counts = mail->open && engine->profile->mass,
		.outward = engine->sender,
		.n_own = mail->n_own,
		.n_others = mail->n_accepted - mail->n_own,
	};
	copy(record.helo, sizeof(record.helo), engine->helo);
	copy(record.sender, sizeof(record.sender), mail->sender);
	for (uint32_t i = 0; recipients && i < mail->n_kept; i++) {
		copy(recipients[i].address, sizeof(recipients[i].address),
		     mail->recipients[i].address);
		recipients[i].code = mail->recipients[i].code;
	}
	describe(record.reason, engine, reason);
	if (mail->content)
		tell_content(mail, reason, &record);
	record.clause = clause_of(engine, mail, reason, record.control);
	*ret = record;
}

static void free_record(const struct mail_record *record)
{
	free((void *)(uintptr_t)record->recipients);
}

size_t smtp_mail_pack(struct engine *engine, enum smtp_reason reason, uint8_t *out)
{
	struct mail_record record;
	make_record(engine, &engine->mail, reason, smtp_reason_code(reason), &record);
	size_t size = mail_wire_pack(&record, out);
	free_record(&record);
	return size;
}

static void write_record(struct engine *engine, const struct smtp_mail *mail,
			 enum smtp_reason reason, uint16_t code)
{
	struct mail_record record;
	make_record(engine, mail, reason, code, &record);
	if (engine->host.record)
		engine->host.record(engine->host.arg, &record);
	free_record(&record);
	engine->recorded = true;
}

void smtp_mail_done(struct engine *engine, enum smtp_reason reason, uint16_t code)
{
	write_record(engine, &engine->mail, reason, code);
	smtp_scan_drop(engine);
	smtp_hold_drop(engine);
	smtp_mail_free(&engine->mail);
}

void smtp_mail_abandon(struct engine *engine)
{
	const struct smtp_mail *mail = &engine->mail;
	if (!mail->open)
		return;
	if (!mail->n_accepted && mail->refused != SMTP_REASON_NONE) {
		smtp_mail_done(engine, mail->refused, smtp_reason_code(mail->refused));
	} else if (mail->code) {
		memcpy(engine->reply_enhanced, mail->enhanced, sizeof(mail->enhanced));
		smtp_mail_done(engine, SMTP_REJECTED, mail->code);
	} else {
		smtp_mail_done(engine, SMTP_BROKEN_OFF, 0);
	}
}

void smtp_mail_session(struct engine *engine, enum smtp_reason reason, uint16_t code)
{
	const struct smtp_mail none = { .began_us = engine->began_us };
	write_record(engine, &none, reason, code);
}
