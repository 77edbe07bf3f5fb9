// How long a policy takes to get into the kernel: Sekisho's commit, a bare netlink batch of the
// very same bytes, and nft reading the same ruleset as text.  In a network namespace of its own;
// medians of interleaved rounds, one JSON line a figure.
//
//   bench_load [FLOWS ...]     default: 1000 10000 50000
//
// The bare batch is what the commit sent, caught on its way: sendmsg() below stands before libc's.
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_tables.h>

#include "base/diag.h"
#include "compile/compile.h"
#include "kernel/kernel.h"
#include "kernel/link.h"
#include "plan/plan.h"
#include "policy/policy.h"

enum { ROUNDS = 5, ZONES = 50, SETTLE_US = 200000, TEXT_MAX = 512 };

static struct {
	char *bytes;
	size_t size;
} caught;

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	const struct iovec *part = msg->msg_iov;

	if (msg->msg_iovlen == 1 && part->iov_len > caught.size) {
		caught.bytes = realloc(caught.bytes, part->iov_len);
		caught.size = part->iov_len;
		memcpy(caught.bytes, part->iov_base, part->iov_len);
	}
	return syscall(SYS_sendmsg, fd, msg, flags);
}

static double now_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_load: %s\n", what);
	exit(1);
}

static struct ruleset *compile_dir(const char *dir, uint64_t generation)
{
	const struct compile_options options = { .generation = generation };
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	struct ruleset *ruleset = NULL;

	if (policy_read_path(dir, diag, &policy, NULL) < 0 ||
	    plan_make(policy, diag, &plan, NULL) < 0 ||
	    compile(plan, &options, diag, &ruleset) < 0) {
		diag_print(diag, stderr);
		die("the policy does not compile");
	}
	plan_free(plan);
	policy_free(policy);
	diag_free(diag);
	return ruleset;
}

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
	char command[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		die(command);
}

static double time_commit(struct kernel *kernel, const struct ruleset *next,
			  const struct ruleset *previous)
{
	struct kernel_error error;
	double begin = now_ms();

	if (kernel_commit(kernel, next, previous, NULL, 0, &error) < 0)
		die(error.text);
	return now_ms() - begin;
}

// The batch opens with the counter of transactions it expects: the only bytes that change.
static double time_bare(const struct ruleset *ruleset)
{
	struct batch batch = { .bytes = caught.bytes, .used = caught.size };
	struct nlmsghdr *nlh = (struct nlmsghdr *)caught.bytes;
	struct link link;
	uint32_t genid;
	double begin, took;

	(void)ruleset;
	if (link_open(&link, -1) < 0 || link_genid(&link, &genid) < 0)
		die("no netlink socket");
	genid = htonl(genid);
	memcpy(caught.bytes + NLMSG_HDRLEN + sizeof(struct nfgenmsg) + sizeof(struct nlattr),
	       &genid, sizeof(genid));
	batch.first_seq = nlh->nlmsg_seq;
	batch.marks.n = UINT32_MAX - 1; // any answer is its own
	begin = now_ms();
	if (link_send(&link, &batch, NULL, NULL) < 0)
		die("the kernel refused the bare batch");
	took = now_ms() - begin;
	batch_begin(&batch, 1, NULL);
	mnl_attr_put_strz(batch_message(&batch, NFT_MSG_DELTABLE, 0, (struct batch_mark){ 0 }), 1,
			  "sekisho");
	batch_end(&batch, true);
	if (link_send(&link, &batch, NULL, NULL) < 0)
		die("the bare table does not go");
	batch_done(&batch);
	link_close(&link);
	return took;
}

static double time_nft(const char *path)
{
	double begin = now_ms(), took;

	run("nft -f %s", path);
	took = now_ms() - begin;
	run("nft delete table inet sekisho");
	return took;
}

static int by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	       (*(const double *)a < *(const double *)b);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

static void figure(unsigned flows, const char *what, const char *peer, double value, double of)
{
	printf("{\"what\":\"%s, %u flows\",\"peer\":\"%s\",\"value\":%.2f,\"unit\":\"ms\",", what,
	       flows, peer, value);
	if (of > 0)
		printf("\"ratio\":%.3f}\n", value / of);
	else
		printf("\"ratio\":null}\n");
	fflush(stdout);
}

struct rulesets {
	struct ruleset *first, *second; // the second has a flow more
	char text[TEXT_MAX];		// path of the first's nft syntax
};

static void make_rulesets(struct rulesets *rulesets, const char *work, const char *self,
			  unsigned flows)
{
	const char *slash = strrchr(self, '/');
	FILE *out;

	run("rm -rf %s/policy && %.*sbench_policy %d %u %s/policy", work,
	    slash ? (int)(slash - self + 1) : 0, self, ZONES, flows, work);
	snprintf(rulesets->text, sizeof(rulesets->text), "%s/policy", work);
	rulesets->first = compile_dir(rulesets->text, 1);
	run("echo '  - { id: extra, from: z3, to: z4/h1, services: tcp/4321 }' >> "
	    "%s/policy/policy.yaml",
	    work);
	rulesets->second = compile_dir(rulesets->text, 2);
	snprintf(rulesets->text, sizeof(rulesets->text), "%s/ruleset.nft", work);
	out = fopen(rulesets->text, "w");
	if (!out)
		die("no file for the ruleset's text");
	ruleset_print(rulesets->first, out);
	fclose(out);
}

static void bench(const char *work, const char *self, unsigned flows)
{
	double commits[ROUNDS], bares[ROUNDS], nfts[ROUNDS], ones[ROUNDS], reads[ROUNDS];
	struct rulesets rulesets;
	struct kernel *kernel;
	char report[TEXT_MAX];

	make_rulesets(&rulesets, work, self, flows);
	caught.size = 0;
	if (kernel_open(-1, &kernel) < 0)
		die("no netlink socket");
	kernel_features(kernel);
	for (int i = 0; i < ROUNDS; i++) {
		commits[i] = time_commit(kernel, rulesets.first, NULL);
		reads[i] = now_ms();
		if (kernel_verify(kernel, rulesets.first, report, sizeof(report)))
			die(report);
		reads[i] = now_ms() - reads[i];
		ones[i] = time_commit(kernel, rulesets.second, rulesets.first);
		kernel_remove(kernel);
		usleep(SETTLE_US);
		bares[i] = time_bare(rulesets.first);
		usleep(SETTLE_US);
		nfts[i] = time_nft(rulesets.text);
		usleep(SETTLE_US);
	}
	kernel_close(kernel);
	fprintf(stderr, "%u flows: %zu chains, %zu rules, %zu sets, %zu elements, %zu bytes\n",
		flows, rulesets.first->n_chains, rulesets.first->n_rules, rulesets.first->n_sets,
		rulesets.first->n_elems, caught.size);
	figure(flows, "load", "bare batch of the same messages", median(commits), median(bares));
	figure(flows, "load", "nft -f of the same ruleset", median(commits), median(nfts));
	figure(flows, "one flow more", "load", median(ones), median(commits));
	figure(flows, "read-back", "load", median(reads), median(commits));
	ruleset_free(rulesets.first);
	ruleset_free(rulesets.second);
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = { 1000, 10000, 50000 };
	char work[] = "/tmp/bench_load.XXXXXX";

	if (unshare(CLONE_NEWNET) < 0 || !mkdtemp(work))
		die("needs root, and a folder in /tmp");
	if (argc > 1)
		for (int i = 1; i < argc; i++)
			bench(work, argv[0], (unsigned)atoi(argv[i]));
	else
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			bench(work, argv[0], sizes[i]);
	run("rm -rf %s", work);
	return 0;
}
