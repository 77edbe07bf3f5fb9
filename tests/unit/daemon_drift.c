// Drift on a real kernel, with a table that has no owner, as on kernels without persistent ones:
// each edit by another process is told with what was done and by whom, and is put right.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <time.h>
#include <unistd.h>

#include "daemon/drift.h"
#include "kernel/private.h"
#include "unit/kernel_net.h"
#include "unit/ruleset_town.h"

struct bed {
	char folder[64], log[96];
	struct gate_options options;
	struct journal *journal;
	sd_event *event;
	struct gate gate;
	struct make make;
};

static void run_town(struct bed *bed, const struct town *town)
{
	make_town(&bed->make, town);
	bed->gate.current.report.ruleset = &bed->make.ruleset;
	bed->gate.current.about.number = town->generation;
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct failure failure;
	struct gate_times times;
	struct kernel *kernel;
	strcpy(bed->folder, "/tmp/sekisho-drift-XXXXXX");
	if (!mkdtemp(bed->folder))
		return -1;
	net_enter();
	snprintf(bed->log, sizeof(bed->log), "%s/log", bed->folder);
	if (journal_open(bed->log, &bed->journal) < 0 || sd_event_new(&bed->event) < 0)
		return -1;
	bed->options = (struct gate_options){ .state = bed->folder };
	if (gate_open(&bed->gate, &bed->options, bed->journal, -1, &failure) < 0)
		return -1;
	kernel = bed->gate.kernel;
	kernel_features(kernel);
	kernel->features.persist = false;
	run_town(bed, &(struct town){ .generation = 1, .extra = 3 });
	control_rows_read(NULL, 0, 1, &bed->gate.current.report.zones);
	if (gate_commit(&bed->gate, &bed->make.ruleset, &failure, &times) < 0)
		return -1;
	gate_let_through(&bed->gate, 0);
	*state = bed;
	return drift_open(bed->event, &bed->gate);
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	drift_close(bed->gate.drift);
	bed->gate.current.report.ruleset = NULL;
	gate_close(&bed->gate);
	make_done(&bed->make);
	sd_event_unref(bed->event);
	journal_close(bed->journal);
	net_run("rm -rf %s", bed->folder);
	free(bed);
	return 0;
}

static unsigned told(const struct bed *bed, const char *pattern)
{
	char command[256], count[16] = "";
	snprintf(command, sizeof(command), "grep -c '%s' %s", pattern, bed->log);
	FILE *in = popen(command, "r");
	if (!fgets(count, sizeof(count), in))
		count[0] = '\0';
	pclose(in);
	return (unsigned)atoi(count);
}

// Serves until the log has so many of such lines, at most ten seconds.
static void serve_until(struct bed *bed, const char *pattern, unsigned times)
{
	time_t end = time(NULL) + 10;
	while (told(bed, pattern) < times) {
		if (time(NULL) > end) {
			net_run("cat %s", bed->log);
			fail_msg("not told: %s", pattern);
		}
		assert_true(sd_event_run(bed->event, 50000) >= 0);
	}
}

static void expect_as_it_should_be(struct bed *bed)
{
	char report[256];
	if (kernel_verify(bed->gate.kernel, &bed->make.ruleset, report, sizeof(report)))
		fail_msg("%s", report);
	assert_string_equal(bed->gate.problems[GATE_DRIFT], "");
	assert_string_equal(bed->gate.problems[GATE_KERNEL], "");
}

static const struct {
	const char *command, *words;
} edits[] = {
	{ "nft insert rule inet sekisho forward accept", "rule added to chain forward" },
	{ "nft flush chain inet sekisho input", "rule deleted from chain input" },
	{ "nft 'chain inet sekisho forward { policy accept; }'", "chain forward added or changed" },
	{ "nft add chain inet sekisho back_door", "chain back_door added or changed" },
	{ "nft add counter inet sekisho back_door", "object back_door added or changed" },
	{ "nft 'add table inet sekisho { flags dormant; }'", "table sekisho added or switched" },
	{ "nft delete table inet sekisho", "table sekisho deleted" },
	{ "nft flush ruleset", "table sekisho deleted" },
};

static void edited(void **state)
{
	struct bed *bed = *state;
	drift_look(bed->gate.drift);
	assert_int_equal(told(bed, "\"event\":\"drift\""), 0);
	for (unsigned i = 0; i < 3; i++) { // more at once would be a storm
		assert_int_equal(net_run("%s", edits[i].command), 0);
		serve_until(bed, "\"event\":\"drift-repaired\"", i + 1);
		assert_int_equal(told(bed, edits[i].words), 1);
		expect_as_it_should_be(bed);
	}
	assert_int_equal(told(bed, "\"event\":\"drift\".*, by nft (pid.*\"name\":\"nft\""), 3);
}

