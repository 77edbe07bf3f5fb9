// What the kernel tells of others' transactions, links, addresses, routes and tables: recorded
// messages, the same cut and damaged at every byte, and the living kernel.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "kernel/foreign.h"
#include "kernel/network.h"
#include "kernel/watch.h"
#include "unit/kernel_net.h"

// nft 1.0.6 on Linux 6.18 (x86-64), as it came from the socket.

// add element inet sekisho s { 1.2.3.5, 1.2.3.6 }; insert rule inet sekisho a accept
static const char edit[] =
	"3c0000000c0a000400000000601b0000010000030c00010073656b6973686f0006000200730000001400030010000100"
	"0c00010008000100010203053c0000000c0a000400000000601b0000010000030c00010073656b6973686f0006000200"
	"7300000014000300100001000c000100080001000102030668000000060a000402000000601b0000010000030c000100"
	"73656b6973686f0006000200610000000c000300000000000000000334000400300001000e000100696d6d6564696174"
	"650000001c0002000800010000000000100002000c0002000800010000000001"
	"2c0000000f0a000001000000601b00000000000308000100000000030800020000001b60080003006e667400";
// add table ip x; add chain ip x f { type filter hook forward priority 0; }; add rule ip x f drop
static const char foreign[] =
	"38000000000a000001000000671b000002000004060001007800000008000300000000010c0004000000000000000003"
	"080002000000000068000000030a000402000000671b000002000004060001007800000006000300660000000c000200"
	"0000000000000001140004000800010000000002080002000000000008000500000000010b00070066696c7465720000"
	"08000a0000000001080006000000000164000000060a000c03000000671b000002000004060001007800000006000200"
	"660000000c000300000000000000000234000400300001000e000100696d6d6564696174650000001c00020008000100"
	"00000000100002000c0002000800010000000000"
	"2c0000000f0a000001000000671b00000000000408000100000000040800020000001b67080003006e667400";
// delete table inet sekisho; delete table inet sekisho_guard
static const char gone[] =
	"68000000080a000001000000721b0000010000050c00010073656b6973686f0006000200610000000c00030000000000"
	"0000000334000400300001000e000100696d6d6564696174650000001c0002000800010000000000100002000c000200"
	"0800010000000001340000000b0a000001000000721b0000010000050c00010073656b6973686f000600020073000000"
	"0c001000000000000000000234000000050a000001000000721b0000010000050c00010073656b6973686f0006000300"
	"610000000c000200000000000000000134000000020a000001000000721b0000010000050c00010073656b6973686f00"
	"08000300000000000c000400000000000000000144000000050a000002000000721b0000010000051200010073656b69"
	"73686f5f67756172640000000f000300707265726f7574696e6700000c00020000000000000000013c000000020a0000"
	"02000000721b0000010000051200010073656b6973686f5f677561726400000008000300000000000c00040000000000"
	"00000002"
	"2c0000000f0a000001000000721b00000000000508000100000000050800020000001b72080003006e667400";

enum { BYTES_MAX = 1024, FOREIGN_RULE_AT = 56 + 104 };

struct bytes {
	_Alignas(8) uint8_t v[BYTES_MAX];
	size_t n;
};

static void read_hex(const char *text, struct bytes *bytes)
{
	bytes->n = strlen(text) / 2;
	assert_true(bytes->n <= BYTES_MAX);
	for (size_t i = 0; i < bytes->n; i++) {
		char two[3] = { text[2 * i], text[2 * i + 1], '\0' };
		bytes->v[i] = (uint8_t)strtoul(two, NULL, 16);
	}
}

struct seen {
	unsigned n;
	struct watch_change last;
};

static void see(void *arg, const struct watch_change *change)
{
	struct seen *seen = arg;
	seen->n++;
	seen->last = *change;
}

static const struct {
	const char *recorded, *words;
	unsigned about;
	bool gone;
	uint32_t pid;
} recordings[] = {
	{ edit, "element added to set s (2 times); rule added to chain a", WATCH_POLICY, false,
	  0x1b60 },
	{ foreign, "", WATCH_FOREIGN, false, 0x1b67 },
	{ gone, "table sekisho deleted; table sekisho_guard deleted", WATCH_POLICY | WATCH_GUARD,
	  true, 0x1b72 },
};
enum { RECORDINGS = sizeof(recordings) / sizeof(recordings[0]) };

static void recorded(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct watch_reader reader = { 0 };
		struct bytes bytes;
		struct seen seen = { 0 };
		read_hex(recordings[i].recorded, &bytes);
		watch_parse(&reader, bytes.v, bytes.n, see, &seen);
		assert_int_equal(seen.n, 1);
		assert_string_equal(seen.last.words, recordings[i].words);
		assert_string_equal(seen.last.name, "nft");
		assert_int_equal(seen.last.pid, recordings[i].pid);
		assert_int_equal(seen.last.port, recordings[i].pid); // nft's own choice
		assert_int_equal(seen.last.about, recordings[i].about);
		assert_int_equal(seen.last.gone, recordings[i].gone);
	}
}

