// The one table of what a match can look at: spelling, type, size and dependencies of every key.
#include "compile/ruleset.h"

#include <netinet/in.h>

static const struct rs_key_info keys[RS_KEY_COUNT] = {
	[RS_META_NFPROTO] = { "meta nfproto", "nf_proto", 1, false, 0, 0 },
	[RS_META_L4PROTO] = { "meta l4proto", "inet_proto", 1, false, 0, 0 },
	[RS_META_IIFNAME] = { "iifname", "ifname", 16, false, 0, 0 },
	[RS_META_OIFNAME] = { "oifname", "ifname", 16, false, 0, 0 },
	[RS_IP_SADDR] = { "ip saddr", "ipv4_addr", 4, false, 4, 0 },
	[RS_IP_DADDR] = { "ip daddr", "ipv4_addr", 4, false, 4, 0 },
	[RS_IP6_SADDR] = { "ip6 saddr", "ipv6_addr", 16, false, 6, 0 },
	[RS_IP6_DADDR] = { "ip6 daddr", "ipv6_addr", 16, false, 6, 0 },
	[RS_IP_FRAG_OFF] = { "ip frag-off", NULL, 2, false, 4, 0 },
	[RS_IP_VERSION_IHL] = { "@nh,0,8", NULL, 1, false, 0, 0 },
	[RS_IP6_NEXTHDR] = { "ip6 nexthdr", "inet_proto", 1, false, 6, 0 },
	[RS_IP6_HOPLIMIT] = { "ip6 hoplimit", NULL, 1, false, 6, 0 },
	[RS_TH_SPORT] = { "th sport", "inet_service", 2, false, 0, 0 },
	[RS_TH_DPORT] = { "th dport", "inet_service", 2, false, 0, 0 },
	[RS_TCP_FLAGS] = { "tcp flags", "tcp_flag", 1, false, 0, IPPROTO_TCP },
	[RS_ICMP_TYPE] = { "icmp type", "icmp_type", 1, false, 0, IPPROTO_ICMP },
	[RS_ICMPV6_TYPE] = { "icmpv6 type", "icmpv6_type", 1, false, 0, IPPROTO_ICMPV6 },
	[RS_CT_STATE] = { "ct state", "ct_state", 4, true, 0, 0 },
	[RS_CT_STATUS] = { "ct status", "ct_status", 4, true, 0, 0 },
	[RS_CT_MARK] = { "ct mark", "mark", 4, true, 0, 0 },
	[RS_CT_DIRECTION] = { "ct direction", "ct_dir", 1, false, 0, 0 },
	[RS_META_MARK] = { "meta mark", "mark", 4, true, 0, 0 },
	[RS_ETHER_SADDR] = { "ether saddr", "ether_addr", 6, false, 0, 0 },
	[RS_FIB_OIFNAME] = { "fib daddr . mark oifname", NULL, 16, false, 0, 0 },
	[RS_SOCKET_TRANSPARENT] = { "socket transparent", NULL, 1, false, 0, 0 },
};

const struct rs_key_info *rs_key_info(enum rs_key key)
{
	return &keys[key];
}
