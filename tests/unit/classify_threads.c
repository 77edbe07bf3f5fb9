// The classifier under change: against the linear one after every step, and with readers that go on
// while a writer inserts, deletes and merges.  Also built with the thread sanitizer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/vec.h"
#include "classify/classifier.h"
#include "reference/classify_linear.h"
#include "unit/classify_make.h"

// FIRST: more than a flat image holds, so that rules are hidden.
enum { FIRST = 1500, STEPS = 3000, KEYS = 24, READERS = 2, ROUNDS = 1200 };

static struct make make;

struct known { // rules in the order they were given
	VEC(struct classify_rule) rules;
	VEC(uint32_t) ids;
};

static void check_against(const struct known *known, struct classifier_reader *reader)
{
	struct classify_v4 four[KEYS];
	struct classify_v6 six[KEYS];
	uint32_t got[KEYS];
	struct classify_rule any = classify_rule_any(0, 0);

	for (unsigned i = 0; i < KEYS; i++) {
		const struct classify_rule *rule =
			known->rules.n ? &known->rules.v[make_number(&make) % known->rules.n]
				       : &any;

		four[i] = make_v4(&make, rule);
		six[i] = make_v6(&make, rule);
	}
	classifier_match_v4(reader, four, KEYS, got);
	for (unsigned i = 0; i < KEYS; i++) {
		uint32_t want =
			classify_linear_v4(known->rules.v, (uint32_t)known->rules.n, &four[i]);

		assert_int_equal(got[i],
				 want == CLASSIFY_NONE ? want : known->rules.v[want].result);
	}
	classifier_match_v6(reader, six, KEYS, got);
	for (unsigned i = 0; i < KEYS; i++) {
		uint32_t want =
			classify_linear_v6(known->rules.v, (uint32_t)known->rules.n, &six[i]);

		assert_int_equal(got[i],
				 want == CLASSIFY_NONE ? want : known->rules.v[want].result);
	}
}

static void take_out(struct known *known, size_t at)
{
	memmove(&known->rules.v[at], &known->rules.v[at + 1],
		(known->rules.n - at - 1) * sizeof(*known->rules.v));
	memmove(&known->ids.v[at], &known->ids.v[at + 1],
		(known->ids.n - at - 1) * sizeof(*known->ids.v));
	known->rules.n--;
	known->ids.n--;
}

// With MAKE_ANY a rule hides hundreds, without it a few or dozens.
static unsigned many_hidden = MAKE_V4 | MAKE_V6 | MAKE_ANY | MAKE_ZONES;
static unsigned some_hidden = MAKE_V4 | MAKE_V6;

static void changes_are_seen(void **state)
{
	const unsigned *style = *state;
	static struct classify_rule first[FIRST];
	struct known known = { 0 };
	struct classifier *classifier;
	struct classifier_reader *reader;

	make_rules(&make, *style, first, FIRST);
	assert_int_equal(classifier_new(first, FIRST, &classifier), 0);
	reader = classifier_reader_new(classifier);
	assert_non_null(reader);
	for (uint32_t i = 0; i < FIRST; i++) {
		vec_push(&known.rules, first[i]);
		vec_push(&known.ids, i);
	}
	for (unsigned step = 0; step < STEPS; step++) {
		struct classify_rule rule;
		uint32_t id;

		if (make_number(&make) % 5 < 2 && known.rules.n) {
			size_t at = make_number(&make) % known.rules.n;

			assert_int_equal(classifier_delete(classifier, known.ids.v[at]), 0);
			assert_int_equal(classifier_delete(classifier, known.ids.v[at]), -ENOENT);
			take_out(&known, at);
		} else {
			make_rules(&make, *style & ~(unsigned)MAKE_ZONES, &rule, 1);
			rule.result = FIRST + step;
			assert_int_equal(classifier_insert(classifier, &rule, &id), 0);
			vec_push(&known.rules, rule);
			vec_push(&known.ids, id);
		}
		if (step % 700 == 699)
			assert_int_equal(classifier_settle(classifier), 0);
		if (step % 16 == 0 || step % 700 == 699)
			check_against(&known, reader);
	}
	while (known.rules.n) {
		assert_int_equal(classifier_delete(classifier, known.ids.v[0]), 0);
		take_out(&known, 0);
	}
	check_against(&known, reader);
	classifier_reader_free(reader);
	classifier_free(classifier);
	vec_done(&known.rules);
	vec_done(&known.ids);
}

