// The client's lines: which go on, which are refused, which end the session.
//
// A command that is refused is overwritten by "NOOP xxxx" of its length.  Any server answers that
// with exactly one reply, and counts it least: Postfix as one of 100 junk commands where a command
// that it refuses itself is one of 20 errors; Exim as one of 10 commands without mail, where it
// suffers 3 syntax errors.  NOOP has to be the last of a group of commands (RFC 2920 3.1; Exim
// hangs up on what comes with it), so what the client sent after it waits for its reply.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "inspect/smtp_session.h"

enum {
	WAITS = 1, // until all earlier commands have their replies
	SYNC = 2,  // what comes after it waits for its reply
	REFUSED = 4,
	ENDS = 8,
};

enum { SHORTEST = 6 }; // NOOP CR LF

static void on_greeting(struct engine *engine, const struct smtp_command *command, size_t size);
static void on_data(struct engine *engine, const struct smtp_command *command, size_t size);
static void on_starttls(struct engine *engine, const struct smtp_command *command, size_t size);

static const struct rule {
	unsigned flags;
	enum smtp_reason reason; // REFUSED, ENDS
	void (*read)(struct engine *engine, const struct smtp_command *command,
		     size_t size); // NULL: goes on
} rules[SMTP_VERB_COUNT] = {
	[SMTP_UNKNOWN] = { REFUSED, SMTP_UNKNOWN_COMMAND, NULL },
	[SMTP_HELO] = { WAITS | SYNC, SMTP_REASON_NONE, on_greeting },
	[SMTP_EHLO] = { WAITS | SYNC, SMTP_REASON_NONE, on_greeting },
	[SMTP_MAIL] = { WAITS, SMTP_REASON_NONE, smtp_envelope_mail },
	[SMTP_RCPT] = { 0, SMTP_REASON_NONE, smtp_envelope_rcpt },
	[SMTP_DATA] = { 0, SMTP_REASON_NONE, on_data },
	[SMTP_RSET] = { WAITS, SMTP_REASON_NONE, NULL },
	[SMTP_QUIT] = { SYNC, SMTP_REASON_NONE, NULL },
	[SMTP_AUTH] = { WAITS | SYNC, SMTP_REASON_NONE, NULL },
	[SMTP_STARTTLS] = { WAITS, SMTP_REASON_NONE, on_starttls },
	[SMTP_BDAT] = { ENDS, SMTP_CHUNKING, NULL },
	[SMTP_LHLO] = { REFUSED, SMTP_NOT_OFFERED, NULL },
	[SMTP_XCLIENT] = { REFUSED, SMTP_NOT_OFFERED, NULL },
	[SMTP_XFORWARD] = { REFUSED, SMTP_NOT_OFFERED, NULL },
	[SMTP_TURN] = { REFUSED, SMTP_NOT_OFFERED, NULL },
	[SMTP_SEND] = { REFUSED, SMTP_NOT_OFFERED, NULL },
	[SMTP_OTHER] = { ENDS, SMTP_NOT_SMTP, NULL },
	// NOOP, VRFY, EXPN, HELP, ETRN: all zero, they go on.
};

static void pass_line(struct engine *engine, enum smtp_verb verb, size_t size)
{
	smtp_order_pass(engine, ENGINE_CLIENT, size);
	smtp_expect(engine, (struct smtp_wait){ .verb = (uint8_t)verb });
}

