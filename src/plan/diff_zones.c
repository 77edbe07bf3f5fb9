// Zones and translation: what is not about single flows, yet decides what all of them mean.
#include <string.h>

#include "plan/diff_internal.h"
#include "plan/words.h"

enum { TEXT_SIZE = 2048 };

// --- zones

static void zone_interfaces(const struct plan_zone *zone, struct words *words)
{
	for (size_t i = 0; i < zone->n_interfaces; i++)
		words_say(words, "%s%s%s", i ? ", " : "", zone->interfaces[i].name,
			  zone->interfaces[i].pattern ? "*" : "");
}

static void zone_networks(const struct plan_zone *zone, struct words *words)
{
	char text[ADDR_TEXT_MAX];

	if (zone->elsewhere)
		words_say(words, "every address of no other zone");
	for (size_t i = 0; i < zone->n_networks; i++)
		words_say(words, "%s%s", i ? ", " : "", addr_range_text(&zone->networks[i], text));
}

static void zone_role(const struct plan_zone *zone, struct words *words)
{
	static const char *const roles[] = {
		[PLAN_INSIDE] = "inside", [PLAN_UPLINK] = "uplink", [PLAN_EXTERNAL] = "external",
		[PLAN_PUBLIC] = "public", [PLAN_SERVER] = "server", [PLAN_GATEWAY] = "gateway",
	};

	words_say(words, "%s", roles[zone->role]);
}

static void zone_class(const struct plan_zone *zone, struct words *words)
{
	static const char *const classes[] = { "none", "I", "II", "III", "IV" };

	words_say(words, "%s", classes[zone->class <= 4 ? zone->class : 0]);
}

static void zone_relay(const struct plan_zone *zone, struct words *words)
{
	words_say(words, "%s", zone->relay ? "yes" : "no");
}

static void zone_mss(const struct plan_zone *zone, struct words *words)
{
	if (zone->mss > 1)
		words_say(words, "%u", zone->mss);
	else
		words_say(words, "%s", zone->mss ? "path-mtu" : "left alone");
}

static const struct {
	const char *name;
	void (*say)(const struct plan_zone *zone, struct words *words);
	enum diff_weight weight;
	const char *reason;
} zone_fields[] = {
	{ "interfaces", zone_interfaces, DIFF_HEAVY, "moves the edge of a zone" },
	{ "networks", zone_networks, DIFF_HEAVY, "moves the edge of a zone" },
	{ "role", zone_role, DIFF_HEAVY, "changes what a zone is" },
	{ "class", zone_class, DIFF_HEAVY, "changes what a zone is" },
	{ "relay", zone_relay, DIFF_NORMAL, "changes what assertions follow" },
	{ "mss", zone_mss, DIFF_LIGHT, "changes the size of segments only" },
};

static struct diff_row *add_about(struct differ *d, enum diff_kind kind, const char *noun,
				  const char *id)
{
	struct diff_row *row = diff_add(d, kind);

	if (!row)
		return NULL;
	row->subject = arena_printf(d->arena, "%s %s", noun, id);
	return row;
}

static void set_zone(struct differ *d, const struct plan_zone *zone, struct diff_row *row)
{
	const char **zones = arena_array_of(d->arena, const char *, 1);

	zones[0] = zone->id;
	row->zones = zones;
	row->n_zones = 1;
	row->at = zone->at;
}

static void tell_zone(struct differ *d, const struct plan_zone *zone, const char *what)
{
	struct diff_row *row = add_about(d, DIFF_CHANGES, "zone", zone->id);

	if (!row)
		return;
	set_zone(d, zone, row);
	row->what = what;
	row->weight = DIFF_HEAVY;
	row->reason = "adds or removes a zone";
}

static void compare_zones(struct differ *d, const struct plan_zone *was, const struct plan_zone *is)
{
	char before[TEXT_SIZE], after[TEXT_SIZE];

	for (size_t i = 0; i < sizeof(zone_fields) / sizeof(zone_fields[0]); i++) {
		struct words a = words_in(before, sizeof(before));
		struct words b = words_in(after, sizeof(after));
		struct diff_row *row;

		zone_fields[i].say(was, &a);
		zone_fields[i].say(is, &b);
		if (strcmp(before, after) == 0)
			continue;
		row = add_about(d, DIFF_CHANGES, "zone", is->id);
		if (!row)
			return;
		set_zone(d, is, row);
		row->what = arena_printf(d->arena, "%s: %s; before: %s", zone_fields[i].name,
					 *after ? after : "none", *before ? before : "none");
		row->weight = zone_fields[i].weight;
		row->reason = zone_fields[i].reason;
	}
}

void diff_zones(struct differ *d)
{
	const struct plan *before = d->before.plan, *after = d->after.plan;

	for (size_t i = 0; i < after->n_zones; i++) {
		uint32_t twin = d->after.zone_twin[i];

		if (twin == PLAN_NONE)
			tell_zone(d, &after->zones[i], "new zone");
		else
			compare_zones(d, &before->zones[twin], &after->zones[i]);
	}
	for (size_t i = 0; i < before->n_zones; i++)
		if (d->before.zone_twin[i] == PLAN_NONE)
			tell_zone(d, &before->zones[i], "zone removed");
}

