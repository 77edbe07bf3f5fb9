// The server's replies: each belongs to the command that has waited longest.
#include <stdlib.h>
#include <string.h>

#include "inspect/smtp_ehlo.h"
#include "inspect/smtp_session.h"
#include "inspect/smtp_size.h"
#include "proto/smtp_reply.h"

static bool is_positive(uint16_t code)
{
	return code / 100 == 2;
}

static struct smtp_wait next_wait(struct engine *engine)
{
	struct smtp_queue *queue = &engine->queue;
	struct smtp_wait wait = queue->v[queue->head++];
	if (--queue->n == 0) {
		queue->head = 0;
		engine->sync = false;
		if (queue->cap > SMTP_QUEUE_FIRST) {
			free(queue->v);
			*queue = (struct smtp_queue){ 0 };
		}
	}
	return wait;
}

static void pass_reply(struct engine *engine)
{
	smtp_order_pass(engine, ENGINE_SERVER, engine->reply_size);
}

static void on_greeting(struct engine *engine, uint16_t code)
{
	if (code != 220 && code / 100 != 4 && code / 100 != 5) {
		smtp_finish(engine, SMTP_SERVER_STEP);
		return;
	}
	pass_reply(engine);
	engine->state = SMTP_COMMANDS;
	if (code != 220)
		smtp_mail_session(engine, SMTP_REJECTED, code);
}

// RFC 5321 3.8: a server that has to go says so at any time.
static void on_unexpected(struct engine *engine, uint16_t code)
{
	if (code != 421) {
		smtp_finish(engine, engine->state == SMTP_BODY || engine->state == SMTP_SCAN_AHEAD
					    ? SMTP_SERVER_IN_DATA
					    : SMTP_SERVER_STEP);
		return;
	}
	pass_reply(engine);
	if (engine->mail.open)
		smtp_mail_done(engine, SMTP_REJECTED, code);
	engine->state = SMTP_CLOSED;
}

static void on_hello(struct engine *engine, const struct smtp_wait *wait, uint16_t code)
{
	(void)wait;
	if (!engine->reply_edited)
		pass_reply(engine);
	if (!is_positive(code))
		return;
	smtp_mail_abandon(engine);
	if (engine->profile->after_greeting)
		smtp_release(engine, SMTP_UNREAD_GREETING);
}

static void on_mail(struct engine *engine, const struct smtp_wait *wait, uint16_t code)
{
	(void)wait;
	pass_reply(engine);
	if (!is_positive(code) && engine->mail.open)
		smtp_mail_done(engine, SMTP_REJECTED, code);
}

// For a transaction that comes to nothing.
static void keep_rejection(struct engine *engine, uint16_t code)
{
	engine->mail.code = code;
	memcpy(engine->mail.enhanced, engine->reply_enhanced, sizeof(engine->reply_enhanced));
}

static void on_rcpt(struct engine *engine, const struct smtp_wait *wait, uint16_t code)
{
	struct smtp_mail *mail = &engine->mail;
	const uint32_t most = engine->profile->limits.invalid_recipients;
	uint64_t cap = smtp_size_max(engine->profile, wait->rule);
	if (mail->open && wait->recipient < mail->n_kept)
		mail->recipients[wait->recipient].code = code;
	if (mail->open && mail->n_waiting)
		mail->n_waiting--;
	if (mail->open && is_positive(code)) {
		mail->n_accepted++;
		smtp_hold_taken(engine, wait->line);
		mail->n_own += wait->own;
		mail->code = 0;
		mail->inward |= wait->own;
		mail->outward |= !wait->own;
		mail->audience.taken |= UINT64_C(1) << wait->set;
		mail->cap = cap < mail->cap ? cap : mail->cap;
	} else if (mail->open && !mail->n_accepted) {
		keep_rejection(engine, code);
	}
	if (code / 100 == 5 && ++engine->n_invalid > most && most)
		smtp_finish(engine, SMTP_INVALID_RECIPIENTS);
	else
		pass_reply(engine);
}

