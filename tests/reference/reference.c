// Loops over the words of the policy for one packet.  Whoever changes this file should be able to
// hold it against the manual line by line.
#include "reference/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/library.h"

enum {
	DEPTH_MAX = 16, // of names that stand for names
	NAME_MAX_BYTES = 160,
	ANY_PROTOCOL = -1,
	TCP = 6,
	UDP = 17,
	SCTP = 132,
	ICMP = 1,
	ICMPV6 = 58,
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

bool reference_zone_has(const struct pol_tree *tree, int zone, const struct addr *addr)
{
	if (zone == REFERENCE_SELF)
		return true;
	if (tree->zones[zone].networks.n > 0)
		return zone_lists(&tree->zones[zone], addr);
	for (size_t i = 0; i < tree->n_zones; i++)
		if (zone_lists(&tree->zones[i], addr))
			return false;
	return true;
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

// Services.

static const struct {
	const char *name;
	int number;
} protocol_names[] = {
	{ "tcp", TCP }, { "udp", UDP }, { "sctp", SCTP }, { "icmp", ICMP }, { "icmpv6", ICMPV6 },
}, ip_names[] = {
	{ "igmp", 2 }, { "ipip", 4 }, { "egp", 8 }, { "ipv6", 41 }, { "rsvp", 46 }, { "gre", 47 },
	{ "esp", 50 }, { "ah", 51 }, { "eigrp", 88 }, { "ospf", 89 }, { "etherip", 97 },
	{ "pim", 103 }, { "vrrp", 112 }, { "l2tp", 115 }, { "udplite", 136 },
}, icmp_names[] = {
	{ "echo-reply", 0 }, { "destination-unreachable", 3 }, { "redirect", 5 },
	{ "echo-request", 8 }, { "time-exceeded", 11 }, { "parameter-problem", 12 },
	{ "timestamp-request", 13 }, { "timestamp-reply", 14 },
}, icmpv6_names[] = {
	{ "destination-unreachable", 1 }, { "packet-too-big", 2 }, { "time-exceeded", 3 },
	{ "parameter-problem", 4 }, { "echo-request", 128 }, { "echo-reply", 129 },
};

#define LOOK_UP(table, text) look_up(table, sizeof(table) / sizeof((table)[0]), text)

static int look_up(const void *table, size_t n, const char *text)
{
	const __typeof__(protocol_names[0]) *rows = table;

	for (size_t i = 0; i < n; i++)
		if (same(rows[i].name, text))
			return rows[i].number;
	return text[0] >= '0' && text[0] <= '9' ? atoi(text) : -1;
}

struct part {
	int protocol; // or ANY_PROTOCOL
	unsigned lo, hi;
};

// "any", "tcp", "tcp/80", "tcp/80-90", "icmp/echo-request", "ip/esp".  False: it is a name.
static bool read_part(const char *word, struct part *ret)
{
	const char *slash = strchr(word, '/');
	char name[NAME_MAX_BYTES];

	snprintf(name, sizeof(name), "%.*s", slash ? (int)(slash - word) : (int)strlen(word), word);
	*ret = (struct part){ ANY_PROTOCOL, 0, 65535 };
	if (same(word, "any"))
		return true;
	if (slash && same(name, "ip")) {
		ret->protocol = LOOK_UP(ip_names, slash + 1);
		if (ret->protocol < 0)
			ret->protocol = LOOK_UP(protocol_names, slash + 1);
		return true;
	}
	if (name[0] >= '0' && name[0] <= '9')
		return false;
	ret->protocol = LOOK_UP(protocol_names, name);
	if (ret->protocol < 0)
		return false;
	if (!slash)
		return true;
	if (ret->protocol == ICMP)
		ret->lo = ret->hi = (unsigned)LOOK_UP(icmp_names, slash + 1);
	else if (ret->protocol == ICMPV6)
		ret->lo = ret->hi = (unsigned)LOOK_UP(icmpv6_names, slash + 1);
	else if (sscanf(slash + 1, "%u-%u", &ret->lo, &ret->hi) == 1)
		ret->hi = ret->lo;
	return true;
}

static bool has_ports(int protocol)
{
	return protocol == TCP || protocol == UDP || protocol == SCTP;
}

// ICMP belongs to IPv4 and ICMPv6 to IPv6, also under "any".
static bool part_means(const struct part *part, const struct reference_packet *packet)
{
	if (part->protocol != ANY_PROTOCOL && part->protocol != packet->protocol)
		return false;
	if (part->protocol == ICMP && packet->source.family != ADDR_V4)
		return false;
	if (part->protocol == ICMPV6 && packet->source.family != ADDR_V6)
		return false;
	return packet->port >= part->lo && packet->port <= part->hi;
}

static bool sport_means(const char *word, uint16_t sport)
{
	unsigned lo = 0, hi = 0;

	if (sscanf(word, "%u-%u", &lo, &hi) == 1)
		hi = lo;
	return sport >= lo && sport <= hi;
}

static bool service_means(const struct pol_tree *tree, const char *word,
			  const struct reference_packet *packet, int depth);

static bool policy_service_means(const struct pol_tree *tree, const struct pol_service *service,
				 const struct reference_packet *packet, int depth)
{
	bool sport = service->source_ports.n == 0 || !has_ports(packet->protocol);

	for (size_t i = 0; i < service->source_ports.n; i++)
		sport = sport || sport_means(service->source_ports.v[i].s, packet->sport);
	for (size_t i = 0; sport && i < service->members.n; i++)
		if (service_means(tree, service->members.v[i].s, packet, depth + 1))
			return true;
	return false;
}

static bool library_service_means(const struct pol_tree *tree,
				  const struct library_service *service,
				  const struct reference_packet *packet, int depth)
{
	const char *word = service->members;

	if (service->source_ports && has_ports(packet->protocol) &&
	    !sport_means(service->source_ports, packet->sport))
		return false;
	while (*word) {
		char one[NAME_MAX_BYTES];
		size_t length = strcspn(word, " ");

		snprintf(one, sizeof(one), "%.*s", (int)length, word);
		if (service_means(tree, one, packet, depth + 1))
			return true;
		word += length + strspn(word + length, " ");
	}
	return false;
}

static const struct pol_service *find_policy_service(const struct pol_tree *tree, const char *id)
{
	for (size_t i = 0; i < tree->n_services; i++)
		if (same(tree->services[i].id.s, id))
			return &tree->services[i];
	return NULL;
}

static const struct library_service *find_library_service(const char *id)
{
	size_t n;
	const struct library_service *library = library_services(&n);

	for (size_t i = 0; i < n; i++)
		if (same(library[i].id, id))
			return &library[i];
	return NULL;
}

static bool service_means(const struct pol_tree *tree, const char *word,
			  const struct reference_packet *packet, int depth)
{
	const struct pol_service *own = find_policy_service(tree, word);
	const struct library_service *known = find_library_service(word);
	struct part part;

	if (depth > DEPTH_MAX)
		return false;
	if (read_part(word, &part))
		return part_means(&part, packet);
	if (own)
		return policy_service_means(tree, own, packet, depth);
	return known && library_service_means(tree, known, packet, depth);
}

static bool any_service(const struct pol_tree *tree, const struct pol_list *list,
			const struct reference_packet *packet)
{
	for (size_t i = 0; i < list->n; i++)
		if (service_means(tree, list->v[i].s, packet, 0))
			return true;
	return false;
}

// Flows.

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

static const struct pol_nat *translate(const struct pol_tree *tree,
				       const struct reference_packet *packet,
				       struct reference_packet *ret)
{
	*ret = *packet;
	for (size_t i = 0; i < tree->n_nat; i++) {
		const struct pol_nat *nat = &tree->nat[i];
		struct first_address target = { 0 };

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
	bool dhcp = packet->protocol == UDP && packet->sport == 68 && packet->port == 67;

	if (packet->from == REFERENCE_SELF)
		return true;
	if (packet->source.family == ADDR_V6 && (unspecified || is_link_local(&packet->source)))
		return packet->to == REFERENCE_SELF;
	if (packet->source.family == ADDR_V4 && unspecified)
		return packet->to == REFERENCE_SELF && dhcp;
	return reference_zone_has(tree, packet->from, &packet->source);
}

static bool destination_fits(const struct pol_tree *tree, const struct reference_packet *packet)
{
	if (packet->to == REFERENCE_SELF)
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

static void each_part(const struct pol_tree *tree, const char *word,
		      void (*each)(void *arg, int protocol, unsigned lo, unsigned hi), void *arg,
		      int depth)
{
	const struct pol_service *own = find_policy_service(tree, word);
	const struct library_service *known = find_library_service(word);
	struct part part;

	if (depth > DEPTH_MAX)
		return;
	if (read_part(word, &part)) {
		each(arg, part.protocol, part.lo, part.hi);
		return;
	}
	for (size_t i = 0; own && i < own->members.n; i++)
		each_part(tree, own->members.v[i].s, each, arg, depth + 1);
	for (const char *at = known && !own ? known->members : ""; *at;) {
		char one[NAME_MAX_BYTES];
		size_t length = strcspn(at, " ");

		snprintf(one, sizeof(one), "%.*s", (int)length, at);
		each_part(tree, one, each, arg, depth + 1);
		at += length + strspn(at + length, " ");
	}
}

void reference_each_part(const struct pol_tree *tree, const char *service,
			 void (*each)(void *arg, int protocol, unsigned lo, unsigned hi), void *arg)
{
	each_part(tree, service, each, arg, 0);
}
