#include "daemon/mail_profile.h"

#include <stdlib.h>
#include <string.h>

#include "mime/mime.h"
#include "plan/guard.h"
#include "unpack/unpack.h"

_Static_assert((int)PROFILE_ATTACHMENTS_MAX == PLAN_MAIL_ATTACHMENTS_MAX, "a plan has no more");
_Static_assert((int)PROFILE_HABITS_MAX == PLAN_MAIL_HABITS_MAX &&
		       (int)PROFILE_SIGNS == PLAN_HABIT_DOMAIN + 1 &&
		       (int)PROFILE_LINK == PLAN_HABIT_LINK &&
		       (int)PROFILE_DOMAIN == PLAN_HABIT_DOMAIN && PROFILE_ALIKE_OTHER == 1 << 3,
	       "habits are told alike");
_Static_assert((int)PROFILE_CONTROLS == PLAN_MAIL_CONTROLS, "controls are numbered alike");
_Static_assert((int)PROFILE_NUMBER == PLAN_GUARDED_MAX && (int)PROFILE_STAMP == PLAN_GUARD_STAMP,
	       "a flow's mark is divided alike");

struct maker {
	const struct plan *plan;
	struct arena *arena;
	const struct plan_guard *guards; // the plan's
	size_t n_guards;
	const struct profile **profiles;  // by guard; NULL: not made yet
	const struct profile_zone *zones; // by zone of the plan, but for self
};

static struct profile_addrs addrs_of(struct maker *maker, const struct addr_range *ranges, size_t n)
{
	return (struct profile_addrs){ arena_memdup(maker->arena, ranges, n * sizeof(*ranges)), n };
}

static struct profile_addrs places_of(struct maker *maker, const struct plan_places *places)
{
	return addrs_of(maker, places->ranges, places->n);
}

static void set_domains(struct maker *maker, const struct plan_mail *mail, struct profile *profile)
{
	struct profile_domain *domains =
		arena_array_of(maker->arena, struct profile_domain, mail->n_domains);

	for (size_t i = 0; i < mail->n_domains; i++)
		domains[i] = (struct profile_domain){
			arena_strdup(maker->arena, mail->domains[i].name),
			mail->domains[i].subdomains,
		};
	profile->domains = domains;
	profile->n_domains = mail->n_domains;
}

static const char *const *texts_of(struct maker *maker, const char *const *from, size_t n)
{
	const char **texts = arena_array_of(maker->arena, const char *, n);

	for (size_t i = 0; i < n; i++)
		texts[i] = arena_strdup(maker->arena, from[i]);
	return texts;
}

// NULL: all.
static const struct profile_addrs *clients_of(struct maker *maker, const struct plan_places *from)
{
	struct profile_addrs *clients = arena_new_of(maker->arena, struct profile_addrs);

	*clients = places_of(maker, from);
	return from->n_names ? clients : NULL;
}

static struct profile_whose whose_of(struct maker *maker, const struct plan_mail_whose *whose)
{
	return (struct profile_whose){
		.clients = clients_of(maker, &whose->from),
		.only_in = whose->direction == PLAN_MAIL_IN,
		.only_out = whose->direction == PLAN_MAIL_OUT,
		.recipients = texts_of(maker, whose->recipients, whose->n_recipients),
		.n_recipients = whose->n_recipients,
	};
}

static const char *clause_of(struct maker *maker, const struct plan_mail_whose *whose)
{
	return arena_strdup(maker->arena, whose->clause ? whose->clause : "");
}

static void set_size(struct maker *maker, const struct plan_mail_size *from,
		     struct profile_size *size)
{
	*size = (struct profile_size){
		.whose = whose_of(maker, &from->whose),
		.max = from->max,
	};
}

static void set_sizes(struct maker *maker, const struct plan_mail *mail, struct profile *profile)
{
	struct profile_size *sizes =
		arena_array_of(maker->arena, struct profile_size, mail->n_sizes);

	for (size_t i = 0; i < mail->n_sizes; i++)
		set_size(maker, &mail->sizes[i], &sizes[i]);
	profile->sizes = sizes;
	profile->n_sizes = mail->n_sizes;
}

