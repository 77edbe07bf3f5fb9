#include "inspect/content_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/habit_domain.h"
#include "unpack/unpack.h"

static bool has(const struct content_rules *set, size_t i)
{
	return set->v[i / 64] >> (i % 64) & 1;
}

static void put(struct content_rules *set, size_t i)
{
	set->v[i / 64] |= UINT64_C(1) << (i % 64);
}

static size_t count(const struct profile *profile)
{
	return profile->n_attachments < PROFILE_ATTACHMENTS_MAX ? profile->n_attachments
								: PROFILE_ATTACHMENTS_MAX;
}

// --- who

static bool has_habit(const struct profile_habit *rule, const struct addr *client, bool own,
		      const char *address)
{
	const char *at = strrchr(address, '@');
	if (rule->sign == PROFILE_DOMAIN &&
	    !(at && habit_domain_listed(rule->domains, rule->n_domains, at + 1)))
		return false;
	return profile_is_about(&rule->whose, client, own, address);
}

int audience_add(struct audience *audience, const struct profile *profile,
		 const struct addr *client, bool own, const char *address)
{
	struct audience_set set = { .out = profile->n_habits && !own };
	for (size_t i = 0; i < count(profile); i++) {
		if (profile_is_about(&profile->attachments[i].whose, client, own, address))
			put(&set.attachments, i);
	}
	for (size_t i = 0; i < profile->n_habits && i < PROFILE_HABITS_MAX; i++)
		if (has_habit(&profile->habits[i], client, own, address))
			set.habits |= UINT64_C(1) << i;
	for (uint32_t i = 0; i < audience->n; i++)
		if (memcmp(&audience->v[i], &set, sizeof(set)) == 0)
			return (int)i;
	if (audience->n == AUDIENCE_SETS_MAX)
		return -E2BIG;
	if (audience->n == audience->room) {
		uint32_t room = audience->room ? audience->room * 2 : 1;
		struct audience_set *v = realloc(audience->v, room * sizeof(v[0]));
		if (!v)
			return -ENOMEM;
		audience->v = v;
		audience->room = room;
	}
	audience->v[audience->n] = set;
	return (int)audience->n++;
}

void audience_free(struct audience *audience)
{
	free(audience->v);
	*audience = (struct audience){ 0 };
}

// --- names and types

