// Emergency applies and their reviews.
#include "daemon/reviews.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "daemon/isolation.h"
#include "daemon/stored.h"

struct review {
	uint64_t generation;
	struct person by;
	uint64_t usec;
	char reason[REASON_MAX];
};

static int open_all(const struct gate *gate)
{
	if (mkdirat(gate->state_fd, "reviews", 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(gate->state_fd, "reviews", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static void record(struct gate *gate, enum event_kind kind, uint64_t generation,
		   const struct person *by, const char *reason)
{
	struct event event;
	event_init(&event, kind, journal_now_usec());
	event_number(&event, EVENT_GENERATION, generation);
	event_text(&event, EVENT_ACTOR, by->name);
	event_number(&event, EVENT_UID, by->uid);
	if (by->login_uid != CONTROL_NO_LOGIN)
		event_number(&event, EVENT_LOGIN_UID, by->login_uid);
	event_text(&event, EVENT_REASON, reason);
	journal_write(gate->journal, &event);
}

static int read_one(int all_fd, uint64_t number, struct review *ret)
{
	struct json_object *object;
	char name[32];
	snprintf(name, sizeof(name), "%" PRIu64, number);
	int r = stored_read(all_fd, name, &object);
	if (r < 0)
		return r;
	*ret = (struct review){ .generation = number, .usec = stored_number(object, "usec") };
	stored_person(object, "by", &ret->by);
	stored_text(object, "reason", ret->reason, sizeof(ret->reason));
	json_object_put(object);
	return 0;
}

int reviews_prepare(struct gate *gate, const struct generation_about *about, const char *reason,
		    struct failure *failure)
{
	struct json_object *object = json_object_new_object();
	char name[32];
	int all_fd = open_all(gate);
	snprintf(name, sizeof(name), "%" PRIu64, about->number);
	stored_put_number(object, "generation", about->number);
	stored_put_person(object, "by", &about->by);
	stored_put_number(object, "usec", about->applied_usec);
	stored_put_text(object, "reason", reason);
	int r = all_fd;
	if (all_fd < 0)
		json_object_put(object);
	else
		r = stored_write(all_fd, name, object);
	if (all_fd >= 0)
		close(all_fd);
	fault_point("review-opened");
	return r < 0 ? failure_set(failure, SK_STATE_UNWRITABLE, r, "the open review: %s",
				   strerror(-r))
		     : 0;
}

void reviews_drop(struct gate *gate, uint64_t number)
{
	char name[32];
	int all_fd = open_all(gate);
	snprintf(name, sizeof(name), "%" PRIu64, number);
	if (all_fd < 0)
		return;
	stored_remove(all_fd, name);
	close(all_fd);
}

void reviews_record(struct gate *gate, const struct generation_about *about, const char *reason)
{
	isolation_write_motd(gate);
	record(gate, EVENT_EMERGENCY_APPLIED, about->number, &about->by, reason);
}

size_t reviews_list(const struct gate *gate, uint64_t *ret, size_t max)
{
	return generation_list_of(open_all(gate), ret, max);
}

static int may_close(const struct gate *gate, const struct review *review, const struct person *by,
		     const struct directory *directory, struct failure *failure)
{
	const struct control_rows *section = &gate->current.report.approval;
	struct approval_need need;
	char today[16], groups[512];
	time_t now = time(NULL);
	struct tm tm;
	localtime_r(&now, &tm);
	strftime(today, sizeof(today), "%Y-%m-%d", &tm);
	approval_need(section, &(struct approval_change){ .unknown = true }, &need);
	if (person_is_anybody(by, failure))
		return -EPERM;
	if (!person_differs(by, &review->by))
		return failure_set(failure, SK_APPROVAL_OWN, -EPERM,
				   "the emergency apply was yours; another person must review it");
	if (approval_may(section, &need, by, today, directory))
		return 0;
	return failure_set(failure, SK_APPROVAL_NOT_YOURS, -EPERM,
			   "the review is for members of %s",
			   approval_groups(section, &need, groups, sizeof(groups)));
}

// The record has it before the review is gone: a daemon that dies in between leaves it open.
static int close_one(struct gate *gate, int all_fd, uint64_t number, const struct person *by,
		     const char *reason, const struct directory *directory, struct failure *failure)
{
	struct review review;
	char name[32];
	snprintf(name, sizeof(name), "%" PRIu64, number);
	if (read_one(all_fd, number, &review) == -ENOENT)
		return failure_set(failure, SK_REVIEW_UNKNOWN, -ENOENT,
				   "generation %" PRIu64 " has no open review", number);
	int r = may_close(gate, &review, by, directory, failure);
	if (r < 0)
		return r;
	record(gate, EVENT_REVIEWED, number, by, reason);
	gate_flush(gate);
	fault_point("review-recorded");
	r = stored_remove(all_fd, name);
	fault_point("review-closed");
	return r < 0 ? failure_set(failure, SK_STATE_UNWRITABLE, r, "the open review: %s",
				   strerror(-r))
		     : 0;
}

int reviews_close(struct gate *gate, uint64_t number, const char *reason,
		  const struct control_peer *peer, const struct directory *directory,
		  struct failure *failure)
{
	struct person by;
	int all_fd = open_all(gate);
	person_of_peer(peer, &by);
	if (all_fd < 0)
		return failure_set(failure, SK_STATE_UNWRITABLE, all_fd, "the open reviews: %s",
				   strerror(-all_fd));
	int r = close_one(gate, all_fd, number, &by, reason, directory, failure);
	close(all_fd);
	if (r == 0)
		isolation_write_motd(gate);
	return r;
}

void reviews_put_motd(const struct gate *gate, FILE *out)
{
	uint64_t numbers[REVIEWS_MAX];
	size_t n = reviews_list(gate, numbers, REVIEWS_MAX);
	if (n)
		fprintf(out,
			"*** 緊急適用の見直し待ち / EMERGENCY APPLIES TO REVIEW: %zu   sekisho history\n",
			n);
}

void reviews_nag(struct gate *gate)
{
	uint64_t numbers[REVIEWS_MAX], now = boot_now_usec();
	if (gate->nagged_usec && now - gate->nagged_usec < REVIEW_NAG_SECONDS * 1000000ULL)
		return;
	gate->nagged_usec = now;
	size_t n = reviews_list(gate, numbers, REVIEWS_MAX);
	int all_fd = n ? open_all(gate) : -1;
	for (size_t i = 0; all_fd >= 0 && i < n; i++) {
		struct review review;
		if (read_one(all_fd, numbers[i], &review) == 0)
			record(gate, EVENT_REVIEW_OPEN, review.generation, &review.by,
			       review.reason);
	}
	if (all_fd >= 0)
		close(all_fd);
}
