#include "daemon/surroundings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	// 0.0.0.0/1 and 128.0.0.0/1 together, or 2000::/3, are a default route too.
	DEFAULT_LENGTH_MAX = 4,
};

struct judge {
	struct surroundings *surroundings;
	const struct zonemap *map;
	const struct network *network;
	const char *management;
	struct findings *findings;
};

void surroundings_done(struct surroundings *surroundings)
{
	for (size_t i = 0; i < surroundings->seen_up.n; i++)
		free(surroundings->seen_up.v[i]);
	vec_done(&surroundings->seen_up);
}

// Addresses that every link has, or that no packet between networks carries.
static bool is_local(const struct addr_range *range)
{
	static const char *const texts[] = { "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
					     "::1/128",	    "fe80::/10",      "ff00::/8" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct addr_range local;
		if (addr_range_parse(texts[i], &local) == 0 && addr_range_within(range, &local))
			return true;
	}
	return false;
}

static struct addr_range range_of(const struct addr *address)
{
	return (struct addr_range){ address->family, address->bits, address->bits };
}

// --- links

static bool was_up(struct surroundings *surroundings, const char *name)
{
	for (size_t i = 0; i < surroundings->seen_up.n; i++)
		if (!strcmp(surroundings->seen_up.v[i], name))
			return true;
	return false;
}

static const struct network_link *find_link(const struct network *network, const char *name)
{
	for (size_t i = 0; i < network->links.n; i++)
		if (!strcmp(network->links.v[i].name, name))
			return &network->links.v[i];
	return NULL;
}

static void judge_zone_link(struct judge *judge, const struct zonemap_zone *zone, const char *name)
{
	const struct network_link *link = find_link(judge->network, name);
	bool before = was_up(judge->surroundings, name);
	if (link && link->carrier && !before) {
		char *copy = strdup(name);
		if (copy)
			vec_push(&judge->surroundings->seen_up, copy);
	}
	if (link && link->carrier)
		return;
	findings_add(judge->findings, FINDING_INTERFACE, before ? FINDING_WARNING : FINDING_NOTE,
		     name, "interface %s of zone %s %s", name, zone->id,
		     !link	? "is not there"
		     : link->up ? "has no carrier"
				: "is down");
}

static void judge_zone_links(struct judge *judge)
{
	for (size_t i = 0; i < judge->map->zones.n; i++) {
		const struct zonemap_zone *zone = &judge->map->zones.v[i];
		for (size_t k = 0; k < zone->interfaces.n; k++)
			if (!strchr(zone->interfaces.v[k], '*'))
				judge_zone_link(judge, zone, zone->interfaces.v[k]);
	}
}

static bool has_address(const struct network *network, uint32_t link)
{
	for (size_t i = 0; i < network->addresses.n; i++) {
		struct addr_range range = range_of(&network->addresses.v[i].address);
		if (network->addresses.v[i].link == link && !is_local(&range))
			return true;
	}
	return false;
}

// The link under a VLAN, or a port of a bridge or bond: its packets are seen on the other.
static bool is_part(const struct network *network, const struct network_link *link)
{
	if (link->master)
		return true;
	for (size_t i = 0; i < network->links.n; i++)
		if (network->links.v[i].lower == link->index)
			return true;
	return false;
}

static bool is_ours(const struct judge *judge, const struct network_link *link)
{
	return link->loopback || !strcmp(link->name, judge->management) ||
	       zonemap_of_interface(judge->map, link->name);
}

static void judge_link(struct judge *judge, const struct network_link *link)
{
	char subject[FINDING_SUBJECT_MAX];
	if (link->program) {
		snprintf(subject, sizeof(subject), "%s program", link->name);
		findings_add(judge->findings, FINDING_INTERFACE, FINDING_WARNING, subject,
			     "an XDP program takes the packets of %s before any rule sees them",
			     link->name);
	}
	if (link->classifies) {
		snprintf(subject, sizeof(subject), "%s traffic control", link->name);
		findings_add(
			judge->findings, FINDING_INTERFACE, FINDING_WARNING, subject,
			"traffic control (clsact or ingress) of %s can drop or send on packets "
			"before any rule sees them",
			link->name);
	}
	if (!link->up || is_ours(judge, link))
		return;
	bool addressed = has_address(judge->network, link->index);
	if (!addressed && is_part(judge->network, link))
		return;
	findings_add(judge->findings, FINDING_INTERFACE, addressed ? FINDING_WARNING : FINDING_NOTE,
		     link->name, "interface %s is up%s and belongs to no zone", link->name,
		     addressed ? ", has an address" : "");
}

// --- addresses

static void judge_address(struct judge *judge, const struct network_address *address)
{
	const struct network_link *link = network_find_link(judge->network, address->link);
	const struct zonemap_zone *zone =
		link ? zonemap_of_interface(judge->map, link->name) : NULL;
	struct addr_range range = range_of(&address->address);
	char text[ADDR_TEXT_MAX], subject[FINDING_SUBJECT_MAX];
	if (!zone || is_local(&range) || zonemap_zone_has(zone, &range))
		return;
	const struct zonemap_zone *other = zonemap_with(judge->map, &range, zone);
	if (!other && !zone->networks.n)
		return;
	addr_text(&address->address, text);
	snprintf(subject, sizeof(subject), "%s %s", link->name, text);
	findings_add(judge->findings, FINDING_ADDRESS, FINDING_WARNING, subject,
		     "interface %s of zone %s has the address %s, which is %s%s", link->name,
		     zone->id, text, other ? "of zone " : "in none of its networks",
		     other ? other->id : "");
}

// --- routes

static bool is_default(const struct addr_range *range)
{
	int length = addr_range_prefix(range);
	return length >= 0 && length <= DEFAULT_LENGTH_MAX;
}

