// Loops over the words of the policy for one packet.  Whoever changes this file should be able to
// hold it against the manual line by line.
#include "reference/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/services.h"

enum {
	DEPTH_MAX = 16, // of names that stand for names
	NAME_MAX_BYTES = 160,
	UDP = 17,
	DHCP_SERVER = 67,
	DHCP_CLIENT = 68,
};

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

const char *reference_zone_name(const struct pol_tree *tree, int zone)
{
	return zone == REFERENCE_SELF ? "self" : tree->zones[zone].id.s;
}

// Addresses of zones.

static bool zone_lists(const struct pol_zone *zone, const struct addr *addr)
{
	for (size_t i = 0; i < zone->networks.n; i++) {
		struct addr_range range;

		if (addr_range_parse(zone->networks.v[i].s, &range) == 0 &&
		    addr_range_contains(&range, addr))
			return true;
	}
	return false;
}

// Addresses that no packet between networks carries: a zone has them only if it lists them.
static bool is_martian(const struct addr *addr)
{
	static const char *const words[] = { "0.0.0.0/8",	  "127.0.0.0/8", "169.254.0.0/16",
					     "224.0.0.0/4",	  "240.0.0.0/4", "::/96",
					     "::ffff:0.0.0.0/96", "fe80::/10",	 "ff00::/8" };
	struct addr_range range;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (addr_range_parse(words[i], &range) == 0 && addr_range_contains(&range, addr))
			return true;
	return false;
}

bool reference_zone_has(const struct pol_tree *tree, int zone, const struct addr *addr)
{
	if (zone == REFERENCE_SELF)
		return true;
	if (tree->zones[zone].networks.n > 0)
		return zone_lists(&tree->zones[zone], addr);
	for (size_t i = 0; i < tree->n_zones; i++)
		if (zone_lists(&tree->zones[i], addr))
			return false;
	return !is_martian(addr);
}

// Networks.

static const struct pol_network *find_network(const struct pol_tree *tree, const char *id)
{
	for (size_t i = 0; i < tree->n_networks; i++)
		if (same(tree->networks[i].id.s, id))
			return &tree->networks[i];
	return NULL;
}

// A word in a network's lists: a network of the same zone goes before one of that very name.
static const struct pol_network *find_named(const struct pol_tree *tree,
					    const struct pol_network *user, const char *word)
{
	const char *slash = strchr(user->id.s, '/');
	char full[NAME_MAX_BYTES];

	if (slash && !strchr(word, '/')) {
		snprintf(full, sizeof(full), "%.*s/%s", (int)(slash - user->id.s), user->id.s,
			 word);

		const struct pol_network *found = find_network(tree, full);

		if (found && found != user)
			return found;
	}
	return find_network(tree, word);
}

static bool network_has(const struct pol_tree *tree, const struct pol_network *network,
			const struct addr *addr, int depth);

static bool list_has(const struct pol_tree *tree, const struct pol_network *user,
		     const struct pol_list *list, const struct addr *addr, int depth)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct pol_network *named = find_named(tree, user, list->v[i].s);
		struct addr_range range;

		if (addr_range_parse(list->v[i].s, &range) == 0) {
			if (addr_range_contains(&range, addr))
				return true;
		} else if (named && depth < DEPTH_MAX &&
			   network_has(tree, named, addr, depth + 1)) {
			return true;
		}
	}
	return false;
}

static bool network_has(const struct pol_tree *tree, const struct pol_network *network,
			const struct addr *addr, int depth)
{
	return list_has(tree, network, &network->addresses, addr, depth) &&
	       !list_has(tree, network, &network->except, addr, depth);
}

// "zone/name": a network of the zone, or a group without a zone.
static const struct pol_network *network_of(const struct pol_tree *tree, const char *endpoint)
{
	const struct pol_network *network = find_network(tree, endpoint);

	return network ? network : find_network(tree, strchr(endpoint, '/') + 1);
}

