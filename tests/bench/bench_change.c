// What a change of one flow costs: a flow more, a flow less, another service, another address;
// tried with flows picked all over a policy of many, medians told.  In a network namespace of its
// own; one JSON line a figure.
//
//   bench_change [FLOWS ...]     default: 1000 10000 50000
//
// The kernel works through a batch within sendmsg(), so what the sends take is what the change
// costs it: by the clock, and as processor time, which other work on the machine does not add to.
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/vec.h"
#include "compile/compile.h"
#include "kernel/kernel.h"
#include "plan/plan.h"
#include "policy/policy.h"

enum { PICKS = 9, ZONES = 50, HOSTS = 200, TEXT_MAX = 512, SETTLE_US = 30000 };

static double now_ms(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

// Of the batches of one commit.
static struct {
	double clock, processor;
} spent;

// Stands before libc's; batches are sent this way, requests are not.
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	double clock = now_ms(CLOCK_MONOTONIC), processor = now_ms(CLOCK_THREAD_CPUTIME_ID);
	ssize_t n = syscall(SYS_sendmsg, fd, msg, flags);

	spent.processor += now_ms(CLOCK_THREAD_CPUTIME_ID) - processor;
	spent.clock += now_ms(CLOCK_MONOTONIC) - clock;
	return n;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_change: %s\n", what);
	exit(1);
}

// --- policies

typedef VEC(char *) lines;

static void read_lines(const char *path, lines *out)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	if (!file)
		die("no policy");
	while (getline(&line, &size, file) > 0) {
		vec_push(out, line);
		line = NULL;
	}
	free(line);
	fclose(file);
}

static size_t first_flow(const lines *policy)
{
	for (size_t i = 0; i < policy->n; i++)
		if (strstr(policy->v[i], "id: f"))
			return i;
	die("no flows");
	return 0;
}

// The policy without one line (SIZE_MAX: with all), and with one more.
static struct ruleset *compile_lines(const lines *policy, size_t without, const char *more,
				     const char *folder, uint64_t generation)
{
	const struct compile_options options = { .generation = generation };
	struct diag *diag = diag_new();
	struct pol_policy *read = NULL;
	struct plan *plan = NULL;
	struct ruleset *ruleset = NULL;
	char path[TEXT_MAX];
	FILE *out;

	snprintf(path, sizeof(path), "%s/policy.yaml", folder);
	out = fopen(path, "w");
	if (!out)
		die("no file for the policy");
	for (size_t i = 0; i < policy->n; i++)
		if (i != without)
			fputs(policy->v[i], out);
	fputs(more, out);
	fclose(out);
	if (policy_read_path(folder, diag, &read, NULL) < 0 ||
	    plan_make(read, diag, &plan, NULL) < 0 || compile(plan, &options, diag, &ruleset) < 0) {
		diag_print(diag, stderr);
		die("the policy does not compile");
	}
	plan_free(plan);
	policy_free(read);
	diag_free(diag);
	return ruleset;
}

// --- the kinds of change

enum change { MORE, LESS, SERVICE, ADDRESS, CHANGES };

static const char *const change_names[CHANGES] = {
	[MORE] = "a flow more",
	[LESS] = "a flow less",
	[SERVICE] = "another service",
	[ADDRESS] = "another address",
};

// Puts value in place of what stands after key, to the sign `end`.
static void put_value(char line[TEXT_MAX], const char *key, const char *value, char end)
{
	char *at = strstr(line, key), *rest, tail[TEXT_MAX];

	if (!at || !(rest = strchr(at, end)))
		die(line);
	snprintf(tail, sizeof(tail), "%s", rest);
	at += strlen(key);
	snprintf(at, (size_t)(TEXT_MAX - (at - line)), "%s%s", value, tail);
}

static void put_address(char line[TEXT_MAX], unsigned pick)
{
	const char *at = strstr(line, "to: z");
	char value[64];

	if (!at)
		die(line);
	snprintf(value, sizeof(value), "z%d/h%u", atoi(at + 5), (pick * 37 + 11) % HOSTS);
	put_value(line, "to: ", value, ',');
}

static struct ruleset *make_change(const lines *policy, enum change change, unsigned pick,
				   const char *folder)
{
	size_t first = first_flow(policy);
	size_t at = first + (policy->n - first) * (pick * 2 + 1) / (PICKS * 2);
	char line[TEXT_MAX];

	if (change == LESS)
		return compile_lines(policy, at, "", folder, 2);
	snprintf(line, sizeof(line), "%s", policy->v[at]);
	if (change == SERVICE || (change == MORE && pick % 2))
		put_value(line, "services: ", pick % 2 ? "tcp/4321 " : "http ", '}');
	if (change == ADDRESS || change == MORE)
		put_address(line, pick);
	if (change != MORE)
		return compile_lines(policy, at, line, folder, 2);
	strstr(line, "id: f")[4] = 'x';
	return compile_lines(policy, SIZE_MAX, line, folder, 2);
}

