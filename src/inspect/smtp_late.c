// Who is to say something next, and what becomes of a session in which nobody does.
#include "inspect/smtp_session.h"

// RFC 5321 4.5.3.2: what an end waits for at least.  A gate waits a little longer, so that the ends
// find out first and say what they have to.
enum {
	MORE = 30,
	GREETING = 300,
	REPLY = 300,
	GO_AHEAD = 120,
	END_OF_DATA = 600,
	COMMAND = 300, // and what there is of a message
	CLOSE = 60,    // after the last word
	TAKEN = 120,   // nobody else waits for it
};

static unsigned reply_patience(const struct engine *engine)
{
	switch ((enum smtp_verb)engine->queue.v[engine->queue.head].verb) {
	case SMTP_DATA:
		return GO_AHEAD + MORE;
	case SMTP_END_OF_DATA:
		return END_OF_DATA + MORE;
	default:
		return REPLY + MORE;
	}
}

unsigned engine_patience(const struct engine *engine)
{
	switch (engine->state) {
	case SMTP_DONE:
	case SMTP_SCAN_AHEAD: // the scanner has its own time
	case SMTP_HOLD_AHEAD: // and the vault
		return 0;
	case SMTP_TAKEN:
		return TAKEN;
	case SMTP_CLOSED:
		return CLOSE;
	case SMTP_GREETING:
		return GREETING + MORE;
	case SMTP_BODY:
		return engine->mail.scan.behind || engine->mail.hold.behind ? 0 : COMMAND + MORE;
	default:
		return engine->queue.n ? reply_patience(engine) : COMMAND + MORE;
	}
}

void engine_late(struct engine *engine, bool stuck, uint64_t now_us)
{
	const bool server = stuck || engine->state == SMTP_GREETING || engine->queue.n;
	engine->now_us = now_us;
	if (engine->state == SMTP_DONE)
		return;
	if (engine->state == SMTP_TAKEN)
		smtp_hang_up(engine);
	else if (engine->state == SMTP_CLOSED)
		smtp_finish(engine, SMTP_BROKEN_OFF);
	else
		smtp_finish(engine, server ? SMTP_SERVER_LATE : SMTP_CLIENT_LATE);
}

void engine_failed(struct engine *engine, enum engine_failure failure, uint64_t now_us)
{
	static const enum smtp_reason reasons[] = {
		[ENGINE_UNREACHED] = SMTP_UNREACHED,
		[ENGINE_TLS_CLIENT] = SMTP_TLS_CLIENT,
		[ENGINE_TLS_SERVER] = SMTP_TLS_SERVER,
	};
	engine->now_us = now_us;
	smtp_finish(engine, reasons[failure]);
}
