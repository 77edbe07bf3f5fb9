// The axes of ports, protocol and zones.
//
// The distinct ranges of each field cut its 65,536 values into classes; the classes of several
// fields together index a table with a row for each combination, which makes those fields one axis.
// Most combinations have the same rules as another, so the rows are few.  Where the table would be
// too large the fields are parted into more groups, by a list from one group to five.
#ifndef SEKISHO_CLASSIFY_SERVICE_H
#define SEKISHO_CLASSIFY_SERVICE_H

#include "classify/rows.h"
#include "classify/writer.h"

struct service_rule { // what a slot's rule wants
	struct classify_range field[CLASSIFY_FIELDS];
};

// Where the rows of each group go: rows_of() is called once a group, in order.
struct service_sink {
	struct rows *(*rows_of)(void *arg, uint32_t group);
	void *arg;
};

// Writes the maps and tables.
void service_build(const struct service_rule *rules, uint32_t n_slots,
		   const struct service_sink *sink, struct writer *writer, struct image_part *ret);

#endif
