// How long a country takes from the database to the kernel, by parts, and how long an exchange of
// the database takes.  In a network namespace of its own; medians, one JSON line a figure.
//
//   bench_geo DATABASE COUNTRY [ROUNDS]
//
// Loading is check (the policy read and planned, the country's ranges from a table), compile and
// commit. Making the table of the file is a child's work before that, and told apart.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "compile/compile.h"
#include "geo/known.h"
#include "geo/maker.h"
#include "geo/mmdb.h"
#include "kernel/kernel.h"
#include "plan/plan.h"
#include "policy/policy.h"

enum { ROUNDS_MAX = 100, GOAL_MS = 200 };

static const char policy_text[] =
	"zones:\n"
	"  internet: { role: external, interfaces: [wan] }\n"
	"  dmz: { role: server, interfaces: [dmz0], networks: [192.0.2.0/24, '2001:db8:40::/64'] }\n"
	"networks:\n"
	"  internet/country: { country: [%s] }\n"
	"  dmz/vpn: [192.0.2.10, '2001:db8:40::10']\n"
	"  dmz/bastion: [192.0.2.11, '2001:db8:40::11']\n"
	"  dmz/web: [192.0.2.20, '2001:db8:40::20']\n"
	"flows:\n"
	"  - { id: vpn, from: internet/country, to: dmz/vpn, services: [tcp/443, udp/1194] }\n"
	"  - { id: ssh, from: internet/country, to: dmz/bastion, services: [ssh], log: true }\n"
	"  - { id: web, from: internet, to: dmz/web, services: [https] }\n"
	"assertions:\n"
	"  - { id: a, never: { from: internet, to: dmz/vpn, services: [ssh] } }\n";

static double times[8][ROUNDS_MAX];
static int rounds = 9;

static double now_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_geo: %s\n", what);
	exit(1);
}

static int by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	       (*(const double *)a < *(const double *)b);
}

static double median(double *values)
{
	qsort(values, (size_t)rounds, sizeof(*values), by_value);
	return values[rounds / 2];
}

static void figure(const char *country, const char *what, const char *peer, double value, double of)
{
	printf("{\"what\":\"%s %s\",\"peer\":\"%s\",\"value\":%.2f,\"unit\":\"ms\",", what, country,
	       peer, value);
	if (of > 0)
		printf("\"ratio\":%.3f}\n", value / of);
	else
		printf("\"ratio\":null}\n");
	fflush(stdout);
}

static void import(const char *path, void **ret_bytes, size_t *ret_size)
{
	char why[MMDB_WHY_MAX];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	int copy;

	if (file < 0 || mmdb_copy(file, &copy, why) < 0 ||
	    mmdb_read(copy, ret_bytes, ret_size, why) < 0)
		die(file < 0 ? path : why);
	close(file);
	close(copy);
}

// Bytes of a table without some ranges of the country: what the next day's database could be.
static struct geo_table shorten(const struct geo_table *from, const char *country)
{
	struct geo_maker *maker = geo_maker_new();
	struct geo_head head = *from->head;
	struct geo_table made;
	void *bytes;
	size_t size;

	for (size_t i = 0; i < head.n_v4; i++) {
		const struct geo_v4 *row = &from->v4[i];
		struct addr_range range = { ADDR_V4, row->lo, row->hi };

		if (memcmp(row->code, country, 2) != 0 || i % 100)
			geo_maker_add(maker, &range, country_find(row->code, 2));
	}
	if (geo_maker_finish(maker, &head, &bytes, &size) < 0 ||
	    geo_table_open(bytes, size, &made) < 0)
		die("no second table");
	geo_maker_free(maker);
	return made;
}

