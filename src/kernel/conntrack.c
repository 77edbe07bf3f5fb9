// The dialogue with ctnetlink.  Entries become plain structs at once: the library's objects are
// large, and a hundred thousand of them are read in one go.
#include "kernel/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include "kernel/ask.h"

enum {
	ANSWER_BYTES = 256 * 1024, // the kernel fills 32 kB at most
	RECEIVE_BYTES = 4 * 1024 * 1024,
	DELETE_BYTES_MAX = 256, // of one message
};

struct conntrack {
	struct mnl_socket *socket;
	uint32_t port, seq;
	char *answer;
	char *batch; // of deletions
};

int conntrack_open(struct conntrack **ret_conntrack)
{
	struct conntrack *conntrack = calloc(1, sizeof(*conntrack));
	int bytes = RECEIVE_BYTES;
	int r = -ENOMEM;

	if (!conntrack)
		return r;
	conntrack->answer = malloc(ANSWER_BYTES);
	conntrack->batch = malloc((size_t)CONNTRACK_BATCH * DELETE_BYTES_MAX);
	if (conntrack->answer && conntrack->batch)
		r = ask_open(&conntrack->socket);
	if (r < 0) {
		conntrack_close(conntrack);
		return r;
	}
	// Without the right to force, the kernel's limit holds.
	setsockopt(mnl_socket_get_fd(conntrack->socket), SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		   sizeof(bytes));
	conntrack->port = mnl_socket_get_portid(conntrack->socket);
	*ret_conntrack = conntrack;
	return 0;
}

void conntrack_close(struct conntrack *conntrack)
{
	if (!conntrack)
		return;
	if (conntrack->socket)
		mnl_socket_close(conntrack->socket);
	free(conntrack->answer);
	free(conntrack->batch);
	free(conntrack);
}

int conntrack_fd(const struct conntrack *conntrack)
{
	return mnl_socket_get_fd(conntrack->socket);
}

static struct nlmsghdr *put_head(struct conntrack *conntrack, char *at, uint8_t type,
				 uint16_t flags, uint8_t family)
{
	const struct ask_head head = {
		.part = NFNL_SUBSYS_CTNETLINK, .type = type, .flags = flags, .family = family
	};

	return ask_begin(at, &head, ++conntrack->seq);
}

static int send_bytes(struct conntrack *conntrack, const void *bytes, size_t size)
{
	return mnl_socket_sendto(conntrack->socket, bytes, size) < 0 ? -errno : 0;
}

// One datagram of answers.  Its size, or a negative errno.
static ssize_t receive(struct conntrack *conntrack, int flags)
{
	for (;;) {
		ssize_t n = recv(conntrack_fd(conntrack), conntrack->answer, ANSWER_BYTES,
				 flags | MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n > ANSWER_BYTES)
			return -EMSGSIZE;
		return n < 0 ? -errno : n;
	}
}

// --- reading

// Where the library keeps one direction's addresses and ports.
struct direction {
	enum nf_conntrack_attr source4, destination4, source6, destination6, source_port, port;
};
static const struct direction original = { ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST,
					   ATTR_ORIG_IPV6_SRC, ATTR_ORIG_IPV6_DST,
					   ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_DST };
static const struct direction reply = {
	ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_SRC,
	ATTR_REPL_IPV6_DST, ATTR_REPL_PORT_SRC, ATTR_REPL_PORT_DST
};
static const struct direction master = { ATTR_MASTER_IPV4_SRC, ATTR_MASTER_IPV4_DST,
					 ATTR_MASTER_IPV6_SRC, ATTR_MASTER_IPV6_DST,
					 ATTR_MASTER_PORT_SRC, ATTR_MASTER_PORT_DST };

static void take_address(const struct nf_conntrack *ct, enum nf_conntrack_attr attr, size_t size,
			 uint8_t out[16])
{
	const void *bytes = nfct_get_attr(ct, attr);

	if (bytes)
		memcpy(out, bytes, size);
}

static void take_tuple(const struct nf_conntrack *ct, const struct direction *at, uint8_t family,
		       struct conntrack_tuple *out)
{
	bool v4 = family == ADDR_V4;

