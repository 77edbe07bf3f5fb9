// The box's users and groups, asked each time: who was put out of a group counts no more.
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "daemon/approval.h"

enum { GROUPS_MAX = 1024 };

static bool is_user(void *arg, uint32_t uid, const char *user)
{
	const struct passwd *found = getpwnam(user);
	(void)arg;
	return found && found->pw_uid == uid;
}

static bool user_is_member(void *arg, const char *user, const char *group)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;
	const struct passwd *entry = getpwnam(user);
	(void)arg;
	if (!entry)
		return false;
	gid_t own = entry->pw_gid;
	const struct group *wanted = getgrnam(group);
	if (!wanted)
		return false;
	gid_t id = wanted->gr_gid;
	if (getgrouplist(user, own, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == id)
			return true;
	return false;
}

static bool is_member(void *arg, uint32_t uid, const char *group)
{
	char name[256];
	const struct passwd *entry = getpwuid(uid);
	if (!entry || strlen(entry->pw_name) >= sizeof(name))
		return false;
	strcpy(name, entry->pw_name);
	return user_is_member(arg, name, group);
}

const struct directory directory_of_box = {
	.is_user = is_user,
	.is_member = is_member,
	.user_is_member = user_is_member,
};
