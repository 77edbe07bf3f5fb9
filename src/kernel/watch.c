#include "kernel/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "kernel/link.h"
#include "kernel/private.h"

enum {
	WATCH_SOCKET_BYTES = 16 * 1024 * 1024,
	WATCH_RECEIVE_MAX = 256 * 1024,
	WATCH_DATAGRAMS = 256, // read at once, before others get their turn
};

struct watch {
	int rules, network; // sockets
	struct watch_reader reader;
	_Alignas(8) char bytes[WATCH_RECEIVE_MAX];
};

// --- transactions

// What a message says was done, and the attribute with the name of what it was done to.
static const struct {
	const char *words; // %s: that name
	uint8_t name, table;
	bool foreign; // done to a table of others it can matter to us
} watch_messages[NFT_MSG_MAX] = {
	[NFT_MSG_NEWTABLE] = { "table %s added or switched", NFTA_TABLE_NAME, NFTA_TABLE_NAME,
			       true },
	[NFT_MSG_DELTABLE] = { "table %s deleted", NFTA_TABLE_NAME, NFTA_TABLE_NAME, true },
	[NFT_MSG_NEWCHAIN] = { "chain %s added or changed", NFTA_CHAIN_NAME, NFTA_CHAIN_TABLE,
			       true },
	[NFT_MSG_DELCHAIN] = { "chain %s deleted", NFTA_CHAIN_NAME, NFTA_CHAIN_TABLE, true },
	[NFT_MSG_NEWRULE] = { "rule added to chain %s", NFTA_RULE_CHAIN, NFTA_RULE_TABLE, true },
	[NFT_MSG_DELRULE] = { "rule deleted from chain %s", NFTA_RULE_CHAIN, NFTA_RULE_TABLE,
			      true },
	[NFT_MSG_NEWSET] = { "set %s added or changed", NFTA_SET_NAME, NFTA_SET_TABLE, false },
	[NFT_MSG_DELSET] = { "set %s deleted", NFTA_SET_NAME, NFTA_SET_TABLE, false },
	[NFT_MSG_NEWSETELEM] = { "element added to set %s", NFTA_SET_ELEM_LIST_SET,
				 NFTA_SET_ELEM_LIST_TABLE, false },
	[NFT_MSG_DELSETELEM] = { "element deleted from set %s", NFTA_SET_ELEM_LIST_SET,
				 NFTA_SET_ELEM_LIST_TABLE, false },
	[NFT_MSG_NEWOBJ] = { "object %s added or changed", NFTA_OBJ_NAME, NFTA_OBJ_TABLE, false },
	[NFT_MSG_DELOBJ] = { "object %s deleted", NFTA_OBJ_NAME, NFTA_OBJ_TABLE, false },
	[NFT_MSG_NEWFLOWTABLE] = { "flowtable %s added or changed", NFTA_FLOWTABLE_NAME,
				   NFTA_FLOWTABLE_TABLE, true },
	[NFT_MSG_DELFLOWTABLE] = { "flowtable %s deleted", NFTA_FLOWTABLE_NAME,
				   NFTA_FLOWTABLE_TABLE, true },
};
enum { WATCH_ATTRIBUTES = 8 }; // all of those names and tables are below

// "destroy" (6.3) is "delete" without a complaint; these are newer than many headers.
static const uint8_t watch_destroys[] = { NFT_MSG_DELTABLE,    NFT_MSG_DELCHAIN,   NFT_MSG_DELRULE,
					  NFT_MSG_DELSET,      NFT_MSG_DELSETELEM, NFT_MSG_DELOBJ,
					  NFT_MSG_DELFLOWTABLE };
enum { WATCH_DESTROY_FIRST = 26 };

static unsigned watch_type(const struct nlmsghdr *nlh)
{
	unsigned type = nlh->nlmsg_type & 0xff;
	unsigned destroy = type - WATCH_DESTROY_FIRST;

	return type >= WATCH_DESTROY_FIRST && destroy < sizeof(watch_destroys)
		       ? watch_destroys[destroy]
		       : type;
}

static const char watch_of_guard[] = " of the guard";

// Names of others may hold anything.
static void watch_copy_name(char *out, size_t size, const char *name)
{
	size_t n = 0;

	for (; name[n] && n + 1 < size; n++)
		out[n] = name[n] > 0x20 && name[n] < 0x7f ? name[n] : '?';
	out[n] = '\0';
}

