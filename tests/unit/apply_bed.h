// A bed for tests of apply and of the gate: a network namespace of its own, a folder of rules that
// only root can read, a state folder, a gate.  Its program is the daemon's children too.
#ifndef SEKISHO_TESTS_APPLY_BED_H
#define SEKISHO_TESTS_APPLY_BED_H

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/apply.h"
#include "daemon/differ.h"
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

static inline void put_rules(const struct bed *bed, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/policy.yaml", bed->rules);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	chmod(path, 0600);
}

static inline void open_gate(struct bed *bed)
{
	struct failure failure;
	if (gate_open(&bed->gate, &bed->options, bed->journal, -1, &failure) < 0)
		fail_msg("%s", failure.text);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline void on_done(void *arg, struct gate *gate, const struct apply_result *result)
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

static inline void apply_as(struct bed *bed, const struct apply_request *as)
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

static inline void apply_with(struct bed *bed, const struct compiler_command *compiler)
{
	apply_as(bed, &(struct apply_request){ .compiler = compiler });
}

static inline void apply(struct bed *bed, const char *policy)
{
	put_rules(bed, policy);
	apply_with(bed, NULL);
}

static inline void expect_running(struct bed *bed, uint64_t number, size_t flows)
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

static inline void bed_return(struct bed *bed, const struct person *by)
{
	struct failure failure;
	if (confirm_return(&bed->gate, by, "test", &failure) < 0)
		fail_msg("%s", failure.text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

// The children are the test's program again, as they are sekishod in the field.  Its exit status
// when it is one, else -1.
static inline int bed_child(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], COMPILER_ARGUMENT))
		return compiler_main();
	if (argc == 2 && !strcmp(argv[1], DIFFER_ARGUMENT))
		return differ_main(false);
	return -1;
}

#endif