static void set_kinds(const struct plan_words *kinds, struct profile_attachment *ret)
{
	for (size_t i = 0; i < kinds->n; i++) {
		if (strcmp(kinds->v[i], "undecodable") == 0)
			ret->doubts = MIME_UNDECODABLE;
		else if (strcmp(kinds->v[i], "unread") == 0)
			ret->unread = true;
		for (size_t k = 0; unpack_kind_names[k]; k++)
			if (strcmp(kinds->v[i], unpack_kind_names[k]) == 0)
				ret->kinds |= 1u << k;
	}
}

static const enum profile_action actions[] = {
	[PLAN_MAIL_REFUSE] = PROFILE_REFUSE, [PLAN_MAIL_RECORD] = PROFILE_RECORD,
	[PLAN_MAIL_ALLOW] = PROFILE_ALLOW,   [PLAN_MAIL_MARK] = PROFILE_MARK,
	[PLAN_MAIL_HOLD] = PROFILE_HOLD,
};

static void set_attachment(struct maker *maker, const struct plan_mail_attachment *from,
			   struct profile_attachment *attachment)
{
	*attachment = (struct profile_attachment){
		.whose = whose_of(maker, &from->whose),
		.names = texts_of(maker, from->names.v, from->names.n),
		.n_names = from->names.n,
		.types = texts_of(maker, from->types.v, from->types.n),
		.n_types = from->types.n,
		.size_over = from->over,
		.total_over = from->total_over,
		.number_over = from->number_over,
		.action = actions[from->action],
		.clause = clause_of(maker, &from->whose),
	};
	set_kinds(&from->kinds, attachment);
}

// The plan has checked that there are not too many.
static void set_terms(struct maker *maker, const struct plan_mail *mail,
		      struct profile_attachment *attachments, struct profile *profile)
{
	const char *words[TERMS_MAX];
	size_t n = 0;
	bool any = false;

	for (size_t i = 0; i < mail->n_attachments; i++) {
		const struct plan_mail_attachment *from = &mail->attachments[i];

		attachments[i].numbers = from->personal_numbers;
		any |= from->words.n || from->personal_numbers;
		for (size_t k = 0; k < from->words.n && n < TERMS_MAX; k++, n++) {
			words[n] = from->words.v[k];
			attachments[i].words |= UINT64_C(1) << n;
		}
	}
	if (any)
		profile->terms = terms_new(maker->arena, words, n);
}

static void set_attachments(struct maker *maker, const struct plan_mail *mail,
			    struct profile *profile)
{
	struct profile_attachment *attachments =
		arena_array_of(maker->arena, struct profile_attachment, mail->n_attachments);

	for (size_t i = 0; i < mail->n_attachments; i++)
		set_attachment(maker, &mail->attachments[i], &attachments[i]);
	set_terms(maker, mail, attachments, profile);
	profile->attachments = attachments;
	profile->n_attachments = mail->n_attachments;
}

static void set_habit(struct maker *maker, const struct plan_mail_habit *from,
		      struct profile_habit *habit)
{
	*habit = (struct profile_habit){
		.whose = whose_of(maker, &from->whose),
		.senders = texts_of(maker, from->senders.v, from->senders.n),
		.n_senders = from->senders.n,
		.sign = (enum profile_sign)from->sign,
		.alike = from->alike,
		.over = from->over,
		.differs = from->differs,
		.domains = texts_of(maker, from->domains.v, from->domains.n),
		.n_domains = from->domains.n,
		.action = actions[from->action],
		.clause = clause_of(maker, &from->whose),
	};
}

// The plan has checked that there are not too many names.
static void set_habits(struct maker *maker, const struct plan_mail *mail, struct profile *profile)
{
	struct profile_habit *habits =
		arena_array_of(maker->arena, struct profile_habit, mail->n_habits);
	const char *names[TERMS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < mail->n_habits; i++) {
		const struct plan_mail_habit *from = &mail->habits[i];

		set_habit(maker, from, &habits[i]);
		for (size_t k = 0; k < from->names.n && n < TERMS_MAX; k++, n++) {
			names[n] = from->names.v[k];
			habits[i].words |= UINT64_C(1) << n;
		}
	}
	if (n)
		profile->names = terms_new(maker->arena, names, n);
	profile->habits = habits;
	profile->n_habits = mail->n_habits;
}

