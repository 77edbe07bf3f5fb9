// Sections that are compared by their canonical text: all but those whose meaning a diff tells.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"
#include "policy/print.h"

static bool has_meaning(const char *name)
{
	static const char *const names[] = { "version",	   "title", "zones", "networks",
					     "services",   "flows", "nat",   "settings",
					     "assertions", "tests", "guards" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static const char *text_of(struct build *b, size_t index)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *kept;

	if (!out || (policy_print_section(b->tree, index, out), fclose(out)) != 0) {
		fprintf(stderr, "sekisho: out of memory\n");
		abort();
	}
	kept = arena_strdup(b->arena, text);
	free(text);
	return kept;
}

void build_section_texts(struct build *b)
{
	struct plan *plan = b->plan;
	size_t n = 0;

	while (policy_section_name(n))
		n++;
	plan->sections = arena_array_of(b->arena, struct plan_section, n);
	for (size_t i = 0; i < n; i++)
		if (!has_meaning(policy_section_name(i)))
			plan->sections[plan->n_sections++] = (struct plan_section){
				.name = policy_section_name(i),
				.text = text_of(b, i),
			};
}