// With a table goes all that is in it, which need not be told.
static void watch_forget(struct watch_reader *reader, bool guard)
{
	unsigned n = 0;

	for (unsigned i = 0; i < reader->n_kinds; i++)
		if (reader->kinds[i].guard != guard)
			reader->kinds[n++] = reader->kinds[i];
	reader->n_kinds = n;
	reader->more = 0;
}

static void watch_note(struct watch_reader *reader, uint8_t type, bool guard, const char *object)
{
	bool table = type == NFT_MSG_NEWTABLE || type == NFT_MSG_DELTABLE;
	char name[sizeof(reader->kinds[0].object)];

	watch_copy_name(name, sizeof(name) - sizeof(watch_of_guard), object);
	if (guard && !table)
		strcat(name, watch_of_guard);
	if (type == NFT_MSG_DELTABLE)
		watch_forget(reader, guard);
	for (unsigned i = 0; i < reader->n_kinds; i++)
		if (reader->kinds[i].type == type && reader->kinds[i].guard == guard &&
		    strcmp(reader->kinds[i].object, name) == 0) {
			reader->kinds[i].times++;
			return;
		}
	if (reader->n_kinds == WATCH_KINDS_MAX) {
		reader->more++;
		return;
	}
	reader->kinds[reader->n_kinds].type = type;
	reader->kinds[reader->n_kinds].guard = guard;
	reader->kinds[reader->n_kinds].times = 1;
	memcpy(reader->kinds[reader->n_kinds++].object, name, sizeof(name));
}

static void watch_put_words(struct watch_reader *reader)
{
	char *out = reader->change.words;
	size_t used = 0, size = sizeof(reader->change.words);

	out[0] = '\0';
	for (unsigned i = 0; i < reader->n_kinds && used + 1 < size; i++) {
		used += (size_t)snprintf(out + used, size - used, "%s", i ? "; " : "");
		if (used < size)
			used += (size_t)snprintf(out + used, size - used,
						 watch_messages[reader->kinds[i].type].words,
						 reader->kinds[i].object);
		if (reader->kinds[i].times > 1 && used < size)
			used += (size_t)snprintf(out + used, size - used, " (%u times)",
						 reader->kinds[i].times);
	}
	if (reader->more && used < size)
		snprintf(out + used, size - used, "; and %u more", reader->more);
}

static void watch_tell(struct watch_reader *reader, watch_each *each, void *arg)
{
	watch_put_words(reader);
	each(arg, &reader->change);
	*reader = (struct watch_reader){ 0 };
}

static void watch_end(struct watch_reader *reader, const struct nlmsghdr *nlh, watch_each *each,
		      void *arg)
{
	const struct nlattr *attrs[NFTA_GEN_MAX + 1];

	link_attrs(nlh, attrs, NFTA_GEN_MAX);
	reader->change.port = nlh->nlmsg_pid;
	reader->change.pid = link_be32(attrs[NFTA_GEN_PROC_PID]);
	watch_copy_name(reader->change.name, sizeof(reader->change.name),
			link_text(attrs[NFTA_GEN_PROC_NAME]));
	watch_tell(reader, each, arg);
}

static void watch_take(struct watch_reader *reader, const struct nlmsghdr *nlh, uint8_t type)
{
	const struct nlattr *attrs[WATCH_ATTRIBUTES + 1];
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(nlh);
	const char *table;
	bool inet = head->nfgen_family == NFPROTO_INET;
	bool policy, guard;

	reader->change.port = nlh->nlmsg_pid;
	link_attrs(nlh, attrs, WATCH_ATTRIBUTES);
	table = link_text(attrs[watch_messages[type].table]);
	policy = inet && strcmp(table, kernel_table) == 0;
	guard = inet &&
		(strcmp(table, kernel_guard_table) == 0 || strcmp(table, kernel_mirror_table) == 0);
	if (policy || guard) {
		reader->change.about |= policy ? WATCH_POLICY : WATCH_GUARD;
		watch_note(reader, type, guard, link_text(attrs[watch_messages[type].name]));
	} else if (watch_messages[type].foreign) {
		reader->change.about |= WATCH_FOREIGN;
	}
	if (policy && type == NFT_MSG_DELTABLE)
		reader->change.gone = true;
}

void watch_parse(struct watch_reader *reader, const void *bytes, size_t size, watch_each *each,
		 void *arg)
{
	const struct nlmsghdr *nlh = bytes;
	int left = (int)size;

	for (; left > 0 && link_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		unsigned type = watch_type(nlh);

		if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || type >= NFT_MSG_MAX ||
		    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
			continue;
		// What has no end was the kernel's own doing (a device went), or its end was lost.
		if (reader->change.about && reader->change.port != nlh->nlmsg_pid)
			watch_tell(reader, each, arg);
		if (type == NFT_MSG_NEWGEN)
			watch_end(reader, nlh, each, arg);
		else if (watch_messages[type].words)
			watch_take(reader, nlh, (uint8_t)type);
	}
}

