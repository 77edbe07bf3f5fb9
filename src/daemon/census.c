#include "daemon/census.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kernel/conntrack.h"

struct census {
	bool all;
	struct addr_set touched;
	struct census_limits limits;
	uint64_t started_us, looked_at;
	struct conntrack *conntrack;
	sd_event_source *source;
	struct census_result result;
	census_done *done;
	void *arg;
};

static bool touches(const struct addr_set *set, const struct conntrack_entry *entry)
{
	const uint8_t *const ends[] = {
		entry->original.source,
		entry->original.destination,
		entry->reply.source,
		entry->reply.destination,
	};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct addr addr = conntrack_addr(entry->family, ends[i]);
		if (addr_set_contains(set, &addr))
			return true;
	}
	return false;
}

static int take_entry(void *arg, const struct conntrack_entry *entry)
{
	struct census *census = arg;
	if (census->looked_at == census->limits.entries)
		return -E2BIG;
	census->looked_at++;
	census->result.count += census->all || touches(&census->touched, entry);
	return 0;
}

static int on_table(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct census *census = arg;
	(void)source;
	(void)fd;
	(void)events;
	int r = conntrack_dump_step(census->conntrack, take_entry, census);
	bool late = monotonic_us() - census->started_us >= census->limits.us;
	if ((r > 0 || r == -EAGAIN) && !late)
		return 0;
	census->result.more = r > 0 || r == -EAGAIN || r == -E2BIG;
	census->result.known = r == 0 || census->result.more;
	census->source = sd_event_source_disable_unref(census->source);
	census->done(census->arg, &census->result); // it may be gone then
	return 0;
}

int census_start(sd_event *event, const struct addr_set *touched,
		 const struct census_limits *limits, census_done *done, void *arg,
		 struct census **ret_census)
{
	struct census *census = calloc(1, sizeof(*census));
	if (!census)
		return -ENOMEM;
	*census = (struct census){
		.all = !touched,
		.limits = *limits,
		.started_us = monotonic_us(),
		.done = done,
		.arg = arg,
	};
	if (touched)
		addr_set_copy(&census->touched, touched);
	int r = conntrack_open(&census->conntrack);
	if (r == 0)
		r = conntrack_dump_start(census->conntrack);
	if (r == 0)
		r = sd_event_add_io(event, &census->source, conntrack_fd(census->conntrack),
				    EPOLLIN, on_table, census);
	if (r < 0) {
		census_free(census);
		return r;
	}
	*ret_census = census;
	return 0;
}

void census_free(struct census *census)
{
	if (!census)
		return;
	sd_event_source_disable_unref(census->source);
	conntrack_close(census->conntrack);
	addr_set_done(&census->touched);
	free(census);
}
