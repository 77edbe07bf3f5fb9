// Zones and translation: what is not about single flows, yet decides what all of them mean.
#include <stdlib.h>
#include <string.h>

#include "plan/diff_internal.h"

// --- zones

static void zone_interfaces(const void *object, FILE *out)
{
	const struct plan_zone *zone = object;

	for (size_t i = 0; i < zone->n_interfaces; i++)
		fprintf(out, "%s%s%s", i ? ", " : "", zone->interfaces[i].name,
			zone->interfaces[i].pattern ? "*" : "");
}

static void zone_networks(const void *object, FILE *out)
{
	const struct plan_zone *zone = object;
	char text[ADDR_TEXT_MAX];

	if (zone->elsewhere)
		fprintf(out, "every address of no other zone");
	for (size_t i = 0; i < zone->n_networks; i++)
		fprintf(out, "%s%s", i ? ", " : "", addr_range_text(&zone->networks[i], text));
}

static void zone_role(const void *object, FILE *out)
{
	const struct plan_zone *zone = object;
	static const char *const roles[] = {
		[PLAN_INSIDE] = "inside", [PLAN_UPLINK] = "uplink", [PLAN_EXTERNAL] = "external",
		[PLAN_PUBLIC] = "public", [PLAN_SERVER] = "server", [PLAN_GATEWAY] = "gateway",
	};

	fprintf(out, "%s", roles[zone->role]);
}

static void zone_class(const void *object, FILE *out)
{
	const struct plan_zone *zone = object;
	static const char *const classes[] = { "none", "I", "II", "III", "IV" };

	fprintf(out, "%s", classes[zone->class <= 4 ? zone->class : 0]);
}

static void zone_relay(const void *object, FILE *out)
{
	const struct plan_zone *zone = object;

	fprintf(out, "%s", zone->relay ? "yes" : "no");
}

static void zone_mss(const void *object, FILE *out)
{
	const struct plan_zone *zone = object;

	if (zone->mss > 1)
		fprintf(out, "%u", zone->mss);
	else
		fprintf(out, "%s", zone->mss ? "path-mtu" : "left alone");
}

static const struct {
	const char *name;
	diff_say *say; // of a zone
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

// Networks are told by what is gained and lost: they may be many.
static const char *networks_change(struct differ *d, uint32_t before, uint32_t after)
{
	const struct addr_set *gained = &d->after.fresh[after], *lost = &d->before.fresh[before];
	const struct plan_zone *was = &d->before.plan->zones[before];
	const struct plan_zone *is = &d->after.plan->zones[after];
	const char *change = diff_change(d, zone_networks, was, is);

	if (!change || was->elsewhere || is->elsewhere)
		return change;
	return arena_printf(d->arena, "%s%s%s%s%s", gained->n ? "gains " : "",
			    gained->n ? diff_ranges_text(d, gained) : "",
			    gained->n && lost->n ? "; " : "", lost->n ? "loses " : "",
			    lost->n ? diff_ranges_text(d, lost) : "");
}

static void compare_zones(struct differ *d, uint32_t before, uint32_t after)
{
	const struct plan_zone *was = &d->before.plan->zones[before];
	const struct plan_zone *is = &d->after.plan->zones[after];

	for (size_t i = 0; i < sizeof(zone_fields) / sizeof(zone_fields[0]); i++) {
		const char *change = zone_fields[i].say == zone_networks
					     ? networks_change(d, before, after)
					     : diff_change(d, zone_fields[i].say, was, is);
		struct diff_row *row = change ? add_about(d, DIFF_CHANGES, "zone", is->id) : NULL;

		if (!row)
			continue;
		set_zone(d, is, row);
		row->what = arena_printf(d->arena, "%s: %s", zone_fields[i].name, change);
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
			compare_zones(d, twin, (uint32_t)i);
	}
	for (size_t i = 0; i < before->n_zones; i++)
		if (d->before.zone_twin[i] == PLAN_NONE)
			tell_zone(d, &before->zones[i], "zone removed");
}

// --- translation

static void say_zones(FILE *out, const char *glue, const struct plan *plan, const uint16_t *zones,
		      size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? ", " : glue, plan->zones[zones[i]].id);
}

