// The form of a table's block: what makes one (geo/maker.h) and what believes one (geo/table.h)
// share.
#ifndef SEKISHO_GEO_BLOCK_H
#define SEKISHO_GEO_BLOCK_H

#include "geo/table.h"

#define GEO_MAGIC UINT64_C(0x316f6567736b6573) // changes with the form

// IPv6 stands first, so that everything is aligned.
static inline size_t geo_table_size(size_t n_v4, size_t n_v6)
{
	return sizeof(struct geo_head) + n_v6 * sizeof(struct geo_v6) +
	       n_v4 * sizeof(struct geo_v4);
}

#endif
