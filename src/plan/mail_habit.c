#include "plan/mail_habit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/terms.h"
#include "plan/mail_domain.h"
#include "plan/mail_guard.h"

static bool is_word(const struct pol_text *text, const char *word)
{
	return text->s && strcmp(text->s, word) == 0;
}

static bool is_true(const struct pol_bool *given)
{
	return given->set && given->value;
}

// --- what a row is about

// Which of them a row may name with others; each key has its sign.
static unsigned signs_of(const struct pol_mail_habit *given)
{
	return (is_true(&given->forwarded) ? 1u << PLAN_HABIT_FORWARDED : 0) |
	       (given->hops_over.at.file ? 1u << PLAN_HABIT_LOOP : 0) |
	       (given->outside_over.at.file ? 1u << PLAN_HABIT_OUTSIDE : 0) |
	       (given->look_alike.at.file || given->names.at.file ? 1u << PLAN_HABIT_ALIKE : 0) |
	       (is_true(&given->link_differs) || given->link_domains.at.file ? 1u << PLAN_HABIT_LINK
									     : 0) |
	       (is_true(&given->active_content) ? 1u << PLAN_HABIT_ACTIVE : 0) |
	       (given->recipient_domains.at.file ? 1u << PLAN_HABIT_DOMAIN : 0);
}

static void check_row(struct build *b, const struct pol_guard *source,
		      const struct pol_mail_habit *given)
{
	const unsigned signs = signs_of(given);
	const unsigned of_own =
		1u << PLAN_HABIT_FORWARDED | 1u << PLAN_HABIT_OUTSIDE | 1u << PLAN_HABIT_ALIKE;
	const unsigned of_body = 1u << PLAN_HABIT_LINK | 1u << PLAN_HABIT_ACTIVE;
	const struct {
		bool wrong;
		const struct place *at;
		const char *words;
	} rules[] = {
		{ !signs, &given->at,
		  "this habit is none; say which is meant by forwarded, hops-over, "
		  "outside-recipients-over, look-alike, link-differs, link-domains, active-content or "
		  "recipient-domains" },
		{ (signs & (signs - 1)) != 0, &given->at,
		  "a rule is about one habit, and this one names several; write one for each" },
		{ (signs & of_own) && !source->domains.at.file, &given->at,
		  "this habit cannot be known without domains: which are the body's own" },
		{ (signs & of_body) && is_word(&given->action, "mark"), &given->action.at,
		  "what is in the body is known when the header has gone on; refuse or record it" },
		{ is_word(&given->action, "mark") && !is_word(&source->mode, "proxy"),
		  &given->action.at,
		  "nothing can be added to a message that is read in its packets; mark needs mode: "
		  "proxy" },
		{ signs == 1u << PLAN_HABIT_DOMAIN && is_word(&given->direction, "in"),
		  &given->direction.at,
		  "recipient-domains are of mail that goes out, and never count with direction: in" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].wrong)
			diag_add(b->diag, SK_GUARD_KEY, *rules[i].at, "guard \"%s\": %s",
				 source->id.s, rules[i].words);
}

static enum plan_habit sign_of(const struct pol_mail_habit *given)
{
	unsigned signs = signs_of(given);

	return signs ? (enum plan_habit)__builtin_ctz(signs) : PLAN_HABIT_FORWARDED;
}

static unsigned alike_of(const struct pol_mail_habit *given)
{
	static const char *const words[] = { "domain", "name", "own-domain", "envelope" };
	unsigned alike = 0;

	for (size_t i = 0; i < given->look_alike.n; i++)
		for (unsigned k = 0; k < sizeof(words) / sizeof(words[0]); k++)
			if (is_word(&given->look_alike.v[i], words[k]))
				alike |= 1u << k;
	return alike;
}

// --- lists

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct plan_words domains_of(struct build *b, const struct pol_guard *source,
				    const struct pol_list *list)
{
	const char **domains = arena_array_of(b->arena, const char *, list->n);
	size_t n = 0;

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		const char *fault;
		const char *domain = mail_domain_read(b->arena, list->v[i].s, &fault);

		if (domain)
			domains[n++] = domain;
		else
			diag_add(b->diag, SK_MAIL_DOMAIN, list->v[i].at, "guard \"%s\": \"%s\" %s",
				 source->id.s, list->v[i].s, fault);
	}
	qsort(domains, n, sizeof(*domains), by_text);
	return (struct plan_words){ domains, n };
}

