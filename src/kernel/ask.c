#include "kernel/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>

int ask_open(struct mnl_socket **ret_socket)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int r;

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		mnl_socket_close(socket);
		return r;
	}
	*ret_socket = socket;
	return 0;
}

struct nlmsghdr *ask_begin(void *at, const struct ask_head *head, uint32_t seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct nfgenmsg *second = mnl_nlmsg_put_extra_header(nlh, sizeof(*second));

	nlh->nlmsg_type = (uint16_t)(head->part << 8 | head->type);
	nlh->nlmsg_flags = NLM_F_REQUEST | head->flags;
	nlh->nlmsg_seq = seq;
	second->nfgen_family = head->family;
	second->version = NFNETLINK_V0;
	second->res_id = htons(head->number);
	return nlh;
}

int ask(struct mnl_socket *socket, const struct nlmsghdr *request, void *answer, size_t size)
{
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return errno == ENOBUFS ? -ENOMEM : -errno; // it was not sent
	return ask_wait(socket, request->nlmsg_seq, answer, size);
}

int ask_wait(struct mnl_socket *socket, uint32_t seq, void *answer, size_t size)
{
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(socket, answer, size);
		const struct nlmsghdr *nlh = answer;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (; left > 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_type == NLMSG_ERROR && nlh->nlmsg_seq == seq &&
			    mnl_nlmsg_get_payload_len(nlh) >= sizeof(int))
				return *(const int *)mnl_nlmsg_get_payload(nlh);
	}
}
