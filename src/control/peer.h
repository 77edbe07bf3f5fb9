// Who is at the other end of the control socket, and what that person may do.
//
// Roles are Unix groups, so that a body's own ways of giving and taking them count.  What a role
// may is one table (peer.c).  An auditor reads everything and changes nothing: whoever is in
// sekisho-audit has no right to change, whatever other groups say (root excepted).
#ifndef SEKISHO_CONTROL_PEER_H
#define SEKISHO_CONTROL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

enum control_permission {
	CTL_MAY_SEE,
	CTL_MAY_ISOLATE, // cut off, and nothing else
	CTL_MAY_OPERATE, // propose, apply, reconnect ...
	CTL_MAY_APPROVE,
	CTL_MAY_AUDIT,	      // read what is kept of persons and packets
	CTL_MAY_ASK_FOR_MAIL, // what became of a message whose sender and recipient are named
	CTL_PERMISSION_COUNT,
};

enum { CONTROL_NO_LOGIN = UINT32_MAX, CONTROL_PEER_NAME_MAX = 96 };

struct control_peer {
	int pid;
	uint32_t uid, gid;
	uint32_t login_uid;	 // of the login, which su and sudo do not change; CONTROL_NO_LOGIN
	unsigned permissions;	 // bits of enum control_permission
	uint64_t connected_usec; // CLOCK_BOOTTIME, when the connection was taken
};

// Reads the credentials of a connected Unix socket: SO_PEERCRED, SO_PEERGROUPS, and the login of
// the process as long as it is surely the same process (proc(5), pidfd).  0 or a negative errno.
int control_peer_read(int fd, struct control_peer *ret);

// The permissions of somebody with these groups (their ids), and with uid 0 all of them.  None when
// nobody can tell the groups of the roles.
unsigned control_permissions_of(uint32_t uid, const uint32_t *groups, size_t n_groups);

// Here, so that the command line needs nothing that looks up users and groups.
static inline bool control_peer_may(const struct control_peer *peer,
				    enum control_permission permission)
{
	return peer->permissions & (1u << permission);
}

// The groups whose members may, for people: "sekisho-operate", or "sekisho-view, sekisho-isolate".
const char *control_permission_groups(enum control_permission permission, char *out, size_t size);

// One person or two?  The login decides where both have one: root by sudo is who logged in, and so
// is whoever su made of him.  Else both uids and whatever login there is must be others.  Root
// without a login (a timer, a service, a kernel without audit) may be anybody, so it is never
// somebody else.
bool control_is_anybody(uint32_t uid, uint32_t login_uid); // root without a login
bool control_peers_differ(uint32_t uid_a, uint32_t login_a, uint32_t uid_b, uint32_t login_b);

// Who has to give a command next that takes two persons, to one who has just given it.
const char *control_second_words(uint32_t uid, uint32_t login_uid);

// "tanaka", or "root (login tanaka)"; numbers where there are no names, or where none is told in
// time (control/people.h).
const char *control_person_name(uint32_t uid, uint32_t login_uid, char out[CONTROL_PEER_NAME_MAX]);
// The same as far as it is known already: it waits for nothing.
const char *control_person_name_now(uint32_t uid, uint32_t login_uid,
				    char out[CONTROL_PEER_NAME_MAX]);
// Puts actor, uid, login uid and pid into the event; out holds the name as long as the event lives.
void control_event_actor(struct event *event, const struct control_peer *peer,
			 char out[CONTROL_PEER_NAME_MAX]);

#endif
