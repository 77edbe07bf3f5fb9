#include "kernel/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "kernel/ask.h"

enum {
	REQUEST_MAX = 256,
	ANSWER_MAX = 8192,
	VERDICTS_BYTES = 256 * 1024,
	VERDICT_MAX = 96, // of one message, without a packet
	SEND_BYTES = 4 * 1024 * 1024,
};

struct queue {
	struct mnl_socket *socket;
	uint16_t number;
	uint32_t seq;
	struct queue_numbers numbers;
	uint8_t heads[QUEUE_BATCH][QUEUE_HEAD];
	size_t n_bytes; // of verdicts
	_Alignas(8) char bytes[VERDICTS_BYTES];
};

static struct nlmsghdr *put_head(struct queue *queue, char *at, uint8_t type, uint16_t flags)
{
	const struct ask_head head = {
		.part = NFNL_SUBSYS_QUEUE, .type = type, .flags = flags, .number = queue->number
	};

	return ask_begin(at, &head, ++queue->seq);
}

static bool may_force(const struct queue *queue, int option, int bytes)
{
	return setsockopt(queue_fd(queue), SOL_SOCKET, option, &bytes, sizeof(bytes)) == 0;
}

// Failing open is never asked for: what finds the queue full is dropped.
static int configure(struct queue *queue, const struct queue_options *options)
{
	_Alignas(8) char bytes[REQUEST_MAX], answer[ANSWER_MAX];
	struct nfqnl_msg_config_cmd command = { .command = NFQNL_CFG_CMD_BIND };
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(QUEUE_PACKET_MAX),
		.copy_mode = options->whole ? NFQNL_COPY_PACKET : NFQNL_COPY_META,
	};
	struct nlmsghdr *nlh = put_head(queue, bytes, NFQNL_MSG_CONFIG, NLM_F_ACK);
	int r;

	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(command), &command);
	r = ask(queue->socket, nlh, answer, sizeof(answer));
	// The kernel says EPERM for both; see which it is.
	if (r == -EPERM && may_force(queue, SO_RCVBUFFORCE, (int)options->socket_bytes))
		return -EBUSY;
	if (r < 0)
		return r;
	nlh = put_head(queue, bytes, NFQNL_MSG_CONFIG, NLM_F_ACK);
	mnl_attr_put(nlh, NFQA_CFG_PARAMS, sizeof(params), &params);
	mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(options->length));
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	return ask(queue->socket, nlh, answer, sizeof(answer));
}

int queue_open(const struct queue_options *options, struct queue **ret_queue)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	int yes = 1, r;

	if (!queue)
		return -ENOMEM;
	queue->number = options->number;
	r = ask_open(&queue->socket);
	// The kernel's own limit holds where forcing is not allowed; binding says so, then.
	if (r == 0 && !may_force(queue, SO_RCVBUFFORCE, (int)options->socket_bytes))
		may_force(queue, SO_RCVBUF, (int)options->socket_bytes);
	if (r == 0 && !may_force(queue, SO_SNDBUFFORCE, SEND_BYTES))
		may_force(queue, SO_SNDBUF, SEND_BYTES);
	// An answer need not quote the whole packet of a verdict that came too late.
	if (r == 0)
		mnl_socket_setsockopt(queue->socket, NETLINK_CAP_ACK, &yes, sizeof(yes));
	if (r == 0)
		r = configure(queue, options);
	if (r < 0) {
		queue_close(queue);
		return r;
	}
	*ret_queue = queue;
	return 0;
}

void queue_close(struct queue *queue)
{
	if (!queue)
		return;
	if (queue->socket)
		mnl_socket_close(queue->socket);
	free(queue);
}

int queue_fd(const struct queue *queue)
{
	return mnl_socket_get_fd(queue->socket);
}

void queue_numbers(const struct queue *queue, struct queue_numbers *ret)
{
	*ret = queue->numbers;
}

// --- one message

static uint32_t get_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return ntohl(value);
}

static void take_number(uint32_t *out, const uint8_t *bytes, size_t size)
{
	if (size == sizeof(uint32_t))
		*out = get_u32(bytes);
}

struct taken {
	struct queue_packet packet;
	uint32_t info;
	bool has_id;
};

