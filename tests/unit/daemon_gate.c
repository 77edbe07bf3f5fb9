// The guard table in the gate's hands and in others': what closes it, and what alone opens it
// again.
#include "unit/apply_bed.h"

// The guard in other hands: removed it is made again, closed it stays closed.
static void guard_by_hand(void **state)
{
	struct bed *bed = *state;
	enum kernel_guard guard;
	assert_int_equal(kernel_guard_set(bed->gate.kernel, KERNEL_GUARD_OPEN, NULL), 0);
	gate_look(&bed->gate); // nothing was applied: nobody opens it
	assert_int_equal(kernel_guard_state(bed->gate.kernel, &guard), 0);
	assert_int_equal(guard, KERNEL_GUARD_CLOSED);
	apply(bed, policy_good);
	assert_int_equal(kernel_guard_remove(bed->gate.kernel), 0);
	gate_look(&bed->gate);
	expect_running(bed, 1, 1);
	assert_int_equal(kernel_guard_set(bed->gate.kernel, KERNEL_GUARD_CLOSED, NULL), 0);
	gate_look(&bed->gate);
	assert_string_equal(gate_state(&bed->gate), "closed");
	assert_int_equal(kernel_guard_state(bed->gate.kernel, &guard), 0);
	assert_int_equal(guard, KERNEL_GUARD_CLOSED);
}

static void close_by_hand(struct bed *bed)
{
	assert_int_equal(kernel_guard_set(bed->gate.kernel, KERNEL_GUARD_CLOSED, NULL), 0);
}

static void expect_guard(struct bed *bed, enum kernel_guard expected, const char *what)
{
	enum kernel_guard guard;
	assert_int_equal(kernel_guard_state(bed->gate.kernel, &guard), 0);
	if (guard != expected || bed->gate.guard != expected)
		fail_msg("%s: guard %d, in the kernel %d", what, (int)bed->gate.guard, (int)guard);
}

static void over(struct bed *bed, enum gate_shut why)
{
	gate_shut(&bed->gate, why);
	gate_let_through(&bed->gate, why);
}
static void record_resumes(struct bed *bed)
{
	over(bed, GATE_SHUT_RECORD);
}
static void rules_repaired(struct bed *bed)
{
	over(bed, GATE_SHUT_RULES);
}
static void loaded_again(struct bed *bed)
{
	struct failure failure;
	assert_int_equal(gate_load(&bed->gate, &failure), 0);
}
static void returns_in_time(struct bed *bed)
{
	bed_return(bed, NULL);
}
static void person_takes_back(struct bed *bed)
{
	bed_return(bed, &bed->gate.confirm.by);
}
static void scheduled(struct bed *bed)
{
	put_rules(bed, policy_good);
	apply_as(bed, &(struct apply_request){ .by_timer = true });
	assert_int_equal(bed->code, 0);
}
static void person_applies(struct bed *bed)
{
	apply(bed, policy_good);
}

// What opens a gate that a hand has closed; seen by the daemon before, or not.
static const struct {
	const char *what;
	void (*happens)(struct bed *bed);
	bool opens;
} after_a_hand[] = {
	{ "the record resumes", record_resumes, false },
	{ "the rules are repaired", rules_repaired, false },
	{ "the generation is loaded again", loaded_again, false },
	{ "an apply returns in time", returns_in_time, false },
	{ "a scheduled apply", scheduled, false },
	{ "a person takes an apply back", person_takes_back, true },
	{ "a person applies", person_applies, true },
};

static void closed_by_hand(void **state)
{
	struct bed *bed = *state;
	for (size_t i = 0; i < 2 * sizeof(after_a_hand) / sizeof(after_a_hand[0]); i++) {
		apply(bed, policy_good);
		put_rules(bed, policy_more);
		apply_as(bed, &(struct apply_request){ .confirm_usec = 600000000 });
		expect_guard(bed, KERNEL_GUARD_OPEN, "before");
		close_by_hand(bed);
		if (i % 2)
			gate_look(&bed->gate);
		if (after_a_hand[i / 2].happens == person_applies ||
		    after_a_hand[i / 2].happens == scheduled)
			confirm_drop(&bed->gate);
		after_a_hand[i / 2].happens(bed);
		expect_guard(bed,
			     after_a_hand[i / 2].opens ? KERNEL_GUARD_OPEN : KERNEL_GUARD_CLOSED,
			     after_a_hand[i / 2].what);
		confirm_drop(&bed->gate);
	}
}

// Each reason ends alone, in whatever order; a hand opens only what a hand closed.
static void reasons(void **state)
{
	struct bed *bed = *state;
	const enum gate_shut all[] = { GATE_SHUT_POLICY, GATE_SHUT_RULES, GATE_SHUT_RETURN };
	apply(bed, policy_good);
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < 3; k++)
			gate_shut(&bed->gate, all[k]);
		for (size_t k = 0; k < 3; k++) {
			expect_guard(bed, KERNEL_GUARD_CLOSED, "a reason is left");
			assert_int_equal(
				kernel_guard_set(bed->gate.kernel, KERNEL_GUARD_OPEN, NULL), 0);
			gate_look(&bed->gate);
			expect_guard(bed, KERNEL_GUARD_CLOSED, "opened by hand");
			gate_let_through(&bed->gate, all[(i + k) % 3]);
		}
		expect_running(bed, 1, 1);
	}
	close_by_hand(bed);
	gate_look(&bed->gate);
	assert_int_equal(kernel_guard_set(bed->gate.kernel, KERNEL_GUARD_OPEN, NULL), 0);
	gate_look(&bed->gate);
	gate_let_through(&bed->gate, 0);
	expect_running(bed, 1, 1);
}

// A return that failed is tried again, but not once another apply counts.
static void good_after_failed_return(void **state)
{
	struct bed *bed = *state;
	struct failure failure;
	apply(bed, policy_good);
	put_rules(bed, policy_more);
	apply_as(bed, &(struct apply_request){ .confirm_usec = 1 });
	assert_int_equal(bed->gate.confirm.generation, 2);
	net_run("mv %s/generations/1 %s/kept", bed->state, bed->state);
	assert_true(confirm_return(&bed->gate, NULL, "test", &failure) < 0);
	assert_int_equal(failure.code, SK_RETURN_FAILED);
	expect_guard(bed, KERNEL_GUARD_CLOSED, "a return that failed");
	apply(bed, policy_bad); // stops nothing
	assert_int_equal(bed->gate.confirm.generation, 2);
	net_run("mv %s/kept %s/generations/1", bed->state, bed->state);
	apply(bed, policy_good);
	expect_running(bed, 4, 1);
	assert_int_equal(bed->gate.confirm.generation, 0);
	assert_int_equal(net_run("test ! -e %s/pending", bed->state), 0);
	assert_true(confirm_return(&bed->gate, NULL, "test", &failure) < 0);
	expect_running(bed, 4, 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(guard_by_hand),
		TEST(closed_by_hand),
		TEST(reasons),
		TEST(good_after_failed_return),
	};
	int child = bed_child(argc, argv);
	return child >= 0 ? child : cmocka_run_group_tests(tests, NULL, NULL);
}