static void say_ranges(FILE *out, const char *glue, const struct addr_range *ranges, size_t n)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? ", " : glue, addr_range_text(&ranges[i], text));
}

static void say_nat(FILE *out, const struct plan *plan, const struct plan_nat *nat)
{
	static const char *const kinds[] = {
		[POL_NAT_MASQUERADE] = "masquerade",
		[POL_NAT_SOURCE] = "source",
		[POL_NAT_FORWARD] = "forward",
		[POL_NAT_PREFIX] = "prefix",
	};
	char text[ADDR_TEXT_MAX];

	fprintf(out, "%s IPv%d", kinds[nat->kind], (int)nat->family);
	say_zones(out, " from ", plan, nat->from, nat->n_from);
	say_ranges(out, " ", nat->sources, nat->n_sources);
	say_zones(out, " to ", plan, nat->to, nat->n_to);
	say_ranges(out, " ", nat->destinations, nat->n_destinations);
	for (size_t i = 0; i < nat->n_atoms; i++)
		fprintf(out, "%s%s", i ? ", " : " ",
			plan_atom_text(&nat->atoms[i], text, sizeof(text)));
	if (nat->kind == POL_NAT_PREFIX)
		fprintf(out, " inside %s", addr_range_text(&nat->inside, text));
	if (nat->kind != POL_NAT_MASQUERADE)
		fprintf(out, " becomes %s", addr_range_text(&nat->target, text));
	if (nat->port)
		fprintf(out, " port %u", nat->port);
	if (nat->hairpin)
		fprintf(out, " with hairpin");
}

// An entry may have become several translations; the first is the entry's own.
static bool is_first(const struct plan *plan, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(plan->nats[i].id, plan->nats[index].id) == 0)
			return false;
	return true;
}

static const struct plan_nat *find_nat(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->n_nats; i++)
		if (strcmp(plan->nats[i].id, id) == 0)
			return &plan->nats[i];
	return NULL;
}

struct entry { // of one policy; may be none
	const struct plan *plan;
	const char *id;
};

static void say_entry(const void *object, FILE *out)
{
	const struct entry *entry = object;
	const char *glue = "";

	for (size_t i = 0; i < entry->plan->n_nats; i++) {
		if (strcmp(entry->plan->nats[i].id, entry->id) != 0)
			continue;
		fputs(glue, out);
		say_nat(out, entry->plan, &entry->plan->nats[i]);
		glue = "; ";
	}
}

static const char *nat_change(struct differ *d, const struct entry *was, const struct entry *is)
{
	char *text;
	const char *what;

	if (was && is)
		return diff_change(d, say_entry, was, is);
	text = diff_said(say_entry, is ? is : was);
	what = arena_printf(d->arena, "%s: %s", is ? "new" : "removed", diff_shown(d, text));
	free(text);
	return what;
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
	const struct entry before = { d->before.plan, id }, after = { d->after.plan, id };
	const struct plan_nat *was = find_nat(d->before.plan, id);
	const struct plan_nat *is = find_nat(d->after.plan, id);
	const char *what = nat_change(d, was ? &before : NULL, is ? &after : NULL);
	struct diff_row *row = what ? add_about(d, DIFF_CHANGES, "translation", id) : NULL;

	if (!row)
		return;
	row->what = what;
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

	for (size_t i = 0; i < after->n_nats; i++)
		if (is_first(after, i))
			compare_nat(d, after->nats[i].id);
	for (size_t i = 0; i < before->n_nats; i++)
		if (is_first(before, i) && !find_nat(after, before->nats[i].id))
			compare_nat(d, before->nats[i].id);
}
