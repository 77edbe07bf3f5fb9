// Every kind of statement is committed to a real kernel and read back the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "kernel/kernel.h"
#include "unit/kernel_net.h"
#include "unit/ruleset_make.h"

struct statement_row {
	const char *name;
	uint8_t hook;
	bool nat, before; // before: in prerouting
	struct rs_stmt stmt;
};

#define ROW_KEYS(...) .keys = { __VA_ARGS__ }

static const struct statement_row rows[] = {
	{ "nfproto", .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_META_NFPROTO), .value = { 10 } } },
	{ "l4proto", .stmt = { RS_MATCH, RS_NEQ, 1, ROW_KEYS(RS_META_L4PROTO), .value = { 6 } } },
	{ "iifname", .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_META_IIFNAME), .value = "eth0" } },
	{ "iifname pattern",
	  .stmt = { RS_MATCH, RS_IN_RANGE, 1, ROW_KEYS(RS_META_OIFNAME), .value = "vlan",
		    .value_hi = { 'v', 'l', 'a', 'n', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				  0xff, 0xff, 0xff, 0xff, 0xff } } },
	{ "ip saddr prefix", .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_IP_SADDR), .masked = 1,
				       .value = { 10, 20 }, .mask = { 255, 255 } } },
	{ "ip daddr",
	  .stmt = { RS_MATCH, RS_NEQ, 1, ROW_KEYS(RS_IP_DADDR), .value = { 192, 0, 2, 1 } } },
	{ "ip saddr range", .stmt = { RS_MATCH, RS_NOT_IN_RANGE, 1, ROW_KEYS(RS_IP_SADDR),
				      .value = { 10, 0, 0, 1 }, .value_hi = { 10, 0, 0, 9 } } },
	{ "ip6 saddr", .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_IP6_SADDR), .masked = 1,
				 .value = { 0xfe, 0x80 }, .mask = { 0xff, 0xc0 } } },
	{ "ip6 daddr",
	  .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_IP6_DADDR), .value = { 0xfd, [15] = 1 } } },
	{ "ip frag-off", .stmt = { RS_MATCH, RS_NEQ, 1, ROW_KEYS(RS_IP_FRAG_OFF), .masked = 1,
				   .mask = { 0x3f, 0xff } } },
	{ "first byte",
	  .stmt = { RS_MATCH, RS_NEQ, 1, ROW_KEYS(RS_IP_VERSION_IHL), .value = { 0x45 } } },
	{ "ip6 nexthdr",
	  .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_IP6_NEXTHDR), .value = { 43 } } },
	{ "ip6 hoplimit",
	  .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_IP6_HOPLIMIT), .value = { 255 } } },
	{ "sport range", .stmt = { RS_MATCH, RS_IN_RANGE, 1, ROW_KEYS(RS_TH_SPORT),
				   .value = { 0x04, 0x00 }, .value_hi = { 0xff, 0xff } } },
	{ "dport", .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_TH_DPORT), .value = { 0, 25 } } },
	{ "tcp flags", .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_TCP_FLAGS), .masked = 1,
				 .value = { 2 }, .mask = { 0x17 } } },
	{ "icmp type", .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_ICMP_TYPE), .value = { 8 } } },
	{ "icmpv6 type",
	  .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_ICMPV6_TYPE), .value = { 128 } } },
	{ "ether saddr",
	  .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_ETHER_SADDR), .value = { 2, 0, 0, 0, 0, 5 } } },
	{ "ct state",
	  .stmt = { RS_MATCH, RS_NEQ, 1, ROW_KEYS(RS_CT_STATE), .masked = 1, .mask = { 6 } } },
	{ "ct status",
	  .stmt = { RS_MATCH, RS_NEQ, 1, ROW_KEYS(RS_CT_STATUS), .masked = 1, .mask = { 32 } } },
	{ "ct mark", .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_CT_MARK), .masked = 1,
			       .value = { 1 }, .mask = { 0xff, 0xff } } },
	{ "ct mark range", .stmt = { RS_MATCH, RS_IN_RANGE, 1, ROW_KEYS(RS_CT_MARK),
				     .value = { 5, 1 }, .value_hi = { 8, 2 } } },
	{ "ct direction",
	  .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_CT_DIRECTION), .value = { 1 } } },
	{ "meta mark", .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_META_MARK), .value = { 7 } } },
	{ "fib daddr oifname", .before = true,
	  .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_FIB_OIFNAME), .value = "lan-dmz" } },
	{ "fib daddr oifname pattern", .before = true,
	  .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_FIB_OIFNAME), .masked = 1, .value = "vlan",
		    .mask = { 255, 255, 255, 255 } } },
	{ "socket transparent", .before = true,
	  .stmt = { RS_MATCH, RS_EQ, 1, ROW_KEYS(RS_SOCKET_TRANSPARENT), .value = { 1 } } },
	{ "tproxy", .before = true, .stmt = { RS_TPROXY, .port_lo = 50025 } },
	{ "limit", .stmt = { RS_LIMIT, .rate = 10, .burst = 20 } },
	{ "limit without burst", .stmt = { RS_LIMIT, .rate = 1 } },
	{ "reject", .stmt = { RS_REJECT, .verdict = RS_REJECT_ADMIN } },
	{ "tcp reset", .stmt = { RS_REJECT, .verdict = RS_REJECT_TCP_RESET } },
	{ "queue", .stmt = { RS_QUEUE, .group = 100, .count = 1 } },
	{ "queues", .stmt = { RS_QUEUE, .group = 100, .count = 4 } },
	{ "ct mark set", .stmt = { RS_SET_CT_MARK, .value = { 0, 0, 0xff, 0xff, 1 } } },
	{ "ct mark set all", .stmt = { RS_SET_CT_MARK, .value = { 0, 0, 0, 0, 1 } } },
	{ "meta mark set", .stmt = { RS_SET_META_MARK, .value = { 9 } } },
	{ "meta mark of some bits", .stmt = { RS_SET_META_MARK, .value = { 0, 0, 0, 0, 255 } } },
	{ "meta mark set some bits", .stmt = { RS_SET_META_MARK, .value = { 9, 0, 0, 0, 0xf0 } } },
	{ "masquerade", NF_INET_POST_ROUTING, true, .stmt = { .kind = RS_MASQUERADE } },
	{ "snat", NF_INET_POST_ROUTING, true,
	  .stmt = { RS_NAT, .family = 4, .value = { 192, 0, 2, 1 },
		    .value_hi = { 192, 0, 2, 1 } } },
	{ "snat range", NF_INET_POST_ROUTING, true,
	  .stmt = { RS_NAT, .family = 4, .value = { 192, 0, 2, 1 }, .value_hi = { 192, 0, 2, 9 },
		    .port_lo = 1024, .port_hi = 65535 } },
	{ "dnat", NF_INET_PRE_ROUTING, true,
	  .stmt = { RS_NAT, .destination = 1, .family = 4, .value = { 192, 0, 2, 1 },
		    .value_hi = { 192, 0, 2, 1 }, .port_lo = 80, .port_hi = 80 } },
	{ "dnat v6", NF_INET_PRE_ROUTING, true,
	  .stmt = { RS_NAT, .destination = 1, .family = 6, .value = { 0xfd, [15] = 1 },
		    .value_hi = { 0xfd, [15] = 1 }, .port_lo = 80, .port_hi = 90 } },
	{ "netmap", NF_INET_POST_ROUTING, true,
	  .stmt = { RS_NETMAP, .family = 6, .value = { 0xfd, 1 },
		    .value_hi = { 0xfd, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				  0xff, 0xff } } },
	{ "mss", .stmt = { RS_MSS, .size = 1400 } },
	{ "mss of the route", .stmt = { RS_MSS, .size = 1 } },
	{ "routing header", .stmt = { RS_EXTHDR, RS_EQ, .number = 43 } },
	{ "no fragment header", .stmt = { RS_EXTHDR, RS_NEQ, .number = 44 } },
	{ "loose source route", .stmt = { RS_IP_OPTION, RS_EQ, .number = 131 } },
	{ "accept", .stmt = { RS_VERDICT, .verdict = RS_ACCEPT, .ref = RS_NONE } },
	{ "drop", .stmt = { RS_VERDICT, .verdict = RS_DROP, .ref = RS_NONE } },
	{ "return", .stmt = { RS_VERDICT, .verdict = RS_RETURN, .ref = RS_NONE } },
	{ "continue", .stmt = { RS_VERDICT, .verdict = RS_CONTINUE, .ref = RS_NONE } },
	{ "jump", .stmt = { RS_VERDICT, .verdict = RS_JUMP, .ref = 0 } },
	{ "goto", .stmt = { RS_VERDICT, .verdict = RS_GOTO, .ref = 0 } },
	{ "counter", .stmt = { RS_COUNT, .ref = 0 } },
	{ "helper", .stmt = { RS_HELPER, .ref = 1 } },
	{ "lookup", .stmt = { RS_LOOKUP, RS_EQ, 2, ROW_KEYS(RS_IP_SADDR, RS_IP_DADDR), .ref = 0 } },
	{ "not in set", .stmt = { RS_LOOKUP, RS_NEQ, 1, ROW_KEYS(RS_IP_SADDR), .ref = 1 } },
	{ "service map",
	  .stmt = { RS_VMAP, RS_EQ, 2, ROW_KEYS(RS_META_L4PROTO, RS_TH_DPORT), .ref = 2 } },
	{ "counter map",
	  .stmt = { RS_COUNT_MAP, RS_EQ, 2, ROW_KEYS(RS_IP_SADDR, RS_IP_DADDR), .ref = 3 } },
	{ "counter map of prefixes",
	  .stmt = { RS_COUNT_MAP, RS_EQ, 2, ROW_KEYS(RS_IP_SADDR, RS_IP_DADDR), .bits = { 24, 9 },
		    .ref = 3 } },
	{ "v6 set of prefixes", .stmt = { RS_LOOKUP, RS_EQ, 2, ROW_KEYS(RS_IP6_SADDR, RS_IP6_DADDR),
					  .bits = { 0, 127 }, .ref = 6 } },
	{ "log", .stmt = { RS_LOG, .group = 4, .burst = 128 } },
	{ "interface pair map",
	  .stmt = { RS_VMAP, RS_EQ, 2, ROW_KEYS(RS_META_IIFNAME, RS_META_OIFNAME), .ref = 4 } },
	{ "interface pattern map",
	  .stmt = { RS_VMAP, RS_EQ, 2, ROW_KEYS(RS_META_IIFNAME, RS_META_OIFNAME), .ref = 5 } },
	{ "v6 set",
	  .stmt = { RS_LOOKUP, RS_EQ, 2, ROW_KEYS(RS_IP6_SADDR, RS_IP6_DADDR), .ref = 6 } },
	{ "port range map", .stmt = { RS_VMAP, RS_EQ, 1, ROW_KEYS(RS_TH_DPORT), .ref = 7 } },
	{ "one interface pattern map",
	  .stmt = { RS_VMAP, RS_EQ, 1, ROW_KEYS(RS_META_IIFNAME), .ref = 8 } },
	{ "service ranges",
	  .stmt = { RS_VMAP, RS_EQ, 2, ROW_KEYS(RS_META_L4PROTO, RS_TH_DPORT), .ref = 9 } },
};

