// Draws probes from the words of a policy.
#include "reference/probes.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "reference/services.h"

enum {
	TCP = 6,
	UDP = 17,
	SCTP = 132,
	ICMP = 1,
	ICMPV6 = 58,
	GRE = 47,
	ESP = 50,
	ENDS_MAX = 64, // boundaries tried of one endpoint
	TRIES = 32,    // for one random probe: some draws make no packet
};

struct service {
	int protocol; // -1: any
	unsigned lo, hi;
};

struct maker {
	const struct pol_tree *tree;
	uint64_t state;
	VEC(struct probe) probes;
	VEC(struct addr) addresses; // every boundary of the policy, for random packets
	VEC(struct service) services;
	VEC(uint16_t) sports;
	const char *kind, *about;
};

// splitmix64
static uint64_t roll(struct maker *maker, uint64_t sides)
{
	uint64_t z = maker->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % sides;
}

static bool is_routed(const struct addr *addr)
{
	unsigned first = addr->family == ADDR_V4 ? (unsigned)(addr->bits >> 24)
						 : (unsigned)(addr->bits >> 120);

	if (addr->family == ADDR_V4)
		return first > 0 && first < 224 && first != 127;
	return (first >= 0x20 && first < 0x40) || first == 0xfc || first == 0xfd;
}

// Addresses that no policy owns, unless it says so.
static const char *const outside[] = {
	"203.0.113.77",	    "198.51.100.7", "8.8.8.8",	       "100.64.9.9",
	"2001:db8:ffff::5", "2400:cb00::7", "2606:4700::1111", "2001:4860::8888",
};

static int home_of(struct maker *maker, const struct addr *addr)
{
	int open[64];
	size_t n_open = 0;

	for (int i = 0; i < (int)maker->tree->n_zones; i++) {
		if (!reference_zone_has(maker->tree, i, addr))
			continue;
		if (maker->tree->zones[i].networks.n > 0)
			return i;
		if (n_open < 64)
			open[n_open++] = i;
	}
	return n_open ? open[roll(maker, n_open)] : REFERENCE_SELF;
}

typedef VEC(struct addr) addr_list;

static void add_addr(addr_list *list, enum addr_family family, addr_bits bits)
{
	struct addr addr = { family, bits };

	if (is_routed(&addr))
		vec_push(list, addr);
}

// First and last, their neighbours on both sides.
static void add_ends(void *arg, const struct addr_range *range)
{
	addr_list *list = arg;

	if (list->n >= ENDS_MAX)
		return;
	add_addr(list, range->family, range->lo + (range->hi - range->lo) / 2);
	add_addr(list, range->family, range->lo);
	add_addr(list, range->family, range->hi);
	if (range->lo > 0)
		add_addr(list, range->family, range->lo - 1);
	if (range->hi < addr_max(range->family))
		add_addr(list, range->family, range->hi + 1);
}

static void add_outside(addr_list *list)
{
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		struct addr addr;

		addr_parse(outside[i], &addr);
		vec_push(list, addr);
	}
}

static void ends_of(const struct maker *maker, const char *endpoint, addr_list *list)
{
	reference_each_range(maker->tree, endpoint, add_ends, list);
	if (list->n == 0)
		add_outside(list);
}

static int zone_of(const struct maker *maker, const char *endpoint)
{
	size_t length = strcspn(endpoint, "/");

	for (size_t i = 0; i < maker->tree->n_zones; i++) {
		const char *id = maker->tree->zones[i].id.s;

		if (strlen(id) == length && strncmp(id, endpoint, length) == 0)
			return (int)i;
	}
	return REFERENCE_SELF;
}

static uint16_t pick_sport(struct maker *maker)
{
	return roll(maker, 4) == 0 && maker->sports.n > 0
		       ? maker->sports.v[roll(maker, maker->sports.n)]
		       : (uint16_t)(1024 + roll(maker, 60000));
}

