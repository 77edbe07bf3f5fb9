// Zones: their roles, interfaces and networks; that no two share either.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

enum { INTERFACE_NAME_MAX = 15 };

// Everything that a zone lists, for finding what two of them share.
struct listed_range {
	struct addr_range range;
	uint32_t zone;
	struct place at;
};

struct listed_interface {
	const char *name; // without '*'
	bool pattern;
	uint32_t zone;
	struct place at;
};

struct zone_lists {
	VEC(struct listed_range) ranges;
	VEC(struct listed_interface) interfaces;
};

static const struct {
	const char *name;
	enum plan_role role;
	bool relay;
} roles[] = {
	{ "inside", PLAN_INSIDE, true },      { "uplink", PLAN_UPLINK, false },
	{ "external", PLAN_EXTERNAL, false }, { "public", PLAN_PUBLIC, false },
	{ "server", PLAN_SERVER, true },
};

static const char *const classes[] = { "I", "II", "III", "IV" };

// Words that the reader does not know it has reported itself; the default stands in.
static void set_role(struct plan_zone *zone, const struct pol_zone *source)
{
	size_t role = 0;

	for (size_t i = 0; source->role.s && i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(roles[i].name, source->role.s) == 0)
			role = i;
	zone->role = roles[role].role;
	zone->relay = source->relay.set ? source->relay.value : roles[role].relay;
	zone->class = 1;
	for (unsigned i = 0; source->class.s && i < 4; i++)
		if (strcmp(classes[i], source->class.s) == 0)
			zone->class = i + 1;
	if (source->mss.s)
		zone->mss = strcmp(source->mss.s, "path-mtu") == 0
				    ? 1
				    : (uint16_t)strtoul(source->mss.s, NULL, 10);
}

static bool interface_name_is_good(const char *name)
{
	size_t length = strlen(name);
	const char *star = strchr(name, '*');

	if (length == 0 || length > INTERFACE_NAME_MAX) // a pattern has room for one more letter
		return false;
	if (star && (star == name || star[1]))
		return false;
	for (const char *c = name; *c; c++)
		if (*c == '/' || *c == ':' || *c == '@' || (unsigned char)*c <= ' ')
			return false;
	return strcmp(name, "lo") != 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

// A name or pattern that the zone already takes is told of later and not kept: the plan's
// interfaces are disjoint, but for names that a pattern of their own zone holds.
static void keep_interface(struct plan_zone *zone, struct plan_interface *interfaces,
			   struct plan_interface interface)
{
	size_t kept = 0;

	for (size_t i = 0; interface.pattern && i < zone->n_interfaces; i++) {
		struct plan_interface *other = &interfaces[i];

		if (other->pattern &&
		    strncmp(other->name, interface.name, strlen(other->name)) == 0)
			return;
	}
	for (size_t i = 0; interface.pattern && i < zone->n_interfaces; i++)
		if (!interfaces[i].pattern ||
		    strncmp(interface.name, interfaces[i].name, strlen(interface.name)) != 0)
			interfaces[kept++] = interfaces[i];
	if (interface.pattern)
		zone->n_interfaces = kept;
	interfaces[zone->n_interfaces++] = interface;
}

static void read_interfaces(struct build *b, const struct pol_list *list, uint32_t index,
			    struct zone_lists *lists)
{
	struct plan_zone *zone = &b->plan->zones[index];
	struct plan_interface *interfaces =
		arena_array_of(b->arena, struct plan_interface, list->n);
	struct names seen = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->v[i].s;
		bool pattern = strchr(text, '*') != NULL;
		const char *name;

		if (!interface_name_is_good(text)) {
			diag_add(b->diag, SK_INTERFACE_NAME, list->v[i].at,
				 "zone \"%s\": \"%s\" is no name that an interface can have; write "
				 "it as \"ip link\" shows it, without @ and what follows, or a "
				 "beginning and *",
				 zone->id, text);
			continue;
		}
		name = arena_strndup(b->arena, text, strlen(text) - (pattern ? 1 : 0));
		if (names_add(&seen, text, 0) == NAMES_NONE)
			keep_interface(zone, interfaces,
				       (struct plan_interface){ name, pattern,
								build_place(b, list->v[i].at) });
		vec_push(&lists->interfaces,
			 ((struct listed_interface){ name, pattern, index, list->v[i].at }));
	}
	zone->interfaces = interfaces;
	names_done(&seen);
}

// Addresses that no packet of a host carries, or none that is routed.
static bool is_no_hosts(const struct addr_range *range)
{
	static const char *const words[] = { "0.0.0.0/8",	"127.0.0.0/8", "224.0.0.0/4",
					     "255.255.255.255", "::/127",      "::ffff:0:0/96",
					     "fe80::/10",	"ff00::/8" };
	struct addr_range never;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (addr_range_parse(words[i], &never) == 0 && never.family == range->family &&
		    range->lo >= never.lo && range->hi <= never.hi)
			return true;
	return false;
}

static void read_networks(struct build *b, const struct pol_list *list, uint32_t index,
			  struct zone_lists *lists)
{
	struct plan_zone *zone = &b->plan->zones[index];
	struct addr_set set = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		struct addr_range range;

