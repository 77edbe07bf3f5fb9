// Questions in a table, a thread that asks them, and those who wait.
#include "control/people.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { ENTRY_BYTES_MIN = 16384, ENTRY_BYTES_MAX = 1024 * 1024, GROUPS_MAX = 1024 };

enum asked { NAME_OF_UID, USER, GROUP, MEMBER, UID_IS_MEMBER };

struct question {
	enum asked asked;
	uint32_t uid;
	char user[PEOPLE_NAME_MAX], group[PEOPLE_NAME_MAX];
};

struct answer {
	int error; // 0 or a negative errno
	uint32_t id, gid;
	bool is;
	char name[PEOPLE_NAME_MAX];
};

struct entry {
	struct question question;
	struct answer answer;
	// Turns: of the last time that it was asked for, and of what the answer is to; 0: never.
	uint64_t wanted, answered;
	unsigned waiting;
	bool due;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t asked, answered;
	bool started, forks;
	uint64_t turn;
	uint64_t busy_ms; // since then with one question; 0: with none
	struct entry v[PEOPLE_KEPT];
} people = { .lock = PTHREAD_MUTEX_INITIALIZER,
	     .asked = PTHREAD_COND_INITIALIZER,
	     .answered = PTHREAD_COND_INITIALIZER };

// --- the thread

// What is found needs room: a group with thousands of members more than others.
static int find_user(const char *name, uint32_t uid, struct passwd *user, char **ret_room)
{
	struct passwd *found = NULL;
	int error = ERANGE;

	*ret_room = NULL;
	for (size_t size = ENTRY_BYTES_MIN; error == ERANGE && size <= ENTRY_BYTES_MAX; size *= 4) {
		free(*ret_room);
		*ret_room = malloc(size);
		if (!*ret_room)
			return -ENOMEM;
		error = name ? getpwnam_r(name, user, *ret_room, size, &found)
			     : getpwuid_r(uid, user, *ret_room, size, &found);
	}
	if (error != 0 && error != ENOENT && error != ESRCH)
		return -error;
	return found ? 0 : -ENOENT;
}

static int find_group(const char *name, uint32_t *ret_gid)
{
	struct group group, *found = NULL;
	int error = ERANGE;

	for (size_t size = ENTRY_BYTES_MIN; error == ERANGE && size <= ENTRY_BYTES_MAX; size *= 4) {
		char *room = malloc(size);

		if (!room)
			return -ENOMEM;
		error = getgrnam_r(name, &group, room, size, &found);
		free(room);
	}
	if (error != 0 && error != ENOENT && error != ESRCH)
		return -error;
	if (!found)
		return -ENOENT;
	*ret_gid = group.gr_gid;
	return 0;
}

static int is_member(const struct passwd *user, const char *group, bool *ret_is)
{
	gid_t groups[GROUPS_MAX];
	uint32_t id;
	int n = GROUPS_MAX;
	int r = find_group(group, &id);

	*ret_is = false;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
		return -E2BIG;
	for (int i = 0; i < n; i++)
		*ret_is |= groups[i] == id;
	return 0;
}

static void ask(const struct question *question, struct answer *ret)
{
	bool by_uid = question->asked == NAME_OF_UID || question->asked == UID_IS_MEMBER;
	struct passwd user;
	char *room = NULL;

	*ret = (struct answer){ 0 };
	if (question->asked == GROUP) {
		ret->error = find_group(question->group, &ret->id);
		return;
	}
	ret->error = find_user(by_uid ? NULL : question->user, question->uid, &user, &room);
	if (ret->error == 0) {
		snprintf(ret->name, sizeof(ret->name), "%s", user.pw_name);
		ret->id = user.pw_uid;
		ret->gid = user.pw_gid;
		if (question->asked == MEMBER || question->asked == UID_IS_MEMBER)
			ret->error = is_member(&user, question->group, &ret->is);
	}
	free(room);
}

static struct entry *next_due(void)
{
	struct entry *next = NULL;

	for (size_t i = 0; i < PEOPLE_KEPT; i++)
		if (people.v[i].due && (!next || people.v[i].wanted < next->wanted))
			next = &people.v[i];
	return next;
}

