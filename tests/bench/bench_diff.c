// How long a diff of two policies takes, plans already made: median of ROUNDS in milliseconds, and
// how many rows it has.
//
//   bench_diff ROUNDS DIR DIR
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plan/diff.h"

enum { ROUNDS_MAX = 100 };

static struct plan *plan_of(const char *dir)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;

	if (policy_read_path(dir, diag, &policy, NULL) < 0 ||
	    plan_make(policy, diag, &plan, NULL) < 0)
		diag_print(diag, stderr);
	policy_free(policy);
	diag_free(diag);
	return plan;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int rounds = argc == 4 ? atoi(argv[1]) : 0;
	double took[ROUNDS_MAX];
	struct plan *before, *after;
	size_t rows = 0;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_diff ROUNDS DIR DIR (1 to %d rounds)\n", ROUNDS_MAX);
		return 2;
	}
	before = plan_of(argv[2]);
	after = plan_of(argv[3]);
	if (!before || !after)
		return 1;
	for (int i = 0; i < rounds; i++) {
		double start = now_ms();
		struct plan_diff diff;

		plan_diff(before, after, &diff);
		took[i] = now_ms() - start;
		rows = diff.n + diff.omitted;
		plan_diff_done(&diff);
	}
	qsort(took, (size_t)rounds, sizeof(took[0]), by_value);
	printf("%.2f %zu\n", took[rounds / 2], rows);
	plan_free(before);
	plan_free(after);
	return 0;
}
