// Sums of what is not written one by one: how many, by kind of event, flow or interface, and
// country.
// Bounded: what has no row of its own is summed with the others.
#ifndef SEKISHO_EVENT_SUMS_H
#define SEKISHO_EVENT_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

enum { EVENT_SUMS_MAX = 256, EVENT_SUM_ID_MAX = 128 };

struct event_sum {
	enum event_kind kind;
	uint32_t index; // of an interface; 0: none
	uint64_t count;
	char country[3];	   // that the packets came from; "": none
	char id[EVENT_SUM_ID_MAX]; // of a flow; "": none
};

struct event_sums {
	struct event_sum rows[EVENT_SUMS_MAX];
	size_t n;
	uint64_t others;
};

// id and country are cut to fit.
void event_sums_add(struct event_sums *sums, enum event_kind kind, const char *id, uint32_t index,
		    const char *country);
// Of everything, since it was last emptied (by making it zero).
uint64_t event_sums_total(const struct event_sums *sums);

#endif