bool smtp_refuse(struct engine *engine, size_t size, enum smtp_verb verb, enum smtp_reason reason)
{
	static const char noop[] = "NOOP ";
	uint8_t filler[SMTP_COMMAND_MAX];
	size_t text = size - 2;
	if (size < SHORTEST)
		reason = SMTP_SHORT_LINE;
	else if (verb != SMTP_MAIL && verb != SMTP_RCPT && ++engine->n_refused > SMTP_REFUSED_MAX)
		reason = SMTP_REFUSED_COMMANDS;
	if (size < SHORTEST || smtp_reason_code(reason) == 421) {
		smtp_end(engine, reason);
		return false;
	}
	memset(filler, 'x', text);
	memcpy(filler, noop, text < sizeof(noop) - 1 ? text : sizeof(noop) - 1);
	memcpy(filler + text, "\r\n", 2);
	smtp_order_overwrite(engine, ENGINE_CLIENT, filler, size);
	engine->sync = engine->sync_is_ours = true;
	if (!engine->mail.open && engine->refused == SMTP_REASON_NONE)
		engine->refused = reason;
	smtp_expect(engine, (struct smtp_wait){ .verb = (uint8_t)verb, .reason = (uint8_t)reason });
	return true;
}

// The name that a client gives itself, if it may be one: clients have put passwords there.
static struct smtp_text likely_name(struct smtp_text text)
{
	static const char others[] = "-._:[]";
	for (size_t i = 0; i < text.n; i++) {
		uint8_t byte = text.at[i], letter = byte | 0x20;
		if (byte == ' ')
			text.n = i;
		else if (byte < 0x80 && (letter < 'a' || letter > 'z') &&
			 (byte < '0' || byte > '9') && !strchr(others, byte))
			text.n = 0;
	}
	return text;
}

static void on_greeting(struct engine *engine, const struct smtp_command *command, size_t size)
{
	char name[sizeof(((struct mail_record *)0)->helo)];
	struct smtp_text given = likely_name(command->argument);
	smtp_mail_escape(given.at, given.n, name, sizeof(name));
	free(engine->helo);
	engine->helo = strdup(name);
	pass_line(engine, command->verb, size);
}

static void on_data(struct engine *engine, const struct smtp_command *command, size_t size)
{
	if (command->argument.n) {
		smtp_refuse(engine, size, SMTP_DATA, SMTP_ARGUMENT);
		return;
	}
	engine->state = SMTP_DATA_AHEAD;
	pass_line(engine, SMTP_DATA, size);
}

static void on_starttls(struct engine *engine, const struct smtp_command *command, size_t size)
{
	if (engine->profile->tls == PROFILE_TLS_REFUSE) {
		smtp_refuse(engine, size, SMTP_STARTTLS, SMTP_TLS_REFUSED);
	} else if (!engine->lets_tls) {
		smtp_refuse(engine, size, SMTP_STARTTLS, SMTP_TLS_NOT_OFFERED);
	} else if (command->argument.n) {
		smtp_refuse(engine, size, SMTP_STARTTLS, SMTP_ARGUMENT);
	} else {
		engine->state = SMTP_TLS_AHEAD;
		pass_line(engine, SMTP_STARTTLS, size);
	}
}

// Bytes of the line with its CRLF; 0: it is not complete, or the session ends.
static size_t find_line(struct engine *engine, const uint8_t *bytes, size_t n, size_t most)
{
	const uint8_t *lf = memchr(bytes, '\n', n < most ? n : most);
	if (!lf) {
		if (n >= most)
			smtp_end(engine, SMTP_LINE_LONG);
		return 0;
	}
	size_t size = (size_t)(lf - bytes) + 1;
	enum smtp_reason reason = SMTP_REASON_NONE;
	if (size < 2 || lf[-1] != '\r')
		reason = SMTP_BARE_LF;
	else if (memchr(bytes, '\r', size - 2))
		reason = SMTP_BARE_CR;
	else if (memchr(bytes, '\0', size))
		reason = SMTP_NUL;
	if (reason == SMTP_REASON_NONE)
		return size;
	smtp_end(engine, reason);
	return 0;
}

static bool has_to_wait(const struct engine *engine, unsigned flags)
{
	const struct smtp_queue *queue = &engine->queue;
	if (queue->n == SMTP_QUEUE_MAX || (queue->n && (flags & WAITS)))
		return true;
	// A client that sends a great deal at once is not made to wait: few servers mind.
	return engine->sync && queue->n &&
	       !(engine->sync_is_ours && engine->client.undecided > SMTP_SYNC_WAITING_MAX);
}