static void check_names(struct build *b, const struct pol_guard *source,
			const struct plan_mail_habit *habits, size_t n)
{
	const char *all[TERMS_MAX];
	size_t n_all = 0, n_names = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < habits[i].names.n; k++, n_names++)
			if (n_all < TERMS_MAX)
				all[n_all++] = habits[i].names.v[k];
	if (n_names > TERMS_MAX || !terms_new(b->arena, all, n_all))
		diag_add(
			b->diag, SK_GUARD_KEY, source->habits[0].at,
			"guard \"%s\": its habits name more words than can be looked for: %d words "
			"of %d letters in all",
			source->id.s, TERMS_MAX, TERMS_NODES_MAX);
}

static void set_one(struct build *b, const struct pol_guard *source,
		    const struct pol_mail_habit *given, struct plan_mail_habit *habit)
{
	const enum plan_habit sign = sign_of(given);
	struct plan_mail_whose senders = { 0 };

	check_row(b, source, given);
	mail_guard_whose(b, source, &given->from, &given->direction, &given->recipients,
			 &habit->whose);
	mail_guard_clause(b, &given->clause, &habit->whose);
	mail_guard_recipients(b, source, &given->senders, &senders);
	habit->senders = (struct plan_words){ senders.recipients, senders.n_recipients };
	habit->sign = sign;
	habit->alike = alike_of(given);
	habit->names = mail_guard_terms(b, source, &given->names);
	habit->over = sign == PLAN_HABIT_LOOP	   ? (uint32_t)given->hops_over.value
		      : sign == PLAN_HABIT_OUTSIDE ? (uint32_t)given->outside_over.value
						   : 0;
	habit->differs = is_true(&given->link_differs);
	habit->domains = domains_of(b, source,
				    sign == PLAN_HABIT_DOMAIN ? &given->recipient_domains
							      : &given->link_domains);
	habit->action = mail_guard_action(&given->action);
}

void mail_habit_set(struct build *b, const struct pol_guard *source, struct plan_mail *mail)
{
	size_t n = source->n_habits;
	struct plan_mail_habit *made = arena_array_of(b->arena, struct plan_mail_habit, n);

	for (size_t i = 0; i < n; i++)
		set_one(b, source, &source->habits[i], &made[i]);
	if (n > PLAN_MAIL_HABITS_MAX)
		diag_add(b->diag, SK_GUARD_KEY, source->habits[PLAN_MAIL_HABITS_MAX].at,
			 "guard \"%s\": at most %d rules about habits; put domains, recipients or "
			 "senders of several into one",
			 source->id.s, PLAN_MAIL_HABITS_MAX);
	if (n)
		check_names(b, source, made, n);
	mail->habits = made;
	mail->n_habits = n;
}

// --- in words

static void say_list(const char *glue, const struct plan_words *words, FILE *out)
{
	for (size_t i = 0; i < words->n; i++)
		fprintf(out, "%s%s", i ? " or " : glue, words->v[i]);
}

static void say_alike(const struct plan_mail_habit *habit, FILE *out)
{
	static const char *const ways[] = { "domain", "name", "own domain", "envelope" };
	const char *glue = " look-alike by ";

	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (habit->alike >> i & 1) {
			fprintf(out, "%s%s", glue, ways[i]);
			glue = " or ";
		}
	say_list(habit->alike ? " or named " : " look-alike named ", &habit->names, out);
}

static void say_sign(const struct plan_mail_habit *habit, FILE *out)
{
	switch (habit->sign) {
	case PLAN_HABIT_FORWARDED:
		fputs(" forwarded", out);
		break;
	case PLAN_HABIT_LOOP:
		fprintf(out, " loops over %" PRIu32 " hops", habit->over);
		break;
	case PLAN_HABIT_OUTSIDE:
		fprintf(out, " over %" PRIu32 " recipients outside", habit->over);
		break;
	case PLAN_HABIT_ALIKE:
		say_alike(habit, out);
		break;
	case PLAN_HABIT_LINK:
		fputs(habit->differs ? " links that differ" : " links", out);
		say_list(" to ", &habit->domains, out);
		break;
	case PLAN_HABIT_ACTIVE:
		fputs(" active content", out);
		break;
	case PLAN_HABIT_DOMAIN:
		say_list(" recipients of ", &habit->domains, out);
		break;
	}
}

void mail_habit_say(const struct plan_mail *mail, FILE *out)
{
	static const char *const actions[] = {
		[PLAN_MAIL_REFUSE] = "refuse",
		[PLAN_MAIL_RECORD] = "record",
		[PLAN_MAIL_ALLOW] = "allow",
		[PLAN_MAIL_MARK] = "mark",
	};

	for (size_t i = 0; i < mail->n_habits; i++) {
		const struct plan_mail_habit *habit = &mail->habits[i];

		fprintf(out, "%s%s", i ? "; " : "", actions[habit->action]);
		say_sign(habit, out);
		mail_guard_say_whose(&habit->whose, out);
		say_list(" by ", &habit->senders, out);
	}
}
