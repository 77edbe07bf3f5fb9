#include "classify/classifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify/level.h"
#include "classify/match.h"
#include "classify/pins.h"

enum {
	RECENT_MAX = 32,  // rules of the list
	MIDDLE_MAX = 256, // of a middle image: building it takes well under a millisecond
	MIDDLES_MAX = 6,  // after that an insertion merges all
	CHUNK = 256,	  // headers that go through all levels together
	LEVELS = 1 + MIDDLES_MAX,
};

_Static_assert((int)CLASSIFIER_READERS_MAX == (int)PINS_MAX, "a reader has a pin");

// What readers find: never changed after it is published.
struct state {
	struct level *level[LEVELS]; // the large one, then middle ones; NULL: none
	uint32_t n_recent;
	struct level_rule recent[RECENT_MAX];
};

struct place {		// of an id
	uint32_t level; // LEVELS: in the list
	uint32_t rank;	// CLASSIFY_NONE: no such rule
};

struct classifier {
	struct state *state;
	struct pins pins;
	uint32_t sequence; // of the rules that were given: earlier ones answer
	VEC(struct place) places;
	VEC(uint32_t) free_ids;
	const struct matcher *matcher;
};

struct classifier_reader {
	struct classifier *classifier;
	struct pin *pin;
};

// --- what readers find

static void free_state(void *state)
{
	free(state);
}

static void free_level(void *level)
{
	level_free(level);
}

static struct state *copy_state(const struct classifier *classifier)
{
	struct state *copy = malloc(sizeof(*copy));

	if (!copy)
		abort();
	memcpy(copy, classifier->state, sizeof(*copy));
	return copy;
}

static void publish(struct classifier *classifier, struct state *state)
{
	struct state *old = classifier->state;

	__atomic_store_n(&classifier->state, state, __ATOMIC_SEQ_CST);
	for (unsigned l = 0; l < LEVELS; l++)
		if (old->level[l] && old->level[l] != state->level[l])
			pins_retire(&classifier->pins, old->level[l], free_level);
	pins_retire(&classifier->pins, old, free_state);
	pins_advance(&classifier->pins);
}

// --- the writer

static uint64_t precedence_of(struct classifier *classifier, const struct classify_rule *rule)
{
	return (uint64_t)rule->priority << 32 | (UINT32_MAX - classifier->sequence++);
}

static uint32_t new_id(struct classifier *classifier)
{
	if (classifier->free_ids.n)
		return classifier->free_ids.v[--classifier->free_ids.n];
	vec_push(&classifier->places, ((struct place){ 0, CLASSIFY_NONE }));
	return (uint32_t)(classifier->places.n - 1);
}

static bool is_live(const struct classifier *classifier, const struct state *state, unsigned level,
		    uint32_t rank)
{
	const struct place *place =
		&classifier->places.v[state->level[level]->core->rules[rank].id];

	return place->level == level && place->rank == rank;
}

typedef VEC(struct level_rule) rules_t;

static void gather(const struct classifier *classifier, const struct state *state, unsigned level,
		   rules_t *ret)
{
	for (uint32_t rank = 0; state->level[level] && rank < state->level[level]->core->n; rank++)
		if (is_live(classifier, state, level, rank))
			vec_push(ret, state->level[level]->core->rules[rank]);
}

static void gather_recent(const struct state *state, rules_t *ret)
{
	for (uint32_t i = 0; i < state->n_recent; i++)
		vec_push(ret, state->recent[i]);
}

static void note_places(struct classifier *classifier, const struct level *level, unsigned number)
{
	for (uint32_t rank = 0; rank < level->core->n; rank++)
		classifier->places.v[level->core->rules[rank].id] = (struct place){ number, rank };
}

static void note_recent(struct classifier *classifier, const struct state *state)
{
	for (uint32_t i = 0; i < state->n_recent; i++)
		classifier->places.v[state->recent[i].id] = (struct place){ LEVELS, i };
}

