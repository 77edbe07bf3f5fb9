// What the assertions say, in one line each: for those who compare plans.
#include <string.h>

#include "plan/plan_internal.h"
#include "plan/words.h"

enum { TEXT_SIZE = 4096 };

static void say_list(struct words *words, const char *before, const struct pol_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		words_say(words, "%s%s", i ? ", " : before, list->v[i].s);
}

static void say_counts(struct words *words, const struct pol_assertion *from)
{
	if (from->at_most.connection_points.set)
		words_say(words, "at most %llu connection points",
			  (unsigned long long)from->at_most.connection_points.value);
	if (!from->at_most.flows.set)
		return;
	words_say(words, "%sat most %llu flows",
		  from->at_most.connection_points.set ? ", and " : "",
		  (unsigned long long)from->at_most.flows.value);
	say_list(words, " from ", &from->at_most.from);
	say_list(words, " to ", &from->at_most.to);
}

static void say_assertion(struct words *words, const struct pol_assertion *from)
{
	if (from->never.at.file) {
		words_say(words, "never%s",
			  from->never.direct.set && from->never.direct.value ? " directly" : "");
		say_list(words, " from ", &from->never.from);
		say_list(words, " to ", &from->never.to);
		say_list(words, " with ", &from->never.services);
	}
	if (from->only_via.at.file) {
		words_say(words, "only");
		say_list(words, " via ", &from->only_via.via);
		say_list(words, " from ", &from->only_via.from);
		say_list(words, " to ", &from->only_via.to);
	}
	if (from->at_most.at.file)
		say_counts(words, from);
}

void build_assertion_texts(struct build *b)
{
	struct plan *plan = b->plan;
	char text[TEXT_SIZE];

	plan->assertions = arena_array_of(b->arena, struct plan_assertion, b->tree->n_assertions);
	for (size_t i = 0; i < b->tree->n_assertions; i++) {
		const struct pol_assertion *from = &b->tree->assertions[i];
		struct words words = words_in(text, sizeof(text));

		if (!from->id.s)
			continue;
		say_assertion(&words, from);
		plan->assertions[plan->n_assertions++] = (struct plan_assertion){
			.id = build_text(b, &from->id),
			.text = arena_strdup(b->arena, text),
			.at = build_place(b, from->id.at),
		};
	}
}