// A transaction in datagrams of a message each is the same.
static void in_parts(void **state)
{
	struct watch_reader reader = { 0 };
	struct bytes bytes;
	struct seen seen = { 0 };
	(void)state;
	read_hex(gone, &bytes);
	for (size_t at = 0; at < bytes.n;) {
		uint32_t length;
		memcpy(&length, bytes.v + at, sizeof(length));
		assert_int_equal(seen.n, 0);
		watch_parse(&reader, bytes.v + at, length, see, &seen);
		at += length;
	}
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.last.words, recordings[2].words);
}

// Nothing outside of the bytes is read, whatever they are (with the sanitizer).
static void damaged(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct bytes bytes;
		struct seen seen = { 0 };
		read_hex(recordings[i].recorded, &bytes);
		for (size_t at = 0; at <= bytes.n; at++) {
			struct watch_reader reader = { 0 };
			uint8_t *cut = malloc(at ? at : 1);
			memcpy(cut, bytes.v, at);
			watch_parse(&reader, cut, at, see, &seen);
			free(cut);
		}
		for (size_t at = 0; at < bytes.n * 8; at++) {
			struct watch_reader reader = { 0 };
			uint8_t *copy = malloc(bytes.n);
			memcpy(copy, bytes.v, bytes.n);
			copy[at / 8] ^= (uint8_t)(1 << at % 8);
			watch_parse(&reader, copy, bytes.n, see, &seen);
			free(copy);
		}
		assert_true(strlen(seen.last.words) < WATCH_WORDS_MAX);
	}
}

// More than can be told, names of any bytes: the words stay within their bounds.
static void too_much(void **state)
{
	struct watch_reader reader = { 0 };
	struct seen seen = { 0 };
	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		_Alignas(8) char message[512];
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);
		struct nfgenmsg *head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
		char name[300];
		nlh->nlmsg_type =
			NFNL_SUBSYS_NFTABLES << 8 | (i == 2999 ? NFT_MSG_NEWGEN : NFT_MSG_NEWCHAIN);
		head->nfgen_family = NFPROTO_INET;
		memset(name, 'a' + (int)(i % 20), 255);
		memcpy(name, "\033[2J\n", 5);
		name[255] = '\0';
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, i % 2 ? "sekisho" : "sekisho_guard");
		mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
		watch_parse(&reader, message, nlh->nlmsg_len, see, &seen);
	}
	assert_int_equal(seen.n, 1);
	assert_null(strpbrk(seen.last.words, "\033\n"));
	assert_true(strlen(seen.last.words) < WATCH_WORDS_MAX);
}

// --- rules of others

static void rule_of_others(void **state)
{
	struct bytes bytes;
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(bytes.v + FOREIGN_RULE_AT);
	size_t size;
	(void)state;
	read_hex(foreign, &bytes);
	assert_int_equal(nlh->nlmsg_type & 0xff, NFT_MSG_NEWRULE);
	assert_int_equal(foreign_rule_does(nlh), FOREIGN_DROPS);
	size = nlh->nlmsg_len;
	for (size_t at = 20 * 8; at < size * 8; at++) {
		uint8_t *copy = malloc(size);
		memcpy(copy, nlh, size);
		copy[at / 8] ^= (uint8_t)(1 << at % 8);
		foreign_rule_does((const struct nlmsghdr *)copy);
		free(copy);
	}
}

static const struct {
	const char *rule;
	unsigned does;
} rules[] = {
	{ "counter accept", 0 },
	{ "udp dport 9 drop", FOREIGN_DROPS },
	{ "tcp dport vmap { 22 : drop }", FOREIGN_DROPS },
	{ "reject", FOREIGN_DROPS },
	{ "meta mark 7 accept", 0 },
	{ "meta mark set 7", FOREIGN_CHANGES },
	{ "ct mark set 7", FOREIGN_CHANGES },
	{ "ip ttl set 7", FOREIGN_CHANGES },
	{ "notrack", FOREIGN_UNTRACKS },
};