static struct profile_malware malware_of(const struct plan_mail_malware *malware)
{
	return (struct profile_malware){
		.in = malware->scan && malware->direction != PLAN_MAIL_OUT,
		.out = malware->scan && malware->direction != PLAN_MAIL_IN,
		.infected = actions[malware->infected],
		.encrypted = actions[malware->encrypted],
		.too_big = actions[malware->too_big],
		.down_passes = malware->down == PLAN_MAIL_DOWN_RECORD,
		.down_refuses = malware->down == PLAN_MAIL_DOWN_REFUSE,
		.down_holds = malware->down == PLAN_MAIL_DOWN_HOLD,
		.old_holds = malware->old == PLAN_MAIL_OLD_HOLD,
		.old_waits = malware->old == PLAN_MAIL_OLD_LATER,
		.seconds = malware->seconds,
	};
}

static struct profile_hold hold_of(const struct plan_mail_hold *hold)
{
	return (struct profile_hold){
		.any = hold->any,
		.later = hold->later,
		.keep_seconds = hold->keep_seconds,
		.persons = hold->persons,
		.messages_max = hold->messages,
		.bytes_max = hold->bytes,
	};
}

static struct profile_limits limits_of(const struct plan_mail_limits *limits)
{
	return (struct profile_limits){
		.recipients = limits->recipients,
		.invalid_recipients = limits->invalid_recipients,
		.transactions = limits->transactions,
		.sessions = limits->sessions,
		.session_rate = limits->session_rate,
		.session_seconds = limits->session_seconds,
		.message_rate = limits->message_rate,
		.message_seconds = limits->message_seconds,
	};
}

static struct profile_tls_inspect tls_inspect_of(struct maker *maker, const struct plan_mail *mail)
{
	const uint16_t least = mail->tls_newest ? 0x0304 : 0x0303;
	struct profile_tls_name *names =
		arena_array_of(maker->arena, struct profile_tls_name, mail->n_verify);

	for (size_t i = 0; i < mail->n_verify; i++)
		names[i] = (struct profile_tls_name){
			places_of(maker, &mail->verify[i].servers),
			arena_strdup(maker->arena, mail->verify[i].name),
		};
	return (struct profile_tls_inspect){
		.certificate = arena_strdup(maker->arena, mail->certificate),
		.least_client = least,
		.least_server = least,
		.required = mail->tls_required,
		.names = names,
		.n_names = mail->n_verify,
	};
}

static const struct profile *make_profile(struct maker *maker, const struct plan_guard *guard)
{
	static const enum profile_tls tls[] = {
		[PLAN_TLS_CLEAR_ONLY] = PROFILE_TLS_CLEAR_ONLY,
		[PLAN_TLS_REFUSE] = PROFILE_TLS_REFUSE,
		[PLAN_TLS_BLIND] = PROFILE_TLS_BLIND,
		[PLAN_TLS_INSPECT] = PROFILE_TLS_INSPECT,
	};
	static const enum profile_own_sender own_sender[] = {
		[PLAN_OWN_REFUSE] = PROFILE_OWN_REFUSE,
		[PLAN_OWN_MARK] = PROFILE_OWN_MARK,
		[PLAN_OWN_ALLOW] = PROFILE_OWN_ALLOW,
	};
	const struct plan_mail *mail = guard->mail;
	struct profile *profile = arena_new_of(maker->arena, struct profile);

	profile->guard = arena_strdup(maker->arena, guard->id);
	set_domains(maker, mail, profile);
	profile->senders = places_of(maker, &mail->senders);
	profile->smart_hosts = places_of(maker, &mail->smart_hosts);
	profile->own_sender = own_sender[mail->own_sender];
	profile->own_sender_from = places_of(maker, &mail->own_sender_from);
	set_sizes(maker, mail, profile);
	set_attachments(maker, mail, profile);
	set_habits(maker, mail, profile);
	profile->malware = malware_of(&mail->malware);
	profile->hold = hold_of(&mail->hold);
	profile->tls = tls[mail->tls];
	profile->tls_servers = places_of(maker, &mail->tls_servers);
	profile->tls_inspect = tls_inspect_of(maker, mail);
	profile->after_greeting = mail->after_greeting;
	profile->limits = limits_of(&mail->limits);
	profile->mass = mail->n_mass > 0;
	return profile;
}

