// Named networks: references resolved in order, `except` taken away, and that each lies in its
// zone. Endpoints ("zone", "zone/network") are resolved here too.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/order.h"
#include "plan/plan_internal.h"

struct resolver {
	struct build *b;
	VEC(struct order_edge) edges;
	const struct pol_network **sources; // by network
	bool *resolved;
};

// A name in a network's lists: first one of its own zone, then as written.
static uint32_t find_network(struct build *b, const struct plan_network *user, const char *text)
{
	const char *zone_end = strchr(user->id, '/');
	uint32_t found = NAMES_NONE;

	if (zone_end && !strchr(text, '/')) {
		const char *full = arena_printf(b->arena, "%.*s/%s", (int)(zone_end - user->id),
						user->id, text);

		found = names_get(&b->plan->network_names, full);
		if (found != NAMES_NONE && &b->plan->networks[found] == user)
			found = NAMES_NONE;
	}
	return found != NAMES_NONE ? found : names_get(&b->plan->network_names, text);
}

// Could the author have meant an address?  Names of networks hold no dots or colons.
static bool looks_like_address(const char *text)
{
	return strpbrk(text, ".:") != NULL;
}

static void read_edges(struct resolver *r, uint32_t user, const struct pol_list *list)
{
	struct plan *plan = r->b->plan;

	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->v[i].s;
		struct addr_range range;
		uint32_t used;

		if (addr_range_parse(text, &range) != -EINVAL)
			continue;
		used = find_network(r->b, &plan->networks[user], text);
		if (used != NAMES_NONE)
			vec_push(&r->edges, ((struct order_edge){ user, used }));
		else if (looks_like_address(text))
			build_address(r->b, &list->v[i], &range);
		else
			diag_add(r->b->diag, SK_NETWORK_UNKNOWN, list->v[i].at,
				 "there is no network \"%s\"%s", text,
				 build_hint(r->b, &plan->network_names, text));
	}
}

static void report_circle(void *arg, uint32_t node, uint32_t next)
{
	struct resolver *r = arg;
	size_t item = diag_add(r->b->diag, SK_NETWORK_CYCLE, r->sources[node]->id.at,
			       "network \"%s\" contains itself; take one of the names out",
			       r->b->plan->networks[node].id);

	if (next != node)
		diag_second(r->b->diag, item, r->sources[next]->id.at, "through \"%s\"",
			    r->b->plan->networks[next].id);
}

// The addresses of one entry; false if they are unknown (reported elsewhere).
static bool entry_set(struct resolver *r, uint32_t user, const struct pol_text *text, bool report,
		      struct addr_set *ret)
{
	struct addr_range range;
	uint32_t used;

	if (addr_range_parse(text->s, &range) == 0) {
		addr_set_append(ret, range);
		return true;
	}
	used = find_network(r->b, &r->b->plan->networks[user], text->s);
	if (used == NAMES_NONE || !r->resolved[used]) {
		if (report && used == NAMES_NONE && addr_range_parse(text->s, &range) != -EINVAL)
			build_address(r->b, text, &range);
		return false;
	}
	for (size_t i = 0; i < r->b->plan->networks[used].n_ranges; i++)
		addr_set_append(ret, r->b->plan->networks[used].ranges[i]);
	return true;
}

// Where does the part outside the zone come from?  The first entry that has some of it.
static void report_outside(struct resolver *r, uint32_t index, const struct addr_set *outside)
{
	struct build *b = r->b;
	const struct plan_network *network = &b->plan->networks[index];
	const struct pol_network *source = r->sources[index];
	const struct plan_zone *zone = &b->plan->zones[network->zone];
	struct place at = source->id.at;
	enum addr_family family = outside->v[0].family;
	char text[ADDR_TEXT_MAX];
	size_t item;

	for (size_t i = 0; i < source->addresses.n; i++) {
		struct addr_set set = { 0 };
		bool hit;

		entry_set(r, index, &source->addresses.v[i], false, &set);
		addr_set_normalise(&set);
		addr_set_intersect(&set, outside);
		hit = set.n > 0;
		addr_set_done(&set);
		if (hit) {
			at = source->addresses.v[i].at;
			break;
		}
	}
	addr_range_text(&outside->v[0], text);
	if (!plan_zone_has_family(b->plan, network->zone, family))
		item = diag_add(
			b->diag, SK_NETWORK_FAMILY, at,
			"network \"%s\" has IPv%d addresses (%s), but zone \"%s\" has none; "
			"add a prefix to the zone or mend the address",
			network->id, family, text, zone->id);
	else
		item = diag_add(
			b->diag, SK_NETWORK_OUTSIDE, at,
			"network \"%s\": %s is no address of zone \"%s\"; add the prefix to "
			"the zone or mend the address",
			network->id, text, zone->id);
	diag_second(b->diag, item, zone->at, "the zone");
}