// Puts the rules in place of a level, without the list.
static int replace_level(struct classifier *classifier, struct state *next, unsigned number,
			 rules_t *rules)
{
	struct level *level;
	int r = level_new(rules->v, (uint32_t)rules->n, &level);

	if (r < 0)
		return r;
	note_places(classifier, level, number);
	next->level[number] = level;
	next->n_recent = 0;
	return 0;
}

// Renumbers what the rules were given by, from the first one.
static void renumber(struct classifier *classifier, struct level *level)
{
	for (uint32_t rank = 0; rank < level->core->n; rank++)
		level->core->rules[rank].precedence =
			(uint64_t)level->core->rules[rank].rule.priority << 32 |
			(UINT32_MAX - rank);
	classifier->sequence = level->core->n;
}

int classifier_settle(struct classifier *classifier)
{
	struct state *next = copy_state(classifier);
	rules_t rules = { 0 };

	for (unsigned l = 0; l < LEVELS; l++)
		gather(classifier, next, l, &rules);
	gather_recent(next, &rules);
	memset(next->level, 0, sizeof(next->level));
	int r = rules.n > CLASSIFY_RULES_MAX ? -E2BIG : replace_level(classifier, next, 0, &rules);

	vec_done(&rules);
	if (r < 0) {
		free(next);
		return r;
	}
	renumber(classifier, next->level[0]);
	publish(classifier, next);
	return 0;
}

// 0: there is none.
static unsigned middle_with_room(const struct state *state, size_t n)
{
	for (unsigned l = 1; l < LEVELS && n <= MIDDLE_MAX; l++)
		if (!state->level[l] ||
		    state->level[l]->core->n - state->level[l]->n_dead + n <= MIDDLE_MAX)
			return l;
	return 0;
}

// Makes room in the list.
static int spill(struct classifier *classifier)
{
	unsigned number = middle_with_room(classifier->state, RECENT_MAX);

	if (!number)
		return classifier_settle(classifier);
	struct state *next = copy_state(classifier);
	rules_t rules = { 0 };

	gather(classifier, next, number, &rules);
	gather_recent(next, &rules);
	int r = replace_level(classifier, next, number, &rules);

	vec_done(&rules);
	if (r < 0)
		free(next);
	else
		publish(classifier, next);
	return r;
}

int classifier_insert(struct classifier *classifier, const struct classify_rule *rule,
		      uint32_t *ret_id)
{
	int r = classify_rule_check(rule);

	if (r == 0 && classifier->state->n_recent == RECENT_MAX)
		r = spill(classifier);
	if (r == 0 && classifier->sequence == UINT32_MAX)
		r = classifier_settle(classifier);
	if (r < 0)
		return r;
	struct state *next = copy_state(classifier);
	uint32_t id = new_id(classifier);

	classifier->places.v[id] = (struct place){ LEVELS, next->n_recent };
	next->recent[next->n_recent++] =
		(struct level_rule){ *rule, precedence_of(classifier, rule), id };
	publish(classifier, next);
	*ret_id = id;
	return 0;
}

// --- deleting

// Those that a rule hides in its level.
static void gather_hidden(const struct classifier *classifier, const struct state *state,
			  struct place place, rules_t *ret)
{
	const struct level_core *core = state->level[place.level]->core;

	for (uint32_t rank = core->first_hidden[place.rank]; rank != CLASSIFY_NONE;
	     rank = core->next_hidden[rank])
		if (is_live(classifier, state, place.level, rank))
			vec_push(ret, core->rules[rank]);
}

static void note_all(struct classifier *classifier, const rules_t *rules,
		     const struct place *places)
{
	for (size_t i = 0; i < rules->n; i++)
		classifier->places.v[rules->v[i].id] = places[i];
}

