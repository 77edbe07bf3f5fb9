// A small ruleset with a bit of everything, and variants of it that differ in known ways: UDP port
// 7 to this box passes, port 9 is dropped and counted.
#ifndef SEKISHO_TESTS_RULESET_TOWN_H
#define SEKISHO_TESTS_RULESET_TOWN_H

#include <netinet/in.h>

#include "unit/ruleset_make.h"

static const enum rs_key town_pair[] = { RS_IP_SADDR, RS_IP_DADDR };
static const enum rs_key town_service[] = { RS_META_L4PROTO, RS_TH_DPORT };

// What differs between the rulesets of these tests.
struct town {
	uint64_t generation;
	unsigned extra;	  // sources in the set, besides one
	bool second_flow; // chain f_two and its counter
	bool guard_chain; // a base chain more
	bool bad_helper;
	bool own_marker; // the ruleset has its marker itself, as compiled ones do
};

static inline void make_input(struct make *make, uint32_t counter, uint32_t services)
{
	uint16_t port = htons(9);

	make_base(make, "input", NF_INET_LOCAL_IN, 0, false, true);
	make_rule(make, make_origin(make, "icmp", 3));
	make_match(make, RS_META_L4PROTO, RS_EQ, &(uint8_t){ IPPROTO_ICMP }, 1);
	make_verdict(make, RS_ACCEPT, RS_NONE);
	make_rule(make, make_origin(make, "blocked", 7));
	make_match(make, RS_META_L4PROTO, RS_EQ, &(uint8_t){ IPPROTO_UDP }, 1);
	make_match(make, RS_TH_DPORT, RS_EQ, &port, sizeof(port));
	make_stmt(make, RS_COUNT)->ref = counter;
	make_verdict(make, RS_DROP, RS_NONE);
	make_rule(make, RS_NONE);
	make_with_keys(make_stmt(make, RS_VMAP), 2, town_service, services);
}

static inline void make_town(struct make *make, const struct town *town)
{
	uint32_t counter = make_obj(make, RS_OBJ_COUNTER, "d_self", NULL, 0, RS_NONE);
	uint32_t flow = make_obj(make, RS_OBJ_COUNTER, "f_one", NULL, 0, RS_NONE);
	uint32_t sources, services, allowed, two = RS_NONE;

	if (town->bad_helper)
		make_obj(make, RS_OBJ_HELPER, "h_bad", "no-such", IPPROTO_TCP,
			 make_origin(make, "sip-phones", 42));
	sources = make_set(make, "s_sources", RS_SET, true, 2, town_pair);
	for (uint32_t i = 0; i <= town->extra; i++)
		make_elem_v4(make, (uint32_t[]){ 0x0a140000 + i * 256, 0xc0000219 },
			     (uint32_t[]){ 0x0a1400ff + i * 256, 0xc0000219 }, 0, RS_NONE,
			     make_origin(make, "sources", 100 + i));
	allowed = make_chain(make, "allowed");
	make_rule(make, RS_NONE);
	make_stmt(make, RS_COUNT)->ref = flow;
	make_verdict(make, RS_ACCEPT, RS_NONE);
	if (town->second_flow) {
		uint32_t obj = make_obj(make, RS_OBJ_COUNTER, "f_two", NULL, 0, RS_NONE);

		two = make_chain(make, "f_two");
		make_rule(make, RS_NONE);
		make_stmt(make, RS_COUNT)->ref = obj;
		make_verdict(make, RS_ACCEPT, RS_NONE);
	}
	services = make_set(make, "m_services", RS_MAP_VERDICT, false, 2, town_service);
	make_elem(make, (uint8_t[]){ 17, 0, 0, 0, 0, 7, 0, 0 }, NULL, RS_JUMP, allowed, RS_NONE);
	if (town->second_flow)
		make_elem(make, (uint8_t[]){ 17, 0, 0, 0, 0, 8, 0, 0 }, NULL, RS_JUMP, two,
			  RS_NONE);
	make_base(make, "forward", NF_INET_FORWARD, 0, false, true);
	make_rule(make, RS_NONE);
	make_with_keys(make_stmt(make, RS_LOOKUP), 2, town_pair, sources);
	make_verdict(make, RS_ACCEPT, RS_NONE);
	make_input(make, counter, services);
	if (town->guard_chain) {
		make_base(make, "frag", NF_INET_PRE_ROUTING, -450, false, true);
		make_rule(make, RS_NONE);
		make_verdict(make, RS_ACCEPT, RS_NONE);
	}
	if (town->own_marker) {
		char name[32];

		snprintf(name, sizeof(name), "generation_%d", (int)town->generation);
		make_chain(make, name);
	}
	make_finish(make, town->generation);
}

#endif
