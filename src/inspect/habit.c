#include "inspect/habit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/content_words.h"

enum { NO_RULE = -1, NOTICE_MAX = 128 };

struct finding { // of one sign; the strictest
	bool told;
	int rule;
	uint32_t part;
	char what[HABIT_EVIDENCE_MAX];
};

struct habit {
	const struct profile *profile;
	const struct audience *audience;
	struct habit_envelope envelope;
	struct habit_head head;
	struct finding findings[PROFILE_SIGNS];
	enum smtp_reason reason;
	int rule; // that refused
	uint32_t part, maps;
	char notice[NOTICE_MAX];
};

// What there is to be judged: of a link, else only of the message.
struct sight {
	enum profile_sign sign;
	const char *host, *shown;
};

static const char *const words[PROFILE_SIGNS] = {
	[PROFILE_FORWARDED] = "forwarded",
	[PROFILE_LOOP] = "loop",
	[PROFILE_OUTSIDE] = "outside",
	[PROFILE_ALIKE] = "look-alike",
	[PROFILE_LINK] = "link",
	[PROFILE_ACTIVE] = "active-html",
	[PROFILE_DOMAIN] = "recipient-domain",
};

static size_t count(const struct profile *profile)
{
	return profile->n_habits < PROFILE_HABITS_MAX ? profile->n_habits : PROFILE_HABITS_MAX;
}

// --- rules

static bool fits_forwarded(const struct habit *habit, bool out)
{
	const char *what;
	return habit->head.sent_on || (out && habit_head_is_sent_out(&habit->head, &what));
}

static bool fits_sign(const struct habit *habit, const struct profile_habit *rule,
		      const struct sight *sight, bool out)
{
	const struct habit_head *head = &habit->head;
	switch (rule->sign) {
	case PROFILE_FORWARDED:
		return fits_forwarded(habit, out);
	case PROFILE_LOOP:
		return head->loop || head->n_received > rule->over;
	case PROFILE_OUTSIDE:
		return head->n_outside > rule->over;
	case PROFILE_ALIKE:
		return (head->alike & rule->alike) || (head->words & rule->words);
	case PROFILE_LINK:
		return (!rule->differs || sight->shown) &&
		       (!rule->n_domains ||
			habit_domain_listed(rule->domains, rule->n_domains, sight->host));
	case PROFILE_ACTIVE:
	case PROFILE_DOMAIN:
		return true;
	case PROFILE_SIGNS:
		break;
	}
	return false;
}

static bool fits_sender(const struct habit *habit, size_t i)
{
	const struct profile_habit *rule = &habit->profile->habits[i];
	const struct habit_head *head = &habit->head;
	uint64_t which = rule->action == PROFILE_ALLOW ? head->any_sender & head->all_senders
						       : head->any_sender;
	return !rule->n_senders || (which >> i & 1);
}

// Bits of the rules that fit, whoever has them.
static uint64_t find_rules(const struct habit *habit, const struct sight *sight, bool out)
{
	uint64_t rules = 0;
	for (size_t i = 0; i < count(habit->profile); i++) {
		const struct profile_habit *rule = &habit->profile->habits[i];
		if (rule->sign == sight->sign && fits_sender(habit, i) &&
		    fits_sign(habit, rule, sight, out))
			rules |= UINT64_C(1) << i;
	}
	return rules;
}

// The strictest of all recipients'.  Without one that the server took, as strict as can be.
static int judge(const struct habit *habit, const struct sight *sight)
{
	static const struct audience_set all = { .habits = UINT64_MAX, .out = true };
	const struct audience *audience = habit->audience;
	const uint64_t out = find_rules(habit, sight, true);
	const uint64_t fit[] = { sight->sign == PROFILE_FORWARDED ? find_rules(habit, sight, false)
								  : out,
				 out };
	int strictest = NO_RULE;
	for (uint32_t i = 0; i < (audience->taken ? audience->n : 1); i++) {
		if (audience->taken && !(audience->taken >> i & 1))
			continue;
		const struct audience_set *set = audience->taken ? &audience->v[i] : &all;
		uint64_t rules = set->habits & fit[set->out];
		int rule = rules ? __builtin_ctzll(rules) : NO_RULE;
		if (rule != NO_RULE &&
		    (strictest == NO_RULE || habit->profile->habits[rule].action >
						     habit->profile->habits[strictest].action))
			strictest = rule;
	}
	return strictest;
}

