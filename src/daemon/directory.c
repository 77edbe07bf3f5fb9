// The box's users and groups, asked each time: who was put out of a group counts no more, and who
// cannot be told of in time counts as nobody.
#include "control/people.h"
#include "daemon/approval.h"

static bool is_user(void *arg, uint32_t uid, const char *user)
{
	uint32_t found, gid;
	(void)arg;
	return people_user(user, &found, &gid) == 0 && found == uid;
}

static bool user_is_member(void *arg, const char *user, const char *group)
{
	(void)arg;
	return people_is_member(user, group) > 0;
}

static bool is_member(void *arg, uint32_t uid, const char *group)
{
	(void)arg;
	return people_uid_is_member(uid, group) > 0;
}

const struct directory directory_of_box = {
	.is_user = is_user,
	.is_member = is_member,
	.user_is_member = user_is_member,
};