// --- translation

static void say_zones(struct words *words, const char *glue, const struct plan *plan,
		      const uint16_t *zones, size_t n)
{
	for (size_t i = 0; i < n; i++)
		words_say(words, "%s%s", i ? ", " : glue, plan->zones[zones[i]].id);
}

static void say_ranges(struct words *words, const char *glue, const struct addr_range *ranges,
		       size_t n)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		words_say(words, "%s%s", i ? ", " : glue, addr_range_text(&ranges[i], text));
}

static void say_nat(struct words *words, const struct plan *plan, const struct plan_nat *nat)
{
	static const char *const kinds[] = {
		[POL_NAT_MASQUERADE] = "masquerade",
		[POL_NAT_SOURCE] = "source",
		[POL_NAT_FORWARD] = "forward",
		[POL_NAT_PREFIX] = "prefix",
	};
	char text[ADDR_TEXT_MAX];

	words_say(words, "%s IPv%d", kinds[nat->kind], (int)nat->family);
	say_zones(words, " from ", plan, nat->from, nat->n_from);
	say_ranges(words, " ", nat->sources, nat->n_sources);
	say_zones(words, " to ", plan, nat->to, nat->n_to);
	say_ranges(words, " ", nat->destinations, nat->n_destinations);
	for (size_t i = 0; i < nat->n_atoms; i++)
		words_say(words, "%s%s", i ? ", " : " ",
			  plan_atom_text(&nat->atoms[i], text, sizeof(text)));
	if (nat->kind == POL_NAT_PREFIX)
		words_say(words, " inside %s", addr_range_text(&nat->inside, text));
	if (nat->kind != POL_NAT_MASQUERADE)
		words_say(words, " becomes %s", addr_range_text(&nat->target, text));
	if (nat->port)
		words_say(words, " port %u", nat->port);
	if (nat->hairpin)
		words_say(words, " with hairpin");
}

// An entry may have become several translations; the first is the entry's own.
static bool is_first(const struct plan *plan, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(plan->nats[i].id, plan->nats[index].id) == 0)
			return false;
	return true;
}

static const struct plan_nat *nat_text(const struct plan *plan, const char *id, char *out,
				       size_t size)
{
	struct words words = words_in(out, size);
	const struct plan_nat *found = NULL;

	for (size_t i = 0; i < plan->n_nats; i++) {
		if (strcmp(plan->nats[i].id, id) != 0)
			continue;
		if (found)
			words_say(&words, "; ");
		else
			found = &plan->nats[i];
		say_nat(&words, plan, &plan->nats[i]);
	}
	return found;
}

static void set_nat_zones(struct differ *d, const struct plan *plan, const struct plan_nat *nat,
			  struct diff_row *row)
{
	const char **zones = arena_array_of(d->arena, const char *, nat->n_from + nat->n_to);

	for (size_t i = 0; i < nat->n_from; i++)
		zones[row->n_zones++] = plan->zones[nat->from[i]].id;
	for (size_t i = 0; i < nat->n_to; i++)
		zones[row->n_zones++] = plan->zones[nat->to[i]].id;
	row->zones = zones;
	row->at = nat->at;
}

static void compare_nat(struct differ *d, const char *id)
{
	char before[TEXT_SIZE], after[TEXT_SIZE];
	const struct plan_nat *was = nat_text(d->before.plan, id, before, sizeof(before));
	const struct plan_nat *is = nat_text(d->after.plan, id, after, sizeof(after));
	struct diff_row *row;

	if (was && is && strcmp(before, after) == 0)
		return;
	row = add_about(d, DIFF_CHANGES, "translation", id);
	if (!row)
		return;
	row->what = !was  ? arena_printf(d->arena, "new: %s", after)
		    : !is ? arena_printf(d->arena, "removed: %s", before)
			  : arena_printf(d->arena, "%s; before: %s", after, before);
	if (is)
		set_nat_zones(d, d->after.plan, is, row);
	else if (was)
		set_nat_zones(d, d->before.plan, was, row);
	if (is && is->kind == POL_NAT_FORWARD) {
		row->weight = DIFF_HEAVY;
		row->reason = "leads from outside to a host inside";
	} else {
		row->weight = DIFF_NORMAL;
		row->reason = "changes addresses of packets";
	}
}

void diff_nat(struct differ *d)
{
	const struct plan *before = d->before.plan, *after = d->after.plan;
	char text[TEXT_SIZE];

	for (size_t i = 0; i < after->n_nats; i++)
		if (is_first(after, i))
			compare_nat(d, after->nats[i].id);
	for (size_t i = 0; i < before->n_nats; i++)
		if (is_first(before, i) && !nat_text(after, before->nats[i].id, text, sizeof(text)))
			compare_nat(d, before->nats[i].id);
}
