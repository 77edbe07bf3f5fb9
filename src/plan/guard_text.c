// What a guard demands, in the words of its keys.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plan/guard.h"
#include "plan/mail_guard.h"
#include "plan/mail_habit.h"
#include "plan/mail_mass.h"

const char *plan_size_text(uint64_t bytes, char *out, size_t size)
{
	static const struct {
		uint64_t bytes;
		const char *word;
	} units[] = {
		{ 1000 * 1000 * 1000, "GB" },  { 1000 * 1000, "MB" },  { 1000, "KB" },
		{ 1024 * 1024 * 1024, "GiB" }, { 1024 * 1024, "MiB" }, { 1024, "KiB" },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (bytes == 0 || bytes % units[i].bytes != 0)
			continue;
		snprintf(out, size, "%" PRIu64 " %s", bytes / units[i].bytes, units[i].word);
		return out;
	}
	snprintf(out, size, "%" PRIu64 " bytes", bytes);
	return out;
}

static void say_places(const struct plan_places *places, FILE *out)
{
	for (size_t i = 0; i < places->n_names; i++)
		fprintf(out, "%s%s", i ? ", " : "", places->names[i]);
}

static void say_mode(const struct plan_mail *mail, FILE *out)
{
	if (mail->proxy)
		fputs("proxy", out);
}

static void say_domains(const struct plan_mail *mail, FILE *out)
{
	for (size_t i = 0; i < mail->n_domains; i++)
		fprintf(out, "%s%s%s", i ? ", " : "", mail->domains[i].subdomains ? "*." : "",
			mail->domains[i].name);
	if (!mail->n_domains)
		fputs("none", out);
}

static void say_senders(const struct plan_mail *mail, FILE *out)
{
	say_places(&mail->senders, out);
	if (!mail->senders.n_names)
		fputs("nobody", out);
}

static void say_smart_hosts(const struct plan_mail *mail, FILE *out)
{
	say_places(&mail->smart_hosts, out);
}

static void say_own_sender(const struct plan_mail *mail, FILE *out)
{
	static const char *const words[] = {
		[PLAN_OWN_REFUSE] = "refuse",
		[PLAN_OWN_MARK] = "mark",
		[PLAN_OWN_ALLOW] = "allow",
	};

	if (!mail->n_domains)
		return;
	fputs(words[mail->own_sender], out);
	if (mail->own_sender_from.n_names)
		fputs(", but from ", out);
	say_places(&mail->own_sender_from, out);
}

void mail_guard_say_whose(const struct plan_mail_whose *whose, FILE *out)
{
	static const char *const directions[] = {
		[PLAN_MAIL_BOTH] = "",
		[PLAN_MAIL_IN] = " in inward mail",
		[PLAN_MAIL_OUT] = " in outward mail",
	};

	fputs(directions[whose->direction], out);
	if (whose->from.n_names)
		fputs(" from ", out);
	say_places(&whose->from, out);
	for (size_t i = 0; i < whose->n_recipients; i++)
		fprintf(out, "%s%s", i ? " or " : " to ", whose->recipients[i]);
	if (whose->clause && *whose->clause)
		fprintf(out, " (clause %s)", whose->clause);
}

static void say_size(const struct plan_mail_size *size, FILE *out)
{
	char text[64];

	fputs(plan_size_text(size->max, text, sizeof(text)), out);
	mail_guard_say_whose(&size->whose, out);
}

static void say_sizes(const struct plan_mail *mail, FILE *out)
{
	for (size_t i = 0; i < mail->n_sizes; i++) {
		fputs(i ? "; else " : "", out);
		say_size(&mail->sizes[i], out);
	}
}

static void say_words(const char *glue, const struct plan_words *words, FILE *out)
{
	for (size_t i = 0; i < words->n; i++)
		fprintf(out, "%s%s", i ? " or " : glue, words->v[i]);
}

static void say_attachment(const struct plan_mail_attachment *attachment, FILE *out)
{
	static const char *const actions[] = {
		[PLAN_MAIL_REFUSE] = "refuse",
		[PLAN_MAIL_RECORD] = "record",
		[PLAN_MAIL_ALLOW] = "allow",
		[PLAN_MAIL_HOLD] = "hold",
	};
	char text[64];

	fputs(actions[attachment->action], out);
	say_words(" ", &attachment->kinds, out);
	say_words(" named ", &attachment->names, out);
	say_words(" of type ", &attachment->types, out);
	say_words(" with ", &attachment->words, out);
	if (attachment->personal_numbers)
		fprintf(out, " with %" PRIu32 " or more personal numbers",
			attachment->personal_numbers);
	if (attachment->over)
		fprintf(out, " over %s", plan_size_text(attachment->over, text, sizeof(text)));
	if (attachment->total_over)
		fprintf(out, " over %s together",
			plan_size_text(attachment->total_over, text, sizeof(text)));
	if (attachment->number_over)
		fprintf(out, " over %" PRIu32 " files", attachment->number_over);
	mail_guard_say_whose(&attachment->whose, out);
}

static void say_attachments(const struct plan_mail *mail, FILE *out)
{
	for (size_t i = 0; i < mail->n_attachments; i++) {
		fputs(i ? "; else " : "", out);
		say_attachment(&mail->attachments[i], out);
	}
}