// Is this zone and address meant by "zone" or "zone/network"?
static bool endpoint_means(const struct pol_tree *tree, const char *endpoint, int zone,
			   const struct addr *addr)
{
	const char *name = reference_zone_name(tree, zone);
	const char *slash = strchr(endpoint, '/');
	size_t length = slash ? (size_t)(slash - endpoint) : strlen(endpoint);

	if (strlen(name) != length || strncmp(name, endpoint, length) != 0)
		return false;
	return !slash || network_has(tree, network_of(tree, endpoint), addr, 0);
}

static bool any_means(const struct pol_tree *tree, const struct pol_list *list, int zone,
		      const struct addr *addr)
{
	for (size_t i = 0; i < list->n; i++)
		if (endpoint_means(tree, list->v[i].s, zone, addr))
			return true;
	return false;
}

// Flows.

static bool any_service(const struct pol_tree *tree, const struct pol_list *list,
			const struct reference_packet *packet)
{
	for (size_t i = 0; i < list->n; i++)
		if (reference_service_means(tree, list->v[i].s, packet))
			return true;
	return false;
}

static bool flow_names(const struct pol_tree *tree, const struct pol_flow *flow,
		       const struct reference_packet *packet)
{
	return any_means(tree, &flow->from, packet->from, &packet->source) &&
	       any_means(tree, &flow->to, packet->to, &packet->destination) &&
	       any_service(tree, &flow->services, packet);
}

static bool flow_excepts(const struct pol_tree *tree, const struct pol_flow *flow,
			 const struct reference_packet *packet)
{
	for (size_t i = 0; i < flow->n_except; i++) {
		const struct pol_except *except = &flow->except[i];

		if ((except->from.n == 0 ||
		     any_means(tree, &except->from, packet->from, &packet->source)) &&
		    (except->to.n == 0 ||
		     any_means(tree, &except->to, packet->to, &packet->destination)) &&
		    (except->services.n == 0 || any_service(tree, &except->services, packet)))
			return true;
	}
	return false;
}

bool reference_flow_permits(const struct pol_tree *tree, const struct pol_flow *flow,
			    const struct reference_packet *packet)
{
	return flow_names(tree, flow, packet) && !flow_excepts(tree, flow, packet);
}

// Translation.

static int find_zone(const struct pol_tree *tree, const char *endpoint)
{
	size_t length = strcspn(endpoint, "/");

	for (size_t i = 0; i < tree->n_zones; i++)
		if (strlen(tree->zones[i].id.s) == length &&
		    strncmp(tree->zones[i].id.s, endpoint, length) == 0)
			return (int)i;
	return REFERENCE_SELF;
}

struct first_address {
	struct addr addr;
	bool found;
};

static void keep_first(void *arg, const struct addr_range *range)
{
	struct first_address *first = arg;

	if (!first->found)
		*first = (struct first_address){ { range->family, range->lo }, true };
}

static bool forward_means(const struct pol_tree *tree, const struct pol_nat *nat,
			  const struct reference_packet *packet)
{
	struct addr outside;
	bool hairpin = nat->hairpin.value && packet->from == find_zone(tree, nat->target.s);

	return same(nat->kind.s, "forward") && addr_parse(nat->at_address.s, &outside) == 0 &&
	       outside.family == packet->destination.family &&
	       outside.bits == packet->destination.bits &&
	       (hairpin || any_means(tree, &nat->from, packet->from, &packet->source)) &&
	       any_service(tree, &nat->services, packet);
}

static bool any_zone(const struct pol_tree *tree, const struct pol_list *list, int zone)
{
	for (size_t i = 0; i < list->n; i++)
		if (find_zone(tree, list->v[i].s) == zone)
			return true;
	return false;
}

// A prefix entry works in both directions: what leaves gets the outside prefix, what arrives for
// that gets the inside one and goes to the zone that has it.
static bool prefix_means(const struct pol_nat *nat, const char *prefix, const struct addr *addr,
			 struct addr_range *ret)
{
	return same(nat->kind.s, "prefix") && addr_range_parse(prefix, ret) == 0 &&
	       addr_range_contains(ret, addr);
}