static char small(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

static const char *after(const char *at)
{
	for (at++; ((uint8_t)*at & 0xc0) == 0x80;)
		at++;
	return at;
}

bool content_name_fits(const char *pattern, const char *name)
{
	const char *star = NULL, *tried = NULL;
	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			tried = name;
		} else if (*pattern == '?') {
			pattern++;
			name = after(name);
		} else if (*pattern == small(*name)) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++tried;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

// A name as it is, and as a system would have it: behind the last folder, without dots and blanks
// at its end.
static bool name_fits(const char *pattern, const char *name)
{
	char plain[1024 + 1];
	const char *base = name;
	for (const char *at = name; *at; at++)
		if (*at == '/' || *at == '\\')
			base = at + 1;
	size_t n = strlen(base);
	while (n && strchr(". ", base[n - 1]))
		n--;
	if (content_name_fits(pattern, name))
		return true;
	if (n == strlen(name) || n >= sizeof(plain))
		return n < strlen(name) && content_name_fits(pattern, base);
	memcpy(plain, base, n);
	plain[n] = '\0';
	return content_name_fits(pattern, plain);
}

static bool any_fits(const struct profile_attachment *rule, const char *name)
{
	for (size_t i = 0; i < rule->n_names; i++)
		if (name_fits(rule->names[i], name))
			return true;
	return false;
}

// A rule that lets a name pass has to fit every reading: a client may show another one.
static bool names_fit(const struct profile_attachment *rule, const char *const *names, size_t n)
{
	size_t fit = 0;
	for (size_t k = 0; k < n; k++)
		fit += any_fits(rule, names[k]);
	return !rule->n_names || (rule->action == PROFILE_ALLOW ? n && fit == n : fit > 0);
}

static bool type_fits(const struct profile_attachment *rule, const char *type)
{
	for (size_t i = 0; type && i < rule->n_types; i++)
		if (content_name_fits(rule->types[i], type))
			return true;
	return !rule->n_types;
}

void content_rules_exclude(const struct profile *profile, const char *const *names, size_t n_names,
			   const char *type, bool file, struct content_rules *out)
{
	*out = (struct content_rules){ 0 };
	for (size_t i = 0; i < count(profile); i++) {
		const struct profile_attachment *rule = &profile->attachments[i];
		bool about_all = rule->kinds || rule->doubts || rule->unread || rule->n_names ||
				 rule->words || rule->numbers;
		if ((!file && !about_all) || !names_fit(rule, names, n_names) ||
		    !type_fits(rule, type))
			put(out, i);
	}
}

// --- what

enum fit { FITS_NOT, MAY_FIT, FITS };

static enum fit least(enum fit a, enum fit b)
{
	return a < b ? a : b;
}

// What is not so yet may come while the file does.
static enum fit grows(bool now, bool whole)
{
	return now ? FITS : whole ? FITS_NOT : MAY_FIT;
}

// A rule that lets a kind of file pass lets none pass that is something worse besides: its name may
// say that it is a PDF, or it may be one and a program as well.
enum {
	WORSE = UNPACK_EXECUTABLE | UNPACK_SCRIPT | UNPACK_SHORTCUT | UNPACK_DISK_IMAGE |
		UNPACK_MACRO | UNPACK_ENCRYPTED | UNPACK_ACTIVE | UNPACK_MISLEADING |
		UNPACK_AMBIGUOUS,
};

static enum fit fit_kinds(const struct profile_attachment *rule, const struct content_facts *facts)
{
	if (rule->action != PROFILE_ALLOW)
		return grows(rule->kinds & facts->kinds, facts->whole);
	if (facts->kinds & WORSE & ~rule->kinds)
		return FITS_NOT;
	return facts->whole ? grows(rule->kinds & facts->kinds, true) : MAY_FIT;
}

static enum fit most(enum fit a, enum fit b)
{
	return a > b ? a : b;
}

// Of kinds, doubts and what is unread any will do.
static enum fit fit_what(const struct profile_attachment *rule, const struct content_facts *facts)
{
	enum fit fit = FITS_NOT;
	if (!rule->kinds && !rule->doubts && !rule->unread)
		return FITS;
	if (rule->kinds)
		fit = fit_kinds(rule, facts);
	if (rule->doubts)
		fit = most(fit, grows(rule->doubts & facts->doubts, facts->whole));
	if (rule->unread)
		fit = most(fit, grows(facts->unread, facts->whole));
	return fit;
}

static enum fit fit_file(const struct profile_attachment *rule, const struct content_facts *facts)
{
	enum fit fit = fit_what(rule, facts);
	if (rule->words)
		fit = least(fit, grows(rule->words & facts->terms.words, facts->whole));
	if (rule->numbers)
		fit = least(fit, grows(facts->terms.numbers >= rule->numbers, facts->whole));
	if (rule->size_over)
		fit = least(fit, grows(facts->size > rule->size_over, facts->whole));
	if ((rule->size_over || rule->total_over || rule->number_over) && !facts->file)
		fit = FITS_NOT;
	return fit;
}

static bool sums_fit(const struct profile_attachment *rule, const struct content_sums *sums)
{
	return (!rule->total_over || sums->size > rule->total_over) &&
	       (!rule->number_over || sums->number > rule->number_over);
}

int content_rules_judge(const struct profile *profile, const struct content_rules *set,
			const struct content_rules *out, const struct content_facts *facts,
			const struct content_sums *sums, struct content_rules *armed)
{
	bool open = false;
	for (size_t i = 0; i < count(profile); i++) {
		const struct profile_attachment *rule = &profile->attachments[i];
		bool refuses = rule->action == PROFILE_REFUSE, holds = rule->action == PROFILE_HOLD;
		if (!has(set, i) || has(out, i))
			continue;
		enum fit fit = fit_file(rule, facts);
		if (fit != FITS_NOT && !sums_fit(rule, sums)) {
			if (facts->whole && (refuses || holds))
				put(armed, i);
			fit = facts->whole ? FITS_NOT : MAY_FIT;
		}
		if (fit == FITS)
			return open && !refuses ? CONTENT_OPEN : (int)i;
		if (fit == MAY_FIT && !refuses)
			return CONTENT_OPEN;
		open |= fit == MAY_FIT;
	}
	return open ? CONTENT_OPEN : CONTENT_NO_RULE;
}

int content_rules_sums(const struct profile *profile, const struct content_rules *armed,
		       const struct content_sums *sums)
{
	int held = CONTENT_NO_RULE;
	for (size_t i = 0; i < count(profile); i++) {
		if (!has(armed, i) || !sums_fit(&profile->attachments[i], sums))
			continue;
		if (profile->attachments[i].action == PROFILE_REFUSE)
			return (int)i;
		if (held == CONTENT_NO_RULE)
			held = (int)i;
	}
	return held;
}

static uint64_t next(uint64_t over, uint64_t size, uint64_t before)
{
	return over && over >= size && over + 1 < before ? over + 1 : before;
}

uint64_t content_rules_next_size(const struct profile *profile, uint64_t size)
{
	uint64_t at = UINT64_MAX;
	for (size_t i = 0; i < count(profile); i++)
		at = next(profile->attachments[i].size_over, size, at);
	return at;
}

uint64_t content_rules_next_sum(const struct profile *profile, uint64_t size)
{
	uint64_t at = UINT64_MAX;
	for (size_t i = 0; i < count(profile); i++)
		at = next(profile->attachments[i].total_over, size, at);
	return at;
}

bool content_rules_hold(const struct profile *profile, const struct audience *audience)
{
	for (size_t i = 0; i < count(profile); i++) {
		bool holds = profile->attachments[i].action == PROFILE_HOLD && !audience->taken;
		if (profile->attachments[i].action != PROFILE_HOLD)
			continue;
		for (uint32_t k = 0; k < audience->n && !holds; k++)
			holds = (audience->taken >> k & 1) && has(&audience->v[k].attachments, i);
		if (holds)
			return true;
	}
	return false;
}
