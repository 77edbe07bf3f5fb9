// What a guard for smtp demands: its keys resolved, and those that do not go together told.
#include "plan/mail_guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/terms.h"
#include "plan/mail_domain.h"
#include "plan/mail_habit.h"
#include "plan/mail_mass.h"
#include "policy/amount.h"

enum {
	SIZE_DEFAULT = 20 * 1000 * 1000,
	RECIPIENTS_DEFAULT = 100,
	INVALID_DEFAULT = 20,
	TRANSACTIONS_DEFAULT = 100,
	SESSIONS_DEFAULT = 50,
	SCAN_SECONDS_DEFAULT = 60,
	HOLD_KEEP_DEFAULT = 7 * 86400,
	HOLD_KEEP_MIN = 600,
	HOLD_KEEP_MAX = 90 * 86400,
	HOLD_PERSONS_DEFAULT = 2,
	HOLD_MESSAGES_DEFAULT = 1000,
	HOLD_BYTES_DEFAULT = 2000000000,
};

// --- keys that do not go together

// Where a key of a guard stands, if it does.
struct given {
	const char *name;
	size_t at;  // offset of its struct place in struct pol_guard
	bool mail;  // about single messages, which nobody looks at after the greeting
	bool inner; // a key of another one that is here too
};
#define GIVEN(key, field, ...)                                                                     \
	{                                                                                          \
		key, offsetof(struct pol_guard, field.at), __VA_ARGS__                             \
	}
static const struct given keys[] = {
	GIVEN("mode", mode, false, false),
	GIVEN("domains", domains, true, false),
	GIVEN("senders", senders, true, false),
	GIVEN("smart-hosts", smart_hosts, true, false),
	GIVEN("own-sender", own_sender, true, false),
	GIVEN("own-sender-from", own_sender_from, true, false),
	GIVEN("size", size, true, false),
	GIVEN("size-in", size_in, true, false),
	GIVEN("size-out", size_out, true, false),
	GIVEN("malware", malware, true, false),
	GIVEN("hold", hold, true, false),
	GIVEN("tls", tls, false, false),
	GIVEN("tls-servers", tls_servers, false, false),
	GIVEN("tls-reason", tls_reason, false, false),
	GIVEN("certificate", certificate, false, false),
	GIVEN("tls-minimum", tls_minimum, false, false),
	GIVEN("tls-required", tls_required, true, false),
	GIVEN("after-greeting", after_greeting, false, false),
	GIVEN("limits", limits, false, false),
	GIVEN("recipients", limits.recipients, true, true),
	GIVEN("invalid-recipients", limits.invalid_recipients, true, true),
	GIVEN("transactions", limits.transactions, true, true),
	GIVEN("message-rate", limits.message_rate, true, true),
};
#undef GIVEN

// Keys that are lists of rows, all about single messages.
enum { ROWS_SIZES, ROWS_ATTACHMENTS, ROWS_HABITS, ROWS_MASS, ROWS_VERIFY, N_ROWS };
static const char *const rows[] = { "sizes", "attachments", "habits", "mass", "tls-verify" };

static const struct place *rows_at(const struct pol_guard *source, size_t i)
{
	if (i == ROWS_SIZES)
		return source->n_sizes ? &source->sizes[0].at : NULL;
	if (i == ROWS_HABITS)
		return source->n_habits ? &source->habits[0].at : NULL;
	if (i == ROWS_MASS)
		return source->n_mass ? &source->mass[0].at : NULL;
	if (i == ROWS_VERIFY)
		return source->n_tls_verify ? &source->tls_verify[0].at : NULL;
	return source->n_attachments ? &source->attachments[0].at : NULL;
}

static const struct place *place_of(const struct pol_guard *source, const struct given *key)
{
	return (const void *)((const char *)source + key->at);
}

