// Apply on a real kernel, in a network namespace of its own: the whole way from a folder that only
// root can read to a running generation, and each way it can fail, which changes nothing.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/apply.h"
#include "daemon/differ.h"
#include "base/file.h"
#include "unit/kernel_net.h"

static const char policy_good[] =
	"title: test\n"
	"zones:\n"
	"  office: { interfaces: [lan0], networks: [10.20.0.0/16] }\n"
	"  internet: { role: external, interfaces: [wan0] }\n"
	"owners: { it: { title: IT } }\n"
	"flows:\n"
	"  - { id: web, title: web, from: office, to: internet, services: [tcp/443], owner: it }\n";

static const char policy_more[] =
	"title: test\n"
	"zones:\n"
	"  office: { interfaces: [lan0], networks: [10.20.0.0/16] }\n"
	"  internet: { role: external, interfaces: [wan0] }\n"
	"owners: { it: { title: IT } }\n"
	"flows:\n"
	"  - { id: web, title: web, from: office, to: internet, services: [tcp/443], owner: it }\n"
	"  - { id: mail, title: mail, from: office, to: internet, services: [tcp/25], owner: it }\n";

static const char policy_third[] =
	"title: test\n"
	"zones:\n"
	"  office: { interfaces: [lan0], networks: [10.20.0.0/16] }\n"
	"  internet: { role: external, interfaces: [wan0] }\n"
	"owners: { it: { title: IT } }\n"
	"flows:\n"
	"  - { id: ssh, title: ssh, from: office, to: internet, services: [tcp/22], owner: it }\n";

static const char policy_bad[] = "zones: { office: { interfaces: [lan0], nonsense: 1 } }\n";

static const char policy_assertion[] =
	"zones:\n"
	"  office: { interfaces: [lan0], networks: [10.20.0.0/16] }\n"
	"  internet: { role: external, interfaces: [wan0] }\n"
	"owners: { it: { title: IT } }\n"
	"flows:\n"
	"  - { id: web, title: web, from: office, to: internet, services: [tcp/443], owner: it }\n"
	"assertions:\n"
	"  - { id: closed, never: { from: office, to: internet } }\n";

struct bed {
	char folder[64], rules[96], state[96];
	struct gate_options options;
	struct journal *journal;
	sd_event *event;
	struct gate gate;
	// of the last apply
	bool done;
	enum exit_status status;
	int code; // of the failure, else of the first diagnostic, else 0
	bool changed, has_place;
	struct proposal proposal; // that was stored last
};

static void put_rules(const struct bed *bed, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/policy.yaml", bed->rules);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	chmod(path, 0600);
}

static void open_gate(struct bed *bed)
{
	struct failure failure;
	if (gate_open(&bed->gate, &bed->options, bed->journal, -1, &failure) < 0)
		fail_msg("%s", failure.text);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	const struct passwd *nobody = getpwnam("nobody");
	strcpy(bed->folder, "/tmp/sekisho-apply-XXXXXX");
	if (!mkdtemp(bed->folder) || !nobody)
		return -1;
	net_enter();
	snprintf(bed->rules, sizeof(bed->rules), "%s/rules", bed->folder);
	snprintf(bed->state, sizeof(bed->state), "%s/state", bed->folder);
	mkdir(bed->rules, 0700);
	char log[128];
	snprintf(log, sizeof(log), "%s/log", bed->folder);
	if (journal_open(log, &bed->journal) < 0 || sd_event_new(&bed->event) < 0)
		return -1;
	bed->options = (struct gate_options){
		.rules = bed->rules,
		.state = bed->state,
		.compiler_uid = nobody->pw_uid,
		.compiler_gid = nobody->pw_gid,
		.forwarding = true,
	};
	open_gate(bed);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	apply_cancel(&bed->gate);
	gate_close(&bed->gate);
	sd_event_unref(bed->event);
	journal_close(bed->journal);
	net_run("rm -rf %s", bed->folder);
	free(bed);
	return 0;
}