static const enum rs_key pair4[] = { RS_IP_SADDR, RS_IP_DADDR };
static const enum rs_key pair6[] = { RS_IP6_SADDR, RS_IP6_DADDR };
static const enum rs_key service[] = { RS_META_L4PROTO, RS_TH_DPORT };
static const enum rs_key names[] = { RS_META_IIFNAME, RS_META_OIFNAME };

// What the rows' indexes mean: chain 0, objects 0 and 1, sets 0 to 9.
static void make_surroundings(struct make *make)
{
	uint8_t lo[64] = { 0 }, hi[64] = { 0 };

	make_chain(make, "target");
	make_rule(make, RS_NONE);
	make_verdict(make, RS_RETURN, RS_NONE);
	make_obj(make, RS_OBJ_COUNTER, "f_one", NULL, 0, RS_NONE);
	make_obj(make, RS_OBJ_HELPER, "h_ftp", "ftp", IPPROTO_TCP, RS_NONE);
	make_set(make, "s_pairs", RS_SET, true, 2, pair4);
	make_elem_v4(make, (uint32_t[]){ 0x0a140000, 0xc0000219 },
		     (uint32_t[]){ 0x0a14ffff, 0xc0000219 }, 0, RS_NONE, RS_NONE);
	make_elem_v4(make, (uint32_t[]){ 0, 0xc0000300 }, (uint32_t[]){ 0xffffffff, 0xc0000305 }, 0,
		     RS_NONE, RS_NONE);
	make_set(make, "s_sources", RS_SET, true, 1, pair4);
	make_elem_v4(make, (uint32_t[]){ 0xff000000 }, (uint32_t[]){ 0xffffffff }, 0, RS_NONE,
		     RS_NONE);
	make_elem_v4(make, (uint32_t[]){ 0x0a000000 }, (uint32_t[]){ 0x0a0000ff }, 0, RS_NONE,
		     RS_NONE);
	make_elem_v4(make, (uint32_t[]){ 0x0a000100 }, (uint32_t[]){ 0x0a0001ff }, 0, RS_NONE,
		     RS_NONE);
	make_elem_v4(make, (uint32_t[]){ 0x0a000301 }, (uint32_t[]){ 0x0a000301 }, 0, RS_NONE,
		     RS_NONE);
	make_set(make, "m_services", RS_MAP_VERDICT, false, 2, service);
	make_elem(make, (uint8_t[]){ 6, 0, 0, 0, 0, 25, 0, 0 }, NULL, RS_JUMP, 0, RS_NONE);
	make_elem(make, (uint8_t[]){ 17, 0, 0, 0, 0, 53, 0, 0 }, NULL, RS_ACCEPT, RS_NONE, RS_NONE);
	make_set(make, "m_counters", RS_MAP_COUNTER, true, 2, pair4);
	make_elem_v4(make, (uint32_t[]){ 0x0a140000, 0xc0000219 },
		     (uint32_t[]){ 0x0a14ffff, 0xc0000219 }, 0, 0, RS_NONE);
	make_set(make, "m_pairs", RS_MAP_VERDICT, false, 2, names);
	memcpy(lo, "lan0", 4);
	memcpy(lo + 16, "wan0", 4);
	make_elem(make, lo, NULL, RS_GOTO, 0, RS_NONE);
	make_set(make, "m_patterns", RS_MAP_VERDICT, true, 2, names);
	memcpy(hi, lo, sizeof(hi));
	memset(hi + 4, 0xff, 12);
	make_elem(make, lo, hi, RS_DROP, RS_NONE, RS_NONE);
	make_set(make, "s_pairs6", RS_SET, true, 2, pair6);
	memset(hi, 0xff, 32);
	memset(lo, 0, 32);
	lo[0] = hi[0] = 0xfd;
	make_elem(make, lo, hi, 0, RS_NONE, RS_NONE);
	make_set(make, "m_ports", RS_MAP_VERDICT, true, 1, service + 1);
	make_elem(make, (uint8_t[]){ 0x1f, 0x40, 0, 0 }, (uint8_t[]){ 0x1f, 0x4a, 0, 0 }, RS_ACCEPT,
		  RS_NONE, RS_NONE);
	make_elem(make, (uint8_t[]){ 0, 0, 0, 0 }, (uint8_t[]){ 0, 9, 0, 0 }, RS_DROP, RS_NONE,
		  RS_NONE);
	make_set(make, "m_vlans", RS_MAP_VERDICT, true, 1, names);
	memset(lo, 0, 16);
	memcpy(lo, "vlan", 4);
	memset(hi, 0xff, 16);
	memcpy(hi, "vlan", 4);
	make_elem(make, lo, hi, RS_JUMP, 0, RS_NONE);
	make_set(make, "m_ranges", RS_MAP_VERDICT, true, 2, service);
	make_elem(make, (uint8_t[]){ 6, 0, 0, 0, 0x1f, 0x40, 0, 0 },
		  (uint8_t[]){ 6, 0, 0, 0, 0x1f, 0x4a, 0, 0 }, RS_JUMP, 0, RS_NONE);
}

