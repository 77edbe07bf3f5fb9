#include "bench/classify/update.h"

#include <stdlib.h>

#include "bench/classify/clock.h"
#include "bench/classify/random.h"
#include "classify/classifier.h"
#include "reference/classify_linear.h"

struct samples {
	double *us, worst_cpu_us;
	uint32_t n;
};

struct updating {
	struct classifier *classifier;
	struct classify_rule *rules; // those that are in it
	uint32_t *ids, n;	     // their numbers
	struct random_state random;
	struct samples samples[UPDATE_KINDS];
};

static double start[2];

static void begin(void)
{
	start[0] = clock_read_ns(CLOCK_MONOTONIC);
	start[1] = clock_ns();
}

static void end(struct samples *samples)
{
	double us = (clock_ns() - start[1]) / 1e3;

	samples->us[samples->n++] = (clock_read_ns(CLOCK_MONOTONIC) - start[0]) / 1e3;
	samples->worst_cpu_us = us > samples->worst_cpu_us ? us : samples->worst_cpu_us;
}

static uint32_t any(struct updating *updating)
{
	return (uint32_t)random_below(&updating->random, updating->n);
}

static void insert_one(struct updating *updating)
{
	struct classify_rule rule = updating->rules[any(updating)];
	uint32_t id;

	rule.priority = updating->rules[any(updating)].priority;
	rule.result = UINT32_MAX / 2 - updating->samples[0].n; // unlike all others
	begin();
	if (classifier_insert(updating->classifier, &rule, &id) < 0)
		abort();
	end(&updating->samples[0]);
	updating->rules[updating->n] = rule;
	updating->ids[updating->n++] = id;
}

// The order of the rest stays: of equal priorities the one that was given first answers.
static void delete_one(struct updating *updating)
{
	uint32_t k = any(updating);

	begin();
	if (classifier_delete(updating->classifier, updating->ids[k]) < 0)
		abort();
	end(&updating->samples[1]);
	updating->n--;
	for (; k < updating->n; k++) {
		updating->rules[k] = updating->rules[k + 1];
		updating->ids[k] = updating->ids[k + 1];
	}
}

static void settle(struct updating *updating, struct update_figures *ret)
{
	double begun = clock_ns();

	if (classifier_settle(updating->classifier) < 0)
		abort();
	ret->settle_ms = (clock_ns() - begun) / 1e6;
}

static uint32_t count_wrong(struct updating *updating, const struct trace *trace)
{
	struct classifier_reader *reader = classifier_reader_new(updating->classifier);
	struct classify_v4 *keys = trace_keys_v4(trace);
	uint32_t wrong = 0, n = trace->n < UPDATE_CHECKED ? trace->n : UPDATE_CHECKED;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t rank = classify_linear_v4(updating->rules, updating->n, &keys[i]), result;

		classifier_match_v4(reader, &keys[i], 1, &result);
		wrong += result !=
			 (rank == CLASSIFY_NONE ? CLASSIFY_NONE : updating->rules[rank].result);
	}
	free(keys);
	classifier_reader_free(reader);
	return wrong;
}

void update_measure(const struct ruleset *set, const struct trace *trace, uint32_t n, uint64_t seed,
		    struct update_figures *ret)
{
	struct classify_rule *given = ruleset_for_classifier(set, false);

	*ret = (struct update_figures){ 0 };
	struct updating updating = { .n = set->n, .random = { seed } };

	updating.rules = realloc(given, (set->n + 1) * sizeof(*given));
	updating.ids = calloc(set->n + 1, sizeof(*updating.ids));
	if (!updating.rules || !updating.ids)
		abort();
	for (uint32_t i = 0; i < set->n; i++)
		updating.ids[i] = i;
	for (unsigned k = 0; k < UPDATE_KINDS; k++) {
		updating.samples[k].us = calloc(n, sizeof(double));
		if (!updating.samples[k].us)
			abort();
	}
	if (classifier_new(updating.rules, updating.n, &updating.classifier) < 0)
		abort();
	for (uint32_t i = 0; i < n; i++) {
		if (i % UPDATE_SETTLE == UPDATE_SETTLE - 1)
			settle(&updating, ret);
		insert_one(&updating);
		delete_one(&updating);
	}
	ret->wrong = count_wrong(&updating, trace);
	for (unsigned k = 0; k < UPDATE_KINDS; k++) {
		struct samples *samples = &updating.samples[k];

		ret->median_us[k] = samples_median(samples->us, samples->n);
		ret->worst_us[k] = samples->us[samples->n - 1];
		ret->worst_cpu_us[k] = samples->worst_cpu_us;
		free(samples->us);
	}
	classifier_free(updating.classifier);
	free(updating.rules);
	free(updating.ids);
}