// AUTH may bring its first answer along, which is as long as a line of the dialogue (RFC 4954 4).
static size_t longest_line(const uint8_t *bytes, size_t n)
{
	static const char auth[] = "AUTH ";
	bool is_auth = n >= sizeof(auth) - 1 &&
		       strncasecmp((const char *)bytes, auth, sizeof(auth) - 1) == 0;
	return is_auth ? SMTP_AUTH_LINE_MAX : SMTP_COMMAND_MAX;
}

static size_t read_command(struct engine *engine, const uint8_t *bytes, size_t n)
{
	struct smtp_command command;
	if (bytes[0] < ' ' && bytes[0] != '\r' && bytes[0] != '\n') {
		smtp_end(engine, bytes[0] ? SMTP_NOT_SMTP : SMTP_NUL);
		return 0;
	}
	size_t size = find_line(engine, bytes, n, longest_line(bytes, n));
	if (!size)
		return 0;
	smtp_command_read(bytes, size - 2, &command);
	const struct rule *rule = &rules[command.verb];
	if (has_to_wait(engine, rule->flags))
		return 0;
	// All that begins something new waits for replies, so nothing that is due goes by the old
	// one.
	if ((rule->flags & WAITS) && !engine->mail.open)
		smtp_renew(engine);
	engine->sync = rule->flags & SYNC;
	engine->sync_is_ours = false;
	if (rule->flags & ENDS)
		smtp_end(engine, rule->reason);
	else if (rule->flags & REFUSED)
		smtp_refuse(engine, size, command.verb, rule->reason);
	else if (rule->read)
		rule->read(engine, &command, size);
	else
		pass_line(engine, command.verb, size);
	return engine->ending == SMTP_REASON_NONE && engine->state != SMTP_DONE ? size : 0;
}

// Base64, "*", or nothing (RFC 4954): so that no command goes by as an answer.
static bool is_auth_answer(const uint8_t *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = line[i];
		bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
		if (!letter && !(byte >= '0' && byte <= '9') && byte != '+' && byte != '/' &&
		    byte != '=' && byte != '*')
			return false;
	}
	return true;
}

// A line of an AUTH dialogue: nothing of it is kept.
static size_t read_auth(struct engine *engine, const uint8_t *bytes, size_t n)
{
	if (has_to_wait(engine, WAITS))
		return 0;
	size_t size = find_line(engine, bytes, n, SMTP_AUTH_LINE_MAX);
	if (!size)
		return 0;
	if (!is_auth_answer(bytes, size - 2)) {
		smtp_end(engine, SMTP_AUTH_LINE);
		return 0;
	}
	engine->state = SMTP_COMMANDS;
	engine->sync = true;
	engine->sync_is_ours = false;
	pass_line(engine, SMTP_AUTH, size);
	return size;
}

size_t smtp_client_read(struct engine *engine, const uint8_t *bytes, size_t n)
{
	switch (engine->state) {
	case SMTP_GREETING:
		smtp_end(engine, bytes[0] == 0x16 ? SMTP_NOT_SMTP : SMTP_EARLY_TALK);
		return 0;
	case SMTP_COMMANDS:
		return read_command(engine, bytes, n);
	case SMTP_AUTH_DIALOGUE:
		return read_auth(engine, bytes, n);
	case SMTP_DATA_AHEAD:
		smtp_end(engine, SMTP_EARLY_DATA);
		return 0;
	case SMTP_TLS_AHEAD:
		smtp_end(engine, SMTP_TLS_INJECTION);
		return 0;
	case SMTP_BODY:
		return smtp_body_read(engine, bytes, n);
	case SMTP_SCAN_AHEAD:
	case SMTP_HOLD_AHEAD:
		return 0;
	case SMTP_TAKEN:
		return smtp_body_swallow(engine, bytes, n);
	case SMTP_CLOSED:
		smtp_finish(engine, SMTP_AFTER_END);
		return 0;
	case SMTP_DONE:
		break;
	}
	return 0;
}
