#include "kernel/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>

#include "kernel/link.h"

enum { NETWORK_RECEIVE_MAX = 256 * 1024, NETWORK_RETRIES = 4 };

// The attributes after a message's own head, by type; types above max are left out.
static void network_attrs(const struct nlmsghdr *nlh, size_t head, const struct nlattr **out,
			  uint16_t max)
{
	const struct nlattr *attr;

	memset(out, 0, (max + 1u) * sizeof(*out));
	mnl_attr_for_each(attr, nlh, (unsigned)head) if (mnl_attr_get_type(attr) <= max)
		out[mnl_attr_get_type(attr)] = attr;
}

static uint32_t network_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 4 ? mnl_attr_get_u32(attr) : 0;
}

// false: no address of that family.
static bool network_addr(const struct nlattr *attr, uint8_t family, struct addr *ret)
{
	size_t size = family == AF_INET ? 4 : 16;

	if (!attr || mnl_attr_get_payload_len(attr) != size)
		return false;
	ret->family = family == AF_INET ? ADDR_V4 : ADDR_V6;
	ret->bits = addr_from_bytes(ret->family, mnl_attr_get_payload(attr));
	return true;
}

// The settings of a link come as an array in the order of the kernel's list.
static uint32_t network_setting(const struct nlattr *values, unsigned number)
{
	const char *bytes;
	uint32_t value;

	if (!values || mnl_attr_get_payload_len(values) < number * sizeof(value))
		return 0;
	bytes = mnl_attr_get_payload(values);
	memcpy(&value, bytes + (number - 1) * sizeof(value), sizeof(value));
	return value;
}

static const struct nlattr *network_inside(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	if (nest)
		mnl_attr_for_each_nested(attr,
					 nest) if (mnl_attr_get_type(attr) == type) return attr;
	return NULL;
}

static bool network_has_program(const struct nlattr *xdp)
{
	const struct nlattr *attached = network_inside(xdp, IFLA_XDP_ATTACHED);

	return attached && mnl_attr_get_payload_len(attached) == 1 &&
	       mnl_attr_get_u8(attached) != XDP_ATTACHED_NONE;
}

static void network_take_settings(struct network_link *link, const struct nlattr *spec)
{
	static const uint8_t numbers[NETWORK_SETTINGS] = {
		[NETWORK_FORWARDING] = IPV4_DEVCONF_FORWARDING,
		[NETWORK_RP_FILTER] = IPV4_DEVCONF_RP_FILTER,
		[NETWORK_ACCEPT_LOCAL] = IPV4_DEVCONF_ACCEPT_LOCAL,
		[NETWORK_ROUTE_LOCALNET] = IPV4_DEVCONF_ROUTE_LOCALNET,
	};
	const struct nlattr *values = network_inside(network_inside(spec, AF_INET), IFLA_INET_CONF);

	link->has_settings = values != NULL;
	for (size_t i = 0; i < NETWORK_SETTINGS; i++)
		link->settings[i] = network_setting(values, numbers[i]);
}

static void network_take_link(struct network *network, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[IFLA_XDP + 1];
	struct network_link *link;
	const char *name;

	network_attrs(nlh, sizeof(*head), attrs, IFLA_XDP);
	if (!attrs[IFLA_IFNAME] || mnl_attr_validate(attrs[IFLA_IFNAME], MNL_TYPE_NUL_STRING) < 0)
		return;
	if (network->links.n == NETWORK_LINKS_MAX) {
		network->cut = true;
		return;
	}
	name = mnl_attr_get_str(attrs[IFLA_IFNAME]);
	link = vec_add(&network->links);
	link->index = (uint32_t)head->ifi_index;
	link->lower = network_u32(attrs[IFLA_LINK]);
	link->master = network_u32(attrs[IFLA_MASTER]);
	memcpy(link->name, name, strnlen(name, sizeof(link->name) - 1));
	link->up = head->ifi_flags & IFF_UP;
	link->carrier = link->up && head->ifi_flags & IFF_RUNNING;
	link->loopback = head->ifi_flags & IFF_LOOPBACK;
	link->program = network_has_program(attrs[IFLA_XDP]);
	network_take_settings(link, attrs[IFLA_AF_SPEC]);
}

