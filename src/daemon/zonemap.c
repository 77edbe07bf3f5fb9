#include "daemon/zonemap.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/links.h"

static void read_zone(const struct control_row *row, struct zonemap_zone *zone)
{
	const char *role = control_text(row, CTL_ROLE);
	zone->id = control_text(row, CTL_ID);
	zone->uplink = !strcmp(role, "uplink") || !strcmp(role, "external");
	for (size_t i = 0; i < row->n; i++) {
		struct addr_range range;
		if (row->v[i].tag == CTL_INTERFACE)
			vec_push(&zone->interfaces, row->v[i].text);
		else if (row->v[i].tag == CTL_NETWORK &&
			 addr_range_parse(row->v[i].text, &range) == 0)
			vec_push(&zone->networks, range);
	}
}

void zonemap_read(const struct control_rows *zones, struct zonemap *ret)
{
	*ret = (struct zonemap){ 0 };
	for (size_t i = 1; i < zones->n; i++) {
		struct zonemap_zone *zone = vec_add(&ret->zones);
		read_zone(&zones->v[i], zone);
	}
}

void zonemap_done(struct zonemap *map)
{
	for (size_t i = 0; i < map->zones.n; i++) {
		vec_done(&map->zones.v[i].interfaces);
		vec_done(&map->zones.v[i].networks);
	}
	vec_done(&map->zones);
}

const struct zonemap_zone *zonemap_of_interface(const struct zonemap *map, const char *name)
{
	const struct zonemap_zone *found = NULL;
	for (size_t i = 0; i < map->zones.n; i++) {
		const struct zonemap_zone *zone = &map->zones.v[i];
		for (size_t k = 0; k < zone->interfaces.n; k++) {
			if (!strcmp(zone->interfaces.v[k], name))
				return zone;
			if (link_matches(zone->interfaces.v[k], name))
				found = zone;
		}
	}
	return found;
}

bool zonemap_zone_has(const struct zonemap_zone *zone, const struct addr_range *range)
{
	for (size_t i = 0; i < zone->networks.n; i++)
		if (addr_range_within(range, &zone->networks.v[i]))
			return true;
	return false;
}

const struct zonemap_zone *zonemap_with(const struct zonemap *map, const struct addr_range *range,
					const struct zonemap_zone *except)
{
	for (size_t i = 0; i < map->zones.n; i++)
		if (&map->zones.v[i] != except && zonemap_zone_has(&map->zones.v[i], range))
			return &map->zones.v[i];
	return NULL;
}

const struct zonemap_zone *zonemap_touching(const struct zonemap *map,
					    const struct addr_range *range)
{
	for (size_t i = 0; i < map->zones.n; i++)
		for (size_t k = 0; k < map->zones.v[i].networks.n; k++)
			if (addr_range_overlaps(&map->zones.v[i].networks.v[k], range))
				return &map->zones.v[i];
	return NULL;
}