void mail_guard_refuse_keys(struct build *b, const struct pol_guard *source)
{
	const char *protocol = source->protocol.s;

	for (size_t i = 0; protocol && i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct place *at = place_of(source, &keys[i]);

		if (at->file && !keys[i].inner)
			diag_add(b->diag, SK_GUARD_KEY, *at,
				 "guard \"%s\": %s is of smtp, and this guard inspects %s; take "
				 "it away",
				 source->id.s, keys[i].name, protocol);
	}
	for (size_t i = 0; protocol && i < N_ROWS; i++)
		if (rows_at(source, i))
			diag_add(b->diag, SK_GUARD_KEY, *rows_at(source, i),
				 "guard \"%s\": %s is of smtp, and this guard inspects %s; take it "
				 "away",
				 source->id.s, rows[i], protocol);
}

static void check_greeting(struct build *b, const struct pol_guard *source)
{
	if (!source->after_greeting.set || !source->after_greeting.value)
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct place *at = place_of(source, &keys[i]);

		if (keys[i].mail && at->file)
			diag_add(b->diag, SK_GUARD_KEY, *at,
				 "guard \"%s\": with after-greeting nobody looks at messages, and "
				 "%s never counts; take one of the two away",
				 source->id.s, keys[i].name);
	}
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows_at(source, i))
			diag_add(b->diag, SK_GUARD_KEY, *rows_at(source, i),
				 "guard \"%s\": with after-greeting nobody looks at messages, and "
				 "%s never counts; take one of the two away",
				 source->id.s, rows[i]);
}

static bool is_word(const struct pol_text *text, const char *word)
{
	return text->s && strcmp(text->s, word) == 0;
}

static void check_together(struct build *b, const struct pol_guard *source)
{
	const bool blind = is_word(&source->tls, "allow-blind");
	const bool inspect = is_word(&source->tls, "inspect");
	const struct {
		bool wrong;
		const struct place *at;
		const char *words;
	} rules[] = {
		{ blind && !source->tls_servers.at.file, &source->tls.at,
		  "allow-blind needs tls-servers: which servers keep the rules themselves" },
		{ !blind && source->tls_servers.at.file, &source->tls_servers.at,
		  "tls-servers counts with tls: allow-blind only" },
		{ inspect && !is_word(&source->mode, "proxy"), &source->tls.at,
		  "tls: inspect needs mode: proxy, for who ends TLS has to be an end of the "
		  "connection" },
		{ inspect && !source->certificate.s, &source->tls.at,
		  "tls: inspect needs certificate: which one of sekisho.yaml clients see" },
		{ inspect && source->after_greeting.set && source->after_greeting.value,
		  &source->tls.at, "tls: inspect looks at what after-greeting lets pass" },
		{ !inspect && source->certificate.s, &source->certificate.at,
		  "certificate counts with tls: inspect only" },
		{ !inspect && source->tls_minimum.s, &source->tls_minimum.at,
		  "tls-minimum counts with tls: inspect only" },
		{ !inspect && source->tls_required.set, &source->tls_required.at,
		  "tls-required counts with tls: inspect only" },
		{ !inspect && source->n_tls_verify, rows_at(source, ROWS_VERIFY),
		  "tls-verify counts with tls: inspect only" },
		{ is_word(&source->own_sender, "allow") && source->own_sender_from.at.file,
		  &source->own_sender_from.at,
		  "own-sender: allow leaves nobody for own-sender-from to except" },
		{ !source->domains.at.file && source->own_sender.s, &source->own_sender.at,
		  "own-sender never counts without domains" },
		{ !source->domains.at.file && source->own_sender_from.at.file,
		  &source->own_sender_from.at, "own-sender-from never counts without domains" },
		{ !source->senders.at.file && source->smart_hosts.at.file, &source->smart_hosts.at,
		  "smart-hosts never counts without senders" },
		{ source->size.s && source->size_in.s && source->size_out.s, &source->size.at,
		  "size never counts beside size-in and size-out" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].wrong)
			diag_add(b->diag, SK_GUARD_KEY, *rules[i].at, "guard \"%s\": %s",
				 source->id.s, rules[i].words);
	for (size_t i = 0; i < source->n_sizes; i++)
		if (!source->sizes[i].from.at.file && !source->sizes[i].direction.s &&
		    !source->sizes[i].recipients.at.file)
			diag_add(b->diag, SK_GUARD_KEY, source->sizes[i].at,
				 "guard \"%s\": this size fits every message, and what follows "
				 "never counts; write it as size",
				 source->id.s);
	check_greeting(b, source);
}

