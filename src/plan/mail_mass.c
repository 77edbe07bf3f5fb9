#include "plan/mail_mass.h"

#include <inttypes.h>
#include <string.h>

#include "policy/amount.h"

enum { FOR_DEFAULT = 3600, FOR_MAX = 30 * 86400, TIMES_DEFAULT = 5 };

static const char *const words[] = {
	[PLAN_MASS_SOURCE] = "source", [PLAN_MASS_SENDER] = "sender",
	[PLAN_MASS_ZONE] = "zone",     [PLAN_MASS_DIRECTION] = "direction",
	[PLAN_MASS_ALL] = "all",
};

static bool is_word(const struct pol_text *text, const char *word)
{
	return text->s && strcmp(text->s, word) == 0;
}

static enum plan_mass mass_of(const struct pol_text *text, enum plan_mass otherwise)
{
	for (size_t i = 0; text->s && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], text->s) == 0)
			return (enum plan_mass)i;
	return otherwise;
}

// Stages: what a row stops is what it counts or a stage after that.
static unsigned stage_of(enum plan_mass mass)
{
	return mass == PLAN_MASS_SENDER ? PLAN_MASS_SOURCE : mass;
}

static void set_time(struct build *b, const struct pol_guard *source,
		     const struct pol_mail_mass *given, struct plan_mail_mass *mass)
{
	uint64_t seconds;

	mass->for_seconds = FOR_DEFAULT;
	if (!given->duration.s)
		return;
	seconds = is_word(&given->duration, "until-resumed") ? 0 : build_seconds(given->duration.s);
	mass->for_seconds = (uint32_t)seconds;
	if ((seconds == 0 && !is_word(&given->duration, "until-resumed")) || seconds > FOR_MAX)
		diag_add(b->diag, SK_GUARD_KEY, given->duration.at,
			 "guard \"%s\": for: \"%s\" is no time up to 30d; write it as 30m, 2h or "
			 "1d, or until-resumed",
			 source->id.s, given->duration.s);
}

static void check_stage(struct build *b, const struct pol_guard *source,
			const struct pol_mail_mass *given, const struct plan_mail_mass *mass)
{
	bool wide = stage_of(mass->stops) > PLAN_MASS_SOURCE;
	bool inward = mass->direction != PLAN_MAIL_OUT;
	const struct {
		bool wrong;
		const struct place *at;
		const char *words;
	} rules[] = {
		{ mass->stops != mass->by && stage_of(mass->stops) <= stage_of(mass->by),
		  &given->stops.at,
		  "stops names what this row cannot tell apart; it is what by counts, or more: "
		  "source or sender, then zone, direction, all" },
		{ mass->by == PLAN_MASS_SENDER && inward, &given->by.at,
		  "whoever is outside may name any sender, and would stop the mail of others; "
		  "write direction: out" },
		{ wide && inward && mass->by == PLAN_MASS_SOURCE && !mass->alarm, &given->stops.at,
		  "one source outside could stop the mail of all; count by zone or direction, "
		  "with sources" },
		{ wide && inward && mass->by != PLAN_MASS_SOURCE && !mass->sources && !mass->alarm,
		  given->stops.s ? &given->stops.at : &given->by.at,
		  "few sources outside could stop the mail of all; say with \"sources\" how many "
		  "networks it takes" },
		{ mass->sources && mass->by != PLAN_MASS_ZONE && mass->by != PLAN_MASS_DIRECTION,
		  &given->sources.at, "sources counts with by: zone and by: direction only" },
		{ mass->stops == PLAN_MASS_DIRECTION && mass->by != PLAN_MASS_DIRECTION &&
			  mass->direction == PLAN_MAIL_BOTH,
		  &given->stops.at, "stops: direction needs direction: which of the two" },
		{ mass->sources && mass->over && mass->over < mass->sources, &given->sources.at,
		  "over is less than one for each of sources" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].wrong)
			diag_add(b->diag, SK_GUARD_KEY, *rules[i].at, "guard \"%s\": %s",
				 source->id.s, rules[i].words);
}