// Puts the packet together; nothing if protocol and family do not go together.
static void put(struct maker *maker, int from, int to, const struct addr *source,
		const struct addr *destination, int protocol, unsigned port)
{
	bool ports = protocol == TCP || protocol == UDP || protocol == SCTP;
	bool icmp = protocol == ICMP || protocol == ICMPV6;

	if (source->family != destination->family || (icmp && port > 255) || port > 65535 ||
	    (protocol == ICMP && source->family != ADDR_V4) ||
	    (protocol == ICMPV6 && source->family != ADDR_V6) || (ports && port == 0) ||
	    (from == REFERENCE_SELF && to == REFERENCE_SELF))
		return;
	if (to != REFERENCE_SELF && !reference_zone_has(maker->tree, to, destination) &&
	    roll(maker, 4) != 0)
		to = home_of(maker, destination);
	if (from == REFERENCE_SELF && to == REFERENCE_SELF)
		return;

	struct probe *probe = vec_add(&maker->probes);

	probe->packet = (struct reference_packet){
		.from = from,
		.to = to,
		.source = *source,
		.destination = *destination,
		.protocol = (uint8_t)protocol,
		.sport = ports ? pick_sport(maker) : 0,
		.port = ports || icmp ? (uint16_t)port : 0,
	};
	probe->kind = maker->kind;
	probe->about = maker->about;
}

static void add_service(void *arg, int protocol, unsigned lo, unsigned hi)
{
	struct maker *maker = arg;

	vec_push(&maker->services, ((struct service){ protocol, lo, hi }));
}

// One packet of the service at a port, or of several protocols when it is any.
static void put_service(struct maker *maker, int from, int to, const struct addr *source,
			const struct addr *destination, const struct service *service,
			unsigned port)
{
	static const int some[] = { TCP, UDP, ICMP, ICMPV6, GRE };

	if (service->protocol >= 0) {
		put(maker, from, to, source, destination, service->protocol, port);
		return;
	}
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		put(maker, from, to, source, destination, some[i],
		    some[i] == ICMP || some[i] == ICMPV6 ? port % 256 : port);
}

// The first address of each family, as an example of the inside.
static const struct addr *example(const addr_list *list, enum addr_family family)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].family == family)
			return &list->v[i];
	return NULL;
}

// Every end of the sources against an inner destination and the other way round, and every port
// boundary between inner addresses.
static void around(struct maker *maker, int from, int to, const addr_list *sources,
		   const addr_list *destinations, const struct service *services, size_t n_services)
{
	for (int v6 = 0; v6 <= 1; v6++) {
		enum addr_family family = v6 ? ADDR_V6 : ADDR_V4;
		const struct addr *source = example(sources, family);
		const struct addr *destination = example(destinations, family);

		for (size_t i = 0; source && destination && i < n_services; i++) {
			const struct service *s = &services[i];
			const unsigned ports[] = { s->lo, s->hi, s->lo - 1, s->hi + 1,
						   s->lo + (s->hi - s->lo) / 2 };

			for (size_t j = 0; j < sizeof(ports) / sizeof(ports[0]); j++)
				put_service(maker, from, to, source, destination, s, ports[j]);
			for (size_t j = 0; j < sources->n; j++)
				put_service(maker, from, to, &sources->v[j], destination, s,
					    s->lo ? s->lo : 80);
			for (size_t j = 0; j < destinations->n; j++)
				put_service(maker, from, to, source, &destinations->v[j], s,
					    s->lo ? s->lo : 80);
		}
	}
}

static void services_of(struct maker *maker, const struct pol_list *list, size_t *ret_first)
{
	*ret_first = maker->services.n;
	for (size_t i = 0; i < list->n; i++)
		reference_each_part(maker->tree, list->v[i].s, add_service, maker);
}

static void remember(struct maker *maker, const addr_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		vec_push(&maker->addresses, list->v[i]);
}