// --- domains and addresses

static void set_domains(struct build *b, const struct pol_guard *source, struct plan_mail *mail)
{
	const struct pol_list *list = &source->domains;
	struct plan_domain *domains = arena_array_of(b->arena, struct plan_domain, list->n);
	struct names seen = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->v[i].s, *name, *fault;
		bool below = strncmp(text, "*.", 2) == 0;
		uint32_t first;

		name = mail_domain_read(b->arena, text + (below ? 2 : 0), &fault);
		if (!name) {
			diag_add(b->diag, SK_MAIL_DOMAIN, list->v[i].at, "guard \"%s\": \"%s\" %s",
				 source->id.s, list->v[i].s, fault);
			continue;
		}
		first = names_add(&seen, below ? arena_printf(b->arena, "*.%s", name) : name,
				  (uint32_t)i);
		if (first != NAMES_NONE) {
			diag_second(b->diag,
				    diag_add(b->diag, SK_LIST_REPEAT, list->v[i].at,
					     "%s is already in the list; take one away", text),
				    list->v[first].at, "first given here");
			continue;
		}
		domains[mail->n_domains++] = (struct plan_domain){ name, below };
	}
	mail->domains = domains;
	names_done(&seen);
}

void mail_guard_recipients(struct build *b, const struct pol_guard *source,
			   const struct pol_list *list, struct plan_mail_whose *whose)
{
	const char **recipients = arena_array_of(b->arena, const char *, list->n);

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->v[i].s;
		const char *fault;
		const char *recipient = mail_recipient_read(b->arena, text, &fault);

		if (recipient)
			recipients[whose->n_recipients++] = recipient;
		else
			diag_add(b->diag, SK_MAIL_RECIPIENT, list->v[i].at,
				 "guard \"%s\": \"%s\" %s", source->id.s, text, fault);
	}
	whose->recipients = recipients;
}

// --- places

void mail_guard_place(const struct plan *plan, const struct endpoint *end, struct addr_set *ret)
{
	const struct plan_zone *zone = &plan->zones[end->zone];

	if (!end->network && zone->elsewhere) {
		struct addr_set all = { 0 };

		addr_set_copy(&all, &plan->inside);
		addr_set_complement(&all);
		addr_set_union(ret, &all);
		addr_set_done(&all);
		return;
	}
	for (size_t i = 0; i < (end->network ? end->n_ranges : zone->n_networks); i++)
		addr_set_append(ret, end->network ? end->ranges[i] : zone->networks[i]);
	addr_set_normalise(ret);
}

static bool is_outside(enum plan_role role)
{
	return role == PLAN_UPLINK || role == PLAN_EXTERNAL || role == PLAN_PUBLIC;
}

// All that a zone without networks has, of a family.
static bool is_everywhere(const struct plan *plan, const struct endpoint *end)
{
	struct addr_set rest = { 0 };
	bool is;

	if (!end->network || !plan->zones[end->zone].elsewhere)
		return !end->network;
	addr_set_copy(&rest, &plan->inside);
	for (size_t i = 0; i < end->n_ranges; i++)
		addr_set_append(&rest, end->ranges[i]);
	addr_set_normalise(&rest);
	addr_set_complement(&rest);
	is = !addr_set_has_family(&rest, ADDR_V4) || !addr_set_has_family(&rest, ADDR_V6);
	addr_set_done(&rest);
	return is;
}

// A zone outside the body, or a country in it, that may send anywhere makes the body's servers
// relay for strangers.
static void check_sender(struct build *b, const struct pol_guard *source,
			 const struct pol_text *text, const struct endpoint *end)
{
	if (!is_outside(b->plan->zones[end->zone].role))
		return;
	if (is_everywhere(b->plan, end) || end->network->countries)
		diag_add(b->diag, SK_OPEN_RELAY, text->at,
			 "guard \"%s\": with \"%s\" among senders, strangers could send to "
			 "strangers through the body's servers; name a network of the hosts that "
			 "are meant",
			 source->id.s, text->s);
}

