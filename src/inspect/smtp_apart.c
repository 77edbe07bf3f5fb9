// Files of the message that are opened in a process of their own, and what is found in them.
#include "inspect/smtp_session.h"

void smtp_apart_begin(struct engine *engine)
{
	if (engine->host.apart && engine->mail.content)
		content_open_apart(engine->mail.content, engine->host.apart, engine->host.arg);
}

// Whether the end of the message waits for one of them; the host is told then.
bool smtp_apart_waits(struct engine *engine)
{
	if (!engine->mail.content || !content_waits(engine->mail.content))
		return false;
	engine->host.apart->wait(engine->host.arg);
	return true;
}

void smtp_apart_take(struct engine *engine, const struct apart_answer *answer)
{
	struct smtp_mail *mail = &engine->mail;
	if (!mail->content || engine->taken != SMTP_REASON_NONE)
		return;
	enum smtp_reason reason = content_opened(mail->content, answer);
	if (reason == SMTP_REASON_NONE) {
		smtp_scan_go_on(engine);
		return;
	}
	if (engine->state == SMTP_SCAN_AHEAD)
		engine->state = SMTP_COMMANDS;
	smtp_finish(engine, reason);
}