static void tables_of_others(void **state)
{
	struct kernel *kernel;
	struct foreign found;
	(void)state;
	assert_int_equal(kernel_open(-1, &kernel), 0);
	assert_int_equal(foreign_read(kernel, &found), 0);
	assert_int_equal(found.tables.n, 0);
	foreign_done(&found);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		assert_int_equal(
			net_run("nft -f - <<'END'\ntable ip x { chain c { type filter hook "
				"prerouting priority raw; %s; }; }\ntable ip unhooked {}\nEND",
				rules[i].rule),
			0);
		assert_int_equal(foreign_read(kernel, &found), 0);
		assert_int_equal(found.tables.n, 1);
		assert_string_equal(found.tables.v[0].name, "x");
		assert_string_equal(found.tables.v[0].hooks, "prerouting -300");
		if (found.tables.v[0].does != rules[i].does)
			fail_msg("%s: %x", rules[i].rule, found.tables.v[0].does);
		foreign_done(&found);
		assert_int_equal(net_run("nft flush ruleset"), 0);
	}
	kernel_close(kernel);
}

// --- links, addresses, routes

static struct nlmsghdr *put_head(void *message, uint16_t type, size_t size, const void *head)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);
	nlh->nlmsg_type = type;
	memcpy(mnl_nlmsg_put_extra_header(nlh, size), head, size);
	return nlh;
}

static struct nlmsghdr *put_route(void *message)
{
	struct rtmsg head = { .rtm_family = AF_INET,
			      .rtm_dst_len = 12,
			      .rtm_type = RTN_UNICAST,
			      .rtm_table = RT_TABLE_MAIN };
	struct {
		struct rtnexthop hop;
		struct rtattr attr;
		uint8_t address[4];
	} hops[2] = { { { sizeof(hops[0]), 0, 0, 3 }, { 8, RTA_GATEWAY }, { 10, 0, 0, 1 } },
		      { { sizeof(hops[0]), 0, 0, 4 }, { 8, RTA_GATEWAY }, { 10, 0, 0, 2 } } };
	struct nlmsghdr *nlh = put_head(message, RTM_NEWROUTE, sizeof(head), &head);
	mnl_attr_put(nlh, RTA_DST, 4, (uint8_t[]){ 172, 16, 0, 0 });
	mnl_attr_put_u32(nlh, RTA_TABLE, 254);
	mnl_attr_put(nlh, RTA_MULTIPATH, sizeof(hops), hops);
	return nlh;
}

static struct nlmsghdr *put_link(void *message)
{
	struct ifinfomsg head = { .ifi_index = 3, .ifi_flags = IFF_UP | IFF_RUNNING };
	struct nlmsghdr *nlh = put_head(message, RTM_NEWLINK, sizeof(head), &head);
	uint32_t values[40] = { 1 };
	struct nlattr *spec, *family;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "lan0");
	mnl_attr_put_u32(nlh, IFLA_LINK, 2);
	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	family = mnl_attr_nest_start(nlh, AF_INET);
	mnl_attr_put(nlh, IFLA_INET_CONF, sizeof(values), values);
	mnl_attr_nest_end(nlh, family);
	mnl_attr_nest_end(nlh, spec);
	return nlh;
}

static struct nlmsghdr *put_address(void *message)
{
	struct ifaddrmsg head = { .ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_index = 3 };
	struct nlmsghdr *nlh = put_head(message, RTM_NEWADDR, sizeof(head), &head);
	mnl_attr_put(nlh, IFA_ADDRESS, 16, (uint8_t[16]){ 0xfd, [15] = 1 });
	return nlh;
}

static void network_messages(void **state)
{
	struct nlmsghdr *(*const puts[])(void *) = { put_link, put_address, put_route };
	_Alignas(8) char messages[3][512];
	struct network network = { 0 };
	char text[ADDR_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < 3; i++)
		network_take(&network, puts[i](messages[i]));
	assert_int_equal(network.links.n, 1);
	assert_string_equal(network.links.v[0].name, "lan0");
	assert_true(network.links.v[0].carrier && network.links.v[0].has_settings);
	assert_int_equal(network.links.v[0].settings[NETWORK_FORWARDING], 1);
	assert_int_equal(network.links.v[0].lower, 2);
	assert_int_equal(network.addresses.n, 1);
	assert_string_equal(addr_text(&network.addresses.v[0].address, text), "fd00::1");
	assert_int_equal(network.routes.n, 2);
	assert_string_equal(addr_range_text(&network.routes.v[0].to, text), "172.16.0.0/12");
	assert_int_equal(network.routes.v[1].link, 4);
	assert_string_equal(addr_text(&network.routes.v[1].via, text), "10.0.0.2");
	network_done(&network);
	for (size_t i = 0; i < 3; i++) {
		size_t size = ((struct nlmsghdr *)messages[i])->nlmsg_len;
		for (size_t at = 16 * 8; at < size * 8; at++) {
			char *copy = malloc(size);
			struct network out = { 0 };
			memcpy(copy, messages[i], size);
			copy[at / 8] ^= (char)(1 << at % 8);
			network_take(&out, (struct nlmsghdr *)copy);
			network_done(&out);
			free(copy);
		}
	}
}