static void check_zone(struct resolver *r, uint32_t index, const struct addr_set *set)
{
	const struct plan_network *network = &r->b->plan->networks[index];
	struct addr_set outside = { 0 };
	struct addr_set inside = { 0 };

	addr_set_copy(&inside, set);
	build_clip(r->b, network->zone, &inside);
	addr_set_copy(&outside, set);
	addr_set_subtract(&outside, &inside);
	if (outside.n > 0)
		report_outside(r, index, &outside);
	addr_set_done(&inside);
	addr_set_done(&outside);
}

static void take_away(struct resolver *r, uint32_t index, struct addr_set *set, bool *known)
{
	const struct pol_list *except = &r->sources[index]->except;

	for (size_t i = 0; i < except->n; i++) {
		struct addr_set hole = { 0 };
		bool idle = true;

		*known &= entry_set(r, index, &except->v[i], true, &hole);
		addr_set_normalise(&hole);
		for (size_t j = 0; idle && j < hole.n; j++)
			idle = !addr_set_find(set, &hole.v[j]);
		if (idle && *known && hole.n > 0 && set->n > 0)
			diag_add(r->b->diag, SK_NETWORK_EXCEPT_IDLE, except->v[i].at,
				 "network \"%s\": %s is not in it (any more), so taking it away "
				 "changes nothing",
				 r->b->plan->networks[index].id, except->v[i].s);
		addr_set_subtract(set, &hole);
		addr_set_done(&hole);
	}
}

static void resolve(struct resolver *r, uint32_t index)
{
	struct build *b = r->b;
	struct plan_network *network = &b->plan->networks[index];
	const struct pol_network *source = r->sources[index];
	struct addr_set set = { 0 };
	bool known = true;

	for (size_t i = 0; i < source->addresses.n; i++)
		known &= entry_set(r, index, &source->addresses.v[i], true, &set);
	known &= build_countries(b, source, network, &set);
	addr_set_normalise(&set);
	build_repeats(b, &source->addresses);
	build_repeats(b, &source->except);
	take_away(r, index, &set, &known);
	r->resolved[index] = known && set.n > 0;
	if (known && set.n == 0 && (source->addresses.n > 0 || network->countries))
		diag_add(b->diag, SK_NETWORK_EMPTY, source->id.at,
			 "network \"%s\" has no address left; take something out of except, or the "
			 "network away",
			 network->id);
	if (network->zone != PLAN_NONE && set.n > 0)
		check_zone(r, index, &set);
	network->ranges = build_ranges(b, &set, &network->n_ranges);
}

static void declare(struct resolver *r, const struct pol_network *source)
{
	struct build *b = r->b;
	struct plan_network *network = &b->plan->networks[b->plan->n_networks];
	const char *slash;

	if (!source->id.s)
		return;
	network->id = build_text(b, &source->id);
	slash = strchr(network->id, '/');
	network->zone = PLAN_NONE;
	if (slash) {
		struct pol_text zone = { arena_strndup(b->arena, network->id,
						       (size_t)(slash - network->id)),
					 source->id.at };

		zone.at.column_end = zone.at.column + (uint32_t)strlen(zone.s) - 1;
		if (build_zone(b, &zone, &network->zone) < 0)
			network->zone = PLAN_NONE;
	}
	network->relay = source->relay.set ? source->relay.value : -1;
	network->at = build_place(b, source->id.at);
	if (names_add(&b->plan->network_names, network->id, (uint32_t)b->plan->n_networks) !=
	    NAMES_NONE)
		return;
	r->sources[b->plan->n_networks++] = source;
}

void build_networks(struct build *b)
{
	const struct pol_tree *tree = b->tree;
	struct plan *plan = b->plan;
	struct arena *scratch = arena_new();
	struct resolver r = { .b = b };
	uint32_t *order = arena_array_of(scratch, uint32_t, tree->n_networks);
	size_t n;

	plan->networks = arena_array_of(b->arena, struct plan_network, tree->n_networks);
	r.sources = arena_array_of(scratch, const struct pol_network *, tree->n_networks);
	r.resolved = arena_array_of(scratch, bool, tree->n_networks);
	for (size_t i = 0; i < tree->n_networks; i++)
		declare(&r, &tree->networks[i]);
	for (uint32_t i = 0; i < plan->n_networks; i++) {
		read_edges(&r, i, &r.sources[i]->addresses);
		read_edges(&r, i, &r.sources[i]->except);
	}
	n = order_resolve(r.edges.v, r.edges.n, plan->n_networks, order, report_circle, &r);
	for (size_t i = 0; i < n; i++)
		resolve(&r, order[i]);
	vec_done(&r.edges);
	arena_free(scratch);
}

