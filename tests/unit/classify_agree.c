// All matchers against the linear one, on rule sets of every kind; damaged images.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "classify/build.h"
#include "classify/check.h"
#include "classify/hide.h"
#include "classify/match.h"
#include "reference/classify_linear.h"
#include "unit/classify_make.h"

enum { KEYS = 300 };

struct row {
	const char *name;
	unsigned style;
	uint32_t n;
	enum image_form form; // of the IPv4 part, or of the IPv6 one where there are no IPv4 rules
};

static const struct row rows[] = {
	{ "no rules", MAKE_V4, 0, IMAGE_EMPTY },
	{ "one rule", MAKE_V4, 1, IMAGE_FLAT },
	{ "one rule for all", MAKE_WILD, 1, IMAGE_FLAT },
	{ "few", MAKE_V4, 60, IMAGE_FLAT },
	{ "few with zones", MAKE_V4 | MAKE_ZONES, 200, IMAGE_FLAT },
	{ "few of IPv6", MAKE_V6 | MAKE_RANGES, 300, IMAGE_FLAT },
	{ "as many as a flat image has", MAKE_V4 | MAKE_RANGES, FLAT_RULES, IMAGE_FLAT },
	{ "one more", MAKE_V4 | MAKE_RANGES, FLAT_RULES + 1, IMAGE_NARROW },
	{ "both families", MAKE_V4 | MAKE_V6 | MAKE_ANY | MAKE_ZONES, 3000, IMAGE_NARROW },
	{ "all equal", MAKE_V4 | MAKE_EQUAL, 2000, IMAGE_NARROW },
	{ "all wildcards", MAKE_WILD, 2000, IMAGE_NARROW },
	{ "nested", MAKE_V4 | MAKE_NESTED, 1500, IMAGE_NARROW },
	{ "nested, IPv6", MAKE_V6 | MAKE_NESTED, 1500, IMAGE_NARROW },
	{ "storm of ports", MAKE_V4 | MAKE_STORM, 2500, IMAGE_NARROW },
	{ "storm of ports, few", MAKE_V4 | MAKE_STORM | MAKE_ZONES, 400, IMAGE_FLAT },
	{ "many of IPv6", MAKE_V6 | MAKE_RANGES | MAKE_ZONES, 4000, IMAGE_NARROW },
	{ "spread", MAKE_V4 | MAKE_SPREAD | MAKE_RANGES, 4000, IMAGE_NARROW },
	{ "spread, IPv6", MAKE_V6 | MAKE_SPREAD, 4000, IMAGE_NARROW },
	{ "spread, more than 64 blocks", MAKE_V4 | MAKE_SPREAD, 64 * BLOCK_RULES + 1, IMAGE_WIDE },
	{ "more than 64 blocks", MAKE_V4 | MAKE_RANGES, 64 * BLOCK_RULES + 1, IMAGE_WIDE },
	{ "more than 64 blocks, IPv6", MAKE_V6 | MAKE_ZONES, 64 * BLOCK_RULES + 1, IMAGE_WIDE },
};

static struct make make;

struct set {
	struct classify_rule *rules; // sorted: rank is the index
	uint32_t n;
	void *image;
	size_t size;
};

static int by_priority(const void *a, const void *b)
{
	const struct classify_rule *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return (x->result > y->result) - (x->result < y->result);
}

static struct set make_set(unsigned style, uint32_t n)
{
	struct set set = { calloc(n + 1, sizeof(struct classify_rule)), n, NULL, 0 };

	assert_non_null(set.rules);
	make_rules(&make, style, set.rules, n);
	qsort(set.rules, n, sizeof(*set.rules), by_priority);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(classify_rule_check(&set.rules[i]), 0);
	assert_int_equal(build_image(set.rules, n, NULL, &set.image, &set.size), 0);
	assert_int_equal(image_check(set.image, set.size), 0);
	return set;
}

static void free_set(struct set *set)
{
	free(set->rules);
	free(set->image);
}

