#include "kernel/nflog.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "base/clock.h"
#include "kernel/ask.h"

enum {
	NFLOG_SOCKET_BYTES = 8 * 1024 * 1024,
	NFLOG_KERNEL_BYTES = 64 * 1024, // that the kernel gathers before it sends
	NFLOG_WAIT_CS = 1,		// how long it gathers, in hundredths of a second
	NFLOG_GATHER = 64,		// how many records it gathers
	NFLOG_RECEIVE_MAX = 128 * 1024,
	NFLOG_REQUEST_MAX = 256,
};

struct nflog {
	struct mnl_socket *socket;
	uint32_t seq;
	uint32_t next; // number of the next record
	bool numbered;
	char *answer;
};

static struct nlmsghdr *nflog_request(struct nflog *nflog, char *bytes, uint16_t group)
{
	const struct ask_head head = { .part = NFNL_SUBSYS_ULOG,
				       .type = NFULNL_MSG_CONFIG,
				       .flags = NLM_F_ACK,
				       .number = group };

	return ask_begin(bytes, &head, ++nflog->seq);
}

// Records may come before the acknowledgement, and be lost.
static int nflog_ask(struct nflog *nflog, const struct nlmsghdr *request)
{
	int r = ask(nflog->socket, request, nflog->answer, NFLOG_RECEIVE_MAX);

	while (r == -ENOBUFS)
		r = ask_wait(nflog->socket, nflog->seq, nflog->answer, NFLOG_RECEIVE_MAX);
	return r;
}

// Whether this process may do what needs CAP_NET_ADMIN: forcing a buffer's size does.
static bool nflog_may(const struct nflog *nflog)
{
	int bytes = NFLOG_SOCKET_BYTES;

	return setsockopt(nflog_fd(nflog), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) == 0;
}

static int nflog_bind(struct nflog *nflog, uint16_t group)
{
	_Alignas(8) char bytes[NFLOG_REQUEST_MAX];
	struct nfulnl_msg_config_cmd command = { .command = NFULNL_CFG_CMD_BIND };
	struct nlmsghdr *nlh = nflog_request(nflog, bytes, group);

	int r;

	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(command), &command);
	r = nflog_ask(nflog, nlh);
	// The kernel says EPERM for both; see which it is.
	return r == -EPERM && nflog_may(nflog) ? -EBUSY : r;
}

static int nflog_tune(struct nflog *nflog, uint16_t group, const struct nflog_tuning *tuning)
{
	_Alignas(8) char bytes[NFLOG_REQUEST_MAX];
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(tuning->packet_max),
					       .copy_mode = NFULNL_COPY_PACKET };
	struct nlmsghdr *nlh = nflog_request(nflog, bytes, group);

	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_NLBUFSIZ, htonl(NFLOG_KERNEL_BYTES));
	mnl_attr_put_u32(nlh, NFULA_CFG_TIMEOUT, htonl(tuning->wait_cs));
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(tuning->gather));
	// Numbers: what the kernel had no room for is known to the record.
	mnl_attr_put_u16(nlh, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
	return nflog_ask(nflog, nlh);
}

int nflog_open(uint16_t group, struct nflog **ret_nflog)
{
	static const struct nflog_tuning tuning = { NFLOG_PACKET_MAX, NFLOG_WAIT_CS, NFLOG_GATHER };

	return nflog_open_tuned(group, &tuning, ret_nflog);
}

int nflog_open_tuned(uint16_t group, const struct nflog_tuning *tuning, struct nflog **ret_nflog)
{
	struct nflog *nflog = calloc(1, sizeof(*nflog));
	int bytes = NFLOG_SOCKET_BYTES;
	int r = 0;

	if (!nflog)
		return -ENOMEM;
	nflog->answer = malloc(NFLOG_RECEIVE_MAX);
	if (!nflog->answer)
		r = -ENOMEM;
	if (r == 0)
		r = ask_open(&nflog->socket);
	if (r == 0) {
		int fd = mnl_socket_get_fd(nflog->socket);

		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
			setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
		r = nflog_bind(nflog, group);
	}
	if (r == 0)
		r = nflog_tune(nflog, group, tuning);
	if (r < 0) {
		nflog_close(nflog);
		return r;
	}
	*ret_nflog = nflog;
	return 0;
}

void nflog_close(struct nflog *nflog)
{
	if (!nflog)
		return;
	if (nflog->socket)
		mnl_socket_close(nflog->socket);
	free(nflog->answer);
	free(nflog);
}

int nflog_fd(const struct nflog *nflog)
{
	return mnl_socket_get_fd(nflog->socket);
}

static void nflog_take_header(struct nflog_record *record, const struct nlattr *attr)
{
	const struct nfulnl_msg_packet_hdr *head = mnl_attr_get_payload(attr);

	if (mnl_attr_get_payload_len(attr) >= sizeof(*head))
		record->hook = head->hook;
}