static bool translate_prefix(const struct pol_tree *tree, const struct pol_nat *nat,
			     struct reference_packet *packet)
{
	struct addr_range outside, inside;

	if (!prefix_means(nat, nat->target.s, &packet->destination, &outside) ||
	    addr_range_parse(nat->prefix.s, &inside) < 0 || !any_zone(tree, &nat->to, packet->from))
		return false;
	packet->destination.bits = packet->destination.bits - outside.lo + inside.lo;
	for (size_t i = 0; i < nat->from.n; i++)
		if (reference_zone_has(tree, find_zone(tree, nat->from.v[i].s),
				       &packet->destination))
			packet->to = find_zone(tree, nat->from.v[i].s);
	return true;
}

static const struct pol_nat *translate(const struct pol_tree *tree,
				       const struct reference_packet *packet,
				       struct reference_packet *ret)
{
	*ret = *packet;
	for (size_t i = 0; i < tree->n_nat; i++) {
		const struct pol_nat *nat = &tree->nat[i];
		struct first_address target = { 0 };

		if (translate_prefix(tree, nat, ret))
			return nat;
		if (!forward_means(tree, nat, packet))
			continue;
		reference_each_range(tree, nat->target.s, keep_first, &target);
		ret->destination = target.addr;
		ret->to = find_zone(tree, nat->target.s);
		if (nat->port.set && nat->port.value)
			ret->port = (uint16_t)nat->port.value;
		return nat;
	}
	return NULL;
}

// Of masquerade and source.
static bool nat_family(const struct pol_nat *nat, enum addr_family family)
{
	const char *name = family == ADDR_V4 ? "ipv4" : "ipv6";
	struct addr_range range;

	if (same(nat->kind.s, "source") && addr_range_parse(nat->target.s, &range) == 0)
		return range.family == family;
	for (size_t i = 0; i < nat->families.n; i++)
		if (same(nat->families.v[i].s, name))
			return true;
	return nat->families.n == 0 && family == ADDR_V4;
}

static const struct pol_nat *source_nat(const struct pol_tree *tree,
					const struct reference_packet *packet)
{
	for (size_t i = 0; i < tree->n_nat; i++) {
		const struct pol_nat *nat = &tree->nat[i];
		struct addr_range inside;

		if (prefix_means(nat, nat->prefix.s, &packet->source, &inside) &&
		    any_zone(tree, &nat->from, packet->from) &&
		    any_zone(tree, &nat->to, packet->to))
			return nat;
		if ((same(nat->kind.s, "masquerade") || same(nat->kind.s, "source")) &&
		    nat_family(nat, packet->source.family) &&
		    any_means(tree, &nat->from, packet->from, &packet->source) &&
		    any_means(tree, &nat->to, packet->to, &packet->destination) &&
		    (nat->services.n == 0 || any_service(tree, &nat->services, packet)))
			return nat;
	}
	return NULL;
}

// Membership.

static bool is_link_local(const struct addr *addr)
{
	struct addr_range link_local;

	addr_range_parse("fe80::/10", &link_local);
	return addr_range_contains(&link_local, addr);
}

static bool source_fits(const struct pol_tree *tree, const struct reference_packet *packet)
{
	bool unspecified = packet->source.bits == 0;
	bool dhcp = packet->protocol == UDP && packet->sport == DHCP_CLIENT &&
		    packet->port == DHCP_SERVER;

	if (packet->from == REFERENCE_SELF)
		return true;
	if (packet->source.family == ADDR_V6 && (unspecified || is_link_local(&packet->source)))
		return packet->to == REFERENCE_SELF;
	if (packet->source.family == ADDR_V4 && unspecified)
		return packet->to == REFERENCE_SELF && dhcp;
	return reference_zone_has(tree, packet->from, &packet->source);
}

