// Users and groups of a directory that hangs: nobody waits for long, what was known counts on, and
// what comes late is known afterwards.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/people.h"

// The linker takes these: a directory with a door.
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool shut;
	unsigned inside, asked;
	gid_t gid;
} door = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .gid = 702 };

static void pass(void)
{
	pthread_mutex_lock(&door.lock);
	door.asked++;
	door.inside++;
	pthread_cond_broadcast(&door.changed);
	while (door.shut)
		pthread_cond_wait(&door.changed, &door.lock);
	door.inside--;
	pthread_cond_broadcast(&door.changed);
	pthread_mutex_unlock(&door.lock);
}

static void set_door(bool shut)
{
	pthread_mutex_lock(&door.lock);
	door.shut = shut;
	pthread_cond_broadcast(&door.changed);
	pthread_mutex_unlock(&door.lock);
}

static bool hangs(void)
{
	pthread_mutex_lock(&door.lock);
	bool is = door.shut && door.inside;
	pthread_mutex_unlock(&door.lock);
	return is;
}

int getgrnam_r(const char *name, struct group *group, char *storage, size_t size,
	       struct group **result)
{
	(void)storage;
	(void)size;
	pass();
	*result = NULL;
	if (!strcmp(name, "sekisho-isolate")) {
		group->gr_gid = door.gid;
		*result = group;
	}
	return 0;
}

static int user(uid_t uid, struct passwd *entry, struct passwd **result)
{
	static char name[] = "tanaka";
	pass();
	*result = NULL;
	if (uid == 1000) {
		*entry = (struct passwd){ .pw_name = name, .pw_uid = 1000, .pw_gid = 100 };
		*result = entry;
	}
	return 0;
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *storage, size_t size, struct passwd **result)
{
	(void)storage;
	(void)size;
	return user(uid, entry, result);
}

int getpwnam_r(const char *name, struct passwd *entry, char *storage, size_t size,
	       struct passwd **result)
{
	(void)storage;
	(void)size;
	return user(strcmp(name, "tanaka") == 0 ? 1000 : 0, entry, result);
}

int getgrouplist(const char *name, gid_t own, gid_t *groups, int *n)
{
	(void)name;
	groups[0] = own;
	groups[1] = 702;
	return *n = 2;
}

static const char *const roles[] = { "sekisho-isolate", "sekisho-nobody" };

static void answers(void **state)
{
	char name[PEOPLE_SHOWN_MAX];
	uint32_t ids[2], uid, gid;
	int errors[2];
	(void)state;
	assert_string_equal(people_name(1000, false, name), "tanaka");
	assert_string_equal(people_name(1001, false, name), "uid 1001");
	people_groups(roles, 2, ids, errors);
	assert_int_equal(ids[0], 702);
	assert_int_equal(errors[0], 0);
	assert_int_equal(errors[1], -ENOENT);
	assert_int_equal(people_user("tanaka", &uid, &gid), 0);
	assert_int_equal(uid, 1000);
	assert_int_equal(gid, 100);
	assert_int_equal(people_user("suzuki", &uid, &gid), -ENOENT);
	assert_int_equal(people_is_member("tanaka", "sekisho-isolate"), 1);
	assert_int_equal(people_is_member("tanaka", "sekisho-nobody"), 0);
	assert_int_equal(people_uid_is_member(1000, "sekisho-isolate"), 1);
	assert_int_equal(people_uid_is_member(1001, "sekisho-isolate"), -ENOENT);
	door.gid = 703; // every answer is a new one
	people_groups(roles, 1, ids, errors);
	assert_int_equal(ids[0], 703);
	door.gid = 702;
	people_groups(roles, 1, ids, errors);
	assert_int_equal(ids[0], 702);
}

// What returns here returned while the directory hung: hangs() says so afterwards.
static void hung(void **state)
{
	const char *const unknown[] = { "sekisho-never-asked-before", "root" };
	char name[PEOPLE_SHOWN_MAX];
	uint32_t ids[2], gid;
	int errors[2];
	unsigned asked;
	(void)state;
	set_door(true);
	assert_string_equal(people_name(1002, true, name), "uid 1002");
	assert_string_equal(people_name(1000, false, name), "tanaka"); // as known
	people_groups(roles, 2, ids, errors);
	assert_int_equal(ids[0], 702);
	assert_int_equal(errors[0], 0);
	assert_int_equal(errors[1], -ENOENT);
	people_groups(unknown, 2, ids, errors);
	assert_int_equal(errors[0], -EAGAIN);
	assert_int_equal(errors[1], 0); // by /etc/group
	assert_int_equal(ids[1], 0);
	assert_true(hangs());
	asked = door.asked;
	for (uint32_t i = 0; i < 3 * PEOPLE_KEPT; i++) // more than are kept
		people_name(2000 + i, false, name);
	assert_true(hangs());
	assert_int_equal(door.asked, asked);
	set_door(false);
	while (people_group("sekisho-isolate", &gid) < 0) // only a new answer counts
		usleep(1000);
	assert_int_equal(gid, 702);
	assert_string_equal(people_name(1000, false, name), "tanaka");
}

// A child that was forked asks by itself, whatever its parent was at.
static void forked(void **state)
{
	char name[PEOPLE_SHOWN_MAX];
	int status;
	(void)state;
	pid_t pid = fork();
	if (pid == 0)
		_exit(strcmp(people_name(1000, false, name), "tanaka") ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(hung),
		cmocka_unit_test(forked),
	};
	return cmocka_run_group_tests_name("control people", tests, NULL, NULL);
}