static void edited_otherwise(void **state)
{
	struct bed *bed = *state;
	for (unsigned i = 3; i < 7; i++) {
		assert_int_equal(net_run("%s", edits[i].command), 0);
		serve_until(bed, "\"event\":\"drift-repaired\"", i - 2);
		assert_int_equal(told(bed, edits[i].words), 1);
		expect_as_it_should_be(bed);
	}
}

static void flushed(void **state)
{
	struct bed *bed = *state;
	enum kernel_guard guard;
	assert_int_equal(net_run("%s", edits[7].command), 0);
	serve_until(bed, "\"event\":\"drift-repaired\"", 2); // the guard, and the rules
	assert_int_equal(told(bed, "guard table was removed, by nft.*\"name\":\"nft\""), 1);
	assert_int_equal(told(bed, edits[7].words), 1);
	assert_int_equal(kernel_guard_state(bed->gate.kernel, &guard), 0);
	assert_int_equal(guard, KERNEL_GUARD_OPEN);
	expect_as_it_should_be(bed);
}

// What changes nothing in the end is not told, nor what the daemon does itself by another socket.
static void not_drift(void **state)
{
	struct bed *bed = *state;
	struct kernel *other;
	struct failure failure;
	struct gate_times times;
	drift_look(bed->gate.drift);
	assert_int_equal(net_run("nft add chain inet sekisho c; nft delete chain inet sekisho c"),
			 0);
	assert_int_equal(net_run("nft add table ip quiet"), 0);
	assert_int_equal(kernel_open(-1, &other), 0);
	assert_int_equal(kernel_guard_set(other, KERNEL_GUARD_OPEN, NULL), 0);
	assert_int_equal(gate_commit(&bed->gate, &bed->make.ruleset, &failure, &times), 0);
	for (int i = 0; i < 20; i++)
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	kernel_close(other);
	assert_int_equal(told(bed, "\"event\":\"drift"), 0);
	assert_int_equal(told(bed, "\"event\":\"failed"), 0);
	expect_as_it_should_be(bed);
}

// Somebody in a loop is answered with waits, and louder.
static void storm(void **state)
{
	struct bed *bed = *state;
	for (unsigned i = 0; i < DRIFT_STORM; i++) {
		assert_int_equal(net_run("nft flush chain inet sekisho input"), 0);
		serve_until(bed, "\"event\":\"drift-repaired\"", i + 1);
	}
	assert_int_equal(told(bed, "\"event\":\"drift-storm\""), 1);
	assert_int_equal(net_run("nft flush chain inet sekisho input"), 0);
	for (int i = 0; i < 10; i++)
		assert_true(sd_event_run(bed->event, 20000) >= 0);
	assert_int_equal(told(bed, "\"event\":\"drift-repaired\""), DRIFT_STORM); // not yet
}

// What cannot be put right closes the gate, and opens it when it can.
static void unrepairable(void **state)
{
	struct bed *bed = *state;
	struct make bad = { 0 };
	const struct ruleset *good = bed->gate.current.report.ruleset;
	enum kernel_guard guard;
	drift_look(bed->gate.drift);
	make_town(&bad, &(struct town){ .generation = 1, .extra = 3, .bad_helper = true });
	bed->gate.current.report.ruleset = &bad.ruleset;
	assert_int_equal(net_run("nft flush chain inet sekisho input"), 0);
	serve_until(bed, "SK781", 1);
	assert_int_equal(kernel_guard_state(bed->gate.kernel, &guard), 0);
	assert_int_equal(guard, KERNEL_GUARD_CLOSED);
	assert_string_equal(gate_state(&bed->gate), "closed");
	bed->gate.current.report.ruleset = (struct ruleset *)good;
	serve_until(bed, "\"event\":\"drift-repaired\"", 1);
	assert_int_equal(kernel_guard_state(bed->gate.kernel, &guard), 0);
	assert_int_equal(guard, KERNEL_GUARD_OPEN);
	expect_as_it_should_be(bed);
	make_done(&bad);
}

// Counters go on: in a table that is still there, and in one that was made again.
static void counted(void **state)
{
	struct bed *bed = *state;
	assert_int_equal(net_run("ip link set lo up; for i in 1 2 3; do "
				 "bash -c 'echo x >/dev/udp/127.0.0.1/7'; done"),
			 0);
	gate_look(&bed->gate);
	uint64_t before = counters_find(bed->gate.counters, "f_one")->packets;
	assert_true(before > 0);
	assert_int_equal(net_run("nft delete table inet sekisho"), 0);
	serve_until(bed, "\"event\":\"drift-repaired\"", 1);
	gate_look(&bed->gate);
	assert_int_equal(counters_find(bed->gate.counters, "f_one")->packets, before);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(edited), TEST(edited_otherwise), TEST(flushed), TEST(not_drift),
		TEST(storm),  TEST(unrepairable),     TEST(counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
