#include "classify/level.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "classify/build.h"
#include "classify/hide.h"

static int by_precedence(const void *a, const void *b)
{
	const struct level_rule *x = a, *y = b;

	return (x->precedence < y->precedence) - (x->precedence > y->precedence);
}

static void list_hidden(struct level_core *core, const uint32_t *hider)
{
	core->first_hidden = vec_zeroed(core->n, sizeof(uint32_t));
	core->next_hidden = vec_zeroed(core->n, sizeof(uint32_t));
	memset(core->first_hidden, 0xff, core->n * sizeof(uint32_t));
	for (uint32_t rank = 0; hider && rank < core->n; rank++) {
		if (hider[rank] == CLASSIFY_NONE)
			continue;
		core->next_hidden[rank] = core->first_hidden[hider[rank]];
		core->first_hidden[hider[rank]] = rank;
	}
}

int level_new(struct level_rule *rules, uint32_t n, struct level **ret)
{
	struct classify_rule *plain = vec_zeroed(n, sizeof(*plain));
	struct level_core *core = vec_zeroed(1, sizeof(*core));
	// A flat image is no faster for fewer rules.
	uint32_t *hider = n > FLAT_RULES ? vec_zeroed(n, sizeof(*hider)) : NULL;

	if (n)
		qsort(rules, n, sizeof(*rules), by_precedence);
	for (uint32_t i = 0; i < n; i++)
		plain[i] = rules[i].rule;
	if (hider)
		hide_rules(plain, n, hider);
	int r = build_image(plain, n, hider, &core->image, &core->size);

	free(plain);
	if (r < 0) {
		free(hider);
		free(core);
		return r;
	}
	struct level *level = vec_zeroed(1, sizeof(*level));

	core->n = n;
	core->n_levels = 1;
	core->rules = vec_zeroed(n, sizeof(*core->rules));
	if (n)
		memcpy(core->rules, rules, n * sizeof(*rules));
	core->results = view_results(core->image);
	list_hidden(core, hider);
	free(hider);
	level->core = core;
	view_open(&level->view[0], core->image, ADDR_V4);
	view_open(&level->view[1], core->image, ADDR_V6);
	*ret = level;
	return 0;
}

void level_free(struct level *level)
{
	if (!level)
		return;
	if (--level->core->n_levels == 0) {
		free(level->core->image);
		free(level->core->rules);
		free(level->core->first_hidden);
		free(level->core->next_hidden);
		free(level->core);
	}
	free(level->live[0]);
	free(level->live[1]);
	free(level);
}

// A copy of a view's live bits without a rule.
static void clear_rule(struct level *level, unsigned family, const uint64_t *from, uint32_t rank)
{
	struct view *view = &level->view[family];
	size_t size = (size_t)view->n_blocks * BLOCK_WORDS * sizeof(uint64_t);

	if (!view->n_blocks)
		return;
	level->live[family] = aligned_alloc(64, (size + 63) / 64 * 64);
	if (!level->live[family])
		abort();
	memcpy(level->live[family], from, size);
	view_clear_rule(view, rank, level->live[family]);
	view->live = level->live[family];
}

struct level *level_without(const struct level *level, uint32_t rank, uint32_t n_hidden)
{
	struct level *less = vec_zeroed(1, sizeof(*less));

	*less = *level;
	less->core->n_levels++;
	less->n_dead += 1 + n_hidden;
	for (unsigned family = 0; family < 2; family++) {
		less->live[family] = NULL;
		clear_rule(less, family, level->view[family].live, rank);
	}
	return less;
}
