// Netlink by hand.  A listener in the inspector's place: it notes which packets the gateway hands
// to the queue and drops them, so that a guarded flow can be told from a denied one.  And
// forgetting what connection tracking knows.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"
#include "internal.h"

enum { QUEUE_MESSAGE_BYTES = 128 * 1024, QUEUE_LENGTH = 65536 };

struct message {
	struct nlmsghdr header;
	struct nfgenmsg family;
	uint8_t attributes[64];
};

static void begin(struct message *message, uint16_t type, uint16_t queue)
{
	*message =
		(struct message){ .header = {
					  .nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
					  .nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type),
					  .nlmsg_flags = NLM_F_REQUEST,
				  } };
	message->family = (struct nfgenmsg){ AF_UNSPEC, NFNETLINK_V0, htons(queue) };
}

static void add(struct message *message, uint16_t type, const void *bytes, size_t n)
{
	size_t at = message->header.nlmsg_len;
	struct nlattr attribute = { (uint16_t)(NLA_HDRLEN + n), type };
	memcpy((uint8_t *)message + at, &attribute, sizeof(attribute));
	memcpy((uint8_t *)message + at + NLA_HDRLEN, bytes, n);
	message->header.nlmsg_len = (uint32_t)(at + NLA_ALIGN(NLA_HDRLEN + n));
}

static void transmit(int fd, const struct message *message)
{
	if (send(fd, message, message->header.nlmsg_len, 0) < 0)
		wire_fail("queue");
}

void wire_listen_queue(struct wire *wire, uint16_t queue)
{
	struct message message;
	struct nfqnl_msg_config_cmd bind_command = { .command = NFQNL_CFG_CMD_BIND };
	struct nfqnl_msg_config_params copy = { htonl(WIRE_BYTES_MAX), NFQNL_COPY_PACKET };
	uint32_t length = htonl(QUEUE_LENGTH);
	int bytes = 32 << 20, fd;

	wire_enter(&wire->zones[0]);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (fd < 0)
		wire_fail("queue");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	begin(&message, NFQNL_MSG_CONFIG, queue);
	add(&message, NFQA_CFG_CMD, &bind_command, sizeof(bind_command));
	transmit(fd, &message);
	begin(&message, NFQNL_MSG_CONFIG, queue);
	add(&message, NFQA_CFG_PARAMS, &copy, sizeof(copy));
	add(&message, NFQA_CFG_QUEUE_MAXLEN, &length, sizeof(length));
	transmit(fd, &message);
	wire_add_source(wire, (struct wire_source){ WIRE_QUEUE, fd, 0, 0, 0, NULL });
}

static void drop(int fd, uint16_t queue, uint32_t id_be)
{
	struct message message;
	struct nfqnl_msg_verdict_hdr verdict = { htonl(NF_DROP), id_be };
	begin(&message, NFQNL_MSG_VERDICT, queue);
	add(&message, NFQA_VERDICT_HDR, &verdict, sizeof(verdict));
	transmit(fd, &message);
}

bool wire_read_queue(int fd, struct wire_event *ret, bool *ret_again)
{
	static uint8_t bytes[QUEUE_MESSAGE_BYTES] __attribute__((aligned(8)));
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
	const struct nlmsghdr *header = (const void *)bytes;
	bool ours = false;
	uint32_t id_be = 0;

	*ret_again = n >= 0 || errno == ENOBUFS;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct nfgenmsg)) || !NLMSG_OK(header, (size_t)n) ||
	    header->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return false;
	const struct nfgenmsg *family = NLMSG_DATA(header);
	size_t at = NLMSG_LENGTH(sizeof(*family));
	while (at + NLA_HDRLEN <= header->nlmsg_len) {
		const struct nlattr *attribute = (const void *)(bytes + at);
		const uint8_t *data = bytes + at + NLA_HDRLEN;
		if (attribute->nla_len < NLA_HDRLEN)
			break;
		switch (attribute->nla_type & NLA_TYPE_MASK) {
		case NFQA_PACKET_HDR:
			memcpy(&id_be, data, 4);
			break;
		case NFQA_PAYLOAD:
			ours = wire_recognise(data, attribute->nla_len - NLA_HDRLEN, ret);
			break;
		}
		at += NLA_ALIGN(attribute->nla_len);
	}
	drop(fd, ntohs(family->res_id), id_be);
	ret->what = WIRE_QUEUED;
	return ours;
}

void wire_forget_connections(struct wire *wire)
{
	struct message message;
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} reply;

	wire_enter(&wire->zones[0]);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		wire_fail("conntrack");
	begin(&message, 0, 0);
	message.header.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	message.header.nlmsg_flags |= NLM_F_ACK;
	transmit(fd, &message);
	if (recv(fd, &reply, sizeof(reply), 0) < (ssize_t)sizeof(reply) || reply.error.error != 0)
		wire_fail("conntrack");
	close(fd);
}