struct places_key {
	const char *name;
	void (*check)(struct build *b, const struct pol_guard *source, const struct pol_text *text,
		      const struct endpoint *end); // NULL: nothing more is asked
};

static void set_places(struct build *b, const struct pol_guard *source, struct places_key key,
		       const struct pol_list *list, struct plan_places *ret)
{
	const char **names = arena_array_of(b->arena, const char *, list->n);
	struct addr_set set = { 0 };

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		struct endpoint end;

		if (build_endpoint(b, &list->v[i], &end) < 0)
			continue;
		if (end.zone == PLAN_SELF && !end.network) {
			diag_add(b->diag, SK_GUARD_SELF, list->v[i].at,
				 "guard \"%s\": %s cannot name the gateway, whose addresses the "
				 "policy does not know; name a network of self",
				 source->id.s, key.name);
			continue;
		}
		if (key.check)
			key.check(b, source, &list->v[i], &end);
		names[ret->n_names++] = build_text(b, &list->v[i]);
		mail_guard_place(b->plan, &end, &set);
	}
	ret->names = names;
	ret->ranges = build_ranges(b, &set, &ret->n);
}

// --- sizes and limits

static uint64_t size_of(const struct pol_text *text, uint64_t otherwise)
{
	uint64_t bytes = otherwise;

	if (text->s)
		amount_size(text->s, &bytes); // what is no size the reader has told
	return bytes;
}

static enum plan_mail_direction direction_of(const struct pol_text *text)
{
	return is_word(text, "in")    ? PLAN_MAIL_IN
	       : is_word(text, "out") ? PLAN_MAIL_OUT
				      : PLAN_MAIL_BOTH;
}

void mail_guard_whose(struct build *b, const struct pol_guard *source, const struct pol_list *from,
		      const struct pol_text *direction, const struct pol_list *recipients,
		      struct plan_mail_whose *ret)
{
	set_places(b, source, (struct places_key){ "from", NULL }, from, &ret->from);
	mail_guard_recipients(b, source, recipients, ret);
	ret->direction = direction_of(direction);
}

void mail_guard_clause(struct build *b, const struct pol_text *clause, struct plan_mail_whose *ret)
{
	struct pol_text one = *clause;
	const struct pol_list list = { &one, clause->s != NULL, clause->at };

	build_clauses(b, &list);
	ret->clause = clause->s ? build_text(b, clause) : "";
}

static void set_sizes(struct build *b, const struct pol_guard *source, struct plan_mail *mail)
{
	struct plan_mail_size *sizes =
		arena_array_of(b->arena, struct plan_mail_size, source->n_sizes + 3);
	size_t n = 0;

	for (size_t i = 0; i < source->n_sizes; i++) {
		const struct pol_mail_size *given = &source->sizes[i];
		struct plan_mail_size *size = &sizes[n++];

		mail_guard_whose(b, source, &given->from, &given->direction, &given->recipients,
				 &size->whose);
		size->max = size_of(&given->max, SIZE_DEFAULT);
	}
	if (source->size_in.s)
		sizes[n++] = (struct plan_mail_size){ .whose.direction = PLAN_MAIL_IN,
						      .max = size_of(&source->size_in, 0) };
	if (source->size_out.s)
		sizes[n++] = (struct plan_mail_size){ .whose.direction = PLAN_MAIL_OUT,
						      .max = size_of(&source->size_out, 0) };
	sizes[n++].max = size_of(&source->size, SIZE_DEFAULT);
	mail->sizes = sizes;
	mail->n_sizes = n;
}

static uint32_t limit_of(const struct pol_uint *given, uint32_t otherwise)
{
	return given->set ? (uint32_t)given->value : otherwise;
}

