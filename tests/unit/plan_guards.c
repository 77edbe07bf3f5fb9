// Guards as a plan has them: the numbers of guarded flows, and what a mail guard comes to.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

#define ZONES                                                                                      \
	"zones:\n"                                                                                 \
	"  office: { interfaces: [e0], networks: [10.0.0.0/8] }\n"                                 \
	"  dmz: { role: server, interfaces: [e1], networks: [192.0.2.0/24] }\n"                    \
	"guards: { mail: { protocol: smtp, senders: [office] } }\n"                                \
	"flows:\n"

static struct plan *make(const char *text, struct diag *diag)
{
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;

	if (policy_read_text("p.yaml", text, strlen(text), diag, &policy, NULL) == 0)
		plan_make(policy, diag, &plan, NULL);
	policy_free(policy);
	return plan;
}

// n flows f0, f1 ... to ports of their own; those that step divides have a guard.
static char *many_flows(unsigned n, unsigned step)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(ZONES, out);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "  - { id: f%u, from: office, to: dmz, services: [tcp/%u]%s }\n", i,
			i + 1, i % step ? "" : ", guard: mail");
	fclose(out);
	return text;
}

static struct plan *make_many(unsigned n, unsigned step, struct diag *diag)
{
	char *text = many_flows(n, step);
	struct plan *plan = make(text, diag);

	free(text);
	return plan;
}

static void numbers_are_their_own(void **state)
{
	static bool taken[PLAN_GUARDED_MAX + 1];
	struct diag *diag = diag_new();
	struct plan *plan = make_many(PLAN_GUARDED_MAX, 1, diag);
	size_t n;

	(void)state;
	assert_non_null(plan);
	const struct plan_flow *flows = plan_flows(plan, &n);
	assert_int_equal(n, PLAN_GUARDED_MAX);
	for (size_t i = 0; i < n; i++) {
		assert_in_range(flows[i].guard_number, 1, PLAN_GUARDED_MAX);
		assert_false(taken[flows[i].guard_number]);
		taken[flows[i].guard_number] = true;
	}
	plan_free(plan);
	diag_free(diag);
}

static void one_too_many(void **state)
{
	struct diag *diag = diag_new();
	struct plan *plan = make_many(PLAN_GUARDED_MAX + 1, 1, diag);

	(void)state;
	assert_null(plan);
	assert_int_equal(diag_errors(diag), 1);
	for (size_t i = 0; i < diag_count(diag); i++)
		if (diag_at(diag, i)->severity == DIAG_ERROR)
			assert_int_equal(diag_at(diag, i)->code, SK_GUARDED_TOO_MANY);
	diag_free(diag);
}

static unsigned number_of(const struct plan *plan, const char *id)
{
	uint32_t flow = plan_find_flow(plan, id);
	size_t n;

	assert_int_not_equal(flow, PLAN_NONE);
	return plan_flows(plan, &n)[flow].guard_number;
}

// As they were when connections were marked with them.
static void numbers_stay(void **state)
{
	struct diag *diag = diag_new();
	struct plan *few = make_many(4, 2, diag), *more = make_many(40, 2, diag);

	(void)state;
	assert_non_null(few);
	assert_non_null(more);
	assert_int_equal(number_of(few, "f1"), 0);
	assert_int_equal(number_of(few, "f0"), 3174);
	assert_int_equal(number_of(few, "f2"), 1873);
	assert_int_equal(number_of(more, "f0"), 3174);
	assert_int_equal(number_of(more, "f2"), 1873);
	plan_free(few);
	plan_free(more);
	diag_free(diag);
}

// Two ids with one hash: the first in order has it, whatever the order in the file.
static void numbers_that_meet(void **state)
{
	struct diag *diag = diag_new();
	struct plan *plan = make(
		ZONES
		"  - { id: mail-4, from: office, to: dmz, services: [tcp/1], guard: mail }\n"
		"  - { id: mail-106, from: office, to: dmz, services: [tcp/2], guard: mail }\n",
		diag);

	(void)state;
	assert_non_null(plan);
	assert_int_equal(number_of(plan, "mail-106"), number_of(plan, "mail-4") - 1);
	plan_free(plan);
	diag_free(diag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_their_own),
		cmocka_unit_test(one_too_many),
		cmocka_unit_test(numbers_stay),
		cmocka_unit_test(numbers_that_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