static void network_take_address(struct network *network, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[IFA_MAX + 1];
	struct network_address address = { .link = head->ifa_index };

	network_attrs(nlh, sizeof(*head), attrs, IFA_MAX);
	// Of a link between two points IFA_ADDRESS is the other end.
	if ((head->ifa_family != AF_INET && head->ifa_family != AF_INET6) ||
	    !network_addr(attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS],
			  head->ifa_family, &address.address))
		return;
	if (network->addresses.n == NETWORK_ADDRESSES_MAX)
		network->cut = true;
	else
		vec_push(&network->addresses, address);
}

static bool network_range(const struct nlattr *attr, const struct rtmsg *head,
			  struct addr_range *ret)
{
	enum addr_family family = head->rtm_family == AF_INET ? ADDR_V4 : ADDR_V6;
	struct addr lo = { .family = family };
	unsigned width = addr_width(family), length = head->rtm_dst_len;
	addr_bits host;

	if (length > width || (attr && !network_addr(attr, head->rtm_family, &lo)))
		return false;
	host = length == 0 ? addr_max(family)
			   : addr_max(family) & (((addr_bits)1 << (width - length)) - 1);
	*ret = (struct addr_range){ family, lo.bits & ~host & addr_max(family), lo.bits | host };
	return true;
}

static void network_add_route(struct network *network, const struct network_route *route)
{
	if (route->link == 0)
		return;
	if (network->routes.n == NETWORK_ROUTES_MAX)
		network->cut = true;
	else
		vec_push(&network->routes, *route);
}

// Next hops: a head of 8 bytes with its length, link and attributes, one after the other.
static void network_take_hops(struct network *network, const struct nlattr *multipath,
			      const struct rtmsg *head, struct network_route route)
{
	const char *at = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);

	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *hop = (const void *)at;
		size_t length = hop->rtnh_len, padded = MNL_ALIGN(length);
		const struct nlattr *attr;

		if (length < sizeof(*hop) || length > left)
			return;
		route.link = (uint32_t)hop->rtnh_ifindex;
		route.via = (struct addr){ 0 };
		mnl_attr_for_each_payload((const void *)(at + sizeof(*hop)), length - sizeof(*hop))
		{
			if (mnl_attr_get_type(attr) == RTA_GATEWAY)
				network_addr(attr, head->rtm_family, &route.via);
		}
		network_add_route(network, &route);
		if (padded >= left)
			return;
		at += padded;
		left -= padded;
	}
}

static void network_take_route(struct network *network, const struct nlmsghdr *nlh)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[RTA_TABLE + 1];
	struct network_route route = { .kernel = head->rtm_protocol == RTPROT_KERNEL };

	network_attrs(nlh, sizeof(*head), attrs, RTA_TABLE);
	route.table = attrs[RTA_TABLE] ? network_u32(attrs[RTA_TABLE]) : head->rtm_table;
	if ((head->rtm_family != AF_INET && head->rtm_family != AF_INET6) ||
	    head->rtm_type != RTN_UNICAST || head->rtm_flags & RTM_F_CLONED ||
	    route.table == RT_TABLE_LOCAL || !network_range(attrs[RTA_DST], head, &route.to))
		return;
	if (attrs[RTA_MULTIPATH]) {
		network_take_hops(network, attrs[RTA_MULTIPATH], head, route);
		return;
	}
	route.link = network_u32(attrs[RTA_OIF]);
	if (!network_addr(attrs[RTA_GATEWAY], head->rtm_family, &route.via))
		route.via = (struct addr){ 0 };
	network_add_route(network, &route);
}

// Links are dumped before.
static void network_take_qdisc(struct network *network, const struct nlmsghdr *nlh)
{
	const struct tcmsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[TCA_KIND + 1];
	const char *kind;

	network_attrs(nlh, sizeof(*head), attrs, TCA_KIND);
	if (!attrs[TCA_KIND] || mnl_attr_validate(attrs[TCA_KIND], MNL_TYPE_NUL_STRING) < 0)
		return;
	kind = mnl_attr_get_str(attrs[TCA_KIND]);
	for (size_t i = 0; i < network->links.n; i++)
		if (network->links.v[i].index == (uint32_t)head->tcm_ifindex &&
		    (strcmp(kind, "clsact") == 0 || strcmp(kind, "ingress") == 0))
			network->links.v[i].classifies = true;
}

