// What is kept of an apply: a daemon that starts again, a box that boots, a table that is gone, and
// files that were damaged meanwhile.
#include "unit/apply_bed.h"

static void reopen(struct bed *bed)
{
	gate_close(&bed->gate);
	open_gate(bed);
}

static void restarted(void **state)
{
	struct bed *bed = *state;
	struct failure failure;
	apply(bed, policy_good);
	apply(bed, policy_more);
	reopen(bed);
	assert_int_equal(bed->gate.guard, KERNEL_GUARD_OPEN);
	assert_int_equal(gate_load(&bed->gate, &failure), 0);
	expect_running(bed, 2, 2);
	assert_int_equal(bed->gate.current.about.by.uid, 7);
	apply(bed, policy_good); // numbers go on
	expect_running(bed, 3, 1);
}

static void rebooted(void **state)
{
	struct bed *bed = *state;
	struct failure failure;
	apply(bed, policy_good);
	counters_begin(bed->gate.counters, 1234);
	counters_see(bed->gate.counters, &(struct kernel_counter){ "f_web", 41, 4100 });
	counters_end(bed->gate.counters);
	bed->gate.counters_dirty = true;
	gate_write_counters(&bed->gate);
	gate_close(&bed->gate);
	net_enter(); // a fresh kernel, as after a boot
	open_gate(bed);
	assert_int_equal(bed->gate.guard, KERNEL_GUARD_CLOSED);
	assert_int_equal(gate_load(&bed->gate, &failure), 0);
	expect_running(bed, 1, 1);
	gate_look(&bed->gate);
	assert_int_equal(counters_find(bed->gate.counters, "f_web")->packets, 41);
	assert_int_equal(counters_find(bed->gate.counters, "f_web")->last_hit_usec, 1234);
}

// The table gone behind the daemon's back is noticed, and the next apply makes it again.
static void table_gone(void **state)
{
	struct bed *bed = *state;
	apply(bed, policy_good);
	assert_int_equal(kernel_remove(bed->gate.kernel), 0);
	gate_look(&bed->gate);
	assert_string_equal(gate_state(&bed->gate), "degraded");
	apply(bed, policy_good);
	assert_true(bed->changed);
	expect_running(bed, 2, 1);
}

static void nothing_to_load(void **state)
{
	struct bed *bed = *state;
	struct failure failure;
	assert_int_equal(gate_load(&bed->gate, &failure), -ENOENT);
	assert_int_equal(failure.code, SK_NO_GENERATION);
	assert_int_equal(bed->gate.guard, KERNEL_GUARD_CLOSED);
}

static const char *const damages[] = {
	"truncate -s -1 %s/last-good/compiled",
	"truncate -s 0 %s/last-good/compiled",
	"printf x | dd of=%s/last-good/compiled bs=1 seek=900 conv=notrunc status=none",
	"rm %s/last-good/compiled",
	"rm %s/last-good/about",
	"echo '{' >%s/last-good/about",
	"echo '[1]' >%s/last-good/about",
	"echo '{}' >%s/last-good/about",
	"sed -i 's/\"generation\":1/\"generation\":2/' %s/last-good/about",
	"rm -r %s/generations",
};

static void damaged(void **state)
{
	struct bed *bed = *state;
	struct failure failure;
	apply(bed, policy_good);
	net_run("cp -r %s/generations %s/kept", bed->state, bed->state);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		char command[256];
		snprintf(command, sizeof(command), damages[i], bed->state);
		assert_int_equal(net_run("%s", command), 0);
		gate_close(&bed->gate);
		net_enter();
		open_gate(bed);
		if (gate_load(&bed->gate, &failure) == 0 || failure.code != SK_GENERATION_DAMAGED)
			fail_msg("loaded after: %s", damages[i]);
		assert_int_equal(bed->gate.guard, KERNEL_GUARD_CLOSED);
		net_run("rm -rf %s/generations; cp -r %s/kept %s/generations", bed->state,
			bed->state, bed->state);
	}
	assert_int_equal(gate_load(&bed->gate, &failure), 0);
	expect_running(bed, 1, 1);
}

static void old_ones_go(void **state)
{
	struct bed *bed = *state;
	struct failure failure;
	uint64_t number = 0;
	put_rules(bed, policy_good);
	for (int i = 0; i < GENERATIONS_KEPT + 5; i++)
		apply(bed, i % 2 ? policy_good : policy_more);
	expect_running(bed, GENERATIONS_KEPT + 5, 1 + (GENERATIONS_KEPT + 5) % 2);
	assert_int_equal(net_run("test $(ls %s/generations | wc -l) -eq %d", bed->state,
				 GENERATIONS_KEPT),
			 0);
	// A number is not given out twice, not even when the counter is lost.
	net_run("rm %s/generation", bed->state);
	assert_int_equal(generation_next(bed->gate.state_fd, 0, &failure, &number), 0);
	assert_int_equal(number, GENERATIONS_KEPT + 6);
	net_run("rm %s/generation", bed->state);
	assert_int_equal(generation_next(bed->gate.state_fd, 1000, &failure, &number), 0);
	assert_int_equal(number, 1001);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(restarted),       TEST(rebooted), TEST(table_gone),
		TEST(nothing_to_load), TEST(damaged),  TEST(old_ones_go),
	};
	int child = bed_child(argc, argv);
	return child >= 0 ? child : cmocka_run_group_tests(tests, NULL, NULL);
}
