// Makes a table (geo/table.h): ranges in any order, of valid countries; reserved addresses are
// taken out, and of what overlaps the later one is cut.
#ifndef SEKISHO_GEO_MAKER_H
#define SEKISHO_GEO_MAKER_H

#include "geo/table.h"

struct geo_maker;
struct geo_maker *geo_maker_new(void);
void geo_maker_free(struct geo_maker *maker); // NULL is fine
void geo_maker_add(struct geo_maker *maker, const struct addr_range *range, int country);
// Ranges so far, neighbours not yet joined.
size_t geo_maker_count(const struct geo_maker *maker);
// head: build_epoch, sha256 and type are taken.  0 with a block on the heap, or -E2BIG.
int geo_maker_finish(struct geo_maker *maker, const struct geo_head *head, void **ret_bytes,
		     size_t *ret_size);

#endif