static struct ruleset *make(const char *yaml, const struct geo_known *known, double *ret_check,
			    double *ret_compile)
{
	const struct compile_options options = { .generation = 1 };
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	struct ruleset *ruleset = NULL;
	double begin = now_ms();

	if (policy_read_text("p", yaml, strlen(yaml), diag, &policy, NULL) < 0 ||
	    plan_make_with(policy, known, diag, &plan, NULL) < 0) {
		diag_print(diag, stderr);
		die("the policy has faults");
	}
	*ret_check = now_ms() - begin;
	begin = now_ms();
	if (compile(plan, &options, diag, &ruleset) < 0)
		die("the plan does not compile");
	*ret_compile = now_ms() - begin;
	plan_free(plan);
	policy_free(policy);
	diag_free(diag);
	return ruleset;
}

static double commit(struct kernel *kernel, const struct ruleset *next,
		     const struct ruleset *previous)
{
	struct kernel_error error;
	double begin = now_ms();

	if (kernel_commit(kernel, next, previous, NULL, 0, &error) < 0)
		die(error.text);
	return now_ms() - begin;
}

static void verify(struct kernel *kernel, const struct ruleset *next,
		   const struct ruleset *previous, double *ret)
{
	char report[512] = "";
	double begin = now_ms();

	if (kernel_verify_commit(kernel, next, previous, report, sizeof(report)) != 0)
		die(report);
	*ret = now_ms() - begin;
}

static void round_of(int i, struct kernel *kernel, const char *path, const char *country,
		     const char *yaml)
{
	struct geo_known known = { 0 }, other = { 0 };
	struct ruleset *first, *second;
	double check, build, begin = now_ms();
	void *bytes;
	size_t size;

	import(path, &bytes, &size);
	times[0][i] = now_ms() - begin;
	if (geo_table_open(bytes, size, &known.table) < 0)
		die("no table");
	first = make(yaml, &known, &times[1][i], &times[2][i]);
	times[3][i] = commit(kernel, first, NULL);
	times[4][i] = times[1][i] + times[2][i] + times[3][i];
	other.table = shorten(&known.table, country);
	second = make(yaml, &other, &check, &build);
	times[5][i] = commit(kernel, second, first);
	verify(kernel, second, first, &times[6][i]);
	times[7][i] = check + build + times[5][i] + times[6][i];
	if (i == 0)
		fprintf(stderr, "%s: %zu sets, %zu elements, %zu rules\n", country, first->n_sets,
			first->n_elems, first->n_rules);
	kernel_remove(kernel);
	ruleset_free(first);
	ruleset_free(second);
	free((void *)(uintptr_t)other.table.head);
	free(bytes);
	usleep(100000); // for the kernel to free what was removed
}

int main(int argc, char **argv)
{
	char yaml[sizeof(policy_text) + 64];
	struct kernel *kernel;
	const char *country;

	if (argc < 3 || country_find(argv[2], strlen(argv[2])) == COUNTRY_NONE)
		die("usage: bench_geo DATABASE COUNTRY [ROUNDS]");
	country = argv[2];
	if (argc > 3)
		rounds = atoi(argv[3]);
	if (rounds < 1 || rounds > ROUNDS_MAX || unshare(CLONE_NEWNET) < 0 ||
	    kernel_open(-1, &kernel) < 0)
		die("needs root, and 1 to 100 rounds");
	kernel_features(kernel);
	snprintf(yaml, sizeof(yaml), policy_text, country);
	for (int i = 0; i < rounds; i++)
		round_of(i, kernel, argv[1], country, yaml);
	kernel_close(kernel);
	figure(country, "country, load of", "goal", median(times[4]), GOAL_MS);
	figure(country, "country, check of that,", "load", median(times[1]), median(times[4]));
	figure(country, "country, compile of that,", "load", median(times[2]), median(times[4]));
	figure(country, "country, commit of that,", "load", median(times[3]), median(times[4]));
	figure(country, "database, exchange under", "load", median(times[7]), median(times[4]));
	figure(country, "database, commit of the exchange under", "load", median(times[5]),
	       median(times[4]));
	figure(country, "database, its file to a table, for", "none", median(times[0]), 0);
	return 0;
}