static struct classify_rule some_rule(const struct set *set)
{
	return set->n ? set->rules[make_number(&make) % set->n] : classify_rule_any(0, 0);
}

static void agree_v4(const struct set *set, const struct view *view)
{
	struct classify_v4 keys[KEYS];
	uint32_t want[KEYS], got[KEYS];

	for (unsigned i = 0; i < KEYS; i++) {
		struct classify_rule rule = some_rule(set);

		keys[i] = make_v4(&make, &rule);
		want[i] = classify_linear_v4(set->rules, set->n, &keys[i]);
	}
	for (const struct matcher *const *m = matchers_all(); *m; m++) {
		memset(got, 0x55, sizeof(got));
		(*m)->v4(view, keys, KEYS - 5, got);
		(*m)->v4(view, keys + KEYS - 5, 5, got + KEYS - 5);
		for (unsigned i = 0; i < KEYS; i++)
			if (got[i] != want[i])
				fail_msg("%s: header %u: rule %u, not %u", (*m)->name, i, got[i],
					 want[i]);
	}
}

static void agree_v6(const struct set *set, const struct view *view)
{
	struct classify_v6 keys[KEYS];
	uint32_t want[KEYS], got[KEYS];

	for (unsigned i = 0; i < KEYS; i++) {
		struct classify_rule rule = some_rule(set);

		keys[i] = make_v6(&make, &rule);
		want[i] = classify_linear_v6(set->rules, set->n, &keys[i]);
	}
	for (const struct matcher *const *m = matchers_all(); *m; m++) {
		memset(got, 0x55, sizeof(got));
		(*m)->v6(view, keys, KEYS, got);
		for (unsigned i = 0; i < KEYS; i++)
			if (got[i] != want[i])
				fail_msg("%s: IPv6 header %u: rule %u, not %u", (*m)->name, i,
					 got[i], want[i]);
	}
}

// Without the rules that others hide.
static void leave_out_hidden(struct set *set)
{
	uint32_t *hider = calloc(set->n + 1, sizeof(*hider));

	assert_non_null(hider);
	hide_rules(set->rules, set->n, hider);
	for (uint32_t i = 0; i < set->n; i++) {
		if (hider[i] == CLASSIFY_NONE)
			continue;
		assert_true(hider[i] < i && hider[hider[i]] == CLASSIFY_NONE);
		assert_true(classify_rule_covers(&set->rules[hider[i]], &set->rules[i]));
	}
	free(set->image);
	assert_int_equal(build_image(set->rules, set->n, hider, &set->image, &set->size), 0);
	assert_int_equal(image_check(set->image, set->size), 0);
	free(hider);
}

static void agrees(void **state)
{
	const struct row *row = *state;
	struct set set = make_set(row->style, row->n);
	struct view four, six;

	view_open(&four, set.image, ADDR_V4);
	view_open(&six, set.image, ADDR_V6);
	assert_int_equal((row->style & MAKE_V6 && !(row->style & MAKE_V4) ? six : four).form,
			 (row->style & (MAKE_V4 | MAKE_V6)) == (MAKE_V4 | MAKE_V6) ? four.form
										   : row->form);
	agree_v4(&set, &four);
	agree_v6(&set, &six);
	leave_out_hidden(&set);
	view_open(&four, set.image, ADDR_V4);
	view_open(&six, set.image, ADDR_V6);
	agree_v4(&set, &four);
	agree_v6(&set, &six);
	free_set(&set);
}

static void larger_earlier_rules_hide(void **state)
{
	enum { N = 6 };
	static const uint32_t want[N] = { CLASSIFY_NONE, CLASSIFY_NONE, 1,
					  CLASSIFY_NONE, CLASSIFY_NONE, 4 };
	struct classify_rule rules[N];
	uint32_t hider[N];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		rules[i] = classify_rule_any(0, i);
		rules[i].any_family = i == 4;
		rules[i].source.hi = i == 1 ? 500 : 99;
	}
	rules[0].field[CLASSIFY_PORT].hi = 80; // smaller
	rules[3].source.hi = 501;	       // not within 1
	rules[5].source = rules[5].destination = addr_range_any(ADDR_V6);
	hide_rules(rules, N, hider);
	assert_memory_equal(hider, want, sizeof(want));
}

