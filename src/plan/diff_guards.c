// What changed in what guards demand.  A rule is looser when mail passes that did not before, and
// tighter when less does; it may be both.
#include <stdlib.h>
#include <string.h>

#include "plan/diff_internal.h"
#include "plan/guard.h"

enum { LOOSER = 1, TIGHTER = 2, ELSEWISE = 4 }; // ELSEWISE: changed, and neither

static bool same_ranges(const struct plan_places *a, const struct plan_places *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->ranges[i].family != b->ranges[i].family ||
		    a->ranges[i].lo != b->ranges[i].lo || a->ranges[i].hi != b->ranges[i].hi)
			return false;
	return true;
}

// The addresses of `is` that `was` has not.
static void gained(const struct plan_places *was, const struct plan_places *is,
		   struct addr_set *ret)
{
	const struct addr_set had = { .v = (struct addr_range *)(uintptr_t)was->ranges,
				      .n = was->n };

	for (size_t i = 0; i < is->n; i++)
		addr_set_append(ret, is->ranges[i]);
	addr_set_subtract(ret, &had);
}

static bool gains(const struct plan_places *was, const struct plan_places *is)
{
	struct addr_set set = { 0 };
	bool does;

	gained(was, is, &set);
	does = set.n > 0;
	addr_set_done(&set);
	return does;
}

static unsigned compare_places(const struct plan_places *was, const struct plan_places *is)
{
	return (gains(was, is) ? LOOSER : 0) | (gains(is, was) ? TIGHTER : 0);
}

// The same is judged either way.
static unsigned compare_mode(const struct plan_mail *was, const struct plan_mail *is)
{
	return was->proxy != is->proxy ? ELSEWISE : 0;
}

static bool has_domain(const struct plan_mail *mail, const struct plan_domain *domain)
{
	for (size_t i = 0; i < mail->n_domains; i++)
		if (mail->domains[i].subdomains == domain->subdomains &&
		    strcmp(mail->domains[i].name, domain->name) == 0)
			return true;
	return false;
}

static unsigned compare_domains(const struct plan_mail *was, const struct plan_mail *is)
{
	unsigned change = 0;

	for (size_t i = 0; i < is->n_domains; i++)
		change |= has_domain(was, &is->domains[i]) ? 0 : LOOSER;
	for (size_t i = 0; i < was->n_domains; i++)
		change |= has_domain(is, &was->domains[i]) ? 0 : TIGHTER;
	return change;
}

static unsigned compare_senders(const struct plan_mail *was, const struct plan_mail *is)
{
	return compare_places(&was->senders, &is->senders);
}

// None named: all.
static unsigned compare_smart_hosts(const struct plan_mail *was, const struct plan_mail *is)
{
	if (!was->smart_hosts.n_names || !is->smart_hosts.n_names)
		return was->smart_hosts.n_names ? LOOSER : is->smart_hosts.n_names ? TIGHTER : 0;
	return compare_places(&was->smart_hosts, &is->smart_hosts);
}

static unsigned compare_own_sender(const struct plan_mail *was, const struct plan_mail *is)
{
	unsigned change = is->own_sender > was->own_sender   ? LOOSER
			  : is->own_sender < was->own_sender ? TIGHTER
							     : 0;

	return change | compare_places(&was->own_sender_from, &is->own_sender_from);
}

static bool same_whose(const struct plan_mail_whose *a, const struct plan_mail_whose *b)
{
	if (a->direction != b->direction || !a->from.n_names != !b->from.n_names ||
	    a->n_recipients != b->n_recipients || !same_ranges(&a->from, &b->from))
		return false;
	for (size_t i = 0; i < a->n_recipients; i++)
		if (strcmp(a->recipients[i], b->recipients[i]) != 0)
			return false;
	return true;
}

static unsigned compare_sizes(const struct plan_mail *was, const struct plan_mail *is)
{
	unsigned change = 0;

	if (was->n_sizes != is->n_sizes)
		return LOOSER | TIGHTER;
	for (size_t i = 0; i < is->n_sizes; i++) {
		if (!same_whose(&was->sizes[i].whose, &is->sizes[i].whose))
			return LOOSER | TIGHTER;
		change |= is->sizes[i].max > was->sizes[i].max	 ? LOOSER
			  : is->sizes[i].max < was->sizes[i].max ? TIGHTER
								 : 0;
	}
	return change;
}

