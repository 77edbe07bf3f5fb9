// A big ruleset of the shape that the compiler makes: zone pairs, in each a map of services, for
// each service a class chain with a map of counters, and a tenth of the flows treated in chains of
// their own.  Each flow is two cells.
#ifndef SEKISHO_TESTS_RULESET_FLOWS_H
#define SEKISHO_TESTS_RULESET_FLOWS_H

#include <netinet/in.h>

#include "unit/ruleset_make.h"

struct flows_shape {
	unsigned pairs, services, flows; // flows: of one service of one pair
};

static inline unsigned flows_count(const struct flows_shape *shape)
{
	return shape->pairs * shape->services * shape->flows;
}

static inline void flows_key(unsigned flow, unsigned cell, uint32_t *lo, uint32_t *hi)
{
	lo[0] = 0x0a000000 + flow * 16;
	hi[0] = lo[0] + 15;
	lo[1] = hi[1] = 0xc0a80000 + flow * 2 + cell;
}

// One class: its counter map (plain flows) and verdict map (treated ones).
static inline uint32_t flows_class(struct make *make, unsigned pair, unsigned service,
				   const struct flows_shape *shape)
{
	static const enum rs_key keys[] = { RS_IP_SADDR, RS_IP_DADDR };
	unsigned first = (pair * shape->services + service) * shape->flows;
	uint32_t plain, chain, lo[2], hi[2];
	char name[64];

	snprintf(name, sizeof(name), "m_z%u_%u", pair, service);
	plain = make_set(make, name, RS_MAP_COUNTER, true, 2, keys);
	for (unsigned i = 0; i < shape->flows; i++) {
		uint32_t origin, obj;

		snprintf(name, sizeof(name), "f_flow-%u", first + i);
		origin = make_origin(make, name + 2, first + i);
		obj = make_obj(make, RS_OBJ_COUNTER, name, NULL, 0, origin);
		for (unsigned cell = 0; cell < 2; cell++) {
			flows_key(first + i, cell, lo, hi);
			make_elem_v4(make, lo, hi, 0, obj, origin);
		}
		if ((first + i) % 10 == 0) {
			snprintf(name, sizeof(name), "f_flow-%u", first + i);
			make_chain(make, name);
			make_rule(make, origin);
			make_stmt(make, RS_COUNT)->ref = obj;
			make_verdict(make, RS_ACCEPT, RS_NONE);
		}
	}
	snprintf(name, sizeof(name), "c_z%u_%u", pair, service);
	chain = make_chain(make, name);
	make_rule(make, RS_NONE);
	make_with_keys(make_stmt(make, RS_COUNT_MAP), 2, keys, plain);
	make_verdict(make, RS_ACCEPT, RS_NONE);
	return chain;
}

static inline uint32_t flows_pair(struct make *make, unsigned pair, const struct flows_shape *shape)
{
	static const enum rs_key keys[] = { RS_META_L4PROTO, RS_TH_DPORT };
	uint32_t map, chain, *classes = calloc(shape->services, sizeof(*classes));
	char name[64];

	for (unsigned i = 0; i < shape->services; i++)
		classes[i] = flows_class(make, pair, i, shape);
	snprintf(name, sizeof(name), "v_z%u", pair);
	map = make_set(make, name, RS_MAP_VERDICT, false, 2, keys);
	for (unsigned i = 0; i < shape->services; i++)
		make_elem(make,
			  (uint8_t[]){ IPPROTO_TCP, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i, 0, 0 },
			  NULL, RS_JUMP, classes[i], RS_NONE);
	snprintf(name, sizeof(name), "p_z%u", pair);
	chain = make_chain(make, name);
	make_rule(make, RS_NONE);
	make_with_keys(make_stmt(make, RS_VMAP), 2, keys, map);
	free(classes);
	return chain;
}

static inline const struct ruleset *make_flows(struct make *make, const struct flows_shape *shape,
					       uint64_t generation)
{
	static const enum rs_key keys[] = { RS_META_IIFNAME, RS_META_OIFNAME };
	uint32_t map, *pairs = calloc(shape->pairs, sizeof(*pairs));

	for (unsigned i = 0; i < shape->pairs; i++)
		pairs[i] = flows_pair(make, i, shape);
	map = make_set(make, "pairs", RS_MAP_VERDICT, false, 2, keys);
	for (unsigned i = 0; i < shape->pairs; i++) {
		uint8_t key[32] = { 0 };

		snprintf((char *)key, 16, "in%u", i);
		snprintf((char *)key + 16, 16, "out%u", i);
		make_elem(make, key, NULL, RS_JUMP, pairs[i], RS_NONE);
	}
	make_base(make, "forward", NF_INET_FORWARD, 0, false, true);
	make_rule(make, RS_NONE);
	make_with_keys(make_stmt(make, RS_VMAP), 2, keys, map);
	free(pairs);
	return make_finish(make, generation);
}

#endif