static void on_done(void *arg, struct gate *gate, const struct apply_result *result)
{
	struct bed *bed = arg;
	(void)gate;
	bed->done = true;
	bed->status = result->status;
	bed->changed = result->changed;
	if (result->proposal)
		bed->proposal = *result->proposal;
	bed->code = result->failure ? (int)result->failure->code : 0;
	if (!result->failure && result->report && result->report->faults.n > 1) {
		bed->code = (int)control_u64(&result->report->faults.v[1], CTL_CODE);
		bed->has_place = control_u64(&result->report->faults.v[1], CTL_LINE) > 0;
	}
}

static void apply_as(struct bed *bed, const struct apply_request *as)
{
	struct apply_request request = *as;
	request.dir_fd = open(bed->rules, O_RDONLY | O_DIRECTORY);
	request.directory = "rules";
	request.by = (struct person){ .uid = 7, .login_uid = CONTROL_NO_LOGIN, .name = "seven" };
	request.done = on_done;
	request.arg = bed;
	bed->done = false;
	apply_start(&bed->gate, bed->event, &request);
	close(request.dir_fd);
	while (!bed->done)
		assert_true(sd_event_run(bed->event, UINT64_MAX) >= 0);
	assert_null(bed->gate.apply);
}

static void apply_with(struct bed *bed, const struct compiler_command *compiler)
{
	apply_as(bed, &(struct apply_request){ .compiler = compiler });
}

static void apply(struct bed *bed, const char *policy)
{
	put_rules(bed, policy);
	apply_with(bed, NULL);
}

static void expect_running(struct bed *bed, uint64_t number, size_t flows)
{
	uint64_t in_kernel = 0;
	char report[256] = "", link[128] = "", path[128], target[64];
	enum kernel_guard guard;
	assert_int_equal(kernel_generation(bed->gate.kernel, &in_kernel), 0);
	assert_int_equal(in_kernel, number);
	assert_int_equal(bed->gate.current.about.number, number);
	assert_int_equal(bed->gate.current.report.flows.n - 1, flows);
	if (kernel_verify(bed->gate.kernel, bed->gate.current.report.ruleset, report,
			  sizeof(report)))
		fail_msg("%s", report);
	assert_int_equal(kernel_guard_state(bed->gate.kernel, &guard), 0);
	assert_int_equal(guard, KERNEL_GUARD_OPEN);
	assert_string_equal(gate_state(&bed->gate), "running");
	snprintf(path, sizeof(path), "%s/last-good", bed->state);
	snprintf(target, sizeof(target), "generations/%llu", (unsigned long long)number);
	assert_true(readlink(path, link, sizeof(link) - 1) > 0);
	assert_string_equal(link, target);
}

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
static void returns(struct bed *bed, const struct person *by)
{
	struct failure failure;
	if (confirm_return(&bed->gate, by, "test", &failure) < 0)
		fail_msg("%s", failure.text);
}
static void returns_in_time(struct bed *bed)
{
	returns(bed, NULL);
}
static void person_takes_back(struct bed *bed)
{
	returns(bed, &bed->gate.confirm.by);
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
				returns_in_time(bed);
			assert_true(sd_event_run(bed->event, UINT64_MAX) >= 0);
		}
		assert_int_equal(bed->code, 0);
		assert_int_equal(bed->proposal.based_on, i ? 1 : running);
		assert_int_equal(bed->proposal.change_unknown, i);
		if (!i)
			returns_in_time(bed);
	}
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(applied),
		TEST(bad_compilers),
		TEST(faults),
		TEST(folders),
		TEST(refused),
		TEST(twice),
		TEST(one_at_a_time),
		TEST(state_unwritable),
		TEST(restarted),
		TEST(rebooted),
		TEST(guard_by_hand),
		TEST(table_gone),
		TEST(closed_by_hand),
		TEST(reasons),
		TEST(good_after_failed_return),
		TEST(compared_with_what_returned),
		TEST(nothing_to_load),
		TEST(damaged),
		TEST(old_ones_go),
	};
	// The children are this program again, as they are sekishod in the field.
	if (argc == 2 && !strcmp(argv[1], COMPILER_ARGUMENT))
		return compiler_main();
	if (argc == 2 && !strcmp(argv[1], DIFFER_ARGUMENT))
		return differ_main(false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
