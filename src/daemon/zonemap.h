// Which interfaces and networks belong to which zone, as the running generation says.
#ifndef SEKISHO_DAEMON_ZONEMAP_H
#define SEKISHO_DAEMON_ZONEMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/vec.h"
#include "control/field.h"

struct zonemap_zone {
	const char *id;
	bool uplink;			 // leads outside: a default route may go through it
	VEC(const char *) interfaces;	 // names, or a prefix of names and '*'
	VEC(struct addr_range) networks; // none: whatever no other zone has
};

struct zonemap {
	VEC(struct zonemap_zone) zones;
};

// Borrows the texts of the rows (daemon/report.h: zones).
void zonemap_read(const struct control_rows *zones, struct zonemap *ret);
void zonemap_done(struct zonemap *map);

const struct zonemap_zone *zonemap_of_interface(const struct zonemap *map, const char *name);
// A zone that has all of the range; not the one given (NULL: any).
const struct zonemap_zone *zonemap_with(const struct zonemap *map, const struct addr_range *range,
					const struct zonemap_zone *except);
bool zonemap_zone_has(const struct zonemap_zone *zone, const struct addr_range *range);
// Does any zone have a part of it?
const struct zonemap_zone *zonemap_touching(const struct zonemap *map,
					    const struct addr_range *range);

#endif
