// The lab's topology: which interfaces, addresses and routes a policy's zones get in the lab.
// It reads the policy with the product's own reader and plan and prints a plain table, one item a
// line, fields separated by one blank; it makes nothing itself (tests/lab/lab does).
//
//   zone  ZONE ROLE INDEX                          INDEX as in the plan, self is 0
//   link  ZONE GW-IF NS-IF                         a cable from the gateway to the zone
//   gw    ZONE GW-IF NS-IF FAMILY ADDRESS          the gateway's own address on that cable
//   host  ZONE GW-IF NS-IF FAMILY ADDRESS NAME     an address of the zone's namespace
//   route ZONE GW-IF NS-IF FAMILY PREFIX VIA       what the gateway sends there, and by which host
//
// Addresses come from the policy.  A zone without networks gets documentation prefixes that the
// policy uses nowhere, and one of those zones the default routes.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/diag.h"
#include "base/vec.h"
#include "plan/plan.h"
#include "policy/policy.h"

enum { LAB_HOSTS = 3, LAB_TRIES = 4096 };

struct prefix {
	enum addr_family family;
	addr_bits bits;
	unsigned length;
	const char *name;
};

typedef VEC(struct prefix) prefix_vec;

struct cable { // one interface of a zone, one family
	bool has;
	struct addr gateway, via;
};

struct lab {
	struct plan *plan;
	const struct pol_tree *tree;
	struct addr_set taken; // handed out, or meaning something in the policy
	struct addr_set given; // prefixes that zones without networks got
	char **wishes;	       // ZONE=PREFIX
	int n_wishes;
	size_t default_zone;
};

static const char *text(enum addr_family family, addr_bits bits)
{
	static char out[4][ADDR_TEXT_MAX];
	static unsigned next;
	struct addr addr = { family, bits };
	return addr_text(&addr, out[next++ % 4]);
}

static void add_prefix(void *arg, addr_bits bits, unsigned length)
{
	prefix_vec *vec = arg;
	struct prefix *last = vec_add(vec);
	last->bits = bits;
	last->length = length;
}

static void cut(const struct addr_range *range, const char *name, prefix_vec *vec)
{
	size_t first = vec->n;
	addr_range_prefixes(range, add_prefix, vec);
	for (size_t i = first; i < vec->n; i++) {
		vec->v[i].family = range->family;
		vec->v[i].name = name;
	}
}

static struct addr_range range_of(const struct prefix *prefix)
{
	unsigned host_bits = addr_width(prefix->family) - prefix->length;
	addr_bits span = host_bits >= addr_width(prefix->family) ? addr_max(prefix->family)
								 : ((addr_bits)1 << host_bits) - 1;
	return (struct addr_range){ prefix->family, prefix->bits, prefix->bits + span };
}

static void take(struct lab *lab, struct addr addr)
{
	addr_set_add(&lab->taken, (struct addr_range){ addr.family, addr.bits, addr.bits });
}

// The first address of the prefix that nobody has; neither its network nor its broadcast address.
static bool first_free(struct lab *lab, const struct prefix *prefix, struct addr *ret)
{
	struct addr_range range = range_of(prefix);
	if (range.hi - range.lo >= 3) {
		range.lo++;
		range.hi -= prefix->family == ADDR_V4;
	}
	for (addr_bits n = 0; n < LAB_TRIES && range.lo + n <= range.hi; n++) {
		struct addr addr = { prefix->family, range.lo + n };
		if (addr_set_contains(&lab->taken, &addr))
			continue;
		take(lab, addr);
		*ret = addr;
		return true;
	}
	return false;
}

// For a cable whose prefix has no room for a gateway: an address of the benchmark networks.
static struct addr spare_address(struct lab *lab, enum addr_family family)
{
	struct addr_range range;
	addr_range_parse(family == ADDR_V4 ? "198.19.255.0/24" : "2001:db8:ffff::/64", &range);
	struct prefix prefix = { family, range.lo, family == ADDR_V4 ? 24 : 64, NULL };
	struct addr addr = { family, 0 };
	first_free(lab, &prefix, &addr);
	return addr;
}

static bool is_host(const struct addr_range *range)
{
	return range->lo == range->hi;
}

static const char *after_slash(const char *id)
{
	const char *slash = strchr(id, '/');
	return slash ? slash + 1 : id;
}

static bool is_of_zone(const char *network, const char *zone)
{
	size_t n = strlen(zone);
	return strncmp(network, zone, n) == 0 && network[n] == '/';
}

// Calls back for every range of every network "zone/name" of a zone.
static void each_named(struct lab *lab, const char *zone,
		       void (*each)(struct lab *, const char *name, const struct addr_range *,
				    void *),
		       void *arg)
{
	for (size_t i = 0; i < lab->tree->n_networks; i++) {
		const char *id = lab->tree->networks[i].id.s;
		const struct addr_range *ranges;
		uint32_t index;
		size_t n;
		if (!is_of_zone(id, zone) || plan_endpoint(lab->plan, id, &index, &ranges, &n) < 0)
			continue;
		for (size_t k = 0; k < n; k++)
			each(lab, after_slash(id), &ranges[k], arg);
	}
}