static void deleted_rules_are_skipped(void **state)
{
	struct set set = make_set(MAKE_V4 | MAKE_EQUAL, 1500);
	struct classify_v4 key = make_v4(&make, &set.rules[0]);
	struct view view;

	(void)state;
	key.source = (uint32_t)set.rules[0].source.lo;
	key.destination = (uint32_t)set.rules[0].destination.lo;
	for (unsigned f = 0; f < CLASSIFY_FIELDS; f++)
		key.field[f] = set.rules[0].field[f].lo;
	view_open(&view, set.image, ADDR_V4);
	uint64_t *live = aligned_alloc(64, view.n_blocks * BLOCK_RULES / 8);

	assert_non_null(live);
	memcpy(live, view.live, view.n_blocks * BLOCK_RULES / 8);
	view.live = live;
	for (uint32_t gone = 0; gone < 1500; gone += 1 + gone / 3) {
		for (const struct matcher *const *m = matchers_all(); *m; m++) {
			uint32_t got;

			(*m)->v4(&view, &key, 1, &got);
			assert_int_equal(got, gone);
		}
		for (uint32_t rank = gone; rank < gone + 1 + gone / 3 && rank < 1500; rank++)
			view_clear_rule(&view, rank, live);
	}
	free(live);
	free_set(&set);
}

// A rule that is cut is in several blocks: it has to go from all of them.
static void deleted_copies_do_not_answer(void **state)
{
	enum { N = 4000 };
	struct set set = make_set(MAKE_V4 | MAKE_SPREAD | MAKE_PLAIN, N);
	struct set rest = { calloc(N, sizeof(struct classify_rule)), 0, NULL, 0 };
	struct view view;

	(void)state;
	assert_non_null(rest.rules);
	view_open(&view, set.image, ADDR_V4);
	assert_true(view.n_slots > N);
	size_t size = (size_t)view.n_blocks * BLOCK_RULES / 8;
	uint64_t *live = aligned_alloc(64, (size + 63) / 64 * 64);

	assert_non_null(live);
	memcpy(live, view.live, size);
	view.live = live;
	for (uint32_t rank = 0; rank < N; rank++) {
		if (make_number(&make) % 2)
			view_clear_rule(&view, rank, live);
		else
			rest.rules[rest.n++] = set.rules[rank];
	}
	for (unsigned i = 0; i < KEYS; i++) {
		struct classify_rule rule = some_rule(&set);
		struct classify_v4 key = make_v4(&make, &rule);
		uint32_t want = classify_linear_v4(rest.rules, rest.n, &key), got;

		for (const struct matcher *const *m = matchers_all(); *m; m++) {
			(*m)->v4(&view, &key, 1, &got);
			assert_int_equal(got == CLASSIFY_NONE ? got : set.rules[got].result,
					 want == CLASSIFY_NONE ? want : rest.rules[want].result);
		}
	}
	free(live);
	free_set(&rest);
	free_set(&set);
}