	take_address(ct, v4 ? at->source4 : at->source6, v4 ? 4 : 16, out->source);
	take_address(ct, v4 ? at->destination4 : at->destination6, v4 ? 4 : 16, out->destination);
	out->source_port = ntohs(nfct_get_attr_u16(ct, at->source_port));
	out->destination_port = ntohs(nfct_get_attr_u16(ct, at->port));
}

static void take_entry(const struct nf_conntrack *ct, struct conntrack_entry *out)
{
	*out = (struct conntrack_entry){
		.family = nfct_get_attr_u8(ct, ATTR_ORIG_L3PROTO) == AF_INET ? ADDR_V4 : ADDR_V6,
		.protocol = nfct_get_attr_u8(ct, ATTR_ORIG_L4PROTO),
		.packets = { nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS),
			     nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_PACKETS) },
		.bytes = { nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_BYTES),
			   nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_BYTES) },
		.id = nfct_get_attr_u32(ct, ATTR_ID),
		.mark = nfct_get_attr_u32(ct, ATTR_MARK),
		.status = nfct_get_attr_u32(ct, ATTR_STATUS),
		.timeout_s = nfct_get_attr_u32(ct, ATTR_TIMEOUT),
		.zone = nfct_get_attr_u16(ct, ATTR_ZONE),
		.icmp_id = ntohs(nfct_get_attr_u16(ct, ATTR_ICMP_ID)),
		.icmp_type = nfct_get_attr_u8(ct, ATTR_ICMP_TYPE),
		.icmp_code = nfct_get_attr_u8(ct, ATTR_ICMP_CODE),
		.tcp_state = nfct_get_attr_u8(ct, ATTR_TCP_STATE),
	};
	take_tuple(ct, &original, out->family, &out->original);
	take_tuple(ct, &reply, out->family, &out->reply);
	if (!nfct_attr_is_set(ct, ATTR_MASTER_L3PROTO))
		return;
	take_tuple(ct, &master, out->family, &out->master);
	out->master_protocol = nfct_get_attr_u8(ct, ATTR_MASTER_L4PROTO);
}

static int take_message(const struct nlmsghdr *nlh, conntrack_each *each, void *arg)
{
	struct conntrack_entry entry;
	struct nf_conntrack *ct = nfct_new();
	int r;

	if (!ct)
		return -ENOMEM;
	r = nfct_nlmsg_parse(nlh, ct) < 0 ? 0 : 1; // one that makes no sense is nobody's
	if (r > 0)
		take_entry(ct, &entry);
	nfct_destroy(ct);
	return r > 0 ? each(arg, &entry) : 0;
}

static int start_dump(struct conntrack *conntrack, uint32_t mark, uint32_t mask)
{
	_Alignas(8) char request[DELETE_BYTES_MAX];
	struct nlmsghdr *nlh;

	while (receive(conntrack, MSG_DONTWAIT) >= 0) // what is left of a dump that was given up
		;
	nlh = put_head(conntrack, request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	if (mask) {
		mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
		mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(mask));
	}
	return send_bytes(conntrack, nlh, nlh->nlmsg_len);
}

int conntrack_dump_start(struct conntrack *conntrack)
{
	return start_dump(conntrack, 0, 0);
}

static int end_of(const struct nlmsghdr *nlh)
{
	const int *status = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) >= sizeof(*status) ? *status : 0;
}

static int take_answers(struct conntrack *conntrack, int flags, conntrack_each *each, void *arg)
{
	ssize_t n = receive(conntrack, flags);
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)conntrack->answer;
	int left = (int)n, r = 0;

	if (n < 0)
		return (int)n;
	for (; r >= 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != conntrack->seq)
			continue;
		if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
			return end_of(nlh);
		r = take_message(nlh, each, arg);
	}
	return r < 0 ? r : 1;
}

int conntrack_dump_step(struct conntrack *conntrack, conntrack_each *each, void *arg)
{
	return take_answers(conntrack, MSG_DONTWAIT, each, arg);
}

int conntrack_dump(struct conntrack *conntrack, conntrack_each *each, void *arg)
{
	return conntrack_dump_marked(conntrack, 0, 0, each, arg);
}

int conntrack_dump_marked(struct conntrack *conntrack, uint32_t mark, uint32_t mask,
			  conntrack_each *each, void *arg)
{
	int r = start_dump(conntrack, mark, mask);

	if (r < 0)
		return r;
	do
		r = take_answers(conntrack, 0, each, arg);
	while (r > 0);
	return r;
}