static void reserve_host(struct lab *lab, const char *name, const struct addr_range *range,
			 void *arg)
{
	(void)name;
	(void)arg;
	if (is_host(range))
		addr_set_add(&lab->taken, *range);
}

static void reserve(struct lab *lab)
{
	size_t n;
	const struct plan_zone *zones = plan_zones(lab->plan, &n);
	for (size_t i = 0; i < n; i++)
		each_named(lab, zones[i].id, reserve_host, NULL);
	const struct plan_nat *nats = plan_nats(lab->plan, &n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < nats[i].n_destinations; k++)
			if (is_host(&nats[i].destinations[k]))
				addr_set_add(&lab->taken, nats[i].destinations[k]);
		if (nats[i].kind == POL_NAT_SOURCE)
			addr_set_add(&lab->taken, nats[i].target);
	}
}

// --- zones without networks ---------------------------------------------------------------------

static void overlap_named(struct lab *lab, const char *name, const struct addr_range *range,
			  void *arg)
{
	(void)lab;
	(void)name;
	struct addr_range *candidate = arg;
	if (candidate->family && addr_range_overlaps(range, candidate))
		candidate->family = 0;
}

static bool unused(struct lab *lab, struct addr_range candidate)
{
	size_t n;
	const struct plan_zone *zones = plan_zones(lab->plan, &n);
	if (addr_set_find(&lab->given, &candidate))
		return false;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < zones[i].n_networks; k++)
			if (addr_range_overlaps(&zones[i].networks[k], &candidate))
				return false;
		each_named(lab, zones[i].id, overlap_named, &candidate);
	}
	return candidate.family != 0;
}

static struct addr_range lab_prefix(struct lab *lab, enum addr_family family)
{
	static const char *const v4[] = { "198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24" };
	struct addr_range range = { 0 };
	for (unsigned i = 0; i < 200; i++) {
		char name[32];
		if (family == ADDR_V6)
			snprintf(name, sizeof(name), "2001:db8:f%03x::/64", i);
		else if (i < 3)
			snprintf(name, sizeof(name), "%s", v4[i]);
		else
			snprintf(name, sizeof(name), "198.18.%u.0/24", i);
		addr_range_parse(name, &range);
		if (unused(lab, range))
			break;
	}
	return range;
}

// ZONE=PREFIX of the command line.
static bool wished(struct lab *lab, const char *zone, enum addr_family family,
		   struct addr_range *ret)
{
	size_t n = strlen(zone);
	for (int i = 0; i < lab->n_wishes; i++) {
		const char *wish = lab->wishes[i];
		if (strncmp(wish, zone, n) == 0 && wish[n] == '=' &&
		    addr_range_parse(wish + n + 1, ret) == 0 && ret->family == family)
			return true;
	}
	return false;
}

static void add_named(struct lab *lab, const char *name, const struct addr_range *range, void *arg)
{
	(void)lab;
	cut(range, name, arg);
}

static void elsewhere_prefixes(struct lab *lab, const struct plan_zone *zone, prefix_vec *vec)
{
	static const enum addr_family families[] = { ADDR_V4, ADDR_V6 };
	for (size_t i = 0; i < 2; i++) {
		struct addr_range range;
		if (!wished(lab, zone->id, families[i], &range))
			range = lab_prefix(lab, families[i]);
		cut(&range, "lab", vec);
		addr_set_add(&lab->given, range);
	}
	each_named(lab, zone->id, add_named, vec);
}

static size_t choose_default_zone(const struct plan *plan)
{
	size_t n, found = PLAN_NONE;
	const struct plan_zone *zones = plan_zones(plan, &n);
	for (size_t i = 1; i < n; i++) {
		if (!zones[i].elsewhere)
			continue;
		if (zones[i].role == PLAN_EXTERNAL)
			return i;
		if (found == PLAN_NONE)
			found = i;
	}
	return found;
}

// --- printing -----------------------------------------------------------------------------------

static const char *interface_name(const struct plan_interface *interface, char out[32])
{
	snprintf(out, 32, "%.14s%s", interface->name, interface->pattern ? "1" : "");
	return out;
}

static void print_head(const char *what, const struct plan_zone *zone, size_t i)
{
	char name[32];
	printf("%s %s %s eth%zu", what, zone->id, interface_name(&zone->interfaces[i], name), i);
}

static void print_host(const struct plan_zone *zone, size_t i, struct addr addr, const char *name)
{
	print_head("host", zone, i);
	printf(" %d %s %s\n", addr.family, text(addr.family, addr.bits), name);
}

struct self_search {
	const struct plan_zone *zone;
	size_t zone_index, n;
	struct cable *cable;
};

