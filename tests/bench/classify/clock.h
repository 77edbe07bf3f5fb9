// Clocks and orders of samples.  What is measured is processor time: the machine may have other
// work, and a long pass would meet more of it than a short one.
#ifndef SEKISHO_BENCH_CLASSIFY_CLOCK_H
#define SEKISHO_BENCH_CLASSIFY_CLOCK_H

#include <stdlib.h>
#include <time.h>

static inline double clock_read_ns(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static inline double clock_ns(void) // of this thread's processor time
{
	return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline int samples_compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

// Sorts them.
static inline double samples_median(double *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), samples_compare);
	return n ? samples[(n - 1) / 2] : 0;
}

#endif