// --- deleting

static void set_tuple(struct nf_conntrack *ct, const struct conntrack_entry *entry)
{
	const struct conntrack_tuple *tuple = &entry->original;
	bool v4 = entry->family == ADDR_V4;

	nfct_set_attr_u8(ct, ATTR_ORIG_L3PROTO, v4 ? AF_INET : AF_INET6);
	nfct_set_attr_u8(ct, ATTR_ORIG_L4PROTO, entry->protocol);
	nfct_set_attr(ct, v4 ? ATTR_ORIG_IPV4_SRC : ATTR_ORIG_IPV6_SRC, tuple->source);
	nfct_set_attr(ct, v4 ? ATTR_ORIG_IPV4_DST : ATTR_ORIG_IPV6_DST, tuple->destination);
	if (entry->protocol == IPPROTO_ICMP || entry->protocol == IPPROTO_ICMPV6) {
		nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, entry->icmp_type);
		nfct_set_attr_u8(ct, ATTR_ICMP_CODE, entry->icmp_code);
		nfct_set_attr_u16(ct, ATTR_ICMP_ID, htons(entry->icmp_id));
	} else {
		nfct_set_attr_u16(ct, ATTR_ORIG_PORT_SRC, htons(tuple->source_port));
		nfct_set_attr_u16(ct, ATTR_ORIG_PORT_DST, htons(tuple->destination_port));
	}
	if (entry->zone)
		nfct_set_attr_u16(ct, ATTR_ZONE, entry->zone);
}

// The id makes it this very entry, and not one that came after it with the same tuple; but for one
// in the very same memory, whose id the kernel makes the same: it is as little allowed as the
// first.
static int put_delete(struct conntrack *conntrack, char *at, const struct conntrack_entry *entry,
		      size_t *size)
{
	struct nf_conntrack *ct = nfct_new();
	struct nlmsghdr *nlh;
	int r;

	if (!ct)
		return -ENOMEM;
	set_tuple(ct, entry);
	nlh = put_head(conntrack, at, IPCTNL_MSG_CT_DELETE, 0,
		       entry->family == ADDR_V4 ? AF_INET : AF_INET6);
	r = nfct_nlmsg_build(nlh, ct) < 0 ? -EINVAL : 0;
	mnl_attr_put_u32(nlh, CTA_ID, htonl(entry->id));
	nfct_destroy(ct);
	*size = nlh->nlmsg_len;
	return r;
}

// Errors are there when the call that sent the batch returns; what went well has no answer.
static int take_errors(struct conntrack *conntrack, size_t n, bool *deleted)
{
	uint32_t first = conntrack->seq - (uint32_t)n + 1;
	int error = 0;

	memset(deleted, true, n);
	for (;;) {
		ssize_t size = receive(conntrack, MSG_DONTWAIT);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)conntrack->answer;
		int left = (int)size;

		if (size < 0)
			return size == -EAGAIN ? error : (int)size;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			int status = end_of(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_seq - first >= n)
				continue;
			deleted[nlh->nlmsg_seq - first] = status == 0;
			if (status < 0 && status != -ENOENT && error == 0)
				error = status;
		}
	}
}

static int delete_batch(struct conntrack *conntrack, const struct conntrack_entry *const *entries,
			size_t n, bool *deleted)
{
	size_t used = 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		size_t size;

		r = put_delete(conntrack, conntrack->batch + used, entries[i], &size);
		used += size;
	}
	if (r == 0)
		r = send_bytes(conntrack, conntrack->batch, used);
	return r < 0 ? r : take_errors(conntrack, n, deleted);
}

int conntrack_delete(struct conntrack *conntrack, const struct conntrack_entry *const *entries,
		     size_t n, bool *ret_deleted)
{
	int error = 0;

	memset(ret_deleted, false, n);
	while (receive(conntrack, MSG_DONTWAIT) >= 0)
		;
	for (size_t i = 0; i < n; i += CONNTRACK_BATCH) {
		size_t size = n - i < CONNTRACK_BATCH ? n - i : CONNTRACK_BATCH;
		int r = delete_batch(conntrack, entries + i, size, ret_deleted + i);

		if (error == 0)
			error = r;
	}
	return error;
}