static bool is_on_link(const struct addr *addr)
{
	static const char *const words[] = { "224.0.0.0/24", "255.255.255.255", "fe80::/10",
					     "ff02::/16" };
	struct addr_range range;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (addr_range_parse(words[i], &range) == 0 && addr_range_contains(&range, addr))
			return true;
	return false;
}

static bool destination_fits(const struct pol_tree *tree, const struct reference_packet *packet)
{
	if (packet->to == REFERENCE_SELF)
		return true;
	if (packet->from == REFERENCE_SELF && is_on_link(&packet->destination))
		return true;
	if (packet->from != REFERENCE_SELF && is_link_local(&packet->destination))
		return false;
	return reference_zone_has(tree, packet->to, &packet->destination);
}

// Everything together.

static void ask_flows(const struct pol_tree *tree, struct reference_answer *ret)
{
	const struct reference_packet *packet = &ret->translated;

	ret->reason = REFERENCE_NO_FLOW;
	for (size_t i = 0; i < tree->n_flows; i++) {
		const struct pol_flow *flow = &tree->flows[i];

		if (!flow_names(tree, flow, packet))
			continue;
		if (flow_excepts(tree, flow, packet)) {
			if (ret->reason == REFERENCE_NO_FLOW) {
				ret->reason = REFERENCE_EXCEPTED;
				ret->flow = flow;
			}
			continue;
		}
		if (ret->reason != REFERENCE_FLOW)
			ret->flow = flow;
		ret->reason = REFERENCE_FLOW;
		if (flow->guard.s && !same(flow->guard.s, "none"))
			ret->guarded = true;
	}
}

void reference_ask(const struct pol_tree *tree, const struct reference_packet *packet,
		   struct reference_answer *ret)
{
	const struct reference_packet *seen = &ret->translated;

	*ret = (struct reference_answer){ 0 };
	ret->forward = translate(tree, packet, &ret->translated);
	if (ret->forward && packet->to != seen->to && packet->to != REFERENCE_SELF &&
	    !reference_zone_has(tree, packet->to, &packet->destination))
		ret->reason = REFERENCE_ELSEWHERE;
	else if (!source_fits(tree, seen))
		ret->reason = REFERENCE_SPOOFED;
	else if (!destination_fits(tree, seen))
		ret->reason = REFERENCE_MISPLACED;
	else
		ask_flows(tree, ret);
	if (ret->reason == REFERENCE_FLOW) {
		ret->source_nat = source_nat(tree, seen);
		ret->hairpin =
			ret->forward && ret->forward->hairpin.value && seen->from == seen->to;
	}
}

// For whoever makes packets: what the words list.

static void each_in_list(const struct pol_tree *tree, const struct pol_network *user,
			 const struct pol_list *list,
			 void (*each)(void *arg, const struct addr_range *range), void *arg,
			 int depth)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct pol_network *named = find_named(tree, user, list->v[i].s);
		struct addr_range range;

		if (addr_range_parse(list->v[i].s, &range) == 0) {
			each(arg, &range);
		} else if (named && depth < DEPTH_MAX) {
			each_in_list(tree, named, &named->addresses, each, arg, depth + 1);
			each_in_list(tree, named, &named->except, each, arg, depth + 1);
		}
	}
}

void reference_each_range(const struct pol_tree *tree, const char *endpoint,
			  void (*each)(void *arg, const struct addr_range *range), void *arg)
{
	int zone = find_zone(tree, endpoint);

	if (strchr(endpoint, '/')) {
		const struct pol_network *network = network_of(tree, endpoint);

		each_in_list(tree, network, &network->addresses, each, arg, 0);
		each_in_list(tree, network, &network->except, each, arg, 0);
		return;
	}
	for (size_t i = 0; zone != REFERENCE_SELF && i < tree->zones[zone].networks.n; i++) {
		struct addr_range range;

		if (addr_range_parse(tree->zones[zone].networks.v[i].s, &range) == 0)
			each(arg, &range);
	}
}