// A group seen from a zone ("internet/partners" where "partners" has no zone): what of it lies
// there.
static const struct plan_network *clip_group(struct build *b, uint32_t zone, const char *full,
					     const struct plan_network *group)
{
	struct plan_network *network = arena_new_of(b->arena, struct plan_network);
	struct addr_set set = { 0 };

	for (size_t i = 0; i < group->n_ranges; i++)
		addr_set_append(&set, group->ranges[i]);
	build_clip(b, zone, &set);
	*network = *group;
	network->id = arena_strdup(b->arena, full);
	network->zone = zone;
	network->ranges = build_ranges(b, &set, &network->n_ranges);
	return network;
}

// -EINVAL: no endpoint at all; -ENXIO: unknown zone; -ENOENT: unknown network; -ENODATA: a group
// without addresses in the zone.
static int find_endpoint(struct build *b, const char *text, struct endpoint *ret)
{
	struct plan *plan = b->plan;
	const char *slash = strchr(text, '/');
	struct endpoint found = { 0 };
	struct addr_range range;
	const char *zone = slash ? arena_strndup(b->arena, text, (size_t)(slash - text)) : text;
	uint32_t network;

	found.zone = names_get(&plan->zone_names, zone);
	if (found.zone == NAMES_NONE)
		return addr_range_parse(text, &range) == -EINVAL && !looks_like_address(text) &&
				       (slash ||
					names_get(&plan->network_names, text) == NAMES_NONE)
			       ? -ENXIO
			       : -EINVAL;
	if (slash) {
		network = names_get(&plan->network_names, text);
		if (network != NAMES_NONE) {
			found.network = &plan->networks[network];
		} else {
			network = names_get(&plan->network_names, slash + 1);
			if (network == NAMES_NONE || plan->networks[network].zone != PLAN_NONE)
				return -ENOENT;
			found.network = clip_group(b, found.zone, text, &plan->networks[network]);
			if (found.network->n_ranges == 0 && plan->networks[network].n_ranges > 0)
				return -ENODATA;
		}
		found.ranges = found.network->ranges;
		found.n_ranges = found.network->n_ranges;
	}
	*ret = found;
	return 0;
}

int build_endpoint(struct build *b, const struct pol_text *text, struct endpoint *ret)
{
	struct plan *plan = b->plan;
	const char *slash = strchr(text->s, '/');
	int r = find_endpoint(b, text->s, ret);

	if (r == -EINVAL)
		diag_add(
			b->diag, SK_ENDPOINT_FORM, text->at,
			"\"%s\" is neither a zone nor zone/network; give the addresses a name under "
			"networks, as \"zone/name\"",
			text->s);
	else if (r == -ENXIO && slash)
		diag_add(b->diag, SK_ZONE_UNKNOWN, text->at, "there is no zone \"%.*s\"%s",
			 (int)(slash - text->s), text->s,
			 build_hint(b, &plan->zone_names,
				    arena_strndup(b->arena, text->s, (size_t)(slash - text->s))));
	else if (r == -ENXIO)
		diag_add(b->diag, SK_ZONE_UNKNOWN, text->at, "there is no zone \"%s\"%s", text->s,
			 build_hint(b, &plan->zone_names, text->s));
	else if (r == -ENOENT)
		diag_add(b->diag, SK_NETWORK_UNKNOWN, text->at, "there is no network \"%s\"%s",
			 text->s, build_hint(b, &plan->network_names, text->s));
	else if (r == -ENODATA)
		diag_add(b->diag, SK_NETWORK_OUTSIDE, text->at,
			 "network \"%s\" has no address of zone \"%.*s\"", slash + 1,
			 (int)(slash - text->s), text->s);
	return r < 0 ? -ENOENT : 0;
}

const char *plan_network_like(const struct plan *plan, uint32_t zone, const struct addr_set *set)
{
	for (size_t i = 0; i < plan->n_networks; i++) {
		const struct plan_network *network = &plan->networks[i];
		bool same = network->zone == zone && network->n_ranges == set->n;

		for (size_t j = 0; same && j < set->n; j++)
			same = network->ranges[j].family == set->v[j].family &&
			       network->ranges[j].lo == set->v[j].lo &&
			       network->ranges[j].hi == set->v[j].hi;
		if (same)
			return network->id;
	}
	return NULL;
}

int plan_endpoint(struct plan *plan, const char *name, uint32_t *ret_zone,
		  const struct addr_range **ret_ranges, size_t *ret_n)
{
	struct build b = { .plan = plan, .arena = plan->arena };
	struct endpoint endpoint;
	int r = find_endpoint(&b, name, &endpoint);

	if (r < 0)
		return r == -EINVAL ? -EINVAL : -ENOENT;
	*ret_zone = endpoint.zone;
	*ret_ranges = endpoint.ranges;
	*ret_n = endpoint.n_ranges;
	return 0;
}
