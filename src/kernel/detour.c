#include "kernel/detour.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "compile/compile.h"
#include "kernel/sysctl.h"

enum {
	REQUEST_BYTES = 256,
	ANSWER_BYTES = 4096,
	PATIENCE_MS = 1000,
	OWN_PROTOCOL = 83, // who made it, as `ip route` shows it
};

static const char accepts_marks[] = "net/ipv4/tcp_fwmark_accept";

static const unsigned char families[] = { AF_INET, AF_INET6 };

static void write_rule(struct nlmsghdr *nlh, unsigned char family)
{
	struct fib_rule_hdr *head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));

	head->family = family;
	head->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, DETOUR_PRIORITY);
	mnl_attr_put_u32(nlh, FRA_FWMARK, PACKET_DIVERTED);
	mnl_attr_put_u32(nlh, FRA_FWMASK, PACKET_PROXY);
	mnl_attr_put_u32(nlh, FRA_TABLE, DETOUR_TABLE);
}

static void write_route(struct nlmsghdr *nlh, unsigned char family)
{
	struct rtmsg *head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));

	head->rtm_family = family;
	head->rtm_protocol = OWN_PROTOCOL;
	head->rtm_scope = RT_SCOPE_HOST;
	head->rtm_type = RTN_LOCAL;
	mnl_attr_put_u32(nlh, RTA_TABLE, DETOUR_TABLE);
	mnl_attr_put_u32(nlh, RTA_OIF, if_nametoindex("lo"));
}

// The table first: a rule that leads to an empty one would pass on to the next.
static const struct part {
	uint16_t make, remove;
	void (*write)(struct nlmsghdr *nlh, unsigned char family);
} parts[] = {
	{ RTM_NEWROUTE, RTM_DELROUTE, write_route },
	{ RTM_NEWRULE, RTM_DELRULE, write_rule },
};

static int ask(struct mnl_socket *socket, const struct part *part, unsigned char family, bool make)
{
	_Alignas(8) char request[REQUEST_BYTES], answer[ANSWER_BYTES];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	ssize_t n;

	nlh->nlmsg_type = make ? part->make : part->remove;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | (make ? NLM_F_CREATE | NLM_F_EXCL : 0);
	nlh->nlmsg_seq = 1;
	part->write(nlh, family);
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(socket, answer, sizeof(answer));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return mnl_cb_run(answer, (size_t)n, 1, mnl_socket_get_portid(socket), NULL, NULL) < 0
		       ? -errno
		       : 0;
}

static int open_socket(struct mnl_socket **ret_socket)
{
	const struct timeval patience = { .tv_usec = PATIENCE_MS * 1000 % 1000000,
					  .tv_sec = PATIENCE_MS / 1000 };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) < 0) {
		int r = -errno;

		mnl_socket_close(socket);
		return r;
	}
	*ret_socket = socket;
	return 0;
}

static bool lacks_family(unsigned char family, int r)
{
	return family == AF_INET6 && (r == -EAFNOSUPPORT || r == -EOPNOTSUPP);
}

static int accept_marks(bool *ret_made)
{
	uint32_t now;
	int r = sysctl_get(accepts_marks, &now);

	if (r < 0 || now == 1)
		return r;
	r = sysctl_set(accepts_marks, 1);
	*ret_made |= r == 0;
	return r;
}

int detour_make(bool *ret_made)
{
	struct mnl_socket *socket;
	bool made = false;
	int r = open_socket(&socket);

	if (r < 0)
		return r;
	r = accept_marks(&made);
	for (size_t p = 0; r == 0 && p < sizeof(parts) / sizeof(parts[0]); p++)
		for (size_t f = 0; r == 0 && f < sizeof(families); f++) {
			r = ask(socket, &parts[p], families[f], true);
			made |= r == 0;
			if (r == -EEXIST || lacks_family(families[f], r))
				r = 0;
		}
	mnl_socket_close(socket);
	if (r == 0)
		*ret_made = made;
	return r;
}

int detour_remove(void)
{
	struct mnl_socket *socket;
	int r = open_socket(&socket), first = 0;

	if (r < 0)
		return r;
	for (size_t p = sizeof(parts) / sizeof(parts[0]); p-- > 0;)
		for (size_t f = 0; f < sizeof(families); f++) {
			r = ask(socket, &parts[p], families[f], false);
			if (r < 0 && r != -ENOENT && r != -ESRCH && !lacks_family(families[f], r) &&
			    !first)
				first = r;
		}
	mnl_socket_close(socket);
	return first;
}