// An address that the policy gives the gateway (self/NAME) inside this zone is the gateway's there.
static void find_self(struct lab *lab, const char *name, const struct addr_range *range, void *arg)
{
	(void)name;
	struct self_search *search = arg;
	struct addr addr = { range->family, range->lo };
	if (!is_host(range) || search->zone->elsewhere ||
	    !plan_zone_has(lab->plan, search->zone_index, &addr))
		return;
	print_head("gw", search->zone, 0);
	printf(" %d %s\n", addr.family, text(addr.family, addr.bits));
	struct cable *cable = &search->cable[addr.family == ADDR_V6];
	if (!cable->gateway.family)
		cable->gateway = addr;
}

// One prefix: the gateway's address if its cable has none yet, hosts, the route.
static void print_prefix(struct lab *lab, const struct plan_zone *zone, size_t i,
			 const struct prefix *prefix, struct cable *cable)
{
	struct addr host = { 0 };
	unsigned wanted = prefix->name && strcmp(prefix->name, "lab") == 0 ? LAB_HOSTS : 1;
	if (!cable->gateway.family) {
		if (range_of(prefix).hi - range_of(prefix).lo < 3 ||
		    !first_free(lab, prefix, &cable->gateway))
			cable->gateway = spare_address(lab, prefix->family);
		print_head("gw", zone, i);
		printf(" %d %s\n", prefix->family, text(prefix->family, cable->gateway.bits));
	}
	for (unsigned n = 0; n < wanted; n++) {
		if (!first_free(lab, prefix, &host)) // a named host fills it
			host = (struct addr){ prefix->family, prefix->bits };
		if (!cable->has)
			cable->via = host;
		cable->has = true;
		print_host(zone, i, host, prefix->name ? prefix->name : "net");
	}
	print_head("route", zone, i);
	printf(" %d %s/%u %s\n", prefix->family, text(prefix->family, prefix->bits), prefix->length,
	       text(prefix->family, cable->via.bits));
}

static void print_default(const struct plan_zone *zone, const struct cable cable[2])
{
	for (size_t f = 0; f < 2; f++) {
		if (!cable[f].has)
			continue;
		print_head("route", zone, 0);
		printf(" %d %s %s\n", cable[f].via.family, f ? "::/0" : "0.0.0.0/0",
		       text(cable[f].via.family, cable[f].via.bits));
	}
}

static void print_named(struct lab *lab, const char *name, const struct addr_range *range,
			void *arg)
{
	(void)lab;
	if (is_host(range))
		print_host(arg, 0, (struct addr){ range->family, range->lo }, name);
}

static void print_zone(struct lab *lab, size_t index, const struct plan_zone *zone)
{
	static const char *const roles[] = { "inside", "uplink", "external",
					     "public", "server", "gateway" };
	prefix_vec prefixes = { 0 };
	struct cable *cables = calloc(zone->n_interfaces + 1, 2 * sizeof(*cables));
	struct self_search search = { zone, index, 0, cables };
	size_t turn[2] = { 0 };

	printf("zone %s %s %zu\n", zone->id, roles[zone->role], index);
	for (size_t i = 0; i < zone->n_interfaces; i++) {
		print_head("link", zone, i);
		putchar('\n');
	}
	for (size_t i = 0; i < zone->n_networks; i++)
		cut(&zone->networks[i], NULL, &prefixes);
	if (zone->elsewhere)
		elsewhere_prefixes(lab, zone, &prefixes);
	if (cables && zone->n_interfaces) {
		each_named(lab, "self", find_self, &search);
		for (size_t i = 0; i < prefixes.n; i++) {
			size_t f = prefixes.v[i].family == ADDR_V6;
			size_t at = turn[f]++ % zone->n_interfaces;
			print_prefix(lab, zone, at, &prefixes.v[i], &cables[2 * at + f]);
		}
		each_named(lab, zone->id, print_named, (void *)zone);
		if (index == lab->default_zone)
			print_default(zone, cables);
	}
	free(cables);
	vec_done(&prefixes);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: lab-topology DIR [ZONE=PREFIX ...]\n");
		return 2;
	}
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct lab lab = { .wishes = argv + 2, .n_wishes = argc - 2 };
	bool failed = false;
	int r = policy_read_path(argv[1], diag, &policy, NULL);
	if (r == 0)
		r = plan_make(policy, diag, &lab.plan, &failed);
	if (r < 0) {
		diag_print(diag, stderr);
		fprintf(stderr, "lab-topology: %s: %s\n", argv[1], strerror(-r));
	} else {
		size_t n;
		const struct plan_zone *zones = plan_zones(lab.plan, &n);
		lab.tree = policy_tree(policy);
		lab.default_zone = choose_default_zone(lab.plan);
		reserve(&lab);
		for (size_t i = 1; i < n; i++)
			print_zone(&lab, i, &zones[i]);
	}
	addr_set_done(&lab.taken);
	addr_set_done(&lab.given);
	plan_free(lab.plan);
	policy_free(policy);
	diag_free(diag);
	return r < 0 ? 3 : 0;
}
