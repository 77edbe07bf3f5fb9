#include "kernel/neighbour.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/vec.h"

enum { MAC_BYTES = 6, ANSWER_BYTES = 32 * 1024, NONE = NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP };

static struct addr addr_of(int family, const struct nlattr *attr)
{
	struct addr addr = { .family = family == AF_INET ? ADDR_V4 : ADDR_V6 };

	addr.bits = addr_from_bytes(addr.family, mnl_attr_get_payload(attr));
	return addr;
}

static bool holds_addr(int family, const struct nlattr *attr)
{
	size_t size = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;

	return attr && size && mnl_attr_get_payload_len(attr) == size;
}

static void attrs_of(const struct nlmsghdr *nlh, size_t head, const struct nlattr **out,
		     uint16_t max)
{
	const struct nlattr *attr;

	memset(out, 0, (max + 1u) * sizeof(*out));
	mnl_attr_for_each(attr, nlh, head) if (mnl_attr_get_type(attr) <= max)
		out[mnl_attr_get_type(attr)] = attr;
}

static int take_neighbour(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[NDA_LLADDR + 1];
	struct neighbours *list = arg;
	struct neighbour one = { 0 };

	if (nlh->nlmsg_type != RTM_NEWNEIGH || head->ndm_state & NONE)
		return MNL_CB_OK;
	attrs_of(nlh, sizeof(*head), attrs, NDA_LLADDR);
	if (!holds_addr(head->ndm_family, attrs[NDA_DST]) || !attrs[NDA_LLADDR] ||
	    mnl_attr_get_payload_len(attrs[NDA_LLADDR]) != MAC_BYTES ||
	    !if_indextoname((unsigned)head->ndm_ifindex, one.interface) ||
	    list->n == NEIGHBOURS_MAX)
		return MNL_CB_OK;
	one.addr = addr_of(head->ndm_family, attrs[NDA_DST]);
	memcpy(one.mac, mnl_attr_get_payload(attrs[NDA_LLADDR]), MAC_BYTES);
	vec_push(list, one);
	return MNL_CB_OK;
}

// Whoever has the hardware address of a next hop is a router, under each of his addresses.
static void mark_router(struct neighbours *list, const struct addr *hop)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].addr.family != hop->family || list->v[i].addr.bits != hop->bits)
			continue;
		for (size_t k = 0; k < list->n; k++)
			if (memcmp(list->v[k].mac, list->v[i].mac, MAC_BYTES) == 0)
				list->v[k].router = true;
	}
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[RTA_GATEWAY + 1];
	struct addr hop;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	attrs_of(nlh, sizeof(*head), attrs, RTA_GATEWAY);
	if (!holds_addr(head->rtm_family, attrs[RTA_GATEWAY]))
		return MNL_CB_OK;
	hop = addr_of(head->rtm_family, attrs[RTA_GATEWAY]);
	mark_router(arg, &hop);
	return MNL_CB_OK;
}

static int dump(uint16_t type, size_t head, mnl_cb_t each, void *arg)
{
	_Alignas(8) char request[64] = { 0 };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	char *answer = malloc(ANSWER_BYTES);
	int r = socket && answer ? MNL_CB_OK : MNL_CB_ERROR;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(nlh, head);
	if (r == MNL_CB_OK && (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
			       mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0))
		r = MNL_CB_ERROR;
	while (r == MNL_CB_OK) {
		ssize_t n = mnl_socket_recvfrom(socket, answer, ANSWER_BYTES);

		r = n < 0 ? MNL_CB_ERROR : mnl_cb_run(answer, (size_t)n, 1, 0, each, arg);
	}
	r = r == MNL_CB_ERROR ? -errno : 0;
	free(answer);
	if (socket)
		mnl_socket_close(socket);
	return r;
}

int neighbours_read(struct neighbours *ret)
{
	struct neighbours list = { 0 };
	int r = dump(RTM_GETNEIGH, sizeof(struct ndmsg), take_neighbour, &list);

	if (r == 0)
		r = dump(RTM_GETROUTE, sizeof(struct rtmsg), take_route, &list);
	if (r < 0)
		vec_done(&list);
	else
		*ret = list;
	return r;
}

void neighbours_done(struct neighbours *neighbours)
{
	vec_done(neighbours);
}

bool interface_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

static int set_flags(const char *name, unsigned flags, unsigned change)
{
	_Alignas(8) char bytes[256] = { 0 };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct ifinfomsg *head;
	int r = socket ? 0 : -errno;
	ssize_t n;

	nlh->nlmsg_type = RTM_NEWLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->ifi_index = (int)if_nametoindex(name);
	head->ifi_flags = flags;
	head->ifi_change = change;
	if (r == 0 && !head->ifi_index)
		r = -ENODEV;
	if (r == 0 && (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
		       mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0))
		r = -errno;
	n = r == 0 ? mnl_socket_recvfrom(socket, bytes, sizeof(bytes)) : 0;
	if (n < 0 || (r == 0 && mnl_cb_run(bytes, (size_t)n, 1, 0, NULL, NULL) < 0))
		r = -errno;
	if (socket)
		mnl_socket_close(socket);
	return r;
}

int interface_set_up(const char *name, bool up)
{
	return set_flags(name, up ? IFF_UP : 0, IFF_UP);
}

bool interface_is_up(const char *name)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); // the only kind the unit allows
	bool up;

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_UP;
	if (fd >= 0)
		close(fd);
	return up;
}