static void test_row(void **state)
{
	const struct statement_row *row = *state;
	struct make make = { 0 };
	struct kernel *kernel;
	struct kernel_error error = { 0 };
	char report[512] = "";
	const struct ruleset *ruleset;

	make_surroundings(&make);
	make_base(&make, "hooked",
		  row->nat	? row->hook
		  : row->before ? NF_INET_PRE_ROUTING
				: NF_INET_FORWARD,
		  row->nat ? 100 : 0, row->nat, !row->nat);
	make_rule(&make, RS_NONE);
	*make_stmt(&make, RS_MATCH) = row->stmt;
	if (row->stmt.kind == RS_LOG)
		make.stmts.v[make.stmts.n - 1].prefix = make_string(&make, "sk G1 deny");
	ruleset = make_finish(&make, 1);
	assert_int_equal(kernel_open(-1, &kernel), 0);
	assert_int_equal(kernel_remove(kernel), 0);
	if (kernel_commit(kernel, ruleset, NULL, NULL, 0, &error) < 0)
		fail_msg("%s", error.text);
	if (kernel_verify(kernel, ruleset, report, sizeof(report)))
		fail_msg("%s", report);
	// Again, over itself: nothing is in the way.
	if (kernel_commit(kernel, ruleset, NULL, NULL, 0, &error) < 0)
		fail_msg("again: %s", error.text);
	if (kernel_verify(kernel, ruleset, report, sizeof(report)))
		fail_msg("again: %s", report);
	assert_int_equal(kernel_remove(kernel), 0);
	kernel_close(kernel);
	make_done(&make);
}

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	static struct CMUnitTest tests[ROWS];

	net_enter();
	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
						.test_func = test_row,
						.initial_state = (void *)&rows[i] };
	return cmocka_run_group_tests_name("kernel statements", tests, NULL, NULL);
}