		if (build_address(b, &list->v[i], &range) < 0)
			continue;
		if (is_no_hosts(&range)) {
			diag_add(b->diag, SK_ADDRESS_NO_HOST, list->v[i].at,
				 "zone \"%s\": no host sends from %s through a gateway; mend the "
				 "address or take it away",
				 zone->id, list->v[i].s);
			continue;
		}
		addr_set_append(&set, range);
		vec_push(&lists->ranges, ((struct listed_range){ range, index, list->v[i].at }));
	}
	addr_set_normalise(&set);
	zone->elsewhere = list->n == 0;
	zone->networks = build_ranges(b, &set, &zone->n_networks);
}

static void read_zone(struct build *b, const struct pol_zone *source, struct zone_lists *lists)
{
	struct plan *plan = b->plan;
	struct plan_zone *zone = &plan->zones[plan->n_zones];
	const char *id;

	if (!source->id.s)
		return;
	if (strcmp(source->id.s, "self") == 0) {
		diag_add(b->diag, SK_ZONE_SELF, source->id.at,
			 "\"self\" is the gateway and needs no entry; give the zone another name");
		return;
	}
	id = build_text(b, &source->id);
	// A second one of the same name the reader has reported.
	if (names_add(&plan->zone_names, id, (uint32_t)plan->n_zones) != NAMES_NONE)
		return;
	zone->id = id;
	zone->title = build_text(b, &source->title);
	zone->at = build_place(b, source->id.at);
	set_role(zone, source);
	plan->n_zones++;
	read_interfaces(b, &source->interfaces, (uint32_t)(plan->n_zones - 1), lists);
	read_networks(b, &source->networks, (uint32_t)(plan->n_zones - 1), lists);
}

