// Maps over interface names.  Exact names go to a hash, and only what involves a pattern ("vlan*")
// to an interval set, so that a gateway without patterns pays one look-up.
#include "compile/context.h"

#include <stdio.h>

struct names_map names_map(const char *name, enum rs_set_kind kind, bool in, bool out)
{
	return (struct names_map){ .name = name,
				   .kind = kind,
				   .in = in,
				   .out = out,
				   .exact = RS_NONE,
				   .patterns = RS_NONE };
}

static uint32_t set_of(struct compiling *c, struct names_map *map, bool pattern)
{
	uint32_t *set = pattern ? &map->patterns : &map->exact;
	enum rs_key keys[2];
	unsigned n = 0;
	char name[NAME_MAX_BYTES];

	if (*set != RS_NONE)
		return *set;
	if (map->in)
		keys[n++] = RS_META_IIFNAME;
	if (map->out)
		keys[n++] = map->before ? RS_FIB_OIFNAME : RS_META_OIFNAME;
	snprintf(name, sizeof(name), "%s%s", map->name, pattern ? "_patterns" : "");
	*set = rb_set(c->build, name, map->kind, pattern, keys, n);
	return *set;
}

static void add(struct compiling *c, struct names_map *map, const struct plan_interface *in,
		const struct plan_interface *out, enum rs_verdict verdict, uint32_t ref,
		uint32_t origin)
{
	bool pattern = (in && in->pattern) || (out && out->pattern);
	uint32_t set = set_of(c, map, pattern);
	struct build_key key = { .size = 0 };

	if (in)
		key_name(&key, RS_META_IIFNAME, in->name, in->pattern);
	if (out)
		key_name(&key, RS_META_OIFNAME, out->name, out->pattern);
	rb_elem(c->build, set, &key, verdict, ref, origin);
}

void names_map_add(struct compiling *c, struct names_map *map, uint32_t from, uint32_t to,
		   enum rs_verdict verdict, uint32_t ref)
{
	const struct zone_state *in = &c->zone[from], *out = &c->zone[to];
	size_t n_in = map->in ? in->n_interfaces : 1, n_out = map->out ? out->n_interfaces : 1;
	uint32_t origin = map->in ? in->origin : out->origin;

	for (size_t i = 0; i < n_in; i++)
		for (size_t o = 0; o < n_out; o++)
			add(c, map, map->in ? in->interfaces[i] : NULL,
			    map->out ? out->interfaces[o] : NULL, verdict, ref, origin);
}

void names_map_add_one(struct compiling *c, struct names_map *map, const struct plan_interface *in,
		       enum rs_verdict verdict, uint32_t ref)
{
	add(c, map, in, NULL, verdict, ref, RS_NONE);
}

// Begins a rule for packets whose interfaces are in the map; it ends with what they lead to there.
static void one_rule(struct compiling *c, const struct names_map *map, uint32_t set, uint32_t chain,
		     uint32_t state)
{
	rule(c->build, chain, RS_NONE);
	if (state)
		rule_u32(c->build, RS_CT_STATE, RS_EQ, state);
	if (map->kind == RS_MAP_COUNTER)
		rule_count_map(c->build, set);
	else if (map->kind == RS_MAP_VERDICT)
		rule_vmap(c->build, set);
	else
		rule_inside(c->build, set);
}

void names_map_rules(struct compiling *c, const struct names_map *map, uint32_t chain)
{
	names_map_rules_of(c, map, chain, 0);
}

void names_map_rules_of(struct compiling *c, const struct names_map *map, uint32_t chain,
			uint32_t state)
{
	if (map->exact != RS_NONE)
		one_rule(c, map, map->exact, chain, state);
	if (map->patterns != RS_NONE)
		one_rule(c, map, map->patterns, chain, state);
}

void names_map_goto(struct compiling *c, const struct names_map *map, uint32_t chain, uint32_t to)
{
	const uint32_t sets[] = { map->exact, map->patterns };

	for (size_t i = 0; i < 2; i++) {
		if (sets[i] == RS_NONE)
			continue;
		one_rule(c, map, sets[i], chain, 0);
		rule_verdict(c->build, RS_GOTO, to);
	}
}
