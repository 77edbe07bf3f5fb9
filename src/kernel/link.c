#include "kernel/link.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

// Threads have links of their own.
static atomic_uint link_turns_done;

uint32_t link_turns(void)
{
	return atomic_load(&link_turns_done);
}

enum { LINK_RECEIVE_BYTES = 4 * 1024 * 1024, LINK_ROOM_MIN = 64 * 1024 };

static void link_tune(const struct link *link)
{
	int on = 1, bytes = LINK_RECEIVE_BYTES;
	int fd = mnl_socket_get_fd(link->socket);

	// Each only improves an answer; without the right to force, the kernel's limits hold.
	mnl_socket_setsockopt(link->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(link->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

int link_open(struct link *link, int fd)
{
	*link = (struct link){ .seq = 1 };
	link->socket =
		fd < 0 ? mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC) : mnl_socket_fdopen(fd);
	if (!link->socket)
		return errno ? -errno : -EBADF;
	link->port = mnl_socket_get_portid(link->socket);
	if (!link->port && mnl_socket_bind(link->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		link_close(link);
		return r;
	}
	link->port = mnl_socket_get_portid(link->socket);
	link->answer = malloc(LINK_ANSWER_MAX);
	link->request = malloc(LINK_REQUEST_MAX);
	if (!link->answer || !link->request) {
		link_close(link);
		return -ENOMEM;
	}
	link_tune(link);
	return 0;
}

void link_close(struct link *link)
{
	if (link->socket)
		mnl_socket_close(link->socket);
	free(link->request);
	free(link->answer);
	*link = (struct link){ 0 };
}

struct nlmsghdr *link_request(struct link *link, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(link->request);
	struct nfgenmsg *head;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	if (!(flags & NLM_F_DUMP))
		nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = ++link->seq;
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->nfgen_family = NFPROTO_INET;
	head->version = NFNETLINK_V0;
	head->res_id = 0;
	return nlh;
}

// One datagram of answers.  Its size, or a negative errno.
static ssize_t link_receive(struct link *link, int flags)
{
	for (;;) {
		ssize_t n = recv(mnl_socket_get_fd(link->socket), link->answer, LINK_ANSWER_MAX,
				 flags | MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n > LINK_ANSWER_MAX)
			return -EMSGSIZE;
		return n < 0 ? -errno : n;
	}
}

// The errno of an NLMSG_ERROR (0: an acknowledgement) or NLMSG_DONE.
static int link_status(const struct nlmsghdr *nlh)
{
	const int *status = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*status))
		return nlh->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	return *status;
}

struct link_reply {
	uint32_t seq;
	link_each each;
	void *arg;
	int result;
	bool broken, done;
};

static void link_take(struct link_reply *reply, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		reply->broken = true;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		reply->done = true;
		if (reply->result == 0)
			reply->result = link_status(nlh);
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && reply->result == 0 && reply->each) {
		reply->result = reply->each(nlh, reply->arg);
	}
}

int link_ask(struct link *link, const struct nlmsghdr *request, link_each each, void *arg)
{
	struct link_reply reply = { .seq = request->nlmsg_seq, .each = each, .arg = arg };

	if (mnl_socket_sendto(link->socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (!reply.done) {
		ssize_t n = link_receive(link, 0);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)link->answer;
		int left = (int)n;

		if (n == -ENOBUFS)
			reply.broken = true;
		else if (n < 0)
			return (int)n;
		for (; left > 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_seq == reply.seq) // others: an earlier request given up
				link_take(&reply, nlh);
	}
	return reply.broken ? -EINTR : reply.result < 0 ? reply.result : 0;
}

// The offset of the attribute at fault that an extended acknowledgement may carry.
static uint32_t link_fault_offset(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	unsigned skip = sizeof(struct nlmsgerr);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || mnl_nlmsg_get_payload_len(nlh) < skip)
		return 0;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

		skip += err->msg.nlmsg_len - NLMSG_HDRLEN;
	}
	mnl_attr_for_each(attr, nlh,
			  skip) if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_OFFS &&
				    mnl_attr_get_payload_len(attr) ==
					    sizeof(uint32_t)) return mnl_attr_get_u32(attr);
	return 0;
}