static void add_route(struct judge *judge, enum finding_kind kind, enum finding_weight weight,
		      const struct network_route *route, const struct network_link *link,
		      const char *what)
{
	char to[ADDR_TEXT_MAX], via[ADDR_TEXT_MAX + 8] = "", subject[FINDING_SUBJECT_MAX],
						    gateway[ADDR_TEXT_MAX];
	addr_range_text(&route->to, to);
	if (route->via.family)
		snprintf(via, sizeof(via), " by %s", addr_text(&route->via, gateway));
	snprintf(subject, sizeof(subject), "%s%s %s %u", to, via, link->name, route->table);
	findings_add(judge->findings, kind, weight, subject,
		     "the route to %s%s leads through %s, %s",
		     is_default(&route->to) ? "everywhere" : to, via, link->name, what);
}

// Through an interface of no zone: what the kernel makes for its address is told of with it.
static void judge_route_outside(struct judge *judge, const struct network_route *route,
				const struct network_link *link)
{
	const struct zonemap_zone *touched = zonemap_touching(judge->map, &route->to);
	char what[160];
	if (route->kernel && !(touched && !is_default(&route->to)))
		return;
	snprintf(what, sizeof(what), "which is of no zone: an undeclared uplink%s%s",
		 touched && !is_default(&route->to) ? ", for addresses of zone " : "",
		 touched && !is_default(&route->to) ? touched->id : "");
	add_route(judge, FINDING_UPLINK, FINDING_ALARM, route, link, what);
}

static void judge_route_inside(struct judge *judge, const struct network_route *route,
			       const struct network_link *link, const struct zonemap_zone *zone)
{
	const struct zonemap_zone *other = zonemap_with(judge->map, &route->to, zone);
	char what[160];
	if (is_default(&route->to)) {
		if (zone->uplink || !zone->networks.n)
			return;
		snprintf(what, sizeof(what), "of zone %s, which leads nowhere outside", zone->id);
		add_route(judge, FINDING_UPLINK, FINDING_ALARM, route, link, what);
		return;
	}
	if (zonemap_zone_has(zone, &route->to) || (!other && !zone->networks.n))
		return;
	snprintf(what, sizeof(what), "of zone %s, but it is %s%s", zone->id,
		 other ? "of zone " : "in none of its networks", other ? other->id : "");
	add_route(judge, FINDING_ROUTE, other ? FINDING_WARNING : FINDING_NOTE, route, link, what);
}

static void judge_route(struct judge *judge, const struct network_route *route)
{
	const struct network_link *link = network_find_link(judge->network, route->link);
	if (!link || link->loopback || is_local(&route->to))
		return;
	const struct zonemap_zone *zone = zonemap_of_interface(judge->map, link->name);
	if (zone)
		judge_route_inside(judge, route, link, zone);
	else if (strcmp(link->name, judge->management) != 0 || is_default(&route->to))
		judge_route_outside(judge, route, link);
}

void surroundings_judge_network(struct surroundings *surroundings, const struct zonemap *map,
				const struct network *network, const char *management,
				struct findings *findings)
{
	struct judge judge = { surroundings, map, network, management, findings };
	judge_zone_links(&judge);
	for (size_t i = 0; i < network->links.n; i++)
		judge_link(&judge, &network->links.v[i]);
	for (size_t i = 0; i < network->addresses.n; i++)
		judge_address(&judge, &network->addresses.v[i]);
	for (size_t i = 0; i < network->routes.n; i++)
		judge_route(&judge, &network->routes.v[i]);
	if (network->cut)
		findings_add(findings, FINDING_ROUTE, FINDING_WARNING, "limit",
			     "there are more links, addresses or routes than are looked at");
}

// --- tables of others

static const struct {
	unsigned does;
	enum finding_weight weight;
	const char *words;
} doings[] = {
	{ FOREIGN_OFFLOADS, FINDING_ALARM, "lets connections go around all rules (flowtable)" },
	{ FOREIGN_FORWARDS, FINDING_ALARM, "sends packets on by itself (fwd, dup, tproxy)" },
	{ FOREIGN_UNTRACKS, FINDING_ALARM, "takes packets out of connection tracking" },
	{ FOREIGN_TRANSLATES, FINDING_WARNING, "translates addresses" },
	{ FOREIGN_CHANGES, FINDING_WARNING, "changes packets or marks" },
	{ FOREIGN_BELOW, FINDING_WARNING, "sees packets before any rule of the policy" },
	{ FOREIGN_DROPS, FINDING_WARNING, "drops packets" },
	{ FOREIGN_XTABLES, FINDING_WARNING, "was written by iptables" },
	{ FOREIGN_UNREAD, FINDING_WARNING, "has too many rules to be read" },
};

void surroundings_judge_foreign(const struct foreign *foreign, struct findings *findings)
{
	for (size_t i = 0; i < foreign->tables.n; i++) {
		const struct foreign_table *table = &foreign->tables.v[i];
		enum finding_weight weight = FINDING_NOTE;
		char words[FINDING_WORDS_MAX], subject[FINDING_SUBJECT_MAX];
		size_t used = 0;
		words[0] = '\0';
		for (size_t k = 0; k < sizeof(doings) / sizeof(doings[0]); k++) {
			if (!(table->does & doings[k].does) || used >= sizeof(words))
				continue;
			used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s",
						 used ? ", " : "", doings[k].words);
			if (doings[k].weight > weight)
				weight = doings[k].weight;
		}
		snprintf(subject, sizeof(subject), "%s %s", foreign_family(table->family),
			 table->name);
		findings_add(findings, FINDING_FOREIGN, weight, subject,
			     "table %s is not of Sekisho (%s): it %s", subject, table->hooks,
			     words[0] ? words : "only counts or accepts");
	}
}