static void living_network(void **state)
{
	struct network network;
	const struct network_link *lan = NULL;
	unsigned defaults = 0;
	(void)state;
	assert_int_equal(net_run("ip link set lo up; ip link add lan0 type veth peer name lan1; "
				 "ip link set lan1 up; ip link set lan0 up; "
				 "ip addr add 10.20.0.1/16 dev lan0; "
				 "ip route add default via 10.20.0.9; "
				 "ip route add blackhole 10.9.0.0/16; "
				 "ip route add default via 10.20.0.8 table 77"),
			 0);
	assert_int_equal(network_read(&network), 0);
	for (size_t i = 0; i < network.links.n; i++)
		if (strcmp(network.links.v[i].name, "lan0") == 0)
			lan = &network.links.v[i];
	assert_true(lan->up && lan->carrier && lan->has_settings && !lan->loopback);
	for (size_t i = 0; i < network.routes.n; i++) {
		assert_true(network.routes.v[i].link != 0);
		if (addr_range_is_any(&network.routes.v[i].to)) {
			defaults++;
			assert_int_equal(network.routes.v[i].link, lan->index);
		}
	}
	assert_int_equal(defaults, 2);
	network_done(&network);
	net_run("ip link del lan0");
}

// --- the sockets

static bool readable(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	return poll(&wait, 1, 2000) == 1;
}

static void living_watch(void **state)
{
	struct kernel *kernel;
	struct watch *watch;
	struct seen seen = { 0 };
	(void)state;
	assert_int_equal(kernel_open(-1, &kernel), 0);
	assert_int_equal(watch_open(kernel, &watch), 0);
	// Our own is not told.
	assert_int_equal(kernel_guard_set(kernel, KERNEL_GUARD_CLOSED, NULL), 0);
	assert_int_equal(watch_read_rules(watch, see, &seen), 0);
	assert_int_equal(seen.n, 0);
	assert_int_equal(net_run("nft delete table inet sekisho_guard"), 0);
	assert_true(readable(watch_rules_fd(watch)));
	assert_int_equal(watch_read_rules(watch, see, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.last.about, WATCH_GUARD);
	assert_string_equal(seen.last.name, "nft");
	assert_string_equal(seen.last.words, "table sekisho_guard deleted");
	watch_pause(watch);
	assert_int_equal(net_run("nft add table ip x"), 0);
	watch_resume(watch);
	assert_int_equal(net_run("nft delete table ip x"), 0);
	assert_true(readable(watch_rules_fd(watch)));
	assert_int_equal(watch_read_rules(watch, see, &seen), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(watch_read_network(watch), 0);
	assert_int_equal(net_run("ip link add lan0 type veth peer name lan1"), 0);
	assert_true(readable(watch_network_fd(watch)));
	assert_true(watch_read_network(watch) & WATCH_NETWORK);
	assert_int_equal(net_run("echo 1 >/proc/sys/net/ipv4/ip_forward"), 0);
	assert_true(readable(watch_network_fd(watch)));
	assert_true(watch_read_network(watch) & WATCH_SETTING);
	watch_close(watch);
	kernel_close(kernel);
}

// What the socket cannot hold is told of, and what comes after it is understood.
static void lost(void **state)
{
	struct kernel *kernel;
	struct watch *watch;
	struct seen seen = { 0 };
	int small = 1, r = 0;
	(void)state;
	assert_int_equal(kernel_open(-1, &kernel), 0);
	assert_int_equal(watch_open(kernel, &watch), 0);
	setsockopt(watch_rules_fd(watch), SOL_SOCKET, SO_RCVBUFFORCE, &small, sizeof(small));
	assert_int_equal(
		net_run("for i in 1 2 3 4 5 6 7 8 9; do "
			"echo \"table ip x { set s$i { type ipv4_addr; }; }\"; done | nft -f -; "
			"nft delete table ip x"),
		0);
	r = watch_read_rules(watch, see, &seen);
	assert_int_equal(r, WATCH_LOST);
	assert_int_equal(net_run("nft add table inet sekisho_guard"), 0);
	assert_int_equal(watch_read_rules(watch, see, &seen), 0);
	assert_int_equal(seen.last.about, WATCH_GUARD);
	assert_int_equal(net_run("nft flush ruleset"), 0);
	watch_close(watch);
	kernel_close(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded),	    cmocka_unit_test(in_parts),
		cmocka_unit_test(damaged),	    cmocka_unit_test(too_much),
		cmocka_unit_test(rule_of_others),   cmocka_unit_test(tables_of_others),
		cmocka_unit_test(network_messages), cmocka_unit_test(living_network),
		cmocka_unit_test(living_watch),	    cmocka_unit_test(lost),
	};
	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