struct link_outcome {
	int error; // the first one
	bool lost, acknowledged;
};

static void link_judge(const struct batch *batch, const struct nlmsghdr *nlh,
		       struct link_outcome *outcome, link_refused refused, void *arg)
{
	int status;

	if (nlh->nlmsg_type != NLMSG_ERROR ||
	    nlh->nlmsg_seq - batch->first_seq > batch->marks.n + 1)
		return;
	status = link_status(nlh);
	if (status == 0) {
		outcome->acknowledged = true;
		return;
	}
	if (outcome->error == 0)
		outcome->error = status;
	if (refused)
		refused(nlh->nlmsg_seq, status, link_fault_offset(nlh), arg);
}

// The kernel works through a batch within sendmsg(): all answers are there when it returns.
static void link_collect(struct link *link, const struct batch *batch, struct link_outcome *outcome,
			 link_refused refused, void *arg)
{
	for (;;) {
		ssize_t n = link_receive(link, MSG_DONTWAIT);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)link->answer;
		int left = (int)n;

		if (n == -EAGAIN)
			return;
		if (n < 0) {
			outcome->lost = true;
			if (n != -ENOBUFS)
				return;
			continue;
		}
		for (; left > 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			link_judge(batch, nlh, outcome, refused, arg);
	}
}

static int link_make_room(struct link *link, size_t size)
{
	int fd = mnl_socket_get_fd(link->socket), bytes;

	if (size <= link->room)
		return 0;
	if (size < LINK_ROOM_MIN)
		size = LINK_ROOM_MIN;
	// The kernel doubles the value; a message may be as long as the buffer less 32 bytes.
	bytes = size > 1024 * 1024 * 1024 ? 1024 * 1024 * 1024 : (int)size + 4096;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) < 0)
		return -errno;
	link->room = size;
	return 0;
}

int link_send(struct link *link, const struct batch *batch, link_refused refused, void *arg)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec part = { .iov_base = batch->bytes, .iov_len = batch->used };
	struct msghdr msg = { .msg_name = &kernel,
			      .msg_namelen = sizeof(kernel),
			      .msg_iov = &part,
			      .msg_iovlen = 1 };
	struct link_outcome outcome = { 0 };
	int r = link_make_room(link, batch->used);

	if (r < 0)
		return r;
	link->seq = batch->first_seq + (uint32_t)batch->marks.n + 1;
	if (sendmsg(mnl_socket_get_fd(link->socket), &msg, 0) < 0)
		return -errno;
	link_collect(link, batch, &outcome, refused, arg);
	if (outcome.error)
		return outcome.error;
	if (!outcome.acknowledged)
		return -ENOBUFS;
	atomic_fetch_add(&link_turns_done, batch->turns);
	return 0;
}

static int link_take_genid(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_GEN_MAX + 1];

	link_attrs(nlh, attrs, NFTA_GEN_MAX);
	*(uint32_t *)arg = link_be32(attrs[NFTA_GEN_ID]);
	return 0;
}

int link_genid(struct link *link, uint32_t *ret_genid)
{

	return link_ask(link, link_request(link, NFT_MSG_GETGEN, 0), link_take_genid, ret_genid);
}

void link_attrs(const struct nlmsghdr *nlh, const struct nlattr **out, uint16_t max)
{
	const struct nlattr *attr;

	memset(out, 0, (max + 1u) * sizeof(*out));
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) if (mnl_attr_get_type(attr) <= max)
		out[mnl_attr_get_type(attr)] = attr;
}

void link_nested(const struct nlattr *nest, const struct nlattr **out, uint16_t max)
{
	const struct nlattr *attr;

	memset(out, 0, (max + 1u) * sizeof(*out));
	if (!nest)
		return;
	mnl_attr_for_each_nested(attr, nest) if (mnl_attr_get_type(attr) <= max)
		out[mnl_attr_get_type(attr)] = attr;
}

const char *link_text(const struct nlattr *attr)
{
	if (!attr || mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
		return "";
	return mnl_attr_get_str(attr);
}

uint32_t link_be32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 4 ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

uint64_t link_be64(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 8 ? be64toh(mnl_attr_get_u64(attr)) : 0;
}
