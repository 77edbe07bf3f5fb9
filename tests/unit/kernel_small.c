// What a change of one flow does to the kernel: little is sent, no other counter is touched, and
// only what changed is read back, unless somebody else was at work.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "policy/policy.h"
#include "plan/plan.h"
#include "unit/compile_make.h"
#include "unit/kernel_net.h"

enum { FLOWS = 200, SENT_MAX = 16384, BY_BYTES = 60 };

static size_t sent;

// Stands before libc's; batches are sent this way.
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	sent += msg->msg_iov->iov_len;
	return syscall(SYS_sendmsg, fd, msg, flags);
}

static const char zones[] =
	"version: 1\n"
	"zones:\n"
	"  office: { interfaces: [lan-office], networks: [10.20.0.0/16, \"fd00:20::/64\"] }\n"
	"  dmz: { role: server, interfaces: [lan-dmz], networks: [192.0.2.0/24] }\n"
	"  farm: { role: server, interfaces: [lan-farm], networks: [198.51.100.0/24] }\n"
	"networks:\n"
	"  dmz/web: [192.0.2.80]\n"
	"  farm/db: [198.51.100.5]\n"
	"flows:\n";

// Flow i of the policy; `what` is of the flow that changes.
struct change_row {
	const char *name;
	const char *what; // NULL: it is not there
};

static const struct change_row base = { "base", "to: dmz/web, services: tcp/81" };
static const struct change_row changes[] = {
	{ "one flow less", NULL },
	{ "another service", "to: dmz/web, services: udp/82" },
	{ "another address", "to: farm/db, services: tcp/81" },
	{ "to a whole zone", "to: farm, services: tcp/81" },
	{ "with a log", "to: dmz/web, services: tcp/81, log: true" },
	{ "many ports", "to: dmz/web, services: tcp/20000-30000" },
};

static struct made make_policy(const struct change_row *row, uint64_t generation)
{
	const struct compile_options options = { .generation = generation };
	struct made made;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(zones, out);
	for (unsigned i = 0; i < FLOWS; i++)
		fprintf(out, "  - { id: f%u, from: office, to: %s, services: tcp/%u }\n", i,
			i % 3 ? "dmz/web" : "farm/db", 1000 + i);
	if (row->what)
		fprintf(out, "  - { id: changing, from: office, %s }\n", row->what);
	fclose(out);
	assert_int_equal(make_text(text, &options, &made), 0);
	free(text);
	return made;
}

static void must_commit(struct kernel *kernel, const struct ruleset *next,
			const struct ruleset *previous, const struct kernel_counter *counters,
			size_t n)
{
	struct kernel_error error = { 0 };

	sent = 0;
	if (kernel_commit(kernel, next, previous, counters, n, &error) < 0)
		fail_msg("%s", error.text);
}

static int verify(struct kernel *kernel, const struct ruleset *next, const struct ruleset *previous)
{
	char report[512];
	int r = previous ? kernel_verify_commit(kernel, next, previous, report, sizeof(report))
			 : kernel_verify(kernel, next, report, sizeof(report));

	if (r)
		print_message("%s\n", report);
	return r;
}

// --- counters

static char names[FLOWS][16];
static struct kernel_counter starts[FLOWS];

static void make_starts(void)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		snprintf(names[i], sizeof(names[i]), "f_f%u", i);
		starts[i] = (struct kernel_counter){ names[i], i + 1, (i + 1) * BY_BYTES };
	}
}

static void see_counter(void *arg, const struct kernel_counter *counter)
{
	unsigned flow, *seen = arg;

	if (sscanf(counter->name, "f_f%u", &flow) != 1)
		return;
	assert_int_equal(counter->packets, flow + 1);
	assert_int_equal(counter->bytes, (flow + 1) * BY_BYTES);
	++*seen;
}

static void must_count(struct kernel *kernel)
{
	unsigned seen = 0;

	assert_int_equal(kernel_counters(kernel, see_counter, &seen), 0);
	assert_int_equal(seen, FLOWS);
}

static void test_change(void **state)
{
	struct made before = make_policy(&base, 1), after = make_policy(*state, 2);
	struct kernel *kernel;

	assert_int_equal(kernel_open(-1, &kernel), 0);
	must_commit(kernel, before.ruleset, NULL, starts, FLOWS);
	assert_int_equal(verify(kernel, before.ruleset, NULL), 0);
	must_count(kernel);
	// There, and back: one flow more.
	must_commit(kernel, after.ruleset, before.ruleset, NULL, 0);
	assert_in_range(sent, 1, SENT_MAX);
	assert_int_equal(verify(kernel, after.ruleset, before.ruleset), 0);
	must_count(kernel);
	must_commit(kernel, before.ruleset, after.ruleset, NULL, 0);
	assert_in_range(sent, 1, SENT_MAX);
	assert_int_equal(verify(kernel, before.ruleset, after.ruleset), 0);
	must_count(kernel);
	assert_int_equal(verify(kernel, before.ruleset, NULL), 0);
	kernel_remove(kernel);
	kernel_close(kernel);
	made_done(&before);
	made_done(&after);
}

