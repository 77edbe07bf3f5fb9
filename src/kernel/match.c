#include "kernel/match.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/vec.h"

static uint32_t *match_nones(uint32_t n)
{
	uint32_t *items = NULL;
	size_t cap = 0;

	vec_grow((void **)&items, &cap, (size_t)n + 1, sizeof(*items));
	memset(items, 0xff, ((size_t)n + 1) * sizeof(*items));
	return items;
}

static void match_pair(struct match *match, uint32_t there, uint32_t next)
{
	match->to_next[there] = next;
	match->to_there[next] = there;
}

static bool match_same(const struct match_list *there, uint32_t i, const struct match_list *next,
		       uint32_t j)
{
	return strcmp(there->name(there->arg, i), next->name(next->arg, j)) == 0;
}

void match_init(struct match *match, const struct match_list *there, const struct match_list *next)
{
	uint32_t from = 0, there_end = there->n, next_end = next->n;
	struct names names = { 0 };

	match->to_next = match_nones(there->n);
	match->to_there = match_nones(next->n);
	for (; from < there_end && from < next_end && match_same(there, from, next, from); from++)
		match_pair(match, from, from);
	while (there_end > from && next_end > from &&
	       match_same(there, there_end - 1, next, next_end - 1))
		match_pair(match, --there_end, --next_end);
	for (uint32_t i = from; i < there_end && from < next_end; i++)
		names_add(&names, there->name(there->arg, i), i);
	for (uint32_t j = from; j < next_end; j++) {
		uint32_t i = names_get(&names, next->name(next->arg, j));

		if (i != NAMES_NONE)
			match_pair(match, i, j);
	}
	names_done(&names);
}

void match_done(struct match *match)
{
	free(match->to_next);
	free(match->to_there);
	*match = (struct match){ 0 };
}