// In the order in which they are asked for.
static const struct {
	uint16_t asks, type;
	size_t head;
	void (*take)(struct network *network, const struct nlmsghdr *nlh);
} network_messages[] = {
	{ RTM_GETLINK, RTM_NEWLINK, sizeof(struct ifinfomsg), network_take_link },
	{ RTM_GETADDR, RTM_NEWADDR, sizeof(struct ifaddrmsg), network_take_address },
	{ RTM_GETROUTE, RTM_NEWROUTE, sizeof(struct rtmsg), network_take_route },
	{ RTM_GETQDISC, RTM_NEWQDISC, sizeof(struct tcmsg), network_take_qdisc },
};

void network_take(struct network *network, const struct nlmsghdr *nlh)
{
	for (size_t i = 0; i < sizeof(network_messages) / sizeof(network_messages[0]); i++)
		if (nlh->nlmsg_type == network_messages[i].type &&
		    mnl_nlmsg_get_payload_len(nlh) >= network_messages[i].head)
			network_messages[i].take(network, nlh);
}

// --- dumps

struct network_dump {
	struct mnl_socket *socket;
	struct network *network;
	uint32_t seq;
	_Alignas(8) char bytes[NETWORK_RECEIVE_MAX];
};

// 1: goes on, 0: ended, -EINTR: broken by a change, or another -errno.
static int network_take_part(struct network_dump *dump, size_t size)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)dump->bytes;
	int left = (int)size;

	for (; left > 0 && link_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != dump->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EINTR;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return 0;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return mnl_nlmsg_get_payload_len(nlh) >= sizeof(int)
				       ? *(const int *)mnl_nlmsg_get_payload(nlh)
				       : -EBADMSG;
		network_take(dump->network, nlh);
	}
	return 1;
}

static int network_dump(struct network_dump *dump, uint16_t type, size_t head)
{
	_Alignas(8) char request[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	int r = 1;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++dump->seq;
	// All of zeros asks for everything; of a head that is too long the kernel complains in its
	// log.
	mnl_nlmsg_put_extra_header(nlh, head);
	if (mnl_socket_sendto(dump->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (r == 1) {
		ssize_t n = mnl_socket_recvfrom(dump->socket, dump->bytes, sizeof(dump->bytes));

		if (n < 0 && errno != EINTR)
			return errno == ENOBUFS ? -EINTR : -errno;
		if (n > 0)
			r = network_take_part(dump, (size_t)n);
	}
	return r;
}

static int network_read_once(struct network_dump *dump, bool all)
{
	size_t n = all ? sizeof(network_messages) / sizeof(network_messages[0]) : 1;
	int r = 0;

	*dump->network = (struct network){ 0 };
	for (size_t i = 0; r == 0 && i < n; i++)
		r = network_dump(dump, network_messages[i].asks, network_messages[i].head);
	if (r == -EOPNOTSUPP && all) // a kernel without traffic control, which is asked for last
		r = 0;
	if (r < 0)
		network_done(dump->network);
	return r;
}

static int network_read_what(struct network *ret, bool all)
{
	struct network_dump *dump = malloc(sizeof(*dump));
	int r = 0;

	if (!dump)
		return -ENOMEM;
	dump->network = ret;
	dump->seq = 0;
	dump->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!dump->socket || mnl_socket_bind(dump->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	for (int i = 0; dump->socket && i < NETWORK_RETRIES && (r == 0 || r == -EINTR); i++) {
		r = network_read_once(dump, all);
		if (r == 0)
			break;
	}
	if (dump->socket)
		mnl_socket_close(dump->socket);
	free(dump);
	return r;
}

int network_read(struct network *ret)
{
	return network_read_what(ret, true);
}

int network_read_links(struct network *ret)
{
	return network_read_what(ret, false);
}

void network_done(struct network *network)
{
	vec_done(&network->links);
	vec_done(&network->addresses);
	vec_done(&network->routes);
}

const struct network_link *network_find_link(const struct network *network, uint32_t index)
{
	for (size_t i = 0; i < network->links.n; i++)
		if (network->links.v[i].index == index)
			return &network->links.v[i];
	return NULL;
}