// --- attachments

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// In lower case and in order: two files that say the same are the same.
static struct plan_words words_of(struct build *b, const struct pol_list *list)
{
	const char **words = arena_array_of(b->arena, const char *, list->n);

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		char *word = arena_strdup(b->arena, list->v[i].s);

		for (char *c = word; *c; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c = (char)(*c + 'a' - 'A');
		words[i] = word;
	}
	qsort(words, list->n, sizeof(*words), by_text);
	return (struct plan_words){ words, list->n };
}

// Words to be looked for in texts, as they are written.
struct plan_words mail_guard_terms(struct build *b, const struct pol_guard *source,
				   const struct pol_list *list)
{
	const char **words = arena_array_of(b->arena, const char *, list->n);
	size_t n = 0;

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		int r = terms_check(list->v[i].s);

		if (r == 0)
			words[n++] = build_text(b, &list->v[i]);
		else
			diag_add(b->diag, SK_GUARD_KEY, list->v[i].at,
				 "guard \"%s\": \"%s\" cannot be looked for: %s", source->id.s,
				 list->v[i].s,
				 r == -E2BIG ? "it is too long"
					     : "it has neither a letter nor a digit");
	}
	return (struct plan_words){ words, n };
}

static void check_terms(struct build *b, const struct pol_guard *source,
			const struct plan_mail_attachment *attachments, size_t n)
{
	const char *all[TERMS_MAX];
	size_t n_all = 0, n_words = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < attachments[i].words.n; k++, n_words++)
			if (n_all < TERMS_MAX)
				all[n_all++] = attachments[i].words.v[k];
	if (n_words > TERMS_MAX || !terms_new(b->arena, all, n_all))
		diag_add(b->diag, SK_GUARD_KEY, source->attachments[0].at,
			 "guard \"%s\": its attachments name more words than can be looked for: %d "
			 "words of %d letters in all",
			 source->id.s, TERMS_MAX, TERMS_NODES_MAX);
}

enum plan_mail_action mail_guard_action(const struct pol_text *text)
{
	return is_word(text, "record")	? PLAN_MAIL_RECORD
	       : is_word(text, "mark")	? PLAN_MAIL_MARK
	       : is_word(text, "allow") ? PLAN_MAIL_ALLOW
	       : is_word(text, "hold")	? PLAN_MAIL_HOLD
					: PLAN_MAIL_REFUSE;
}

static void check_attachment(struct build *b, const struct pol_guard *source,
			     const struct pol_mail_attachment *given)
{
	bool of_message = given->total_over.at.file || given->number_over.at.file;
	bool of_file = given->kinds.at.file || given->names.at.file || given->types.at.file ||
		       given->words.at.file || given->personal_numbers.at.file ||
		       given->over.at.file;

	if (!of_message && !of_file && !given->from.n && !given->direction.s &&
	    !given->recipients.n)
		diag_add(b->diag, SK_GUARD_KEY, given->at,
			 "guard \"%s\": these attachments are every file of every message; say "
			 "which are meant by kinds, names, types or a size",
			 source->id.s);
	else if (of_message && of_file)
		diag_add(b->diag, SK_GUARD_KEY, given->at,
			 "guard \"%s\": total-over and number-over are of the whole message, "
			 "kinds, names, types and over of a file; write two rules",
			 source->id.s);
}

// What is written so that nobody can tell what it is passes only where the policy says so.
static struct plan_mail_attachment closing(struct build *b)
{
	const char **kinds = arena_array_of(b->arena, const char *, 2);

	kinds[0] = "undecodable";
	kinds[1] = "unread";
	return (struct plan_mail_attachment){ .kinds = { kinds, 2 }, .added = true };
}