static void say_malware(const struct plan_mail *mail, FILE *out)
{
	static const char *const actions[] = {
		[PLAN_MAIL_REFUSE] = "refuse",
		[PLAN_MAIL_RECORD] = "record",
		[PLAN_MAIL_ALLOW] = "allow",
		[PLAN_MAIL_HOLD] = "hold",
	};
	static const char *const downs[] = {
		[PLAN_MAIL_DOWN_LATER] = "later",
		[PLAN_MAIL_DOWN_REFUSE] = "refuse",
		[PLAN_MAIL_DOWN_RECORD] = "record",
		[PLAN_MAIL_DOWN_HOLD] = "hold",
	};
	static const char *const directions[] = {
		[PLAN_MAIL_BOTH] = "",
		[PLAN_MAIL_IN] = " in inward mail",
		[PLAN_MAIL_OUT] = " in outward mail",
	};
	const struct plan_mail_malware *malware = &mail->malware;

	if (malware->scan)
		fprintf(out,
			"scanned%s: infected %s, encrypted %s, too big %s, no verdict in %" PRIu32
			" s %s",
			directions[malware->direction], actions[malware->infected],
			actions[malware->encrypted], actions[malware->too_big], malware->seconds,
			downs[malware->down]);
	if (malware->scan && malware->old != PLAN_MAIL_OLD_ALLOW)
		fprintf(out, ", by old definitions %s",
			malware->old == PLAN_MAIL_OLD_HOLD ? "hold" : "later");
}

static void say_hold(const struct plan_mail *mail, FILE *out)
{
	const struct plan_mail_hold *hold = &mail->hold;
	char text[64];

	if (!hold->any)
		return;
	fprintf(out, "%s, for ", hold->later ? "later" : "accept");
	if (hold->keep_seconds % 86400 == 0)
		fprintf(out, "%" PRIu32 " d", hold->keep_seconds / 86400);
	else
		fprintf(out, "%" PRIu32 " s", hold->keep_seconds);
	fprintf(out, ", %s, at most %" PRIu32 " messages, %s",
		hold->persons > 1 ? "two persons" : "one person", hold->messages,
		plan_size_text(hold->bytes, text, sizeof(text)));
}

static void say_tls(const struct plan_mail *mail, FILE *out)
{
	static const char *const words[] = {
		[PLAN_TLS_CLEAR_ONLY] = "clear-only",
		[PLAN_TLS_REFUSE] = "refuse",
		[PLAN_TLS_BLIND] = "allow-blind to ",
		[PLAN_TLS_INSPECT] = "inspect",
	};

	fputs(words[mail->tls], out);
	say_places(&mail->tls_servers, out);
	if (mail->tls == PLAN_TLS_INSPECT)
		fprintf(out, " as %s, at least %s%s", mail->certificate,
			mail->tls_newest ? "1.3" : "1.2", mail->tls_required ? ", required" : "");
	for (size_t i = 0; i < mail->n_verify; i++) {
		fputs("; ", out);
		say_places(&mail->verify[i].servers, out);
		fprintf(out, " only as %s", mail->verify[i].name);
	}
	if (*mail->tls_reason)
		fprintf(out, " (%s)", mail->tls_reason);
}

static void say_after_greeting(const struct plan_mail *mail, FILE *out)
{
	if (mail->after_greeting)
		fputs("nothing is looked at", out);
}

static void say_limits(const struct plan_mail *mail, FILE *out)
{
	const struct plan_mail_limits *limits = &mail->limits;
	const struct {
		const char *word;
		uint32_t value, seconds; // seconds 0: a number at a time
	} list[] = {
		{ "recipients", limits->recipients, 0 },
		{ "invalid recipients", limits->invalid_recipients, 0 },
		{ "messages a session", limits->transactions, 0 },
		{ "sessions at a time", limits->sessions, 0 },
		{ "sessions", limits->session_rate, limits->session_seconds },
		{ "messages", limits->message_rate, limits->message_seconds },
	};
	const char *glue = "";

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (!list[i].value)
			continue;
		fprintf(out, "%s%" PRIu32 " %s", glue, list[i].value, list[i].word);
		if (list[i].seconds)
			fprintf(out, "%s",
				list[i].seconds == 1	  ? " a second"
				: list[i].seconds == 60	  ? " a minute"
				: list[i].seconds == 3600 ? " an hour"
							  : " a day");
		glue = ", ";
	}
	if (!*glue)
		fputs("none", out);
}

static const struct {
	const char *name;
	void (*say)(const struct plan_mail *mail, FILE *out);
	bool message; // about what comes after the greeting
} fields[PLAN_GUARD_FIELDS] = {
	{ "mode", say_mode, false },
	{ "domains", say_domains, true },
	{ "senders", say_senders, true },
	{ "smart-hosts", say_smart_hosts, true },
	{ "own-sender", say_own_sender, true },
	{ "size", say_sizes, true },
	{ "attachments", say_attachments, true },
	{ "habits", mail_habit_say, true },
	{ "malware", say_malware, true },
	{ "hold", say_hold, true },
	{ "tls", say_tls, false },
	{ "after-greeting", say_after_greeting, false },
	{ "limits", say_limits, false },
	{ "mass", mail_mass_say, true },
};

const char *plan_guard_field(size_t field)
{
	return fields[field].name;
}

void plan_guard_say(const struct plan_guard *guard, size_t field, FILE *out)
{
	if (guard->mail)
		fields[field].say(guard->mail, out);
}

char *plan_guard_said(const struct plan_guard *guard, size_t field)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	if (guard->mail && guard->mail->after_greeting && fields[field].message)
		return NULL;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	plan_guard_say(guard, field, out);
	fclose(out);
	if (text && !*text) {
		free(text);
		text = NULL;
	}
	return text;
}