// Puts rules that are no longer hidden into the list, or with it into a middle image.  -ENOSPC:
// there is no room for so many.
static int put_back(struct classifier *classifier, struct state *next, const rules_t *back)
{
	size_t n = next->n_recent + back->n;
	unsigned number = middle_with_room(next, n);
	rules_t rules = { 0 };

	if (n <= RECENT_MAX) {
		for (size_t i = 0; i < back->n; i++)
			next->recent[next->n_recent++] = back->v[i];
		note_recent(classifier, next);
		return 0;
	}
	if (!number)
		return -ENOSPC;
	struct place *was = vec_zeroed(back->n, sizeof(*was));
	struct place *none = vec_zeroed(back->n, sizeof(*none));

	for (size_t i = 0; i < back->n; i++) {
		was[i] = classifier->places.v[back->v[i].id];
		none[i] = (struct place){ LEVELS, 0 };
	}
	note_all(classifier, back, none); // they are not gathered from where they were
	gather(classifier, next, number, &rules);
	gather_recent(next, &rules);
	for (size_t i = 0; i < back->n; i++)
		vec_push(&rules, back->v[i]);
	int r = replace_level(classifier, next, number, &rules);

	if (r < 0)
		note_all(classifier, back, was);
	free(was);
	free(none);
	vec_done(&rules);
	return r;
}

// Out of an image; what it hid answers again.  Its place is cleared already.
static int delete_from_level(struct classifier *classifier, struct place place)
{
	struct state *next = copy_state(classifier);
	rules_t back = { 0 };

	gather_hidden(classifier, next, place, &back);
	struct level *less = level_without(next->level[place.level], place.rank, (uint32_t)back.n);

	next->level[place.level] = less;
	int r = put_back(classifier, next, &back);

	vec_done(&back);
	if (r == 0) { // middle images hide nothing: `less` is still in its place
		publish(classifier, next);
		return 0;
	}
	level_free(less);
	free(next);
	return r == -ENOSPC ? classifier_settle(classifier) : r;
}

static void delete_from_list(struct classifier *classifier, struct place place)
{
	struct state *next = copy_state(classifier);

	next->recent[place.rank] = next->recent[--next->n_recent];
	note_recent(classifier, next);
	publish(classifier, next);
}

int classifier_delete(struct classifier *classifier, uint32_t id)
{
	if (id >= classifier->places.n || classifier->places.v[id].rank == CLASSIFY_NONE)
		return -ENOENT;
	struct place place = classifier->places.v[id];
	int r = 0;

	classifier->places.v[id].rank = CLASSIFY_NONE;
	if (place.level < LEVELS)
		r = delete_from_level(classifier, place);
	else
		delete_from_list(classifier, place);
	if (r < 0)
		classifier->places.v[id] = place;
	else
		vec_push(&classifier->free_ids, id);
	return r;
}

int classifier_new(const struct classify_rule *rules, size_t n, struct classifier **ret)
{
	for (size_t i = 0; i < n; i++)
		if (classify_rule_check(&rules[i]) < 0)
			return -EINVAL;
	if (n > CLASSIFY_RULES_MAX)
		return -E2BIG;
	struct classifier *classifier = aligned_alloc(64, sizeof(*classifier));
	rules_t all = { 0 };

	if (!classifier)
		abort();
	memset(classifier, 0, sizeof(*classifier));
	pins_init(&classifier->pins);
	classifier->matcher = matcher_best();
	classifier->state = calloc(1, sizeof(*classifier->state));
	if (!classifier->state)
		abort();
	for (size_t i = 0; i < n; i++) {
		struct level_rule rule = { rules[i], precedence_of(classifier, &rules[i]),
					   new_id(classifier) };

		vec_push(&all, rule);
	}
	int r = replace_level(classifier, classifier->state, 0, &all);

	vec_done(&all);
	if (r < 0)
		classifier_free(classifier);
	else
		*ret = classifier;
	return r;
}

void classifier_free(struct classifier *classifier)
{
	if (!classifier)
		return;
	pins_done(&classifier->pins);
	for (unsigned l = 0; l < LEVELS; l++)
		level_free(classifier->state->level[l]);
	free(classifier->state);
	vec_done(&classifier->places);
	vec_done(&classifier->free_ids);
	free(classifier);
}

// --- readers

struct classifier_reader *classifier_reader_new(struct classifier *classifier)
{
	struct pin *pin = pins_take(&classifier->pins);
	struct classifier_reader *reader = pin ? malloc(sizeof(*reader)) : NULL;