static void on_data(struct engine *engine, const struct smtp_wait *wait, uint16_t code)
{
	(void)wait;
	if (code == 354 && !engine->mail.open) {
		smtp_finish(engine, SMTP_SERVER_STEP);
		return;
	}
	pass_reply(engine);
	if (code == 354)
		smtp_body_begin(engine);
	else
		engine->state = SMTP_COMMANDS;
	if (code != 354 && engine->mail.open)
		keep_rejection(engine, code);
}

static void on_end_of_data(struct engine *engine, const struct smtp_wait *wait, uint16_t code)
{
	const struct smtp_mail *mail = &engine->mail;
	const enum smtp_reason scanned = smtp_scan_passed(engine);
	const enum smtp_reason passed =
		scanned != SMTP_REASON_NONE && scanned != SMTP_PASSED_SCANNED ? scanned
		: mail->own_sender				   ? SMTP_PASSED_OWN_SENDER
		: mail->content && content_recorded(mail->content) ? SMTP_PASSED_RECORDED
		: mail->marked					   ? SMTP_PASSED_MARKED
		: mail->content && content_habit(mail->content)	   ? SMTP_PASSED_HABIT
		: scanned != SMTP_REASON_NONE			   ? scanned
								   : SMTP_PASSED;
	(void)wait;
	pass_reply(engine);
	smtp_mail_done(engine, is_positive(code) ? passed : SMTP_REJECTED, code);
}

static void on_reset(struct engine *engine, const struct smtp_wait *wait, uint16_t code)
{
	(void)wait;
	pass_reply(engine);
	if (is_positive(code))
		smtp_mail_abandon(engine);
}

static void on_quit(struct engine *engine, const struct smtp_wait *wait, uint16_t code)
{
	on_reset(engine, wait, code);
	if (is_positive(code))
		engine->state = SMTP_CLOSED;
}

static void on_auth(struct engine *engine, const struct smtp_wait *wait, uint16_t code)
{
	(void)wait;
	pass_reply(engine);
	if (code == 334)
		engine->state = SMTP_AUTH_DIALOGUE;
}

static void on_starttls(struct engine *engine, const struct smtp_wait *wait, uint16_t code)
{
	const bool inspect = engine->profile->tls == PROFILE_TLS_INSPECT;
	(void)wait;
	// What comes with the reply came in clear, and would count as said in TLS.
	if (inspect && is_positive(code) && engine->server.undecided > engine->reply_size) {
		smtp_finish(engine, SMTP_SERVER_STEP);
		return;
	}
	pass_reply(engine);
	engine->state = SMTP_COMMANDS;
	if (is_positive(code) && inspect) {
		smtp_mail_abandon(engine);
		smtp_begin_tls(engine);
	} else if (is_positive(code)) {
		smtp_release(engine, SMTP_UNREAD_TLS);
	}
}

static const struct {
	void (*read)(struct engine *engine, const struct smtp_wait *wait, uint16_t code);
	uint16_t go_ahead;  // the one reply of class 3 that it may have
	bool only_go_ahead; // and none of class 2
} replies[SMTP_VERB_COUNT] = {
	[SMTP_HELO] = { .read = on_hello },
	[SMTP_EHLO] = { .read = on_hello },
	[SMTP_MAIL] = { .read = on_mail },
	[SMTP_RCPT] = { .read = on_rcpt },
	[SMTP_DATA] = { .read = on_data, .go_ahead = 354, .only_go_ahead = true },
	[SMTP_END_OF_DATA] = { .read = on_end_of_data },
	[SMTP_RSET] = { .read = on_reset },
	[SMTP_QUIT] = { .read = on_quit },
	[SMTP_AUTH] = { .read = on_auth, .go_ahead = 334 },
	[SMTP_STARTTLS] = { .read = on_starttls },
};

static bool code_fits(enum smtp_verb verb, uint16_t code)
{
	if (code / 100 == 3)
		return code == replies[verb].go_ahead;
	return code / 100 != 2 || !replies[verb].only_go_ahead;
}

