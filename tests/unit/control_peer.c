// Roles, persons, and who is at the other end of a socket.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/message.h"
#include "control/peer.h"

// Groups of the system do not matter to these tests: the linker takes ours.
static const struct {
	const char *name;
	gid_t gid;
} system_groups[] = {
	{ "sekisho-view", 701 },    { "sekisho-isolate", 702 }, { "sekisho-operate", 703 },
	{ "sekisho-approve", 704 }, { "sekisho-audit", 705 },	{ "sekisho-desk", 706 },
};

static int lookup_error;     // what looking a group up gives
static size_t crowded_bytes; // that its members need

int getgrnam_r(const char *name, struct group *group, char *storage, size_t size,
	       struct group **result)
{
	(void)storage;
	*result = NULL;
	if (lookup_error)
		return lookup_error;
	if (size < crowded_bytes)
		return ERANGE;
	for (size_t i = 0; i < sizeof(system_groups) / sizeof(system_groups[0]); i++)
		if (!strcmp(system_groups[i].name, name)) {
			group->gr_gid = system_groups[i].gid;
			*result = group;
		}
	return 0;
}

#define MAY(permission) (1u << CTL_MAY_##permission)

static const struct {
	const char *why;
	uint32_t uid;
	uint32_t groups[3];
	unsigned permissions;
} role_rows[] = {
	{ "nobody", 1000, { 100 }, 0 },
	{ "root without a group",
	  0,
	  { 0 },
	  MAY(SEE) | MAY(ISOLATE) | MAY(OPERATE) | MAY(APPROVE) | MAY(AUDIT) | MAY(ASK_FOR_MAIL) },
	{ "a viewer", 1000, { 100, 701 }, MAY(SEE) },
	{ "the night clerk", 1000, { 702 }, MAY(SEE) | MAY(ISOLATE) },
	{ "an operator", 1000, { 100, 703 }, MAY(SEE) | MAY(ISOLATE) | MAY(OPERATE) },
	{ "an approver", 1000, { 704 }, MAY(SEE) | MAY(APPROVE) },
	{ "an auditor", 1000, { 705 }, MAY(SEE) | MAY(AUDIT) | MAY(ASK_FOR_MAIL) },
	{ "who answers telephones", 1000, { 100, 706 }, MAY(ASK_FOR_MAIL) },
	{ "operator and approver",
	  1000,
	  { 703, 704 },
	  MAY(SEE) | MAY(ISOLATE) | MAY(OPERATE) | MAY(APPROVE) },
	{ "an auditor who is an operator changes nothing",
	  1000,
	  { 703, 705, 702 },
	  MAY(SEE) | MAY(AUDIT) | MAY(ASK_FOR_MAIL) },
	{ "an auditor who is an approver approves nothing",
	  1000,
	  { 705, 704 },
	  MAY(SEE) | MAY(AUDIT) | MAY(ASK_FOR_MAIL) },
};

static void roles_give_permissions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(role_rows) / sizeof(role_rows[0]); i++) {
		unsigned got = control_permissions_of(role_rows[i].uid, role_rows[i].groups, 3);
		if (got != role_rows[i].permissions)
			fail_msg("%s: %#x", role_rows[i].why, got);
	}
}

// An auditor must not become an operator because one of his groups cannot be read.
static void no_look_up_no_permission(void **state)
{
	const uint32_t groups[] = { 703, 705 };
	(void)state;
	lookup_error = EIO;
	assert_int_equal(control_permissions_of(1000, groups, 2), 0);
	assert_true(control_permissions_of(0, groups, 2) & MAY(OPERATE));
	lookup_error = 0;
	crowded_bytes = 200000;
	assert_int_equal(control_permissions_of(1000, groups, 2),
			 MAY(SEE) | MAY(AUDIT) | MAY(ASK_FOR_MAIL));
	crowded_bytes = 100000000;
	assert_int_equal(control_permissions_of(1000, groups, 2), 0);
	crowded_bytes = 0;
}

static void groups_are_named(void **state)
{
	char text[160], small[8];
	(void)state;
	assert_string_equal(control_permission_groups(CTL_MAY_OPERATE, text, sizeof(text)),
			    "sekisho-operate");
	assert_string_equal(control_permission_groups(CTL_MAY_ISOLATE, text, sizeof(text)),
			    "sekisho-isolate, sekisho-operate");
	assert_string_equal(control_permission_groups(CTL_MAY_SEE, small, sizeof(small)),
			    "sekisho");
}