// --- what is read back

// Makes what is expected another thing than what was committed: the verdict of a chain's last rule.
static void falsify(struct ruleset *ruleset, const char *name)
{
	uint32_t at = ruleset_find_chain(ruleset, name);
	const struct rs_chain *chain = &ruleset->chains[at];
	const struct rs_rule *rule = &ruleset->rules[chain->first_rule + chain->n_rules - 1];
	struct rs_stmt *stmt = (struct rs_stmt *)&ruleset->stmts[rule->first_stmt];

	assert_int_not_equal(at, RS_NONE);
	stmt += rule->n_stmts - 1;
	assert_int_equal(stmt->kind, RS_VERDICT);
	stmt->verdict = stmt->verdict == RS_DROP ? RS_ACCEPT : RS_DROP;
}

struct read_row {
	const char *name;
	const char *chain;   // that is not as expected
	const char *between; // what somebody else does between commit and read-back
	bool unread;	     // what ran before was never read back
	int want;
};

static const struct read_row reads[] = {
	{ "as expected", NULL, NULL, false, 0 },
	{ "a chain that changed", "z_office", NULL, false, 1 },
	{ "a chain that did not is not read", "invalid", NULL, false, 0 },
	{ "all is read when others were at work", "invalid", "nft add table inet other", false, 1 },
	{ "all is read when nothing was before", "invalid", NULL, true, 1 },
};

static void test_read(void **state)
{
	const struct read_row *row = *state;
	struct made before = make_policy(&base, 1), after = make_policy(&changes[1], 2);
	struct kernel *kernel;

	assert_int_equal(kernel_open(-1, &kernel), 0);
	must_commit(kernel, before.ruleset, NULL, NULL, 0);
	if (!row->unread)
		assert_int_equal(verify(kernel, before.ruleset, NULL), 0);
	must_commit(kernel, after.ruleset, before.ruleset, NULL, 0);
	if (row->chain)
		falsify(after.ruleset, row->chain);
	if (row->between)
		assert_int_equal(net_run("%s", row->between), 0);
	assert_int_equal(verify(kernel, after.ruleset, before.ruleset), row->want);
	kernel_remove(kernel);
	kernel_close(kernel);
	made_done(&before);
	made_done(&after);
}

// The guard's transactions are this process's own: they raise no doubt.
static void test_own_work(void **state)
{
	struct made before = make_policy(&base, 1), after = make_policy(&changes[1], 2);
	struct kernel *kernel;

	(void)state;
	assert_int_equal(kernel_open(-1, &kernel), 0);
	must_commit(kernel, before.ruleset, NULL, NULL, 0);
	assert_int_equal(verify(kernel, before.ruleset, NULL), 0);
	assert_int_equal(kernel_guard_set(kernel, KERNEL_GUARD_CLOSED, NULL), 0);
	must_commit(kernel, after.ruleset, before.ruleset, NULL, 0);
	assert_int_equal(kernel_guard_set(kernel, KERNEL_GUARD_OPEN, NULL), 0);
	falsify(after.ruleset, "invalid");
	assert_int_equal(verify(kernel, after.ruleset, before.ruleset), 0);
	assert_int_equal(verify(kernel, after.ruleset, NULL), 1);
	kernel_remove(kernel);
	kernel_guard_remove(kernel);
	kernel_close(kernel);
	made_done(&before);
	made_done(&after);
}

enum {
	CHANGES = sizeof(changes) / sizeof(changes[0]),
	READS = sizeof(reads) / sizeof(reads[0]),
};

int main(void)
{
	struct CMUnitTest tests[CHANGES + READS + 1] = { cmocka_unit_test(test_own_work) };
	size_t n = 1;

	for (size_t i = 0; i < CHANGES; i++)
		tests[n++] = (struct CMUnitTest){ .name = changes[i].name,
						  .test_func = test_change,
						  .initial_state = (void *)&changes[i] };
	for (size_t i = 0; i < READS; i++)
		tests[n++] = (struct CMUnitTest){ .name = reads[i].name,
						  .test_func = test_read,
						  .initial_state = (void *)&reads[i] };
	net_enter();
	make_starts();
	return _cmocka_run_group_tests("kernel small", tests, n, NULL, NULL);
}