const struct profile_habit *habit_refuses_recipient(const struct profile *profile,
						    const struct audience_set *set)
{
	for (size_t i = 0; i < count(profile); i++)
		if (profile->habits[i].sign == PROFILE_DOMAIN && !profile->habits[i].n_senders &&
		    (set->habits >> i & 1))
			return profile->habits[i].action == PROFILE_REFUSE ? &profile->habits[i]
									   : NULL;
	return NULL;
}

// --- findings

static enum smtp_reason reason_of(const struct profile_habit *rule)
{
	static const enum smtp_reason reasons[PROFILE_SIGNS] = {
		[PROFILE_FORWARDED] = SMTP_HABIT_FORWARDED, [PROFILE_LOOP] = SMTP_HABIT_LOOP,
		[PROFILE_OUTSIDE] = SMTP_HABIT_OUTSIDE,	    [PROFILE_ALIKE] = SMTP_HABIT_ALIKE,
		[PROFILE_LINK] = SMTP_HABIT_LINK_DOMAIN,    [PROFILE_ACTIVE] = SMTP_HABIT_ACTIVE,
		[PROFILE_DOMAIN] = SMTP_HABIT_DOMAIN,
	};
	return rule->sign == PROFILE_LINK && rule->differs ? SMTP_HABIT_LINK_DIFFERS
							   : reasons[rule->sign];
}

static void note(struct habit *habit, const struct sight *sight, const char *what)
{
	struct finding *finding = &habit->findings[sight->sign];
	int rule = judge(habit, sight);
	if (rule == NO_RULE || habit->reason != SMTP_REASON_NONE)
		return;
	const struct profile_habit *fits = &habit->profile->habits[rule];
	if (!finding->told || fits->action > habit->profile->habits[finding->rule].action) {
		*finding = (struct finding){ .told = true, .rule = rule, .part = habit->part };
		snprintf(finding->what, sizeof(finding->what), "%s", what);
	}
	if (fits->action != PROFILE_REFUSE)
		return;
	habit->reason = reason_of(fits);
	habit->rule = rule;
}

static bool marks(const struct habit *habit, const struct finding *finding)
{
	return habit->envelope.marks &&
	       habit->profile->habits[finding->rule].action == PROFILE_MARK;
}

static void write_notice(struct habit *habit)
{
	size_t used = 0;
	for (size_t i = 0; i < PROFILE_SIGNS; i++) {
		const struct finding *finding = &habit->findings[i];
		if (finding->told && marks(habit, finding))
			used += (size_t)snprintf(habit->notice + used, NOTICE_MAX - used, "%s%s",
						 used ? ", " : "", words[i]);
	}
}

// --- the message

int habit_new(const struct profile *profile, const struct audience *audience,
	      const struct habit_envelope *envelope, struct habit **ret)
{
	struct habit *habit = calloc(1, sizeof(*habit));
	if (!habit)
		return -ENOMEM;
	habit->profile = profile;
	habit->audience = audience;
	habit->envelope = *envelope;
	habit->rule = NO_RULE;
	habit->maps = HABIT_MAPS_MAX;
	habit_head_begin(&habit->head, profile, &habit->envelope);
	*ret = habit;
	return 0;
}

void habit_free(struct habit *habit)
{
	if (!habit)
		return;
	habit_head_done(&habit->head);
	free(habit);
}

size_t habit_memory(const struct habit *habit)
{
	return sizeof(*habit) + habit_head_memory(&habit->head);
}

void habit_field(struct habit *habit, const char *name, const char *raw, const char *shown)
{
	habit_head_field(&habit->head, name, raw, shown);
}

// What shows that the sender seems to be another, of those that some rule asks for.
static const char *alike_what(const struct habit *habit)
{
	unsigned asked = 0;
	for (size_t i = 0; i < count(habit->profile); i++)
		asked |= habit->profile->habits[i].alike;
	for (size_t i = 0; i < HABIT_ALIKES; i++)
		if (habit->head.alike_what[i][0] &&
		    (i == HABIT_ALIKES - 1 || (asked & habit->head.alike) >> i & 1))
			return habit->head.alike_what[i];
	return "";
}

