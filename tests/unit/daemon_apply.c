// Apply on a real kernel, in a network namespace of its own: the whole way from a folder that only
// root can read to a running generation, and each way it can fail, which changes nothing.
#include "unit/apply_bed.h"

static void applied(void **state)
{
	struct bed *bed = *state;
	char path[160];
	enum kernel_guard guard;
	assert_int_equal(kernel_guard_state(bed->gate.kernel, &guard), 0);
	assert_int_equal(guard, KERNEL_GUARD_CLOSED);
	assert_string_equal(gate_state(&bed->gate), "closed");
	apply(bed, policy_good);
	assert_int_equal(bed->status, EXIT_FINE);
	assert_true(bed->changed);
	expect_running(bed, 1, 1);
	snprintf(path, sizeof(path), "%s/generations/1/rules/policy.yaml", bed->state);
	assert_int_equal(access(path, R_OK), 0);
	assert_int_equal(bed->gate.current.about.by.uid, 7);
	apply(bed, policy_good); // runs already
	assert_int_equal(bed->status, EXIT_FINE);
	assert_false(bed->changed);
	expect_running(bed, 1, 1);
	apply(bed, policy_more);
	assert_true(bed->changed);
	expect_running(bed, 3, 2);
}

static char sh[] = "/bin/sh", dash_c[] = "-c";
#define SHELL(text)                                                                                \
	{                                                                                          \
		.path = sh, .argv = (char *[]){ sh, dash_c, (char[]){ text }, NULL },              \
		.timeout_ms = 300                                                                  \
	}

static const struct {
	const char *what;
	struct compiler_command compiler;
} bad_children[] = {
	{ "says nothing", SHELL("exit 0") },
	{ "fails", SHELL("exit 9") },
	{ "crashes", SHELL("kill -SEGV $$") },
	{ "hangs", SHELL("exec sleep 30") },
	{ "closes its pipe and hangs", SHELL("exec 4>&-; exec sleep 30") },
	{ "sends garbage", SHELL("head -c 100000 /dev/urandom >&4") },
	{ "sends its input back", SHELL("cat <&3 >&4") },
	{ "never stops", SHELL("exec cat /dev/zero >&4") },
	{ "is not there", { .path = "/nonexistent", .argv = (char *[]){ sh, NULL } } },
};

static void bad_compilers(void **state)
{
	struct bed *bed = *state;
	apply(bed, policy_good);
	put_rules(bed, policy_more);
	for (size_t i = 0; i < sizeof(bad_children) / sizeof(bad_children[0]); i++) {
		apply_with(bed, &bad_children[i].compiler);
		if (bed->status != EXIT_FAILED || bed->code != SK_COMPILER_FAILED)
			fail_msg("%s: status %d, SK%d", bad_children[i].what, bed->status,
				 bed->code);
		expect_running(bed, 1, 1);
	}
}

static void faults(void **state)
{
	struct bed *bed = *state;
	apply(bed, policy_bad); // with nothing running yet
	assert_int_equal(bed->status, EXIT_POLICY);
	assert_true(bed->code && bed->has_place);
	assert_string_equal(gate_state(&bed->gate), "closed");
	apply(bed, policy_good);
	apply(bed, policy_bad);
	assert_int_equal(bed->status, EXIT_POLICY);
	assert_false(bed->changed);
	expect_running(bed, 2, 1);
	apply(bed, policy_assertion);
	assert_int_equal(bed->status, EXIT_ASSERTION);
	expect_running(bed, 2, 1);
}

static void folders(void **state)
{
	struct bed *bed = *state;
	char path[128];
	apply_with(bed, NULL); // empty
	assert_int_equal(bed->status, EXIT_POLICY);
	assert_int_equal(bed->code, SK_FOLDER_EMPTY);
	put_rules(bed, policy_good);
	snprintf(path, sizeof(path), "%s/link.yaml", bed->rules);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	apply_with(bed, NULL);
	assert_int_equal(bed->status, EXIT_POLICY);
	assert_int_equal(bed->code, SK_FILE_OUTSIDE);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	apply_with(bed, NULL);
	assert_int_equal(bed->code, SK_FILE_SPECIAL);
	unlink(path);
	apply_with(bed, NULL);
	expect_running(bed, 4, 1);
}

// A table that another process owns makes the kernel refuse; what runs there goes on.
static void refused(void **state)
{
	struct bed *bed = *state;
	struct bed other = *bed;
	char kept[160];
	uint64_t number = 0;
	snprintf(other.state, sizeof(other.state), "%s/other", bed->folder);
	other.options.state = other.state;
	open_gate(&other); // while nobody owns the table
	apply(bed, policy_good);
	apply(bed, policy_more);
	apply(&other, policy_good);
	assert_int_equal(other.status, EXIT_KERNEL);
	assert_true(other.code >= 600);
	assert_string_equal(gate_state(&other.gate), "closed");
	assert_int_equal(generation_load_last_good(other.gate.state_fd, &(struct failure){ 0 },
						   &(struct generation){ 0 }),
			 -ENOENT);
	assert_int_equal(kernel_generation(bed->gate.kernel, &number), 0);
	snprintf(kept, sizeof(kept), "%s/generations/%llu", other.state,
		 (unsigned long long)number + 1);
	assert_int_equal(access(kept, F_OK), -1);
	gate_close(&other.gate);
	expect_running(bed, 2, 2);
}

