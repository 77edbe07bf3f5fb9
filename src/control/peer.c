// Credentials come from the kernel only; names are for people, numbers decide.
#include "control/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "control/people.h"

enum { PEER_GROUPS_MAX = 1024 };

#define MAY(permission) (1u << CTL_MAY_##permission)

static const struct {
	const char *group;
	unsigned permissions;
} roles[] = {
	{ "sekisho-view", MAY(SEE) },
	{ "sekisho-isolate", MAY(SEE) | MAY(ISOLATE) },
	{ "sekisho-operate", MAY(SEE) | MAY(ISOLATE) | MAY(OPERATE) },
	{ "sekisho-approve", MAY(SEE) | MAY(APPROVE) },
	{ "sekisho-audit", MAY(SEE) | MAY(AUDIT) | MAY(ASK_FOR_MAIL) },
	{ "sekisho-desk", MAY(ASK_FOR_MAIL) },
};

enum {
	N_ROLES = sizeof(roles) / sizeof(roles[0]),
	CHANGES = MAY(ISOLATE) | MAY(OPERATE) | MAY(APPROVE)
};

unsigned control_permissions_of(uint32_t uid, const uint32_t *groups, size_t n_groups)
{
	const char *names[N_ROLES];
	uint32_t ids[N_ROLES];
	int errors[N_ROLES];
	unsigned permissions = 0;
	if (uid == 0)
		return (1u << CTL_PERMISSION_COUNT) - 1;
	if (!n_groups)
		return 0;
	for (size_t r = 0; r < N_ROLES; r++)
		names[r] = roles[r].group;
	people_groups(names, N_ROLES, ids, errors);
	for (size_t r = 0; r < N_ROLES; r++) {
		if (errors[r] == -ENOENT)
			continue;
		if (errors[r] < 0) // an auditor could be taken for an operator
			return 0;
		for (size_t i = 0; i < n_groups; i++)
			if (groups[i] == ids[r])
				permissions |= roles[r].permissions;
	}
	return permissions & MAY(AUDIT) ? permissions & ~(unsigned)CHANGES : permissions;
}

const char *control_permission_groups(enum control_permission permission, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t r = 0; r < N_ROLES && used < size; r++)
		if (roles[r].permissions & (1u << permission))
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
						 roles[r].group);
	return out;
}

// --- the login

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 // Linux 6.5
#endif

// Whether /proc/PID is still the peer: its pidfd says so, or, where there is none, its owner.
static bool still_there(int socket_fd, int pid, uint32_t uid)
{
	char path[32];
	struct stat st;
	int pidfd = -1;
	socklen_t size = sizeof(pidfd);
	if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) {
		bool alive =
			syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || errno == EPERM;
		close(pidfd);
		return alive;
	}
	snprintf(path, sizeof(path), "/proc/%d", pid);
	return errno == ENOPROTOOPT && stat(path, &st) == 0 && st.st_uid == uid;
}

static uint32_t login_of(int pid)
{
	char path[40], text[16] = "";
	snprintf(path, sizeof(path), "/proc/%d/loginuid", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return CONTROL_NO_LOGIN;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? (uint32_t)strtoul(text, NULL, 10) : CONTROL_NO_LOGIN;
}

static unsigned permissions_of_socket(int fd, const struct ucred *credentials)
{
	uint32_t groups[PEER_GROUPS_MAX + 1] = { credentials->gid };
	socklen_t size = PEER_GROUPS_MAX * sizeof(groups[0]);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups + 1, &size) <
	    0) // more than anybody has
		return control_permissions_of(credentials->uid, NULL, 0);
	return control_permissions_of(credentials->uid, groups, 1 + size / sizeof(groups[0]));
}

int control_peer_read(int fd, struct control_peer *ret)
{
	struct ucred credentials;
	struct timespec now;
	socklen_t size = sizeof(credentials);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return -errno;
	clock_gettime(CLOCK_BOOTTIME, &now);
	*ret = (struct control_peer){
		.pid = credentials.pid,
		.uid = credentials.uid,
		.gid = credentials.gid,
		.login_uid = login_of(credentials.pid),
		.permissions = permissions_of_socket(fd, &credentials),
		.connected_usec = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
	};
	// Whose login it was cannot be told any more, and without it root would be another person
	// than the one who became root.
	if (!still_there(fd, credentials.pid, credentials.uid)) {
		ret->login_uid = CONTROL_NO_LOGIN;
		ret->permissions &= MAY(SEE) | MAY(ISOLATE);
	}
	return 0;
}

// --- persons

bool control_is_anybody(uint32_t uid, uint32_t login_uid)
{
	return uid == 0 && login_uid == CONTROL_NO_LOGIN;
}

bool control_peers_differ(uint32_t uid_a, uint32_t login_a, uint32_t uid_b, uint32_t login_b)
{
	uint32_t person_a = login_a == CONTROL_NO_LOGIN ? uid_a : login_a;
	uint32_t person_b = login_b == CONTROL_NO_LOGIN ? uid_b : login_b;
	if (control_is_anybody(uid_a, login_a) || control_is_anybody(uid_b, login_b))
		return false;
	if (login_a != CONTROL_NO_LOGIN && login_b != CONTROL_NO_LOGIN)
		return login_a != login_b;
	return uid_a != uid_b && person_a != person_b;
}

const char *control_second_words(uint32_t uid, uint32_t login_uid)
{
	return control_is_anybody(uid, login_uid)
		       ? "two persons who have logged in as themselves give the same command, for "
			 "root without a login may be anybody and counts as neither"
		       : "another one gives the same command";
}

static const char *person_name(uint32_t uid, uint32_t login_uid, bool now,
			       char out[CONTROL_PEER_NAME_MAX])
{
	char name[PEOPLE_SHOWN_MAX], login[PEOPLE_SHOWN_MAX];
	people_name(uid, now, name);
	if (login_uid == CONTROL_NO_LOGIN || login_uid == uid)
		snprintf(out, CONTROL_PEER_NAME_MAX, "%s", name);
	else
		snprintf(out, CONTROL_PEER_NAME_MAX, "%s (login %s)", name,
			 people_name(login_uid, now, login));
	return out;
}

const char *control_person_name(uint32_t uid, uint32_t login_uid, char out[CONTROL_PEER_NAME_MAX])
{
	return person_name(uid, login_uid, false, out);
}

const char *control_person_name_now(uint32_t uid, uint32_t login_uid,
				    char out[CONTROL_PEER_NAME_MAX])
{
	return person_name(uid, login_uid, true, out);
}

void control_event_actor(struct event *event, const struct control_peer *peer,
			 char out[CONTROL_PEER_NAME_MAX])
{
	event_text(event, EVENT_ACTOR, control_person_name(peer->uid, peer->login_uid, out));
	event_number(event, EVENT_UID, peer->uid);
	if (peer->login_uid != CONTROL_NO_LOGIN)
		event_number(event, EVENT_LOGIN_UID, peer->login_uid);
	event_number(event, EVENT_PID, (uint64_t)peer->pid);
}