static void bad_rules_are_refused(void **state)
{
	struct classify_rule rule = classify_rule_any(0, 0);
	struct classifier *classifier;
	uint32_t id;

	(void)state;
	assert_int_equal(classifier_new(NULL, 0, &classifier), 0);
	rule.field[CLASSIFY_PORT] = (struct classify_range){ 2, 1 };
	assert_int_equal(classifier_insert(classifier, &rule, &id), -EINVAL);
	rule = classify_rule_any(0, 0);
	rule.any_family = false;
	rule.destination = addr_range_any(ADDR_V6);
	assert_int_equal(classifier_insert(classifier, &rule, &id), -EINVAL);
	assert_int_equal(classifier_delete(classifier, 0), -ENOENT);
	classifier_free(classifier);
}

static void readers_are_limited(void **state)
{
	struct classifier_reader *readers[CLASSIFIER_READERS_MAX];
	struct classifier *classifier;

	(void)state;
	assert_int_equal(classifier_new(NULL, 0, &classifier), 0);
	for (unsigned i = 0; i < CLASSIFIER_READERS_MAX; i++) {
		readers[i] = classifier_reader_new(classifier);
		assert_non_null(readers[i]);
	}
	assert_null(classifier_reader_new(classifier));
	classifier_reader_free(readers[7]);
	readers[7] = classifier_reader_new(classifier);
	assert_non_null(readers[7]);
	for (unsigned i = 0; i < CLASSIFIER_READERS_MAX; i++)
		classifier_reader_free(readers[i]);
	classifier_free(classifier);
}

// --- readers beside a writer
//
// The writer keeps two rules in turn, 1 and 2, that hold everything above a rule 0 that stays, and
// inserts the next one before it deletes the last: whoever looks sees 1 or 2, never 0 or nothing.

struct shared {
	struct classifier *classifier;
	bool stop;
};

static void *read_on(void *arg)
{
	struct shared *shared = arg;
	struct classifier_reader *reader = classifier_reader_new(shared->classifier);
	uintptr_t wrong = 0;

	while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE)) {
		struct classify_v4 keys[40];
		uint32_t got[40];

		memset(keys, 0, sizeof(keys));
		classifier_match_v4(reader, keys, 40, got);
		for (unsigned i = 0; i < 40; i++)
			wrong += got[i] != 1 && got[i] != 2;
	}
	classifier_reader_free(reader);
	return (void *)wrong;
}

static void readers_go_on(void **state)
{
	struct classify_rule rules[2] = { classify_rule_any(0, 0), classify_rule_any(5, 1) };
	struct shared shared = { 0 };
	pthread_t thread[READERS];
	uint32_t last = 1, id;

	(void)state;
	assert_int_equal(classifier_new(rules, 2, &shared.classifier), 0);
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, read_on, &shared), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct classify_rule next = classify_rule_any(5, 1 + round % 2);

		assert_int_equal(classifier_insert(shared.classifier, &next, &id), 0);
		assert_int_equal(classifier_delete(shared.classifier, last), 0);
		last = id;
		if (round % 400 == 399)
			assert_int_equal(classifier_settle(shared.classifier), 0);
	}
	__atomic_store_n(&shared.stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < READERS; i++) {
		void *wrong;

		assert_int_equal(pthread_join(thread[i], &wrong), 0);
		assert_ptr_equal(wrong, NULL);
	}
	classifier_free(shared.classifier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(changes_are_seen, &many_hidden),
		cmocka_unit_test_prestate(changes_are_seen, &some_hidden),
		cmocka_unit_test(bad_rules_are_refused),
		cmocka_unit_test(readers_are_limited),
		cmocka_unit_test(readers_go_on),
	};

	make = make_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