static void take_attribute(struct taken *taken, unsigned type, const uint8_t *bytes, size_t size)
{
	struct queue_packet *packet = &taken->packet;

	switch (type) {
	case NFQA_PACKET_HDR:
		if (size < sizeof(struct nfqnl_msg_packet_hdr))
			return;
		packet->id = get_u32(bytes);
		packet->hook = bytes[offsetof(struct nfqnl_msg_packet_hdr, hook)];
		taken->has_id = true;
		return;
	case NFQA_MARK:
		take_number(&packet->mark, bytes, size);
		return;
	case NFQA_IFINDEX_INDEV:
		take_number(&packet->in, bytes, size);
		return;
	case NFQA_IFINDEX_OUTDEV:
		take_number(&packet->out, bytes, size);
		return;
	case NFQA_CAP_LEN:
		take_number(&packet->whole, bytes, size);
		return;
	case NFQA_SKB_INFO:
		take_number(&taken->info, bytes, size);
		return;
	default:
		return;
	}
}

// Only the packet itself, which is the last attribute, may reach beyond what is there.
static int take_attributes(struct taken *taken, const uint8_t *head, size_t size, size_t whole)
{
	size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
	struct nlattr attr;

	while (at + sizeof(attr) <= size) {
		memcpy(&attr, head + at, sizeof(attr));
		if (attr.nla_len < sizeof(attr) || attr.nla_len > whole - at)
			return -EBADMSG;
		if ((attr.nla_type & NLA_TYPE_MASK) == NFQA_PAYLOAD) {
			taken->packet.offset = (uint32_t)(at + sizeof(attr));
			taken->packet.size = attr.nla_len - (uint32_t)sizeof(attr);
			return 0;
		}
		if (attr.nla_len > size - at)
			return -EBADMSG;
		take_attribute(taken, attr.nla_type & NLA_TYPE_MASK, head + at + sizeof(attr),
			       attr.nla_len - sizeof(attr));
		at += NLA_ALIGN(attr.nla_len);
	}
	return at >= whole ? 0 : -EBADMSG;
}

int queue_parse(const uint8_t *head, size_t size, size_t whole, struct queue_packet *ret)
{
	struct taken taken = { 0 };
	struct nlmsghdr nlh;

	if (size < NLMSG_HDRLEN + sizeof(struct nfgenmsg) || whole < size)
		return -EBADMSG;
	memcpy(&nlh, head, sizeof(nlh));
	if (nlh.nlmsg_len < size || nlh.nlmsg_len > whole)
		return -EBADMSG;
	if (nlh.nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return 1;
	if (take_attributes(&taken, head, size, nlh.nlmsg_len) < 0 || !taken.has_id)
		return -EBADMSG;
	if (taken.packet.whole < taken.packet.size)
		taken.packet.whole = taken.packet.size;
	taken.packet.sums_not_ready = taken.info & NFQA_SKB_CSUMNOTREADY;
	taken.packet.sums_checked =
		!(taken.info & (NFQA_SKB_CSUM_NOTVERIFIED | NFQA_SKB_CSUMNOTREADY));
	taken.packet.gso = taken.info & NFQA_SKB_GSO;
	*ret = taken.packet;
	return 0;
}

// --- receiving

// The beginning of the packet lies in the head; it goes in front of the rest.
static bool place(struct queue *queue, const uint8_t *head, size_t whole, struct queue_room *room,
		  struct queue_packet *ret)
{
	size_t size = whole < QUEUE_HEAD ? whole : QUEUE_HEAD;
	int r = queue_parse(head, size, whole, ret);

	if (r > 0)
		queue->numbers.refused++;
	if (r != 0)
		return false;
	if (ret->size) {
		ret->n_first = (uint32_t)size - ret->offset;
		if (ret->n_first > ret->size)
			ret->n_first = ret->size;
		ret->first = head + ret->offset;
		memcpy(room->bytes + ret->offset, ret->first, ret->n_first);
	}
	queue->numbers.packets++;
	return true;
}

int queue_receive(struct queue *queue, struct queue_room *rooms, unsigned n,
		  struct queue_packet *ret)
{
	struct mmsghdr messages[QUEUE_BATCH];
	struct iovec parts[QUEUE_BATCH][2];
	struct sockaddr_nl from[QUEUE_BATCH];
	int got;

	n = n < QUEUE_BATCH ? n : QUEUE_BATCH;
	memset(messages, 0, n * sizeof(messages[0]));
	for (unsigned i = 0; i < n; i++) {
		parts[i][0] = (struct iovec){ queue->heads[i], QUEUE_HEAD };
		parts[i][1] =
			(struct iovec){ rooms[i].bytes + QUEUE_HEAD, rooms[i].size - QUEUE_HEAD };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = parts[i],
						       .msg_iovlen = 2,
						       .msg_name = &from[i],
						       .msg_namelen = sizeof(from[i]) };
		rooms[i].used = false;
	}
	do
		got = recvmmsg(queue_fd(queue), messages, n, MSG_DONTWAIT, NULL);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == ENOBUFS)
		queue->numbers.overruns++;
	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	for (int i = 0; i < got; i++)
		rooms[i].used =
			from[i].nl_pid == 0 && !(messages[i].msg_hdr.msg_flags & MSG_TRUNC) &&
			place(queue, queue->heads[i], messages[i].msg_len, &rooms[i], &ret[i]);
	return got;
}

