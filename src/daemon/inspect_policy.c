#include "daemon/inspect_policy.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "daemon/countries_input.h"
#include "daemon/mail_profile.h"
#include "daemon/snapshot.h"
#include "plan/plan.h"

struct job {
	uint64_t generation;
	int snapshot, countries; // -1: there is none
};

struct inspect_planner {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news, started;
	struct job job;
	struct inspect_policy *made;
	bool runs;
	int fd;
};

void inspect_policy_free(struct inspect_policy *policy)
{
	if (!policy)
		return;
	arena_free(policy->arena);
	free(policy);
}

static int make_profiles(const struct snapshot *snapshot, const struct geo_known *countries,
			 struct inspect_policy *ret)
{
	struct diag *diag = diag_new();
	struct plan *plan = NULL;
	int r = snapshot_plan(snapshot, countries, diag, &plan);
	if (r == 0)
		r = mail_profiles_make(plan, ret->arena, &ret->profiles);
	if (r < 0 && diag_count(diag))
		snprintf(ret->why, sizeof(ret->why), "the policy has faults: %s",
			 diag_at(diag, 0)->message);
	plan_free(plan);
	diag_free(diag);
	return r;
}

static void make(const struct job *job, struct inspect_policy *ret)
{
	struct countries_input countries = { 0 };
	struct snapshot snapshot = { 0 };
	int r = snapshot_map(job->snapshot, &snapshot);
	if (r == 0)
		r = countries_input_map(job->countries, &countries);
	if (r == 0)
		r = make_profiles(&snapshot, countries_input_known(&countries), ret);
	if (r < 0 && !ret->why[0])
		snprintf(ret->why, sizeof(ret->why), "the policy cannot be planned: %s",
			 strerror(-r));
	ret->error = r;
	snapshot_done(&snapshot);
	if (countries.map)
		munmap(countries.map, countries.size);
}

static void close_job(struct job *job)
{
	if (job->snapshot >= 0) {
		close(job->snapshot);
		close(job->countries);
	}
	job->snapshot = -1;
}

static void *run(void *arg)
{
	struct inspect_planner *planner = arg;
	const uint64_t one = 1;
	pthread_mutex_lock(&planner->lock);
	planner->runs = true;
	pthread_cond_signal(&planner->started);
	pthread_mutex_unlock(&planner->lock);
	for (;;) {
		struct inspect_policy *policy = calloc(1, sizeof(*policy));
		pthread_mutex_lock(&planner->lock);
		while (planner->job.snapshot < 0)
			pthread_cond_wait(&planner->news, &planner->lock);
		struct job job = planner->job;
		planner->job.snapshot = -1;
		pthread_mutex_unlock(&planner->lock);
		if (!policy)
			abort(); // another process begins anew
		policy->arena = arena_new();
		policy->generation = job.generation;
		make(&job, policy);
		close_job(&job);
		pthread_mutex_lock(&planner->lock);
		inspect_policy_free(planner->made); // nobody has taken it, and there is a newer one
		planner->made = policy;
		pthread_mutex_unlock(&planner->lock);
		if (write(planner->fd, &one, sizeof(one)) < 0)
			abort();
	}
	return NULL;
}

int inspect_planner_start(struct inspect_planner **ret_planner)
{
	struct inspect_planner *planner = calloc(1, sizeof(*planner));
	int r;
	if (!planner)
		return -ENOMEM;
	planner->job.snapshot = -1;
	planner->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = planner->fd < 0 ? -errno : 0;
	if (r == 0)
		r = -pthread_mutex_init(&planner->lock, NULL);
	if (r == 0)
		r = -pthread_cond_init(&planner->news, NULL);
	if (r == 0)
		r = -pthread_cond_init(&planner->started, NULL);
	if (r == 0)
		r = -pthread_create(&planner->thread, NULL, run, planner);
	if (r < 0) {
		free(planner);
		return r;
	}
	// A thread's own beginning needs system calls that nobody may make later.
	pthread_mutex_lock(&planner->lock);
	while (!planner->runs)
		pthread_cond_wait(&planner->started, &planner->lock);
	pthread_mutex_unlock(&planner->lock);
	*ret_planner = planner;
	return 0;
}

int inspect_planner_fd(const struct inspect_planner *planner)
{
	return planner->fd;
}

void inspect_planner_put(struct inspect_planner *planner, uint64_t generation, int snapshot_fd,
			 int countries_fd)
{
	pthread_mutex_lock(&planner->lock);
	close_job(&planner->job);
	planner->job = (struct job){ generation, snapshot_fd, countries_fd };
	pthread_cond_signal(&planner->news);
	pthread_mutex_unlock(&planner->lock);
}

struct inspect_policy *inspect_planner_take(struct inspect_planner *planner)
{
	struct inspect_policy *made;
	uint64_t count;
	if (read(planner->fd, &count, sizeof(count)) < 0)
		return NULL;
	pthread_mutex_lock(&planner->lock);
	made = planner->made;
	planner->made = NULL;
	pthread_mutex_unlock(&planner->lock);
	return made;
}