static void make_zones(struct maker *maker)
{
	size_t n;
	const struct plan_zone *zones = plan_zones(maker->plan, &n);
	struct profile_zone *made = arena_array_of(maker->arena, struct profile_zone, n);
	struct profile_addrs elsewhere;
	struct addr_set set = { 0 };

	addr_set_copy(&set, plan_inside(maker->plan));
	addr_set_complement(&set);
	elsewhere = addrs_of(maker, set.v, set.n);
	addr_set_done(&set);
	for (size_t i = 0; i < n; i++)
		made[i] = (struct profile_zone){
			arena_strdup(maker->arena, zones[i].id),
			zones[i].elsewhere
				? elsewhere
				: addrs_of(maker, zones[i].networks, zones[i].n_networks),
		};
	maker->zones = made;
}

// The zones that a flow leads from or to, each once, in the plan's order.
static const struct profile_zone *zones_of(struct maker *maker, const struct plan_flow *flow,
					   bool to, size_t *ret_n)
{
	bool seen[PLAN_ZONES_MAX] = { false };
	struct profile_zone *zones =
		arena_array_of(maker->arena, struct profile_zone, flow->n_terms);

	*ret_n = 0;
	for (size_t i = 0; i < flow->n_terms; i++)
		seen[to ? flow->terms[i].to : flow->terms[i].from] = true;
	for (size_t i = 0; i < PLAN_ZONES_MAX; i++)
		if (seen[i])
			zones[(*ret_n)++] = maker->zones[i];
	return zones;
}

static int by_number(const void *a, const void *b)
{
	const struct profile_flow *x = a, *y = b;

	uint32_t a_number = x->mark & PROFILE_NUMBER, b_number = y->mark & PROFILE_NUMBER;

	return (a_number > b_number) - (a_number < b_number);
}

static void make_flow(struct maker *maker, const struct plan_flow *flow,
		      const struct plan_guard *guard, struct profile_flow *ret)
{
	size_t index = (size_t)(guard - maker->guards);

	if (!maker->profiles[index])
		maker->profiles[index] = make_profile(maker, guard);
	ret->mark = flow->guard_mark;
	ret->id = arena_strdup(maker->arena, flow->id);
	ret->clause = arena_strdup(maker->arena, flow->n_clauses ? flow->clauses[0] : "");
	ret->clauses = texts_of(maker, flow->mail_clauses, PROFILE_CONTROLS);
	ret->profile = maker->profiles[index];
	ret->from = zones_of(maker, flow, false, &ret->n_from);
	ret->to = zones_of(maker, flow, true, &ret->n_to);
}

int mail_profiles_make(const struct plan *plan, struct arena *arena, struct profiles *ret)
{
	struct maker maker = { .plan = plan, .arena = arena };
	size_t n_flows, n = 0;
	const struct plan_flow *flows = plan_flows(plan, &n_flows);
	struct profile_flow *made =
		arena_array_of(arena, struct profile_flow,
			       n_flows < PLAN_GUARDED_MAX ? n_flows : PLAN_GUARDED_MAX);

	maker.guards = plan_guards(plan, &maker.n_guards);
	maker.profiles = arena_array_of(arena, const struct profile *, maker.n_guards);
	make_zones(&maker);
	for (size_t i = 0; i < n_flows; i++) {
		const struct plan_guard *guard = plan_find_guard(plan, flows[i].guard);

		if (guard && guard->mail)
			make_flow(&maker, &flows[i], guard, &made[n++]);
	}
	qsort(made, n, sizeof(*made), by_number);
	*ret = (struct profiles){ made, n };
	return 0;
}
