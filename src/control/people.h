// The box's users and groups (nsswitch.conf), asked without ever waiting for long: a directory on
// the network that hangs must hold up nobody who makes the box safe.
//
// A thread of its own asks, one question after the other; whoever wants to know waits for it so
// long at most, and not at all when it hangs for that long already.  Every answer is a new one;
// only when none comes, what was last answered stands in where that is said.  For any thread.
#ifndef SEKISHO_CONTROL_PEOPLE_H
#define SEKISHO_CONTROL_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PEOPLE_WAIT_MS = 200,	   // for names and roles
	PEOPLE_DECISION_MS = 5000, // for what only a new answer decides
	PEOPLE_NAME_MAX = 64,	   // bytes of a user's or group's name, NUL included
	PEOPLE_SHOWN_MAX = 40,	   // of a user's name as it is shown
	PEOPLE_KEPT = 128,	   // answers
	PEOPLE_ASKED_MAX = 8,	   // groups at once
};

// The name of a user, or "uid 1000".  now: as far as it is known; the question is asked meanwhile.
const char *people_name(uint32_t uid, bool now, char out[PEOPLE_SHOWN_MAX]);

// The ids of groups, n at most PEOPLE_ASKED_MAX, all asked at once.  Each ret_errors: 0; -ENOENT:
// there is no such group; another negative errno: nobody can tell.  When no answer comes, what was
// answered last counts, and where there is nothing, /etc/group.
void people_groups(const char *const *names, size_t n, uint32_t *ret_ids, int *ret_errors);

// 0, -ENOENT or another negative errno, -ETIMEDOUT among them: only a new answer counts.
int people_user(const char *name, uint32_t *ret_uid, uint32_t *ret_gid);
int people_group(const char *name, uint32_t *ret_gid);
// Is the user in the group, as his own or another?  0 or 1 or a negative errno.
int people_is_member(const char *user, const char *group);
int people_uid_is_member(uint32_t uid, const char *group);

#endif