// --- sockets

// The sender's netlink address stands in each message's header, and a datagram has one sender.
static int watch_keep_out(int fd, uint32_t port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static int watch_socket(int protocol, uint32_t groups)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int bytes = WATCH_SOCKET_BYTES;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	int r = 0;

	if (fd < 0)
		return -errno;
	// Without the right to force it, the kernel's limit holds and more is lost.
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

static int watch_member(int fd, int option, int group)
{
	return setsockopt(fd, SOL_NETLINK, option, &group, sizeof(group)) < 0 ? -errno : 0;
}

static const int watch_network_groups[] = {
	RTNLGRP_LINK,	    RTNLGRP_IPV4_IFADDR,  RTNLGRP_IPV6_IFADDR,	RTNLGRP_IPV4_ROUTE,
	RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_TC,
};

int watch_open(const struct kernel *kernel, struct watch **ret_watch)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	watch->rules = watch_socket(NETLINK_NETFILTER, 0);
	watch->network = watch_socket(NETLINK_ROUTE, 0);
	r = watch->rules < 0 ? watch->rules : watch->network < 0 ? watch->network : 0;
	if (r == 0)
		r = watch_keep_out(watch->rules, kernel->link.port);
	if (r == 0)
		r = watch_member(watch->rules, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTABLES);
	for (size_t i = 0; r == 0 && i < sizeof(watch_network_groups) / sizeof(int); i++) {
		r = watch_member(watch->network, NETLINK_ADD_MEMBERSHIP, watch_network_groups[i]);
		if (r == -EINVAL || r == -ENOENT) // a kernel without IPv6
			r = 0;
	}
	if (r < 0)
		watch_close(watch);
	else
		*ret_watch = watch;
	return r;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->rules >= 0)
		close(watch->rules);
	if (watch->network >= 0)
		close(watch->network);
	free(watch);
}

int watch_rules_fd(const struct watch *watch)
{
	return watch->rules;
}

int watch_network_fd(const struct watch *watch)
{
	return watch->network;
}

void watch_pause(struct watch *watch)
{
	watch_member(watch->rules, NETLINK_DROP_MEMBERSHIP, NFNLGRP_NFTABLES);
}

void watch_resume(struct watch *watch)
{
	watch_member(watch->rules, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTABLES);
}

// One datagram of the kernel: its size; 0 when there is none; -ENOBUFS when some were lost.
static ssize_t watch_receive(int fd, struct watch *watch)
{
	struct sockaddr_nl from = { 0 };
	socklen_t length = sizeof(from);
	ssize_t n;

	for (;;) {
		n = recvfrom(fd, watch->bytes, sizeof(watch->bytes), MSG_TRUNC,
			     (struct sockaddr *)&from, &length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n > WATCH_RECEIVE_MAX)
			return -ENOBUFS;
		if (from.nl_pid == 0) // nobody but the kernel
			return n;
	}
}

int watch_read_rules(struct watch *watch, watch_each *each, void *arg)
{
	int lost = 0;

	for (int i = 0; i < WATCH_DATAGRAMS; i++) {
		ssize_t n = watch_receive(watch->rules, watch);

		if (n == -ENOBUFS) {
			watch->reader = (struct watch_reader){ 0 };
			lost = WATCH_LOST;
			continue;
		}
		if (n <= 0)
			return n < 0 ? (int)n : lost;
		watch_parse(&watch->reader, watch->bytes, (size_t)n, each, arg);
	}
	return lost;
}

static unsigned watch_about_network(const void *bytes, size_t size)
{
	const struct nlmsghdr *nlh = bytes;
	int left = (int)size;
	unsigned about = 0;

	for (; left > 0 && link_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		about |= nlh->nlmsg_type == RTM_NEWNETCONF || nlh->nlmsg_type == RTM_DELNETCONF
				 ? WATCH_SETTING
				 : WATCH_NETWORK;
	return about;
}

int watch_read_network(struct watch *watch)
{
	unsigned about = 0;

	for (int i = 0; i < WATCH_DATAGRAMS; i++) {
		ssize_t n = watch_receive(watch->network, watch);

		if (n == -ENOBUFS) {
			about |= WATCH_LOST;
			continue;
		}
		if (n <= 0)
			return n < 0 ? (int)n : (int)about;
		about |= watch_about_network(watch->bytes, (size_t)n);
	}
	return (int)about;
}