// What passes the check must do no harm, whatever was changed.
static void damaged_images_do_no_harm(void **state)
{
	static const uint32_t sizes[] = { 40, 1100 };
	unsigned refused = 0;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct set set = make_set(MAKE_V4 | MAKE_V6 | MAKE_ANY | MAKE_ZONES, sizes[i]);
		uint8_t *copy = aligned_alloc(64, (set.size + 63) / 64 * 64);

		assert_non_null(copy);
		for (unsigned round = 0; round < 400; round++) {
			size_t where = make_number(&make) %
				       (round % 2 ? set.size : sizeof(struct image_header));

			memcpy(copy, set.image, set.size);
			copy[where] ^= (uint8_t)(1 + make_number(&make) % 255);
			if (image_check(copy, set.size) < 0) {
				refused++;
				continue;
			}
			for (const struct matcher *const *m = matchers_all(); *m; m++) {
				struct classify_rule rule = some_rule(&set);
				struct classify_v4 four = make_v4(&make, &rule);
				struct classify_v6 six = make_v6(&make, &rule);
				struct view view;
				uint32_t got;

				view_open(&view, copy, ADDR_V4);
				(*m)->v4(&view, &four, 1, &got);
				view_open(&view, copy, ADDR_V6);
				(*m)->v6(&view, &six, 1, &got);
			}
		}
		assert_int_equal(image_check(set.image, set.size - 64), -EBADMSG);
		assert_int_equal(image_check_sealed(set.image, set.size), -EBADMSG);
		image_seal(set.image);
		assert_int_equal(image_check_sealed(set.image, set.size), 0);
		((uint8_t *)set.image)[set.size - 1] ^= 1;
		assert_int_equal(image_check_sealed(set.image, set.size), -EBADMSG);
		free(copy);
		free_set(&set);
	}
	assert_true(refused > 100);
}

// What no builder writes: every one of these was once believed.
static void spoil(struct image_header *header, unsigned what)
{
	uint8_t *bytes = (uint8_t *)header;
	struct image_part *four = &header->part[0], *six = &header->part[1];
	uint32_t *order = (uint32_t *)(bytes + four->order.at);
	uint32_t *refs = (uint32_t *)(bytes + four->tree[0].rows.at);
	uint64_t *lows = (uint64_t *)(bytes + six->tree[0].lows.at);
	const uint32_t *runs = (const uint32_t *)(bytes + six->tree[0].runs.at);

	switch (what) {
	case 0: // empty, but with tables to open
		*six = (struct image_part){ .n_groups = UINT32_MAX };
		break;
	case 1: // or with slots to look through
		*six = (struct image_part){ .n_blocks = UINT32_MAX };
		break;
	case 2: // a packet that no rule holds finds one
		order[ORDER_NONE] = 0;
		break;
	case 3: // low halves out of order, which a search by halves does not find
		for (uint32_t i = 0; i + 1 < six->tree[0].runs.n; i++)
			if (runs[i + 1] - runs[i] > 1)
				lows[runs[i]] = UINT64_MAX;
		break;
	case 4: // rows that reach into each other: as many as there are words, each of any length
		for (uint32_t i = 0; i < four->tree[0].rows.n; i++)
			refs[i] = i;
		break;
	case 5: // a rule that is not live is found by those who do not look
		memset(bytes + four->vectors.at, 0, BLOCK_RULES / 8);
		break;
	default:
		break;
	}
}

static void crafted_images_are_refused(void **state)
{
	struct set set = make_set(MAKE_V4 | MAKE_V6 | MAKE_RANGES, 6000);
	uint8_t *copy = aligned_alloc(64, (set.size + 63) / 64 * 64);

	(void)state;
	assert_non_null(copy);
	for (unsigned what = 0; what < 7; what++) {
		memcpy(copy, set.image, set.size);
		spoil((struct image_header *)copy, what);
		assert_int_equal(image_check(copy, set.size), what < 6 ? -EBADMSG : 0);
	}
	free(copy);
	free_set(&set);
}

static void too_many_rules_are_refused(void **state)
{
	void *image;
	size_t size;

	(void)state;
	assert_int_equal(build_image(NULL, CLASSIFY_RULES_MAX + 1, NULL, &image, &size), -E2BIG);
}

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(*rows) };
	struct CMUnitTest tests[ROWS + 6] = {
		cmocka_unit_test(deleted_copies_do_not_answer),
		cmocka_unit_test(larger_earlier_rules_hide),
		cmocka_unit_test(deleted_rules_are_skipped),
		cmocka_unit_test(damaged_images_do_no_harm),
		cmocka_unit_test(too_many_rules_are_refused),
		cmocka_unit_test(crafted_images_are_refused),
	};

	make = make_begin();
	for (unsigned i = 0; i < ROWS; i++)
		tests[6 + i] =
			(struct CMUnitTest){ rows[i].name, agrees, NULL, NULL, (void *)&rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
