#include "kernel/liberal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "base/clock.h"
#include "compile/compile.h"
#include "kernel/ask.h"
#include "kernel/conntrack.h"

enum { REQUEST_MAX = 512, ANSWER_MAX = 4096 };

struct liberal {
	struct mnl_socket *socket;
	struct conntrack *table;
	uint32_t seq;
	uint64_t second; // and how often the table was looked through in it
	unsigned looks;
};

int liberal_open(struct liberal **ret_liberal)
{
	struct liberal *liberal = calloc(1, sizeof(*liberal));
	int yes = 1;
	int r;

	if (!liberal)
		return -ENOMEM;
	r = conntrack_open(&liberal->table);
	if (r == 0)
		r = ask_open(&liberal->socket);
	if (r < 0) {
		liberal_close(liberal);
		return r;
	}
	mnl_socket_setsockopt(liberal->socket, NETLINK_CAP_ACK, &yes, sizeof(yes));
	*ret_liberal = liberal;
	return 0;
}

void liberal_close(struct liberal *liberal)
{
	if (!liberal)
		return;
	if (liberal->socket)
		mnl_socket_close(liberal->socket);
	conntrack_close(liberal->table);
	free(liberal);
}

static void put_tuple(struct nlmsghdr *nlh, const struct liberal_peers *peers)
{
	bool v4 = peers->source.family == ADDR_V4;
	size_t size = v4 ? 4 : 16;
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	uint8_t bytes[16];

	addr_to_bytes(peers->source.family, peers->source.bits, bytes);
	mnl_attr_put(nlh, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, size, bytes);
	addr_to_bytes(peers->destination.family, peers->destination.bits, bytes);
	mnl_attr_put(nlh, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, size, bytes);
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(peers->source_port));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(peers->destination_port));
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, tuple);
}

static void put_flags(struct nlmsghdr *nlh)
{
	const struct nf_ct_tcp_flags flags = { .flags = IP_CT_TCP_FLAG_BE_LIBERAL,
					       .mask = IP_CT_TCP_FLAG_BE_LIBERAL };
	struct nlattr *info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);

	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(flags), &flags);
	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(flags), &flags);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
}

// The kernel finds an entry by the tuple of either of its directions.
static int set_by_tuple(struct liberal *liberal, const struct liberal_peers *peers)
{
	_Alignas(8) char bytes[REQUEST_MAX], answer[ANSWER_MAX];
	const struct ask_head head = {
		.part = NFNL_SUBSYS_CTNETLINK,
		.type = IPCTNL_MSG_CT_NEW,
		.flags = NLM_F_ACK,
		.family = peers->source.family == ADDR_V4 ? AF_INET : AF_INET6,
	};
	struct nlmsghdr *nlh = ask_begin(bytes, &head, ++liberal->seq);

	put_tuple(nlh, peers);
	put_flags(nlh);
	return ask(liberal->socket, nlh, answer, sizeof(answer));
}

struct look {
	const struct liberal_peers *peers;
	struct liberal_peers found;
};

static bool is_at(const struct addr *addr, uint16_t port, uint8_t family, const uint8_t bytes[16],
		  uint16_t other)
{
	struct addr that = conntrack_addr(family, bytes);

	return that.family == addr->family && that.bits == addr->bits && port == other;
}

// Who opened it is as the original direction has it, who answers as the reply has.
static int look_at(void *arg, const struct conntrack_entry *entry)
{
	struct look *look = arg;
	const struct liberal_peers *peers = look->peers;
	const struct conntrack_tuple *one = &entry->original, *two = &entry->reply;
	uint8_t family = entry->family;

	if (entry->protocol != IPPROTO_TCP)
		return 0;
	if (!(is_at(&peers->source, peers->source_port, family, one->source, one->source_port) &&
	      is_at(&peers->destination, peers->destination_port, family, two->source,
		    two->source_port)) &&
	    !(is_at(&peers->destination, peers->destination_port, family, one->source,
		    one->source_port) &&
	      is_at(&peers->source, peers->source_port, family, two->source, two->source_port)))
		return 0;
	look->found = (struct liberal_peers){
		.source = conntrack_addr(family, one->source),
		.destination = conntrack_addr(family, one->destination),
		.source_port = one->source_port,
		.destination_port = one->destination_port,
	};
	return -ECANCELED; // found: no need to see the others
}

static int set_by_look(struct liberal *liberal, const struct liberal_peers *peers)
{
	struct look look = { .peers = peers };
	uint64_t second = monotonic_ms() / 1000;
	int r;

	if (second != liberal->second)
		liberal->looks = 0;
	liberal->second = second;
	if (liberal->looks++ >= LIBERAL_LOOKS)
		return -EBUSY;
	r = conntrack_dump_marked(liberal->table, MARK_INSPECT, MARK_INSPECT, look_at, &look);
	if (r == -ECANCELED)
		return set_by_tuple(liberal, &look.found);
	return r < 0 ? r : -ENOENT;
}

int liberal_set(struct liberal *liberal, const struct liberal_peers *peers)
{
	const struct liberal_peers turned = { peers->destination, peers->source,
					      peers->destination_port, peers->source_port };
	int r = set_by_tuple(liberal, peers);

	if (r == -ENOENT)
		r = set_by_tuple(liberal, &turned);
	return r == -ENOENT ? set_by_look(liberal, peers) : r;
}