static bool same_words(const struct plan_words *a, const struct plan_words *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

static bool same_attachment(const struct plan_mail_attachment *a,
			    const struct plan_mail_attachment *b)
{
	return same_whose(&a->whose, &b->whose) && same_words(&a->kinds, &b->kinds) &&
	       same_words(&a->names, &b->names) && same_words(&a->types, &b->types) &&
	       same_words(&a->words, &b->words) && a->personal_numbers == b->personal_numbers &&
	       a->over == b->over && a->total_over == b->total_over &&
	       a->number_over == b->number_over && a->action == b->action;
}

// A refusal that comes in before all others only closes; one that goes only opens.  Anything else
// may do both.
static unsigned compare_attachments(const struct plan_mail *was, const struct plan_mail *is)
{
	size_t n = was->n_attachments < is->n_attachments ? was->n_attachments : is->n_attachments;
	const struct plan_mail *longer = was->n_attachments > n ? was : is;
	size_t more = longer->n_attachments - n, same = 0;

	if (!n) // nothing was looked at, or is any more
		return !more ? 0 : longer == is ? TIGHTER : LOOSER;
	for (size_t i = 0; i < more; i++)
		if (longer->attachments[i].action != PLAN_MAIL_REFUSE &&
		    longer->attachments[i].action != PLAN_MAIL_HOLD)
			return LOOSER | TIGHTER;
	for (size_t i = 0; i < n; i++)
		same += same_attachment(&was->attachments[was->n_attachments - n + i],
					&is->attachments[is->n_attachments - n + i]);
	if (same < n)
		return LOOSER | TIGHTER;
	return !more ? 0 : longer == is ? TIGHTER : LOOSER;
}

static bool same_habit(const struct plan_mail_habit *a, const struct plan_mail_habit *b)
{
	return same_whose(&a->whose, &b->whose) && same_words(&a->senders, &b->senders) &&
	       a->sign == b->sign && a->alike == b->alike && same_words(&a->names, &b->names) &&
	       a->over == b->over && a->differs == b->differs &&
	       same_words(&a->domains, &b->domains) && a->action == b->action;
}

// As of attachments.
static unsigned compare_habits(const struct plan_mail *was, const struct plan_mail *is)
{
	size_t n = was->n_habits < is->n_habits ? was->n_habits : is->n_habits, same = 0;
	const struct plan_mail *longer = was->n_habits > n ? was : is;
	size_t more = longer->n_habits - n;

	if (!n)
		return !more ? 0 : longer == is ? TIGHTER : LOOSER;
	for (size_t i = 0; i < more; i++)
		if (longer->habits[i].action != PLAN_MAIL_REFUSE)
			return LOOSER | TIGHTER;
	for (size_t i = 0; i < n; i++)
		same += same_habit(&was->habits[was->n_habits - n + i],
				   &is->habits[is->n_habits - n + i]);
	if (same < n)
		return LOOSER | TIGHTER;
	return !more ? 0 : longer == is ? TIGHTER : LOOSER;
}

static unsigned compare_verdict(int was, int is)
{
	return is > was ? LOOSER : is < was ? TIGHTER : 0;
}

// What is scanned: of both directions, one or none.
static unsigned scans(const struct plan_mail_malware *malware)
{
	static const unsigned directions[] = {
		[PLAN_MAIL_BOTH] = 3,
		[PLAN_MAIL_IN] = 1,
		[PLAN_MAIL_OUT] = 2,
	};

	return malware->scan ? directions[malware->direction] : 0;
}

static unsigned compare_malware(const struct plan_mail *was, const struct plan_mail *is)
{
	const struct plan_mail_malware *a = &was->malware, *b = &is->malware;
	unsigned change =
		(scans(a) & ~scans(b) ? LOOSER : 0) | (scans(b) & ~scans(a) ? TIGHTER : 0);

	if (!a->scan || !b->scan)
		return change;
	change |= compare_verdict((int)a->infected, (int)b->infected) |
		  compare_verdict((int)a->encrypted, (int)b->encrypted) |
		  compare_verdict((int)a->too_big, (int)b->too_big);
	if (a->down != b->down)
		change |= b->down == PLAN_MAIL_DOWN_RECORD   ? LOOSER
			  : a->down == PLAN_MAIL_DOWN_RECORD ? TIGHTER
							     : ELSEWISE;
	if (a->old != b->old)
		change |= b->old == PLAN_MAIL_OLD_ALLOW	  ? LOOSER
			  : a->old == PLAN_MAIL_OLD_ALLOW ? TIGHTER
							  : ELSEWISE;
	return change || a->seconds == b->seconds ? change : ELSEWISE;
}

// What is held is compared by attachments and malware; here, how easily it goes on.
static unsigned compare_hold(const struct plan_mail *was, const struct plan_mail *is)
{
	const struct plan_mail_hold *a = &was->hold, *b = &is->hold;

	if (!a->any || !b->any)
		return 0;
	if (a->persons != b->persons)
		return a->persons > b->persons ? LOOSER : TIGHTER;
	return a->later == b->later && a->keep_seconds == b->keep_seconds &&
			       a->messages == b->messages && a->bytes == b->bytes
		       ? 0
		       : ELSEWISE;
}

static unsigned compare_bool(bool was, bool is)
{
	return was == is ? 0 : is ? TIGHTER : LOOSER;
}

static unsigned compare_verify(const struct plan_mail *was, const struct plan_mail *is)
{
	unsigned change = 0;

	if (was->n_verify != is->n_verify)
		return was->n_verify < is->n_verify ? TIGHTER : LOOSER;
	for (size_t i = 0; i < is->n_verify; i++) {
		// More servers that have to prove it is tighter.
		change |= compare_places(&is->verify[i].servers, &was->verify[i].servers);
		if (strcmp(was->verify[i].name, is->verify[i].name) != 0)
			change |= LOOSER | TIGHTER;
	}
	return change;
}

static unsigned compare_tls(const struct plan_mail *was, const struct plan_mail *is)
{
	unsigned change = compare_places(&was->tls_servers, &is->tls_servers) |
			  compare_bool(was->tls_required, is->tls_required) |
			  compare_bool(was->tls_newest, is->tls_newest) | compare_verify(was, is);

	if (!change && (was->tls != is->tls || strcmp(was->certificate, is->certificate) != 0))
		return ELSEWISE;
	if (!change && strcmp(was->tls_reason, is->tls_reason) != 0)
		return 0;
	return change;
}

static unsigned compare_after_greeting(const struct plan_mail *was, const struct plan_mail *is)
{
	return is->after_greeting && !was->after_greeting   ? LOOSER
	       : was->after_greeting && !is->after_greeting ? TIGHTER
							    : 0;
}

// 0 is no limit.
static unsigned compare_limit(uint64_t was, uint64_t is)
{
	return was == is ? 0 : is == 0 || (was != 0 && is > was) ? LOOSER : TIGHTER;
}

// By the day, to compare what is written by other units.
static unsigned compare_rate(uint32_t was, uint32_t was_seconds, uint32_t is, uint32_t is_seconds)
{
	uint64_t before = was ? (uint64_t)was * 86400 / was_seconds : 0;
	uint64_t after = is ? (uint64_t)is * 86400 / is_seconds : 0;

	if (before == after && was_seconds != is_seconds)
		return ELSEWISE;
	return compare_limit(before, after);
}

static unsigned compare_limits(const struct plan_mail *was, const struct plan_mail *is)
{
	const struct plan_mail_limits *a = &was->limits, *b = &is->limits;

	return compare_limit(a->recipients, b->recipients) |
	       compare_limit(a->invalid_recipients, b->invalid_recipients) |
	       compare_limit(a->transactions, b->transactions) |
	       compare_limit(a->sessions, b->sessions) |
	       compare_rate(a->session_rate, a->session_seconds, b->session_rate,
			    b->session_seconds) |
	       compare_rate(a->message_rate, a->message_seconds, b->message_rate,
			    b->message_seconds);
}

static bool same_mass(const struct plan_mail_mass *a, const struct plan_mail_mass *b)
{
	return a->by == b->by && a->stops == b->stops && a->direction == b->direction &&
	       a->sources == b->sources && a->recipients == b->recipients && a->alarm == b->alarm &&
	       a->for_seconds == b->for_seconds && !a->over == !b->over && a->times == b->times;
}

// Rows of which more are there, or less, or that are no longer about the same, may do both.
static unsigned compare_mass(const struct plan_mail *was, const struct plan_mail *is)
{
	unsigned change = 0;

	if (!was->n_mass || !is->n_mass)
		return is->n_mass ? TIGHTER : was->n_mass ? LOOSER : 0;
	if (was->n_mass != is->n_mass)
		return LOOSER | TIGHTER;
	for (size_t i = 0; i < is->n_mass; i++) {
		const struct plan_mail_mass *a = &was->mass[i], *b = &is->mass[i];

		if (!same_mass(a, b))
			return LOOSER | TIGHTER;
		change |= compare_rate(a->over, a->seconds, b->over, b->seconds) |
			  compare_limit(a->at_least, b->at_least);
	}
	return change;
}

// By the fields of plan/guard.h.
static const struct {
	unsigned (*compare)(const struct plan_mail *was, const struct plan_mail *is);
	enum diff_weight looser, tighter;
	const char *reason; // of looser
	size_t places;	    // offset of the addresses it is about, 0: none
} fields[PLAN_GUARD_FIELDS] = {
	{ compare_mode, DIFF_NORMAL, DIFF_NORMAL, "changes how mail is inspected", 0 },
	{ compare_domains, DIFF_HEAVY, DIFF_LIGHT, "accepts mail for more from everybody", 0 },
	{ compare_senders, DIFF_HEAVY, DIFF_LIGHT, "lets more send to anybody",
	  offsetof(struct plan_mail, senders) },
	{ compare_smart_hosts, DIFF_NORMAL, DIFF_LIGHT, "lets mail go by more servers",
	  offsetof(struct plan_mail, smart_hosts) },
	{ compare_own_sender, DIFF_HEAVY, DIFF_LIGHT, "believes more of who sends",
	  offsetof(struct plan_mail, own_sender_from) },
	{ compare_sizes, DIFF_NORMAL, DIFF_LIGHT, "changes how large mail may be", 0 },
	{ compare_attachments, DIFF_HEAVY, DIFF_LIGHT, "lets other files pass", 0 },
	{ compare_habits, DIFF_HEAVY, DIFF_LIGHT, "lets messages of more habits pass", 0 },
	{ compare_malware, DIFF_HEAVY, DIFF_LIGHT, "lets more pass that was not scanned", 0 },
	{ compare_hold, DIFF_HEAVY, DIFF_LIGHT, "lets fewer persons release held mail", 0 },
	{ compare_tls, DIFF_HEAVY, DIFF_NORMAL, "lets more pass unread",
	  offsetof(struct plan_mail, tls_servers) },
	{ compare_after_greeting, DIFF_HEAVY, DIFF_LIGHT, "lets everything pass unread", 0 },
	{ compare_limits, DIFF_NORMAL, DIFF_LIGHT, "lets one client ask for more", 0 },
	{ compare_mass, DIFF_NORMAL, DIFF_NORMAL, "changes when mail stops", 0 },
};

struct field {
	const struct plan_guard *guard;
	size_t field;
};

static void say_field(const void *object, FILE *out)
{
	const struct field *field = object;

	plan_guard_say(field->guard, field->field, out);
}

static const char *gains_text(struct differ *d, const struct plan_places *was,
			      const struct plan_places *is)
{
	struct addr_set set = { 0 };
	const char *text = "";

	gained(was, is, &set);
	if (set.n > 0)
		text = diff_ranges_text(d, &set);
	addr_set_done(&set);
	return text;
}

// Names that stay the same and have other addresses than before are told by those.
static const char *addresses_change(struct differ *d, size_t field, const struct plan_mail *was,
				    const struct plan_mail *is)
{
	const struct plan_places *a = (const void *)((const char *)was + fields[field].places);
	const struct plan_places *b = (const void *)((const char *)is + fields[field].places);
	const char *more, *less;

	if (!fields[field].places)
		return "other addresses by the same names";
	more = gains_text(d, a, b);
	less = gains_text(d, b, a);
	return arena_printf(d->arena, "%s%s%s%s%s", *more ? "gains " : "", more,
			    *more && *less ? "; " : "", *less ? "loses " : "", less);
}

// Zones of the flows that have the guard, in either plan; none: no flow has it.
static void add_zones(const struct plan *plan, const char *guard, struct names *seen)
{
	for (size_t i = 0; i < plan->n_flows; i++) {
		const struct plan_flow *flow = &plan->flows[i];

		if (!flow->guard || strcmp(flow->guard, guard) != 0)
			continue;
		for (size_t j = 0; j < flow->n_terms; j++) {
			names_add(seen, plan->zones[flow->terms[j].from].id, 0);
			names_add(seen, plan->zones[flow->terms[j].to].id, 0);
		}
	}
}

static void set_zones(struct differ *d, const char *guard, struct diff_row *row)
{
	struct names seen = { 0 };
	const char **zones;

	add_zones(d->before.plan, guard, &seen);
	add_zones(d->after.plan, guard, &seen);
	zones = arena_array_of(d->arena, const char *, seen.n);
	for (size_t i = 0; i < seen.slots; i++)
		if (seen.texts[i])
			zones[row->n_zones++] = seen.texts[i];
	row->zones = zones;
	names_done(&seen);
}

static void tell(struct differ *d, const struct plan_guard *guard, struct diff_row about)
{
	struct diff_row zones = { 0 };
	struct diff_row *row;

	set_zones(d, guard->id, &zones);
	if (!zones.n_zones) { // no flow has it
		about.kind = DIFF_WORDS;
		about.weight = DIFF_LIGHT;
		about.reason = "no packet notices";
	}
	row = diff_add(d, about.kind);
	if (!row)
		return;
	row->subject = arena_printf(d->arena, "guard %s", guard->id);
	row->at = guard->at;
	row->what = about.what;
	row->weight = about.weight;
	row->reason = about.reason;
	row->zones = zones.zones;
	row->n_zones = zones.n_zones;
}

static void compare_field(struct differ *d, size_t field, const struct plan_guard *was,
			  const struct plan_guard *is)
{
	const struct field before = { was, field }, after = { is, field };
	const char *text = diff_change(d, say_field, &before, &after);
	unsigned change = fields[field].compare(was->mail, is->mail);
	struct diff_row row = { .kind = change ? DIFF_CHANGES : DIFF_WORDS };

	if (!text && !change)
		return;
	row.what = arena_printf(d->arena, "%s: %s", plan_guard_field(field),
				text ? text : addresses_change(d, field, was->mail, is->mail));
	row.weight = change & LOOSER	 ? fields[field].looser
		     : change & ELSEWISE ? DIFF_NORMAL
		     : change		 ? fields[field].tighter
					 : DIFF_LIGHT;
	row.reason = change & LOOSER	 ? fields[field].reason
		     : change & ELSEWISE ? "changes a guard"
		     : change		 ? "only closes"
					 : "no packet notices";
	tell(d, is, row);
}

// All that it demands, in one line.
static const char *all_of(struct differ *d, const struct plan_guard *guard)
{
	const char *text = guard->protocol;

	for (size_t i = 0; i < PLAN_GUARD_FIELDS; i++) {
		const struct field field = { guard, i };
		char *said = diff_said(say_field, &field);

		if (*said)
			text = arena_printf(d->arena, "%s; %s: %s", text, plan_guard_field(i),
					    diff_shown(d, said));
		free(said);
	}
	return text;
}

static void compare_guards(struct differ *d, const struct plan_guard *was,
			   const struct plan_guard *is)
{
	if (strcmp(was->title, is->title) != 0)
		tell(d, is,
		     (struct diff_row){ .kind = DIFF_WORDS,
					.what = arena_printf(d->arena, "title: %s; before: %s",
							     diff_shown(d, is->title),
							     diff_shown(d, was->title)),
					.reason = "no packet notices" });
	if (strcmp(was->protocol, is->protocol) != 0)
		tell(d, is,
		     (struct diff_row){ .kind = DIFF_CHANGES,
					.what = arena_printf(d->arena, "%s; before: %s",
							     all_of(d, is), all_of(d, was)),
					.weight = DIFF_HEAVY,
					.reason = "changes a guard" });
	else if (is->mail)
		for (size_t i = 0; i < PLAN_GUARD_FIELDS; i++)
			compare_field(d, i, was, is);
}

void diff_guards(struct differ *d)
{
	const struct plan *before = d->before.plan, *after = d->after.plan;

	for (size_t i = 0; i < after->n_guards; i++) {
		const struct plan_guard *is = &after->guards[i];
		const struct plan_guard *was = plan_find_guard(before, is->id);

		if (was)
			compare_guards(d, was, is);
		else // flows that get it are told besides
			tell(d, is,
			     (struct diff_row){
				     .kind = DIFF_CHANGES,
				     .what = arena_printf(d->arena, "new: %s", all_of(d, is)),
				     .reason = "adds a guard" });
	}
	for (size_t i = 0; i < before->n_guards; i++)
		if (!plan_find_guard(after, before->guards[i].id))
			tell(d, &before->guards[i],
			     (struct diff_row){ .kind = DIFF_WORDS,
						.what = "removed",
						.reason = "flows that had it are told besides" });
}
