// A short table, searched from its beginning: it is used when there is too much to write anyway.
#include "event/sums.h"

#include <stdio.h>
#include <string.h>

void event_sums_add(struct event_sums *sums, enum event_kind kind, const char *id, uint32_t index,
		    const char *country)
{
	size_t length = strnlen(id, EVENT_SUM_ID_MAX - 1);
	for (size_t i = 0; i < sums->n; i++) {
		struct event_sum *row = &sums->rows[i];
		if (row->kind == kind && row->index == index &&
		    strncmp(row->country, country, 2) == 0 && strncmp(row->id, id, length) == 0 &&
		    !row->id[length]) {
			row->count++;
			return;
		}
	}
	if (sums->n == EVENT_SUMS_MAX) {
		sums->others++;
		return;
	}
	struct event_sum *row = &sums->rows[sums->n++];
	*row = (struct event_sum){ .kind = kind, .index = index, .count = 1 };
	memcpy(row->id, id, length);
	snprintf(row->country, sizeof(row->country), "%.2s", country);
}

uint64_t event_sums_total(const struct event_sums *sums)
{
	uint64_t total = sums->others;
	for (size_t i = 0; i < sums->n; i++)
		total += sums->rows[i].count;
	return total;
}