// --- verdicts

int queue_send(struct queue *queue)
{
	ssize_t n;

	if (!queue->n_bytes)
		return 0;
	do
		n = mnl_socket_sendto(queue->socket, queue->bytes, queue->n_bytes);
	while (n < 0 && errno == EINTR);
	queue->n_bytes = 0;
	queue->numbers.sends++;
	return n < 0 ? -errno : 0;
}

static struct nlmsghdr *put_verdict(struct queue *queue, uint8_t type, uint32_t id,
				    uint32_t verdict)
{
	struct nfqnl_msg_verdict_hdr head = { .verdict = htonl(verdict), .id = htonl(id) };
	struct nlmsghdr *nlh = put_head(queue, queue->bytes + queue->n_bytes, type, 0);

	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(head), &head);
	return nlh;
}

static int make_room(struct queue *queue, size_t size)
{
	return VERDICTS_BYTES - queue->n_bytes < size ? queue_send(queue) : 0;
}

int queue_answer(struct queue *queue, const struct queue_answer *answer)
{
	static const uint32_t verdicts[] = {
		[QUEUE_DROP] = NF_DROP, [QUEUE_ACCEPT] = NF_ACCEPT, [QUEUE_MOVE] = NF_QUEUE
	};
	uint32_t verdict = verdicts[answer->verdict];
	uint32_t size = answer->bytes ? answer->size : 0;
	struct nlmsghdr *nlh;
	int r;

	if (size > QUEUE_PACKET_MAX)
		return -EMSGSIZE;
	r = make_room(queue, VERDICT_MAX + size);
	if (answer->verdict == QUEUE_MOVE)
		verdict = NF_QUEUE_NR(answer->to);
	nlh = put_verdict(queue, NFQNL_MSG_VERDICT, answer->id, verdict);
	if (answer->marks)
		mnl_attr_put_u32(nlh, NFQA_MARK, htonl(answer->mark));
	if (size)
		mnl_attr_put(nlh, NFQA_PAYLOAD, size, answer->bytes);
	queue->n_bytes += NLMSG_ALIGN(nlh->nlmsg_len);
	queue->numbers.singles++;
	return r;
}

int queue_accept_until(struct queue *queue, uint32_t id)
{
	int r = make_room(queue, VERDICT_MAX);
	struct nlmsghdr *nlh = put_verdict(queue, NFQNL_MSG_VERDICT_BATCH, id, NF_ACCEPT);

	queue->n_bytes += NLMSG_ALIGN(nlh->nlmsg_len);
	queue->numbers.batches++;
	return r;
}

// --- what the kernel says of it

bool queue_state_parse(const char *line, uint16_t *ret_number, struct queue_state *ret)
{
	unsigned number, listener, waiting, mode, range;
	unsigned long long dropped, user_dropped;

	if (sscanf(line, "%u %u %u %u %u %llu %llu", &number, &listener, &waiting, &mode, &range,
		   &dropped, &user_dropped) != 7 ||
	    number > UINT16_MAX)
		return false;
	*ret_number = (uint16_t)number;
	*ret = (struct queue_state){ .waiting = waiting,
				     .dropped = dropped,
				     .user_dropped = user_dropped,
				     .listener = listener };
	return true;
}

int queue_state(uint16_t number, struct queue_state *ret)
{
	FILE *in = fopen("/proc/net/netfilter/nfnetlink_queue", "re");
	struct queue_state found;
	char line[256];
	uint16_t other;

	if (!in)
		return -errno;
	*ret = (struct queue_state){ 0 };
	while (fgets(line, sizeof(line), in))
		if (queue_state_parse(line, &other, &found) && other == number)
			*ret = found;
	fclose(in);
	return 0;
}
