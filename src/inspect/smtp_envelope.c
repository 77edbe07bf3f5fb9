// MAIL and RCPT: who sends to whom, and how much.
#include <errno.h>
#include <string.h>

#include "inspect/habit.h"
#include "inspect/smtp_relay.h"
#include "inspect/smtp_session.h"
#include "inspect/smtp_size.h"

enum { OF_MAIL = 1, OF_RCPT = 2, NO_VALUE = 4, HAS_VALUE = 8 };

static const struct {
	const char *keyword;
	unsigned flags;
} parameters[] = {
	{ "SIZE", OF_MAIL | HAS_VALUE },    // RFC 1870
	{ "BODY", OF_MAIL | HAS_VALUE },    // RFC 6152
	{ "RET", OF_MAIL | HAS_VALUE },	    // RFC 3461
	{ "ENVID", OF_MAIL | HAS_VALUE },   // RFC 3461
	{ "AUTH", OF_MAIL | HAS_VALUE },    // RFC 4954
	{ "SMTPUTF8", OF_MAIL | NO_VALUE }, // RFC 6531
	{ "BY", OF_MAIL | HAS_VALUE },	    // RFC 2852
	{ "NOTIFY", OF_RCPT | HAS_VALUE },  // RFC 3461
	{ "ORCPT", OF_RCPT | HAS_VALUE },   // RFC 3461
};
enum { N_PARAMETERS = sizeof(parameters) / sizeof(parameters[0]) };

// Which parameter, if it is one of the command's, with a value or without as it has to be.
static int find_parameter(const struct smtp_parameter *given, unsigned of)
{
	for (int i = 0; i < N_PARAMETERS; i++)
		if ((parameters[i].flags & of) &&
		    smtp_text_is(&given->keyword, parameters[i].keyword))
			return !given->value.at == !(parameters[i].flags & HAS_VALUE) ? i : -1;
	return -1;
}

static bool read_parameter(const char *keyword, const struct smtp_parameter *given,
			   struct smtp_mail_draft *draft)
{
	if (strcmp(keyword, "SIZE") == 0)
		return smtp_text_number(&given->value, &draft->declared) == 0;
	if (strcmp(keyword, "BODY") == 0)
		return smtp_text_is(&given->value, "7BIT") ||
		       smtp_text_is(&given->value, "8BITMIME");
	if (strcmp(keyword, "SMTPUTF8") == 0)
		draft->utf8 = true;
	return true;
}

// None twice: of two, one server takes the first and another the last.
static enum smtp_reason read_parameters(struct smtp_text rest, unsigned of,
					struct smtp_mail_draft *draft)
{
	struct smtp_parameter given;
	unsigned seen = 0;
	int r;
	while ((r = smtp_parameter_next(&rest, &given)) > 0) {
		int which = find_parameter(&given, of);
		if (which < 0 || (seen & 1u << which) ||
		    !read_parameter(parameters[which].keyword, &given, draft))
			return SMTP_PARAMETER;
		seen |= 1u << which;
	}
	return r < 0 ? SMTP_PARAMETER : SMTP_REASON_NONE;
}

struct envelope { // what a MAIL or RCPT names
	struct smtp_path path;
	struct smtp_text address; // as given
	struct smtp_text line;	  // from there on
	struct smtp_mail_draft draft;
	enum smtp_reason reason;
};

// Of what is no path the first word, if that may be an address: what stands there may be anything,
// a password too, and is recorded.
static struct smtp_text likely_address(struct smtp_text text)
{
	const char *ends = text.n && text.at[0] == '<' ? ">" : " ";
	const uint8_t *end = memchr(text.at, ends[0], text.n);
	size_t skipped = ends[0] == '>';

	if (!end && skipped)
		end = memchr(text.at, ' ', text.n);
	text.n = (end ? (size_t)(end - text.at) : text.n) - skipped;
	text.at += skipped;
	if (!text.n || !memchr(text.at, '@', text.n))
		text.n = 0;
	return text;
}

