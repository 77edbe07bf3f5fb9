// Settings and assertions.  A setting is a row of the table here: a name and what it says, in
// words.
#include <string.h>

#include "plan/diff_internal.h"

static const char *action_word(enum plan_action action)
{
	return action == PLAN_REJECT ? "reject" : "drop";
}

static void say_default(const void *object, FILE *out)
{
	const struct plan *plan = object;
	fprintf(out, "%s", action_word(plan->settings.action));
}

static void say_defaults(const void *object, FILE *out)
{
	const struct plan *plan = object;
	const struct plan_settings *settings = &plan->settings;

	for (size_t i = 0; i < settings->n_defaults; i++) {
		const struct plan_default *at = &settings->defaults[i];

		fprintf(out, "%s%s to %s %s", i ? ", " : "", plan->zones[at->from].id,
			plan->zones[at->to].id, action_word(at->action));
	}
}

static void say_log_rate(const void *object, FILE *out)
{
	const struct plan *plan = object;
	fprintf(out, "%u a second, at once %u", plan->settings.log_rate_per_second,
		plan->settings.log_burst);
}

static void say_log_denied(const void *object, FILE *out)
{
	const struct plan *plan = object;
	fprintf(out, "%s", plan->settings.log_denied ? "yes" : "no");
}

static void say_fragments(const void *object, FILE *out)
{
	const struct plan *plan = object;
	fprintf(out, "%s", plan->settings.drop_fragments ? "drop" : "allow");
}

static void say_invalid(const void *object, FILE *out)
{
	const struct plan *plan = object;
	fprintf(out, "%s", plan->settings.log_invalid ? "log-and-drop" : "drop");
}

static void say_types(const uint8_t *types, size_t n, uint8_t protocol, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct plan_atom atom = { protocol,   protocol, 0,
						UINT16_MAX, types[i], types[i] };
		char text[64];

		fprintf(out, "%s%s", i ? ", " : "", plan_atom_text(&atom, text, sizeof(text)));
	}
}

static void say_icmp(const void *object, FILE *out)
{
	const struct plan *plan = object;
	say_types(plan->settings.icmp_errors, plan->settings.n_icmp_errors, 1, out);
}

static void say_icmpv6(const void *object, FILE *out)
{
	const struct plan *plan = object;
	say_types(plan->settings.icmpv6_errors, plan->settings.n_icmpv6_errors, 58, out);
}

static void say_zones(const struct plan *plan, const uint16_t *zones, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? ", " : "", plan->zones[zones[i]].id);
}

static void say_hear(const void *object, FILE *out)
{
	const struct plan *plan = object;
	say_zones(plan, plan->settings.hear_ra, plan->settings.n_hear_ra, out);
}

static void say_send(const void *object, FILE *out)
{
	const struct plan *plan = object;
	say_zones(plan, plan->settings.send_ra, plan->settings.n_send_ra, out);
}

static void say_extensions(const void *object, FILE *out)
{
	const struct plan *plan = object;
	char text[128];

	fprintf(out, "%s", plan_extensions_text(plan->settings.extensions, text, sizeof(text)));
}

static const struct {
	const char *subject;
	diff_say *say; // of a plan
	enum diff_weight weight;
	const char *reason;
} settings[] = {
	{ "setting default", say_default, DIFF_LIGHT, "changes how denied packets are answered" },
	{ "setting defaults", say_defaults, DIFF_LIGHT, "changes how denied packets are answered" },
	{ "setting log-rate", say_log_rate, DIFF_NORMAL, "changes what is recorded" },
	{ "setting log-denied", say_log_denied, DIFF_HEAVY, "changes what is recorded" },
	{ "setting fragments", say_fragments, DIFF_NORMAL, "changes which packets are accepted" },
	{ "setting invalid-tcp", say_invalid, DIFF_LIGHT, "changes what is recorded" },
	{ "setting icmp-errors", say_icmp, DIFF_NORMAL, "changes which packets are accepted" },
	{ "setting icmpv6-errors", say_icmpv6, DIFF_NORMAL, "changes which packets are accepted" },
	{ "setting hear-router-advertisements", say_hear, DIFF_HEAVY,
	  "changes who may tell the gateway its way" },
	{ "setting send-router-advertisements", say_send, DIFF_NORMAL,
	  "changes what the gateway tells hosts" },
	{ "setting extension-headers", say_extensions, DIFF_NORMAL,
	  "changes which packets are accepted" },
};

static void compare_settings(struct differ *d)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const char *what = diff_change(d, settings[i].say, d->before.plan, d->after.plan);
		struct diff_row *row = what ? diff_add(d, DIFF_CHANGES) : NULL;

		if (!row)
			continue;
		row->subject = settings[i].subject;
		row->what = what;
		row->weight = settings[i].weight;
		row->reason = settings[i].reason;
	}
}

// --- assertions and tests

struct statements {
	const char *noun, *adds, *changes, *removes;
	const struct plan_assertion *before, *after;
	size_t n_before, n_after;
};

static const struct plan_assertion *find_statement(const struct plan_assertion *v, size_t n,
						   const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].id, id) == 0)
			return &v[i];
	return NULL;
}

static void tell_statement(struct differ *d, const char *noun,
			   const struct plan_assertion *statement, enum diff_weight weight,
			   const char *reason, const char *what)
{
	struct diff_row *row = diff_add(d, DIFF_CHANGES);

	if (!row)
		return;
	row->subject = arena_printf(d->arena, "%s %s", noun, statement->id);
	row->at = statement->at;
	row->weight = weight;
	row->reason = reason;
	row->what = what;
}

static void compare_statements(struct differ *d, const struct statements *s)
{
	for (size_t i = 0; i < s->n_after; i++) {
		const struct plan_assertion *is = &s->after[i];
		const struct plan_assertion *was = find_statement(s->before, s->n_before, is->id);

		if (!was)
			tell_statement(d, s->noun, is, DIFF_LIGHT, s->adds,
				       arena_printf(d->arena, "new: %s", diff_shown(d, is->text)));
		else if (strcmp(was->text, is->text) != 0)
			tell_statement(d, s->noun, is, DIFF_HEAVY, s->changes,
				       arena_printf(d->arena, "%s; before: %s",
						    diff_shown(d, is->text),
						    diff_shown(d, was->text)));
	}
	for (size_t i = 0; i < s->n_before; i++) {
		const struct plan_assertion *was = &s->before[i];

		if (!find_statement(s->after, s->n_after, was->id))
			tell_statement(d, s->noun, was, DIFF_HEAVY, s->removes,
				       arena_printf(d->arena, "removed: %s",
						    diff_shown(d, was->text)));
	}
}

void diff_settings(struct differ *d)
{
	const struct plan *before = d->before.plan, *after = d->after.plan;

	compare_settings(d);
	compare_statements(d,
			   &(struct statements){ "assertion", "adds an assertion",
						 "changes an assertion", "takes an assertion away",
						 before->assertions, after->assertions,
						 before->n_assertions, after->n_assertions });
	compare_statements(d,
			   &(struct statements){ "test", "adds a test", "changes a test",
						 "takes a test away", before->tests, after->tests,
						 before->n_tests, after->n_tests });
}