static int compare_places(const struct place *a, const struct place *b)
{
	int d = a->file && b->file ? strcmp(a->file, b->file) : 0;

	if (d != 0)
		return d;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

static int compare_listed_ranges(const void *a, const void *b)
{
	const struct listed_range *x = a;
	const struct listed_range *y = b;

	if (x->range.family != y->range.family)
		return x->range.family < y->range.family ? -1 : 1;
	if (x->range.lo != y->range.lo)
		return x->range.lo < y->range.lo ? -1 : 1;
	return compare_places(&x->at, &y->at);
}

static void report_ranges(struct build *b, const struct listed_range *x,
			  const struct listed_range *y)
{
	bool swap = compare_places(&x->at, &y->at) > 0;
	const struct listed_range *first = swap ? y : x;
	const struct listed_range *later = swap ? x : y;
	const char *id = b->plan->zones[later->zone].id;
	const char *other = b->plan->zones[first->zone].id;
	char text[ADDR_TEXT_MAX];
	size_t item;

	addr_range_text(&later->range, text);
	if (first->zone == later->zone)
		item = diag_add(b->diag, SK_LIST_REPEAT, later->at,
				"zone \"%s\": %s is already among its networks; take one away", id,
				text);
	else
		item = diag_add(
			b->diag, SK_ZONE_OVERLAP, later->at,
			"zone \"%s\": %s has addresses that are also in zone \"%s\"; make one "
			"of the two smaller",
			id, text, other);
	diag_second(b->diag, item, first->at, "first given here");
}

// Sorted by their starts, a range overlaps an earlier one exactly if it starts within the one
// that reaches furthest.
static void check_ranges(struct build *b, struct zone_lists *lists)
{
	const struct listed_range *furthest = NULL;

	if (lists->ranges.n > 0)
		qsort(lists->ranges.v, lists->ranges.n, sizeof(lists->ranges.v[0]),
		      compare_listed_ranges);
	for (size_t i = 0; i < lists->ranges.n; i++) {
		const struct listed_range *range = &lists->ranges.v[i];

		if (furthest && addr_range_overlaps(&furthest->range, &range->range))
			report_ranges(b, furthest, range);
		if (!furthest || furthest->range.family != range->range.family ||
		    range->range.hi > furthest->range.hi)
			furthest = range;
	}
}

static int compare_listed_interfaces(const void *a, const void *b)
{
	const struct listed_interface *x = a;
	const struct listed_interface *y = b;
	int d = strcmp(x->name, y->name);

	if (d != 0)
		return d;
	if (x->pattern != y->pattern)
		return x->pattern ? -1 : 1;
	return compare_places(&x->at, &y->at);
}

static void report_interfaces(struct build *b, const struct listed_interface *x,
			      const struct listed_interface *y)
{
	bool swap = compare_places(&x->at, &y->at) > 0;
	const struct listed_interface *first = swap ? y : x;
	const struct listed_interface *later = swap ? x : y;
	const char *id = b->plan->zones[later->zone].id;
	size_t item;

	if (first->zone == later->zone)
		item = diag_add(b->diag, SK_LIST_REPEAT, later->at,
				"zone \"%s\": interface %s%s is already in the list; take one away",
				id, later->name, later->pattern ? "*" : "");
	else
		item = diag_add(b->diag, SK_INTERFACE_SHARED, later->at,
				"zone \"%s\": interface %s%s is also in zone \"%s\"; an interface "
				"leads to one zone",
				id, later->name, later->pattern ? "*" : "",
				b->plan->zones[first->zone].id);
	diag_second(b->diag, item, first->at, "first given here");
}

// In byte order, names that a pattern takes stand directly behind it; patterns nest.
static void check_interfaces(struct build *b, struct zone_lists *lists)
{
	const struct listed_interface *before = NULL;  // equal name
	const struct listed_interface *pattern = NULL; // the outermost one that is open

	if (lists->interfaces.n > 0)
		qsort(lists->interfaces.v, lists->interfaces.n, sizeof(lists->interfaces.v[0]),
		      compare_listed_interfaces);
	for (size_t i = 0; i < lists->interfaces.n; i++) {
		const struct listed_interface *at = &lists->interfaces.v[i];

		if (pattern && strncmp(pattern->name, at->name, strlen(pattern->name)) != 0)
			pattern = NULL;
		if (pattern)
			report_interfaces(b, pattern, at);
		else if (before && strcmp(before->name, at->name) == 0)
			report_interfaces(b, before, at);
		if (!pattern && at->pattern)
			pattern = at;
		before = at;
		if (!at->pattern)
			names_add(&b->plan->interface_names, at->name, at->zone);
	}
}

static int compare_homes(const void *a, const void *b)
{
	const struct plan_home *x = a;
	const struct plan_home *y = b;

	if (x->range.family != y->range.family)
		return x->range.family < y->range.family ? -1 : 1;
	return x->range.lo < y->range.lo ? -1 : x->range.lo > y->range.lo;
}

// What no zone has unless it lists it: this host, loopback, link-local, multicast, reserved, and
// the IPv6 forms of IPv4 addresses.
static void add_martians(struct addr_set *set)
{
	static const char *const words[] = { "0.0.0.0/8",   "127.0.0.0/8", "169.254.0.0/16",
					     "224.0.0.0/3", "::/96",	   "::ffff:0:0/96",
					     "fe80::/10",   "ff00::/8" };
	struct addr_range range;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (addr_range_parse(words[i], &range) == 0)
			addr_set_append(set, range);
}

static void make_homes(struct build *b)
{
	struct plan *plan = b->plan;
	size_t n = 0;

	for (size_t i = 0; i < plan->n_zones; i++)
		n += plan->zones[i].n_networks;
	plan->homes = arena_array_of(b->arena, struct plan_home, n);
	for (size_t i = 0; i < plan->n_zones; i++) {
		for (size_t j = 0; j < plan->zones[i].n_networks; j++) {
			struct addr_range range = plan->zones[i].networks[j];

			plan->homes[plan->n_homes++] = (struct plan_home){ range, (uint32_t)i };
			addr_set_append(&plan->inside, range);
		}
	}
	qsort(plan->homes, plan->n_homes, sizeof(*plan->homes), compare_homes);
	add_martians(&plan->inside);
	addr_set_normalise(&plan->inside);
}

void build_zones(struct build *b)
{
	struct plan *plan = b->plan;
	const struct pol_tree *tree = b->tree;
	struct zone_lists lists = { 0 };
	size_t n = tree->n_zones;

	if (n > PLAN_ZONES_MAX - 1) {
		diag_add(b->diag, SK_ZONES_TOO_MANY, tree->zones[PLAN_ZONES_MAX - 1].id.at,
			 "%zu zones; a policy may have %d", n, PLAN_ZONES_MAX - 1);
		n = PLAN_ZONES_MAX - 1;
	}
	plan->zones = arena_array_of(b->arena, struct plan_zone, n + 1);
	plan->zones[PLAN_SELF] =
		(struct plan_zone){ .id = "self", .title = "", .role = PLAN_GATEWAY, .class = 1 };
	names_add(&plan->zone_names, "self", PLAN_SELF);
	plan->n_zones = 1;
	for (size_t i = 0; i < n; i++)
		read_zone(b, &tree->zones[i], &lists);
	check_ranges(b, &lists);
	check_interfaces(b, &lists);
	make_homes(b);
	vec_done(&lists.ranges);
	vec_done(&lists.interfaces);
}

void build_clip(struct build *b, uint32_t zone, struct addr_set *set)
{
	const struct plan_zone *of = &b->plan->zones[zone];

	if (zone == PLAN_SELF)
		return;
	if (of->elsewhere)
		addr_set_subtract(set, &b->plan->inside);
	else
		addr_set_intersect(set, &(struct addr_set){ .v = (struct addr_range *)of->networks,
							    .n = of->n_networks });
}

int build_zone(struct build *b, const struct pol_text *text, uint32_t *ret_zone)
{
	uint32_t zone = names_get(&b->plan->zone_names, text->s);

	if (zone == NAMES_NONE) {
		diag_add(b->diag, SK_ZONE_UNKNOWN, text->at, "there is no zone \"%s\"%s", text->s,
			 build_hint(b, &b->plan->zone_names, text->s));
		return -ENOENT;
	}
	*ret_zone = zone;
	return 0;
}