static void set_attachments(struct build *b, const struct pol_guard *source, struct plan_mail *mail)
{
	size_t n = source->n_attachments;
	struct plan_mail_attachment *made =
		arena_array_of(b->arena, struct plan_mail_attachment, n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct pol_mail_attachment *given = &source->attachments[i];
		struct plan_mail_attachment *attachment = &made[i];

		check_attachment(b, source, given);
		mail_guard_whose(b, source, &given->from, &given->direction, &given->recipients,
				 &attachment->whose);
		mail_guard_clause(b, &given->clause, &attachment->whose);
		attachment->kinds = words_of(b, &given->kinds);
		attachment->names = words_of(b, &given->names);
		attachment->types = words_of(b, &given->types);
		attachment->words = mail_guard_terms(b, source, &given->words);
		attachment->personal_numbers = limit_of(&given->personal_numbers, 0);
		attachment->over = size_of(&given->over, 0);
		attachment->total_over = size_of(&given->total_over, 0);
		attachment->number_over = limit_of(&given->number_over, 0);
		attachment->action = mail_guard_action(&given->action);
	}
	if (n >= PLAN_MAIL_ATTACHMENTS_MAX)
		diag_add(b->diag, SK_GUARD_KEY,
			 source->attachments[PLAN_MAIL_ATTACHMENTS_MAX - 1].at,
			 "guard \"%s\": at most %d kinds of attachments; put names, types or "
			 "recipients of several into one",
			 source->id.s, PLAN_MAIL_ATTACHMENTS_MAX - 1);
	if (n) {
		check_terms(b, source, made, n);
		made[n++] = closing(b);
	}
	mail->attachments = made;
	mail->n_attachments = n;
}

static void set_malware(const struct pol_mail_malware *given, struct plan_mail_malware *malware)
{
	*malware = (struct plan_mail_malware){
		.scan = given->at.file != NULL,
		.direction = direction_of(&given->direction),
		.infected = mail_guard_action(&given->infected),
		.encrypted = mail_guard_action(&given->encrypted),
		.too_big = mail_guard_action(&given->too_big),
		.down = is_word(&given->down, "refuse")	  ? PLAN_MAIL_DOWN_REFUSE
			: is_word(&given->down, "record") ? PLAN_MAIL_DOWN_RECORD
			: is_word(&given->down, "hold")	  ? PLAN_MAIL_DOWN_HOLD
							  : PLAN_MAIL_DOWN_LATER,
		.old = is_word(&given->old, "later")  ? PLAN_MAIL_OLD_LATER
		       : is_word(&given->old, "hold") ? PLAN_MAIL_OLD_HOLD
						      : PLAN_MAIL_OLD_ALLOW,
		.seconds = limit_of(&given->seconds, SCAN_SECONDS_DEFAULT),
	};
}

static bool holds(const struct plan_mail *mail)
{
	const struct plan_mail_malware *malware = &mail->malware;
	bool any = malware->scan &&
		   (malware->encrypted == PLAN_MAIL_HOLD || malware->too_big == PLAN_MAIL_HOLD ||
		    malware->down == PLAN_MAIL_DOWN_HOLD || malware->old == PLAN_MAIL_OLD_HOLD);

	for (size_t i = 0; i < mail->n_attachments; i++)
		any |= mail->attachments[i].action == PLAN_MAIL_HOLD;
	return any;
}

static void set_hold(struct build *b, const struct pol_guard *source, struct plan_mail *mail)
{
	const struct pol_mail_hold *given = &source->hold;
	uint64_t keep = given->keep.s ? build_seconds(given->keep.s) : HOLD_KEEP_DEFAULT;

	mail->hold = (struct plan_mail_hold){
		.any = holds(mail),
		.later = is_word(&given->answer, "later"),
		.keep_seconds = (uint32_t)keep,
		.persons = limit_of(&given->persons, HOLD_PERSONS_DEFAULT),
		.messages = limit_of(&given->messages, HOLD_MESSAGES_DEFAULT),
		.bytes = size_of(&given->bytes, HOLD_BYTES_DEFAULT),
	};
	if (keep < HOLD_KEEP_MIN || keep > HOLD_KEEP_MAX)
		diag_add(b->diag, SK_GUARD_KEY, given->keep.at,
			 "guard \"%s\": messages cannot be held for \"%s\"; write a time from 10m "
			 "to 90d",
			 source->id.s, given->keep.s);
	if (given->at.file && !mail->hold.any)
		diag_add(b->diag, SK_GUARD_KEY, given->at,
			 "guard \"%s\": nothing is held; say hold in attachments or malware",
			 source->id.s);
}