static void probe_flow(struct maker *maker, const struct pol_flow *flow)
{
	addr_list sources = { 0 };
	addr_list destinations = { 0 };
	size_t first;

	maker->kind = "flow";
	maker->about = flow->id.s;
	services_of(maker, &flow->services, &first);
	for (size_t i = 0; i < flow->from.n; i++) {
		for (size_t j = 0; j < flow->to.n; j++) {
			sources.n = destinations.n = 0;
			ends_of(maker, flow->from.v[i].s, &sources);
			ends_of(maker, flow->to.v[j].s, &destinations);
			around(maker, zone_of(maker, flow->from.v[i].s),
			       zone_of(maker, flow->to.v[j].s), &sources, &destinations,
			       maker->services.v + first, maker->services.n - first);
			remember(maker, &sources);
			remember(maker, &destinations);
		}
	}
	vec_done(&sources);
	vec_done(&destinations);
}

// The corners of what a flow excepts.
static void probe_excepts(struct maker *maker, const struct pol_flow *flow)
{
	for (size_t i = 0; i < flow->n_except; i++) {
		struct pol_flow part = *flow;

		if (flow->except[i].from.n > 0)
			part.from = flow->except[i].from;
		if (flow->except[i].to.n > 0)
			part.to = flow->except[i].to;
		if (flow->except[i].services.n > 0)
			part.services = flow->except[i].services;
		part.n_except = 0;
		probe_flow(maker, &part);
	}
}

// Clients of every zone, at the outside addresses and beside them, asking for the target's zone.
static void probe_translation(struct maker *maker, const struct pol_nat *nat)
{
	addr_list destinations = { 0 };
	struct addr_range range;
	size_t first;

	maker->kind = "nat";
	maker->about = nat->id.s ? nat->id.s : "";
	if (!nat->target.s ||
	    addr_range_parse(nat->at_address.s ? nat->at_address.s : nat->target.s, &range) < 0)
		return;
	add_ends(&destinations, &range);
	services_of(maker, &nat->services, &first);
	if (nat->services.n == 0)
		add_service(maker, TCP, 443, 443);
	for (int from = 0; from < (int)maker->tree->n_zones; from++) {
		addr_list sources = { 0 };

		ends_of(maker, maker->tree->zones[from].id.s, &sources);
		around(maker, from,
		       zone_of(maker, nat->from.n && !nat->at_address.s ? nat->from.v[0].s
									: nat->target.s),
		       &sources, &destinations, maker->services.v + first,
		       maker->services.n - first);
		vec_done(&sources);
	}
	remember(maker, &destinations);
	vec_done(&destinations);
}

static void probe_pair(struct maker *maker, int from, int to)
{
	static const struct service some[] = { { TCP, 80, 80 },	     { TCP, 22, 22 },
					       { UDP, 53, 53 },	     { ICMP, 8, 8 },
					       { ICMPV6, 128, 128 }, { ESP, 0, 0 } };
	addr_list sources = { 0 };
	addr_list destinations = { 0 };

	maker->kind = "pair";
	maker->about = "";
	ends_of(maker, reference_zone_name(maker->tree, from), &sources);
	ends_of(maker, reference_zone_name(maker->tree, to), &destinations);
	for (int v6 = 0; v6 <= 1; v6++) {
		const struct addr *source = example(&sources, v6 ? ADDR_V6 : ADDR_V4);
		const struct addr *destination = example(&destinations, v6 ? ADDR_V6 : ADDR_V4);

		for (size_t i = 0; source && destination && i < sizeof(some) / sizeof(some[0]); i++)
			put(maker, from, to, source, destination, some[i].protocol, some[i].lo);
	}
	remember(maker, &sources);
	remember(maker, &destinations);
	vec_done(&sources);
	vec_done(&destinations);
}

static struct addr pick_address(struct maker *maker)
{
	struct addr addr = maker->addresses.v[roll(maker, maker->addresses.n)];

	if (roll(maker, 3) == 0) {
		struct addr near = { addr.family, addr.bits + roll(maker, 512) - 256 };

		if (is_routed(&near) && near.bits <= addr_max(addr.family))
			return near;
	}
	return addr;
}

static unsigned pick_port(struct maker *maker, const struct service *service)
{
	unsigned port = service->lo + (unsigned)roll(maker, service->hi - service->lo + 3);

	return port ? port - 1 : 0;
}

