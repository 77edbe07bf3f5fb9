// A header line that is added to a message (habit.h): behind the last line of its header, so that
// nothing has to be held back.  A signature (DKIM, RFC 6376) stays as good as it is, unless it
// signs that there is no line of that name.
#include <stdio.h>
#include <string.h>

#include "inspect/habit.h"
#include "inspect/smtp_session.h"

// Looks for the blank line among bytes that are certain; size: those before them.
void smtp_notice_read(struct engine *engine, uint64_t size, const uint8_t *bytes, uint64_t n)
{
	struct smtp_notice *notice = &engine->mail.notice;
	for (uint64_t i = 0; i < n && !notice->headed; i++) {
		if (bytes[i] == '\r' && !notice->n_line)
			notice->at = size + i; // perhaps
		notice->headed = bytes[i] == '\n' && notice->n_line == 1 && notice->cr;
		notice->cr = bytes[i] == '\r' && !notice->n_line;
		notice->n_line = bytes[i] == '\n' ? 0 : notice->n_line < 2 ? notice->n_line + 1 : 2;
	}
}

static bool is_due(const struct engine *engine)
{
	const struct smtp_mail *mail = &engine->mail;
	return engine->host.inserts && mail->content && !mail->marked &&
	       content_notice(mail->content);
}

static void insert(struct engine *engine)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "%s: %s\r\n", HABIT_NOTICE_FIELD,
			 content_notice(engine->mail.content));
	smtp_order_insert(engine, (const uint8_t *)line, (size_t)n);
	engine->mail.marked = true;
}

void smtp_notice_pass(struct engine *engine, uint64_t to)
{
	const struct smtp_notice *notice = &engine->mail.notice;
	uint64_t at = notice->at;
	if (notice->headed && at >= engine->body_passed && at <= to && is_due(engine)) {
		smtp_order_pass(engine, ENGINE_CLIENT, at - engine->body_passed);
		engine->body_passed = at;
		insert(engine);
	}
	smtp_order_pass(engine, ENGINE_CLIENT, to - engine->body_passed);
	engine->body_passed = to;
}

void smtp_notice_end(struct engine *engine)
{
	if (!engine->mail.notice.headed && is_due(engine))
		insert(engine);
}