static void *serve(void *arg)
{
	pthread_mutex_lock(&people.lock);
	for (;;) {
		struct entry *entry = next_due();
		struct question question;
		struct answer answer;
		uint64_t turn;

		if (!entry) {
			pthread_cond_wait(&people.asked, &people.lock);
			continue;
		}
		entry->due = false;
		entry->waiting++; // it keeps its place
		question = entry->question;
		turn = people.turn;
		people.busy_ms = monotonic_ms();
		pthread_mutex_unlock(&people.lock);
		ask(&question, &answer);
		pthread_mutex_lock(&people.lock);
		people.busy_ms = 0;
		entry->waiting--;
		entry->answer = answer;
		entry->answered = turn;
		pthread_cond_broadcast(&people.answered);
	}
	return arg;
}

// A child that was forked has no such thread, and perhaps a lock that nobody will open.
static void on_fork(void)
{
	pthread_mutex_init(&people.lock, NULL);
	pthread_cond_init(&people.asked, NULL);
	pthread_cond_init(&people.answered, NULL);
	people.started = false;
	people.busy_ms = 0;
	for (size_t i = 0; i < PEOPLE_KEPT; i++)
		people.v[i].waiting = 0;
}

// With the lock held.  Signals are others' business.
static void start(void)
{
	sigset_t all, before;
	pthread_t thread;

	if (people.started)
		return;
	if (!people.forks)
		people.forks = pthread_atfork(NULL, NULL, on_fork) == 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	people.started = pthread_create(&thread, NULL, serve, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (people.started)
		pthread_detach(thread);
}

// --- those who want to know

static bool same(const struct question *a, const struct question *b)
{
	return a->asked == b->asked && a->uid == b->uid && strcmp(a->user, b->user) == 0 &&
	       strcmp(a->group, b->group) == 0;
}

// With the lock held: its entry, or the place of the one that was asked for longest ago.
static struct entry *place_of(const struct question *question)
{
	struct entry *oldest = NULL;

	for (size_t i = 0; i < PEOPLE_KEPT; i++) {
		struct entry *entry = &people.v[i];

		if (entry->wanted && same(&entry->question, question))
			return entry;
		if (!entry->waiting && (!oldest || entry->wanted < oldest->wanted))
			oldest = entry;
	}
	if (oldest)
		*oldest = (struct entry){ .question = *question };
	return oldest;
}

static bool all_answered(struct entry *const *entries, size_t n, uint64_t turn)
{
	for (size_t i = 0; i < n; i++)
		if (entries[i] && entries[i]->answered < turn)
			return false;
	return true;
}

// What hangs already for that long is not waited for.
static void wait_for(struct entry *const *entries, size_t n, uint64_t turn, unsigned patience_ms)
{
	uint64_t now = monotonic_ms(), end = now + patience_ms, until;

	for (; !all_answered(entries, n, turn); now = monotonic_ms()) {
		struct timespec time;

		until = end;
		if (people.busy_ms && people.busy_ms + patience_ms < until)
			until = people.busy_ms + patience_ms;
		if (now >= until)
			return;
		time.tv_sec = (time_t)(until / 1000);
		time.tv_nsec = (long)(until % 1000) * 1000000;
		pthread_cond_clockwait(&people.answered, &people.lock, CLOCK_MONOTONIC, &time);
	}
}

// Answers that are not new are marked so by ret_new; one that never came has the error -ETIMEDOUT.
static void want(const struct question *questions, size_t n, unsigned patience_ms,
		 struct answer *ret_answers, bool *ret_new)
{
	struct entry *entries[PEOPLE_ASKED_MAX];
	uint64_t turn;

	pthread_mutex_lock(&people.lock);
	turn = ++people.turn;
	for (size_t i = 0; i < n; i++) {
		entries[i] = place_of(&questions[i]);
		if (!entries[i])
			continue;
		entries[i]->wanted = turn;
		entries[i]->due = true;
		entries[i]->waiting++;
	}
	start();
	pthread_cond_signal(&people.asked);
	wait_for(entries, n, turn, patience_ms);
	for (size_t i = 0; i < n; i++) {
		bool known = entries[i] && entries[i]->answered;

		ret_answers[i] =
			known ? entries[i]->answer : (struct answer){ .error = -ETIMEDOUT };
		ret_new[i] = known && entries[i]->answered >= turn;
		if (entries[i])
			entries[i]->waiting--;
	}
	pthread_mutex_unlock(&people.lock);
}

static int want_new(enum asked asked, uint32_t uid, const char *user, const char *group,
		    struct answer *ret)
{
	struct question question = { .asked = asked, .uid = uid };
	bool is_new;

	if (strlen(user) >= PEOPLE_NAME_MAX || strlen(group) >= PEOPLE_NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(question.user, user);
	strcpy(question.group, group);
	want(&question, 1, PEOPLE_DECISION_MS, ret, &is_new);
	return is_new ? ret->error : -ETIMEDOUT;
}

const char *people_name(uint32_t uid, bool now, char out[PEOPLE_SHOWN_MAX])
{
	const struct question question = { .asked = NAME_OF_UID, .uid = uid };
	struct answer answer;
	bool is_new;

	want(&question, 1, now ? 0 : PEOPLE_WAIT_MS, &answer, &is_new);
	if (answer.error == 0)
		snprintf(out, PEOPLE_SHOWN_MAX, "%.*s", PEOPLE_SHOWN_MAX - 1, answer.name);
	else
		snprintf(out, PEOPLE_SHOWN_MAX, "uid %u", uid);
	return out;
}

// NAME:PASSWORD:GID:MEMBERS, from a plain file only: this one must not hang.
static int find_local(const char *name, uint32_t *ret_gid)
{
	char *line = NULL;
	size_t room = 0, length = strlen(name);
	struct stat st;
	int fd = open("/etc/group", O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = -EAGAIN;
	FILE *in = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;

	while (in && r < 0 && getline(&line, &room, in) > 0)
		if (strncmp(line, name, length) == 0 && line[length] == ':' &&
		    sscanf(line + length, ":%*[^:]:%u", ret_gid) == 1)
			r = 0;
	free(line);
	if (in)
		fclose(in);
	else if (fd >= 0)
		close(fd);
	return r;
}

void people_groups(const char *const *names, size_t n, uint32_t *ret_ids, int *ret_errors)
{
	struct question questions[PEOPLE_ASKED_MAX] = { { 0 } };
	struct answer answers[PEOPLE_ASKED_MAX];
	bool is_new[PEOPLE_ASKED_MAX];

	for (size_t i = 0; i < n; i++) {
		questions[i].asked = GROUP;
		snprintf(questions[i].group, PEOPLE_NAME_MAX, "%s", names[i]);
	}
	want(questions, n, PEOPLE_WAIT_MS, answers, is_new);
	for (size_t i = 0; i < n; i++) {
		ret_ids[i] = answers[i].id;
		ret_errors[i] = answers[i].error;
		if (answers[i].error == -ETIMEDOUT)
			ret_errors[i] = find_local(names[i], &ret_ids[i]);
	}
}

int people_user(const char *name, uint32_t *ret_uid, uint32_t *ret_gid)
{
	struct answer answer;
	int r = want_new(USER, 0, name, "", &answer);

	if (r < 0)
		return r;
	*ret_uid = answer.id;
	*ret_gid = answer.gid;
	return 0;
}

int people_group(const char *name, uint32_t *ret_gid)
{
	struct answer answer;
	int r = want_new(GROUP, 0, "", name, &answer);

	if (r < 0)
		return r;
	*ret_gid = answer.id;
	return 0;
}

int people_is_member(const char *user, const char *group)
{
	struct answer answer;
	int r = want_new(MEMBER, 0, user, group, &answer);

	return r < 0 ? r : answer.is;
}

int people_uid_is_member(uint32_t uid, const char *group)
{
	struct answer answer;
	int r = want_new(UID_IS_MEMBER, uid, "", group, &answer);

	return r < 0 ? r : answer.is;
}