static void nflog_take_in(struct nflog_record *record, const struct nlattr *attr)
{
	if (mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
		record->in = ntohl(mnl_attr_get_u32(attr));
}

static void nflog_take_out(struct nflog_record *record, const struct nlattr *attr)
{
	if (mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
		record->out = ntohl(mnl_attr_get_u32(attr));
}

static void nflog_take_mark(struct nflog_record *record, const struct nlattr *attr)
{
	if (mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
		record->mark = ntohl(mnl_attr_get_u32(attr));
}

static void nflog_take_number(struct nflog_record *record, const struct nlattr *attr)
{
	record->has_number = mnl_attr_get_payload_len(attr) == sizeof(uint32_t);
	if (record->has_number)
		record->number = ntohl(mnl_attr_get_u32(attr));
}

static void nflog_take_time(struct nflog_record *record, const struct nlattr *attr)
{
	struct nfulnl_msg_packet_timestamp stamp;
	uint64_t seconds, micros;

	if (mnl_attr_get_payload_len(attr) < sizeof(stamp))
		return;
	memcpy(&stamp, mnl_attr_get_payload(attr), sizeof(stamp));
	seconds = be64toh(stamp.sec);
	micros = be64toh(stamp.usec);
	if (seconds < UINT64_MAX / 1000000 - 1 && micros < 1000000)
		record->time_us = seconds * 1000000 + micros;
}

static void nflog_take_prefix(struct nflog_record *record, const struct nlattr *attr)
{
	size_t size = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));

	if (size > NFLOG_PREFIX_MAX - 1)
		size = NFLOG_PREFIX_MAX - 1;
	memcpy(record->prefix, mnl_attr_get_payload(attr), size);
	record->prefix[size] = '\0';
}

static void nflog_take_payload(struct nflog_record *record, const struct nlattr *attr)
{
	size_t size = mnl_attr_get_payload_len(attr);

	record->whole = mnl_attr_get_payload(attr);
	record->whole_size = size;
	record->packet_size = size < NFLOG_PACKET_MAX ? size : NFLOG_PACKET_MAX;
	memcpy(record->packet, mnl_attr_get_payload(attr), record->packet_size);
}

static void (*const nflog_takers[])(struct nflog_record *, const struct nlattr *) = {
	[NFULA_PACKET_HDR] = nflog_take_header,	 [NFULA_MARK] = nflog_take_mark,
	[NFULA_TIMESTAMP] = nflog_take_time,	 [NFULA_IFINDEX_INDEV] = nflog_take_in,
	[NFULA_IFINDEX_OUTDEV] = nflog_take_out, [NFULA_PAYLOAD] = nflog_take_payload,
	[NFULA_PREFIX] = nflog_take_prefix,	 [NFULA_SEQ] = nflog_take_number,
};

int nflog_parse(const void *message, size_t size, struct nflog_record *ret_record)
{
	const struct nlmsghdr *nlh = message;
	const struct nfgenmsg *head;
	const struct nlattr *attr;
	struct nflog_record record = { 0 };

	if (size > INT32_MAX || !mnl_nlmsg_ok(nlh, (int)size) ||
	    nlh->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*head))
		return -EBADMSG;
	head = mnl_nlmsg_get_payload(nlh);
	record.family = head->nfgen_family == NFPROTO_IPV4   ? 4
			: head->nfgen_family == NFPROTO_IPV6 ? 6
							     : 0;
	mnl_attr_for_each(attr, nlh, sizeof(*head))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type < sizeof(nflog_takers) / sizeof(nflog_takers[0]) && nflog_takers[type])
			nflog_takers[type](&record, attr);
	}
	// In an inet table the family of the message is the table's; the packet knows its own.
	if (record.family == 0 && record.packet_size && record.packet[0] >> 4 == 4)
		record.family = 4;
	else if (record.family == 0 && record.packet_size && record.packet[0] >> 4 == 6)
		record.family = 6;
	*ret_record = record;
	return 0;
}

// How many are missing before this record.
static uint32_t nflog_missing(struct nflog *nflog, const struct nflog_record *record)
{
	uint32_t missing = nflog->numbered ? record->number - nflog->next : 0;

	if (!record->has_number)
		return 0;
	nflog->next = record->number + 1;
	nflog->numbered = true;
	return missing;
}

int nflog_read(struct nflog *nflog, unsigned limit,
	       void (*each)(const struct nflog_record *record, void *arg), void *arg)
{
	struct nflog_record record;
	uint64_t lost = 0;
	unsigned given = 0;

	while (given < limit) {
		ssize_t n = recv(nflog_fd(nflog), nflog->answer, NFLOG_RECEIVE_MAX, MSG_DONTWAIT);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)nflog->answer;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) // the next record's number says how many
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n <= 0)
			break;
		for (; left > 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nflog_parse(nlh, nlh->nlmsg_len, &record) < 0)
				continue;
			if (!record.time_us)
				record.time_us = wall_us();
			lost += nflog_missing(nflog, &record);
			each(&record, arg);
			given++;
		}
	}
	return lost < INT32_MAX ? (int)lost : INT32_MAX;
}
