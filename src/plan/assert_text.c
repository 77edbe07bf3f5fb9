// What the assertions say, in one line each: for those who compare plans.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

static void say_list(FILE *out, const char *before, const struct pol_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		fprintf(out, "%s%s", i ? ", " : before, list->v[i].s);
}

static void say_counts(FILE *out, const struct pol_assertion *from)
{
	if (from->at_most.connection_points.set)
		fprintf(out, "at most %llu connection points",
			(unsigned long long)from->at_most.connection_points.value);
	if (!from->at_most.flows.set)
		return;
	fprintf(out, "%sat most %llu flows", from->at_most.connection_points.set ? ", and " : "",
		(unsigned long long)from->at_most.flows.value);
	say_list(out, " from ", &from->at_most.from);
	say_list(out, " to ", &from->at_most.to);
}

static void say_assertion(FILE *out, const struct pol_assertion *from)
{
	if (from->never.at.file) {
		fprintf(out, "never%s",
			from->never.direct.set && from->never.direct.value ? " directly" : "");
		say_list(out, " from ", &from->never.from);
		say_list(out, " to ", &from->never.to);
		say_list(out, " with ", &from->never.services);
	}
	if (from->only_via.at.file) {
		fprintf(out, "only");
		say_list(out, " via ", &from->only_via.via);
		say_list(out, " from ", &from->only_via.from);
		say_list(out, " to ", &from->only_via.to);
	}
	if (from->at_most.at.file)
		say_counts(out, from);
}

static void say_test(FILE *out, const struct pol_test *from)
{
	fprintf(out, "%s", from->expect.s ? from->expect.s : "");
	say_list(out, " from ", &from->from);
	say_list(out, " to ", &from->to);
	say_list(out, " with ", &from->services);
	if (from->source_port.set)
		fprintf(out, " from port %llu", (unsigned long long)from->source_port.value);
	if (from->flow.s)
		fprintf(out, " by flow %s", from->flow.s);
	if (from->translation.s)
		fprintf(out, " through nat %s", from->translation.s);
}

static const char *text_of(struct build *b, const struct pol_assertion *assertion,
			   const struct pol_test *test)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *kept;

	if (out && assertion)
		say_assertion(out, assertion);
	if (out && test)
		say_test(out, test);
	if (!out || fclose(out) != 0) {
		fprintf(stderr, "sekisho: out of memory\n");
		abort();
	}
	kept = arena_strdup(b->arena, text);
	free(text);
	return kept;
}

void build_assertion_texts(struct build *b)
{
	struct plan *plan = b->plan;

	plan->assertions = arena_array_of(b->arena, struct plan_assertion, b->tree->n_assertions);
	for (size_t i = 0; i < b->tree->n_assertions; i++) {
		const struct pol_assertion *from = &b->tree->assertions[i];

		if (!from->id.s)
			continue;
		plan->assertions[plan->n_assertions++] = (struct plan_assertion){
			.id = build_text(b, &from->id),
			.text = text_of(b, from, NULL),
			.at = build_place(b, from->id.at),
		};
	}
	plan->tests = arena_array_of(b->arena, struct plan_assertion, b->tree->n_tests);
	for (size_t i = 0; i < b->tree->n_tests; i++) {
		const struct pol_test *from = &b->tree->tests[i];

		if (!from->id.s)
			continue;
		plan->tests[plan->n_tests++] = (struct plan_assertion){
			.id = build_text(b, &from->id),
			.text = text_of(b, NULL, from),
			.at = build_place(b, from->id.at),
		};
	}
}
