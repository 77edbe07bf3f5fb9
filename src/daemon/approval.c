// Rules, persons and time into numbers.
#include "daemon/approval.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

// --- persons and instants

void person_of_peer(const struct control_peer *peer, struct person *ret)
{
	*ret = (struct person){ .uid = peer->uid, .login_uid = peer->login_uid };
	control_person_name(peer->uid, peer->login_uid, ret->name);
}

bool person_differs(const struct person *a, const struct person *b)
{
	return control_peers_differ(a->uid, a->login_uid, b->uid, b->login_uid);
}

bool person_is_anybody(const struct person *person, struct failure *failure)
{
	if (!control_is_anybody(person->uid, person->login_uid))
		return false;
	failure_set(failure, SK_APPROVAL_OWN, -EPERM,
		    "root without a login may be anybody, so it is no second person; log in as "
		    "yourself (sudo keeps the login)");
	return true;
}

int instant_now(struct instant *ret)
{
	struct instant now = { 0 };
	int r = boot_deadline(0, &now.boot);
	if (r < 0)
		return r;
	now.wall_usec = wall_us();
	*ret = now;
	return 0;
}

uint64_t instant_age_usec(const struct instant *instant, const struct instant *now)
{
	bool same_boot = !strcmp(instant->boot.boot, now->boot.boot);
	uint64_t then = same_boot ? instant->boot.usec : instant->wall_usec;
	uint64_t at = same_boot ? now->boot.usec : now->wall_usec;
	return at < then ? UINT64_MAX : at - then;
}

// --- what is needed

static bool names_one(const struct control_row *row, enum control_tag tag,
		      const struct approval_change *change)
{
	for (size_t i = 0; i < row->n; i++)
		for (size_t k = 0; row->v[i].tag == tag && k < change->n_zones; k++)
			if (!strcmp(row->v[i].text, change->zones[k]))
				return true;
	return false;
}

static bool fits(const struct control_row *rule, const struct approval_change *change)
{
	uint64_t weight = control_u64(rule, CTL_RULE_WEIGHT);
	if (change->unknown || change->rules)
		return true;
	if (weight != PLAN_WEIGHT_ANY && weight != change->weight)
		return false;
	return !control_find(rule, CTL_RULE_ZONE) || names_one(rule, CTL_RULE_ZONE, change);
}

static bool is_rule(const struct control_row *row)
{
	return control_find(row, CTL_APPROVERS) != NULL;
}

static bool is_empty(const struct control_rows *section)
{
	return !section || !section->n || !section->v[0].n;
}

void approval_need(const struct control_rows *section, const struct approval_change *change,
		   struct approval_need *ret)
{
	*ret = (struct approval_need){ .expires_usec = approval_expires_usec(section) };
	if (is_empty(section))
		return;
	ret->rule = &section->v[0];
	ret->approvers = (unsigned)control_u64(ret->rule, CTL_APPROVERS);
	bool fitted = change->unknown || change->rules;
	for (size_t i = 1; i < section->n; i++) {
		const struct control_row *rule = &section->v[i];
		if (!is_rule(rule) || !fits(rule, change))
			continue;
		unsigned approvers = (unsigned)control_u64(rule, CTL_APPROVERS);
		if (!fitted || approvers > ret->approvers) {
			ret->approvers = approvers;
			ret->rule = rule;
		}
		fitted = true;
	}
	if (!control_find(ret->rule, CTL_RULE_GROUP))
		ret->rule = &section->v[0];
}

// --- what is missing

static bool counts(const struct approval_need *need, const struct person *author, const char *code,
		   const struct approval *given, size_t i, const struct instant *now)
{
	if (strcmp(given[i].code, code) != 0 || !person_differs(&given[i].by, author) ||
	    instant_age_usec(&given[i].when, now) >= need->expires_usec)
		return false;
	for (size_t k = 0; k < i; k++)
		if (!person_differs(&given[i].by, &given[k].by))
			return false;
	return true;
}

unsigned approval_missing(const struct approval_need *need, const struct person *author,
			  const char *code, const struct approval *given, size_t n_given,
			  const struct instant *now)
{
	unsigned missing = need->approvers;
	for (size_t i = 0; missing && i < n_given; i++)
		missing -= counts(need, author, code, given, i, now);
	return missing;
}

// --- who may

static bool groups_have(const struct control_row *rule, const char *name)
{
	for (size_t i = 0; i < rule->n; i++)
		if (rule->v[i].tag == CTL_RULE_GROUP && !strcmp(rule->v[i].text, name))
			return true;
	return false;
}

static bool is_deputy(const struct control_row *row, const struct approval_need *need, uint32_t uid,
		      const char *today, const struct directory *directory)
{
	const char *absent = control_text(row, CTL_ABSENT);
	if (!*absent || strcmp(today, control_text(row, CTL_FROM_DAY)) < 0 ||
	    strcmp(today, control_text(row, CTL_UNTIL_DAY)) > 0 ||
	    !directory->is_user(directory->arg, uid, control_text(row, CTL_DEPUTY)))
		return false;
	if (groups_have(need->rule, absent))
		return true;
	for (size_t i = 0; i < need->rule->n; i++)
		if (need->rule->v[i].tag == CTL_RULE_GROUP &&
		    directory->user_is_member(directory->arg, absent, need->rule->v[i].text))
			return true;
	return false;
}

bool approval_may(const struct control_rows *section, const struct approval_need *need,
		  const struct person *person, const char *today, const struct directory *directory)
{
	uint32_t uid = person->login_uid == CONTROL_NO_LOGIN ? person->uid : person->login_uid;
	if (uid == 0)
		return true;
	for (size_t i = 0; need->rule && i < need->rule->n; i++)
		if (need->rule->v[i].tag == CTL_RULE_GROUP &&
		    directory->is_member(directory->arg, uid, need->rule->v[i].text))
			return true;
	for (size_t i = 1; need->rule && i < section->n; i++)
		if (is_deputy(&section->v[i], need, uid, today, directory))
			return true;
	return false;
}

const char *approval_groups(const struct control_rows *section, const struct approval_need *need,
			    char *out, size_t size)
{
	const struct control_row *rule = need->rule;
	size_t used = 0;
	(void)section;
	out[0] = '\0';
	for (size_t i = 0; rule && i < rule->n && used < size; i++)
		if (rule->v[i].tag == CTL_RULE_GROUP)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
						 rule->v[i].text);
	return out;
}

// --- the section's other values

uint64_t approval_confirm_usec(const struct control_rows *section)
{
	uint64_t seconds = is_empty(section) ? PLAN_CONFIRM_SECONDS
					     : control_u64(&section->v[0], CTL_CONFIRM_SECONDS);
	return seconds * 1000000;
}

uint64_t approval_expires_usec(const struct control_rows *section)
{
	uint64_t seconds = is_empty(section) ? PLAN_EXPIRES_SECONDS
					     : control_u64(&section->v[0], CTL_EXPIRES_SECONDS);
	return seconds * 1000000;
}

bool approval_emergency(const struct control_rows *section)
{
	return !is_empty(section) && control_bool(&section->v[0], CTL_EMERGENCY);
}