static void set_limits(const struct pol_mail_limits *given, struct plan_mail_limits *limits)
{
	*limits = (struct plan_mail_limits){
		.recipients = limit_of(&given->recipients, RECIPIENTS_DEFAULT),
		.invalid_recipients = limit_of(&given->invalid_recipients, INVALID_DEFAULT),
		.transactions = limit_of(&given->transactions, TRANSACTIONS_DEFAULT),
		.sessions = limit_of(&given->sessions, SESSIONS_DEFAULT),
	};
	if (given->session_rate.s)
		amount_rate(given->session_rate.s, &limits->session_rate, &limits->session_seconds);
	if (given->message_rate.s)
		amount_rate(given->message_rate.s, &limits->message_rate, &limits->message_seconds);
}

static void set_inspect(struct build *b, const struct pol_guard *source, struct plan_mail *mail)
{
	struct plan_mail_verify *verify =
		arena_array_of(b->arena, struct plan_mail_verify, source->n_tls_verify);

	mail->certificate = build_text(b, &source->certificate);
	mail->tls_newest = is_word(&source->tls_minimum, "1.3");
	mail->tls_required = source->tls_required.set && source->tls_required.value;
	for (size_t i = 0; i < source->n_tls_verify; i++) {
		const struct pol_mail_verify *row = &source->tls_verify[i];
		const char *fault;

		set_places(b, source, (struct places_key){ "tls-verify", NULL }, &row->servers,
			   &verify[i].servers);
		verify[i].name =
			row->name.s ? mail_domain_read(b->arena, row->name.s, &fault) : NULL;
		if (row->name.s && !verify[i].name)
			diag_add(b->diag, SK_MAIL_DOMAIN, row->name.at,
				 "guard \"%s\": tls-verify: \"%s\" %s", source->id.s, row->name.s,
				 fault);
		if (!verify[i].name)
			verify[i].name = "";
	}
	mail->verify = verify;
	mail->n_verify = source->n_tls_verify;
}

const struct plan_mail *mail_guard_make(struct build *b, const struct pol_guard *source)
{
	struct plan_mail *mail = arena_new_of(b->arena, struct plan_mail);

	check_together(b, source);
	mail->proxy = is_word(&source->mode, "proxy");
	set_domains(b, source, mail);
	set_places(b, source, (struct places_key){ "senders", check_sender }, &source->senders,
		   &mail->senders);
	set_places(b, source, (struct places_key){ "smart-hosts", NULL }, &source->smart_hosts,
		   &mail->smart_hosts);
	mail->own_sender = is_word(&source->own_sender, "mark")	   ? PLAN_OWN_MARK
			   : is_word(&source->own_sender, "allow") ? PLAN_OWN_ALLOW
								   : PLAN_OWN_REFUSE;
	set_places(b, source, (struct places_key){ "own-sender-from", NULL },
		   &source->own_sender_from, &mail->own_sender_from);
	set_sizes(b, source, mail);
	set_attachments(b, source, mail);
	set_malware(&source->malware, &mail->malware);
	set_hold(b, source, mail);
	mail->tls = is_word(&source->tls, "refuse")	   ? PLAN_TLS_REFUSE
		    : is_word(&source->tls, "allow-blind") ? PLAN_TLS_BLIND
		    : is_word(&source->tls, "inspect")	   ? PLAN_TLS_INSPECT
							   : PLAN_TLS_CLEAR_ONLY;
	set_places(b, source, (struct places_key){ "tls-servers", NULL }, &source->tls_servers,
		   &mail->tls_servers);
	mail->tls_reason = build_text(b, &source->tls_reason);
	set_inspect(b, source, mail);
	mail->after_greeting = source->after_greeting.set && source->after_greeting.value;
	set_limits(&source->limits, &mail->limits);
	mail_habit_set(b, source, mail);
	mail_mass_set(b, source, mail);
	return mail;
}