static void read_envelope(const struct smtp_command *command, const char *word, unsigned of,
			  bool utf8, struct envelope *ret)
{
	struct smtp_text text = command->argument;
	size_t used = 0;
	*ret = (struct envelope){ .reason = of == OF_MAIL ? SMTP_SENDER_SYNTAX
							  : SMTP_RECIPIENT_SYNTAX };
	// Whether SMTPUTF8 is said stands after the address, so at first all that is UTF-8 may be.
	int r = smtp_command_path(command, word, &text)
			? smtp_path_read(text.at, text.n, true, &ret->path, &used)
			: -EINVAL;
	if (r < 0) {
		if (text.at != command->argument.at)
			ret->address = likely_address(text);
		return;
	}
	ret->address = (struct smtp_text){ text.at + 1, used - 2 }; // between the brackets
	ret->line = text;
	ret->draft.utf8 = utf8;
	ret->reason = read_parameters((struct smtp_text){ text.at + used, text.n - used }, of,
				      &ret->draft);
	if (ret->reason == SMTP_REASON_NONE && (ret->path.flags & SMTP_PATH_UTF8) &&
	    !ret->draft.utf8)
		ret->reason = SMTP_NEEDS_UTF8;
}

// The directions in which this sender's mail is stopped; all that he has may be.
static unsigned find_stops(const struct engine *engine, const struct smtp_text *sender)
{
	const struct mail_stops *stops = engine->host.stops;
	if (!stops || !stops->n)
		return 0;
	const struct mail_origin origin = {
		.client = &engine->peer.client,
		.zone = smtp_mail_zone(engine),
		.sender = mail_sender_hash(sender->at, sender->n),
	};
	return mail_stops_find(stops, &origin, engine->now_us);
}

static enum smtp_reason judge_tls(const struct engine *engine)
{
	const struct profile *profile = engine->profile;
	if (engine->tls || profile->tls != PROFILE_TLS_INSPECT ||
	    (!profile->tls_inspect.required &&
	     !profile_tls_name(&profile->tls_inspect, &engine->peer.server)))
		return SMTP_REASON_NONE;
	return engine->tls_offered && engine->lets_tls ? SMTP_TLS_REQUIRED : SMTP_TLS_LACKING;
}

static enum smtp_reason judge_mail(struct engine *engine, struct envelope *envelope)
{
	const unsigned all = engine->sender ? MAIL_BOTH_WAYS : MAIL_IN;
	const struct profile_limits *limits = &engine->profile->limits;
	enum smtp_reason reason = envelope->reason;
	if (reason == SMTP_REASON_NONE)
		reason = judge_tls(engine);
	if (reason == SMTP_REASON_NONE)
		reason = smtp_relay_sender(&engine->peer, &envelope->path,
					   &envelope->draft.own_sender);
	if (reason != SMTP_REASON_NONE)
		return reason;
	if (envelope->draft.declared > engine->size_most)
		return SMTP_SIZE_DECLARED;
	if (limits->transactions && engine->n_mails >= limits->transactions)
		return SMTP_TRANSACTIONS;
	envelope->draft.stopped = find_stops(engine, &envelope->address);
	if ((envelope->draft.stopped & all) == all)
		return SMTP_STOPPED;
	if (engine->limits && !source_limits_message(engine->limits, engine->source_slot,
						     engine->profile, engine->now_us))
		return SMTP_MESSAGE_RATE;
	return SMTP_REASON_NONE;
}

void smtp_envelope_mail(struct engine *engine, const struct smtp_command *command, size_t size)
{
	struct envelope envelope;
	if (engine->mail.open) {
		smtp_refuse(engine, size, SMTP_MAIL, SMTP_NESTED);
		return;
	}
	read_envelope(command, "FROM:", OF_MAIL, false, &envelope);
	enum smtp_reason reason = judge_mail(engine, &envelope);
	envelope.draft.sender = envelope.address;
	envelope.draft.line = envelope.line;
	if (reason != SMTP_REASON_NONE) {
		// A session that ends here is recorded at its end.
		if (smtp_refuse(engine, size, SMTP_MAIL, reason))
			smtp_mail_refused(engine, &envelope.draft, reason);
		return;
	}
	engine->n_mails++;
	smtp_mail_open(engine, &envelope.draft);
	smtp_order_pass(engine, ENGINE_CLIENT, size);
	smtp_expect(engine, (struct smtp_wait){ .verb = SMTP_MAIL });
}

