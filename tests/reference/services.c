// What a service's words mean for one packet: members, names of other services, source ports.
#include "reference/services.h"

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

bool reference_service_means(const struct pol_tree *tree, const char *service,
			     const struct reference_packet *packet)
{
	return service_means(tree, service, packet, 0);
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
