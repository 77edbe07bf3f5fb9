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

static const char *text_of(struct build *b, const struct pol_assertion *from)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *kept;

	if (!out || (say_assertion(out, from), fclose(out)) != 0) {
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
			.text = text_of(b, from),
			.at = build_place(b, from->id.at),
		};
	}
}