// Each method needs what its row says; the night clerk never gets to change a policy.
static void methods_need_their_permission(void **state)
{
	(void)state;
	for (unsigned method = 1; method < CTL_METHOD_END; method++) {
		unsigned needed = control_method_info(method)->permission;
		assert_true(needed < CTL_PERMISSION_COUNT);
		for (unsigned had = 0; had < CTL_PERMISSION_COUNT; had++) {
			struct control_peer peer = { .uid = 1000, .permissions = 1u << had };
			assert_int_equal(control_permitted(&peer, method), had == needed);
		}
	}
	struct control_peer clerk = { .uid = 1000, .permissions = MAY(SEE) | MAY(ISOLATE) };
	assert_false(control_permitted(&clerk, CTL_APPLY));
	assert_false(control_permitted(&clerk, CTL_RELOAD));
}

#define NONE CONTROL_NO_LOGIN
static const struct {
	uint32_t uid_a, login_a, uid_b, login_b;
	bool differ;
} person_rows[] = {
	{ 1000, 1000, 1001, 1001, true },
	{ 1000, 1000, 1000, 1000, false },
	{ 0, 1000, 0, 1001, true },	   // two who used sudo
	{ 0, 1000, 1000, 1000, false },	   // sudo does not make another of him
	{ 1001, 1000, 1000, 1000, false }, // nor su
	{ 0, NONE, 1000, 1000, false },	   // a timer that he set up	   { 0, NONE, 0, 1000, false
					   // },
	{ 0, 1000, 1000, NONE, false },
	{ 1000, NONE, 1001, NONE, true },
	{ 1000, NONE, 1000, NONE, false },
};

static void persons_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(person_rows) / sizeof(person_rows[0]); i++) {
		assert_int_equal(control_peers_differ(person_rows[i].uid_a, person_rows[i].login_a,
						      person_rows[i].uid_b, person_rows[i].login_b),
				 person_rows[i].differ);
		assert_int_equal(control_peers_differ(person_rows[i].uid_b, person_rows[i].login_b,
						      person_rows[i].uid_a, person_rows[i].login_a),
				 person_rows[i].differ);
	}
}

static void persons_have_names(void **state)
{
	char name[CONTROL_PEER_NAME_MAX];
	(void)state;
	assert_string_equal(control_person_name(0, NONE, name), "root");
	assert_string_equal(control_person_name(0, 0, name), "root");
	assert_string_equal(control_person_name(0, 4000000, name), "root (login uid 4000000)");
	assert_string_equal(control_person_name(4000001, NONE, name), "uid 4000001");
}

static void a_socket_names_its_peer(void **state)
{
	struct control_peer peer;
	struct event event;
	char name[CONTROL_PEER_NAME_MAX];
	int fds[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(control_peer_read(fds[0], &peer), 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.gid, getgid());
	assert_true(peer.connected_usec > 0);
	assert_true(getuid() != 0 || control_peer_may(&peer, CTL_MAY_APPROVE));
	event_init(&event, EVENT_APPLIED, 1);
	control_event_actor(&event, &peer, name);
	assert_int_equal(event.value[EVENT_PID].number, getpid());
	assert_string_equal(event.value[EVENT_ACTOR].text, name);
	close(fds[0]);
	close(fds[1]);
	assert_true(control_peer_read(fds[0], &peer) < 0);
}

// Who hands his connection on and is gone by the time it is looked at could be anybody's login.
static void who_has_gone_changes_nothing(void **state)
{
	struct control_peer peer;
	int fds[2] = { -1, -1 }, carrier[2];
	char byte;
	struct iovec part = { &byte, 1 };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	(void)state;
	byte = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, carrier), 0);
	pid_t child = fork();
	if (child == 0) {
		bool sent = socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0;
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
				       .cmsg_type = SCM_RIGHTS,
				       .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(c), fds, sizeof(int));
		_exit(!sent || sendmsg(carrier[1], &message, 0) < 0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(recvmsg(carrier[0], &message, 0), 1);
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	assert_int_equal(control_peer_read(fds[0], &peer), 0);
	assert_int_equal(peer.login_uid, CONTROL_NO_LOGIN);
	assert_int_equal(peer.permissions & ~(MAY(SEE) | MAY(ISOLATE)), 0);
	close(fds[0]);
	close(carrier[0]);
	close(carrier[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_give_permissions),
		cmocka_unit_test(no_look_up_no_permission),
		cmocka_unit_test(groups_are_named),
		cmocka_unit_test(methods_need_their_permission),
		cmocka_unit_test(persons_are_told_apart),
		cmocka_unit_test(persons_have_names),
		cmocka_unit_test(a_socket_names_its_peer),
		cmocka_unit_test(who_has_gone_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