static void check_keys(struct build *b, const struct pol_guard *source,
		       const struct pol_mail_mass *given, const struct plan_mail_mass *mass)
{
	bool learned = is_word(&given->over, "learned");
	const struct {
		bool wrong;
		const struct place *at;
		const char *words;
	} rules[] = {
		{ learned && !given->at_least.set, &given->over.at,
		  "over: learned needs at-least: what may pass in an hour however little is usual" },
		{ !learned && given->at_least.set, &given->at_least.at,
		  "at-least counts with over: learned only" },
		{ !learned && given->times.set, &given->times.at,
		  "times counts with over: learned only" },
		{ mass->alarm && given->stops.s, &given->stops.at,
		  "with action: alarm nothing stops" },
		{ mass->alarm && given->duration.s, &given->duration.at,
		  "with action: alarm nothing stops" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].wrong)
			diag_add(b->diag, SK_GUARD_KEY, *rules[i].at, "guard \"%s\": %s",
				 source->id.s, rules[i].words);
}

static void set_one(struct build *b, const struct pol_guard *source,
		    const struct pol_mail_mass *given, struct plan_mail_mass *mass)
{
	*mass = (struct plan_mail_mass){
		.by = mass_of(&given->by, PLAN_MASS_SOURCE),
		.direction = is_word(&given->direction, "in")	 ? PLAN_MAIL_IN
			     : is_word(&given->direction, "out") ? PLAN_MAIL_OUT
								 : PLAN_MAIL_BOTH,
		.seconds = 3600,
		.sources = given->sources.set ? (uint32_t)given->sources.value : 0,
		.recipients = is_word(&given->count, "recipients"),
		.alarm = is_word(&given->action, "alarm"),
	};
	mass->stops = mass_of(&given->stops, mass->by);
	if (is_word(&given->over, "learned")) {
		mass->times = given->times.set ? (uint32_t)given->times.value : TIMES_DEFAULT;
		mass->at_least = given->at_least.set ? (uint32_t)given->at_least.value : 1;
	} else if (given->over.s) {
		amount_rate(given->over.s, &mass->over, &mass->seconds);
	}
	set_time(b, source, given, mass);
	check_stage(b, source, given, mass);
	check_keys(b, source, given, mass);
}

void mail_mass_set(struct build *b, const struct pol_guard *source, struct plan_mail *mail)
{
	struct plan_mail_mass *made =
		arena_array_of(b->arena, struct plan_mail_mass, source->n_mass);

	if (source->n_mass > PLAN_MASS_MAX)
		diag_add(b->diag, SK_GUARD_KEY, source->mass[PLAN_MASS_MAX].at,
			 "guard \"%s\": at most %d rows of mass are counted", source->id.s,
			 PLAN_MASS_MAX);
	for (size_t i = 0; i < source->n_mass; i++)
		set_one(b, source, &source->mass[i], &made[i]);
	mail->mass = made;
	mail->n_mass = source->n_mass;
}

static const char *time_word(uint32_t seconds)
{
	return seconds == 1	 ? "a second"
	       : seconds == 60	 ? "a minute"
	       : seconds == 3600 ? "an hour"
				 : "a day";
}

static void say_time(uint32_t seconds, FILE *out)
{
	static const struct {
		uint32_t seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (seconds % units[i].seconds == 0) {
			fprintf(out, "%" PRIu32 "%c", seconds / units[i].seconds, units[i].letter);
			return;
		}
}

static void say_one(const struct plan_mail_mass *mass, FILE *out)
{
	static const char *const directions[] = {
		[PLAN_MAIL_BOTH] = "",
		[PLAN_MAIL_IN] = "inward ",
		[PLAN_MAIL_OUT] = "outward ",
	};
	const char *what = mass->recipients ? "recipients" : "messages";

	if (mass->over)
		fprintf(out, "over %" PRIu32 " %s%s %s by %s", mass->over,
			directions[mass->direction], what, time_word(mass->seconds),
			words[mass->by]);
	else
		fprintf(out,
			"over %" PRIu32 " times the usual %s%s an hour, at least %" PRIu32
			", by %s",
			mass->times, directions[mass->direction], what, mass->at_least,
			words[mass->by]);
	if (mass->sources)
		fprintf(out, " from more than %" PRIu32 " networks", mass->sources);
	if (mass->alarm) {
		fputs(": alarm", out);
		return;
	}
	fprintf(out, ": stop %s ", words[mass->stops]);
	if (mass->for_seconds) {
		fputs("for ", out);
		say_time(mass->for_seconds, out);
	} else {
		fputs("until resumed", out);
	}
}

void mail_mass_say(const struct plan_mail *mail, FILE *out)
{
	for (size_t i = 0; i < mail->n_mass; i++) {
		fputs(i ? "; " : "", out);
		say_one(&mail->mass[i], out);
	}
}