	if (pin && !reader)
		abort();
	if (reader)
		*reader = (struct classifier_reader){ classifier, pin };
	return reader;
}

void classifier_reader_free(struct classifier_reader *reader)
{
	if (reader)
		pins_give_back(reader->pin);
	free(reader);
}

struct best { // of a header so far
	uint64_t precedence;
	uint32_t result;
	bool found;
};

static void better(struct best *best, uint64_t precedence, uint32_t result)
{
	if (!best->found || precedence > best->precedence)
		*best = (struct best){ precedence, result, true };
}

static void match_level(const struct matcher *matcher, const struct level *level, bool v6,
			const void *keys, size_t n, uint32_t *ret_rank)
{
	if (v6)
		matcher->v6(&level->view[1], keys, n, ret_rank);
	else
		matcher->v4(&level->view[0], keys, n, ret_rank);
}

static void match_recent(const struct state *state, bool v6, const void *keys, size_t n,
			 struct best *best)
{
	for (size_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < state->n_recent; k++) {
			const struct level_rule *recent = &state->recent[k];
			const struct classify_v6 *six = keys;
			const struct classify_v4 *four = keys;

			if (v6 ? classify_rule_holds_v6(&recent->rule, &six[i])
			       : classify_rule_holds_v4(&recent->rule, &four[i]))
				better(&best[i], recent->precedence, recent->rule.result);
		}
}

// Only the large level: the common case.
static void match_alone(const struct classifier *classifier, const struct level *level, bool v6,
			const void *keys, size_t n, uint32_t *ret_result)
{
	match_level(classifier->matcher, level, v6, keys, n, ret_result);
	for (size_t i = 0; i < n; i++)
		if (ret_result[i] != CLASSIFY_NONE)
			ret_result[i] = level->core->results[ret_result[i]];
}

static void match_levels(const struct classifier *classifier, const struct state *state, bool v6,
			 const void *keys, size_t n, uint32_t *ret_result)
{
	struct best best[CHUNK] = { 0 };
	uint32_t rank[CHUNK];

	for (unsigned l = 0; l < LEVELS; l++) {
		if (!state->level[l])
			continue;
		match_level(classifier->matcher, state->level[l], v6, keys, n, rank);
		for (size_t i = 0; i < n; i++)
			if (rank[i] != CLASSIFY_NONE)
				better(&best[i], state->level[l]->core->rules[rank[i]].precedence,
				       state->level[l]->core->results[rank[i]]);
	}
	match_recent(state, v6, keys, n, best);
	for (size_t i = 0; i < n; i++)
		ret_result[i] = best[i].found ? best[i].result : CLASSIFY_NONE;
}

static void match_all(struct classifier_reader *reader, bool v6, const void *keys, size_t n,
		      uint32_t *ret_result)
{
	size_t size = v6 ? sizeof(struct classify_v6) : sizeof(struct classify_v4);
	struct classifier *classifier = reader->classifier;

	pin_set(&classifier->pins, reader->pin);
	const struct state *state = __atomic_load_n(&classifier->state, __ATOMIC_SEQ_CST);
	bool alone = state->n_recent == 0;

	for (unsigned l = 1; l < LEVELS; l++)
		alone = alone && !state->level[l];
	for (size_t i = 0; i < n; i += CHUNK) {
		const void *some = (const uint8_t *)keys + i * size;
		size_t m = n - i < CHUNK ? n - i : CHUNK;

		if (alone)
			match_alone(classifier, state->level[0], v6, some, m, ret_result + i);
		else
			match_levels(classifier, state, v6, some, m, ret_result + i);
	}
	pin_clear(reader->pin);
}

void classifier_match_v4(struct classifier_reader *reader, const struct classify_v4 *keys, size_t n,
			 uint32_t *ret_result)
{
	match_all(reader, false, keys, n, ret_result);
}

void classifier_match_v6(struct classifier_reader *reader, const struct classify_v6 *keys, size_t n,
			 uint32_t *ret_result)
{
	match_all(reader, true, keys, n, ret_result);
}