// Who comes later finds the state folder taken, or the table, and leaves everything as it is.
static void twice(void **state)
{
	struct bed *bed = *state;
	struct gate_options options = bed->options;
	enum kernel_guard guard;
	struct failure failure;
	char path[160];
	apply(bed, policy_good);
	snprintf(path, sizeof(path), "%s/other", bed->folder);
	for (int i = 0; i < 2; i++) {
		struct gate gate;
		options.state = i ? path : bed->state;
		assert_int_equal(gate_open(&gate, &options, bed->journal, -1, &failure), -EBUSY);
		assert_int_equal(failure.code, SK_DAEMON_TWICE);
		gate_close(&gate);
		assert_int_equal(kernel_guard_state(bed->gate.kernel, &guard), 0);
		assert_int_equal(guard, KERNEL_GUARD_OPEN);
	}
	expect_running(bed, 1, 1);
}

static void one_at_a_time(void **state)
{
	struct bed *bed = *state;
	struct bed second = { .done = false };
	int fd;
	put_rules(bed, policy_good);
	fd = open(bed->rules, O_RDONLY | O_DIRECTORY);
	const struct apply_request first = {
		.dir_fd = fd, .directory = "", .done = on_done, .arg = bed
	};
	const struct apply_request other = {
		.dir_fd = fd, .directory = "", .done = on_done, .arg = &second
	};
	bed->done = false;
	apply_start(&bed->gate, bed->event, &first);
	assert_false(bed->done);
	apply_start(&bed->gate, bed->event, &other);
	assert_true(second.done);
	assert_int_equal(second.code, SK_APPLY_BUSY);
	while (!bed->done)
		sd_event_run(bed->event, UINT64_MAX);
	close(fd);
	assert_int_equal(bed->status, EXIT_FINE);
}

static void state_unwritable(void **state)
{
	struct bed *bed = *state;
	apply(bed, policy_good);
	// A file where the folder of the next generation is to be made.
	assert_int_equal(net_run("mv %s/generations %s/kept && touch %s/generations", bed->state,
				 bed->state, bed->state),
			 0);
	apply(bed, policy_more);
	assert_int_equal(bed->status, EXIT_FAILED);
	assert_int_equal(bed->code, SK_STATE_UNWRITABLE);
	net_run("rm %s/generations && mv %s/kept %s/generations", bed->state, bed->state,
		bed->state);
	expect_running(bed, 1, 1);
}

static int child_of_this(void)
{
	int pid = 0;
	FILE *in = fopen("/proc/thread-self/children", "r");
	assert_non_null(in);
	if (fscanf(in, "%d", &pid) != 1)
		pid = 0;
	fclose(in);
	return pid;
}

// What a proposal is compared with goes while it is: what was found out says nothing any more.
static void compared_with_what_returned(void **state)
{
	struct bed *bed = *state;
	apply(bed, policy_good);
	for (int i = 0; i < 2; i++) {
		put_rules(bed, policy_more);
		apply_as(bed, &(struct apply_request){ .confirm_usec = 600000000 });
		uint64_t running = bed->gate.current.about.number;
		int fd = open(bed->rules, O_RDONLY | O_DIRECTORY);
		put_rules(bed, policy_third);
		bed->done = false;
		apply_start(&bed->gate, bed->event,
			    &(struct apply_request){ .what = APPLY_PROPOSE,
						     .dir_fd = fd,
						     .directory = "rules",
						     .by = { .uid = 7, .name = "seven" },
						     .done = on_done,
						     .arg = bed });
		close(fd);
		int compiler = child_of_this();
		while (!bed->done) {
			int child = child_of_this();
			if (i && child && child != compiler && bed->gate.confirm.generation)
				bed_return(bed, NULL);
			assert_true(sd_event_run(bed->event, UINT64_MAX) >= 0);
		}
		assert_int_equal(bed->code, 0);
		assert_int_equal(bed->proposal.based_on, i ? 1 : running);
		assert_int_equal(bed->proposal.change_unknown, i);
		if (!i)
			bed_return(bed, NULL);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(applied),	     TEST(bad_compilers),    TEST(faults),
		TEST(folders),	     TEST(refused),	     TEST(twice),
		TEST(one_at_a_time), TEST(state_unwritable), TEST(compared_with_what_returned),
	};
	int child = bed_child(argc, argv);
	return child >= 0 ? child : cmocka_run_group_tests(tests, NULL, NULL);
}