// --- timing

enum part { CLOCK, PROCESSOR, COMMIT, READ_BACK, PARTS };

static const char *const part_names[PARTS] = {
	[CLOCK] = "kernel, by the clock",
	[PROCESSOR] = "kernel, processor time",
	[COMMIT] = "commit",
	[READ_BACK] = "read-back",
};

static void commit(struct kernel *kernel, const struct ruleset *next,
		   const struct ruleset *previous, double parts[PARTS])
{
	struct kernel_error error;
	char report[TEXT_MAX];
	double begin = now_ms(CLOCK_MONOTONIC);
	int r;

	memset(&spent, 0, sizeof(spent));
	if (kernel_commit(kernel, next, previous, NULL, 0, &error) < 0)
		die(error.text);
	parts[COMMIT] = now_ms(CLOCK_MONOTONIC) - begin;
	parts[CLOCK] = spent.clock;
	parts[PROCESSOR] = spent.processor;
	begin = now_ms(CLOCK_MONOTONIC);
	r = previous ? kernel_verify_commit(kernel, next, previous, report, sizeof(report))
		     : kernel_verify(kernel, next, report, sizeof(report));
	if (r)
		die(report);
	parts[READ_BACK] = now_ms(CLOCK_MONOTONIC) - begin;
	usleep(SETTLE_US);
}

static int by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	       (*(const double *)a < *(const double *)b);
}

static void figure(unsigned flows, enum change change, enum part part, double samples[PICKS][PARTS])
{
	double values[PICKS];

	for (int i = 0; i < PICKS; i++)
		values[i] = samples[i][part];
	qsort(values, PICKS, sizeof(*values), by_value);
	printf("{\"what\":\"%s among %u: %s\",\"peer\":\"%s\",\"value\":%.3f,\"unit\":\"ms\","
	       "\"ratio\":%.3f}\n",
	       change_names[change], flows, part_names[part],
	       part == PROCESSOR ? "goal of 1 ms" : "its worst", values[PICKS / 2],
	       part == PROCESSOR ? values[PICKS / 2] : values[PICKS / 2] / values[PICKS - 1]);
	fflush(stdout);
}

static void bench(const char *work, const char *self, unsigned flows)
{
	const char *slash = strrchr(self, '/');
	char folder[TEXT_MAX], text[2 * TEXT_MAX];
	double samples[PICKS][PARTS], back[PARTS];
	struct ruleset *base;
	struct kernel *kernel;
	lines policy = { 0 };

	snprintf(folder, sizeof(folder), "%s/policy", work);
	snprintf(text, sizeof(text), "rm -rf %s && %.*sbench_policy %d %u %s", folder,
		 slash ? (int)(slash - self + 1) : 0, self, ZONES, flows, folder);
	if (system(text) || kernel_open(-1, &kernel) < 0)
		die("no policy, or no netlink socket");
	snprintf(text, sizeof(text), "%s/policy.yaml", folder);
	read_lines(text, &policy);
	base = compile_lines(&policy, SIZE_MAX, "", folder, 1);
	commit(kernel, base, NULL, back);
	for (enum change change = 0; change < CHANGES; change++) {
		for (unsigned pick = 0; pick < PICKS; pick++) {
			struct ruleset *next = make_change(&policy, change, pick, folder);

			commit(kernel, next, base, samples[pick]);
			commit(kernel, base, next, back);
			ruleset_free(next);
		}
		for (enum part part = 0; part < PARTS; part++)
			figure(flows, change, part, samples);
	}
	kernel_remove(kernel);
	kernel_close(kernel);
	ruleset_free(base);
	for (size_t i = 0; i < policy.n; i++)
		free(policy.v[i]);
	vec_done(&policy);
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = { 1000, 10000, 50000 };
	char work[] = "/tmp/bench_change.XXXXXX", command[TEXT_MAX];

	if (unshare(CLONE_NEWNET) < 0 || !mkdtemp(work))
		die("needs root, and a folder in /tmp");
	if (argc > 1)
		for (int i = 1; i < argc; i++)
			bench(work, argv[0], (unsigned)atoi(argv[i]));
	else
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			bench(work, argv[0], sizes[i]);
	snprintf(command, sizeof(command), "rm -rf %s", work);
	return system(command) ? 1 : 0;
}
