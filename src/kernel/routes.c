#include "kernel/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

enum {
	ANSWER_BYTES = 64 * 1024,
	REQUEST_BYTES = 64, // one question: heads and an address
	RECEIVE_BYTES = 4 * 1024 * 1024,
};

struct routes {
	struct mnl_socket *socket;
	uint32_t seq;
	_Alignas(8) char answer[ANSWER_BYTES];
};

int routes_open(struct routes **ret_routes)
{
	struct routes *routes = calloc(1, sizeof(*routes));
	int bytes = RECEIVE_BYTES;

	if (!routes)
		return -ENOMEM;
	routes->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!routes->socket || mnl_socket_bind(routes->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		routes_close(routes);
		return r;
	}
	setsockopt(mnl_socket_get_fd(routes->socket), SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		   sizeof(bytes));
	*ret_routes = routes;
	return 0;
}

void routes_close(struct routes *routes)
{
	if (!routes)
		return;
	if (routes->socket)
		mnl_socket_close(routes->socket);
	free(routes);
}

static ssize_t receive(struct routes *routes)
{
	for (;;) {
		ssize_t n = recv(mnl_socket_get_fd(routes->socket), routes->answer, ANSWER_BYTES,
				 MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n > ANSWER_BYTES)
			return -EMSGSIZE;
		return n < 0 ? -errno : n;
	}
}

static size_t bytes_of(unsigned char family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

// --- addresses

static void take_address(const struct nlmsghdr *nlh, routes_each *each, void *arg)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(nlh);
	size_t size = bytes_of(head->ifa_family);
	const struct nlattr *attr, *address = NULL, *local = NULL, *broadcast = NULL;
	struct addr addr = { .family = head->ifa_family == AF_INET ? ADDR_V4 : ADDR_V6 };

	if (nlh->nlmsg_type != RTM_NEWADDR || !size)
		return;
	mnl_attr_for_each(attr, nlh, sizeof(*head))
	{
		if (mnl_attr_get_payload_len(attr) != size)
			continue;
		address = mnl_attr_get_type(attr) == IFA_ADDRESS ? attr : address;
		local = mnl_attr_get_type(attr) == IFA_LOCAL ? attr : local;
		broadcast = mnl_attr_get_type(attr) == IFA_BROADCAST ? attr : broadcast;
	}
	local = local ? local : address; // of a point-to-point link, `address` is the other end
	if (local) {
		addr.bits = addr_from_bytes(addr.family, mnl_attr_get_payload(local));
		each(arg, &addr, false);
	}
	if (broadcast) {
		addr.bits = addr_from_bytes(addr.family, mnl_attr_get_payload(broadcast));
		each(arg, &addr, true);
	}
}

int routes_addresses(struct routes *routes, routes_each *each, void *arg)
{
	_Alignas(8) char request[REQUEST_BYTES];
	struct nlmsghdr *question = mnl_nlmsg_put_header(request);
	struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(question, sizeof(*head));

	head->ifa_family = AF_UNSPEC;
	question->nlmsg_type = RTM_GETADDR;
	question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	question->nlmsg_seq = ++routes->seq;
	if (mnl_socket_sendto(routes->socket, question, question->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t n = receive(routes);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)routes->answer;
		int left = (int)n;

		if (n < 0)
			return (int)n;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq != routes->seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
				return 0;
			take_address(nlh, each, arg);
		}
	}
}

// --- interfaces

static size_t put_question(struct routes *routes, char *at, const struct addr *addr)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct rtmsg *head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	bool v4 = addr->family == ADDR_V4;
	uint8_t bytes[16];

	addr_to_bytes(addr->family, addr->bits, bytes);
	head->rtm_family = v4 ? AF_INET : AF_INET6;
	head->rtm_dst_len = v4 ? 32 : 128;
	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++routes->seq;
	mnl_attr_put(nlh, RTA_DST, v4 ? 4 : 16, bytes);
	return nlh->nlmsg_len;
}

static uint32_t interface_of(const struct nlmsghdr *nlh)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE || head->rtm_type != RTN_UNICAST)
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(*head)) if (mnl_attr_get_type(attr) == RTA_OIF &&
							mnl_attr_get_payload_len(attr) ==
								4) return mnl_attr_get_u32(attr);
	return 0;
}

// Each question has one answer, a route or an error.
static int take_interfaces(struct routes *routes, uint32_t first, size_t n, uint32_t *indexes)
{
	size_t answered = 0;

	while (answered < n) {
		ssize_t size = receive(routes);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)routes->answer;
		int left = (int)size;

		if (size < 0)
			return (int)size;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq - first >= n)
				continue;
			indexes[nlh->nlmsg_seq - first] = interface_of(nlh);
			answered++;
		}
	}
	return 0;
}

int routes_interfaces(struct routes *routes, const struct addr *addrs, size_t n,
		      uint32_t *ret_indexes)
{
	_Alignas(8) char batch[ROUTES_BATCH * REQUEST_BYTES];
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i += ROUTES_BATCH) {
		size_t size = n - i < ROUTES_BATCH ? n - i : ROUTES_BATCH, used = 0;
		uint32_t first = routes->seq + 1;

		for (size_t k = 0; k < size; k++)
			used += put_question(routes, batch + used, &addrs[i + k]);
		if (mnl_socket_sendto(routes->socket, batch, used) < 0)
			return -errno;
		r = take_interfaces(routes, first, size, ret_indexes + i);
	}
	return r;
}