static void read_reply(struct engine *engine, uint16_t code)
{
	engine->last_code = code;
	if (engine->state == SMTP_GREETING) {
		on_greeting(engine, code);
		return;
	}
	if (!engine->queue.n) {
		on_unexpected(engine, code);
		return;
	}
	if (engine->ending != SMTP_REASON_NONE &&
	    (engine->queue.v[engine->queue.head].verb == SMTP_DATA)) {
		smtp_finish(engine, engine->ending);
		return;
	}
	const struct smtp_wait wait = next_wait(engine);
	if (wait.reason != SMTP_REASON_NONE) {
		engine->last_code = smtp_reason_code((enum smtp_reason)wait.reason);
		smtp_order_replace(engine, engine->reply_size,
				   smtp_reason_row((enum smtp_reason)wait.reason)->reply);
	} else if (!code_fits((enum smtp_verb)wait.verb, code)) {
		smtp_finish(engine, SMTP_SERVER_STEP);
	} else if (replies[wait.verb].read) {
		replies[wait.verb].read(engine, &wait, code);
	} else {
		pass_reply(engine);
	}
}

static void edit_line(struct engine *engine, const uint8_t *line, size_t size)
{
	const bool offer = engine->lets_tls || engine->profile->tls == PROFILE_TLS_REFUSE;
	uint8_t edited[SMTP_REPLY_LINE_MAX];
	if (engine->reply_lines == 1)
		engine->tls_offered = false;
	else
		engine->tls_offered = engine->tls_offered || smtp_ehlo_is_tls(line, size - 2);
	memcpy(edited, line, size);
	if (engine->reply_lines > 1 && smtp_ehlo_edit(edited, size - 2, engine->size_most, offer))
		smtp_order_overwrite(engine, ENGINE_SERVER, edited, size);
	else
		smtp_order_pass(engine, ENGINE_SERVER, size);
}

// Whether the line goes on from those before it.
static bool add_line(struct engine *engine, const struct smtp_reply_line *line, size_t size)
{
	const struct smtp_queue *queue = &engine->queue;
	if (!engine->reply_code) {
		engine->reply_code = line->code;
		engine->reply_lines = 0;
		engine->reply_size = 0;
		engine->reply_edited = line->code / 100 == 2 && queue->n &&
				       engine->state != SMTP_GREETING &&
				       queue->v[queue->head].verb == SMTP_EHLO;
		memcpy(engine->reply_enhanced, line->enhanced, sizeof(line->enhanced));
		if (!line->has_enhanced)
			memset(engine->reply_enhanced, 0, sizeof(engine->reply_enhanced));
	}
	engine->reply_lines++;
	if (!engine->reply_edited)
		engine->reply_size += (uint32_t)size;
	return line->code == engine->reply_code;
}

size_t smtp_server_read(struct engine *engine, const uint8_t *bytes, size_t n)
{
	const size_t most = n < SMTP_REPLY_LINE_MAX ? n : SMTP_REPLY_LINE_MAX;
	const uint8_t *lf = memchr(bytes, '\n', most);
	struct smtp_reply_line line;
	if (!lf) {
		if (n >= SMTP_REPLY_LINE_MAX)
			smtp_finish(engine, SMTP_SERVER_LONG);
		return 0;
	}
	size_t size = (size_t)(lf - bytes) + 1;
	if (size < 2 || lf[-1] != '\r' || smtp_reply_read(bytes, size - 2, &line) < 0 ||
	    !add_line(engine, &line, size)) {
		smtp_finish(engine, SMTP_SERVER_SYNTAX);
		return 0;
	}
	if (engine->reply_lines > SMTP_REPLY_LINES_MAX ||
	    engine->reply_size > ENGINE_WAITING_MAX - SMTP_REPLY_LINE_MAX) {
		smtp_finish(engine, SMTP_SERVER_LONG);
		return 0;
	}
	if (engine->reply_edited)
		edit_line(engine, bytes, size);
	if (line.last) {
		engine->reply_code = 0;
		read_reply(engine, line.code);
	}
	return size;
}