static void probe_anything(struct maker *maker)
{
	struct addr source = pick_address(maker);
	struct addr destination = pick_address(maker);
	const struct service *service = &maker->services.v[roll(maker, maker->services.n)];
	int from = roll(maker, 8) ? home_of(maker, &source)
				  : (int)roll(maker, maker->tree->n_zones + 1) - 1;
	int to = roll(maker, 8) ? home_of(maker, &destination) : REFERENCE_SELF;

	put_service(maker, from, to, &source, &destination, service, pick_port(maker, service));
}

static const char *pick_word(struct maker *maker, const struct pol_list *list)
{
	return list->v[roll(maker, list->n)].s;
}

// A boundary of a flow's sources with one of its destinations and one of any flow's services.
static void probe_corner(struct maker *maker, const struct pol_flow *flow)
{
	const char *from = pick_word(maker, &flow->from);
	const char *to = pick_word(maker, &flow->to);
	const struct service *service = &maker->services.v[roll(maker, maker->services.n)];
	addr_list sources = { 0 };
	addr_list destinations = { 0 };

	ends_of(maker, from, &sources);
	ends_of(maker, to, &destinations);
	put_service(maker, zone_of(maker, from), zone_of(maker, to),
		    &sources.v[roll(maker, sources.n)],
		    &destinations.v[roll(maker, destinations.n)], service,
		    pick_port(maker, service));
	vec_done(&sources);
	vec_done(&destinations);
}

static void probe_random(struct maker *maker)
{
	const struct pol_tree *tree = maker->tree;

	maker->kind = "random";
	maker->about = "";
	if (tree->n_flows > 0 && roll(maker, 2))
		probe_corner(maker, &tree->flows[roll(maker, tree->n_flows)]);
	else
		probe_anything(maker);
}

static void gather_sports(struct maker *maker)
{
	static const uint16_t known[] = { 67, 68, 123, 546, 547, 1, 65535 };
	const struct pol_tree *tree = maker->tree;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		vec_push(&maker->sports, known[i]);
	for (size_t i = 0; i < tree->n_services; i++) {
		const struct pol_list *list = &tree->services[i].source_ports;

		for (size_t j = 0; j < list->n; j++) {
			unsigned port = (unsigned)atoi(list->v[j].s);

			for (unsigned k = port ? port - 1 : 0; k <= port + 1 && k <= 65535; k++)
				vec_push(&maker->sports, (uint16_t)k);
		}
	}
}

// Keeps `count` of the probes, each with the same chance, in their order.
static void thin(struct maker *maker, size_t count)
{
	size_t n = maker->probes.n;
	size_t kept = 0;

	for (size_t i = 0; i < n && kept < count; i++)
		if (roll(maker, n - i) < count - kept)
			maker->probes.v[kept++] = maker->probes.v[i];
	maker->probes.n = kept;
}

size_t probes_make(const struct pol_tree *tree, uint64_t seed, size_t count, bool most,
		   struct probe **ret_probes)
{
	struct maker maker = { .tree = tree, .state = seed };
	size_t n;

	gather_sports(&maker);
	for (size_t i = 0; i < tree->n_flows; i++) {
		probe_flow(&maker, &tree->flows[i]);
		probe_excepts(&maker, &tree->flows[i]);
	}
	for (size_t i = 0; i < tree->n_nat; i++)
		probe_translation(&maker, &tree->nat[i]);
	for (int from = REFERENCE_SELF; from < (int)tree->n_zones; from++)
		for (int to = REFERENCE_SELF; to < (int)tree->n_zones; to++)
			probe_pair(&maker, from, to);
	add_service(&maker, TCP, 1, 65535);
	add_service(&maker, UDP, 1, 65535);
	if (most && maker.probes.n > count - count / 5)
		thin(&maker, count - count / 5); // leave some for chance
	for (size_t i = 0; i < count * TRIES && maker.addresses.n && maker.probes.n < count; i++)
		probe_random(&maker);
	if (most)
		thin(&maker, count);
	n = maker.probes.n;
	*ret_probes = maker.probes.v;
	vec_done(&maker.addresses);
	vec_done(&maker.services);
	vec_done(&maker.sports);
	return n;
}