void habit_header_end(struct habit *habit)
{
	const struct habit_head *head = &habit->head;
	const char *out_what = "";
	char number[32];
	habit_head_is_sent_out(head, &out_what);
	snprintf(number, sizeof(number), "%u", (unsigned)head->n_outside);
	note(habit, &(struct sight){ .sign = PROFILE_FORWARDED },
	     head->sent_on ? head->sent_what : out_what);
	note(habit, &(struct sight){ .sign = PROFILE_ALIKE }, alike_what(habit));
	note(habit, &(struct sight){ .sign = PROFILE_OUTSIDE }, number);
	snprintf(number, sizeof(number), "Received: %u", (unsigned)head->n_received);
	note(habit, &(struct sight){ .sign = PROFILE_LOOP }, head->loop ? head->loop_what : number);
	note(habit, &(struct sight){ .sign = PROFILE_DOMAIN }, "");
	if (head->failed && habit->reason == SMTP_REASON_NONE)
		habit->reason = SMTP_MEMORY;
	write_notice(habit);
	habit_head_done(&habit->head);
}

// --- pages

static void on_link(void *arg, const char *host, const char *shown)
{
	struct habit *habit = arg;
	char what[HABIT_EVIDENCE_MAX];
	snprintf(what, sizeof(what), "%.70s%s%.70s", shown ? shown : "", shown ? " -> " : "", host);
	note(habit, &(struct sight){ PROFILE_LINK, host, shown }, what);
}

static void on_active(void *arg, const char *what)
{
	note(arg, &(struct sight){ .sign = PROFILE_ACTIVE }, what);
}

bool habit_reads(const struct profile *profile)
{
	for (size_t i = 0; i < count(profile); i++)
		if (profile->habits[i].sign == PROFILE_LINK ||
		    profile->habits[i].sign == PROFILE_ACTIVE)
			return true;
	return false;
}

void habit_page_begin(struct habit *habit, uint32_t part, struct habit_page *ret)
{
	*ret = (struct habit_page){ .sink = { on_link, on_active, habit }, .maps = &habit->maps };
	habit->part = part;
}

// --- what came of it

enum smtp_reason habit_reason(const struct habit *habit)
{
	return habit->reason;
}

static bool is_told(const struct habit *habit, const struct finding *finding)
{
	return finding->told && habit->profile->habits[finding->rule].action != PROFILE_ALLOW;
}

const char *habit_clause(const struct habit *habit)
{
	int rule = habit->rule;
	for (size_t i = 0; rule == NO_RULE && i < PROFILE_SIGNS; i++)
		if (is_told(habit, &habit->findings[i]))
			rule = habit->findings[i].rule;
	return rule == NO_RULE ? "" : habit->profile->habits[rule].clause;
}

enum smtp_reason habit_recorded(const struct habit *habit)
{
	for (size_t i = 0; i < PROFILE_SIGNS; i++)
		if (is_told(habit, &habit->findings[i]))
			return reason_of(&habit->profile->habits[habit->findings[i].rule]);
	return SMTP_REASON_NONE;
}

const char *habit_notice(const struct habit *habit)
{
	return habit->notice[0] ? habit->notice : NULL;
}

size_t habit_rows(const struct habit *habit, struct mail_file rows[PROFILE_SIGNS])
{
	size_t n = 0;
	for (size_t i = 0; i < PROFILE_SIGNS; i++) {
		const struct finding *finding = &habit->findings[i];
		struct mail_file *row = &rows[n];
		if (!is_told(habit, finding))
			continue;
		bool refused = habit->profile->habits[finding->rule].action == PROFILE_REFUSE;
		*row = (struct mail_file){ .part = (uint16_t)finding->part,
					   .rule = (uint16_t)(finding->rule + 1),
					   .action = refused ? MAIL_FILE_REFUSED
							     : MAIL_FILE_RECORDED };
		content_name(finding->what, row->name);
		snprintf(row->type, sizeof(row->type), "%s", HABIT_ROW_TYPE);
		snprintf(row->found, sizeof(row->found), "%s%s", words[i],
			 marks(habit, finding) ? " marked" : "");
		n++;
	}
	return n;
}