// The rules about attachments and habits that count for this recipient.
static enum smtp_reason find_set(struct engine *engine, const struct smtp_path *path,
				 struct smtp_wait *wait)
{
	char address[SMTP_SIZE_ADDRESS_MAX];
	const struct profile *profile = engine->profile;
	struct audience *audience = &engine->mail.audience;
	if ((!profile->n_attachments && !profile->n_habits) || !engine->mail.open)
		return SMTP_REASON_NONE;
	smtp_size_address(path, address);
	int set = audience_add(audience, profile, &engine->peer.client, wait->own, address);
	wait->set = (uint8_t)(set < 0 ? 0 : set);
	if (set < 0)
		return SMTP_RECIPIENTS;
	const struct profile_habit *rule = habit_refuses_recipient(profile, &audience->v[set]);
	if (rule && !engine->mail.domain_rule)
		engine->mail.domain_rule = (uint8_t)(rule - profile->habits + 1);
	return rule ? SMTP_HABIT_DOMAIN : SMTP_REASON_NONE;
}

static enum smtp_reason judge_rcpt(struct engine *engine, const struct envelope *envelope,
				   struct smtp_wait *ret)
{
	const struct profile *profile = engine->profile;
	const struct smtp_mail *mail = &engine->mail;
	enum smtp_reason reason = envelope->reason;
	if (reason == SMTP_REASON_NONE)
		reason = smtp_relay_recipient(profile, engine->sender, &envelope->path);
	if (reason != SMTP_REASON_NONE)
		return reason;
	ret->own = smtp_relay_is_own(profile, &envelope->path);
	if (mail->stopped & (ret->own ? MAIL_IN : MAIL_OUT))
		return SMTP_STOPPED;
	ret->rule = smtp_size_rule(profile, &engine->peer.client, ret->own, &envelope->path);
	if (mail->declared > smtp_size_max(profile, ret->rule))
		return SMTP_SIZE_DECLARED;
	if (profile->limits.recipients &&
	    mail->n_accepted + mail->n_waiting >= profile->limits.recipients)
		return SMTP_RECIPIENTS;
	return find_set(engine, &envelope->path, ret);
}

static bool is_invalid(enum smtp_reason reason)
{
	return reason != SMTP_SIZE_DECLARED && reason != SMTP_RECIPIENTS &&
	       reason != SMTP_STOPPED && reason != SMTP_HABIT_DOMAIN;
}

void smtp_envelope_rcpt(struct engine *engine, const struct smtp_command *command, size_t size)
{
	const uint32_t most = engine->profile->limits.invalid_recipients;
	struct smtp_mail *mail = &engine->mail;
	struct envelope envelope;
	struct smtp_wait wait = { .verb = SMTP_RCPT,
				  .rule = SMTP_SIZE_NO_RULE,
				  .line = SMTP_LINE_NONE };
	read_envelope(command, "TO:", OF_RCPT, mail->utf8, &envelope);
	enum smtp_reason reason = judge_rcpt(engine, &envelope, &wait);
	if (reason == SMTP_REASON_NONE && engine->profile->hold.any && mail->open) {
		wait.line = smtp_hold_line(engine, &envelope.line);
		if (wait.line == SMTP_LINE_NONE)
			reason = SMTP_RECIPIENTS;
	}
	wait.recipient = smtp_mail_recipient(engine, &envelope.address, smtp_reason_code(reason));
	if (reason == SMTP_REASON_NONE) {
		mail->n_waiting += mail->open;
		smtp_order_pass(engine, ENGINE_CLIENT, size);
		smtp_expect(engine, wait);
		return;
	}
	if (mail->open && mail->refused == SMTP_REASON_NONE)
		mail->refused = reason;
	if (is_invalid(reason) && ++engine->n_invalid > most && most)
		smtp_end(engine, SMTP_INVALID_RECIPIENTS);
	else
		smtp_refuse(engine, size, SMTP_RCPT, reason);
}
